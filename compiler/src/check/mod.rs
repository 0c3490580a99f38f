//! Finds every mistake of policy files at once: one diagnostic for one mistake.
//!
//! Reading order: this file (what goes in and comes out), `kind` (what a file is for), `document`
//! (one TOML text: syntax, then `names`, then `types`, then `meaning`, `config`, `versions` and the
//! small rules), `preferences`, `bundle` and `rules` (the files around such texts), `secrets`.
//!
//! **One mistake, one diagnostic.** A text is first held against the key table, which reports
//! names and types; what was reported is then taken out, and only the rest is asked for its
//! meaning, until nothing new is found. Lines that are not TOML hide nothing but themselves.
//!
//! **Invariants.** No file, clock or network: bytes come in with the name they were found under.
//! Never fails as a whole and never panics. Every claim about a Codex version is either computed
//! by the model of that version (`compose`) or data in `versions`, tested against the programs.

mod bundle;
mod channels;
mod config;
mod document;
mod domains;
mod entries;
mod files;
mod fixes;
mod kind;
mod lints;
mod lookalikes;
mod meaning;
mod names;
mod place;
mod policies;
mod preferences;
mod profiles;
mod rules;
mod secrets;
mod tree;
mod types;
mod versions;

use std::collections::HashMap;

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Severity};
use codex_schema::source::{Documents, Source};
use codex_schema::span::Span;
use codex_schema::version::Version;

pub use channels::Surroundings;
pub use files::read_inputs;
pub use kind::FileKind;
pub use profiles::Strictness;
pub(crate) use secrets::blank;
pub(crate) use secrets::collect as collect_secrets;
pub use secrets::redacted;
pub use tree::{CheckedTree, Scope, Tree, Visit, check_repository, check_tree};

use crate::files::Unreadable;
use crate::sources::mdm::ManagedPreferences;
use crate::suppress::Allowed;

/// One file to be checked.
#[derive(Clone, Debug)]
pub struct Input {
    /// The name it was found under; shown in every place.
    pub name: String,
    /// What was read, or why nothing could be.
    pub content: Result<Vec<u8>, Unread>,
    /// What the file is, when the caller knows.
    pub kind: Option<FileKind>,
}

/// Why there are no bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// There is no such file.
    Absent,
    /// It is there and cannot be read.
    Unreadable(Unreadable),
}

/// What to check against.
#[derive(Clone, Debug)]
pub struct Options {
    /// The Codex versions of interest; the newest one known when empty.
    pub versions: Vec<Version>,
    /// Most diagnostics listed for one file.
    pub max_per_file: usize,
    /// What profiles are held against, where they are to be looked at strictly.
    pub profiles: Option<Strictness>,
}

impl Default for Options {
    fn default() -> Self {
        Self { versions: Vec::new(), max_per_file: 200, profiles: None }
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Every text that was looked at; the spans of diagnostics are places in these.
    pub documents: Documents,
    /// The files, in the order given.
    pub files: Vec<Checked>,
    /// What is wrong, file by file, each in the order of its text.
    pub diagnostics: Vec<Diagnostic>,
    /// Places that hold secrets: never to be shown. Texts of diagnostics are free of them.
    pub secrets: Vec<Span>,
    /// The versions that were checked against, ascending.
    pub versions: Vec<Version>,
    /// Findings that a comment allows, with the comment: shown, and not counted.
    pub allowed: Vec<Allowed>,
}

/// A file that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its name.
    pub name: String,
    /// What it was taken for; `None` when that is not clear.
    pub kind: Option<FileKind>,
    /// How many errors it has.
    pub errors: usize,
    /// How many warnings.
    pub warnings: usize,
}

impl Report {
    /// How many diagnostics have a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|found| found.severity == severity).count()
    }

    /// Whether there is an error.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }
}

/// Checks files.
pub fn check(inputs: Vec<Input>, options: &Options) -> Report {
    let mut versions = options.versions.clone();
    if versions.is_empty() {
        versions.push(Version::NEWEST);
    }
    versions.sort_unstable();
    versions.dedup();
    let mut report = Report { versions, ..Report::default() };
    let mut seen = profiles::Seen::default();
    for input in inputs {
        check_file(input, options, &mut seen, &mut report);
    }
    report
}

fn check_file(input: Input, options: &Options, seen: &mut profiles::Seen, report: &mut Report) {
    let Input { name, content, kind } = input;
    let mut found = Findings::default();
    let kind = match content {
        Ok(bytes) => {
            let (kind, profile) = check_bytes(&name, bytes, kind, report, &mut found);
            if let (Some(strictness), Some((read, outer))) = (&options.profiles, profile) {
                profiles::check(&read, &outer, strictness, seen, &mut found);
            }
            kind
        }
        Err(reason) => {
            let span = report.file(&name, "");
            found.add(files::unreadable(&name, &reason, span));
            kind
        }
    };
    let mut diagnostics = found.finish();
    secrets::scrub(report, &mut diagnostics);
    if diagnostics.len() > options.max_per_file {
        let dropped = diagnostics.len() - options.max_per_file;
        diagnostics.truncate(options.max_per_file);
        let span = diagnostics.last().map_or(Span::BUILT_IN, |last| last.primary.span);
        let message = format!("{dropped} more problems of this file are not listed");
        diagnostics.push(Diagnostic::new(Code::TooManyProblems, message, span));
    }
    let count = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    report.files.push(Checked { name, kind, errors, warnings });
    report.diagnostics.append(&mut diagnostics);
}

