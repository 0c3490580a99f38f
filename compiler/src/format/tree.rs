//! A TOML document as it is written: every comment, every blank line, every spelling of a value.
//!
//! Made from the events of the same parser that reads policy. Only valid documents are asked for;
//! of others the tree may be incomplete.

use std::ops::Range;

use toml_parser::Source;
use toml_parser::decoder::Encoding;
use toml_parser::parser::{Event, EventKind};

/// What stands on the lines before something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lead {
    /// An empty line.
    Blank,
    /// A comment on a line of its own, from its `#` on.
    Comment(String),
}

/// Something with what belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Item<T> {
    /// The lines before it.
    pub(crate) before: Vec<Lead>,
    /// The thing.
    pub(crate) what: T,
    /// The comment behind it on its line.
    pub(crate) after: Option<String>,
    /// Its bytes, without comments and separators.
    pub(crate) span: Range<usize>,
}

/// A whole document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    /// Headings and entries.
    pub(crate) lines: Vec<Item<Line>>,
    /// What follows the last of them.
    pub(crate) end: Vec<Lead>,
}

/// A heading or an entry.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// `[a.b]` or `[[a.b]]`.
    Heading {
        /// The names.
        keys: Vec<Key>,
        /// Whether it begins an element of a list.
        is_list: bool,
    },
    /// `key = value`.
    Entry(Entry),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The names.
    pub(crate) keys: Vec<Key>,
    /// The value.
    pub(crate) value: Value,
}

/// One name of a key.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// As it is written, with its quotes.
    pub(crate) raw: String,
    /// Decoded.
    pub(crate) name: String,
    /// How it is quoted.
    pub(crate) encoding: Option<Encoding>,
    /// Its bytes.
    pub(crate) span: Range<usize>,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Anything but a list or a table.
    Scalar {
        /// As it is written.
        raw: String,
        /// How it is quoted, if it is a text.
        encoding: Option<Encoding>,
    },
    /// A list.
    List {
        /// Its elements.
        items: Vec<Item<Value>>,
        /// What stands before the closing bracket.
        end: Vec<Lead>,
    },
    /// A table in braces.
    Table {
        /// Its entries.
        items: Vec<Item<Entry>>,
        /// What stands before the closing brace.
        end: Vec<Lead>,
        /// Whether it is written over several lines.
        broken: bool,
    },
}

/// Reads a valid document.
pub(crate) fn read(text: &str) -> Document {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let mut events: Vec<Event> = Vec::new();
    toml_parser::parser::parse_document(&tokens, &mut events, &mut ());
    let mut reader = Reader { text, events: events.into_iter().peekable(), fresh: true };
    reader.document()
}

