//! `diff` and `plan` through the program, on repositories under version control.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser;
use codex_compiler::cli::{Cli, Outcome, Output, run};
use serde_json::Value;

const DAY: &str = "2026-11-25";

fn program(arguments: &[&str]) -> (Outcome, Output) {
    let more = ["--today", DAY];
    let cli = Cli::try_parse_from([&["codex-config"], arguments, &more].concat()).unwrap();
    let mut output = Output::default();
    let outcome = run(&cli, &mut output);
    (outcome, output)
}

fn put(top: &Path, path: &str, text: &str) {
    let file = top.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn git(folder: &Path, author: &str, words: &[&str]) {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", &format!("user.name={author}"), "-c", "user.email=x@bank.example"])
        .args(words)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_DATE", "2026-11-20T12:00:00Z")
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
}

const MANIFEST: &str = "organisation.name = 'Example'\ncodex.versions = ['0.157.1', '0.169.0']\n\
                        [cohorts.all]\ndefault = true\n";
const FLOOR: &str = "allowed_sandbox_modes = [\"read-only\", \"workspace-write\"]\n\
                     [experimental_network]\nenabled = true\n\
                     [[rules.prefix_rules]]\n\
                     pattern = [{ token = \"git\" }, { token = \"push\" }, { token = \"--force\" }]\n\
                     decision = \"forbidden\"\n\
                     [[rules.prefix_rules]]\n\
                     pattern = [{ token = \"git\" }, { token = \"push\" }]\n\
                     decision = \"prompt\"\n";

/// A repository in a folder of a larger one: Kim begins, Lee lets force pushes through.
fn repository() -> tempfile::TempDir {
    let top = tempfile::tempdir().unwrap();
    let policy = top.path().join("policy");
    git(top.path(), "Kim", &["init", "-q"]);
    put(&policy, "policy.toml", MANIFEST);
    put(&policy, "baseline/requirements.toml", FLOOR);
    git(top.path(), "Kim", &["add", "-A"]);
    git(top.path(), "Kim", &["commit", "-q", "-m", "Begin"]);
    let open = FLOOR.replace("\"forbidden\"", "\"prompt\"");
    put(&policy, "baseline/requirements.toml", &open);
    git(top.path(), "Lee", &["commit", "-q", "-a", "-m", "Let it through"]);
    top
}

#[test]
fn diff_tells_what_changes_between_revisions_folders_and_files() {
    let top = repository();
    let policy = top.path().join("policy").display().to_string();
    let (outcome, output) = program(&["diff", "git:HEAD~1", &policy]);
    assert_eq!(outcome, Outcome::Findings, "{}", output.talk);
    let sentence = "`git push --force` was forbidden (baseline/requirements.toml:4:1), now asks \
                    (baseline/requirements.toml:4:1)";
    let words = output.data.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(sentence), "{}", output.data);
    let (outcome, output) = program(&["diff", &policy, "git:HEAD", "--plain"]);
    assert_eq!(outcome, Outcome::Fine, "{}", output.talk);
    assert!(output.data.contains("cohort all: same, neutral"), "{}", output.data);

    let (old, new) = (top.path().join("old.toml"), top.path().join("new.toml"));
    put(top.path(), "old.toml", "# one\nallow_appshots = false\n");
    put(top.path(), "new.toml", "allow_appshots = true\n");
    let files = [old.display().to_string(), new.display().to_string()];
    let (outcome, output) = program(&["diff", &files[0], &files[1], "--json"]);
    assert_eq!(outcome, Outcome::Findings);
    let told: Value = serde_json::from_str(&output.data).unwrap();
    let change = &told["cohorts"][0]["changes"][0];
    assert_eq!(change["key"], "allow_appshots");
    assert_eq!((&change["direction"], &change["before"]), (&"looser".into(), &false.into()));
    let (outcome, _) = program(&["diff", &files[0], &files[0]]);
    assert_eq!(outcome, Outcome::Fine);
}

#[test]
fn what_cannot_be_compared_is_said_in_words() {
    let top = repository();
    let policy = top.path().join("policy").display().to_string();
    let folder = top.path().display().to_string();
    put(top.path(), "broken.toml", "allow_appshots = \n");
    put(top.path(), "good.toml", "");
    let [broken, good] = ["broken.toml", "good.toml"].map(|name| format!("{folder}/{name}"));
    fs::write(top.path().join("binary.toml"), [0xff, 0xfe]).unwrap();
    let binary = format!("{folder}/binary.toml");
    for (arguments, expected, words) in [
        (vec!["diff", "git:nowhere", &policy], Outcome::Partial, "git knows no revision `nowhere`"),
        (vec!["diff", "git:", &policy], Outcome::Usage, "name a revision"),
        (vec!["diff", "git:--help", &policy], Outcome::Partial, "git knows no revision `--help`"),
        (vec!["diff", "nothing", &policy], Outcome::Usage, "there is no file or folder `nothing`"),
        (vec!["diff", &folder, &policy], Outcome::Partial, "that is no policy repository"),
        (
            vec!["diff", "git:HEAD", &policy, "--repository", &folder],
            Outcome::Partial,
            "name the policy repository with --repository",
        ),
        (vec!["diff", &broken, &good], Outcome::Partial, "broken.toml:1:18"),
        (vec!["diff", &binary, &good], Outcome::Partial, "is not UTF-8"),
        (
            vec!["diff", "git:HEAD~1", &policy, "--cohort", "al"],
            Outcome::Usage,
            "neither side has a cohort `al`",
        ),
        (vec!["plan", "nothing", "--base", "git:HEAD"], Outcome::Usage, "there is no folder"),
        (vec!["plan", &policy, "--base", "git:no"], Outcome::Partial, "git knows no revision"),
        (
            vec!["plan", &policy, "--base", "git:HEAD", "--inventory", &broken],
            Outcome::Partial,
            "broken.toml:1:1: expected value; write a line like",
        ),
    ] {
        let (outcome, output) = program(&arguments);
        assert_eq!(outcome, expected, "{arguments:?} {}{}", output.talk, output.data);
        assert!(output.talk.contains(words), "{arguments:?} {}", output.talk);
    }
    for wrong in [vec!["plan"], vec!["plan", "--base", "x", "--approve", "abc"]] {
        assert!(Cli::try_parse_from([&["codex-config"], wrong.as_slice()].concat()).is_err());
    }
}

