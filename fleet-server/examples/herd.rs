//! Opens push channels to a running server and tells how long that took, what a hint costs, and what
//! a channel costs the server in memory. For benchmarks, by hand.
//!
//! ```text
//! herd ADDRESS AUTHORITY.pem TOKEN-FILE COUNT PID
//! ```
//!
//! The token is one for enrolment. It then waits for a line on its standard input, publish something
//! meanwhile: it prints when the last channel has heard of it.

#![allow(clippy::print_stdout, reason = "a program to be looked at")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

type Problem = Box<dyn std::error::Error + Send + Sync>;

const UPGRADE: &[u8] = b"GET /v1/push HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A configuration that shows a certificate, or none.
fn config(authority: &[u8], own: Option<(&str, &str)>) -> Result<TlsConnector, Problem> {
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

async fn connect(
    address: SocketAddr,
    connector: &TlsConnector,
) -> Result<TlsStream<TcpStream>, Problem> {
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("127.0.0.1")?;
    Ok(connector.connect(name, tcp).await?)
}

/// Enrols a machine: its certificate and its key, PEM.
async fn enrol(
    address: SocketAddr,
    authority: &[u8],
    token: &str,
) -> Result<(String, String), Problem> {
    let key = KeyPair::generate()?;
    let body = serde_json::json!({
        "token": token,
        "signing_request": CertificateParams::default().serialize_request(&key)?.pem()?,
        "os": "linux",
        "host": "herd",
    })
    .to_string();
    let mut stream = connect(address, &config(authority, None)?).await?;
    let head = format!(
        "POST /v1/enrol HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let text = String::from_utf8(answer)?;
    let (_, body) = text.split_once("\r\n\r\n").ok_or("no answer")?;
    let answer: codex_fleet::enrolment::Answer =
        serde_json::from_str(body).map_err(|error| format!("{error}: {text}"))?;
    Ok((answer.certificate, key.serialize_pem()))
}

/// Opens a channel and reads up to its first hint.
async fn open(
    address: SocketAddr,
    connector: &TlsConnector,
) -> Result<TlsStream<TcpStream>, Problem> {
    let mut stream = connect(address, connector).await?;
    stream.write_all(UPGRADE).await?;
    let mut seen = Vec::new();
    let mut bytes = [0; 512];
    while !seen.ends_with(b"}") {
        let count = stream.read(&mut bytes).await?;
        if count == 0 {
            return Err(String::from_utf8_lossy(&seen).into_owned().into());
        }
        seen.extend_from_slice(bytes.get(..count).unwrap_or_default());
    }
    Ok(stream)
}

/// The resident memory of a process in KiB, and its processor time in milliseconds.
fn used(process: &str) -> (u64, u64) {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let memory =
        text.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let ticks: u64 =
        stat.split(' ').skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    (memory.and_then(|memory| memory.parse().ok()).unwrap_or(0), ticks * 10)
}

#[tokio::main]
async fn main() -> Result<(), Problem> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, authority, token, count, process] = arguments.as_slice() else {
        return Err("herd ADDRESS AUTHORITY.pem TOKEN-FILE COUNT PID".into());
    };
    let address: SocketAddr = address.parse()?;
    let authority = std::fs::read(authority)?;
    let token = std::fs::read_to_string(token)?;
    let count: u64 = count.parse()?;
    let (certificate, key) = enrol(address, &authority, token.trim()).await?;
    let connector = config(&authority, Some((&certificate, &key)))?;
    let before = used(process);
    let began = Instant::now();
    let mut streams = Vec::new();
    let mut failed = 0;
    for from in (0..count).step_by(64) {
        let batch: Vec<_> = (from..(from + 64).min(count))
            .map(|_| {
                let connector = connector.clone();
                tokio::spawn(async move { open(address, &connector).await })
            })
            .collect();
        for one in batch {
            match one.await? {
                Ok(stream) => streams.push(stream),
                Err(error) => {
                    println!("{error}");
                    failed += 1;
                }
            }
        }
    }
    let time = began.elapsed();
    let opened = u64::try_from(streams.len())?.max(1);
    let after = used(process);
    println!(
        "{opened} channels in {time:.1?}, {failed} failed; {:.2} KiB and {} us of the server each",
        f64::from(u32::try_from(after.0.saturating_sub(before.0))?)
            / f64::from(u32::try_from(opened)?),
        (after.1 - before.1) * 1_000 / opened,
    );
    println!("publish now");
    let told: Vec<_> = streams
        .into_iter()
        .map(|mut stream| {
            tokio::spawn(async move {
                let mut bytes = [0; 512];
                let count = stream.read(&mut bytes).await.unwrap_or(0);
                (Instant::now(), count, stream)
            })
        })
        .collect();
    let mut times = Vec::new();
    let mut kept = Vec::new();
    for one in told {
        let (at, _, stream) = one.await?;
        times.push(at);
        kept.push(stream);
    }
    times.sort();
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(()) };
    let end = used(process);
    println!(
        "from the first to the last hint {:.1?}; {} us of the server each",
        last.duration_since(*first),
        (end.1 - after.1) * 1_000 / opened
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(kept);
    Ok(())
}
