//! The four kinds of TUF metadata as this project writes them, and signatures over them.
//!
//! Reading and checking what comes from outside is `sigstore-tuf`'s work; these types are for those
//! who write releases. Field names and forms are those of the TUF specification 1.0, section 4.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp as Time;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sigstore_tuf::canonical_json::to_canonical_bytes;

use crate::keys::{PublicKey, SignError, Signer};
use crate::provider::{hex, sha256, unhex};

/// The version of the specification that documents are written to.
pub const SPEC_VERSION: &str = "1.0.34";

/// Why a document cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is no signed document of the wanted kind.
    #[error("this is no signed `{wanted}` document: {problem}")]
    Form {
        /// The kind that was wanted.
        wanted: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A name or text in it has no place in canonical JSON.
    #[error("a text in the document contains a control character")]
    ControlCharacter,
    /// The signer failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// A kind of metadata.
pub trait Document: Serialize + DeserializeOwned {
    /// Its name in `_type`.
    const TYPE: &'static str;
    /// The version.
    fn version(&self) -> u64;
    /// When it ends.
    fn expires(&self) -> Time;
}

/// Who signs for a role, and how many of them must.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleKeys {
    /// The identifiers of the keys.
    pub keyids: Vec<String>,
    /// How many of them must sign; at least 1.
    pub threshold: u32,
}

impl RoleKeys {
    /// A role of some keys. The order of identifiers does not depend on that of the keys.
    pub fn of(keys: &[PublicKey], threshold: u32) -> Self {
        let ids: BTreeSet<String> = keys.iter().map(PublicKey::id).collect();
        Self { keyids: ids.into_iter().collect(), threshold }
    }
}

/// The top-level roles, in the order in which they are checked.
pub const TOP_LEVEL: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];

/// Who holds all other roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// One more than that of the root before.
    pub version: u64,
    /// When it ends.
    pub expires: Time,
    /// The keys by their identifiers.
    pub keys: BTreeMap<String, Value>,
    /// The four roles.
    pub roles: BTreeMap<String, RoleKeys>,
    /// Names of metadata and targets carry their version or digest; always so here.
    pub consistent_snapshot: bool,
}

impl Root {
    /// A role of the root.
    ///
    /// # Errors
    /// When the root does not name it.
    pub fn role(&self, name: &str) -> Result<&RoleKeys, DocumentError> {
        self.roles.get(name).ok_or_else(|| DocumentError::Form {
            wanted: "root",
            problem: format!("it names no `{name}` role"),
        })
    }
}

/// A file in a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its length in bytes.
    pub length: u64,
    /// Digests by the name of the algorithm, hexadecimal.
    pub hashes: BTreeMap<String, String>,
    /// What the release says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Value>,
}

impl Target {
    /// The entry of some bytes.
    pub fn of(bytes: &[u8], custom: Option<Value>) -> Self {
        let hashes = BTreeMap::from([("sha256".to_owned(), hex(&sha256(bytes)))]);
        Self { length: u64::try_from(bytes.len()).unwrap_or(u64::MAX), hashes, custom }
    }

    /// The SHA-256 in hexadecimal; empty where another tool wrote the entry without one.
    pub fn sha256(&self) -> &str {
        self.hashes.get("sha256").map_or("", String::as_str)
    }

    /// The digest as everything outside of TUF writes it: `sha256:…`.
    pub fn digest(&self) -> String {
        format!("sha256:{}", self.sha256())
    }
}

/// A role that answers for some paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegatedRole {
    /// Its name.
    pub name: String,
    /// Identifiers of its keys.
    pub keyids: Vec<String>,
    /// How many must sign.
    pub threshold: u32,
    /// Whether nobody after it is asked about its paths; always so here.
    pub terminating: bool,
    /// Patterns of the paths.
    pub paths: Vec<String>,
}

/// The roles that a role hands on to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegations {
    /// The keys by their identifiers.
    pub keys: BTreeMap<String, Value>,
    /// The roles in the order in which they are asked.
    pub roles: Vec<DelegatedRole>,
}

/// Files of a release, and roles for more of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// Grows with every change.
    pub version: u64,
    /// When it ends.
    pub expires: Time,
    /// The files by their paths.
    pub targets: BTreeMap<String, Target>,
    /// The roles below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegations: Option<Delegations>,
}

/// What a document says about another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Its version.
    pub version: u64,
    /// Its length in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// Its digests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashes: Option<BTreeMap<String, String>>,
}

impl Meta {
    /// A version alone: what names 500 roles must stay small.
    pub fn version(version: u64) -> Self {
        Self { version, length: None, hashes: None }
    }

