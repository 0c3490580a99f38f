//! Releases in buckets, through the program: a service of S3 and Azure's own stand-in, which are not
//! ours and check signatures of requests, and a stand-in of ours for Google's service, which breaks
//! as services break.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use codex_compiler::release::bucket::{Bucket, Settings};
use codex_oracle::{npm::install_locked, require_or_announce};
use hyper_util::rt::TokioIo;

use super::desk::{Desk, POLICY};

/// The way from nothing to a second release, and what is refused on it.
fn a_life_in(place: &str, desk: &Desk) {
    let root = ["--root", "1.root.json"];
    let read = |words: &[&str], code| desk.run(&[&["release"][..], words, &root].concat(), code);
    read(&["show", place], 4);
    desk.publish_to(place);
    let shown = String::from_utf8(read(&["show", place], 0).stdout).unwrap();
    assert!(shown.contains("pay"), "{shown}");
    desk.write(
        "claims.json",
        r#"{"organisation": "Example", "team": "pay", "os": "linux", "host": "a.example"}"#,
    );
    read(&["verify", place, "--claims", "claims.json"], 0);

    // A stage that follows the release before is too late once another one is there.
    desk.write("policy/policy.toml", &POLICY.replace("14", "13"));
    desk.commit();
    let plan = desk.plan();
    for stage in ["next", "late"] {
        let words = ["sign", "policy", "--release", place, "--out", stage, "--base", "git:HEAD~1"];
        let keys = ["tgt1.key", "tgt2.key", "org.key", "pay.key"].map(|key| ["--key", key]);
        desk.run(&[&words[..], &root, &["--plan", &plan], keys.as_flattened()].concat(), 0);
    }
    let publish = |stage| {
        let words = ["publish", stage, "--to", place, "--plan", &plan];
        [&words[..], &["--key", "snap.key", "--key", "time.key"]].concat()
    };
    desk.run(&publish("next"), 0);
    desk.refused(&publish("late"), 1, "the stage follows release 1, and 2 is published");
    read(&["verify", place, "--claims", "claims.json"], 0);
    let shown = String::from_utf8(read(&["show", place, "--json"], 0).stdout).unwrap();
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown.get("snapshot"), Some(&2.into()), "{shown}");
}

/// A service of S3 over a folder, on a port of this machine; signatures are checked.
fn s3(folder: &Path) -> u16 {
    let files = s3s_fs::FileSystem::new(folder).unwrap();
    let mut builder = s3s::service::S3ServiceBuilder::new(files);
    builder.set_auth(s3s::auth::SimpleAuth::from_single("AKIDEXAMPLE", "not-a-secret"));
    let service = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let local = tokio::task::LocalSet::new();
            let serve = local.run_until(async {
                while let Ok((stream, _)) = listener.accept().await {
                    let service = service.clone();
                    tokio::task::spawn_local(async move {
                        let server = hyper::server::conn::http1::Builder::new();
                        // A client that goes away is its own affair.
                        drop(server.serve_connection(TokioIo::new(stream), service).await);
                    });
                }
            });
            serve.await;
        });
    });
    port
}

fn s3_settings(port: u16, secret: &str) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
    ]
}

#[test]
fn a_release_lives_in_a_bucket_of_s3() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    let port = s3(folder.path());
    let mut desk = Desk::new();

    desk.environment = s3_settings(port, "another-secret");
    let show = ["release", "show", "s3://policies/codex", "--root", "1.root.json"];
    let shown = String::from_utf8(desk.run(&show, -1).stderr).unwrap();
    assert!(shown.contains("SignatureDoesNotMatch") || shown.contains("403"), "{shown}");
    assert!(!shown.contains("another-secret"), "{shown}");

    desk.environment = s3_settings(port, "not-a-secret");
    a_life_in("s3://policies/codex", &desk);
    let timestamp = folder.path().join("policies/codex/metadata/timestamp.json");
    assert!(timestamp.is_file(), "the layout is the one that web servers offer");
    assert!(!folder.path().join("policies/codex/publishing.json").exists(), "the lease is back");

    // Without TLS only where the settings say so.
    desk.environment.retain(|(name, _)| *name != "AWS_ALLOW_HTTP");
    desk.refused(&show, 1, "no TLS");
    desk.refused(&[&show[..], &["--server-token", "pass"]].concat(), 2, "from the environment");
    for wrong in ["s3://", "s3://a b/c", "s3://a/../b", "az:///x"] {
        desk.refused(
            &["release", "show", wrong, "--root", "1.root.json"],
            2,
            "address of a bucket",
        );
    }
}

/// Azure's stand-in, until it is dropped.
struct Azurite(Child);

