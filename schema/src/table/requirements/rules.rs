//! Rules on commands, and where requests are processed.

use crate::key::{Effect, KEY, Key, Merge, SECTION, Section, Tighter, Ty};
use crate::types::choice::Residency;
use crate::types::rule::RequirementsExecPolicyPrefixRuleToml;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "rules.prefix_rules",
        ty: Ty::of::<Vec<RequirementsExecPolicyPrefixRuleToml>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(93),
        doc: "Commands that are refused or need approval, by leading words.",
        example: r#"[{ pattern = [{ token = "rm" }], decision = "prompt" }]"#,
        ..KEY
    },
    Key {
        path: "enforce_residency",
        ty: Ty::of::<Residency>(),
        effect: Effect::Adds,
        since: Version::of(93),
        doc: "Region requests to OpenAI must stay in.",
        example: r#""us""#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[Section {
    path: "rules",
    expecting: "struct RequirementsExecPolicyToml",
    required: &["prefix_rules"],
    ..SECTION
}];
