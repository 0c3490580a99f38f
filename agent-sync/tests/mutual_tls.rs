//! The machine's certificate over real TLS: a server that lets in nobody without one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use codex_agent_sync::client::Client;
use codex_agent_sync::transport::{ClientIdentity, HttpTransport, Pace, Settings};
use codex_trust::transport::{Resource, Transport as _};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap().der().clone();
    Authority { certificate, issuer: Issuer::new(params, key) }
}

impl Authority {
    fn issue(&self, name: SanType) -> (CertificateDer<'static>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names.push(name);
        (params.signed_by(&key, &self.issuer).unwrap().der().clone(), key)
    }
}

fn pem(label: &str, bytes: &[u8]) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(bytes);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

/// Answers every request with the certificate that it was shown.
fn serve(authority: &Authority) -> (String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.clone()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build();
    let (certificate, key) = authority.issue(SanType::DnsName("localhost".try_into().unwrap()));
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.unwrap())
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let shown: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let seen = Arc::clone(&shown);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            let mut request = [0; 4096];
            // Whoever shows no certificate is gone here.
            if stream.read(&mut request).is_err() {
                continue;
            }
            let peer = stream.conn.peer_certificates().unwrap_or_default();
            seen.lock().unwrap().extend(peer.iter().map(|one| one.as_ref().to_vec()));
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
            drop(stream.write_all(answer));
            stream.conn.send_close_notify();
            drop(stream.flush());
        }
    });
    (address, shown)
}

/// A proxy that tunnels to wherever it is asked to, and what it was asked last.
fn tunnels() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://ana:hunter2@{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<String>> = Arc::default();
    let told = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut here = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && here.read(&mut byte).is_ok_and(|read| read > 0) {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            let place = head.split(' ').nth(1).unwrap().to_owned();
            *told.lock().unwrap() = head;
            let mut there = TcpStream::connect(place).unwrap();
            here.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
            let (mut from, mut to) = (there.try_clone().unwrap(), here.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            std::thread::spawn(move || std::io::copy(&mut here, &mut there));
        }
    });
    (address, asked)
}

#[test]
fn a_machine_shows_its_certificate_and_is_let_in_by_it_alone() {
    let authority = authority();
    let (address, shown) = serve(&authority);
    let uri = "urn:codex-config:identity:e30".try_into().unwrap();
    let (certificate, key) = authority.issue(SanType::URI(uri));
    // One file with both, as it is kept.
    let pair = pem("CERTIFICATE", &certificate) + &pem("PRIVATE KEY", key.serialized_der());
    let (proxy, asked) = tunnels();
    let settings = |identity: Option<ClientIdentity>| Settings {
        metadata: address.clone(),
        targets: address.clone(),
        proxy: None,
        authorities: Some(pem("CERTIFICATE", &authority.certificate).into_bytes()),
        identity,
        pace: Pace::default(),
    };
    let get = |settings: &Settings| {
        let transport = HttpTransport::new(settings).unwrap();
        transport.get(Resource::Metadata("timestamp.json"), 100)
    };
    let both = ClientIdentity { certificate: pair.clone().into(), key: pair.into() };
    assert!(!format!("{both:?}").contains("PRIVATE"), "the key is in no debug output");
    assert_eq!(get(&settings(Some(both.clone()))).unwrap().unwrap(), b"{}");
    assert_eq!(*shown.lock().unwrap(), [certificate.as_ref().to_vec()]);
    assert!(get(&settings(None)).is_err(), "nobody is let in without one");
    // Another authority than the one that is named is no authority.
    let mut other = settings(Some(both.clone()));
    other.authorities = Some(pem("CERTIFICATE", &self::authority().certificate).into_bytes());
    assert!(get(&other).is_err());
    assert_eq!(shown.lock().unwrap().len(), 1);
    // Through a proxy with a password: it sees where to, and nothing of what is said.
    let mut through = settings(Some(both.clone()));
    through.proxy = Some(proxy.into());
    assert_eq!(get(&through).unwrap().unwrap(), b"{}");
    assert_eq!(shown.lock().unwrap().len(), 2);
    // The push channel shows the certificate, too, with and without the proxy. This is no server of
    // sockets.
    for settings in [through, settings(Some(both))] {
        assert!(Client::new(&address, &settings).unwrap().channel().is_err());
    }
    assert_eq!(shown.lock().unwrap().len(), 4);
    let asked = asked.lock().unwrap().clone();
    let port = address.rsplit_once(':').unwrap().1;
    assert!(asked.starts_with(&format!("CONNECT localhost:{port} HTTP/1.1\r\n")), "{asked}");
    assert!(asked.contains("Proxy-Authorization: Basic YW5hOmh1bnRlcjI=\r\n"), "{asked}");
}
