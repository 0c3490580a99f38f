//! The browser agent.

use crate::key::{Effect, KEY, Key, SECTION, Secret, Section, Tighter, Ty};
use crate::types::choice::{AllowDeny, ApprovalLifetime};
use crate::types::text::RequestHeaderToml;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "browser_use.extension.request_headers",
        ty: Ty::of::<Vec<RequestHeaderToml>>(),
        effect: Effect::Hints,
        secret: Secret::Yes,
        since: Version::of(164),
        doc: "Headers the browser extension adds to requests.",
        example: r#"[{ name = "x-org", value = "a" }]"#,
        ..KEY
    },
    Key {
        path: "browser_use.allow_webmcp",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Hints,
        since: Version::patched(157, 1),
        doc: "Whether sites may offer tools to the browser agent.",
        example: "false",
        ..KEY
    },
    Key {
        path: "browser_use.allow_history_access",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Whether the browser agent may read the browsing history.",
        example: "false",
        ..KEY
    },
    Key {
        path: "browser_use.disable_auto_review",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Hints,
        since: Version::of(146),
        doc: "Whether automatic review of browser actions is switched off.",
        example: "true",
        ..KEY
    },
    Key {
        path: "browser_use.allow_global_persistent_approval",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Whether one approval may cover all sites for good.",
        example: "false",
        ..KEY
    },
    Key {
        path: "browser_use.default_origin_policy.access",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Access to sites no other entry names.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.default_origin_policy.downloads",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Downloads from sites no other entry names.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.default_origin_policy.uploads",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Uploads to sites no other entry names.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.default_origin_policy.full_cdp_access",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Full debugging access to sites no other entry names.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.default_origin_policy.auto_review",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Automatic review of actions on sites no other entry names.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "browser_use.default_origin_policy.persistent_approval",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Whether an approval for sites no other entry names may be kept.",
        example: "false",
        ..KEY
    },
    Key {
        path: "browser_use.default_origin_policy.access_approval_lifetime",
        ty: Ty::of::<ApprovalLifetime>(),
        tighter: Tighter::Order(&["turn", "thread"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "How long an approval for sites no other entry names lasts.",
        example: r#""turn""#,
        ..KEY
    },
    Key {
        path: "browser_use.origins.*.access",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Access to this site.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.origins.*.downloads",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Downloads from this site.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.origins.*.uploads",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Uploads to this site.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.origins.*.full_cdp_access",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Full debugging access to this site.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.origins.*.auto_review",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Automatic review of actions on this site.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "browser_use.origins.*.persistent_approval",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "Whether an approval for this site may be kept.",
        example: "false",
        ..KEY
    },
    Key {
        path: "browser_use.origins.*.access_approval_lifetime",
        ty: Ty::of::<ApprovalLifetime>(),
        tighter: Tighter::Order(&["turn", "thread"]),
        effect: Effect::Hints,
        since: Version::patched(153, 4),
        doc: "How long an approval for this site lasts.",
        example: r#""turn""#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "browser_use", expecting: "struct BrowserUseRequirementsToml", ..SECTION },
    Section {
        path: "browser_use.extension",
        expecting: "struct BrowserUseExtensionRequirementsToml",
        ..SECTION
    },
    Section {
        path: "browser_use.default_origin_policy",
        expecting: "struct BrowserUseOriginPolicyToml",
        ..SECTION
    },
    Section { path: "browser_use.origins", ..SECTION },
    Section {
        path: "browser_use.origins.*",
        expecting: "struct BrowserUseOriginPolicyToml",
        ..SECTION
    },
];
