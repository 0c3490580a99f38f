//! Reads TOML text into a [`Table`] that remembers every place, and finds every syntax error at
//! once instead of the first.
//!
//! The grammar is `toml_parser`'s, event by event; what is added here is the tree. Building it
//! straight from the events, without the token-to-document step of a general library, is what
//! keeps `explain` fast on megabytes of rules.

use std::borrow::Cow;

use compact_str::ToCompactString as _;
use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::parser::{EventReceiver, RecursionGuard, ValidateWhitespace};
use toml_parser::{ErrorSink, Expected, ParseError, Source};

use crate::span::{SourceId, Sourced, Span};
use crate::value::{Node, Table, Text, Value, Written};

/// Deepest nesting, of values and of dotted keys: the limit of the TOML library inside Codex.
const DEPTH_LIMIT: u32 = 80;

/// A place where a text is not TOML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxProblem {
    /// What is wrong, lower case, no full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// The other place it conflicts with, such as the first of two equal keys.
    pub related: Option<Span>,
}

/// What could be read of a document, and every syntax error.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The readable part. With problems it may lack what they hide.
    pub root: Table,
    /// All syntax errors in the order of the text.
    pub problems: Vec<SyntaxProblem>,
}

/// Reads a document.
pub fn read_toml(text: &str, id: SourceId) -> Document {
    let source = Source::new(text);
    // A token has four bytes or so; a guess that is too large costs nothing but addresses.
    let mut tokens = Vec::with_capacity(text.len() / 3);
    tokens.extend(source.lex());
    let mut errors: Vec<ParseError> = Vec::new();
    let mut builder = Builder::new(source, id);
    {
        let mut whitespace = ValidateWhitespace::new(&mut builder, source);
        let mut guard = RecursionGuard::new(&mut whitespace, DEPTH_LIMIT);
        toml_parser::parser::parse_document(&tokens, &mut guard, &mut errors);
    }
    builder.finish_header(&mut errors);
    let mut problems: Vec<SyntaxProblem> =
        errors.into_iter().map(|error| problem(&error, id, text.len())).collect();
    problems.sort_by_key(|problem| problem.span.start);
    Document { root: builder.root, problems }
}

/// Reads the value after `=` in `-c key=value`; `None` when it is not TOML, which Codex then
/// takes as a plain string.
pub fn read_toml_value(text: &str, id: SourceId) -> Option<Node> {
    // The library has no entry point for a value alone that reports its place, so the value is
    // read as a document of one key and shifted back.
    const PREFIX: &str = "v=";
    if text.contains('\n') {
        return None;
    }
    let document = read_toml(&format!("{PREFIX}{text}"), id);
    if !document.problems.is_empty() || document.root.len() != 1 {
        return None;
    }
    let mut node = document.root.into_iter().next()?.node;
    shift_back(&mut node, u32::try_from(PREFIX.len()).unwrap_or(0));
    Some(node)
}

fn shift_back(node: &mut Node, by: u32) {
    node.span.start = node.span.start.saturating_sub(by);
    node.span.end = node.span.end.saturating_sub(by);
    match &mut node.value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| shift_back(element, by)),
        Value::Table(table) => table.for_each_mut(|node| shift_back(node, by)),
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_) => {}
    }
}

fn problem(error: &ParseError, id: SourceId, length: usize) -> SyntaxProblem {
    let mut message = error.description().to_owned();
    if let Some(expected) = error.expected() {
        let words: Vec<String> = expected
            .iter()
            .map(|one| match one {
                Expected::Literal("\n") => "newline".to_owned(),
                Expected::Literal(literal) => format!("`{literal}`"),
                Expected::Description(words) => (*words).to_owned(),
                _ => "something else".to_owned(),
            })
            .collect();
        message.push_str(", expected ");
        message.push_str(if words.is_empty() { "nothing" } else { "" });
        message.push_str(&words.join(", "));
    }
    let place = |span: toml_parser::Span| Span::new(id, span.start(), span.end());
    SyntaxProblem {
        message,
        span: error.unexpected().map_or(Span::new(id, length, length), place),
        related: error
            .context()
            .map(place)
            .filter(|span| Some(*span) != error.unexpected().map(place)),
    }
}

