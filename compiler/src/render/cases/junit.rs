//! JUnit XML: a test case for each case and property.

use codex_schema::diagnostic::Diagnostic;

use super::{Shown, failures};
use crate::cases::{CaseRun, deciding, sentence};
use crate::render::diagnostics::escaped;

/// The run as JUnit XML; what the real Codex answers otherwise comes after it.
pub fn junit(shown: Shown<'_>, real: &[Diagnostic]) -> String {
    let run = shown.run;
    let total = run.cases.len() + run.properties.len() + real.len();
    let failures = run.failed() + real.len();
    let tally = format!("tests=\"{total}\" failures=\"{failures}\" errors=\"0\"");
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"codex-config\" {tally}>\n  \
         <testsuite name=\"codex-config test\" {tally}>\n"
    );
    for case in &run.cases {
        let file = file(&shown.place(case.case.name.span));
        let lines = failure_lines(shown, case);
        element(&file, &case.case.name.value, &lines, &mut out);
    }
    for property in &run.properties {
        let file = file(&shown.place(property.property.span));
        let lines: Vec<String> = property.broken.iter().map(sentence).collect();
        element(&file, &property.property.name, &lines, &mut out);
    }
    for found in real {
        let file = file(&shown.place(found.primary.span));
        element(&file, "real Codex", std::slice::from_ref(&found.message), &mut out);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// The file of a place.
fn file(place: &str) -> String {
    place.rsplitn(3, ':').last().unwrap_or(place).to_owned()
}

fn failure_lines(shown: Shown<'_>, case: &CaseRun<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for group in failures(case) {
        for miss in &group.first.misses {
            lines.push(format!(
                "{}: expected {} {}, got {}",
                group.who, miss.field, miss.expected, miss.actual
            ));
        }
        if let Some(entry) = deciding(&group.first.told) {
            lines.push(format!("decided by {} {}", shown.place(entry.span), entry.text));
        }
    }
    lines
}

fn element(file: &str, name: &str, failure: &[String], out: &mut String) {
    let (file, name) = (escaped(file), escaped(name));
    out.push_str(&format!("    <testcase classname=\"{file}\" name=\"{name}\""));
    match failure.first() {
        None => out.push_str("/>\n"),
        Some(first) => out.push_str(&format!(
            ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
            escaped(first),
            escaped(&failure.join("\n"))
        )),
    }
}
