//! Many layers as one text that means the same.

use std::collections::BTreeSet;

use codex_schema::lookup::{CONFIG, REQUIREMENTS, Tree};
use codex_schema::source::{Channel, Documents};
use codex_schema::span::{SourceId, Sourced, Span};
use codex_schema::value::{Entry, Node, Table, Value};

use crate::compile::toml_text;
use crate::compose::{Setting, compose_in, normalise};
use crate::configure;
use crate::era::Era;
use crate::evaluate::Evaluation;
use crate::layers::{ConfigLayer, Layer, RequirementLayer};
use crate::machine::Machine;

/// Stands for every person's home while paths are resolved, and is `~` again afterwards: policy
/// is for everybody. No path begins so.
const ANY_HOME: &str = "/\u{7f}home";

/// The requirements of a machine as one file; `None` when it has none.
pub(super) fn requirements(evaluation: &Evaluation) -> Option<String> {
    let gathered = &evaluation.gathered;
    if let [only] = gathered.requirements.as_slice()
        && only.channel == Channel::System
        && !replaces_server(evaluation)
    {
        return taken(&only.layer, &gathered.documents, "requirements");
    }
    let machine = for_anybody(&evaluation.machine);
    let layers: Vec<RequirementLayer> = gathered
        .requirements
        .iter()
        .map(|layer| RequirementLayer {
            channel: layer.channel,
            layer: in_any_home(&layer.layer, evaluation),
        })
        .collect();
    let config = configure::merge(&gathered.config, &machine, &Era::of(machine.version)).merged;
    let setting =
        Setting { machine: &machine, documents: &gathered.documents, config: &config, files: None };
    let mut merged = compose_in(layers.iter().collect(), &setting).merged;
    for_every_host(&mut merged, &layers, machine.version);
    if replaces_server(evaluation) {
        merged.remove("config_server");
    }
    document(merged, evaluation, &REQUIREMENTS, "requirements")
}

/// The configuration that a machine gives everybody, as one file; `None` when it gives none.
pub(super) fn config(evaluation: &Evaluation) -> Option<String> {
    let gathered = &evaluation.gathered;
    let everybody = |layer: &&ConfigLayer| layer.tier.is_for_everybody();
    let layers: Vec<&ConfigLayer> = gathered.config.iter().filter(everybody).collect();
    if let [only] = layers.as_slice() {
        let system = evaluation.machine.os.system_file("config.toml");
        let path = gathered.documents.get(only.layer.source).map(|it| it.source.to_string());
        if path == Some(system) {
            return taken(&only.layer, &gathered.documents, "config");
        }
    }
    let machine = for_anybody(&evaluation.machine);
    let layers: Vec<ConfigLayer> = layers
        .into_iter()
        .map(|layer| ConfigLayer { layer: in_any_home(&layer.layer, evaluation), ..layer.clone() })
        .collect();
    let merged = configure::merge(&layers, &machine, &Era::of(machine.version)).merged;
    document(merged, evaluation, &CONFIG, "config")
}

/// Whether policy of a configuration server was imported, so that asking the server again would
/// put the old policy above the new one.
pub(super) fn replaces_server(evaluation: &Evaluation) -> bool {
    use crate::gather::BundleState;
    let fetched = match evaluation.gathered.bundle {
        BundleState::Given(_) | BundleState::UserWritableCache { .. } => true,
        BundleState::None | BundleState::Failed(_) => false,
    };
    fetched && has_server(evaluation)
}

/// Whether a layer names a configuration server.
pub(super) fn has_server(evaluation: &Evaluation) -> bool {
    let mut layers = evaluation.gathered.requirements.iter();
    layers.any(|layer| layer.layer.root.get("config_server").is_some())
}

/// A single file as it is, with the line that editors look for.
fn taken(layer: &Layer, documents: &Documents, schema: &str) -> Option<String> {
    let document = documents.get(layer.source)?;
    if layer.root.is_empty() {
        return None;
    }
    let text = document.text.strip_prefix('\u{feff}').unwrap_or(&document.text);
    let known = text.lines().any(|line| line.starts_with("#:schema"));
    let schema = if known { String::new() } else { schema_line(schema) };
    Some(format!("{schema}# Taken from {}, as it was.\n\n{text}", document.source))
}

fn schema_line(schema: &str) -> String {
    format!("#:schema ../.schemas/{schema}.json\n\n")
}

