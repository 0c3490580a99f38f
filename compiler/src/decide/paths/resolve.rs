//! Which entry decides about one path.
//!
//! Measured on 0.138.0, 0.157.1 and 0.169.0 on Linux, where the sandbox is made of mounts. The entry
//! with the longest path counts, and of two for one path denying before writing before reading.
//! But reading does not come back below a denied folder, only writing does; a folder to be written
//! that is not there counts for nothing; what a pattern denies stays denied; and in each folder
//! that may be written some names may only be read.

use super::broken::found;
use super::disk::{Disk, Stands, above_and_itself, depth, is_within, resolve};
use super::entries::{Entry, Right, Rights};
use crate::era::Era;
use crate::machine::Os;

/// Folders of the sandbox's own, which show nothing of the machine's: entries for them or for
/// what contains them do not matter.
const OWN: [&str; 2] = ["/dev", "/proc"];

/// What decides.
#[derive(Clone, Debug)]
pub(super) enum Ground<'a> {
    /// This entry.
    Entry(&'a Entry),
    /// A name that is kept from being written in a folder that may be.
    Kept { folder: &'a Entry, name: &'static str },
    /// The sandbox has this folder for itself.
    Own(&'static str),
    /// A folder on the way to something that is open, which shows nothing else.
    Way,
    /// No entry is about it.
    Nothing,
}

/// A decision.
#[derive(Clone, Debug)]
pub(super) struct Decision<'a> {
    pub(super) right: Right,
    pub(super) ground: Ground<'a>,
}

/// The session in which a path is looked at.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) rights: &'a Rights,
    pub(super) disk: &'a dyn Disk,
    pub(super) era: Era,
    pub(super) os: Os,
}

