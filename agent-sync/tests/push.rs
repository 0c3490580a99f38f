//! The push channel: what a server, a proxy or anybody between can do with it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/fleet.rs"]
mod fleet;
#[path = "../../schema/trust/tests/support/mod.rs"]
mod trust;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use codex_agent_sync::client::Client;
use codex_agent_sync::fetcher::follow_hints;
use codex_agent_sync::transport::{Pace, Settings};
use codex_fleet::push::Hint;
use fleet::Fleet;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocket};
use tungstenite::{Bytes, Message};

const SOON: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(300);

fn settings(address: &str, proxy: Option<String>) -> Settings {
    Settings {
        metadata: format!("{address}/release/metadata"),
        targets: format!("{address}/release/targets"),
        proxy: proxy.map(Into::into),
        authorities: None,
        identity: None,
        pace: Pace::default(),
    }
}

fn client(address: &str) -> Client {
    Client::new(address, &settings(address, None)).unwrap()
}

/// What a server does with a socket after the handshake.
type Behaviour = fn(&mut WebSocket<TcpStream>);

fn head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A server of sockets alone; it gives the heads of its requests.
fn server(behaviour: Behaviour) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, heads) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let text = head(&mut stream);
            let key = text.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
            let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
            drop(sender.send(text));
            let head =
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket";
            let head = format!("{head}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            behaviour(&mut WebSocket::from_raw_socket(stream, Role::Server, None));
        }
    });
    (address, heads)
}

fn text(revision: u64) -> String {
    serde_json::to_string(&Hint { timestamp: 1, revision, spread: 0, reconnect: 0, heartbeat: 60 })
        .unwrap()
}

fn say(socket: &mut WebSocket<TcpStream>, message: Message) {
    // Whoever has had enough is gone.
    drop(socket.send(message));
}

#[test]
fn a_hint_arrives_and_a_ping_is_answered() {
    let (address, heads) = server(|socket| {
        say(socket, Message::Ping(Bytes::from_static(b"alive?")));
        let answered = socket.read().is_ok_and(|one| one.is_pong());
        say(socket, Message::Text(text(if answered { 7 } else { 0 }).into()));
        drop(socket.read());
    });
    let mut channel = client(&address).channel().unwrap();
    assert_eq!(channel.next(SOON).unwrap().revision, 7);
    let head = heads.recv().unwrap();
    assert!(head.starts_with("GET /v1/push HTTP/1.1\r\n"), "{head}");
    assert!(!head.to_ascii_lowercase().contains("authorization"), "{head}");
}

#[test]
fn whatever_else_comes_ends_the_channel_within_its_limits() {
    let cases: [(&str, Behaviour); 8] = [
        ("silence", |_| std::thread::sleep(Duration::from_secs(3))),
        ("pings without end", |socket| {
            while socket.send(Message::Ping(Bytes::new())).is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }),
        ("an end", |_| {}),
        ("a polite end", |socket| {
            say(socket, Message::Close(None));
            drop(socket.read());
        }),
        ("too much", |socket| {
            let text = format!("{{\"timestamp\":1,\"padding\":\"{}\"}}", "x".repeat(2_000));
            say(socket, Message::Text(text.into()));
        }),
        ("no hint", |socket| say(socket, Message::Text("{}".into()))),
        ("bytes", |socket| say(socket, Message::Binary(text(1).into_bytes().into()))),
        ("no frame", |socket| drop(socket.get_mut().write_all(&[0xff; 64]))),
    ];
    for (what, behaviour) in cases {
        let (address, _heads) = server(behaviour);
        let mut channel = client(&address).channel().unwrap();
        let begun = Instant::now();
        assert!(channel.next(SHORT).is_err(), "{what}");
        assert!(begun.elapsed() < Duration::from_millis(2_500), "{what}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_proxy_gives_a_tunnel_or_a_sentence_without_its_password() {
    let (address, _heads) = server(|socket| {
        say(socket, Message::Text(text(7).into()));
        drop(socket.read());
    });
    for answer in ["200 OK", "407 Proxy Authentication Required"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://ana:hunter2@{}", listener.local_addr().unwrap());
        let (sender, heads) = channel();
        std::thread::spawn(move || {
            let (mut here, _) = listener.accept().unwrap();
            let text = head(&mut here);
            let place = text.split(' ').nth(1).unwrap().to_owned();
            sender.send(text).unwrap();
            drop(write!(here, "HTTP/1.1 {answer}\r\n\r\n"));
            if !answer.starts_with("200") {
                return;
            }
            let mut there = TcpStream::connect(place).unwrap();
            let (mut from, mut to) = (there.try_clone().unwrap(), here.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            drop(std::io::copy(&mut here, &mut there));
        });
        let client = Client::new(&address, &settings(&address, Some(proxy))).unwrap();
        assert!(!format!("{client:?}").contains("hunter2"), "{client:?}");
        let opened = client.channel();
        let head = heads.recv().unwrap();
        assert!(head.starts_with("CONNECT 127.0.0.1:"), "{head}");
        assert!(head.contains("Proxy-Authorization: Basic "), "{head}");
        match opened {
            Ok(mut channel) => assert_eq!(channel.next(SOON).unwrap().revision, 7),
            Err(problem) => {
                assert!(answer.starts_with("407") && problem.contains("407"), "{problem}");
                assert!(!problem.contains("hunter2"), "{problem}");
            }
        }
    }
}

#[test]
fn hints_come_over_a_socket_or_where_there_is_none_by_polls() {
    for has_no_push in [false, true] {
        let fleet = Fleet::new();
        fleet.told.lock().unwrap().has_no_push = has_no_push;
        fleet.told.lock().unwrap().revision = 1;
        let client = client(&fleet.address);
        let (sender, hints) = channel();
        std::thread::spawn(move || follow_hints(&client, |hint| sender.send(hint).is_ok()));
        assert_eq!(hints.recv_timeout(SOON).unwrap().revision, 1);
        fleet.told.lock().unwrap().revision = 2;
        let begun = Instant::now();
        assert_eq!(hints.recv_timeout(SOON).unwrap().revision, 2);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let asked = fleet.told.lock().unwrap().requests.clone();
        let polls = asked.iter().filter(|path| path.starts_with("/v1/wait")).count();
        assert_eq!(polls > 0, has_no_push, "{asked:?}");
        assert!(asked.len() < 10, "{asked:?}");
    }
}
