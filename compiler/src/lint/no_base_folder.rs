//! Relative paths in channels that have no file. What is denied for reading has a rule of its
//! own.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::key::Text;
use codex_schema::lookup::REQUIREMENTS;
use codex_schema::path::parts;
use codex_schema::source::Channel;

use super::deny_read_relative::is_relative;
use super::view::{View, entry, texts};

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let mut without_folder = Vec::new();
    for channel in subject.channels {
        match channel {
            Channel::Cloud => without_folder.push("the cloud"),
            Channel::Mdm | Channel::LegacyMdm => without_folder.push("managed preferences"),
            Channel::System | Channel::LegacyFile => {}
        }
    }
    let Some(channel) = without_folder.first() else { return Vec::new() };
    let rows = REQUIREMENTS
        .keys()
        .iter()
        .filter(|row| row.text != Text::Plain && row.path != "permissions.filesystem.deny_read");
    let mut found = Vec::new();
    for row in rows {
        let path: Vec<&str> = parts(row.path).collect();
        let Some(entry) = entry(subject.requirements, &path) else { continue };
        let own = entry.node.value.as_str().map(|text| (text, entry.node.span));
        for (text, span) in own.into_iter().chain(texts(&entry.node)) {
            if is_relative(text) {
                let message = format!("`{text}` is relative, and {channel} has no folder");
                found.push(
                    Diagnostic::new(Code::NoBaseFolder, message, span)
                        .help("write an absolute path, or one that begins with `~/`"),
                );
            }
        }
    }
    found
}
