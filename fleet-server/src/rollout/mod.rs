//! How a bundle goes from some endpoints to all: planned first, then done.
//!
//! Reading order: `strategy` (the stages), [`Rollout`] (what is remembered), `inventory` (what the
//! endpoints say), `plan` (what happens next, and making it so), `admission` (what people may ask
//! for), `hold` (what one endpoint hears).
//!
//! **Invariants.**
//! - A rollout is a delay. Endpoints refresh to the newest signed release in any case; all that
//!   comes of a rollout is the number in [`codex_fleet::check_in::Answer::hold`], for those whose
//!   turn has not come. Nothing here can bring an older or another bundle to an endpoint.
//! - Going back is a new, higher generation with old content, signed like any other. So no report,
//!   true or faked, can make the planner loosen: reports of failures stop a rollout, and that is all
//!   that they can do.
//! - Silence is not success. A stage is judged by the endpoints that said that Codex enforces the
//!   bundle, and only when enough of them have.
//! - No I/O, no clock, no randomness: inventory, time and salt are arguments, so that a plan can be
//!   repeated from a log.

mod admission;
mod hold;
mod inventory;
mod plan;
mod status;
mod strategy;
#[cfg(test)]
mod tests;

use codex_fleet::rollout::{Entry, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use admission::{Approval, Offer, Refusal, act, start};
pub use hold::{Asker, Unplanned, hold_for};
pub use inventory::{BUCKETS, Inventory, MAX_REASONS, OTHER_REASONS, Seat, Standing, Tally, seat};
pub(crate) use plan::duration;
pub use plan::{
    Clock, Decision, MAX_TICK_SECONDS, Opened, Outdated, Step, Waiting, apply, figures, plan,
};
pub use status::status;
pub(crate) use strategy::percent;
pub use strategy::{Stage, Strategy};

/// The most entries of a history; older ones are dropped.
pub const MAX_HISTORY: usize = 256;

/// Who the history names for what no person asked for.
pub const AUTOMATION: &str = "automation";

/// A bundle by its number and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The generation.
    pub generation: u64,
    /// The digest, `sha256:…`.
    pub digest: String,
}

/// The endpoints that may have the candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ring {
    /// Those whose bucket is below this number. It never shrinks.
    pub cut: u16,
    /// Whether volunteers may.
    pub volunteers: Turn,
}

impl Ring {
    /// Whether a seat is in it.
    pub fn has(&self, seat: Seat) -> bool {
        match seat {
            Seat::Volunteer => self.volunteers == Turn::Come,
            Seat::Bucket(bucket) => bucket < self.cut,
        }
    }
}

/// Whether somebody's turn has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Not yet.
    #[default]
    Later,
    /// It has.
    Come,
}

/// A rollout of one cohort, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// The cohort.
    pub cohort: String,
    /// What everybody had; none where it is the first.
    pub from: Option<Point>,
    /// What everybody shall have.
    pub to: Point,
    /// How.
    pub strategy: Strategy,
    /// The group that goes first, where there is one.
    pub volunteers: Option<String>,
    /// What the buckets of endpoints depend on, so that not the same ones are first every time.
    pub salt: String,
    /// Who started it.
    pub started_by: String,
    /// When.
    pub started_at: Timestamp,
    /// How it stands.
    pub state: State,
    /// How many stages have been opened; 0 until the first step.
    pub opened: usize,
    /// Who may have the candidate.
    pub ring: Ring,
    /// For how many seconds the stage has been open while somebody listened.
    pub waited: u64,
    /// For how many seconds of that enough endpoints enforced the candidate.
    pub baked: u64,
    /// How many failures a person has accepted.
    pub accepted: u64,
    /// When the last step was made.
    pub ticked: Timestamp,
    /// Grows with every step, so that no decision is applied to another state than it was made for.
    pub steps: u64,
    /// What happened, oldest first.
    pub history: Vec<Entry>,
}

impl Rollout {
    /// The stage that is open; none before the first.
    pub fn stage(&self) -> Option<&Stage> {
        self.strategy.stages.get(self.opened.checked_sub(1)?)
    }

    /// Writes something down.
    fn note(&mut self, at: Timestamp, by: &str, text: String) {
        let entry = Entry { at, by: by.to_owned(), state: self.state, text };
        self.history.push(entry);
        let excess = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..excess);
    }
}
