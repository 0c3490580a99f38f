//! What commands may touch.

use std::path::PathBuf;

use crate::key::{KEY, Key, SECTION, Secret, Section, Text, Tighter, Ty};
use crate::types::setting::{FilterAction, SandboxSetting, ShellInherit, WindowsSandboxSetting};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "shell_environment_policy.inherit",
        ty: Ty::of::<ShellInherit>(),
        doc: "Which environment variables commands start from.",
        example: r#""core""#,
        ..KEY
    },
    Key {
        path: "shell_environment_policy.ignore_default_excludes",
        ty: Ty::of::<bool>(),
        doc: "Whether variables that look like secrets are passed on too.",
        example: "false",
        ..KEY
    },
    Key {
        path: "shell_environment_policy.exclude",
        ty: Ty::of::<Vec<String>>(),
        doc: "Patterns of variables taken away.",
        example: r#"["AWS_*"]"#,
        ..KEY
    },
    Key {
        path: "shell_environment_policy.set.*",
        ty: Ty::of::<String>(),
        secret: Secret::Yes,
        doc: "Variable set for every command.",
        example: r#""1""#,
        ..KEY
    },
    Key {
        path: "shell_environment_policy.include_only",
        ty: Ty::of::<Vec<String>>(),
        doc: "Patterns of the only variables passed on.",
        example: r#"["PATH"]"#,
        ..KEY
    },
    Key {
        path: "shell_environment_policy.filters.*",
        ty: Ty::of::<FilterAction>(),
        since: Version::patched(157, 1),
        doc: "Whether variables of this pattern are passed on.",
        example: r#""exclude""#,
        ..KEY
    },
    Key {
        path: "shell_environment_policy.experimental_use_profile",
        ty: Ty::of::<bool>(),
        doc: "Whether commands run in the user's shell profile.",
        example: "false",
        ..KEY
    },
    Key {
        path: "allow_login_shell",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether commands may run in a login shell.",
        example: "true",
        ..KEY
    },
    Key {
        path: "sandbox_mode",
        ty: Ty::of::<SandboxSetting>(),
        tighter: Tighter::Order(&["read-only", "workspace-write", "danger-full-access"]),
        doc: "How far commands are fenced in.",
        example: r#""workspace-write""#,
        ..KEY
    },
    Key {
        path: "sandbox_workspace_write.writable_roots",
        ty: Ty::of::<Vec<PathBuf>>(),
        text: Text::Paths,
        tighter: Tighter::Subset,
        doc: "Folders commands may write to beside the workspace.",
        example: r#"["/srv/data"]"#,
        ..KEY
    },
    Key {
        path: "sandbox_workspace_write.network_access",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        doc: "Whether commands in the workspace sandbox may use the network.",
        example: "false",
        ..KEY
    },
    Key {
        path: "sandbox_workspace_write.exclude_tmpdir_env_var",
        ty: Ty::of::<bool>(),
        tighter: Tighter::True,
        doc: "Whether the folder named by TMPDIR is kept from writing.",
        example: "false",
        ..KEY
    },
    Key {
        path: "sandbox_workspace_write.exclude_slash_tmp",
        ty: Ty::of::<bool>(),
        tighter: Tighter::True,
        doc: "Whether `/tmp` is kept from writing.",
        example: "false",
        ..KEY
    },
    Key {
        path: "windows.sandbox",
        ty: Ty::of::<WindowsSandboxSetting>(),
        since: Version::of(118),
        doc: "Implementation of the sandbox on Windows.",
        example: r#""elevated""#,
        ..KEY
    },
    Key {
        path: "windows.allow_mxc",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether the MXC sandbox may be used on Windows.",
        example: "false",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section {
        path: "shell_environment_policy",
        expecting: "struct ShellEnvironmentPolicyTomlRaw",
        ..SECTION
    },
    Section { path: "shell_environment_policy.set", ..SECTION },
    Section {
        path: "shell_environment_policy.filters",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "sandbox_workspace_write",
        expecting: "struct SandboxWorkspaceWrite",
        ..SECTION
    },
    Section {
        path: "windows",
        expecting: "struct WindowsToml",
        since: Version::of(118),
        ..SECTION
    },
];
