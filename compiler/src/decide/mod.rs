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
mod hosts;
pub mod question;
mod scripts;
mod shell;

use answer::Answer;
use question::Question;

use crate::evaluate::Evaluation;

/// Answers a question about a machine, or about the machine of a cohort.
pub fn answer(evaluation: &Evaluation, question: &Question) -> Answer {
    match question {
        Question::Host(host) => hosts::answer(evaluation, host),
        Question::Script(script) => scripts::of_script(evaluation, script),
        Question::Command(command) => scripts::of_command(evaluation, command),
        Question::Path { .. }
        | Question::Server(_)
        | Question::Feature(_)
        | Question::Setting { .. } => todo!("the next commits"),
    }
}

/// A command on one line, quoted as Codex quotes it.
pub fn command_line(command: &[String]) -> String {
    scripts::line(command)
}

/// A map whose order is never looked at.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
