//! Figures for Prometheus, in its text form. Names and labels are fixed: nothing that comes from
//! outside becomes one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
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
}

impl Metrics {
    /// Counts a request that was answered.
    pub fn answered(&self, action: Action, status: u16, microseconds: u64) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, time) = requests.entry((action, status)).or_default();
        *count += 1;
        *time += microseconds;
    }

    /// The text, with the revision and the version of the release in force.
    pub fn text(&self, revision: u64, release: u64, is_ready: u8) -> String {
        let mut out = String::new();
        let gauges = [
            ("connections", self.connections.load(Ordering::Relaxed)),
            ("push_channels", self.push_channels.load(Ordering::Relaxed)),
            ("waiting", self.waiting.load(Ordering::Relaxed)),
            ("revision", i64::try_from(revision).unwrap_or(i64::MAX)),
            ("release_timestamp_version", i64::try_from(release).unwrap_or(i64::MAX)),
            ("ready", i64::from(is_ready)),
        ];
        for (name, value) in gauges {
            line(&mut out, name, "gauge", value);
        }
        let counters = [
            ("connections_shed_total", &self.shed),
            ("handshakes_failed_total", &self.handshakes_failed),
            ("hints_total", &self.hints),
            ("transitions_total", &self.transitions),
            ("releases_refused_total", &self.releases_refused),
            ("polls_failed_total", &self.polls_failed),
        ];
        for (name, value) in counters {
            line(&mut out, name, "counter", value.load(Ordering::Relaxed));
        }
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        out.push_str("# TYPE codex_fleet_requests_total counter\n");
        for ((action, status), (count, _)) in &*requests {
            let labels = format!("action=\"{action:?}\",status=\"{status}\"");
            // Writing to a text cannot fail.
            let _always_ok = writeln!(out, "codex_fleet_requests_total{{{labels}}} {count}");
        }
        out.push_str("# TYPE codex_fleet_request_microseconds_total counter\n");
        for ((action, status), (_, time)) in &*requests {
            let labels = format!("action=\"{action:?}\",status=\"{status}\"");
            let _always_ok =
                writeln!(out, "codex_fleet_request_microseconds_total{{{labels}}} {time}");
        }
        out
    }
}

fn line(out: &mut String, name: &str, kind: &str, value: impl std::fmt::Display) {
    let name = format!("codex_fleet_{name}");
    // Writing to a text cannot fail.
    let _always_ok = writeln!(out, "# TYPE {name} {kind}\n{name} {value}");
}
