//! Hosts to be reviewed where nobody may be asked.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::{View, texts};

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let Some(network) = subject.network() else { return Vec::new() };
    let Some(entry) = network.table.entry("review_domains") else { return Vec::new() };
    let policies = subject.texts(&["allowed_approval_policies"]).unwrap_or_default();
    let [("never", never)] = policies.as_slice() else { return Vec::new() };
    if texts(&entry.node).is_empty() {
        return Vec::new();
    }
    let message = "requests to `review_domains` are blocked: nobody may be asked";
    vec![
        Diagnostic::new(Code::ReviewWithoutReviewer, message, entry.key.span)
            .beside(*never, "the only approval policy")
            .help("allow `on-request` too, or remove the list"),
    ]
}
