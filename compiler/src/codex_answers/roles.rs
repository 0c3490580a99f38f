//! Roles of agents that Codex passes over with a warning; measured at 0.118.0, 0.138.0, 0.157.1
//! and 0.169.0.

use std::collections::BTreeSet;

use codex_schema::value::{Entry, Node, Value};
use codex_schema::version::Version;

use crate::evaluate::Evaluation;
use crate::files::{Content, Files, Unreadable};

/// What Codex says about roles, the lowest layer first. A role that a lower layer describes needs
/// no description of its own.
pub(super) fn warnings(evaluation: &Evaluation) -> Vec<String> {
    let mut said = Vec::new();
    if evaluation.machine.version < Version::of(118) {
        return said;
    }
    let mut described: BTreeSet<&str> = BTreeSet::new();
    for layer in evaluation.configuration.loaded() {
        let agents = layer.layer.root.get("agents").and_then(|node| node.value.as_table());
        let entries = agents.map(|table| table.sorted()).unwrap_or_default();
        for role in entries.iter().filter(|entry| matches!(entry.node.value, Value::Table(_))) {
            let name = &*role.key.value;
            match of_role(role, evaluation.named(), described.contains(name)) {
                Ok(()) => {
                    described.insert(name);
                }
                Err(reason) => {
                    said.push(format!("Ignoring malformed agent role definition: {reason}"));
                }
            }
        }
    }
    said
}

fn of_role(role: &Entry, files: &dyn Files, inherits: bool) -> Result<(), String> {
    let name = &*role.key.value;
    let field = |field: &str| role.node.at(&[field]);
    let file = field("config_file").and_then(|node| node.value.as_str());
    let file = file.map(|path| content(name, path, files)).transpose()?;
    let description = field("description").and_then(|node| node.value.as_str());
    if description.is_some_and(|text| text.trim().is_empty()) {
        return Err(format!("agents.{name}.description cannot be blank"));
    }
    if let Some(words) = field("nickname_candidates").and_then(nicknames) {
        return Err(format!("agents.{name}.nickname_candidates {words}"));
    }
    let in_file = match file {
        Some((path, text)) => described(path, &text)?,
        None => false,
    };
    if description.is_some() || in_file || inherits {
        return Ok(());
    }
    Err(format!("agent role `{name}` must define a description"))
}

/// The file of a role.
fn content<'a>(name: &str, path: &'a str, files: &dyn Files) -> Result<(&'a str, String), String> {
    let key = format!("agents.{name}.config_file");
    match files.read(path) {
        Content::Bytes(bytes) => Ok((path, String::from_utf8_lossy(&bytes).into_owned())),
        Content::Unreadable(Unreadable::NotAFile) => {
            Err(format!("{key} must point to a file: {path}"))
        }
        Content::Absent => Err(format!(
            "{key} must point to an existing file at {path}: No such file or directory (os error 2)"
        )),
        Content::Unreadable(other) => {
            Err(format!("{key} must point to an existing file at {path}: {other}"))
        }
    }
}

/// Whether the file of a role describes it.
fn described(path: &str, text: &str) -> Result<bool, String> {
    let table = toml::from_str::<toml::Table>(text)
        .map_err(|error| format!("failed to parse agent role file at {path}: {error}"))?;
    let text = table.get("description").and_then(toml::Value::as_str);
    Ok(text.is_some_and(|text| !text.trim().is_empty()))
}

/// What is wrong with the names for agents of a role.
fn nicknames(list: &Node) -> Option<&'static str> {
    let names = list.value.as_array()?.iter().filter_map(|node| node.value.as_str());
    let names: Vec<&str> = names.map(str::trim).collect();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || [' ', '-', '_'].contains(&letter);
    let distinct: BTreeSet<&&str> = names.iter().collect();
    if names.is_empty() {
        Some("must contain at least one name")
    } else if names.iter().any(|name| name.is_empty()) {
        Some("cannot contain blank names")
    } else if distinct.len() < names.len() {
        Some("cannot contain duplicates")
    } else if names.iter().any(|name| !name.chars().all(plain)) {
        Some("may only contain ASCII letters, digits, spaces, hyphens, and underscores")
    } else {
        None
    }
}
