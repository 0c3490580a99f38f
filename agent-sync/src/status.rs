//! What is in force, since when, from which commit and how fresh: written by the agent after
//! everything that happens, read by anybody.

use codex_fleet::check_in::Held;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agent::State;
use crate::agent::kept::Pause;
use crate::attest::probe::Probed;
use crate::attest::processes::Older;
use crate::attest::{Asked, Witness};
use crate::disk::DiskError;
use crate::identity::put;
use crate::install::Current;
use crate::install::plan::{Generation, Which};
use crate::layout::{Layout, STATE};

/// The file, below the folder of state.
pub const FILE: &str = "status.json";

/// The status of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// When it was written.
    pub at: Timestamp,
    /// What is in force.
    pub in_force: Option<Policy>,
    /// Whether every Codex that can be asked says that it enforces it.
    pub enforced: bool,
    /// When the release was last heard of.
    pub heard: Option<Timestamp>,
    /// Whether that is too long ago for the policy.
    pub stale: bool,
    /// What waits to be installed.
    pub waiting: Option<Held>,
    /// The server asks for nothing above this generation.
    pub hold: Option<u64>,
    /// A pause on this machine.
    pub pause: Option<(String, Timestamp)>,
    /// For how many seconds the organisation lets a pause keep a generation waiting.
    #[serde(default)]
    pub longest_pause_seconds: u64,
    /// What was refused last, and why.
    pub refused: Option<(Held, Vec<String>)>,
    /// Every Codex on the machine.
    pub codex: Vec<Codex>,
    /// What on this machine weakens the policy.
    #[serde(default)]
    pub weak: Vec<String>,
    /// Processes whose threads keep an older policy.
    pub older_processes: Vec<u32>,
    /// How many reports wait for the server.
    pub reports: usize,
    /// How many times in a row the network failed.
    pub failures: u32,
    /// What was told last.
    pub told: Vec<String>,
}

/// A policy in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The bundle.
    pub bundle: Held,
    /// The policy.
    pub policy: String,
    /// How many commits have changed it.
    pub revision: u64,
    /// The commit that last changed it.
    pub commit: Option<String>,
    /// Whether these are the stricter files of a stale policy.
    pub stricter: bool,
    /// Since when.
    pub since: Timestamp,
    /// The files.
    pub files: Vec<String>,
    /// For how long it may be used without hearing from the release, in seconds.
    pub fresh_for_seconds: u64,
}

/// A Codex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codex {
    /// The program.
    pub program: String,
    /// Its version.
    pub version: Option<String>,
    /// `enforces`, `differs`, `too old to be asked`.
    pub says: String,
    /// What is different.
    pub differences: Vec<String>,
    /// Keys of the policy that it does not show, and that were not tried.
    pub not_shown: Vec<String>,
    /// What was tried and is as the policy says: keys, with the number of questions.
    #[serde(default)]
    pub proved: Vec<String>,
    /// What was not tried, and why.
    #[serde(default)]
    pub not_asked: Vec<String>,
}

/// What the shell has seen of a machine.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'shell> {
    /// What every Codex says.
    pub witnesses: &'shell [Witness],
    /// Processes that are older than the policy.
    pub older: &'shell [Older],
    /// What weakens the policy.
    pub weak: &'shell [String],
    /// What was told last.
    pub told: &'shell [String],
}

impl Status {
    /// The status of an agent.
    pub fn of(state: &State, current: Option<(Current, Generation)>, seen: &Seen<'_>) -> Self {
        let Seen { witnesses, older, weak, told } = seen;
        let kept = &state.kept;
        let in_force = current.map(|(current, generation)| Policy {
            files: generation.planned(current.which).into_keys().collect(),
            policy: generation.policy.clone(),
            revision: generation.revision,
            commit: generation.commit.clone(),
            stricter: current.which == Which::Stricter,
            since: current.since,
            fresh_for_seconds: generation.fresh_for_seconds,
            bundle: generation.held,
        });
        let digest = in_force.as_ref().map(|policy| &policy.bundle.digest);
        Self {
            at: crate::shell::now().wall,
            enforced: digest.is_some() && kept.enforced.as_ref() == digest,
            in_force,
            heard: kept.heard,
            stale: kept.stale,
            waiting: kept.waiting.clone(),
            hold: kept.hold,
            pause: kept.pause.as_ref().map(|Pause { reason, until }| (reason.clone(), *until)),
            longest_pause_seconds: kept.longest_pause_seconds,
            refused: kept.refused.clone(),
            codex: witnesses.iter().map(codex).collect(),
            weak: weak.to_vec(),
            older_processes: older.iter().map(|one| one.pid).collect(),
            reports: kept.queue.len(),
            failures: state.failures(),
            told: told.to_vec(),
        }
    }

