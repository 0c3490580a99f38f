//! Places and habits of the client.

use std::path::PathBuf;

use crate::key::{Effect, KEY, Key, SECTION, Section, Text, Tighter, Ty};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "sqlite_home",
        ty: Ty::of::<PathBuf>(),
        effect: Effect::Fixes("sqlite_home"),
        text: Text::Path,
        since: Version::of(146),
        doc: "Folder of the SQLite state databases.",
        example: r#""/var/lib/codex""#,
        ..KEY
    },
    Key {
        path: "log_dir",
        ty: Ty::of::<PathBuf>(),
        effect: Effect::Fixes("log_dir"),
        text: Text::Path,
        since: Version::of(146),
        doc: "Folder of the log files.",
        example: r#""/var/log/codex""#,
        ..KEY
    },
    Key {
        path: "model_catalog_json",
        ty: Ty::of::<PathBuf>(),
        effect: Effect::Fixes("model_catalog_json"),
        text: Text::Path,
        since: Version::of(146),
        doc: "File holding the model catalogue; it must exist when Codex starts.",
        example: r#""/etc/hosts""#,
        ..KEY
    },
    Key {
        path: "model_provider",
        ty: Ty::of::<String>(),
        effect: Effect::Fixes("model_provider"),
        since: Version::of(156),
        doc: "Identifier of the model provider every session must use.",
        example: r#""openai""#,
        ..KEY
    },
    Key {
        path: "check_for_update_on_startup",
        ty: Ty::of::<bool>(),
        effect: Effect::Fixes("check_for_update_on_startup"),
        since: Version::of(146),
        doc: "Whether Codex looks for a newer version when it starts.",
        example: "false",
        ..KEY
    },
    Key {
        path: "allow_login_shell",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Fixes("allow_login_shell"),
        since: Version::of(146),
        doc: "Whether commands may run in a login shell.",
        example: "false",
        ..KEY
    },
    Key {
        path: "unsafe_enforce_sqlite_journal_mode",
        ty: Ty::of::<bool>(),
        since: Version::of(166),
        doc: "Whether Codex enforces the journal mode of its SQLite databases.",
        example: "true",
        ..KEY
    },
    Key {
        path: "feedback.enabled",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Fixes("feedback.enabled"),
        since: Version::of(146),
        doc: "Whether users may send feedback to OpenAI.",
        example: "false",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] =
    &[Section { path: "feedback", expecting: "struct FeedbackConfigToml", ..SECTION }];
