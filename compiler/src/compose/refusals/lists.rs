//! Lists that must not be empty, or must contain something.

use codex_schema::value::Node;

use super::{Merged, Refusal};
use crate::compose::Phase;

pub(super) fn approval_policies(merged: &Merged<'_>) -> Vec<Refusal> {
    not_empty(merged, "allowed_approval_policies", &["allowed_approval_policies"])
}

pub(super) fn approvals_reviewers(merged: &Merged<'_>) -> Vec<Refusal> {
    not_empty(merged, "allowed_approvals_reviewers", &["allowed_approvals_reviewers"])
}

pub(super) fn windows_implementations(merged: &Merged<'_>) -> Vec<Refusal> {
    let path = ["windows", "allowed_sandbox_implementations"];
    not_empty(merged, "windows.allowed_sandbox_implementations", &path)
}

fn not_empty(merged: &Merged<'_>, name: &str, path: &[&str]) -> Vec<Refusal> {
    let empty = |node: &&Node| node.value.as_array().is_some_and(<[Node]>::is_empty);
    let found = merged.get(path).filter(empty);
    found
        .map(|node| Refusal::start(format!("field `{name}` cannot be empty"), Some(node.span)))
        .into_iter()
        .collect()
}

/// Every list of sandbox modes must contain `read-only`.
pub(super) fn sandbox_modes(merged: &Merged<'_>) -> Vec<Refusal> {
    let Some(node) = merged.get(&["allowed_sandbox_modes"]) else { return Vec::new() };
    let modes: Vec<&str> = strings(node).collect();
    if modes.contains(&"read-only") {
        return Vec::new();
    }
    let names: Vec<String> = modes.into_iter().map(variant_name).collect();
    let text = format!(
        "invalid value for `allowed_sandbox_modes`: `[{}]` is not in the allowed set must include \
         'read-only' to allow any {} (set by {})",
        names.join(", "),
        merged.era().sandbox_policy_name(),
        merged.set_by("allowed_sandbox_modes")
    );
    vec![Refusal::start(text, Some(node.span))]
}

/// At least one way to log in must remain, together with what the configuration forces.
pub(super) fn login_methods(merged: &Merged<'_>) -> Vec<Refusal> {
    let Some(node) = merged.get(&["allowed_login_methods"]) else { return Vec::new() };
    let forced = merged.config.get("forced_login_method").and_then(|node| node.value.as_str());
    let remains = match forced {
        Some(method) => strings(node).any(|allowed| allowed == method),
        None => strings(node).next().is_some(),
    };
    if remains {
        return Vec::new();
    }
    let text = "authentication requirements do not permit any usable login method";
    vec![Refusal::start(text, Some(node.span)).in_phase(Phase::Login)]
}

/// The strings of a list.
pub(super) fn strings(node: &Node) -> impl Iterator<Item = &str> {
    node.value.as_array().unwrap_or_default().iter().filter_map(|one| one.value.as_str())
}

/// `workspace-write` as `WorkspaceWrite`: Codex prints its own names here.
pub fn variant_name(name: &str) -> String {
    name.split(['-', '_'])
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        })
        .collect()
}
