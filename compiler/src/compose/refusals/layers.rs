//! Refusals that one layer causes alone, and layers that must agree.

use codex_schema::de::TypeProblem;
use codex_schema::inspect::inspect;
use codex_schema::lookup::REQUIREMENTS;
use codex_schema::source::{Channel, Documents};
use codex_schema::span::Span;
use codex_schema::value::{Table, Value};
use codex_schema::version::Version;

use super::Refusal;
use crate::compose::fold::Conflict;
use crate::compose::{Composed, Composition, Phase, Stage, short_syntax, syntax_text};
use crate::gather::bundle::BundleFailure;
use crate::layers::RequirementLayer;

/// Layers that are not TOML.
pub fn of_documents(layers: &[&RequirementLayer], documents: &Documents) -> Vec<Refusal> {
    let mut found = Vec::new();
    for layer in layers {
        let Some(first) = layer.layer.syntax.first() else { continue };
        let Some(document) = documents.get(layer.layer.source) else { continue };
        let name = document.source.as_codex_prints();
        let syntax = &layer.layer.syntax;
        let span = Some(first.span);
        found.push(match layer.channel {
            Channel::LegacyFile | Channel::LegacyMdm => {
                let (text, shown) = short_syntax(document, syntax);
                let refusal = Refusal { shown, ..Refusal::start(text, span) };
                refusal.in_phase(Phase::LegacySyntax)
            }
            Channel::System | Channel::Mdm => {
                let text = format!(
                    "failed to parse requirements layer {name}: {}",
                    syntax_text(document, syntax)
                );
                Refusal { stage: Stage::Syntax, phase: Phase::Syntax, ..Refusal::start(text, span) }
            }
            Channel::Cloud => {
                Refusal::bundle(BundleFailure::invalid("invalid requirements"), span)
            }
        });
    }
    found
}

/// Layers with values of the wrong kind.
pub fn of_types(layers: &[Composed], documents: &Documents) -> Vec<Refusal> {
    let mut found: Vec<(u8, Refusal)> = Vec::new();
    for layer in layers {
        let Some(document) = documents.get(layer.source) else { continue };
        let first_problem = found.len();
        for problem in &layer.inspection.refused {
            let words = problem.as_codex_prints();
            match layer.channel {
                Channel::LegacyFile | Channel::LegacyMdm => {
                    let text = format!("Failed to parse config requirements as TOML: {words}");
                    found.push((0, Refusal::start(text, problem.span).in_phase(Phase::Types)));
                }
                // Providers are only read after the merge.
                Channel::System | Channel::Mdm if !of_providers(problem) => {
                    let name = document.source.as_codex_prints();
                    let text = format!("failed to parse requirements layer {name}: {words}");
                    let refusal = Refusal::start(text, problem.span).in_phase(Phase::Types);
                    // Paths are resolved before the layer is read as types.
                    let early = problem.keys.is_empty() && words.contains("expected path string");
                    let at = if early { first_problem } else { found.len() };
                    found.insert(at, (1, refusal));
                }
                Channel::System | Channel::Mdm => {}
                Channel::Cloud => {
                    let failure = BundleFailure::invalid("invalid requirements");
                    found.push((2, Refusal::bundle(failure, problem.span)));
                }
            }
        }
        found.extend(of_legacy_approval(layer).map(|refusal| (0, refusal)));
        if let (Channel::Cloud, Some(node)) = (layer.channel, layer.root.get("config_server")) {
            let failure = BundleFailure::invalid("invalid requirements");
            found.push((2, Refusal::bundle(failure, Some(node.span))));
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, refusal)| refusal).collect()
}

fn of_providers(problem: &TypeProblem) -> bool {
    problem.keys.first().is_some_and(|key| key == "model_providers")
}

/// What only shows when layers are laid over one another: values that mix, and model providers,
/// which are not read before.
pub fn of_merged_types(composition: &Composition, version: Version) -> Vec<Refusal> {
    let mut mixed = Table::default();
    let mut problems: Vec<&TypeProblem> = Vec::new();
    for entry in &composition.merged {
        let key = &*entry.key.value;
        let mut speakers = composition.layers.iter().filter(|layer| layer.root.get(key).is_some());
        let (first, second) = (speakers.next(), speakers.next());
        let table = matches!(entry.node.value, Value::Table(_));
        match (first, second) {
            (Some(_), Some(_)) if table => {
                mixed.insert(entry.key.clone(), entry.node.clone());
            }
            (Some(only), None) if key == "model_providers" => {
                problems.extend(only.inspection.refused.iter().filter(|one| of_providers(one)));
            }
            _ => {}
        }
    }
    let inspected = inspect(&mixed, &REQUIREMENTS, version);
    problems.extend(&inspected.refused);
    let refusal = |problem: &TypeProblem| {
        let mut problem = problem.clone();
        // Folded under the name that serde knows.
        if let Some(first) = problem.keys.first_mut().filter(|key| *key == "experimental_network") {
            "network_proxy".clone_into(first);
        }
        let words = problem.as_codex_prints();
        let text = format!("failed to parse merged requirements: {words}");
        Refusal::start(text, problem.span).in_phase(Phase::Types)
    };
    problems.into_iter().map(refusal).collect()
}

/// A legacy value that every other place accepts.
fn of_legacy_approval(layer: &Composed) -> Option<Refusal> {
    if !matches!(layer.channel, Channel::LegacyFile | Channel::LegacyMdm) {
        return None;
    }
    let node = layer.root.get("allowed_approval_policies")?;
    let untrusted = node.value.as_array()?.first()?.value.as_str() == Some("untrusted");
    let text = "approval_policy = \"untrusted\" is no longer supported; remove this setting";
    untrusted.then(|| Refusal::start(text, Some(node.span)).in_phase(Phase::LegacyValue))
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
        phase: Phase::Types,
        ..Refusal::start(words, Some(conflict.high.span))
    }
}
