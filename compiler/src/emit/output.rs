//! The folder that artifacts are written to: made aside, moved into place as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Artifact;
use super::manifest::{Emitted, FORM, MANIFEST_FILE, Manifest};
use crate::compile::COMPILER_VERSION;
use crate::compile::output::{WriteError, is_empty, refused, sibling, swap};

/// A folder about to be written. Dropped before [`Folder::commit`], it leaves no trace.
#[derive(Debug)]
pub struct Folder {
    place: PathBuf,
    aside: PathBuf,
    cohorts: Mutex<BTreeMap<String, Emitted>>,
}

impl Folder {
    /// Opens a folder: one of ours, an empty one, or none yet.
    ///
    /// # Errors
    /// When something else is there.
    pub fn open(place: &Path) -> Result<Self, WriteError> {
        let ours = || {
            let text = fs::read(place.join(MANIFEST_FILE)).ok()?;
            let manifest: serde_json::Value = serde_json::from_slice(&text).ok()?;
            Some(manifest.get("form")?.as_str()? == FORM)
        };
        let absent = fs::symlink_metadata(place).is_err();
        if !absent && !is_empty(place) && ours() != Some(true) {
            return Err(WriteError::NotOurs(place.to_owned()));
        }
        let aside = sibling(place, "new");
        Ok(Self { place: place.to_owned(), aside, cohorts: Mutex::default() })
    }

    /// Writes a cohort's artifacts aside; on any number of threads at once.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stage(&self, artifacts: &[Artifact], emitted: Emitted) -> Result<(), WriteError> {
        let folder = self.aside.join(&emitted.stamp.cohort);
        // Asking the system for a folder that is there costs as much as making one.
        let mut made: BTreeSet<PathBuf> = BTreeSet::new();
        for artifact in artifacts {
            let file = folder.join(&artifact.path);
            if let Some(parent) = file.parent().filter(|parent| !made.contains(*parent)) {
                fs::create_dir_all(parent).map_err(refused(parent))?;
                made.insert(parent.to_owned());
            }
            fs::write(&file, &artifact.bytes).map_err(refused(&file))?;
        }
        let mut cohorts = self.cohorts.lock().unwrap_or_else(PoisonError::into_inner);
        cohorts.insert(emitted.stamp.cohort.clone(), emitted);
        Ok(())
    }

    /// Moves everything into place.
    ///
    /// # Errors
    /// When the system refuses; what was there before stays.
    pub fn commit(mut self, organisation: &str) -> Result<Manifest, WriteError> {
        let cohorts = std::mem::take(&mut self.cohorts).into_inner();
        let manifest = Manifest {
            form: FORM,
            organisation: organisation.to_owned(),
            compiler: COMPILER_VERSION,
            cohorts: cohorts.unwrap_or_else(PoisonError::into_inner),
        };
        let text = serde_json::to_string_pretty(&manifest).unwrap_or_default() + "\n";
        let file = self.aside.join(MANIFEST_FILE);
        fs::create_dir_all(&self.aside).map_err(refused(&self.aside))?;
        fs::write(&file, text).map_err(refused(&file))?;
        swap(&self.aside, &self.place)?;
        Ok(manifest)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left aside is the old state or unfinished; that removing it fails changes nothing.
        drop(fs::remove_dir_all(&self.aside));
    }
}
