//! What a policy decides: the answers that Codex gives, computed from composed requirements.
//!
//! Each module makes a view of one part of the requirements once, in time linear in its size, and
//! then answers questions from it. Answers name the entries they come from by span, so that a
//! caller can show the file, the line and the author.
//!
//! **Invariants.** Nothing here knows which channel said what, prints, or decides what would be
//! better. Entries that Codex refuses decide nothing; refusing them is `compose`'s work.

pub mod answer;
pub mod commands;
pub mod domains;
mod features;
mod hosts;
pub mod question;
mod scripts;
mod servers;
mod settings;

use answer::{Answer, EntrySaid, Verdict};
use codex_schema::span::Span;
use question::Question;

use crate::evaluate::Evaluation;

/// Answers a question about a machine, or about the machine of a cohort.
pub fn answer(evaluation: &Evaluation, question: &Question) -> Answer {
    if let Some(refusal) = evaluation.refusals.first() {
        return nothing_starts(question, &refusal.text, refusal.span);
    }
    match question {
        Question::Host(host) => hosts::answer(evaluation, host),
        Question::Script(script) => scripts::answer(evaluation, script),
        Question::Command(_) | Question::Path { .. } => todo!("the next commits"),
        Question::Server { name, launch } => servers::answer(evaluation, name, launch.as_ref()),
        Question::Feature(name) => features::answer(evaluation, name),
        Question::Setting { key, value } => settings::answer(evaluation, key, value),
    }
}

/// Where Codex refuses its policy, nothing happens at all.
fn nothing_starts(question: &Question, says: &str, span: Option<Span>) -> Answer {
    let because = "Codex refuses its policy or configuration: nothing starts";
    let mut answer = Answer::new(question.to_string(), Verdict::Deny, because);
    answer.codex_says = Some(says.to_owned());
    answer.entries.extend(span.map(|span| EntrySaid {
        key: "refused".to_owned(),
        text: says.lines().next().unwrap_or_default().to_owned(),
        verdict: Verdict::Deny,
        reason: None,
        span,
    }));
    answer.advice.push("see `codex-config explain` for everything that is wrong".to_owned());
    answer
}

/// A map whose order is never looked at.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

#[cfg(test)]
mod tests;