#[test]
fn a_plan_stops_until_that_very_plan_is_named() {
    let top = repository();
    let policy = top.path().join("policy").display().to_string();
    let plan = ["plan", policy.as_str(), "--base", "git:HEAD~1"];
    let (outcome, output) = program(&[&plan[..], &["--json"]].concat());
    assert_eq!(outcome, Outcome::Findings, "{}", output.talk);
    let told: Value = serde_json::from_str(&output.data).unwrap();
    let hash = told["hash"].as_str().unwrap().to_owned();
    assert_eq!(told["brake"][0]["kind"], "mass_loosening");
    let change = &told["cohorts"][0]["changes"][0];
    assert_eq!(change["witnesses"][0]["of"], serde_json::json!(["git", "push", "--force"]));
    // The rule is Kim's, its decision Lee's.
    assert_eq!(change["origin"]["author"], "Lee", "{change}");

    let approve = |hash: &str| program(&[&plan[..], &["--approve", hash]].concat());
    let (outcome, output) = approve(&hash);
    assert_eq!(outcome, Outcome::Fine, "{}", output.talk);
    assert!(
        output.data.contains("approved: policy may loosen for 1 of 1 cohorts"),
        "{}",
        output.data
    );
    let other = format!("sha256:{}", "0".repeat(64));
    let (outcome, output) = approve(&other);
    assert_eq!(outcome, Outcome::Findings);
    assert!(output.talk.contains("not approved"), "{}", output.talk);
    // The other way round it only tightens.
    let (outcome, _) = program(&["plan", &policy, "--base", "git:HEAD"]);
    assert_eq!(outcome, Outcome::Fine);
    // A policy with errors is not carried out, whatever it changes.
    put(Path::new(&policy), "baseline/requirements.toml", "allowed_sandbox_mode = ['read-only']\n");
    let (outcome, output) = program(&["plan", &policy, "--base", "git:HEAD"]);
    assert_eq!(outcome, Outcome::Findings);
    assert!(output.talk.contains("the policy has errors"), "{}", output.talk);
}

#[test]
fn a_plan_speaks_to_reviewers_and_to_code_scanning() {
    let top = repository();
    let policy = top.path().join("policy").display().to_string();
    let plan = ["plan", policy.as_str(), "--base", "git:HEAD~1"];
    put(
        top.path(),
        "machines.jsonl",
        "{\"host\": \"a@everyone\", \"os\": \"linux\", \"codex\": \"0.80.0\"}\n",
    );
    let inventory = top.path().join("machines.jsonl").display().to_string();
    let form = |form: &str| {
        program(&[&plan[..], &["--format", form, "--inventory", &inventory]].concat()).1.data
    };
    let markdown = form("markdown");
    for words in [
        "### Codex policy plan · Example · base git:HEAD&#126;1",
        "reaches 1 of 1 endpoints",
        "<code>git push --force</code> was forbidden, now asks",
        "Codex 0.80.0 (1 endpoint) does not know <code>rules.prefix&#95;rules</code>",
        "brake: policy may loosen for 1 of 1 endpoints",
    ] {
        assert!(markdown.contains(words), "{words}\n{markdown}");
    }
    let sarif: Value = serde_json::from_str(&form("sarif")).unwrap();
    let results = |sarif: &Value| -> Vec<(String, String)> {
        let results = sarif["runs"][0]["results"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        results
            .map(|one| {
                let print = &one["partialFingerprints"]["codexConfigFinding/v1"];
                (text(&one["ruleId"]), text(print))
            })
            .collect()
    };
    let own: Vec<(String, String)> =
        results(&sarif).into_iter().filter(|(code, _)| code.starts_with("CX08")).collect();
    let codes: Vec<&str> = own.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["CX0801", "CX0803", "CX0802"]);
    // Lines above move nothing.
    let file = Path::new(&policy).join("baseline/requirements.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("# a comment\n\n{text}")).unwrap();
    let again: Value = serde_json::from_str(&form("sarif")).unwrap();
    assert!(own.iter().all(|one| results(&again).contains(one)));
    let github = form("github");
    assert!(github.contains("line=6,"), "{github}");
    for words in ["::warning file=", "title=CX0801%3A change that loosens policy"] {
        assert!(github.contains(words), "{github}");
    }
    let plain = form("plain");
    assert!(plain.contains("looser example: `git push --force` was forbidden"), "{plain}");
    assert_eq!(form("json"), form("json"));
}
