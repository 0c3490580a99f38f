//! Who must be asked before Codex acts.

use crate::key::{Effect, KEY, Key, Tighter, Ty};
use crate::types::approval::{ApprovalPolicy, ApprovalsReviewer};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "allowed_approval_policies",
        ty: Ty::of::<Vec<ApprovalPolicy>>(),
        tighter: Tighter::Subset,
        effect: Effect::Constrains("approval_policy"),
        since: Version::of(77),
        doc: "The approval policies a session may run with; the first is the fallback.",
        example: r#"["on-request", "never"]"#,
        ..KEY
    },
    Key {
        path: "allowed_approvals_reviewers",
        ty: Ty::of::<Vec<ApprovalsReviewer>>(),
        tighter: Tighter::Subset,
        effect: Effect::Constrains("approvals_reviewer"),
        since: Version::of(120),
        doc: "Who may answer approval requests; the first is the fallback.",
        example: r#"["user"]"#,
        ..KEY
    },
];
