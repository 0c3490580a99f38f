//! Connections that listen. What they hear is counted in rounds: a connection's first message belongs
//! to the first round, and so on; a connection that is lost is opened again.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

use crate::Problem;
use crate::client::{connector, enrol, over};

/// Opens connections and listens.
#[derive(clap::Args)]
pub(crate) struct Subscribe {
    /// The server.
    address: SocketAddr,
    /// How many connections.
    count: u64,
    /// How many of them are opened at once.
    #[arg(long, default_value_t = 64)]
    at_once: usize,
    /// Opens no WebSocket: the connection is all.
    #[arg(long)]
    floor: bool,
    /// The authority behind the server, PEM: with TLS.
    #[arg(long)]
    authority: Option<PathBuf>,
    /// An enrolment token: with the certificate of a machine.
    #[arg(long, requires = "authority")]
    token: Option<PathBuf>,
    /// The last number of the address of the loopback that connections come from.
    #[arg(long, default_value_t = 1)]
    from: u8,
}

const UPGRADE: &[u8] = b"GET /v1/push HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// When the first and the last connection heard something, in microseconds since 1970.
#[derive(Clone, Copy, Default)]
struct Round {
    heard: u64,
    first: u64,
    last: u64,
}

struct Shared {
    address: SocketAddr,
    from: IpAddr,
    count: u64,
    is_floor: bool,
    tls: Option<TlsConnector>,
    room: Semaphore,
    failed: AtomicU64,
    rounds: Mutex<Vec<Round>>,
}

pub(crate) async fn run(arguments: &Subscribe) -> Result<(), Problem> {
    let Subscribe { address, count, at_once, floor, authority, token, from } = arguments;
    let authority = authority.as_ref().map(std::fs::read).transpose()?;
    let tls = match (&authority, token) {
        (None, _) => None,
        (Some(authority), None) => Some(connector(authority, None)?),
        (Some(authority), Some(token)) => {
            let token = std::fs::read_to_string(token)?;
            let (certificate, key) = enrol(*address, authority, token.trim()).await?;
            Some(connector(authority, Some((&certificate, &key)))?)
        }
    };
    let shared = Arc::new(Shared {
        address: *address,
        from: Ipv4Addr::new(127, 0, 0, *from).into(),
        count: *count,
        is_floor: *floor,
        tls,
        room: Semaphore::new(*at_once),
        failed: AtomicU64::new(0),
        rounds: Mutex::default(),
    });
    println!("ready {}", micros());
    for _ in 0..*count {
        tokio::spawn(listen(Arc::clone(&shared)));
    }
    // It ends when whoever started it does.
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()))
        .await??;
    Ok(())
}

fn micros() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

async fn listen(shared: Arc<Shared>) {
    let mut number = 0;
    loop {
        if let Err(_lost) = one(&shared, &mut number).await {
            shared.failed.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// One connection until it is lost.
async fn one(shared: &Shared, number: &mut usize) -> Result<(), Problem> {
    let permit = shared.room.acquire().await?;
    let mut stream = opened(shared).await?;
    if !shared.is_floor {
        stream.write_all(UPGRADE).await?;
    }
    heard(&mut stream).await?;
    shared.note(number);
    drop(permit);
    loop {
        heard(&mut stream).await?;
        shared.note(number);
    }
}

async fn opened(shared: &Shared) -> Result<Pin<Box<dyn Duplex>>, Problem> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(shared.from, 0))?;
    let tcp: TcpStream = socket.connect(shared.address).await?;
    tcp.set_nodelay(true)?;
    Ok(match &shared.tls {
        None => Box::pin(tcp),
        Some(tls) => Box::pin(over(tls, tcp).await?),
    })
}

/// Reads to the end of a message, whatever it is packed in: all of them end with a brace.
async fn heard(stream: &mut Pin<Box<dyn Duplex>>) -> Result<(), Problem> {
    let mut bytes = [0; 512];
    loop {
        let count = stream.read(&mut bytes).await?;
        let read = bytes.get(..count).unwrap_or_default();
        if count == 0 {
            return Err("the connection has ended".into());
        }
        if read.ends_with(b"}") {
            return Ok(());
        }
    }
}

impl Shared {
    fn note(&self, number: &mut usize) {
        let at = micros();
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        if rounds.len() <= *number {
            rounds.resize(*number + 1, Round::default());
        }
        if let Some(round) = rounds.get_mut(*number) {
            if round.heard == 0 {
                round.first = at;
            }
            round.heard += 1;
            round.last = at;
            if round.heard == self.count {
                let failed = self.failed.load(Ordering::Relaxed);
                println!("round {number} {} {} {failed}", round.first, round.last);
            }
        }
        *number += 1;
    }
}
