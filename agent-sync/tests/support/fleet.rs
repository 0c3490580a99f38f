//! A fleet server that is as small as can be, on the loopback: enrols anybody, answers check-ins,
//! serves a release, holds what it is told to hold. For tests of agents alone.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "each test file uses some of it"
)]

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_fleet::check_in::{Answer, CheckIn, Freshness, Transition};
use codex_fleet::enrolment;
use codex_fleet::identity::{DeviceId, Identity};
use codex_fleet::push::Hint;
use codex_fleet::routes;
use codex_trust::bundle::Place;
use codex_trust::provider::digest_name;
use codex_trust::write::Next;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use tempfile::TempDir;

use crate::trust::{self, Mirror};

pub const TOKEN: &str = "ccenrol_for_a_test";

pub struct Fleet {
    pub address: String,
    pub mirror: Arc<Mirror>,
    pub told: Arc<Mutex<Told>>,
}

#[derive(Default)]
pub struct Told {
    pub hold: Option<u64>,
    pub transitions: BTreeMap<u64, Transition>,
    pub check_ins: usize,
    pub requests: Vec<String>,
    pub revision: u64,
    pub renews_for: Option<&'static str>,
    /// Nothing is answered but that nothing is there.
    pub is_down: bool,
    /// No socket is given: there are polls alone.
    pub has_no_push: bool,
}

impl Fleet {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mirror = Arc::new(Mirror::default());
        let told: Arc<Mutex<Told>> = Arc::default();
        let (release, state) = (Arc::clone(&mirror), Arc::clone(&told));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (release, state) = (Arc::clone(&release), Arc::clone(&state));
                std::thread::spawn(move || serve(&mut stream.unwrap(), &release, &state));
            }
        });
        Self { address, mirror, told }
    }

    /// Publishes the next release, with this policy for the payments team, and tells agents.
    pub fn publish(&self, requirements: &str) {
        self.publish_bundles(bundles(requirements));
    }

    /// Publishes these bundles.
    pub fn publish_bundles(&self, bundles: Vec<Next>) {
        trust::publish_now(&self.mirror, &trust::organisation(), bundles);
        self.told.lock().unwrap().revision += 1;
    }

    pub fn words(&self) -> Vec<&'static str> {
        self.told.lock().unwrap().transitions.values().map(|one| one.state.word()).collect()
    }
}

/// Bundles with places, and where everything came from.
pub fn bundles(requirements: &str) -> Vec<Next> {
    let mut bundles = trust::bundles(requirements, requirements);
    for one in &mut bundles {
        let rules = "prefix_rule(pattern=[\"rm\"], decision=\"forbidden\")\n";
        one.bundle.files.insert("rules/policy.rules".to_owned(), rules.to_owned());
        one.bundle.places = one
            .bundle
            .files
            .keys()
            .map(|file| Place {
                file: file.clone(),
                channel: "system".to_owned(),
                os: "linux".to_owned(),
                path: format!("/etc/codex/{file}"),
                owner: "root:root".to_owned(),
                mode: "0644".to_owned(),
            })
            .collect();
        let origin = r#"{"form":"a test"}"#.to_owned();
        one.bundle.provenance = Some(serde_json::value::RawValue::from_string(origin).unwrap());
    }
    bundles
}

pub fn freshness_key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap()
}

pub fn public_freshness_key() -> String {
    STANDARD.encode(freshness_key().public_key().as_ref())
}

fn serve(stream: &mut TcpStream, release: &Arc<Mirror>, state: &Arc<Mutex<Told>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let Some((path, body, key)) = request(&mut reader) else { return };
        state.lock().unwrap().requests.push(path.clone());
        let is_down = state.lock().unwrap().is_down;
        let has_push = !is_down && !state.lock().unwrap().has_no_push;
        if path == routes::PUSH && has_push {
            return push(stream.try_clone().unwrap(), &key.unwrap(), state);
        }
        let answer = match path.split('?').next().unwrap() {
            _ if is_down => None,
            routes::ENROL => enrol(&body),
            routes::RENEW => Some(renew(&body, state)),
            routes::CHECK_IN => Some(check_in(&body, release, state)),
            routes::WAIT => wait(&path, state),
            path => path.strip_prefix("/release/").and_then(|path| Mirror::get(release, path)),
        };
        let (status, body) = match &answer {
            Some(body) => ("200 OK", body.as_slice()),
            None => ("404 Not Found", b"no".as_slice()),
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all(&[head.as_bytes(), body].concat()).is_err() {
            return;
        }
    }
}

