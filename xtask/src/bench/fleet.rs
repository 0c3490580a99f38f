//! `cargo xtask bench fleet`: a fleet server beside the least that its work can cost.
//!
//! Every goal is a ratio of two figures of one run, measured in turns, because a machine that is
//! shared makes both slower. What has nothing to be held against is a bound. Processes are loaded by
//! `fleet-server/examples/load`, HTTP by `wrk`, and nginx serves the same files; where one of these
//! two is not installed, it is said what was not measured, and that is no success.

mod http;
mod process;
mod push;
mod site;

use std::path::PathBuf;

use clap::ValueEnum;

use self::process::{finished, numbers};
use self::site::Site;
use crate::talk::{Problem, say};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Fleet {
    /// Parts; all of them where none is named.
    #[arg(long = "only", value_enum)]
    only: Vec<Part>,
    /// How many connections are told at most, in as many processes as that takes.
    #[arg(long, default_value_t = 100_000)]
    most: u64,
    /// How often the parts that are compared take turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A folder with programs that are built already, as cargo lays them out; they are built where
    /// none is named.
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Files over HTTP, beside nginx.
    Http,
    /// Push channels without TLS: memory, and telling all of them.
    Push,
    /// Push channels with TLS: memory, and coming back after `kill -9`.
    Herd,
    /// Durable transitions.
    Transitions,
    /// Rollouts and pages over 100,000 endpoints.
    Planner,
}

const PARTS: [Part; 5] = [Part::Http, Part::Push, Part::Herd, Part::Transitions, Part::Planner];

/// Measures; a missed goal is a failure.
pub(super) fn run(arguments: &Fleet) -> Result<(), Problem> {
    if arguments.rounds == 0 {
        return Err("no rounds, no measurement".into());
    }
    let site = Site::new(arguments.programs.as_deref())?;
    let mut verdicts = Verdicts::default();
    for part in PARTS.iter().filter(|one| arguments.only.is_empty() || arguments.only.contains(one))
    {
        match part {
            Part::Http => http::run(&site, arguments.rounds, &mut verdicts)?,
            Part::Push => push::told(&site, arguments.most, arguments.rounds, &mut verdicts)?,
            Part::Herd => push::herd(&site, &mut verdicts)?,
            Part::Transitions => transitions(&site, &mut verdicts)?,
            Part::Planner => planner(&site, &mut verdicts)?,
        }
    }
    verdicts.end()
}

/// Whether more of something is better.
#[derive(Clone, Copy)]
enum Bound {
    Most(f64),
    Least(f64),
}

/// What came of the goals.
#[derive(Default)]
struct Verdicts {
    missed: Vec<String>,
    unmeasured: Vec<String>,
}

impl Verdicts {
    fn goal(&mut self, name: &str, value: f64, bound: Bound, unit: &str) {
        let (is_met, sign, limit) = match bound {
            Bound::Most(limit) => (value <= limit, "<=", limit),
            Bound::Least(limit) => (value >= limit, ">=", limit),
        };
        let verdict = if is_met { "met" } else { "MISSED" };
        say(&format!("  {name:<58} {value:>8.2}{unit:<4} goal {sign} {limit}{unit}: {verdict}"));
        if !is_met {
            self.missed.push(format!("{name}: {value:.2}{unit}"));
        }
    }

    fn unmeasured(&mut self, what: &str) {
        say(&format!("  NOT MEASURED: {what}"));
        self.unmeasured.push(what.to_owned());
    }

    fn end(self) -> Result<(), Problem> {
        let Self { missed, unmeasured } = self;
        if missed.is_empty() && unmeasured.is_empty() {
            say("\nall goals met");
            return Ok(());
        }
        let mut told = Vec::new();
        if !missed.is_empty() {
            told.push(format!("goals missed: {}", missed.join("; ")));
        }
        if !unmeasured.is_empty() {
            told.push(format!("not measured: {}", unmeasured.join("; ")));
        }
        Err(told.join("\n").into())
    }
}

fn transitions(site: &Site, verdicts: &mut Verdicts) -> Result<(), Problem> {
    say("\ndurable transitions, SQLite");
    let folder = site.place.join("transitions");
    std::fs::create_dir_all(&folder)?;
    let told = finished(&site.load, &["transitions", &folder.to_string_lossy()])?;
    let [floor, bare, sync] = numbers(&told, "floor")?;
    let [store, settled] = numbers(&told, "store")?;
    let [half, most, one] = numbers(&told, "waits")?;
    let [counts, _cells] = numbers(&told, "counts")?;
    say(&format!(
        "  floor {floor:.0} a second ({bare:.0} where the bytes are there already), one sync of 100 at \
         worst {sync:.0} us\n  store {store:.0} a second, {settled:.0} until they are in the tables; at \
         5,000 a second one waits {half:.0} us (half), {most:.0} us (99 of 100)"
    ));
    verdicts.goal(
        "transitions a second, to append + fdatasync",
        store / floor,
        Bound::Least(0.5),
        "x",
    );
    verdicts.goal("acknowledgement (99 of 100), to one sync", most / one, Bound::Most(3.0), "x");
    verdicts.goal(
        "version counts over 1,000,000 endpoints",
        counts / 1_000.0,
        Bound::Most(2.0),
        " ms",
    );
    Ok(())
}

fn planner(site: &Site, verdicts: &mut Verdicts) -> Result<(), Problem> {
    say("\n100,000 endpoints: a step of the planner, the first page of the dashboard");
    let fleet = site.fleet("planner", 1)?;
    fleet.publish()?;
    let config = fleet.config();
    // It runs in the process that measures it.
    let authority = fleet.authority();
    drop(fleet);
    let told = finished(
        &site.load,
        &["planner", &config.to_string_lossy(), &authority.to_string_lossy(), site::COHORT],
    )?;
    let [cold, step] = numbers(&told, "step")?;
    let [bytes, first, page] = numbers(&told, "page")?;
    say(&format!(
        "  the first step {:.1} ms, the first report {:.1} ms",
        cold / 1_000.0,
        first / 1_000.0
    ));
    verdicts.goal("a step", step / 1_000.0, Bound::Most(50.0), " ms");
    verdicts.goal("the first page", bytes / 1_000.0, Bound::Most(100.0), " KB");
    verdicts.goal("the first page, time of the server", page / 1_000.0, Bound::Most(50.0), " ms");
    Ok(())
}

/// The middle one.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
