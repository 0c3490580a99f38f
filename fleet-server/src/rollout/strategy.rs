//! The stages of a rollout.

use codex_fleet::rollout::{Start, StrategyName};
use serde::{Deserialize, Serialize};

use super::inventory::BUCKETS;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// One stage: who, and what must be seen before the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// How many of 10,000 endpoints may have the candidate; 0 for volunteers alone.
    pub share: u16,
    /// For how many seconds it is looked at once enough endpoints enforce the candidate.
    pub bake: u64,
    /// After how many seconds without enough endpoints it is inconclusive.
    pub patience: u64,
    /// How many endpoints must enforce the candidate before it is judged. Of a small ring, four
    /// fifths: some laptop is always in a drawer.
    pub sample: u64,
    /// How many of 10,000 may fail.
    pub threshold: u16,
}

/// All stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strategy {
    /// What it is called.
    pub name: StrategyName,
    /// The stages; the last one is everybody.
    pub stages: Vec<Stage>,
}

impl Strategy {
    /// The stages that a name stands for.
    ///
    /// The more endpoints a stage has, the smaller is the fault that it can see, so the less it may
    /// let pass: what is 2 of 100 among the first would be 2,000 of 100,000 in the end.
    pub fn named(name: StrategyName) -> Self {
        let stage = |share, bake, sample, threshold| Stage {
            share,
            bake,
            patience: 12 * HOUR,
            sample,
            threshold,
        };
        let stages = match name {
            StrategyName::Canary => vec![
                stage(100, 30 * MINUTE, 200, 200),
                stage(500, HOUR, 1_000, 50),
                stage(2_500, HOUR, 2_000, 50),
                stage(BUCKETS, HOUR, 2_000, 50),
            ],
            StrategyName::Linear => {
                (1..=10).map(|tenth| stage(tenth * 1_000, 30 * MINUTE, 1_000, 50)).collect()
            }
            StrategyName::AllAtOnce => vec![stage(BUCKETS, 10 * MINUTE, 200, 200)],
        };
        Self { name, stages }
    }

    /// The stages that a request asks for, with a first one for volunteers where it names a group.
    pub fn asked(request: &Start) -> Self {
        let mut strategy = Self::named(request.strategy);
        if request.volunteers.is_some() {
            let first = strategy.stages.first().cloned();
            let stage = first.map(|first| Stage { share: 0, sample: 20, threshold: 500, ..first });
            strategy.stages.splice(0..0, stage);
        }
        for stage in &mut strategy.stages {
            stage.bake = request.bake_seconds.unwrap_or(stage.bake);
            stage.sample = request.minimum_sample.unwrap_or(stage.sample);
            stage.threshold = request.failures_of_10_000.unwrap_or(stage.threshold);
        }
        strategy
    }
}

impl Stage {
    /// How many of a ring's endpoints must enforce the candidate.
    pub fn needed(&self, ring: u64) -> u64 {
        self.sample.min((ring * 4).div_ceil(5))
    }

    /// How many may fail when so many have said how they fare, and so many must.
    pub fn allowed(&self, reported: u64, needed: u64) -> u64 {
        reported.max(needed) * u64::from(self.threshold) / 10_000
    }

    /// Who it is for, in words.
    pub fn who(&self) -> String {
        match self.share {
            0 => "volunteers".to_owned(),
            BUCKETS => "everybody".to_owned(),
            share => percent(share.into(), BUCKETS.into()),
        }
    }
}

/// A share in percent, with as many digits as say something.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let hundredths = part.saturating_mul(10_000).checked_div(whole).unwrap_or(0);
    match (hundredths / 100, hundredths % 100) {
        (0, 0) if part > 0 => "under 0.01 %".to_owned(),
        (whole, 0) => format!("{whole} %"),
        (whole, rest) if rest % 10 == 0 => format!("{whole}.{} %", rest / 10),
        (whole, rest) => format!("{whole}.{rest:02} %"),
    }
}
