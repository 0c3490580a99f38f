//! `cargo xtask bench explain`: `codex-config explain KEY` beside Codex's own start, on one input.

#[cfg(target_os = "linux")]
mod agents;
mod compile;
mod diff;
mod emit;
#[cfg(target_os = "linux")]
mod endpoint;
mod fleet;
mod measure;
mod release;
mod startup;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use measure::measured;
use measure::{Cost, Place};
use workload::{SIZES, Size};

use crate::talk::{Problem, say};

/// The largest part of Codex's own start that an explanation may take.
const RATIO_GOAL: f64 = 0.15;
/// The most memory an explanation may touch, in MiB.
const MEMORY_GOAL_MIB: f64 = 40.0;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// `codex-config explain KEY`, cold, against `codex app-server --print-startup-config`.
    Explain {
        /// How often each program runs on each input.
        #[arg(long, default_value_t = 15)]
        rounds: usize,
        /// The key that is explained.
        #[arg(long, default_value = "approval_policy")]
        key: String,
    },
    /// Thousands of agents against one server: from publishing to everybody's report.
    #[cfg(target_os = "linux")]
    Agents(agents::Agents),
    /// `codex-config compile` on repositories of four sizes.
    Compile(compile::Compile),
    /// `codex-config emit --all` for 500 cohorts.
    Emit {
        /// How often it runs.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// `codex-config diff` on pairs of policies of all sizes.
    Diff(diff::Diff),
    /// One machine with the real Codex: from publishing to enforced, and what idling costs.
    #[cfg(target_os = "linux")]
    Endpoint(endpoint::Endpoint),
    /// A fleet server beside the least that its work can cost, and beside nginx.
    Fleet(fleet::Fleet),
    /// Signing, refreshing and verifying a release of 500 teams.
    Release,
    /// Codex's own start with a policy, and with the same policy simplified.
    Startup(startup::Startup),
}

/// Measures; a missed goal is a failure.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Problem> {
    match &arguments.what {
        What::Explain { rounds, key } => explain(*rounds, key),
        #[cfg(target_os = "linux")]
        What::Agents(arguments) => agents::run(arguments),
        What::Compile(arguments) => compile::run(arguments),
        What::Emit { rounds } => emit::run(*rounds),
        What::Diff(arguments) => diff::run(arguments),
        #[cfg(target_os = "linux")]
        What::Endpoint(arguments) => endpoint::run(arguments),
        What::Fleet(arguments) => fleet::run(arguments),
        What::Release => release::run(),
        What::Startup(arguments) => startup::run(arguments),
    }
}

fn explain(rounds: usize, key: &str) -> Result<(), Problem> {
    if rounds == 0 {
        return Err("no rounds, no measurement".into());
    }
    let ours = release_program()?;
    let version = codex_schema::version::Version::NEWEST.to_string();
    let codex = codex_oracle::install(&version)?.path().to_owned();
    say(&format!(
        "cold processes, {rounds} rounds, interleaved; min/median/max in ms, peak memory in MiB\n\
         input: one requirements.toml with the merged policy, and the same as four layers\n"
    ));
    say(&format!("{:<34} {:>22} {:>9} {:>7}", "", "wall", "peak", "ratio"));
    let mut missed = Vec::new();
    for size in SIZES {
        missed.extend(one_size(*size, rounds, key, &ours, &codex)?);
    }
    if missed.is_empty() {
        say("\nall goals met");
        return Ok(());
    }
    Err(format!("goals missed: {}", missed.join("; ")).into())
}

fn release_program() -> Result<PathBuf, Problem> {
    let arguments = ["build", "--release", "--locked", "--package", "codex-compiler"];
    if !Command::new(cargo()).args(arguments).status()?.success() {
        return Err("the release build failed".into());
    }
    Ok(target_folder().join("release/codex-config").canonicalize()?)
}

/// The cargo that runs this.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// An empty folder below that of the builds; what was in it is gone.
pub(crate) fn fresh_folder(name: &str) -> Result<PathBuf, Problem> {
    let place = target_folder().join(name);
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(&place)?;
    Ok(place.canonicalize()?)
}

/// Where cargo puts programs.
pub(crate) fn target_folder() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    named.unwrap_or_else(|| crate::workspace().join("target"))
}

/// Makes a machine's folders and files.
fn machine(folder: &Path, requirements: &str) -> Result<(), Problem> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    for part in ["etc/codex", "home", "cwd", "tools"] {
        fs::create_dir_all(folder.join(part))?;
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("/bin/true", folder.join("tools/lsb_release"))?;
    fs::write(folder.join("etc/codex/requirements.toml"), requirements)?;
    Ok(())
}

