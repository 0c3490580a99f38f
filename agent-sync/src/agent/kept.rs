//! What the agent remembers over a restart, and the queue of what it has to report.

use std::collections::BTreeMap;

use codex_fleet::check_in::{
    CheckIn, Held, MAX_REASON, MAX_REASONS, MAX_TRANSITIONS, State as Step, Transition,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::InForce;
use super::requests::Asking;

/// The most transitions that wait for a server; the oldest make room.
const MAX_QUEUE: usize = 1_000;

/// The most generations of which is known when they were seen first.
const MAX_SEEN: usize = 64;

/// A pause that somebody asked for on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
}

/// What survives a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kept {
    /// What is in force.
    pub installed: Option<InForce>,
    /// What the release has for this machine, where that waits.
    pub waiting: Option<Held>,
    /// The number of the last transition.
    pub number: u64,
    /// Transitions that the server has not kept yet, oldest first.
    pub queue: Vec<Transition>,
    /// When the release was last heard of.
    pub heard: Option<Timestamp>,
    /// The digest of the timestamp that is trusted.
    pub timestamp: Option<String>,
    /// When bundles were first seen, by their digests.
    pub seen: BTreeMap<String, Timestamp>,
    /// The latest time that the server signed.
    pub server_time: Option<Timestamp>,
    /// The server asks for nothing above this generation.
    pub hold: Option<u64>,
    /// What to compare hints with.
    pub revision: u64,
    /// Whether nothing was heard of the release for too long.
    pub stale: bool,
    /// The digest that every Codex was last found to enforce.
    pub enforced: Option<String>,
    /// What was refused last, with the reasons.
    pub refused: Option<(Held, Vec<String>)>,
    /// What weakens the policy on this machine, as it was reported last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weak: Vec<String>,
    /// A pause.
    pub pause: Option<Pause>,
    /// For how many seconds the organisation lets a pause keep a generation waiting, as it was last
    /// signed.
    pub longest_pause_seconds: u64,
    /// Requests that the server has not got yet, in the order in which they are sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Asking>,
}

impl Kept {
    /// Queues what has happened to a bundle.
    pub(crate) fn note(&mut self, at: Timestamp, about: &Held, state: Step, reasons: &[String]) {
        self.number += 1;
        let reasons = reasons.iter().map(|text| clean(text)).filter(|text| !text.is_empty());
        self.queue.push(Transition {
            at,
            number: self.number,
            about: about.clone(),
            state,
            reasons: reasons.take(MAX_REASONS).collect(),
        });
        if self.queue.len() > MAX_QUEUE {
            self.queue.remove(0);
        }
    }

    /// Notes a refusal, unless it is the last one once more.
    pub(crate) fn note_refusal(&mut self, at: Timestamp, about: &Held, reasons: &[String]) -> bool {
        let refusal = Some((about.clone(), reasons.to_vec()));
        if self.refused == refusal {
            return false;
        }
        self.refused = refusal;
        self.note(at, about, Step::Refused, reasons);
        true
    }

    /// When a bundle was seen first, which may be now.
    pub(crate) fn first_seen(&mut self, held: &Held, now: Timestamp) -> (Timestamp, Seen) {
        if let Some(at) = self.seen.get(&held.digest) {
            return (*at, Seen::Before);
        }
        if self.seen.len() >= MAX_SEEN {
            let oldest = self.seen.iter().min_by_key(|(_, at)| **at);
            if let Some(digest) = oldest.map(|(digest, _)| digest.clone()) {
                self.seen.remove(&digest);
            }
        }
        self.seen.insert(held.digest.clone(), now);
        (now, Seen::Now)
    }

    /// What to tell the server, without the nonce.
    pub(crate) fn check_in(&self, codex: &[String]) -> CheckIn {
        CheckIn {
            nonce: String::new(),
            agent: env!("CARGO_PKG_VERSION").to_owned(),
            codex: codex.iter().take(32).cloned().collect(),
            installed: self.installed.as_ref().map(|installed| installed.held.clone()),
            transitions: self.queue.iter().take(MAX_TRANSITIONS).cloned().collect(),
        }
    }

    /// Forgets what the server has kept.
    pub(crate) fn forget(&mut self, kept: u64) {
        self.queue.retain(|one| one.number > kept);
    }
}

/// Whether something is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Before,
    Now,
}

/// A reason as the server takes it, and a terminal.
pub(super) fn clean(text: &str) -> String {
    let plain: String = text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    match plain.char_indices().nth(MAX_REASON - 1) {
        None => plain,
        Some((end, _)) => format!("{}…", plain.get(..end).unwrap_or_default()),
    }
}
