//! Policy repositories with everything wrong, through the program: every mistake in one run, clear
//! words, and no half of an output.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::fs;
use std::path::Path;

use clap::Parser;
use codex_compiler::cli::{Cli, Outcome, Output, run};

const DAY: &str = "2026-11-25";

fn program(arguments: &[&str]) -> (Outcome, Output) {
    let cli = Cli::try_parse_from([&["codex-config"], arguments].concat()).unwrap();
    let mut output = Output::default();
    let outcome = run(&cli, &mut output);
    (outcome, output)
}

fn put(top: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let file = top.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}

/// What `check` finds, a line for each.
fn found(top: &Path) -> Vec<String> {
    let top = top.display().to_string();
    let (outcome, output) = program(&["check", "--plain", "--today", DAY, &top]);
    assert_eq!(outcome, Outcome::Findings, "{}{}", output.data, output.talk);
    let of_finding = |line: &&str| line.contains(": error CX") || line.contains(": warning CX");
    output.data.lines().filter(of_finding).map(str::to_owned).collect()
}

/// Holds what was found against what is expected: the beginning of each line.
fn expect(found: &[String], expected: &[&str]) {
    let same = found.len() == expected.len()
        && found.iter().zip(expected).all(|(line, expected)| line.starts_with(expected));
    assert!(same, "found\n{}\nexpected\n{}", found.join("\n"), expected.join("\n"));
}

/// `compile` refuses as well, and leaves nothing where it would have written.
fn not_compiled(top: &Path) {
    let around = tempfile::tempdir().unwrap();
    let out = around.path().join("compiled").display().to_string();
    let arguments = ["compile", "--today", DAY, &top.display().to_string(), "--out", &out];
    let (outcome, output) = program(&arguments);
    assert_eq!(outcome, Outcome::Findings, "{}{}", output.data, output.talk);
    assert!(output.talk.contains("nothing was written"), "{}", output.talk);
    assert_eq!(fs::read_dir(around.path()).unwrap().count(), 0);
}

const GOOD: &str = "organisation.name = 'Example'\n[cohorts.all]\ndefault = true\n";

fn repository() -> tempfile::TempDir {
    let top = tempfile::tempdir().unwrap();
    put(top.path(), "policy.toml", GOOD);
    put(top.path(), "baseline/requirements.toml", "allow_appshots = false\n");
    top
}

#[test]
fn twenty_mistakes_in_nine_files_are_twenty_in_one_run() {
    let top = tempfile::tempdir().unwrap();
    let top = top.path();
    put(
        top,
        "policy.toml",
        "[organisation]\nname = 'E'\ncontct = '#x'\n\
         [cohorts.pay]\nteam = 'pay'\nenvironment = 'prod'\n\
         [cohorts.web]\nteam = 'web'\nenvironment = 'stage'\n\
         [cohorts.rest]\ndefault = true\n\
         [teams.pay]\ninclude = ['teams/web']\n\
         [teams.web]\ninclude = ['teams/pay']\n\
         [delegation]\n'teams/*' = ['featurs.*']\n",
    );
    put(
        top,
        "baseline/requirements.toml",
        "allowed_sandbox_mode = ['read-only']\n\
         allowed_approval_policies = ['on-requst']\n\
         allowed_web_search_modes = 'cached'\n\
         allow_appshots = false\n",
    );
    put(top, "baseline/config.toml", "approval_policy = 'untrusted'\nmodle = 'x'\n");
    put(top, "baseline/rules/a.rules", "prefix_rule(\n");
    put(top, "environments/prod/requirements.toml", "allow_appshots = true\nallow_login_shell =\n");
    put(
        top,
        "teams/pay/requirements.toml",
        "features = { hoks = true }\n[rules]\nprefix_rules = []\n",
    );
    put(top, "teams/web/requirement.toml", "");
    put(top, "exceptions/a.toml", "target = 'teams/pey'\nowner = 'kim'\nexpires = '2026-11-24'\n");
    put(top, "exceptions/b.toml", "target = 'teams/pay'\nowner = 'kim'\nreason = 'r'\n");
    let expected = [
        "baseline/config.toml:1:19: error CX0303: `approval_policy` may no longer be `untrusted`",
        "baseline/config.toml:2:1: error CX0101: unknown key `modle`",
        "baseline/requirements.toml:1:1: error CX0101: unknown key `allowed_sandbox_mode`",
        "baseline/requirements.toml:2:30: error CX0201: `on-requst` is not a value of",
        "baseline/requirements.toml:3:28: error CX0102: `allowed_web_search_modes` must be a list",
        "baseline/rules/a.rules:2:1: error CX0007: ",
        "environments/prod/requirements.toml:1:18: error CX0701: `environments/prod` loosens",
        "environments/prod/requirements.toml:2:20: error CX0003: ",
        "exceptions/a.toml:1:1: error CX0202: missing field `reason`",
        "exceptions/a.toml:1:10: error CX0702: there is no team `pey`",
        "exceptions/a.toml:3:11: error CX0505: this exception expired on 2026-11-24",
        "exceptions/b.toml:1:1: error CX0202: missing field `expires`",
        "policy.toml:3:1: error CX0101: unknown key `organisation.contct`",
        "policy.toml:9:15: error CX0702: there is no folder `environments/stage`",
        "policy.toml:13:12: error CX0703: `teams/pay` includes `teams/web`, which includes it",
        "policy.toml:15:12: error CX0703: `teams/web` includes `teams/pay`, which includes it",
        "policy.toml:17:14: error CX0101: `featurs.*` is no key of policy",
        "teams/pay/requirements.toml:1:14: error CX0210: there is no feature `hoks`",
        "teams/pay/requirements.toml:3:16: error CX0203: rules prefix_rules cannot be empty",
        "teams/web/requirement.toml: error CX0707: nothing reads `teams/web/requirement.toml`",
    ];
    expect(&found(top), &expected);
    not_compiled(top);
}

