//! `cargo xtask bench compile`: whole repositories to effective policies, beside the floor of
//! stock libraries and, where it is given, beside a Rego engine that does the same merge.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::measure::{Cost, Place};
use super::workload::{self, SIZES, Size};
use super::{Summary, cargo, release_program, target_folder};
use crate::talk::{Problem, say};

/// Cohorts of the largest workload.
const COHORTS: usize = 500;
/// What the largest one may take of its floor.
const FLOOR_GOAL: f64 = 1.2;
/// What one changed file may add to a run that changes nothing, in milliseconds.
const CHANGE_GOAL_MS: f64 = 10.0;

/// What to measure against.
#[derive(Debug, clap::Args)]
pub(crate) struct Compile {
    /// How often each program runs on each input.
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// A `regorus` program (`cargo install regorus --example regorus`).
    #[arg(long, requires = "rego")]
    regorus: Option<PathBuf>,
    /// The Rego policy that merges `input.layers` as `data.policy`.
    #[arg(long, requires = "regorus")]
    rego: Option<PathBuf>,
}

/// Measures; a missed goal is a failure.
pub(super) fn run(arguments: &Compile) -> Result<(), Problem> {
    if arguments.rounds == 0 {
        return Err("no rounds, no measurement".into());
    }
    let program = release_program()?;
    let floor = floor_program()?;
    // Outside of any repository: the peers ask no version control either.
    let base = std::env::temp_dir().join(format!("codex-config-bench-{}", std::process::id()));
    fs::create_dir_all(&base)?;
    let outcome = measure(arguments, &program, &floor, &base.canonicalize()?);
    fs::remove_dir_all(&base)?;
    outcome
}

fn measure(arguments: &Compile, program: &Path, floor: &Path, base: &Path) -> Result<(), Problem> {
    say(&format!(
        "cold processes, {} rounds, interleaved; min/median/max in ms, peak memory in MiB\n",
        arguments.rounds
    ));
    say(&format!("{:<34} {:>22} {:>9} {:>7}", "", "wall", "peak", "ratio"));
    let mut missed = Vec::new();
    for size in SIZES {
        missed.extend(one_size(*size, arguments, program, base)?);
    }
    missed.extend(largest(arguments, program, floor, base)?);
    if arguments.regorus.is_none() {
        say("\nNOT MEASURED: the Rego engine; name it with --regorus PROGRAM --rego FILE");
    }
    if missed.is_empty() {
        say("\nall goals met");
        return Ok(());
    }
    Err(format!("goals missed: {}", missed.join("; ")).into())
}

fn floor_program() -> Result<PathBuf, Problem> {
    let arguments = ["build", "--release", "--locked", "--package", "merge-floor"];
    if !Command::new(cargo()).args(arguments).status()?.success() {
        return Err("the floor does not build".into());
    }
    Ok(target_folder().join("release/merge-floor").canonicalize()?)
}

/// Folders in which a layer may loosen what the workload's layers loosen.
const DELEGATION: &str = "[delegation]\n\
    \"teams/*\" = [\"features.*\", \"mcp_servers\", \"experimental_network.domains\"]\n\
    \"environments/*\" = [\"features.*\", \"mcp_servers\", \"experimental_network.domains\"]\n";

/// The folders of the workload's shared layers.
pub(super) const SHARED: [&str; 3] = ["baseline", "environments/e", "teams/base"];

/// Writes a repository whose shared layers are the first three, and whose teams are the others.
pub(super) fn repository(
    top: &Path,
    shared: &[String],
    teams: &[String],
) -> Result<Vec<PathBuf>, Problem> {
    if top.exists() {
        fs::remove_dir_all(top)?;
    }
    let mut manifest = format!(
        "organisation.name = \"Bench\"\ncodex.versions = [\"0.169.0\"]\n{DELEGATION}\
         [cohorts.rest]\ndefault = true\n"
    );
    let mut files = Vec::new();
    let mut put = |folder: &str, text: &str| -> Result<(), Problem> {
        fs::create_dir_all(top.join(folder))?;
        let file = top.join(folder).join("requirements.toml");
        fs::write(&file, text)?;
        files.push(file);
        Ok(())
    };
    for (folder, text) in SHARED.into_iter().zip(shared) {
        put(folder, text)?;
    }
    for (number, text) in teams.iter().enumerate() {
        put(&format!("teams/t{number:03}"), text)?;
        write!(
            manifest,
            "[teams.t{number:03}]\ninclude = [\"teams/base\"]\n\
             [cohorts.c{number:03}]\nteam = \"t{number:03}\"\nenvironment = \"e\"\n"
        )?;
    }
    fs::write(top.join("policy.toml"), manifest)?;
    Ok(files)
}

pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A scratch place to run in.
pub(super) fn scratch(base: &Path) -> Result<PathBuf, Problem> {
    for part in ["home", "cwd", "tools"] {
        fs::create_dir_all(base.join(part))?;
    }
    Ok(base.to_owned())
}

fn compile_words(program: &Path, top: &Path, out: &Path) -> Vec<String> {
    vec![text(program), "compile".into(), text(top), "--out".into(), text(out)]
}

