//! How a machine gets its certificate, and how it keeps one.

use serde::{Deserialize, Serialize};

/// The most bytes of a request or its answer.
pub const MAX_BYTES: usize = 65_536;

/// What enrolment tokens begin with, so that a scanner for secrets finds one that leaked.
pub const TOKEN_PREFIX: &str = "ccenrol_";

/// A machine's request to be enrolled. The token is a secret: it is not in `Debug`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The one-time token.
    pub token: String,
    /// A signing request in PEM for the key that was made on the machine. Only its key counts: names
    /// in it are not looked at.
    pub signing_request: String,
    /// The operating system: `linux`, `macos` or `windows`.
    pub os: String,
    /// The host name.
    pub host: String,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Request")
            .field("os", &self.os)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// A machine's request for a new certificate, under its old one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// A signing request in PEM. The key may be the old one or a new one.
    pub signing_request: String,
    /// The host name, which may have changed.
    pub host: String,
}

/// The certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The machine's certificate in PEM, with the identity in its name.
    pub certificate: String,
    /// The public key that signs answers to check-ins: Ed25519, 32 bytes, base64.
    pub freshness_key: String,
}

/// What every endpoint answers that refuses: a word for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A word, such as `token_used`.
    pub error: String,
    /// A sentence: what is wrong, and what to do.
    pub message: String,
}
