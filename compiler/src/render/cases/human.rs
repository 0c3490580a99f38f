//! For people: what fails, with the deciding entry, then one line that counts.

use super::{Group, ShowCoverage, Shown, counted, failures};
use crate::cases::{CaseRun, PropertyRun, Told, deciding, sentence};
use crate::decide::answer::EntrySaid;
use crate::render::paint::{Paint, Role, Sign, harmless, wrapped};

/// Most differences of a property that are listed.
const MOST_BROKEN: usize = 8;

/// The run as text.
pub fn human(shown: Shown<'_>, paint: Paint) -> String {
    let run = shown.run;
    let mut out = String::new();
    for case in run.cases.iter().filter(|case| !case.passed()) {
        failed_case(shown, case, paint, &mut out);
    }
    for property in run.properties.iter().filter(|property| !property.broken.is_empty()) {
        failed_property(shown, property, paint, &mut out);
    }
    let sign = |role: Role, sign: Sign, count: usize| {
        paint.paint(role, &format!("{} {count}", paint.sign(sign)))
    };
    let folder = if shown.folder.is_empty() { "." } else { shown.folder };
    out.push_str(&format!(
        "{}   {}, {}   {}   {}\n",
        paint.paint(Role::Strong, &harmless(folder)),
        counted(run.cases.len(), "case"),
        counted(run.properties.len(), "property"),
        sign(Role::Good, Sign::Present, run.passed()),
        match run.failed() {
            0 => sign(Role::Plain, Sign::Lost, 0),
            failed => sign(Role::Bad, Sign::Lost, failed),
        },
    ));
    coverage(shown, paint, &mut out);
    out
}

fn failed_case(shown: Shown<'_>, case: &CaseRun<'_>, paint: Paint, out: &mut String) {
    out.push_str(&format!(
        "{} {}   {}\n",
        paint.paint(Role::Bad, paint.sign(Sign::Lost)),
        paint.paint(Role::Strong, &harmless(&case.case.name.value)),
        paint.paint(Role::Faint, &shown.place(case.case.name.span)),
    ));
    let mut line = |name: &str, text: &str| labelled(name, text, paint, out);
    line("asked", &case.case.asked.to_string());
    for Group { first, who } in failures(case) {
        line("for", &who);
        for miss in &first.misses {
            line("expected", &format!("{} {}", miss.field, miss.expected));
            line("actual", &miss.actual);
        }
        let near = match &first.told {
            Told::Decided(answer, _) => {
                line("because", &answer.because);
                answer.near.as_slice()
            }
            Told::Value(..) | Told::Refused(_) => &[],
        };
        match deciding(&first.told) {
            Some(entry) => line("decided by", &entry_line(shown, entry)),
            None => line("decided by", "no entry of the policy"),
        }
        for near in near.iter().take(3) {
            line("nearly", &format!("{}: {}", entry_line(shown, &near.entry), near.differs));
        }
    }
    out.push('\n');
}

fn entry_line(shown: Shown<'_>, entry: &EntrySaid) -> String {
    let reason = entry.reason.as_ref().map(|it| format!(" \"{it}\"")).unwrap_or_default();
    let place = shown.place(entry.span);
    format!("{place}  {}  {} ({}){reason}", entry.key, entry.text, entry.verdict.word())
}

fn labelled(name: &str, text: &str, paint: Paint, out: &mut String) {
    const LABEL: usize = 12;
    let room = paint.width.saturating_sub(LABEL + 4).max(20);
    for (number, part) in wrapped(&harmless(text), room).iter().enumerate() {
        let name = if number == 0 { name } else { "" };
        out.push_str(&format!(
            "    {}{part}\n",
            paint.paint(Role::Faint, &format!("{name:<LABEL$}"))
        ));
    }
}

fn failed_property(shown: Shown<'_>, run: &PropertyRun<'_>, paint: Paint, out: &mut String) {
    out.push_str(&format!(
        "{} {}   {}\n",
        paint.paint(Role::Bad, paint.sign(Sign::Lost)),
        paint.paint(Role::Strong, &harmless(&run.property.name)),
        paint.paint(Role::Faint, &shown.place(run.property.span)),
    ));
    for broken in run.broken.iter().take(MOST_BROKEN) {
        labelled("", &sentence(broken), paint, out);
        if let Some(span) = broken.span {
            labelled("", &format!("  {}", shown.place(span)), paint, out);
        }
    }
    if let Some(more) = run.broken.len().checked_sub(MOST_BROKEN).filter(|more| *more > 0) {
        labelled("", &format!("and {more} more"), paint, out);
    }
    out.push('\n');
}

fn coverage(shown: Shown<'_>, paint: Paint, out: &mut String) {
    let coverage = &shown.run.coverage;
    out.push_str(&format!(
        "Coverage: {}/{} policy entries exercised ({} %)",
        coverage.exercised(),
        coverage.total(),
        coverage.percent()
    ));
    let missing = || coverage.entries().filter(|(_, entry)| !entry.exercised);
    match shown.coverage {
        _ if coverage.exercised() == coverage.total() => out.push_str(".\n"),
        ShowCoverage::Summary => {
            let places: Vec<String> =
                missing().take(3).map(|(span, _)| shown.place(span)).collect();
            let more = if missing().nth(3).is_some() { ", …" } else { "" };
            let more = if paint.ascii { more.replace('…', "...") } else { more.to_owned() };
            out.push_str(&format!(".  Not exercised: {}{more}\n", places.join(", ")));
        }
        ShowCoverage::Entries => {
            out.push_str(".  Not exercised:\n");
            for (span, entry) in missing() {
                let text = harmless(&format!("{}  {}", entry.key, entry.text));
                out.push_str(&format!(
                    "  {}  {}\n",
                    shown.place(span),
                    paint.paint(Role::Faint, text.trim_end())
                ));
            }
        }
    }
}
