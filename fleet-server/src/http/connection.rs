//! One connection: what it runs over, and when it has had enough.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

use super::answer::{Answer, Refusal};
use super::route::Surface;
use crate::authority::Shown;
use crate::fleet::{Fleet, Phase};

/// The most bytes of a request's head.
const MAX_HEAD: usize = 16_384;

/// Who is at the other end.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Whether it came over TLS.
    pub surface: Surface,
    /// The machine that its certificate shows, or why it shows none.
    pub shown: Option<Result<Arc<Shown>, String>>,
    /// Whether there are too many, so that it is sent away.
    pub room: Room,
}

/// Whether there is room for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// There is.
    Enough,
    /// It gets one answer: to come back later.
    Full {
        /// In how many seconds.
        retry_seconds: u64,
    },
}

/// What a connection runs over.
#[derive(Debug)]
pub enum Stream {
    /// TCP.
    Plain(TcpStream),
    /// TLS. Boxed: it is large, and most of it is needed rarely.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, parts),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write_vectored(context, parts),
        }
    }

    // A file goes out of the memory that all requests share, and is not copied behind its head.
    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(context),
        }
    }
}

/// Counts a connection for as long as it lives.
#[derive(Debug)]
pub struct Counted(pub Arc<Fleet>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.metrics.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream whose writes do not stand still for long: a reader that reads nothing is dropped.
#[derive(Debug)]
pub struct Steady {
    stream: Stream,
    patience: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    _counted: Counted,
}

impl Steady {
    /// A stream with the patience for its writes.
    pub fn new(stream: Stream, patience: Duration, counted: Counted) -> Self {
        Self { stream, patience, deadline: None, _counted: counted }
    }

    fn paced<T>(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.deadline = None;
            return done;
        }
        let end = Instant::now() + self.patience;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Steady {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Steady {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.paced(context, done)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        this.paced(context, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_flush(context);
        this.paced(context, done)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_shutdown(context);
        this.paced(context, done)
    }
}

/// Serves one connection to its end.
pub async fn serve(
    fleet: Arc<Fleet>,
    router: Router,
    stream: Stream,
    peer: Peer,
    counted: Counted,
) {
    let limits = &fleet.config.limits;
    let head = Duration::from_secs(limits.head_seconds);
    let io = TokioIo::new(Steady::new(stream, Duration::from_secs(limits.stall_seconds), counted));
    let peer = Arc::new(peer);
    let known = Arc::clone(&fleet);
    let service = service_fn(move |request| {
        let begun = begin(&known, &router, &peer, request);
        async move {
            match begun {
                Begun::Answered(answer) => Ok(answer),
                Begun::Routed(router, request) => router.oneshot(request).await,
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // An idle connection waits for a head, too: it is closed after the same time.
        .header_read_timeout(head)
        .max_buf_size(MAX_HEAD)
        .max_headers(64)
        .serve_connection(io, service)
        .with_upgrades();
    tokio::pin!(connection);
    let mut phase = fleet.phase();
    let is_draining = *phase.borrow_and_update() == Phase::Draining;
    if is_draining {
        connection.as_mut().graceful_shutdown();
    }
    loop {
        tokio::select! {
            // Whatever ended it, the other side knows; there is nobody to tell.
            _ended = connection.as_mut() => return,
            changed = phase.changed() => {
                connection.as_mut().graceful_shutdown();
                if changed.is_err() || *phase.borrow() == Phase::Draining {
                    // It ends as soon as the request under way is answered.
                    let patience = Duration::from_secs(fleet.config.pace.drain_seconds);
                    tokio::select! {
                        _ended = connection.as_mut() => {}
                        () = sleep(patience) => {}
                    }
                    return;
                }
            }
        }
    }
}

/// What becomes of a request.
enum Begun {
    /// It is answered already.
    Answered(Answer),
    /// It goes through the table of routes.
    Routed(Router, Request<Body>),
}

/// Answers what can be answered out of memory, without taking hold of what all connections share.
fn begin(fleet: &Fleet, router: &Router, peer: &Arc<Peer>, request: Request<Incoming>) -> Begun {
    match peer.room {
        Room::Enough => {
            let (parts, body) = request.into_parts();
            if let Some(answer) = crate::api::release_file(fleet, peer, &parts) {
                return Begun::Answered(answer);
            }
            let mut request = Request::from_parts(parts, Body::new(body));
            request.extensions_mut().insert(Arc::clone(peer));
            Begun::Routed(router.clone(), request)
        }
        Room::Full { retry_seconds } => {
            let mut refusal =
                Refusal::unavailable("full", "there are too many connections: come back later");
            refusal.retry_seconds = Some(retry_seconds);
            let mut answer = refusal.answer();
            let headers = answer.headers_mut();
            headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
            Begun::Answered(answer)
        }
    }
}
