//! What has become of installed files, and what lies beside them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::plan::Planned;
use super::{ASIDE, BASE, InstallError, Installer};
use crate::disk::{Entry, Folder, Found, Missing};

/// A change that nobody ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The path.
    pub path: String,
    /// What is different, for people.
    pub what: String,
}

impl Installer {
    /// What is not as it was installed. Empty on a new machine.
    ///
    /// # Errors
    /// When the memory or a folder cannot be read.
    pub fn drift(&self) -> Result<Vec<Drift>, InstallError> {
        let Some((current, generation)) = self.current()? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (path, file) in generation.planned(current.which) {
            let there =
                self.with_parent(&path, Missing::Leave, |folder, name| folder.look(name).map(Some));
            let what = match there {
                Ok(there) => self.difference(&there.unwrap_or(Found::Nothing), &file),
                Err(error) => Some(error.problem),
            };
            found.extend(what.map(|what| Drift { path, what }));
        }
        Ok(found)
    }

    fn difference(&self, there: &Found, file: &Planned) -> Option<String> {
        let found = match there {
            Found::Nothing => return Some("it was removed".to_owned()),
            Found::Other(what) => return Some(format!("it is {what} now")),
            Found::File(found) => found,
        };
        if found.bytes != file.text.as_bytes() {
            return Some(changed_line(&found.bytes, &file.text));
        }
        if found.mode != file.mode {
            return Some(format!("its mode is {:04o} and not {:04o}", found.mode, file.mode));
        }
        let owner = self.owner.number();
        (found.owner != owner).then(|| format!("it belongs to user {}, not {owner}", found.owner))
    }

    /// Files beside the policy that this program did not write, by what they mean for Codex. They
    /// are left alone: what stands in them, Codex reads.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn beside(&self) -> Result<Vec<Drift>, InstallError> {
        let base = Path::new(BASE.trim_start_matches('/'));
        let Some(folder) = self.root.walk(base, Missing::Leave)? else { return Ok(Vec::new()) };
        let planned = match self.current()? {
            Some((current, generation)) => generation.planned(current.which),
            None => BTreeMap::new(),
        };
        let mut found = Vec::new();
        beside(&folder, BASE, &planned, 3, &mut found)?;
        Ok(found)
    }
}

fn beside(
    folder: &Folder,
    path: &str,
    planned: &BTreeMap<String, Planned>,
    depth: usize,
    found: &mut Vec<Drift>,
) -> Result<(), InstallError> {
    for (name, entry) in folder.entries()? {
        let path = format!("{path}/{name}");
        match entry {
            Entry::Folder if depth > 0 => {
                if let Some(below) = folder.walk(Path::new(&name), Missing::Leave)? {
                    beside(&below, &path, planned, depth - 1, found)?;
                }
            }
            Entry::Folder => {}
            Entry::Other if planned.contains_key(&path) || name.ends_with(ASIDE) => {}
            Entry::Other => {
                let what = "it is no part of the policy; Codex may read it".to_owned();
                found.push(Drift { path, what });
            }
        }
    }
    Ok(())
}

/// Where a text first differs, without quoting it: it may hold a secret.
fn changed_line(found: &[u8], wanted: &str) -> String {
    let Ok(text) = std::str::from_utf8(found) else {
        return "its content was changed; it is no text any more".to_owned();
    };
    if text.is_empty() {
        return "it was emptied".to_owned();
    }
    let (mut one, mut other) = (text.lines(), wanted.lines());
    let mut line = 1;
    loop {
        match (one.next(), other.next()) {
            (None, None) => return "its line ends were changed".to_owned(),
            (found, wanted) if found == wanted => line += 1,
            _ => return format!("its content was changed, first in line {line}"),
        }
    }
}
