//! `cargo xtask bench emit`: every artifact of 500 cohorts.

use std::fs;

use super::compile::{SHARED, repository, scratch, text};
use super::measure::Place;
use super::workload::{self, SIZES};
use super::{Summary, release_program};
use crate::talk::{Problem, say};

/// Cohorts of the workload.
const COHORTS: usize = 500;
/// What it may take, in milliseconds.
const WALL_GOAL_MS: f64 = 2000.0;
/// What it may touch, in MiB.
const MEMORY_GOAL_MIB: f64 = 150.0;

/// Two workloads: policies that 500 teams tighten a little, and the same over a large baseline.
const WORKLOADS: [(&str, &str); 2] = [("S", "1.6 KB a cohort"), ("M", "78 KB a cohort")];

/// Measures; a missed goal is a failure.
pub(super) fn run(rounds: usize) -> Result<(), Problem> {
    if rounds == 0 {
        return Err("no rounds, no measurement".into());
    }
    let program = release_program()?;
    let base = std::env::temp_dir().join(format!("codex-config-bench-{}", std::process::id()));
    fs::create_dir_all(&base)?;
    let base = scratch(&base.canonicalize()?)?;
    say(&format!("cold processes, {rounds} rounds; min/median/max in ms, peak memory in MiB\n"));
    let mut missed = Vec::new();
    for (name, about) in WORKLOADS {
        let size = SIZES.iter().find(|size| size.name == name).ok_or("there is no such size")?;
        let layers = workload::layers(*size);
        let shared = layers.get(..SHARED.len()).ok_or("too few layers")?;
        let top = base.join(name);
        repository(&top, shared, &workload::cohorts(COHORTS))?;
        let mut costs = Vec::new();
        for round in 0..=rounds {
            // A new folder every time: after many files were deleted the file system is slow to
            // make new ones in their place.
            let out = base.join(format!("{name}-out-{round}"));
            let words = ["emit".into(), text(&top), "--out".into(), text(&out), "--all".into()];
            let words = [vec![text(&program)], words.to_vec()].concat();
            let cost = Place(&base).run(false, &words)?;
            if round > 0 {
                costs.push(cost);
            }
        }
        let summary = Summary::of(&costs)?;
        say(&format!("{:<34} {summary}", format!("emit --all, {COHORTS} cohorts, {about}")));
        if summary.failed > 0 {
            missed.push(format!("{name}: {} runs failed", summary.failed));
        }
        if summary.median > WALL_GOAL_MS || summary.peak_mib > MEMORY_GOAL_MIB {
            missed.push(format!("{name}: more than {WALL_GOAL_MS} ms or {MEMORY_GOAL_MIB} MiB"));
        }
    }
    fs::remove_dir_all(&base)?;
    if missed.is_empty() {
        say("\nall goals met");
        return Ok(());
    }
    Err(format!("goals missed: {}", missed.join("; ")).into())
}
