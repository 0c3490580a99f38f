//! Ways to sign in that are forced by managed defaults.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Configuration keys, and the requirements that bind.
const KEYS: &[(&str, &str)] = &[
    ("forced_login_method", "allowed_login_methods"),
    ("forced_chatgpt_workspace_id", "allowed_chatgpt_workspaces"),
];

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (key, requirement) in KEYS {
        let Some(entry) = subject.config.entry(key) else { continue };
        let message = format!("the user can override `{key}`, and it deletes other credentials");
        found.push(
            Diagnostic::new(Code::LoginInConfig, message, entry.key.span)
                .help(format!("write `{requirement}` in requirements")),
        );
    }
    found
}
