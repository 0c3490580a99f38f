//! TUF clients that are not ours read our releases: whole ones, broken ones, and what an attacker
//! makes of them. All must come to the same answer for each; where they do not, the difference is
//! listed here with its reason.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]
#![expect(clippy::print_stderr, reason = "how many cases there were")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use codex_oracle::{npm::install_locked, require_or_announce};
use codex_trust::document::{Document, Envelope, Snapshot, Target, Targets, Timestamp};
use codex_trust::provider::{hex, sha256};
use codex_trust::refresh::{Limits, refresh};
use codex_trust::store::MemoryStore;
use codex_trust::transport::Transport;
use codex_trust::write::target_name;
use serde_json::{Value, json};
use support::*;

const TARGET: &str = "team-payments/payments.json";

/// The files of a mirror.
type Files = BTreeMap<String, Vec<u8>>;

/// What one client sees, one state of the mirror after the other.
struct Case {
    name: String,
    steps: Vec<Files>,
}

fn release() -> Arc<Mirror> {
    let mirror = Arc::new(Mirror::default());
    mirror.put("metadata/1.root.json", root(1, 0));
    publish(&mirror, &organisation(), bundles(STRICT, LOOSE));
    mirror
}

fn files(mirror: &Mirror) -> Files {
    mirror.files.lock().unwrap().clone()
}

/// What can happen to any file.
fn damaged(good: &Files) -> Vec<Case> {
    type Damage = fn(&[u8]) -> Option<Vec<u8>>;
    let damages: [(&str, Damage); 9] = [
        ("is gone", |_| None),
        ("is empty", |_| Some(Vec::new())),
        ("is cut in half", |bytes| Some(bytes.iter().take(bytes.len() / 2).copied().collect())),
        ("has one more byte", |bytes| Some([bytes, b" "].concat())),
        ("has another first byte", |bytes| Some([b"[", bytes.get(1..).unwrap()].concat())),
        ("has no signatures", |bytes| Some(edited(bytes, "/signatures", &json!([])))),
        ("has an empty signature", |bytes| Some(edited(bytes, "/signatures/0/sig", &json!("")))),
        ("is good for longer", |bytes| {
            Some(edited(bytes, "/signed/expires", &json!("2030-01-01T00:00:00Z")))
        }),
        ("is of a higher version", |bytes| Some(edited(bytes, "/signed/version", &json!(99)))),
    ];
    let mut cases = Vec::new();
    for (name, bytes) in good.iter().filter(|(name, _)| name.as_str() != "metadata/1.root.json") {
        for (what, damage) in damages {
            let mut files = good.clone();
            match damage(bytes) {
                Some(bytes) => drop(files.insert(name.clone(), bytes)),
                None => drop(files.remove(name)),
            }
            cases.push(Case { name: format!("{name} {what}"), steps: vec![files] });
        }
    }
    cases
}

/// With another value where a pointer leads; as it was where it leads nowhere.
fn edited(bytes: &[u8], pointer: &str, to: &Value) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(bytes).unwrap();
    if let Some(place) = value.pointer_mut(pointer) {
        place.clone_from(to);
    }
    serde_json::to_vec(&value).unwrap()
}

/// A document with a change, signed by somebody.
fn resigned<D: Document>(
    files: &Files,
    name: &str,
    signer: u8,
    change: impl Fn(&mut D),
) -> Vec<u8> {
    let mut document: D = Envelope::read(files.get(name).unwrap()).unwrap().document().unwrap();
    change(&mut document);
    let mut envelope = Envelope::new(&document).unwrap();
    envelope.sign(&key(signer)).unwrap();
    envelope.bytes()
}

/// The mirror with other files.
fn with(good: &Files, name: &str, changes: Vec<(&str, Vec<u8>)>) -> Case {
    let mut files = good.clone();
    files.extend(changes.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)));
    Case { name: name.to_owned(), steps: vec![files] }
}

const TIMESTAMP_FILE: &str = "metadata/timestamp.json";
const SNAPSHOT_FILE: &str = "metadata/1.snapshot.json";
const TEAM_FILE: &str = "metadata/1.team-payments.json";

