//! Marketplace entries that lack a field.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Kinds of sources, and the field each needs.
const FIELDS: &[(&str, &str)] =
    &[("git", "url"), ("host_pattern", "host_pattern"), ("local", "path")];

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let sources = subject.table(&["marketplaces", "allowed_sources"]);
    let mut found = Vec::new();
    for entry in sources.into_iter().flatten() {
        let name = &entry.key.value;
        let kind = entry.node.at(&["source"]);
        let missing = match kind.and_then(|kind| kind.value.as_str()) {
            None if kind.is_none() => Some("source"),
            None => None,
            Some(kind) => FIELDS
                .iter()
                .find(|(own, field)| *own == kind && entry.node.at(&[field]).is_none())
                .map(|(_, field)| *field),
        };
        let Some(missing) = missing else { continue };
        let message = format!("the marketplace source `{name}` lacks `{missing}`");
        found.push(
            Diagnostic::new(Code::SourceIncomplete, message, entry.key.span)
                .help(format!("add `{missing}`")),
        );
    }
    found
}