#[test]
fn includes_in_a_circle_or_to_nowhere() {
    let top = repository();
    put(top.path(), "teams/a/requirements.toml", "allow_appshots = false\n");
    put(top.path(), "teams/b/requirements.toml", "allow_appshots = false\n");
    let includes = "[cohorts.a]\nteam = 'a'\n[teams.a]\ninclude = ['teams/b', 'teams/c']\n\
                    [teams.b]\ninclude = ['teams/a']\n";
    put(top.path(), "policy.toml", format!("{GOOD}{includes}"));
    let expected = [
        "policy.toml:7:12: error CX0703: `teams/a` includes `teams/b`, which includes it",
        "policy.toml:7:23: error CX0702: there is no folder `teams/c`",
        "policy.toml:9:12: error CX0703: `teams/b` includes `teams/a`, which includes it",
    ];
    expect(&found(top.path()), &expected);
    not_compiled(top.path());
}

#[test]
fn unknown_teams_and_exceptions_that_are_over() {
    let top = repository();
    put(top.path(), "policy.toml", format!("{GOOD}[cohorts.pay]\nteam = 'pay'\n"));
    put(
        top.path(),
        "exceptions/old.toml",
        "target = 'cohorts/all'\nowner = 'kim'\nreason = 'r'\nexpires = '2026-11-24'\n\
         [requirements]\nallow_appshots = true\n",
    );
    let expected = [
        "exceptions/old.toml:4:11: error CX0505: this exception expired on 2026-11-24",
        "policy.toml:5:8: error CX0702: there is no folder `teams/pay`",
    ];
    expect(&found(top.path()), &expected);
    not_compiled(top.path());
}

#[test]
fn files_that_cannot_be_read() {
    let top = repository();
    let path = top.path();
    let file = fs::File::create(path.join("baseline/config.toml")).unwrap();
    file.set_len(100 * 1024 * 1024).unwrap();
    put(path, "teams/a/requirements.toml", b"allow_appshots = false # \xff\n");
    fs::create_dir_all(path.join("teams/b/requirements.toml")).unwrap();
    fs::create_dir_all(path.join("exceptions/c.toml")).unwrap();
    put(path, "policy.toml", format!("{GOOD}[cohorts.a]\nteam = 'a'\n[cohorts.b]\nteam = 'b'\n"));
    let expected = [
        "baseline/config.toml: error CX0001: `baseline/config.toml` has 104857600 bytes",
        "exceptions/c.toml: error CX0001: `exceptions/c.toml` is a folder or a device, not a file",
        "teams/a/requirements.toml:1:26: error CX0002: the file is not UTF-8: ",
        "teams/b/requirements.toml: error CX0001: `teams/b/requirements.toml` is a folder",
    ];
    expect(&found(path), &expected);
    not_compiled(path);
}

#[test]
fn no_repository_at_all() {
    let top = tempfile::tempdir().unwrap();
    let expected = ["policy.toml: error CX0711: there is no `policy.toml` in "];
    expect(&found(top.path()), &expected);
    not_compiled(top.path());
    // A folder in the place of the manifest.
    fs::create_dir(top.path().join("policy.toml")).unwrap();
    let expected = ["policy.toml: error CX0001: `policy.toml` is a folder or a device, not a file"];
    expect(&found(top.path()), &expected);
    not_compiled(top.path());
}