impl Drop for Azurite {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_release_lives_in_a_container_of_azure() {
    let programs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("azurite");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/release/azurite");
    let Some(()) = require_or_announce(install_locked(&own, &programs)) else { return };
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let child = Command::new("node")
        .arg(programs.join("node_modules/azurite/dist/src/blob/main.js"))
        .args(["--blobPort", &port.to_string(), "--disableTelemetry", "--skipApiVersionCheck"])
        .arg("--silent")
        .arg("--location")
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let _azurite = Azurite(child);
    let ready = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    assert!((0..600).any(|_| ready() || {
        thread::sleep(Duration::from_millis(100));
        false
    }));

    // The name and the key that Azure publishes for its stand-in.
    let account = "devstoreaccount1";
    let key =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    let mut desk = Desk::new();
    desk.environment = vec![
        ("AZURE_STORAGE_ACCOUNT_NAME", account.to_owned()),
        ("AZURE_STORAGE_ACCOUNT_KEY", key.to_owned()),
        ("AZURE_STORAGE_ENDPOINT", format!("http://127.0.0.1:{port}/{account}")),
        ("AZURE_ALLOW_HTTP", "true".to_owned()),
    ];
    container(port, account, key);
    a_life_in("az://policies/codex", &desk);
}

/// Makes the container, which is the administrator's work and not the program's.
fn container(port: u16, account: &str, key: &str) {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let text = format!(
        "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2021-08-06\n\
         /{account}/{account}/policies\nrestype:container"
    );
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &base64.decode(key).unwrap());
    let signature = base64.encode(ring::hmac::sign(&key, text.as_bytes()));
    let answer = ureq::put(format!("http://127.0.0.1:{port}/{account}/policies?restype=container"))
        .header("x-ms-date", date)
        .header("x-ms-version", "2021-08-06")
        .header("authorization", format!("SharedKey {account}:{signature}"))
        .send_empty();
    assert_eq!(answer.unwrap().status(), 201);
}

/// What the stand-in for Google's service does wrong with the next request.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// It has no time.
    Busy,
    /// It does what it is asked to, and says nothing.
    Silent,
    /// It breaks off in the middle of the answer.
    Half,
}

/// Google's service, as far as a release needs it: objects with generations.
#[derive(Default)]
struct Google {
    objects: Mutex<BTreeMap<String, (Vec<u8>, u64)>>,
    faults: Mutex<Vec<Fault>>,
}

impl Google {
    fn start() -> (Arc<Self>, Vec<(&'static str, String)>) {
        let google = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = google.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let server = server.clone();
                thread::spawn(move || server.serve(&stream.unwrap()));
            }
        });
        let account = serde_json::json!({
            "private_key": "-", "private_key_id": "-", "client_email": "ci@corp.example",
            "disable_oauth": true, "gcs_base_url": address,
        });
        let settings = vec![
            ("GOOGLE_SERVICE_ACCOUNT_KEY", account.to_string()),
            ("GOOGLE_ALLOW_HTTP", "true".to_owned()),
        ];
        (google, settings)
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let mut words = line.split(' ').map(str::to_owned);
            let (method, path) = (words.next().unwrap(), words.next().unwrap());
            let mut headers = BTreeMap::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let Some((name, value)) = line.trim().split_once(": ") else { break };
                headers.insert(name.to_ascii_lowercase(), value.to_owned());
            }
            let length = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let fault = self.faults.lock().unwrap().pop();
            if fault == Some(Fault::Busy) {
                answer(stream, "503 Service Unavailable", 0, b"", 0, None);
                continue;
            }
            let (status, generation, bytes) = self.act(&method, path, &headers, body);
            if fault == Some(Fault::Silent) {
                return;
            }
            let shown = if method == "HEAD" { Some(0) } else { None };
            let shown = if fault == Some(Fault::Half) { Some(bytes.len() / 2) } else { shown };
            answer(stream, status, bytes.len(), &bytes, generation, shown);
            if fault == Some(Fault::Half) {
                return;
            }
        }
    }

    fn act(
        &self,
        method: &str,
        path: String,
        headers: &BTreeMap<String, String>,
        body: Vec<u8>,
    ) -> (&'static str, u64, Vec<u8>) {
        let mut objects = self.objects.lock().unwrap();
        let there = objects.get(&path).cloned();
        match (method, there) {
            ("PUT", there) => {
                let now = there.map_or(0, |(_, generation)| generation);
                let wanted = headers.get("x-goog-if-generation-match");
                if wanted.is_some_and(|wanted| *wanted != now.to_string()) {
                    return ("412 Precondition Failed", 0, Vec::new());
                }
                objects.insert(path, (body, now + 1));
                ("200 OK", now + 1, Vec::new())
            }
            ("DELETE", Some(_)) => {
                objects.remove(&path);
                ("204 No Content", 0, Vec::new())
            }
            ("GET" | "HEAD", Some((bytes, generation))) => ("200 OK", generation, bytes),
            _ => ("404 Not Found", 0, Vec::new()),
        }
    }

    /// A publisher of its own.
    fn publisher(settings: &[(&'static str, String)]) -> Bucket {
        let own = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
        let environment = settings.iter().map(own).collect();
        let settings = Settings { environment, authorities: None };
        Bucket::new("gs://policies/codex", &settings).unwrap()
    }
}

/// Answers; `shown` of the bytes only, where it is set.
fn answer(
    mut stream: &TcpStream,
    status: &str,
    length: usize,
    bytes: &[u8],
    generation: u64,
    shown: Option<usize>,
) {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\netag: \"{generation}\"\r\n\
         x-goog-generation: {generation}\r\nlast-modified: Thu, 26 Nov 2026 08:00:00 GMT\r\n\r\n"
    );
    let shown = bytes.get(..shown.unwrap_or(bytes.len())).unwrap();
    // A client that goes away is its own affair.
    drop(stream.write_all(&[head.as_bytes(), shown].concat()));
}