/// What somebody does who holds a key of timestamps or snapshots.
fn online_attacks(good: &Files) -> Vec<Case> {
    let past = "2026-11-25T11:59:59Z".parse().unwrap();
    let timestamp = |name: &str, signer: u8, change: &dyn Fn(&mut Timestamp)| {
        let bytes = resigned(good, TIMESTAMP_FILE, signer, change);
        with(good, name, vec![(TIMESTAMP_FILE, bytes)])
    };
    let snapshot = |name: &str, signer: u8, change: &dyn Fn(&mut Snapshot)| {
        let bytes = resigned(good, SNAPSHOT_FILE, signer, change);
        with(good, name, vec![(SNAPSHOT_FILE, bytes)])
    };
    vec![
        timestamp("a timestamp that has expired", TIMESTAMP, &|one| one.expires = past),
        timestamp("a timestamp of the key of snapshots", SNAPSHOT, &|_| {}),
        timestamp("a timestamp that names another snapshot", TIMESTAMP, &|one| {
            one.meta.get_mut("snapshot.json").unwrap().version = 2;
        }),
        snapshot("a snapshot of the key of timestamps", TIMESTAMP, &|_| {}),
        snapshot("a snapshot that has expired", SNAPSHOT, &|one| one.expires = past),
        snapshot("a snapshot that names another version of a team's role", SNAPSHOT, &|one| {
            one.meta.get_mut("team-payments.json").unwrap().version = 2;
        }),
        snapshot("a snapshot without a team's role", SNAPSHOT, &|one| {
            one.meta.remove("team-payments.json");
        }),
    ]
}

/// What somebody does who holds a team's key.
fn team_attacks(good: &Files) -> Vec<Case> {
    let past = "2026-11-25T11:59:59Z".parse().unwrap();
    let expired = resigned(good, TEAM_FILE, PAYMENTS, |one: &mut Targets| one.expires = past);
    let content = b"{}".to_vec();
    let forged = resigned(good, TEAM_FILE, PLATFORM, |document: &mut Targets| {
        document.targets.insert(TARGET.to_owned(), Target::of(&content, None));
    });
    let file = format!("targets/{}", target_name(TARGET, &hex(&sha256(&content))));
    let targets = "metadata/1.targets.json";
    let raised = resigned(good, targets, PAYMENTS, |_: &mut Targets| {});
    vec![
        with(good, "a team's role that has expired", vec![(TEAM_FILE, expired)]),
        with(
            good,
            "a team's role of another team's key",
            vec![(TEAM_FILE, forged), (&file, content.clone())],
        ),
        with(good, "targets of a team's key", vec![(targets, raised)]),
    ]
}

/// What a mirror does that has seen more than one state.
fn histories() -> Vec<Case> {
    let mirror = release();
    let first = files(&mirror);
    publish(&mirror, &organisation(), bundles(LOOSE, LOOSE));
    let second = files(&mirror);
    let state = |name: &str, steps: &[&Files]| Case {
        name: name.to_owned(),
        steps: steps.iter().map(|files| (*files).clone()).collect(),
    };
    let mixed = |from: &str| {
        let mut files = second.clone();
        files.insert(from.to_owned(), first.get(from).unwrap().clone());
        files
    };
    let rolled_back = mixed("metadata/timestamp.json");
    let mut rotated = second.clone();
    rotated.insert("metadata/2.root.json".to_owned(), root(2, 0));
    let mut skipped = second.clone();
    skipped.insert("metadata/3.root.json".to_owned(), root(3, 0));
    let mut wrong = second.clone();
    wrong.insert("metadata/2.root.json".to_owned(), root(3, 0));
    let mut other_online = second.clone();
    other_online.insert("metadata/2.root.json".to_owned(), root(2, 20));
    vec![
        state("a release", &[&first]),
        state("the same release twice", &[&first, &first]),
        state("the next release", &[&first, &second]),
        state("the release before, whole", &[&second, &first]),
        state("the timestamp before", &[&second, &rolled_back]),
        state("a new root", &[&second, &rotated]),
        state("a root that leaves one out is not looked for", &[&second, &skipped]),
        state("a root that says another version than its name", &[&second, &wrong]),
        state(
            "a root with other online keys, and documents of the old ones",
            &[&second, &other_online],
        ),
    ]
}

/// What a client makes of a step: the digest of what it fetched, or why it did not.
type Answer = Result<Option<String>, String>;

fn ours(case: &Case) -> Vec<Answer> {
    let store = Arc::new(MemoryStore::with_root(&root(1, 0)));
    let one = |files: &Files| -> Answer {
        let mirror = Arc::new(Mirror::default());
        *mirror.files.lock().unwrap() = files.clone();
        let transport: Arc<dyn Transport> = mirror;
        let store = Arc::<MemoryStore>::clone(&store);
        let session = refresh(transport, store, now(), Limits::default());
        let mut session = session.map_err(|error| error.to_string())?;
        let fetched = session.fetch(TARGET).map_err(|error| error.to_string())?;
        Ok(fetched.map(|fetched| hex(&sha256(&fetched.bytes))))
    };
    case.steps.iter().map(one).collect()
}

