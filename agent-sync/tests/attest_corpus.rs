//! What the real Codex showed of thousands of requirement files, held against the same files by the
//! comparison that attests: where Codex took a file alone, nothing may be called different.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeMap;

use codex_agent_sync::attest::compare::compare;
use codex_schema::version::Version;
use serde_json::{Value as Json, json};

const FILE: &str = "/etc/codex/requirements.toml";

/// Policies that say two things at once, or what is no path: Codex shows something else than they
/// say, and that is told.
const EXPLAINED: [&str; 2] = [
    "experimental_network={allowed_domains=[\"A.b\",\"b.c.\"],denied_domains=[\"A.b\"]}\n",
    "sqlite_home=\"a\\u0000b\"\n",
];

#[derive(serde::Deserialize)]
struct Corpus {
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    files: BTreeMap<String, Json>,
    #[serde(default)]
    ok: Json,
    error: Option<String>,
}

#[test]
fn what_codex_took_is_never_called_different_and_what_it_did_not_take_is() {
    let text = include_str!("../../tests/vectors/requirements-corpus-0.169.0.json");
    let corpus: Corpus = serde_json::from_str(text).unwrap();
    let (mut alike, mut shown, mut wrong) = (0, 0, Vec::new());
    for case in corpus.cases {
        let text = case.files.get(FILE).and_then(Json::as_str);
        let (None, 1, Some(text)) = (case.error, case.files.len(), text) else { continue };
        let document =
            |requirements: &Json| json!({ "configRequirements": { "requirements": requirements } });
        let compared = compare(text, &document(&case.ok), Version::of(169)).unwrap();
        if compared.differences.is_empty() == EXPLAINED.map(str::trim).contains(&text.trim()) {
            wrong.push(format!("{text}\n  {:?}\n  {}", compared.differences, case.ok));
        }
        alike += 1;
        // The same file, and a Codex without policy.
        let nothing = compare(text, &document(&Json::Null), Version::of(169)).unwrap();
        shown += usize::from(!nothing.differences.is_empty());
    }
    eprintln!("{alike} files compared, {shown} of them with something that Codex shows");
    assert!(alike > 500 && shown > 300, "{alike} {shown}");
    assert!(wrong.is_empty(), "{} of {alike}:\n{}", wrong.len(), wrong.join("\n"));
}
