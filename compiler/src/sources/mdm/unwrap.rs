//! Finds out which kind of file the bytes are, and reads it down to the preferences.

use super::domain::{self, Found};
use super::model::{Limits, ManagedPreferences, Signature};
use super::problem::{
    ByteRange, Document, LineColumn, MdmProblem, Place, ProblemKind, Problems, Refusal,
};
use super::signed::{self, Content};
use super::tree::report_duplicates;
use super::{binary, xml};

/// What the first bytes say.
enum Kind {
    Binary,
    Der,
    Pem,
    Text,
}

pub(super) fn read_file(bytes: &[u8], limits: &Limits) -> ManagedPreferences {
    let mut problems = Problems::new(limits.max_problems);
    let result = |found: Found, signature: Signature, problems: Problems| {
        let Found { values, profile, heads } = found;
        let (values, refused) = match signature {
            Signature::Broken => (Vec::new(), values),
            Signature::NotSigned | Signature::Consistent { .. } => (values, Vec::new()),
        };
        ManagedPreferences {
            values,
            refused,
            problems: problems.finish(),
            profile,
            heads,
            signature,
        }
    };
    let kind = match kind(bytes, limits) {
        Ok(kind) => kind,
        Err(problem) => {
            problems.add(*problem);
            return result(Found::default(), Signature::NotSigned, problems);
        }
    };
    let opened = match kind {
        Kind::Binary | Kind::Text => {
            let (found, list_problems) = property_list(bytes, limits);
            return result(found, Signature::NotSigned, list_problems);
        }
        Kind::Der => signed::open(bytes, &mut problems),
        Kind::Pem => signed::open_pem(bytes, &mut problems),
    };
    let (content, signature) = opened;
    let Some(Content { bytes: list, start }) = content else {
        return result(Found::default(), signature, problems);
    };
    let (mut found, mut list_problems) = property_list(&list, limits);
    let relocate = |place: &mut Place| match start {
        Some(start) => {
            let ByteRange { start: from, end } = place.range;
            place.range = from.saturating_add(start)..end.saturating_add(start);
        }
        None => place.document = Document::SignedContent,
    };
    list_problems.map_places(relocate);
    found.places_mut().for_each(relocate);
    problems.append(list_problems);
    result(found, signature, problems)
}

