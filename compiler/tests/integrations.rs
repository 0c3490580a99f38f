//! The GitHub Action and the pre-commit hooks: valid, made of commands that exist, and working.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::{CommandFactory, Parser};
use codex_compiler::cli::Cli;
use yaml_serde::Value;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn yaml(name: &str) -> Value {
    yaml_serde::from_str(&std::fs::read_to_string(top().join(name)).unwrap()).unwrap()
}

fn text<'yaml>(value: &'yaml Value, key: &str) -> &'yaml str {
    value[key].as_str().unwrap_or_else(|| panic!("no text `{key}` in {value:?}"))
}

/// Whether a flag of a command exists.
fn has_flag(command: &str, flag: &str) -> bool {
    let cli = Cli::command();
    let command = cli.find_subcommand(command).unwrap_or_else(|| panic!("no `{command}`"));
    command.get_arguments().any(|argument| argument.get_long() == Some(flag))
}

fn steps(action: &Value) -> &[Value] {
    action["runs"]["steps"].as_sequence().unwrap()
}

#[test]
fn the_action_is_well_formed_and_its_commands_exist() {
    let action = yaml("action.yml");
    assert_eq!(text(&action["runs"], "using"), "composite");
    let inputs = action["inputs"].as_mapping().unwrap();
    for (name, input) in inputs {
        assert!(
            !text(input, "description").is_empty() && input.get("default").is_some(),
            "{name:?}"
        );
    }
    let mut commands = 0;
    for step in steps(&action) {
        assert_eq!(text(step, "shell"), "bash");
        let script = text(step, "run");
        // An expression in the script would be read as shell text.
        assert!(!script.contains("${{"), "{script}");
        for (_, value) in step["env"].as_mapping().unwrap() {
            let value = value.as_str().unwrap();
            let inner = value.strip_prefix("${{ ").unwrap().strip_suffix(" }}").unwrap();
            let known = inner.strip_prefix("inputs.").is_none_or(|name| inputs.contains_key(name));
            assert!(known, "{value}");
        }
        for line in script.lines().filter_map(|line| line.trim().strip_prefix("\"$PROGRAM\" ")) {
            let mut words = line.split_whitespace();
            let command = words.next().unwrap();
            for flag in words.take_while(|word| *word != "--" && *word != ">") {
                if let Some(flag) = flag.strip_prefix("--") {
                    assert!(has_flag(command, flag), "{line}");
                }
            }
            commands += 1;
        }
    }
    assert_eq!(commands, 7);
    assert!(has_flag("check", "codex-version"));
}

#[test]
fn the_hooks_are_well_formed_and_their_commands_exist() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    let hooks = hooks.as_sequence().unwrap();
    assert_eq!(hooks.len(), 4);
    for hook in hooks {
        for key in ["id", "name", "description", "files"] {
            assert!(!text(hook, key).is_empty());
        }
        assert_eq!(text(hook, "language"), "system");
        let mut words: Vec<&str> = text(hook, "entry").split_whitespace().collect();
        if hook.get("pass_filenames").is_none() {
            words.push("requirements.toml");
        }
        assert_eq!(words[0], "codex-config");
        Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        let files = regex_lite::Regex::new(text(hook, "files")).unwrap();
        for name in ["requirements.toml", "baseline/config.toml", "a/work.config.toml"] {
            assert!(files.is_match(name), "{name} {files:?}");
        }
        assert!(!files.is_match("requirements.txt"));
    }
}

/// Runs the action's own script as the service does.
#[cfg(unix)]
fn run(folder: &Path, paths: &str, format: &str) -> (Output, String, String) {
    run_step(folder, "check", &[("PATHS", paths), ("FORMAT", format)])
}

#[cfg(unix)]
fn run_step(folder: &Path, id: &str, inputs: &[(&str, &str)]) -> (Output, String, String) {
    let action = yaml("action.yml");
    let step = steps(&action).iter().find(|step| text(step, "id") == id).unwrap();
    let (outputs, summary) = (folder.join("outputs"), folder.join("summary"));
    std::fs::write(&outputs, "").unwrap();
    std::fs::write(&summary, "").unwrap();
    let output = Command::new("bash")
        .args(["-c", text(step, "run")])
        .current_dir(folder)
        .env("PROGRAM", env!("CARGO_BIN_EXE_codex-config"))
        .envs(inputs.iter().copied())
        .env("VERSIONS", "0.138.0 0.169.0")
        .env("RUNNER_TEMP", folder)
        .env("GITHUB_OUTPUT", &outputs)
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .unwrap();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    (output, read(&outputs), read(&summary))
}

#[cfg(unix)]
#[test]
fn the_action_reports_findings_and_passes_without_any() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a $(touch x) 'b/requirements.toml";
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "allowed_sandbox_mode=[\"read-only\"]\n").unwrap();
    let (output, outputs, summary) = run(folder.path(), name, "true");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("::error file=a $(touch x) 'b/requirements.toml,line=1"), "{out}");
    assert!(summary.contains("error CX0101"), "{summary}");
    assert!(!folder.path().join("x").exists());
    let sarif = outputs.lines().find_map(|line| line.strip_prefix("sarif=")).unwrap();
    let log = std::fs::read_to_string(sarif).unwrap();
    let log: serde_json::Value = serde_json::from_str(&log).unwrap();
    assert_eq!(log.pointer("/runs/0/results/0/ruleId").unwrap(), "CX0101");

    std::fs::write(&path, "allowed_sandbox_modes=[\"read-only\"]\n").unwrap();
    let (output, _, _) = run(folder.path(), name, "true");
    assert_eq!(output.status.code(), Some(1), "not formatted: {output:?}");
    let (output, _, _) = run(folder.path(), name, "false");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    std::fs::write(&path, "allowed_sandbox_modes = [\"read-only\"]\n").unwrap();
    let (output, _, _) = run(folder.path(), name, "true");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[cfg(unix)]
#[test]
fn the_action_plans_and_stops_where_the_brake_does() {
    let folder = tempfile::tempdir().unwrap();
    for (top, flag) in [("old", "false"), ("new policy", "true")] {
        let baseline = folder.path().join(top).join("baseline");
        std::fs::create_dir_all(&baseline).unwrap();
        let manifest = "organisation.name = 'Example'\n[cohorts.all]\ndefault = true\n";
        std::fs::write(folder.path().join(top).join("policy.toml"), manifest).unwrap();
        let text = format!("allow_appshots = {flag}\n");
        std::fs::write(baseline.join("requirements.toml"), text).unwrap();
    }
    let inputs = [("REPOSITORY", "new policy"), ("BASE", "old"), ("APPROVE", "")];
    let (output, outputs, summary) = run_step(folder.path(), "plan", &inputs);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(summary.contains("policy may loosen for 1 of 1 cohorts"), "{summary}");
    assert!(outputs.contains("markdown=") && outputs.contains("sarif="), "{outputs}");
    let hash = summary.split("plan <code>").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
    let inputs = [("REPOSITORY", "new policy"), ("BASE", "old"), ("APPROVE", hash)];
    let (output, _, _) = run_step(folder.path(), "plan", &inputs);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
