//! JUnit XML: a test case for each file.

use std::collections::BTreeMap;

use codex_schema::diagnostic::{Diagnostic, Severity};

use super::located::{Located, more};
use super::{counted, place, words};
use crate::suppress::Allowed;

/// What is known of one file.
#[derive(Default)]
struct Case<'report> {
    found: Vec<&'report Diagnostic>,
    /// What is good to know and fails nothing.
    noted: Vec<&'report Diagnostic>,
    allowed: Vec<&'report Allowed>,
}

/// The report as JUnit XML.
pub fn junit(located: Located<'_>) -> String {
    let report = located.report;
    let mut names: Vec<String> = report.files.iter().map(|file| located.path(&file.name)).collect();
    let mut cases: BTreeMap<String, Case<'_>> = BTreeMap::new();
    let name_of = |diagnostic: &Diagnostic| {
        let name = located.name(diagnostic.primary.span.source);
        name.map_or_else(|| "policy".to_owned(), |name| located.path(name))
    };
    for diagnostic in &report.diagnostics {
        let case = cases.entry(name_of(diagnostic)).or_default();
        match diagnostic.severity {
            Severity::Info => case.noted.push(diagnostic),
            Severity::Warning | Severity::Error => case.found.push(diagnostic),
        }
    }
    for allowed in &report.allowed {
        cases.entry(name_of(&allowed.diagnostic)).or_default().allowed.push(allowed);
    }
    names.extend(cases.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
    names.dedup();
    let failures = cases.values().filter(|case| !case.found.is_empty()).count();
    let tally = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\"", names.len());
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"codex-config\" {tally}>\n  \
         <testsuite name=\"codex-config check\" {tally}>\n"
    );
    for name in &names {
        let case = cases.remove(name).unwrap_or_default();
        write(located, name, &case, &mut out);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn write(located: Located<'_>, name: &str, case: &Case<'_>, out: &mut String) {
    let name = escaped(name);
    out.push_str(&format!("    <testcase classname=\"codex-config\" name=\"{name}\""));
    if case.found.is_empty() && case.noted.is_empty() && case.allowed.is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push_str(">\n");
    if let Some(first) = case.found.first() {
        let message = match case.found.as_slice() {
            [one] => located.message(one),
            many => counted(many.len(), "problem"),
        };
        let texts: Vec<String> = case.found.iter().map(|found| text(located, found)).collect();
        out.push_str(&format!(
            "      <failure type=\"{}\" message=\"{}\">{}</failure>\n",
            first.code,
            escaped(&message),
            escaped(&texts.join("\n"))
        ));
    }
    let mut aside: Vec<String> = case.noted.iter().map(|noted| text(located, noted)).collect();
    aside.extend(case.allowed.iter().map(|allowed| {
        let reason = format!("allowed until {}: {}", allowed.until, allowed.reason);
        format!("{}\n  {}", text(located, &allowed.diagnostic), words::clean(&reason))
    }));
    if !aside.is_empty() {
        out.push_str(&format!("      <system-out>{}</system-out>\n", escaped(&aside.join("\n"))));
    }
    out.push_str("    </testcase>\n");
}

fn text(located: Located<'_>, diagnostic: &Diagnostic) -> String {
    let place = place(located.report, diagnostic.primary.span);
    let (word, code) = (diagnostic.severity.word(), diagnostic.code);
    let mut text = format!("{place}: {word} {code}: {}", words::clean(&diagnostic.message));
    for line in more(diagnostic) {
        text.push_str("\n  ");
        text.push_str(&line);
    }
    text
}

/// Text for elements and attributes. What XML cannot carry at all is replaced.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            _ if one.is_control() || matches!(one, '\u{fffe}' | '\u{ffff}') => out.push('·'),
            _ => out.push(one),
        }
    }
    out
}
