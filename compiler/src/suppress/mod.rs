//! Findings that the author allows for a while, by a comment on their line or right above it:
//!
//! ```text
//! # codex-config: allow(CX0423) until=2026-12-31 reason="the proxy team moves this host, NET-41"
//! ```
//!
//! A pass over a finished [`Report`]: what is allowed moves aside, is still shown, and no longer
//! counts. A comment that is malformed, expired or unused is a finding itself. What stops Codex
//! from starting cannot be allowed: allowing it would not make Codex start.

mod comment;
#[cfg(test)]
mod tests;

use codex_schema::diagnostic::{Code, Diagnostic, Outcome, Severity};
use codex_schema::source::{Document, Source};
use codex_schema::span::{Position, SourceId, Span};
use codex_schema::types::policy::Date;

use crate::check::Report;
use comment::{Allow, Comment, LONGEST_DAYS, Language};

/// A finding that a comment allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The finding.
    pub diagnostic: Diagnostic,
    /// Why it is allowed, in the author's words.
    pub reason: String,
    /// The last day.
    pub until: Date,
    /// The comment.
    pub comment: Span,
}

/// Moves what comments allow out of a report's findings. The day is data.
#[must_use]
pub fn suppress(mut report: Report, today: Date) -> Report {
    let mut own = Vec::new();
    let mut found = Vec::new();
    for (source, document) in (0..).map(SourceId).zip(report.documents.iter()) {
        let Some(language) = language(document) else { continue };
        let comments = comment::find(&document.text, language);
        found.extend(comments.into_iter().map(|comment| (source, comment)));
    }
    let mut diagnostics = std::mem::take(&mut report.diagnostics);
    for (source, comment) in found {
        let span = Span::new(source, comment.span.start, comment.span.end);
        let allow = match judged(&comment, today) {
            Ok(allow) => allow,
            Err(problem) => {
                own.push(Diagnostic { primary: at(span), ..*problem });
                continue;
            }
        };
        own.extend(apply(&mut report, &mut diagnostics, &comment, &allow, span));
    }
    count(&mut report, &own);
    place_among(&mut diagnostics, own);
    report.diagnostics = diagnostics;
    report
}

/// Comments are looked for in files of their own; a file that was only named has no text.
fn language(document: &Document) -> Option<Language> {
    let Source::File { path } = &document.source else { return None };
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    match extension.as_deref() {
        Some("rules") => Some(Language::Starlark),
        Some("toml") => Some(Language::Toml),
        _ => None,
    }
}

fn at(span: Span) -> codex_schema::diagnostic::Label {
    codex_schema::diagnostic::Label { span, text: String::new() }
}

/// What a comment allows today.
fn judged(comment: &Comment, today: Date) -> Result<Allow, Box<Diagnostic>> {
    let malformed = |message: String| {
        let help = Code::SuppressionMalformed.rule().instead;
        let found = Diagnostic::new(Code::SuppressionMalformed, message, Span::BUILT_IN);
        Box::new(found.help(help))
    };
    let allow = comment.says.clone().map_err(malformed)?;
    if let Some(code) = allow.codes.iter().find(|code| !may_be_allowed(**code)) {
        let message = format!("`{code}` cannot be allowed: {}", code.rule().title);
        return Err(malformed(message));
    }
    let Allow { until, .. } = &allow;
    let ahead = today.days_until(*until);
    if ahead > LONGEST_DAYS {
        let message =
            format!("`{until}` is {ahead} days ahead; at most {LONGEST_DAYS} are allowed");
        return Err(malformed(message));
    }
    if ahead < 0 {
        let message = format!("the suppression ended on {until}");
        let found = Diagnostic::new(Code::SuppressionExpired, message, Span::BUILT_IN);
        return Err(Box::new(found.help(Code::SuppressionExpired.rule().instead)));
    }
    Ok(allow)
}

/// Whether findings of a code may be allowed at all: not where Codex does not start, or reads
/// nothing of the file; not findings about suppressions themselves; and not those about who may
/// decide what, because whoever writes a team's file writes its comments.
fn may_be_allowed(code: Code) -> bool {
    let number = code.rule().number;
    let stops = matches!(number, 0..100 | 200..300);
    let syntax = matches!(code, Code::WrongType | Code::DuplicateKey | Code::Base64);
    let authority = matches!(number, 600..800) || code == Code::ExceptionExpired;
    !(stops || syntax || authority)
}

