//! Lists of allowed hosts that users may add to.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::{View, flag};

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let Some(network) = subject.network() else { return Vec::new() };
    let open = network.table.get("managed_allowed_domains_only");
    // Said to be open it is a decision, not an oversight.
    if flag(network.table, "enabled") != Some(true) || open.is_some() {
        return Vec::new();
    }
    let domains = subject.domains();
    let Some(first) = domains.iter().find(|domain| domain.allowed) else { return Vec::new() };
    let message = "users can add hosts to the allowed ones";
    let diagnostic = Diagnostic::new(Code::AllowListOpen, message, first.span)
        .help("add `managed_allowed_domains_only = true`; `false` says that it is meant");
    match network.set(subject, "managed_allowed_domains_only", "true") {
        Some(edits) => vec![diagnostic.fix("close the list of allowed hosts", edits)],
        None => vec![diagnostic],
    }
}
