//! What each deployed version makes of a merged policy: keys it does not know, values it refuses.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::inspect::inspect;
use codex_schema::reader;
use codex_schema::source::{Document, Source};

use super::document::Subject;
use super::{FileKind, Findings, names, versions};
use crate::lint;

/// Rules that depend on the version.
const OF_VERSIONS: &[Code] =
    &[Code::KeyTooNew, Code::NewName, Code::ValueRefused, Code::RetiredKey, Code::UnknownFeature];

/// What the versions of a cohort ignore or refuse of its requirements, in the order of its
/// documents. The same place is named once, with what every version does.
pub fn versions_gate(policy: &lint::Subject<'_>) -> Vec<Diagnostic> {
    let id = policy.anchor.source;
    let unnamed = || Document { source: Source::Argument { index: 0 }, text: "".into() };
    let document = policy.documents.get(id).cloned().unwrap_or_else(unnamed);
    let merged = reader::Document { root: policy.requirements.clone(), problems: Vec::new() };
    let subject = Subject::new(FileKind::Requirements, &document, id, &merged);
    let mut found = Findings::default();
    // The newest version first: its findings are the ones that are shown.
    for &version in policy.versions.iter().rev() {
        let inspection = inspect(subject.root, subject.tree, version);
        names::add(&subject, &inspection, version, &mut found);
        versions::add(&subject, version, &mut found);
    }
    found.keep_relevant(policy.versions);
    found.finish().into_iter().filter(|one| OF_VERSIONS.contains(&one.code)).collect()
}
