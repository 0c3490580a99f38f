//! A small HTTP/1.1 server for loopback: one thread per connection, one request per connection.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A client that stops talking must not hold its thread for longer than this.
const CLIENT_PATIENCE: Duration = Duration::from_secs(20);
/// The longest request line and header block that is read, in bytes.
const HEAD_LIMIT: u64 = 256 * 1024;
/// The longest body that is read, in bytes.
const BODY_LIMIT: u64 = 64 * 1024 * 1024;

/// One request, with header names in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// One whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

type Handler = Arc<dyn Fn(Request) -> Response + Send + Sync>;

/// A running server; dropping it stops it.
pub(crate) struct HttpServer {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Listens on a free loopback port of the calling thread's network namespace.
    pub(crate) fn start(
        tls: Option<Arc<ServerConfig>>,
        handler: impl Fn(Request) -> Response + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopping);
        let handler: Handler = Arc::new(handler);
        let acceptor = std::thread::Builder::new()
            .name("oracle-http".to_owned())
            .spawn(move || accept_all(&listener, tls.as_ref(), &handler, &flag))?;
        Ok(Self { address, stopping, acceptor: Some(acceptor) })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HttpServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // A blocked accept() only wakes up for a connection, so make one.
        let woken = TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_ok();
        if let Some(acceptor) = self.acceptor.take()
            && woken
        {
            drop(acceptor.join());
        }
    }
}

fn accept_all(
    listener: &TcpListener,
    tls: Option<&Arc<ServerConfig>>,
    handler: &Handler,
    stopping: &AtomicBool,
) {
    for stream in listener.incoming() {
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let (tls, handler) = (tls.cloned(), Arc::clone(handler));
        // A connection that fails is the client's to report: Codex says so in its own words.
        std::thread::spawn(move || drop(serve(stream, tls, &handler)));
    }
}

fn serve(stream: TcpStream, tls: Option<Arc<ServerConfig>>, handler: &Handler) -> io::Result<()> {
    stream.set_read_timeout(Some(CLIENT_PATIENCE))?;
    stream.set_write_timeout(Some(CLIENT_PATIENCE))?;
    stream.set_nodelay(true)?;
    let Some(config) = tls else {
        return exchange(stream, handler).map(drop);
    };
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut secure = exchange(StreamOwned::new(connection, stream), handler)?;
    secure.conn.send_close_notify();
    secure.flush()
}

fn exchange<S: Read + Write>(stream: S, handler: &Handler) -> io::Result<S> {
    let mut reader = BufReader::new(stream);
    let request = read_request(&mut reader)?;
    let response = handler(request);
    let mut stream = reader.into_inner();
    let head = format!(
        "HTTP/1.1 {} oracle\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        response.status,
        response.content_type,
        response.body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&response.body)?;
    stream.flush()?;
    Ok(stream)
}

fn read_request(reader: &mut impl BufRead) -> io::Result<Request> {
    let malformed = |what: &'static str| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut head = reader.by_ref().take(HEAD_LIMIT);
    let mut line = String::new();
    head.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(malformed("no request line"));
    };
    let (method, path) = (method.to_owned(), path.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Err(malformed("headers end early"));
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0_u64);
    let mut body = Vec::new();
    reader.take(length.min(BODY_LIMIT)).read_to_end(&mut body)?;
    Ok(Request { method, path, headers, body })
}
