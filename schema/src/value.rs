//! TOML values that remember where every key and every element was written.

use std::hash::BuildHasher;
use std::sync::Arc;

use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::span::{Sourced, Span};

/// A key or the content of a string. Most are short, and those of up to 24 bytes need no memory of
/// their own: reading and copying a policy is mostly that.
pub type Text = CompactString;

/// A value with its place.
pub type Node = Sourced<Value>;

/// One TOML value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string, decoded.
    String(Text),
    /// A 64-bit integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// A date, a time or both, in TOML's normal form.
    Datetime(Text),
    /// A list; elements keep their own places.
    Array(Vec<Node>),
    /// A table; entries keep their own places.
    Table(Table),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key, decoded.
    pub key: Sourced<Text>,
    /// The value.
    pub node: Node,
}

/// Above this many entries a table keeps an index; below, looking through the entries is faster.
const INDEX_FROM: usize = 12;

/// How a table came to be. TOML allows a table to be extended or not depending on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Written {
    /// `{ … }`, or made by a program: closed.
    #[default]
    Inline,
    /// `[table]` or an element of `[[table]]`.
    Header,
    /// Named on the way to a deeper header: may still get a header of its own.
    Implied,
    /// Named on the way to a deeper dotted key.
    Dotted,
}

/// A table in the order of the document. Keys are unique. Equality ignores the order.
///
/// Copies share their entries until one of them is changed: a layer, its normal form and the merge
/// mostly say the same, and megabytes of rules are kept once.
#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: Arc<Vec<Entry>>,
    /// Positions by the hash of the key, kept from [`INDEX_FROM`] entries on.
    index: Option<Arc<HashTable<u32>>>,
    pub(crate) written: Written,
}

impl Table {
    pub(crate) fn written_as(written: Written) -> Self {
        Self { written, ..Self::default() }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in the order of the document.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// The entries in the order of their keys: Codex keeps its tables sorted.
    pub fn sorted(&self) -> Vec<&Entry> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by(|left, right| left.key.value.cmp(&right.key.value));
        entries
    }

    /// Puts the entries of this table, and of the tables in it, into the order of their keys. A table
    /// that has it stays shared.
    pub fn sort(&mut self) {
        if !self.entries.is_sorted_by(|left, right| left.key.value <= right.key.value) {
            let entries = Arc::make_mut(&mut self.entries);
            entries.sort_by(|left, right| left.key.value.cmp(&right.key.value));
            self.reindex();
        }
        if self.iter().any(|entry| matches!(entry.node.value, Value::Table(_))) {
            self.for_each_mut(|node| {
                if let Value::Table(table) = &mut node.value {
                    table.sort();
                }
            });
        }
    }

    fn position(&self, key: &str) -> Option<usize> {
        if self.entries.len() < INDEX_FROM {
            return self.entries.iter().position(|entry| entry.key.value == key);
        }
        let found = self.index.as_ref()?.find(hash(key), |at| self.is_at(*at, key));
        found.and_then(|at| usize::try_from(*at).ok())
    }

    fn is_at(&self, at: u32, key: &str) -> bool {
        let entry = usize::try_from(at).ok().and_then(|at| self.entries.get(at));
        entry.is_some_and(|entry| entry.key.value == key)
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.position(key).and_then(|at| self.entries.get(at))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// Follows keys into tables; nothing is at no path.
    pub fn at<Name: AsRef<str>>(&self, path: &[Name]) -> Option<&Node> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.get(first.as_ref())?, |node, name| {
            node.value.as_table()?.get(name.as_ref())
        })
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let at = self.position(key)?;
        Arc::make_mut(&mut self.entries).get_mut(at).map(|entry| &mut entry.node)
    }

    /// Sets a key; gives back what it replaced. A replaced key keeps its position.
    pub fn insert(&mut self, key: Sourced<Text>, node: Node) -> Option<Entry> {
        if let Some(at) = self.position(&key.value) {
            let slot = Arc::make_mut(&mut self.entries).get_mut(at)?;
            return Some(std::mem::replace(slot, Entry { key, node }));
        }
        let at = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        if let Some(index) = &mut self.index {
            let entries = &self.entries;
            let rehash = |at: &u32| hash_at(entries, *at);
            Arc::make_mut(index).insert_unique(hash(&key.value), at, rehash);
        }
        let entries = Arc::make_mut(&mut self.entries);
        // Most tables are elements of lists and have one entry or three: room for four, as a list
        // gets it by itself, would be most of the memory that a policy takes.
        if entries.len() == entries.capacity() {
            entries.reserve_exact(entries.len().max(1));
        }
        entries.push(Entry { key, node });
        if self.entries.len() == INDEX_FROM {
            self.reindex();
        }
        None
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let at = self.position(key)?;
        let entry = Arc::make_mut(&mut self.entries).remove(at);
        self.reindex();
        Some(entry)
    }

    /// Keeps the entries the test accepts; a table that keeps all of them stays shared.
    pub fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        if self.entries.iter().all(&keep) {
            return;
        }
        Arc::make_mut(&mut self.entries).retain(keep);
        self.reindex();
    }

    /// Visits every value, to be changed.
    pub fn for_each_mut(&mut self, mut change: impl FnMut(&mut Node)) {
        for entry in Arc::make_mut(&mut self.entries) {
            change(&mut entry.node);
        }
    }

    /// Visits every value with its key, to be changed.
    pub fn for_each_entry_mut(&mut self, mut change: impl FnMut(&str, &mut Node)) {
        for entry in Arc::make_mut(&mut self.entries) {
            change(&entry.key.value, &mut entry.node);
        }
    }

    /// Closes the dotted tables inside an inline table: nothing may extend them afterwards.
    pub(crate) fn close_dotted(&mut self) {
        self.for_each_mut(|node| {
            if let Value::Table(table) = &mut node.value
                && table.written == Written::Dotted
            {
                table.written = Written::Inline;
                table.close_dotted();
            }
        });
    }

    fn reindex(&mut self) {
        if self.entries.len() < INDEX_FROM {
            self.index = None;
            return;
        }
        let mut index = HashTable::with_capacity(self.entries.len());
        for (at, entry) in (0_u32..).zip(self.entries.iter()) {
            index.insert_unique(hash(&entry.key.value), at, |at| hash_at(&self.entries, *at));
        }
        self.index = Some(Arc::new(index));
    }
}

