//! The agent as a machine of states: events go in, effects come out. It knows no clock, no disk,
//! no network and no randomness of its own, so that a test can live through months of bad luck in
//! a second and play a failure again.
//!
//! Reading order: `mod` (events and effects), `kept` (what survives a restart), `step` (what leads
//! to what), `judge` (the answers to "may it wait?" and "is it stale?"), `requests` (what people at
//! the machine ask for).
//!
//! **Invariants.**
//! - It never says that a policy is good: it asks for verification ([`Effect::Verify`]), and
//!   installs what came out of that last.
//! - One operation at a time: what arrives meanwhile is remembered, not started.
//! - What is kept is on the disk before the effects of a step are carried out.
//! - Whatever fails, something is due: there is always a next time, and never two within a second
//!   of each other for the same failure.

pub mod judge;
pub mod kept;
pub mod requests;
mod step;
#[cfg(test)]
mod tests;

use std::time::Duration;

use codex_fleet::check_in::{Answer, CheckIn, Held};
use codex_fleet::push::Hint;
use codex_fleet::request::{Request, Said};
use jiff::Timestamp;

pub use kept::Kept;
use requests::{Asking, Filing};
pub use step::step;

use crate::install::plan::Which;

/// The longest time between two check-ins while all is well, before the dice.
pub const POLL: Duration = Duration::from_mins(15);

/// The shortest that a server can ask for.
pub const SHORTEST_POLL: Duration = Duration::from_mins(1);

/// The first wait after a failure; it doubles up to [`POLL`].
pub const FIRST_BACKOFF: Duration = Duration::from_secs(5);

/// How many hints are followed in one hour; more change nothing before the next check-in.
pub const HINTS_PER_HOUR: u32 = 30;

/// How long a server can hold a generation back from a machine that has one, counted from when
/// the machine first saw it. A constant for now: the organisation's document has no field for it.
pub const LONGEST_HOLD: Duration = Duration::from_hours(14 * 24);

/// By how much the clocks of server and machine may differ before that is worth an alarm.
pub const CLOCK_TOLERANCE: Duration = Duration::from_mins(5);

/// How many refreshes in a row may bring another release than the server vouches for.
pub const FROZEN_AFTER: u32 = 2;

/// Changes of installed files within this time are one report.
pub const DRIFT_REPORT: Duration = Duration::from_mins(1);

/// How often it is reported at most that something else on the machine weakens the policy: it is in
/// the hands of users.
pub const WEAK_REPORT: Duration = Duration::from_hours(1);

/// How long after a change within [`DRIFT_REPORT`] every Codex is asked again.
pub const STORM_ATTESTATION: Duration = Duration::from_secs(5);

/// How long after a refusal the same bundle is looked at again, if no Codex has changed.
pub const REFUSED_AGAIN: Duration = Duration::from_mins(30);

/// Two clocks: the one that people set, and the one that only runs forward, sleep included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The time of day.
    pub wall: Timestamp,
    /// The time since the machine started.
    pub uptime: Duration,
}

/// What is in force, as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    /// The bundle.
    pub held: Held,
    /// Which of its files.
    pub which: Which,
    /// For how long it may be used without hearing from the release again, in seconds.
    pub fresh_for_seconds: u64,
    /// Whether it came with stricter files for afterwards.
    pub can_tighten: bool,
}

/// What the release has for this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The bundle, by the signed entry of its role.
    pub held: Held,
    /// The generation that the organisation demands at least; 0 where it demands none.
    pub minimum: u64,
    /// For how long the organisation lets a pause on a machine keep a generation waiting.
    pub longest_pause: Duration,
}

/// Why nothing was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unready {
    /// Guards refuse it, for these reasons.
    Refused(Vec<String>),
    /// It could not be had, or not be trusted: perhaps next time.
    Failed(String),
}

/// What Codex says of the policy in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// The versions that were found, ascending.
    pub codex: Vec<String>,
    /// How many answered. Where none did, nothing is proved.
    pub answered: usize,
    /// What is different from the policy; empty where every Codex that answered enforces it.
    pub differences: Vec<String>,
    /// What people should know although nothing is different.
    pub notes: Vec<String>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The program started; what is in force.
    Started(Option<InForce>),
    /// Time has passed.
    Timer,
    /// The server says that there may be something new. Not signed, not believed.
    Hint(Hint),
    /// The end of [`Effect::Refresh`]: the digest of the timestamp that is trusted now.
    Refreshed(Result<String, String>),
    /// The end of [`Effect::Assign`].
    Assigned(Result<Offer, String>),
    /// The end of [`Effect::Verify`].
    Verified(Result<Held, Unready>),
    /// The end of [`Effect::Install`].
    Installed(Result<InForce, String>),
    /// The end of [`Effect::Attest`].
    Attested(Attestation),
    /// Installed files were changed by somebody; what was changed, and whether it could not be
    /// repaired.
    Drifted(Vec<String>),
    /// A Codex came, went or was replaced.
    CodexChanged,
    /// What on this machine weakens the policy, as it was found just now.
    Weak(Vec<String>),
    /// People at this machine ask for something.
    Asked(Vec<Asking>),
    /// The end of [`Effect::File`].
    Filed(Filing),
    /// The end of [`Effect::CheckIn`], with the nonce that was sent.
    Answered {
        /// The nonce.
        nonce: String,
        /// The answer, or why there is none.
        answer: Result<Answer, String>,
    },
}

