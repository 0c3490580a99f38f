//! Workflow commands: annotations that GitHub shows beside the lines of a change.

use codex_schema::diagnostic::{Diagnostic, Severity};

use super::located::{Located, more};
use super::{Style, summary};

/// The report as one workflow command a finding, then a line that counts.
pub fn github(located: Located<'_>) -> String {
    let report = located.report;
    let mut out = String::new();
    for diagnostic in &report.diagnostics {
        let lines = more(diagnostic);
        let level = match diagnostic.severity {
            Severity::Info => "notice",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        command(located, diagnostic, level, &lines, &mut out);
    }
    for allowed in &report.allowed {
        let lines = [format!("allowed until {}: {}", allowed.until, allowed.reason)];
        command(located, &allowed.diagnostic, "notice", &lines, &mut out);
    }
    out.push_str(summary(report, Style::default()).lines().next().unwrap_or_default());
    out.push('\n');
    out
}

fn command(
    located: Located<'_>,
    diagnostic: &Diagnostic,
    level: &str,
    lines: &[String],
    out: &mut String,
) {
    let span = diagnostic.primary.span;
    let mut properties = Vec::new();
    if let Some(name) = located.name(span.source) {
        properties.push(format!("file={}", property(&located.path(name))));
    }
    if let Some(region) = located.region(span) {
        let (start, end) = (region.start, region.end);
        properties.push(format!("line={},endLine={}", start.line, end.line));
        // Columns are taken only when the place does not leave its line.
        if start.line == end.line {
            properties.push(format!("col={},endColumn={}", start.column, end.column));
        }
    }
    let title = format!("{}: {}", diagnostic.code, diagnostic.code.rule().title);
    properties.push(format!("title={}", property(&title)));
    let mut text = located.message(diagnostic);
    for line in lines {
        text.push('\n');
        text.push_str(line);
    }
    out.push_str(&format!("::{level} {}::{}\n", properties.join(","), data(&text)));
}

/// The text of a command: it must stay on one line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property: nothing in it may end the property or the command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
