//! The bundle that Codex fetches from the cloud or from a configuration server: two lists of
//! fragments, the highest first, each a TOML text inside JSON.

use codex_schema::source::{Documents, Source};
use codex_schema::span::SourceId;
use serde::Deserialize;

/// A fragment, its text registered as a document.
#[derive(Clone, Debug)]
pub struct Fragment {
    /// Identifier.
    pub id: String,
    /// Name.
    pub name: String,
    /// The text.
    pub source: SourceId,
}

/// The fragments of a bundle, highest first, as in the answer.
#[derive(Clone, Debug, Default)]
pub struct Bundle {
    /// Fragments of requirements.
    pub requirements: Vec<Fragment>,
    /// Fragments of configuration.
    pub config: Vec<Fragment>,
    /// When the copy in `CODEX_HOME` was made and when it runs out, as it says itself.
    pub cached: Option<Cached>,
}

/// What a cached bundle says about itself. The file belongs to the user and its signature is made
/// with a key that every copy of Codex contains: none of this is proof.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct Cached {
    /// RFC 3339.
    pub cached_at: String,
    /// RFC 3339.
    pub expires_at: String,
}

#[derive(Deserialize, Default)]
struct Raw {
    #[serde(default)]
    config_toml: Option<RawList>,
    #[serde(default)]
    requirements_toml: Option<RawList>,
}

#[derive(Deserialize, Default)]
struct RawList {
    #[serde(default)]
    enterprise_managed: Option<Vec<RawFragment>>,
}

#[derive(Deserialize)]
struct RawFragment {
    id: String,
    name: String,
    contents: String,
}

#[derive(Deserialize)]
struct RawCache {
    signed_payload: RawPayload,
}

#[derive(Deserialize)]
struct RawPayload {
    cached_at: String,
    expires_at: String,
    bundle: Raw,
}

/// Reads an answer of the cloud or of a configuration server. Empty answers, even `[]`, are
/// valid: they mean that there is no policy.
///
/// # Errors
/// Why it is not a bundle, with line and column of the JSON.
pub fn read_answer(bytes: &[u8], documents: &mut Documents) -> Result<Bundle, String> {
    let raw: Raw = match first_byte(bytes) {
        // serde reads a struct from a list; an empty one leaves everything at its default.
        Some(b'[') => serde_json::from_slice::<[(); 0]>(bytes)
            .map(|_| Raw::default())
            .map_err(|error| error.to_string())?,
        _ => serde_json::from_slice(bytes).map_err(|error| error.to_string())?,
    };
    Ok(register(raw, None, documents))
}

/// Reads the copy that Codex keeps in `CODEX_HOME`.
///
/// # Errors
/// Why it is not one.
pub fn read_cache(bytes: &[u8], documents: &mut Documents) -> Result<Bundle, String> {
    let raw: RawCache = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let RawPayload { cached_at, expires_at, bundle } = raw.signed_payload;
    Ok(register(bundle, Some(Cached { cached_at, expires_at }), documents))
}

fn first_byte(bytes: &[u8]) -> Option<u8> {
    bytes.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

fn register(raw: Raw, cached: Option<Cached>, documents: &mut Documents) -> Bundle {
    let mut fragments = |list: Option<RawList>| {
        let list = list.and_then(|list| list.enterprise_managed).unwrap_or_default();
        list.into_iter()
            .map(|RawFragment { id, name, contents }| {
                let identity = Source::Fragment { id: id.clone(), name: name.clone() };
                let source = documents.add(identity, contents);
                Fragment { id, name, source }
            })
            .collect()
    };
    Bundle {
        requirements: fragments(raw.requirements_toml),
        config: fragments(raw.config_toml),
        cached,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Result<Bundle, String> {
        read_answer(text.as_bytes(), &mut Documents::default())
    }

    #[test]
    fn empty_answers_are_bundles() {
        for text in ["{}", "[]", " [ ] ", r#"{"config_toml":null,"x":1}"#] {
            assert!(answer(text).is_ok_and(|bundle| bundle.requirements.is_empty()), "{text}");
        }
    }

    #[test]
    fn wrong_answers_are_refused_with_their_place() {
        let missing = r#"{"requirements_toml":{"enterprise_managed":[{"id":"x","contents":""}]}}"#;
        let message = answer(missing).unwrap_err();
        assert!(message.contains("missing field `name` at line 1 column"), "{message}");
        for text in ["", "not json", "[1]", "5", "{\"a\":"] {
            assert!(answer(text).is_err(), "{text}");
        }
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(answer(&deep).is_err());
    }
}
