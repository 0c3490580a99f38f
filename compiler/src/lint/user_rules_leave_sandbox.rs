//! Rules of users that allow, in a policy that confines.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let ignored = subject.texts(&["auto_review", "ignore_rules"]).unwrap_or_default();
    if !subject.confines() || !subject.denied_paths().is_empty() || !ignored.is_empty() {
        return Vec::new();
    }
    let keys = ["allowed_sandbox_modes", "allowed_permission_profiles"];
    let entry = keys.iter().find_map(|key| subject.requirement(&[key]));
    let entry = entry.or_else(|| subject.network().map(|network| network.entry));
    let span = entry.map_or(subject.anchor, |entry| entry.key.span);
    let message = "a command that a rule of the user allows runs outside the sandbox";
    vec![Diagnostic::new(Code::UserRulesLeaveSandbox, message, span).help(
        "deny at least one path: `[permissions.filesystem]` with `deny_read = [\"~/.ssh\"]`; or \
         list \
         every model in `auto_review.ignore_rules`",
    )]
}
