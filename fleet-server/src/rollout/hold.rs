//! What one endpoint hears: whether it shall wait.

use std::collections::BTreeSet;

use codex_fleet::identity::DeviceId;
use codex_fleet::rollout::State;
use serde::Deserialize;

use super::Rollout;
use super::inventory::seat;

/// An endpoint that asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'asker> {
    /// Its number.
    pub device: &'asker DeviceId,
    /// Its groups, by its certificate.
    pub groups: &'asker BTreeSet<String>,
    /// The generation of the cohort that it has; none where it has nothing of it.
    pub held: Option<u64>,
}

/// Who gets a generation for which no rollout was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unplanned {
    /// Everybody, as if there were no rollouts.
    Everybody,
    /// Nobody who has something, until one is started.
    Nobody,
}

/// The generation above which an endpoint shall install nothing for now.
///
/// `rollouts` are those of its cohort, oldest first; `newest` is the newest generation that the
/// release lists for it. An endpoint that has nothing of the cohort never waits: there is nothing
/// older that it could have instead, and no policy is worse than a new one.
pub fn hold_for(
    rollouts: &[Rollout],
    newest: u64,
    asker: &Asker<'_>,
    unplanned: Unplanned,
) -> Option<u64> {
    let held = asker.held?;
    let rollout = rollouts.last()?;
    let to = rollout.to.generation;
    // Where nothing came before, what it has is what it keeps.
    let stable = Some(rollout.from.as_ref().map_or(held, |point| point.generation));
    let highest = match rollout.state {
        State::Promoted | State::PromotedWithFailures => match unplanned {
            Unplanned::Everybody => return None,
            Unplanned::Nobody => Some(to),
        },
        State::Aborted if newest > to && unplanned == Unplanned::Everybody => return None,
        State::Aborted => stable,
        State::Running | State::Baking | State::Inconclusive | State::Paused => {
            if rollout.admits(asker) { Some(to) } else { stable }
        }
    };
    highest.filter(|highest| *highest < newest)
}

impl Rollout {
    /// Whether the turn of an endpoint has come.
    pub fn admits(&self, asker: &Asker<'_>) -> bool {
        self.ring.has(seat(&self.salt, self.volunteers.as_deref(), asker.device, asker.groups))
    }
}
