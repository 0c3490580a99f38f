//! Where people at this machine leave requests for the agent, and find its answers.
//!
//! Everybody may write to the folder of requests, so that everything in it is hostile: links,
//! pipes, folders, files of others under a second name, files without end. What is picked up is a
//! regular file with one name, small and of the right form; who asks is its owner, whatever it
//! says. Answers lie in a folder that nobody can list, each readable by who asked alone.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use codex_fleet::request::{MAX_BYTES, MAX_USER, Request, Said, is_drop_name};
use jiff::Timestamp;
use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid, geteuid};

use crate::agent::requests::Asking;
use crate::disk::{DiskError, Folder, Missing};
use crate::layout::{Layout, STATE};

/// Everybody puts files there, and takes away none but their own; nobody looks.
const DROP: Mode = Mode::from_raw_mode(0o1733);
/// Who knows a name may open it; nobody looks.
const ANSWERS: Mode = Mode::from_raw_mode(0o711);

/// The most requests that are picked up at a time.
const MOST: usize = 64;
/// The most entries of the folder that are looked at.
const MOST_ENTRIES: usize = 10_000;
/// After how many seconds what is not finished is taken away.
const UNFINISHED: i64 = 600;
/// The most answers that are kept for one user.
const MOST_ANSWERS: usize = 20;

/// Makes both folders.
///
/// # Errors
/// When one is a link or in others' hands, or cannot be made.
pub fn prepare(layout: &Layout) -> Result<(), DiskError> {
    open(layout, "requests", DROP)?;
    open(layout, "answers", ANSWERS)?;
    Ok(())
}

/// Reads what people have left; what is no request is answered, and gone. What is picked up stays
/// where it is until it is answered.
///
/// # Errors
/// When the folder is not this agent's, or cannot be read.
pub fn pick_up(
    layout: &Layout,
    users: impl Fn(u32) -> Option<String>,
    now: Timestamp,
) -> Result<Vec<Asking>, DiskError> {
    let folder = open(layout, "requests", DROP)?;
    let failed = |errno: Errno| error("list", "requests", errno.to_string());
    let mut found = Vec::new();
    for entry in Dir::read_from(&folder).map_err(failed)?.take(MOST_ENTRIES) {
        let file = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if file == "." || file == ".." {
            continue;
        }
        let Some(name) = file.strip_suffix(".json").filter(|name| is_drop_name(name)) else {
            discard_unfinished(&folder, &file, now);
            continue;
        };
        match read(&folder, &file, &users) {
            Ok((user, request)) => {
                found.push(Asking { name: name.to_owned(), user, at: now, request });
            }
            Err(Bad::Said(user, why)) => reply(layout, name, user, &Said::Refused { why })?,
            Err(Bad::Hostile) => discard(&folder, &file),
        }
        if found.len() >= MOST {
            break;
        }
    }
    Ok(found)
}

/// Why a file is no request.
enum Bad {
    /// Its owner is told.
    Said(u32, String),
    /// It is no file of anybody's that could be told.
    Hostile,
}

fn read(
    folder: &OwnedFd,
    file: &str,
    users: &impl Fn(u32) -> Option<String>,
) -> Result<(u32, Request), Bad> {
    // Neither through a link, nor into a pipe that never ends.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = fs::openat(folder, file, flags, Mode::empty()).map_err(|_| Bad::Hostile)?;
    let stat = fs::fstat(&opened).map_err(|_| Bad::Hostile)?;
    // A second name would be a way to ask in the name of whoever owns the file.
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
        return Err(Bad::Hostile);
    }
    let user = stat.st_uid;
    let said = |why: String| Bad::Said(user, why);
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = File::from(opened).take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| said(error.to_string()))?;
    if bytes.len() > MAX_BYTES {
        return Err(said(format!("a request has {MAX_BYTES} bytes at most")));
    }
    let mut request: Request = serde_json::from_slice(&bytes)
        .map_err(|_| said("this is no request of `codex-config request`".to_owned()))?;
    let name = users(user).filter(|name| codex_fleet::identity::is_name(name, MAX_USER));
    request.user = Some(name.unwrap_or_else(|| format!("user {user}")));
    request.check().map_err(|bad| said(bad.to_string()))?;
    Ok((user, request))
}

/// Takes away what somebody began long ago, and what has no business there.
fn discard_unfinished(folder: &OwnedFd, file: &str, now: Timestamp) {
    let Ok(stat) = fs::statat(folder, file, AtFlags::SYMLINK_NOFOLLOW) else { return };
    // The time of the last change of the entry: its owner cannot set it.
    if now.as_second().saturating_sub(changed(&stat)).saturating_abs() > UNFINISHED {
        discard(folder, file);
    }
}

