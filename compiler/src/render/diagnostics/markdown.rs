//! Markdown for comments on changes and for summaries of runs.

use codex_schema::diagnostic::Diagnostic;

use super::located::{Located, more};
use super::{Style, place, summary, words};

/// Most findings in the table: comments have a size limit.
const MOST: usize = 100;

/// The report as Markdown.
pub fn markdown(located: Located<'_>) -> String {
    let report = located.report;
    let count = summary(report, Style::default());
    let count = count.lines().next().unwrap_or_default();
    let mut out = format!("### codex-config check\n\n{}\n", text(count));
    if !report.diagnostics.is_empty() {
        out.push_str("\n| | place | finding |\n|---|---|---|\n");
        for diagnostic in report.diagnostics.iter().take(MOST) {
            out.push_str(&row(located, diagnostic, &more(diagnostic)));
        }
    }
    if let Some(more) = report.diagnostics.len().checked_sub(MOST).filter(|more| *more > 0) {
        out.push_str(&format!("\n{more} more are not listed.\n"));
    }
    if !report.allowed.is_empty() {
        let number = report.allowed.len();
        out.push_str(&format!("\n<details><summary>{number} allowed by comments</summary>\n\n"));
        out.push_str("| | place | finding |\n|---|---|---|\n");
        for allowed in report.allowed.iter().take(MOST) {
            let reason = format!("allowed until {}: {}", allowed.until, allowed.reason);
            out.push_str(&row(located, &allowed.diagnostic, &[words::clean(&reason)]));
        }
        out.push_str("\n</details>\n");
    }
    out
}

fn row(located: Located<'_>, diagnostic: &Diagnostic, lines: &[String]) -> String {
    let span = diagnostic.primary.span;
    let name = located.name(span.source).map(|name| located.path(name));
    let place = match (name, located.region(span)) {
        (Some(name), Some(region)) => format!("{name}:{}", region.start),
        (Some(name), None) => name,
        (None, _) => place(located.report, span),
    };
    let mut cell = text(&words::clean(&located.message(diagnostic)));
    for line in lines {
        cell.push_str("<br>");
        cell.push_str(&text(line));
    }
    let (word, code) = (diagnostic.severity.word(), diagnostic.code);
    let place = code_text(&words::clean(&place));
    format!("| {word} {code} | <code>{place}</code> | {cell} |\n")
}

/// A sentence whose parts in backticks become code. Nothing an author wrote is read as Markdown or
/// HTML, and nobody is mentioned.
pub(crate) fn text(sentence: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for one in sentence.chars() {
        match one {
            '`' => {
                out.push_str(if inside { "</code>" } else { "<code>" });
                inside = !inside;
            }
            '@' if !inside => out.push_str("&#64;&#8203;"),
            _ => push(one, &mut out),
        }
    }
    if inside {
        out.push_str("</code>");
    }
    out
}

/// A text that stands inside of code.
pub(crate) fn code_text(text: &str) -> String {
    let mut out = String::new();
    text.chars().for_each(|one| push(one, &mut out));
    out
}

fn push(one: char, out: &mut String) {
    // A bracket is harmless once square ones are not read.
    if one.is_alphanumeric() || !one.is_ascii() || " .,/:;-()=?'+%".contains(one) {
        out.push(one);
    } else {
        out.push_str(&format!("&#{};", u32::from(one)));
    }
}
