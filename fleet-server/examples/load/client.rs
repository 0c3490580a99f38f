//! A machine and a publisher, as far as a load needs them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use codex_fleet_server::store::{Place, Store, head};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Problem;

/// A configuration that shows a certificate, or none.
pub(crate) fn connector(
    authority: &[u8],
    own: Option<(&str, &str)>,
) -> Result<TlsConnector, Problem> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority)?)?;
    let builder = ClientConfig::builder_with_provider(codex_fleet_server::tls::provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder.with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes())?],
            PrivateKeyDer::from_pem_slice(key.as_bytes())?,
        )?,
    };
    // Every machine is another one: nothing is resumed.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

pub(crate) async fn over(
    connector: &TlsConnector,
    tcp: TcpStream,
) -> Result<TlsStream<TcpStream>, Problem> {
    Ok(connector.connect(ServerName::try_from("127.0.0.1")?, tcp).await?)
}

/// What came back: its head and its body.
pub(crate) async fn request(
    address: SocketAddr,
    connector: &TlsConnector,
    head: &str,
    body: &[u8],
) -> Result<(String, Vec<u8>), Problem> {
    let mut stream = over(connector, TcpStream::connect(address).await?).await?;
    let head = format!(
        "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no answer")?;
    let body = answer.split_off(end + 4);
    Ok((String::from_utf8(answer)?, body))
}

/// Enrols a machine: its certificate and its key, PEM.
pub(crate) async fn enrol(
    address: SocketAddr,
    authority: &[u8],
    token: &str,
) -> Result<(String, String), Problem> {
    let key = KeyPair::generate()?;
    let body = serde_json::json!({
        "token": token,
        "signing_request": CertificateParams::default().serialize_request(&key)?.pem()?,
        "os": "linux",
        "host": "load",
    });
    let connector = connector(authority, None)?;
    let body = body.to_string();
    let head = "POST /v1/enrol HTTP/1.1";
    let (_, answer) = request(address, &connector, head, body.as_bytes()).await?;
    let answer: codex_fleet::enrolment::Answer = serde_json::from_slice(&answer)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&answer)))?;
    Ok((answer.certificate, key.serialize_pem()))
}

/// Hands in a release.
#[derive(clap::Args)]
pub(crate) struct Publish {
    /// The server.
    address: SocketAddr,
    /// The authority behind it, PEM.
    authority: PathBuf,
    /// A file with an operator's token.
    token: PathBuf,
    /// The folder with `metadata` and `targets`.
    folder: PathBuf,
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Problem> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

pub(crate) async fn publish(arguments: &Publish) -> Result<(), Problem> {
    let Publish { address, authority, token, folder } = arguments;
    let connector = connector(&std::fs::read(authority)?, None)?;
    let token = std::fs::read_to_string(token)?;
    let mut all = Vec::new();
    files(folder, &mut all)?;
    // The timestamp is the commit.
    all.sort_by_key(|path| path.ends_with("timestamp.json"));
    for path in all {
        let name = path.strip_prefix(folder)?.display().to_string();
        let head = format!(
            "PUT /v1/admin/release/{name} HTTP/1.1\r\nAuthorization: Bearer {}",
            token.trim()
        );
        let (head, body) = request(*address, &connector, &head, &std::fs::read(&path)?).await?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(format!("{name}: {head}{}", String::from_utf8_lossy(&body)).into());
        }
    }
    Ok(())
}

pub(crate) async fn revise(database: &str) -> Result<(), Problem> {
    let store = Store::open(&Place::of(database))?;
    store.write(|tx| head::revised(tx)).await?;
    Ok(())
}
