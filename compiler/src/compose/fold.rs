//! The fold that every channel merge is made of: the higher layer over the lower one, key by key.

use codex_schema::key::Merge;
use codex_schema::lookup::{Spot, Tree};
use codex_schema::value::{Node, Table, Value};

/// Two layers that must agree and do not.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// Dotted path.
    pub path: String,
    /// What the higher layer says.
    pub high: Node,
    /// What the lower layer says.
    pub low: Node,
}

/// Folds a layer over the ones below it. Rows say where Codex departs from the plain rule: tables
/// key by key, anything else replaced whole. Gives back the keys on which the layers must agree
/// and do not; the higher one's words are kept.
pub fn fold(low: &mut Table, high: Table, tree: &Tree) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    fold_tables(
        low,
        high,
        Some(tree.root()),
        &mut Place { path: Vec::new(), conflicts: &mut conflicts },
    );
    conflicts
}

struct Place<'found> {
    path: Vec<String>,
    conflicts: &'found mut Vec<Conflict>,
}

/// Folds by the plain rule only.
pub fn fold_plain(low: &mut Table, high: Table) {
    for entry in high {
        match (low.get_mut(&entry.key.value), entry.node) {
            (
                Some(Node { value: Value::Table(below), .. }),
                Node { value: Value::Table(above), .. },
            ) => fold_plain(below, above),
            (_, node) => {
                low.insert(entry.key, node);
            }
        }
    }
}

fn fold_tables(low: &mut Table, high: Table, spot: Option<&Spot>, place: &mut Place<'_>) {
    for entry in high {
        let child = spot.and_then(|spot| spot.child(&entry.key.value));
        let Some(below) = low.get_mut(&entry.key.value) else {
            low.insert(entry.key, entry.node);
            continue;
        };
        place.path.push(entry.key.value.to_string());
        let merge = child.and_then(|spot| spot.key).map_or(Merge::Replace, |key| key.merge);
        fold_value(below, entry.node, merge, child, place);
        place.path.pop();
    }
}

fn fold_value(
    low: &mut Node,
    high: Node,
    merge: Merge,
    spot: Option<&Spot>,
    place: &mut Place<'_>,
) {
    match (merge, &mut low.value, high) {
        (Merge::Append, Value::Array(below), Node { value: Value::Array(mut above), .. }) => {
            above.append(below);
            *below = above;
        }
        (Merge::Union, Value::Array(below), Node { value: Value::Array(above), .. }) => {
            let mut union = above;
            for element in std::mem::take(below) {
                if !union.iter().any(|known| known.value == element.value) {
                    union.push(element);
                }
            }
            *below = union;
        }
        (Merge::MustAgree, value, high) if *value != high.value => {
            let path = place.path.join(".");
            place.conflicts.push(Conflict { path, low: low.clone(), high: high.clone() });
            *low = high;
        }
        (Merge::Replace, Value::Table(below), Node { value: Value::Table(above), .. }) => {
            fold_tables(below, above, spot, place);
        }
        (_, _, high) => *low = high,
    }
}