fn one_size(
    size: Size,
    arguments: &Compile,
    program: &Path,
    base: &Path,
) -> Result<Vec<String>, Problem> {
    let base = scratch(&base.join(size.name))?;
    let layers = workload::layers(size);
    let (shared, team) = layers.split_at(SHARED.len());
    let top = base.join("policy");
    repository(&top, shared, team)?;
    let out = base.join("out");
    let ours = compile_words(program, &top, &out);
    let peer = match (&arguments.regorus, &arguments.rego) {
        (Some(regorus), Some(rego)) => {
            let input = base.join("input.json");
            let layers: Result<Vec<toml::Table>, _> =
                layers.iter().map(|layer| toml::from_str(layer)).collect();
            fs::write(&input, serde_json::json!({"layers": layers?}).to_string())?;
            let words = [
                "eval".into(),
                "-d".into(),
                text(&rego.canonicalize()?),
                "-i".into(),
                text(&input),
            ];
            let mut all = vec![text(&regorus.canonicalize()?)];
            all.extend(words);
            all.push("data.policy".into());
            Some(all)
        }
        _ => None,
    };
    let mut costs: [Vec<Cost>; 2] = Default::default();
    for round in 0..=arguments.rounds {
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        let ours = Place(&base).run(false, &ours)?;
        let theirs = peer.as_ref().map(|words| Place(&base).run(false, words)).transpose()?;
        // The first round brings files and programs into the system's cache.
        if round > 0 {
            costs[0].push(ours);
            costs[1].extend(theirs);
        }
    }
    let ours = Summary::of(&costs[0])?;
    let mut missed = Vec::new();
    if ours.failed > 0 {
        missed.push(format!("{}: {} runs failed", size.name, ours.failed));
    }
    if costs[1].is_empty() {
        say(&format!("{} {:<32} {ours}", size.name, "compile"));
        return Ok(missed);
    }
    let theirs = Summary::of(&costs[1])?;
    if theirs.failed > 0 {
        return Err(format!("{}: the Rego engine failed: its time means nothing", size.name).into());
    }
    let ratio = ours.median / theirs.median;
    say(&format!("{} {:<32} {ours} {ratio:>6.2}x", size.name, "compile"));
    say(&format!("{} {:<32} {theirs}", size.name, "regorus: merge and validate"));
    if ratio > size.compile_goal {
        missed.push(format!("{}: {ratio:.2}x of regorus, not {}", size.name, size.compile_goal));
    }
    Ok(missed)
}

/// 500 cohorts: all of them, none of them, one of them.
fn largest(
    arguments: &Compile,
    program: &Path,
    floor: &Path,
    base: &Path,
) -> Result<Vec<String>, Problem> {
    let base = scratch(&base.join("XL"))?;
    let top = base.join("policy");
    let medium = SIZES.iter().find(|size| size.name == "M").ok_or("there is no size M")?;
    let layers = workload::layers(*medium);
    let shared = layers.get(..SHARED.len()).ok_or("too few layers")?;
    let files = repository(&top, shared, &workload::cohorts(COHORTS))?;
    let (shared_files, team_files) = files.split_at(SHARED.len());
    let least = |out: &Path| {
        let mut words = vec![text(floor), text(out)];
        words.extend(shared_files.iter().map(|file| text(file)));
        words.push("--".into());
        words.extend(team_files.iter().map(|file| text(file)));
        words
    };
    let changed = team_files.first().ok_or("there is no team")?;
    let mut costs: [Vec<Cost>; 4] = Default::default();
    for round in 0..=arguments.rounds {
        // New folders each time: after thousands of files are removed, ext4 looks for a minute for
        // places that were not theirs, and making files takes five times as long.
        let [out, floor_out] = ["out", "floor"].map(|name| base.join(format!("{name}-{round}")));
        let ours = compile_words(program, &top, &out);
        let all = Place(&base).run(false, &ours)?;
        let bare = Place(&base).run(false, &least(&floor_out))?;
        let none = Place(&base).run(false, &ours)?;
        let text = fs::read_to_string(changed)?;
        fs::write(changed, format!("{text}# round {round}\n"))?;
        let one = Place(&base).run(false, &ours)?;
        if round > 0 {
            for (list, cost) in costs.iter_mut().zip([all, bare, none, one]) {
                list.push(cost);
            }
        }
    }
    let [all, bare, none, one] = &costs;
    let (all, bare, none, one) =
        (Summary::of(all)?, Summary::of(bare)?, Summary::of(none)?, Summary::of(one)?);
    let ratio = all.median / bare.median;
    say(&format!("XL {:<31} {all} {ratio:>6.2}x", format!("compile, {COHORTS} cohorts")));
    say(&format!("XL {:<31} {bare}", "floor: read, merge, write"));
    say(&format!("XL {:<31} {none}", "compile, nothing changed"));
    let more = one.median - none.median;
    say(&format!("XL {:<31} {one} {more:>+5.1} ms", "compile, one team changed"));
    let mut missed = Vec::new();
    let failed = all.failed + bare.failed + none.failed + one.failed;
    if failed > 0 {
        missed.push(format!("XL: {failed} runs failed"));
    }
    if ratio > FLOOR_GOAL {
        missed.push(format!("XL: {ratio:.2}x of the floor, not {FLOOR_GOAL}"));
    }
    if more > CHANGE_GOAL_MS {
        missed.push(format!("XL: one change costs {more:.1} ms more"));
    }
    Ok(missed)
}
