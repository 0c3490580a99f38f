//! `init`, `import` and the example repositories, through the program.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::path::{Path, PathBuf};

use clap::Parser;
use codex_compiler::cli::{Cli, Outcome, Output, run};

fn program(arguments: &[&str]) -> (Outcome, Output) {
    let cli = Cli::try_parse_from([&["codex-config"], arguments].concat()).unwrap();
    let mut output = Output::default();
    let outcome = run(&cli, &mut output);
    (outcome, output)
}

fn fine(arguments: &[&str]) -> Output {
    let (outcome, output) = program(arguments);
    assert_eq!(outcome, Outcome::Fine, "{arguments:?}: {}{}", output.data, output.talk);
    output
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

#[test]
fn init_writes_what_check_and_fmt_agree_with() {
    let around = tempfile::tempdir().unwrap();
    let top = around.path().join("policy").display().to_string();
    let output = fine(&["init", &top, "--name", "Example Bank"]);
    assert_eq!(output.data.lines().count(), 11, "{}", output.data);
    assert!(output.talk.contains("codex-config check"), "{}", output.talk);
    fine(&["check", &top]);
    fine(&["fmt", "--check", &top]);
    let out = around.path().join("compiled").display().to_string();
    fine(&["compile", &top, "--out", &out]);

    let (outcome, output) = program(&["init", &top]);
    assert_eq!(outcome, Outcome::Usage);
    assert!(output.talk.contains("is a policy repository already"), "{}", output.talk);
    assert!(Cli::try_parse_from(["codex-config", "init", &top, "--name", " "]).is_err());
}

#[test]
fn the_examples_are_in_the_uniform_layout() {
    let policies = examples().join("policy").display().to_string();
    fine(&["fmt", "--check", &policies]);
}

#[test]
fn import_makes_a_repository_that_compiles() {
    let around = tempfile::tempdir().unwrap();
    let top = around.path().join("policy").display().to_string();
    let machine = examples().join("mac-laptop");
    let path = |part: &str| machine.join(part).display().to_string();
    let (root, home) = (path("machine"), path("codex-home"));
    let (mdm, bundle) = (path("codex.mobileconfig"), path("bundle.json"));
    let arguments = [
        "import",
        "--into",
        &top,
        "--os",
        "macos",
        "--root",
        &root,
        "--codex-home",
        &home,
        "--mdm",
        &mdm,
        "--bundle",
        &bundle,
    ];
    let output = fine(&arguments);
    assert!(output.talk.contains("holds secrets"), "{}", output.talk);
    assert!(!output.talk.contains("example-token"), "{}", output.talk);
    let out = around.path().join("compiled").display().to_string();
    fine(&["compile", &top, "--out", &out]);
    let (outcome, _) = program(&arguments);
    assert_eq!(outcome, Outcome::Usage, "it is there already");

    let empty = around.path().join("empty").display().to_string();
    let other = around.path().join("other");
    let arguments = [
        "import",
        "--into",
        &other.display().to_string(),
        "--root",
        &empty,
        "--codex-home",
        &empty,
    ];
    let (outcome, output) = program(&arguments);
    assert_eq!(outcome, Outcome::Findings);
    assert!(output.talk.contains("there is no policy on this machine"), "{}", output.talk);
    assert!(!other.exists());
}
