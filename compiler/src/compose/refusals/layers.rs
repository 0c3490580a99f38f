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
use crate::compose::{
    Composed, Composition, Phase, Setting, Stage, quoted, short_syntax, syntax_text,
};
use crate::era::{Era, RequirementMerge};
use crate::gather::bundle::BundleFailure;
use crate::layers::RequirementLayer;

/// Layers that are not TOML.
pub fn of_documents(layers: &[&RequirementLayer], setting: &Setting<'_>) -> Vec<Refusal> {
    let (documents, era) = (setting.documents, Era::of(setting.machine.version));
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
                let text = format!("{}{}", era.layer_error(&name), syntax_text(document, syntax));
                Refusal { stage: Stage::Syntax, phase: Phase::Syntax, ..Refusal::start(text, span) }
            }
            Channel::Cloud => Refusal::bundle(BundleFailure::invalid("invalid requirements"), span),
        });
    }
    found
}

/// Layers with values of the wrong kind.
pub fn of_types(layers: &[Composed], setting: &Setting<'_>) -> Vec<Refusal> {
    let (documents, era) = (setting.documents, Era::of(setting.machine.version));
    let mut found: Vec<(u8, Refusal)> = Vec::new();
    for layer in layers.iter().filter(|layer| layer.complete) {
        let Some(document) = documents.get(layer.source) else { continue };
        let first_problem = found.len();
        let local = matches!(layer.channel, Channel::System | Channel::Mdm);
        if let Some(problem) = bad_hosts(layer).filter(|_| local) {
            let name = document.source.as_codex_prints();
            let text = format!("{}{}", era.layer_error(&name), problem.as_codex_prints());
            let refusal = Refusal::start(text, problem.span).in_phase(Phase::Syntax);
            found.push((1, Refusal { stage: Stage::Syntax, ..refusal }));
            continue;
        }
        for problem in &layer.inspection.refused {
            let words = problem.as_codex_prints();
            match layer.channel {
                Channel::LegacyFile | Channel::LegacyMdm => {
                    let text = format!("Failed to parse config requirements as TOML: {words}");
                    // The file ranked lowest in old versions, and was read last.
                    let last = era.requirement_merge() == RequirementMerge::FirstSets;
                    let phase = if last { Phase::Syntax } else { Phase::Types };
                    found.push((0, Refusal::start(text, problem.span).in_phase(phase)));
                }
                // Providers are only read after the merge.
                Channel::System | Channel::Mdm if !of_providers(problem) => {
                    let name = document.source.as_codex_prints();
                    let body = if era.quotes_type_errors() {
                        let message = match problem.message.as_str() {
                            // The TOML library's own words.
                            "invalid type: unit variant, expected string only" => {
                                "wanted string or table"
                            }
                            other => other,
                        };
                        quoted(document, place_of(problem, layer), message)
                    } else {
                        words.clone()
                    };
                    let text = format!("{}{body}", era.layer_error(&name));
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
        if let (Channel::Cloud, Some(node)) = (layer.channel, layer.root.get("config_server")) {
            let failure = BundleFailure::invalid("invalid requirements");
            found.push((2, Refusal::bundle(failure, Some(node.span))));
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, refusal)| refusal).collect()
}

/// Hosts that are none: to Codex their document is as unreadable as one that is no TOML.
pub fn bad_hosts(layer: &Composed) -> Option<&TypeProblem> {
    let bad = |problem: &&TypeProblem| problem.message.starts_with("application.network.domains ");
    layer.inspection.refused.iter().find(bad)
}

/// The place that a version which quotes lines names: that of the document for a repeated field,
/// that of the whole table where serde buffers it.
fn place_of(problem: &TypeProblem, layer: &Composed) -> Option<Span> {
    if problem.keys.is_empty() {
        return None;
    }
    let keys: Vec<&str> = problem.keys.iter().map(String::as_str).collect();
    let (first, rest) = keys.split_first()?;
    let buffered = REQUIREMENTS
        .find(&keys)
        .and_then(|spot| spot.section)
        .is_some_and(|section| section.buffered);
    if buffered { layer.root.get(first)?.at(rest).map(|node| node.span) } else { problem.span }
}

/// A key in one layer and its second name in another, for versions that do not fold them.
pub fn of_second_names(layers: &[&RequirementLayer], era: Era) -> Vec<Refusal> {
    if era.folds_second_names() || era.requirement_merge() == RequirementMerge::FirstSets {
        return Vec::new();
    }
    let pairs = [("features", "feature_requirements"), ("experimental_network", "network_proxy")];
    let find = |name: &str| layers.iter().find_map(|layer| layer.layer.root.entry(name));
    let both = pairs.into_iter().filter_map(|(own, other)| {
        find(own)?;
        let second = find(other)?;
        let text = format!("failed to parse merged requirements: duplicate field `{own}`\n");
        Some(Refusal::start(text, Some(second.key.span)).in_phase(Phase::Types))
    });
    both.collect()
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

/// A retired value of the legacy file, which is refused as configuration.
pub fn of_legacy_approval(layer: &Composed) -> Option<Refusal> {
    if !matches!(layer.channel, Channel::LegacyFile | Channel::LegacyMdm) {
        return None;
    }
    let node = layer.root.get("allowed_approval_policies")?;
    let untrusted = node.value.as_array()?.first()?.value.as_str() == Some("untrusted");
    let text = "approval_policy = \"untrusted\" is no longer supported; remove this setting";
    untrusted.then(|| Refusal::start(text, Some(node.span)).in_phase(Phase::Config))
}

/// Two layers that must say the same.
pub fn of_conflict(conflict: &Conflict, documents: &Documents) -> Refusal {
    let name = |span: Span| {
        let document = documents.get(span.source);
        document.map_or_else(String::new, |document| document.source.as_codex_prints())
    };
    let text =
        |node: &codex_schema::value::Node| node.value.as_str().unwrap_or_default().to_owned();
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
