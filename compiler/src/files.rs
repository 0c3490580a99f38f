//! The files of a machine, read through one small door so that a copied machine, a test and the
//! real one look the same.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::decide::paths::disk::{Disk, Stands};

/// Largest document read. Codex itself takes seconds for a tenth of this.
pub const SIZE_LIMIT: u64 = 16 * 1024 * 1024;

/// What became of an attempt to read a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// There is no such file.
    Absent,
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It is there and cannot be read.
    Unreadable(Unreadable),
}

/// Why a file that is there cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A directory, a pipe or a device stands in its place.
    NotAFile,
    /// The operating system refused; its words.
    Refused(String),
    /// Larger than [`SIZE_LIMIT`]; its size in bytes.
    TooLarge(u64),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAFile => formatter.write_str("it is not a regular file"),
            Self::Refused(words) => formatter.write_str(words),
            Self::TooLarge(size) => {
                write!(formatter, "it has {size} bytes, more than the limit of {SIZE_LIMIT}")
            }
        }
    }
}

/// Read access to a machine's files by the paths that machine knows them under.
pub trait Files {
    /// Reads a document.
    fn read(&self, path: &str) -> Content;
    /// Whether anything is there.
    fn exists(&self, path: &str) -> bool;
    /// The names in a directory, sorted; empty when there is none.
    fn list(&self, path: &str) -> Vec<String>;
    /// The path with links resolved, where that is possible.
    fn canonical(&self, path: &str) -> String;
}

/// The real file system. With a root, the machine's own places (`/etc/codex`, managed
/// preferences) are looked up below it, and everything else where it says.
#[derive(Clone, Debug)]
pub struct RealFiles {
    root: Option<PathBuf>,
}

impl RealFiles {
    /// Reads this machine, or with `root` the copy of a machine.
    pub fn new(root: Option<PathBuf>) -> Self {
        Self { root }
    }

    fn locate(&self, path: &str) -> PathBuf {
        let system = ["/etc/codex", "/Library/Managed Preferences", "C:\\ProgramData"];
        match &self.root {
            Some(root) if system.iter().any(|place| path.starts_with(place)) => {
                let portable = path.replace('\\', "/").replace("C:/", "");
                root.join(portable.trim_start_matches('/'))
            }
            _ => PathBuf::from(path),
        }
    }
}

impl Files for RealFiles {
    fn read(&self, path: &str) -> Content {
        let place = self.locate(path);
        let refused =
            |error: &std::io::Error| Content::Unreadable(Unreadable::Refused(without_code(error)));
        let metadata = match std::fs::metadata(&place) {
            Ok(metadata) => metadata,
            Err(error) if is_absent(&error) => return Content::Absent,
            Err(error) => return refused(&error),
        };
        if !metadata.is_file() {
            return Content::Unreadable(Unreadable::NotAFile);
        }
        if metadata.len() > SIZE_LIMIT {
            return Content::Unreadable(Unreadable::TooLarge(metadata.len()));
        }
        let file = match std::fs::File::open(&place) {
            Ok(file) => file,
            Err(error) => return refused(&error),
        };
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        match file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes) {
            Ok(read) if u64::try_from(read).unwrap_or(u64::MAX) > SIZE_LIMIT => {
                Content::Unreadable(Unreadable::TooLarge(SIZE_LIMIT + 1))
            }
            Ok(_) => Content::Bytes(bytes),
            Err(error) => refused(&error),
        }
    }

    fn exists(&self, path: &str) -> bool {
        self.locate(path).exists()
    }

    fn list(&self, path: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.locate(path)) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    fn canonical(&self, path: &str) -> String {
        let resolved = Path::new(path).canonicalize().ok();
        resolved
            .and_then(|path| path.into_os_string().into_string().ok())
            .unwrap_or_else(|| path.to_owned())
    }
}

impl Disk for RealFiles {
    fn stands(&self, path: &str) -> Stands {
        let place = self.locate(path);
        match std::fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_symlink() => std::fs::read_link(&place)
                .ok()
                .and_then(|target| target.into_os_string().into_string().ok())
                .map_or(Stands::Unknown, Stands::Link),
            Ok(metadata) if metadata.is_dir() => Stands::Folder,
            Ok(_) => Stands::File,
            Err(error) if is_absent(&error) => Stands::Nothing,
            Err(_) => Stands::Unknown,
        }
    }

    fn names(&self, folder: &str) -> Vec<String> {
        self.list(folder)
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// The system's words, kept with their code: Codex prints `No such file or directory (os error 2)`.
fn without_code(error: &std::io::Error) -> String {
    error.to_string()
}

/// Other files with some of their texts replaced: what a change would make of them.
#[derive(Clone, Copy)]
pub struct Overlay<'files> {
    below: &'files dyn Files,
    texts: &'files BTreeMap<String, String>,
}

impl std::fmt::Debug for Overlay<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Overlay").field("texts", self.texts).finish_non_exhaustive()
    }
}

impl<'files> Overlay<'files> {
    /// Puts texts, by path, over files.
    pub fn new(below: &'files dyn Files, texts: &'files BTreeMap<String, String>) -> Self {
        Self { below, texts }
    }
}

impl Files for Overlay<'_> {
    fn read(&self, path: &str) -> Content {
        match self.texts.get(path) {
            Some(text) => Content::Bytes(text.clone().into_bytes()),
            None => self.below.read(path),
        }
    }

    fn exists(&self, path: &str) -> bool {
        self.texts.contains_key(path) || self.below.exists(path)
    }

    fn list(&self, path: &str) -> Vec<String> {
        self.below.list(path)
    }

    fn canonical(&self, path: &str) -> String {
        self.below.canonical(path)
    }
}

/// Files in memory: a machine that exists only for a question.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles(BTreeMap<String, Content>);

impl MemoryFiles {
    /// Adds a file.
    pub fn put(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), Content::Bytes(bytes.into()));
    }

    /// Takes over what another place has under a path.
    pub fn copy(&mut self, path: &str, from: &dyn Files) {
        self.0.insert(path.to_owned(), from.read(path));
    }

    /// The paths that begin like this.
    fn below<'path>(&'path self, start: &'path str) -> impl Iterator<Item = &'path String> {
        let rest = self.0.range(start.to_owned()..).map(|(path, _)| path);
        rest.take_while(move |path| path.starts_with(start))
    }

    /// Adds something that cannot be read.
    pub fn put_unreadable(&mut self, path: impl Into<String>, reason: Unreadable) {
        self.0.insert(path.into(), Content::Unreadable(reason));
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &str) -> Content {
        if let Some(content) = self.0.get(path) {
            return content.clone();
        }
        if self.exists(path) { Content::Unreadable(Unreadable::NotAFile) } else { Content::Absent }
    }

    fn exists(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.0.contains_key(path) || self.below(&below).next().is_some()
    }

    fn list(&self, path: &str) -> Vec<String> {
        let below = format!("{path}/");
        let names: std::collections::BTreeSet<String> = self
            .below(&below)
            .filter_map(|known| known.strip_prefix(&below))
            .filter_map(|rest| rest.split('/').next())
            .map(str::to_owned)
            .collect();
        names.into_iter().collect()
    }

    fn canonical(&self, path: &str) -> String {
        path.to_owned()
    }
}
