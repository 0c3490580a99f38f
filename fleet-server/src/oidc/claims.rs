//! What a token says, held against whom it must be from, whom it must be for, and the time.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::keys::Keys;
use super::token::{Kind, Parts, parts};

/// By how many seconds clocks may differ.
pub const LEEWAY_SECONDS: i64 = 60;

/// The most bytes of a subject: OpenID Connect Core, 2.
const MAX_SUBJECT: usize = 255;

/// The most groups of somebody.
const MAX_GROUPS: usize = 10_000;

/// Why a token is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It has not the form of one.
    #[error("{0}")]
    Form(&'static str),
    /// The issuer publishes no such key.
    #[error("the issuer publishes no key that it could be signed with")]
    Key,
    /// The signature is none of that key.
    #[error("its signature is wrong")]
    Signature,
    /// Something that it says, or does not say.
    #[error("{0}")]
    Claim(&'static str),
    /// It has ended.
    #[error("it has expired")]
    Expired,
}

/// Whom a token must be for.
#[derive(Clone, Copy, Debug)]
pub enum Whom<'whom> {
    /// This server as a client, in the login that this nonce is of: an ID token.
    Client {
        /// The client.
        id: &'whom str,
        /// The nonce.
        nonce: &'whom str,
    },
    /// A resource: an access token.
    Resource {
        /// The audience.
        audience: &'whom str,
        /// The clients that may ask for it; any where none is named.
        clients: &'whom [String],
    },
}

/// What a token that was verified says of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// Who, as the issuer knows them for good.
    pub(super) subject: String,
    /// A name for people, if any.
    pub(super) name: Option<String>,
    /// The groups.
    pub(super) groups: Vec<String>,
}

/// What is asked of a token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'all> {
    pub(super) issuer: &'all str,
    pub(super) whom: Whom<'all>,
    pub(super) groups_claim: &'all str,
    pub(super) now: Timestamp,
}

/// Verifies a token: first the signature, then everything that it says.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn verify(token: &str, keys: &Keys, wanted: &Wanted<'_>) -> Result<Said, Refused> {
    let parts = parts(token).map_err(Refused::Form)?;
    let Parts { algorithm, key, kind, signed, payload, signature } = parts;
    let key = keys.find(key.as_deref(), algorithm).ok_or(Refused::Key)?;
    if !key.has_signed(signed.as_bytes(), &signature) {
        return Err(Refused::Signature);
    }
    if kind == Kind::Access && matches!(wanted.whom, Whom::Client { .. }) {
        return Err(Refused::Claim("it is an access token, which signs nobody in"));
    }
    let said: Map<String, Value> = serde_json::from_slice(&payload)
        .map_err(|_| Refused::Form("what it says is no JSON object"))?;
    if said.get("iss").and_then(Value::as_str) != Some(wanted.issuer) {
        return Err(Refused::Claim("it is from another issuer"));
    }
    for_whom(&said, wanted.whom)?;
    in_time(&said, wanted)?;
    Ok(Said {
        subject: subject(&said)?,
        name: ["email", "preferred_username", "name"].iter().find_map(|claim| {
            let name = said.get(*claim)?.as_str()?;
            codex_fleet::identity::is_name(name, MAX_SUBJECT).then(|| name.to_owned())
        }),
        groups: groups(&said, wanted.groups_claim)?,
    })
}

fn subject(said: &Map<String, Value>) -> Result<String, Refused> {
    let subject = said.get("sub").and_then(Value::as_str);
    let subject = subject.filter(|text| codex_fleet::identity::is_name(text, MAX_SUBJECT));
    subject.map(str::to_owned).ok_or(Refused::Claim("it names nobody"))
}

fn for_whom(said: &Map<String, Value>, whom: Whom<'_>) -> Result<(), Refused> {
    let audiences: Vec<&str> = match said.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => {
            let texts: Option<Vec<&str>> = all.iter().map(Value::as_str).collect();
            texts.ok_or(Refused::Claim("its audience is no text"))?
        }
        _ => return Err(Refused::Claim("it does not say whom it is for")),
    };
    let mine = match whom {
        Whom::Client { id, .. } => id,
        Whom::Resource { audience, .. } => audience,
    };
    if !audiences.contains(&mine) {
        return Err(Refused::Claim("it is for another audience"));
    }
    let asker = said.get("azp").or_else(|| said.get("client_id")).map(Value::as_str);
    match (whom, asker) {
        (Whom::Client { id, nonce }, asker) => {
            let is_mine = asker.map_or(audiences.len() == 1, |asker| asker == Some(id));
            if !is_mine {
                return Err(Refused::Claim("it was asked for by another client"));
            }
            if said.get("nonce").and_then(Value::as_str) != Some(nonce) {
                return Err(Refused::Claim("it is of another login"));
            }
        }
        (Whom::Resource { clients, .. }, asker) => {
            let is_known =
                asker.flatten().is_some_and(|asker| clients.iter().any(|one| one == asker));
            let must_be = audiences.len() > 1 || !clients.is_empty();
            if must_be && !is_known {
                return Err(Refused::Claim(
                    "it was asked for by a client that `oidc.bearer_clients` does not name",
                ));
            }
            if said.contains_key("nonce") {
                return Err(Refused::Claim("it is an ID token, which opens nothing"));
            }
        }
    }
    Ok(())
}

/// Seconds since 1970; a fraction is cut off.
fn seconds(said: &Map<String, Value>, claim: &str) -> Result<Option<i64>, Refused> {
    let Some(value) = said.get(claim) else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "the range was looked at")]
    let whole = |number: f64| (number.abs() < 1e15).then_some(number as i64);
    let found = value.as_i64().or_else(|| value.as_f64().and_then(whole));
    found.map(Some).ok_or(Refused::Claim("a time that it says is no time"))
}

fn in_time(said: &Map<String, Value>, wanted: &Wanted<'_>) -> Result<(), Refused> {
    let now = wanted.now.as_second();
    let (latest, earliest) = (now + LEEWAY_SECONDS, now - LEEWAY_SECONDS);
    let ends = seconds(said, "exp")?.ok_or(Refused::Claim("it does not say when it ends"))?;
    if ends <= earliest {
        return Err(Refused::Expired);
    }
    if seconds(said, "nbf")?.is_some_and(|begins| begins > latest) {
        return Err(Refused::Claim("it is not valid yet"));
    }
    let made = seconds(said, "iat")?;
    if made.is_some_and(|made| made > latest) {
        return Err(Refused::Claim("it was made in the future"));
    }
    if made.is_none() && matches!(wanted.whom, Whom::Client { .. }) {
        return Err(Refused::Claim("it does not say when it was made"));
    }
    Ok(())
}

/// The groups of a claim: a text or a list of texts; none where the claim is not there.
fn groups(said: &Map<String, Value>, claim: &str) -> Result<Vec<String>, Refused> {
    let wrong = || Refused::Claim("its groups are no list of names");
    match said.get(claim) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(all)) if all.len() <= MAX_GROUPS => {
            all.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}
