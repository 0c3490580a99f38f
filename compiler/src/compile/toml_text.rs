//! A table as TOML text: one form for one policy, however it was written.
//!
//! Keys come in the order of the key table, names of maps sorted. Lists of tables get a line an
//! element, with their fields in the order of the row's example.

use std::fmt::Write as _;

use codex_schema::key::Key;
use codex_schema::lookup::{Spot, Tree};
use codex_schema::path::{basic_string, is_bare};
use codex_schema::reader::read_toml_value;
use codex_schema::span::SourceId;
use codex_schema::value::{Entry, Node, Table, Value};

/// Widest line that a list stays on.
const WIDTH: usize = 100;

/// Writes a document under a heading of comments.
pub fn document(heading: &str, root: &Table, tree: &Tree) -> String {
    let mut out = heading.to_owned();
    let mut path = Vec::new();
    section(root, Some(tree.root()), &mut path, &mut out);
    out
}

/// Text that cannot end the comment it stands in.
pub fn in_comment(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// The entries of a table in their order: as the key table has them, then by name.
fn ordered<'table>(table: &'table Table, spot: Option<&Spot>) -> Vec<&'table Entry> {
    let place = |entry: &Entry| {
        let name = &*entry.key.value;
        spot.and_then(|spot| spot.fields().position(|(known, _)| known == name))
    };
    let mut entries: Vec<(usize, &Entry)> =
        table.iter().map(|entry| (place(entry).unwrap_or(usize::MAX), entry)).collect();
    entries.sort_by(|(left_at, left), (right_at, right)| {
        left_at.cmp(right_at).then_with(|| left.key.value.cmp(&right.key.value))
    });
    entries.into_iter().map(|(_, entry)| entry).collect()
}

/// Whether a value gets a heading of its own rather than a place behind `=`.
fn has_heading(entry: &Entry, spot: Option<&Spot>) -> bool {
    let is_value = spot.is_some_and(|spot| spot.key.is_some());
    !is_value && matches!(entry.node.value, Value::Table(_))
}

/// Writes the values of a table, then the tables in it.
fn section<'table>(
    table: &'table Table,
    spot: Option<&Spot>,
    path: &mut Vec<&'table str>,
    out: &mut String,
) {
    let entries = ordered(table, spot);
    let child = |entry: &Entry| spot.and_then(|spot| spot.child(&entry.key.value));
    let (headed, plain): (Vec<&Entry>, Vec<&Entry>) =
        entries.into_iter().partition(|entry| has_heading(entry, child(entry)));
    if !path.is_empty() && (!plain.is_empty() || headed.is_empty()) {
        if !out.is_empty() && !out.ends_with("\n\n") {
            out.push('\n');
        }
        out.push('[');
        for (at, part) in path.iter().enumerate() {
            if at > 0 {
                out.push('.');
            }
            name(part, out);
        }
        out.push_str("]\n");
    }
    for entry in plain {
        name(&entry.key.value, out);
        out.push_str(" = ");
        // Only values with fields of their own have an order; asking costs a parse.
        let key = child(entry).and_then(|spot| spot.key).filter(|_| has_fields(&entry.node.value));
        let order = key.map(fields).unwrap_or_default();
        line(&entry.node.value, &order, entry.key.value.len() + 3, out);
        out.push('\n');
    }
    for entry in headed {
        if let Value::Table(below) = &entry.node.value {
            path.push(&entry.key.value);
            section(below, child(entry), path, out);
            path.pop();
        }
    }
}

/// Whether a value is a table, or a list of tables.
fn has_fields(value: &Value) -> bool {
    match value {
        Value::Table(_) => true,
        Value::Array(elements) => elements.iter().any(|one| has_fields(&one.value)),
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_) => false,
    }
}

/// The names of the fields of a list's elements, in the order of the row's example.
fn fields(key: &Key) -> Vec<String> {
    let names = |table: &Table| table.iter().map(|entry| entry.key.value.to_string()).collect();
    match read_toml_value(key.example, SourceId::BUILT_IN) {
        Some(Node { value: Value::Array(elements), .. }) => {
            elements.first().and_then(|first| first.value.as_table()).map(names).unwrap_or_default()
        }
        Some(Node { value: Value::Table(table), .. }) => names(&table),
        _ => Vec::new(),
    }
}

/// A value behind `=`. A list that is too wide, or that holds tables, gets a line an element.
fn line(value: &Value, order: &[String], used: usize, out: &mut String) {
    let Value::Array(elements) = value else { return inline(value, order, out) };
    let tables = elements.iter().any(|one| matches!(one.value, Value::Table(_)));
    if !tables {
        let start = out.len();
        inline(value, order, out);
        if out.len() - start + used <= WIDTH {
            return;
        }
        out.truncate(start);
    }
    out.push_str("[\n");
    for element in elements {
        out.push_str("    ");
        inline(&element.value, order, out);
        out.push_str(",\n");
    }
    out.push(']');
}

/// A value on one line.
fn inline(value: &Value, order: &[String], out: &mut String) {
    match value {
        Value::String(text) => basic_string(text, out),
        Value::Integer(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) if number.is_nan() => out.push_str("nan"),
        Value::Float(number) => {
            let _ = write!(out, "{number:?}");
        }
        Value::Boolean(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Datetime(text) => out.push_str(text),
        Value::Array(elements) => {
            out.push('[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                inline(&element.value, order, out);
            }
            out.push(']');
        }
        Value::Table(table) if table.is_empty() => out.push_str("{}"),
        Value::Table(table) => {
            let place = |entry: &Entry| {
                let at = order.iter().position(|known| **known == *entry.key.value);
                at.unwrap_or(usize::MAX)
            };
            let mut entries: Vec<(usize, &str, &Entry)> =
                table.iter().map(|entry| (place(entry), &*entry.key.value, entry)).collect();
            entries.sort_by_key(|(place, name, _)| (*place, *name));
            out.push_str("{ ");
            for (at, (_, _, entry)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                name(&entry.key.value, out);
                out.push_str(" = ");
                inline(&entry.node.value, order, out);
            }
            out.push_str(" }");
        }
    }
}

/// A key: bare where it can be.
fn name(text: &str, out: &mut String) {
    if is_bare(text) { out.push_str(text) } else { basic_string(text, out) }
}
