//! A profile inside a CMS `SignedData`: gives the content, and the verdict on the signature.

use super::ber;
use super::model::Signature;
use super::problem::{ByteRange, MdmProblem, ProblemKind, Problems};
use super::signature;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::asn1::ObjectIdentifier;
use der::{Decode as _, Tag, Tagged as _};

pub(crate) const ID_SIGNED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// What was signed.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    /// Where it stands in the file, when it stands there in one piece.
    pub(super) start: Option<usize>,
}

/// Opens a container in DER or BER.
pub(super) fn open(bytes: &[u8], problems: &mut Problems) -> (Option<Content>, Signature) {
    let (mut content, signature) = open_container(bytes, problems);
    if let Some(content) = &mut content {
        content.start = content_start(bytes)
            .filter(|start| bytes.get(*start..).is_some_and(|b| b.starts_with(&content.bytes)));
    }
    (content, signature)
}

/// Opens a container in PEM.
pub(super) fn open_pem(bytes: &[u8], problems: &mut Problems) -> (Option<Content>, Signature) {
    match pem_body(bytes) {
        Ok(der) => open_container(&der, problems),
        Err(reason) => {
            problems.add(unreadable(reason, 0..bytes.len()));
            (None, Signature::Broken)
        }
    }
}

fn unreadable(reason: &str, range: ByteRange) -> MdmProblem {
    MdmProblem::error(
        ProblemKind::SignatureStructure,
        format!("the signed container cannot be read: {reason}"),
        "sign again: `openssl cms -sign -nodetach -outform DER -binary -in PROFILE …`",
    )
    .at(range)
}

/// Takes the bytes out of the one PEM block of a file.
fn pem_body(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the pem text is not UTF-8")?;
    let text = text.trim().strip_prefix("-----BEGIN ").ok_or("there is no pem block")?;
    let (label, text) = text.split_once("-----").ok_or("the pem block has no label")?;
    if !["CMS", "PKCS7", "PKCS #7 SIGNED DATA"].contains(&label) {
        return Err("the pem block is not labelled CMS or PKCS7");
    }
    let end = format!("-----END {label}-----");
    let (body, rest) = text.split_once(&end).ok_or("the pem block has no end")?;
    if !rest.is_empty() {
        return Err("text follows the pem block");
    }
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).map_err(|_| "the pem block is not base64")
}

fn open_container(bytes: &[u8], problems: &mut Problems) -> (Option<Content>, Signature) {
    let everything = 0..bytes.len();
    let signed = ber::to_der(bytes).map_err(str::to_owned).and_then(|element| {
        if element.consumed < bytes.len() {
            problems.add(trailing(element.consumed..bytes.len()));
        }
        signed_data(&element.der)
    });
    let signed = match signed {
        Ok(signed) => signed,
        Err(reason) => {
            problems.add(unreadable(&reason, everything));
            return (None, Signature::Broken);
        }
    };
    let Some(content) = &signed.encap_content_info.econtent else {
        let (kind, message) = if signed.signer_infos.0.is_empty() {
            (ProblemKind::SignerMissing, "the file holds certificates only, and no profile")
        } else {
            let message = "the signature does not contain the profile that it signs";
            (ProblemKind::SignatureDetached, message)
        };
        let help = "sign with the content inside: `openssl cms -sign -nodetach …`";
        problems.add(MdmProblem::error(kind, message, help));
        return (None, Signature::Broken);
    };
    // The explicit [0] holds one OCTET STRING; its value is what is digested.
    if content.tag() != Tag::OctetString {
        problems.add(unreadable("its content is no octet string", everything));
        return (None, Signature::Broken);
    }
    let content = content.value().to_vec();
    let signature = signature::verify(&signed, &content, problems);
    (Some(Content { bytes: content, start: None }), signature)
}

fn signed_data(der: &[u8]) -> Result<SignedData, String> {
    let container = ContentInfo::from_der(der).map_err(|error| error.to_string())?;
    if container.content_type != ID_SIGNED_DATA {
        return Err("it is not signed data".to_owned());
    }
    container.content.decode_as().map_err(|error| error.to_string())
}

fn trailing(range: ByteRange) -> MdmProblem {
    MdmProblem::warning(
        ProblemKind::TrailingBytes,
        format!("{} bytes follow the signed container, and nothing signs them", range.len()),
        "remove them: sign the profile again",
    )
    .at(range)
}

/// Walks to the content's octets: `ContentInfo` → [0] → `SignedData` → version, digests,
/// `EncapsulatedContentInfo` → type, [0] → OCTET STRING.
fn content_start(bytes: &[u8]) -> Option<usize> {
    const SKIP: [usize; 6] = [0, 1, 0, 2, 1, 0];
    let mut at = 0_usize;
    for skip in SKIP {
        for _ in 0..skip {
            let head = ber::head(bytes.get(at..)?).ok()?;
            at = at.checked_add(head.size)?.checked_add(head.length?)?;
        }
        at = at.checked_add(ber::head(bytes.get(at..)?).ok()?.size)?;
    }
    // The last element entered is the octet string itself, if it is in one piece.
    Some(at)
}
