//! `config/read`: the merged configuration with its origins and layers. Values that requirements
//! only constrain are shown as they were written; only exact requirements show.

use std::collections::BTreeMap;

use codex_schema::key::Ty;
use codex_schema::source::ConfigTier;
use codex_schema::types::approval::{ApprovalPolicy, ApprovalsReviewer};
use codex_schema::value::{Table, Value};
use codex_schema::version::Version;
use serde_json::{Map, Value as Json, json};

use super::refusals::{Question, refusal};
use super::warnings::{disabled_reason, warnings};
use super::{exact, features, shapes};
use crate::configure::Prepared;
use crate::configure::origins::{fingerprint, origins};
use crate::configure::reconcile::SWITCHES;
use crate::evaluate::Evaluation;

/// The fields 0.98 knows by type; it passes all others through as they stand.
const OLD_FIELDS: &[&str] = &[
    "model",
    "review_model",
    "model_context_window",
    "model_auto_compact_token_limit",
    "model_provider",
    "approval_policy",
    "sandbox_mode",
    "sandbox_workspace_write",
    "forced_chatgpt_workspace_id",
    "forced_login_method",
    "web_search",
    "tools",
    "profile",
    "instructions",
    "developer_instructions",
    "compact_prompt",
    "model_reasoning_effort",
    "model_reasoning_summary",
    "model_verbosity",
    "analytics",
];

/// Answers `config/read`, with the warnings that came before it.
///
/// # Errors
/// Codex's refusal.
pub fn config_read(evaluation: &Evaluation) -> Result<Json, String> {
    if let Some(text) = refusal(evaluation, Question::Read) {
        return Err(text);
    }
    Ok(json!({
        "config": config(evaluation),
        "origins": origin_names(evaluation),
        "layers": layers(evaluation),
        "warnings": warnings(evaluation),
    }))
}

/// The merged configuration as this version prints it.
pub fn config(evaluation: &Evaluation) -> Json {
    let version = evaluation.machine.version;
    let mut merged = match serde_json::to_value(Value::Table(evaluation.config().clone())) {
        Ok(Json::Object(merged)) => merged,
        _ => Map::new(),
    };
    if version < Version::of(118) {
        for field in OLD_FIELDS {
            merged.entry((*field).to_owned()).or_insert(Json::Null);
        }
        merged.entry("profiles").or_insert_with(|| json!({}));
        return Json::Object(merged);
    }
    exact::replace(evaluation, &mut merged);
    second_names(&mut merged, version);
    let mut shown = shapes::shaped(&merged, version);
    spell(evaluation.config(), &mut shown, version);
    tables(&mut shown);
    let storage =
        evaluation.composition.merged.get("application").and_then(|node| node.at(&["storage"]));
    if storage.is_some() && shown.get("desktop").is_some_and(Json::is_null) {
        shown.insert("desktop".to_owned(), json!({}));
    }
    let features = features::overlay(evaluation, merged.get("features"));
    shown.insert("features".to_owned(), features);
    Json::Object(shown)
}

/// Former names of fields, which Codex prints under their present ones.
fn second_names(config: &mut Map<String, Json>, version: Version) {
    let renamed = [
        ("agents", "max_threads", "max_concurrent_threads_per_session", 157),
        ("memories", "no_memories_if_mcp_or_web_search", "disable_on_external_context", 138),
    ];
    let search = config
        .get_mut("tools")
        .and_then(|tools| tools.as_object_mut()?.remove("client_search_provider"));
    if let Some(value) = search {
        config.entry("client_search_provider").or_insert(value);
    }
    for (table, old, new, since) in renamed {
        let Some(Json::Object(table)) = config.get_mut(table) else { continue };
        if Version::of(since) <= version
            && let Some(value) = table.remove(old)
        {
            table.entry(new.to_owned()).or_insert(value);
        }
    }
}

