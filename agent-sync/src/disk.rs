//! Files below a root that others may have arranged: every folder on the way is opened by itself,
//! without following links, and refused when somebody else could have put it there.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Uid, geteuid};

use crate::store::{LARGEST, check_owner, flush};

/// Folders that are made: everybody looks, nobody but the owner changes.
const FOLDER: Mode = Mode::from_raw_mode(0o755);

/// The most entries of a folder that are looked at.
const MOST_ENTRIES: usize = 10_000;

/// Why a file or folder was not touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {action} `{path}`: {problem}")]
pub struct DiskError {
    /// What was tried.
    pub action: &'static str,
    /// The path, from the root.
    pub path: String,
    /// What is wrong.
    pub problem: String,
}

/// What to do where a folder is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Make it.
    Make,
    /// Say so.
    Leave,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A regular file.
    File(FoundFile),
    /// Something else: a link, a folder, a pipe.
    Other(&'static str),
}

/// A regular file.
#[derive(Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
    /// The number of its owner.
    pub owner: u32,
}

impl fmt::Debug for FoundFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes, mode {:o}, user {}", self.bytes.len(), self.mode, self.owner)
    }
}

/// A folder that nobody else can have written to, opened.
#[derive(Debug)]
pub struct Folder {
    handle: OwnedFd,
    shown: String,
}

impl Folder {
    /// Opens the folder that all paths are below.
    ///
    /// # Errors
    /// When it is a link, absent, or in others' hands.
    pub fn root(path: &Path) -> Result<Self, DiskError> {
        let shown = path.display().to_string();
        open(CWD, path).map(|handle| Self { handle, shown: String::new() }).map_err(|problem| {
            DiskError { action: "open", path: shown, problem: problem.unwrap_or_else(absent) }
        })
    }

    /// Goes down a path of folders; `None` where one is missing and none is to be made.
    ///
    /// # Errors
    /// When one is a link or in others' hands, or cannot be opened or made.
    pub fn walk(&self, path: &Path, missing: Missing) -> Result<Option<Self>, DiskError> {
        let mut at = self.again()?;
        for part in path.components() {
            let std::path::Component::Normal(name) = part else {
                let path = path.display().to_string();
                let problem = "it has `..` or `.` in it".to_owned();
                return Err(DiskError { action: "open", path, problem });
            };
            match at.child(&name.to_string_lossy(), missing)? {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    pub(crate) fn handle(&self) -> std::os::fd::BorrowedFd<'_> {
        self.handle.as_fd()
    }

    fn again(&self) -> Result<Self, DiskError> {
        let handle = self.handle.try_clone();
        let handle = handle.map_err(|error| self.error("open", "", error.to_string()))?;
        Ok(Self { handle, shown: self.shown.clone() })
    }

    fn child(&self, name: &str, missing: Missing) -> Result<Option<Self>, DiskError> {
        let opened = |handle| Self { handle, shown: format!("{}/{name}", self.shown) };
        match open(self.handle.as_fd(), Path::new(name)) {
            Ok(handle) => return Ok(Some(opened(handle))),
            Err(Some(problem)) => return Err(self.error("open", name, problem)),
            Err(None) if missing == Missing::Leave => return Ok(None),
            Err(None) => {}
        }
        let failed = |errno: Errno| self.error("make", name, errno.to_string());
        match fs::mkdirat(&self.handle, name, FOLDER) {
            // A umask may have taken bits away, and Codex runs as anybody.
            Ok(()) => fs::chmodat(&self.handle, name, FOLDER, AtFlags::empty()).map_err(failed)?,
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno)),
        }
        flush(self.handle.as_fd()).map_err(failed)?;
        let handle = open(self.handle.as_fd(), Path::new(name));
        let wrong =
            |problem: Option<String>| self.error("open", name, problem.unwrap_or_else(absent));
        handle.map(opened).map(Some).map_err(wrong)
    }

    fn error(&self, action: &'static str, name: &str, problem: String) -> DiskError {
        DiskError { action, path: format!("{}/{name}", self.shown), problem }
    }

    fn failed(&self, action: &'static str, name: &str) -> impl Fn(Errno) -> DiskError {
        let path = format!("{}/{name}", self.shown);
        move |errno| DiskError { action, path: path.clone(), problem: errno.to_string() }
    }

