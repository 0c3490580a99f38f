//! BER to DER, so that signatures made on a Mac can be read.
//!
//! `security cms` and other tools write lengths as they go (indefinite lengths) and octet strings
//! in chunks. The DER reader takes neither. Tags, values and their order stay as they are.

const SET: u8 = 0x31;
const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;
/// A signed profile nests about twelve deep.
const MAX_DEPTH: usize = 32;
/// Sets are sorted by the reader with a method whose time grows with the square.
const MAX_SET_ELEMENTS: usize = 256;

/// One element as DER, and how many bytes of the input it took.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) der: Vec<u8>,
    pub(super) consumed: usize,
}

/// Converts the first element of the input; says in words why it cannot.
pub(super) fn to_der(input: &[u8]) -> Result<Element, &'static str> {
    element(input, 0)
}

/// The head of an element.
pub(super) struct Head<'a> {
    pub(super) tag: u8,
    /// The bytes of the tag; longer than one for high tag numbers.
    identifier: &'a [u8],
    pub(super) size: usize,
    /// Absent for an indefinite length.
    pub(super) length: Option<usize>,
}

/// Reads tag and length.
pub(super) fn head(input: &[u8]) -> Result<Head<'_>, &'static str> {
    const SHORT: &str = "it ends inside of a tag or length";
    let tag = *input.first().ok_or(SHORT)?;
    let mut tag_bytes = 1_usize;
    if tag & 0x1f == 0x1f {
        loop {
            let next = *input.get(tag_bytes).ok_or(SHORT)?;
            tag_bytes = tag_bytes.saturating_add(1);
            if next & 0x80 == 0 {
                break;
            }
        }
    }
    let identifier = input.get(..tag_bytes).ok_or(SHORT)?;
    let first = *input.get(tag_bytes).ok_or(SHORT)?;
    let after = tag_bytes.saturating_add(1);
    let digits = usize::from(first & 0x7f);
    let (size, length) = if first < 0x80 {
        (after, Some(digits))
    } else if digits == 0 {
        (after, None)
    } else if digits > 4 {
        return Err("a length has more than four bytes");
    } else {
        let end = after.saturating_add(digits);
        let length = input.get(after..end).ok_or(SHORT)?;
        (end, Some(length.iter().fold(0, |value, byte| (value << 8) | usize::from(*byte))))
    };
    Ok(Head { tag, identifier, size, length })
}

fn element(input: &[u8], depth: usize) -> Result<Element, &'static str> {
    if depth > MAX_DEPTH {
        return Err("it is nested too deeply");
    }
    let Head { tag, identifier, size, length } = head(input)?;
    let rest = input.get(size..).unwrap_or_default();
    let is_constructed = tag & CONSTRUCTED != 0;
    let (body, consumed) = match length {
        Some(length) => {
            let body = rest.get(..length).ok_or("it is cut short")?;
            let content = if is_constructed {
                children(body, End::OfBytes, tag, depth)?.der
            } else {
                body.to_vec()
            };
            (content, length)
        }
        None if is_constructed => {
            let Element { der, consumed } = children(rest, End::OfContents, tag, depth)?;
            (der, consumed)
        }
        None => return Err("a value without length"),
    };
    let primitive = [OCTET_STRING];
    let identifier = if tag == OCTET_STRING | CONSTRUCTED { &primitive } else { identifier };
    let mut der = identifier.to_vec();
    push_length(&mut der, body.len());
    der.extend_from_slice(&body);
    Ok(Element { der, consumed: size.saturating_add(consumed) })
}

/// What ends the children of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    OfBytes,
    OfContents,
}

fn children(input: &[u8], end: End, tag: u8, depth: usize) -> Result<Element, &'static str> {
    let mut der = Vec::new();
    let mut consumed = 0_usize;
    let mut count = 0_usize;
    loop {
        let rest = input.get(consumed..).unwrap_or_default();
        match end {
            End::OfBytes if rest.is_empty() => return Ok(Element { der, consumed }),
            End::OfContents if rest.starts_with(&[0, 0]) => {
                return Ok(Element { der, consumed: consumed.saturating_add(2) });
            }
            End::OfBytes | End::OfContents => {}
        }
        let child = element(rest, depth.saturating_add(1))?;
        if tag == OCTET_STRING | CONSTRUCTED {
            let inner = head(&child.der)?;
            if inner.tag != OCTET_STRING {
                return Err("a chunk of an octet string is something else");
            }
            der.extend_from_slice(child.der.get(inner.size..).unwrap_or_default());
        } else {
            der.extend_from_slice(&child.der);
        }
        consumed = consumed.saturating_add(child.consumed);
        count = count.saturating_add(1);
        let is_set = matches!(tag, SET | 0xa0 | 0xa1);
        if is_set && count > MAX_SET_ELEMENTS {
            return Err("a set has too many elements");
        }
    }
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    let bytes = length.to_be_bytes();
    let digits: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    match (digits.as_slice(), u8::try_from(length)) {
        (_, Ok(short)) if short < 0x80 => out.push(short),
        (digits, _) => {
            let count = u8::try_from(digits.len()).unwrap_or(0);
            out.push(0x80 | count);
            out.extend_from_slice(digits);
        }
    }
}
