//! What an exception takes away.

use codex_schema::lookup::REQUIREMENTS;
use codex_schema::value::{Node, Table, Value};

use super::{Document, EffectivePolicy, Event, Outcome, Voice};
use crate::repository::exception::Lifted;

/// Takes a key, or one element of its list, out of a policy.
pub(super) fn lift(policy: &mut EffectivePolicy, lifted: &Lifted, voice: &Voice) {
    let path: Vec<&str> = lifted.path.iter().map(String::as_str).collect();
    let document = match REQUIREMENTS.find(&path) {
        Some(_) => Document::Requirements,
        None => Document::Config,
    };
    let root = match document {
        Document::Requirements => &mut policy.requirements,
        Document::Config => &mut policy.config,
    };
    let gone = match &lifted.value {
        None => remove_key(root, &path),
        Some(value) => remove_element(root, &path, value),
    };
    policy.events.push(Event {
        document,
        path: lifted.path.clone(),
        outcome: if gone.is_some() { Outcome::Lifts } else { Outcome::LiftsNothing },
        voice: voice.clone(),
        span: lifted.span,
        above: gone.map(|node| node.span),
        words: Vec::new(),
    });
}

fn table_of<'root>(root: &'root mut Table, path: &[&str]) -> Option<&'root mut Table> {
    path.iter().try_fold(root, |table, name| match &mut table.get_mut(name)?.value {
        Value::Table(below) => Some(below),
        _ => None,
    })
}

fn remove_key(root: &mut Table, path: &[&str]) -> Option<Node> {
    let (last, tables) = path.split_last()?;
    table_of(root, tables)?.remove(last).map(|entry| entry.node)
}

fn remove_element(root: &mut Table, path: &[&str], value: &Node) -> Option<Node> {
    let (last, tables) = path.split_last()?;
    let table = table_of(root, tables)?;
    // Looked for first: a list that stays as it is stays shared.
    let at = table.get(last)?.value.as_array()?.iter().position(|one| one.value == value.value)?;
    match &mut table.get_mut(last)?.value {
        Value::Array(elements) if at < elements.len() => Some(elements.remove(at)),
        _ => None,
    }
}
