//! `cargo xtask test`: everything that continuous integration runs, step by step.

mod dependencies;
mod readme;

use std::process::Command;
use std::time::{Duration, Instant};

use codex_schema::version::Version;

use crate::bench::{cargo, target_folder};
use crate::oracle;
use crate::talk::{Problem, complain, say};

/// Random machines per version of Codex.
const ORACLES: &[(Version, u64)] = &[
    (Version::of(169), 1000),
    (Version::patched(157, 1), 200),
    (Version::of(138), 200),
    (Version::of(118), 200),
    (Version::of(98), 200),
];

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Run only steps whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// The seed of the random machines.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How a step ended.
enum Ended {
    Passed(String),
    /// The step needs something this machine does not have.
    CannotRun(String),
    Failed(String),
}

type Step = (&'static str, fn(&Arguments) -> Ended);

const STEPS: &[Step] = &[
    ("format", |_| cargo_step(&["fmt", "--all", "--check"], &[])),
    ("clippy", |_| {
        let arguments =
            ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        cargo_step(&arguments, &[])
    }),
    ("documentation", |_| {
        let arguments = ["doc", "--workspace", "--no-deps", "--locked"];
        cargo_step(&arguments, &[("RUSTDOCFLAGS", "-D warnings")])
    }),
    ("dependencies", |_| of(dependencies::check())),
    ("real codex", |_| install_all()),
    ("tests", |_| cargo_step(&["test", "--workspace", "--locked"], &[])),
    ("simplification", |_| {
        let many = [("SIMPLIFY_POLICIES", "10000"), ("SIMPLIFY_PROBES", "1000")];
        optimised(&["--lib", "simplify::tests"], &many)
    }),
    ("simulation", |_| {
        let runs = [("SIMULATION_SEEDS", "5000")];
        optimised(&["--test", "simulation", "--", "--nocapture"], &runs)
    }),
    ("fuzz smoke", |_| fuzz_smoke()),
    ("random machines", random_machines),
    ("whole loop", |_| whole_loop()),
    ("README commands", |_| of(readme::check())),
    ("clean tree", |_| clean_tree()),
];

/// Runs all steps, and fails when one failed; in CI also when one could not run.
fn run_steps(arguments: &Arguments, steps: &[Step], in_ci: bool) -> Result<(), Problem> {
    let chosen: Vec<&Step> = steps
        .iter()
        .filter(|(name, _)| arguments.only.as_ref().is_none_or(|only| name.contains(only.as_str())))
        .collect();
    if chosen.is_empty() {
        return Err("no step has that name".into());
    }
    let mut lines = Vec::new();
    let mut bad = 0;
    for (at, (name, step)) in chosen.iter().enumerate() {
        complain(&format!("\n[{}/{}] {name} …", at + 1, chosen.len()));
        let started = Instant::now();
        let (mark, note) = match step(arguments) {
            Ended::Passed(note) => ("ok  ", note),
            Ended::CannotRun(reason) if in_ci => {
                bad += 1;
                ("FAIL", format!("cannot run, and CI must: {reason}"))
            }
            Ended::CannotRun(reason) => ("!!!!", format!("DID NOT RUN: {reason}")),
            Ended::Failed(reason) => {
                bad += 1;
                ("FAIL", reason)
            }
        };
        let line = format!("{mark} {name:<16} {:>7}  {note}", seconds(started.elapsed()));
        complain(&line);
        lines.push(line);
    }
    say("\nsummary");
    for line in &lines {
        say(line);
    }
    if bad == 0 { Ok(()) } else { Err(format!("{bad} of {} steps failed", chosen.len()).into()) }
}

/// Runs `cargo xtask test`.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Problem> {
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    run_steps(arguments, STEPS, in_ci)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn of(outcome: Result<String, Problem>) -> Ended {
    match outcome {
        Ok(note) => Ended::Passed(note),
        Err(problem) => Ended::Failed(problem.to_string()),
    }
}

/// Tests that take too long without optimisation. One choice of packages and features for all, so
/// that everything is built once.
fn optimised(chosen: &[&str], variables: &[(&str, &str)]) -> Ended {
    let packages = ["test", "--profile", "checks", "--locked", "--no-default-features"];
    let packages = [&packages[..], &["-p", "codex-compiler", "-p", "codex-agent-sync"]].concat();
    cargo_step(&[&packages[..], chosen].concat(), variables)
}

fn cargo_step(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let status = Command::new(cargo())
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(crate::workspace())
        .status();
    let command = arguments.join(" ");
    match status {
        Ok(status) if status.success() => Ended::Passed(format!("cargo {command}")),
        Ok(status) => Ended::Failed(format!("cargo {command}: {status}")),
        Err(error) => Ended::Failed(format!("cargo {command}: {error}")),
    }
}

/// Gets every version of Codex that the other steps ask.
fn install_all() -> Ended {
    for (version, _) in ORACLES {
        if let Err(reason) = codex_oracle::install(&version.to_string()) {
            return Ended::CannotRun(reason.to_string());
        }
    }
    if let Err(reason) = codex_oracle::isolated(|_| ()) {
        return Ended::CannotRun(reason.to_string());
    }
    Ended::Passed(format!("{} versions, and they can be isolated", ORACLES.len()))
}

/// The fuzz targets on mutated seeds for a few seconds each, without a fuzzing engine.
fn fuzz_smoke() -> Ended {
    let manifest = crate::workspace().join("fuzz/Cargo.toml");
    let target = target_folder();
    let (manifest, target) = (manifest.to_string_lossy(), target.to_string_lossy());
    cargo_step(&["test", "--locked", "--manifest-path", &manifest, "--target-dir", &target], &[])
}

/// The counts of random machines, for every version that is supported.
fn random_machines(arguments: &Arguments) -> Ended {
    let mut wrong = Vec::new();
    for (version, cases) in ORACLES {
        let one = oracle::Arguments {
            cases: *cases,
            seed: arguments.seed,
            codex: *version,
            only: Vec::new(),
            case: Vec::new(),
            shrink: 5,
        };
        match oracle::run(&one) {
            Ok(()) => {}
            Err(problem) if problem.is::<codex_oracle::CannotRun>() => {
                return Ended::CannotRun(problem.to_string());
            }
            Err(problem) => wrong.push(format!("{version}: {problem}")),
        }
    }
    if !wrong.is_empty() {
        return Ended::Failed(wrong.join("; "));
    }
    let total: u64 = ORACLES.iter().map(|(_, cases)| cases).sum();
    Ended::Passed(format!("{total} machines, {} versions, 0 disagreements", ORACLES.len()))
}

/// A policy in git, a signed release, a server, two agents, and the real Codex that enforces it.
fn whole_loop() -> Ended {
    match crate::demo::whole_loop() {
        Ok(()) => Ended::Passed("published, enforced, pushed, repaired, explained".to_owned()),
        Err(problem) if problem.is::<codex_oracle::CannotRun>() => {
            Ended::CannotRun(problem.to_string())
        }
        Err(problem) => Ended::Failed(problem.to_string()),
    }
}

/// Generated files are committed; a test that had to change one would show here.
fn clean_tree() -> Ended {
    let output = Command::new("git")
        .args(["status", "--porcelain"])
        .current_dir(crate::workspace())
        .output();
    match output {
        Err(error) => Ended::CannotRun(format!("git: {error}")),
        Ok(output) if !output.status.success() => {
            Ended::CannotRun(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
        Ok(output) if output.stdout.is_empty() => Ended::Passed("nothing changed".to_owned()),
        Ok(output) => {
            let changed = String::from_utf8_lossy(&output.stdout).into_owned();
            let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
            if in_ci {
                Ended::Failed(format!("files changed:\n{changed}"))
            } else {
                Ended::Passed(format!("{} files differ from the commit", changed.lines().count()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments() -> Arguments {
        Arguments { only: None, seed: 1 }
    }

    #[test]
    fn a_step_that_cannot_run_fails_ci_and_nothing_else() {
        let steps: &[Step] = &[("one", |_| Ended::CannotRun("no npm".to_owned()))];
        assert!(run_steps(&arguments(), steps, false).is_ok());
        assert!(run_steps(&arguments(), steps, true).is_err());
    }

    #[test]
    fn a_failed_step_fails_everywhere_and_the_rest_still_runs() {
        let steps: &[Step] = &[
            ("one", |_| Ended::Failed("bad".to_owned())),
            ("two", |_| Ended::Passed("fine".to_owned())),
        ];
        assert!(run_steps(&arguments(), steps, false).is_err());
        let only = Arguments { only: Some("two".to_owned()), seed: 1 };
        assert!(run_steps(&only, steps, true).is_ok());
        let none = Arguments { only: Some("three".to_owned()), seed: 1 };
        assert!(run_steps(&none, steps, true).is_err());
    }
}