/// Values that have more than one spelling.
fn spell(config: &Table, shown: &mut Map<String, Json>, version: Version) {
    if let Some(node) = config.get("approval_policy") {
        let canonical = Ty::of::<ApprovalPolicy>().canonical(node);
        let old = version < Version::of(157) && node.value.as_str().is_some();
        if let Ok(value) = canonical
            && !old
        {
            shown.insert("approval_policy".to_owned(), value);
        }
    }
    if let Some(node) = config.get("approvals_reviewer")
        && let Ok(value) = Ty::of::<ApprovalsReviewer>().canonical(node)
    {
        let old = version < Version::of(157) && value == "auto_review";
        let value = if old { json!("guardian_subagent") } else { value };
        shown.insert("approvals_reviewer".to_owned(), value);
    }
}

/// Tables in which Codex computes something.
fn tables(shown: &mut Map<String, Json>) {
    if let Some(Json::Object(tools)) = shown.get_mut("tools")
        && let Some(search) = tools.get_mut("web_search")
        && search.is_boolean()
    {
        *search = Json::Null;
    }
    for server in objects(shown.get_mut("mcp_servers")) {
        if server.contains_key("command") {
            server.entry("args").or_insert_with(|| json!([]));
        }
        for seconds in ["startup_timeout_sec", "tool_timeout_sec"] {
            if let Some(number) = server.get(seconds).and_then(Json::as_i64) {
                // Whole seconds are shown as the float they are kept in.
                #[expect(clippy::cast_precision_loss, reason = "seconds")]
                server.insert(seconds.to_owned(), json!(number as f64));
            }
        }
    }
    for event in
        shown.get_mut("hooks").and_then(Json::as_object_mut).into_iter().flat_map(Map::values_mut)
    {
        for group in event.as_array_mut().into_iter().flatten() {
            let handlers = group.get_mut("hooks").and_then(Json::as_array_mut);
            handlers.into_iter().flatten().filter_map(Json::as_object_mut).for_each(handler);
        }
    }
    if let Some(Json::Object(otel)) = shown.get_mut("otel") {
        for exporter in ["exporter", "trace_exporter", "metrics_exporter"] {
            for options in objects(otel.get_mut(exporter)) {
                options.entry("tls").or_insert(Json::Null);
                let headers = options.entry("headers").or_insert_with(|| json!({}));
                for value in headers.as_object_mut().into_iter().flat_map(Map::values_mut) {
                    *value = json!("[redacted]");
                }
            }
        }
    }
}

/// A hook's handler: which fields are shown depends on its kind.
fn handler(own: &mut Map<String, Json>) {
    let old_name = own.remove("command_windows");
    let shown: &[&str] = match own.get("type").and_then(Json::as_str) {
        Some("command") => &["command", "commandWindows", "timeout", "async", "statusMessage"],
        Some("mcp_tool") => &["server", "tool", "input", "timeout", "statusMessage"],
        _ => &[],
    };
    let kept = |name: &String| {
        name == "type" || name == "additionalContextLimit" || shown.contains(&name.as_str())
    };
    own.retain(|name, _| kept(name));
    if shown.is_empty() {
        own.remove("additionalContextLimit");
    }
    if let Some(value) = old_name {
        own.entry("commandWindows").or_insert(value);
    }
    for name in shown {
        let default = match *name {
            "async" => json!(false),
            "input" => json!({}),
            _ => Json::Null,
        };
        own.entry(*name).or_insert(default);
    }
}

/// The tables inside a table.
fn objects(value: Option<&mut Json>) -> impl Iterator<Item = &mut Map<String, Json>> {
    let object = value.and_then(Json::as_object_mut);
    object.into_iter().flat_map(Map::values_mut).filter_map(Json::as_object_mut)
}

/// Flags of features with settings have the origin of their `enabled`.
fn switch_origins(found: &mut BTreeMap<String, usize>) {
    for name in SWITCHES {
        let flag = format!("features.{name}");
        let Some(index) = found.get(&flag).copied() else { continue };
        // This one is listed under both names.
        if *name != "network_proxy" {
            found.remove(&flag);
        }
        let enabled = found.entry(format!("{flag}.enabled")).or_insert(index);
        *enabled = index.max(*enabled);
    }
}

