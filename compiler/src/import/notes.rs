//! What a person should know about a repository that was made of a machine.

use codex_schema::key::Channels;
use codex_schema::lookup::{CONFIG, REQUIREMENTS, Tree};
use codex_schema::path::dotted;
use codex_schema::reader::read_toml;
use codex_schema::source::{Channel, ConfigTier};
use codex_schema::span::{Position, SourceId};
use codex_schema::value::Table;

use super::flatten::{has_server, replaces_server};
use crate::check::collect_secrets;
use crate::compose::normalise::LEGACY_KEYS;
use crate::evaluate::Evaluation;
use crate::files::Files;
use crate::gather::BundleState;
use crate::starter::Texts;

/// The notes, the most important first.
pub(super) fn about(evaluation: &Evaluation, files: &dyn Files, texts: &Texts) -> Vec<String> {
    let mut notes = secrets(texts);
    notes.extend(left_out(evaluation));
    notes.extend(weaker(evaluation));
    notes.extend(servers(evaluation));
    notes.extend(hooks(evaluation, files));
    if let Some(refusal) =
        evaluation.without_people(files).refusals.first().filter(|_| evaluation.refusals.is_empty())
    {
        notes.push(format!(
            "without this person's own configuration Codex refuses the policy: {}",
            refusal.text
        ));
    }
    notes
}

/// Secrets that must not be committed.
fn secrets(texts: &Texts) -> Vec<String> {
    let of_file = |path: &str, tree: &Tree| {
        let text = texts.get(path)?;
        let mut found = Vec::new();
        collect_secrets(&read_toml(text, SourceId::BUILT_IN).root, tree, &mut found);
        let mut lines: Vec<u32> =
            found.iter().map(|span| Position::of(text, span.start).line).collect();
        lines.dedup();
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        (!lines.is_empty()).then(|| {
            let lines = lines.join(", ");
            format!("{path} holds secrets (line {lines}): take them out before you commit it")
        })
    };
    [("baseline/requirements.toml", &*REQUIREMENTS), ("baseline/config.toml", &*CONFIG)]
        .into_iter()
        .filter_map(|(path, tree)| of_file(path, tree))
        .collect()
}

/// What layers say and this Codex does not read from them. A single file keeps it.
fn left_out(evaluation: &Evaluation) -> Vec<String> {
    let layers = &evaluation.composition.layers;
    if layers.len() < 2 && !replaces_server(evaluation) {
        return Vec::new();
    }
    let documents = evaluation.documents();
    let mut notes = Vec::new();
    for layer in layers {
        for unknown in &layer.inspection.unknown {
            notes.push(format!(
                "left out `{}`, which Codex {} does not know ({})",
                dotted(&unknown.path),
                evaluation.machine.version,
                documents.place(unknown.span)
            ));
        }
    }
    let clouds = evaluation.gathered.requirements.iter();
    for layer in clouds.filter(|layer| layer.channel == Channel::Cloud) {
        for entry in &layer.layer.root {
            let spot = REQUIREMENTS.root().child(&entry.key.value);
            let row = spot.and_then(|spot| spot.key);
            if row.is_some_and(|row| row.channels == Channels::Local) {
                notes.push(format!(
                    "left out `{}`, which Codex ignores in a bundle ({}); as a requirement of \
                     your own it would count",
                    entry.key.value,
                    documents.place(entry.key.span)
                ));
            }
        }
    }
    notes
}

/// Defaults that were more than defaults.
fn weaker(evaluation: &Evaluation) -> Vec<String> {
    let mut keys = Vec::new();
    for layer in &evaluation.gathered.config {
        if matches!(layer.tier, ConfigTier::LegacyFile | ConfigTier::LegacyMdm) {
            leaves(&layer.layer.root, "", &mut keys);
        }
    }
    keys.retain(|key| !LEGACY_KEYS.contains(&key.as_str()));
    if keys.is_empty() {
        return Vec::new();
    }
    let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    vec![format!(
        "managed_config.toml overrode what people set for {}; in baseline/config.toml these are \
         defaults that people can change, and requirements hold what must not change",
        keys.join(", ")
    )]
}

fn leaves(table: &Table, before: &str, found: &mut Vec<String>) {
    for entry in table {
        let path = format!("{before}{}", entry.key.value);
        match entry.node.value.as_table() {
            Some(below) if !below.is_empty() => leaves(below, &format!("{path}."), found),
            _ => found.push(path),
        }
    }
}

fn servers(evaluation: &Evaluation) -> Vec<String> {
    let mut notes = Vec::new();
    if replaces_server(evaluation) {
        notes.push(
            "left out `config_server`: what it serves is in baseline/ now, and would still stand \
             above it if machines kept asking"
                .to_owned(),
        );
    } else if has_server(evaluation) {
        notes.push(
            "`config_server` is kept, and what it serves is not here: give an answer of it with \
             --bundle to import that as well"
                .to_owned(),
        );
    }
    if let BundleState::UserWritableCache { path, .. } = &evaluation.gathered.bundle {
        notes.push(format!(
            "the bundle was taken from {path}, which its user can rewrite: compare it with what \
             the server answers"
        ));
    }
    notes
}

fn hooks(evaluation: &Evaluation, files: &dyn Files) -> Option<String> {
    let path = evaluation.machine.os.system_file("hooks.json");
    files.exists(&path).then(|| {
        format!(
            "{path} is not part of a repository: its hooks belong into `[hooks]` of requirements"
        )
    })
}
