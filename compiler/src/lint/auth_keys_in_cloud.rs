//! Keys that only channels on the machine may carry, in a policy that has none.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::key::Channels;
use codex_schema::lookup::REQUIREMENTS;
use codex_schema::path::parts;
use codex_schema::source::Channel;

use super::view::{View, entry};

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let cloud_only = subject.channels.iter().all(|channel| *channel == Channel::Cloud);
    if subject.channels.is_empty() || !cloud_only {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for row in REQUIREMENTS.keys().iter().filter(|row| row.channels != Channels::All) {
        let Some(first) = parts(row.path).next().filter(|first| !seen.contains(first)) else {
            continue;
        };
        let Some(entry) = entry(subject.requirements, &[first]) else { continue };
        seen.push(first);
        let message = match row.channels {
            Channels::LocalOrRefused => {
                format!("`{first}` from the cloud makes Codex refuse the whole bundle")
            }
            Channels::All | Channels::Local => format!("Codex drops `{first}` from the cloud"),
        };
        found.push(
            Diagnostic::new(Code::AuthKeysInCloud, message, entry.key.span)
                .help("deliver it through `requirements.toml` or managed preferences"),
        );
    }
    found
}
