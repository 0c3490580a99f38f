//! Servers that misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "clippy knows tests by their functions alone, and not the helpers beside them"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_agent_sync::transport::{
    DirectoryTransport, HttpTransport, Pace, Settings, SettingsError, Traffic,
};
use codex_trust::refresh::{Limits, refresh};
use codex_trust::transport::{Resource, Transport, TransportError};
use support::{Server, send};

const TIMESTAMP: Resource<'_> = Resource::Metadata("timestamp.json");

/// Long enough for a loaded machine, short enough to wait for.
fn pace() -> Pace {
    Pace {
        metadata: Duration::from_millis(700),
        target: Duration::from_secs(20),
        silence: Duration::from_secs(10),
        bytes_per_second: 0,
        patience: Duration::from_secs(20),
    }
}

fn settings(address: &str) -> Settings {
    Settings {
        metadata: format!("{address}/metadata"),
        targets: format!("{address}/targets/"),
        proxy: None,
        authorities: None,
        identity: None,
        pace: pace(),
    }
}

fn transport(server: &Server) -> HttpTransport {
    HttpTransport::new(&settings(&server.address)).unwrap()
}

fn get(server: &Server, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
    transport(server).get(TIMESTAMP, limit)
}

fn head(stream: &mut TcpStream, headers: &str) {
    drop(write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n{headers}\r\n"));
}

/// Sends bytes one by one until the other side has enough.
fn trickle(stream: &mut TcpStream, byte: u8) {
    while stream.write_all(&[byte]).is_ok() {
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_is_there_arrives_and_is_counted() {
    let server = Server::of([("metadata/timestamp.json".to_owned(), b"{}".to_vec())].into());
    let transport = transport(&server);
    assert_eq!(transport.get(TIMESTAMP, 2).unwrap().unwrap(), b"{}");
    assert_eq!(transport.get(Resource::Metadata("1.root.json"), 9).unwrap(), None);
    assert_eq!(transport.traffic(), Traffic { requests: 2, bytes: 2 });
}

#[test]
fn endless_data_ends_at_the_limit() {
    let server = Server::new(|_, stream| {
        head(stream, "");
        while stream.write_all(&[b' '; 4096]).is_ok() {}
    });
    assert!(matches!(get(&server, 100_000), Err(TransportError::TooLong { limit: 100_000, .. })));
}

#[test]
fn what_says_that_it_is_too_long_is_not_read() {
    let server = Server::new(|_, stream| {
        head(stream, "Content-Length: 99999999\r\n");
        std::thread::sleep(Duration::from_secs(3));
    });
    assert!(matches!(get(&server, 1000), Err(TransportError::TooLong { .. })));
}

#[test]
fn one_byte_too_many_is_too_many() {
    let server = Server::new(|_, stream| send(stream, "200 OK", "", b"12345"));
    assert!(get(&server, 5).is_ok());
    assert!(matches!(get(&server, 4), Err(TransportError::TooLong { .. })));
}

#[test]
fn slow_retrieval_ends_at_the_deadline() {
    let server = Server::new(|_, stream| {
        head(stream, "");
        trickle(stream, b' ');
    });
    let start = Instant::now();
    assert!(matches!(get(&server, 1_000_000), Err(TransportError::TooSlow { .. })));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn slow_headers_end_at_the_deadline() {
    let server = Server::new(|_, stream| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: "));
        trickle(stream, b'x');
    });
    let start = Instant::now();
    assert!(matches!(get(&server, 1000), Err(TransportError::TooSlow { .. })));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_server_that_says_nothing_is_left_before_the_deadline() {
    let server = Server::new(|_, _| std::thread::sleep(Duration::from_secs(6)));
    let mut settings = settings(&server.address);
    settings.pace.silence = Duration::from_millis(200);
    settings.pace.metadata = Duration::from_secs(20);
    let start = Instant::now();
    let transport = HttpTransport::new(&settings).unwrap();
    assert!(matches!(transport.get(TIMESTAMP, 9), Err(TransportError::TooSlow { .. })));
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn less_than_the_wanted_bytes_per_second_is_too_slow() {
    let server = Server::new(|_, stream| {
        head(stream, "");
        trickle(stream, b' ');
    });
    let mut settings = settings(&server.address);
    settings.pace.metadata = Duration::from_secs(20);
    settings.pace.bytes_per_second = 10_000;
    settings.pace.patience = Duration::from_millis(100);
    let start = Instant::now();
    let transport = HttpTransport::new(&settings).unwrap();
    assert!(matches!(transport.get(TIMESTAMP, 99_999), Err(TransportError::TooSlow { .. })));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_truncated_body_with_status_200_is_no_body() {
    let server = Server::new(|_, stream| {
        head(stream, "Content-Length: 10\r\n");
        drop(stream.write_all(b"{}"));
    });
    assert!(matches!(get(&server, 1000), Err(TransportError::Truncated { received: 2, .. })));
    let server = Server::new(|_, stream| {
        head(stream, "Transfer-Encoding: chunked\r\n");
        drop(stream.write_all(b"2\r\n{}\r\n"));
    });
    assert!(matches!(get(&server, 1000), Err(TransportError::Truncated { .. })));
}

#[test]
fn headers_without_end_are_refused() {
    let server = Server::new(|_, stream| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n"));
        while stream.write_all(b"X-Header: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n").is_ok() {}
    });
    assert!(matches!(get(&server, 1000), Err(TransportError::Failed { .. })));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_content_is_unpacked_up_to_the_limit() {
    let bomb = gzip(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < 60_000);
    let server = Server::new(move |path, stream| {
        let body = if path.ends_with("bomb.json") { bomb.clone() } else { gzip(b"{\"small\":1}") };
        send(stream, "200 OK", "Content-Encoding: gzip\r\n", &body);
    });
    let transport = transport(&server);
    assert_eq!(transport.get(TIMESTAMP, 11).unwrap().unwrap(), b"{\"small\":1}");
    let bomb = transport.get(Resource::Metadata("bomb.json"), 100_000);
    assert!(matches!(bomb, Err(TransportError::TooLong { .. })));
}

#[test]
fn packed_content_without_end_that_unpacks_to_nothing_ends_at_the_limit() {
    let server = Server::new(|_, stream| {
        head(stream, "Content-Encoding: gzip\r\n");
        drop(stream.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0]));
        // Empty stored blocks.
        while stream.write_all(&[0, 0, 0, 0xff, 0xff].repeat(1000)).is_ok() {}
    });
    assert!(matches!(get(&server, 10_000), Err(TransportError::TooLong { .. })));
}

#[test]
fn content_that_is_packed_otherwise_is_refused() {
    let server = Server::new(|_, stream| send(stream, "200 OK", "Content-Encoding: br\r\n", b"{}"));
    assert!(matches!(get(&server, 100), Err(TransportError::Failed { .. })));
}

#[test]
fn truncated_compressed_content_is_no_content() {
    let server = Server::new(|_, stream| {
        let body = gzip(&(0..=255).cycle().take(5000).collect::<Vec<u8>>());
        send(stream, "200 OK", "Content-Encoding: gzip\r\n", &body[..body.len() - 20]);
    });
    assert!(get(&server, 10_000).is_err());
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = Server::new(|_, stream| send(stream, "200 OK", "", b"{}"));
    let address = elsewhere.address.clone();
    let server = Server::new(move |_, stream| {
        send(stream, "302 Found", &format!("Location: {address}/x\r\n"), b"");
    });
    let error = get(&server, 100).unwrap_err().to_string();
    assert!(error.contains("answered 302"), "{error}");
    assert!(elsewhere.paths.lock().unwrap().is_empty());
}

#[test]
fn forbidden_ends_the_chain_of_roots_and_nothing_else() {
    let server = Server::new(|_, stream| send(stream, "403 Forbidden", "", b""));
    let transport = transport(&server);
    assert_eq!(transport.get(Resource::Metadata("7.root.json"), 100).unwrap(), None);
    for name in ["timestamp.json", "7.snapshot.json", "root.json", "x.root.json"] {
        let error = transport.get(Resource::Metadata(name), 100).unwrap_err().to_string();
        assert!(error.contains("answered 403"), "{error}");
    }
}

#[test]
fn a_server_in_trouble_has_not_lost_the_release() {
    for status in ["500 Oops", "503 Later", "429 Many", "401 Who", "206 Part", "204 None"] {
        let server = Server::new(move |_, stream| send(stream, status, "", b""));
        let got = transport(&server).get(Resource::Metadata("2.root.json"), 100);
        assert!(matches!(got, Err(TransportError::Failed { .. })), "{status}");
    }
}

#[test]
fn names_become_paths_by_their_kind() {
    let server = Server::new(|_, stream| send(stream, "404 Not Found", "", b""));
    let transport = transport(&server);
    let hash = "a".repeat(64);
    for resource in [
        Resource::Metadata("1...%2Fdelegatedrole.json"),
        Resource::Metadata("1.%3F.json"),
        Resource::Target("team a/b?c#d%.json"),
        Resource::Approval(&hash),
    ] {
        assert_eq!(transport.get(resource, 100).unwrap(), None);
    }
    let wanted = [
        "/metadata/1...%2Fdelegatedrole.json".to_owned(),
        "/metadata/1.%3F.json".to_owned(),
        "/targets/team%20a/b%3Fc%23d%25.json".to_owned(),
        format!("/targets/approvals/{hash}.json"),
    ];
    assert_eq!(*server.paths.lock().unwrap(), wanted);
    for resource in [
        Resource::Metadata("../x.json"),
        Resource::Metadata("x?y"),
        Resource::Target("../x"),
        Resource::Target("a/./b"),
        Resource::Approval("../../x"),
    ] {
        assert!(matches!(transport.get(resource, 9), Err(TransportError::Failed { .. })));
    }
    assert_eq!(server.paths.lock().unwrap().len(), 4);
}

#[test]
fn a_proxy_that_is_given_is_used_and_none_is_looked_for() {
    let proxy = Server::new(|_, stream| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
        drop(stream.read(&mut [0; 4096]));
        send(stream, "200 OK", "", b"{}");
    });
    let mut settings = settings("http://release.example");
    settings.proxy = Some(proxy.address.clone().into());
    let transport = HttpTransport::new(&settings).unwrap();
    assert_eq!(transport.get(TIMESTAMP, 100).unwrap().unwrap(), b"{}");
    assert_eq!(*proxy.paths.lock().unwrap(), ["release.example:80"]);
}

/// What a proxy does with a connection that asked for a tunnel.
type Behaviour = fn(&mut TcpStream);

#[test]
fn a_proxy_that_refuses_cuts_or_mutes_is_an_end_in_time_and_no_password_is_told() {
    let cases: [(&str, Behaviour); 6] = [
        ("cuts at once", |_| {}),
        ("says nothing", |_| std::thread::sleep(Duration::from_secs(3))),
        ("wants a password", |stream| {
            send(stream, "407 Proxy Authentication Required", "", b"who are you?");
        }),
        ("is a sign-in page", |stream| {
            drop(
                stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: http://hotel.example/\r\n\r\n"),
            );
        }),
        ("mutes the tunnel", |stream| {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
            std::thread::sleep(Duration::from_secs(3));
        }),
        ("cuts the tunnel", |stream| {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
            drop(stream.read(&mut [0; 4096]));
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"));
        }),
    ];
    for (what, behaviour) in cases {
        let proxy = Server::new(move |_, stream| behaviour(stream));
        let mut settings = settings("http://release.example");
        let address = proxy.address.replace("http://", "http://ana:hunter2@");
        settings.proxy = Some(address.into());
        assert!(!format!("{settings:?}").contains("hunter2"));
        let transport = HttpTransport::new(&settings).unwrap();
        let begun = Instant::now();
        let error = transport.get(TIMESTAMP, 100).unwrap_err().to_string();
        assert!(begun.elapsed() < Duration::from_millis(2_500), "{what}: {:?}", begun.elapsed());
        assert!(!error.contains("hunter2") && !error.contains("ana"), "{what}: {error}");
        assert_eq!(*proxy.paths.lock().unwrap(), ["release.example:80"], "{what}");
    }
}

#[test]
fn settings_that_are_none_are_told() {
    let mut wrong = settings("https://release.example");
    for address in ["", "release.example", "ftp://x", "https://", "https://x/?a", "https://a@b"] {
        wrong.metadata = address.to_owned();
        let error = HttpTransport::new(&wrong).unwrap_err();
        assert!(matches!(error, SettingsError::Address { .. }), "{address}");
    }
    let mut wrong = settings("https://release.example");
    wrong.authorities = Some(b"no certificate".to_vec());
    assert!(matches!(HttpTransport::new(&wrong), Err(SettingsError::Authorities)));
}

#[test]
fn a_publish_of_one_team_among_500_costs_another_team_little() {
    let mut release = support::Release::new();
    for team in 0..500_u16 {
        let role = format!("team-{team:03}");
        // 250 keys are enough to be as many as make documents long.
        let seed = u8::try_from(team % 250).unwrap();
        release.delegate("targets", &role, seed, &format!("{role}/*"));
    }
    release.add("team-007", "team-007/policy.json", b"ours");
    release.advance();
    let endpoint = support::Endpoint::of(&release);
    let fetch = |release: &support::Release| {
        let files = release.files.clone();
        let server =
            Server::new(move |path, stream| match files.get(path.trim_start_matches('/')) {
                Some(bytes) => send(stream, "200 OK", "Content-Encoding: gzip\r\n", &gzip(bytes)),
                None => send(stream, "404 Not Found", "", b""),
            });
        let transport = Arc::new(transport(&server));
        let (store, limits) = (Arc::new(endpoint.store()), Limits::default());
        let way: Arc<dyn Transport> = Arc::<HttpTransport>::clone(&transport);
        let mut session = refresh(way, store, support::now(), limits).unwrap();
        assert_eq!(session.fetch("team-007/policy.json").unwrap().unwrap().bytes, b"ours");
        transport.traffic()
    };
    let cold = fetch(&release);
    release.add("team-321", "team-321/policy.json", b"theirs");
    release.targets.get_mut("team-321").unwrap().version += 1;
    release.snapshot.version += 1;
    release.timestamp.version += 1;
    release.publish();
    let warm = fetch(&release);
    let idle = fetch(&release);
    eprintln!("cold {cold:?}, after a publish of another team {warm:?}, with nothing new {idle:?}");
    assert!(cold.requests <= 6, "{cold:?}");
    assert!(warm.requests <= 3 && warm.bytes <= 3 * 1024, "{warm:?}");
    assert!(idle.requests <= 2 && idle.bytes <= 1024, "{idle:?}");
    if let Some(folder) = std::env::var_os("KEEP_RELEASE") {
        release.write(std::path::Path::new(&folder));
    }
}

#[test]
fn a_folder_has_the_same_limits_and_no_way_out() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(file("metadata")).unwrap();
    std::fs::create_dir_all(file("targets/a")).unwrap();
    std::fs::write(file("metadata/timestamp.json"), b"12345").unwrap();
    std::fs::write(file("secret"), b"secret").unwrap();
    std::os::unix::fs::symlink("../../secret", file("targets/a/link")).unwrap();
    std::os::unix::fs::symlink("..", file("targets/up")).unwrap();
    let transport = DirectoryTransport::new(folder.path().to_owned());
    assert_eq!(transport.get(TIMESTAMP, 5).unwrap().unwrap(), b"12345");
    assert!(matches!(transport.get(TIMESTAMP, 4), Err(TransportError::TooLong { .. })));
    assert_eq!(transport.get(Resource::Metadata("2.root.json"), 4).unwrap(), None);
    for path in ["a/link", "up/secret", "../secret", "a/../../secret", "a", "/etc/passwd"] {
        let got = transport.get(Resource::Target(path), 100);
        assert!(!matches!(got, Ok(Some(_))), "{path}: {got:?}");
    }
    for path in ["a/link", "up/secret", "../secret", "a"] {
        let got = transport.get(Resource::Target(path), 100);
        assert!(matches!(got, Err(TransportError::Failed { .. })), "{path}: {got:?}");
    }
}