type Key = Sourced<Text>;

/// A dotted key: what comes before the last dot, mostly nothing, and the last part.
struct Path {
    parents: Vec<Key>,
    key: Key,
}

/// A value that is not finished yet.
enum Frame {
    Array { start: usize, elements: Vec<Node> },
    Inline { start: usize, table: Table, pending: Option<Path> },
}

struct Header {
    path: Vec<Key>,
    span: toml_parser::Span,
    is_array: bool,
}

struct Builder<'text> {
    source: Source<'text>,
    id: SourceId,
    root: Table,
    /// The table that key-value lines go to, attached to the root when the next header comes.
    current: Table,
    header: Option<Header>,
    opening: Option<(toml_parser::Span, bool)>,
    /// The parts of the dotted key being read.
    keys: Vec<Key>,
    pending: Option<Path>,
    frames: Vec<Frame>,
}

impl<'text> Builder<'text> {
    fn new(source: Source<'text>, id: SourceId) -> Self {
        Self {
            source,
            id,
            root: Table::default(),
            current: Table::written_as(Written::Header),
            header: None,
            opening: None,
            keys: Vec::new(),
            pending: None,
            frames: Vec::new(),
        }
    }

    fn place(&self, span: toml_parser::Span) -> Span {
        Span::new(self.id, span.start(), span.end())
    }

    /// Puts a finished value where it belongs.
    fn value(&mut self, node: Node, errors: &mut dyn ErrorSink) {
        match self.frames.last_mut() {
            Some(Frame::Array { elements, .. }) => elements.push(node),
            Some(Frame::Inline { table, pending, .. }) => {
                if let Some(path) = pending.take() {
                    insert(table, path, node, errors);
                }
            }
            None => {
                if let Some(path) = self.pending.take() {
                    insert(&mut self.current, path, node, errors);
                }
            }
        }
    }

    /// Attaches the table of the last header.
    fn finish_header(&mut self, errors: &mut dyn ErrorSink) {
        let fresh = Table::written_as(Written::Header);
        let table = std::mem::replace(&mut self.current, fresh);
        let Some(Header { mut path, span, is_array }) = self.header.take() else {
            merge_root(&mut self.root, table);
            return;
        };
        let Some(key) = path.pop() else { return };
        let node = Node { value: Value::Table(table), span: self.place(span) };
        let Some(parent) = descend(&mut self.root, &path, Written::Implied, errors) else { return };
        if !is_array {
            parent.insert(key, node);
            return;
        }
        match parent.get_mut(&key.value) {
            None => {
                let span = node.span;
                parent.insert(key, Node { value: Value::Array(vec![node]), span });
            }
            Some(Node { value: Value::Array(elements), .. }) if is_table_list(elements) => {
                elements.push(node);
            }
            Some(existing) => errors.report_error(duplicate(key.span, existing.span)),
        }
    }

    /// Begins the table of a header: takes over what deeper headers already put there.
    fn start_header(&mut self, header: Header, errors: &mut dyn ErrorSink) {
        if !header.is_array
            && let Some((key, parents)) = header.path.split_last()
            && let Some(parent) = descend(&mut self.root, parents, Written::Implied, errors)
            && let Some(old) = parent.remove(&key.value)
        {
            let extendable =
                matches!(&old.node.value, Value::Table(table) if table.written == Written::Implied);
            if !extendable {
                errors.report_error(duplicate(key.span, old.key.span));
            }
            if let Value::Table(table) = old.node.value {
                self.current = table;
            }
        }
        self.current.written = Written::Header;
        self.header = Some(header);
    }

    fn close_header(&mut self, end: toml_parser::Span, errors: &mut dyn ErrorSink) {
        let Some((open, is_array)) = self.opening.take() else { return };
        let path = std::mem::take(&mut self.keys);
        if path.is_empty() || too_deep(&path, 0, errors) {
            return;
        }
        self.finish_header(errors);
        self.start_header(Header { path, span: open.append(end), is_array }, errors);
    }

