//! A run of policy tests, for people and for programs.

mod human;
mod json;
mod junit;
mod plain;
#[cfg(feature = "against")]
mod real;

pub use human::human;
pub use json::json;
pub use junit::junit;
pub use plain::plain;
#[cfg(feature = "against")]
pub use real::{real_human, real_json, real_plain};

use codex_schema::source::Documents;
use codex_schema::span::Span;

use crate::cases::{Asked, CaseRun, Run};

/// A run, and what its places and names mean to the reader.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'run> {
    /// The run.
    pub run: &'run Run<'run>,
    /// The repository's texts.
    pub documents: &'run Documents,
    /// The folder, as the reader names it.
    pub folder: &'run str,
    /// Whether entries that no case asks about are listed.
    pub coverage: ShowCoverage,
}

/// Whether coverage is shown entry by entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShowCoverage {
    /// The percentage alone.
    Summary,
    /// Every entry that is not exercised.
    Entries,
}

impl Shown<'_> {
    /// A place as `FILE:LINE:COLUMN` of the repository; a place that is not in it has none.
    fn place(&self, span: Span) -> String {
        match self.documents.get(span.source) {
            Some(_) => self.documents.place(span),
            None => "the case itself".to_owned(),
        }
    }
}

/// Answers that are the same but for who gives them.
struct Group<'run> {
    first: &'run Asked,
    /// `developers, payments on 0.157.1 and 0.169.0`.
    who: String,
}

/// The failures of a case: the same one is told once.
fn failures<'run>(case: &'run CaseRun<'_>) -> Vec<Group<'run>> {
    let mut groups: Vec<(&Asked, Vec<&Asked>)> = Vec::new();
    for asked in case.asked.iter().filter(|asked| !asked.misses.is_empty()) {
        let same = |(first, _): &&mut (&Asked, Vec<&Asked>)| {
            first.misses == asked.misses && first.told.entries() == asked.told.entries()
        };
        match groups.iter_mut().find(same) {
            Some((_, all)) => all.push(asked),
            None => groups.push((asked, vec![asked])),
        }
    }
    groups.into_iter().map(|(first, all)| Group { first, who: who(&all) }).collect()
}

/// Who answers: cohorts, and versions where not all cohorts have the same.
fn who(all: &[&Asked]) -> String {
    let mut by_cohort: std::collections::BTreeMap<&str, Vec<String>> =
        std::collections::BTreeMap::new();
    for asked in all {
        by_cohort.entry(&asked.cohort).or_default().push(asked.version.to_string());
    }
    let mut by_versions: std::collections::BTreeMap<Vec<String>, Vec<&str>> =
        std::collections::BTreeMap::new();
    for (cohort, versions) in by_cohort {
        by_versions.entry(versions).or_default().push(cohort);
    }
    let one = |(versions, cohorts): (Vec<String>, Vec<&str>)| {
        format!("{} on Codex {}", cohorts.join(", "), versions.join(", "))
    };
    by_versions.into_iter().map(one).collect::<Vec<_>>().join("; ")
}

/// How a count of tests is said.
fn counted(number: usize, one: &str) -> String {
    let many = if one.ends_with('y') {
        format!("{}ies", one.trim_end_matches('y'))
    } else {
        format!("{one}s")
    };
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}