/// The upper three layers as the answer of a configuration server, highest first.
fn bundle(layers: &[String]) -> String {
    let fragments: Vec<serde_json::Value> = layers
        .iter()
        .enumerate()
        .skip(1)
        .rev()
        .map(|(at, text)| serde_json::json!({"id": format!("{at}"), "name": format!("layer {at}"), "contents": text}))
        .collect();
    serde_json::json!({"requirements_toml": {"enterprise_managed": fragments}}).to_string()
}

fn one_size(
    size: Size,
    rounds: usize,
    key: &str,
    ours: &Path,
    codex: &Path,
) -> Result<Vec<String>, Problem> {
    let base = target_folder().join("bench/explain").join(size.name);
    fs::create_dir_all(&base)?;
    let base = base.canonicalize()?;
    let (single, layered) = (base.join("merged"), base.join("layered"));
    machine(&single, &workload::merged(size))?;
    let layers = workload::layers(size);
    machine(&layered, layers.first().map_or("", String::as_str))?;
    fs::write(layered.join("bundle.json"), bundle(&layers))?;

    let text = |path: &Path| path.to_string_lossy().into_owned();
    let explain = |folder: &Path, more: &[String]| {
        let mut words = vec![text(ours), "explain".to_owned(), key.to_owned()];
        words.extend(["--root".to_owned(), text(folder)]);
        words.extend_from_slice(more);
        words
    };
    let plain = explain(&single, &[]);
    let four = explain(&layered, &["--bundle".to_owned(), text(&layered.join("bundle.json"))]);
    let start = vec![text(codex), "app-server".to_owned(), "--print-startup-config".to_owned()];

    let mut costs: [Vec<Cost>; 3] = Default::default();
    // One round that does not count: files and programs come into the system's cache.
    for round in 0..=rounds {
        let round_costs = [
            Place(&single).run(false, &plain)?,
            Place(&layered).run(false, &four)?,
            Place(&single).run(true, &start)?,
        ];
        for (list, cost) in costs.iter_mut().zip(round_costs) {
            if round > 0 {
                list.push(cost);
            }
        }
    }
    judge(size, &costs)
}

/// Prints the lines of one size and names the goals it misses.
fn judge(size: Size, [plain, four, start]: &[Vec<Cost>; 3]) -> Result<Vec<String>, Problem> {
    let codex = Summary::of(start)?;
    let mut missed = Vec::new();
    for (name, costs) in [("explain KEY, one file", plain), ("explain KEY, four layers", four)] {
        let summary = Summary::of(costs)?;
        let ratio = summary.median / codex.median;
        say(&format!("{} {name:<32} {summary} {ratio:>6.2}x", size.name));
        if summary.failed > 0 {
            missed.push(format!("{} {name}: {} runs failed", size.name, summary.failed));
        }
        if size.goal_ms.is_some_and(|goal| summary.median > goal) {
            missed.push(format!("{} {name}: {:.1} ms", size.name, summary.median));
        }
        if size.goal_ms.is_some() && ratio > RATIO_GOAL {
            missed.push(format!("{} {name}: {ratio:.2}x of codex", size.name));
        }
        if summary.peak_mib > MEMORY_GOAL_MIB {
            missed.push(format!("{} {name}: {:.1} MiB", size.name, summary.peak_mib));
        }
    }
    say(&format!("{} {:<32} {codex}", size.name, "codex --print-startup-config"));
    if codex.failed > 0 {
        missed.push(format!("{} codex: {} runs failed", size.name, codex.failed));
    }
    Ok(missed)
}

struct Summary {
    least: f64,
    median: f64,
    most: f64,
    peak_mib: f64,
    failed: usize,
}

impl Summary {
    fn of(costs: &[Cost]) -> Result<Self, Problem> {
        let mut walls: Vec<f64> = costs.iter().map(|cost| cost.wall_ms).collect();
        walls.sort_by(f64::total_cmp);
        let at = |index: usize| walls.get(index).copied().ok_or("nothing was measured");
        let peak = costs.iter().map(|cost| cost.peak_kib).max().unwrap_or(0);
        Ok(Self {
            least: at(0)?,
            median: at(walls.len() / 2)?,
            most: at(walls.len().saturating_sub(1))?,
            peak_mib: f64::from(u32::try_from(peak)?) / 1024.0,
            failed: costs.iter().filter(|cost| cost.code != 0).count(),
        })
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { least, median, most, peak_mib, failed: _ } = self;
        let walls = format!("{least:.1} / {median:.1} / {most:.1}");
        write!(formatter, "{walls:>22} {peak_mib:>9.1}")
    }
}
