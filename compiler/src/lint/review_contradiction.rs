//! Review that is required and not allowed.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let models = subject.texts(&["auto_review", "required_on_models"]).unwrap_or_default();
    let reviewers = subject.requirement(&["allowed_approvals_reviewers"]);
    let (Some((model, span)), Some(reviewers)) = (models.first(), reviewers) else {
        return Vec::new();
    };
    if subject.reviewer_allowed() != Some(false) {
        return Vec::new();
    }
    let message = format!("`{model}` needs a review that is not allowed: its sessions are refused");
    vec![
        Diagnostic::new(Code::ReviewContradiction, message, *span)
            .beside(reviewers.key.span, "`auto_review` is missing here")
            .help("add `\"auto_review\"` to `allowed_approvals_reviewers`"),
    ]
}
