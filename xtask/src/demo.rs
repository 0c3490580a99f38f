//! `cargo xtask demo`: the program on the examples and on this machine's own files.

#[cfg(target_os = "linux")]
pub(crate) mod fleet;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::{cargo, target_folder};
use crate::talk::{Problem, say};

/// The three programs.
pub(crate) struct Programs {
    /// `codex-config`.
    pub(crate) config: PathBuf,
    /// `codex-fleet-server`.
    pub(crate) server: PathBuf,
    /// `codex-agent`.
    pub(crate) agent: PathBuf,
}

impl Programs {
    fn build() -> Result<Self, Problem> {
        Self::build_as("debug", &[])
    }

    /// Builds them, with more words to cargo, into the folder of a profile.
    pub(crate) fn build_as(profile: &str, more: &[&str]) -> Result<Self, Problem> {
        let mut command = Command::new(cargo());
        command.args(["build", "--quiet", "--locked"]).args(more);
        for package in ["codex-compiler", "codex-fleet-server", "codex-agent-sync"] {
            command.args(["--package", package]);
        }
        if !command.status()?.success() {
            return Err("the build failed".into());
        }
        let built = |name: &str| target_folder().join(profile).join(name).canonicalize();
        Ok(Self {
            config: built("codex-config")?,
            server: built("codex-fleet-server")?,
            agent: built("codex-agent")?,
        })
    }
}

/// What is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only the whole loop: server, agents and the real Codex.
    #[arg(long)]
    fleet: bool,
}

/// Builds the programs and shows what they do: on the examples, on this machine's own files, and
/// all of them together.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Problem> {
    let programs = Programs::build()?;
    if !arguments.fleet {
        examples(&programs.config)?;
    }
    #[cfg(target_os = "linux")]
    return fleet::show(&programs);
    #[cfg(not(target_os = "linux"))]
    Err("the whole loop needs namespaces, which only Linux has".into())
}

/// The whole loop alone.
pub(crate) fn whole_loop() -> Result<(), Problem> {
    run(&Arguments { fleet: true })
}

/// What the program for policy says on the examples and on this machine.
fn examples(program: &Path) -> Result<(), Problem> {
    let examples = crate::workspace().join("examples");
    let mut shown = 0;
    for example in children(&examples)? {
        if example.join("machine").is_dir() {
            show_machine(program, &example)?;
            shown += 1;
        }
    }
    for example in children(&examples)? {
        for file in children(&example)? {
            let plain = !example.join("machine").exists();
            if plain && file.extension().is_some_and(|end| end == "toml") {
                show(program, &format!("check {}", tail(&file)), &["check".into(), text(&file)])?;
                shown += 1;
            }
        }
    }
    for example in children(&examples.join("policy"))? {
        if example.join("policy.toml").exists() {
            show_policy(program, &example)?;
            shown += 1;
        }
    }
    if shown == 0 {
        return Err(format!("there are no examples in {}", examples.display()).into());
    }
    show(program, "this machine", &["explain".into()])
}

/// What is in a folder, sorted; nothing in what is no folder.
fn children(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    found.sort();
    Ok(found)
}

/// Checks a policy repository, compiles it, and shows what one cohort gets.
fn show_policy(program: &Path, policy: &Path) -> Result<(), Problem> {
    let top = text(policy);
    show(program, &format!("check {}", tail(policy)), &["check".into(), top.clone()])?;
    let name = policy.file_name().unwrap_or_default();
    let out = target_folder().join("demo").join(name);
    let words = ["compile".into(), top, "--out".into(), text(&out)];
    show(program, &format!("compile {}", tail(policy)), &words)
}

/// Explains a copied machine with whatever it has: a home, a project, a bundle, preferences.
fn show_machine(program: &Path, machine: &Path) -> Result<(), Problem> {
    let mut words = vec!["explain".to_owned(), "--root".to_owned(), text(&machine.join("machine"))];
    if machine.join("codex.mobileconfig").exists() {
        words.extend(["--os".to_owned(), "macos".to_owned()]);
    }
    for (flag, part) in [
        ("--codex-home", "codex-home"),
        ("--cwd", "project"),
        ("--bundle", "bundle.json"),
        ("--mdm", "codex.mobileconfig"),
    ] {
        let place = machine.join(part);
        if place.exists() {
            words.extend([flag.to_owned(), text(&place)]);
        }
    }
    show(program, &format!("explain {}", tail(machine)), &words)?;
    words.insert(1, "approval_policy".to_owned());
    show(program, &format!("explain approval_policy on {}", tail(machine)), &words)?;
    let requirements = machine.join("machine/etc/codex/requirements.toml");
    if requirements.exists() {
        let title = format!("check {}", tail(&requirements));
        show(program, &title, &["check".to_owned(), text(&requirements)])?;
    }
    Ok(())
}

/// Runs the program under a heading. Findings are what a demonstration is for: only a usage or an
/// internal error fails it.
fn show(program: &Path, title: &str, words: &[String]) -> Result<(), Problem> {
    say(&format!("\n━━ {title} ━━\n$ codex-config {}\n", words.join(" ")));
    let status = Command::new(program).args(words).current_dir(crate::workspace()).status()?;
    match status.code() {
        Some(0 | 1 | 3 | 4) => Ok(()),
        code => Err(format!("`codex-config {}` ended with {code:?}", words.join(" ")).into()),
    }
}

/// A path as an argument: the program runs in the workspace.
fn text(path: &Path) -> String {
    tail(path)
}

/// The path below the workspace.
fn tail(path: &Path) -> String {
    let top = crate::workspace();
    path.strip_prefix(&top).unwrap_or(path).to_string_lossy().into_owned()
}
