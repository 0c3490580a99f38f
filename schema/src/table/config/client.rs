//! Folders, logs, updates and limits of the program itself.

use std::num::NonZeroU64;
use std::path::PathBuf;

use crate::key::{KEY, Key, SECTION, Section, Text, Ty};
use crate::types::setting::{FileOpener, HistoryPersistence};
use crate::types::setting_value::ThreadStoreToml;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "allow_symlinked_codex_home",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether `CODEX_HOME` may be a symbolic link.",
        example: "true",
        ..KEY
    },
    Key {
        path: "notify",
        ty: Ty::of::<Vec<String>>(),
        doc: "Program and arguments run when a turn has ended.",
        example: r#"["notify-send", "Codex"]"#,
        ..KEY
    },
    Key {
        path: "tool_output_token_limit",
        ty: Ty::of::<usize>(),
        doc: "Most tokens of a tool's output kept in the history.",
        example: "10000",
        ..KEY
    },
    Key {
        path: "background_terminal_max_timeout",
        ty: Ty::of::<u64>(),
        since: Version::of(118),
        doc: "Most milliseconds to wait for output of a background terminal.",
        example: "300000",
        ..KEY
    },
    Key {
        path: "thread_unload_delay_secs",
        ty: Ty::of::<u64>(),
        since: Version::patched(157, 1),
        doc: "Seconds after which an unused thread is unloaded.",
        example: "600",
        ..KEY
    },
    Key {
        path: "js_repl_node_path",
        ty: Ty::of::<PathBuf>(),
        text: Text::Path,
        since: Version::of(118),
        doc: "Ignored; once the Node program of the JavaScript tool.",
        example: r#""/usr/bin/node""#,
        ..KEY
    },
    Key {
        path: "js_repl_node_module_dirs",
        ty: Ty::of::<Vec<PathBuf>>(),
        text: Text::Paths,
        since: Version::of(118),
        doc: "Ignored; once the module folders of the JavaScript tool.",
        example: r#"["/srv/node_modules"]"#,
        ..KEY
    },
    Key {
        path: "history.persistence",
        ty: Ty::of::<HistoryPersistence>(),
        doc: "Whether prompts are kept in the history file.",
        example: r#""save-all""#,
        ..KEY
    },
    Key {
        path: "history.max_bytes",
        ty: Ty::of::<usize>(),
        doc: "Most bytes of the history file.",
        example: "1048576",
        ..KEY
    },
    Key {
        path: "sqlite_home",
        ty: Ty::of::<PathBuf>(),
        text: Text::Path,
        since: Version::of(118),
        doc: "Folder of the state database.",
        example: r#""/var/lib/codex""#,
        ..KEY
    },
    Key {
        path: "log_dir",
        ty: Ty::of::<PathBuf>(),
        text: Text::Path,
        doc: "Folder of log files.",
        example: r#""/var/log/codex""#,
        ..KEY
    },
    Key {
        path: "file_opener",
        ty: Ty::of::<FileOpener>(),
        doc: "Editor that links to files open in.",
        example: r#""vscode""#,
        ..KEY
    },
    Key {
        path: "hide_agent_reasoning",
        ty: Ty::of::<bool>(),
        doc: "Whether reasoning is hidden from the output.",
        example: "false",
        ..KEY
    },
    Key {
        path: "show_raw_agent_reasoning",
        ty: Ty::of::<bool>(),
        doc: "Whether the model's raw reasoning is shown.",
        example: "false",
        ..KEY
    },
    Key {
        path: "check_for_update_on_startup",
        ty: Ty::of::<bool>(),
        doc: "Whether Codex looks for a newer version when it starts.",
        example: "true",
        ..KEY
    },
    Key {
        path: "disable_paste_burst",
        ty: Ty::of::<bool>(),
        doc: "Whether fast typing is never taken for a paste.",
        example: "false",
        ..KEY
    },
    Key {
        path: "desktop.*",
        ty: Ty::of::<serde_json::Value>(),
        since: Version::of(169),
        doc: "Setting of the desktop app.",
        example: "true",
        ..KEY
    },
    Key {
        path: "experimental_use_unified_exec_tool",
        ty: Ty::of::<bool>(),
        doc: "Whether the unified command tool is used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "experimental_thread_store_endpoint",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "No longer supported; a value is refused.",
        example: r#""http://127.0.0.1:1""#,
        ..KEY
    },
    Key {
        path: "experimental_thread_store",
        ty: Ty::of::<ThreadStoreToml>(),
        since: Version::of(138),
        doc: "Where threads are kept.",
        example: r#"{ type = "local" }"#,
        ..KEY
    },
    Key {
        path: "ghost_snapshot.ignore_large_untracked_files",
        ty: Ty::of::<i64>(),
        was: &["ghost_snapshot.ignore_untracked_files_over_bytes"],
        doc: "Size in bytes from which untracked files are left out of snapshots.",
        example: "10485760",
        ..KEY
    },
    Key {
        path: "ghost_snapshot.ignore_large_untracked_dirs",
        ty: Ty::of::<i64>(),
        was: &["ghost_snapshot.large_untracked_dir_warning_threshold"],
        doc: "Number of files from which untracked folders are left out of snapshots.",
        example: "200",
        ..KEY
    },
    Key {
        path: "ghost_snapshot.disable_warnings",
        ty: Ty::of::<bool>(),
        doc: "Whether warnings about snapshots are left out.",
        example: "false",
        ..KEY
    },
    Key {
        path: "profile",
        ty: Ty::of::<String>(),
        doc: "Former choice of a profile; a value is refused.",
        example: r#""work""#,
        ..KEY
    },
    Key {
        path: "goals.max_goal_token_budget",
        ty: Ty::of::<NonZeroU64>(),
        since: Version::patched(157, 1),
        doc: "Most tokens a goal may use.",
        example: "100000",
        ..KEY
    },
    Key {
        path: "suppress_unstable_features_warning",
        ty: Ty::of::<bool>(),
        doc: "Whether the warning about unfinished features is left out.",
        example: "false",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "history", expecting: "struct History", ..SECTION },
    Section { path: "desktop", since: Version::of(138), ..SECTION },
    Section { path: "ghost_snapshot", expecting: "struct GhostSnapshotToml", ..SECTION },
    Section {
        path: "goals",
        expecting: "struct GoalsToml",
        since: Version::patched(157, 1),
        ..SECTION
    },
];
