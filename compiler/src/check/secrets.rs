//! Where secrets stand in a text: the rows of the key table say which values are secret.

use codex_schema::key::Secret;
use codex_schema::lookup::{Spot, Tree};
use codex_schema::span::Span;
use codex_schema::value::{Node, Table, Value};

/// Words in names of keys that no row knows: a misspelt secret is still one.
const TELLING: &[&str] = &["token", "secret", "password", "api_key", "apikey", "authorization"];

/// Adds the places of all secret values.
pub(super) fn collect(root: &Table, tree: &Tree, found: &mut Vec<Span>) {
    table(root, Some(tree.root()), found);
}

fn table(entries: &Table, spot: Option<&Spot>, found: &mut Vec<Span>) {
    for entry in entries {
        let child = spot.and_then(|spot| spot.child(&entry.key.value));
        let row = child.and_then(|child| child.key);
        let name = entry.key.value.to_lowercase();
        let telling = row.is_none() && TELLING.iter().any(|word| name.contains(word));
        if row.is_some_and(|row| row.secret == Secret::Yes) || telling {
            texts(&entry.node, found);
            continue;
        }
        match &entry.node.value {
            Value::Table(below) => table(below, child, found),
            Value::Array(elements) => {
                for element in elements.iter().filter_map(|one| one.value.as_table()) {
                    table(element, child, found);
                }
            }
            _ => {}
        }
    }
}

/// The texts inside a secret value: brackets and names may be shown, contents may not.
fn texts(node: &Node, found: &mut Vec<Span>) {
    match &node.value {
        Value::String(_) => found.push(node.span),
        Value::Array(elements) => elements.iter().for_each(|element| texts(element, found)),
        Value::Table(below) => below.iter().for_each(|entry| texts(&entry.node, found)),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}
