//! The safety brake: changes that take a fleet's policy away or loosen much of it at once are more
//! often mistakes than meant, and have to be named to go on.

use serde::Serialize;

use super::diff::{CohortChange, Status};
use super::planned::{Move, Reach};
use super::policy::{Direction, Subject};
use crate::authoring::Document;

/// The share of machines (without an inventory: of cohorts) above which loosening stops a plan, in
/// percent.
pub const USUAL_PERCENT: u8 = 25;

/// Controls from which on losing half of them is a mass removal.
const FEW_CONTROLS: usize = 4;

/// Why a plan is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// A cohort goes.
    CohortRemoved {
        /// Its name.
        cohort: String,
    },
    /// A cohort had requirements or rules and has none.
    PolicyEmptied {
        /// Its name.
        cohort: String,
    },
    /// Half of a cohort's controls go or more.
    ControlsRemoved {
        /// Its name.
        cohort: String,
        /// How many go.
        removed: usize,
        /// How many there were.
        of: usize,
    },
    /// Machines that had a policy get none.
    PolicyLost {
        /// How many.
        endpoints: usize,
    },
    /// Something loosens for many.
    MassLoosening {
        /// How many it reaches.
        reached: usize,
        /// Of how many.
        of: usize,
        /// Machines or cohorts.
        unit: Unit,
        /// The share that is let pass, in percent.
        percent: u8,
    },
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Machines of the inventory.
    Endpoints,
    /// Cohorts.
    Cohorts,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CohortRemoved { cohort } => write!(formatter, "cohort `{cohort}` is removed"),
            Self::PolicyEmptied { cohort } => {
                write!(formatter, "cohort `{cohort}` loses its whole policy")
            }
            Self::ControlsRemoved { cohort, removed, of } => {
                write!(formatter, "cohort `{cohort}` loses {removed} of {of} controls")
            }
            Self::PolicyLost { endpoints } => {
                write!(formatter, "endpoints that get no policy any more: {endpoints}")
            }
            Self::MassLoosening { reached, of, unit, percent } => {
                let unit = match unit {
                    Unit::Endpoints => "endpoints",
                    Unit::Cohorts => "cohorts",
                };
                write!(
                    formatter,
                    "policy may loosen for {reached} of {of} {unit}, more than {percent} %"
                )
            }
        }
    }
}

/// How much of a policy there is before and now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Keys of requirements, and rule files.
    pub before: usize,
    /// The same now.
    pub after: usize,
}

/// Looks for reasons to stop.
pub(super) fn reasons(
    cohorts: &[(CohortChange, Extent)],
    reach: Option<&Reach>,
    moves: &[Move],
    percent: u8,
) -> Vec<Reason> {
    let mut found = Vec::new();
    for (change, extent) in cohorts {
        let cohort = change.cohort.clone();
        let removed = removed_controls(change);
        if change.status == Status::Removed {
            found.push(Reason::CohortRemoved { cohort });
        } else if change.status == Status::Changed && extent.before > 0 && extent.after == 0 {
            found.push(Reason::PolicyEmptied { cohort });
        } else if extent.before >= FEW_CONTROLS && removed * 2 >= extent.before {
            found.push(Reason::ControlsRemoved { cohort, removed, of: extent.before });
        }
    }
    let lost: usize = moves.iter().filter(|one| one.to.is_none()).map(|one| one.endpoints).sum();
    if lost > 0 {
        found.push(Reason::PolicyLost { endpoints: lost });
    }
    let loosened = cohorts.iter().filter(|(change, _)| change.direction().may_loosen());
    let of_cohorts = (loosened.count(), cohorts.len(), Unit::Cohorts);
    let of_endpoints = |reach: &Reach| (reach.loosened, reach.endpoints, Unit::Endpoints);
    let (reached, of, unit) = reach.map_or(of_cohorts, of_endpoints);
    if reached > 0 && reached * 100 > of * usize::from(percent) {
        found.push(Reason::MassLoosening { reached, of, unit, percent });
    }
    found
}

/// Requirement keys that are said no more, where that loosens.
fn removed_controls(change: &CohortChange) -> usize {
    let entries = change.policy.changes.iter();
    entries
        .filter(|entry| {
            entry.document == Document::Requirements
                && entry.subject == Subject::Key
                && entry.after.is_none()
                && entry.direction == Direction::Looser
        })
        .count()
}