#[allow(clippy::useless_conversion, reason = "systems have different types for it")]
fn changed(stat: &Stat) -> i64 {
    i64::try_from(stat.st_ctime).unwrap_or(i64::MAX)
}

/// What cannot be removed does no harm: a folder with something in it, which is never looked into.
fn discard(folder: &OwnedFd, file: &str) {
    if fs::unlinkat(folder, file, AtFlags::empty()).is_err() {
        let _tried = fs::unlinkat(folder, file, AtFlags::REMOVEDIR);
    }
}

/// Answers a request, and puts it away.
///
/// # Errors
/// When the folders are not this agent's, or the disk fails.
pub fn reply(layout: &Layout, name: &str, user: u32, said: &Said) -> Result<(), DiskError> {
    let answers = open(layout, "answers", ANSWERS)?;
    let failed = |problem: &dyn std::fmt::Display| error("write", name, problem.to_string());
    let aside = format!(".{name}.new");
    let _none = fs::unlinkat(&answers, &*aside, AtFlags::empty());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let private = Mode::RUSR | Mode::WUSR;
    let mut file =
        File::from(fs::openat(&answers, &*aside, flags, private).map_err(|one| failed(&one))?);
    let text = serde_json::to_vec(said).unwrap_or_default();
    file.write_all(&text).map_err(|one| failed(&one))?;
    if geteuid().is_root() {
        let (owner, group) = (Uid::from_raw(user), Gid::ROOT);
        fs::fchown(&file, Some(owner), Some(group)).map_err(|one| failed(&one))?;
    }
    fs::fchmod(&file, Mode::RUSR).map_err(|one| failed(&one))?;
    let own = format!("{name}.json");
    fs::renameat(&answers, &*aside, &answers, &*own).map_err(|one| failed(&one))?;
    forget_oldest(&answers, user);
    discard(&open(layout, "requests", DROP)?, &own);
    Ok(())
}

/// Keeps the newest answers of a user: nobody fills the disk by asking, and nobody's answers go
/// because of others.
fn forget_oldest(answers: &OwnedFd, user: u32) {
    let Ok(entries) = Dir::read_from(answers) else { return };
    let mut own: BTreeSet<(i64, String)> = BTreeSet::new();
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(stat) = fs::statat(answers, &*name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        if stat.st_uid == user && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            own.insert((changed(&stat), name));
        }
    }
    let surplus = own.len().saturating_sub(MOST_ANSWERS);
    for (_, name) in own.iter().take(surplus) {
        discard(answers, name);
    }
}

