//! What is taken down of the log for a collector.

use std::fmt::Debug;
use std::sync::mpsc::SyncSender;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::store::tokens::{ADMIN_PREFIX, CONFIG_PREFIX};

/// The most characters of a value.
const MAX_TEXT: usize = 2_000;

/// The most fields of a record.
const MAX_FIELDS: usize = 32;

/// One entry of the log.
#[derive(Debug)]
pub(super) struct Record {
    /// When, in nanoseconds since 1970.
    pub(super) at: u64,
    /// How bad it is.
    pub(super) level: Level,
    /// The sentence.
    pub(super) message: String,
    /// What else it says.
    pub(super) fields: Vec<(&'static str, String)>,
}

/// Takes down what this program logs itself. Libraries may say anything: they are left out.
#[derive(Debug)]
pub struct Records(SyncSender<Record>);

impl Records {
    pub(super) fn new(sender: SyncSender<Record>) -> Self {
        Self(sender)
    }
}

impl<S: Subscriber> Layer<S> for Records {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if !metadata.target().starts_with(env!("CARGO_CRATE_NAME")) {
            return;
        }
        let mut record = Record {
            at: super::nanoseconds(),
            level: *metadata.level(),
            message: String::new(),
            fields: Vec::new(),
        };
        event.record(&mut record);
        // A full queue is nobody's business here: the log on standard error has everything.
        drop(self.0.try_send(record));
    }
}

impl Record {
    fn put(&mut self, field: &Field, text: &str) {
        let text = redacted(text);
        if field.name() == "message" {
            self.message = text;
        } else if self.fields.len() < MAX_FIELDS {
            self.fields.push((field.name(), text));
        }
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
}

/// A text without what looks like a secret, and not too long. Nothing in this program logs a token;
/// what a database or a peer says might repeat one.
pub fn redacted(text: &str) -> String {
    let mut out = text.to_owned();
    for prefix in [ADMIN_PREFIX, CONFIG_PREFIX, codex_fleet::enrolment::TOKEN_PREFIX] {
        let mut parts = out.split(prefix);
        let mut kept = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let rest = part.trim_start_matches(|one: char| {
                one.is_ascii_alphanumeric() || matches!(one, '-' | '_')
            });
            kept.push_str(prefix);
            kept.push('…');
            kept.push_str(rest);
        }
        out = kept;
    }
    // `postgres://USER:PASSWORD@HOST`
    let address = out.split_once("://").and_then(|(scheme, rest)| {
        let (_secret, host) = rest.rsplit_once('@')?;
        Some(format!("{scheme}://…@{host}"))
    });
    address.unwrap_or(out).chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_cut_out() {
        for (text, wanted) in [
            ("token ccadmin_AbC-1_2 and ccenrol_x: no", "token ccadmin_… and ccenrol_…: no"),
            ("GET /codex/ccconfig_q9/codex", "GET /codex/ccconfig_…/codex"),
            ("to postgres://fleet:se@cret@db/fleet", "to postgres://…@db/fleet"),
            ("nothing at all", "nothing at all"),
        ] {
            assert_eq!(redacted(text), wanted);
        }
        assert_eq!(redacted(&"x".repeat(MAX_TEXT + 1)).len(), MAX_TEXT);
    }
}