#[test]
fn a_release_lives_in_a_bucket_of_google() {
    let (_google, settings) = Google::start();
    let mut desk = Desk::new();
    desk.environment = settings;
    a_life_in("gs://policies/codex", &desk);
}

const TIMESTAMP: &str = "metadata/timestamp.json";

#[test]
fn a_service_that_fails_is_asked_again_or_told_of() {
    let (google, settings) = Google::start();
    let bucket = Google::publisher(&settings);
    let next = |faults: &[Fault]| *google.faults.lock().unwrap() = faults.to_vec();

    next(&[Fault::Busy, Fault::Busy]);
    bucket.keep("metadata/1.root.json", b"root").unwrap();
    bucket.keep("metadata/1.root.json", b"root").unwrap();
    let other = bucket.keep("metadata/1.root.json", b"another").unwrap_err();
    assert!(other.to_string().contains("says something else"), "{other}");

    // Carried out, and not acknowledged.
    next(&[Fault::Silent]);
    bucket.keep("targets/a.json", b"a").unwrap();
    next(&[Fault::Silent]);
    bucket.replace(TIMESTAMP, b"one").unwrap();
    assert_eq!(bucket.read(TIMESTAMP, 100).unwrap().as_deref(), Some(&b"one"[..]));

    // Half a file is none.
    next(&[Fault::Half; 9]);
    bucket.read("targets/a.json", 100).unwrap_err();
    next(&[]);
    assert_eq!(bucket.read("targets/a.json", 1).unwrap().as_deref(), Some(&b"a"[..]));
    bucket.read("metadata/1.root.json", 3).unwrap_err();
    assert_eq!(bucket.read("targets/b.json", 1).unwrap(), None);
    bucket.read("../b.json", 1).unwrap_err();
}

#[test]
fn of_two_publishers_one_gets_through() {
    let (_google, settings) = Google::start();
    let (one, other) = (Google::publisher(&settings), Google::publisher(&settings));
    let now: jiff::Timestamp = "2026-11-26T08:00:00Z".parse().unwrap();
    let later = |minutes| now + jiff::SignedDuration::from_mins(minutes);
    let because = |result: Result<(), _>, words: &str| {
        let error: codex_compiler::release::home::KeepError = result.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    };

    one.claim(now).unwrap();
    because(other.claim(later(14)), "another publisher is at work; it has time until 08:15:00 UTC");
    one.claim(later(1)).unwrap();
    one.release();
    other.claim(later(1)).unwrap();
    // It is away for too long; whoever comes takes over, and it does not go on.
    one.claim(later(17)).unwrap();
    because(other.claim(later(17)), "another publisher was faster");

    // Even without a lease: the timestamp is put in the place of the one that was read, or nothing.
    because(
        {
            one.replace(TIMESTAMP, b"one").unwrap();
            other.replace(TIMESTAMP, b"two")
        },
        "somebody else has published since",
    );
    for publisher in [&one, &other] {
        publisher.read(TIMESTAMP, 10).unwrap();
    }
    one.replace(TIMESTAMP, b"three").unwrap();
    because(other.replace(TIMESTAMP, b"four"), "somebody else has published since");
    assert_eq!(one.read(TIMESTAMP, 10).unwrap().as_deref(), Some(&b"three"[..]));
}
