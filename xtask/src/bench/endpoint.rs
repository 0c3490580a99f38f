//! `cargo xtask bench endpoint`: one machine, both halves of the agent as the services run them, and
//! the real Codex. How long a release takes from `publish` to "enforced", in parts; then what the
//! agent costs that has nothing to do, and how large it is.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use codex_oracle::{CodexBinary, install, isolated};

use super::agents::used;
use super::fresh_folder;
use crate::demo::Programs;
use crate::demo::fleet::{
    ADDRESS, CODEX, Machine, Organisation, Service, finished, start_server, wait_for,
};
use crate::talk::{Problem, say};

/// The longest that 99 of 100 releases may take from `publish` to enforced.
const ENFORCED_GOAL: Duration = Duration::from_secs(2);
/// Resident memory in KiB: of the half that installs, and of both.
const MEMORY_GOAL: [u64; 2] = [10 * 1024, 25 * 1024];
/// The part of one processor that an idle agent may take. A tick of the system's own clock within
/// a minute is 0.017 %.
const IDLE_GOAL: f64 = 0.001;

/// An agent follows 30 hints an hour, counted from its start.
const BEFORE_RESTART: usize = 25;

/// What is measured.
#[derive(Debug, clap::Args)]
pub(super) struct Endpoint {
    /// How many releases are published.
    #[arg(long, default_value_t = 100)]
    releases: usize,
    /// For how many seconds the agent is then left alone.
    #[arg(long, default_value_t = 60)]
    idle: u64,
}

/// Measures; a missed goal is a failure.
pub(super) fn run(arguments: &Endpoint) -> Result<(), Problem> {
    let programs = Programs::build_as("release", &["--release"])?;
    let codex = install(CODEX)?;
    let place = fresh_folder("bench/endpoint")?;
    let measured = isolated(|_| {
        let measured = measure(arguments, &programs, &codex, &place);
        measured.map_err(|problem| problem.to_string())
    })?;
    let missed = measured?;
    fs::remove_dir_all(&place)?;
    if missed.is_empty() {
        say("\nall goals met");
        return Ok(());
    }
    Err(format!("goals missed: {}", missed.join("; ")).into())
}

/// One release: from the beginning of `publish` until it has ended, until the files are in force,
/// and until Codex has said so.
struct Took {
    published: Duration,
    installed: Duration,
    enforced: Duration,
}

fn measure(
    arguments: &Endpoint,
    programs: &Programs,
    codex: &CodexBinary,
    place: &Path,
) -> Result<Vec<String>, Problem> {
    let secret = place.join("secrets/ledger.txt");
    fs::create_dir_all(place.join("secrets"))?;
    fs::write(&secret, "a secret of the bank\n")?;
    let organisation = Organisation::found(programs, place, &secret)?.in_silence();
    organisation.first_release()?;
    let _server = start_server(programs, place, &organisation.name, "")?;
    organisation.publish("stage", ADDRESS, None)?;
    let words = ["token", "create", "--team", "payments", "--config", "fleet/fleet.toml"];
    let token = finished(&programs.server, place, &words)?;
    let machine = Machine::new(&programs.agent, place, "pay-17.bank.example")?;
    machine.enrol(&organisation.name, ADDRESS, &token, codex.path())?;
    let mut halves = machine.keep_as_halves()?;
    wait_for("the first policy is enforced", || machine.enforces(1))?;

    let mut all = Vec::with_capacity(arguments.releases);
    for number in 1..=arguments.releases {
        if number % BEFORE_RESTART == 0 {
            drop(halves);
            halves = machine.keep_as_halves()?;
            // Until its channel is open again.
            std::thread::sleep(Duration::from_secs(3));
        }
        all.push(one(&organisation, &machine, number)?);
    }
    let mut missed = judge(&all);
    missed.extend(idle(&halves, Duration::from_secs(arguments.idle))?);
    let size = fs::metadata(&programs.agent)?.len();
    say(&format!("the program: {:.1} MiB, stripped", mib(size / 1024)));
    Ok(missed)
}

/// Publishes one release, and looks every few milliseconds how far the machine is.
fn one(organisation: &Organisation, machine: &Machine, number: usize) -> Result<Took, Problem> {
    let stage = format!("stage-{number}");
    let plan = organisation.forbid_up_to(number, ADDRESS, &stage)?;
    let wanted = u64::try_from(number)? + 1;
    let begun = Instant::now();
    std::thread::scope(|threads| {
        let publishes = threads.spawn(|| {
            let published = organisation.publish(&stage, ADDRESS, Some(&plan));
            published.map(|()| begun.elapsed()).map_err(|problem| problem.to_string())
        });
        let rule = format!("\"payments-{number}\"");
        wait_for("the files are in force", || machine.requires(&rule))?;
        let installed = begun.elapsed();
        wait_for("Codex says that it enforces them", || machine.enforces(wanted))?;
        let enforced = begun.elapsed();
        let published = publishes.join().map_err(|_| "publishing died")??;
        Ok(Took { published, installed, enforced })
    })
}

fn judge(all: &[Took]) -> Vec<String> {
    let part = |name: &str, of: fn(&Took) -> Duration| {
        let mut times: Vec<Duration> = all.iter().map(of).collect();
        times.sort_unstable();
        let at = |hundredths: usize| {
            let place = (times.len() * hundredths).div_ceil(100).saturating_sub(1);
            times.get(place).copied().unwrap_or_default()
        };
        let [half, most, last] = [50, 99, 100].map(|part| at(part).as_millis());
        say(&format!("{name:<44} {half:>7} {most:>7} {last:>7}"));
        at(99)
    };
    say(&format!("{:<44} {:>7} {:>7} {:>7}", "milliseconds", "half", "99 %", "all"));
    part("`publish` has signed, sent and ended", |took| took.published);
    part("the files are in force", |took| took.installed);
    part("of that: after `publish` ended", |took| took.installed.saturating_sub(took.published));
    part("Codex is asked and tried", |took| took.enforced.saturating_sub(took.installed));
    let whole = part("from `publish` to enforced", |took| took.enforced);
    let missed = whole > ENFORCED_GOAL;
    missed.then(|| format!("99 % of releases are enforced after {whole:.1?}")).into_iter().collect()
}

/// What both halves take that have nothing to do.
fn idle(halves: &[Service; 2], duration: Duration) -> Result<Vec<String>, Problem> {
    let both = || -> Result<[(u64, u64); 2], Problem> {
        let [fetches, installs] = halves;
        Ok([used(fetches.id())?, used(installs.id())?])
    };
    // What the last release began comes to an end first.
    std::thread::sleep(Duration::from_secs(5));
    let before = both()?;
    std::thread::sleep(duration);
    let after = both()?;
    let [fetches, installs] = after.map(|(_, memory)| memory);
    let busy: u64 = after.iter().zip(&before).map(|(after, before)| after.0 - before.0).sum();
    let part = Duration::from_millis(busy).as_secs_f64() / duration.as_secs_f64();
    say(&format!(
        "idle for {duration:?}: {busy} ms of processor time ({:.3} %); resident {:.1} MiB (fetches) \
         and {:.1} MiB (installs)",
        part * 100.0,
        mib(fetches),
        mib(installs)
    ));
    let [own, together] = MEMORY_GOAL;
    let mut missed = Vec::new();
    if installs > own || fetches + installs > together {
        missed.push(format!("memory: {installs} KiB, {} KiB together", fetches + installs));
    }
    if part > IDLE_GOAL {
        missed.push(format!("idle takes {:.2} % of a processor", part * 100.0));
    }
    Ok(missed)
}

/// For people.
fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
}
