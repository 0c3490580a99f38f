//! Releases, stores and servers for tests.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "each test file uses some of it"
)]

use std::collections::BTreeMap;
use std::io::{Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_agent_sync::address::encoded;
use codex_agent_sync::store::FileStore;
use codex_trust::document::{
    DelegatedRole, Delegations, Document, Envelope, Meta, RoleKeys, Root, SNAPSHOT_FILE, Snapshot,
    TOP_LEVEL, Target, Targets, Timestamp,
};
use codex_trust::keys::{MemoryKey, PublicKey, Signer};
use codex_trust::refresh::{Limits, RefreshError, Session, refresh};
use codex_trust::transport::{Resource, Transport, TransportError};
use jiff::Timestamp as Time;
use tempfile::TempDir;

pub fn key(seed: u8) -> MemoryKey {
    MemoryKey::from_seed(&[seed; 32]).unwrap()
}

pub fn public(seeds: &[u8]) -> Vec<PublicKey> {
    seeds.iter().map(|seed| key(*seed).public()).collect()
}

/// When tests take place.
pub fn now() -> Time {
    "2026-11-26T00:00:00Z".parse().unwrap()
}

/// When their documents end.
pub fn end() -> Time {
    "2027-02-01T00:00:00Z".parse().unwrap()
}

type Files = BTreeMap<String, Vec<u8>>;

/// A release that grows, with keys told by their seeds.
#[derive(Clone)]
pub struct Release {
    pub root: Root,
    pub timestamp: Timestamp,
    pub snapshot: Snapshot,
    pub targets: BTreeMap<String, Targets>,
    pub signers: BTreeMap<String, Vec<u8>>,
    pub files: Files,
}

impl Release {
    /// Version 1 of everything; roles have keys 1 to 4, in the order of `TOP_LEVEL`.
    pub fn new() -> Self {
        let mut release = Self {
            root: Root {
                version: 1,
                expires: end(),
                keys: BTreeMap::new(),
                roles: BTreeMap::new(),
                consistent_snapshot: true,
            },
            timestamp: Timestamp {
                version: 1,
                expires: end(),
                meta: BTreeMap::new(),
                signed_at: None,
            },
            snapshot: Snapshot { version: 1, expires: end(), meta: BTreeMap::new() },
            targets: BTreeMap::from([("targets".to_owned(), targets())]),
            signers: BTreeMap::new(),
            files: Files::new(),
        };
        for (role, seed) in TOP_LEVEL.into_iter().zip(1..) {
            release.assign(role, &[seed], 1);
        }
        release.publish_root();
        release.publish();
        release
    }

    /// Gives a top-level role its keys, who sign from now on.
    pub fn assign(&mut self, role: &str, seeds: &[u8], threshold: u32) {
        for key in public(seeds) {
            self.root.keys.insert(key.id(), key.object());
        }
        self.root.roles.insert(role.to_owned(), RoleKeys::of(&public(seeds), threshold));
        self.signers.insert(role.to_owned(), seeds.to_vec());
    }

    /// Hands paths of a role on to another one, with a key.
    pub fn delegate(&mut self, from: &str, role: &str, seed: u8, paths: &str) {
        let delegations = self.targets.get_mut(from).unwrap();
        let delegations = delegations.delegations.get_or_insert_with(Delegations::default);
        let key = key(seed).public();
        delegations.keys.insert(key.id(), key.object());
        delegations.roles.retain(|there| there.name != role);
        delegations.roles.push(DelegatedRole {
            name: role.to_owned(),
            keyids: vec![key.id()],
            threshold: 1,
            terminating: true,
            paths: vec![paths.to_owned()],
        });
        self.targets.entry(role.to_owned()).or_insert_with(targets);
        self.signers.insert(role.to_owned(), vec![seed]);
    }

    pub fn add(&mut self, role: &str, path: &str, bytes: &[u8]) {
        let target = Target::of(bytes, None);
        let (folder, name) = path.rsplit_once('/').map_or(("", path), |(at, name)| (at, name));
        let slash = if folder.is_empty() { "" } else { "/" };
        let file = format!("targets/{folder}{slash}{}.{name}", target.sha256());
        self.files.insert(file, bytes.to_vec());
        self.targets.get_mut(role).unwrap().targets.insert(path.to_owned(), target);
    }

    pub fn signed<D: Document>(&self, role: &str, document: &D) -> Vec<u8> {
        signed(document, &self.signers[role])
    }

    /// Publishes the root. It is signed by the keys of `root`, and by more that are named.
    pub fn publish_root(&mut self) {
        let bytes = self.signed("root", &self.root);
        self.files.insert(format!("metadata/{}.root.json", self.root.version), bytes);
    }

    /// Publishes all else as it is.
    pub fn publish(&mut self) {
        for (role, document) in &self.targets {
            let bytes = signed(document, &self.signers[role]);
            let name = format!("metadata/{}.{}.json", document.version, encoded(role));
            self.files.insert(name, bytes);
            self.snapshot.meta.insert(format!("{role}.json"), Meta::version(document.version));
        }
        self.publish_snapshot();
    }

    pub fn publish_snapshot(&mut self) {
        let bytes = self.signed("snapshot", &self.snapshot);
        let meta = Meta::pinned(self.snapshot.version, &bytes);
        self.files.insert(format!("metadata/{}.snapshot.json", self.snapshot.version), bytes);
        self.timestamp.meta.insert(SNAPSHOT_FILE.to_owned(), meta);
        self.publish_timestamp();
    }

    pub fn publish_timestamp(&mut self) {
        let bytes = self.signed("timestamp", &self.timestamp);
        self.files.insert("metadata/timestamp.json".to_owned(), bytes);
    }

    /// Publishes the next version of everything but roots.
    pub fn advance(&mut self) {
        self.timestamp.version += 1;
        self.snapshot.version += 1;
        self.targets.values_mut().for_each(|document| document.version += 1);
        self.publish();
    }

    /// Writes it into a folder, as `DirectoryTransport` wants it.
    pub fn write(&self, folder: &Path) {
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    pub fn first_root(&self) -> &[u8] {
        &self.files["metadata/1.root.json"]
    }
}

fn targets() -> Targets {
    Targets { version: 1, expires: end(), targets: BTreeMap::new(), delegations: None }
}

pub fn signed<D: Document>(document: &D, seeds: &[u8]) -> Vec<u8> {
    let mut envelope = Envelope::new(document).unwrap();
    seeds.iter().for_each(|seed| envelope.sign(&key(*seed)).unwrap());
    envelope.bytes()
}

/// A release as it is in memory.
pub struct Memory {
    pub files: Files,
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Transport for Memory {
    fn get(&self, resource: Resource<'_>, _: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let name = resource.file();
        self.asked.lock().unwrap().push(name.clone());
        Ok(self.files.get(&name).cloned())
    }
}

/// An endpoint with a store on the disk.
pub struct Endpoint {
    pub folder: TempDir,
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    /// An endpoint that was given the first root of a release.
    pub fn of(release: &Release) -> Self {
        use codex_trust::store::MetadataStore as _;
        let endpoint = Self { folder: TempDir::new().unwrap(), asked: Arc::default() };
        endpoint.store().store("root.json", release.first_root()).unwrap();
        endpoint
    }

    pub fn store(&self) -> FileStore {
        FileStore::open(self.folder.path(), Duration::from_secs(5)).unwrap()
    }

    pub fn refresh(&self, release: &Release) -> Result<Session, RefreshError> {
        self.refresh_at(release, now(), Limits::default())
    }

    pub fn refresh_at(
        &self,
        release: &Release,
        now: Time,
        limits: Limits,
    ) -> Result<Session, RefreshError> {
        let memory = Memory { files: release.files.clone(), asked: Arc::clone(&self.asked) };
        refresh(Arc::new(memory), Arc::new(self.store()), now, limits)
    }

    /// What was asked for since the last time.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    pub fn kept(&self) -> Files {
        kept(self.folder.path())
    }

    /// The version of a kept document; 0 where there is none.
    pub fn version(&self, role: &str) -> u64 {
        let path = self.folder.path().join(format!("{}.json", encoded(role)));
        let Ok(bytes) = std::fs::read(path) else { return 0 };
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        value["signed"]["version"].as_u64().unwrap()
    }
}

/// All files that a store keeps.
pub fn kept(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            let below = kept(&entry.path());
            files.extend(below.into_iter().map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
        } else if name != ".lock" && name != ".new" {
            files.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
    files
}

/// A web server on the loopback that answers each request as it is told: gets the path, writes
/// what it likes.
pub struct Server {
    pub address: String,
    pub paths: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn new(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let paths: Arc<Mutex<Vec<String>>> = Arc::default();
        let (answer, seen) = (Arc::new(answer), Arc::clone(&paths));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let mut request = Vec::new();
                    let mut byte = [0];
                    while !request.ends_with(b"\r\n\r\n") {
                        if stream.read(&mut byte).unwrap_or(0) == 0 {
                            return;
                        }
                        request.push(byte[0]);
                    }
                    let request = String::from_utf8(request).unwrap();
                    let path = request.split(' ').nth(1).unwrap().to_owned();
                    seen.lock().unwrap().push(path.clone());
                    answer(&path, &mut stream);
                });
            }
        });
        Self { address, paths }
    }

    /// A server of a release.
    pub fn of(files: Files) -> Self {
        Self::new(move |path, stream| match files.get(path.trim_start_matches('/')) {
            Some(bytes) => send(stream, "200 OK", "", bytes),
            None => send(stream, "404 Not Found", "", b"no"),
        })
    }
}

/// Sends a whole answer; the other side may be gone.
pub fn send(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    drop(stream.write_all(&[head.as_bytes(), body].concat()));
}
