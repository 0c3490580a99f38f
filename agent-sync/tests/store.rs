//! Folders that are no stores, and processes that want the same one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "clippy knows tests by their functions alone, and not the helpers beside them"
)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use codex_agent_sync::store::{FileStore, LARGEST};
use codex_trust::store::MetadataStore as _;
use tempfile::TempDir;

fn open(path: &Path) -> Result<FileStore, String> {
    FileStore::open(path, Duration::from_millis(50)).map_err(|error| error.to_string())
}

#[test]
fn what_is_kept_is_there_after_opening_again_for_nobody_else() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("trust");
    let names = [
        "timestamp.json",
        "..%2Fdelegatedrole.json",
        "%3F.json",
        ".lock",
        "..json",
        "floors",
        "targets/team/a b.json",
        "targets/../../x",
        "targets/.new",
    ];
    let long = format!("{}.json", "r".repeat(400));
    let all: Vec<&str> = names.into_iter().chain([long.as_str()]).collect();
    let store = open(&path).unwrap();
    for name in &all {
        assert_eq!(store.load(name).unwrap(), None, "{name}");
        store.store(name, name.as_bytes()).unwrap();
    }
    drop(store);
    let store = open(&path).unwrap();
    for name in &all {
        assert_eq!(store.load(name).unwrap().unwrap(), name.as_bytes(), "{name}");
    }
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(path.join("targets")).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(path.join("timestamp.json")).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something left the folder");
}

#[test]
fn names_that_are_none_are_refused() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    for name in ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\0", "a b", "targets", "x\n"] {
        assert!(store.load(name).is_err(), "{name:?}");
        assert!(store.store(name, b"x").is_err(), "{name:?}");
    }
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    for mode in [0o777, 0o1777, 0o770, 0o702] {
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
        let error = open(folder.path()).unwrap_err();
        assert!(error.contains("others than its owner can write"), "{mode:o}: {error}");
        assert!(!folder.path().join(".lock").exists(), "it was written to all the same");
    }
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    store.store("targets/x", b"x").unwrap();
    fs::set_permissions(folder.path().join("targets"), Permissions::from_mode(0o777)).unwrap();
    assert!(store.load("targets/x").is_err());
    drop(store);
    assert!(open(folder.path()).is_err());
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    let folder = TempDir::new().unwrap();
    // Only root can give a folder away, and only then is there something to see.
    if std::os::unix::fs::chown(folder.path(), Some(12345), None).is_ok() {
        let error = open(folder.path()).unwrap_err();
        assert!(error.contains("belongs to user 12345"), "{error}");
    }
}

#[test]
fn links_are_refused() {
    let folder = TempDir::new().unwrap();
    let real = folder.path().join("real");
    fs::create_dir(&real).unwrap();
    let link = folder.path().join("link");
    symlink(&real, &link).unwrap();
    assert!(open(&link).unwrap_err().contains("link"));
    assert!(!real.join(".lock").exists());

    let store = open(&real).unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, b"old").unwrap();
    symlink(&elsewhere, real.join("timestamp.json")).unwrap();
    assert!(store.load("timestamp.json").is_err());
    symlink(&elsewhere, real.join(".new")).unwrap();
    store.store("snapshot.json", b"new").unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), b"old");
    symlink(folder.path(), real.join("targets")).unwrap();
    assert!(store.load("targets/elsewhere").is_err());
    assert!(store.store("targets/elsewhere", b"x").is_err());
    drop(store);
    fs::remove_file(real.join(".lock")).unwrap();
    symlink(&elsewhere, real.join(".lock")).unwrap();
    assert!(open(&real).is_err());
}

#[test]
fn a_file_that_others_can_write_to_is_no_floor() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    store.store("timestamp.json", b"{}").unwrap();
    let file = folder.path().join("timestamp.json");
    fs::set_permissions(file, Permissions::from_mode(0o666)).unwrap();
    assert!(store.load("timestamp.json").is_err());
}

#[test]
fn what_is_too_long_is_neither_kept_nor_read() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    store.store("a.json", b"old").unwrap();
    let long = vec![b' '; usize::try_from(LARGEST).unwrap() + 1];
    assert!(store.store("a.json", &long).is_err());
    assert_eq!(store.load("a.json").unwrap().unwrap(), b"old");
    fs::write(folder.path().join("a.json"), &long).unwrap();
    assert!(store.load("a.json").is_err());
}

#[test]
fn a_pipe_does_not_hang_it() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    let pipe = folder.path().join("timestamp.json");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(store.load("timestamp.json").is_err());
}

#[test]
fn what_a_killed_write_left_is_gone_after_opening() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("targets")).unwrap();
    for left in [".new", "targets/.new"] {
        fs::write(folder.path().join(left), b"half").unwrap();
    }
    drop(open(folder.path()).unwrap());
    assert!(!folder.path().join(".new").exists());
    assert!(!folder.path().join("targets/.new").exists());
}

/// Not a test by itself: what other processes of the next one do.
#[test]
fn holder() {
    let Ok(folder) = std::env::var("HOLD_STORE") else { return };
    let store = open(Path::new(&folder)).unwrap();
    store.store("held", b"held").unwrap();
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

#[test]
fn two_processes_at_once_wait_for_each_other() {
    let folder = TempDir::new().unwrap();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["holder", "--exact", "--nocapture"])
        .env("HOLD_STORE", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !folder.path().join("held").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let error = open(folder.path()).unwrap_err();
    assert!(error.contains("another process has been using it"), "{error}");
    let path = folder.path().to_owned();
    let waiting = std::thread::spawn(move || FileStore::open(&path, Duration::from_secs(20)));
    drop(other.stdin.take());
    assert_eq!(waiting.join().unwrap().unwrap().load("held").unwrap().unwrap(), b"held");
    assert!(other.wait().unwrap().success());
}