struct Reader<'text> {
    text: &'text str,
    events: std::iter::Peekable<std::vec::IntoIter<Event>>,
    /// Whether nothing but spaces has been seen on the current line.
    fresh: bool,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Event> {
        self.events.next()
    }

    fn raw(&self, event: &Event) -> String {
        let span = event.span();
        self.text.get(span.start()..span.end()).unwrap_or_default().to_owned()
    }

    fn document(&mut self) -> Document {
        let mut document = Document::default();
        let mut leads = Vec::new();
        while let Some(event) = self.next() {
            match event.kind() {
                EventKind::Newline => self.newline(&mut leads),
                EventKind::Comment => {
                    let comment = self.comment(&event);
                    place_comment(comment, self.fresh, &mut document.lines, &mut leads);
                    self.fresh = false;
                }
                EventKind::StdTableOpen | EventKind::ArrayTableOpen => {
                    let (keys, end) = self.keys(Vec::new());
                    let is_list = event.kind() == EventKind::ArrayTableOpen;
                    let span = event.span().start()..end;
                    let what = Line::Heading { keys, is_list };
                    let before = std::mem::take(&mut leads);
                    document.lines.push(Item { before, what, after: None, span });
                    self.fresh = false;
                }
                EventKind::SimpleKey => {
                    let (entry, span) = self.entry(&event);
                    let before = std::mem::take(&mut leads);
                    let what = Line::Entry(entry);
                    document.lines.push(Item { before, what, after: None, span });
                    self.fresh = false;
                }
                _ => {}
            }
        }
        document.end = leads;
        document
    }

    fn newline(&mut self, leads: &mut Vec<Lead>) {
        if self.fresh {
            leads.push(Lead::Blank);
        }
        self.fresh = true;
    }

    fn comment(&self, event: &Event) -> String {
        self.raw(event).trim_end().to_owned()
    }

    fn key(&self, event: &Event) -> Key {
        let raw = self.raw(event);
        let mut name = std::borrow::Cow::Borrowed("");
        let piece = toml_parser::Raw::new_unchecked(&raw, event.encoding(), event.span());
        piece.decode_key(&mut name, &mut ());
        let name = name.into_owned();
        let span = event.span().start()..event.span().end();
        Key { raw, name, encoding: event.encoding(), span }
    }

    /// The names up to what ends them, and where that ends.
    fn keys(&mut self, mut keys: Vec<Key>) -> (Vec<Key>, usize) {
        let mut end = 0;
        while let Some(event) = self.next() {
            end = event.span().end();
            match event.kind() {
                EventKind::SimpleKey => keys.push(self.key(&event)),
                EventKind::KeyValSep | EventKind::StdTableClose | EventKind::ArrayTableClose => {
                    break;
                }
                _ => {}
            }
        }
        (keys, end)
    }

    fn entry(&mut self, first: &Event) -> (Entry, Range<usize>) {
        let (keys, _) = self.keys(vec![self.key(first)]);
        let (value, span) = self.next_value();
        (Entry { keys, value }, first.span().start()..span.end)
    }

    fn next_value(&mut self) -> (Value, Range<usize>) {
        while let Some(event) = self.next() {
            if let Some(found) = self.value(&event) {
                return found;
            }
        }
        let end = self.text.len();
        (Value::Scalar { raw: String::new(), encoding: None }, end..end)
    }

    fn value(&mut self, event: &Event) -> Option<(Value, Range<usize>)> {
        let start = event.span().start();
        match event.kind() {
            EventKind::Scalar => {
                let value = Value::Scalar { raw: self.raw(event), encoding: event.encoding() };
                Some((value, start..event.span().end()))
            }
            EventKind::ArrayOpen => {
                let (value, end) = self.list();
                Some((value, start..end))
            }
            EventKind::InlineTableOpen => {
                let (value, end) = self.table();
                Some((value, start..end))
            }
            _ => None,
        }
    }

    fn list(&mut self) -> (Value, usize) {
        let (mut items, mut leads) = (Vec::new(), Vec::new());
        self.fresh = false;
        let mut close = self.text.len();
        while let Some(event) = self.next() {
            match event.kind() {
                EventKind::ArrayClose => {
                    close = event.span().end();
                    break;
                }
                EventKind::Newline => self.newline(&mut leads),
                EventKind::Comment => {
                    let comment = self.comment(&event);
                    place_comment(comment, self.fresh, &mut items, &mut leads);
                    self.fresh = false;
                }
                EventKind::ValueSep => self.fresh = false,
                _ => {
                    if let Some((what, span)) = self.value(&event) {
                        let before = std::mem::take(&mut leads);
                        items.push(Item { before, what, after: None, span });
                        self.fresh = false;
                    }
                }
            }
        }
        self.fresh = false;
        (Value::List { items, end: leads }, close)
    }

    fn table(&mut self) -> (Value, usize) {
        let (mut items, mut leads) = (Vec::new(), Vec::new());
        let mut broken = false;
        self.fresh = false;
        let mut close = self.text.len();
        while let Some(event) = self.next() {
            match event.kind() {
                EventKind::InlineTableClose => {
                    close = event.span().end();
                    break;
                }
                EventKind::Newline => {
                    broken = true;
                    self.newline(&mut leads);
                }
                EventKind::Comment => {
                    let comment = self.comment(&event);
                    place_comment(comment, self.fresh, &mut items, &mut leads);
                    self.fresh = false;
                }
                EventKind::ValueSep => self.fresh = false,
                EventKind::SimpleKey => {
                    let (what, span) = self.entry(&event);
                    let before = std::mem::take(&mut leads);
                    items.push(Item { before, what, after: None, span });
                    self.fresh = false;
                }
                _ => {}
            }
        }
        self.fresh = false;
        (Value::Table { items, end: leads, broken }, close)
    }
}

/// Puts a comment behind the last item when it stands on that item's line, else before what comes.
fn place_comment<T>(comment: String, fresh: bool, items: &mut [Item<T>], leads: &mut Vec<Lead>) {
    match items.last_mut() {
        Some(last) if !fresh && last.after.is_none() => last.after = Some(comment),
        _ => leads.push(Lead::Comment(comment)),
    }
}

impl Value {
    /// Whether it is neither a list nor a table and stands on one line.
    pub(crate) fn is_simple(&self) -> bool {
        matches!(self, Self::Scalar { raw, .. } if !raw.contains('\n'))
    }
}
