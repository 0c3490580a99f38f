//! Network policy that is not enabled: even denied hosts are reached.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};

use super::view::View;

/// Keys that restrict nothing until the policy is enabled.
const RESTRICTIONS: &[&str] = &[
    "domains",
    "allowed_domains",
    "denied_domains",
    "review_domains",
    "managed_allowed_domains_only",
];

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let Some(network) = subject.network() else { return Vec::new() };
    let enabled = network.table.get("enabled");
    // Of another type, `enabled` is a mistake of its own and was meant.
    if enabled.is_some_and(|node| node.value.as_bool() != Some(false)) {
        return Vec::new();
    }
    let first = RESTRICTIONS.iter().find_map(|key| network.table.entry(key));
    let Some(entry) = first else { return Vec::new() };
    let key = &entry.key.value;
    let message = format!("`{key}` restricts nothing without `enabled = true`");
    let diagnostic = Diagnostic::new(Code::NetworkNotEnabled, message, entry.key.span)
        .help("add `enabled = true` beside it")
        .effect(Effect::new(Versions::since(118), Outcome::EnforcesNothing));
    // Where it says `false` a person must decide what was meant.
    let edits = network.set(subject, "enabled", "true").filter(|_| enabled.is_none());
    match edits {
        Some(edits) => vec![diagnostic.fix("enable the network policy", edits)],
        None => vec![diagnostic],
    }
}
