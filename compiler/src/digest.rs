//! SHA-256: the one door to the cryptography library for hashes.

use ring::digest::{Context, SHA256, digest};

/// The digest in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// A digest over several parts, each with its length: no two lists of parts run together.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "an unfinished digest says nothing")]
pub struct Sha256(Context);

impl Default for Sha256 {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Sha256 {
    /// Adds a part.
    pub fn add(&mut self, part: &[u8]) {
        self.0.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(part);
    }

    /// The digest in lower-case hexadecimal.
    pub fn finish(self) -> String {
        hex(self.0.finish().as_ref())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(half), 16));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn hashes_the_empty_text() {
        assert!(super::sha256_hex(b"").starts_with("e3b0c44298fc1c149afbf4c8996fb924"));
    }
}
