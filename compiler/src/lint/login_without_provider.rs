//! Ways to sign in without a pinned model provider.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    if subject.requirement(&["model_provider"]).is_some() {
        return Vec::new();
    }
    let keys = ["allowed_login_methods", "allowed_chatgpt_workspaces"];
    let entry = keys.iter().find_map(|key| subject.requirement(&[key]));
    let finding = |span| {
        let message = "sign-in is pinned, and a provider of the user needs none";
        Diagnostic::new(Code::LoginWithoutProvider, message, span)
            .help("pin the provider too: `model_provider = \"openai\"` (Codex 0.156 and newer)")
    };
    entry.map(|entry| finding(entry.key.span)).into_iter().collect()
}
