//! Figures for Prometheus, in its text form. Names and labels are fixed: nothing that comes from
//! outside becomes one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::http::route::Action;

/// All figures of a process.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Connections that are open.
    pub connections: AtomicI64,
    /// Push channels that are open.
    pub push_channels: AtomicI64,
    /// Requests that wait for a change.
    pub waiting: AtomicI64,
    /// Connections that were sent away because there were too many.
    pub shed: AtomicU64,
    /// Handshakes that failed or took too long.
    pub handshakes_failed: AtomicU64,
    /// Hints that were sent.
    pub hints: AtomicU64,
    /// Transitions that became durable.
    pub transitions: AtomicU64,
    /// Releases in the database that did not verify.
    pub releases_refused: AtomicU64,
    /// Times that the database did not answer the poll.
    pub polls_failed: AtomicU64,
    /// Times that the server's certificate became another one.
    pub certificates_changed: AtomicU64,
    /// Certificates for the server that could not be used.
    pub certificates_refused: AtomicU64,
    /// Log records and reports that a collector did not get.
    pub telemetry_lost: AtomicU64,
    requests: Mutex<BTreeMap<(Action, u16), (u64, u64)>>,
    // Nearly all that is ever asked for: nobody waits for a lock there.
    given: Given,
    unchanged: Given,
}

/// Files that were given: how many, and how many microseconds that took.
#[derive(Debug, Default)]
struct Given {
    count: AtomicU64,
    time: AtomicU64,
}

impl Given {
    fn add(&self, microseconds: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.time.fetch_add(microseconds, Ordering::Relaxed);
    }

    fn sum(&self) -> (u64, u64) {
        (self.count.load(Ordering::Relaxed), self.time.load(Ordering::Relaxed))
    }
}

impl Metrics {
    /// Counts a request that was answered.
    pub fn answered(&self, action: Action, status: u16, microseconds: u64) {
        if action == Action::ReleaseFile {
            match status {
                200 => return self.given.add(microseconds),
                304 => return self.unchanged.add(microseconds),
                _ => {}
            }
        }
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, time) = requests.entry((action, status)).or_default();
        *count += 1;
        *time += microseconds;
    }

    /// All of them as they are now, with what the database says.
    pub fn figures(&self, at: Standing) -> Vec<Figure> {
        let Standing { revision, release, is_ready } = at;
        let gauge = |name, value: i64| Figure::new(name, Kind::Gauge, value);
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let mut all = vec![
            gauge("connections", self.connections.load(Ordering::Relaxed)),
            gauge("push_channels", self.push_channels.load(Ordering::Relaxed)),
            gauge("waiting", self.waiting.load(Ordering::Relaxed)),
            gauge("revision", signed(revision)),
            gauge("release_timestamp_version", signed(release)),
            gauge("ready", i64::from(is_ready)),
        ];
        for (name, value) in [
            ("connections_shed_total", &self.shed),
            ("handshakes_failed_total", &self.handshakes_failed),
            ("hints_total", &self.hints),
            ("transitions_total", &self.transitions),
            ("releases_refused_total", &self.releases_refused),
            ("polls_failed_total", &self.polls_failed),
            ("certificates_changed_total", &self.certificates_changed),
            ("certificates_refused_total", &self.certificates_refused),
            ("telemetry_lost_total", &self.telemetry_lost),
        ] {
            all.push(Figure::new(name, Kind::Counter, signed(value.load(Ordering::Relaxed))));
        }
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (status, given) in [(200, &self.given), (304, &self.unchanged)] {
            let sum = given.sum();
            if sum.0 > 0 {
                requests.insert((Action::ReleaseFile, status), sum);
            }
        }
        let of = |name, pick: fn(&(u64, u64)) -> u64| {
            let figure = move |((action, status), value): (&(Action, u16), &(u64, u64))| Figure {
                labels: vec![("action", format!("{action:?}")), ("status", status.to_string())],
                ..Figure::new(name, Kind::Counter, signed(pick(value)))
            };
            requests.iter().map(figure).collect::<Vec<_>>()
        };
        all.extend(of("requests_total", |(count, _)| *count));
        all.extend(of("request_microseconds_total", |(_, time)| *time));
        all
    }

    /// The text for Prometheus.
    pub fn text(&self, at: Standing) -> String {
        let mut out = String::new();
        let mut last = "";
        for Figure { name, kind, labels, value } in self.figures(at) {
            if name != last {
                let kind = match kind {
                    Kind::Gauge => "gauge",
                    Kind::Counter => "counter",
                };
                out.push_str(&format!("# TYPE {PREFIX}{name} {kind}\n"));
                last = name;
            }
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            let labels =
                if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            out.push_str(&format!("{PREFIX}{name}{labels} {value}\n"));
        }
        out
    }
}

/// What every name begins with.
pub const PREFIX: &str = "codex_fleet_";

/// What the database says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    /// The revision.
    pub revision: u64,
    /// The version of the release in force.
    pub release: u64,
    /// Whether nothing is wrong.
    pub is_ready: bool,
}

/// What a figure does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It goes up and down.
    Gauge,
    /// It grows while the process lives.
    Counter,
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Its name, without [`PREFIX`].
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// What it is of.
    pub labels: Vec<(&'static str, String)>,
    /// Its value.
    pub value: i64,
}

impl Figure {
    fn new(name: &'static str, kind: Kind, value: i64) -> Self {
        Self { name, kind, labels: Vec::new(), value }
    }
}
