//! What the server makes of a request is what the compiler takes: the example repositories with the
//! file in them have no error, and the policy of the cohort then says what was asked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured"
)]

use std::path::Path;

use codex_compiler::authoring::{Cache, effective};
use codex_compiler::check::{Scope, Surroundings, check_tree};
use codex_compiler::files::{Files as _, RealFiles};
use codex_fleet::identity::DeviceId;
use codex_fleet::request::{Filed, Request, Wanted};
use codex_fleet_server::exceptions::{Desk, ExceptionFile, Unfit, exception_file};
use codex_schema::types::policy::Date;
use codex_schema::value::{Node, Value};
use serde_json::json;

const TODAY: Date = Date { year: 2026, month: 11, day: 26 };

fn filed(cohort: &str, wants: Wanted) -> Filed {
    let reason = "the \"migration\" needs it".to_owned();
    let request = Request { wants, days: 14, reason, user: None };
    assert_eq!(request.check(), Ok(()));
    Filed {
        number: 42,
        device: DeviceId::from_random([1; 16]),
        host: "pay-17.bank.example".to_owned(),
        cohort: cohort.to_owned(),
        at: "2026-11-26T09:00:00Z".parse().expect("a time"),
        request,
    }
}

fn setting(key: &str, value: serde_json::Value) -> Wanted {
    Wanted::Setting { key: key.to_owned(), value }
}

fn domain(host: &str) -> Wanted {
    Wanted::Domain { host: host.to_owned() }
}

fn command(words: &[&str]) -> Wanted {
    Wanted::Command { words: words.iter().map(|word| (*word).to_owned()).collect() }
}

fn example(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policy").join(name)
}

fn make(repository: &str, cohort: &str, wants: Wanted) -> Result<ExceptionFile, Unfit> {
    let path = example(repository).join("baseline/requirements.toml");
    let requirements = std::fs::read_to_string(path).expect("requirements");
    let day = jiff::civil::date(2026, 11, 26);
    let desk = Desk { owner: "kim@bank.example", today: day, requirements: &requirements };
    exception_file(&filed(cohort, wants), &desk)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let place = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).expect("a copy");
        }
    }
}

/// Puts the file into a copy of the repository, checks all of it, and gives what the cohort's policy
/// then says at a path of the requirements.
fn accepted(repository: &str, cohort: &str, wants: Wanted, path: &[&str]) -> (String, Value) {
    let file = make(repository, cohort, wants).expect("an exception");
    let top = tempfile::tempdir().expect("a folder");
    copy(&example(repository), top.path());
    let place = top.path().join(&file.path);
    std::fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
    std::fs::write(&place, &file.text).expect("a file");
    let files = RealFiles::new(None);
    assert!(files.exists(&place.display().to_string()));
    let surroundings = Surroundings::default();
    let scope = Scope { today: TODAY, wanted: &|_| true, surroundings: &surroundings };
    let tree = check_tree(&files, &top.path().display().to_string(), &scope);
    let wrong: Vec<String> =
        tree.report.diagnostics.iter().map(|one| format!("{} {}", one.code, one.message)).collect();
    assert!(!tree.report.has_errors(), "{wrong:#?}\n{}", file.text);
    assert!(!wrong.iter().any(|one| one.contains("CX0706")), "it changes something: {wrong:#?}");
    let chosen = &tree.repository.manifest.cohorts[cohort];
    let policy = effective(&tree.repository, chosen, TODAY, &mut Cache::default());
    let value = policy.requirements.at(path).map(|node: &Node| node.value.clone());
    (file.text, value.expect("a value"))
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().expect("a list");
    list.iter().filter_map(|one| one.value.as_str()).map(str::to_owned).collect()
}

