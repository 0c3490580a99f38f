//! Binary property lists to trees, with the offset of every object.
//!
//! The format: `bplist00`, the objects, a table of their offsets, and a trailer of 32 bytes that
//! says where the table is. Objects name each other by number, so that they may be shared: text
//! that is used twice is counted twice here, or a small file could expand without bound.

use super::model::Limits;
use super::problem::{ByteRange, MdmProblem, ProblemKind, Refusal};
use super::tree::{Data, Entry, Node};
use super::xml::{too_deep, too_many};

const HEADER: &[u8] = b"bplist00";
const TRAILER_BYTES: usize = 32;

/// Parses a binary property list.
///
/// # Errors
///
/// The first problem that makes the whole document unreadable.
pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Node, Refusal> {
    if bytes.len() >= HEADER.len() && !bytes.starts_with(HEADER) {
        return Err(MdmProblem::error(
            ProblemKind::BinaryStructure,
            "the binary property list has an unknown version",
            "convert it: `plutil -convert xml1 FILE`",
        )
        .at(0..HEADER.len())
        .into());
    }
    let (table, top) = Table::read(bytes)?;
    let mut walk =
        Walk { table, limits, path: Vec::new(), objects: 0, text_left: limits.max_bytes };
    walk.object(top)
}

fn truncated(bytes: &[u8], what: &str) -> Refusal {
    MdmProblem::error(
        ProblemKind::TruncatedBinary,
        format!("the binary property list is cut short or its end is damaged: {what}"),
        "copy the whole file again, in binary mode",
    )
    .at(bytes.len().saturating_sub(TRAILER_BYTES)..bytes.len())
    .into()
}

fn damaged(what: impl Into<String>, range: ByteRange) -> Refusal {
    MdmProblem::error(
        ProblemKind::BinaryStructure,
        what,
        "export the profile again, or convert a good copy with `plutil -convert xml1 FILE`",
    )
    .at(range)
    .into()
}

/// The file's frame: where each object is.
struct Table<'a> {
    bytes: &'a [u8],
    end_of_objects: usize,
    offset_width: usize,
    reference_width: usize,
    count: usize,
}

impl<'a> Table<'a> {
    /// Reads the trailer; gives the table and the number of the top object.
    fn read(bytes: &'a [u8]) -> Result<(Self, usize), Refusal> {
        let trailer_start = bytes
            .len()
            .checked_sub(TRAILER_BYTES)
            .filter(|start| *start >= HEADER.len())
            .ok_or_else(|| truncated(bytes, "it has no room for its trailer"))?;
        let field = |offset: usize, width: usize| {
            let start = trailer_start.saturating_add(offset);
            number(bytes, start, width).unwrap_or(usize::MAX)
        };
        let offset_width = field(6, 1);
        let reference_width = field(7, 1);
        let (count, top, end_of_objects) = (field(8, 8), field(16, 8), field(24, 8));
        let widths_good = (1..=8).contains(&offset_width) && (1..=8).contains(&reference_width);
        let table_end = count.checked_mul(offset_width).and_then(|n| n.checked_add(end_of_objects));
        let table_good = end_of_objects > HEADER.len()
            && table_end.is_some_and(|end| end <= trailer_start)
            && top < count;
        if !widths_good || !table_good {
            return Err(truncated(bytes, "the trailer points outside of the file"));
        }
        Ok((Self { bytes, end_of_objects, offset_width, reference_width, count }, top))
    }

    /// Returns where an object starts.
    fn offset(&self, index: usize) -> Result<usize, Refusal> {
        let entry = index
            .checked_mul(self.offset_width)
            .and_then(|n| n.checked_add(self.end_of_objects))
            .filter(|_| index < self.count)
            .ok_or_else(|| damaged(format!("there is no object {index}"), 0..0))?;
        number(self.bytes, entry, self.offset_width)
            .filter(|offset| (HEADER.len()..self.end_of_objects).contains(offset))
            .ok_or_else(|| {
                let end = entry.saturating_add(self.offset_width).min(self.bytes.len());
                damaged(format!("the offset of object {index} is wrong"), entry..end)
            })
    }

