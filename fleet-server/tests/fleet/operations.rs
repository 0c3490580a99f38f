//! What those who run a server rely on: hints between servers, TLS to the database, certificates that
//! change, telemetry, and tokens for some host names alone.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use codex_fleet_server::authority::{Authority, Pair, new_authority};
use codex_fleet_server::store::tokens::{Role, Scope, enrolments};
use codex_fleet_server::store::{Place, Store, head};
use jiff::Timestamp;
use rcgen::KeyPair;
use serde_json::json;

use crate::store::{Postgres, served_with, until};
use crate::support::{Bank, Client, Machine, enrolment_of, root, signing_request};

#[test]
fn what_one_server_does_another_one_hears_of_before_it_looks() {
    let Some(postgres) = Postgres::start() else { return };
    let address = postgres.database("fleet");
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [first, second] = folders.each_ref().map(|folder| {
        served_with(folder.path(), &address, |config| config.pace.poll_milliseconds = 10_000)
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let revision = || second.fleet().unwrap().snapshot().head.revision;
    let revise = || {
        let before = revision();
        let began = Instant::now();
        runtime.block_on(first.fleet().unwrap().revise()).unwrap();
        until("the other one follows", || revision() > before);
        began.elapsed()
    };
    // It listens as soon as its listener is connected.
    until("it hears", || revise() < Duration::from_secs(2));
    // A listener that loses its connection misses what is announced meanwhile. The look is sure.
    let mut client =
        postgres::Client::connect(&postgres.address("fleet"), postgres::NoTls).unwrap();
    let killed = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE query LIKE 'LISTEN%' OR query = 'SELECT 1'";
    assert!(!client.query(killed, &[]).unwrap().is_empty(), "there was a listener");
    assert!(revise() < Duration::from_secs(12));
    until("it hears again", || revise() < Duration::from_secs(2));
}

fn tls_address(port: u16, host: &str, authority: &std::path::Path) -> String {
    format!(
        "postgres://postgres@{host}:{port}/postgres?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={}",
        authority.display()
    )
}

#[test]
fn the_way_to_the_database_is_encrypted_where_that_is_asked_for() {
    let Some(mut postgres) = Postgres::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let authority = |name: &str| {
        let pair = new_authority(name, Timestamp::now()).unwrap();
        let path = folder.path().join(format!("{name}.pem"));
        std::fs::write(&path, &pair.certificate).unwrap();
        (Authority::new(&pair).unwrap(), path)
    };
    let ((own, own_path), (_, other_path)) = (authority("own"), authority("other"));
    let Pair { certificate, key } =
        own.server(&["db.bank.example".to_owned()], Timestamp::now()).unwrap();
    let port = postgres.encrypted(&certificate, &key);
    let store = Store::open(&Place::of(&tls_address(port, "db.bank.example", &own_path))).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let encrypted = store.read(|tx| {
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_stat_ssl
             WHERE pid = pg_backend_pid() AND ssl";
        tx.query(sql, &[])?.first().map_or(Ok(0), |row| row.int(0))
    });
    assert_eq!(runtime.block_on(encrypted).unwrap(), 1);
    runtime.block_on(store.write(|tx| head::revised(tx))).unwrap();
    for (host, authority, wanted) in [
        ("db.bank.example", &other_path, "UnknownIssuer"),
        ("db.evil.example", &own_path, "not valid for name"),
    ] {
        let refused = Store::open(&Place::of(&tls_address(port, host, authority)));
        let problem = refused.expect_err("it is refused").to_string();
        assert!(problem.contains(wanted), "{problem}");
    }
}

#[test]
fn a_database_without_tls_is_refused_where_tls_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.pem");
    let pair = new_authority("own", Timestamp::now()).unwrap();
    std::fs::write(&path, pair.certificate).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // It answers that it has no TLS, and tells what else it was sent.
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut question = [0; 8];
        stream.read_exact(&mut question).unwrap();
        stream.write_all(b"N").unwrap();
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest));
        rest
    });
    let refused = Store::open(&Place::of(&tls_address(port, "db.bank.example", &path)));
    let problem = refused.expect_err("it is refused").to_string();
    assert!(problem.contains("does not support TLS"), "{problem}");
    assert_eq!(heard.join().unwrap(), b"", "nothing went over the wire");
}

/// The certificate that a server shows now.
fn shown(client: &Client) -> Vec<u8> {
    let mut stream = client.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    drop(stream.read_to_end(&mut Vec::new()));
    stream.conn.peer_certificates().unwrap()[0].to_vec()
}

