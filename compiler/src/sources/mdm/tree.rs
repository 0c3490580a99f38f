//! A property list as a tree that keeps every key and knows where everything stands.

use super::problem::{ByteRange, MdmProblem, ProblemKind, Problems, shown};
use std::collections::BTreeMap;

/// One value.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The text of a string or other leaf; the whole element of a container.
    pub(super) range: ByteRange,
    pub(super) data: Data,
}

/// What a value is. Leaves that no rule looks at keep their type's name only.
#[derive(Debug, Clone)]
pub(super) enum Data {
    Dictionary(Vec<Entry>),
    Array(Vec<Node>),
    String(String),
    Integer(i64),
    /// As XML property lists write it: `2027-01-31T00:00:00Z`.
    Date(String),
    Other(&'static str),
}

/// One key and its value; a dictionary may hold the same key again.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_range: ByteRange,
    pub(super) value: Node,
}

impl Node {
    /// Returns the type's name as XML property lists spell it.
    pub(super) fn type_name(&self) -> &'static str {
        match self.data {
            Data::Dictionary(_) => "dict",
            Data::Array(_) => "array",
            Data::String(_) => "string",
            Data::Integer(_) => "integer",
            Data::Date(_) => "date",
            Data::Other(name) => name,
        }
    }

    pub(super) fn entries(&self) -> Option<&[Entry]> {
        match &self.data {
            Data::Dictionary(entries) => Some(entries),
            Data::Array(_)
            | Data::String(_)
            | Data::Integer(_)
            | Data::Date(_)
            | Data::Other(_) => None,
        }
    }

    pub(super) fn items(&self) -> Option<&[Self]> {
        match &self.data {
            Data::Array(items) => Some(items),
            Data::Dictionary(_)
            | Data::String(_)
            | Data::Integer(_)
            | Data::Date(_)
            | Data::Other(_) => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            Data::Dictionary(_)
            | Data::Array(_)
            | Data::Integer(_)
            | Data::Date(_)
            | Data::Other(_) => None,
        }
    }

    /// Returns the last value of a key: the one most readers keep.
    pub(super) fn find(&self, key: &str) -> Option<&Self> {
        let entries = self.entries()?;
        entries.iter().rev().find(|entry| entry.key == key).map(|entry| &entry.value)
    }
}

/// Reports every key that a dictionary of the tree holds more than once.
///
/// The tree's depth is bounded by whoever built it.
pub(super) fn report_duplicates(node: &Node, problems: &mut Problems) {
    match &node.data {
        Data::Dictionary(entries) => {
            let mut first: BTreeMap<&str, &Entry> = BTreeMap::new();
            for entry in entries {
                if let Some(earlier) = first.get(entry.key.as_str()) {
                    problems.add_with(|| duplicate(entry, earlier));
                } else {
                    first.insert(&entry.key, entry);
                }
                report_duplicates(&entry.value, problems);
            }
        }
        Data::Array(items) => items.iter().for_each(|item| report_duplicates(item, problems)),
        Data::String(_) | Data::Integer(_) | Data::Date(_) | Data::Other(_) => {}
    }
}

fn duplicate(entry: &Entry, earlier: &Entry) -> MdmProblem {
    MdmProblem::error(
        ProblemKind::DuplicateKey,
        format!("the key `{}` stands twice in the same dictionary", shown(&entry.key)),
        "keep one of the two: property list readers differ in which one they use",
    )
    .at(entry.key_range.clone())
    .beside(earlier.key_range.clone())
}
