//! Who a machine is: a device with claims, inside its certificate.
//!
//! The claims stand in a subject alternative name of the kind URI, as
//! `urn:codex-config:identity:` and base64url of JSON. That kind of name needs no registered object
//! identifier and is kept by every tool that handles certificates.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use codex_trust::audience::Claims;
use serde::{Deserialize, Serialize};

/// What a name that carries an identity begins with.
pub const URI_PREFIX: &str = "urn:codex-config:identity:";

/// The most characters that a claim may have.
pub const MAX_CLAIM: usize = 255;

/// The most groups that a machine may be in.
pub const MAX_GROUPS: usize = 64;

/// The most bytes that an identity may have in its URI.
const MAX_URI: usize = 32_768;

/// The number of a device: 32 hexadecimal digits in lower case, chosen by the server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(String);

impl DeviceId {
    /// The number that random bytes make.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DeviceId {
    type Error = NotAnIdentity;

    fn try_from(text: String) -> Result<Self, NotAnIdentity> {
        let digits =
            text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if text.len() == 32 && digits { Ok(Self(text)) } else { Err(NotAnIdentity::Device) }
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> Self {
        id.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its number.
    pub device: DeviceId,
    /// What its enrolment says of it.
    pub claims: Claims,
}

/// Why a text is no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnIdentity {
    /// A device's number has another form.
    #[error("a device is named by 32 hexadecimal digits in lower case")]
    Device,
    /// The URI has another form.
    #[error("the certificate's name is no identity: {0}")]
    Form(String),
    /// A claim is too long, empty, or has characters that nothing is named with.
    #[error(
        "the claim `{0}` must have 1 to {MAX_CLAIM} characters, none of them a control character"
    )]
    Claim(&'static str),
    /// Too many groups.
    #[error("a machine may be in {MAX_GROUPS} groups at most")]
    Groups,
    /// An unknown operating system.
    #[error("the operating system must be `linux`, `macos` or `windows`")]
    System,
}

impl Identity {
    /// Its name in a certificate.
    ///
    /// # Errors
    /// When a claim breaks a limit.
    pub fn to_uri(&self) -> Result<String, NotAnIdentity> {
        check(&self.claims)?;
        let json =
            serde_json::to_vec(self).map_err(|error| NotAnIdentity::Form(error.to_string()))?;
        Ok(format!("{URI_PREFIX}{}", URL_SAFE_NO_PAD.encode(json)))
    }

    /// The identity that a name in a certificate carries.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_uri(uri: &str) -> Result<Self, NotAnIdentity> {
        let form = |problem: String| NotAnIdentity::Form(problem);
        if uri.len() > MAX_URI {
            return Err(form(format!("it has more than {MAX_URI} bytes")));
        }
        let encoded = uri
            .strip_prefix(URI_PREFIX)
            .ok_or_else(|| form(format!("it does not begin with `{URI_PREFIX}`")))?;
        let json = URL_SAFE_NO_PAD.decode(encoded).map_err(|error| form(error.to_string()))?;
        let identity: Self =
            serde_json::from_slice(&json).map_err(|error| form(error.to_string()))?;
        check(&identity.claims)?;
        Ok(identity)
    }

    /// What must not change when a certificate is renewed, if it does: a machine moves to another
    /// organisation, team or environment by enrolling again, which needs a new token.
    pub fn moved_to(&self, renewed: &Self) -> Option<&'static str> {
        let (old, new) = (&self.claims, &renewed.claims);
        [
            ("device", self.device == renewed.device),
            ("organisation", old.organisation == new.organisation),
            ("team", old.team == new.team),
            ("environment", old.environment == new.environment),
            ("groups", old.groups == new.groups),
            ("os", old.os == new.os),
        ]
        .into_iter()
        .find_map(|(claim, same)| (!same).then_some(claim))
    }
}

/// Holds claims against the limits.
///
/// # Errors
/// The first limit that is broken.
pub fn check(claims: &Claims) -> Result<(), NotAnIdentity> {
    let named = [
        ("organisation", Some(&claims.organisation)),
        ("team", claims.team.as_ref()),
        ("environment", claims.environment.as_ref()),
        ("host", Some(&claims.host)),
    ];
    let groups = claims.groups.iter().map(|group| ("group", Some(group)));
    for (claim, value) in named.into_iter().chain(groups) {
        if value.is_some_and(|value| !is_name(value, MAX_CLAIM)) {
            return Err(NotAnIdentity::Claim(claim));
        }
    }
    if claims.groups.len() > MAX_GROUPS {
        return Err(NotAnIdentity::Groups);
    }
    match claims.os.as_str() {
        "linux" | "macos" | "windows" => Ok(()),
        _ => Err(NotAnIdentity::System),
    }
}

/// Whether a text has 1 to so many characters, none of them a control character: what comes from
/// an endpoint ends up in logs, on terminals and in pages.
pub fn is_name(text: &str, most: usize) -> bool {
    !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn identity() -> Identity {
        Identity {
            device: DeviceId::from_random([0xab; 16]),
            claims: Claims {
                organisation: "Example Bank".to_owned(),
                team: Some("payments".to_owned()),
                environment: None,
                groups: BTreeSet::from(["laptops".to_owned()]),
                os: "linux".to_owned(),
                host: "pay-17.bank.example".to_owned(),
            },
        }
    }

    #[test]
    fn a_name_in_a_certificate_gives_the_identity_back() {
        let uri = identity().to_uri().expect("within the limits");
        assert_eq!(Identity::from_uri(&uri), Ok(identity()));
    }

    #[test]
    fn what_is_no_identity_is_refused() {
        let with = |change: fn(&mut Identity)| {
            let mut identity = identity();
            change(&mut identity);
            identity.to_uri().expect_err("breaks a limit")
        };
        assert_eq!(with(|one| one.claims.host.clear()), NotAnIdentity::Claim("host"));
        assert_eq!(
            with(|one| one.claims.host = "a\u{1b}[2J".to_owned()),
            NotAnIdentity::Claim("host")
        );
        assert_eq!(
            with(|one| one.claims.team = Some("x".repeat(256))),
            NotAnIdentity::Claim("team")
        );
        assert_eq!(with(|one| one.claims.os = "plan9".to_owned()), NotAnIdentity::System);
        assert_eq!(
            with(|one| one.claims.groups = (0..65).map(|number| number.to_string()).collect()),
            NotAnIdentity::Groups
        );
        for uri in ["", "urn:other", "urn:codex-config:identity:%%", &"x".repeat(40_000)] {
            assert!(matches!(Identity::from_uri(uri), Err(NotAnIdentity::Form(_))), "{uri:.40}");
        }
        assert!(DeviceId::try_from("AB".repeat(16)).is_err(), "lower case only");
        assert!(DeviceId::try_from("../../../../etc/passwd".to_owned()).is_err());
    }

    #[test]
    fn a_renewal_moves_nobody() {
        let mut other = identity();
        other.claims.host = "renamed.bank.example".to_owned();
        assert_eq!(identity().moved_to(&other), None, "hosts are renamed");
        other.claims.team = Some("platform".to_owned());
        assert_eq!(identity().moved_to(&other), Some("team"));
    }
}
