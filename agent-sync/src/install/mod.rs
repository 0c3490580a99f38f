//! Puts the files of a bundle where Codex reads them: all of them or none, whatever happens.
//!
//! A switch has a point of no return, the journal. Before it, new files lie aside in the folders
//! that they are for, flushed and read back; a kill, a full or a broken disk leaves the old policy
//! whole. After it, the switch is finished, now or by the next start: files are renamed one by one,
//! the requirements last, and what is missing is written again from the generation that was kept
//! first. So every start of the agent ends with all of the old policy or all of the new one.
//!
//! Reading order: `plan` (what is to be there), `mod` (the switch), `drift` (what is there).

pub mod drift;
pub mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use codex_fleet::check_in::Held;
use codex_trust::provider::{hex, sha256};
use codex_trust::store::{MetadataStore as _, StoreError};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::disk::{DiskError, Entry, Folder, Found, Missing, Owner, split};
use crate::layout::Layout;
use crate::store::FileStore;
use plan::{Generation, Planned, Which};

/// What names of files end in that were written aside.
pub const ASIDE: &str = ".codex-agent-new";

/// The folder that is swept for them.
const BASE: &str = "/etc/codex";

/// How deep it is swept.
const DEPTH: usize = 4;

const CURRENT: &str = "current";
const JOURNAL: &str = "journal";

/// Why something was not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A file or folder.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The agent's own memory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The agent's own memory is there and cannot be understood.
    #[error("`{name}` among the installed generations is damaged: {problem}")]
    Damaged {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// Something is in the way that is no file, and is not removed.
    #[error("`{path}` is {what}, where a file of policy belongs; move it away")]
    InTheWay {
        /// The path.
        path: String,
        /// What it is.
        what: &'static str,
    },
}

/// What is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Current {
    /// The generation, as it is kept.
    pub generation: Held,
    /// Which of its files.
    pub which: Which,
    /// Since when.
    pub since: Timestamp,
    /// The one before, which is kept.
    pub previous: Option<Held>,
}

/// A switch past its point of no return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    to: Current,
    /// Paths of the policy before that the new one does not have.
    gone: BTreeSet<String>,
}

/// A file that somebody else put where policy belongs. A copy is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Foreign {
    /// The path.
    pub path: String,
    /// What it was.
    pub what: String,
    /// The name of the copy among the installed generations; none of what is no file.
    pub kept: Option<String>,
}

/// What installs, and knows what it has installed. One process at a time.
#[derive(Debug)]
pub struct Installer {
    root: Folder,
    store: FileStore,
    owner: Owner,
}

impl Installer {
    /// Opens the machine's generations, and finishes or forgets a switch that was cut off.
    ///
    /// # Errors
    /// When folders are in others' hands, another process has them, or the disk fails.
    pub fn open(layout: &Layout, wait: Duration) -> Result<Self, InstallError> {
        layout.prepare()?;
        let root = Folder::root(layout.root())?;
        let store = FileStore::open(&layout.installed(), wait)?;
        let installer = Self { root, store, owner: Owner::of_this_process() };
        installer.recover()?;
        Ok(installer)
    }

    /// Opens the machine's generations only to look, while another process may have them.
    ///
    /// # Errors
    /// When they are absent or in others' hands.
    pub fn looking(layout: &Layout) -> Result<Self, InstallError> {
        let root = Folder::root(layout.root())?;
        let store = FileStore::reading(&layout.installed())?;
        Ok(Self { root, store, owner: Owner::of_this_process() })
    }

    /// Where the agent's memory is, for what else has to be kept in it.
    pub fn store(&self) -> &FileStore {
        &self.store
    }

    /// What is in force; nothing on a new machine.
    ///
    /// # Errors
    /// When the memory cannot be read.
    pub fn current(&self) -> Result<Option<(Current, Generation)>, InstallError> {
        let Some(current) = self.kept::<Current>(CURRENT)? else { return Ok(None) };
        let generation = self.generation(&current.generation)?;
        Ok(Some((current, generation)))
    }

    fn generation(&self, held: &Held) -> Result<Generation, InstallError> {
        let name = name_of(held);
        let absent = || InstallError::Damaged { name: name.clone(), problem: "it is gone".into() };
        self.kept(&name)?.ok_or_else(absent)
    }

