//! Runs the commands that README.md tells people to run.

use std::fs;
use std::process::{Command, Stdio};

use crate::bench::{cargo, target_folder};
use crate::talk::Problem;

/// The commands of all shell blocks and indented blocks in a document, in order.
fn commands(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside && ["```sh", "```console", "```bash"].contains(&line.trim());
        } else if inside || line.starts_with("    ") {
            let command = line.trim().trim_start_matches("$ ");
            let ours = ["cargo ", "codex-config "].iter().any(|start| command.starts_with(start));
            if ours {
                found.push(command);
            }
        }
    }
    found
}

/// Runs them in the workspace. Exit code 1 is for findings, which an example may be meant to have;
/// 3 and 4 tell of locks and broken policy; everything else is a command that does not work.
pub(super) fn check() -> Result<String, Problem> {
    let top = crate::workspace();
    let text = fs::read_to_string(top.join("README.md"))?;
    let path = std::env::var("PATH").unwrap_or_default();
    let programs = target_folder().join("debug");
    // Tests alone do not link the program that the commands call.
    let built = Command::new(cargo())
        .args(["build", "--quiet", "--locked", "--package", "codex-compiler"])
        .current_dir(&top)
        .status()?;
    if !built.success() {
        return Err(format!("codex-config does not build: {built}").into());
    }
    let (mut ran, mut known) = (0, 0);
    for command in commands(&text) {
        known += 1;
        // This very run, and what it has done already or measures on a quiet machine only.
        if ["cargo xtask test", "cargo xtask bench", "cargo xtask oracle", "cargo install"]
            .iter()
            .any(|start| command.starts_with(start))
            || names_missing_files(command)
        {
            continue;
        }
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(&top)
            .env("PATH", format!("{}:{path}", programs.display()))
            .stdin(Stdio::null())
            .output()?;
        let fine = match output.status.code() {
            Some(0) => true,
            Some(1 | 3 | 4) => command.starts_with("codex-config "),
            _ => false,
        };
        if !fine {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("`{command}` ended with {}: {said}", output.status).into());
        }
        ran += 1;
    }
    if known == 0 {
        return Err("README.md names no command".into());
    }
    Ok(format!(
        "{ran} of {known} commands; the others are steps of their own or need the reader's files"
    ))
}

/// Whether a command is about a file or folder that the reader has to bring.
fn names_missing_files(command: &str) -> bool {
    let flags = ["--root", "--mdm", "--bundle", "--codex-home"];
    let words: Vec<&str> = command.split_whitespace().collect();
    words
        .windows(2)
        .any(|pair| matches!(pair, [flag, file] if flags.contains(flag) && !crate::workspace().join(file).exists()))
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn only_our_commands_in_shell_blocks_count() {
        let text = "cargo no\n\n    cargo z\n```sh\ncargo a\n# talk\n$ codex-config b\n```\n```toml\ncargo = 1\n```";
        assert_eq!(commands(text), ["cargo z", "cargo a", "codex-config b"]);
    }
}
