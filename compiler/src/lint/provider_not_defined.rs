//! A pinned model provider without a definition.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Providers that Codex brings.
const BUILT_IN: &[&str] =
    &["amazon-bedrock", "amazon-bedrock-runtime", "gcp", "lmstudio", "ollama", "openai"];

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let Some(entry) = subject.requirement(&["model_provider"]) else { return Vec::new() };
    let Some(name) = entry.node.value.as_str() else { return Vec::new() };
    if BUILT_IN.contains(&name) || subject.requirement(&["model_providers", name]).is_some() {
        return Vec::new();
    }
    let message = format!("the user defines what the pinned provider `{name}` is");
    vec![
        Diagnostic::new(Code::ProviderNotDefined, message, entry.node.span)
            .help(format!("define it in requirements: `[model_providers.{name}]`")),
    ]
}
