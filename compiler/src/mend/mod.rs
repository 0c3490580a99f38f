//! Applies the fixes that findings carry: `codex-config check --fix`.
//!
//! Reading order: this file (which fixes, how often, and the guard), `edits` (one fix as changes of
//! a text).
//!
//! **Invariants.** All edits of a finding or none. Where two fixes touch, the first one wins and
//! the other is tried again on the new text. If what comes out has more errors than what went in,
//! nothing is kept. No file is read or written here: whoever calls checks the new texts.

mod edits;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use codex_schema::diagnostic::{Code, Severity};
use codex_schema::source::Source;
use codex_schema::span::SourceId;

use crate::check::Report;

/// How often the files are checked and mended again.
const ROUNDS: usize = 20;

/// The new texts of files, by the names they have in the report.
pub type Texts = BTreeMap<String, String>;

/// What mending did.
#[derive(Debug)]
pub struct Mended {
    /// The texts that changed.
    pub texts: Texts,
    /// What was done, in order.
    pub done: Vec<Done>,
    /// What is found in the new texts.
    pub report: Report,
    /// How many errors there would have been, when nothing was kept because of them.
    pub worse: Option<usize>,
}

/// One fix that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The finding's code.
    pub code: Code,
    /// `FILE:LINE:COLUMN` in the text as it was then.
    pub place: String,
    /// What was done.
    pub title: String,
}

/// Mends what a report found, or only the findings of one code. `recheck` checks the same files
/// with some of them replaced.
pub fn mend(report: Report, only: Option<Code>, recheck: &dyn Fn(&Texts) -> Report) -> Mended {
    let errors = report.count(Severity::Error);
    let mut texts = Texts::new();
    let mut done = Vec::new();
    let mut now = report.clone();
    for _ in 0..ROUNDS {
        let round = round(&now, only);
        if round.done.is_empty() {
            break;
        }
        texts.extend(round.texts);
        done.extend(round.done);
        now = recheck(&texts);
    }
    let after = now.count(Severity::Error);
    if after > errors {
        return Mended { texts: Texts::new(), done: Vec::new(), report, worse: Some(after) };
    }
    Mended { texts, done, report: now, worse: None }
}

#[derive(Default)]
struct Round {
    texts: Texts,
    done: Vec<Done>,
}

/// Applies every fix that does not touch an earlier one.
fn round(report: &Report, only: Option<Code>) -> Round {
    let mut documents: BTreeMap<SourceId, edits::Changes> = BTreeMap::new();
    let mut done = Vec::new();
    for diagnostic in &report.diagnostics {
        let Some(fix) = &diagnostic.fix else { continue };
        if only.is_some_and(|code| code != diagnostic.code) || fix.edits.is_empty() {
            continue;
        }
        let mut next = documents.clone();
        let all = fix.edits.iter().all(|edit| {
            let source = edits::source(edit);
            let Some((_, text)) = file(report, source) else { return false };
            next.entry(source).or_default().add(edit, text)
        });
        if all {
            documents = next;
            let place = report.documents.place(diagnostic.primary.span);
            done.push(Done { code: diagnostic.code, place, title: fix.title.clone() });
        }
    }
    let mut texts = Texts::new();
    for (source, changes) in documents {
        let Some((path, text)) = file(report, source) else { continue };
        match changes.apply(text) {
            Some(text) => drop(texts.insert(path.to_owned(), text)),
            // A text that cannot be edited as TOML: then nothing of this round holds together.
            None => return Round::default(),
        }
    }
    Round { texts, done }
}

/// A document that is a file of its own. What is packed into a bundle or a profile is mended where
/// it is packed.
fn file(report: &Report, source: SourceId) -> Option<(&str, &str)> {
    let document = report.documents.get(source)?;
    match &document.source {
        Source::File { path } => Some((path, &document.text)),
        _ => None,
    }
}
