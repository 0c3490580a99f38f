//! Hosts to be reviewed by nobody.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::Subject;
use super::view::texts;

/// Checks a policy.
pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let Some(network) = subject.network() else { return Vec::new() };
    let Some(entry) = network.table.entry("review_domains") else { return Vec::new() };
    if texts(&entry.node).is_empty() || subject.reviewer_allowed() == Some(true) {
        return Vec::new();
    }
    let message = "requests to `review_domains` are blocked where the user reviews";
    vec![
        Diagnostic::new(Code::ReviewWithoutReviewer, message, entry.key.span)
            .help("write `allowed_approvals_reviewers = [\"auto_review\"]`"),
    ]
}
