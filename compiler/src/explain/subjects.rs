//! Which settings there are: keys of the configuration that somebody sets, keys that a
//! requirement acts on, and requirements that nothing in the configuration corresponds to.

use std::collections::BTreeMap;

use codex_schema::key::{Effect, Key};
use codex_schema::lookup::{CONFIG, REQUIREMENTS, Spot, Tree};
use codex_schema::path::{WrittenPath, parts};
use codex_schema::value::{Table, Value};

use super::Scope;
use crate::evaluate::Evaluation;

/// One setting to be explained.
#[derive(Clone, Debug, Default)]
pub(super) struct Subject {
    /// The row of the configuration, where there is one.
    pub(super) config: Option<&'static Key>,
    /// Requirement keys that act on it: the row and the concrete path.
    pub(super) requirements: Vec<(&'static Key, Vec<String>)>,
}

/// The names that lead to a key.
pub(super) type Path = Vec<String>;

/// All subjects by the paths of their keys.
pub(super) fn subjects(evaluation: &Evaluation, scope: Scope<'_>) -> BTreeMap<Path, Subject> {
    let mut found: BTreeMap<Path, Subject> = BTreeMap::new();
    if scope == Scope::All {
        for key in CONFIG.keys().iter().filter(|key| !key.path.contains('*')) {
            found.entry(owned(key.path)).or_default().config = Some(key);
        }
    }
    for layer in &evaluation.configuration.layers {
        for (path, key) in leaves(&layer.layer.root, &CONFIG) {
            found.entry(path).or_default().config = Some(key);
        }
    }
    for (name, _) in &evaluation.gathered.arguments.requests {
        found.entry(owned(name)).or_default();
    }
    for layer in &evaluation.composition.layers {
        for (path, key) in leaves(&layer.root, &REQUIREMENTS) {
            let (name, path) = subject_of(key, path);
            let subject = found.entry(name).or_default();
            if !subject.requirements.iter().any(|(_, known)| *known == path) {
                subject.requirements.push((key, path));
            }
        }
    }
    if let Scope::Key(wanted) = scope {
        keep_asked(&mut found, wanted);
    }
    for (name, subject) in &mut found {
        let parts: Vec<&str> = name.iter().map(String::as_str).collect();
        subject.config = subject.config.or_else(|| CONFIG.find(&parts).and_then(|spot| spot.key));
    }
    found
}

/// Leaves what is asked for. Where nobody says anything about it, the tables still know it: keys
/// of the configuration, and of the requirements.
fn keep_asked(found: &mut BTreeMap<Path, Subject>, wanted: &str) {
    let asked = WrittenPath::new(wanted);
    found.retain(|name, subject| {
        asked.covers(name) || subject.requirements.iter().any(|(_, path)| asked.is(path))
    });
    if !found.is_empty() {
        return;
    }
    let names: Vec<&str> = parts(wanted).collect();
    for key in CONFIG.keys() {
        if let Some(path) = at_or_below(&names, key) {
            found.entry(path).or_default();
        }
    }
    for key in REQUIREMENTS.keys() {
        if let Some(path) = at_or_below(&names, key) {
            let (name, path) = subject_of(key, path);
            found.entry(name).or_default().requirements.push((key, path));
        }
    }
}

/// The path of a row that is asked for, or that stands below what is asked for. A map without
/// entries has nothing below it.
fn at_or_below(asked: &[&str], key: &Key) -> Option<Path> {
    let row: Vec<&str> = parts(key.path).collect();
    let mut pairs = row.iter().zip(asked);
    let fits = asked.len() <= row.len() && pairs.all(|(part, name)| *part == "*" || part == name);
    let below = row.get(asked.len()..)?;
    let whole = fits && !below.contains(&"*");
    whole.then(|| asked.iter().chain(below).map(|name| (*name).to_owned()).collect())
}

/// The setting a requirement acts on, and the path under which the requirement is looked up.
fn subject_of(key: &'static Key, path: Path) -> (Path, Path) {
    match key.effect {
        Effect::Constrains(config) => (owned(config), requirement_path(key, path)),
        Effect::Fixes(pattern) => (concrete(pattern, key.path, &path), path),
        Effect::Pins(map) => {
            (parts(map).map(str::to_owned).chain(path.last().cloned()).collect(), path)
        }
        Effect::Allows(_) | Effect::Adds | Effect::Hints | Effect::None => {
            let path = requirement_path(key, path);
            (path.clone(), path)
        }
    }
}

/// A map is explained as a whole: ten thousand domains are one setting.
fn requirement_path(key: &Key, mut path: Path) -> Path {
    if let Some(at) = parts(key.path).position(|part| part == "*") {
        path.truncate(at);
    }
    path
}

/// `otel.span_attributes.*` for `otel.span_attributes.team`.
fn concrete(pattern: &str, key_path: &str, path: &[String]) -> Path {
    let mut names =
        parts(key_path).zip(path).filter(|(part, _)| *part == "*").map(|(_, name)| name.as_str());
    let named =
        parts(pattern).map(|part| if part == "*" { names.next().unwrap_or(part) } else { part });
    named.map(str::to_owned).collect()
}

fn owned(path: &str) -> Path {
    parts(path).map(str::to_owned).collect()
}

/// Every value of a document at the granularity of the table's rows. Unknown names have no row.
fn leaves(root: &Table, tree: &'static Tree) -> Vec<(Vec<String>, &'static Key)> {
    let mut found = Vec::new();
    walk(root, tree.root(), &mut Vec::new(), &mut found);
    found
}

fn walk(
    table: &Table,
    spot: &'static Spot,
    path: &mut Vec<String>,
    found: &mut Vec<(Vec<String>, &'static Key)>,
) {
    // Large maps of plain values are one setting: their entries need no walk of their own.
    let whole = spot.is_map() && table.len() > 64;
    for entry in table.iter().take(if whole { 1 } else { usize::MAX }) {
        let Some(child) = spot.child(&entry.key.value) else { continue };
        path.push(entry.key.value.to_string());
        if let Some(key) = child.key {
            found.push((path.clone(), key));
        } else if let Value::Table(below) = &entry.node.value {
            walk(below, child, path, found);
        }
        path.pop();
    }
}
