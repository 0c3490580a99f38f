//! From a commit to its enforcement.

use serde::Serialize;

/// The upper bounds of the bars, in seconds; one more bar is for everything above.
pub const BOUNDS: [u64; 9] = [10, 30, 60, 120, 300, 900, 3_600, 14_400, 86_400];

/// How long it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Of how many endpoints it is known.
    pub endpoints: u64,
    /// The bars, the shortest time first.
    pub bars: Vec<Bar>,
    /// The time within which half of them had it, in seconds.
    pub half: Option<u64>,
    /// The time within which 95 of 100 had it.
    pub most: Option<u64>,
    /// The time within which 99 of 100 had it.
    pub nearly_all: Option<u64>,
}

/// One bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// Up to so many seconds; none for everything above.
    pub up_to: Option<u64>,
    /// How many endpoints.
    pub endpoints: u64,
}

impl Latency {
    /// What times say, in seconds.
    pub fn of(mut seconds: Vec<u64>) -> Self {
        seconds.sort_unstable();
        let mut below = 0;
        let bounds = BOUNDS.iter().map(|bound| Some(*bound)).chain([None]);
        let bars = bounds
            .map(|up_to| {
                let within = seconds.partition_point(|one| up_to.is_none_or(|most| *one <= most));
                let bar = Bar { up_to, endpoints: (within - below) as u64 };
                below = within;
                bar
            })
            .collect();
        let within = |percent: usize| {
            let rank = (seconds.len() * percent).div_ceil(100);
            seconds.get(rank.checked_sub(1)?).copied()
        };
        Self {
            endpoints: seconds.len() as u64,
            bars,
            half: within(50),
            most: within(95),
            nearly_all: within(99),
        }
    }
}
