//! TLS with `ring` alone. A machine shows its certificate or none; one that has just expired is let
//! through so that it can be renewed, and everything but renewal refuses it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme,
};

use crate::authority::AuthorityError;

/// The cryptography of this process; named, so that no default has to be installed.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The certificate that a server shows, which can be another one for the next connection.
#[derive(Debug)]
pub struct Shows(RwLock<Arc<CertifiedKey>>);

impl Shows {
    /// The certificates of a server, its own first, and its key.
    ///
    /// # Errors
    /// When key and certificate do not fit each other.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, AuthorityError> {
        Ok(Self(RwLock::new(Arc::new(certified(chain, key)?))))
    }

    /// Shows another one from now on.
    ///
    /// # Errors
    /// When key and certificate do not fit each other: the one before stays.
    pub fn change(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<(), AuthorityError> {
        let next = Arc::new(certified(chain, key)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn wrong(error: &Error) -> AuthorityError {
    AuthorityError::Form { what: "TLS configuration".to_owned(), problem: error.to_string() }
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, AuthorityError> {
    // A key that does not fit is an error here, not at the first connection.
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| wrong(&error))
}

/// What a server shows, whom it knows, and for how long after the end.
#[derive(Debug)]
pub struct Tls {
    /// The server's certificate.
    pub shows: Arc<Shows>,
    /// The enrolment authority.
    pub authority: CertificateDer<'static>,
    /// For how long after its end a certificate is let through.
    pub grace: Duration,
}

/// The configuration of all connections.
///
/// # Errors
/// When key and certificate do not fit each other.
pub fn config(tls: Tls) -> Result<Arc<ServerConfig>, AuthorityError> {
    let Tls { shows, authority, grace } = tls;
    let mut roots = RootCertStore::empty();
    roots.add(authority).map_err(|error| wrong(&error))?;
    let inner = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated()
        .build()
        .map_err(|error| wrong(&Error::General(error.to_string())))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_client_cert_verifier(Arc::new(Graceful { inner, grace }))
        .with_cert_resolver(shows);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Whoever reconnects does so without public-key work, and no process holds anything for it.
    config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(|error| wrong(&error))?;
    config.send_tls13_tickets = 1;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct Graceful {
    inner: Arc<dyn ClientCertVerifier>,
    grace: Duration,
}

impl ClientCertVerifier for Graceful {
    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.inner.verify_client_cert(end_entity, intermediates, now) {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext {
                time,
                not_after,
            })) if time.as_secs().saturating_sub(not_after.as_secs()) <= self.grace.as_secs() => {
                // Everything else must still be right, at the last moment at which it could be.
                self.inner.verify_client_cert(end_entity, intermediates, not_after)
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
