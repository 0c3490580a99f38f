//! Two repositories against each other, cohort by cohort.

use std::collections::BTreeSet;

use codex_schema::strictness::Change;
use serde::Serialize;

use super::policy::{Direction, PolicyChange, compare};
use super::source::Policies;
use crate::repository::Repository;

/// What becomes of one cohort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CohortChange {
    /// Its name.
    pub cohort: String,
    /// Whether it is there before and now.
    pub status: Status,
    /// The cohort of the other side that its policy is compared with, where that is not the one of
    /// its own name: the one that takes what no other selects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared_with: Option<String>,
    /// What changes.
    #[serde(flatten)]
    pub policy: PolicyChange,
}

/// Whether a cohort is there before and now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is there no more.
    Removed,
    /// It is new.
    Added,
    /// Its policy is another one.
    Changed,
    /// Its policy is the same.
    Same,
}

impl Status {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Added => "new",
            Self::Changed => "changed",
            Self::Same => "same",
        }
    }
}

impl CohortChange {
    /// The direction of everything together.
    pub fn direction(&self) -> Direction {
        match (self.policy.change(), self.status, &self.compared_with) {
            // Its machines have no policy of ours any more.
            (_, Status::Removed, None) => Direction::Looser,
            (Change::Equal, _, _) => Direction::Neutral,
            (change, _, _) => Direction::of(change),
        }
    }
}

/// Compares the cohorts of two repositories; with a name only that one.
pub fn diff(from: &mut Policies, to: &mut Policies, only: Option<&str>) -> Vec<CohortChange> {
    let names: BTreeSet<String> = [&*from, &*to]
        .iter()
        .flat_map(|side| side.repository.manifest.cohorts.keys())
        .filter(|name| only.is_none_or(|only| only == *name))
        .cloned()
        .collect();
    names.into_iter().map(|name| one(from, to, name)).collect()
}

fn one(from: &mut Policies, to: &mut Policies, name: String) -> CohortChange {
    let there = |side: &Policies| side.repository.manifest.cohorts.contains_key(&name);
    let (before, after) = (there(from), there(to));
    let others = match (before, after) {
        (true, true) | (false, false) => None,
        (true, false) => default_of(&to.repository),
        (false, true) => default_of(&from.repository),
    };
    let side = |is_there: bool| if is_there { Some(&name) } else { others.as_ref() };
    let policy = compare_cohorts(
        from,
        to,
        side(before).map(String::as_str),
        side(after).map(String::as_str),
    );
    let status = match (before, after) {
        (true, false) => Status::Removed,
        (false, true | false) => Status::Added,
        (true, true) if policy.changes.is_empty() => Status::Same,
        (true, true) => Status::Changed,
    };
    CohortChange { cohort: name, status, compared_with: others, policy }
}

/// The cohort that takes what no other selects.
fn default_of(repository: &Repository) -> Option<String> {
    let mut cohorts = repository.manifest.cohorts.values();
    cohorts.find(|cohort| cohort.is_default).map(|cohort| cohort.name.clone())
}

/// Compares the policy of a cohort before with that of a cohort now; no cohort is no policy.
pub fn compare_cohorts(
    from: &mut Policies,
    to: &mut Policies,
    before: Option<&str>,
    after: Option<&str>,
) -> PolicyChange {
    let old = before.and_then(|name| from.cohort(name)).unwrap_or_default();
    let new = after.and_then(|name| to.cohort(name)).unwrap_or_default();
    compare(from.side(&old), to.side(&new))
}
