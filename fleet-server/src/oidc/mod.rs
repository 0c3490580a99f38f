//! OpenID Connect: who somebody is, by the word of the organisation's identity provider.
//!
//! Reading order: `settings` (the table `[oidc]`), `address` (what may be asked at all), `token` (a
//! token taken apart, and what it says), `keys` and `signature` (whose word it is), `claims` (whom it
//! is for, and when), `people` (what groups may do), `discovery`, `cache` and `fetch` (where keys come
//! from, and for how long they are good), `login` (one way through a browser), then [`Oidc`], which
//! has the network and is all of it together.
//!
//! **Invariants.**
//! - Nothing of a token is believed before its signature was verified with a key that the issuer
//!   publishes. A token says which key, never which algorithm would do: RS256, ES256 and EdDSA are
//!   those there are, each with keys of its own kind.
//! - An ID token never does as a bearer token, and a bearer token signs nobody in.
//! - What the issuer sends has limits of bytes, depth, number and time. Who asks us can make us ask
//!   the issuer once in a while, not once a request.
//! - Nothing here looks at the clock or the dice: both are arguments.
//!
//! **Why no library.** `openidconnect` brings a second cryptography (`rsa`, `p256`, …) next to `ring`;
//! `jsonwebtoken` without its own wants a verifier over `ring` from us, registers it process-wide and
//! panics without it, and reads the clock by itself; its last release on `ring` takes claims of wrong
//! types for absent ones. Signatures are `ring`'s, HTTP and TLS are `ureq`'s and `rustls`'; what is
//! left is checks, and they are here with the vectors of RFC 7515 and RFC 8037.

mod address;
mod cache;
mod claims;
mod discovery;
mod fetch;
mod issuer;
mod keys;
pub mod login;
mod people;
mod settings;
mod signature;
mod token;

pub use self::address::Address;
pub use self::cache::{KEPT_SECONDS, RETRY_SECONDS, UNKNOWN_SECONDS};
pub use self::claims::{LEEWAY_SECONDS, Refused, Whom};
pub use self::issuer::{Oidc, Unable, is_word};
pub use self::people::{NoCohort, Person};
pub use self::settings::Settings;
pub use self::token::MAX_TOKEN;

/// Bytes as OAuth and JOSE write them: base64 with the letters of addresses, without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of such a text; none where it is no such text to the letter.
pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()
}
