//! Forbidden commands where full access is allowed.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;
use crate::sources::rules_file::Decision;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    if !subject.full_access() {
        return Vec::new();
    }
    let rules = subject.commands();
    let Some(rule) = rules.iter().find(|rule| rule.decision == Decision::Forbidden) else {
        return Vec::new();
    };
    let message = "commands are forbidden and no sandbox stands behind the rules";
    vec![
        Diagnostic::new(Code::GuardrailOnly, message, rule.span)
            .label("most other spellings of it run")
            .help("leave `danger-full-access` out of `allowed_sandbox_modes`"),
    ]
}
