//! The bundle that Codex fetches from the cloud or from a configuration server: two lists of
//! fragments, the highest first, each a TOML text inside JSON.

use codex_schema::source::{Channel, Documents, Source};
use codex_schema::span::SourceId;
use serde::Deserialize;

use crate::layers::RequirementLayer;

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

/// What the cloud or a configuration server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BundleAnswer {
    /// A body, with status 200.
    Body(Vec<u8>),
    /// Another status.
    Status(u16),
    /// No answer: no route, no listener, a certificate nobody trusts.
    Unreachable,
}

/// Why Codex has no bundle although one is configured: it then refuses to start.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct BundleFailure {
    /// Codex's words.
    pub text: String,
    /// Codex's code for it.
    pub code: &'static str,
    /// The HTTP status, where one came.
    pub status: Option<u16>,
    /// What Codex asks a client to do about it.
    pub action: Option<&'static str>,
}

impl BundleFailure {
    /// No answer that is a bundle; `status` is that of the answer, unless it is a success.
    pub fn request(status: Option<u16>) -> Self {
        match status {
            Some(401) => Self {
                text: "Managed configuration sign-in is required".to_owned(),
                code: "Auth",
                status,
                action: Some("relogin"),
            },
            _ => Self {
                text: "Failed to load cloud config bundle (workspace-managed policies).".to_owned(),
                code: "RequestFailed",
                status,
                action: None,
            },
        }
    }

    /// The server wants a sign-in that has not happened.
    fn sign_in() -> Self {
        Self {
            text: "Sign in to the configuration server to load your organization's settings"
                .to_owned(),
            code: "Auth",
            status: None,
            action: Some("relogin"),
        }
    }

    /// Codex's own network policy does not allow the server.
    fn denied() -> Self {
        Self {
            text: "destination denied by application network policy".to_owned(),
            code: "RequestFailed",
            status: None,
            action: None,
        }
    }

    /// A bundle arrived and cannot be used.
    pub fn invalid(what: &str) -> Self {
        Self {
            text: format!("invalid cloud config bundle: {what}"),
            code: "InvalidBundle",
            status: None,
            action: None,
        }
    }
}

/// What keeps Codex from asking the configuration server that the local layers name, if it is
/// known without asking. Layers are given lowest first.
pub fn kept_from_asking(layers: &[RequirementLayer]) -> Option<BundleFailure> {
    let local = || {
        let highest_first = layers.iter().rev();
        let channels = [Channel::System, Channel::Mdm];
        highest_first.filter(move |layer| channels.contains(&layer.channel))
    };
    let at = |path: &[&str]| {
        local().find_map(|layer| {
            let (first, rest) = path.split_first()?;
            layer.layer.root.get(first)?.at(rest)
        })
    };
    let address = at(&["config_server", "base_url"])?.value.as_str()?;
    let enabled = at(&["application", "network", "enabled"]).map(|node| node.value.as_bool());
    let restricted = at(&["application", "network"]).is_some() && enabled != Some(Some(false));
    let host = host_of(address);
    let allowed = |layer: &RequirementLayer| {
        let application = layer.layer.root.get("application")?;
        let domains = application.at(&["network", "domains"])?.value.as_table()?;
        let own = domains
            .iter()
            .find(|entry| codex_schema::checks::exact_domain(&entry.key.value) == host)?;
        Some(own.node.value.as_str() == Some("allow"))
    };
    let allowed = local().find_map(allowed).unwrap_or_default();
    (restricted && !allowed).then(BundleFailure::denied)
}

/// What Codex says when the configuration server that the local layers name does not answer with
/// a bundle. `None` when none is named: without one nothing is fetched unless somebody is signed
/// in.
pub fn unanswered(layers: &[RequirementLayer], status: Option<u16>) -> Option<BundleFailure> {
    let server = layers
        .iter()
        .rev()
        .filter(|layer| matches!(layer.channel, Channel::System | Channel::Mdm))
        .find_map(|layer| layer.layer.root.get("config_server"))?;
    // An address that needs a sign-in is not even asked before it.
    let listed = server.value.as_array().is_some_and(|fields| fields.len() > 1);
    if listed || server.at(&["oauth"]).is_some() {
        return Some(BundleFailure::sign_in());
    }
    Some(BundleFailure::request(status))
}

/// The host in an address, in lower case and without port.
fn host_of(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    codex_schema::checks::exact_domain(host)
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
