//! Where a finding is, for programs that know files, lines and columns only.

use codex_schema::diagnostic::Diagnostic;
use codex_schema::source::Source;
use codex_schema::span::{Position, SourceId, Span};

use super::words;
use crate::check::Report;

/// A report and the folder that its relative file names start from, as the reader names it.
#[derive(Clone, Copy, Debug)]
pub struct Located<'report> {
    /// The report.
    pub report: &'report Report,
    /// The folder, empty for the current one.
    pub folder: &'report str,
}

/// A stretch of a file, all counted from 1; the end column is one past the last character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) start: Position,
    pub(super) end: Position,
}

impl Located<'_> {
    /// The name of the file that holds a document: its own, or that of the bundle or profile
    /// around it.
    pub(super) fn name(&self, source: SourceId) -> Option<&str> {
        match &self.report.documents.get(source)?.source {
            Source::File { path } | Source::Preference { path, .. } => Some(path),
            Source::Fragment { .. } => {
                let below = usize::try_from(source.0).ok()?;
                let earlier: Vec<_> = self.report.documents.iter().take(below).collect();
                earlier.into_iter().rev().find_map(|document| match &document.source {
                    Source::File { path } => Some(path.as_str()),
                    _ => None,
                })
            }
            Source::Argument { .. } => None,
        }
    }

    /// The file's path with forward slashes, from where the reader stands.
    pub(super) fn path(&self, name: &str) -> String {
        let name = name.replace('\\', "/");
        let folder = self.folder.replace('\\', "/");
        let folder = folder.trim_end_matches('/');
        let folder = folder.strip_prefix("./").unwrap_or(folder);
        let absolute = name.starts_with('/') || name.get(1..3) == Some(":/");
        if absolute || folder.is_empty() || folder == "." {
            return name.strip_prefix("./").unwrap_or(&name).to_owned();
        }
        format!("{folder}/{name}")
    }

    /// The place in a file of its own; `None` in a text that is packed into another file, whose
    /// lines are not the file's.
    pub(super) fn region(&self, span: Span) -> Option<Region> {
        let document = self.report.documents.get(span.source)?;
        if document.text.is_empty() || !matches!(document.source, Source::File { .. }) {
            return None;
        }
        let start = Position::of(&document.text, span.start);
        Some(Region { start, end: Position::of(&document.text, span.end.max(span.start)) })
    }

    /// What to say of a finding, with the packed text it is in.
    pub(super) fn message(&self, diagnostic: &Diagnostic) -> String {
        let source = self.report.documents.get(diagnostic.primary.span.source);
        let inner = source.map(|document| &document.source);
        match inner.filter(|source| !matches!(source, Source::File { .. })) {
            Some(source) => words::clean(&format!("{source}: {}", diagnostic.message)),
            None => words::clean(&diagnostic.message),
        }
    }

    /// The line of a finding without the space around it, secrets blanked out.
    pub(super) fn line_text(&self, span: Span) -> String {
        let Some(document) = self.report.documents.get(span.source) else { return String::new() };
        let text: &str = &document.text;
        let at = usize::try_from(span.start).unwrap_or(usize::MAX).min(text.len());
        let before = text.get(..at).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = text.get(start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let end = start + line.len();
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let (from, to) = (narrow(start), narrow(end));
        let on_line =
            |secret: &&Span| secret.source == span.source && secret.start < to && from < secret.end;
        let mut secrets: Vec<Span> = self
            .report
            .secrets
            .iter()
            .filter(on_line)
            .map(|secret| Span {
                source: secret.source,
                start: secret.start.saturating_sub(from),
                end: secret.end.min(to).saturating_sub(from),
            })
            .collect();
        crate::check::blank(line, &mut secrets).trim().to_owned()
    }
}

/// What Codex does and what to write instead: further sentences for a finding.
pub(super) fn more(diagnostic: &Diagnostic) -> Vec<String> {
    let mut lines = Vec::new();
    if !diagnostic.primary.text.is_empty() {
        lines.push(words::clean(&diagnostic.primary.text));
    }
    lines.extend(diagnostic.help.iter().map(|help| words::clean(&format!("help: {help}"))));
    lines.extend(diagnostic.effects.iter().map(|effect| words::clean(&effect.sentence())));
    lines
}
