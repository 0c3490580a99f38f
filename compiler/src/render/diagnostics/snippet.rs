//! Source lines with carets.

use codex_schema::diagnostic::{Diagnostic, Label};
use codex_schema::source::Document;
use codex_schema::span::{Position, Span};

use super::words::{self, width, width_of};
use super::{Role, Style, place, push_line, role};
use crate::check::Report;

/// What stands in the place of a secret.
pub(super) const REDACTED: &str = "‹redacted›";

/// Draws the primary place and every other one.
pub(super) fn draw(report: &Report, diagnostic: &Diagnostic, style: Style, out: &mut String) {
    let mut labels: Vec<&Label> =
        std::iter::once(&diagnostic.primary).chain(&diagnostic.labels).collect();
    // In the order of the text; other documents after the primary one.
    let own = diagnostic.primary.span.source;
    labels.sort_by_key(|label| (label.span.source != own, label.span.source, label.span.start));
    let line_of =
        |label: &Label| report.documents.position(label.span).map_or(1, |position| position.line);
    let gutter = labels.iter().map(|label| line_of(label).to_string().len()).max().unwrap_or(1);
    let mut document = None;
    for label in labels {
        let is_primary = std::ptr::eq(label, &raw const diagnostic.primary);
        if document != Some(label.span.source) {
            document = Some(label.span.source);
            let in_own = label.span.source == own;
            let span = if in_own { diagnostic.primary.span } else { label.span };
            let at = place(report, span);
            let corner = style.paint(Role::Quiet, style.corner());
            push_line(out, &format!("{:gutter$} {corner} {at}", ""));
        }
        let paint = if is_primary { role(diagnostic.severity) } else { Role::Quiet };
        let mark = if is_primary { '^' } else { '-' };
        one(report, label, Drawing { style, gutter, paint, mark }, out);
    }
}

#[derive(Clone, Copy)]
struct Drawing {
    style: Style,
    gutter: usize,
    paint: Role,
    mark: char,
}

/// A source line and its marks.
fn one(report: &Report, label: &Label, drawing: Drawing, out: &mut String) {
    let Drawing { style, gutter, paint, mark } = drawing;
    let Some(document) = report.documents.get(label.span.source) else { return };
    if document.text.is_empty() {
        return;
    }
    let position = Position::of(&document.text, label.span.start);
    let bar = style.paint(Role::Quiet, style.bar());
    let room = style.columns().saturating_sub(gutter + 3);
    let line = Line::of(document, label.span, &report.secrets);
    let view = line.view(room);
    let number = style.paint(Role::Quiet, &format!("{:>gutter$}", position.line));
    push_line(out, &format!("{number} {bar} {}", view.text));
    let marks: String = std::iter::repeat_n(mark, view.length.max(1)).collect();
    let indent = " ".repeat(view.start);
    let lead = format!("{:gutter$} {bar} {indent}{}", "", style.paint(paint, &marks));
    let beside = room.saturating_sub(view.start + marks.len() + 1);
    if width(&label.text) <= beside {
        push_line(out, &format!("{lead} {}", label.text));
        return;
    }
    push_line(out, &lead);
    let hang = view.start.min(room / 3);
    for piece in words::wrap(&label.text, room.saturating_sub(hang), 0) {
        push_line(out, &format!("{:gutter$} {bar} {}{piece}", "", " ".repeat(hang)));
    }
}

/// One line of source, cell by cell.
struct Line {
    /// What is printed for each character, with its columns.
    cells: Vec<(String, usize)>,
    /// Columns before the mark.
    start: usize,
    /// Columns under the mark.
    length: usize,
}

/// The part of a line that fits.
struct View {
    text: String,
    start: usize,
    length: usize,
}

impl Line {
    fn of(document: &Document, span: Span, secrets: &[Span]) -> Self {
        let text: &str = &document.text;
        let wide = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
        let (start, end) = (wide(span.start), wide(span.end));
        let begin = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let rest = text.get(begin..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let hidden: Vec<(usize, usize)> = secrets
            .iter()
            .filter(|secret| secret.source == span.source)
            .map(|secret| (wide(secret.start), wide(secret.end)))
            .filter(|(from, to)| *from < begin + line.len() && begin < *to)
            .collect();
        let mut built = Self { cells: Vec::new(), start: 0, length: 0 };
        let mut concealed = false;
        for (offset, character) in line.char_indices() {
            let at = begin + offset;
            let secret = hidden.iter().any(|(from, to)| (*from..*to).contains(&at));
            let cell = match (secret, concealed) {
                (true, true) => String::new(),
                (true, false) => REDACTED.to_owned(),
                (false, _) => shown(character, width_so_far(&built.cells)),
            };
            concealed = secret;
            let columns = width(&cell);
            if at < start {
                built.start += columns;
            } else if at < end {
                built.length += columns;
            }
            built.cells.push((cell, columns));
        }
        built
    }

    /// At most `room` columns of the line, with the mark in view.
    fn view(&self, room: usize) -> View {
        let total: usize = self.cells.iter().map(|(_, columns)| columns).sum();
        let mark = self.start + self.length.clamp(1, room / 2);
        let skip =
            if total <= room || mark < room { 0 } else { self.start.saturating_sub(room / 3) };
        let mut text = String::new();
        let (mut seen, mut used) = (0, 0);
        if skip > 0 {
            text.push('…');
            used = 1;
        }
        let mut first = None;
        for (cell, columns) in &self.cells {
            seen += columns;
            if seen <= skip {
                continue;
            }
            first.get_or_insert(seen - columns);
            let last = seen == total;
            if used + columns > room || (!last && used + columns == room) {
                text.push('…');
                used += 1;
                break;
            }
            text.push_str(cell);
            used += columns;
        }
        let cut = first.unwrap_or(0);
        let start = self.start.saturating_sub(cut) + usize::from(skip > 0);
        let length = self.length.min(used.saturating_sub(start));
        View { text, start, length }
    }
}

fn width_so_far(cells: &[(String, usize)]) -> usize {
    cells.iter().map(|(_, columns)| columns).sum()
}

/// A character as it is printed: tabs to the next stop of four, control characters as a dot.
fn shown(character: char, column: usize) -> String {
    match character {
        '\t' => " ".repeat(4 - column % 4),
        '\u{feff}' => String::new(),
        _ if character.is_control() || words::turns(character) => "·".to_owned(),
        _ if width_of(character) == 0 => String::new(),
        _ => character.to_string(),
    }
}
