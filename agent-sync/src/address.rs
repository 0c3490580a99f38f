//! Names of a release in the path of an address, and in the name of a file.

use std::fmt::Write as _;

/// Whether a byte stands for itself in one segment of an address (RFC 3986, `unreserved`).
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// A text as one segment of an address: all other characters percent-encoded, `/` among them.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _always_ok = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The path of a target as part of an address: each segment encoded, `/` kept. `None` where a
/// server, a proxy or a file system would understand it as another path: `.`, `..`, a NUL.
pub fn target_path(path: &str) -> Option<String> {
    let segment = |segment: &str| match segment {
        "." | ".." => None,
        segment if segment.contains('\0') => None,
        segment => Some(encoded(segment)),
    };
    let segments: Vec<String> = path.split('/').map(segment).collect::<Option<_>>()?;
    (!path.is_empty()).then(|| segments.join("/"))
}

/// A name that has to be one encoded segment already; `None` where it is not.
pub fn segment(name: &str) -> Option<&str> {
    let is_one = name.bytes().all(|byte| is_plain(byte) || byte == b'%');
    (is_one && !matches!(name, "" | "." | "..")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_keep_their_folders_and_nothing_else_that_means_something() {
        assert_eq!(target_path("a b/c?d#é.json").unwrap(), "a%20b/c%3Fd%23%C3%A9.json");
        assert_eq!(target_path("a%2Fb").unwrap(), "a%252Fb");
        for wrong in ["", ".", "..", "a/../b", "./a", "a/..", "a/\0"] {
            assert_eq!(target_path(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn metadata_names_are_taken_as_they_are_or_not_at_all() {
        assert_eq!(segment("1...%2Frole.json"), Some("1...%2Frole.json"));
        for wrong in ["", "..", "a/b", "a?b", "a#b", "a b", "a\\b", "a\0"] {
            assert_eq!(segment(wrong), None, "{wrong:?}");
        }
    }
}
