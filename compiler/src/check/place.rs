//! Finds the key at a place, and takes out what is at a place.

use codex_schema::span::Span;
use codex_schema::value::{Entry, Node, Table, Value};

/// The dotted path of the value or key at a place, without list indexes; the deepest one that
/// holds the place.
pub(super) fn path_of(root: &Table, span: Span) -> Vec<String> {
    let mut path = Vec::new();
    walk(root, span, &mut path);
    path
}

fn walk(table: &Table, span: Span, path: &mut Vec<String>) -> bool {
    for entry in table {
        path.push(entry.key.value.to_string());
        if entry.key.span == span || in_node(&entry.node, span, path) {
            return true;
        }
        path.pop();
    }
    false
}

fn in_node(node: &Node, span: Span, path: &mut Vec<String>) -> bool {
    let below = match &node.value {
        Value::Table(table) => walk(table, span, path),
        Value::Array(elements) => elements.iter().any(|element| in_node(element, span, path)),
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_) => false,
    };
    below || holds(node.span, span)
}

/// Whether a place lies in another.
fn holds(outer: Span, inner: Span) -> bool {
    outer.source == inner.source && outer.start <= inner.start && inner.end <= outer.end
}

/// Takes the smallest thing with a meaning of its own out that is at a place: an element of a
/// list of tables, else a key with its value. Lists of plain values go whole, because what is left
/// of them would say something else.
pub(super) fn take_out(table: &mut Table, span: Span) -> bool {
    let mut remove: Option<String> = None;
    for entry in table.iter() {
        if entry.key.span == span || entry.node.span == span || contains(&entry.node, span) {
            remove = Some(entry.key.value.to_string());
            break;
        }
    }
    let Some(name) = remove else { return false };
    let exact = table
        .entry(&name)
        .is_some_and(|entry: &Entry| entry.key.span == span || entry.node.span == span);
    let deeper = !exact
        && table.get_mut(&name).is_some_and(|node| match &mut node.value {
            Value::Table(below) => take_out(below, span),
            Value::Array(elements) => element_out(elements, span),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_) => false,
        });
    if !deeper {
        table.remove(&name);
    }
    true
}

fn element_out(elements: &mut Vec<Node>, span: Span) -> bool {
    let of_tables = elements.iter().all(|element| element.value.as_table().is_some());
    let at = elements.iter().position(|one| one.span == span || contains(one, span));
    match at {
        Some(at) if of_tables && elements.len() > 1 => {
            elements.remove(at);
            true
        }
        _ => false,
    }
}

fn contains(node: &Node, span: Span) -> bool {
    let below = match &node.value {
        Value::Table(table) => {
            table.iter().any(|entry| entry.key.span == span || contains(&entry.node, span))
        }
        Value::Array(elements) => elements.iter().any(|element| contains(element, span)),
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_) => false,
    };
    below || node.span == span
}
