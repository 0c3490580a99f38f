//! Where secrets stand in a text: the rows of the key table say which values are secret.

use codex_schema::diagnostic::{Diagnostic, Edit};
use codex_schema::key::Secret;
use codex_schema::lookup::{CONFIG, Spot, Tree};
use codex_schema::span::{SourceId, Span};
use codex_schema::value::{Node, Table, Value};

use super::{FileKind, Report};

/// Words in names of keys that no row knows: a misspelt secret is still one.
const TELLING: &[&str] =
    &["token", "bearer", "secret", "password", "api_key", "apikey", "authorization"];

/// Adds the places of all secret values.
pub(crate) fn collect(root: &Table, tree: &Tree, found: &mut Vec<Span>) {
    table(root, Some(tree.root()), false, found);
}

/// Goes through a table. Below a row (`governed`) the rows alone say what is secret: a `token` of a
/// command rule is none.
fn table(entries: &Table, spot: Option<&Spot>, governed: bool, found: &mut Vec<Span>) {
    // Below a row that has no rows below it nothing is secret.
    if governed && spot.is_none() {
        return;
    }
    for entry in entries {
        let name = || entry.key.value.to_lowercase();
        let child = spot.and_then(|spot| {
            spot.child(&entry.key.value).or_else(|| spot.child(spot.closest(&name())?))
        });
        let row = child.and_then(|child| child.key);
        let governed = governed || row.is_some();
        let is_telling = |name: &str| TELLING.iter().any(|word| name.contains(word));
        let telling = !governed && is_telling(&name());
        if row.is_some_and(|row| row.secret == Secret::Yes) || telling {
            texts(&entry.node, found);
            continue;
        }
        match &entry.node.value {
            Value::Table(below) => table(below, child, governed, found),
            Value::Array(elements) => {
                for element in elements.iter().filter_map(|one| one.value.as_table()) {
                    table(element, child, governed, found);
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

/// Adds what may be a secret in a text with syntax errors: whatever follows a secret key on its
/// line, and the lines after it up to the next key or heading.
pub(super) fn collect_lines(text: &str, id: SourceId, tree: &Tree, found: &mut Vec<Span>) {
    let mut heading: Vec<String> = Vec::new();
    let mut secret = false;
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        let start = begin;
        begin += line.len();
        let trimmed = line.trim();
        if let Some(name) = trimmed.strip_prefix('[') {
            let name = name.trim_start_matches('[').split(']').next().unwrap_or_default();
            if is_key(name) {
                (heading, secret) = (parts(name), false);
                continue;
            }
        }
        let key = line.split_once('=').filter(|(key, _)| is_key(key));
        if let Some((key, _)) = key {
            let path: Vec<String> = heading.iter().cloned().chain(parts(key)).collect();
            secret = is_secret(&path, tree);
        }
        if secret {
            let from = start + key.map_or(0, |(key, _)| key.len() + 1);
            found.push(Span::new(id, from, begin));
        }
    }
}

fn parts(path: &str) -> Vec<String> {
    path.split('.').map(|part| part.trim().trim_matches(['"', '\'']).to_owned()).collect()
}

fn is_key(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || " \t_-.\"':*".contains(c);
    !text.trim().is_empty() && text.chars().all(plain)
}

/// Whether the line of a key may show a secret: by the row of the key or of what may stand below
/// it, and by the telling name of a key that no row governs.
fn is_secret(path: &[String], tree: &Tree) -> bool {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    if let Some(spot) = tree.find(&names) {
        return holds_secret(spot);
    }
    if let Some(row) = tree.key_of(&names) {
        return row.secret == Secret::Yes;
    }
    let telling = |name: &&str| TELLING.iter().any(|word| name.to_lowercase().contains(word));
    names.iter().any(telling)
}

fn holds_secret(spot: &Spot) -> bool {
    spot.key.is_some_and(|row| row.secret == Secret::Yes)
        || spot.any().is_some_and(holds_secret)
        || spot.named().any(|(_, below)| holds_secret(below))
}

/// A TOML text of a kind with its secrets blanked out.
pub fn redacted(text: &str, kind: Option<FileKind>) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let id = SourceId(0);
    let parsed = codex_schema::reader::read_toml(text, id);
    let tree = kind.and_then(crate::format::keys).unwrap_or(&CONFIG);
    let mut spans = Vec::new();
    collect(&parsed.root, tree, &mut spans);
    if !parsed.problems.is_empty() {
        collect_lines(text, id, tree, &mut spans);
    }
    blank(text, &mut spans)
}

/// A text with some places blanked out.
pub(crate) fn blank(text: &str, spans: &mut [Span]) -> String {
    spans.sort_by_key(|span| span.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for span in spans {
        let wide = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
        let (start, end) = (wide(span.start), wide(span.end));
        if start < at {
            at = at.max(end);
            continue;
        }
        out.push_str(text.get(at..start).unwrap_or_default());
        out.push_str("‹redacted›");
        at = end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// Shorter texts are found everywhere and would make messages unreadable.
const SHORTEST: usize = 4;

/// Takes secrets out of everything that diagnostics say.
pub(super) fn scrub(report: &Report, diagnostics: &mut [Diagnostic]) {
    let mut hidden: Vec<String> = Vec::new();
    for span in &report.secrets {
        let range = usize::try_from(span.start).ok().zip(usize::try_from(span.end).ok());
        let text = report.documents.get(span.source).zip(range);
        let text = text.and_then(|(document, (start, end))| document.text.get(start..end));
        for line in text.unwrap_or_default().lines() {
            let inner = line.trim().trim_matches(['"', '\'', ',']);
            let decoded = codex_schema::reader::read_toml_value(line.trim(), span.source);
            let decoded = decoded.and_then(|node| node.value.as_str().map(str::to_owned));
            for text in decoded.into_iter().chain([inner.to_owned()]) {
                if text.chars().count() >= SHORTEST && !hidden.contains(&text) {
                    hidden.push(text);
                }
            }
        }
    }
    if hidden.is_empty() {
        return;
    }
    // The longest first: a secret may contain another.
    hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let clean = |text: &mut String| {
        for secret in hidden.iter().filter(|secret| secret.len() >= SHORTEST) {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), "‹redacted›");
            }
        }
    };
    for diagnostic in diagnostics {
        clean(&mut diagnostic.message);
        clean(&mut diagnostic.primary.text);
        diagnostic.labels.iter_mut().for_each(|label| clean(&mut label.text));
        diagnostic.help.iter_mut().for_each(clean);
        diagnostic.suggestion.iter_mut().for_each(clean);
        diagnostic.effects.iter_mut().filter_map(|effect| effect.says.as_mut()).for_each(clean);
        // A change that would write a secret out is not offered: it could not be shown.
        let holds = |text: &str| hidden.iter().any(|secret| text.contains(secret.as_str()));
        diagnostic.fix = diagnostic.fix.take().filter(|fix| {
            !holds(&fix.title)
                && !fix.edits.iter().any(|edit| match edit {
                    Edit::Replace { text, .. } | Edit::Set { value: text, .. } => holds(text),
                    Edit::Remove { .. } => false,
                })
        });
    }
}
