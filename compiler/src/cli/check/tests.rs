use clap::Parser;

use super::super::{Cli, run};
use super::*;

fn check(arguments: &[&str]) -> (Outcome, Output) {
    let words = ["codex-config", "check"].iter().chain(arguments);
    let mut output = Output::default();
    let outcome = run(&Cli::try_parse_from(words).unwrap(), &mut output);
    (outcome, output)
}

#[test]
fn fixes_are_written_told_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("requirements.toml");
    let name = path.display().to_string();
    let text = "\u{feff}# kept\nallowed_sandbox_mode = [\"read-only\", \"read-only\"]\n";
    std::fs::write(&path, text).unwrap();

    let (outcome, output) = check(&["--fix=CX0104", &name, "--plain"]);
    assert_eq!(outcome, Outcome::Findings);
    assert!(output.talk.starts_with(&format!("fixed {name}:2:38 CX0104: ")), "{}", output.talk);
    assert!(output.data.contains("CX0101") && !output.data.contains("CX0104"), "{}", output.data);
    let (outcome, output) = check(&["--fix", &name]);
    assert_eq!(outcome, Outcome::Fine, "{}", output.data);
    let after = std::fs::read_to_string(&path).unwrap();
    assert_eq!(after, "\u{feff}# kept\nallowed_sandbox_modes = [\"read-only\"]\n");
    let (_, output) = check(&["--fix", &name]);
    assert_eq!(output.talk, "nothing can be fixed without asking\n");
}

#[cfg(unix)]
#[test]
fn links_are_not_written_through() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("a.toml"), folder.path().join("requirements.toml"));
    std::fs::write(&path, "allowed_sandbox_mode = [\"read-only\"]\n").unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let (outcome, output) = check(&["--fix", &link.display().to_string()]);
    assert_eq!(outcome, Outcome::Partial);
    assert!(output.talk.contains("it is a link") && !output.talk.contains("fixed"));
    assert!(output.data.contains("CX0101"));
    assert!(std::fs::read_to_string(&path).unwrap().contains("allowed_sandbox_mode ="));
}

#[test]
fn repositories_are_mended_and_suppressions_read() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().display().to_string();
    let path = folder.path().join("baseline/requirements.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(
        folder.path().join("policy.toml"),
        "organisation = \"Example\"\n\n[cohorts.all]\n",
    )
    .unwrap();
    let comment = "# codex-config: allow(CX0104) until=2026-12-31 reason=\"why\"";
    std::fs::write(
        &path,
        format!(
            "allowed_sandbox_mode = [\"read-only\"]\n{comment}\n\
             allowed_approval_policies = [\"never\", \"never\"]\n"
        ),
    )
    .unwrap();
    let (_, output) = check(&["--fix", "--today", "2026-11-25", "--format", "sarif", &top]);
    let after = std::fs::read_to_string(&path).unwrap();
    assert!(after.starts_with("allowed_sandbox_modes = "), "{after}\n{}", output.talk);
    assert!(after.contains("[\"never\", \"never\"]"), "allowed and yet fixed: {after}");
    let log: serde_json::Value = serde_json::from_str(&output.data).unwrap();
    let results = log.pointer("/runs/0/results").unwrap().as_array().unwrap();
    let allowed: Vec<_> = results.iter().filter(|one| one.get("suppressions").is_some()).collect();
    assert_eq!(allowed.len(), 1, "{results:?}");
    let uri = allowed[0].pointer("/locations/0/physicalLocation/artifactLocation/uri").unwrap();
    assert!(uri.as_str().unwrap().ends_with("/baseline/requirements.toml"), "{uri}");
    let (_, output) = check(&["--today", "2027-01-01", "--plain", &top]);
    assert!(output.data.contains("CX0602") && output.data.contains("CX0104"), "{}", output.data);
}
