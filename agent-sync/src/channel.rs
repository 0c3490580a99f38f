//! The push channel: a WebSocket on which the server says that something is new.
//!
//! The connection is made by the library that makes all others, with its limits, its proxy and its
//! certificates; it is taken over before a request is sent. What comes over it is a hint and
//! nothing else: a message has a limit, silence has one, and all that a client ever says are the
//! answers to pings.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codex_fleet::push::{Hint, MAX_BYTES};
use codex_fleet::routes;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket, client::client_with_config};
use ureq::config::Config;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::time::{Duration as Wait, Instant};
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport, TransportAdapter,
};
use ureq::{Agent, Error, Timeout};

/// How long a connection and its first hint may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The bytes of a message that are read at once.
const PIECE: usize = 1_024;

/// An open channel.
pub struct Channel(WebSocket<TransportAdapter>);

impl fmt::Debug for Channel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Channel")
    }
}

impl Channel {
    /// Opens a channel to a server: `https://HOST`.
    ///
    /// # Errors
    /// A sentence: why there is none.
    pub fn open(config: &Config, server: &str) -> Result<Self, String> {
        let stream = connect(config, server).map_err(|error| error.to_string())?;
        let address = server.replacen("http", "ws", 1);
        let request = format!("{address}{}", routes::PUSH).into_client_request();
        let request = request.map_err(|error| error.to_string())?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_BYTES))
            .max_frame_size(Some(MAX_BYTES))
            .read_buffer_size(PIECE)
            .write_buffer_size(0);
        let opened = client_with_config(request, stream, Some(limits));
        // The error may repeat what a proxy answered: its kind is enough.
        let (socket, _) = opened.map_err(|_| "no WebSocket can be had".to_owned())?;
        Ok(Self(socket))
    }

    /// Waits for the next hint.
    ///
    /// # Errors
    /// When the channel has ended, says something else, or is silent for so long.
    pub fn next(&mut self, longest: Duration) -> Result<Hint, String> {
        // The limit is for the whole of a message, pings between its pieces included.
        self.0.get_mut().set_timeout(within(longest));
        loop {
            match self.0.read().map_err(|error| error.to_string())? {
                Message::Text(text) => {
                    let wrong = |_| "what came is no hint".to_owned();
                    return serde_json::from_str(text.as_str()).map_err(wrong);
                }
                // The library has answered it already.
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                Message::Close(_) => return Err("the server has ended the channel".to_owned()),
                Message::Binary(_) => return Err("what came is no hint".to_owned()),
            }
        }
    }

    /// How long the first hint may take.
    pub fn first() -> Duration {
        PATIENCE
    }
}

fn within(longest: Duration) -> NextTimeout {
    NextTimeout { after: Wait::Exact(longest), reason: Timeout::RecvBody, ..NextTimeout::default() }
}

type Taken = Arc<Mutex<Option<Box<dyn Transport>>>>;

/// The end of the chain of connectors: takes the connection instead of handing it on.
#[derive(Debug)]
struct Take {
    /// Whether there is a proxy, to which a connection is made first that is not the one.
    is_proxied: bool,
    taken: Taken,
}

impl<In: Transport> Connector<In> for Take {
    type Out = In;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<In>, Error> {
        if self.is_proxied && details.config.proxy().is_none() {
            return Ok(chained);
        }
        let Some(transport) = chained else { return Ok(None) };
        if details.needs_tls() && !transport.is_tls() {
            return Err(Error::TlsRequired);
        }
        let taken = Some(Box::new(transport) as Box<dyn Transport>);
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = taken;
        // There is nothing to send a request on.
        Err(Error::ConnectionFailed)
    }
}

/// A connection to the server, through the proxy and TLS where settings say so.
fn connect(config: &Config, server: &str) -> Result<TransportAdapter, Error> {
    let taken = Taken::default();
    let take = Take { is_proxied: config.proxy().is_some(), taken: Arc::clone(&taken) };
    let chain = DefaultConnector::default().chain(take);
    let agent = Agent::with_parts(config.clone(), chain, DefaultResolver::default());
    let request = agent.get(server).config().timeout_global(Some(PATIENCE)).build();
    let ended = request.call();
    let transport = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (transport, ended) {
        (Some(transport), _) => {
            let mut stream = TransportAdapter::new(transport, Arc::new(Instant::now));
            stream.set_timeout(within(PATIENCE));
            Ok(stream)
        }
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => Err(Error::ConnectionFailed),
    }
}