/// Something to do. Every effect but [`Effect::Sleep`], [`Effect::Tell`] and [`Effect::Reply`] ends
/// in one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Bring the trust store up to date.
    Refresh,
    /// Look up what the release has for this machine.
    Assign,
    /// Verify it.
    Verify,
    /// Install what was verified last, or the other files of what is in force.
    Install(Which),
    /// Ask every Codex what it enforces.
    Attest,
    /// Tell the server; the nonce is still missing.
    CheckIn(Box<CheckIn>),
    /// Nothing to do for so long, unless something happens.
    Sleep(Duration),
    /// Tell people.
    Tell(Notice),
    /// Hand a person's request to the server.
    File(Box<Request>),
    /// Tell who asked what became of it.
    Reply {
        /// The name under which it came.
        name: String,
        /// The number of the user.
        user: u32,
        /// What became of it.
        said: Said,
    },
}

/// What people should know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    /// Something failed; it is tried again.
    #[error("{0}")]
    Failed(String),
    /// A guard or an attestation refuses a generation.
    #[error("generation {generation} of `{cohort}` is refused: {}", reasons.join("; "))]
    Refused {
        /// The cohort.
        cohort: String,
        /// The generation.
        generation: u64,
        /// The reasons.
        reasons: Vec<String>,
    },
    /// A generation waits.
    #[error("generation {generation} of `{cohort}` waits: {why}")]
    Waiting {
        /// The cohort.
        cohort: String,
        /// The generation.
        generation: u64,
        /// For what.
        why: String,
    },
    /// The answer proves nothing, or the server's clock stands still.
    #[error("ALARM: {0}")]
    Alarm(String),
    /// Something is in force now.
    #[error("generation {generation} of `{cohort}` is {state}")]
    Now {
        /// The cohort.
        cohort: String,
        /// The generation.
        generation: u64,
        /// How far it is.
        state: &'static str,
    },
    /// Files were changed; they are repaired, or it is said why not.
    #[error("installed files were changed: {}", .0.join("; "))]
    Changed(Vec<String>),
    /// Something on this machine weakens the policy, or nothing does any more.
    #[error("{}", weak_words(.0).join("; "))]
    Weak(Vec<String>),
}

/// What is said of what weakens a policy.
pub(crate) fn weak_words(weak: &[String]) -> Vec<String> {
    if weak.is_empty() {
        return vec!["nothing on this machine weakens the policy any more".to_owned()];
    }
    weak.iter().map(|one| format!("the policy is weakened here: {one}")).collect()
}

/// The agent between two events.
#[derive(Clone, Debug)]
pub struct State {
    /// What survives a restart.
    pub kept: Kept,
    /// Whether there is a server to check in with, and the key that signs its answers.
    pub server: Option<String>,
    pub(crate) running: Running,
}

/// What is forgotten at a restart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running {
    pub(crate) phase: Phase,
    pub(crate) todo: Todo,
    /// When something is due, by the time since the start of the machine.
    pub(crate) due: Duration,
    pub(crate) failures: u32,
    /// When the release was last heard of, by the clock that only runs forward.
    pub(crate) heard: Option<Duration>,
    /// What the server vouched for in its last answer.
    pub(crate) vouched: Option<String>,
    /// The timestamp that was refreshed and not understood yet.
    pub(crate) refreshed: Option<String>,
    pub(crate) frozen: u32,
    /// Until when a refused bundle is not looked at again, by the same clock.
    pub(crate) refused_until: Duration,
    pub(crate) hints: Vec<Duration>,
    pub(crate) codex: Vec<String>,
    pub(crate) drift: Option<Duration>,
    /// When something that weakens the policy was reported last.
    pub(crate) weak: Option<Duration>,
    /// When every Codex is to be asked again, by the same clock.
    pub(crate) attest_at: Option<Duration>,
    pub(crate) dice: u64,
    /// Who asked when within the last hour, by the same clock.
    pub(crate) asked: Vec<(u32, Duration)>,
    /// How many times in a row a request could not be sent.
    pub(crate) unsent: u32,
    /// Before when no request is sent, by the same clock.
    pub(crate) send_at: Duration,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Idle,
    CheckingIn,
    Refreshing,
    Assigning,
    Verifying(Offer),
    Installing(Which),
    Attesting,
    Filing(String),
}

/// What is to be done as soon as nothing else is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Todo {
    pub(crate) check_in: Wanted,
    pub(crate) refresh: Wanted,
    pub(crate) attest: Wanted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    #[default]
    No,
    Yes,
}

impl Wanted {
    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl State {
    /// An agent with what it kept. The dice need a number that is not the same on two machines.
    pub fn new(kept: Kept, server: Option<String>, dice: u64) -> Self {
        Self { kept, server, running: Running { dice, ..Running::default() } }
    }

    /// Whether nothing is going on and nothing is left to do.
    pub fn is_idle(&self) -> bool {
        self.running.phase == Phase::Idle && self.running.todo == Todo::default()
    }

    /// How many times in a row something failed.
    pub fn failures(&self) -> u32 {
        self.running.failures
    }

    /// When the next check-in is due, by the time since the start of the machine.
    pub fn due(&self) -> Duration {
        self.running.due
    }
}
