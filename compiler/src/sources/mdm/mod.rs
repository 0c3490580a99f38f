//! Reads macOS managed preferences of the domain `com.openai.codex`.
//!
//! Four kinds of file are understood: the preference domain itself as an XML or a binary property
//! list, a whole configuration profile (`.mobileconfig`) of either kind, and a profile inside a
//! CMS (PKCS #7) signature, as DER, BER or PEM. Two payload shapes exist in profiles: a payload
//! whose type is the domain, and `com.apple.ManagedClient.preferences` with the domain below
//! `PayloadContent`.
//!
//! Reading order: [`read`], then `unwrap` (which kind of file), `signed` (CMS), `xml` and `binary`
//! (bytes to `tree`), `domain` (tree to payloads), `value` (one preference to TOML text).
//!
//! **Invariants.** No file, clock, network or randomness. Never fails as a whole, never panics,
//! and the work done is bounded by [`Limits`]. Nothing is silently repaired: what Codex itself
//! would refuse is never returned as a value. Values found under a broken signature are kept apart
//! from those that may count.
//!
//! What Codex does with the two preferences is taken from its source (`codex-rs/config`, the macOS
//! loader) and from the messages in the 0.169.0 program: the value must be forced, must be a
//! string, outer white space is trimmed, then strict standard base64, UTF-8 and TOML; every failure
//! stops Codex.

mod ber;
mod binary;
mod domain;
mod head;
mod model;
mod problem;
mod signature;
mod signed;
mod tree;
mod trust;
mod unwrap;
mod value;
mod xml;

#[cfg(test)]
mod tests;

pub use model::{
    EmbeddedIssuer, Forced, Limits, ManagedPreferences, ManagedValue, PayloadHead, PayloadShape,
    PreferenceKey, ProfileInfo, Signature, Signer, Text,
};
pub use problem::{ByteRange, Document, LineColumn, MdmProblem, Place, ProblemKind, Severity};
pub(crate) use signature::{CONTENT_TYPE, ID_DATA, MESSAGE_DIGEST};
pub(crate) use signed::ID_SIGNED_DATA;
pub use trust::trusted;

/// The preference domain that Codex reads.
pub const DOMAIN: &str = "com.openai.codex";

/// Reads the bytes of a preference file or of a configuration profile.
///
/// Never fails as a whole: everything that is wrong is in [`ManagedPreferences::problems`], and
/// what could still be read is there beside it.
#[must_use]
pub fn read(bytes: &[u8], limits: &Limits) -> ManagedPreferences {
    unwrap::read_file(bytes, limits)
}

/// Reads arbitrary bytes and checks what holds for every result; for fuzzers.
///
/// Returns whether every place lies inside the document it names, and every returned value is
/// what its base64 text says. A fuzzer asserts on it.
#[must_use]
pub fn fuzz_entry(data: &[u8]) -> bool {
    let limits = Limits::default();
    let found = read(data, &limits);
    let inside = |place: &Place| match place.document {
        Document::File => place.range.start <= place.range.end && place.range.end <= data.len(),
        Document::SignedContent => place.range.start <= place.range.end,
    };
    let problems_inside = found
        .problems
        .iter()
        .flat_map(|problem| problem.place.iter().chain(&problem.related))
        .all(inside);
    let values_inside =
        found.values.iter().chain(&found.refused).all(|value| inside(&value.location));
    let broken_gives_nothing =
        !matches!(found.signature, Signature::Broken) || found.values.is_empty();
    let silent = found.values.is_empty() && found.problems.is_empty();
    problems_inside && values_inside && broken_gives_nothing && !silent
}