/// A path, a body, and the key of who wants a socket.
type Request = (String, Vec<u8>, Option<String>);

fn request(reader: &mut impl std::io::BufRead) -> Option<Request> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let path = first.split(' ').nth(1)?.to_owned();
    let (mut length, mut key) = (0, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line == "\r\n" {
            break;
        }
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().ok()?;
        }
        let name = "sec-websocket-key:";
        if line.to_ascii_lowercase().starts_with(name) {
            key = Some(line[name.len()..].trim().to_owned());
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, body, key))
}

/// Tells every revision over a socket until it breaks.
fn push(mut stream: TcpStream, key: &str, state: &Mutex<Told>) {
    use tungstenite::handshake::derive_accept_key;
    use tungstenite::protocol::{Role, WebSocket};
    let accept = derive_accept_key(key.as_bytes());
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket";
    let head = format!("{head}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, None);
    let mut last = None;
    loop {
        let revision = state.lock().unwrap().revision;
        if last != Some(revision) {
            last = Some(revision);
            let hint =
                Hint { timestamp: revision, revision, spread: 0, reconnect: 0, heartbeat: 60 };
            if socket.send(serde_json::to_string(&hint).unwrap().into()).is_err() {
                return;
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A certificate for whoever asks. Its key is not that of the request: over plain text nobody uses
/// it.
fn enrol(body: &[u8]) -> Option<Vec<u8>> {
    let request: enrolment::Request = serde_json::from_slice(body).unwrap();
    assert!(request.signing_request.starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
    if request.token != TOKEN {
        return None;
    }
    Some(certificate("payments", request.host))
}

fn renew(body: &[u8], state: &Mutex<Told>) -> Vec<u8> {
    let renewal: enrolment::Renewal = serde_json::from_slice(body).unwrap();
    let team = state.lock().unwrap().renews_for.unwrap_or("payments");
    certificate(team, renewal.host)
}

fn certificate(team: &str, host: String) -> Vec<u8> {
    let mut claims = trust::claims(Some(team));
    claims.host = host;
    let identity = Identity { device: DeviceId::from_random([7; 16]), claims };
    let mut params = rcgen::CertificateParams::default();
    let uri = rcgen::SanType::URI(identity.to_uri().unwrap().try_into().unwrap());
    params.subject_alt_names.push(uri);
    let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    let body = STANDARD.encode(certificate.der());
    let answer = enrolment::Answer {
        certificate: format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"),
        freshness_key: public_freshness_key(),
    };
    serde_json::to_vec(&answer).unwrap()
}

fn check_in(body: &[u8], release: &Mirror, state: &Mutex<Told>) -> Vec<u8> {
    let check_in: CheckIn = serde_json::from_slice(body).unwrap();
    check_in.check().unwrap();
    let mut told = state.lock().unwrap();
    told.check_ins += 1;
    for one in check_in.transitions {
        told.transitions.insert(one.number, one);
    }
    let timestamp = Mirror::get(release, "metadata/timestamp.json");
    let signed = Freshness {
        nonce: check_in.nonce,
        time: jiff::Timestamp::now(),
        timestamp: timestamp.map(|bytes| digest_name(&bytes)),
    };
    let answer = Answer {
        signature: signed.sign(&freshness_key()),
        signed,
        kept: told.transitions.last_key_value().map_or(0, |(number, _)| *number),
        hold: told.hold,
        again: 900,
        revision: told.revision,
    };
    serde_json::to_vec(&answer).unwrap()
}

fn wait(path: &str, state: &Mutex<Told>) -> Option<Vec<u8>> {
    let known: u64 = path.split('=').nth(1)?.parse().ok()?;
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end && state.lock().unwrap().revision <= known {
        std::thread::sleep(Duration::from_millis(10));
    }
    let revision = state.lock().unwrap().revision;
    let hint = Hint { timestamp: revision, revision, spread: 0, reconnect: 0, heartbeat: 20 };
    Some(serde_json::to_vec(&hint).unwrap())
}

/// What a program can reach.
#[derive(Clone, Copy)]
pub enum Network {
    /// What this test reaches, with its server.
    Shared,
    /// A loopback of its own.
    Loopback,
    /// Not even that.
    Nothing,
}

/// A machine in a folder.
pub struct Machine {
    pub folder: TempDir,
}

impl Machine {
    pub fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = TempDir::new().unwrap();
        // Codex is asked as nobody, who has to get at its scratch home.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir_all(folder.path().join("etc/codex")).unwrap();
        Self { folder }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codex-agent"));
        command.arg("--root").arg(self.folder.path()).args(arguments);
        command
    }

    /// Runs the program: its code, what it prints, what it says.
    pub fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        finished(self.command(arguments))
    }

    /// The program where Codex finds this machine's policy at `/etc/codex`, and no network.
    pub fn private(&self, arguments: &[&str]) -> Command {
        self.private_with(&self.path("etc/codex"), Network::Loopback, arguments)
    }

    /// The program where Codex finds any folder as `/etc/codex`.
    pub fn private_with(&self, policy: &Path, network: Network, arguments: &[&str]) -> Command {
        let (names, up): (&[&str], _) = match network {
            Network::Shared => (&["--mount"], ""),
            Network::Loopback => (&["--mount", "--net"], "ip link set lo up && "),
            Network::Nothing => (&["--mount", "--net"], ""),
        };
        let script = format!(
            "mount --make-rprivate / && {up}mount --bind \"$1\" /etc/codex && shift && exec \"$@\""
        );
        let mut command = Command::new("unshare");
        command.args(names).args(["sh", "-c", &script, "sh"]).arg(policy);
        command.arg(env!("CARGO_BIN_EXE_codex-agent"));
        command.arg("--root").arg(self.folder.path()).args(arguments);
        command
    }

    pub fn enrol(&self, fleet: &Fleet, codex: &[&Path]) {
        std::fs::write(self.path("token"), TOKEN).unwrap();
        std::fs::write(self.path("root.json"), trust::root(1, 0)).unwrap();
        let mut command = self.command(&["enroll", "--organisation", "Example Bank"]);
        command.args(["--server", &fleet.address, "--host", "pay-17.bank.example"]);
        command.arg("--token-file").arg(self.path("token"));
        command.arg("--trust-root").arg(self.path("root.json"));
        for path in codex {
            command.arg("--codex").arg(path);
        }
        let (code, _, said) = finished(command);
        assert_eq!(code, 0, "{said}");
    }

    pub fn status(&self) -> Option<codex_agent_sync::status::Status> {
        let text = std::fs::read(self.path("var/lib/codex-agent/status.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_default()
    }
}

pub fn finished(mut command: Command) -> (i32, String, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// Whether a test can have a machine of its own: root, and namespaces.
pub fn is_private() -> bool {
    let made = std::fs::create_dir_all("/etc/codex").is_ok();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "true"]);
    let there = made && command.status().is_ok_and(|status| status.success());
    assert!(there || std::env::var_os("CI").is_none(), "namespaces are needed for this test");
    if !there {
        eprintln!("NOT RUN: no private namespaces here");
    }
    there
}

/// A process of the test's own, ended with it.
pub struct Service(Child);

impl Service {
    pub fn start(mut command: Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Waits for something to become true; how long that took.
pub fn wait_for(what: &str, longest: Duration, mut is_so: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < longest, "{what}: not within {longest:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    start.elapsed()
}