#[test]
fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_never() {
    let bank = Bank::new();
    let at = |name: &str| bank.folder.path().join(name);
    let text = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    let pair = Pair { certificate: text("authority.pem"), key: text("authority.key") };
    let authority = Authority::new(&pair).unwrap();
    let before = shown(&bank.client());
    let metric = |name: &str| {
        let text = String::from_utf8(bank.admin().get("/metrics").body).unwrap();
        let line =
            text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        line.unwrap_or_else(|| panic!("{text}"))
    };

    std::fs::write(at("server.pem"), "no certificate").unwrap();
    until("it is said", || metric("codex_fleet_certificates_refused_total ") == 1);
    assert_eq!(shown(&bank.client()), before);
    let next = authority.server(&["127.0.0.1".to_owned()], Timestamp::now()).unwrap();
    // A certificate without its key is none.
    std::fs::write(at("server.pem"), &next.certificate).unwrap();
    until("it is said", || metric("codex_fleet_certificates_refused_total ") == 2);
    assert_eq!(shown(&bank.client()), before);
    std::fs::write(at("server.key"), &next.key).unwrap();
    until("it is shown", || shown(&bank.client()) != before);
    assert_eq!(metric("codex_fleet_certificates_changed_total "), 1);
}

#[test]
fn a_token_for_some_names_enrols_no_other_and_none_takes_another_later() {
    let bank = Bank::new();
    let scope = Scope {
        team: Some("payments".to_owned()),
        hosts: BTreeSet::from(["pay-*.bank.example".to_owned()]),
        ..Scope::default()
    };
    let token = bank.fleet.enrolment_token(scope).unwrap();
    let key = KeyPair::generate().unwrap();
    for host in ["root-1.bank.example", "pay-1.bank.example.evil.example", "pay-1"] {
        let refused = bank.client().post("/v1/enrol", &enrolment_of(&token, &key, host));
        assert_eq!((refused.status, refused.error().as_str()), (403, "token_host"), "{host}");
    }
    let store = bank.fleet.fleet().unwrap().store.clone();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let used = || runtime.block_on(store.read(|tx| Ok(enrolments(tx)?[0].used))).unwrap();
    assert_eq!(used(), 0, "a refusal spends nothing");
    let machine = Machine::enrol(&bank.fleet, &token, "pay-1.bank.example");
    assert_eq!(used(), 1);
    let renewal = |host: &str| {
        let body = json!({ "signing_request": signing_request(&key), "host": host });
        machine.client.post("/v1/renew", &body)
    };
    let refused = renewal("root-1.bank.example");
    assert_eq!((refused.status, refused.error().as_str()), (403, "token_host"));
    assert_eq!(renewal("pay-2.bank.example").status, 200);
    let admin = bank.admin();
    let long = json!({ "valid_seconds": 60, "hosts": ["x".repeat(256)] });
    assert_eq!(admin.post("/v1/admin/tokens", &long).status, 422);
    let made = json!({ "valid_seconds": 60, "hosts": ["pay-*"] });
    assert_eq!(admin.post("/v1/admin/tokens", &made).status, 201);
}

/// What a collector was sent: paths and bodies.
type Sent = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Takes one request of a connection after the other.
fn collect(stream: TcpStream, sent: &Sent) -> Option<()> {
    let mut answers = stream.try_clone().ok()?;
    let mut from = BufReader::new(stream);
    loop {
        let (mut head, mut line) = (String::new(), String::new());
        while line != "\r\n" {
            line.clear();
            (from.read_line(&mut line).ok()? > 0).then_some(())?;
            head += &line.to_lowercase();
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
        let mut body = vec![0; length.trim().parse().ok()?];
        from.read_exact(&mut body).ok()?;
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
        sent.lock().unwrap().push((head, body));
        answers.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
    }
}

fn collector() -> (u16, Sent) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Sent::default();
    let kept = Arc::clone(&sent);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || collect(stream, &kept));
        }
    });
    (port, sent)
}