/// Opens one of the two folders, which only this agent may own, and gives it its mode.
fn open(layout: &Layout, name: &str, mode: Mode) -> Result<OwnedFd, DiskError> {
    let failed = |errno: Errno| error("open", name, errno.to_string());
    let state = Folder::root(layout.root())?.walk(Path::new(STATE), Missing::Make)?;
    let state = state.ok_or_else(|| error("open", name, "it is not there".to_owned()))?;
    match fs::mkdirat(state.handle(), name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(failed(errno)),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = fs::openat(state.handle(), name, flags, Mode::empty()).map_err(failed)?;
    let stat = fs::fstat(folder.as_fd()).map_err(failed)?;
    if stat.st_uid != geteuid().as_raw() {
        return Err(error("open", name, "it belongs to somebody else".to_owned()));
    }
    if Mode::from_raw_mode(stat.st_mode) & Mode::from_raw_mode(0o7777) != mode {
        fs::fchmod(&folder, mode).map_err(failed)?;
    }
    Ok(folder)
}

fn error(action: &'static str, name: &str, problem: String) -> DiskError {
    DiskError { action, path: format!("/{STATE}/{name}"), problem }
}

/// The name of a user by `/etc/passwd`; users of a directory service are named by their number.
pub fn user_name(number: u32) -> Option<String> {
    let users = crate::config::read(Path::new("/etc/passwd")).ok()?;
    let users = String::from_utf8_lossy(&users).into_owned();
    let mut fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let line = fields.find(|line| line.get(2).and_then(|one| one.parse().ok()) == Some(number))?;
    line.first().map(|name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use codex_fleet::request::{ANSWER_FOLDER, DROP_FOLDER, Wanted};

    use super::*;

    struct Place(tempfile::TempDir, Layout);

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let layout = Layout::new(folder.path().to_owned());
            prepare(&layout).unwrap();
            Self(folder, layout)
        }

        fn drop_in(&self, name: &str, bytes: &[u8]) -> std::path::PathBuf {
            let path = self.0.path().join(DROP_FOLDER).join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        }

        fn said(&self, name: &str) -> Option<Said> {
            let path = self.0.path().join(ANSWER_FOLDER).join(format!("{name}.json"));
            Some(serde_json::from_slice(&std::fs::read(path).ok()?).unwrap())
        }

        fn picked(&self) -> Vec<Asking> {
            let name = |_| Some("ana".to_owned());
            pick_up(&self.1, name, Timestamp::now()).unwrap()
        }
    }

    fn name(digit: char) -> String {
        std::iter::repeat_n(digit, 32).collect()
    }

    fn request() -> Vec<u8> {
        let wants = Wanted::Domain { host: "files.example".to_owned() };
        let user = Some("root".to_owned());
        let reason = "a migration".to_owned();
        serde_json::to_vec(&Request { wants, days: 14, reason, user }).unwrap()
    }

    #[test]
    fn a_request_is_picked_up_under_its_owners_name_and_put_away_when_it_is_answered() {
        let place = Place::new();
        let file = place.drop_in(&format!("{}.json", name('a')), &request());
        let found = place.picked();
        assert_eq!(found.len(), 1);
        let asking = found.first().unwrap();
        assert_eq!(asking.request.user.as_deref(), Some("ana"), "not what the file says");
        assert_eq!(asking.user, std::fs::metadata(&file).unwrap().uid());
        assert!(file.exists(), "a kill between here and there loses nothing");
        reply(&place.1, &asking.name, asking.user, &Said::Filed { number: 3 }).unwrap();
        assert!(!file.exists());
        assert_eq!(place.said(&name('a')), Some(Said::Filed { number: 3 }));
        let answer = place.0.path().join(ANSWER_FOLDER).join(format!("{}.json", name('a')));
        assert_eq!(std::fs::metadata(answer).unwrap().permissions().mode() & 0o777, 0o400);
    }

    #[test]
    fn folders_have_their_modes_and_are_no_links() {
        let place = Place::new();
        let mode = |name: &str| {
            std::fs::metadata(place.0.path().join(name)).unwrap().permissions().mode() & 0o7777
        };
        assert_eq!((mode(DROP_FOLDER), mode(ANSWER_FOLDER)), (0o1733, 0o711));
        let requests = place.0.path().join(DROP_FOLDER);
        std::fs::set_permissions(&requests, std::fs::Permissions::from_mode(0o777)).unwrap();
        prepare(&place.1).unwrap();
        assert_eq!(mode(DROP_FOLDER), 0o1733, "it is put right");
        std::fs::remove_dir(&requests).unwrap();
        symlink("/tmp", &requests).unwrap();
        prepare(&place.1).unwrap_err();
        pick_up(&place.1, |_| None, Timestamp::now()).unwrap_err();
    }

    #[test]
    fn what_is_no_request_is_answered_or_taken_away() {
        let place = Place::new();
        let top = place.0.path().join(DROP_FOLDER);
        let long = [&request()[..], &[b' '; MAX_BYTES]].concat();
        for (digit, bytes) in [('1', &b"{}"[..]), ('2', b"\xff"), ('3', &long), ('4', b"")] {
            place.drop_in(&format!("{}.json", name(digit)), bytes);
        }
        let secret = place.0.path().join("secret");
        std::fs::write(&secret, request()).unwrap();
        symlink(&secret, top.join(format!("{}.json", name('5')))).unwrap();
        std::fs::hard_link(&secret, top.join(format!("{}.json", name('6')))).unwrap();
        std::fs::create_dir(top.join(format!("{}.json", name('7')))).unwrap();
        let pipe = top.join(format!("{}.json", name('8')));
        fs::mknodat(fs::CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
        place.drop_in("other.json", &request());
        assert_eq!(place.picked(), []);
        for digit in ['1', '2', '3', '4'] {
            assert!(matches!(place.said(&name(digit)), Some(Said::Refused { .. })), "{digit}");
        }
        for digit in ['5', '6', '7', '8'] {
            assert_eq!(place.said(&name(digit)), None, "{digit}");
        }
        assert!(secret.exists());
        // What may still be written to is left for a while.
        let left: Vec<_> = std::fs::read_dir(&top).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        let later = Timestamp::now() + std::time::Duration::from_secs(601);
        pick_up(&place.1, |_| None, later).unwrap();
        assert_eq!(std::fs::read_dir(&top).unwrap().count(), 0);
    }

    #[test]
    fn answers_of_one_user_do_not_fill_the_disk() {
        let place = Place::new();
        for number in 0..(MOST_ANSWERS + 5) {
            let name = format!("{number:032x}");
            reply(&place.1, &name, geteuid().as_raw(), &Said::Filed { number: 1 }).unwrap();
        }
        let answers = std::fs::read_dir(place.0.path().join(ANSWER_FOLDER)).unwrap();
        assert_eq!(answers.count(), MOST_ANSWERS);
    }
}
