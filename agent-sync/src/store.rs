//! A folder that holds what is trusted.
//!
//! One process at a time (a lock on `.lock`), names that cannot leave the folder, and writes that
//! are whole: aside, flushed, renamed, the folder flushed, read back. All system calls are here.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use codex_trust::provider::{hex, sha256};
use codex_trust::store::{MetadataStore, StoreError};
use rustix::fs::{self, AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::address;

/// The most bytes that a kept file may have; more than any limit of `codex-trust`.
pub const LARGEST: u64 = 8_000_000;

/// The file that is locked. No role and no target has such a name.
const LOCK: &str = ".lock";
/// Where bytes are written before they get their name. One is enough: there is one writer.
const ASIDE: &str = ".new";
/// The folder of targets, and what their names begin with.
const TARGETS: &str = "targets";
/// The longest name of a file; longer ones are replaced by their digest.
const LONGEST_NAME: usize = 200;
/// How often a lock that another process holds is asked for again.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

const PRIVATE_FOLDER: Mode = Mode::RWXU;
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
/// What nobody else may do to the store.
const WRITABLE_BY_OTHERS: Mode = Mode::WGRP.union(Mode::WOTH);

/// A store in a folder, which belongs to this process until it is dropped.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    folder: OwnedFd,
    /// Held for its lock alone; none in a store that is only read.
    lock: Option<OwnedFd>,
    writing: Mutex<()>,
}

impl FileStore {
    /// Opens a folder, or makes it where its parent is there, and waits for its lock.
    ///
    /// # Errors
    /// When it is a link or no folder, belongs to somebody else than root and this user, can be
    /// written to by others, or is held by another process for longer than `wait`.
    pub fn open(path: &Path, wait: Duration) -> Result<Self, StoreError> {
        let shown = path.display().to_string();
        let failed = |errno: Errno| failure("open", &shown, &errno.to_string());
        let made = match fs::mkdir(path, PRIVATE_FOLDER) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(failed(errno)),
        };
        let folder = open_folder(CWD, path).map_err(|problem| failure("open", &shown, &problem))?;
        let file = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let lock = fs::openat(&folder, LOCK, file, PRIVATE_FILE).map_err(failed)?;
        await_lock(&lock, wait).map_err(|problem| failure("lock", &shown, &problem))?;
        let store =
            Self { path: path.to_owned(), folder, lock: Some(lock), writing: Mutex::new(()) };
        store.settle(made).map_err(|problem| failure("open", &shown, &problem))?;
        Ok(store)
    }

    /// Opens a folder only to look at what is kept, while it may belong to another process.
    ///
    /// # Errors
    /// When it is absent, a link, or in others' hands.
    pub fn reading(path: &Path) -> Result<Self, StoreError> {
        let shown = path.display().to_string();
        let folder = open_folder(CWD, path).map_err(|problem| failure("open", &shown, &problem))?;
        Ok(Self { path: path.to_owned(), folder, lock: None, writing: Mutex::new(()) })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Forgets what was kept under a name, if anything was.
    ///
    /// # Errors
    /// When it may still be there.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let failed = |problem: String| failure("remove", name, &problem);
        let Place::Folder(file) = Place::of(name).map_err(failed)? else {
            return Err(failed("targets are replaced, never removed".to_owned()));
        };
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match fs::unlinkat(&self.folder, file, AtFlags::empty()) {
            Ok(()) => flush(self.folder.as_fd()).map_err(|errno| failed(errno.to_string())),
            Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(failed(errno.to_string())),
        }
    }

    /// The names under which something is kept, targets and names over 200 bytes aside, sorted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>, StoreError> {
        let failed = |errno: Errno| failure("list", "the folder", &errno.to_string());
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && name != TARGETS && !name.contains('=') {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Makes a new folder last, and removes what a killed write left.
    fn settle(&self, made: bool) -> Result<(), String> {
        if made && let Some(parent) = self.path.parent() {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            let folder = fs::open(parent, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
            folder.and_then(|folder| flush(folder.as_fd())).map_err(|errno| errno.to_string())?;
        }
        discard(self.folder.as_fd()).map_err(|errno| errno.to_string())?;
        match self.targets()? {
            Some(targets) => discard(targets.as_fd()).map_err(|errno| errno.to_string()),
            None => Ok(()),
        }
    }

    /// The folder of targets, if it is there.
    fn targets(&self) -> Result<Option<OwnedFd>, String> {
        match fs::statat(&self.folder, TARGETS, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => open_folder(self.folder.as_fd(), Path::new(TARGETS)).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.to_string()),
        }
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        match Place::of(name)? {
            Place::Folder(file) => read_file(self.folder.as_fd(), &file),
            Place::Targets(file) => match self.targets()? {
                Some(folder) => read_file(folder.as_fd(), &file),
                None => Ok(None),
            },
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        if self.lock.is_none() {
            return Err("the store was opened only to look".to_owned());
        }
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
            return Err(format!("it is longer than the {LARGEST} bytes that are kept of anything"));
        }
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match Place::of(name)? {
            Place::Folder(file) => replace(self.folder.as_fd(), &file, bytes),
            Place::Targets(file) => {
                match fs::mkdirat(&self.folder, TARGETS, PRIVATE_FOLDER) {
                    Ok(()) => flush(self.folder.as_fd()).map_err(|errno| errno.to_string())?,
                    Err(Errno::EXIST) => {}
                    Err(errno) => return Err(errno.to_string()),
                }
                let folder = open_folder(self.folder.as_fd(), Path::new(TARGETS))?;
                replace(folder.as_fd(), &file, bytes)
            }
        }
    }
}

