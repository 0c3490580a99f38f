//! Hooks that are not managed do not run.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let key = "allow_managed_hooks_only";
    let entry = subject.requirement(&[key]).filter(|_| subject.is(&[key], true));
    let finding = |span| {
        let message = "hooks of users, projects and plugins do not run";
        Diagnostic::new(Code::OtherHooksSilenced, message, span)
    };
    entry.map(|entry| finding(entry.key.span)).into_iter().collect()
}
