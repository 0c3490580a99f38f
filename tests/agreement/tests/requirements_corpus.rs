//! Several thousand requirement files with the verdict that Codex 0.169.0 gave, each predicted
//! with its full text: every key with every wrong type, every content check, every pair of faults.

use std::collections::BTreeMap;

use codex_agreement::predict::startup_answer;
use codex_oracle::{FileSpec, WorldSpec};
use codex_schema::version::Version;
use serde_json::Value as Json;

#[derive(serde::Deserialize)]
struct Corpus {
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    files: BTreeMap<String, FileSpec>,
    /// The requirements without their nulls; a missing field is a null too.
    #[serde(default)]
    ok: Json,
    error: Option<String>,
}

/// Cases that are not predicted, and why.
const EXPLAINED: &[(&str, &str)] = &[
    (
        "config_server.base_url = \"https://policy.example\"\n",
        "a name that is never resolved: Codex waits 20 seconds for it, an address of its own \
         machine fails at once; which one it is cannot be seen from outside",
    ),
    ("model_catalog_json = \"/etc/hosts\"\n", "a file of the machine it was recorded on"),
    (
        "[permissions.filesystem]\nzz=1",
        "a table of unknown keys only, which Codex counts as policy here and nowhere else",
    ),
    (
        "model_providers.x={name=\"a\",base_url=\"https://b\",gateway_oauth=[\"a\",\"b\",\"c\",\"d\",\"e\",\
         [],1]}",
        "an untagged table written as the list of its fields",
    ),
];

#[test]
fn predicts_every_recorded_verdict() {
    let text = include_str!("../../vectors/requirements-corpus-0.169.0.json");
    let corpus: Corpus = serde_json::from_str(text).unwrap();
    let total = corpus.cases.len();
    let mut wrong = Vec::new();
    for case in corpus.cases {
        let world = WorldSpec { files: case.files, ..WorldSpec::default() };
        let answer = startup_answer(&world, Version::of(169));
        let expected = case.error.map_or(Ok(case.ok), Err);
        let got = answer.map(|answer| without_nulls(&answer["requirements"])).map_err(|text| {
            text.strip_prefix("failed to load configuration: ").unwrap().to_owned()
        });
        let requirements = world.files.get("/etc/codex/requirements.toml");
        let explained = matches!(requirements, Some(FileSpec::Text(text))
            if EXPLAINED.iter().any(|(known, _)| known == text));
        if (got != expected) != explained {
            let files: Vec<_> = world.files.iter().collect();
            wrong.push(format!("{files:?}\n  codex {expected:?}\n  model {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {total} wrong\n{}", wrong.len(), wrong.join("\n"));
}

fn without_nulls(json: &Json) -> Json {
    match json {
        Json::Array(elements) => elements.iter().map(without_nulls).collect(),
        Json::Object(object) => Json::Object(
            object
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}
