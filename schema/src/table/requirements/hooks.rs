//! Programs that run at certain events.

use std::path::PathBuf;

use crate::key::{Effect, KEY, Key, Merge, SECTION, Section, Tighter, Ty, Unknown};
use crate::types::hook::MatcherGroup;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "hooks.managed_dir",
        ty: Ty::of::<PathBuf>(),
        merge: Merge::MustAgree,
        effect: Effect::Adds,
        since: Version::of(124),
        doc: "Folder of the managed hook programs on Unix.",
        example: r#""/opt/hooks""#,
        ..KEY
    },
    Key {
        path: "hooks.windows_managed_dir",
        ty: Ty::of::<PathBuf>(),
        effect: Effect::Adds,
        since: Version::of(124),
        doc: "Folder of the managed hook programs on Windows.",
        example: r"'C:\hooks'",
        ..KEY
    },
    Key {
        path: "hooks.PreToolUse",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(124),
        doc: "Hooks that run before a tool runs.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.PermissionRequest",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(124),
        doc: "Hooks that run when a permission is asked for.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.PostToolUse",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(124),
        doc: "Hooks that run after a tool ran.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.PreCompact",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(124),
        doc: "Hooks that run before the history is compacted.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.PostCompact",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(124),
        doc: "Hooks that run after the history was compacted.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.SessionStart",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(124),
        doc: "Hooks that run when a session starts.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.SessionEnd",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(147),
        doc: "Hooks that run when a session ends.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.UserPromptSubmit",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(124),
        doc: "Hooks that run when the user sends a prompt.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.SubagentStart",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(124),
        doc: "Hooks that run when a subagent starts.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.SubagentStop",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(124),
        doc: "Hooks that run when a subagent stops.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.Stop",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(124),
        doc: "Hooks that run when the agent stops.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.Interrupt",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::patched(153, 4),
        doc: "Hooks that run when the user interrupts the agent.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.PreModelRequest",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(164),
        doc: "Hooks that run before a request to the model.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
    Key {
        path: "hooks.PostModelRequest",
        ty: Ty::of::<Vec<MatcherGroup>>(),
        merge: Merge::Append,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(164),
        doc: "Hooks that run after a request to the model.",
        example: r#"[{ hooks = [{ type = "command", command = "/opt/hooks/check" }] }]"#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[Section {
    path: "hooks",
    expecting: "struct ManagedHooksRequirementsToml",
    unknown: Unknown::Silent,
    buffered: true,
    direct: &["managed_dir", "windows_managed_dir"],
    ..SECTION
}];