fn check_bytes(
    name: &str,
    bytes: Vec<u8>,
    kind: Option<FileKind>,
    report: &mut Report,
    found: &mut Findings,
) -> (Option<FileKind>, Option<(ManagedPreferences, preferences::Outer)>) {
    let Some(kind) = kind.or_else(|| FileKind::guess(name, &bytes)) else {
        let span = report.file(name, "");
        let message = format!("it is not clear what `{name}` is for");
        found.add(Diagnostic::new(Code::UnknownKind, message, span).help(
            "name the kind: `--as requirements`, `config`, `managed-config`, `bundle`, \
             `preferences` or `rules`",
        ));
        return (None, None);
    };
    if kind == FileKind::Preferences {
        return (Some(kind), Some(preferences::check(name, &bytes, report, found)));
    }
    match files::decode(bytes) {
        Ok(text) => {
            let identity = Source::File { path: name.to_owned() };
            // Codex skips a byte order mark; columns count from what follows.
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let id = report.documents.add(identity, text);
            match kind {
                FileKind::Requirements | FileKind::Config | FileKind::ManagedConfig => {
                    document::check(id, kind, document::Extent::Whole, report, found);
                }
                FileKind::Bundle => bundle::check(id, report, found),
                FileKind::Rules => {
                    rules::check(id, report, found);
                    lints::add_rules(id, report, found);
                }
                FileKind::Preferences => {}
            }
        }
        Err(wrong) => {
            let span = report.file(name, &wrong.readable);
            let end = Span { start: span.end, ..span };
            found.add(files::not_text(&wrong, kind, end));
        }
    }
    (Some(kind), None)
}

impl Report {
    /// Registers a file's text; the span is all of it.
    fn file(&mut self, name: &str, text: &str) -> Span {
        let id = self.documents.add(Source::File { path: name.to_owned() }, text);
        Span::new(id, 0, text.len())
    }
}

/// What is found in one file, without repetitions.
#[derive(Debug, Default)]
struct Findings {
    list: Vec<Diagnostic>,
    /// Where in the list the finding of a code at a place is.
    known: HashMap<(Code, Span), usize, foldhash::fast::RandomState>,
}

impl Findings {
    /// Adds a finding. The same mistake found again (for another version, on another way) adds
    /// only what is new about its effects.
    fn add(&mut self, diagnostic: Diagnostic) {
        let same = (diagnostic.code, diagnostic.primary.span);
        if let Some(known) = self.known.get(&same).and_then(|at| self.list.get_mut(*at)) {
            for effect in diagnostic.effects {
                add_effect(&mut known.effects, effect);
            }
            return;
        }
        self.known.insert(same, self.list.len());
        self.list.push(diagnostic);
    }

    fn retain(&mut self, keep: impl Fn(&Diagnostic) -> bool) {
        self.list.retain(keep);
        let places = self.list.iter().map(|found| (found.code, found.primary.span));
        self.known = places.zip(0..).collect();
    }

    /// Drops findings that are about none of the versions of interest. That a name is new is said
    /// for the sake of older versions, asked for or not.
    fn keep_relevant(&mut self, versions: &[Version]) {
        self.retain(|found| {
            let about = |version: &Version| {
                found.effects.iter().any(|effect| effect.versions.contains(*version))
            };
            let always = found.code == Code::NewName || found.effects.is_empty();
            always || versions.iter().any(about)
        });
    }

    /// All places of the findings of a code.
    fn places(&self, code: Code) -> Vec<Span> {
        let of_code = self.list.iter().filter(|found| found.code == code);
        of_code
            .flat_map(|found| std::iter::once(&found.primary).chain(&found.labels))
            .map(|label| label.span)
            .collect()
    }

    /// Drops findings of some codes at some places.
    fn drop_at(&mut self, codes: &[Code], places: &[Span]) {
        if places.is_empty() {
            return;
        }
        self.retain(|found| !(codes.contains(&found.code) && places.contains(&found.primary.span)));
    }

    fn finish(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|found| (found.primary.span.source, found.primary.span.start));
        self.list
    }
}

/// Adds an effect. What is known of one version only adds Codex's words to what is known of a
/// range that holds it.
fn add_effect(known: &mut Vec<Effect>, effect: Effect) {
    if known.contains(&effect) {
        return;
    }
    let one = effect.versions.first.filter(|first| effect.versions.last == Some(*first));
    let range = one.and_then(|version| {
        known
            .iter_mut()
            .find(|range| range.outcome == effect.outcome && range.versions.contains(version))
    });
    match range {
        Some(range) => range.says = range.says.take().or(effect.says),
        None => known.push(effect),
    }
}

#[cfg(test)]
mod tests;
