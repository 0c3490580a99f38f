//! Releases to publish, machines to enrol, and a client that does what it is told.
#![allow(dead_code, unreachable_pub, reason = "every test takes what it needs")]
#![allow(missing_docs, clippy::missing_panics_doc, reason = "names say it")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_fleet::enrolment;
use codex_fleet_server::testing::TestFleet;
use codex_trust::audience::Audience;
use codex_trust::bundle::{self, Bundle, OnStale};
use codex_trust::document::{Envelope, RoleKeys, Root, Targets};
use codex_trust::keys::{MemoryKey, Signer as _};
use codex_trust::organisation::{self, Approvers, Organisation};
use codex_trust::provider::{hex, sha256};
use codex_trust::transport::{Resource, Transport, TransportError};
use codex_trust::write::{
    Authority, Content, Next, Online, Published, draft, metadata_name, target_name,
};
use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

pub const BANK: &str = "Example Bank";
pub const STRICT: &str = "allowed_sandbox_modes = ['read-only']\n";
pub const LOOSE: &str = "allowed_sandbox_modes = ['read-only', 'workspace-write']\n";

const ROOT: u8 = 1;
const TARGETS: u8 = 2;
const SNAPSHOT: u8 = 3;
const TIMESTAMP: u8 = 4;
const SHARED: u8 = 6;
const PAYMENTS: u8 = 7;

fn key(number: u8) -> MemoryKey {
    MemoryKey::from_seed(&[number; 32]).unwrap()
}

/// The root that servers of these tests are given.
pub fn root() -> Vec<u8> {
    let roles =
        [("root", ROOT), ("targets", TARGETS), ("snapshot", SNAPSHOT), ("timestamp", TIMESTAMP)];
    let public = |number| key(number).public();
    let mut envelope = Envelope::new(&Root {
        version: 1,
        expires: "2046-11-25T12:00:00Z".parse().unwrap(),
        keys: roles.iter().map(|(_, one)| (public(*one).id(), public(*one).object())).collect(),
        roles: roles
            .iter()
            .map(|(name, one)| ((*name).to_owned(), RoleKeys::of(&[public(*one)], 1)))
            .collect(),
        consistent_snapshot: true,
    })
    .unwrap();
    envelope.sign(&key(ROOT)).unwrap();
    envelope.bytes()
}

pub type Files = BTreeMap<String, Vec<u8>>;

/// What a publisher has: the files of the release that it made last.
#[derive(Clone, Debug, Default)]
pub struct Publisher {
    pub files: Files,
}

struct Memory(Files);

impl Transport for Memory {
    fn get(&self, resource: Resource<'_>, _: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let name = resource.file();
        Ok(self.0.get(&name).cloned())
    }
}

fn bundle(team: Option<&str>, cohort: &str, files: &[(&str, &str)]) -> Next {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Next {
        team: team.map(str::to_owned),
        bundle: Bundle {
            form: bundle::FORM.to_owned(),
            organisation: BANK.to_owned(),
            cohort: cohort.to_owned(),
            policy: format!("example.bank.codex.{cohort}"),
            generation: 0,
            parent: None,
            audience: Audience {
                team: team.map(str::to_owned),
                rest: team.is_none(),
                ..Audience::default()
            },
            codex_versions: vec!["0.169.0".to_owned()],
            fresh_for_seconds: 2_592_000,
            on_stale: OnStale::Keep,
            revision: 1,
            commit: None,
            digest: "sha256:00".to_owned(),
            files: files.collect(),
            places: Vec::new(),
            provenance: None,
        },
    }
}

impl Publisher {
    /// Makes the next release: payments with these requirements, everybody else with a loose one.
    /// Gives the files that are new, in the order in which they are handed in.
    pub fn release(&mut self, payments: &str) -> Vec<(String, Vec<u8>)> {
        self.release_of(&[("requirements.toml", payments)], Timestamp::now())
    }

