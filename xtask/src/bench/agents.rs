//! `cargo xtask bench agents`: a release is published, and thousands of agents fetch, verify and
//! report it. Each has a certificate, a push channel and a trust store of its own; what is made up is
//! its disk and its Codex (`agent-sync/examples/fleet_sim`).

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::{fresh_folder, target_folder};
use crate::demo::Programs;
use crate::demo::fleet::{ADDRESS, Organisation, finished, start_server};
use crate::talk::{Problem, say};

/// How long the last agent may take from publishing to its report.
const LAST_GOAL: Duration = Duration::from_mins(1);
/// The part of that time that the last of a hundred may take.
const TAIL_GOAL: f64 = 0.1;
/// How long nobody may say anything before it counts as never.
const PATIENCE: Duration = Duration::from_mins(3);
/// One process may open 20,000 files, and an agent needs up to three.
const PER_PROCESS: usize = 2_500;

/// Machines that are switched on within a second.
const SWITCHED_ON: usize = 200;

/// What a server is set to that so many listen to. They come from the same two cores that it has
/// itself, and cost more there than here.
const PACE: &str = "[pace]\nspread_milliseconds = 60000\nhinted_per_second = 180\n";

/// What is measured.
#[derive(Debug, clap::Args)]
pub(super) struct Agents {
    /// How many agents there are.
    #[arg(long, default_value_t = 10_000)]
    agents: usize,
}

/// What a process of agents says.
enum Said {
    Enrolled,
    /// A generation is enforced, at a time of day in milliseconds.
    Enforced(u64, i64),
}

/// Measures; a missed goal is a failure.
pub(super) fn run(arguments: &Agents) -> Result<(), Problem> {
    let programs = Programs::build_as("release", &["--release"])?;
    let sim = built_sim()?;
    let place = fresh_folder("bench/agents")?;
    let organisation = Organisation::found(&programs, &place, &place.join("secret"))?;
    organisation.first_release()?;
    let server = start_server(&programs, &place, &organisation.name, PACE)?;
    organisation.publish("stage", ADDRESS, None)?;

    let uses = arguments.agents.to_string();
    let words = ["token", "create", "--team", "payments", "--uses", &uses];
    let token = finished(&programs.server, &place, &[&words[..], &CONFIG].concat())?;
    fs::write(place.join("enrolment"), token)?;
    let (tell, told) = channel();
    let mut heard = Heard { told, enrolled: 0, enforced: BTreeMap::new() };
    let begun = Instant::now();
    let counts = parts(arguments.agents);
    let within = arguments.agents / SWITCHED_ON;
    let processes =
        counts.iter().map(|count| Simulated::start(&sim, &place, (*count, within), &tell));
    let _processes: Vec<Simulated> = processes.collect::<Result<_, _>>()?;
    heard.until_enrolled(counts.len())?;
    say(&format!("{} agents enrolled in {:.1?}", arguments.agents, begun.elapsed()));
    let first = heard.reports(1, arguments.agents)?;
    let spread = first.last().unwrap_or(&0) - first.first().unwrap_or(&0);
    say(&format!("all of them report generation 1, within {:.1} s", seconds(spread)));

    let before = used(server.id())?;
    let plan = organisation.forbid_more(ADDRESS)?;
    let from = jiff::Timestamp::now().as_millisecond();
    organisation.publish("next", ADDRESS, Some(&plan))?;
    let times = heard.reports(2, arguments.agents)?;
    let after = used(server.id())?;
    let outcome = judge(&times, from, before, after);
    fs::remove_dir_all(&place)?;
    outcome
}

const CONFIG: [&str; 2] = ["--config", "fleet/fleet.toml"];

fn built_sim() -> Result<std::path::PathBuf, Problem> {
    let mut command = Command::new(super::cargo());
    command.args(["build", "--quiet", "--locked", "--release", "--package", "codex-agent-sync"]);
    if !command.args(["--example", "fleet_sim"]).status()?.success() {
        return Err("the build failed".into());
    }
    Ok(target_folder().join("release/examples/fleet_sim").canonicalize()?)
}

/// How many agents each process has.
fn parts(agents: usize) -> Vec<usize> {
    let whole = std::iter::repeat_n(PER_PROCESS, agents / PER_PROCESS);
    whole.chain(Some(agents % PER_PROCESS).filter(|rest| *rest > 0)).collect()
}

