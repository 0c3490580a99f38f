//! Changes of policy for people, for scripts and for comments on changes.

mod human;
mod markdown;
mod plain;
pub mod planned;
mod words;

use std::collections::BTreeMap;

use serde::Serialize;

pub use human::human;
pub use markdown::markdown;
pub use plain::plain;

use crate::plan::diff::{CohortChange, Status};
use crate::plan::policy::{Direction, Entry};

/// Two policies and what changes from one to the other.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'change> {
    /// What was, as the reader named it.
    pub from: &'change str,
    /// What is.
    pub to: &'change str,
    /// The cohorts.
    pub cohorts: &'change [CohortChange],
}

/// Changes that some cohorts have in common.
pub(crate) struct Group<'change> {
    pub(crate) names: Vec<&'change str>,
    pub(crate) status: Status,
    pub(crate) compared_with: Option<&'change str>,
    pub(crate) entries: Vec<&'change Entry>,
}

impl Group<'_> {
    /// The worst direction of its changes.
    pub(crate) fn direction(&self) -> Direction {
        if self.status == Status::Removed && self.compared_with.is_none() {
            return Direction::Looser;
        }
        self.entries.iter().map(|entry| entry.direction).min().unwrap_or(Direction::Neutral)
    }

    /// How many changes lead where.
    pub(crate) fn counts(&self) -> BTreeMap<Direction, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.entries {
            *counts.entry(entry.direction).or_default() += 1;
        }
        counts
    }
}

/// What makes two changes one to the reader. Of long lists only what comes and goes counts: their
/// lengths differ from cohort to cohort.
fn same(one: &Entry, other: &Entry) -> bool {
    let long = |entry: &Entry| {
        [&entry.before, &entry.after]
            .into_iter()
            .flatten()
            .any(|value| value.as_array().is_some_and(|list| list.len() > SHORT_LIST))
    };
    let values = |entry: &Entry| (entry.before.clone(), entry.after.clone());
    let listed = !one.added.is_empty() || !one.removed.is_empty();
    (one.document, one.subject, &one.key, one.direction)
        == (other.document, other.subject, &other.key, other.direction)
        && (&one.added, &one.removed, &one.witnesses, &one.note)
            == (&other.added, &other.removed, &other.witnesses, &other.note)
        && (values(one) == values(other) || (listed && long(one) && long(other)))
}

/// Lists up to this length are shown whole.
pub(crate) const SHORT_LIST: usize = 4;

/// Changes of one key, each with the cohorts that have it.
type Alike<'change> = Vec<(&'change Entry, Vec<&'change str>)>;

/// The changes of cohorts, each once, in groups of those that the same cohorts have; what loosens
/// first. Cohorts that change nothing are in none.
pub(crate) fn groups(cohorts: &[CohortChange]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known: BTreeMap<(&str, Direction), Alike<'_>> = BTreeMap::new();
    for change in cohorts {
        match change.status {
            Status::Same => {}
            Status::Added | Status::Removed => groups.push(Group {
                names: vec![&change.cohort],
                status: change.status,
                compared_with: change.compared_with.as_deref(),
                entries: change.policy.changes.iter().collect(),
            }),
            Status::Changed => {
                for entry in &change.policy.changes {
                    let alike = known.entry((&entry.key, entry.direction)).or_default();
                    match alike.iter_mut().find(|(other, _)| same(entry, other)) {
                        Some((_, names)) => names.push(&change.cohort),
                        None => alike.push((entry, vec![&change.cohort])),
                    }
                }
            }
        }
    }
    let mut by_names: BTreeMap<Vec<&str>, Vec<&Entry>> = BTreeMap::new();
    for (entry, names) in known.into_values().flatten() {
        by_names.entry(names).or_default().push(entry);
    }
    for (names, mut entries) in by_names {
        entries.sort_by_key(|entry| (entry.direction, entry.document, entry.key.as_str()));
        let (status, compared_with) = (Status::Changed, None);
        groups.push(Group { names, status, compared_with, entries });
    }
    groups.sort_by(|left, right| {
        let key = |group: &Group<'_>| {
            (group.direction(), group.status, std::cmp::Reverse(group.names.len()))
        };
        (key(left), &left.names).cmp(&(key(right), &right.names))
    });
    groups
}

#[derive(Serialize)]
struct Whole<'change> {
    schema: &'static str,
    from: &'change str,
    to: &'change str,
    cohorts: &'change [CohortChange],
}

/// The changes as JSON of a stable form.
pub fn json(compared: Compared<'_>) -> String {
    let Compared { from, to, cohorts } = compared;
    let whole = Whole { schema: "diff-1", from, to, cohorts };
    let mut text = serde_json::to_string_pretty(&whole).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
