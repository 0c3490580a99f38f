//! The channel merge: requirement layers composed exactly as Codex composes them. What Codex does
//! is a fact here, never a preference of ours.

pub(crate) mod choices;
pub mod fold;
pub mod normalise;
pub mod paths;
pub mod refusals;
pub mod startup_json;

use std::collections::BTreeSet;

use codex_schema::inspect::{Inspection, inspect};
use codex_schema::lookup::{CONFIG, REQUIREMENTS};
use codex_schema::reader::SyntaxProblem;
use codex_schema::source::{Channel, Document, Documents, Source};
use codex_schema::span::{Position, SourceId, Span};
use codex_schema::value::{Node, Table, Value};

use crate::era::{Era, RequirementMerge};
use crate::files::Files;
use crate::gather::bundle::BundleFailure;
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
    /// The paths of tables that it writes as lists of their fields.
    pub listed: Vec<Vec<String>>,
    /// Whether the whole document is TOML; otherwise only a part of it is here.
    pub complete: bool,
}

/// Something that makes Codex refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// How far Codex gets.
    pub stage: Stage,
    /// When Codex finds out.
    pub phase: Phase,
    /// Codex's words.
    pub text: String,
    /// Where the cause stands.
    pub span: Option<Span>,
    /// The other place, where two layers disagree.
    pub related: Option<Span>,
    /// What else Codex's error document says.
    pub shown: Shown,
}

/// The phases of a start in which Codex can refuse, in their order. Codex first loads what is on
/// the machine itself, then the bundle, then everything together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// `managed_config.toml` is read.
    LegacySyntax,
    /// Requirements are read as types, alone and merged. Those that are no TOML are passed over
    /// here.
    Types,
    /// The system's configuration is read.
    SystemConfig,
    /// Requirements that cannot be read or are no TOML.
    Syntax,
    /// The content of the merged requirements.
    Content,
    /// What a session is made of: providers, profiles, files, the proxy.
    Derived,
    /// The bundle.
    Bundle,
    /// The other configuration files.
    Config,
    /// Ways to sign in.
    Login,
    /// The start of a session.
    Session,
}

/// What Codex's error document says beside the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    #[default]
    Text,
    /// The place in a configuration file.
    Place {
        /// The file.
        file: String,
        /// Line and column.
        position: Position,
    },
    /// What is wrong with the bundle.
    Bundle(BundleFailure),
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
        Self {
            stage: Stage::Start,
            phase: Phase::Content,
            text: text.into(),
            span,
            related: None,
            shown: Shown::Text,
        }
    }

    /// A refusal because of the bundle.
    pub fn bundle(failure: BundleFailure, span: Option<Span>) -> Self {
        Self {
            phase: Phase::Bundle,
            shown: Shown::Bundle(failure.clone()),
            ..Self::start(failure.text, span)
        }
    }

    /// The same in another phase.
    #[must_use]
    pub fn in_phase(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }
}

impl Composition {
    /// The layers that say something under a top-level key, highest first.
    pub fn speakers<'this>(&'this self, key: &'this str) -> impl Iterator<Item = &'this Composed> {
        self.layers.iter().rev().filter(move |layer| layer.root.get(key).is_some())
    }

    /// The layers that count as the origin of `auto_review`, as often as they do. The models that
    /// need a review are merged apart from the table, and named are the layers that add one.
    fn reviewers(&self) -> Vec<&Composed> {
        const MODELS: &str = "required_on_models";
        fn table(layer: &Composed) -> Option<&Node> {
            layer.root.get("auto_review")
        }
        let others = |layer: &&Composed| {
            let known = table(layer).and_then(|node| node.value.as_table());
            let mut unknown = layer.inspection.unknown.iter();
            known.is_some_and(|known| known.iter().any(|entry| &*entry.key.value != MODELS))
                || unknown.any(|found| found.path.first().is_some_and(|key| key == "auto_review"))
        };
        let mut seen = BTreeSet::new();
        let adds = |layer: &&Composed| {
            let models = table(layer).and_then(|node| node.at(&[MODELS])?.value.as_array());
            let models = models.unwrap_or_default().iter().filter_map(|node| node.value.as_str());
            models.filter(|model| seen.insert((*model).to_owned())).count() > 0
        };
        let highest_first = || self.layers.iter().rev();
        highest_first().filter(others).chain(highest_first().filter(adds)).collect()
    }

    /// How Codex names the origin of a top-level key: the winner, or for a table all layers that
    /// have it.
    pub fn origin_text(&self, key: &str, documents: &Documents) -> String {
        let is_table =
            matches!(self.merged.get(key).map(|node| &node.value), Some(Value::Table(_)));
        let layers: Vec<&Composed> =
            if key == "auto_review" { self.reviewers() } else { self.speakers(key).collect() };
        let mut names: Vec<String> = Vec::new();
        for layer in layers {
            let document = documents.get(layer.source).map(|document| &document.source);
            let name =
                document.map_or_else(String::new, codex_schema::source::Source::as_codex_prints);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        match names.as_slice() {
            [] => "<unspecified>".to_owned(),
            [first, ..] if !is_table || names.len() == 1 => first.clone(),
            _ => format!("requirements layers: {}", names.join(", ")),
        }
    }
}

/// What the layers are composed for.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "the files of a machine print nothing useful")]
pub struct Setting<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// The documents of the layers.
    pub documents: &'a Documents,
    /// The merged configuration: some requirements are checked against it.
    pub config: &'a Table,
    /// The machine's files, where there are any: one requirement names a file that must exist.
    pub files: Option<&'a dyn Files>,
}