#[test]
fn the_compiler_takes_a_host() {
    let path = ["experimental_network", "domains", "files.example"];
    let (text, value) = accepted("bank", "payments", domain("Files.example"), &path);
    assert_eq!(value.as_str(), Some("allow"));
    assert_eq!(
        text,
        "# Request 42 from pay-17.bank.example on 2026-11-26.\n\
         target = \"cohorts/payments\"\n\
         owner = \"kim@bank.example\"\n\
         reason = 'the \"migration\" needs it'\n\
         ticket = \"request 42\"\n\
         expires = \"2026-12-10\"\n\
         \n\
         [requirements.experimental_network.domains]\n\
         \"files.example\" = \"allow\"\n"
    );
}

#[test]
fn the_compiler_takes_a_value_of_a_key_that_a_requirement_constrains() {
    let wants = setting("approval_policy", json!("untrusted"));
    let (text, value) = accepted("bank", "payments", wants, &["allowed_approval_policies"]);
    assert_eq!(texts(&value), ["on-request", "never", "untrusted"], "{text}");
    let wants = setting("default_permissions", json!(":danger-full-access"));
    let path = ["allowed_permission_profiles", ":danger-full-access"];
    let (text, value) = accepted("startup", "everyone", wants, &path);
    assert_eq!(value.as_bool(), Some(true), "{text}");
}

#[test]
fn the_compiler_takes_a_lifted_rule() {
    let wants = command(&["git", "push", "origin", "main"]);
    let (text, value) = accepted("startup", "everyone", wants, &["rules", "prefix_rules"]);
    assert!(text.contains("[[lift]]\nkey = \"rules.prefix_rules\""), "{text}");
    let left = value.as_array().expect("a list").len();
    let all = std::fs::read_to_string(example("startup").join("baseline/requirements.toml"));
    let all = all.expect("requirements").matches("{ pattern = ").count();
    assert_eq!(left, all - 1, "one rule is lifted");
}

#[test]
fn the_compiler_takes_a_default() {
    let file = make("bank", "payments", setting("model", json!("gpt-5"))).expect("an exception");
    assert!(file.text.contains("[config]\nmodel = \"gpt-5\""), "{}", file.text);
}

#[test]
fn what_no_exception_grants_is_said_at_once() {
    let says = |wants| make("bank", "payments", wants).expect_err("refused").to_string();
    assert_eq!(
        says(domain("paste.pastebin.com")),
        "`paste.pastebin.com` is denied by `**.pastebin.com`, and denying wins over allowing: that \
         entry itself has to change"
    );
    assert_eq!(
        says(domain("git.bank.example")),
        "`git.bank.example` is allowed already: nothing has to change"
    );
    assert_eq!(
        says(setting("approval_policy", json!("never"))),
        "`approval_policy = \"never\"` is allowed already: nothing has to change"
    );
    assert_eq!(
        says(setting("aproval_policy", json!("never"))),
        "`aproval_policy` is no key of policy: did you mean `approval_policy`?"
    );
    assert!(says(command(&["cargo", "publish"])).contains("no rule of the requirements"));
    assert_eq!(says(setting("model", json!(null))), "`null` is no value of policy");
}

#[test]
fn nothing_that_a_request_says_gets_out_of_its_string() {
    let mut asked = filed("payments", domain("files.example"));
    asked.host = "a\n[requirements]\nallowed_sandbox_modes = []".to_owned();
    asked.request.reason = "\"\"\"\n[requirements]\nx = 1 ''' \u{7f}".to_owned();
    let day = jiff::civil::date(2026, 11, 26);
    let desk = Desk { owner: "kim\"\nx = 1", today: day, requirements: "" };
    let file = exception_file(&asked, &desk).expect("an exception");
    let read = codex_schema::reader::read_toml(&file.text, codex_schema::span::SourceId(0));
    assert!(read.problems.is_empty(), "{:?}\n{}", read.problems, file.text);
    let keys: Vec<&str> = read.root.iter().map(|entry| entry.key.value.as_ref()).collect();
    assert_eq!(keys, ["target", "owner", "reason", "ticket", "expires", "requirements"]);
    assert_eq!(
        read.root
            .at(&["requirements"])
            .and_then(|one| one.value.as_table())
            .map(codex_schema::value::Table::len),
        Some(1)
    );
    assert_eq!(file.path, "exceptions/request-42-files-example.toml");
}
