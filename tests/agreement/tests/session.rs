//! The recorded vectors about sessions, of every measured version, predicted by the model.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails the test")]

use codex_agreement::predict::predict;
use codex_oracle::{Oracle, VectorFile};
use codex_schema::version::Version;

fn about_sessions(oracle: &Oracle) -> bool {
    matches!(
        oracle,
        Oracle::ConfigRead
            | Oracle::Thread { .. }
            | Oracle::Features
            | Oracle::Mcp
            | Oracle::Write { .. }
            | Oracle::LoginStatus { .. }
    )
}

fn check(file: &VectorFile) {
    let version: Version = file.codex.rsplit(' ').next().unwrap_or_default().parse().unwrap();
    let (mut answered, mut wrong) = (0, Vec::new());
    for vector in file.vectors.iter().filter(|vector| about_sessions(&vector.oracle)) {
        let Some(answer) = predict(&vector.world, &vector.oracle, version) else { continue };
        answered += 1;
        let mismatches = vector.compare(answer.as_ref().map_err(String::as_str));
        if !mismatches.is_empty() {
            let list: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
            wrong.push(format!("{}:\n    {}", vector.name, list.join("\n    ")));
        }
    }
    assert!(answered > 20, "only {answered} vectors were answered");
    assert!(wrong.is_empty(), "{} of {answered} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn sessions_of_0_169_0() {
    check(&VectorFile::codex_0_169_0().unwrap());
}

/// The vectors of a measured version other than the newest.
fn of(version: &str) -> VectorFile {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors");
    VectorFile::load(format!("{folder}/codex-{version}.json").as_ref()).unwrap()
}

#[test]
fn sessions_of_0_157_1() {
    check(&of("0.157.1"));
}

#[test]
fn sessions_of_0_138_0() {
    check(&of("0.138.0"));
}

#[test]
fn sessions_of_0_118_0() {
    check(&of("0.118.0"));
}

#[test]
fn sessions_of_0_98_0() {
    check(&of("0.98.0"));
}