    fn open_header(&mut self, span: toml_parser::Span, is_array: bool) {
        self.keys.clear();
        self.pending = None;
        self.frames.clear();
        self.opening = Some((span, is_array));
    }
}

/// Keys before the first header go straight to the root.
fn merge_root(root: &mut Table, table: Table) {
    for entry in table {
        root.insert(entry.key, entry.node);
    }
    root.written = Written::Header;
}

/// `more` parts follow the given ones.
fn too_deep(path: &[Key], more: u32, errors: &mut dyn ErrorSink) -> bool {
    let length = u32::try_from(path.len()).unwrap_or(u32::MAX).saturating_add(more);
    let deep = length > DEPTH_LIMIT;
    if deep {
        let start = path.first().map_or(0, |key| key.span.start);
        let end = path.last().map_or(0, |key| key.span.end);
        errors.report_error(ParseError::new("recursion limit").with_unexpected(back(start, end)));
    }
    deep
}

fn back(start: u32, end: u32) -> toml_parser::Span {
    let wide = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
    toml_parser::Span::new_unchecked(wide(start), wide(end))
}

fn duplicate(span: Span, earlier: Span) -> ParseError {
    ParseError::new("duplicate key")
        .with_unexpected(back(span.start, span.end))
        .with_context(back(earlier.start, earlier.end))
}

fn is_table_list(elements: &[Node]) -> bool {
    matches!(elements.last(), Some(Node { value: Value::Table(table), .. }) if table.written == Written::Header)
}

/// Walks into tables by a key path, making the missing ones.
fn descend<'table>(
    mut table: &'table mut Table,
    path: &[Key],
    make: Written,
    errors: &mut dyn ErrorSink,
) -> Option<&'table mut Table> {
    for key in path {
        if table.get(&key.value).is_none() {
            let fresh = Table::written_as(make);
            table.insert(key.clone(), Node { value: Value::Table(fresh), span: key.span });
        }
        let node = table.get_mut(&key.value)?;
        let earlier = node.span;
        let kind = node.value.kind();
        let next = match &mut node.value {
            Value::Table(next) if next.written != Written::Inline => Some(next),
            Value::Table(_) => None,
            Value::Array(elements) if is_table_list(elements) => {
                elements.last_mut().and_then(|last| match &mut last.value {
                    Value::Table(next) => Some(next),
                    _ => None,
                })
            }
            _ => None,
        };
        let Some(next) = next else {
            let message = format!("cannot extend value of type {kind} with a dotted key");
            errors.report_error(
                ParseError::new(message)
                    .with_unexpected(back(key.span.start, key.span.end))
                    .with_context(back(earlier.start, earlier.end)),
            );
            return None;
        };
        table = next;
    }
    Some(table)
}

fn insert(table: &mut Table, path: Path, node: Node, errors: &mut dyn ErrorSink) {
    let Path { parents, key } = path;
    let dotted = !parents.is_empty();
    if too_deep(&parents, 1, errors) {
        return;
    }
    let Some(parent) = descend(table, &parents, Written::Dotted, errors) else { return };
    // A dotted key may not reach into a table that has, or may get, a header of its own.
    if dotted && parent.written == Written::Header {
        errors.report_error(
            ParseError::new("duplicate key").with_unexpected(back(key.span.start, key.span.end)),
        );
        return;
    }
    if let Some(earlier) = parent.entry(&key.value) {
        errors.report_error(duplicate(key.span, earlier.key.span));
        return;
    }
    parent.insert(key, node);
}