/// A merged document under a heading that says where each table came from.
fn document(
    mut merged: Table,
    evaluation: &Evaluation,
    tree: &Tree,
    schema: &str,
) -> Option<String> {
    if merged.is_empty() {
        return None;
    }
    merged.for_each_mut(home_again);
    let documents = &evaluation.gathered.documents;
    let mut heading = schema_line(schema);
    heading.push_str(&format!(
        "# Put together from the policy of one machine, as Codex {} does. Where it came from:\n#\n",
        evaluation.machine.version
    ));
    let width = merged.iter().map(|entry| entry.key.value.len()).max().unwrap_or(0);
    for entry in merged.sorted() {
        let mut sources = BTreeSet::new();
        collect_sources(entry, &mut sources);
        // The layers were read lowest first.
        let names: Vec<String> = sources
            .iter()
            .rev()
            .filter_map(|source| documents.get(*source))
            .map(|document| toml_text::in_comment(&document.source.to_string()))
            .collect();
        let line = format!(
            "#   {:<width$}  {}\n",
            toml_text::in_comment(&entry.key.value),
            names.join(", ")
        );
        heading.push_str(&line);
    }
    heading.push('\n');
    Some(toml_text::document(&heading, &merged, tree))
}

fn collect_sources(entry: &Entry, found: &mut BTreeSet<SourceId>) {
    fn of_node(node: &Node, found: &mut BTreeSet<SourceId>) {
        match &node.value {
            Value::Table(table) if !table.is_empty() => {
                table.iter().for_each(|entry| of_node(&entry.node, found));
            }
            Value::Array(elements) if !elements.is_empty() => {
                elements.iter().for_each(|element| of_node(element, found));
            }
            _ => {
                found.insert(node.span.source);
            }
        }
    }
    of_node(&entry.node, found);
}

fn for_anybody(machine: &Machine) -> Machine {
    Machine { home: ANY_HOME.to_owned(), ..machine.clone() }
}

/// A layer whose relative paths begin in anybody's home when they began in this person's.
fn in_any_home(layer: &Layer, evaluation: &Evaluation) -> Layer {
    let home = evaluation.machine.home.as_str();
    let below = layer.base.strip_prefix(home).filter(|rest| rest.starts_with('/'));
    let base = match below {
        Some(rest) if !home.is_empty() => format!("{ANY_HOME}{rest}"),
        _ => layer.base.clone(),
    };
    Layer { base, ..layer.clone() }
}

fn home_again(node: &mut Node) {
    match &mut node.value {
        Value::String(text) => {
            if let Some(rest) = text.strip_prefix(ANY_HOME) {
                *text = format!("~{rest}").into();
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(home_again),
        Value::Table(table) if holds_home(table) => table.for_each_mut(home_again),
        _ => {}
    }
}

fn holds_home(table: &Table) -> bool {
    fn in_node(node: &Node) -> bool {
        match &node.value {
            Value::String(text) => text.starts_with(ANY_HOME),
            Value::Array(elements) => elements.iter().any(in_node),
            Value::Table(table) => holds_home(table),
            _ => false,
        }
    }
    table.iter().any(|entry| in_node(&entry.node))
}

/// Composition looks at one host; the file is for all of them. On every host the highest layer
/// that speaks to it decides, so the entries of higher layers come first, and the lists of lower
/// ones never count once a layer has one for every host.
fn for_every_host(
    merged: &mut Table,
    layers: &[RequirementLayer],
    version: codex_schema::version::Version,
) {
    const MODES: &str = "allowed_sandbox_modes";
    const HOSTS: &str = "remote_sandbox_config";
    let names_hosts = |layer: &RequirementLayer| layer.layer.root.get(HOSTS).is_some();
    let known = REQUIREMENTS.find(&[HOSTS]).is_some_and(|spot| spot.known_to(version));
    if !known || !layers.iter().any(names_hosts) {
        return;
    }
    let era = Era::of(version);
    let mut highest_first: Vec<&RequirementLayer> = layers.iter().collect();
    // Layers of one channel keep their order: the last of them is the highest.
    highest_first.sort_by_key(|layer| era.channel_rank(layer.channel));
    highest_first.reverse();
    merged.remove(MODES);
    let mut entries: Vec<Node> = Vec::new();
    let mut place = Span::BUILT_IN;
    for layer in highest_first {
        let root = match layer.channel {
            Channel::LegacyFile | Channel::LegacyMdm => normalise::legacy(&layer.layer.root, era),
            Channel::System | Channel::Cloud | Channel::Mdm => {
                normalise::authored(&layer.layer.root)
            }
        };
        if let Some(Node { value: Value::Array(own), span }) = root.get(HOSTS) {
            place = *span;
            entries.extend(own.iter().cloned());
        }
        if let Some(own) = root.entry(MODES) {
            merged.insert(own.key.clone(), own.node.clone());
            break;
        }
    }
    if !entries.is_empty() {
        let key = Sourced { value: HOSTS.into(), span: place };
        merged.insert(key, Node { value: Value::Array(entries), span: place });
    }
}