    pub fn release_of(
        &mut self,
        payments: &[(&str, &str)],
        now: Timestamp,
    ) -> Vec<(String, Vec<u8>)> {
        let published = if self.files.contains_key("metadata/timestamp.json") {
            let transport: Arc<dyn Transport> = Arc::new(Memory(self.files.clone()));
            Published::read(&transport, &root()).unwrap()
        } else {
            Published::nothing(&root()).unwrap()
        };
        let authority =
            |number, days| Authority { keys: vec![key(number).public()], threshold: 1, days };
        let organisation = Organisation {
            form: organisation::FORM.to_owned(),
            organisation: BANK.to_owned(),
            floor: None,
            loosen: Approvers { keys: vec![key(ROOT).public()], threshold: 1 },
            minimum_generations: BTreeMap::new(),
            void: BTreeSet::new(),
            deleted_teams: BTreeSet::new(),
            longest_pause_hours: None,
        };
        let teams = BTreeMap::from([("payments".to_owned(), authority(PAYMENTS, 90))]);
        let content = Content {
            organisation: &organisation,
            bundles: vec![
                bundle(Some("payments"), "payments", payments),
                bundle(None, "developers", &[("requirements.toml", LOOSE)]),
            ],
            targets: &authority(TARGETS, 120),
            shared: &authority(SHARED, 90),
            teams: &teams,
            plan: None,
        };
        let mut draft = draft(&published, content, now).unwrap();
        for (name, envelope) in &mut draft.roles {
            let number = match name.as_str() {
                "targets" => TARGETS,
                "organisation" => SHARED,
                _ => PAYMENTS,
            };
            envelope.sign(&key(number)).unwrap();
        }
        let (snapshot, timestamp) = (key(SNAPSHOT), key(TIMESTAMP));
        let online = Online {
            snapshot: &snapshot,
            snapshot_days: 7,
            timestamp: &timestamp,
            timestamp_days: 2,
        };
        let commit = draft.commit(&published, online, now).unwrap();
        let mut new = vec![("metadata/1.root.json".to_owned(), root())];
        for (path, bytes) in &draft.files {
            let name = format!("targets/{}", target_name(path, &hex(&sha256(bytes))));
            new.push((name, bytes.clone()));
        }
        for (name, envelope) in &draft.roles {
            let document: Targets = envelope.document().unwrap();
            new.push((format!("metadata/{}", metadata_name(name, &document)), envelope.bytes()));
        }
        let name = format!("metadata/{}.snapshot.json", commit.snapshot_version);
        new.push((name, commit.snapshot.bytes()));
        new.push(("metadata/timestamp.json".to_owned(), commit.timestamp.bytes()));
        self.files.extend(new.iter().cloned());
        new
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A client: one connection for every request, so that nothing is hidden.
#[derive(Clone)]
pub struct Client {
    pub address: std::net::SocketAddr,
    pub tls: Arc<ClientConfig>,
    pub token: Option<String>,
}

pub type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// A certificate chain and a key, PEM.
pub struct Identified<'pem> {
    pub certificate: &'pem str,
    pub key: &'pem str,
}

pub fn tls(authority: &str, identified: Option<&Identified<'_>>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(codex_fleet_server::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match identified {
        None => builder.with_no_client_auth(),
        Some(Identified { certificate, key }) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap(),
    })
}

impl Client {
    pub fn of(fleet: &TestFleet) -> Self {
        let authority = fleet.authority().unwrap();
        Self { address: fleet.address(), tls: tls(&authority, None), token: None }
    }

    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn connect(&self) -> TlsStream {
        self.try_connect().unwrap()
    }

    fn try_connect(&self) -> std::io::Result<TlsStream> {
        let tcp = TcpStream::connect(self.address)?;
        tcp.set_read_timeout(Some(Duration::from_secs(30)))?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        Ok(StreamOwned::new(ClientConnection::new(Arc::clone(&self.tls), name).unwrap(), tcp))
    }

    /// Sends bytes as they are and reads to the end; none where the connection breaks.
    pub fn raw(&self, bytes: &[u8]) -> Option<Reply> {
        let mut stream = self.try_connect().ok()?;
        // The server may answer and close before it has read everything.
        drop(stream.write_all(bytes));
        read_reply(&mut stream)
    }