/// A process of agents.
struct Simulated(Child);

impl Drop for Simulated {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Simulated {
    fn start(
        sim: &Path,
        place: &Path,
        (count, seconds): (usize, usize),
        tell: &Sender<Said>,
    ) -> Result<Self, Problem> {
        let mut child = Command::new(sim)
            .args([ADDRESS, "fleet/authority.pem", "enrolment", "1.root.json"])
            .args([count.to_string(), seconds.to_string()])
            .current_dir(place)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let said = child.stdout.take().ok_or("the agents cannot be heard")?;
        let tell = tell.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                let mut words = line.split(' ');
                let said = match words.next() {
                    Some("enrolled") => Some(Said::Enrolled),
                    Some("enforced") => {
                        let generation = words.next().and_then(|word| word.parse().ok());
                        let at = words.next().and_then(|word| word.parse().ok());
                        generation.zip(at).map(|(generation, at)| Said::Enforced(generation, at))
                    }
                    Some(_) | None => None,
                };
                if said.is_none_or(|said| tell.send(said).is_err()) {
                    return;
                }
            }
        });
        Ok(Self(child))
    }
}

/// What the processes have said so far: some have finished before others have begun.
struct Heard {
    told: Receiver<Said>,
    enrolled: usize,
    /// For every generation, when agents reported it.
    enforced: BTreeMap<u64, Vec<i64>>,
}

impl Heard {
    fn until_enrolled(&mut self, processes: usize) -> Result<(), Problem> {
        while self.enrolled < processes {
            let so_far = format!("{} of {processes} processes have enrolled", self.enrolled);
            self.hear().ok_or(so_far)?;
        }
        Ok(())
    }

    /// When each agent reported a generation, ascending.
    fn reports(&mut self, wanted: u64, agents: usize) -> Result<Vec<i64>, Problem> {
        loop {
            let count = self.enforced.get(&wanted).map_or(0, Vec::len);
            if count >= agents {
                let mut times = self.enforced.remove(&wanted).unwrap_or_default();
                times.sort_unstable();
                return Ok(times);
            }
            let so_far = format!("{count} of {agents} agents have reported generation {wanted}");
            self.hear().ok_or(so_far)?;
        }
    }

    /// Takes what is said next; `None` when nobody says anything any more.
    fn hear(&mut self) -> Option<()> {
        match self.told.recv_timeout(PATIENCE).ok()? {
            Said::Enrolled => self.enrolled += 1,
            Said::Enforced(generation, at) => {
                self.enforced.entry(generation).or_default().push(at);
            }
        }
        Some(())
    }
}

/// Processor time in milliseconds and resident memory in KiB of a process.
pub(super) fn used(process: u32) -> Result<(u64, u64), Problem> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let ticks = stat.split(' ').skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let memory = memory.and_then(|line| line.split_whitespace().next()?.parse().ok());
    Ok((ticks.sum::<u64>() * 10, memory.unwrap_or(0)))
}

fn seconds(milliseconds: i64) -> f64 {
    Duration::from_millis(milliseconds.unsigned_abs()).as_secs_f64()
}

fn judge(times: &[i64], from: i64, before: (u64, u64), after: (u64, u64)) -> Result<(), Problem> {
    let part = |hundredths: usize| {
        let at = (times.len() * hundredths / 100).min(times.len().saturating_sub(1));
        seconds(times.get(at).copied().unwrap_or(from) - from)
    };
    let [first, half, most, last] = [0, 50, 99, 100].map(part);
    say(&format!(
        "from `publish` to the report: first {first:.1} s, half {half:.1} s, 99 % {most:.1} s, last \
         {last:.1} s"
    ));
    let agents = u64::try_from(times.len())?.max(1);
    say(&format!(
        "server: {} us of processor time for each agent, {} MiB resident",
        (after.0 - before.0) * 1000 / agents,
        after.1 / 1024
    ));
    let tail = (last - most) / last.max(0.001);
    say(&format!("the last of a hundred takes {:.0} % of it (goal 10 %)", tail * 100.0));
    if last > LAST_GOAL.as_secs_f64() || tail > TAIL_GOAL {
        return Err(format!("missed: the last within {LAST_GOAL:?}, its part within 10 %").into());
    }
    Ok(())
}
