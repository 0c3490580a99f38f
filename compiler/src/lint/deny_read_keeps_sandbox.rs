//! Rules that allow, beside denied paths.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;
use crate::sources::rules_file::Decision;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let denied = subject.denied_paths();
    let rules = subject.commands();
    let allows = rules.iter().find(|rule| rule.decision == Decision::Allow);
    let (Some((_, path)), Some(rule)) = (denied.first(), allows) else { return Vec::new() };
    let message = format!("`{}` runs without asking, and stays in the sandbox", rule.words());
    vec![
        Diagnostic::new(Code::DenyReadKeepsSandbox, message, rule.span)
            .beside(*path, "because this is denied"),
    ]
}
