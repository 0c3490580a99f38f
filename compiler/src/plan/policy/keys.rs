//! Keys of which every one stands for itself, by the directions of the key table.

use codex_schema::key::{Key, Secret};
use codex_schema::lookup::{CONFIG, REQUIREMENTS, Spot};
use codex_schema::path::dotted;
use codex_schema::source::Documents;
use codex_schema::strictness::{changes, elements};
use codex_schema::value::{Node, Table, Value};
use serde_json::{Value as Json, json};

use super::{Direction, Entry, Item, Items, Side, Subject, entry, place};
use crate::authoring::Document;
use crate::decide;
use crate::digest::sha256_hex;

/// Keys of which every one stands for itself.
pub(super) fn compare(from: Side<'_>, to: Side<'_>, found: &mut Vec<Entry>) {
    let decided = |path: &[String]| {
        path == decide::commands::PATH
            || decide::domains::is_about_hosts(from.requirements, path)
            || decide::domains::is_about_hosts(to.requirements, path)
    };
    for one in changes(from.requirements, to.requirements, &REQUIREMENTS) {
        if !decided(&one.path) {
            let direction = Direction::of(one.change);
            found.push(of_key(from, to, Document::Requirements, &one.path, one.key, direction));
        }
    }
    let mut same = Same { from, to, path: Vec::new(), found };
    same.tables(from.requirements, to.requirements, REQUIREMENTS.root(), &decided);
    // Managed defaults are no controls: users may choose otherwise.
    for one in changes(from.config, to.config, &CONFIG) {
        let direction = Direction::Neutral;
        let mut change = of_key(from, to, Document::Config, &one.path, one.key, direction);
        change.note = Some("a managed default: no control".to_owned());
        found.push(change);
    }
}

fn of_key(
    from: Side<'_>,
    to: Side<'_>,
    document: Document,
    path: &[String],
    key: &'static Key,
    direction: Direction,
) -> Entry {
    let root = |side: Side<'_>| match document {
        Document::Requirements => side.requirements.at(path).cloned(),
        Document::Config => side.config.at(path).cloned(),
    };
    let (before, after) = (root(from), root(to));
    let is_secret = key.secret == Secret::Yes;
    let mut change = entry(document, Subject::Key, dotted(path), direction);
    change.rows.push(key.path);
    let lists = before.as_ref().zip(after.as_ref());
    if let Some((old, new)) = lists
        && !is_secret
        && old.value.as_array().is_some()
        && new.value.as_array().is_some()
    {
        change.added = missing(new, old, to.documents);
        change.removed = missing(old, new, from.documents);
    }
    let above = |path: &[String]| {
        let root = match document {
            Document::Requirements => to.requirements,
            Document::Config => to.config,
        };
        let above = path.split_last().map(|(_, above)| above).unwrap_or_default();
        root.at(above).map(|node| node.span)
    };
    change.anchor = after.as_ref().map(|node| node.span).or_else(|| above(path));
    change.place_before = before.as_ref().and_then(|node| place(from.documents, node.span));
    change.place_after = after.as_ref().and_then(|node| place(to.documents, node.span));
    change.before = before.map(|node| shown(&node.value, is_secret));
    change.after = after.map(|node| shown(&node.value, is_secret));
    change
}

/// A value; of a secret only a mark by which two can be told apart.
fn shown(value: &Value, is_secret: bool) -> Json {
    let value = json!(value);
    if !is_secret {
        return value;
    }
    let digest = sha256_hex(value.to_string().as_bytes());
    json!({"redacted": true, "sha256_8": digest.get(..8)})
}

/// The elements of a list that another one does not have.
fn missing(list: &Node, other: &Node, documents: &Documents) -> Items {
    let others = elements(&other.value);
    let own = list.value.as_array().unwrap_or_default().iter();
    let new = own
        .map(|node| (codex_schema::strictness::identity(&node.value), node.span))
        .filter(|(text, _)| !others.contains(text));
    Items::of(new, |(text, span)| Item { text, place: place(documents, span) })
}

/// Keys whose values are as strict as they were and still not the same: other orders of lists.
struct Same<'side, 'found> {
    from: Side<'side>,
    to: Side<'side>,
    path: Vec<String>,
    found: &'found mut Vec<Entry>,
}

impl Same<'_, '_> {
    fn tables(
        &mut self,
        from: &Table,
        to: &Table,
        spot: &'static Spot,
        decided: &dyn Fn(&[String]) -> bool,
    ) {
        for one in from.sorted() {
            let name = &*one.key.value;
            let (Some(child), Some(other)) = (spot.child(name), to.get(name)) else { continue };
            self.path.push(name.to_owned());
            match (child.key, &one.node.value, &other.value) {
                (None, Value::Table(from), Value::Table(to)) => {
                    self.tables(from, to, child, decided);
                }
                (Some(key), old, new) if old != new && !decided(&self.path) => {
                    self.leaf(key);
                }
                _ => {}
            }
            self.path.pop();
        }
    }

    fn leaf(&mut self, key: &'static Key) {
        let path = dotted(&self.path);
        if self.found.iter().any(|known| known.key == path) {
            return;
        }
        let neutral = Direction::Neutral;
        let mut change =
            of_key(self.from, self.to, Document::Requirements, &self.path, key, neutral);
        change.note = Some(
            "the same values in another order: the first is what Codex falls back to".to_owned(),
        );
        self.found.push(change);
    }
}
