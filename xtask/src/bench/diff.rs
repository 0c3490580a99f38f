//! `cargo xtask bench diff`: what changes between two policies, decisions included.

use std::fs;
use std::path::Path;

use super::measure::{Cost, Place};
use super::workload::{self, SIZES, Size};
use super::{Summary, machine, release_program, target_folder};
use crate::talk::{Problem, say};

/// How long the comparison of the largest pair may take, in milliseconds.
const GOAL_MS: f64 = 1000.0;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// How often the program runs on each pair.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

/// Measures; a missed goal is a failure.
pub(super) fn run(arguments: &Diff) -> Result<(), Problem> {
    if arguments.rounds == 0 {
        return Err("no rounds, no measurement".into());
    }
    let program = release_program()?;
    say(&format!(
        "cold processes, {} rounds; min/median/max in ms, peak memory in MiB\n",
        arguments.rounds
    ));
    say(&format!("{:<34} {:>22} {:>9}", "", "wall", "peak"));
    let mut missed = Vec::new();
    for size in SIZES {
        for (name, from, to) in pairs(*size) {
            let summary = measure(arguments.rounds, &program, &from, &to)?;
            say(&format!("{} {name:<32} {summary}", size.name));
            if summary.failed > 0 {
                missed.push(format!("{} {name}: {} runs failed", size.name, summary.failed));
            }
            if summary.median > GOAL_MS {
                missed.push(format!("{} {name}: {:.1} ms", size.name, summary.median));
            }
        }
    }
    if missed.is_empty() {
        say("\nall goals met");
        return Ok(());
    }
    Err(format!("goals missed: {}", missed.join("; ")).into())
}

/// Pairs of policies of a size, by what makes them different.
fn pairs(size: Size) -> Vec<(&'static str, String, String)> {
    let policy = workload::merged(size);
    let switched =
        policy.replacen("enabled = true", "enabled = true\nmanaged_allowed_domains_only = true", 1);
    let wild = policy.replacen(
        "[experimental_network.domains]\n",
        "[experimental_network.domains]\n\"svc?1*.team*.example.com\" = \"deny\"\n\
         \"*.team7?.*.com\" = \"deny\"\n",
        1,
    );
    vec![
        ("nothing changed", policy.clone(), policy.clone()),
        ("one rule and one host", policy.clone(), every(&policy, usize::MAX)),
        ("every tenth rule and host", policy.clone(), every(&policy, 10)),
        ("everything else", policy.clone(), policy.replace("svc", "srv").replace("\"x", "\"y")),
        ("a switch for all hosts", policy.clone(), switched),
        ("two patterns over all hosts", policy, wild),
    ]
}

/// The policy with the answer of every so many rules and hosts turned round, the last ones at least.
fn every(policy: &str, step: usize) -> String {
    let turned = |line: &str| {
        [
            ("= \"allow\"", "= \"deny\""),
            ("= \"deny\"", "= \"allow\""),
            ("decision = \"forbidden\"", "decision = \"prompt\""),
            ("decision = \"prompt\"", "decision = \"forbidden\""),
        ]
        .iter()
        .find(|(old, _)| line.contains(old))
        .map(|(old, new)| line.replace(old, new))
    };
    let lines: Vec<&str> = policy.lines().collect();
    let mut last = [None, None];
    for (at, line) in lines.iter().enumerate() {
        if let Some(place) = last.get_mut(usize::from(line.starts_with("decision")))
            && turned(line).is_some()
        {
            *place = Some(at);
        }
    }
    let mut count = 0_usize;
    let mut text = String::new();
    for (at, line) in lines.into_iter().enumerate() {
        let other = turned(line);
        count += usize::from(other.is_some());
        let wanted = count.is_multiple_of(step) || last.contains(&Some(at));
        text.push_str(other.as_deref().filter(|_| wanted).unwrap_or(line));
        text.push('\n');
    }
    text
}

fn measure(rounds: usize, program: &Path, from: &str, to: &str) -> Result<Summary, Problem> {
    let base = target_folder().join("bench/diff");
    machine(&base, from)?;
    let base = base.canonicalize()?;
    let (old, new) = (base.join("etc/codex/requirements.toml"), base.join("cwd/requirements.toml"));
    fs::write(&new, to)?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let words = vec![text(program), "diff".to_owned(), text(&old), text(&new)];
    // Exit code 1 is for policies that differ.
    let expected = i32::from(from != to);
    let mut costs: Vec<Cost> = Vec::new();
    for round in 0..=rounds {
        let mut cost = Place(&base).run(false, &words)?;
        cost.code -= expected;
        if round > 0 {
            costs.push(cost);
        }
    }
    Summary::of(&costs)
}