/// What plugins say about apps is listed a second time as what `apps` says.
fn app_origins(found: &mut BTreeMap<String, usize>) {
    let lifted: Vec<(String, usize)> = found
        .iter()
        .filter_map(|(path, index)| {
            let (_, app) = path.strip_prefix("plugins.")?.split_once(".apps.")?;
            Some((format!("apps.{app}"), *index))
        })
        .collect();
    for (path, index) in lifted {
        found.entry(path).or_insert(index);
    }
}

fn origin_names(evaluation: &Evaluation) -> Json {
    let configuration = &evaluation.configuration;
    let era = evaluation.inputs().era();
    let mut found = origins(configuration);
    if era.joins_switches() {
        switch_origins(&mut found);
    }
    if era.lifts_plugin_apps() {
        app_origins(&mut found);
    }
    let names = found.into_iter().filter_map(|(path, index)| {
        let layer = configuration.layers.get(index)?;
        (!exact::hides(evaluation, &path)).then(|| (path, name(evaluation, layer)))
    });
    Json::Object(names.collect())
}

/// The layers, highest first. The user's and the system's are always listed.
fn layers(evaluation: &Evaluation) -> Vec<Json> {
    let mut shown: Vec<(u8, Json)> = Vec::new();
    let rank = |tier| evaluation.inputs().era().config_rank(tier);
    for layer in &evaluation.configuration.layers {
        let broken = !layer.layer.syntax.is_empty();
        let root = if broken { Table::default() } else { layer.layer.root.clone() };
        let reason = layer.not_loaded.and(layer.detail.as_deref());
        let reason = reason.map(|folder| disabled_reason(evaluation, folder));
        let json = json!({
            "name": name(evaluation, layer),
            "version": fingerprint(&root),
            "config": Value::Table(root),
            "disabled": reason.is_some(),
            "disabledReason": reason,
        });
        shown.push((rank(layer.tier), json));
    }
    let machine = &evaluation.machine;
    let files = [
        (ConfigTier::User, format!("{}/config.toml", machine.codex_home)),
        (ConfigTier::System, machine.os.system_file("config.toml")),
    ];
    for (tier, file) in files {
        if evaluation.configuration.layers.iter().any(|layer| layer.tier == tier) {
            continue;
        }
        let json = json!({
            "name": file_name(tier, &file, machine.version),
            "version": fingerprint(&Table::default()),
            "config": {},
            "disabled": false,
            "disabledReason": null,
        });
        shown.push((rank(tier), json));
    }
    shown.sort_by_key(|(rank, _)| *rank);
    shown.into_iter().rev().map(|(_, json)| json).collect()
}

fn name(evaluation: &Evaluation, layer: &Prepared) -> Json {
    use codex_schema::source::Source;
    let source = evaluation.documents().get(layer.layer.source).map(|document| &document.source);
    match (layer.tier, source) {
        (ConfigTier::CommandLine, _) => json!({"type": "sessionFlags"}),
        (ConfigTier::Project, _) => json!({"type": "project", "dotCodexFolder": layer.detail}),
        (ConfigTier::Cloud, Some(Source::Fragment { id, name })) => {
            json!({"type": "enterpriseManaged", "id": id, "name": name})
        }
        (ConfigTier::LegacyMdm, _) => json!({"type": "legacyManagedConfigTomlFromMdm"}),
        (tier, Some(source)) => file_name(tier, &source.to_string(), evaluation.machine.version),
        (_, None) => Json::Null,
    }
}

fn file_name(tier: ConfigTier, file: &str, version: Version) -> Json {
    match tier {
        ConfigTier::User | ConfigTier::Profile if version < Version::of(138) => {
            json!({"type": "user", "file": file})
        }
        ConfigTier::User | ConfigTier::Profile => {
            json!({"type": "user", "file": file, "profile": null})
        }
        ConfigTier::LegacyFile => json!({"type": "legacyManagedConfigTomlFromFile", "file": file}),
        _ => json!({"type": "system", "file": file}),
    }
}
