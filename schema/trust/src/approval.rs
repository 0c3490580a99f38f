//! Approvals of what loosens: a DSSE envelope over the digests of the old and the new bundle.
//!
//! The envelope follows the protocol of DSSE 1.0; what is signed is the pre-authentication encoding
//! of type and payload, so that a signature over anything else never counts as one over this.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::keys::{PublicKey, SignError, Signer};
use crate::organisation::Approvers;

/// The type of payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.codex-config.loosening+json";

/// The form of the statement.
pub const FORM: &str = "codex-config loosening 1";

/// The most bytes that an approval may have.
pub const MAX_BYTES: u64 = 65_536;

/// That one bundle may follow others, although it is looser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// [`FORM`].
    pub form: String,
    /// The organisation.
    pub organisation: String,
    /// The cohort.
    pub cohort: String,
    /// Digests of bundles that it may follow, `sha256:…`.
    pub from: BTreeSet<String>,
    /// The digest of the bundle, `sha256:…`.
    pub to: String,
    /// Why, in the approver's words.
    pub reason: String,
}

/// A statement with signatures, as it is kept in a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    keyid: String,
    sig: String,
}

/// Why an approval does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    /// It has not the form of one.
    #[error("the approval cannot be read: {0}")]
    Form(String),
    /// Too few of those who may approve have signed.
    #[error("the approval has {found} of {threshold} signatures")]
    Threshold {
        /// How many right signatures by different approvers it has.
        found: usize,
        /// How many it needs.
        threshold: u32,
    },
    /// It is about another pair of bundles, another cohort or another organisation.
    #[error("the approval is about another change")]
    OtherChange,
}

impl Approval {
    /// A statement without signatures.
    pub fn new(statement: &Statement) -> Self {
        // A structure of texts cannot fail to be written.
        let payload = serde_json::to_vec(statement).unwrap_or_default();
        Self {
            payload: STANDARD.encode(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: Vec::new(),
        }
    }

    /// Whether it is about this statement.
    pub fn says(&self, statement: &Statement) -> bool {
        self.payload == Self::new(statement).payload
    }

    /// Reads one. Signatures are not checked.
    ///
    /// # Errors
    /// When it has not the form of one.
    pub fn read(bytes: &[u8]) -> Result<Self, NotApproved> {
        serde_json::from_slice(bytes).map_err(|error| NotApproved::Form(error.to_string()))
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Adds a signature, or replaces that of the same key.
    ///
    /// # Errors
    /// When the signer fails.
    pub fn sign(&mut self, signer: &dyn Signer) -> Result<(), SignError> {
        let payload = STANDARD.decode(&self.payload).unwrap_or_default();
        let sig = signer.sign(&encoded(&self.payload_type, &payload))?;
        let keyid = signer.public().id();
        self.signatures.retain(|signature| signature.keyid != keyid);
        self.signatures.push(Signature { keyid, sig: STANDARD.encode(sig) });
        self.signatures.sort_by(|one, other| one.keyid.cmp(&other.keyid));
        Ok(())
    }

    /// The statement, where enough approvers have signed it. Two signatures by one key count once.
    ///
    /// # Errors
    /// When they have not, or it cannot be read.
    pub fn verified(&self, approvers: &Approvers) -> Result<Statement, NotApproved> {
        let form = |problem: &str| NotApproved::Form(problem.to_owned());
        if self.payload_type != PAYLOAD_TYPE {
            return Err(form("it is of another type"));
        }
        let payload = STANDARD.decode(&self.payload).map_err(|_| form("it is no base64"))?;
        let message = encoded(&self.payload_type, &payload);
        let by = |key: &PublicKey| {
            let id = key.id();
            self.signatures
                .iter()
                .filter(|one| one.keyid == id)
                .any(|one| STANDARD.decode(&one.sig).is_ok_and(|sig| key.verifies(&message, &sig)))
        };
        let keys: BTreeSet<&PublicKey> = approvers.keys.iter().collect();
        let found = keys.into_iter().filter(|key| by(key)).count();
        // A threshold of nobody would let everything in.
        let needed = usize::try_from(approvers.threshold.max(1)).unwrap_or(usize::MAX);
        if found < needed {
            return Err(NotApproved::Threshold { found, threshold: approvers.threshold.max(1) });
        }
        let statement: Statement = serde_json::from_slice(&payload)
            .map_err(|error| NotApproved::Form(error.to_string()))?;
        if statement.form == FORM { Ok(statement) } else { Err(form("it is of another form")) }
    }
}

/// The pre-authentication encoding.
fn encoded(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}