fn kind(bytes: &[u8], limits: &Limits) -> Result<Kind, Refusal> {
    if bytes.len() > limits.max_bytes {
        let (size, most) = (bytes.len(), limits.max_bytes);
        return Err(MdmProblem::error(
            ProblemKind::TooLarge,
            format!("the file has {size} bytes, more than the {most} that are read"),
            "deliver the Codex preferences in a profile of their own",
        )
        .into());
    }
    let head = bytes.trim_ascii_start();
    if head.is_empty() {
        let help = "write a property list; to set nothing, remove the file";
        return Err(MdmProblem::error(ProblemKind::Empty, "the file is empty", help).into());
    }
    if bytes.starts_with(b"bplist") {
        return Ok(Kind::Binary);
    }
    if is_wide_text(bytes) {
        return Err(MdmProblem::error(
            ProblemKind::WideText,
            "the file is UTF-16 or UTF-32 text",
            "save it as UTF-8: `iconv -f UTF-16 -t UTF-8 FILE`, and correct the xml declaration",
        )
        .at(0..bytes.len().min(4))
        .into());
    }
    if head.starts_with(b"-----BEGIN ") {
        return Ok(Kind::Pem);
    }
    // A SEQUENCE of more than 127 bytes or of indefinite length: no text begins like this.
    if matches!(bytes, [0x30, 0x80..=0x84, ..]) {
        return Ok(Kind::Der);
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if text.starts_with(b"<") { Ok(Kind::Text) } else { Err(unknown_kind(text)) }
}

fn is_wide_text(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || bytes.starts_with(&[b'<', 0])
        || bytes.starts_with(&[0, b'<'])
        || bytes.starts_with(&[0, 0, 0xfe, 0xff])
        || bytes.starts_with(&[0, 0, 0, b'<'])
}

fn unknown_kind(head: &[u8]) -> Refusal {
    let help = if head.starts_with(b"{") {
        "this looks like json or an old-style property list: `plutil -convert xml1 FILE`"
    } else if head.starts_with(b"MIME-Version:") {
        "this is a signed mail: sign with `openssl cms -sign -nodetach -outform DER …`"
    } else if head.starts_with(b"bpli") {
        "the header of a binary property list is cut short: copy the file again"
    } else {
        "give the property list of the domain or a .mobileconfig; the toml itself belongs in it \
         as base64"
    };
    MdmProblem::error(
        ProblemKind::NotAPropertyList,
        "the file is no property list and no signed profile",
        help,
    )
    .at(0..0)
    .into()
}

/// Reads a property list; places count its own bytes.
fn property_list(bytes: &[u8], limits: &Limits) -> (Found, Problems) {
    let mut problems = Problems::new(limits.max_problems);
    let tree = match kind(bytes, limits) {
        Ok(Kind::Binary) => binary::parse(bytes, limits),
        Ok(Kind::Text) => {
            xml_text(bytes, &mut problems).and_then(|(text, base)| xml::parse(text, base, limits))
        }
        Ok(Kind::Der | Kind::Pem) => Err(MdmProblem::error(
            ProblemKind::NotAPropertyList,
            "a signed container holds another signed container",
            "sign the profile once",
        )
        .into()),
        Err(problem) => Err(problem),
    };
    let mut found = Found::default();
    match tree {
        Ok(root) => {
            report_duplicates(&root, &mut problems);
            found = domain::interpret(&root, &mut problems);
        }
        Err(problem) => problems.add(*problem),
    }
    if !bytes.starts_with(b"bplist") {
        let lines = Lines::of(bytes);
        let number = |place: &mut Place| place.line_column = Some(lines.at(place.range.start));
        problems.map_places(number);
        found.places_mut().for_each(number);
    }
    (found, problems)
}

/// Takes the text out of the bytes of an XML file, and says where it begins.
fn xml_text<'a>(bytes: &'a [u8], problems: &mut Problems) -> Result<(&'a str, usize), Refusal> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let (body, base) = match bytes.strip_prefix(MARK) {
        None => (bytes, 0),
        Some(body) => {
            let message = "the xml begins with a byte order mark";
            let help = "save it as UTF-8 without a byte order mark";
            let kind = ProblemKind::ByteOrderMark;
            problems.add(MdmProblem::warning(kind, message, help).at(0..MARK.len()));
            (body, MARK.len())
        }
    };
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to().saturating_add(base);
        MdmProblem::error(
            ProblemKind::NotUtf8,
            format!("the xml is not UTF-8, at byte {at}"),
            "save it as UTF-8: `iconv -f LATIN1 -t UTF-8 FILE`",
        )
        .at(at..at.saturating_add(1))
    })?;
    Ok((text, base))
}

/// Finds line and column of an offset without reading the text from its start each time.
struct Lines<'a> {
    bytes: &'a [u8],
    line_starts: Vec<usize>,
    /// How many characters begin before each block, and in all.
    characters_before: Vec<usize>,
}

const BLOCK_BYTES: usize = 1024;

impl<'a> Lines<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let after = ends.map(|(at, _)| at.saturating_add(1));
        let line_starts = std::iter::once(0).chain(after).collect();
        let mut total = 0_usize;
        let mut characters_before: Vec<usize> = bytes
            .chunks(BLOCK_BYTES)
            .map(|block| {
                let before = total;
                total = total.saturating_add(characters(block));
                before
            })
            .collect();
        characters_before.push(total);
        Self { bytes, line_starts, characters_before }
    }

    fn at(&self, offset: usize) -> LineColumn {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.characters_to(offset).saturating_sub(self.characters_to(start));
        LineColumn { line, column: column.saturating_add(1) }
    }

    fn characters_to(&self, offset: usize) -> usize {
        let offset = offset.min(self.bytes.len());
        let block = offset / BLOCK_BYTES;
        let rest = self.bytes.get(block.saturating_mul(BLOCK_BYTES)..offset).unwrap_or_default();
        let before = self.characters_before.get(block).copied().unwrap_or(0);
        before.saturating_add(characters(rest))
    }
}

/// Counts the characters of UTF-8 text by the bytes that begin one.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}
