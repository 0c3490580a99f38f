//! Rollouts in a server: kept, moved on, and asked at every check-in.
//!
//! Reading order: [`Board`] (what is in memory), `offer` (what the release offers a cohort), `step`
//! (moving on, and what people ask for), `records` (machines, for reports).
//!
//! **Invariants.**
//! - What decides is `crate::rollout`, which is pure; here are the database and the clock.
//! - A step is made in the transaction that keeps it, and only if the rollout is still as it was when
//!   it was decided: several servers on a database make every step once.
//! - An answer to a check-in comes from memory.

mod bundles;
mod offer;
mod records;
mod step;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use codex_fleet::check_in::Held;
use codex_fleet::identity::Identity;
use codex_trust::bundle::Label;

pub use bundles::{before, bundle, of_cohort, published};
pub use offer::offer;
pub use records::{Kept, record, records, report};
pub use step::{Refused, act, inventory, run, start, status_of, tick};

use crate::reports::Report;
use crate::rollout::{Asker, Inventory, Rollout, Seat, Unplanned, hold_for};

/// The seats of a cohort's machines, which stay the same while salt, release and census do.
#[derive(Debug, Default)]
struct Roster {
    salt: String,
    release: u64,
    census: (i64, i64),
    seats: HashMap<String, Seat>,
    /// All of them, before anybody has said a word.
    silent: Inventory,
}

/// An inventory with the moment that it is of, in milliseconds.
type Counted = (i64, Arc<Inventory>);

/// What of rollouts is in memory.
#[derive(Debug, Default)]
pub struct Board {
    last: RwLock<Arc<BTreeMap<String, Rollout>>>,
    rosters: Mutex<BTreeMap<String, Arc<Roster>>>,
    counted: Mutex<BTreeMap<String, Counted>>,
    report: RwLock<Option<Arc<Report>>>,
    /// One report at a time.
    reporting: Arc<tokio::sync::Mutex<()>>,
}

impl Board {
    /// The last rollout of every cohort that had one.
    pub fn last(&self) -> Arc<BTreeMap<String, Rollout>> {
        Arc::clone(&self.last.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over what the database says.
    pub fn set(&self, rollouts: BTreeMap<String, Rollout>) {
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rollouts);
    }

    /// Takes over one rollout.
    fn put(&self, rollout: Rollout) {
        let mut last = self.last.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut last).insert(rollout.cohort.clone(), rollout);
    }

    /// The generation above which a machine is asked to install nothing for now. `label` is the
    /// newest bundle that is for it.
    pub fn hold(
        &self,
        label: &Label,
        identity: &Identity,
        installed: Option<&Held>,
        unplanned: Unplanned,
    ) -> Option<u64> {
        let last = self.last();
        let rollout = last.get(&label.cohort)?;
        let held = installed.filter(|held| held.cohort == label.cohort);
        let asker = Asker {
            device: &identity.device,
            groups: &identity.claims.groups,
            held: held.map(|held| held.generation),
        };
        hold_for(std::slice::from_ref(rollout), label.generation, &asker, unplanned)
    }
}
