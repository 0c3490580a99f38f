//! Programs that run at events.

use crate::key::{KEY, Key, SECTION, Section, Ty, Unknown};
use crate::types::hook_setting::MatcherGroup;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "hooks.PreModelRequest",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::of(169),
        doc: "What runs before a request to the model.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.PostModelRequest",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::of(169),
        doc: "What runs after a request to the model.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.PreToolUse",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::of(138),
        doc: "What runs before a tool is called.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.PermissionRequest",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::of(138),
        doc: "What runs when approval is asked for.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.PostToolUse",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::of(138),
        doc: "What runs after a tool was called.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.PreCompact",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::of(138),
        doc: "What runs before the history is compacted.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.PostCompact",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::of(138),
        doc: "What runs after the history was compacted.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.SessionStart",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::of(138),
        doc: "What runs when a session starts.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.SessionEnd",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::patched(157, 1),
        doc: "What runs when a session ends.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.UserPromptSubmit",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::of(138),
        doc: "What runs when the user submits a prompt.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.SubagentStart",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::of(138),
        doc: "What runs when an agent starts.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.SubagentStop",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::of(138),
        doc: "What runs when an agent stops.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.Stop",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::of(138),
        doc: "What runs when a turn ends.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.Interrupt",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        since: Version::patched(157, 1),
        doc: "What runs when a turn is interrupted.",
        example: r#"[{ matcher = "Bash", hooks = [{ type = "command", command = "audit" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.state.*.enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether this hook runs.",
        example: "false",
        ..KEY
    },
    Key {
        path: "hooks.state.*.trusted_hash",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "Hash of the hook that the user trusted.",
        example: r#""sha256:0""#,
        ..KEY
    },
    Key {
        path: "hooks.state.*.trusted_content_hash",
        ty: Ty::of::<String>(),
        since: Version::of(169),
        doc: "Hash of the program that the user trusted.",
        example: r#""sha256:0""#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section {
        path: "hooks",
        expecting: "struct HooksToml",
        unknown: Unknown::Silent,
        buffered: true,
        since: Version::of(138),
        ..SECTION
    },
    Section { path: "hooks.state", since: Version::of(138), ..SECTION },
    Section {
        path: "hooks.state.*",
        expecting: "struct HookStateToml",
        since: Version::of(138),
        ..SECTION
    },
];
