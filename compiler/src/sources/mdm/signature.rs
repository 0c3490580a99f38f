//! Checks the signatures of a CMS `SignedData` against the certificates that came with it.
//!
//! This proves that the content is what the holder of the certificate's key signed. It does not
//! prove that the certificate is to be trusted: no chain is built and no date is looked at.

use super::model::{EmbeddedIssuer, Signature, Signer};
use super::problem::{MdmProblem, ProblemKind, Problems, Refusal};
use cms::cert::CertificateChoices;
use cms::cert::x509::Certificate;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Encode as _};
use ring::digest;
use ring::signature::{self as algorithms, UnparsedPublicKey, VerificationAlgorithm};

pub(crate) const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
pub(crate) const CONTENT_TYPE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
pub(crate) const MESSAGE_DIGEST: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");

/// Checks every signature; one that fails breaks the whole.
pub(super) fn verify(signed: &SignedData, content: &[u8], problems: &mut Problems) -> Signature {
    if signed.signer_infos.0.is_empty() {
        problems.add(broken(ProblemKind::SignerMissing, "the signed container has no signer"));
        return Signature::Broken;
    }
    if signed.encap_content_info.econtent_type != ID_DATA {
        let message = "the signed container does not hold plain data";
        problems.add(broken(ProblemKind::SignatureStructure, message));
        return Signature::Broken;
    }
    let certificates: Vec<&Certificate> = signed
        .certificates
        .iter()
        .flat_map(|set| set.0.iter())
        .filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate),
            CertificateChoices::Other(_) => None,
        })
        .collect();
    let mut signers = Vec::new();
    let mut failed = false;
    for signer in signed.signer_infos.0.iter() {
        match verify_signer(signer, &certificates, content, problems) {
            Ok(verified) => signers.push(verified),
            Err(problem) => {
                failed = true;
                problems.add(*problem);
            }
        }
    }
    if failed { Signature::Broken } else { Signature::Consistent { signers } }
}

fn broken(kind: ProblemKind, message: impl Into<String>) -> MdmProblem {
    MdmProblem::error(
        kind,
        message,
        "fetch the profile again from who signed it: macos refuses to install it like this",
    )
}

fn verify_signer(
    signer: &SignerInfo,
    certificates: &[&Certificate],
    content: &[u8],
    problems: &mut Problems,
) -> Result<Signer, Refusal> {
    let certificate = certificates
        .iter()
        .find(|certificate| is_of(certificate, &signer.sid))
        .ok_or_else(|| {
            let message = "the certificate of the signer is not in the signed container";
            broken(ProblemKind::SignerCertificateMissing, message)
        })?;
    let subject = certificate.tbs_certificate.subject.to_string();
    let shown = super::problem::shown(&subject);
    let digest = Digest::of(&signer.digest_alg.oid)
        .ok_or_else(|| unsupported(&format!("the digest {}", signer.digest_alg.oid)))?;
    let (message, digest) = signed_bytes(signer, digest, content, &shown)?;
    let algorithm = Algorithm::of(&signer.signature_algorithm.oid, certificate, digest)?;
    let issuer_certificate = check_certificate(certificate, certificates).map_err(|()| {
        let message = format!("the certificate of `{shown}` was changed after it was issued");
        broken(ProblemKind::SignatureInvalid, message)
    })?;
    if algorithm.digest == Digest::Sha1 || digest == Digest::Sha1 {
        problems.add(MdmProblem::warning(
            ProblemKind::WeakDigest,
            format!("the signature of `{shown}` rests on sha-1"),
            "sign with sha-256: `openssl cms -sign -md sha256 …`",
        ));
    }
    UnparsedPublicKey::new(algorithm.verifier, public_key(certificate))
        .verify(&message, signer.signature.as_bytes())
        .map_err(|_| {
            let message = format!("the signature of `{shown}` does not fit its certificate");
            broken(ProblemKind::SignatureInvalid, message)
        })?;
    Ok(Signer {
        subject,
        issuer: certificate.tbs_certificate.issuer.to_string(),
        serial: certificate.tbs_certificate.serial_number.to_string(),
        algorithm: algorithm.name,
        issuer_certificate,
        certificate: certificate.to_der().unwrap_or_default(),
        others: certificates
            .iter()
            .filter(|other| *other != certificate)
            .filter_map(|other| other.to_der().ok())
            .collect(),
    })
}

