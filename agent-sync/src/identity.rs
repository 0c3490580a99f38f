//! Who this machine is: its key, its certificate, and what it believes of its own enrolment.
//!
//! The key is made here and never leaves. What the certificate says of the machine is written down
//! once, at the enrolment, where only an administrator can change it: a later certificate cannot
//! move the machine to another team.

use codex_fleet::enrolment::{Answer, Request};
use codex_fleet::identity::Identity;
use codex_trust::store::{MetadataStore as _, StoreError};
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, read};
use crate::disk::{DiskError, Folder, Missing, Owner};
use crate::install::plan::Platform;
use crate::layout::{Layout, SETTINGS};
use crate::store::FileStore;
use crate::transport::ClientIdentity;

/// The certificate and its key in the folder of the identity: one file, so that they always belong
/// together.
const PAIR: &str = "identity.pem";
/// When the certificate was issued.
const ISSUED: &str = "issued";

/// After how long a certificate is renewed: a third of the 30 days that it usually has.
pub const RENEW_AFTER: SignedDuration = SignedDuration::from_hours(240);

/// What the machine believes of its enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// Who it is.
    pub identity: Identity,
    /// The key that signs answers to its check-ins, base64.
    pub freshness_key: String,
}

/// Why there is no usable identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No key, or no signing request.
    #[error("no key can be made: {0}")]
    Key(String),
    /// The certificate is none, or names nobody.
    #[error("the server's certificate cannot be used: {0}")]
    Certificate(String),
    /// The certificate is for somebody else.
    #[error("the certificate is for another {0} than this machine was told")]
    Other(&'static str),
    /// The folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The enrolment.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The enrolment cannot be understood.
    #[error("the enrolment of this machine is damaged: {0}; enrol again")]
    Damaged(String),
}

/// A new key with a request to sign it. The key is in no `Debug`.
pub struct NewKey {
    key: String,
    /// The signing request, PEM.
    pub signing_request: String,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NewKey").finish_non_exhaustive()
    }
}

/// Makes a key (ECDSA over P-256) and a request for it.
///
/// # Errors
/// When the system has no randomness.
pub fn new_key() -> Result<NewKey, IdentityError> {
    let failed = |error: rcgen::Error| IdentityError::Key(error.to_string());
    let pair = KeyPair::generate().map_err(failed)?;
    let request = CertificateParams::default().serialize_request(&pair).map_err(failed)?;
    Ok(NewKey { key: pair.serialize_pem(), signing_request: request.pem().map_err(failed)? })
}

impl NewKey {
    /// The request of a machine with a token.
    pub fn request(&self, token: &str, os: &str, host: &str) -> Request {
        Request {
            token: token.to_owned(),
            signing_request: self.signing_request.clone(),
            os: os.to_owned(),
            host: host.to_owned(),
        }
    }
}

/// Keeps the answer to an enrolment with its key.
///
/// # Errors
/// When the certificate is of another organisation or system, or nothing can be kept.
pub fn keep(
    layout: &Layout,
    store: &FileStore,
    key: &NewKey,
    answer: &Answer,
    organisation: &str,
    now: Timestamp,
) -> Result<Enrolment, IdentityError> {
    let identity = identity_of(answer.certificate.as_bytes())?;
    if identity.claims.organisation != organisation {
        return Err(IdentityError::Other("organisation"));
    }
    if identity.claims.os != Platform::HERE.name() {
        return Err(IdentityError::Other("operating system"));
    }
    let enrolment = Enrolment { identity, freshness_key: answer.freshness_key.clone() };
    keep_pair(store, key, answer, now)?;
    let text = serde_json::to_vec_pretty(&enrolment)
        .map_err(|error| IdentityError::Damaged(error.to_string()))?;
    put(layout, SETTINGS, "enrolment.json", &text)?;
    Ok(enrolment)
}

/// What the machine believes of its enrolment; nothing before it.
///
/// # Errors
/// When it is there and cannot be read.
pub fn enrolment(layout: &Layout) -> Result<Option<Enrolment>, IdentityError> {
    let path = layout.enrolment();
    if !path.exists() {
        return Ok(None);
    }
    let bytes = read(&path)?;
    let found = serde_json::from_slice(&bytes);
    found.map(Some).map_err(|error| IdentityError::Damaged(error.to_string()))
}

/// The certificate and key of the machine; nothing before its enrolment.
///
/// # Errors
/// When they are there and cannot be read.
pub fn client_identity(store: &FileStore) -> Result<Option<ClientIdentity>, IdentityError> {
    let pair = store.load(PAIR)?;
    Ok(pair.map(|pair| ClientIdentity { certificate: pair.clone(), key: pair }))
}

fn keep_pair(
    store: &FileStore,
    key: &NewKey,
    answer: &Answer,
    now: Timestamp,
) -> Result<(), IdentityError> {
    let pair = format!("{}\n{}", answer.certificate.trim_end(), key.key);
    store.store(PAIR, pair.as_bytes())?;
    store.store(ISSUED, now.to_string().as_bytes())?;
    Ok(())
}

/// Whether the certificate is to be renewed: it has been used for [`RENEW_AFTER`], or nobody knows.
///
/// # Errors
/// When the folder cannot be read.
pub fn is_due(store: &FileStore, now: Timestamp) -> Result<bool, IdentityError> {
    let issued = store.load(ISSUED)?.and_then(|text| String::from_utf8(text).ok()?.parse().ok());
    Ok(issued.is_none_or(|issued: Timestamp| {
        // A clock that was set back must not keep an old certificate for ever.
        now.duration_since(issued).abs() > RENEW_AFTER
    }))
}

/// Keeps a renewed certificate with its key.
///
/// # Errors
/// When it is for another machine, or moves this one to another team: that needs a new enrolment.
pub fn keep_renewed(
    store: &FileStore,
    key: &NewKey,
    answer: &Answer,
    enrolment: &Enrolment,
    now: Timestamp,
) -> Result<(), IdentityError> {
    let renewed = identity_of(answer.certificate.as_bytes())?;
    match enrolment.identity.moved_to(&renewed) {
        Some(claim) => Err(IdentityError::Other(claim)),
        None => keep_pair(store, key, answer, now),
    }
}

/// The identity in a certificate, PEM.
///
/// # Errors
/// When it is none, or carries no identity.
pub fn identity_of(certificate: &[u8]) -> Result<Identity, IdentityError> {
    let failed = |problem: String| IdentityError::Certificate(problem);
    let der =
        CertificateDer::from_pem_slice(certificate).map_err(|error| failed(error.to_string()))?;
    let parsed =
        webpki::EndEntityCert::try_from(&der).map_err(|error| failed(error.to_string()))?;
    let name = parsed
        .valid_uri_names()
        .find(|name| name.starts_with(codex_fleet::identity::URI_PREFIX))
        .ok_or_else(|| failed("it names no machine".to_owned()))?;
    Identity::from_uri(name).map_err(|error| failed(error.to_string()))
}

/// Puts a file of the agent's own into place, whole, readable by everybody.
///
/// # Errors
/// When the folder is in others' hands or the disk fails.
pub fn put(layout: &Layout, folder: &str, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
    let root = Folder::root(layout.root())?;
    let Some(folder) = root.walk(std::path::Path::new(folder), Missing::Make)? else {
        return Ok(());
    };
    let aside = format!(".{name}.new");
    folder.write(&aside, bytes, 0o644, Owner::of_this_process())?;
    folder.rename(&aside, name)?;
    folder.flush()
}