    /// Returns a slice of the object area.
    fn slice(&self, start: usize, length: usize, object: usize) -> Result<Span<'a>, Refusal> {
        let end = start.checked_add(length).filter(|end| *end <= self.end_of_objects);
        let end = end.ok_or_else(|| {
            damaged("an object is longer than the file", object..object.saturating_add(1))
        })?;
        Ok(Span { bytes: self.bytes.get(start..end).unwrap_or_default(), range: start..end })
    }
}

struct Span<'a> {
    bytes: &'a [u8],
    range: ByteRange,
}

/// Reads a big-endian number of `width` bytes.
fn number(bytes: &[u8], start: usize, width: usize) -> Option<usize> {
    let digits = bytes.get(start..start.checked_add(width)?)?;
    let value = digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(256).map(|value| value | u64::from(*digit))
    })?;
    usize::try_from(value).ok()
}

struct Walk<'a> {
    table: Table<'a>,
    limits: &'a Limits,
    /// The containers that are being read, to find circles.
    path: Vec<usize>,
    objects: usize,
    text_left: usize,
}

impl Walk<'_> {
    fn object(&mut self, index: usize) -> Result<Node, Refusal> {
        let start = self.table.offset(index)?;
        self.objects = self.objects.saturating_add(1);
        if self.objects > self.limits.max_objects {
            return Err(too_many(self.limits.max_objects, start..start.saturating_add(1)));
        }
        let marker = self.table.slice(start, 1, start)?.bytes.first().copied().unwrap_or(0);
        let body = start.saturating_add(1);
        let low = usize::from(marker & 0x0f);
        match marker >> 4 {
            0x0 => match low {
                0 => Ok(leaf("null", start..body)),
                8 => Ok(leaf("false", start..body)),
                9 => Ok(leaf("true", start..body)),
                _ => Err(unknown_marker(marker, start)),
            },
            0x1 if low <= 4 => self.fixed("integer", body, 1 << low, start),
            0x2 if low == 2 || low == 3 => self.fixed("real", body, 1 << low, start),
            0x3 if low == 3 => self.fixed("date", body, 8, start),
            0x8 => self.fixed("uid", body, low.saturating_add(1), start),
            0x4 => {
                let (length, body) = self.length(low, body, start)?;
                self.fixed("data", body, length, start)
            }
            0x5..=0x7 => {
                let (length, body) = self.length(low, body, start)?;
                self.string(marker >> 4, length, body, start)
            }
            0xa | 0xc | 0xd => {
                let (length, body) = self.length(low, body, start)?;
                self.container(marker >> 4, length, body, start)
            }
            _ => Err(unknown_marker(marker, start)),
        }
    }

    fn fixed(
        &self,
        name: &'static str,
        body: usize,
        length: usize,
        start: usize,
    ) -> Result<Node, Refusal> {
        let span = self.table.slice(body, length, start)?;
        let data = match name {
            "integer" => integer(span.bytes).map_or(Data::Other(name), Data::Integer),
            "date" => date(span.bytes).map_or(Data::Other(name), Data::Date),
            _ => Data::Other(name),
        };
        Ok(Node { range: start..span.range.end, data })
    }

    /// Reads a length: in the marker's low half, or in an integer object that follows it.
    fn length(&self, low: usize, body: usize, start: usize) -> Result<(usize, usize), Refusal> {
        if low < 0x0f {
            return Ok((low, body));
        }
        let marker = self.table.slice(body, 1, start)?.bytes.first().copied().unwrap_or(0);
        let width = 1_usize << (marker & 0x0f).min(4);
        let first = body.saturating_add(1);
        let digits = self.table.slice(first, width, start)?;
        let length = number(digits.bytes, 0, digits.bytes.len())
            .filter(|_| marker >> 4 == 1 && marker & 0x0f <= 3)
            .ok_or_else(|| damaged("the length of an object is wrong", body..first))?;
        Ok((length, digits.range.end))
    }

    fn string(
        &mut self,
        kind: u8,
        length: usize,
        body: usize,
        start: usize,
    ) -> Result<Node, Refusal> {
        let unit_bytes = if kind == 0x6 { 2 } else { 1 };
        let bytes = length.saturating_mul(unit_bytes);
        let span = self.table.slice(body, bytes, start)?;
        let text = match kind {
            0x5 => span.bytes.is_ascii().then(|| String::from_utf8_lossy(span.bytes).into_owned()),
            0x6 => utf16(span.bytes),
            _ => std::str::from_utf8(span.bytes).ok().map(str::to_owned),
        };
        let text = text.ok_or_else(|| {
            damaged("a string is not in the encoding that it claims", span.range.clone())
        })?;
        self.text_left = self
            .text_left
            .checked_sub(text.len())
            .ok_or_else(|| too_many(self.limits.max_objects, span.range.clone()))?;
        Ok(Node { range: span.range, data: Data::String(text) })
    }

    fn container(
        &mut self,
        kind: u8,
        length: usize,
        body: usize,
        start: usize,
    ) -> Result<Node, Refusal> {
        if self.path.contains(&start) {
            let range = start..start.saturating_add(1);
            return Err(damaged("a container holds itself", range));
        }
        if self.path.len() >= self.limits.max_depth {
            let range = start..start.saturating_add(1);
            return Err(too_deep(self.limits.max_depth, range));
        }
        if length > self.limits.max_objects {
            let range = start..start.saturating_add(1);
            return Err(too_many(self.limits.max_objects, range));
        }
        let width = self.table.reference_width;
        let columns = if kind == 0xd { 2 } else { 1 };
        let bytes = length.saturating_mul(width).saturating_mul(columns);
        let span = self.table.slice(body, bytes, start)?;
        let mut references = span.bytes.chunks_exact(width);
        let table = &self.table;
        let numbers: Vec<usize> = references
            .by_ref()
            .map(|chunk| number(chunk, 0, width).unwrap_or(table.count))
            .collect();
        self.path.push(start);
        let data = if kind == 0xd {
            let (keys, values) = numbers.split_at(length.min(numbers.len()));
            Data::Dictionary(self.entries(keys, values)?)
        } else {
            Data::Array(numbers.iter().map(|n| self.object(*n)).collect::<Result<_, _>>()?)
        };
        self.path.pop();
        Ok(Node { range: start..span.range.end, data })
    }

    fn entries(&mut self, keys: &[usize], values: &[usize]) -> Result<Vec<Entry>, Refusal> {
        let mut entries = Vec::new();
        for (key, value) in keys.iter().zip(values) {
            let Node { range: key_range, data } = self.object(*key)?;
            let Data::String(key) = data else {
                return Err(damaged("a key of a dictionary is not a string", key_range));
            };
            entries.push(Entry { key, key_range, value: self.object(*value)? });
        }
        Ok(entries)
    }
}

