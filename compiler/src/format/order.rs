//! Sorts entries whose order means nothing. Which those are the key table says.
//!
//! Only neighbours are sorted: an empty line or a comment of its own begins a new group, because
//! such a comment may speak of everything below it. So comments stay where they are, and the one
//! behind an entry goes with the entry.

use codex_schema::key::Order;
use codex_schema::lookup::Tree;

use super::tree::{Entry, Item, Line, Value};

/// Sorts the entries of a document.
pub(super) fn sort(lines: &mut [Item<Line>], tree: &Tree) {
    let mut heading: Vec<String> = Vec::new();
    let mut start = 0;
    while let Some(line) = lines.get_mut(start) {
        match &mut line.what {
            Line::Heading { keys, .. } => {
                heading = keys.iter().map(|key| key.name.clone()).collect();
                start += 1;
            }
            Line::Entry(entry) => {
                let mut inside = heading.clone();
                inside.extend(entry.keys.iter().map(|key| key.name.clone()));
                sort_value(&mut entry.value, &inside, tree);
                let entry_of = |item: &Item<Line>| match &item.what {
                    Line::Entry(entry) => map_of(entry, &heading, tree),
                    Line::Heading { .. } => None,
                };
                let name = |item: &Item<Line>| match &item.what {
                    Line::Entry(entry) => last_name(entry),
                    Line::Heading { .. } => String::new(),
                };
                start = sort_run(lines, start, &entry_of, &name);
            }
        }
    }
}

fn sort_value(value: &mut Value, path: &[String], tree: &Tree) {
    let Value::Table { items, .. } = value else { return };
    let mut start = 0;
    while let Some(item) = items.get_mut(start) {
        let mut inside = path.to_vec();
        inside.extend(item.what.keys.iter().map(|key| key.name.clone()));
        sort_value(&mut item.what.value, &inside, tree);
        let map = |item: &Item<Entry>| map_of(&item.what, path, tree);
        start = sort_run(items, start, &map, &|item| last_name(&item.what));
    }
}

fn last_name(entry: &Entry) -> String {
    entry.keys.last().map(|key| key.name.clone()).unwrap_or_default()
}

/// The map an entry belongs to, when the order of that map's entries means nothing.
fn map_of(entry: &Entry, heading: &[String], tree: &Tree) -> Option<Vec<String>> {
    if !entry.value.is_simple() {
        return None;
    }
    let mut path = heading.to_vec();
    path.extend(entry.keys.iter().map(|key| key.name.clone()));
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let row = tree.find(&names)?.key?;
    path.pop();
    (row.order == Order::Free).then_some(path)
}

/// Sorts the group that begins at an index; gives back where the next one begins.
fn sort_run<T>(
    items: &mut [Item<T>],
    start: usize,
    map: &dyn Fn(&Item<T>) -> Option<Vec<String>>,
    name: &dyn Fn(&Item<T>) -> String,
) -> usize {
    let Some(first) = items.get(start).and_then(map) else { return start + 1 };
    let more = items.iter().skip(start + 1);
    let more = more.take_while(|item| item.before.is_empty() && map(item).as_ref() == Some(&first));
    let end = start + 1 + more.count();
    if let Some(run) = items.get_mut(start..end) {
        let lead = run.first_mut().map(|item| std::mem::take(&mut item.before));
        run.sort_by_key(name);
        if let (Some(first), Some(lead)) = (run.first_mut(), lead) {
            first.before = lead;
        }
    }
    end
}
