//! Signature checks that are made once for every different question. Thousands of runs verify the
//! same few releases; whether a key signed some bytes does not depend on who asks, so that what was
//! found once is what would be found again. Everything else (documents, thresholds, versions, expiry,
//! hashes) is done anew by the real code every time.
//!
//! It stands where `codex-trust` would put its own: the first one in a process counts.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use ::ring::digest::{Context, SHA256};
use codex_trust::provider::ring;
use sigstore_crypto::{CryptoProvider, Error, HashContext, SigningScheme};
use sigstore_types::HashAlgorithm;

/// A question: a digest over the key, the bytes and the signature, each with its length.
type Question = [u8; 32];

/// Makes this the cryptography of the process, before anything is verified.
pub(crate) fn install() {
    static PROVIDER: OnceLock<Remembering> = OnceLock::new();
    let provider = PROVIDER.get_or_init(Remembering::default);
    let is_first = sigstore_crypto::install_default_provider(provider).is_ok();
    assert!(is_first, "something was verified before");
}

#[derive(Debug, Default)]
struct Remembering(Mutex<HashMap<Question, bool>>);

impl CryptoProvider for Remembering {
    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>, Error> {
        ring().hash(algorithm)
    }

    fn verify_raw(
        &self,
        scheme: SigningScheme,
        public: &[u8],
        data: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        assert_eq!(scheme, SigningScheme::Ed25519, "nothing here is signed otherwise");
        let mut question = Context::new(&SHA256);
        for part in [public, data, signature] {
            question.update(&part.len().to_le_bytes());
            question.update(part);
        }
        let question: Question = question.finish().as_ref().try_into().unwrap();
        let known = self.0.lock().unwrap().get(&question).copied();
        let is_right = known.unwrap_or_else(|| {
            let is_right = ring().verify_raw(scheme, public, data, signature).is_ok();
            self.0.lock().unwrap().insert(question, is_right);
            is_right
        });
        is_right.then_some(()).ok_or_else(|| Error::Verification("signature invalid".to_owned()))
    }

    fn verify_prehashed(
        &self,
        scheme: SigningScheme,
        public: &[u8],
        digest: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        ring().verify_prehashed(scheme, public, digest, signature)
    }
}
