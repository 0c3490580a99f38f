//! `login status`: whether stored credentials count under the requirements.

use codex_schema::value::Node;
use serde_json::{Value as Json, json};

use super::refusals::{Question, refusal};
use crate::evaluate::Evaluation;

/// What is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// An API key.
    ApiKey,
    /// A ChatGPT account, by its workspace.
    ChatGpt {
        /// The workspace's identifier.
        workspace: &'a str,
    },
}

/// Answers `login status` with what is stored in the user's folder.
///
/// # Errors
/// Codex's refusal.
pub fn login_status(evaluation: &Evaluation, stored: Credentials<'_>) -> Result<Json, String> {
    if let Some(text) = refusal(evaluation, Question::Command) {
        return Err(text);
    }
    let method = match stored {
        Credentials::ApiKey => "api",
        Credentials::ChatGpt { .. } => "chatgpt",
    };
    let allowed = evaluation.composition.merged.get("allowed_login_methods");
    let forced = evaluation.config().get("forced_login_method");
    let workspaces = evaluation.composition.merged.get("allowed_chatgpt_workspaces");
    let forced_workspace = evaluation.config().get("forced_chatgpt_workspace_id");
    let workspace = match stored {
        Credentials::ApiKey => None,
        Credentials::ChatGpt { workspace } => Some(workspace),
    };
    let counts = [allowed, forced].into_iter().all(|node| permits(node, method))
        && workspace.is_none_or(|workspace| {
            [workspaces, forced_workspace].into_iter().all(|node| permits(node, workspace))
        });
    Ok(match (counts, stored) {
        (false, _) => json!({"rc": 1, "text": "Not logged in"}),
        (true, Credentials::ChatGpt { .. }) => json!({"rc": 0, "text": "Logged in using ChatGPT"}),
        (true, Credentials::ApiKey) => json!({
            "rc": 0,
            "text": "API key configured - ***\nAuthentication is checked when you send a request.",
        }),
    })
}

/// Whether a text or a list of texts permits a value; nothing said permits everything.
fn permits(node: Option<&Node>, value: &str) -> bool {
    let Some(node) = node else { return true };
    match node.value.as_array() {
        Some(list) => list.iter().any(|one| one.value.as_str().map(str::trim) == Some(value)),
        None => node.value.as_str() == Some(value),
    }
}
