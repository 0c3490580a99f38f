//! For programs: a stable form, `test-1`.

use codex_schema::span::Span;
use serde_json::{Value as Json, json};

use super::Shown;
use crate::cases::{Asked, Told, deciding, sentence};
use crate::decide::answer::EntrySaid;

/// The run as JSON; `real` is what came of the real Codex, null where it was not asked.
pub fn json(shown: Shown<'_>, real: &Json) -> String {
    let run = shown.run;
    let cases: Vec<Json> = run
        .cases
        .iter()
        .map(|case| {
            json!({
                "name": case.case.name.value,
                "place": place(shown, case.case.name.span),
                "asked": case.case.asked.to_string(),
                "passed": case.passed(),
                "answers": case.asked.iter().map(|it| answer(shown, it)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let properties: Vec<Json> = run
        .properties
        .iter()
        .map(|property| {
            json!({
                "name": property.property.name,
                "place": place(shown, property.property.span),
                "passed": property.broken.is_empty(),
                "pairs": property.pairs,
                "broken": property.broken.iter().map(sentence).collect::<Vec<_>>(),
            })
        })
        .collect();
    let coverage = &run.coverage;
    let missing: Vec<Json> = coverage
        .entries()
        .filter(|(_, entry)| !entry.exercised)
        .map(|(span, entry)| {
            json!({ "key": entry.key, "text": entry.text, "place": place(shown, span) })
        })
        .collect();
    let whole = json!({
        "schema": "test-1",
        "passed": run.passed(),
        "failed": run.failed(),
        "cases": cases,
        "properties": properties,
        "coverage": {
            "entries": coverage.total(),
            "exercised": coverage.exercised(),
            "not_exercised": missing,
        },
        "against": real,
    });
    format!("{whole:#}\n")
}

fn answer(shown: Shown<'_>, asked: &Asked) -> Json {
    let misses: Vec<Json> = asked
        .misses
        .iter()
        .map(|miss| json!({"field": miss.field, "expected": miss.expected, "actual": miss.actual}))
        .collect();
    let because = match &asked.told {
        Told::Decided(answer, _) => Some(answer.because.as_str()),
        Told::Refused(words) => Some(words.as_str()),
        Told::Value(..) => None,
    };
    let entry = |entry: &EntrySaid| {
        json!({
            "key": entry.key,
            "text": entry.text,
            "verdict": entry.verdict,
            "reason": entry.reason,
            "place": place(shown, entry.span),
        })
    };
    json!({
        "cohort": asked.cohort,
        "codex": asked.version.to_string(),
        "os": format!("{:?}", asked.system).to_lowercase(),
        "answer": asked.told.in_words(),
        "because": because,
        "decided_by": deciding(&asked.told).map(entry),
        "misses": misses,
    })
}

fn place(shown: Shown<'_>, span: Span) -> Json {
    let document = shown.documents.get(span.source);
    match (document, shown.documents.position(span)) {
        (Some(document), Some(position)) => json!({
            "file": document.source.to_string(),
            "line": position.line,
            "column": position.column,
        }),
        _ => Json::Null,
    }
}
