//! Refusals that one layer causes alone, and layers that must agree.

use codex_schema::source::{Channel, Documents};
use codex_schema::span::Span;

use super::Refusal;
use crate::compose::fold::Conflict;
use crate::compose::{Composed, Stage, short_syntax_text, syntax_text};
use crate::layers::RequirementLayer;

/// Layers that are not TOML.
pub fn of_documents(layers: &[&RequirementLayer], documents: &Documents) -> Vec<Refusal> {
    let mut found: Vec<(u8, Refusal)> = Vec::new();
    for layer in layers {
        let Some(first) = layer.layer.syntax.first() else { continue };
        let Some(document) = documents.get(layer.layer.source) else { continue };
        let name = document.source.as_codex_prints();
        let syntax = &layer.layer.syntax;
        let (rank, stage, text) = match layer.channel {
            Channel::LegacyFile | Channel::LegacyMdm => {
                (0, Stage::Syntax, short_syntax_text(document, syntax))
            }
            Channel::System | Channel::Mdm => {
                let text = syntax_text(document, syntax);
                (1, Stage::Syntax, format!("failed to parse requirements layer {name}: {text}"))
            }
            Channel::Cloud => {
                (2, Stage::Start, "invalid cloud config bundle: invalid TOML".to_owned())
            }
        };
        found.push((rank, Refusal { stage, text, span: Some(first.span), related: None }));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, refusal)| refusal).collect()
}

/// Layers with values of the wrong kind.
pub fn of_types(layers: &[Composed], documents: &Documents) -> Vec<Refusal> {
    let mut found: Vec<(u8, Refusal)> = Vec::new();
    for layer in layers {
        let Some(document) = documents.get(layer.source) else { continue };
        for problem in &layer.inspection.refused {
            let words = problem.as_codex_prints();
            // Providers are only read after the merge.
            let merged_only = problem.keys.first().is_some_and(|key| key == "model_providers");
            let (rank, text) = match layer.channel {
                Channel::LegacyFile | Channel::LegacyMdm => {
                    (0, format!("Failed to parse config requirements as TOML: {words}"))
                }
                _ if merged_only => (3, format!("failed to parse merged requirements: {words}")),
                Channel::System | Channel::Mdm => {
                    let name = document.source.as_codex_prints();
                    (1, format!("failed to parse requirements layer {name}: {words}"))
                }
                Channel::Cloud => {
                    (2, "invalid cloud config bundle: invalid requirements".to_owned())
                }
            };
            found.push((rank, Refusal::start(text, problem.span)));
        }
        if let Some(refusal) = of_legacy_approval(layer) {
            found.push((0, refusal));
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, refusal)| refusal).collect()
}

/// A legacy value that every other place accepts.
fn of_legacy_approval(layer: &Composed) -> Option<Refusal> {
    if !matches!(layer.channel, Channel::LegacyFile | Channel::LegacyMdm) {
        return None;
    }
    let node = layer.root.get("allowed_approval_policies")?;
    let untrusted = node.value.as_array()?.first()?.value.as_str() == Some("untrusted");
    let text = "approval_policy = \"untrusted\" is no longer supported; remove this setting";
    untrusted.then(|| Refusal::start(text, Some(node.span)))
}

/// Two layers that must say the same.
pub fn of_conflict(conflict: &Conflict, documents: &Documents) -> Refusal {
    let name = |span: Span| {
        let document = documents.get(span.source);
        document.map_or_else(String::new, |document| document.source.as_codex_prints())
    };
    let text = |node: &codex_schema::value::Node| node.value.as_str().unwrap_or_default().to_owned();
    let words = format!(
        "failed to compose requirements field `{}` between {} and {}: `{}` conflicts with `{}`",
        conflict.path,
        name(conflict.high.span),
        name(conflict.low.span),
        text(&conflict.high),
        text(&conflict.low),
    );
    Refusal {
        related: Some(conflict.low.span),
        ..Refusal::start(words, Some(conflict.high.span))
    }
}
