//! Which findings can be mended without asking, and how. A fix says what the author evidently
//! meant: it is offered only where the new name is free, its value fits, and every version of
//! interest knows it.

use std::cell::LazyCell;

use codex_schema::diagnostic::{Code, Diagnostic, Edit, Fix};
use codex_schema::path::dotted;
use codex_schema::span::Span;
use codex_schema::table::feature_names;
use codex_schema::value::{Entry, Node, Table, Value};
use codex_schema::version::Version;

use super::Findings;
use super::document::Subject;
use crate::format::tree;

/// Most findings of a document that get a fix at once; the others get theirs when these are mended.
const MOST: usize = 500;

/// A document as its fixes see it.
struct Written<'a> {
    text: &'a str,
    /// Its lines, read when a fix has to find something in them: few do.
    tree: LazyCell<tree::Document, Box<dyn FnOnce() -> tree::Document + 'a>>,
    versions: &'a [Version],
}

/// Adds the fixes of a document's findings.
pub(super) fn add(subject: &Subject<'_>, text: &str, versions: &[Version], found: &mut Findings) {
    let written = Written { text, tree: LazyCell::new(Box::new(|| tree::read(text))), versions };
    for diagnostic in found.list.iter_mut().take(MOST) {
        if diagnostic.fix.is_none() && diagnostic.primary.span.source == subject.id {
            diagnostic.fix = fix(subject, &written, diagnostic);
        }
    }
}

fn fix(subject: &Subject<'_>, written: &Written<'_>, diagnostic: &Diagnostic) -> Option<Fix> {
    let span = diagnostic.primary.span;
    match diagnostic.code {
        Code::UnknownKey | Code::UnknownFeature | Code::Deprecated | Code::NewName => {
            let new = diagnostic.suggestion.as_deref()?;
            rename(subject, written, span, new)
        }
        Code::UnknownValue => respell(subject, span, diagnostic.suggestion.as_deref()?),
        Code::DuplicateEntry => Some(Fix {
            title: "remove the repeated entry".to_owned(),
            edits: vec![Edit::Remove { span }],
        }),
        Code::PortIgnored => without_port(subject.root, span),
        Code::SandboxWithoutReadOnly => with_read_only(subject.root, written.text, span),
        _ => None,
    }
}

/// An entry, the table it is in, and the path of that table.
struct Place<'root> {
    table: &'root Table,
    entry: &'root Entry,
    parents: Vec<String>,
}

/// Finds the entry whose key stands at a place.
fn entry_at(root: &Table, span: Span) -> Option<Place<'_>> {
    let mut open = vec![(root, Vec::new())];
    while let Some((table, parents)) = open.pop() {
        for entry in table {
            if entry.key.span == span {
                return Some(Place { table, entry, parents });
            }
            let mut below = parents.clone();
            below.push(entry.key.value.to_string());
            match &entry.node.value {
                Value::Table(inner) => open.push((inner, below)),
                Value::Array(elements) => {
                    let tables = elements.iter().filter_map(|element| element.value.as_table());
                    open.extend(tables.map(|table| (table, below.clone())));
                }
                _ => {}
            }
        }
    }
    None
}

/// Finds the value at a place.
fn node_at(table: &Table, span: Span) -> Option<&Node> {
    fn inside(node: &Node, span: Span) -> Option<&Node> {
        if node.span == span {
            return Some(node);
        }
        match &node.value {
            Value::Table(table) => node_at(table, span),
            Value::Array(elements) => elements.iter().find_map(|element| inside(element, span)),
            _ => None,
        }
    }
    table.iter().find_map(|entry| inside(&entry.node, span))
}

fn rename(subject: &Subject<'_>, written: &Written<'_>, span: Span, new: &str) -> Option<Fix> {
    let Place { table, entry, parents } = entry_at(subject.root, span)?;
    let old = &*entry.key.value;
    let (above, name) = new.rsplit_once('.').unwrap_or(("", new));
    // A name in another table would be a move, which is not made here.
    let moves = !above.is_empty() && above != parents.join(".");
    if moves || name == old || table.get(name).is_some() || !fits(subject, &parents, name, entry) {
        return None;
    }
    if !written.versions.iter().all(|version| is_known(subject, &parents, name, *version)) {
        return None;
    }
    let mut path = parents;
    path.push(old.to_owned());
    let mut edits: Vec<Edit> = occurrences(&written.tree, &path)
        .into_iter()
        .map(|range| Edit::Replace {
            span: Span::new(span.source, range.start, range.end),
            text: dotted(&[name]),
        })
        .collect();
    let holds = |edit: &Edit| matches!(edit, Edit::Replace { span: at, .. } if *at == span);
    if !edits.iter().any(holds) {
        edits = vec![Edit::Replace { span, text: dotted(&[name]) }];
    }
    Some(Fix { title: format!("rename `{old}` to `{name}`"), edits })
}

