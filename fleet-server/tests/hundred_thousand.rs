//! A rollout over 100,000 endpoints of which one in a hundred cannot live with the candidate, in
//! virtual time: it must stop where that can be seen, name the reasons, and cost little a step.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured"
)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use codex_fleet::identity::DeviceId;
use codex_fleet::rollout::{Start, State, StrategyName};
use codex_fleet_server::rollout::{
    Approval, Asker, Inventory, Offer, Point, Rollout, Seat, Standing, Unplanned, apply, hold_for,
    plan, seat, start, status,
};
use jiff::Timestamp;

const ENDPOINTS: u64 = 100_000;
const SALT: &str = "9c2f6f0f36a84f1f8b7f7a2d3c4e5f60";

/// Marsaglia's xorshift: the same numbers every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

struct Endpoint {
    device: DeviceId,
    seat: Seat,
    fate: Fate,
    standing: Standing,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Enforces,
    Fails(&'static str),
    Sleeps,
}

fn fleet(dice: &mut Dice) -> Vec<Endpoint> {
    let nobody = BTreeSet::new();
    (0..ENDPOINTS)
        .map(|_| {
            let mut bytes = [0_u8; 16];
            bytes[..8].copy_from_slice(&dice.next().to_be_bytes());
            bytes[8..].copy_from_slice(&dice.next().to_be_bytes());
            let device = DeviceId::from_random(bytes);
            let seat = seat(SALT, None, &device, &nobody);
            let fate = match dice.next() % 1_000 {
                0..7 => {
                    Fate::Fails("codex 0.110.0 does not know `permissions.filesystem.deny_read`")
                }
                7..10 => Fate::Fails("codex 0.169.0 does not start: `features.x` is unknown"),
                10..110 => Fate::Sleeps,
                _ => Fate::Enforces,
            };
            Endpoint { device, seat, fate, standing: Standing::Silent }
        })
        .collect()
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_796_000_400 + minute * 60).expect("a time")
}

fn begin() -> Rollout {
    let point = |generation| Point { generation, digest: format!("sha256:{generation:064}") };
    let request = Start {
        cohort: "developers".to_owned(),
        generation: 12,
        strategy: StrategyName::Canary,
        volunteers: None,
        bake_seconds: None,
        minimum_sample: None,
        failures_of_10_000: None,
        reason: String::new(),
    };
    let offer = Offer {
        newest: Some(point(12)),
        stable: Some(point(11)),
        loosens: Vec::new(),
        approval: Approval::Missing("there is none".to_owned()),
    };
    start(&request, &offer, None, "kim", SALT.to_owned(), at(0)).expect("it starts")
}

/// Endpoints look every quarter of an hour, each at its own minute, and say what came of it.
fn minute(fleet: &mut [Endpoint], rollout: &Rollout, inventory: &mut Inventory, minute: u64) {
    let nobody = BTreeSet::new();
    for (number, one) in (0_u64..).zip(fleet) {
        if number % 15 != minute % 15 || one.standing != Standing::Silent {
            continue;
        }
        let asker = Asker { device: &one.device, groups: &nobody, held: Some(11) };
        let rollouts = std::slice::from_ref(rollout);
        if hold_for(rollouts, 12, &asker, Unplanned::Nobody).is_some() {
            continue;
        }
        let after = match one.fate {
            Fate::Sleeps => continue,
            Fate::Enforces => Standing::Enforced,
            Fate::Fails(reason) => {
                inventory.because(one.seat, reason);
                Standing::Failed
            }
        };
        inventory.change(one.seat, one.standing, after);
        one.standing = after;
    }
}

#[test]
fn one_percent_of_a_hundred_thousand_fails_and_it_stops_at_five_percent() {
    let mut dice = Dice(0x5eed_c0de);
    let mut fleet = fleet(&mut dice);
    let before = Instant::now();
    let mut inventory = Inventory::count(fleet.iter().map(|one| (one.seat, one.standing)));
    let counting = before.elapsed();
    let mut rollout = begin();
    let mut slowest = Duration::ZERO;
    let mut minutes = 0;
    while !rollout.state.is_settled() && rollout.state != State::Paused && minutes < 5_000 {
        minutes += 1;
        let now = at(minutes);
        let before = Instant::now();
        let decision = plan(&rollout, &inventory, now);
        rollout = apply(rollout, &decision, now).expect("nothing has changed");
        slowest = slowest.max(before.elapsed());
        minute(&mut fleet, &rollout, &mut inventory, minutes.unsigned_abs());
    }
    let told = status(&rollout, &inventory, at(minutes));
    for entry in &rollout.history {
        println!("{} {}", entry.at, entry.text);
    }
    println!("counting {ENDPOINTS} endpoints: {counting:?}; slowest step: {slowest:?}");
    assert_eq!((rollout.state, told.stage, told.share_of_10_000), (State::Paused, 2, 500));
    assert!(told.figures.known <= ENDPOINTS / 20, "no more than five percent ever had it");
    let reasons: Vec<&str> = told.reasons.iter().map(|reason| reason.text.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "codex 0.110.0 does not know `permissions.filesystem.deny_read`",
            "codex 0.169.0 does not start: `features.x` is unknown",
        ]
    );
    let said = rollout.history.last().expect("an entry");
    assert!(reasons.iter().all(|reason| said.text.contains(reason)), "{}", said.text);
    let goal = if cfg!(debug_assertions) { 500 } else { 50 };
    assert!(slowest + counting <= Duration::from_millis(goal), "{slowest:?} and {counting:?}");
}
