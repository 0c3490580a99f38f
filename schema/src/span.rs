//! Where a value was written: a document and a byte range in it.

use serde::{Serialize, Serializer};

/// The index of a document in the list of [`Source`](crate::source::Source)s of one evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

impl SourceId {
    /// The document of values that no document states: Codex's own defaults.
    pub const BUILT_IN: Self = Self(u32::MAX);
}

/// A byte range in a document's text. Offsets are bytes from the start of the text, half open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The document.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span for values that Codex builds in.
    pub const BUILT_IN: Self = Self { source: SourceId::BUILT_IN, start: 0, end: 0 };

    /// Makes a span; offsets past 4 GiB are clamped, which the size limits make unreachable.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { source, start: clamp(start), end: clamp(end) }
    }

    /// The smallest span that holds both; the document is the first one's.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self {
            source: self.source,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// A place as people write it, both counted from 1. The column counts characters, as Codex does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// Counts the lines and characters before a byte offset of a text.
    pub fn of(text: &str, offset: u32) -> Self {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
        let offset = (0..=offset).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let before = text.get(..offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let narrow = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self { line: narrow(line), column: narrow(column) }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

/// A value and where it was written. Equality, order and hash ignore the place: a reformatted
/// file is not a new policy.
#[derive(Clone, Copy, Debug)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

impl<T: PartialEq> PartialEq for Sourced<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Sourced<T> {}

impl<T: Serialize> Serialize for Sourced<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        assert_eq!(Position::of("", 0).to_string(), "1:1");
        assert_eq!(Position::of("é=1\nmodel", 4).to_string(), "1:4");
        assert_eq!(Position::of("é=1\nmodel", 5).to_string(), "2:1");
        assert_eq!(Position::of("a", 99).to_string(), "1:2");
    }

    #[test]
    fn equality_ignores_the_place() {
        let at = |start| Span::new(SourceId(0), start, start + 1);
        assert_eq!(Sourced { value: 1, span: at(0) }, Sourced { value: 1, span: at(9) });
    }
}
