//! Diagnostics for people (with the source line and carets), for scripts and screen readers (one
//! fact per line) and for programs (JSON).
//!
//! Own code instead of a library: secrets are masked where the key table says so, long lines are
//! clipped around the mistake, and the same layout has to serve without colour and without box
//! drawing.

#[cfg(test)]
mod forms_tests;
mod github;
mod json;
mod junit;
mod located;
mod markdown;
mod sarif;
mod snippet;
#[cfg(test)]
mod tests;
mod words;

use codex_schema::diagnostic::{Diagnostic, Effect, Severity};
use codex_schema::span::Span;

use crate::check::Report;
use crate::suppress::Allowed;

pub use github::github;
pub use json::{json, json_lines, to_value};
pub(crate) use junit::escaped;
pub use junit::junit;
pub use located::Located;
pub use markdown::markdown;
pub(crate) use markdown::{code_text, text};
pub use sarif::sarif;

/// How text for people is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns of the terminal; never more than 100 are used.
    pub width: usize,
    /// Whether colours are used.
    pub colour: Colour,
    /// Which characters draw lines.
    pub glyphs: Glyphs,
}

/// Whether colours are used. They never carry meaning alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Escape sequences.
    Ansi,
    /// None.
    None,
}

/// Which characters draw lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Box drawing.
    Unicode,
    /// ASCII only.
    Ascii,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: WIDEST, colour: Colour::None, glyphs: Glyphs::Unicode }
    }
}

/// Widest output, in columns.
const WIDEST: usize = 100;

/// Narrowest layout that is attempted.
const NARROWEST: usize = 40;

/// A role of text, for colouring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Error,
    Warning,
    Strong,
    Quiet,
}

impl Style {
    fn columns(self) -> usize {
        self.width.clamp(NARROWEST, WIDEST)
    }

    fn paint(self, role: Role, text: &str) -> String {
        if self.colour == Colour::None || text.is_empty() {
            return text.to_owned();
        }
        let code = match role {
            Role::Error => "1;31",
            Role::Warning => "1;33",
            Role::Strong => "1",
            Role::Quiet => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    fn bar(self) -> &'static str {
        if self.glyphs == Glyphs::Unicode { "│" } else { "|" }
    }

    fn corner(self) -> &'static str {
        if self.glyphs == Glyphs::Unicode { "┌─" } else { "-->" }
    }
}

fn role(severity: Severity) -> Role {
    match severity {
        Severity::Error => Role::Error,
        Severity::Warning => Role::Warning,
        Severity::Info => Role::Quiet,
    }
}

/// The report for people: each diagnostic with its source line, then a summary.
pub fn human(report: &Report, style: Style) -> String {
    let mut out = String::new();
    for diagnostic in &report.diagnostics {
        one(report, diagnostic, style, &mut out);
        out.push('\n');
    }
    for one in &report.allowed {
        allowed(report, one, style, &mut out);
        out.push('\n');
    }
    out.push_str(&summary(report, style));
    out
}

fn one(report: &Report, diagnostic: &Diagnostic, style: Style, out: &mut String) {
    let word = format!("{}[{}]", diagnostic.severity.word(), diagnostic.code);
    let head = format!("{word}: {}", diagnostic.message);
    for (index, line) in words::wrap(&head, style.columns(), 2).iter().enumerate() {
        let painted = match (index, line.strip_prefix(&word)) {
            (0, Some(rest)) => {
                let rest = style.paint(Role::Strong, rest);
                format!("{}{rest}", style.paint(role(diagnostic.severity), &word))
            }
            _ => style.paint(Role::Strong, line),
        };
        push_line(out, &painted);
    }
    snippet::draw(report, diagnostic, style, out);
    if let Some(help) = &diagnostic.help {
        note(style, "help", help, out);
    }
    for effect in &diagnostic.effects {
        effect_note(effect, style, out);
    }
}

/// An allowed finding: one sentence, its place, and why.
fn allowed(report: &Report, allowed: &Allowed, style: Style, out: &mut String) {
    let Allowed { diagnostic, reason, until, comment: _ } = allowed;
    let head = format!("allowed[{}]: {}", diagnostic.code, diagnostic.message);
    for line in words::wrap(&head, style.columns(), 2) {
        push_line(out, &style.paint(Role::Quiet, &line));
    }
    let place = place(report, diagnostic.primary.span);
    push_line(out, &format!("  {} {place}", style.corner()));
    note(style, &format!("until {until}"), reason, out);
}