fn unsupported(what: &str) -> Refusal {
    MdmProblem::error(
        ProblemKind::SignatureAlgorithm,
        format!("the signature uses {what}, which is not supported: it could not be checked"),
        "sign with RSA and SHA-256, or with ECDSA on P-256 or P-384",
    )
    .into()
}

fn is_of(certificate: &Certificate, sid: &SignerIdentifier) -> bool {
    let fields = &certificate.tbs_certificate;
    match sid {
        SignerIdentifier::IssuerAndSerialNumber(id) => {
            fields.issuer == id.issuer && fields.serial_number == id.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => fields
            .extensions
            .iter()
            .flatten()
            .filter(|extension| extension.extn_id == SUBJECT_KEY_IDENTIFIER)
            .filter_map(|extension| OctetStringRef::from_der(extension.extn_value.as_bytes()).ok())
            .any(|found| found.as_bytes() == id.0.as_bytes()),
    }
}

fn public_key(certificate: &Certificate) -> &[u8] {
    let key = &certificate.tbs_certificate.subject_public_key_info.subject_public_key;
    key.as_bytes().unwrap_or_default()
}

/// Checks a certificate with the embedded certificates that have its issuer's name.
fn check_certificate(
    certificate: &Certificate,
    all: &[&Certificate],
) -> Result<EmbeddedIssuer, ()> {
    let fields = &certificate.tbs_certificate;
    let message = fields.to_der().map_err(|_| ())?;
    let signature = certificate.signature.as_bytes().ok_or(())?;
    let oid = &certificate.signature_algorithm.oid;
    let mut verdict = Ok(EmbeddedIssuer::Missing);
    for issuer in all.iter().filter(|other| other.tbs_certificate.subject == fields.issuer) {
        // A certificate always names its digest, so that the fallback is never asked for.
        let Ok(algorithm) = Algorithm::of(oid, issuer, Digest::Sha256) else {
            verdict = Ok(EmbeddedIssuer::NotChecked);
            continue;
        };
        let key = UnparsedPublicKey::new(algorithm.verifier, public_key(issuer));
        if key.verify(&message, signature).is_ok() {
            let is_self = fields.issuer == fields.subject;
            return Ok(if is_self { EmbeddedIssuer::SelfSigned } else { EmbeddedIssuer::Embedded });
        }
        if verdict == Ok(EmbeddedIssuer::Missing) {
            verdict = Err(());
        }
    }
    verdict
}

/// Returns the bytes that the signature covers, after comparing the content with its digest.
///
/// With signed attributes the signature covers them alone, as a DER `SET OF`, and they name type
/// and digest of the content (RFC 5652, 5.4); without, it covers the content.
fn signed_bytes(
    signer: &SignerInfo,
    digest: Digest,
    content: &[u8],
    shown: &str,
) -> Result<(Vec<u8>, Digest), Refusal> {
    let Some(attributes) = &signer.signed_attrs else {
        return Ok((content.to_vec(), digest));
    };
    let single = |wanted: ObjectIdentifier| {
        let mut found = attributes.iter().filter(|attribute| attribute.oid == wanted);
        let attribute = found.next().filter(|_| found.next().is_none())?;
        let mut values = attribute.values.iter();
        values.next().filter(|_| values.next().is_none())
    };
    let incomplete = || {
        let message = "the signed attributes lack the type or the digest of the content";
        broken(ProblemKind::SignatureStructure, message)
    };
    let stated = single(CONTENT_TYPE).ok_or_else(incomplete)?;
    let stated: ObjectIdentifier = stated.decode_as().map_err(|_| incomplete())?;
    let expected = single(MESSAGE_DIGEST).ok_or_else(incomplete)?;
    let expected: OctetStringRef<'_> = expected.decode_as().map_err(|_| incomplete())?;
    let actual = digest::digest(digest.function(), content);
    if stated != ID_DATA || expected.as_bytes() != actual.as_ref() {
        let message = format!("the profile was changed after `{shown}` signed it");
        return Err(broken(ProblemKind::SignatureDigest, message).into());
    }
    let der = attributes.to_der().map_err(|_| incomplete())?;
    Ok((der, digest))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    fn of(oid: &ObjectIdentifier) -> Option<Self> {
        match oid.to_string().as_str() {
            "1.3.14.3.2.26" => Some(Self::Sha1),
            "2.16.840.1.101.3.4.2.1" => Some(Self::Sha256),
            "2.16.840.1.101.3.4.2.2" => Some(Self::Sha384),
            "2.16.840.1.101.3.4.2.3" => Some(Self::Sha512),
            _ => None,
        }
    }

    fn function(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

struct Algorithm {
    verifier: &'static dyn VerificationAlgorithm,
    name: &'static str,
    digest: Digest,
}

impl Algorithm {
    /// Chooses by the signature's algorithm, the digest and the key's curve.
    fn of(
        oid: &ObjectIdentifier,
        certificate: &Certificate,
        digest: Digest,
    ) -> Result<Self, Refusal> {
        let oid = oid.to_string();
        let found = match oid.as_str() {
            // rsaEncryption and id-ecPublicKey leave the digest to the signer's own field.
            "1.2.840.113549.1.1.1" => Some(rsa(digest)),
            "1.2.840.113549.1.1.5" => Some(rsa(Digest::Sha1)),
            "1.2.840.113549.1.1.11" => Some(rsa(Digest::Sha256)),
            "1.2.840.113549.1.1.12" => Some(rsa(Digest::Sha384)),
            "1.2.840.113549.1.1.13" => Some(rsa(Digest::Sha512)),
            "1.2.840.10045.2.1" => ecdsa(curve(certificate), digest),
            "1.2.840.10045.4.3.2" => ecdsa(curve(certificate), Digest::Sha256),
            "1.2.840.10045.4.3.3" => ecdsa(curve(certificate), Digest::Sha384),
            _ => None,
        };
        found.ok_or_else(|| unsupported(&format!("the algorithm {oid} with this key")))
    }
}

fn rsa(digest: Digest) -> Algorithm {
    let (verifier, name): (&'static dyn VerificationAlgorithm, _) = match digest {
        Digest::Sha1 => (
            &algorithms::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "RSA PKCS#1 v1.5 with SHA-1",
        ),
        Digest::Sha256 => (&algorithms::RSA_PKCS1_2048_8192_SHA256, "RSA PKCS#1 v1.5 with SHA-256"),
        Digest::Sha384 => (&algorithms::RSA_PKCS1_2048_8192_SHA384, "RSA PKCS#1 v1.5 with SHA-384"),
        Digest::Sha512 => (&algorithms::RSA_PKCS1_2048_8192_SHA512, "RSA PKCS#1 v1.5 with SHA-512"),
    };
    Algorithm { verifier, name, digest }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
}

fn curve(certificate: &Certificate) -> Option<Curve> {
    let algorithm = &certificate.tbs_certificate.subject_public_key_info.algorithm;
    let oid: ObjectIdentifier = algorithm.parameters.as_ref()?.decode_as().ok()?;
    match oid.to_string().as_str() {
        "1.2.840.10045.3.1.7" => Some(Curve::P256),
        "1.3.132.0.34" => Some(Curve::P384),
        _ => None,
    }
}

fn ecdsa(curve: Option<Curve>, digest: Digest) -> Option<Algorithm> {
    let (verifier, name): (&'static dyn VerificationAlgorithm, _) = match (curve?, digest) {
        (Curve::P256, Digest::Sha256) => {
            (&algorithms::ECDSA_P256_SHA256_ASN1, "ECDSA on P-256 with SHA-256")
        }
        (Curve::P256, Digest::Sha384) => {
            (&algorithms::ECDSA_P256_SHA384_ASN1, "ECDSA on P-256 with SHA-384")
        }
        (Curve::P384, Digest::Sha256) => {
            (&algorithms::ECDSA_P384_SHA256_ASN1, "ECDSA on P-384 with SHA-256")
        }
        (Curve::P384, Digest::Sha384) => {
            (&algorithms::ECDSA_P384_SHA384_ASN1, "ECDSA on P-384 with SHA-384")
        }
        (Curve::P256 | Curve::P384, Digest::Sha1 | Digest::Sha512) => return None,
    };
    Some(Algorithm { verifier, name, digest })
}