/// Moves what one comment allows; gives back what is wrong with the comment.
fn apply(
    report: &mut Report,
    diagnostics: &mut Vec<Diagnostic>,
    comment: &Comment,
    allow: &Allow,
    span: Span,
) -> Vec<Diagnostic> {
    let mut unused = allow.codes.clone();
    let mut wrong = Vec::new();
    let mut kept = Vec::new();
    for diagnostic in std::mem::take(diagnostics) {
        let beside = || {
            let line = line_of(report, diagnostic.primary.span);
            line == comment.line || Some(line) == comment.below
        };
        // Lines are counted from the start of a text: only of the text with the comment.
        let here = diagnostic.primary.span.source == span.source && beside();
        if !here || !allow.codes.contains(&diagnostic.code) {
            kept.push(diagnostic);
            continue;
        }
        unused.retain(|code| *code != diagnostic.code);
        if stops_codex(&diagnostic, report) {
            let message = format!("`{}` cannot be allowed here: Codex stops", diagnostic.code);
            let found = Diagnostic::new(Code::SuppressionMalformed, message, span);
            wrong.push(found.beside(diagnostic.primary.span, "over this"));
            kept.push(diagnostic);
            continue;
        }
        uncount(report, &diagnostic);
        let (reason, until) = (allow.reason.clone(), allow.until);
        report.allowed.push(Allowed { diagnostic, reason, until, comment: span });
    }
    *diagnostics = kept;
    for code in unused {
        let message = format!("there is no `{code}` here to allow");
        let found = Diagnostic::new(Code::SuppressionUnused, message, span);
        wrong.push(found.help(Code::SuppressionUnused.rule().instead));
    }
    wrong
}

fn line_of(report: &Report, span: Span) -> u32 {
    let document = report.documents.get(span.source);
    document.map_or(0, |document| Position::of(&document.text, span.start).line)
}

/// Whether a version of interest refuses to start, or refuses every session, over a finding.
fn stops_codex(diagnostic: &Diagnostic, report: &Report) -> bool {
    let stops = |outcome| matches!(outcome, Outcome::RefusesToStart | Outcome::RefusesSessions);
    diagnostic.effects.iter().any(|effect| {
        let concerns = report.versions.iter().any(|version| effect.versions.contains(*version));
        stops(effect.outcome) && concerns
    })
}

/// The file's tallies without an allowed finding.
fn uncount(report: &mut Report, diagnostic: &Diagnostic) {
    let Some(file) = file_of(report, diagnostic) else { return };
    let tally = match diagnostic.severity {
        Severity::Error => &mut file.errors,
        Severity::Warning => &mut file.warnings,
        Severity::Info => return,
    };
    *tally = tally.saturating_sub(1);
}

/// The files' tallies with findings about the comments.
fn count(report: &mut Report, own: &[Diagnostic]) {
    for diagnostic in own {
        let Some(file) = file_of(report, diagnostic) else { continue };
        match diagnostic.severity {
            Severity::Error => file.errors += 1,
            Severity::Warning => file.warnings += 1,
            Severity::Info => {}
        }
    }
}

fn file_of<'report>(
    report: &'report mut Report,
    diagnostic: &Diagnostic,
) -> Option<&'report mut crate::check::Checked> {
    let name = report.documents.get(diagnostic.primary.span.source)?.source.to_string();
    report.files.iter_mut().find(|file| file.name == name)
}

/// Puts findings about comments beside the others of their file, in the order of the text.
fn place_among(diagnostics: &mut Vec<Diagnostic>, own: Vec<Diagnostic>) {
    for found in own {
        let span = found.primary.span;
        let same = |other: &Diagnostic| other.primary.span.source == span.source;
        let later = diagnostics
            .iter()
            .position(|other| same(other) && other.primary.span.start > span.start);
        let last = diagnostics.iter().rposition(same).map(|at| at + 1);
        let next = || {
            let higher = |other: &Diagnostic| other.primary.span.source > span.source;
            diagnostics.iter().position(higher)
        };
        let at = later.or(last).or_else(next).unwrap_or(diagnostics.len());
        diagnostics.insert(at, found);
    }
}
