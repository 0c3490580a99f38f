//! Where a release is, and how connections to it are made.

use std::time::Duration;

use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

use crate::proxy::ProxyAddress;

/// How long fetches may take. Every limit holds by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// All of one metadata document or approval, from the name look-up to the last byte.
    pub metadata: Duration,
    /// All of one target.
    pub target: Duration,
    /// Silence between two pieces.
    pub silence: Duration,
    /// Bytes of content per second, on average, that a fetch must reach …
    pub bytes_per_second: u64,
    /// … once it has taken this long.
    pub patience: Duration,
}

impl Default for Pace {
    /// Enough for 4 MB over a bad line, and for a proxy that looks into everything first.
    fn default() -> Self {
        Self {
            metadata: Duration::from_secs(30),
            target: Duration::from_mins(2),
            silence: Duration::from_secs(15),
            bytes_per_second: 1024,
            patience: Duration::from_secs(10),
        }
    }
}

/// A machine's certificate and key, PEM. The key is not in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// The key.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ClientIdentity").finish_non_exhaustive()
    }
}

/// Where a release is, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The address under which metadata lies.
    pub metadata: String,
    /// The address under which targets lie, and `approvals/` beside them.
    pub targets: String,
    /// A proxy. Environment variables are the caller's to read.
    pub proxy: Option<ProxyAddress>,
    /// Certificates of authorities, PEM: the only ones that are trusted then. Where there are
    /// none, those of the Mozilla programme are.
    pub authorities: Option<Vec<u8>>,
    /// What this machine shows to the server.
    pub identity: Option<ClientIdentity>,
    /// How long fetches may take.
    pub pace: Pace,
}

impl Settings {
    /// Whether connections of both are made alike, wherever they lead.
    pub(crate) fn connects_like(&self, other: &Self) -> bool {
        let Self { metadata: _, targets: _, proxy, authorities, identity, pace } = self;
        (proxy, authorities, identity, pace.silence)
            == (&other.proxy, &other.authorities, &other.identity, other.pace.silence)
    }
}

/// Why settings are none.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// An address that is no base of addresses.
    #[error("`{address}` is no address of a release: `https://HOST/PATH`, without `?` and `#`")]
    Address {
        /// The address.
        address: String,
    },
    /// A proxy's address that is none. It may hold a password, and is not shown.
    #[error("the address of the proxy is none: look at `proxy` in agent.toml, or at HTTPS_PROXY")]
    Proxy,
    /// A certificate or key of this machine that is none.
    #[error("the machine's certificate or key cannot be read; enrol again")]
    Identity,
    /// No certificates where some must be.
    #[error("the file of authorities holds no certificate in PEM form, or a broken one")]
    Authorities,
}

/// How long a connection that nothing is asked over is kept for the next request. Servers and
/// proxies end idle ones after ten seconds or more: a request must not meet that end.
const IDLE: Duration = Duration::from_secs(4);

/// Bytes that a connection reads or writes at once: room for the largest headers. The library's own
/// 128 KiB, in both directions, are a megabyte for an agent that has its few connections open.
const BUFFER: usize = 32 * 1024;

/// Bytes of headers that an answer may have.
const HEADERS: usize = 16 * 1024;

/// The client of settings: no redirects, limits of headers and silence, and no other authorities
/// than those that are named.
pub(crate) fn agent(settings: &Settings) -> Result<Agent, SettingsError> {
    client_config(settings).map(Agent::from)
}

/// What [`agent`] makes a client of.
pub(crate) fn client_config(settings: &Settings) -> Result<ureq::config::Config, SettingsError> {
    let proxy = settings.proxy.as_ref().map(|one| Proxy::new(one.as_str())).transpose();
    let client = settings.identity.as_ref().map(client_cert).transpose()?;
    let roots = match &settings.authorities {
        Some(pem) => certificates(pem)?,
        None => RootCerts::WebPki,
    };
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // An address is what an administrator wrote, not what a server says.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy.map_err(|_| SettingsError::Proxy)?)
        .tls_config(TlsConfig::builder().root_certs(roots).client_cert(client).build())
        .timeout_per_read(Some(settings.pace.silence))
        .timeout_per_write(Some(settings.pace.silence))
        .max_response_header_size(HEADERS)
        .max_idle_age(IDLE)
        .input_buffer_size(BUFFER)
        .output_buffer_size(BUFFER)
        // Unpacked here, and not by the library, to count and to bound what arrives.
        .accept_encoding("gzip")
        .user_agent(concat!("codex-agent/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(config)
}

fn client_cert(identity: &ClientIdentity) -> Result<ClientCert, SettingsError> {
    let certificate = Certificate::from_pem(&identity.certificate);
    let key = PrivateKey::from_pem(&identity.key);
    match (certificate, key) {
        (Ok(certificate), Ok(key)) => Ok(ClientCert::new_with_certs(&[certificate], key)),
        _ => Err(SettingsError::Identity),
    }
}

/// The certificates of a PEM file.
fn certificates(pem: &[u8]) -> Result<RootCerts, SettingsError> {
    let mut found: Vec<Certificate<'static>> = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        if let ureq::tls::PemItem::Certificate(one) =
            item.map_err(|_| SettingsError::Authorities)?
        {
            found.push(one);
        }
    }
    if found.is_empty() {
        return Err(SettingsError::Authorities);
    }
    Ok(RootCerts::new_with_certs(&found))
}
