//! What the model is told beside the user's own words.

use std::path::PathBuf;

use crate::key::{KEY, Key, Text, Ty};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "instructions",
        ty: Ty::of::<String>(),
        doc: "System instructions for the model.",
        example: r#""Be brief.""#,
        ..KEY
    },
    Key {
        path: "developer_instructions",
        ty: Ty::of::<String>(),
        doc: "Instructions added as a developer message.",
        example: r#""Use British spelling.""#,
        ..KEY
    },
    Key {
        path: "include_permissions_instructions",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the model is told what it may do.",
        example: "true",
        ..KEY
    },
    Key {
        path: "include_apps_instructions",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the model is told about apps.",
        example: "true",
        ..KEY
    },
    Key {
        path: "include_collaboration_mode_instructions",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the model is told how it collaborates.",
        example: "true",
        ..KEY
    },
    Key {
        path: "include_environment_context",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the model is told about its surroundings.",
        example: "true",
        ..KEY
    },
    Key {
        path: "include_environment_context_time",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether the model is told the time.",
        example: "true",
        ..KEY
    },
    Key {
        path: "project_doc_max_bytes",
        ty: Ty::of::<usize>(),
        doc: "Most bytes read from a project's instruction file.",
        example: "32768",
        ..KEY
    },
    Key {
        path: "project_doc_fallback_filenames",
        ty: Ty::of::<Vec<String>>(),
        doc: "Names of instruction files looked for where there is no AGENTS.md.",
        example: r#"["CLAUDE.md"]"#,
        ..KEY
    },
    Key {
        path: "project_root_markers",
        ty: Ty::of::<Vec<String>>(),
        doc: "Names of entries that mark the root folder of a project.",
        example: r#"[".git"]"#,
        ..KEY
    },
    Key {
        path: "experimental_compact_prompt_file",
        ty: Ty::of::<PathBuf>(),
        text: Text::Path,
        doc: "File with the prompt that asks for a compacted history.",
        example: r#""/etc/codex/compact.md""#,
        ..KEY
    },
];
