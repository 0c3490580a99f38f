//! A throw-away certificate authority and one certificate for the loopback servers.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::error::CannotRun;

/// The authority's certificate as text, and what a server needs to speak TLS under it.
#[derive(Debug, Clone)]
pub(crate) struct LoopbackTls {
    pub(crate) authority_pem: String,
    pub(crate) server: Arc<ServerConfig>,
}

/// Makes a new authority and a certificate for `localhost` and `127.0.0.1`.
pub(crate) fn loopback_tls() -> Result<LoopbackTls, CannotRun> {
    let failed = |detail: String| CannotRun::Isolation { step: "make a test certificate", detail };
    let certificates = || -> Result<_, rcgen::Error> {
        let authority_key = KeyPair::generate()?;
        let mut authority = CertificateParams::new(Vec::<String>::new())?;
        authority.distinguished_name.push(DnType::CommonName, "codex oracle authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_pem = pem(authority.self_signed(&authority_key)?.der());
        let issuer = Issuer::new(authority, authority_key);

        let server_key = KeyPair::generate()?;
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let mut server = CertificateParams::new(names)?;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = server.signed_by(&server_key, &issuer)?;
        Ok((authority_pem, certificate, server_key))
    };
    let (authority_pem, certificate, server_key) =
        certificates().map_err(|error| failed(error.to_string()))?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
    // The provider is named here so that no process-wide default has to be installed.
    let server =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key)
            })
            .map_err(|error| failed(error.to_string()))?;
    Ok(LoopbackTls { authority_pem, server: Arc::new(server) })
}

/// Writes a certificate as text (RFC 7468); rcgen's own writer would add a second base64 crate.
fn pem(certificate: &[u8]) -> String {
    use base64::Engine;
    let mut body = base64::engine::general_purpose::STANDARD.encode(certificate);
    let mut line_end = body.len() / 64 * 64;
    while line_end > 0 {
        body.insert(line_end, '\n');
        line_end -= 64;
    }
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}
