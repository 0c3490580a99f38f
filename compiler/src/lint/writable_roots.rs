//! The mode `workspace-write` without permission profiles.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    if subject.requirement(&["allowed_permission_profiles"]).is_some() {
        return Vec::new();
    }
    let modes = subject.texts(&["allowed_sandbox_modes"]).unwrap_or_default();
    let mode = modes.into_iter().find(|(mode, _)| *mode == "workspace-write");
    let finding = |span| {
        let message = "users choose the folders that `workspace-write` may write to";
        Diagnostic::new(Code::WritableRoots, message, span).help(
            "add `allowed_permission_profiles = { \":read-only\" = true, \":workspace\" = true \
             }` and \
             `default_permissions = \":workspace\"` (Codex 0.138 and newer)",
        )
    };
    mode.map(|(_, span)| finding(span)).into_iter().collect()
}
