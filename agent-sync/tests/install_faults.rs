//! A kill, a full disk and a broken disk at system calls all over a first installation, an upgrade
//! and a rollback by the program itself: whatever happens, the next start ends with all of the old
//! policy or all of the new one, and no floor is lost.
//!
//! `INSTALL_FAULTS` sets how many faults each of the three gets at most; 0 takes every one.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

#[path = "support/fleet.rs"]
mod fleet;
#[path = "support/faults.rs"]
mod strace;
#[path = "../../schema/trust/tests/support/mod.rs"]
mod trust;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use codex_fleet::identity::{DeviceId, Identity};
use codex_trust::provider::digest_name;
use fleet::{Machine, bundles};
use strace::{inject_all, is_traceable};
use tempfile::TempDir;
use trust::{LOOSEN, Mirror, STRICT};

/// Every call that opens, changes, flushes, names, locks or looks at a file.
const CALLS: [&str; 16] = [
    "openat",
    "read",
    "write",
    "fsync",
    "renameat",
    "renameat2",
    "rename",
    "unlinkat",
    "mkdirat",
    "fchown",
    "fchmod",
    "fchmodat",
    "flock",
    "fstat",
    "statx",
    "getdents64",
];

fn faults(call: &str) -> &'static [&'static str] {
    match call {
        "read" | "fstat" | "statx" | "getdents64" => &["error=EIO"],
        _ => &["signal=KILL", "error=ENOSPC", "error=EIO"],
    }
}

/// The policy files of a machine with their modes and owners.
type Policy = BTreeMap<String, (Vec<u8>, u32, u32)>;

struct Case {
    name: &'static str,
    /// A machine before, as a tree to copy.
    before: TempDir,
    old: Policy,
    new: Policy,
    floor: u64,
}