impl MetadataStore for FileStore {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(name).map_err(|problem| failure("read", name, &problem))
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(name, bytes).map_err(|problem| failure("write", name, &problem))
    }
}

/// Where a name is kept.
enum Place {
    Folder(String),
    Targets(String),
}

impl Place {
    /// The file of a name. Names of targets are encoded here; others arrive that way, and one that
    /// does not is refused. Two names never share a file.
    fn of(name: &str) -> Result<Self, String> {
        if let Some(target) = name.strip_prefix("targets/") {
            return Ok(Self::Targets(file_name(&address::encoded(target))));
        }
        let name = address::segment(name)
            .ok_or("a name in the store is one percent-encoded part of an address")?;
        // A role may have this name, and the folder has it too.
        if name == TARGETS {
            return Err(format!("`{TARGETS}` is a folder of the store"));
        }
        Ok(Self::Folder(file_name(name)))
    }
}

/// An encoded name as that of a file. The store's own begin with a dot and are no `.json`.
fn file_name(encoded: &str) -> String {
    let is_json = encoded.strip_suffix(".json").is_some();
    if encoded.len() > LONGEST_NAME {
        let suffix = if is_json { ".json" } else { "" };
        // `=` is never part of an encoded name.
        return format!("sha256={}{suffix}", hex(&sha256(encoded.as_bytes())));
    }
    match encoded.strip_prefix('.') {
        Some(rest) if !is_json => format!("%2E{rest}"),
        _ => encoded.to_owned(),
    }
}

fn failure(action: &'static str, name: &str, problem: &str) -> StoreError {
    StoreError { action, name: name.to_owned(), problem: problem.to_owned() }
}

/// Opens a folder that is no link, belongs to root or this user, and is writable by nobody else.
fn open_folder(parent: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, String> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = fs::openat(parent, path, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::LOOP | Errno::NOTDIR => "it is a link, or no folder".to_owned(),
        errno => errno.to_string(),
    })?;
    check_owner(&fs::fstat(&folder).map_err(|errno| errno.to_string())?)?;
    Ok(folder)
}

/// Whether nobody but root and this user can have written to a file or folder.
pub(crate) fn check_owner(stat: &Stat) -> Result<(), String> {
    let owner = stat.st_uid;
    if owner != 0 && owner != geteuid().as_raw() {
        return Err(format!("it belongs to user {owner}, who is neither root nor the one running"));
    }
    if Mode::from_raw_mode(stat.st_mode).intersects(WRITABLE_BY_OTHERS) {
        return Err("others than its owner can write to it; take that away with \
                    `chmod go-w`, and look at what they wrote"
            .to_owned());
    }
    Ok(())
}

/// Takes the lock, or says who has it.
fn await_lock(lock: &OwnedFd, wait: Duration) -> Result<(), String> {
    let start = Instant::now();
    loop {
        match fs::flock(lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if start.elapsed() < wait => std::thread::sleep(LOCK_PAUSE),
            Err(Errno::WOULDBLOCK) => {
                return Err(format!(
                    "another process has been using it for more than {} ms",
                    wait.as_millis()
                ));
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.to_string()),
        }
    }
}

/// The bytes of a file that is no link, whole and not too long.
fn read_file(folder: BorrowedFd<'_>, name: &str) -> Result<Option<Vec<u8>>, String> {
    // Not to hang on a pipe that somebody put there.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match fs::openat(folder, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err("it is a link".to_owned()),
        Err(errno) => return Err(errno.to_string()),
    };
    let stat = fs::fstat(&file).map_err(|errno| errno.to_string())?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err("it is no regular file".to_owned());
    }
    check_owner(&stat)?;
    let mut bytes = Vec::new();
    let mut file = File::from(file).take(LARGEST + 1);
    file.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(format!("it is longer than {LARGEST} bytes"));
    }
    Ok(Some(bytes))
}

/// Puts bytes in the place of a file: the old ones or these are there at any time, and these are
/// on the disk when this returns.
fn replace(folder: BorrowedFd<'_>, name: &str, bytes: &[u8]) -> Result<(), String> {
    let written = write_aside(folder, bytes).and_then(|()| {
        fs::renameat(folder, ASIDE, folder, name)?;
        flush(folder)
    });
    if let Err(errno) = written {
        // What is wrong already is worth more than that this did not help; `open` tries again.
        let _tried = discard(folder);
        return Err(errno.to_string());
    }
    match read_file(folder, name)? {
        Some(read) if read == bytes => Ok(()),
        _ => Err("the disk gives other bytes back than were written".to_owned()),
    }
}

fn write_aside(folder: BorrowedFd<'_>, bytes: &[u8]) -> Result<(), Errno> {
    discard(folder)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(fs::openat(folder, ASIDE, flags, PRIVATE_FILE)?);
    file.write_all(bytes).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    flush(file.as_fd())
}

/// Removes what was written aside.
fn discard(folder: BorrowedFd<'_>) -> Result<(), Errno> {
    match fs::unlinkat(folder, ASIDE, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Waits until a file or folder is on the disk itself.
pub(crate) fn flush(file: BorrowedFd<'_>) -> Result<(), Errno> {
    #[cfg(target_vendor = "apple")]
    if fs::fcntl_fullfsync(file).is_ok() {
        return Ok(());
    }
    fs::fsync(file)
}
