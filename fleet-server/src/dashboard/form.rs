//! Forms and queries as browsers send them.

use std::collections::BTreeMap;

/// The most fields of a form.
const MAX_FIELDS: usize = 32;

/// The fields of a form by their names; the first of a name counts.
pub(super) type Fields = BTreeMap<String, String>;

/// Reads `application/x-www-form-urlencoded`.
pub(super) fn fields(body: &[u8]) -> Fields {
    let mut fields = Fields::new();
    for pair in body.split(|byte| *byte == b'&').take(MAX_FIELDS) {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let spaced = |bytes: &[u8]| {
            let bytes: Vec<u8> =
                bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
            undone(&bytes)
        };
        fields.entry(spaced(name)).or_insert_with(|| spaced(value));
    }
    fields
}

/// A segment of a path, decoded.
pub(super) fn decoded(segment: &str) -> String {
    undone(segment.as_bytes())
}

fn undone(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (*first, byte) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            (other, _) => {
                out.push(other);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_browsers_write_them() {
        let read = fields(b"bundle=7%3Apayments&reason=a+%2B+b%0A&empty=&bundle=8%3Aothers&%zz=%");
        assert_eq!(read["bundle"], "7:payments", "the first counts");
        assert_eq!(read["reason"], "a + b\n");
        assert_eq!(read["empty"], "");
        assert_eq!(read["%zz"], "%");
        let many = "a=b&".repeat(10_000) + "z=1";
        assert!(!fields(many.as_bytes()).contains_key("z"), "bounded");
        assert_eq!(decoded("a%2Fb%ff"), "a/b\u{fffd}");
    }
}
