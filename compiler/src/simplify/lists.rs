//! Lists that are sets to Codex: whatever the table orders by inclusion.

use codex_schema::key::Tighter;
use codex_schema::lookup::REQUIREMENTS;
use codex_schema::path::dotted;
use codex_schema::value::{Table, Value};

use super::{Reason, Removed, remove_elements};
use crate::decide::Map;

/// Removes repeated texts; the first of each stays, because the first of some lists is a fallback.
pub(super) fn simplify(requirements: &mut Table, removed: &mut Vec<Removed>) {
    let sets = REQUIREMENTS.keys().iter().filter(|key| {
        matches!(key.tighter, Tighter::Subset | Tighter::Superset) && !key.path.contains('*')
    });
    for key in sets {
        let path: Vec<&str> = key.path.split('.').collect();
        let repeated = repeated(requirements, &path);
        let positions: Vec<usize> = repeated.iter().map(|(at, _)| *at).collect();
        remove_elements(requirements, &path, &positions);
        removed.extend(repeated.into_iter().map(|(_, removed)| removed));
    }
}

fn repeated(requirements: &Table, path: &[&str]) -> Vec<(usize, Removed)> {
    let list = requirements.at(path).and_then(|node| node.value.as_array());
    let mut seen = Map::default();
    let mut found = Vec::new();
    for (at, node) in list.unwrap_or_default().iter().enumerate() {
        let Value::String(text) = &node.value else { return Vec::new() };
        match seen.entry(text.as_str()) {
            std::collections::hash_map::Entry::Occupied(of) => {
                let reason = Reason::Duplicate { of: *of.get() };
                found.push((at, Removed { path: dotted(path), span: node.span, reason }));
            }
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(node.span);
            }
        }
    }
    found
}
