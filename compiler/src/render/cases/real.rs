//! The answers of the real Codex beside the model's.

use serde_json::{Value as Json, json};

use super::Shown;
use crate::against::{Against, Real, Row};
use crate::render::paint::{Paint, Role, Sign, harmless};

/// One line a version, then what differs and what could not be asked.
pub fn real_human(runs: &[Against<'_>], shown: Shown<'_>, paint: Paint) -> String {
    let mut out = String::new();
    for run in runs {
        let failed: Vec<&Row<'_>> = run.failed().collect();
        let bad = if failed.is_empty() { Role::Plain } else { Role::Bad };
        let good = format!("{} {}", paint.sign(Sign::Present), run.passed());
        let lost = format!("{} {}", paint.sign(Sign::Lost), failed.len());
        out.push_str(&format!(
            "{}   {}   {}   not asked {}\n",
            paint.paint(Role::Strong, &format!("codex {}", run.version)),
            paint.paint(Role::Good, &good),
            paint.paint(bad, &lost),
            run.not_asked().count()
        ));
        for (row, who) in together(failed.iter().copied()) {
            let sign = paint.paint(Role::Bad, paint.sign(Sign::Lost));
            let place = paint.paint(Role::Faint, &shown.place(row.case.name.span));
            let name = harmless(&row.case.name.value);
            out.push_str(&format!("  {sign} {name}   {place}\n      {}\n      {who}\n", both(row)));
        }
        let others =
            run.disagreements().filter(|row| !failed.iter().any(|it| std::ptr::eq(*it, *row)));
        for (row, who) in together(others) {
            let sign = paint.paint(Role::Lock, paint.sign(Sign::Caution));
            let name = harmless(&row.case.name.value);
            out.push_str(&format!("  {sign} {name}\n      {}\n      {who}\n", both(row)));
        }
        for (row, who) in together(run.not_asked().map(|(row, _)| row)) {
            let sign = paint.sign(Sign::Absent);
            let name = harmless(&row.case.name.value);
            let line = format!("  {sign} {name}: {} ({who})", not_asked(row));
            out.push_str(&paint.paint(Role::Faint, &line));
            out.push('\n');
        }
    }
    out
}

fn not_asked(row: &Row<'_>) -> String {
    match &row.codex {
        Real::NotAsked(why) => harmless(why),
        Real::Shown { .. } | Real::Broken(_) => String::new(),
    }
}

/// Rows that are the same but for the cohort, and the cohorts.
fn together<'run, 'all: 'run>(
    rows: impl Iterator<Item = &'run Row<'all>>,
) -> Vec<(&'run Row<'all>, String)> {
    let mut found: Vec<(&Row<'_>, String)> = Vec::new();
    for row in rows {
        let same = |(first, _): &&mut (&Row<'_>, String)| {
            std::ptr::eq(first.case, row.case)
                && first.codex == row.codex
                && first.model.told.in_words() == row.model.told.in_words()
        };
        let cohort = harmless(&row.model.cohort);
        match found.iter_mut().find(same) {
            Some((_, who)) => {
                who.push_str(", ");
                who.push_str(&cohort);
            }
            None => found.push((row, cohort)),
        }
    }
    found
}

fn name(row: &Row<'_>) -> String {
    harmless(&format!("{} ({})", row.case.name.value, row.model.cohort))
}

fn both(row: &Row<'_>) -> String {
    let codex = match &row.codex {
        Real::Shown { words, .. } | Real::NotAsked(words) => words.clone(),
        Real::Broken(why) => format!("no answer: {why}"),
    };
    harmless(&format!("model: {}   Codex: {codex}", row.model.told.in_words()))
}

/// One fact a line.
pub fn real_plain(runs: &[Against<'_>], shown: Shown<'_>) -> String {
    let mut out = String::new();
    for run in runs {
        for row in &run.rows {
            let word = match row.codex {
                Real::Shown { expected: true, .. } => "pass",
                Real::Shown { expected: false, .. } => "fail",
                Real::NotAsked(_) => "not asked",
                Real::Broken(_) => "broken",
            };
            let place = shown.place(row.case.name.span);
            let (name, both) = (name(row), both(row));
            out.push_str(&format!("{place}: codex {}: {word}: {name}: {both}\n", run.version));
        }
    }
    out
}

/// The same as data.
pub fn real_json(runs: &[Against<'_>]) -> Json {
    let row = |row: &Row<'_>| {
        let (state, words) = match &row.codex {
            Real::Shown { words, expected: true, .. } => ("pass", words),
            Real::Shown { words, expected: false, .. } => ("fail", words),
            Real::NotAsked(why) => ("not_asked", why),
            Real::Broken(why) => ("broken", why),
        };
        let agrees = match row.codex {
            Real::Shown { as_model, .. } => Some(as_model),
            Real::NotAsked(_) | Real::Broken(_) => None,
        };
        json!({
            "case": row.case.name.value,
            "cohort": row.model.cohort,
            "state": state,
            "codex": words,
            "model": row.model.told.in_words(),
            "agrees": agrees,
        })
    };
    let one = |run: &Against<'_>| {
        json!({
            "codex": run.version.to_string(),
            "passed": run.passed(),
            "failed": run.failed().count(),
            "not_asked": run.not_asked().count(),
            "rows": run.rows.iter().map(row).collect::<Vec<_>>(),
        })
    };
    runs.iter().map(one).collect()
}
