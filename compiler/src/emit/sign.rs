//! Signs profiles: CMS `SignedData` around the profile, as Apple's own tools make it.
//!
//! RSA signatures (PKCS #1, SHA-256) are the same for the same profile; P-256 signatures contain a
//! random number by nature, so a profile signed with such a key has other bytes every time.

use cms::cert::CertificateChoices;
use cms::cert::IssuerAndSerialNumber;
use cms::cert::x509::Certificate;
use cms::cert::x509::attr::Attribute;
use cms::cert::x509::spki::AlgorithmIdentifierOwned;
use cms::cert::x509::time::Time;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignatureValue, SignedAttributes, SignedData,
    SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{Any, ObjectIdentifier, OctetString, OctetStringRef, SetOfVec, UtcTime};
use der::{Decode as _, Encode as _, Tag};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};

use crate::sources::mdm::{CONTENT_TYPE, ID_DATA, ID_SIGNED_DATA, MESSAGE_DIGEST};

const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ECDSA_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// Why nothing can be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// There is no certificate.
    #[error("the certificate file has no `CERTIFICATE` in PEM form")]
    NoCertificate,
    /// A certificate cannot be read.
    #[error("certificate {0} cannot be read: {1}")]
    BadCertificate(usize, String),
    /// The key is encrypted.
    #[error("the key is encrypted; decrypt it with `openssl pkcs8 -in KEY -out PLAIN`")]
    EncryptedKey,
    /// The key is not in a form that is understood.
    #[error(
        "the key file has no `PRIVATE KEY` in PEM form; convert it with \
         `openssl pkcs8 -topk8 -nocrypt -in KEY -out PKCS8`"
    )]
    NoKey,
    /// The key is of a kind that is not supported.
    #[error("the key is neither RSA of 2048 to 8192 bits nor P-256")]
    UnknownKey,
    /// The key belongs to another certificate.
    #[error("the key does not belong to the first certificate, for {0}")]
    OtherKey(String),
    /// The structure cannot be written.
    #[error("the signed structure cannot be written: {0}")]
    Structure(String),
    /// The operation failed.
    #[error("the signing operation failed")]
    Failed,
}

impl From<der::Error> for SignError {
    fn from(error: der::Error) -> Self {
        Self::Structure(error.to_string())
    }
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    P256(Box<EcdsaKeyPair>),
}

impl Key {
    fn public(&self) -> &[u8] {
        match self {
            Self::Rsa(pair) => pair.public_key().as_ref(),
            Self::P256(pair) => pair.public_key().as_ref(),
        }
    }

    fn algorithm(&self) -> AlgorithmIdentifierOwned {
        match self {
            Self::Rsa(_) => AlgorithmIdentifierOwned { oid: RSA, parameters: Some(Any::null()) },
            Self::P256(_) => AlgorithmIdentifierOwned { oid: ECDSA_SHA_256, parameters: None },
        }
    }