/// Composes the layers of a machine, given lowest first; `config` is its merged configuration.
pub fn compose(
    layers: &[RequirementLayer],
    config: &Table,
    machine: &Machine,
    documents: &Documents,
) -> Composition {
    compose_in(layers.iter().collect(), &Setting { machine, documents, config, files: None })
}

/// Composes the layers of a machine, given lowest first.
pub fn compose_in(mut layers: Vec<&RequirementLayer>, setting: &Setting<'_>) -> Composition {
    let Setting { machine, documents: _, .. } = *setting;
    let era = Era::of(machine.version);
    layers.sort_by_key(|layer| era.channel_rank(layer.channel));
    let mut composition = Composition {
        refusals: refusals::layers::of_documents(&layers, setting),
        ..Composition::default()
    };
    for layer in &layers {
        let mut inspection = inspect_layer(layer, machine);
        choices::of_era(&mut inspection, &layer.layer.root, era);
        let (root, listed) = normalise::normalise(layer, machine);
        composition.layers.push(Composed {
            channel: layer.channel,
            source: layer.layer.source,
            root,
            listed,
            inspection,
            complete: layer.layer.syntax.is_empty(),
        });
    }
    composition.refusals.extend(refusals::layers::of_types(&composition.layers, setting));
    composition.refusals.extend(refusals::layers::of_second_names(&layers, era));
    fold_layers(&mut composition, era, setting);
    composition.refusals.sort_by_key(|refusal| refusal.phase);
    // A value of the wrong type is reported once, by its layer; checks of content come after.
    if composition.refusals.is_empty() {
        composition.refusals = refusals::of_merged(&composition, setting);
        let layers = composition.layers.iter().filter(|_| era.retires_old_approval());
        let legacy: Vec<_> = layers.filter_map(refusals::layers::of_legacy_approval).collect();
        composition.refusals.extend(legacy);
    }
    drop_blank(&mut composition.merged);
    composition
}

fn inspect_layer(layer: &RequirementLayer, machine: &Machine) -> Inspection {
    match layer.channel {
        Channel::LegacyFile | Channel::LegacyMdm => {
            let mut config = Table::default();
            // As requirements only these keys of the legacy file are read.
            for key in normalise::LEGACY_KEYS {
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

fn fold_layers(composition: &mut Composition, era: Era, setting: &Setting<'_>) {
    let mut merged = Table::default();
    let mut conflicts = Vec::new();
    let mut listed: Vec<&[String]> = Vec::new();
    for layer in &composition.layers {
        let above = layer.root.clone();
        if era.requirement_merge() == RequirementMerge::FirstSets {
            for entry in above {
                merged.insert(entry.key, entry.node);
            }
            continue;
        }
        // To Codex a table written as a list is a list here, and lists are replaced whole.
        listed.extend(layer.listed.iter().map(Vec::as_slice));
        for path in listed.iter().filter(|path| above.at(path).is_some()) {
            remove(&mut merged, path);
        }
        let found = fold::fold(&mut merged, above, &REQUIREMENTS);
        let refusal = |conflict| refusals::layers::of_conflict(conflict, setting.documents);
        conflicts.extend(found.iter().map(refusal));
    }
    composition.merged = merged;
    let types = refusals::layers::of_merged_types(composition, setting.machine.version);
    composition.refusals.extend(types);
    composition.refusals.extend(refusals::surfaces(composition, setting));
    composition.refusals.extend(conflicts);
}

fn remove(root: &mut Table, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        root.remove(first);
    } else if let Some(node) = root.get_mut(first)
        && let Value::Table(below) = &mut node.value
    {
        remove(below, rest);
    }
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

/// A message with the line it is about, as that library quotes it: one caret for each letter of
/// the place, on its first line.
pub fn quoted(document: &Document, span: Option<Span>, message: &str) -> String {
    let (start, end) = span.map_or((0, 0), |span| (span.start, span.end));
    let position = Position::of(&document.text, start);
    let line = usize::try_from(position.line).unwrap_or(1);
    let text = document.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let before = usize::try_from(position.column).unwrap_or(1).saturating_sub(1);
    let room = text.chars().count().saturating_sub(before);
    let width = usize::try_from(end.saturating_sub(start)).unwrap_or(0).min(room).max(1);
    let margin = " ".repeat(line.to_string().len());
    format!(
        "TOML parse error at line {}, column {}\n{margin} |\n{line} | {text}\n{margin} | {}{}\n{message}\n",
        position.line,
        position.column,
        " ".repeat(before),
        "^".repeat(width)
    )
}

/// A syntax error in the short form that Codex uses for configuration: `FILE:LINE:COLUMN: text`.
pub fn short_syntax(document: &Document, problems: &[SyntaxProblem]) -> (String, Shown) {
    let (start, message) = match toml::from_str::<toml::Table>(&document.text) {
        Err(error) => {
            let start =
                error.span().map_or(0, |span| u32::try_from(span.start).unwrap_or(u32::MAX));
            (start, error.message().to_owned())
        }
        Ok(_) => problems
            .first()
            .map(|problem| (problem.span.start, problem.message.clone()))
            .unwrap_or_default(),
    };
    at_place(document, start, &message)
}

/// A message about a place in a configuration document.
pub fn at_place(document: &Document, start: u32, message: &str) -> (String, Shown) {
    let position = Position::of(&document.text, start);
    let file = match &document.source {
        Source::Fragment { id, name } => format!("enterprise-managed ({name}, {id})"),
        other => other.to_string(),
    };
    (format!("{file}:{position}: {message}"), Shown::Place { file, position })
}
