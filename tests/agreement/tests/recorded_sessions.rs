//! Recorded turns whose outcome hangs on one requirement and on no command: what the model says of
//! each. With the vectors about rules, paths and hosts, which other tests answer, these are all.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]
#![expect(clippy::panic, reason = "a test fails by panicking")]

use codex_agreement::predict::evaluation;
use codex_compiler::codex_answers;
use codex_compiler::decide::answer;
use codex_compiler::decide::hooks::before_commands;
use codex_compiler::decide::question::Question;
use codex_compiler::evaluate::Evaluation;
use codex_oracle::{Oracle, Vector, VectorFile};
use codex_schema::version::Version;
use serde_json::{Value as Json, json};

/// The vectors that are answered here.
const HERE: [&str; 10] = [
    "run-hook-exit-2-blocks",
    "run-hook-exit-1-fails-open",
    "run-hook-pinned",
    "run-hook-bad-matcher-kills-threads",
    "run-hook-unknown-event-ignored",
    "run-login-shell",
    "run-web-search-disabled",
    "run-web-search-live-only-forces-live",
    "run-residency-header",
    "run-managed-instructions",
];

fn expected(vector: &Vector, pointer: &str) -> Json {
    vector.expect.get(pointer).unwrap_or_else(|| panic!("{}: {pointer}", vector.name)).clone()
}

fn required(evaluation: &Evaluation, key: &str) -> Json {
    evaluation.inputs().requirement(&[key]).map_or(Json::Null, |node| json!(node.value))
}

/// Whether a hook is asked, as the model says it and as the turn showed it.
fn hooks(vector: &Vector, evaluation: &Evaluation) {
    let ran = !expected(vector, "/hooks").as_array().unwrap().is_empty();
    let question = Question::Script("echo hi".to_owned());
    let noted = answer(evaluation, &question).notes.iter().any(|note| note.contains("look at it"));
    assert_eq!(noted, ran, "{}", vector.name);
    assert_eq!(before_commands(evaluation).is_empty(), !ran, "{}", vector.name);
}

fn one(vector: &Vector) {
    let evaluation = evaluation(&vector.world, Version::NEWEST);
    match vector.name.as_str() {
        "run-hook-bad-matcher-kills-threads" => {
            let says = codex_answers::thread(&evaluation, &evaluation).unwrap_err();
            assert!(says.contains(vector.error.as_deref().unwrap()), "{says}");
        }
        name if name.starts_with("run-hook-") => hooks(vector, &evaluation),
        "run-login-shell" => {
            assert_eq!(required(&evaluation, "allow_login_shell"), json!(false));
        }
        name if name.starts_with("run-web-search-") => {
            let tool = match evaluation.session().web_search.value.as_str() {
                "disabled" => json!([]),
                mode => json!([{ "type": "web_search", "external_web_access": mode == "live" }]),
            };
            assert_eq!(tool, expected(vector, "/web_search"), "{name}");
        }
        "run-residency-header" => {
            assert_eq!(required(&evaluation, "enforce_residency"), expected(vector, "/residency"));
        }
        "run-managed-instructions" => {
            let there = required(&evaluation, "additional_developer_instructions").is_string();
            assert_eq!(json!(there), expected(vector, "/managed_instructions"));
        }
        other => panic!("{other} is not answered"),
    }
}

#[test]
fn every_other_recorded_turn_is_answered() {
    let file = VectorFile::codex_0_169_0().unwrap();
    let turns = file.vectors.iter().filter(|vector| matches!(vector.oracle, Oracle::Turn(_)));
    let mut answered = 0;
    for vector in turns {
        let elsewhere = vector.world.files.keys().any(|path| path.contains("/rules/"))
            || ["run-net-", "run-deny-read"].iter().any(|start| vector.name.starts_with(start));
        if HERE.contains(&vector.name.as_str()) {
            one(vector);
            answered += 1;
        } else {
            assert!(elsewhere, "{} is answered nowhere", vector.name);
        }
    }
    assert_eq!(answered, HERE.len());
}