    fn sign(&self, message: &[u8], random: &dyn SecureRandom) -> Result<Vec<u8>, SignError> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, random, message, &mut signature)
                    .map_err(|_| SignError::Failed)?;
                Ok(signature)
            }
            Self::P256(pair) => {
                let signature = pair.sign(random, message).map_err(|_| SignError::Failed)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

/// A key with its certificates: the signer's own first, then those between it and a root.
pub struct Signer {
    key: Key,
    own: Certificate,
    chain: Vec<Certificate>,
    random: SystemRandom,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is never printed.
        let subject = self.own.tbs_certificate.subject.to_string();
        formatter.debug_struct("Signer").field("subject", &subject).finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads a key and certificates in PEM form.
    ///
    /// # Errors
    /// When one of them cannot be read, or they do not belong together.
    pub fn read(key: &str, certificates: &str) -> Result<Self, SignError> {
        let mut chain = Vec::new();
        for (number, block) in (1..).zip(blocks(certificates, "CERTIFICATE")) {
            let bad = |error: String| SignError::BadCertificate(number, error);
            let bytes = block.map_err(|()| bad("it is no base64".to_owned()))?;
            chain.push(Certificate::from_der(&bytes).map_err(|error| bad(error.to_string()))?);
        }
        let random = SystemRandom::new();
        let key = read_key(key, &random)?;
        if chain.is_empty() {
            return Err(SignError::NoCertificate);
        }
        let own = chain.remove(0);
        let public = &own.tbs_certificate.subject_public_key_info.subject_public_key;
        if public.as_bytes() != Some(key.public()) {
            return Err(SignError::OtherKey(own.tbs_certificate.subject.to_string()));
        }
        Ok(Self { key, own, chain, random })
    }

    /// Signs a text: a DER structure that contains it. The time, in seconds since 1970, is said in
    /// the signature.
    ///
    /// # Errors
    /// When the operation fails.
    pub fn sign(&self, content: &[u8], time: u64) -> Result<Vec<u8>, SignError> {
        let sha256 = AlgorithmIdentifierOwned { oid: SHA_256, parameters: None };
        let attributes = attributes(content, time)?;
        let signature = self.key.sign(&attributes.to_der()?, &self.random)?;
        let certificate = &self.own.tbs_certificate;
        let signer = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: certificate.issuer.clone(),
                serial_number: certificate.serial_number.clone(),
            }),
            digest_alg: sha256.clone(),
            signed_attrs: Some(attributes),
            signature_algorithm: self.key.algorithm(),
            signature: SignatureValue::new(signature)?,
            unsigned_attrs: None,
        };
        let certificates = std::iter::once(&self.own).chain(&self.chain);
        let certificates: Vec<CertificateChoices> =
            certificates.cloned().map(CertificateChoices::Certificate).collect();
        let content = OctetStringRef::new(content)?;
        let signed = SignedData {
            version: CmsVersion::V1,
            digest_algorithms: SetOfVec::try_from(vec![sha256])?,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: ID_DATA,
                econtent: Some(Any::encode_from(&content)?),
            },
            certificates: Some(CertificateSet(SetOfVec::try_from(certificates)?)),
            crls: None,
            signer_infos: SignerInfos(SetOfVec::try_from(vec![signer])?),
        };
        let content = Any::encode_from(&signed)?;
        Ok(ContentInfo { content_type: ID_SIGNED_DATA, content }.to_der()?)
    }
}

fn attributes(content: &[u8], time: u64) -> Result<SignedAttributes, SignError> {
    let attribute = |oid: ObjectIdentifier, value: Any| -> Result<Attribute, SignError> {
        Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
    };
    let digest = ring::digest::digest(&ring::digest::SHA256, content);
    let time = std::time::Duration::from_secs(time);
    let time = Time::UtcTime(UtcTime::from_unix_duration(time)?);
    Ok(SetOfVec::try_from(vec![
        attribute(CONTENT_TYPE, Any::new(Tag::ObjectIdentifier, ID_DATA.as_bytes())?)?,
        attribute(SIGNING_TIME, Any::encode_from(&time)?)?,
        attribute(MESSAGE_DIGEST, Any::encode_from(&OctetString::new(digest.as_ref())?)?)?,
    ])?)
}

fn read_key(text: &str, random: &dyn SecureRandom) -> Result<Key, SignError> {
    if text.contains("ENCRYPTED") {
        return Err(SignError::EncryptedKey);
    }
    let whole = blocks(text, "PRIVATE KEY").next().transpose().map_err(|()| SignError::NoKey)?;
    if let Some(bytes) = whole {
        if let Ok(pair) = RsaKeyPair::from_pkcs8(&bytes) {
            return Ok(Key::Rsa(Box::new(pair)));
        }
        let p256 = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &bytes, random);
        return p256.map(|pair| Key::P256(Box::new(pair))).map_err(|_| SignError::UnknownKey);
    }
    let old = blocks(text, "RSA PRIVATE KEY").next();
    let old = old.transpose().map_err(|()| SignError::NoKey)?.ok_or(SignError::NoKey)?;
    let pair = RsaKeyPair::from_der(&old).map_err(|_| SignError::UnknownKey)?;
    Ok(Key::Rsa(Box::new(pair)))
}

/// The contents of PEM blocks with a label, in order; an error for what is no base64.
pub(crate) fn blocks(text: &str, label: &str) -> impl Iterator<Item = Result<Vec<u8>, ()>> {
    use base64::Engine as _;
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let parts: Vec<String> = text
        .split(&begin)
        .skip(1)
        .filter_map(|rest| rest.split_once(&end))
        .map(|(body, _)| body.split_whitespace().collect())
        .collect();
    let engine = base64::engine::general_purpose::STANDARD;
    parts.into_iter().map(move |part| engine.decode(part).map_err(|_| ()))
}
