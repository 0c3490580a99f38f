//! A list of marketplaces that is not in force.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let Some(entry) = subject.requirement(&["marketplaces", "allowed_sources"]) else {
        return Vec::new();
    };
    let switch = subject.requirement(&["marketplaces", "restrict_to_allowed_sources"]);
    if switch.is_some_and(|switch| switch.node.value.as_bool() != Some(false)) {
        return Vec::new();
    }
    let message =
        "`allowed_sources` restricts nothing without `restrict_to_allowed_sources = true`";
    let diagnostic = Diagnostic::new(Code::SourcesNotRestricted, message, entry.key.span)
        .help("add `restrict_to_allowed_sources = true` to `[marketplaces]`");
    let path = ["marketplaces", "restrict_to_allowed_sources"];
    let edits = subject.set(entry.key.span, &path, "true").filter(|_| switch.is_none());
    match edits {
        Some(edits) => vec![diagnostic.fix("restrict marketplaces to the list", edits)],
        None => vec![diagnostic],
    }
}
