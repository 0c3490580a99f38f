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
pub mod hooks;
mod hosts;
pub mod paths;
pub mod question;
mod refused;
mod scripts;
mod servers;
mod settings;
mod shell;

use answer::Answer;
use paths::disk::{Disk, Unseen};
use question::Question;

use crate::evaluate::Evaluation;

/// Answers a question about a machine, or about the machine of a cohort, without a look at its disk.
pub fn answer(evaluation: &Evaluation, question: &Question) -> Answer {
    answer_on(evaluation, question, &Unseen)
}

/// Answers a question about a machine whose disk can be looked at: for paths it matters where links
/// lead, what is there and what patterns find.
pub fn answer_on(evaluation: &Evaluation, question: &Question, disk: &dyn Disk) -> Answer {
    if let Some(refused) = refused::answer(evaluation, &question.to_string()) {
        return refused;
    }
    match question {
        Question::Host(host) => hosts::answer(evaluation, host),
        Question::Script(script) => hooked(evaluation, scripts::of_script(evaluation, script)),
        Question::Command(command) => hooked(evaluation, scripts::of_command(evaluation, command)),
        Question::Path { path, access } => paths::answer(evaluation, path, *access, disk),
        Question::Server { name, launch } => servers::answer(evaluation, name, launch.as_ref()),
        Question::Feature(name) => features::answer(evaluation, name),
        Question::Setting { key, value } => settings::answer(evaluation, key, value),
    }
}

fn hooked(evaluation: &Evaluation, mut answer: Answer) -> Answer {
    hooks::add(&mut answer, evaluation);
    answer
}

/// A command on one line, quoted as Codex quotes it.
pub fn command_line(command: &[String]) -> String {
    scripts::line(command)
}

/// A map whose order is never looked at.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// A set whose order is never looked at.
pub(crate) type Set<T> = std::collections::HashSet<T, foldhash::fast::RandomState>;

#[cfg(test)]
mod tests;