/// Whether a value may stand under a name.
fn fits(subject: &Subject<'_>, parents: &[String], name: &str, entry: &Entry) -> bool {
    let Some(spot) = spot(subject, parents, name) else { return false };
    match spot.key {
        Some(row) => row.ty.check(&entry.node).is_ok(),
        None => entry.node.value.as_table().is_some(),
    }
}

fn spot<'tree>(
    subject: &Subject<'tree>,
    parents: &[String],
    name: &str,
) -> Option<&'tree codex_schema::lookup::Spot> {
    let mut path: Vec<&str> = parents.iter().map(String::as_str).collect();
    path.push(name);
    subject.tree.find(&path)
}

fn is_known(subject: &Subject<'_>, parents: &[String], name: &str, version: Version) -> bool {
    let is_pin =
        matches!(parents, [table] if table == "features" || table == "feature_requirements");
    if is_pin {
        return feature_names::find(name).is_some_and(|row| row.known_to(version));
    }
    spot(subject, parents, name).is_some_and(|spot| spot.known_to(version))
}

/// Every place where a key is named, in headings and in dotted keys.
fn occurrences(document: &tree::Document, path: &[String]) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut heading: Vec<String> = Vec::new();
    for line in &document.lines {
        match &line.what {
            tree::Line::Heading { keys, .. } => {
                heading.clear();
                find(keys, &mut heading, path, &mut found);
            }
            tree::Line::Entry(entry) => in_entry(entry, &heading, path, &mut found),
        }
    }
    found
}

fn find(
    keys: &[tree::Key],
    above: &mut Vec<String>,
    path: &[String],
    found: &mut Vec<std::ops::Range<usize>>,
) {
    for key in keys {
        above.push(key.name.clone());
        if *above == path {
            found.push(key.span.clone());
        }
    }
}

fn in_entry(
    entry: &tree::Entry,
    above: &[String],
    path: &[String],
    found: &mut Vec<std::ops::Range<usize>>,
) {
    let mut inside = above.to_vec();
    find(&entry.keys, &mut inside, path, found);
    if let tree::Value::Table { items, .. } = &entry.value {
        items.iter().for_each(|item| in_entry(&item.what, &inside, path, found));
    }
}

/// A value that differs from a known one in case or in `-` and `_` only.
fn respell(subject: &Subject<'_>, span: Span, meant: &str) -> Option<Fix> {
    let node = node_at(subject.root, span)?;
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let written = node.value.as_str()?;
    (plain(written) == plain(meant)).then(|| Fix {
        title: format!("write `{meant}`"),
        edits: vec![Edit::Replace { span, text: quoted(meant) }],
    })
}

fn without_port(root: &Table, span: Span) -> Option<Fix> {
    let as_key = entry_at(root, span);
    let pattern = match &as_key {
        Some(place) => &*place.entry.key.value,
        None => node_at(root, span)?.value.as_str()?,
    };
    let (host, _) = pattern.rsplit_once(':')?;
    if as_key.as_ref().is_some_and(|place| place.table.get(host).is_some()) {
        return None;
    }
    let edits = vec![Edit::Replace { span, text: quoted(host) }];
    Some(Fix { title: format!("write `{host}` without the port"), edits })
}

/// Adds the missing element behind the last one, whose text stays as it is.
fn with_read_only(root: &Table, text: &str, span: Span) -> Option<Fix> {
    let last = node_at(root, span)?.value.as_array()?.last()?;
    let range = usize::try_from(last.span.start).ok()?..usize::try_from(last.span.end).ok()?;
    let written = text.get(range)?;
    let edits = vec![Edit::Replace { span: last.span, text: format!("{written}, \"read-only\"") }];
    Some(Fix { title: "add `read-only` to the list".to_owned(), edits })
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
