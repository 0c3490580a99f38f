//! What people send who mean no good: refused with a clear error, in time, and without a change.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use codex_fleet_server::config::Config;
use serde_json::json;

use crate::support::{Bank, Client, Machine, Publisher, STRICT, read_reply};

/// Every deadline after a second.
fn impatient(config: &mut Config) {
    let limits = &mut config.limits;
    (limits.handshake_seconds, limits.head_seconds) = (1, 1);
    (limits.body_seconds, limits.stall_seconds) = (1, 1);
}

/// For how long a connection lives on which so much is sent and nothing more.
fn lives(client: &Client, sent: Option<&[u8]>) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    match sent {
        None => {
            let mut stream = TcpStream::connect(client.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            drop(stream.read_to_end(&mut rest));
        }
        Some(bytes) => {
            let mut stream = client.connect();
            stream.write_all(bytes).unwrap();
            stream.flush().unwrap();
            drop(stream.read_to_end(&mut rest));
        }
    }
    began.elapsed()
}

#[test]
fn silence_and_slowness_end_in_time() {
    let bank = Bank::with(impatient);
    let client = bank.client();
    for (what, sent) in [
        ("a silent connection", None),
        ("a handshake and nothing more", Some(&b""[..])),
        ("half a head", Some(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ")),
        ("a head of one byte", Some(b"G")),
        ("an answered request and nothing more", Some(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")),
    ] {
        let lived = lives(&client, sent);
        assert!(lived < Duration::from_secs(5), "{what} lived for {lived:?}");
    }
    let slow = b"POST /v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"token\"";
    let reply = client.raw(slow).unwrap();
    assert_eq!((reply.status, reply.error().as_str()), (408, "too_slow"));
    // Half a TLS record.
    let mut stream = TcpStream::connect(client.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
    let began = Instant::now();
    drop(stream.read_to_end(&mut Vec::new()));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_head_that_comes_drop_by_drop_ends_in_time() {
    let bank = Bank::with(impatient);
    let mut stream = bank.client().connect();
    let began = Instant::now();
    stream.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    for _ in 0..100 {
        if stream.write_all(b"X: y\r\n").and_then(|()| stream.flush()).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
        stream.sock.set_nonblocking(true).unwrap();
        let ended = matches!(stream.sock.peek(&mut [0]), Ok(0));
        stream.sock.set_nonblocking(false).unwrap();
        if ended || began.elapsed() > Duration::from_secs(8) {
            break;
        }
    }
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn what_is_too_long_is_refused_before_it_is_read() {
    let bank = Bank::new();
    let client = bank.client();
    let head = format!("X-Long: {}\r\n", "x".repeat(60_000));
    assert_eq!(client.request("GET", "/healthz", &head, b"").status, 431);
    let many: String = (0..200).map(|number| format!("X-{number}: y\r\n")).collect();
    assert_eq!(client.request("GET", "/healthz", &many, b"").status, 431);
    let path = format!("/release/targets/{}", "x".repeat(60_000));
    assert!([414, 431].contains(&client.get(&path).status));
    let announced = b"POST /v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n{";
    assert_eq!(client.raw(announced).unwrap().error(), "too_long");
    let chunk = format!("{:x}\r\n{}\r\n", 70_000, "x".repeat(70_000));
    let chunked = format!(
        "POST /v1/enrol HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
    );
    assert_eq!(client.raw(chunked.as_bytes()).unwrap().status, 413);
    // Without a token not even the length of a file matters.
    let announced = b"PUT /v1/admin/release/metadata/timestamp.json HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n";
    assert_eq!(client.raw(announced).unwrap().status, 401);
}

#[test]
fn what_has_not_its_form_is_refused() {
    let bank = Bank::new();
    let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), "pay-17");
    for body in [
        &b""[..],
        b"{",
        b"null",
        b"[]",
        b"{\"nonce\": 7}",
        b"\xff\xfe",
        b"{\"nonce\":\"\",\"agent\":\"\",\"codex\":[],\"installed\":null,\"transitions\":[],\"more\":1}",
    ] {
        let reply = machine.client.request("POST", "/v1/check-in", "", body);
        assert_eq!((reply.status, reply.error().as_str()), (400, "malformed"), "{body:?}");
    }
    let deep = "[".repeat(60_000);
    assert_eq!(machine.client.request("POST", "/v1/check-in", "", deep.as_bytes()).status, 400);
    let empty = json!({
        "nonce": "", "agent": "0", "codex": [], "installed": null, "transitions": [],
    });
    assert_eq!(machine.client.post("/v1/check-in", &empty).error(), "limits");
    let odd = json!({
        "nonce": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
        "agent": "0\u{1b}[2J", "codex": [], "installed": null, "transitions": [],
    });
    assert_eq!(machine.client.post("/v1/check-in", &odd).error(), "limits");
    let list = bank.admin().get("/v1/admin/counters").json();
    assert_eq!(list["counters"], json!([]), "nothing was changed");
}

#[test]
fn paths_lead_nowhere_else() {
    let bank = Bank::new();
    assert_eq!(bank.operator().publish(&Publisher::default().release(STRICT)).status, 200);
    let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), "pay-17");
    for path in [
        "/release/metadata/../../fleet.toml",
        "/release/metadata/%2e%2e%2f%2e%2e%2ffleet.toml",
        "/release/targets/../metadata/timestamp.json",
        "/release/targets/..%2f..%2fauthority.key",
        "/release/targets/%00",
        "/release/metadata/timestamp.json/",
        "//release/metadata/timestamp.json",
        "/release",
        "/",
        "/v1/admin/../admin/tokens",
        "/v1/unknown",
        "/release/targets/' OR 1=1 --".replace(' ', "%20").as_str(),
    ] {
        assert_eq!(machine.client.get(path).status, 404, "{path}");
    }
    let admin = bank.admin();
    for path in ["../x", "metadata/../x.json", "targets/%0d%0aSet-Cookie:x", "x", "targets/"] {
        let reply = admin.put(&format!("/v1/admin/release/{path}"), b"{}");
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.header("set-cookie").is_none());
    }
    for id in ["x", "' OR 1=1 --", "0123456789abcdef0123456789abcdef"] {
        let id = id.replace(' ', "%20");
        assert_eq!(admin.get(&format!("/v1/admin/devices/{id}")).status, 404, "{id}");
        assert_eq!(
            admin.request("DELETE", &format!("/v1/admin/devices/{id}"), "", b"").status,
            404
        );
        assert_eq!(admin.request("DELETE", &format!("/v1/admin/tokens/{id}"), "", b"").status, 404);
    }
    for query in ["limit=0", "limit=1001", "limit=x", "after=", "after=%27", "after=1;DROP"] {
        assert_eq!(admin.get(&format!("/v1/admin/devices?{query}")).status, 400, "{query}");
    }
    let wrong = admin.request("PATCH", "/v1/admin/tokens", "", b"");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET,HEAD,POST")));
}

#[test]
fn nobody_acts_in_the_name_of_others() {
    let bank = Bank::new();
    let client = bank.client();
    for headers in [
        "",
        "Authorization: Basic dXNlcjpwYXNz\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: Bearer ccadmin_AAAA\r\n",
        "Authorization: Bearer ' OR 1=1 --\r\n",
    ] {
        let reply = client.request("GET", "/v1/admin/tokens", headers, b"");
        assert_eq!((reply.status, reply.error().as_str()), (401, "token_needed"), "{headers}");
    }
    // Another kind of token is none of an administrator.
    let config = bank.fleet.config_token("payments").unwrap();
    assert_eq!(client.with_token(&config).get("/v1/admin/releases").status, 401);
    let enrolment = bank.payments_token();
    assert_eq!(client.with_token(&enrolment).get("/v1/admin/releases").status, 401);
    // A page in a browser that has a certificate or a token.
    let admin = bank.admin();
    let origin = "Origin: https://evil.example\r\n";
    let body = br#"{"valid_seconds":1}"#;
    let reply = admin.request("POST", "/v1/admin/tokens", origin, body);
    assert_eq!((reply.status, reply.error().as_str()), (403, "origin"));
    assert_eq!(admin.request("DELETE", "/v1/admin/staged", origin, b"").status, 403);
    // Smuggling: two lengths, or a length and chunks.
    for headers in ["Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: x\r\n"] {
        let raw = format!("POST /v1/enrol HTTP/1.1\r\nHost: x\r\n{headers}\r\nhello");
        let reply = client.raw(raw.as_bytes());
        assert!(reply.is_none_or(|reply| reply.status == 400), "{headers}");
    }
}

#[test]
fn who_comes_when_it_is_full_is_told_to_come_back() {
    let bank = Bank::with(|config| {
        config.limits.connections = 3;
        config.limits.push_channels = 0;
    });
    let client = bank.client();
    let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), "pay-17");
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: Upgrade\r\n";
    let full = machine.client.request("GET", "/v1/push", upgrade, b"");
    assert_eq!((full.status, full.error().as_str()), (503, "full"));
    let held: Vec<_> = (0..3)
        .map(|_| {
            let mut stream = client.connect();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut first = [0];
            stream.read_exact(&mut first).unwrap();
            stream
        })
        .collect();
    let shed = client.get("/healthz");
    assert_eq!((shed.status, shed.header("retry-after").is_some()), (503, true), "{}", shed.head);
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(10);
    while client.get("/healthz").status != 200 {
        assert!(Instant::now() < deadline, "there is room again");
    }
}