    pub fn request(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let token = self
            .token
            .as_ref()
            .map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        let length = if body.is_empty() && method != "POST" && method != "PUT" {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{token}{length}{headers}\r\n"
        );
        self.raw(&[head.as_bytes(), body].concat()).expect("an answer")
    }

    pub fn get(&self, path: &str) -> Reply {
        self.request("GET", path, "", b"")
    }

    pub fn put(&self, path: &str, body: &[u8]) -> Reply {
        self.request("PUT", path, "", body)
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.request("POST", path, "", body.to_string().as_bytes())
    }

    /// Hands all files in; tells what the last one was answered.
    pub fn publish(&self, files: &[(String, Vec<u8>)]) -> Reply {
        let put = |(name, bytes): &(String, Vec<u8>)| {
            self.put(&format!("/v1/admin/release/{name}"), bytes)
        };
        let (timestamp, others) = files.split_last().unwrap();
        for file in others {
            let reply = put(file);
            assert_eq!(reply.status, 200, "{}: {}", file.0, String::from_utf8_lossy(&reply.body));
        }
        put(timestamp)
    }
}

pub fn read_reply(stream: &mut impl std::io::Read) -> Option<Reply> {
    let mut all = Vec::new();
    // A close without a goodbye is one, too.
    drop(stream.read_to_end(&mut all));
    let end = all.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&all[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, head, body: all[end + 4..].to_vec() })
}

/// A machine.
pub struct Machine {
    pub key: String,
    pub certificate: String,
    pub freshness_key: String,
    pub client: Client,
}

pub fn signing_request(key: &KeyPair) -> String {
    CertificateParams::default().serialize_request(key).unwrap().pem().unwrap()
}

impl Machine {
    pub fn enrol(fleet: &TestFleet, token: &str, host: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let reply = Client::of(fleet).post("/v1/enrol", &enrolment_of(token, &key, host));
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let answer: enrolment::Answer = serde_json::from_slice(&reply.body).unwrap();
        Self::of(fleet, &key.serialize_pem(), &answer.certificate, &answer.freshness_key)
    }

    pub fn of(fleet: &TestFleet, key: &str, certificate: &str, freshness_key: &str) -> Self {
        let authority = fleet.authority().unwrap();
        let tls = tls(&authority, Some(&Identified { certificate, key }));
        Self {
            key: key.to_owned(),
            certificate: certificate.to_owned(),
            freshness_key: freshness_key.to_owned(),
            client: Client { address: fleet.address(), tls, token: None },
        }
    }
}

pub fn enrolment_of(token: &str, key: &KeyPair, host: &str) -> Value {
    serde_json::json!({
        "token": token,
        "signing_request": signing_request(key),
        "os": "linux",
        "host": host,
    })
}

/// A server in a folder that goes away with it.
pub struct Bank {
    pub fleet: TestFleet,
    pub folder: tempfile::TempDir,
}

impl Bank {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut codex_fleet_server::config::Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        drop(TestFleet::start(folder.path(), BANK, &root()).unwrap());
        let fleet = run(folder.path(), change);
        Self { fleet, folder }
    }

    pub fn client(&self) -> Client {
        Client::of(&self.fleet)
    }

    pub fn operator(&self) -> Client {
        let role = codex_fleet_server::store::tokens::Role::Operator;
        self.client().with_token(&self.fleet.admin_token(role).unwrap())
    }

    pub fn admin(&self) -> Client {
        let role = codex_fleet_server::store::tokens::Role::Admin;
        self.client().with_token(&self.fleet.admin_token(role).unwrap())
    }

    pub fn payments_token(&self) -> String {
        let scope = codex_fleet_server::store::tokens::Scope {
            team: Some("payments".to_owned()),
            ..Default::default()
        };
        self.fleet.enrolment_token(scope).unwrap()
    }
}

pub fn run(
    folder: &Path,
    change: impl FnOnce(&mut codex_fleet_server::config::Config),
) -> TestFleet {
    TestFleet::run(folder, change, Arc::new(codex_fleet_server::fleet::NoHolds)).unwrap()
}

/// What several threads have seen.
pub type Shared<T> = Arc<Mutex<T>>;
