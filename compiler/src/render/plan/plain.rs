//! Changes as one fact per line, without colours or drawing.

use super::Compared;
use super::human::{origin_words, sentence};
use super::words::what;
use crate::plan::diff::CohortChange;
use crate::plan::policy::{Place, PolicyChange};
use crate::render::paint::harmless;

/// Writes what changes.
pub fn plain(compared: Compared<'_>) -> String {
    let Compared { from, to, cohorts } = compared;
    let mut lines = vec![format!("from: {}", harmless(from)), format!("to: {}", harmless(to))];
    for cohort in cohorts {
        facts(cohort, &mut lines);
    }
    lines.join("\n") + "\n"
}

/// The facts of one cohort.
pub(super) fn facts(change: &CohortChange, lines: &mut Vec<String>) {
    let name = harmless(&change.cohort);
    let direction = change.direction().word();
    lines.push(format!("cohort {name}: {}, {direction}", change.status.word()));
    if let Some(other) = &change.compared_with {
        lines.push(format!("  compared with: cohort {}", harmless(other)));
    }
    entries(&change.policy, lines);
}

/// The facts of one change of policy.
pub(super) fn entries(policy: &PolicyChange, lines: &mut Vec<String>) {
    let at = |place: Option<&Place>| {
        place.map_or(String::new(), |place| format!(" at {}", harmless(&place.to_string())))
    };
    for entry in &policy.changes {
        let place = at(entry.place_after.as_ref().or(entry.place_before.as_ref()));
        let (key, word) = (harmless(&entry.key), entry.direction.word());
        lines.push(format!("  {word} {key}: {}{place}", what(entry, "to")));
        lines.extend(
            entry
                .witnesses
                .iter()
                .map(|one| format!("    {} example: {}", one.direction.word(), sentence(one, at))),
        );
        lines.extend(entry.origin.iter().map(|one| format!("    by: {}", origin_words(one))));
        lines.extend(entry.note.iter().map(|note| format!("    note: {}", harmless(note))));
        for (word, items) in [("added", &entry.added), ("removed", &entry.removed)] {
            lines.extend(items.first.iter().map(|item| {
                format!("    {word} {}{}", harmless(&item.text), at(item.place.as_ref()))
            }));
            if items.total > items.first.len() {
                lines.push(format!("    {word} {} more", items.total - items.first.len()));
            }
        }
    }
}
