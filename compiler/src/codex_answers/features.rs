//! `features list`: which features are on.

use std::collections::BTreeMap;

use codex_schema::features::{canonical, feature, features as known, stands_for};
use codex_schema::source::ConfigTier;
use codex_schema::value::{Node, Table};
use codex_schema::version::Version;
use serde_json::{Map, Value as Json};

use super::refusals::{Question, refusal};
use crate::effective::Inputs;
use crate::evaluate::Evaluation;

/// The flags that `config/read` always shows with their effective values, by version.
const SHOWN: &[(u32, &[&str])] = &[
    (
        169,
        &[
            "api_key_cyber_access_programs",
            "api_key_model_discovery",
            "auth_elicitation",
            "background_paginated_rollout_migration",
            "codex_apps_mcp_2026_07_28",
            "daybreak_program_propagation",
            "mcp_2026_07_28",
            "mcp_connection_sharing",
            "mcp_lazy_stdio_startup",
            "memories",
            "mentions_v2",
            "remote_control",
            "remote_plugin",
            "tool_suggest",
            "windows_sandbox_service",
        ],
    ),
    (
        157,
        &[
            "api_key_model_discovery",
            "auth_elicitation",
            "background_paginated_rollout_migration",
            "codex_apps_mcp_2026_07_28",
            "mcp_2026_07_28",
            "memories",
            "mentions_v2",
            "remote_control",
            "remote_plugin",
            "tool_suggest",
            "windows_sandbox_service",
        ],
    ),
    (
        138,
        &[
            "auth_elicitation",
            "memories",
            "mentions_v2",
            "remote_control",
            "remote_plugin",
            "tool_suggest",
        ],
    ),
    (118, &["apps", "plugins", "tool_search", "tool_suggest", "tool_call_mcp_elicitation"]),
];

/// Answers `features list`: name to whether it is on.
///
/// # Errors
/// Codex's refusal.
pub fn features(evaluation: &Evaluation) -> Result<Json, String> {
    if let Some(text) = refusal(evaluation, Question::Command) {
        return Err(text);
    }
    let flags = effective(evaluation);
    Ok(flags.into_iter().map(|(name, on)| (name.to_owned(), Json::Bool(on))).collect())
}

/// Every feature of this version and whether it is on: defaults, then configuration, then pins.
pub(crate) fn effective(evaluation: &Evaluation) -> BTreeMap<&'static str, bool> {
    let version = evaluation.machine.version;
    let mut flags: BTreeMap<&'static str, bool> =
        known(version).map(|feature| (feature.name, feature.default)).collect();
    apply(evaluation.config(), version, &mut flags);
    if version >= Version::of(110) {
        apply(&evaluation.composition.merged, version, &mut flags);
    }
    flags
}

/// Former names speak first: a present name beats them, whatever their order.
fn apply(root: &Table, version: Version, flags: &mut BTreeMap<&'static str, bool>) {
    let Some(table) = root.get("features").and_then(|node| node.value.as_table()) else { return };
    let mut entries = table.sorted();
    entries.sort_by_key(|entry| feature(&entry.key.value, version).is_some());
    for entry in entries {
        let Some(name) = canonical(&entry.key.value, version) else { continue };
        if let Some(on) = switch(&entry.node) {
            flags.insert(name, on);
        }
    }
}

/// A flag, or the `enabled` of a feature with options.
fn switch(node: &Node) -> Option<bool> {
    node.value.as_bool().or_else(|| node.at(&["enabled"])?.value.as_bool())
}

/// The `features` table of `config/read`: as written, with the flags that are always shown.
pub(super) fn overlay(evaluation: &Evaluation, written: Option<&Json>) -> Json {
    let version = evaluation.machine.version;
    let mut shown = Map::new();
    if let Some(Json::Object(written)) = written {
        if version >= Version::of(138) {
            shown.insert("network_proxy".to_owned(), Json::Null);
        }
        shown.extend(written.clone());
        // Retired: read and never shown. Measured at 0.169.0.
        if version >= Version::of(169) {
            shown.remove("apps_mcp_path_override");
        }
    }
    let flags = effective(evaluation);
    let always = SHOWN.iter().find(|(since, _)| Version::of(*since) <= version);
    for name in always.map_or(&[][..], |(_, names)| *names) {
        let on = flags.get(name).copied().unwrap_or_default();
        shown.insert((*name).to_owned(), Json::Bool(on));
    }
    Json::Object(shown)
}

/// What Codex says about pins with names it does not know, or knows under another name.
pub(super) fn pin_warnings(evaluation: &Evaluation) -> Vec<String> {
    let version = evaluation.machine.version;
    let pins = evaluation.composition.merged.get("features");
    let Some(pins) = pins.and_then(|node| node.value.as_table()) else { return Vec::new() };
    let source = evaluation.composition.origin_text("features", evaluation.documents());
    let say = |name: &str| match stands_for(name, version) {
        Some(own) => Some(format!(
            "Using legacy `features` requirement `{name}` from {source}; prefer canonical feature \
             key `{own}`"
        )),
        None if feature(name, version).is_none() => {
            Some(format!("Ignoring unknown `features` requirement `{name}` from {source}"))
        }
        None => None,
    };
    if version < Version::of(124) {
        return Vec::new();
    }
    pins.iter().filter_map(|entry| say(&entry.key.value)).collect()
}

/// A pin that builds before 0.124 refuse to run with.
pub(super) fn pin_refusal(inputs: &Inputs<'_>) -> Option<String> {
    let version = inputs.machine.version;
    if version < Version::of(110) || version >= Version::of(124) {
        return None;
    }
    let pins = inputs.composition.merged.get("features")?.value.as_table()?;
    let source = inputs.set_by("features");
    pins.sorted().into_iter().find_map(|entry| {
        let name = &entry.key.value;
        match stands_for(name, version) {
            Some(own) => Some(format!(
                "invalid `features` requirement `{name}` from {source}: use canonical feature key \
                 `{own}`"
            )),
            None if feature(name, version).is_none() => {
                Some(format!("invalid `features` requirement `{name}` from {source}"))
            }
            None => None,
        }
    })
}

/// `--enable` and `--disable` of a name that is no feature.
pub(super) fn flag_refusal(evaluation: &Evaluation) -> Option<String> {
    let version = evaluation.machine.version;
    let flags = &evaluation.gathered.arguments.flags;
    let unknown = flags.iter().find(|flag| canonical(&flag.value, version).is_none())?;
    Some(format!("Unknown feature flag: {}", unknown.value))
}

/// Configured feature names that are none, with the tier that has them.
pub(super) fn unknown_names(evaluation: &Evaluation) -> Vec<(ConfigTier, usize, String)> {
    let version = evaluation.machine.version;
    let mut found = Vec::new();
    for (index, layer) in evaluation.configuration.layers.iter().enumerate() {
        let table = layer.layer.root.get("features").and_then(|node| node.value.as_table());
        let names = table.into_iter().flat_map(Table::iter).map(|entry| &entry.key.value);
        let unknown = names.filter(|name| canonical(name, version).is_none());
        found.extend(unknown.map(|name| (layer.tier, index, format!("features.{name}"))));
    }
    found
}
