//! Policy repositories with everything wrong, through the program: every mistake in one run, clear
//! words, and no half of an output.

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

/// What `check` finds: `FILE:LINE:COLUMN CODE message` for each.
fn found(top: &Path) -> Vec<String> {
    let top = top.display().to_string();
    let (outcome, output) = program(&["check", "--plain", "--today", DAY, &top]);
    assert_eq!(outcome, Outcome::Findings, "{}{}", output.data, output.talk);
    let diagnostic = |line: &&str| line.starts_with("error") || line.starts_with("warning");
    output.data.lines().filter(diagnostic).map(str::to_owned).collect()
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
         allow_appshots = false\n\
         [permissions.filesystem]\ndeny_reed = ['/a']\n",
    );
    put(top, "baseline/config.toml", "approval_policy = 'untrusted'\nmodle = 'x'\n");
    put(top, "baseline/rules/a.rules", "prefix_rule(\n");
    put(top, "environments/prod/requirements.toml", "allow_appshots = true\nallow_login_shell =\n");
    put(top, "teams/pay/requirements.toml", "features = { hoks = true }\n[rules]\nprefix_rules = []\n");
    put(top, "teams/web/requirement.toml", "");
    put(
        top,
        "exceptions/a.toml",
        "target = 'teams/pey'\nowner = 'kim'\nexpires = '2026-11-24'\nticket = 5\n",
    );
    put(top, "exceptions/b.toml", "target = 'teams/pay'\nowner = 'kim'\nreason = 'r'\n");
    let found = found(top);
    println!("{}", found.join("\n"));
    assert_eq!(found.len(), 20);
}

#[test]
fn includes_in_a_circle_or_to_nowhere() {
    let top = repository();
    put(top.path(), "teams/a/requirements.toml", "allow_appshots = false\n");
    put(top.path(), "teams/b/requirements.toml", "allow_appshots = false\n");
    let includes = "[cohorts.a]\nteam = 'a'\n[teams.a]\ninclude = ['teams/b', 'teams/c']\n\
                    [teams.b]\ninclude = ['teams/a']\n";
    put(top.path(), "policy.toml", format!("{GOOD}{includes}"));
    println!("{}", found(top.path()).join("\n"));
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
    println!("{}", found(top.path()).join("\n"));
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
    println!("{}", found(path).join("\n"));
    not_compiled(path);
}

#[test]
fn no_repository_at_all() {
    let top = tempfile::tempdir().unwrap();
    println!("{}", found(top.path()).join("\n"));
    not_compiled(top.path());
    // A folder in the place of the manifest.
    fs::create_dir(top.path().join("policy.toml")).unwrap();
    println!("{}", found(top.path()).join("\n"));
    not_compiled(top.path());
}
