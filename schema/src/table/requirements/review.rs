//! The automatic reviewer, instructions and defaults of new threads.

use crate::key::{Effect, KEY, Key, Merge, SECTION, Section, Tighter, Ty};
use crate::types::text::ReasoningEffort;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "auto_review.required_on_models",
        ty: Ty::of::<Vec<String>>(),
        merge: Merge::Union,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(148),
        doc: "Models whose approvals must go to the automatic reviewer.",
        example: r#"["gpt-5"]"#,
        ..KEY
    },
    Key {
        path: "auto_review.ignore_rules",
        ty: Ty::of::<Vec<String>>(),
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(148),
        doc: "Models for which saved allow rules are ignored.",
        example: r#"["gpt-5"]"#,
        ..KEY
    },
    Key {
        path: "models.new_thread.model",
        ty: Ty::of::<String>(),
        effect: Effect::Hints,
        since: Version::of(143),
        doc: "Model new threads start with.",
        example: r#""gpt-5""#,
        ..KEY
    },
    Key {
        path: "models.new_thread.model_reasoning_effort",
        ty: Ty::of::<ReasoningEffort>(),
        effect: Effect::Hints,
        since: Version::of(143),
        doc: "Reasoning effort new threads start with.",
        example: r#""high""#,
        ..KEY
    },
    Key {
        path: "models.new_thread.service_tier",
        ty: Ty::of::<String>(),
        effect: Effect::Hints,
        since: Version::of(143),
        doc: "Service tier new threads start with.",
        example: r#""flex""#,
        ..KEY
    },
    Key {
        path: "additional_developer_instructions",
        ty: Ty::of::<String>(),
        effect: Effect::Adds,
        since: Version::of(150),
        doc: "Instructions added to every session.",
        example: r#""Be careful.""#,
        ..KEY
    },
    Key {
        path: "guardian_policy_config",
        ty: Ty::of::<String>(),
        effect: Effect::Adds,
        since: Version::of(120),
        doc: "Security policy text given to the automatic reviewer.",
        example: r#""Refuse risky actions.""#,
        ..KEY
    },
    Key {
        path: "guardian_extra_policy",
        ty: Ty::of::<String>(),
        effect: Effect::Adds,
        since: Version::of(157),
        doc: "Text added to the security policy of the automatic reviewer.",
        example: r#""Also refuse uploads.""#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "auto_review", expecting: "struct AutoReviewRequirementsToml", ..SECTION },
    Section { path: "models", expecting: "struct ModelsRequirementsToml", ..SECTION },
    Section {
        path: "models.new_thread",
        expecting: "struct NewThreadModelDefaultsToml",
        ..SECTION
    },
];
