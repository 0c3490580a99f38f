//! What the endpoints of a cohort say about a candidate, counted by bucket, so that a step costs
//! the same for a hundred endpoints and a hundred thousand.

use std::collections::{BTreeMap, BTreeSet};

use codex_fleet::check_in;
use codex_fleet::identity::DeviceId;
use codex_fleet::rollout::Reason;
use ring::digest::{SHA256, digest};

use super::{Ring, Turn};

/// How many buckets endpoints are divided into.
pub const BUCKETS: u16 = 10_000;

/// The most different reasons that are counted: who sends reasons may send many.
pub const MAX_REASONS: usize = 1_000;

/// What the others are counted under.
pub const OTHER_REASONS: &str = "(other reasons)";

/// Where an endpoint sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seat {
    /// Among those who go first.
    Volunteer,
    /// In a bucket below [`BUCKETS`].
    Bucket(u16),
}

/// How an endpoint stands to the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It has said nothing about it.
    Silent,
    /// It has heard of it, or is busy with it.
    Underway,
    /// Codex enforces it there.
    Enforced,
    /// It was refused there, Codex does not start with it, or does not enforce it.
    Failed,
}

impl Standing {
    /// How an endpoint stands that has said this of the candidate last. A file that was changed and
    /// repaired, or a release that was not heard of for long, are faults of that endpoint and say
    /// nothing against the candidate, nor for it.
    pub fn of(state: check_in::State) -> Self {
        match state {
            check_in::State::Offered
            | check_in::State::Fetched
            | check_in::State::Verified
            | check_in::State::Installed
            | check_in::State::Stale
            | check_in::State::Drifted => Self::Underway,
            check_in::State::Enforced => Self::Enforced,
            check_in::State::Refused => Self::Failed,
        }
    }
}

/// How many endpoints stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// They have said nothing.
    pub silent: u64,
    /// They are on their way.
    pub underway: u64,
    /// They enforce it.
    pub enforced: u64,
    /// They failed.
    pub failed: u64,
}

impl Tally {
    /// All of them.
    pub fn known(&self) -> u64 {
        let Self { silent, underway, enforced, failed } = self;
        silent + underway + enforced + failed
    }

    fn place(&mut self, standing: Standing) -> &mut u64 {
        match standing {
            Standing::Silent => &mut self.silent,
            Standing::Underway => &mut self.underway,
            Standing::Enforced => &mut self.enforced,
            Standing::Failed => &mut self.failed,
        }
    }

    fn add(&mut self, other: &Self) {
        let Self { silent, underway, enforced, failed } = other;
        self.silent += silent;
        self.underway += underway;
        self.enforced += enforced;
        self.failed += failed;
    }
}

/// Where an endpoint sits: with the volunteers, or in a bucket that its number and the salt decide.
/// Who makes the salt after the numbers were given cannot be foreseen by an endpoint that would
/// like to go first, or last.
pub fn seat(
    salt: &str,
    volunteers: Option<&str>,
    device: &DeviceId,
    groups: &BTreeSet<String>,
) -> Seat {
    if volunteers.is_some_and(|group| groups.contains(group)) {
        return Seat::Volunteer;
    }
    let digest = digest(&SHA256, format!("{salt}{device}").as_bytes());
    let number =
        digest.as_ref().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let bucket = u16::try_from(number % u64::from(BUCKETS)).unwrap_or_default();
    Seat::Bucket(bucket)
}

/// All endpoints of a cohort, counted.
#[derive(Clone, Debug)]
pub struct Inventory {
    volunteers: Tally,
    buckets: Vec<Tally>,
    reasons: BTreeMap<String, BTreeMap<Seat, u64>>,
}

impl Default for Inventory {
    fn default() -> Self {
        Self {
            volunteers: Tally::default(),
            buckets: vec![Tally::default(); usize::from(BUCKETS)],
            reasons: BTreeMap::new(),
        }
    }
}

impl Inventory {
    /// Counts endpoints.
    pub fn count(endpoints: impl IntoIterator<Item = (Seat, Standing)>) -> Self {
        let mut inventory = Self::default();
        for (seat, standing) in endpoints {
            inventory.join(seat, standing);
        }
        inventory
    }

    /// Counts one endpoint more.
    pub fn join(&mut self, seat: Seat, standing: Standing) {
        if let Some(tally) = self.tally(seat) {
            *tally.place(standing) += 1;
        }
    }

    /// Counts an endpoint elsewhere than before.
    pub fn change(&mut self, seat: Seat, before: Standing, after: Standing) {
        if let Some(tally) = self.tally(seat) {
            let place = tally.place(before);
            *place = place.saturating_sub(1);
            *tally.place(after) += 1;
        }
    }

    /// Counts a reason of an endpoint that failed.
    pub fn because(&mut self, seat: Seat, reason: &str) {
        let known = self.reasons.len() < MAX_REASONS || self.reasons.contains_key(reason);
        let reason = if known { reason } else { OTHER_REASONS };
        if !self.reasons.contains_key(reason) {
            self.reasons.insert(reason.to_owned(), BTreeMap::new());
        }
        if let Some(seats) = self.reasons.get_mut(reason) {
            *seats.entry(seat).or_insert(0) += 1;
        }
    }

    /// The most frequent reasons in a ring, the most frequent first.
    pub fn reasons(&self, ring: Ring, most: usize) -> Vec<Reason> {
        let counted = self.reasons.iter().map(|(text, seats)| {
            let inside = seats.iter().filter(|(seat, _)| ring.has(**seat));
            Reason { text: text.clone(), count: inside.map(|(_, count)| count).sum() }
        });
        let mut all: Vec<Reason> = counted.filter(|reason| reason.count > 0).collect();
        all.sort_by(|one, other| {
            other.count.cmp(&one.count).then_with(|| one.text.cmp(&other.text))
        });
        all.truncate(most);
        all
    }

    /// How the endpoints of a ring stand.
    pub fn ring(&self, ring: Ring) -> Tally {
        let mut sum = match ring.volunteers {
            Turn::Come => self.volunteers,
            Turn::Later => Tally::default(),
        };
        self.buckets.iter().take(ring.cut.into()).for_each(|bucket| sum.add(bucket));
        sum
    }

    /// How all endpoints stand.
    pub fn everybody(&self) -> Tally {
        self.ring(Ring { cut: BUCKETS, volunteers: Turn::Come })
    }

    /// The bucket bound below which there are as many endpoints as possible and no greater share of the endpoints than this,
    /// except that a share above zero is one endpoint at least. Volunteers count for nothing here.
    pub fn cut(&self, share: u16) -> u16 {
        if share >= BUCKETS {
            return BUCKETS;
        }
        let others = self.ring(Ring { cut: BUCKETS, volunteers: Turn::Later }).known();
        let most = (others * u64::from(share)).div_ceil(BUCKETS.into());
        let (mut sum, mut cut) = (0, 0);
        for (number, bucket) in (1_u16..).zip(&self.buckets) {
            sum += bucket.known();
            if share == 0 || sum > most {
                break;
            }
            // Empty buckets at the end stay outside: who enrols into them has not been counted.
            if bucket.known() > 0 {
                cut = number;
            }
        }
        cut
    }

    fn tally(&mut self, seat: Seat) -> Option<&mut Tally> {
        match seat {
            Seat::Volunteer => Some(&mut self.volunteers),
            Seat::Bucket(bucket) => self.buckets.get_mut(usize::from(bucket)),
        }
    }
}
