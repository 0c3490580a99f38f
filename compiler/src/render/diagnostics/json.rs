//! Diagnostics for programs. The form is stable: fields are added, never changed.

use codex_schema::diagnostic::{Diagnostic, Edit, Fix, Label};
use codex_schema::span::{Position, Span};
use serde_json::{Value, json as object};

use crate::check::Report;
use crate::suppress::Allowed;

/// The name of the form.
const SCHEMA: &str = "codex-config/check-1";

/// The whole report as one JSON document.
pub fn json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(&to_value(report)).unwrap_or_default();
    text.push('\n');
    text
}

/// One diagnostic per line.
pub fn json_lines(report: &Report) -> String {
    let lines = report.diagnostics.iter().map(|diagnostic| format!("{}\n", of(report, diagnostic)));
    lines.collect()
}

/// The whole report as a JSON value.
pub fn to_value(report: &Report) -> Value {
    let files: Vec<Value> = report
        .files
        .iter()
        .map(|file| {
            object!({
                "name": file.name,
                "kind": file.kind,
                "errors": file.errors,
                "warnings": file.warnings,
            })
        })
        .collect();
    let diagnostics: Vec<Value> =
        report.diagnostics.iter().map(|diagnostic| of(report, diagnostic)).collect();
    let allowed: Vec<Value> =
        report.allowed.iter().map(|allowed| of_allowed(report, allowed)).collect();
    object!({
        "schema": SCHEMA,
        "codex_versions": report.versions,
        "files": files,
        "diagnostics": diagnostics,
        "allowed": allowed,
    })
}

fn of(report: &Report, diagnostic: &Diagnostic) -> Value {
    let Diagnostic { code, severity, message, primary, labels, help, suggestion, effects, fix } =
        diagnostic;
    let labels: Vec<Value> = labels.iter().map(|label| of_label(report, label)).collect();
    object!({
        "code": code,
        "severity": severity,
        "title": code.rule().title,
        "message": message,
        "place": of_label(report, primary),
        "related": labels,
        "help": help,
        "suggestion": suggestion,
        "fix": fix.as_ref().map(|fix| &fix.title),
        "effects": effects,
        "fix": fix.as_ref().map(|fix| of_fix(report, fix)),
        "page": format!("docs/diagnostics/{}", code.page()),
    })
}

fn of_allowed(report: &Report, allowed: &Allowed) -> Value {
    let Allowed { diagnostic, reason, until, comment } = allowed;
    let mut value = of(report, diagnostic);
    if let Some(fields) = value.as_object_mut() {
        let by = object!({
            "reason": reason,
            "until": until.to_string(),
            "comment": of_span(report, *comment),
        });
        fields.insert("suppression".to_owned(), by);
    }
    value
}

fn of_fix(report: &Report, fix: &Fix) -> Value {
    let Fix { title, edits } = fix;
    let edits: Vec<Value> = edits.iter().map(|edit| of_edit(report, edit)).collect();
    object!({ "title": title, "edits": edits })
}

fn of_edit(report: &Report, edit: &Edit) -> Value {
    match edit {
        Edit::Replace { span, text } => {
            object!({ "edit": "replace", "place": of_span(report, *span), "text": text })
        }
        Edit::Set { source, path, value } => object!({
            "edit": "set",
            "source": report.documents.get(*source).map(|document| document.source.to_string()),
            "path": path,
            "value": value,
        }),
        Edit::Remove { span } => object!({ "edit": "remove", "place": of_span(report, *span) }),
    }
}

fn of_label(report: &Report, label: &Label) -> Value {
    let Label { span, text } = label;
    let mut value = of_span(report, *span);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("text".to_owned(), text.as_str().into());
    }
    value
}

fn of_span(report: &Report, span: Span) -> Value {
    let Some(document) = report.documents.get(span.source) else {
        return object!({});
    };
    let end = Span { start: span.end, ..span };
    let (from, to) = (report.documents.position(span), report.documents.position(end));
    let point = |position: Option<Position>, offset: u32| {
        let position = position.unwrap_or(Position { line: 1, column: 1 });
        object!({
            "line": position.line,
            "column": position.column,
            "column_utf16": utf16_column(&document.text, offset),
            "byte": offset,
        })
    };
    object!({
        "source": document.source.to_string(),
        "start": point(from, span.start),
        "end": point(to, span.end),
    })
}

/// The column in UTF-16 units, from 1, as editors count.
fn utf16_column(text: &str, offset: u32) -> usize {
    let before = usize::try_from(offset).ok().and_then(|offset| text.get(..offset));
    let before = before.unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.encode_utf16().count() + 1
}
