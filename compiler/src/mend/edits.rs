//! Edits as changes of a text. Everything that is not edited stays to the byte.

use std::ops::Range;

use codex_schema::diagnostic::Edit;
use codex_schema::span::{SourceId, Span};
use toml_edit::{DocumentMut, Item as EditItem, Table as EditTable, TableLike, Value as EditValue};

use crate::format::tree::{self, Document, Entry, Item, Lead, Line, Value};

/// The document an edit is about.
pub(super) fn source(edit: &Edit) -> SourceId {
    match edit {
        Edit::Replace { span, .. } | Edit::Remove { span } => span.source,
        Edit::Set { source, .. } => *source,
    }
}

/// Changes of one text that do not touch each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    pieces: Vec<(Range<usize>, String)>,
    sets: Vec<(Vec<String>, String)>,
}

impl Changes {
    /// Takes an edit in, unless it touches an earlier one or its place does not exist.
    pub(super) fn add(&mut self, edit: &Edit, text: &str) -> bool {
        let piece = match edit {
            Edit::Replace { span, text: new } => (range(*span), new.clone()),
            Edit::Remove { span } => match removal(&tree::read(text), text, &range(*span)) {
                Some(range) => (range, String::new()),
                None => return false,
            },
            Edit::Set { path, value, .. } => {
                let below = |one: &[String], other: &[String]| one.starts_with(other);
                let clash =
                    self.sets.iter().any(|(known, _)| below(known, path) || below(path, known));
                if !clash {
                    self.sets.push((path.clone(), value.clone()));
                }
                return !clash;
            }
        };
        let touches = |(known, _): &(Range<usize>, String)| {
            known.start < piece.0.end && piece.0.start < known.end || known.start == piece.0.start
        };
        if text.get(piece.0.clone()).is_none() || self.pieces.iter().any(touches) {
            return false;
        }
        self.pieces.push(piece);
        true
    }

    /// The new text; `None` when a key cannot be set in it.
    pub(super) fn apply(mut self, text: &str) -> Option<String> {
        self.pieces.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        let mut out = text.to_owned();
        for (range, new) in &self.pieces {
            out.replace_range(range.clone(), new);
        }
        for (path, value) in &self.sets {
            out = set(&out, path, value)?;
        }
        Some(out)
    }
}

fn range(span: Span) -> Range<usize> {
    let wide = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
    wide(span.start)..wide(span.end)
}

/// Sets a key, making the tables on the way. A value that is there keeps the comment behind it.
fn set(text: &str, path: &[String], value: &str) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let mut value: EditValue = value.parse().ok()?;
    let (last, parents) = path.split_last()?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for name in parents {
        if table.get(name).is_none() {
            let mut fresh = EditTable::new();
            fresh.set_implicit(true);
            table.insert(name, EditItem::Table(fresh));
        }
        table = table.get_mut(name)?.as_table_like_mut()?;
    }
    match table.get_mut(last) {
        Some(EditItem::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        Some(_) => return None,
        None => drop(table.insert(last, EditItem::Value(value))),
    }
    let out = document.to_string();
    // The library writes plain line feeds.
    let is_dos = text.contains("\r\n");
    Some(if is_dos { out.replace("\r\n", "\n").replace('\n', "\r\n") } else { out })
}

/// The bytes to take out for the thing at a place, with the comment behind it, and with the lines
/// of comments above an entry that stands alone under them.
fn removal(document: &Document, text: &str, at: &Range<usize>) -> Option<Range<usize>> {
    for (index, line) in document.lines.iter().enumerate() {
        match &line.what {
            Line::Heading { keys, .. } => {
                let own = line.span == *at || keys.last().is_some_and(|key| key.span == *at);
                if own {
                    return Some(section(document, text, index));
                }
            }
            Line::Entry(entry) => {
                if is_at(entry, &line.span, at) {
                    return Some(whole_line(document, text, index));
                }
                if let Some(found) = in_value(&entry.value, text, at) {
                    return Some(found);
                }
            }
        }
    }
    None
}

fn is_at(entry: &Entry, span: &Range<usize>, at: &Range<usize>) -> bool {
    span == at
        || entry.keys.iter().any(|key| key.span == *at)
        || (at.end == span.end && at.start > entry.keys.last().map_or(0, |key| key.span.end))
}

fn in_value(value: &Value, text: &str, at: &Range<usize>) -> Option<Range<usize>> {
    match value {
        Value::Scalar { .. } => None,
        Value::List { items, .. } => {
            if let Some(index) = items.iter().position(|item| item.span == *at) {
                return element(items, text, index);
            }
            items.iter().find_map(|item| in_value(&item.what, text, at))
        }
        Value::Table { items, .. } => {
            if let Some(index) = items.iter().position(|item| is_at(&item.what, &item.span, at)) {
                return element(items, text, index);
            }
            items.iter().find_map(|item| in_value(&item.what.value, text, at))
        }
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// One past the line's end.
fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// The start of the line that is some lines above.
fn lines_above(text: &str, start: usize, count: usize) -> usize {
    (0..count).fold(start, |at, _| line_start(text, at.saturating_sub(1)))
}

fn comments_above(before: &[Lead]) -> usize {
    before.iter().rev().take_while(|lead| matches!(lead, Lead::Comment(_))).count()
}

fn whole_line(document: &Document, text: &str, index: usize) -> Range<usize> {
    let Some(line) = document.lines.get(index) else { return 0..0 };
    let start = line_start(text, line.span.start);
    let follower = document.lines.get(index + 1);
    // Comments above may speak of the entries that follow at once as well.
    let shared =
        follower.is_some_and(|next| next.before.is_empty() && matches!(next.what, Line::Entry(_)));
    let above = if shared { 0 } else { comments_above(&line.before) };
    lines_above(text, start, above)..line_end(text, line.span.end)
}

/// A heading with everything below it.
fn section(document: &Document, text: &str, index: usize) -> Range<usize> {
    let Some(line) = document.lines.get(index) else { return 0..0 };
    let start = line_start(text, line.span.start);
    let start = lines_above(text, start, comments_above(&line.before));
    let next = document.lines.iter().skip(index + 1);
    let next = next.clone().find(|line| matches!(line.what, Line::Heading { .. }));
    let end = next.map_or(text.len(), |next| {
        let at = line_start(text, next.span.start);
        lines_above(text, at, comments_above(&next.before))
    });
    start..end
}

/// An element with one of the commas beside it.
fn element<T>(items: &[Item<T>], text: &str, index: usize) -> Option<Range<usize>> {
    let item = items.get(index)?;
    let rest = text.get(item.span.end..)?;
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let start = line_start(text, item.span.start);
    let begins_line = text.get(start..item.span.start)?.trim().is_empty();
    if rest.get(blank..)?.starts_with(',') {
        let after = item.span.end + blank + 1;
        let end = line_end(text, after);
        let tail = text.get(after..end)?.trim();
        if begins_line && (tail.is_empty() || tail.starts_with('#')) {
            return Some(start..end);
        }
        let more = text.get(after..)?;
        let spaces = more.len() - more.trim_start_matches([' ', '\t']).len();
        return Some(item.span.start..after + spaces);
    }
    let previous = index.checked_sub(1).and_then(|before| items.get(before));
    match previous {
        Some(previous) if previous.after.is_none() && item.before.is_empty() => {
            Some(previous.span.end..item.span.end)
        }
        _ => Some(item.span.clone()),
    }
}
