//! A rollout, for who asks how it stands.

use codex_fleet::rollout::Status;
use jiff::Timestamp;

use super::{Inventory, Rollout, plan};

/// How many reasons it names.
const NAMED_REASONS: usize = 10;

/// How a rollout stands, and what would happen next if nothing changed.
pub fn status(rollout: &Rollout, inventory: &Inventory, now: Timestamp) -> Status {
    let decision = plan(rollout, inventory, now);
    Status {
        cohort: rollout.cohort.clone(),
        from: rollout.from.as_ref().map(|point| point.generation),
        to: rollout.to.generation,
        digest: rollout.to.digest.clone(),
        strategy: rollout.strategy.name,
        state: rollout.state,
        stage: rollout.opened,
        stages: rollout.strategy.stages.len(),
        share_of_10_000: rollout.stage().map_or(0, |stage| stage.share),
        figures: decision.figures,
        reasons: inventory.reasons(rollout.ring, NAMED_REASONS),
        next: decision.sentence(rollout),
        started_by: rollout.started_by.clone(),
        started_at: rollout.started_at,
        history: rollout.history.clone(),
    }
}
