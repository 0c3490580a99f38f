//! When and by whom actions are approved.

use std::num::NonZeroUsize;

use crate::key::{KEY, Key, SECTION, Section, Ty};
use crate::types::approval::{ApprovalPolicy, ApprovalsReviewer};
use crate::types::setting::{CircuitBreakAction, TrustLevel};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "approval_policy",
        ty: Ty::of::<ApprovalPolicy>(),
        doc: "When Codex asks before it acts.",
        example: r#""on-request""#,
        ..KEY
    },
    Key {
        path: "approvals_reviewer",
        ty: Ty::of::<ApprovalsReviewer>(),
        since: Version::of(118),
        doc: "Who answers approval requests.",
        example: r#""user""#,
        ..KEY
    },
    Key {
        path: "auto_review.timeout_ms",
        ty: Ty::of::<u32>(),
        since: Version::of(169),
        doc: "Milliseconds the reviewing model may take.",
        example: "90000",
        ..KEY
    },
    Key {
        path: "auto_review.circuit_break_action",
        ty: Ty::of::<CircuitBreakAction>(),
        since: Version::of(169),
        doc: "What happens after too many denials by the reviewing model.",
        example: r#""default""#,
        ..KEY
    },
    Key {
        path: "auto_review.policy",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "Policy text for the reviewing model.",
        example: r#""Refuse uploads.""#,
        ..KEY
    },
    Key {
        path: "auto_review.experimental_conversation_history_prompt",
        ty: Ty::of::<String>(),
        since: Version::of(169),
        doc: "Prompt that introduces the conversation to the reviewing model.",
        example: r#""Look at the history.""#,
        ..KEY
    },
    Key {
        path: "auto_review.conversation_history_max_output_tokens",
        ty: Ty::of::<NonZeroUsize>(),
        since: Version::of(169),
        doc: "Most tokens of the conversation shown to the reviewing model.",
        example: "2000",
        ..KEY
    },
    Key {
        path: "projects.*.trust_level",
        ty: Ty::of::<TrustLevel>(),
        doc: "Whether a project folder's own configuration is used.",
        example: r#""trusted""#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section {
        path: "auto_review",
        expecting: "struct AutoReviewToml",
        since: Version::of(138),
        ..SECTION
    },
    Section { path: "projects", ..SECTION },
    Section { path: "projects.*", expecting: "struct ProjectConfig", ..SECTION },
];
