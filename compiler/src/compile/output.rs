//! The folder that a compilation is written to: all of it or nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{COMPILER_VERSION, Compilation};
use crate::digest::sha256_hex;

/// The form of the index; changes with every change that readers must know of.
const FORM: &str = "codex-config compilation 1";

/// The file that lists what is there.
pub const INDEX_FILE: &str = "index.json";

/// What a folder of compiled policy holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The form of this file.
    pub form: String,
    /// The version of the compiler.
    pub compiler: String,
    /// The organisation.
    pub organisation: String,
    /// The commit that was compiled; `None` outside of version control.
    pub commit: Option<String>,
    /// Whether files differed from it.
    pub dirty: bool,
    /// The cohorts, by name.
    pub cohorts: BTreeMap<String, IndexEntry>,
}

/// One cohort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// A digest of what the policy says.
    pub digest: String,
    /// Codex versions it was checked against.
    pub codex_versions: Vec<String>,
    /// SHA-256 of every file, by its path below the cohort's folder.
    pub files: BTreeMap<String, String>,
}

/// The index of a compilation.
pub fn index(compilation: &Compilation, organisation: &str) -> Index {
    let cohorts = compilation
        .cohorts
        .iter()
        .map(|(name, cohort)| {
            let files = cohort
                .files
                .iter()
                .map(|(path, text)| (path.clone(), sha256_hex(text.as_bytes())))
                .collect();
            let entry = IndexEntry {
                digest: cohort.digest.clone(),
                codex_versions: cohort.versions.iter().map(ToString::to_string).collect(),
                files,
            };
            (name.clone(), entry)
        })
        .collect();
    Index {
        form: FORM.to_owned(),
        compiler: COMPILER_VERSION.to_owned(),
        organisation: organisation.to_owned(),
        commit: compilation.state.head.clone(),
        dirty: compilation.state.dirty,
        cohorts,
    }
}

/// Why a folder could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something is there that this program did not write.
    #[error(
        "`{0}` is there and is not a folder of compiled policy; name another folder, or remove it"
    )]
    NotOurs(PathBuf),
    /// The system refused.
    #[error("cannot write `{0}`: {1}")]
    Io(PathBuf, #[source] io::Error),
}

/// What writing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The folder holds the new compilation.
    New,
    /// It held the same already.
    Unchanged,
}

/// Writes a compilation in the place of an older one: aside first, then by renaming.
///
/// # Errors
/// When the folder is not one of ours, or the system refuses; what was there then still is.
pub fn write(
    folder: &Path,
    compilation: &Compilation,
    index: &Index,
) -> Result<Written, WriteError> {
    let text = index_text(index);
    match fs::read_to_string(folder.join(INDEX_FILE)) {
        Ok(old) if old == text && is_complete(folder, index) => return Ok(Written::Unchanged),
        Ok(_) => {}
        Err(_) if fs::symlink_metadata(folder).is_err() || is_empty(folder) => {}
        Err(_) => return Err(WriteError::NotOurs(folder.to_owned())),
    }
    let aside = sibling(folder, "new");
    let outcome = fill(&aside, compilation, &text).and_then(|()| replace(folder, &aside));
    if outcome.is_err() {
        // What was made halfway is of no use; that removing it fails too changes nothing.
        drop(fs::remove_dir_all(&aside));
    }
    outcome.map(|()| Written::New)
}

fn index_text(index: &Index) -> String {
    let mut text = serde_json::to_string_pretty(index).unwrap_or_default();
    text.push('\n');
    text
}

/// Whether every file of an index is there with the right bytes.
fn is_complete(folder: &Path, index: &Index) -> bool {
    index.cohorts.iter().all(|(name, cohort)| {
        cohort.files.iter().all(|(path, digest)| {
            fs::read(folder.join(name).join(path)).is_ok_and(|bytes| sha256_hex(&bytes) == *digest)
        })
    })
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// A name beside a folder that nobody else uses.
fn sibling(folder: &Path, what: &str) -> PathBuf {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = format!(".{}.{what}-{}", name.unwrap_or_default(), std::process::id());
    folder.with_file_name(name)
}

fn fill(aside: &Path, compilation: &Compilation, index: &str) -> Result<(), WriteError> {
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |error| WriteError::Io(path, error)
    };
    fs::create_dir_all(aside).map_err(refused(aside))?;
    for (name, cohort) in &compilation.cohorts {
        for (path, text) in &cohort.files {
            let file = aside.join(name).join(path);
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent).map_err(refused(parent))?;
            }
            fs::write(&file, text).map_err(refused(&file))?;
        }
    }
    let file = aside.join(INDEX_FILE);
    fs::write(&file, index).map_err(refused(&file))
}

/// Puts a finished folder in the place of the old one.
fn replace(folder: &Path, aside: &Path) -> Result<(), WriteError> {
    let refused = |error| WriteError::Io(folder.to_owned(), error);
    let old = sibling(folder, "old");
    let had = fs::symlink_metadata(folder).is_ok();
    if had {
        fs::rename(folder, &old).map_err(refused)?;
    }
    if let Err(error) = fs::rename(aside, folder) {
        if had {
            // Back to what was there; if even that fails, it is still there under the other name.
            drop(fs::rename(&old, folder));
        }
        return Err(refused(error));
    }
    if had {
        fs::remove_dir_all(&old).map_err(|error| WriteError::Io(old, error))?;
    }
    Ok(())
}
