//! Changes of policy for people, for scripts and for comments on changes.

mod human;
mod markdown;
mod plain;
pub mod planned;
mod words;

use serde::Serialize;

pub use human::human;
pub use markdown::markdown;
pub use plain::plain;

use crate::plan::diff::CohortChange;

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

/// Cohorts of which the same is to be said.
pub(crate) struct Group<'change> {
    pub(crate) names: Vec<&'change str>,
    pub(crate) change: &'change CohortChange,
}

/// The cohorts in groups, in order of their first ones.
pub(crate) fn groups(cohorts: &[CohortChange]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for change in cohorts {
        let same = |group: &&mut Group<'_>| {
            let CohortChange { cohort: _, status, compared_with, policy } = group.change;
            (status, compared_with, policy)
                == (&change.status, &change.compared_with, &change.policy)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.names.push(&change.cohort),
            None => groups.push(Group { names: vec![&change.cohort], change }),
        }
    }
    // What loosens comes first.
    groups.sort_by_key(|group| group.change.direction());
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
