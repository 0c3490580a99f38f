//! One fact per line, for screen readers and for `grep`.

use super::Shown;
use crate::cases::{deciding, sentence};
use crate::render::paint::harmless;

/// The run, one test or fact a line.
pub fn plain(shown: Shown<'_>) -> String {
    let run = shown.run;
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&harmless(&text));
        out.push('\n');
    };
    for case in &run.cases {
        let word = if case.passed() { "pass" } else { "fail" };
        let name = &case.case.name;
        line(format!("{}: {word}: {}", shown.place(name.span), name.value));
        for asked in case.asked.iter().filter(|asked| !asked.misses.is_empty()) {
            let who = format!("{} on {}", asked.cohort, asked.version);
            for miss in &asked.misses {
                line(format!(
                    "{}: {who}: expected {} {}, got {}",
                    shown.place(miss.span),
                    miss.field,
                    miss.expected,
                    miss.actual
                ));
            }
            if let Some(entry) = deciding(&asked.told) {
                line(format!("{}: {who}: decides: {}", shown.place(entry.span), entry.text));
            }
        }
    }
    for property in &run.properties {
        let word = if property.broken.is_empty() { "pass" } else { "fail" };
        let place = shown.place(property.property.span);
        line(format!("{place}: {word}: {}", property.property.name));
        for broken in &property.broken {
            line(format!("{place}: {}", sentence(broken)));
        }
    }
    let coverage = &run.coverage;
    for (span, entry) in coverage.entries().filter(|(_, entry)| !entry.exercised) {
        line(format!("{}: not exercised: {} {}", shown.place(span), entry.key, entry.text));
    }
    line(format!("passed {}", run.passed()));
    line(format!("failed {}", run.failed()));
    line(format!("coverage {}/{}", coverage.exercised(), coverage.total()));
    out
}
