//! Approval policies whose first entry, the one that is fallen back to, is `never`.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let policies = subject.requirement(&["allowed_approval_policies"]);
    let list = policies.and_then(|entry| entry.node.value.as_array()).unwrap_or_default();
    match list {
        [first, _, ..] if first.value.as_str() == Some("never") => {
            let message = "a policy that is not allowed becomes `never`, the first of the list";
            vec![
                Diagnostic::new(Code::NeverFirst, message, first.span)
                    .help("put the policy first that should take its place"),
            ]
        }
        _ => Vec::new(),
    }
}
