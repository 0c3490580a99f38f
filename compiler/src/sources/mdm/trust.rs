//! Whether a signer's certificate leads to one that is trusted.

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::model::Signer;

/// What certificates of signers are made for: mail, code, anything. Apple asks for none of them in
/// particular, so one that fits is enough.
const USAGES: [&[u8]; 3] = [
    // 1.3.6.1.5.5.7.3.4, protection of mail
    &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x04],
    // 1.3.6.1.5.5.7.3.3, signing of code
    &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03],
    // 2.5.29.37.0, any
    &[0x55, 0x1d, 0x25, 0x00],
];

/// Checks a signer against trusted certificates, in DER, at a time in seconds since 1970.
///
/// # Errors
/// Why it is not trusted, in a few words.
pub fn trusted(signer: &Signer, anchors: &[Vec<u8>], seconds: u64) -> Result<(), String> {
    // A certificate that is itself named is trusted for what it signs.
    if anchors.contains(&signer.certificate) {
        return Ok(());
    }
    let anchors: Vec<CertificateDer<'_>> =
        anchors.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let anchors: Result<Vec<_>, _> = anchors.iter().map(anchor_from_trusted_cert).collect();
    let anchors = anchors.map_err(|error| format!("a trusted certificate is damaged: {error}"))?;
    let own = CertificateDer::from(signer.certificate.as_slice());
    let own = EndEntityCert::try_from(&own).map_err(|error| error.to_string())?;
    let others: Vec<CertificateDer<'_>> =
        signer.others.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let mut refused = "its certificate is for other purposes".to_owned();
    for usage in USAGES {
        let usage = KeyUsage::required_if_present(usage);
        let algorithms = webpki::ALL_VERIFICATION_ALGS;
        match own.verify_for_usage(algorithms, &anchors, &others, time, usage, None, None) {
            Ok(_) => return Ok(()),
            Err(webpki::Error::RequiredEkuNotFoundContext(_)) => {}
            Err(error) => refused = words(&error),
        }
    }
    Err(refused)
}

fn words(error: &webpki::Error) -> String {
    match error {
        webpki::Error::UnknownIssuer => "no trusted certificate issued it".to_owned(),
        webpki::Error::CertExpired { .. } => "a certificate has expired".to_owned(),
        webpki::Error::CertNotValidYet { .. } => "a certificate is not valid yet".to_owned(),
        other => other.to_string(),
    }
}