    /// What a name stands for.
    ///
    /// # Errors
    /// When it cannot be read, or has more bytes than anything that is kept.
    pub fn look(&self, name: &str) -> Result<Found, DiskError> {
        let failed = self.failed("read", name);
        // Not to hang on a pipe that somebody put there.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(Found::Nothing),
            Err(Errno::LOOP) => return Ok(Found::Other("a link")),
            Err(Errno::NXIO) => return Ok(Found::Other("a socket or device")),
            Err(errno) => return Err(failed(errno)),
        };
        let stat = fs::fstat(&file).map_err(&failed)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Directory => return Ok(Found::Other("a folder")),
            _ => return Ok(Found::Other("a pipe or device")),
        }
        let mut bytes = Vec::new();
        let mut file = File::from(file).take(LARGEST + 1);
        file.read_to_end(&mut bytes)
            .map_err(|error| self.error("read", name, error.to_string()))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
            return Err(self.error("read", name, format!("it has more than {LARGEST} bytes")));
        }
        let mode = Mode::from_raw_mode(stat.st_mode).as_raw_mode() & 0o7777;
        Ok(Found::File(FoundFile { bytes, mode, owner: stat.st_uid }))
    }

    /// Writes a new file, whole and on the disk, and reads it back. What had the name is gone.
    ///
    /// # Errors
    /// When any of that fails; whether something is left is not known then.
    pub fn write(
        &self,
        name: &str,
        bytes: &[u8],
        mode: u32,
        owner: Owner,
    ) -> Result<(), DiskError> {
        let failed = self.failed("write", name);
        self.remove(name)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let private = Mode::RUSR | Mode::WUSR;
        let opened = fs::openat(&self.handle, name, flags, private).map_err(&failed)?;
        let mut file = File::from(opened);
        file.write_all(bytes).map_err(|error| self.error("write", name, error.to_string()))?;
        if owner == Owner::Root {
            fs::fchown(&file, Some(Uid::ROOT), Some(Gid::ROOT)).map_err(&failed)?;
        }
        fs::fchmod(&file, Mode::from_raw_mode(mode)).map_err(&failed)?;
        flush(file.as_fd()).map_err(&failed)?;
        drop(file);
        match self.look(name)? {
            Found::File(found) if found.bytes == bytes && found.mode == mode => Ok(()),
            _ => Err(self.error("write", name, "the disk gives something else back".to_owned())),
        }
    }

    /// Gives a file another name in the same folder, in place of what had it.
    ///
    /// # Errors
    /// When that fails.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        fs::renameat(&self.handle, from, &self.handle, to).map_err(self.failed("rename", from))
    }

    /// Removes a file or link, if it is there.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), DiskError> {
        match fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.failed("remove", name)(errno)),
        }
    }

    /// Puts what was named and removed here on the disk.
    ///
    /// # Errors
    /// When that cannot be promised.
    pub fn flush(&self) -> Result<(), DiskError> {
        flush(self.handle.as_fd()).map_err(self.failed("flush", "."))
    }

    /// The names in it, with whether they are folders, sorted.
    ///
    /// # Errors
    /// When it cannot be read, or has more than anybody puts there.
    pub fn entries(&self) -> Result<Vec<(String, Entry)>, DiskError> {
        let failed = self.failed("list", ".");
        let mut found = Vec::new();
        for entry in Dir::read_from(&self.handle).map_err(&failed)? {
            let entry = entry.map_err(&failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == "." || name == ".." {
                continue;
            }
            if found.len() >= MOST_ENTRIES {
                return Err(self.error("list", ".", "it has too many entries".to_owned()));
            }
            let kind = match entry.file_type() {
                FileType::Directory => Entry::Folder,
                _ => Entry::Other,
            };
            found.push((name, kind));
        }
        found.sort();
        Ok(found)
    }
}

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// A folder.
    Folder,
    /// Anything else.
    Other,
}

/// Whose files are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Those of root.
    Root,
    /// Those of whoever runs this program: below a scratch root, without privileges.
    Runner,
}

impl Owner {
    /// Root's where this process may make such files.
    pub fn of_this_process() -> Self {
        if geteuid().is_root() { Self::Root } else { Self::Runner }
    }

    /// Its number.
    pub fn number(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::Runner => geteuid().as_raw(),
        }
    }
}

/// The folder and the name of a path.
pub fn split(path: &str) -> Option<(PathBuf, String)> {
    let path = Path::new(path);
    let name = path.file_name()?.to_str()?.to_owned();
    Some((path.parent()?.to_owned(), name))
}

fn absent() -> String {
    "it is not there".to_owned()
}

/// Opens a folder; the error is `None` where it is absent.
fn open(parent: std::os::fd::BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Option<String>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = fs::openat(parent, path, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::NOENT => None,
        Errno::LOOP | Errno::NOTDIR => Some("it is a link, or no folder".to_owned()),
        errno => Some(errno.to_string()),
    })?;
    let stat = fs::fstat(&folder).map_err(|errno| Some(errno.to_string()))?;
    check_owner(&stat).map_err(Some)?;
    Ok(folder)
}
