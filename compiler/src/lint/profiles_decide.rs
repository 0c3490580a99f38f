//! Sandbox modes beside permission profiles.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let Some(profiles) = subject.requirement(&["allowed_permission_profiles"]) else {
        return Vec::new();
    };
    ["sandbox_mode", "sandbox_workspace_write"]
        .iter()
        .filter_map(|key| subject.config.entry(key))
        .map(|entry| {
            let key = &entry.key.value;
            let message = format!("`{key}` has no effect: permission profiles decide");
            Diagnostic::new(Code::ProfilesDecide, message, entry.key.span)
                .beside(profiles.key.span, "the profiles")
                .help("remove it; write what it should do as a profile under `[permissions]`")
        })
        .collect()
}
