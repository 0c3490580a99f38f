//! `kill -9` at random moments of publishing and reporting: nothing that was acknowledged is lost,
//! and no version has two contents.
//!
//! `FLEET_CRASHES` sets how often, `FLEET_SEED` where the random numbers start; both are printed.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_trust::provider::{hex, sha256};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::store::Postgres;
use crate::support::{BANK, Client, Identified, Publisher, enrolment_of, root, tls};

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_codex-fleet-server");

fn run(folder: &Path, arguments: &[&str]) -> String {
    let config = folder.join("fleet.toml");
    let done =
        Command::new(PROGRAM).args(arguments).env("CODEX_FLEET_CONFIG", &config).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

struct Server {
    child: Child,
    address: SocketAddr,
}

fn start(folder: &Path) -> Server {
    let mut child = Command::new(PROGRAM)
        .arg("run")
        .env("CODEX_FLEET_CONFIG", folder.join("fleet.toml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("https://").unwrap_or_else(|| panic!("{line:?}"));
    Server { address: address.parse().unwrap(), child }
}

/// What was acknowledged.
#[derive(Default)]
struct Acknowledged {
    releases: Mutex<BTreeMap<u64, String>>,
    transitions: AtomicU64,
}

/// Like [`Client::request`], for a server that may be killed in between.
fn tried(client: &Client, method: &str, path: &str, body: &[u8]) -> Option<(u16, Value)> {
    let token = client.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n"));
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n",
        token.unwrap_or_default(),
        body.len()
    );
    let reply = client.raw(&[head.as_bytes(), body].concat())?;
    Some((reply.status, serde_json::from_slice(&reply.body).ok()?))
}

fn publish(client: &Client, publisher: &mut Publisher, round: i64, acknowledged: &Acknowledged) {
    for step in 0..1_000 {
        let mut next = publisher.clone();
        let later = Timestamp::now() + SignedDuration::from_secs(round * 1_000 + step);
        let policy = format!("allowed_sandbox_modes = ['read-only'] # {round} {step}\n");
        let files = next.release_of(&[("requirements.toml", &policy)], later);
        for (name, bytes) in &files {
            let path = format!("/v1/admin/release/{name}");
            let Some((status, answer)) = tried(client, "PUT", &path, bytes) else { return };
            if status == 503 {
                return;
            }
            assert_eq!(status, 200, "{name}: {answer}");
        }
        let version = publisher_version(&next);
        let digest = hex(&sha256(&next.files["metadata/timestamp.json"]));
        acknowledged.releases.lock().unwrap().insert(version, digest);
        *publisher = next;
    }
}

fn publisher_version(publisher: &Publisher) -> u64 {
    let Some(bytes) = publisher.files.get("metadata/timestamp.json") else { return 0 };
    let timestamp: Value = serde_json::from_slice(bytes).unwrap();
    timestamp["signed"]["version"].as_u64().unwrap()
}

fn report(client: &Client, acknowledged: &Acknowledged) {
    loop {
        let number = acknowledged.transitions.load(Ordering::SeqCst) + 1;
        let body = json!({
            "nonce": STANDARD.encode([7; 32]), "agent": "0", "codex": [], "installed": null,
            "transitions": [{
                "at": "2026-11-26T04:00:00Z", "number": number, "state": "offered", "reasons": [],
                "about": { "cohort": "payments", "generation": number, "digest": "sha256:00" },
            }],
        });
        let body = body.to_string();
        let Some((status, answer)) = tried(client, "POST", "/v1/check-in", body.as_bytes()) else {
            return;
        };
        if status == 503 {
            return;
        }
        assert_eq!(status, 200, "{answer}");
        acknowledged.transitions.store(answer["kept"].as_u64().unwrap(), Ordering::SeqCst);
    }
}

/// What is there from round to round.
struct Story {
    folder: std::path::PathBuf,
    token: String,
    authority: String,
    identity: (String, String),
    acknowledged: Arc<Acknowledged>,
    publisher: Publisher,
}

impl Story {
    fn begin(place: &Path, database: Option<&str>) -> (Self, Server) {
        let folder = place.join("fleet");
        std::fs::write(place.join("root.json"), root()).unwrap();
        let (dir, file) =
            (folder.display().to_string(), place.join("root.json").display().to_string());
        let mut arguments = vec!["init", "--dir", &dir, "--organisation", BANK, "--root", &file];
        arguments.extend(["--name", "127.0.0.1", "--listen", "127.0.0.1:0"]);
        arguments.extend(database.iter().flat_map(|database| ["--database", database]));
        run(&folder, &arguments);
        let token = run(&folder, &["admin-token", "create", "--role", "admin"]);
        let enrolment = run(&folder, &["token", "create", "--team", "payments"]);
        let authority = std::fs::read_to_string(folder.join("authority.pem")).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let server = start(&folder);
        let mut story = Self {
            folder,
            token,
            authority,
            identity: (String::new(), key.serialize_pem()),
            acknowledged: Arc::default(),
            publisher: Publisher::default(),
        };
        let body = enrolment_of(&enrolment, &key, "pay-17").to_string();
        let admin = story.admin(server.address);
        let enrolled = tried(&admin, "POST", "/v1/enrol", body.as_bytes()).unwrap();
        enrolled.1["certificate"].as_str().unwrap().clone_into(&mut story.identity.0);
        (story, server)
    }

    fn admin(&self, address: SocketAddr) -> Client {
        let tls = tls(&self.authority, None);
        Client { address, tls, token: Some(self.token.clone()) }
    }

    /// Publishes and reports until `end` has ended it.
    fn round(&mut self, address: SocketAddr, number: u64, end: impl FnOnce()) {
        let (certificate, key) = &self.identity;
        let tls = tls(&self.authority, Some(&Identified { certificate, key }));
        let machine = Client { address, tls, token: None };
        let admin = self.admin(address);
        let (heard, told) = (Arc::clone(&self.acknowledged), Arc::clone(&self.acknowledged));
        let mut own = self.publisher.clone();
        let number = i64::try_from(number).unwrap();
        let publishing = std::thread::spawn(move || {
            publish(&admin, &mut own, number, &heard);
            own
        });
        let reporting = std::thread::spawn(move || report(&machine, &told));
        end();
        self.publisher = publishing.join().unwrap();
        reporting.join().unwrap();
    }

    fn check(&mut self, server: &Server) {
        check(&self.admin(server.address), &self.acknowledged, &mut self.publisher);
    }

    fn end(self, mut server: Server) {
        server.kill();
        let releases = self.acknowledged.releases.lock().unwrap().len();
        let transitions = self.acknowledged.transitions.load(Ordering::SeqCst);
        println!("{releases} releases and {transitions} transitions were acknowledged");
        assert!(releases > 0 && transitions > 0, "nothing happened between the kills");
        run(&self.folder, &["audit", "verify"]);
    }
}

impl Server {
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_no_version_has_two_contents() {
    let (crashes, seed) = (setting("FLEET_CRASHES", 20), setting("FLEET_SEED", 1));
    println!("FLEET_CRASHES={crashes} FLEET_SEED={seed}");
    let mut dice = Dice(seed);
    let place = tempfile::tempdir().unwrap();
    let (mut story, mut server) = Story::begin(place.path(), None);
    for round in 0..crashes {
        let pause = Duration::from_millis(20 + dice.below(400));
        let Server { mut child, address } = server;
        story.round(address, round, || {
            std::thread::sleep(pause);
            child.kill().unwrap();
            child.wait().unwrap();
        });
        server = start(&story.folder);
        story.check(&server);
    }
    story.end(server);
}

#[test]
fn nor_when_the_database_is_killed_or_both_are() {
    let Some(mut postgres) = Postgres::start() else { return };
    let (crashes, seed) = (setting("FLEET_CRASHES", 20), setting("FLEET_SEED", 1));
    println!("FLEET_CRASHES={crashes} FLEET_SEED={seed}");
    let mut dice = Dice(seed);
    let place = tempfile::tempdir().unwrap();
    let address = postgres.database("fleet");
    let (mut story, mut server) = Story::begin(place.path(), Some(&address));
    for round in 0..crashes {
        let (pause, whom) = (Duration::from_millis(20 + dice.below(400)), dice.below(3));
        let Server { mut child, address } = server;
        story.round(address, round, || {
            std::thread::sleep(pause);
            if whom != 0 {
                postgres.kill();
            }
            if whom != 1 {
                child.kill().unwrap();
                child.wait().unwrap();
            }
        });
        if whom != 0 {
            postgres.run();
        }
        server = if whom == 1 { Server { child, address } } else { start(&story.folder) };
        let deadline = Instant::now() + Duration::from_mins(1);
        while story.admin(server.address).get("/readyz").status != 200 {
            assert!(Instant::now() < deadline, "it does not recover");
            std::thread::sleep(Duration::from_millis(50));
        }
        story.check(&server);
    }
    story.end(server);
}

/// Holds the server against what was acknowledged, and takes up what was published without an
/// answer.
fn check(admin: &Client, acknowledged: &Acknowledged, publisher: &mut Publisher) {
    // Write transactions go one after another: after this one, a commit that a server has sent with
    // its last breath has happened or never will.
    let deadline = Instant::now() + Duration::from_mins(1);
    while admin.request("DELETE", "/v1/admin/staged", "", b"").status != 200 {
        assert!(Instant::now() < deadline, "it takes no changes");
        std::thread::sleep(Duration::from_millis(50));
    }
    let told = acknowledged.releases.lock().unwrap().clone();
    let list = admin.get("/v1/admin/releases?limit=1000").json();
    let list: BTreeMap<u64, String> = list["releases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["version"].as_u64().unwrap(), one["sha256"].as_str().unwrap().to_owned()))
        .collect();
    for (version, digest) in told.iter().rev().take(900) {
        assert_eq!(list.get(version), Some(digest), "release {version} was acknowledged");
    }
    let device = admin.get("/v1/admin/devices").json();
    let kept = device["devices"][0]["generation"].as_u64().unwrap_or(0);
    let sent = acknowledged.transitions.load(Ordering::SeqCst);
    assert!(kept == sent || kept == sent + 1, "{kept} kept, {sent} acknowledged");
    // The one that was under way may be in force, whole.
    let in_force = list.keys().next_back().copied().unwrap_or(0);
    let own = publisher_version(publisher);
    assert!(in_force == own || in_force == own + 1, "{in_force} in force, {own} acknowledged");
    if in_force == own + 1 {
        let names = admin.get("/v1/admin/release/metadata/timestamp.json").body;
        publisher.files.insert("metadata/timestamp.json".to_owned(), names);
        for (name, bytes) in missing(admin, in_force) {
            publisher.files.insert(name, bytes);
        }
    }
}

/// The files of a release that its publisher has lost.
fn missing(admin: &Client, version: u64) -> Vec<(String, Vec<u8>)> {
    let get = |name: String| {
        let reply = admin.get(&format!("/v1/admin/release/{name}"));
        assert_eq!(reply.status, 200, "{name}");
        (name, reply.body)
    };
    let snapshot = get(format!("metadata/{version}.snapshot.json"));
    let parsed: Value = serde_json::from_slice(&snapshot.1).unwrap();
    let mut files = vec![snapshot];
    for (name, meta) in parsed["signed"]["meta"].as_object().unwrap() {
        let role = get(format!("metadata/{}.{name}", meta["version"]));
        let document: Value = serde_json::from_slice(&role.1).unwrap();
        files.push(role);
        for (path, target) in document["signed"]["targets"].as_object().unwrap() {
            let digest = target["hashes"]["sha256"].as_str().unwrap();
            let name = codex_trust::write::target_name(path, digest);
            files.push(get(format!("targets/{name}")));
        }
    }
    files
}
