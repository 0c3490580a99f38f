//! The folder that compiled policy is written to.
//!
//! Files are made aside and moved into place when all of the repository turned out to be right. A
//! folder made anew, or one in which everything changed, is moved as a whole; otherwise every
//! cohort's folder is the old one or the new one, never half of either, and the index, which comes
//! last, lists the digest of every file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::{COMPILER_VERSION, CompiledCohort};
use crate::check::CheckedTree;
use crate::compile::history::State;

/// The form of the index; changes with every change that readers must know of.
const FORM: &str = "codex-config compilation 1";

/// The file that lists what is there.
pub const INDEX_FILE: &str = "index.json";

/// What a folder of compiled policy holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// A digest of what it was made from.
    pub inputs: String,
    /// Codex versions it was checked against.
    pub codex_versions: Vec<String>,
    /// SHA-256 of every file, by its path below the cohort's folder.
    pub files: BTreeMap<String, String>,
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

pub(crate) fn refused(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |error| WriteError::Io(path, error)
}

/// A folder about to be written. Dropped before [`Folder::commit`], it leaves no trace.
#[derive(Debug)]
pub struct Folder {
    place: PathBuf,
    aside: PathBuf,
    old: Index,
    kept: BTreeMap<String, IndexEntry>,
    staged: Mutex<BTreeMap<String, IndexEntry>>,
}

/// What writing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The index that is in force now.
    pub index: Index,
    /// The cohorts whose files were made anew.
    pub written: BTreeSet<String>,
    /// The cohorts that are gone.
    pub removed: BTreeSet<String>,
}

impl Folder {
    /// Opens a folder: one of ours, an empty one, or none yet.
    ///
    /// # Errors
    /// When something else is there.
    pub fn open(place: &Path) -> Result<Self, WriteError> {
        let old = match fs::read(place.join(INDEX_FILE)) {
            Ok(bytes) => match serde_json::from_slice::<Index>(&bytes) {
                Ok(index) if index.form == FORM => index,
                // An older form, or a damaged one: everything is made anew.
                _ => Index::default(),
            },
            Err(_) if fs::symlink_metadata(place).is_err() || is_empty(place) => Index::default(),
            Err(_) => return Err(WriteError::NotOurs(place.to_owned())),
        };
        let aside = sibling(place, "new");
        let (kept, staged) = (BTreeMap::new(), Mutex::default());
        Ok(Self { place: place.to_owned(), aside, old, kept, staged })
    }

    /// Whether a cohort's files are there and were made from these inputs.
    pub fn holds(&self, cohort: &str, inputs: &str) -> bool {
        let entry = self.old.cohorts.get(cohort);
        entry.is_some_and(|entry| {
            let folder = self.place.join(cohort);
            entry.inputs == inputs && entry.files.keys().all(|path| folder.join(path).is_file())
        })
    }

    /// Keeps a cohort's files as they are.
    pub fn keep(&mut self, cohort: &str) {
        if let Some(entry) = self.old.cohorts.get(cohort) {
            self.kept.insert(cohort.to_owned(), entry.clone());
        }
    }

    /// Writes a cohort's files aside; on any number of threads at once.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stage(
        &self,
        name: &str,
        cohort: &CompiledCohort,
        inputs: String,
    ) -> Result<(), WriteError> {
        let folder = self.aside.join(name);
        fs::create_dir_all(&folder).map_err(refused(&folder))?;
        for (path, text) in &cohort.files {
            let file = folder.join(path);
            if let Some(parent) = file.parent().filter(|parent| *parent != folder) {
                fs::create_dir_all(parent).map_err(refused(parent))?;
            }
            fs::write(&file, text).map_err(refused(&file))?;
        }
        let codex_versions = cohort.versions.iter().map(ToString::to_string).collect();
        let digest = cohort.digest.clone();
        let entry = IndexEntry { digest, inputs, codex_versions, files: cohort.hashes.clone() };
        let mut staged = self.staged.lock().unwrap_or_else(PoisonError::into_inner);
        staged.insert(name.to_owned(), entry);
        Ok(())
    }

    /// Moves everything into place. Takes the checked repository as proof that all of it is right.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn commit(mut self, tree: &CheckedTree, state: &State) -> Result<Committed, WriteError> {
        let staged = std::mem::take(&mut self.staged).into_inner();
        let staged = staged.unwrap_or_else(PoisonError::into_inner);
        let written: BTreeSet<String> = staged.keys().cloned().collect();
        let mut cohorts = std::mem::take(&mut self.kept);
        cohorts.extend(staged);
        let index = Index {
            form: FORM.to_owned(),
            compiler: COMPILER_VERSION.to_owned(),
            organisation: tree.repository.manifest.organisation.clone(),
            commit: state.head.clone(),
            dirty: state.dirty,
            cohorts,
        };
        let known = self.old.cohorts.keys();
        let removed = known.filter(|name| !index.cohorts.contains_key(*name)).cloned().collect();
        let committed = Committed { index, written, removed };
        if committed.index == self.old {
            return Ok(committed);
        }
        if committed.written.len() == committed.index.cohorts.len() {
            self.replace_all(&committed.index)?;
        } else {
            self.replace_some(&committed)?;
        }
        Ok(committed)
    }

    /// The whole folder at once.
    fn replace_all(&self, index: &Index) -> Result<(), WriteError> {
        fs::create_dir_all(&self.aside).map_err(refused(&self.aside))?;
        let file = self.aside.join(INDEX_FILE);
        fs::write(&file, text_of(index)).map_err(refused(&file))?;
        swap(&self.aside, &self.place)
    }

    /// Cohort by cohort, the index last.
    fn replace_some(&self, committed: &Committed) -> Result<(), WriteError> {
        let Committed { index, written, removed } = committed;
        for name in written {
            swap(&self.aside.join(name), &self.place.join(name))?;
        }
        let aside = sibling(&self.place, "index");
        fs::write(&aside, text_of(index)).map_err(refused(&aside))?;
        let file = self.place.join(INDEX_FILE);
        fs::rename(&aside, &file).map_err(refused(&file))?;
        for name in removed {
            let folder = self.place.join(name);
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(WriteError::Io(folder, error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left aside is the old state or unfinished; that removing it fails changes nothing.
        drop(fs::remove_dir_all(&self.aside));
    }
}

fn text_of(index: &Index) -> String {
    let mut text = serde_json::to_string_pretty(index).unwrap_or_default();
    text.push('\n');
    text
}

pub(crate) fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// A name beside a folder that nobody else uses.
pub(crate) fn sibling(folder: &Path, what: &str) -> PathBuf {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = format!(".{}.{what}-{}", name.unwrap_or_default(), std::process::id());
    folder.with_file_name(name)
}

/// Puts a new folder in the place of an old one; the old one is then where the new one was.
pub(crate) fn swap(new: &Path, place: &Path) -> Result<(), WriteError> {
    if fs::symlink_metadata(place).is_err() {
        return fs::rename(new, place).map_err(refused(place));
    }
    exchange(new, place).map_err(refused(place))
}

#[cfg(target_os = "linux")]
fn exchange(new: &Path, place: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // Some file systems cannot exchange.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => in_two_steps(new, place),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(new: &Path, place: &Path) -> io::Result<()> {
    in_two_steps(new, place)
}

fn in_two_steps(new: &Path, place: &Path) -> io::Result<()> {
    let old = sibling(place, "old");
    fs::rename(place, &old)?;
    if let Err(error) = fs::rename(new, place) {
        // Back to what was there; if even that fails, it is still there under the other name.
        drop(fs::rename(&old, place));
        return Err(error);
    }
    fs::rename(&old, new)
}
