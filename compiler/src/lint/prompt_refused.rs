//! Rules that ask where nobody may be asked.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;
use crate::sources::rules_file::Decision;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let policies = subject.texts(&["allowed_approval_policies"]).unwrap_or_default();
    let [("never", never)] = policies.as_slice() else { return Vec::new() };
    let rules = subject.commands();
    let asking: Vec<_> = rules.iter().filter(|rule| rule.decision == Decision::Prompt).collect();
    let Some(first) = asking.first() else { return Vec::new() };
    let message = match asking.len() {
        1 => format!("`{}` is refused: nobody may be asked", first.words()),
        count => format!("{count} rules ask, and nobody may be asked: they refuse"),
    };
    vec![
        Diagnostic::new(Code::PromptRefused, message, first.span)
            .beside(*never, "the only approval policy")
            .help("write `forbidden` if that is meant, or allow `on-request` too"),
    ]
}