/// Writes what a mirror has so far into the release that a machine follows.
fn deliver(mirror: &Mirror, machine: &Path) {
    let release = machine.join("release");
    for (name, bytes) in &*mirror.files.lock().unwrap() {
        let path = release.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn new_machine() -> TempDir {
    let Machine { folder } = Machine::new();
    let settings = folder.path().join("etc/codex-agent");
    fs::create_dir_all(&settings).unwrap();
    fs::write(settings.join("root.json"), trust::root(1, 0)).unwrap();
    let identity = Identity {
        device: DeviceId::from_random([7; 16]),
        claims: trust::claims(Some("payments")),
    };
    let enrolment =
        codex_agent_sync::identity::Enrolment { identity, freshness_key: String::new() };
    fs::write(settings.join("enrolment.json"), serde_json::to_vec(&enrolment).unwrap()).unwrap();
    folder
}

/// The settings name the folder of the release, which moves with every copy.
fn point(machine: &Path, release: &str) {
    let release = machine.join(release);
    let text = format!("organisation = 'Example Bank'\nrelease = '{}'\n", release.display());
    fs::write(machine.join("etc/codex-agent/agent.toml"), text).unwrap();
}

fn copy(from: &Path) -> TempDir {
    let folder = TempDir::new().unwrap();
    let done = Command::new("cp").arg("-a").arg(from.join(".")).arg(folder.path()).status();
    assert!(done.unwrap().success());
    point(folder.path(), "release");
    folder
}

fn policy(machine: &Path) -> Policy {
    let base = machine.join("etc/codex");
    let mut found = Policy::new();
    for folder in ["", "rules/"] {
        let Ok(entries) = fs::read_dir(base.join(folder)) else { continue };
        for entry in entries.map(Result::unwrap).filter(|entry| entry.path().is_file()) {
            let name = format!("{folder}{}", entry.file_name().to_string_lossy());
            let about = entry.metadata().unwrap();
            let mode = about.permissions().mode() & 0o7777;
            found.insert(name, (fs::read(entry.path()).unwrap(), mode, about.uid()));
        }
    }
    found
}

fn once(machine: &Path, wrapper: &[&str]) -> Output {
    let words: Vec<&str> =
        wrapper.iter().copied().chain([env!("CARGO_BIN_EXE_codex-agent")]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg("--root").arg(machine).arg("once");
    command.output().unwrap()
}

fn settled(machine: &Path) -> Policy {
    let output = once(machine, &[]);
    assert!(output.status.success(), "{output:?}");
    policy(machine)
}

/// A machine without policy, one with the first, and one with the second.
fn cases() -> [Case; 3] {
    let mirror = Arc::new(Mirror::default());
    let publish = |requirements: &str, config: Option<&str>| {
        let mut bundles = bundles(requirements);
        let place = bundles[0].bundle.places[0].clone();
        if let Some(config) = config {
            let (file, path) = ("config.toml".to_owned(), "/etc/codex/config.toml".to_owned());
            bundles[0].bundle.files.insert(file.clone(), config.to_owned());
            bundles[0].bundle.places.push(codex_trust::bundle::Place { file, path, ..place });
        }
        let draft = trust::publish_now(&mirror, &trust::organisation(), bundles);
        let bytes = draft.files.iter().find(|(path, _)| path.contains("payments")).unwrap().1;
        digest_name(bytes)
    };
    let stricter = format!("{STRICT}allow_appshots = false\n# {}\n", "a longer file ".repeat(2000));

    let first = new_machine();
    publish(STRICT, None);
    deliver(&mirror, first.path());
    point(first.path(), "release");
    let second = copy(first.path());
    let one = settled(second.path());
    let digest = publish(&stricter, Some("model = 'x'\n"));
    deliver(&mirror, second.path());
    let third = copy(second.path());
    let two = settled(third.path());
    // Back to the first content, as a new generation that somebody has approved.
    let back = publish(STRICT, None);
    let approval = trust::approval(&digest, &back, "payments", &[LOOSEN]);
    mirror.put(format!("targets/approvals/{}.json", back.trim_start_matches("sha256:")), approval);
    deliver(&mirror, third.path());
    let three = settled(copy(third.path()).path());
    assert!(one == three && one.len() == 3 && two.len() == 4, "{one:?} {two:?}");
    [
        Case { name: "install", before: first, old: Policy::new(), new: one.clone(), floor: 0 },
        Case { name: "upgrade", before: second, old: one.clone(), new: two.clone(), floor: 1 },
        Case { name: "rollback", before: third, old: two, new: one, floor: 2 },
    ]
}

impl Case {
    /// All faults: call, what befalls it, and which of the program's own calls.
    fn points(&self) -> Vec<(&'static str, &'static str, usize)> {
        let (machine, log) = (copy(self.before.path()), TempDir::new().unwrap());
        let log = log.path().join("log");
        let output = once(machine.path(), &["strace", "-f", "-qq", "-o", log.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(policy(machine.path()), self.new);
        let log = fs::read_to_string(log).unwrap();
        let own = log.lines().position(|line| line.contains("agent.toml")).unwrap();
        let mut points = Vec::new();
        for call in CALLS {
            let start = format!("{call}(");
            let is_call = |line: &&str| line.split(' ').any(|word| word.starts_with(&start));
            let before = log.lines().take(own).filter(is_call).count();
            for when in before + 1..=log.lines().filter(is_call).count() {
                points.extend(faults(call).iter().map(|fault| (call, *fault, when)));
            }
        }
        points
    }

    fn is_one_of(&self, found: &Policy) -> bool {
        *found == self.old || *found == self.new
    }

    /// What a fault broke.
    fn inject(&self, call: &str, fault: &str, when: usize) -> Vec<String> {
        let machine = copy(self.before.path());
        let machine = machine.path();
        let injection = format!("inject={call}:{fault}:when={when}");
        let trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &injection];
        let output = once(machine, &trace);
        let mut broken = Vec::new();
        for (name, file) in policy(machine) {
            let known = [&self.old, &self.new].iter().any(|one| one.get(&name) == Some(&file));
            if !known && !name.ends_with(".codex-agent-new") {
                broken.push(format!("`{name}` is neither the old nor the new one: {file:?}"));
            }
        }
        if output.status.success() && policy(machine) != self.new {
            broken.push("it says that all is well, and not everything is new".to_owned());
        }
        if self.floor_of(machine).is_none() {
            broken.push("the floor is lost".to_owned());
        }
        // A start without any release to fetch: what was begun is finished or forgotten.
        point(machine, "nowhere");
        let _offline = once(machine, &[]);
        let after = policy(machine);
        if !self.is_one_of(&after) {
            broken.push(format!("a start ends with half of it: {:?}", after.keys()));
        }
        point(machine, "release");
        let next = once(machine, &[]);
        if !next.status.success() || policy(machine) != self.new {
            broken.push(format!("the next run does not work: {next:?}"));
        }
        if self.floor_of(machine) != Some(self.floor + 1) {
            broken.push("the floor is not the new one in the end".to_owned());
        }
        broken
    }

    /// The floor of the cohort, if it is at least what it was.
    fn floor_of(&self, machine: &Path) -> Option<u64> {
        let path = machine.join("var/lib/codex-agent/trust/floors");
        let Ok(bytes) = fs::read(path) else { return (self.floor == 0).then_some(0) };
        let floors: BTreeMap<String, (u64, String)> = serde_json::from_slice(&bytes).ok()?;
        floors.get("payments").map(|(floor, _)| *floor).filter(|floor| *floor >= self.floor)
    }
}

#[test]
fn a_fault_at_any_call_leaves_all_of_the_old_policy_or_all_of_the_new_one() {
    if !is_traceable() {
        return;
    }
    let most: usize = std::env::var("INSTALL_FAULTS").map_or(130, |text| text.parse().unwrap());
    let (mut injected, mut violations) = (0, Vec::new());
    for case in cases() {
        let all = case.points();
        // Evenly over the whole run, the same every time.
        let step = if most == 0 { 1 } else { all.len().div_ceil(most).max(1) };
        let points: Vec<_> = all.iter().step_by(step).copied().collect();
        let broken = inject_all(&points, |(call, fault, when)| {
            let broken = case.inject(call, fault, *when);
            let at = format!("{} {call} {when} {fault}", case.name);
            broken.into_iter().map(|what| format!("{at}: {what}")).collect()
        });
        eprintln!(
            "{}: {} of {} faults, {} violations",
            case.name,
            points.len(),
            all.len(),
            broken.len()
        );
        injected += points.len();
        violations.extend(broken);
    }
    eprintln!("{injected} faults injected, {} violations", violations.len());
    assert!(injected >= 300 || most != 130, "only {injected} faults");
    assert_eq!(violations, [] as [String; 0]);
}