    /// A version with the length and the digest of the document.
    pub fn pinned(version: u64, bytes: &[u8]) -> Self {
        let Target { length, hashes, .. } = Target::of(bytes, None);
        Self { version, length: Some(length), hashes: Some(hashes) }
    }
}

/// Which versions of all targets roles belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Grows with every release.
    pub version: u64,
    /// When it ends.
    pub expires: Time,
    /// The roles' documents, by `NAME.json`. Nothing ever leaves: the entry of a team that is gone
    /// is its tombstone, and keeps its version from being used again.
    pub meta: BTreeMap<String, Meta>,
}

/// Which snapshot is in force: the commit of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp {
    /// Grows with every release and every renewal.
    pub version: u64,
    /// When it ends.
    pub expires: Time,
    /// The snapshot.
    pub meta: BTreeMap<String, Meta>,
    /// When it was signed: no clock of an endpoint can truthfully show less. Not part of the
    /// specification, which lets documents say more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<Time>,
}

/// The name of the snapshot in a timestamp.
pub const SNAPSHOT_FILE: &str = "snapshot.json";

macro_rules! document {
    ($type:ty, $name:literal) => {
        impl Document for $type {
            const TYPE: &'static str = $name;
            fn version(&self) -> u64 {
                self.version
            }
            fn expires(&self) -> Time {
                self.expires
            }
        }
    };
}
document!(Root, "root");
document!(Targets, "targets");
document!(Snapshot, "snapshot");
document!(Timestamp, "timestamp");

/// A document with the signatures that it has so far. What is signed are the canonical bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    signed: Value,
    canonical: Vec<u8>,
    signatures: BTreeMap<String, String>,
}

impl Envelope {
    /// A document without signatures.
    ///
    /// # Errors
    /// When a text in it contains a control character.
    pub fn new<D: Document>(document: &D) -> Result<Self, DocumentError> {
        let form = |problem: String| DocumentError::Form { wanted: D::TYPE, problem };
        let mut signed = json!({ "_type": D::TYPE, "spec_version": SPEC_VERSION });
        let value = serde_json::to_value(document).map_err(|error| form(error.to_string()))?;
        if let (Value::Object(signed), Value::Object(value)) = (&mut signed, value) {
            signed.extend(value);
        }
        Self::of(signed, BTreeMap::new()).map_err(|error| error.unwrap_or_form(D::TYPE))
    }

    fn of(signed: Value, signatures: BTreeMap<String, String>) -> Result<Self, Unwritable> {
        let canonical =
            to_canonical_bytes(&signed).map_err(|error| Unwritable::Form(error.to_string()))?;
        // Canonical JSON writes them raw, which is no JSON: such a document could never be read.
        if canonical.iter().any(|byte| *byte < 0x20) {
            return Err(Unwritable::ControlCharacter);
        }
        Ok(Self { signed, canonical, signatures })
    }

    /// Reads an envelope of any kind. Signatures are not checked.
    ///
    /// # Errors
    /// When it has not the form of one.
    pub fn read(bytes: &[u8]) -> Result<Self, DocumentError> {
        #[derive(Deserialize)]
        struct Outer {
            signed: Value,
            signatures: Vec<Signature>,
        }
        #[derive(Deserialize)]
        struct Signature {
            keyid: String,
            sig: String,
        }
        let form = |problem: String| DocumentError::Form { wanted: "TUF", problem };
        let outer: Outer =
            serde_json::from_slice(bytes).map_err(|error| form(error.to_string()))?;
        let signatures: BTreeMap<String, String> =
            outer.signatures.into_iter().map(|one| (one.keyid, one.sig)).collect();
        Self::of(outer.signed, signatures).map_err(|error| error.unwrap_or_form("TUF"))
    }

    /// The kind of the document, by its `_type`.
    pub fn kind(&self) -> &str {
        self.signed.get("_type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The document. Whether it is signed is another question.
    ///
    /// # Errors
    /// When it is of another kind, or not of its form.
    pub fn document<D: Document>(&self) -> Result<D, DocumentError> {
        let form = |problem: String| DocumentError::Form { wanted: D::TYPE, problem };
        if self.kind() != D::TYPE {
            return Err(form(format!("it is a `{}`", self.kind())));
        }
        D::deserialize(&self.signed).map_err(|error| form(error.to_string()))
    }

    /// The bytes that signatures are over.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// Adds a signature, or replaces that of the same key.
    ///
    /// # Errors
    /// When the signer fails, or signs something else.
    pub fn sign(&mut self, signer: &dyn Signer) -> Result<(), SignError> {
        let signature = signer.sign(&self.canonical)?;
        self.signatures.insert(signer.public().id(), hex(&signature));
        Ok(())
    }

    /// Takes over the signatures of another copy of the same document.
    ///
    /// # Errors
    /// When it is another document.
    pub fn join(&mut self, other: &Self) -> Result<(), DocumentError> {
        if self.canonical != other.canonical {
            let problem = "it says something else than the copy at hand".to_owned();
            return Err(DocumentError::Form { wanted: "same", problem });
        }
        self.signatures.extend(other.signatures.clone());
        Ok(())
    }

    /// Which of these keys have signed it, by right signatures.
    pub fn signed_by<'keys>(&self, keys: &'keys [PublicKey]) -> BTreeSet<&'keys PublicKey> {
        let signed = |key: &&PublicKey| {
            let signature = self.signatures.get(&key.id()).and_then(|text| unhex(text));
            signature.is_some_and(|signature| key.verifies(&self.canonical, &signature))
        };
        keys.iter().filter(signed).collect()
    }

