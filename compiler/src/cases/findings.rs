//! Failures as diagnostics, for everything that reads reports.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::span::Span;

use super::run::deciding;
use super::{Asked, Broken, CaseRun, Run, Told};
use crate::plan::policy::Direction;
use crate::repository::Repository;

/// One diagnostic for every case and property that fails.
pub fn findings(run: &Run<'_>, repository: &Repository) -> Vec<Diagnostic> {
    let own = |span: Span| repository.documents.get(span.source).is_some();
    let mut found: Vec<Diagnostic> = Vec::new();
    for case in &run.cases {
        found.extend(of_case(case, &own));
    }
    for property in &run.properties {
        let Some(first) = property.broken.first() else { continue };
        let message = format!("`{}` does not hold: {}", property.property.name, sentence(first));
        let mut diagnostic = Diagnostic::new(Code::PropertyFailed, message, property.property.span);
        if let Some(span) = first.span.filter(|span| own(*span)) {
            diagnostic = diagnostic.beside(span, "where they part");
        }
        if property.broken.len() > 1 {
            diagnostic = diagnostic.help(format!("and {} more", property.broken.len() - 1));
        }
        found.push(diagnostic);
    }
    found
}

/// What is broken, in a sentence.
pub(crate) fn sentence(broken: &Broken) -> String {
    let Broken { left, right, key, direction, span: _, example } = broken;
    let how = match direction {
        Direction::Neutral => "equal",
        Direction::Tighter => "tighter",
        Direction::Looser => "looser",
        Direction::Incomparable => "neither tighter nor looser",
    };
    let example = example.as_ref().map_or(String::new(), |example| format!(": {example}"));
    format!("`{key}` of {left} is {how} compared with {right}{example}")
}

fn of_case(case: &CaseRun<'_>, own: &dyn Fn(Span) -> bool) -> Option<Diagnostic> {
    let failed: Vec<&Asked> = case.asked.iter().filter(|asked| !asked.misses.is_empty()).collect();
    let first = failed.first()?;
    let miss = first.misses.first()?;
    let message = format!(
        "`{}` fails for {} on Codex {}: expected {} {}, got {}",
        case.case.name.value, first.cohort, first.version, miss.field, miss.expected, miss.actual
    );
    let mut diagnostic = Diagnostic::new(Code::CaseFailed, message, miss.span);
    if let Some(entry) = deciding(&first.told).filter(|entry| own(entry.span)) {
        diagnostic = diagnostic.beside(entry.span, "this entry decides");
    }
    if let Told::Decided(answer, _) = &first.told {
        if let Some(near) = answer.near.first().filter(|near| own(near.entry.span)) {
            diagnostic = diagnostic.beside(near.entry.span, format!("nearly: {}", near.differs));
        }
        diagnostic = diagnostic.help(answer.because.clone());
    }
    if failed.len() > 1 {
        let others: Vec<String> =
            failed.iter().skip(1).map(|it| format!("{} on {}", it.cohort, it.version)).collect();
        let more = format!("it also fails for {}", others.join(", "));
        let help = diagnostic.help.take().map_or(more.clone(), |help| format!("{help}; {more}"));
        diagnostic = diagnostic.help(help);
    }
    Some(diagnostic)
}