/// The hash of a key. Always the same for the same key: nothing random is in this crate, and what
/// collisions could cost is bounded by the size of a document.
fn hash(key: &str) -> u64 {
    FixedState::with_seed(0).hash_one(key)
}

fn hash_at(entries: &[Entry], at: u32) -> u64 {
    let entry = usize::try_from(at).ok().and_then(|at| entries.get(at));
    entry.map_or(0, |entry| hash(&entry.key.value))
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .all(|entry| other.get(&entry.key.value).is_some_and(|node| *node == entry.node))
    }
}

impl<'table> IntoIterator for &'table Table {
    type Item = &'table Entry;
    type IntoIter = std::slice::Iter<'table, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Table {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.entries).into_iter()
    }
}

impl Value {
    /// What TOML calls this kind of value.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::Boolean(_) => "boolean",
            Self::Datetime(_) => "datetime",
            Self::Array(_) => "array",
            Self::Table(_) => "table",
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Boolean(flag) = self { Some(*flag) } else { None }
    }

    /// The elements, if it is a list.
    pub fn as_array(&self) -> Option<&[Node]> {
        if let Self::Array(elements) = self { Some(elements) } else { None }
    }

    /// The table, if it is one.
    pub fn as_table(&self) -> Option<&Table> {
        if let Self::Table(table) = self { Some(table) } else { None }
    }
}

impl Node {
    /// A string at a place.
    pub fn string(text: impl Into<Text>, span: Span) -> Self {
        Self { value: Value::String(text.into()), span }
    }

    /// An empty table at a place.
    pub fn empty_table(span: Span) -> Self {
        Self { value: Value::Table(Table::default()), span }
    }

    /// Follows keys into tables.
    pub fn at<'node>(&'node self, path: &[&str]) -> Option<&'node Self> {
        path.iter().try_fold(self, |node, key| node.value.as_table()?.get(key))
    }
}

/// As Codex turns TOML into JSON: tables with sorted keys, dates as a table of one marked key.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::String(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Boolean(flag) => serializer.serialize_bool(*flag),
            Self::Datetime(text) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("$__toml_private_datetime", text.as_str())?;
                map.end()
            }
            Self::Array(elements) => {
                let mut list = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    list.serialize_element(&element.value)?;
                }
                list.end()
            }
            Self::Table(table) => {
                let mut map = serializer.serialize_map(Some(table.len()))?;
                for entry in table.sorted() {
                    map.serialize_entry(&*entry.key.value, &entry.node.value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::SourceId;

    fn key(text: &str) -> Sourced<Text> {
        Sourced { value: text.into(), span: Span::new(SourceId(0), 0, 0) }
    }

    #[test]
    fn tables_find_keys_on_both_sides_of_the_index_threshold() {
        let mut table = Table::default();
        for number in 0..40_u32 {
            let node = Node { value: Value::Integer(number.into()), span: Span::BUILT_IN };
            assert!(table.insert(key(&format!("k{number}")), node).is_none());
            for seen in 0..=number {
                assert!(table.get(&format!("k{seen}")).is_some(), "k{seen} of {number}");
            }
        }
        assert!(table.remove("k3").is_some());
        assert!(table.get("k3").is_none());
        assert_eq!(table.get("k39").map(|node| &node.value), Some(&Value::Integer(39)));
        table.retain(|entry| &*entry.key.value != "k4");
        assert_eq!(table.len(), 38);
    }

    #[test]
    fn a_sorted_table_is_the_same_table_in_the_order_of_its_keys() {
        let node = |value| Node { value, span: Span::BUILT_IN };
        let mut inner = Table::default();
        for number in (0..40).rev() {
            inner.insert(key(&format!("k{number:02}")), node(Value::Integer(number)));
        }
        let mut table = Table::default();
        table.insert(key("z"), node(Value::Boolean(true)));
        table.insert(key("below"), node(Value::Table(inner)));
        let before = table.clone();
        table.sort();
        assert_eq!(table, before, "the order does not count");
        let order = |table: &Table| table.iter().map(|it| it.key.value.clone()).collect::<Vec<_>>();
        assert_eq!(order(&table), ["below", "z"]);
        assert_eq!(order(&before), ["z", "below"], "a copy stays as it is");
        let below = table.get("below").and_then(|node| node.value.as_table()).unwrap();
        assert!(order(below).is_sorted());
        assert_eq!(below.get("k07").map(|node| &node.value), Some(&Value::Integer(7)));
    }
}
