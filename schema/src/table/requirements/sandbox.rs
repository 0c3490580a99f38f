//! How far commands are fenced in.

use crate::key::{Effect, KEY, Key, Merge, SECTION, Section, Tighter, Ty, Unset};
use crate::types::choice::{SandboxMode, WebSearchMode, WindowsSandbox};
use crate::types::text::RemoteSandboxConfigToml;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "allowed_sandbox_modes",
        ty: Ty::of::<Vec<SandboxMode>>(),
        tighter: Tighter::Subset,
        effect: Effect::Constrains("sandbox_mode"),
        since: Version::of(77),
        doc: "Sandbox modes users may choose; `read-only` must be among them.",
        example: r#"["read-only", "workspace-write"]"#,
        ..KEY
    },
    Key {
        path: "allowed_permission_profiles.*",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        unset: Unset::Listed(1),
        effect: Effect::Constrains("default_permissions"),
        since: Version::of(138),
        doc: "Whether the named permission profile may be used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "default_permissions",
        ty: Ty::of::<String>(),
        effect: Effect::Constrains("default_permissions"),
        since: Version::of(138),
        doc: "Permission profile used when the user names none.",
        example: r#"":read-only""#,
        ..KEY
    },
    Key {
        path: "remote_sandbox_config",
        ty: Ty::of::<Vec<RemoteSandboxConfigToml>>(),
        merge: Merge::Consumed,
        effect: Effect::Constrains("sandbox_mode"),
        since: Version::of(123),
        doc: "Sandbox modes for hosts whose name matches a pattern.",
        example: r#"[{ hostname_patterns = ["ci-*"], allowed_sandbox_modes = ["read-only"] }]"#,
        ..KEY
    },
    Key {
        path: "allowed_web_search_modes",
        ty: Ty::of::<Vec<WebSearchMode>>(),
        tighter: Tighter::Subset,
        effect: Effect::Constrains("web_search"),
        since: Version::of(99),
        doc: "Web search modes users may choose; `disabled` is always allowed.",
        example: r#"["cached"]"#,
        ..KEY
    },
    Key {
        path: "allow_managed_hooks_only",
        ty: Ty::of::<bool>(),
        tighter: Tighter::True,
        since: Version::of(131),
        doc: "Whether only managed hooks run.",
        example: "true",
        ..KEY
    },
    Key {
        path: "windows.allowed_sandbox_implementations",
        ty: Ty::of::<Vec<WindowsSandbox>>(),
        tighter: Tighter::Subset,
        effect: Effect::Constrains("windows.sandbox"),
        since: Version::of(136),
        doc: "Windows sandbox implementations users may choose.",
        example: r#"["elevated"]"#,
        ..KEY
    },
    Key {
        path: "windows.allow_mxc",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Constrains("windows.sandbox"),
        since: Version::of(164),
        doc: "Whether the MXC sandbox may be used on Windows.",
        example: "false",
        ..KEY
    },
    Key {
        path: "windows.require_mxc",
        ty: Ty::of::<bool>(),
        tighter: Tighter::True,
        effect: Effect::Constrains("windows.sandbox"),
        since: Version::of(164),
        doc: "Whether the MXC sandbox must be used on Windows.",
        example: "true",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "allowed_permission_profiles", ..SECTION },
    Section { path: "windows", expecting: "struct WindowsRequirementsToml", ..SECTION },
];
