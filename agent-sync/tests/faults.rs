//! A kill, a full disk and a broken disk at every system call of a refresh that has to do with
//! files: afterwards the store holds old documents or new ones, whole, and the next refresh works.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "clippy knows tests by their functions alone, and not the helpers beside them"
)]

#[path = "support/faults.rs"]
mod strace;
mod support;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use strace::{inject_all, is_traceable};
use support::{Endpoint, Release, kept, now};
use tempfile::TempDir;

/// Every call that opens, changes, flushes, names, locks or looks at a file.
const CALLS: [&str; 19] = [
    "openat",
    "read",
    "write",
    "fsync",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "flock",
    "close",
    "fstat",
    "newfstatat",
    "statx",
    "lseek",
    "ftruncate",
    "fchmod",
    "rename",
];

/// What can befall a call. A kill while looking is one before the next call that changes.
fn faults(call: &str) -> &'static [&'static str] {
    match call {
        "read" | "fstat" | "newfstatat" | "statx" | "lseek" => &["error=EIO"],
        "close" => &["signal=KILL", "error=EIO"],
        _ => &["signal=KILL", "error=ENOSPC", "error=EIO"],
    }
}

const POLICY: &str = "team-a/policy.json";

/// The program, built: a test of this file alone builds no examples.
fn program() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "codex-agent-sync", "--example", "refresh_folder"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success());
    let folder = std::env::current_exe().unwrap();
    folder.parent().unwrap().parent().unwrap().join("examples/refresh_folder")
}

struct Bed {
    program: PathBuf,
    release: TempDir,
    old: BTreeMap<String, Vec<u8>>,
    new: BTreeMap<String, Vec<u8>>,
}

/// A store with all of an old release, and a new one in which everything is new.
fn bed() -> Bed {
    let mut release = Release::new();
    release.delegate("targets", "team-a", 11, "team-a/*");
    release.add("team-a", POLICY, b"the old policy");
    release.advance();
    let endpoint = Endpoint::of(&release);
    endpoint.refresh(&release).unwrap().fetch(POLICY).unwrap().unwrap();
    let old = endpoint.kept();
    release.root.version = 2;
    release.publish_root();
    release.add("team-a", POLICY, b"the new policy, which is a longer one");
    release.advance();
    endpoint.refresh(&release).unwrap().fetch(POLICY).unwrap().unwrap();
    let new = endpoint.kept();
    assert!(old.keys().eq(new.keys()) && old.iter().all(|(name, bytes)| new[name] != *bytes));
    let folder = TempDir::new().unwrap();
    release.write(folder.path());
    Bed { program: program(), release: folder, old, new }
}

impl Bed {
    /// The old store.
    fn store(&self) -> TempDir {
        let folder = TempDir::new().unwrap();
        for (name, bytes) in &self.old {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        folder
    }

    fn command(&self, mut command: Command, store: &Path) -> Output {
        command.arg(store).arg(self.release.path()).arg(now().to_string()).arg(POLICY);
        command.output().unwrap()
    }

    fn run(&self, tracing: &[&str], store: &Path) -> Output {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq"]).args(tracing).arg(&self.program);
        self.command(command, store)
    }

    /// What the program calls, one call a line.
    fn log(&self) -> String {
        let (store, log) = (self.store(), TempDir::new().unwrap());
        let log = log.path().join("log");
        let output = self.run(&["-y", "-o", log.to_str().unwrap()], store.path());
        assert!(output.status.success(), "{output:?}");
        assert_eq!(kept(store.path()), self.new);
        let log = std::fs::read_to_string(&log).unwrap();
        log.replace(store.path().to_str().unwrap(), "STORE")
    }

    /// Which occurrences of each call are the program's own: those before it opens its store are
    /// the loader's.
    fn calls(&self) -> BTreeMap<&'static str, RangeInclusive<usize>> {
        let log = self.log();
        // The program's own start has the name of the store among its arguments.
        let own = log.lines().position(|line| line.contains("mkdirat(")).unwrap();
        let range = |call: &str| {
            let start = format!("{call}(");
            let is_call = |line: &&str| line.split(' ').any(|word| word.starts_with(&start));
            let before = log.lines().take(own).filter(is_call).count();
            before + 1..=log.lines().filter(is_call).count()
        };
        CALLS.into_iter().map(|call| (call, range(call))).collect()
    }

    /// What a fault broke.
    fn inject(&self, call: &str, fault: &str, when: usize) -> Vec<String> {
        let store = self.store();
        let injection = format!("inject={call}:{fault}:when={when}");
        let output = self.run(&["-o", "/dev/null", "-e", &injection], store.path());
        let mut broken = Vec::new();
        let after = kept(store.path());
        for (name, bytes) in &after {
            let is_whole = [&self.old, &self.new].iter().any(|one| one.get(name) == Some(bytes));
            if !is_whole {
                broken.push(format!("`{name}` is neither the old nor the new one"));
            }
        }
        if !after.keys().eq(self.old.keys()) {
            broken.push(format!("the store holds {:?}", after.keys()));
        }
        if output.status.success() && after != self.new {
            broken.push("it says that all is well, and not everything is new".to_owned());
        }
        if output.status.success() && matches!(call, "fsync" | "write" | "renameat") {
            broken.push("it says that all is well after a failure to keep".to_owned());
        }
        let next = self.command(Command::new(&self.program), store.path());
        if !next.status.success() || kept(store.path()) != self.new {
            broken.push(format!("the next refresh does not work: {next:?}"));
        }
        if store.path().join(".new").exists() || store.path().join("targets/.new").exists() {
            broken.push("what was written aside is still there".to_owned());
        }
        broken
    }
}

#[test]
fn what_gets_a_name_is_on_the_disk_before_and_its_name_after() {
    if !is_traceable() {
        return;
    }
    let log = bed().log();
    let steps: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("STORE"))
        .filter_map(|line| {
            let flushed = if line.contains(".new>") { "flush file" } else { "flush folder" };
            [("write(", "write"), ("fsync(", flushed), ("renameat(", "rename")]
                .into_iter()
                .find_map(|(call, step)| line.contains(call).then_some(step))
        })
        .collect();
    // Root, timestamp, snapshot, targets, the team's role, the target.
    let one = ["write", "flush file", "rename", "flush folder"];
    assert_eq!(steps, one.repeat(6), "{log}");
}

#[test]
fn a_fault_at_every_call_leaves_the_old_or_the_new_documents() {
    if !is_traceable() {
        return;
    }
    let bed = bed();
    let calls = bed.calls();
    let mut points = Vec::new();
    for (call, range) in &calls {
        for when in range.clone() {
            points.extend(faults(call).iter().map(|fault| (*call, *fault, when)));
        }
    }
    let violations = inject_all(&points, |(call, fault, when)| {
        let broken = bed.inject(call, fault, *when);
        broken.into_iter().map(|what| format!("{call} {when} {fault}: {what}")).collect()
    });
    eprintln!("{} faults injected, {} violations; {calls:?}", points.len(), violations.len());
    assert!(points.len() >= 300, "only {} faults", points.len());
    assert_eq!(violations, [] as [String; 0]);
}