    /// Leaves out signatures by all keys but these: of a key that left a role, or of nobody.
    pub fn keep_only(&mut self, keys: &[PublicKey]) {
        let known: BTreeSet<String> = keys.iter().map(PublicKey::id).collect();
        self.signatures.retain(|id, _| known.contains(id));
    }

    /// The file: canonical as a whole, so that the same signatures give the same bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let signatures: Vec<Value> = self
            .signatures
            .iter()
            .map(|(keyid, sig)| json!({ "keyid": keyid, "sig": sig }))
            .collect();
        let signatures = to_canonical_bytes(&Value::Array(signatures)).unwrap_or_default();
        [b"{\"signatures\":", &*signatures, b",\"signed\":", &*self.canonical, b"}"].concat()
    }
}

/// Why a value has no canonical form.
enum Unwritable {
    Form(String),
    ControlCharacter,
}

impl Unwritable {
    fn unwrap_or_form(self, wanted: &'static str) -> DocumentError {
        match self {
            Self::Form(problem) => DocumentError::Form { wanted, problem },
            Self::ControlCharacter => DocumentError::ControlCharacter,
        }
    }
}

/// The public key of a TUF key object; `None` for other kinds of keys than Ed25519.
pub fn public_key(object: &Value) -> Option<PublicKey> {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let public = object.get("keyval")?.get("public")?.as_str()?;
    if (text("keytype")?, text("scheme")?) != ("ed25519", "ed25519") {
        return None;
    }
    unhex(public)?.try_into().map(PublicKey::from_bytes).ok()
}

/// The keys of a role among the keys of the document that names it.
pub fn keys_of(keys: &BTreeMap<String, Value>, keyids: &[String]) -> Vec<PublicKey> {
    keyids.iter().filter_map(|id| keys.get(id).and_then(public_key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::MemoryKey;

    fn timestamp() -> Timestamp {
        Timestamp {
            version: 3,
            expires: "2027-01-02T03:04:05Z".parse().unwrap(),
            meta: BTreeMap::from([(SNAPSHOT_FILE.to_owned(), Meta::pinned(2, b"snapshot"))]),
            signed_at: None,
        }
    }

    #[test]
    fn a_signed_document_is_the_same_after_writing_and_reading() {
        let (one, two) =
            (MemoryKey::from_seed(&[1; 32]).unwrap(), MemoryKey::from_seed(&[2; 32]).unwrap());
        let mut envelope = Envelope::new(&timestamp()).unwrap();
        envelope.sign(&one).unwrap();
        let mut elsewhere = Envelope::new(&timestamp()).unwrap();
        elsewhere.sign(&two).unwrap();
        envelope.join(&elsewhere).unwrap();
        let read = Envelope::read(&envelope.bytes()).unwrap();
        assert_eq!(read, envelope);
        assert_eq!(read.document::<Timestamp>().unwrap(), timestamp());
        let keys = [one.public(), two.public()];
        assert_eq!(read.signed_by(&keys).len(), 2);
        assert!(read.document::<Snapshot>().is_err());
        let text = String::from_utf8(envelope.bytes()).unwrap();
        assert!(text.contains(r#""expires":"2027-01-02T03:04:05Z""#), "{text}");
    }

    #[test]
    fn signatures_of_another_document_are_not_taken_over() {
        let mut other = timestamp();
        other.version = 4;
        let other = Envelope::new(&other).unwrap();
        assert!(Envelope::new(&timestamp()).unwrap().join(&other).is_err());
    }

    #[test]
    fn a_control_character_is_refused_when_written() {
        let mut document = timestamp();
        document.meta.insert("team\n.json".to_owned(), Meta::version(1));
        assert!(matches!(Envelope::new(&document), Err(DocumentError::ControlCharacter)));
    }
}
