//! The files as Codex reads them.

use codex_schema::types::policy::System;

use super::{Artifact, Install, Subject};

/// The folder that the artifacts are in.
pub(super) const FOLDER: &str = "system";
/// The folder of policy on Unix.
pub(super) const UNIX_FOLDER: &str = "/etc/codex";
/// The mode of files: everybody reads, nobody but the owner writes.
pub(super) const FILE_MODE: &str = "0644";

/// Makes them.
pub(super) fn make(subject: &Subject<'_>) -> Vec<Artifact> {
    let mut made: Vec<Artifact> = subject
        .policy_files()
        .map(|(path, text)| Artifact {
            path: format!("{FOLDER}/{path}"),
            bytes: text.as_bytes().to_vec(),
            target: "system",
            installs: installs(path),
        })
        .collect();
    if let Some(provenance) = subject.files.get(crate::compile::PROVENANCE_FILE) {
        made.push(Artifact {
            path: format!("{FOLDER}/{}", crate::compile::PROVENANCE_FILE),
            bytes: provenance.as_bytes().to_vec(),
            target: "system",
            installs: Vec::new(),
        });
    }
    made
}

/// Where a file goes, system by system.
pub(crate) fn installs(path: &str) -> Vec<Install> {
    let windows = path.replace('/', "\\");
    vec![
        Install {
            os: System::Linux,
            path: format!("{UNIX_FOLDER}/{path}"),
            owner: "root:root",
            mode: FILE_MODE,
        },
        Install {
            os: System::Macos,
            path: format!("{UNIX_FOLDER}/{path}"),
            owner: "root:wheel",
            mode: FILE_MODE,
        },
        Install {
            os: System::Windows,
            path: format!("%ProgramData%\\OpenAI\\Codex\\{windows}"),
            owner: "BUILTIN\\Administrators",
            mode: "SYSTEM and Administrators full control, Users read",
        },
    ]
}