impl<'a> View<'a> {
    /// Decides about a path whose links were followed.
    pub(super) fn decide(&self, path: &str) -> Decision<'a> {
        let found = self.decide_by_entries(path);
        if self.os != Os::Linux {
            return found;
        }
        let own = OWN.into_iter().find(|folder| is_within(path, folder));
        let entry_below = |folder: &str| match &found.ground {
            Ground::Entry(entry) => is_within(&entry.path, folder) && folder != "/proc",
            Ground::Kept { folder: root, .. } => is_within(&root.path, folder),
            _ => false,
        };
        match own.filter(|folder| !entry_below(folder)) {
            Some("/proc") => Decision { right: Right::Read, ground: Ground::Own("/proc") },
            Some(folder) => Decision { right: Right::Write, ground: Ground::Own(folder) },
            None => found,
        }
    }

    fn decide_by_entries(&self, path: &str) -> Decision<'a> {
        if let Some(entry) = self.pattern(path) {
            return Decision { right: Right::Deny, ground: Ground::Entry(entry) };
        }
        let literal = self.literal(path);
        // Below a denied folder those on the way to what is open again are there, and empty.
        let way = match literal.ground {
            Ground::Entry(entry) => {
                literal.right == Right::Deny && path != self.place(entry) && self.is_way(path)
            }
            Ground::Kept { .. } | Ground::Own(_) | Ground::Way | Ground::Nothing => false,
        };
        if way { Decision { right: Right::Read, ground: Ground::Way } } else { literal }
    }

    /// The pattern that denies a path. Patterns find files that are there; where nobody looked the
    /// path is taken for one.
    fn pattern(&self, path: &str) -> Option<&'a Entry> {
        let file = matches!(self.disk.stands(path), Stands::File | Stands::Unknown);
        self.rights
            .entries
            .iter()
            .filter(|_| file)
            .find(|entry| entry.glob.as_ref().is_some_and(|glob| glob.matches(path)))
    }

    /// The decision of entries that are no patterns.
    pub(super) fn literal(&self, path: &str) -> Decision<'a> {
        let mut covering: Vec<&Entry> = self
            .rights
            .entries
            .iter()
            .filter(|entry| entry.glob.is_none() && is_within(path, &self.place(entry)))
            .filter(|entry| entry.right != Right::Write || self.is_there(entry))
            .collect();
        covering.sort_by_key(|entry| std::cmp::Reverse((depth(&self.place(entry)), entry.right)));
        let Some(first) = covering.first().copied() else {
            // What is denied leaves placeholders, too.
            let opened = self.rights.entries.iter().any(|entry| match entry.glob {
                None => is_within(&entry.path, path) && self.is_there(entry),
                Some(_) => found(self, entry, |file| is_within(file, path)).is_some(),
            });
            return if opened {
                Decision { right: Right::Read, ground: Ground::Way }
            } else {
                Decision { right: Right::Deny, ground: Ground::Nothing }
            };
        };
        if first.right == Right::Write {
            return self.kept(path, first);
        }
        // Reading comes back below a denied folder only where writing did in between; the whole
        // disk is not denied but begun without.
        let taken = covering
            .iter()
            .find(|entry| entry.right != Right::Read)
            .filter(|entry| entry.right == Right::Deny && entry.path != "/");
        let by = if first.right == Right::Read { taken.copied().unwrap_or(first) } else { first };
        Decision { right: by.right, ground: Ground::Entry(by) }
    }

    /// A path in a folder that may be written: some names at its top may not.
    fn kept(&self, path: &str, folder: &'a Entry) -> Decision<'a> {
        let root = self.place(folder);
        let rest = path.strip_prefix(root.trim_end_matches('/')).unwrap_or_default();
        let first = rest.split('/').nth(1).unwrap_or_default();
        let name = self.era.kept_names().iter().copied().find(|name| *name == first);
        // The whole disk has no names of its own to keep.
        match name {
            Some(name) if !self.unlimited(folder) => {
                Decision { right: Right::Read, ground: Ground::Kept { folder, name } }
            }
            _ => Decision { right: Right::Write, ground: Ground::Entry(folder) },
        }
    }

    /// Whether a right to write is one to the whole disk, with nothing taken away from it: then
    /// there is no sandbox of files.
    fn unlimited(&self, folder: &Entry) -> bool {
        folder.path == "/"
            && !self
                .rights
                .entries
                .iter()
                .any(|entry| entry.right != Right::Write && entry.path != "/")
    }

    /// Where an entry counts: a link leads elsewhere, except that what may only be read is kept where
    /// the entry says.
    pub(super) fn place(&self, entry: &Entry) -> String {
        if entry.right == Right::Read {
            return entry.path.clone();
        }
        resolve(&entry.path, self.disk).map_or_else(|| entry.path.clone(), |found| found.path)
    }

    /// Whether nothing stands where an entry counts.
    pub(super) fn is_absent(&self, entry: &Entry) -> bool {
        entry.glob.is_none() && !self.is_there(entry)
    }

    fn is_there(&self, entry: &Entry) -> bool {
        self.disk.stands(&self.place(entry)) != Stands::Nothing
    }

    /// Whether a denied folder has something below it that is open again: it is then there, and
    /// looks empty.
    pub(super) fn opened_below(&self, folder: &Entry) -> bool {
        let outer = self.place(folder);
        self.is_way(&outer)
    }

    /// Whether a folder is on the way to one that may be written.
    pub(super) fn is_way(&self, folder: &str) -> bool {
        self.rights.entries.iter().any(|entry| {
            let place = self.place(entry);
            entry.right == Right::Write
                && place != folder
                && is_within(&place, folder)
                && self.is_there(entry)
        })
    }

    /// Whether every folder above a path is there.
    pub(super) fn can_be_made(&self, path: &str) -> bool {
        let above: Vec<String> = above_and_itself(path).collect();
        let parent = above.len().checked_sub(2).and_then(|at| above.get(at));
        parent.is_none_or(|parent| {
            matches!(self.disk.stands(parent), Stands::Folder | Stands::Unknown)
        })
    }
}
