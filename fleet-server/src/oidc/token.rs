//! A token taken apart: three parts, of which nothing is believed yet.

use serde::Deserialize;

use super::from_base64url;
use super::signature::Algorithm;

/// The most bytes of a token. What is longer would not get through most servers' heads anyway.
pub const MAX_TOKEN: usize = 12_288;

/// The most characters of the name of a key.
const MAX_KEY_NAME: usize = 256;

/// What a token is for, by the type in its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It says nothing, or `JWT`: any.
    Any,
    /// `at+jwt` of RFC 9068: an access token.
    Access,
}

/// A token with its parts, unverified.
#[derive(Clone, Debug)]
pub(super) struct Parts<'token> {
    /// How it says that it is signed.
    pub(super) algorithm: Algorithm,
    /// The name of the key.
    pub(super) key: Option<String>,
    /// What it is for.
    pub(super) kind: Kind,
    /// What is signed.
    pub(super) signed: &'token str,
    /// What is said.
    pub(super) payload: Vec<u8>,
    /// The signature.
    pub(super) signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
}

/// Takes a token apart.
///
/// # Errors
/// What is wrong with its form, for people.
pub(super) fn parts(token: &str) -> Result<Parts<'_>, &'static str> {
    const NONE: &str = "it is no signed token";
    if token.len() > MAX_TOKEN {
        return Err("it is longer than a token may be");
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(NONE)?;
    let (header, payload) = signed.split_once('.').ok_or(NONE)?;
    if payload.contains('.') {
        return Err(NONE);
    }
    let bytes = |text: &str| from_base64url(text).ok_or(NONE);
    let header: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| NONE)?;
    let Header { alg, kid, typ, crit } = header;
    if crit.is_some() {
        // Whoever does not understand what is critical must refuse: RFC 7515, 4.1.11.
        return Err("it has critical parts that this server does not know");
    }
    if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KEY_NAME) {
        return Err("the name of its key is too long");
    }
    let algorithm = Algorithm::of(&alg).ok_or("it is not signed with RS256, ES256 or EdDSA")?;
    Ok(Parts {
        algorithm,
        key: kid,
        kind: kind(typ.as_deref())?,
        signed,
        payload: bytes(payload)?,
        signature: bytes(signature)?,
    })
}

fn kind(typ: Option<&str>) -> Result<Kind, &'static str> {
    let Some(typ) = typ else { return Ok(Kind::Any) };
    match typ.to_ascii_lowercase().as_str() {
        "jwt" | "application/jwt" => Ok(Kind::Any),
        "at+jwt" | "application/at+jwt" => Ok(Kind::Access),
        // A logout token, a proof or a statement is signed with the same keys.
        _ => Err("it is a token of another kind"),
    }
}