/// Integers of eight bytes have a sign, shorter ones have none.
fn integer(bytes: &[u8]) -> Option<i64> {
    match <[u8; 8]>::try_from(bytes) {
        Ok(whole) => Some(i64::from_be_bytes(whole)),
        Err(_) if bytes.len() > 8 => None,
        Err(_) => Some(bytes.iter().fold(0, |value, byte| (value << 8) | i64::from(*byte))),
    }
}

/// Seconds since 2001, as XML property lists write the time.
fn date(bytes: &[u8]) -> Option<String> {
    const YEAR_2001: i64 = 978_307_200;
    let seconds = f64::from_be_bytes(bytes.try_into().ok()?);
    if !(seconds.is_finite() && seconds.abs() < 1e11) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range was looked at")]
    let since = u64::try_from(YEAR_2001.checked_add(seconds.floor() as i64)?).ok()?;
    let day = codex_schema::types::policy::Date::of_unix_seconds(since);
    let (hour, minute, second) = (since / 3600 % 24, since / 60 % 60, since % 60);
    Some(format!("{day}T{hour:02}:{minute:02}:{second:02}Z"))
}

fn leaf(name: &'static str, range: ByteRange) -> Node {
    Node { range, data: Data::Other(name) }
}

fn unknown_marker(marker: u8, start: usize) -> Refusal {
    let message = format!("an object has the unknown marker {marker:#04x}");
    damaged(message, start..start.saturating_add(1))
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |unit, byte| (unit << 8) | u16::from(*byte)))
        .collect();
    String::from_utf16(&units).ok()
}
