//! On a managed machine, `explain` follows a value back to the policy repository: file, line,
//! commit and author, from the map that lies beside the policy.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn program(place: &Path, words: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_codex-config"))
        .current_dir(place)
        .args(words)
        .output()
        .unwrap();
    assert!(done.status.success(), "{words:?}: {done:?}");
    String::from_utf8(done.stdout).unwrap()
}

fn git(place: &Path, words: &[&str]) {
    let done = Command::new("git")
        .current_dir(place)
        .args(["-c", "user.name=Ana", "-c", "user.email=ana@bank.example"])
        .args(words)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// A machine with a policy that was compiled from a repository of two commits.
fn machine(place: &Path) -> PathBuf {
    let policy = place.join("policy");
    let write = |name: &str, text: &str| {
        let path = policy.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("policy.toml", "organisation.name = \"Bank\"\n[cohorts.all]\ndefault = true\n");
    write("baseline/requirements.toml", "allowed_approval_policies = [\n  'never',\n]\n");
    git(&policy, &["init", "--quiet"]);
    git(&policy, &["add", "--all"]);
    git(&policy, &["commit", "--quiet", "--message", "never asks"]);
    write(
        "baseline/requirements.toml",
        "allowed_approval_policies = [\n  'never',\n  'on-request',\n]\n",
    );
    write("baseline/config.toml", "approval_policy = 'on-request'\n");
    git(&policy, &["add", "--all"]);
    git(&policy, &["commit", "--quiet", "--message", "may ask"]);
    program(place, &["compile", "policy", "--out", "out"]);
    let system = place.join("machine/etc/codex");
    fs::create_dir_all(&system).unwrap();
    for entry in fs::read_dir(place.join("out/all")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, system.join(path.file_name().unwrap())).unwrap();
    }
    system
}

const EXPLAIN: [&str; 9] = [
    "explain",
    "approval_policy",
    "--root",
    "machine",
    "--codex-home",
    "machine/home",
    "--cwd",
    "/srv",
    "--json",
];

fn explained(place: &Path) -> Value {
    serde_json::from_str(&program(place, &EXPLAIN)).unwrap()
}

/// Every origin below a list of voices, as `file:line subject`.
fn origins(explained: &Value, voices: &str) -> Vec<String> {
    let voices = explained.pointer(&format!("/settings/0/{voices}")).unwrap().as_array().unwrap();
    let text = |value: &Value, pointer: &str| value.pointer(pointer).unwrap().to_string();
    voices
        .iter()
        .flat_map(|voice| voice.get("origins").unwrap().as_array().unwrap())
        .map(|one| {
            let (file, line) = (text(one, "/file"), text(one, "/line"));
            format!("{file}:{line} {}", text(one, "/commit/subject")).replace('"', "")
        })
        .collect()
}

fn cautions(explained: &Value) -> String {
    explained.get("problems").unwrap().to_string()
}

#[test]
fn values_are_followed_to_the_lines_and_commits_of_the_policy_repository() {
    let place = tempfile::tempdir().unwrap();
    machine(place.path());
    let found = explained(place.path());
    assert_eq!(
        origins(&found, "requirements"),
        ["baseline/requirements.toml:2 never asks", "baseline/requirements.toml:3 may ask"]
    );
    assert_eq!(origins(&found, "candidates"), ["baseline/config.toml:1 may ask"]);
    assert_eq!(cautions(&found), "[]");
    let text = program(place.path(), EXPLAIN.get(..8).unwrap());
    assert!(text.contains("from baseline/requirements.toml:3:3"), "{text}");
    assert!(text.contains("Ana, "), "{text}");
}

#[test]
fn a_map_speaks_for_the_very_file_only() {
    let place = tempfile::tempdir().unwrap();
    let system = machine(place.path());
    let path = system.join("requirements.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + "# by hand\n").unwrap();
    let found = explained(place.path());
    assert_eq!(origins(&found, "requirements"), [""; 0]);
    assert_eq!(origins(&found, "candidates"), ["baseline/config.toml:1 may ask"]);
    assert!(cautions(&found).contains("somebody changed it here"), "{found}");
}

#[test]
fn a_map_that_cannot_be_read_is_told_and_hides_nothing() {
    let place = tempfile::tempdir().unwrap();
    let system = machine(place.path());
    for broken in ["no json", "{}", "{\"form\": \"codex-config provenance 9\"}"] {
        fs::write(system.join("provenance.json"), broken).unwrap();
        let found = explained(place.path());
        assert_eq!(origins(&found, "requirements"), [""; 0]);
        assert!(cautions(&found).contains("/etc/codex/provenance.json: "), "{found}");
        assert_eq!(found.pointer("/settings/0/effective").unwrap(), "on-request");
    }
}
