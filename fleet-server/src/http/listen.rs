//! Listening: our own accept loop, since deadlines begin before there is a request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::connection::{Counted, Peer, Room, Stream, serve};
use super::route::Surface;
use crate::authority::shown;
use crate::error::ServeError;
use crate::fleet::{Fleet, Phase};

/// How many connections wait in the kernel to be accepted.
const BACKLOG: u32 = 4_096;

/// How far above the limit connections are still told to come back; above that they are dropped.
const TOLD: usize = 1_024;

#[cfg(target_os = "linux")]
/// How long a peer may leave sent bytes without a sign of life.
const SILENCE: Duration = Duration::from_secs(30);

/// Opens an address, which other processes of this program may listen at, too.
///
/// # Errors
/// When the system refuses.
pub fn open(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        #[cfg(unix)]
        socket.set_reuseport(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|error| ServeError::Listen { address, error })
}

/// How connections of a listener are begun.
#[derive(Clone)]
pub enum Door {
    /// Without TLS.
    Plain,
    /// With TLS.
    Tls(Arc<ServerConfig>),
}

impl std::fmt::Debug for Door {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Plain => "Plain",
            Self::Tls(_) => "Tls",
        })
    }
}

/// Accepts connections until the server ends, and then waits for those that are open.
pub async fn accept(fleet: Arc<Fleet>, listener: TcpListener, door: Door) {
    let mut phase = fleet.phase();
    let mut open = JoinSet::new();
    while *phase.borrow_and_update() == Phase::Serving {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = phase.changed() => continue,
            Some(_ended) = open.join_next(), if !open.is_empty() => continue,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: others must end first.
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let count = fleet.metrics.connections.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(Arc::clone(&fleet));
        let count = usize::try_from(count).unwrap_or(0);
        let most = fleet.config.limits.connections;
        if count >= most {
            fleet.metrics.shed.fetch_add(1, Ordering::Relaxed);
            if count >= most.saturating_add(TOLD) {
                drop(counted);
                continue;
            }
        }
        let room = if count >= most { Room::Full } else { Room::Enough };
        open.spawn(begin(Arc::clone(&fleet), stream, door.clone(), room, counted));
    }
    drop(listener);
    let patience = Duration::from_secs(fleet.config.pace.drain_seconds);
    let ended = async { while open.join_next().await.is_some() {} };
    // What has not ended by then is cut off.
    if timeout(patience, ended).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

async fn begin(fleet: Arc<Fleet>, stream: TcpStream, door: Door, room: Room, counted: Counted) {
    // Small answers must not wait for each other, and dead peers must be noticed.
    drop(stream.set_nodelay(true));
    #[cfg(target_os = "linux")]
    drop(socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(SILENCE)));
    match door {
        Door::Plain => {
            let peer = Peer { surface: Surface::Both, shown: None, room };
            serve(fleet, Stream::Plain(stream), peer, counted).await;
        }
        Door::Tls(config) => {
            let patience = Duration::from_secs(fleet.config.limits.handshake_seconds);
            let handshake = TlsAcceptor::from(config).accept(stream);
            let Ok(Ok(stream)) = timeout(patience, handshake).await else {
                fleet.metrics.handshakes_failed.fetch_add(1, Ordering::Relaxed);
                return;
            };
            let certificate =
                stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let shown =
                certificate.map(|one| shown(one).map(Arc::new).map_err(|error| error.to_string()));
            let peer = Peer { surface: Surface::Tls, shown, room };
            serve(fleet, Stream::Tls(Box::new(stream)), peer, counted).await;
        }
    }
}