fn effect_note(effect: &Effect, style: Style, out: &mut String) {
    let sentence = effect.sentence();
    let (who, what) = sentence.split_once(": ").unwrap_or(("Codex", &sentence));
    note(style, who, what, out);
    for line in effect.says.iter().flat_map(|says| says.lines()) {
        let room = style.columns().saturating_sub(6);
        for piece in words::wrap(line, room, 2) {
            push_line(out, &format!("      {}", style.paint(Role::Quiet, &piece)));
        }
    }
}

fn note(style: Style, name: &str, text: &str, out: &mut String) {
    let lines = words::wrap(&format!("{name}: {text}"), style.columns().saturating_sub(4), 2);
    for (index, line) in lines.iter().enumerate() {
        let lead = if index == 0 { "  = " } else { "    " };
        let line = match (index, line.strip_prefix(name)) {
            (0, Some(rest)) => format!("{}{rest}", style.paint(Role::Strong, name)),
            _ => line.clone(),
        };
        push_line(out, &format!("{lead}{line}"));
    }
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

/// The last line: how much was found in how many files.
pub fn summary(report: &Report, style: Style) -> String {
    let errors = report.count(Severity::Error);
    let warnings = report.count(Severity::Warning);
    let files = counted(report.files.len(), "file");
    let versions: Vec<String> =
        report.versions.iter().map(std::string::ToString::to_string).collect();
    let against = format!("checked against Codex {}", versions.join(", "));
    let aside = match report.allowed.len() {
        0 => String::new(),
        count => format!(" ({count} allowed)"),
    };
    if report.diagnostics.is_empty() {
        let line = format!("no problems in {files}{aside}, {against}");
        return words::wrap(&line, style.columns(), 2).join("\n") + "\n";
    }
    let mut parts = Vec::new();
    if errors > 0 {
        parts.push(style.paint(Role::Error, &counted(errors, "error")));
    }
    if warnings > 0 {
        parts.push(style.paint(Role::Warning, &counted(warnings, "warning")));
    }
    let notes = report.count(Severity::Info);
    if notes > 0 {
        parts.push(counted(notes, "note"));
    }
    let mut text = String::new();
    let line = format!("{}{aside} in {files}, {against}", parts.join(", "));
    if style.colour == Colour::None {
        for line in words::wrap(&line, style.columns(), 2) {
            push_line(&mut text, &line);
        }
    } else {
        push_line(&mut text, &line);
    }
    if let Some(first) = report.diagnostics.first() {
        let hint = format!("what a code means: codex-config check --explain {}", first.code);
        for line in words::wrap(&hint, style.columns(), 2) {
            push_line(&mut text, &style.paint(Role::Quiet, &line));
        }
    }
    text
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The report with one fact per line, each naming its place: for scripts, logs and screen readers.
pub fn plain(report: &Report) -> String {
    let mut out = String::new();
    for diagnostic in &report.diagnostics {
        let place = place(report, diagnostic.primary.span);
        let mut fact = |kind: &str, text: &str| {
            let text: Vec<String> = text.lines().map(words::clean).collect();
            let text = text.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
            push_line(
                &mut out,
                &format!("{place}: {kind}: {}", text.collect::<Vec<_>>().join(" ")),
            );
        };
        let kind = format!("{} {}", diagnostic.severity.word(), diagnostic.code);
        fact(&kind, &diagnostic.message);
        if !diagnostic.primary.text.is_empty() {
            fact("note", &diagnostic.primary.text);
        }
        for label in &diagnostic.labels {
            let other = crate::render::diagnostics::place(report, label.span);
            fact("see", &format!("{other} {}", label.text));
        }
        if let Some(help) = &diagnostic.help {
            fact("help", help);
        }
        for effect in &diagnostic.effects {
            fact("effect", &effect.sentence());
            if let Some(says) = &effect.says {
                fact("says", says);
            }
        }
    }
    for allowed in &report.allowed {
        let Allowed { diagnostic, reason, until, comment: _ } = allowed;
        let place = place(report, diagnostic.primary.span);
        let message = words::clean(&diagnostic.message);
        push_line(&mut out, &format!("{place}: allowed {}: {message}", diagnostic.code));
        push_line(&mut out, &format!("{place}: until {until}: {}", words::clean(reason)));
    }
    out.push_str(summary(report, Style::default()).lines().next().unwrap_or_default());
    out.push('\n');
    out
}

/// `FILE:LINE:COLUMN`, or the file alone where nothing of it could be shown.
pub fn place(report: &Report, span: Span) -> String {
    words::clean(&match report.documents.get(span.source) {
        Some(document) if document.text.is_empty() => document.source.to_string(),
        _ => report.documents.place(span),
    })
}