impl EventReceiver for Builder<'_> {
    fn std_table_open(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) {
        self.open_header(span, false);
    }

    fn std_table_close(&mut self, span: toml_parser::Span, errors: &mut dyn ErrorSink) {
        self.close_header(span, errors);
    }

    fn array_table_open(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) {
        self.open_header(span, true);
    }

    fn array_table_close(&mut self, span: toml_parser::Span, errors: &mut dyn ErrorSink) {
        self.close_header(span, errors);
    }

    fn inline_table_open(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) -> bool {
        // Open to its own dotted keys until it closes.
        let table = Table::written_as(Written::Dotted);
        self.frames.push(Frame::Inline { start: span.start(), table, pending: None });
        true
    }

    fn inline_table_close(&mut self, span: toml_parser::Span, errors: &mut dyn ErrorSink) {
        if let Some(Frame::Inline { start, mut table, .. }) =
            self.frames.pop_if(|frame| matches!(frame, Frame::Inline { .. }))
        {
            table.written = Written::Inline;
            table.close_dotted();
            let span = Span::new(self.id, start, span.end());
            self.value(Node { value: Value::Table(table), span }, errors);
        }
    }

    fn array_open(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) -> bool {
        self.frames.push(Frame::Array { start: span.start(), elements: Vec::new() });
        true
    }

    fn array_close(&mut self, span: toml_parser::Span, errors: &mut dyn ErrorSink) {
        if let Some(Frame::Array { start, elements }) =
            self.frames.pop_if(|frame| matches!(frame, Frame::Array { .. }))
        {
            let span = Span::new(self.id, start, span.end());
            self.value(Node { value: Value::Array(elements), span }, errors);
        }
    }

    fn simple_key(
        &mut self,
        span: toml_parser::Span,
        encoding: Option<Encoding>,
        errors: &mut dyn ErrorSink,
    ) {
        let Some(text) = self.source.input().get(span.start()..span.end()) else { return };
        let raw = toml_parser::Raw::new_unchecked(text, encoding, span);
        let mut decoded = Cow::Borrowed("");
        raw.decode_key(&mut decoded, errors);
        self.keys.push(Sourced { value: decoded.into(), span: self.place(span) });
    }

    fn key_val_sep(&mut self, _: toml_parser::Span, _: &mut dyn ErrorSink) {
        // The parts are taken out and their room is kept: there is one key per value.
        let Some(key) = self.keys.pop() else { return };
        let path = Path { parents: self.keys.drain(..).collect(), key };
        match self.frames.last_mut() {
            Some(Frame::Inline { pending, .. }) => *pending = Some(path),
            Some(Frame::Array { .. }) => {}
            None => self.pending = Some(path),
        }
    }

    fn scalar(
        &mut self,
        span: toml_parser::Span,
        encoding: Option<Encoding>,
        errors: &mut dyn ErrorSink,
    ) {
        let Some(text) = self.source.input().get(span.start()..span.end()) else { return };
        let raw = toml_parser::Raw::new_unchecked(text, encoding, span);
        let mut decoded = Cow::Borrowed("");
        let kind = raw.decode_scalar(&mut decoded, errors);
        let value = scalar(kind, &decoded).unwrap_or_else(|message| {
            errors.report_error(ParseError::new(message).with_unexpected(span));
            Value::Integer(0)
        });
        let place = self.place(span);
        self.value(Node { value, span: place }, errors);
    }

    fn newline(&mut self, _: toml_parser::Span, _: &mut dyn ErrorSink) {
        // A line that broke off leaves half a key behind; the next line starts clean.
        if self.frames.is_empty() && self.opening.is_none() {
            self.keys.clear();
            self.pending = None;
        }
    }
}

fn scalar(kind: ScalarKind, decoded: &str) -> Result<Value, String> {
    match kind {
        ScalarKind::String => Ok(Value::String(decoded.into())),
        ScalarKind::Boolean(flag) => Ok(Value::Boolean(flag)),
        ScalarKind::Integer(radix) => i64::from_str_radix(decoded, radix.value())
            .map(Value::Integer)
            .map_err(|_| "integer number overflowed".to_owned()),
        ScalarKind::Float => match decoded.parse::<f64>() {
            Ok(number) if number.is_infinite() && !decoded.contains("inf") => {
                Err("floating-point number overflowed".to_owned())
            }
            Ok(number) => Ok(Value::Float(number)),
            Err(_) => Err("invalid floating-point number".to_owned()),
        },
        ScalarKind::DateTime => decoded
            .parse::<toml::value::Datetime>()
            .map(|moment| Value::Datetime(moment.to_compact_string()))
            .map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests;
