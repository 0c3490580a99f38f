//! Changes in words.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::SHORT_LIST;
use crate::authoring::Document;
use crate::plan::policy::{Direction, Entry, Subject, Witness};
use crate::render::paint::harmless;
use crate::render::values::quoted;

/// The sign at the beginning: new, gone, other, or as strict as before.
pub(super) fn sign(entry: &Entry) -> char {
    match (entry.subject, entry.direction, &entry.before, &entry.after) {
        (Subject::Key | Subject::HostRules, _, None | Some(Json::Null), Some(_)) => '+',
        (Subject::Key | Subject::HostRules, _, Some(_), None | Some(Json::Null)) => '-',
        (_, Direction::Neutral, _, _) if entry.document == Document::Requirements => '=',
        (_, _, _, _) => '~',
    }
}

/// What changed, in a few words.
pub(super) fn what(entry: &Entry, arrow: &str) -> String {
    match entry.subject {
        Subject::Commands => counted(entry, "rule"),
        Subject::Hosts => counted(entry, "host entry"),
        Subject::Key | Subject::HostRules => {
            let lists = entry.before.as_ref().zip(entry.after.as_ref());
            if let Some((Json::Array(old), Json::Array(new))) = lists
                && old.len().max(new.len()) > SHORT_LIST
            {
                return counted(entry, "entry");
            }
            let value = |value: &Option<Json>| match value {
                None | Some(Json::Null) => "unset".to_owned(),
                Some(value) => quoted(value),
            };
            match (&entry.before, &entry.after) {
                (None, Some(after)) => quoted(after),
                (before, after) => format!("{} {arrow} {}", value(before), value(after)),
            }
        }
    }
}

/// `2 rules added, 1 removed`.
fn counted(entry: &Entry, what: &str) -> String {
    let Entry { added, removed, .. } = entry;
    match (added.total, removed.total) {
        (0, 0) => String::new(),
        (new, 0) => format!("{} added", number(new, what)),
        (0, gone) => format!("{} removed", number(gone, what)),
        (new, gone) => format!("{} added, {gone} removed", number(new, what)),
    }
}

/// A number of things.
pub(super) fn number(count: usize, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {what}s"),
    }
}

/// A command as one would type it, or a host.
pub(super) fn typed(witness: &Witness) -> String {
    let plain = |word: &str| {
        !word.is_empty()
            && word.chars().all(|one| one.is_alphanumeric() || "-_./=:@%+,".contains(one))
    };
    let word = |word: &String| {
        if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    harmless(&witness.of.iter().map(word).collect::<Vec<_>>().join(" "))
}

/// `2 tighter, 1 looser, 1 neutral`.
pub(super) fn directions(counts: &BTreeMap<Direction, usize>) -> String {
    if counts.is_empty() {
        return "no change".to_owned();
    }
    let one = |(direction, count): (&Direction, &usize)| format!("{count} {}", direction.word());
    counts.iter().map(one).collect::<Vec<_>>().join(", ")
}