/// The texts at a path of field numbers in a message, read by the rules of protobuf alone.
fn texts(message: &[u8], path: &[u64]) -> Vec<String> {
    let mut rest = message;
    let mut found = Vec::new();
    let number = |rest: &mut &[u8]| {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = rest[0];
            *rest = &rest[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    };
    while !rest.is_empty() {
        let tag = number(&mut rest);
        match tag & 7 {
            0 => drop(number(&mut rest)),
            1 => rest = &rest[8..],
            2 => {
                let length = usize::try_from(number(&mut rest)).unwrap();
                let (part, after) = rest.split_at(length);
                rest = after;
                match path {
                    [last] if tag >> 3 == *last => {
                        found.push(String::from_utf8(part.to_vec()).unwrap());
                    }
                    [first, below @ ..] if tag >> 3 == *first => found.extend(texts(part, below)),
                    _ => {}
                }
            }
            kind => panic!("a field of kind {kind}"),
        }
    }
    found
}

/// A server as a program, with a collector at a port; its folder, its address, and a token for it.
fn program(port: u16) -> (tempfile::TempDir, std::process::Child, String) {
    let folder = tempfile::tempdir().unwrap();
    drop(codex_fleet_server::testing::TestFleet::start(folder.path(), "Bank", &root()).unwrap());
    let config = folder.path().join("fleet.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let telemetry = format!("\n[telemetry]\nendpoint = \"http://127.0.0.1:{port}\"\nseconds = 1\n");
    std::fs::write(&config, text + &telemetry).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_codex-fleet-server"))
        .arg("run")
        .env("CODEX_FLEET_CONFIG", &config)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("https://"), "{line}");
    (folder, child, line.trim().replace("https://", ""))
}

fn ended(mut child: std::process::Child) -> Duration {
    let began = Instant::now();
    let pid = child.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    began.elapsed()
}

#[test]
fn figures_and_the_log_go_to_a_collector_and_no_secret_does() {
    let (port, sent) = collector();
    let (folder, child, address) = program(port);
    let token = Command::new(env!("CARGO_BIN_EXE_codex-fleet-server"))
        .args(["admin-token", "create", "--role", "admin"])
        .env("CODEX_FLEET_CONFIG", folder.path().join("fleet.toml"))
        .output()
        .unwrap();
    let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
    let authority = std::fs::read_to_string(folder.path().join("authority.pem")).unwrap();
    let client = Client {
        address: address.parse().unwrap(),
        tls: crate::support::tls(&authority, None),
        token: Some(token.clone()),
    };
    until("the token is known", || client.get("/v1/admin/tokens").status == 200);
    let of = |path: &str, fields: &[u64]| -> Vec<String> {
        let sent = sent.lock().unwrap();
        let those = sent.iter().filter(|(head, _)| head.starts_with(&format!("post {path} ")));
        those.flat_map(|(_, body)| texts(body, fields)).collect()
    };
    // ResourceMetrics, ScopeMetrics, Metric, name.
    until("requests are counted", || {
        of("/v1/metrics", &[1, 2, 2, 1]).iter().any(|name| name == "codex_fleet_requests_total")
    });
    // Sum, NumberDataPoint, KeyValue, AnyValue, string_value.
    let labels = of("/v1/metrics", &[1, 2, 2, 7, 1, 7, 2, 1]);
    assert!(labels.iter().any(|label| label == "Tokens"), "{labels:?}");
    // ResourceLogs, ScopeLogs, LogRecord, body.
    until("the log is there", || {
        of("/v1/logs", &[1, 2, 2, 5, 1]).iter().any(|text| text == "serving")
    });
    // Resource, KeyValue.
    let about = of("/v1/logs", &[1, 1, 1, 2, 1]);
    assert!(about.iter().any(|text| text == "codex-fleet-server"), "{about:?}");
    let secret = token.strip_prefix("ccadmin_").unwrap().as_bytes();
    for (head, body) in &*sent.lock().unwrap() {
        let is_there = |text: &[u8]| text.windows(secret.len()).any(|part| part == secret);
        assert!(!is_there(body) && !is_there(head.as_bytes()));
    }
    ended(child);
}

#[test]
fn a_collector_that_never_answers_holds_up_nothing() {
    // It accepts, by its backlog, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (folder, child, address) = program(listener.local_addr().unwrap().port());
    let authority = std::fs::read_to_string(folder.path().join("authority.pem")).unwrap();
    let tls = crate::support::tls(&authority, None);
    let client = Client { address: address.parse().unwrap(), tls, token: None };
    std::thread::sleep(Duration::from_secs(1));
    let began = Instant::now();
    assert!((0..20).all(|_| client.get("/healthz").status == 200));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(ended(child) < Duration::from_secs(4));
    drop(listener);
}

#[test]
fn telemetry_that_would_show_a_secret_is_refused() {
    let bank = Bank::new();
    drop(bank.fleet.admin_token(Role::Viewer).unwrap());
    let path = bank.folder.path().join("fleet.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let telemetry = "[telemetry]\nendpoint = 'http://127.0.0.1:1'\nauthorization = 'header'\n";
    std::fs::write(&path, text + telemetry).unwrap();
    let problem = codex_fleet_server::config::Config::load(&path).unwrap_err().to_string();
    assert!(problem.contains("`telemetry.authorization` is a secret"), "{problem}");
}
