//! Writes a document in the uniform layout. What is written depends on the tree alone, never on
//! the layout it was read from, except for empty lines and tables broken over lines.

use super::strings::uniform;
use super::tree::{Document, Entry, Item, Key, Lead, Line, Value};

/// Widest line that a list may stand on.
const WIDTH: usize = 100;

/// Spaces before the elements of a list.
const INDENT: usize = 2;

/// Writes a document.
pub(super) fn write(document: &Document) -> String {
    let mut out = String::new();
    let mut below_heading = false;
    for line in &document.lines {
        match &line.what {
            Line::Heading { keys, is_list } => {
                let own = attached(&line.before);
                let apart = line.before.get(..line.before.len() - own).unwrap_or_default();
                leads(apart, below_heading, &mut out);
                blank(&mut out);
                let own = line.before.get(apart.len()..).unwrap_or_default();
                leads(own, true, &mut out);
                let (open, close) = if *is_list { ("[[", "]]") } else { ("[", "]") };
                out.push_str(&[open, &keys_text(keys), close].concat());
                below_heading = true;
            }
            Line::Entry(entry) => {
                leads(&line.before, below_heading, &mut out);
                write_entry(entry, 0, 0, &mut out);
                below_heading = false;
            }
        }
        comment_behind(line.after.as_deref(), &mut out);
        out.push('\n');
    }
    leads(&document.end, below_heading, &mut out);
    let end = out.trim_end_matches('\n').len();
    out.truncate(end);
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// How many of the last lines are comments right above.
fn attached(before: &[Lead]) -> usize {
    before.iter().rev().take_while(|lead| matches!(lead, Lead::Comment(_))).count()
}

/// One empty line, but none at the beginning and never two.
fn blank(out: &mut String) {
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
}

/// Comments and empty lines between entries. Right below a heading an empty line is dropped.
fn leads(before: &[Lead], mut below_heading: bool, out: &mut String) {
    for lead in before {
        match lead {
            Lead::Blank if below_heading => {}
            Lead::Blank => blank(out),
            Lead::Comment(text) => {
                out.push_str(text);
                out.push('\n');
                below_heading = false;
            }
        }
    }
}

fn comment_behind(comment: Option<&str>, out: &mut String) {
    if let Some(text) = comment {
        out.push(' ');
        out.push_str(text);
    }
}

fn keys_text(keys: &[Key]) -> String {
    let texts: Vec<String> = keys.iter().map(|key| uniform(&key.raw, key.encoding)).collect();
    texts.join(".")
}

/// An entry. `tail` columns follow its value on the same line.
fn write_entry(entry: &Entry, indent: usize, tail: usize, out: &mut String) {
    out.push_str(&keys_text(&entry.keys));
    out.push_str(" = ");
    write_value(&entry.value, indent, tail, out);
}

fn write_value(value: &Value, indent: usize, tail: usize, out: &mut String) {
    let line = out.rsplit('\n').next().unwrap_or_default();
    let column = line.chars().count();
    let one_line = flat(value);
    let fits = |text: &String| column + text.chars().count() + tail <= WIDTH;
    if let Some(text) = one_line.filter(fits) {
        out.push_str(&text);
        return;
    }
    match value {
        Value::Scalar { raw, encoding } => out.push_str(&uniform(raw, *encoding)),
        Value::List { items, end } if items.is_empty() && !has_comment(end) => out.push_str("[]"),
        Value::List { items, end } => write_list(items, end, indent, out),
        Value::Table { items, end, broken } => {
            let commented = has_comment(end)
                || items.iter().any(|item| item.after.is_some() || has_comment(&item.before));
            if commented || (*broken && !items.is_empty()) {
                let write = |entry: &Entry, out: &mut String| {
                    write_entry(entry, indent + INDENT, 1, out);
                };
                write_lines('{', '}', &Lines { items, end, indent }, &write, out);
            } else {
                write_braces(items, indent, out);
            }
        }
    }
}

fn write_list(items: &[Item<Value>], end: &[Lead], indent: usize, out: &mut String) {
    let write = |value: &Value, out: &mut String| write_value(value, indent + INDENT, 1, out);
    write_lines('[', ']', &Lines { items, end, indent }, &write, out);
}

/// A table on one line; lists in it may still be broken.
fn write_braces(items: &[Item<Entry>], indent: usize, out: &mut String) {
    if items.is_empty() {
        out.push_str("{}");
        return;
    }
    out.push_str("{ ");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_entry(&item.what, indent, 2, out);
    }
    out.push_str(" }");
}

struct Lines<'a, T> {
    items: &'a [Item<T>],
    end: &'a [Lead],
    indent: usize,
}

/// One item a line, each with a comma.
fn write_lines<T>(
    open: char,
    close: char,
    lines: &Lines<'_, T>,
    write: &dyn Fn(&T, &mut String),
    out: &mut String,
) {
    let Lines { items, end, indent } = *lines;
    let margin = " ".repeat(indent + INDENT);
    out.push(open);
    out.push('\n');
    let mut first = true;
    for item in items {
        inner_leads(&item.before, &margin, first, out);
        out.push_str(&margin);
        write(&item.what, out);
        out.push(',');
        comment_behind(item.after.as_deref(), out);
        out.push('\n');
        first = false;
    }
    // Empty lines before the closing bracket are dropped.
    let used = end.iter().rposition(|lead| matches!(lead, Lead::Comment(_))).map_or(0, |at| at + 1);
    inner_leads(end.get(..used).unwrap_or_default(), &margin, first, out);
    out.push_str(&" ".repeat(indent));
    out.push(close);
}

fn inner_leads(before: &[Lead], margin: &str, mut first: bool, out: &mut String) {
    for lead in before {
        match lead {
            Lead::Blank if first => {}
            Lead::Blank => blank(out),
            Lead::Comment(text) => {
                out.push_str(&[margin, text, "\n"].concat());
                first = false;
            }
        }
    }
}

fn has_comment(leads: &[Lead]) -> bool {
    leads.iter().any(|lead| matches!(lead, Lead::Comment(_)))
}

/// A value on one line; `None` where a comment or a text of several lines forbids it.
fn flat(value: &Value) -> Option<String> {
    match value {
        Value::Scalar { raw, encoding } => (!raw.contains('\n')).then(|| uniform(raw, *encoding)),
        Value::List { items, end } => {
            let inner = flat_items(items, end, &flat)?;
            Some(format!("[{inner}]"))
        }
        Value::Table { items, end, .. } => {
            let entry = |entry: &Entry| {
                Some(format!("{} = {}", keys_text(&entry.keys), flat(&entry.value)?))
            };
            let inner = flat_items(items, end, &entry)?;
            Some(if inner.is_empty() { "{}".to_owned() } else { format!("{{ {inner} }}") })
        }
    }
}

fn flat_items<T>(
    items: &[Item<T>],
    end: &[Lead],
    write: &dyn Fn(&T) -> Option<String>,
) -> Option<String> {
    if has_comment(end) {
        return None;
    }
    let mut texts = Vec::new();
    for item in items {
        if item.after.is_some() || has_comment(&item.before) {
            return None;
        }
        texts.push(write(&item.what)?);
    }
    Some(texts.join(", "))
}
