//! The server's own figures and log for an OpenTelemetry collector: OTLP over HTTP, as protobuf.
//!
//! Reading order: this file (what is sent, when and by whom), `log` (what is taken down of the log),
//! `wire` (the form).
//!
//! **Invariants.**
//! - Whatever the collector does, the server neither waits nor ends for it: records wait in a queue
//!   that has an end, one thread sends, and what does not get through is counted and forgotten.
//! - No secret is sent: figures have fixed names, and what looks like a token is cut out of records.

mod log;
mod wire;

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use prost::Message as _;
use ureq::Agent;

use self::log::Record;
pub use self::log::{Records, redacted};
use crate::config::Telemetry;
use crate::error::ServeError;
use crate::fleet::Fleet;
use crate::outbound::client;
use crate::world::{now, read};

/// The most bytes of the authority and of the header.
const MAX_FILE: u64 = 1_000_000;

/// How many records wait at most; more are not sent.
const QUEUE: usize = 2_048;

/// How many records go together.
const PART: usize = 512;

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What sends.
pub struct Exporter {
    agent: Agent,
    endpoint: String,
    authorization: Option<String>,
    every: Duration,
    records: Receiver<Record>,
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Exporter").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// What takes records down, and what sends them. Nothing is connected yet.
///
/// # Errors
/// When a file cannot be used.
pub fn open(settings: &Telemetry) -> Result<(Records, Exporter), ServeError> {
    let Telemetry { endpoint, authority, authorization, seconds } = settings;
    let pem = authority.as_ref().map(|path| read(path, MAX_FILE)).transpose()?;
    let agent = client(pem.as_deref(), PATIENCE).ok_or_else(|| {
        let file = authority.as_ref().map_or_else(String::new, |path| path.display().to_string());
        ServeError::Key(format!("{file} holds no certificate in PEM form"))
    })?;
    let authorization = match authorization {
        None => None,
        Some(path) => Some(String::from_utf8_lossy(&read(path, MAX_FILE)?).trim().to_owned()),
    };
    let (sender, records) = sync_channel(QUEUE);
    let exporter = Exporter {
        agent,
        endpoint: endpoint.trim_end_matches('/').to_owned(),
        authorization,
        every: Duration::from_secs(*seconds),
        records,
    };
    Ok((Records::new(sender), exporter))
}

/// Whether the collector took the last thing that it was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reached {
    Yes,
    No,
}

impl Exporter {
    /// Sends until the server is gone, on a thread of its own.
    pub fn start(self, fleet: &Arc<Fleet>) {
        let fleet = Arc::downgrade(fleet);
        std::thread::spawn(move || self.run(&fleet));
    }

    fn run(&self, fleet: &Weak<Fleet>) {
        let started = nanoseconds();
        let mut due = Instant::now();
        let mut waiting: Vec<Record> = Vec::new();
        let mut reached = Reached::Yes;
        loop {
            // A record waits a second for company.
            let left = due.saturating_duration_since(Instant::now()).min(Duration::from_secs(1));
            match self.records.recv_timeout(left) {
                Ok(record) => {
                    waiting.push(record);
                    if waiting.len() < PART {
                        continue;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let Some(fleet) = fleet.upgrade() else { return };
            if !waiting.is_empty() {
                let logs = wire::logs(&fleet.config.organisation, std::mem::take(&mut waiting));
                reached = self.note(&fleet, reached, self.send("logs", logs.encode_to_vec()));
            }
            if due <= Instant::now() {
                due = Instant::now() + self.every;
                let figures = fleet.metrics.figures(fleet.standing());
                let times = (started, nanoseconds());
                let metrics = wire::metrics(&fleet.config.organisation, &figures, times);
                reached = self.note(&fleet, reached, self.send("metrics", metrics.encode_to_vec()));
            }
        }
    }

    fn send(&self, what: &str, body: Vec<u8>) -> Result<(), ureq::Error> {
        let request = self.agent.post(format!("{}/v1/{what}", self.endpoint));
        let request = request.header("content-type", "application/x-protobuf");
        let request = match &self.authorization {
            None => request,
            Some(value) => request.header("authorization", value),
        };
        let status = request.send(body)?.status();
        if status.is_success() { Ok(()) } else { Err(ureq::Error::StatusCode(status.as_u16())) }
    }

    /// Counts what was lost, and says once that the collector is gone or back.
    fn note(&self, fleet: &Fleet, before: Reached, sent: Result<(), ureq::Error>) -> Reached {
        let collector = &self.endpoint;
        match sent {
            Ok(()) => {
                if before == Reached::No {
                    tracing::info!(collector, "the collector is back");
                }
                Reached::Yes
            }
            Err(error) => {
                fleet.metrics.telemetry_lost.fetch_add(1, Ordering::Relaxed);
                if before == Reached::Yes {
                    tracing::warn!(collector, %error, "the collector does not take what it is sent");
                }
                Reached::No
            }
        }
    }
}

fn nanoseconds() -> u64 {
    u64::try_from(now().as_nanosecond()).unwrap_or(0)
}
