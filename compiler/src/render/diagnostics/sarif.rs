//! SARIF 2.1.0: the form in which code scanning services take findings.

use std::collections::BTreeMap;

use codex_schema::diagnostic::registry::RULES;
use codex_schema::diagnostic::{Diagnostic, Edit, Fix, Rule, Severity};
use codex_schema::span::Span;
use serde_json::{Value, json as object};

use super::located::{Located, Region, more};
use crate::digest::sha256_hex;
use crate::suppress::Allowed;

/// Hexadecimal digits of a fingerprint that are kept.
const FINGERPRINT: usize = 32;

/// The report as SARIF.
pub fn sarif(located: Located<'_>) -> String {
    let mut seen = BTreeMap::new();
    let report = located.report;
    let mut results: Vec<Value> =
        report.diagnostics.iter().map(|found| result(located, found, &mut seen)).collect();
    results.extend(report.allowed.iter().map(|allowed| suppressed(located, allowed, &mut seen)));
    let rules: Vec<Value> = RULES.iter().map(rule).collect();
    let log = object!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "codex-config",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&log).unwrap_or_default();
    text.push('\n');
    text
}

/// SARIF's own word.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn rule(rule: &Rule) -> Value {
    let mut title = rule.title.to_owned();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    object!({
        "id": rule.code,
        "shortDescription": { "text": title },
        "fullDescription": { "text": rule.why },
        "help": {
            "text": format!("{}\n\nWhat to do: {}.", rule.why, rule.instead),
            "markdown": rule.page(),
        },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

/// Equal findings on equal lines of a file are told apart by their order.
type Seen = BTreeMap<(String, String, String), usize>;

fn result(located: Located<'_>, diagnostic: &Diagnostic, seen: &mut Seen) -> Value {
    let span = diagnostic.primary.span;
    let name = located.name(span.source).unwrap_or_default().to_owned();
    let mut lines = vec![located.message(diagnostic)];
    lines.extend(more(diagnostic));
    let index = RULES.iter().position(|rule| rule.code == diagnostic.code);
    let key = (diagnostic.code.to_string(), name, located.line_text(span));
    let ordinal = seen.entry(key.clone()).or_insert(0);
    let fingerprint = fingerprint(&key, *ordinal);
    *ordinal += 1;
    let related: Vec<Value> = diagnostic
        .labels
        .iter()
        .filter_map(|label| {
            let mut location = location(located, label.span)?;
            let text = if label.text.is_empty() { "see here" } else { &label.text };
            location.as_object_mut()?.insert("message".to_owned(), object!({ "text": text }));
            Some(location)
        })
        .collect();
    let mut value = object!({
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": level(diagnostic.severity),
        "message": { "text": lines.join("\n") },
        "locations": location(located, span).into_iter().collect::<Vec<Value>>(),
        "partialFingerprints": {
            "codexConfigFinding/v1": fingerprint,
            "primaryLocationLineHash": fingerprint,
        },
    });
    if let Some(fields) = value.as_object_mut() {
        if !related.is_empty() {
            fields.insert("relatedLocations".to_owned(), related.into());
        }
        let fix = diagnostic.fix.as_ref().and_then(|fix| of_fix(located, fix));
        if let Some(fix) = fix {
            fields.insert("fixes".to_owned(), Value::Array(vec![fix]));
        }
    }
    value
}

/// Stays the same when lines above are added or removed.
fn fingerprint(key: &(String, String, String), ordinal: usize) -> String {
    let (code, name, line) = key;
    let text = format!("{code}\0{name}\0{line}\0{ordinal}");
    sha256_hex(text.as_bytes()).chars().take(FINGERPRINT).collect()
}

fn suppressed(located: Located<'_>, allowed: &Allowed, seen: &mut Seen) -> Value {
    let Allowed { diagnostic, reason, until, comment } = allowed;
    let mut value = result(located, diagnostic, seen);
    let mut suppression = object!({
        "kind": "inSource",
        "status": "accepted",
        "justification": format!("until {until}: {reason}"),
    });
    if let (Some(place), Some(fields)) = (location(located, *comment), suppression.as_object_mut())
    {
        fields.insert("location".to_owned(), place);
    }
    if let Some(fields) = value.as_object_mut() {
        fields.insert("suppressions".to_owned(), Value::Array(vec![suppression]));
    }
    value
}

fn location(located: Located<'_>, span: Span) -> Option<Value> {
    let name = located.name(span.source)?;
    let mut place = object!({ "artifactLocation": artifact(located, name) });
    let fields = place.as_object_mut()?;
    if let Some(region) = located.region(span) {
        fields.insert("region".to_owned(), of_region(region));
    }
    Some(object!({ "physicalLocation": place }))
}

fn of_region(region: Region) -> Value {
    let Region { start, end } = region;
    object!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

/// Relative names are relative to the sources, absolute ones are URIs.
fn artifact(located: Located<'_>, name: &str) -> Value {
    let path = encoded(&located.path(name));
    match path.strip_prefix('/') {
        Some(rest) => object!({ "uri": format!("file:///{rest}") }),
        None if path.get(1..3) == Some(":/") => object!({ "uri": format!("file:///{path}") }),
        None => object!({ "uri": path, "uriBaseId": "%SRCROOT%" }),
    }
}

/// A path as the path of a URI. A colon stays only in a drive letter.
fn encoded(path: &str) -> String {
    let is_drive = path.get(1..3) == Some(":/");
    let mut out = String::with_capacity(path.len());
    for (at, byte) in path.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if plain || (is_drive && at == 1) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A fix that only replaces text; others are made by `check --fix`.
fn of_fix(located: Located<'_>, fix: &Fix) -> Option<Value> {
    let mut files: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for edit in &fix.edits {
        let Edit::Replace { span, text } = edit else { return None };
        let name = located.name(span.source)?.to_owned();
        let region = of_region(located.region(*span)?);
        let replacement = object!({
            "deletedRegion": region,
            "insertedContent": { "text": text },
        });
        files.entry(name).or_default().push(replacement);
    }
    let changes: Vec<Value> = files
        .into_iter()
        .map(|(name, replacements)| {
            object!({
                "artifactLocation": artifact(located, &name),
                "replacements": replacements,
            })
        })
        .collect();
    Some(object!({ "description": { "text": fix.title }, "artifactChanges": changes }))
}