#[test]
fn without_tls_there_is_the_release_and_nothing_else() {
    let bank = Bank::with(|config| config.listen.plain = vec!["127.0.0.1:0".parse().unwrap()]);
    assert_eq!(bank.operator().publish(&Publisher::default().release(STRICT)).status, 200);
    let plain = bank.fleet.plain().unwrap();
    let status = |method: &str, path: &str| {
        let mut stream = TcpStream::connect(plain).unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        read_reply(&mut stream).unwrap().status
    };
    assert_eq!(status("GET", "/release/metadata/timestamp.json"), 200);
    assert_eq!(status("GET", "/healthz"), 200);
    assert_eq!(status("GET", "/readyz"), 200);
    // Whoever may read the release may hear that there is another one.
    assert_eq!(status("GET", "/v1/wait?revision=0"), 200);
    assert_eq!(status("GET", "/v1/push"), 400, "no WebSocket was asked for");
    for (method, path) in [
        ("POST", "/v1/enrol"),
        ("POST", "/v1/check-in"),
        ("GET", "/v1/admin/tokens"),
        ("GET", "/metrics"),
        ("GET", "/codex/x/codex/config/bundle"),
        ("GET", "/v1/openapi.json"),
    ] {
        assert_eq!(status(method, path), 404, "{path}");
    }
}

#[test]
fn figures_and_the_document_are_there() {
    let bank = Bank::new();
    let admin = bank.admin();
    assert_eq!(bank.client().get("/metrics").status, 401);
    assert_eq!(admin.get("/v1/admin/counters").status, 200);
    let text = String::from_utf8(admin.get("/metrics").body).unwrap();
    assert!(
        text.contains("codex_fleet_requests_total{action=\"Counters\",status=\"200\"} 1"),
        "{text}"
    );
    assert!(text.contains("codex_fleet_ready 1"), "{text}");
    let document = bank.client().get("/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
}
