//! Rules about whole policies, as far as one file shows what it gets wrong.

use codex_schema::source::Channel;
use codex_schema::span::{SourceId, Span};
use codex_schema::value::Table;

use super::document::Subject;
use super::{FileKind, Findings, Report};
use crate::compose::normalise::rename;
use crate::lint::{self, Extent, lint_extent};
use crate::machine::Os;
use crate::sources::rules_file::{self, Limits, RulesFile};

/// Every system: the file does not say where it goes.
const SYSTEMS: &[Os] = &[Os::Linux, Os::Macos, Os::Windows];

/// Adds what a file of requirements gets wrong.
pub(super) fn add(subject: &Subject<'_>, report: &Report, found: &mut Findings) {
    let Some(channel) = subject.channel.filter(|_| subject.kind == FileKind::Requirements) else {
        return;
    };
    let mut root = subject.root.clone();
    rename(&mut root);
    of_file(subject.id, &root, &[], &[channel], report, found);
}

/// Adds what a file of command rules gets wrong.
pub(super) fn add_rules(id: SourceId, report: &Report, found: &mut Findings) {
    let text = report.documents.get(id).map(|document| document.text.clone());
    let read = text.and_then(|text| rules_file::read(&text, &Limits::default()).ok());
    let Some(file) = read else { return };
    let channels = [Channel::System];
    of_file(id, &Table::default(), &[(id, file)], &channels, report, found);
}

fn of_file(
    id: SourceId,
    requirements: &Table,
    rules: &[(SourceId, RulesFile)],
    channels: &[Channel],
    report: &Report,
    found: &mut Findings,
) {
    let config = Table::default();
    let subject = lint::Subject {
        requirements,
        config: &config,
        rules,
        documents: &report.documents,
        versions: &report.versions,
        channels,
        systems: SYSTEMS,
        anchor: Span::new(id, 0, 0),
    };
    lint_extent(&subject, Extent::File).into_iter().for_each(|one| found.add(one));
}
