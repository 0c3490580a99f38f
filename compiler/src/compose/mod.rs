//! The channel merge: requirement layers composed exactly as Codex composes them. What Codex does
//! is a fact here, never a preference of ours.

pub mod fold;
pub mod normalise;
pub mod paths;
pub mod refusals;
pub mod startup_json;

use codex_schema::inspect::{Inspection, inspect};
use codex_schema::lookup::{CONFIG, REQUIREMENTS};
use codex_schema::reader::SyntaxProblem;
use codex_schema::source::{Channel, Document, Documents};
use codex_schema::span::{Position, SourceId, Span};
use codex_schema::value::{Table, Value};

use crate::era::{Era, RequirementMerge};
use crate::layers::RequirementLayer;
use crate::machine::Machine;

/// Requirements composed from all layers.
#[derive(Clone, Debug, Default)]
pub struct Composition {
    /// What remains, under the keys' own names.
    pub merged: Table,
    /// The layers in the order in which they were folded, lowest first, each normalised.
    pub layers: Vec<Composed>,
    /// Why Codex refuses this policy, in the order in which it finds out: it says the first.
    /// Empty when it accepts.
    pub refusals: Vec<Refusal>,
}

/// One layer after normalisation.
#[derive(Clone, Debug)]
pub struct Composed {
    /// Its channel.
    pub channel: Channel,
    /// Its document.
    pub source: SourceId,
    /// What it says to this Codex on this host.
    pub root: Table,
    /// What holding it against the key table found.
    pub inspection: Inspection,
}

/// Something that makes Codex refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// How far Codex gets.
    pub stage: Stage,
    /// Codex's words.
    pub text: String,
    /// Where the cause stands.
    pub span: Option<Span>,
    /// The other place, where two layers disagree.
    pub related: Option<Span>,
}

/// How far Codex gets before it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It cannot read or parse a file: its server starts, and refuses every session.
    Syntax,
    /// A value is of the wrong kind or content: nothing starts.
    Start,
    /// Everything starts, and every session is refused.
    Session,
}

impl Refusal {
    /// A refusal at start-up.
    pub fn start(text: impl Into<String>, span: Option<Span>) -> Self {
        Self { stage: Stage::Start, text: text.into(), span, related: None }
    }
}

impl Composition {
    /// The layers that say something under a top-level key, highest first.
    pub fn speakers<'this>(&'this self, key: &'this str) -> impl Iterator<Item = &'this Composed> {
        self.layers.iter().rev().filter(move |layer| layer.root.get(key).is_some())
    }

    /// How Codex names the origin of a top-level key: the winner, or for a table all layers that
    /// have it.
    pub fn origin_text(&self, key: &str, documents: &Documents) -> String {
        let name = |layer: &Composed| {
            let document = documents.get(layer.source).map(|document| &document.source);
            document.map_or_else(String::new, codex_schema::source::Source::as_codex_prints)
        };
        let mut names: Vec<String> = Vec::new();
        for layer in self.speakers(key) {
            let name = name(layer);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let is_table =
            matches!(self.merged.get(key).map(|node| &node.value), Some(Value::Table(_)));
        match names.as_slice() {
            [] => "<unspecified>".to_owned(),
            [first, ..] if !is_table || names.len() == 1 => first.clone(),
            _ => format!("requirements layers: {}", names.join(", ")),
        }
    }
}

/// Composes the layers of a machine, given lowest first; `config` is its merged configuration.
pub fn compose(
    layers: &[RequirementLayer],
    config: &Table,
    machine: &Machine,
    documents: &Documents,
) -> Composition {
    let era = Era::of(machine.version);
    let mut ordered: Vec<&RequirementLayer> = layers.iter().collect();
    ordered.sort_by_key(|layer| era.channel_rank(layer.channel));
    let mut composition = Composition {
        refusals: refusals::layers::of_documents(&ordered, documents),
        ..Composition::default()
    };
    for layer in &ordered {
        let inspection = inspect_layer(layer, machine);
        composition.layers.push(Composed {
            channel: layer.channel,
            source: layer.layer.source,
            root: normalise::normalise(layer, machine),
            inspection,
        });
    }
    composition.refusals.extend(refusals::layers::of_types(&composition.layers, documents));
    fold_layers(&mut composition, era, documents);
    composition.refusals.extend(refusals::of_merged(&composition, config, documents));
    drop_blank(&mut composition.merged);
    composition
}

fn inspect_layer(layer: &RequirementLayer, machine: &Machine) -> Inspection {
    match layer.channel {
        Channel::LegacyFile | Channel::LegacyMdm => {
            let mut config = Table::default();
            // As requirements only three keys of the legacy file are read.
            for key in ["approval_policy", "sandbox_mode", "approvals_reviewer"] {
                if let Some(entry) = layer.layer.root.entry(key) {
                    config.insert(entry.key.clone(), entry.node.clone());
                }
            }
            inspect(&config, &CONFIG, machine.version)
        }
        Channel::System | Channel::Cloud | Channel::Mdm => {
            inspect(&layer.layer.root, &REQUIREMENTS, machine.version)
        }
    }
}

fn fold_layers(composition: &mut Composition, era: Era, documents: &Documents) {
    let mut merged = Table::default();
    for layer in &composition.layers {
        let above = layer.root.clone();
        if era.requirement_merge() == RequirementMerge::FirstSets {
            for entry in above {
                merged.insert(entry.key, entry.node);
            }
            continue;
        }
        if let Err(conflict) = fold::fold(&mut merged, above, &REQUIREMENTS) {
            composition.refusals.push(refusals::layers::of_conflict(&conflict, documents));
        }
    }
    composition.merged = merged;
}

/// Blank texts of the reviewer's policy count as unset, after they erased what was below them.
fn drop_blank(merged: &mut Table) {
    merged.retain(|entry| {
        let blank = entry.node.value.as_str().is_some_and(|text| text.trim().is_empty());
        !(blank && entry.key.value.starts_with("guardian_"))
    });
}

/// A syntax error in the words of the TOML library inside Codex, with the line quoted.
pub fn syntax_text(document: &Document, problems: &[SyntaxProblem]) -> String {
    match toml::from_str::<toml::Table>(&document.text) {
        Err(error) => error.to_string(),
        // The library and our reader disagree; a property test says that this cannot happen.
        Ok(_) => problems.first().map(|problem| problem.message.clone()).unwrap_or_default(),
    }
}

/// A syntax error in the short form that Codex uses for configuration: `FILE:LINE:COLUMN: text`.
pub fn short_syntax_text(document: &Document, problems: &[SyntaxProblem]) -> String {
    let Err(error) = toml::from_str::<toml::Table>(&document.text) else {
        return problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
    };
    let start = error.span().map_or(0, |span| u32::try_from(span.start).unwrap_or(u32::MAX));
    let position = Position::of(&document.text, start);
    format!("{}:{position}: {}", document.source, error.message())
}
