//! Keys, and what signs with them.

use std::fmt;

use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sigstore_tuf::canonical_json::to_canonical_bytes;

use crate::provider::{hex, key_pair, sha256, unhex, verifies};

/// An Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// Why a text is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a public key is `ed25519:` and 64 hexadecimal digits")]
pub struct NotAKey;

impl PublicKey {
    /// How texts of keys begin.
    const PREFIX: &str = "ed25519:";

    /// The key of its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes in hexadecimal, as TUF writes them.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// The TUF identifier: the SHA-256 of the canonical key object, in hexadecimal.
    pub fn id(&self) -> String {
        // Canonical JSON of texts alone cannot fail.
        hex(&sha256(&to_canonical_bytes(&self.object()).unwrap_or_default()))
    }

    /// The key as TUF writes it.
    pub fn object(&self) -> serde_json::Value {
        json!({ "keytype": "ed25519", "scheme": "ed25519", "keyval": { "public": self.hex() } })
    }

    /// Whether a signature over a message is by this key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        verifies(&self.0, message, signature)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", Self::PREFIX, self.hex())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::str::FromStr for PublicKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let digits = text.strip_prefix(Self::PREFIX).ok_or(NotAKey)?;
        let bytes = unhex(digits).ok_or(NotAKey)?;
        bytes.try_into().map(Self).map_err(|_| NotAKey)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key's keeper (a command, a service, a token) refused or failed.
    #[error("{0}")]
    Refused(String),
    /// What came back is no signature by this key.
    #[error("what came back is not a signature by {0}")]
    NotASignature(PublicKey),
}

/// What holds a private key and signs with it: a file, a command, a service, a token.
pub trait Signer {
    /// The public key.
    fn public(&self) -> PublicKey;

    /// The signature over a message, 64 bytes.
    ///
    /// # Errors
    /// When the key's keeper refuses.
    fn sign_unchecked(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// The signature over a message, checked against the public key: a keeper that answers with
    /// something else is found here and not on every endpoint.
    ///
    /// # Errors
    /// When the keeper refuses, or answers with what is no signature.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.sign_unchecked(message)?;
        let public = self.public();
        if public.verifies(message, &signature) {
            Ok(signature)
        } else {
            Err(SignError::NotASignature(public))
        }
    }
}

/// A private key in memory.
pub struct MemoryKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl MemoryKey {
    /// The key of a seed. The caller brings the randomness, and wipes the seed.
    pub fn from_seed(seed: &[u8; 32]) -> Option<Self> {
        let pair = key_pair(seed)?;
        let public = <[u8; 32]>::try_from(pair.public_key().as_ref()).ok()?;
        Some(Self { pair, public: PublicKey(public) })
    }
}

impl fmt::Debug for MemoryKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MemoryKey({})", self.public)
    }
}

impl Signer for MemoryKey {
    fn public(&self) -> PublicKey {
        self.public
    }

    fn sign_unchecked(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.pair.sign(message).as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Liar(MemoryKey);

    impl Signer for Liar {
        fn public(&self) -> PublicKey {
            self.0.public()
        }

        fn sign_unchecked(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
            self.0.sign_unchecked(b"something else")
        }
    }

    #[test]
    fn a_key_is_the_same_after_writing_and_reading() {
        let key = MemoryKey::from_seed(&[7; 32]).unwrap().public();
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(key.id().len(), 64);
        for wrong in ["", "ed25519:", "ed25519:00", "rsa:00", &key.hex()] {
            assert_eq!(wrong.parse::<PublicKey>(), Err(NotAKey), "{wrong}");
        }
    }

    #[test]
    fn a_keeper_that_signs_something_else_is_found() {
        let key = MemoryKey::from_seed(&[7; 32]).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert!(key.public().verifies(b"message", &signature));
        assert!(!key.public().verifies(b"massage", &signature));
        assert!(matches!(Liar(key).sign(b"message"), Err(SignError::NotASignature(_))));
    }
}