    fn kept<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, InstallError> {
        let Some(bytes) = self.store.load(name)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| InstallError::Damaged {
            name: name.to_owned(),
            problem: error.to_string(),
        })
    }

    fn keep<T: Serialize>(&self, name: &str, value: &T) -> Result<(), InstallError> {
        let bytes = serde_json::to_vec(value).map_err(|error| InstallError::Damaged {
            name: name.to_owned(),
            problem: error.to_string(),
        })?;
        if self.store.load(name)?.as_deref() != Some(&bytes) {
            self.store.store(name, &bytes)?;
        }
        Ok(())
    }

    /// Puts a generation's files into force. What foreign files were replaced is said.
    ///
    /// # Errors
    /// When a folder is in others' hands, something is in the way, or the disk fails. The old
    /// policy is whole then, or the next [`Installer::recover`] finishes the switch.
    pub fn install(
        &self,
        generation: &Generation,
        which: Which,
        now: Timestamp,
    ) -> Result<Vec<Foreign>, InstallError> {
        self.recover()?;
        let before = self.current()?;
        let planned = generation.planned(which);
        let ours = before.as_ref().map(|(current, old)| old.planned(current.which));
        let ours = ours.unwrap_or_default();
        self.keep(&name_of(&generation.held), generation)?;
        let gone: BTreeSet<String> =
            ours.keys().filter(|path| !planned.contains_key(*path)).cloned().collect();
        let staged = self.stage(&planned).and_then(|()| self.foreign(&planned, &gone, &ours));
        let foreign = match staged {
            Ok(foreign) => foreign,
            Err(error) => {
                // What is wrong already is worth more than that tidying failed, too.
                let _swept_by_the_next_start = self.sweep();
                return Err(error);
            }
        };
        let to = next(generation, which, before.map(|(current, _)| current), now);
        self.keep(JOURNAL, &Some(Switch { to, gone }))?;
        self.recover()?;
        Ok(foreign)
    }

    /// Finishes a switch that is past its point of no return, or removes what was left of one
    /// that is not.
    ///
    /// # Errors
    /// When the disk fails. Nothing is lost: it can be tried again.
    pub fn recover(&self) -> Result<(), InstallError> {
        let Some(switch) = self.kept::<Option<Switch>>(JOURNAL)?.flatten() else {
            // What lies aside does no harm, and somebody may have made a trap of the folder: that
            // is for those to say who look at the files.
            let _swept_by_a_later_start = self.sweep();
            return Ok(());
        };
        let generation = self.generation(&switch.to.generation)?;
        let planned = generation.planned(switch.to.which);
        let last = generation.requirements_path();
        let (late, early): (Vec<_>, Vec<_>) =
            planned.iter().partition(|(path, _)| Some(path.as_str()) == last);
        for (path, file) in early.into_iter().chain(late) {
            self.settle(path, file)?;
        }
        for path in &switch.gone {
            self.with_parent(path, Missing::Leave, |folder, name| {
                folder.remove(name)?;
                folder.flush()
            })?;
        }
        self.sweep()?;
        self.keep(CURRENT, &switch.to)?;
        self.keep(JOURNAL, &None::<Switch>)?;
        self.forget_others(&switch.to)
    }

    /// Writes all files aside, on the disk.
    fn stage(&self, planned: &BTreeMap<String, Planned>) -> Result<(), InstallError> {
        for (path, file) in planned {
            self.with_parent(path, Missing::Make, |folder, name| {
                if self.is_right(folder, name, file)? {
                    return Ok(());
                }
                let bytes = file.text.as_bytes();
                folder.write(&aside(name), bytes, file.mode, self.owner)?;
                folder.flush()
            })?;
        }
        Ok(())
    }

    /// Makes one file right: by what lies aside, or anew.
    fn settle(&self, path: &str, file: &Planned) -> Result<(), InstallError> {
        self.with_parent(path, Missing::Make, |folder, name| {
            if self.is_right(folder, name, file)? {
                return Ok(());
            }
            if !self.is_right(folder, &aside(name), file)? {
                folder.write(&aside(name), file.text.as_bytes(), file.mode, self.owner)?;
            }
            folder.rename(&aside(name), name)?;
            folder.flush()
        })?;
        Ok(())
    }

    fn is_right(&self, folder: &Folder, name: &str, file: &Planned) -> Result<bool, DiskError> {
        Ok(match folder.look(name)? {
            Found::File(found) => {
                found.bytes == file.text.as_bytes()
                    && found.mode == file.mode
                    && found.owner == self.owner.number()
            }
            Found::Nothing | Found::Other(_) => false,
        })
    }

    fn with_parent<T: Default>(
        &self,
        path: &str,
        missing: Missing,
        act: impl FnOnce(&Folder, &str) -> Result<T, DiskError>,
    ) -> Result<T, DiskError> {
        let Some((parent, name)) = split(path.trim_start_matches('/')) else {
            let problem = "it is no path of a file".to_owned();
            return Err(DiskError { action: "open", path: path.to_owned(), problem });
        };
        match self.root.walk(&parent, missing)? {
            Some(folder) => act(&folder, &name),
            None => Ok(T::default()),
        }
    }

    /// Keeps copies of what others put where policy goes, or made of it.
    fn foreign(
        &self,
        planned: &BTreeMap<String, Planned>,
        gone: &BTreeSet<String>,
        ours: &BTreeMap<String, Planned>,
    ) -> Result<Vec<Foreign>, InstallError> {
        let mut found = Vec::new();
        for path in planned.keys().chain(gone) {
            let there =
                self.with_parent(path, Missing::Leave, |folder, name| folder.look(name).map(Some))?;
            let known = [planned.get(path), ours.get(path)];
            let is_known =
                |bytes: &[u8]| known.iter().flatten().any(|known| known.text.as_bytes() == bytes);
            match there.unwrap_or(Found::Nothing) {
                Found::Nothing => {}
                Found::File(file) if is_known(&file.bytes) => {}
                Found::File(file) => {
                    let digest: String = hex(&sha256(&file.bytes)).chars().take(12).collect();
                    let name = format!("foreign.{digest}.{}", crate::address::encoded(path));
                    self.store.store(&name, &file.bytes)?;
                    let what = "a file that this program did not write".to_owned();
                    found.push(Foreign { path: path.clone(), what, kept: Some(name) });
                }
                Found::Other("a folder") => {
                    return Err(InstallError::InTheWay { path: path.clone(), what: "a folder" });
                }
                Found::Other(what) => {
                    let what = what.to_owned();
                    found.push(Foreign { path: path.clone(), what, kept: None });
                }
            }
        }
        Ok(found)
    }

    /// Removes what was written aside and never got its name.
    fn sweep(&self) -> Result<(), InstallError> {
        let base = Path::new(BASE.trim_start_matches('/'));
        if let Some(folder) = self.root.walk(base, Missing::Leave)? {
            sweep(&folder, DEPTH)?;
        }
        Ok(())
    }

    /// Keeps the generation in force and the one before, and no other.
    fn forget_others(&self, current: &Current) -> Result<(), InstallError> {
        let wanted: BTreeSet<String> =
            std::iter::once(&current.generation).chain(&current.previous).map(name_of).collect();
        for name in self.store.names()? {
            if name.starts_with(PREFIX) && !wanted.contains(&name) {
                self.store.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Takes the policy away: what this program installed and nobody changed. For `uninstall`.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn remove_all(&self) -> Result<Vec<String>, InstallError> {
        self.recover()?;
        let Some((current, generation)) = self.current()? else { return Ok(Vec::new()) };
        let mut removed = Vec::new();
        for (path, file) in generation.planned(current.which) {
            let gone = self.with_parent(&path, Missing::Leave, |folder, name| {
                let ours = self.is_right(folder, name, &file)?;
                if ours {
                    folder.remove(name)?;
                    folder.flush()?;
                }
                Ok(ours)
            })?;
            removed.extend(gone.then_some(path));
        }
        self.store.remove(CURRENT)?;
        Ok(removed)
    }
}

const PREFIX: &str = "generation.";

/// What is in force after a switch: repairs and returns keep the time and the predecessor.
fn next(generation: &Generation, which: Which, before: Option<Current>, now: Timestamp) -> Current {
    let held = generation.held.clone();
    match before {
        Some(before) if before.generation == held => {
            let since = if before.which == which { before.since } else { now };
            Current { which, since, ..before }
        }
        before => {
            let previous = before.map(|before| before.generation);
            Current { generation: held, which, since: now, previous }
        }
    }
}

fn name_of(held: &Held) -> String {
    let digest: String = held.digest.trim_start_matches("sha256:").chars().take(16).collect();
    format!("{PREFIX}{}.{digest}", held.generation)
}

fn aside(name: &str) -> String {
    format!("{name}{ASIDE}")
}

fn sweep(folder: &Folder, depth: usize) -> Result<(), InstallError> {
    for (name, entry) in folder.entries()? {
        match entry {
            Entry::Other if name.ends_with(ASIDE) => folder.remove(&name)?,
            Entry::Folder if depth > 1 => {
                // A link or a foreign folder is not gone into; nothing of ours can be there.
                if let Ok(Some(below)) = folder.walk(Path::new(&name), Missing::Leave) {
                    sweep(&below, depth - 1)?;
                }
            }
            Entry::Folder | Entry::Other => {}
        }
    }
    Ok(())
}