    /// Puts it where everybody can read it.
    ///
    /// # Errors
    /// When the folder is in others' hands or the disk fails.
    pub fn write(&self, layout: &Layout) -> Result<(), DiskError> {
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        put(layout, STATE, FILE, &text)
    }

    /// The last one that was written.
    pub fn read(layout: &Layout) -> Option<Self> {
        crate::courier::read(&layout.below(STATE).join(FILE))
    }

    /// For people: what is in force first, then what is wrong.
    pub fn human(&self, now: Timestamp) -> String {
        let mut out = String::new();
        let mut line = |name: &str, text: String| out.push_str(&format!("{name:<10}{text}\n"));
        match &self.in_force {
            None => line("policy", "none: nothing was installed yet".to_owned()),
            Some(policy) => policy_lines(policy, self.enforced, now, &mut line),
        }
        let heard = self.heard.map_or("never".to_owned(), |at| format!("{at} ({})", ago(at, now)));
        let stale = if self.stale { ", too long ago for this policy" } else { "" };
        line("heard", format!("{heard}{stale}"));
        for codex in &self.codex {
            let version = codex.version.as_deref().unwrap_or("?");
            line("codex", format!("{version} {}  {}", codex.program, codex.says));
            codex.differences.iter().for_each(|one| line("", format!("✗ {one}")));
            if !codex.proved.is_empty() {
                line("", format!("tried: {}", codex.proved.join(", ")));
            }
            codex.not_asked.iter().for_each(|one| line("", format!("not asked: {one}")));
        }
        if self.codex.is_empty() {
            line("codex", "none was found on this machine".to_owned());
        }
        self.weak.iter().for_each(|one| line("weak", format!("! {one}")));
        if !self.older_processes.is_empty() {
            let pids: Vec<String> = self.older_processes.iter().map(u32::to_string).collect();
            let pids = pids.join(", ");
            line("threads", format!("active for new threads; older processes: {pids}"));
        }
        if let Some(held) = &self.waiting {
            let hold =
                self.hold.map_or(String::new(), |hold| format!(", the server holds at {hold}"));
            line("waiting", format!("generation {} of {}{hold}", held.generation, held.cohort));
        }
        if let Some((reason, until)) = &self.pause {
            let note = match self.longest_pause_seconds {
                0 => ", without effect: the organisation allows no pause".to_owned(),
                seconds => format!(", {} h at most for a generation", seconds / 3_600),
            };
            line("paused", format!("until {until}: {reason}{note}"));
        }
        if let Some((held, reasons)) = &self.refused {
            line("refused", format!("generation {} of {}", held.generation, held.cohort));
            reasons.iter().for_each(|reason| line("", format!("✗ {reason}")));
        }
        if self.failures > 0 {
            line("network", format!("failed {} times in a row", self.failures));
        }
        line("reports", format!("{} wait for the server", self.reports));
        out
    }
}

fn policy_lines(
    policy: &Policy,
    enforced: bool,
    now: Timestamp,
    line: &mut impl FnMut(&str, String),
) {
    let Policy { bundle, policy: name, revision, commit, stricter, since, files, .. } = policy;
    let mark = if enforced { "✓ enforced" } else { "✗ not proved to be enforced" };
    line(
        "policy",
        format!("{name}, generation {} of {}  {mark}", bundle.generation, bundle.cohort),
    );
    let commit = commit.as_deref().map_or("none", |commit| commit.get(..12).unwrap_or(commit));
    line("from", format!("revision {revision}, commit {commit}"));
    line("since", format!("{since} ({})", ago(*since, now)));
    if *stricter {
        line("", "the stricter files, because nothing was heard for too long".to_owned());
    }
    line("files", files.join(", "));
}

fn codex(witness: &Witness) -> Codex {
    let says = match (witness.asked, witness.differences.is_empty()) {
        (Asked::Answered, true) => "enforces what it shows",
        (Asked::TooOld, _) => "too old to be asked",
        (Asked::Answered | Asked::Failed, _) => "differs",
    };
    Codex {
        program: witness.program.clone(),
        version: witness.version.map(|version| version.to_string()),
        says: says.to_owned(),
        differences: witness.differences.clone(),
        not_shown: witness.not_shown.clone(),
        proved: witness.probed.iter().filter(|one| one.proved > 0).map(proved).collect(),
        not_asked: witness.probed.iter().flat_map(not_asked).collect(),
    }
}

fn proved(probed: &Probed) -> String {
    format!("{} ({} tried)", probed.key, probed.proved)
}

fn not_asked(probed: &Probed) -> impl Iterator<Item = String> {
    probed.not_asked.iter().map(|why| format!("{}: {why}", probed.key))
}

/// How long ago something was, roughly.
fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    match seconds {
        ..0 => "in the future, by this clock".to_owned(),
        0..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}
