//! Bundles: fragments inside JSON, each a document of its own.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};
use codex_schema::key::Merge;
use codex_schema::lookup::REQUIREMENTS;
use codex_schema::reader::read_toml;
use codex_schema::source::{Document, Documents};
use codex_schema::span::{SourceId, Span};

use super::{FileKind, Findings, Report, document};
use crate::gather::bundle::{Fragment, read_answer, read_cache};

/// Checks a bundle that is registered in the report.
pub(super) fn check(id: SourceId, report: &mut Report, found: &mut Findings) {
    let Some(Document { text, .. }) = report.documents.get(id).cloned() else { return };
    if text.trim().is_empty() {
        let message = "the bundle is empty; Codex expects JSON";
        found.add(refused(message.to_owned(), Span::new(id, 0, 0)));
        return;
    }
    let mut documents = Documents::clone(&report.documents);
    let cached = text.contains("\"signed_payload\"");
    let read = if cached {
        read_cache(text.as_bytes(), &mut documents)
    } else {
        read_answer(text.as_bytes(), &mut documents)
    };
    let bundle = match read {
        Ok(bundle) => bundle,
        Err(words) => {
            let span = place(&text, &words, id);
            let message = words.split(" at line ").next().unwrap_or(&words).to_owned();
            found.add(refused(format!("the bundle cannot be read: {message}"), span));
            return;
        }
    };
    report.documents = documents;
    let (requirements, config) = (bundle.requirements, bundle.config);
    if requirements.is_empty() && config.is_empty() {
        let message = "the bundle has no fragments: it is no policy";
        found.add(
            Diagnostic::new(Code::SaysNothing, message, Span::new(id, 0, 0))
                .help("add fragments under `requirements_toml.enterprise_managed`")
                .effect(Effect::new(Versions::ALL, Outcome::NoPolicy)),
        );
    }
    for fragment in &requirements {
        document::check(
            fragment.source,
            FileKind::Requirements,
            document::Extent::Whole,
            report,
            found,
        );
    }
    for fragment in &config {
        document::check(fragment.source, FileKind::Config, document::Extent::Whole, report, found);
    }
    repeated(&requirements, id, found);
    shadowed(&requirements, report, found);
}

fn refused(message: String, span: Span) -> Diagnostic {
    Diagnostic::new(Code::Bundle, message, span)
        .help(Code::Bundle.rule().instead)
        .effect(Effect::new(Versions::since(138), Outcome::RefusesToStart))
}

/// The place that ends serde's message: `… at line 3 column 7`.
fn place(text: &str, words: &str, id: SourceId) -> Span {
    let numbers = words.rsplit_once(" at line ").and_then(|(_, rest)| rest.split_once(" column "));
    let (line, column) = numbers.unwrap_or(("1", "1"));
    let (line, column): (usize, usize) = (line.parse().unwrap_or(1), column.parse().unwrap_or(1));
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = before.saturating_add(column.saturating_sub(1)).min(text.len());
    Span::new(id, at, at.saturating_add(1).min(text.len()))
}

/// Fragments that cannot be told apart.
fn repeated(fragments: &[Fragment], id: SourceId, found: &mut Findings) {
    for (index, fragment) in fragments.iter().enumerate() {
        if fragments.iter().take(index).any(|earlier| earlier.id == fragment.id) {
            let message = format!("two fragments have the identifier `{}`", fragment.id);
            found.add(
                Diagnostic::new(Code::DuplicateEntry, message, Span::new(id, 0, 0))
                    .help("give every fragment an identifier of its own"),
            );
        }
    }
}

/// Values that a higher fragment takes the place of.
fn shadowed(fragments: &[Fragment], report: &Report, found: &mut Findings) {
    let mut seen: std::collections::BTreeMap<String, Span> = std::collections::BTreeMap::new();
    for fragment in fragments {
        let Some(document) = report.documents.get(fragment.source) else { continue };
        let parsed = read_toml(&document.text, fragment.source);
        for entry in &parsed.root {
            let name = &*entry.key.value;
            let row = REQUIREMENTS.root().child(name).and_then(|spot| spot.key);
            let whole = row.is_some_and(|row| matches!(row.merge, Merge::Replace | Merge::Whole));
            if !whole || entry.node.value.as_table().is_some() {
                continue;
            }
            let Some(first) = seen.get(name).copied() else {
                seen.insert(name.to_owned(), entry.key.span);
                continue;
            };
            let message = format!("`{name}` never applies: a higher fragment sets it");
            found.add(
                Diagnostic::new(Code::Shadowed, message, entry.key.span)
                    .beside(first, "this one wins whole")
                    .help("remove it here, or there")
                    .effect(Effect::new(Versions::since(138), Outcome::EnforcesNothing)),
            );
        }
    }
}