fn theirs(client: Client<'_>, cases: &[Case]) -> Vec<Vec<Answer>> {
    let place = tempfile::tempdir().unwrap();
    let mut asked = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let folder = place.path().join(number.to_string());
        fs::create_dir_all(folder.join("client")).unwrap();
        fs::create_dir_all(folder.join("downloads")).unwrap();
        fs::write(folder.join("client/root.json"), root(1, 0)).unwrap();
        let mut steps = Vec::new();
        for (step, files) in case.steps.iter().enumerate() {
            let top = folder.join(format!("step-{step}"));
            for (name, bytes) in files {
                let path = top.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
            steps.push(top);
        }
        asked.push(json!({ "folder": folder, "steps": steps }));
    }
    let input = json!({
        "client": client.library, "now": now(), "target": TARGET, "cases": asked
    });
    let (program, words) = client.words.split_first().unwrap();
    let mut child = Command::new(program)
        .args(words)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "the client broke off");
    let answers: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
    let mut answers =
        answers.into_iter().map(|one| match one.get("error").and_then(Value::as_str) {
            Some(error) => Err(error.to_owned()),
            None => Ok(one.get("digest").and_then(Value::as_str).map(str::to_owned)),
        });
    cases.iter().map(|case| answers.by_ref().take(case.steps.len()).collect()).collect()
}

/// A client that is not ours.
#[derive(Clone, Copy)]
struct Client<'client> {
    /// How its reader is started.
    words: &'client [&'client str],
    /// Where its library is, if the reader has to be told.
    library: Option<&'client Path>,
}

#[test]
fn tuf_js_comes_to_the_same_answers() {
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign");
    let Some(()) = require_or_announce(install_locked(&own, &library)) else { return };
    agree(Client { words: &["node", "read.js"], library: Some(&library) }, &[]);
}

#[test]
#[ignore = "by hand, pip is not everywhere: pip install tuf==7.0.0"]
fn python_tuf_comes_to_the_same_answers() {
    agree(Client { words: &["python3", "read.py"], library: None }, &[]);
}

/// It has the clock of the system, which `faketime` sets for it, but not for its build: a compiler
/// whose clock stands still waits for itself.
#[test]
#[ignore = "by hand, it wants a C compiler and faketime"]
fn tough_comes_to_the_same_answers() {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tough");
    let build = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--manifest-path", "tests/foreign/tough/Cargo.toml"])
        .arg("--target-dir")
        .arg(&built)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(build.unwrap().success(), "the reader was not built");
    let day = now().strftime("%F %T").to_string();
    let reader = built.join("debug/read-with-tough");
    let words = ["faketime", &day, reader.to_str().unwrap()];
    let all_at_once = "tough reads every role of a release before it answers, so a role of another \
                       team that is broken stops it; we read the roles on the way to one target";
    let broken = [
        "is gone",
        "is empty",
        "is cut in half",
        "has another first byte",
        "has no signatures",
        "has an empty signature",
        "is good for longer",
        "is of a higher version",
    ];
    let names: Vec<String> = ["organisation", "team-platform"]
        .iter()
        .flat_map(|role| broken.map(|what| format!("metadata/1.{role}.json {what}")))
        .collect();
    let differences: Vec<(&str, &str)> =
        names.iter().map(|name| (name.as_str(), all_at_once)).collect();
    agree(Client { words: &words, library: None }, &differences);
}

/// Holds a client against ours. Where they differ, and that is right, the difference is listed with
/// its reason.
fn agree(client: Client<'_>, differences: &[(&str, &str)]) {
    let good = files(&release());
    let cases: Vec<Case> = histories()
        .into_iter()
        .chain(damaged(&good))
        .chain(online_attacks(&good))
        .chain(team_attacks(&good))
        .collect();
    let foreign = theirs(client, &cases);
    let mut differ = Vec::new();
    let (mut taken, mut refused) = (0, 0);
    for (case, theirs) in cases.iter().zip(&foreign) {
        let ours = ours(case);
        for (step, (one, other)) in ours.iter().zip(theirs).enumerate() {
            let same = match (one, other) {
                (Ok(one), Ok(other)) => one == other,
                (Err(_), Err(_)) => true,
                (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
            };
            if one.is_ok() {
                taken += 1;
            } else {
                refused += 1;
            }
            if !same {
                differ.push((case.name.as_str(), format!("step {step}: {one:?} / {other:?}")));
            }
        }
    }
    eprintln!("{} cases: {taken} steps taken, {refused} refused", cases.len());
    let expected: Vec<&str> = differences.iter().map(|(name, _)| *name).collect();
    let names: Vec<&str> = differ.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected, "{differ:#?}");
    assert!(taken >= 8 && refused >= 50, "{taken} taken, {refused} refused");
}
