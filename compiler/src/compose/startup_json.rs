//! Composed requirements in the JSON that Codex prints under `configRequirements`.
//!
//! Names, order and nulls follow `codex app-server --print-startup-config` of 0.169.0. Most of it
//! is a walk over the key table with names in camel case; the exceptions are listed here.

use codex_schema::checks::exact_domain;
use codex_schema::key::{Secret, Ty};
use codex_schema::lookup::{REQUIREMENTS, Spot};
use codex_schema::startup::{FIELDS, Field, UNSET_WHEN_EMPTY, camel};
use codex_schema::types::approval::ApprovalPolicy;
use codex_schema::value::{Node, Table, Value};
use codex_schema::version::Version;
use serde_json::{Map, Value as Json, json};

use super::paths::file_uri;
use crate::era::Era;
use crate::machine::Machine;

/// Whether secrets may stand in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// Replaced by `[redacted]`.
    Redacted,
    /// As Codex prints them: it redacts telemetry headers only.
    AsCodexPrints,
}

/// How values are printed.
#[derive(Clone, Copy)]
struct Printer {
    version: Version,
    secrets: Secrets,
}

/// The document `configRequirements.requirements`: an object, or null where no layer says
/// anything.
pub fn requirements(merged: &Table, config: &Table, machine: &Machine, secrets: Secrets) -> Json {
    let version = machine.version;
    // Ways to sign in are shown from the configuration alone, too.
    let signs_in = version >= Version::of(147) && config.get("forced_login_method").is_some();
    if !says_something(merged) && !signs_in {
        return Json::Null;
    }
    let fields = FIELDS.iter().filter(|field| field.since <= version);
    let mut object: Map<String, Json> = fields
        .map(|field| (field.name.to_owned(), value_of(field, merged, version, secrets)))
        .collect();
    if let Some(providers) = object.get_mut("modelProviders") {
        complete_providers(providers, &machine.cwd);
    }
    if let Some(application) = object.get_mut("application") {
        complete_application(application);
    }
    if let Some(methods) = object.get_mut("allowedLoginMethods") {
        *methods = login_methods(merged, config);
    }
    // A shared network surface under `permissions` is shown in the same place.
    if let Some(network) = at(merged, "permissions.network").filter(|_| version >= Version::of(169))
        && object.get("network").is_some_and(Json::is_null)
    {
        object.insert("network".to_owned(), network_json(network, version));
    }
    Json::Object(object)
}

fn at<'table>(root: &'table Table, path: &str) -> Option<&'table Node> {
    let mut parts = path.split('.');
    let first = root.get(parts.next()?)?;
    parts.try_fold(first, |node, part| node.value.as_table()?.get(part))
}

fn value_of(field: &Field, merged: &Table, version: Version, secrets: Secrets) -> Json {
    let (printer, era) = (Printer { version, secrets }, Era::of(version));
    let parts: Vec<&str> = field.path.split('.').collect();
    let (Some(spot), node) = (REQUIREMENTS.find(&parts), at(merged, field.path)) else {
        return Json::Null;
    };
    match field.name {
        "allowedPermissionProfiles" | "featureRequirements" => {
            node.map_or(Json::Null, |node| plain(node, spot, Case::Kept, printer))
        }
        "allowedApprovalPolicies" if !era.retires_old_approval() => approvals_as_written(node),
        "allowedApprovalsReviewers" => reviewers(node, spot, printer),
        "allowedSandboxModes" => without(node, spot, "external-sandbox", printer),
        "allowedWebSearchModes" => web_search(node, spot, printer),
        "network" => node.map_or(Json::Null, |node| network_json(node, version)),
        "hooks" => node
            .filter(|node| hooks_say(node, spot, version))
            .map_or(Json::Null, |node| hooks_json(node, spot, printer)),
        "modelProviders" => node.map_or(Json::Null, |node| plain(node, spot, Case::Kept, printer)),
        "sqliteHome" | "logDir" | "modelCatalogJson" => node
            .and_then(|node| node.value.as_str())
            .map_or(Json::Null, |path| json!(file_uri(path))),
        "otel" => node.map_or(Json::Null, |node| {
            let mut otel = plain(node, spot, Case::Kept, printer);
            redact_headers(&mut otel);
            otel
        }),
        _ => node.map_or(Json::Null, |node| plain(node, spot, Case::Camel, printer)),
    }
}

#[derive(Clone, Copy)]
enum Case {
    Camel,
    Kept,
}

/// The general rule: structs list all their fields, maps their entries, values print themselves.
fn plain(node: &Node, spot: &Spot, case: Case, printer: Printer) -> Json {
    if let Some(key) = spot.key {
        if key.secret == Secret::Yes && printer.secrets == Secrets::Redacted {
            return json!("[redacted]");
        }
        let json = key.ty.canonical(node).unwrap_or(Json::Null);
        return json;
    }
    let Some(table) = node.value.as_table() else { return Json::Null };
    if spot.is_map() {
        let entries = table.sorted().into_iter().filter_map(|entry| {
            let child = spot.child(&entry.key.value)?;
            Some((entry.key.value.to_string(), plain(&entry.node, child, case, printer)))
        });
        return Json::Object(entries.collect());
    }
    let known = spot.fields().filter(|(_, child)| child.known_to(printer.version));
    let fields = known.map(|(name, child)| {
        let value = table.get(name).map_or(Json::Null, |node| plain(node, child, case, printer));
        (cased(name, case), value)
    });
    Json::Object(fields.collect())
}

fn cased(name: &str, case: Case) -> String {
    match case {
        Case::Kept => name.to_owned(),
        Case::Camel => camel(name),
    }
}

/// The methods that remain, always present and sorted. A configuration that forces one counts.
fn login_methods(merged: &Table, config: &Table) -> Json {
    let mut methods: Vec<&str> =
        match merged.get("allowed_login_methods").and_then(|node| node.value.as_array()) {
            Some(listed) => listed.iter().filter_map(|one| one.value.as_str()).collect(),
            None => vec!["api", "chatgpt"],
        };
    methods.sort_unstable();
    methods.dedup();
    if let Some(forced) = config.get("forced_login_method").and_then(|node| node.value.as_str()) {
        methods.retain(|method| *method == forced);
    }
    let workspaces =
        merged.get("allowed_chatgpt_workspaces").and_then(|node| node.value.as_array());
    let usable =
        |workspace: &Node| workspace.value.as_str().is_some_and(|name| !name.trim().is_empty());
    if workspaces.is_some_and(|listed| !listed.iter().any(usable)) {
        methods.retain(|method| *method != "chatgpt");
    }
    json!(methods)
}

/// Tables that count as set although they are empty.
const SET_WHEN_EMPTY: &[&str] =
    &["experimental_network", "permissions.network", "mcp_servers", "application.network"];

/// Whether anything is set: empty tables and lists of some keys say nothing.
fn says_something(merged: &Table) -> bool {
    merged.iter().any(|entry| is_set(&entry.node, &entry.key.value))
}

fn is_set(node: &Node, path: &str) -> bool {
    match &node.value {
        Value::Table(table) => {
            SET_WHEN_EMPTY.contains(&path)
                || path.starts_with("marketplaces.allowed_sources.")
                || REQUIREMENTS
                    .find(&path.split('.').collect::<Vec<_>>())
                    .is_some_and(|spot| spot.key.is_some())
                || table
                    .iter()
                    .any(|entry| is_set(&entry.node, &format!("{path}.{}", entry.key.value)))
        }
        Value::Array(elements) if elements.is_empty() => {
            !UNSET_WHEN_EMPTY.iter().any(|prefix| path.starts_with(prefix))
        }
        _ => true,
    }
}

fn without(node: Option<&Node>, spot: &Spot, hidden: &str, printer: Printer) -> Json {
    let mut list = node.map_or(Json::Null, |node| plain(node, spot, Case::Kept, printer));
    if let Json::Array(modes) = &mut list {
        modes.retain(|mode| mode.as_str() != Some(hidden));
    }
    list
}

/// Turning search off is always allowed.
fn web_search(node: Option<&Node>, spot: &Spot, printer: Printer) -> Json {
    let mut list = node.map_or(Json::Null, |node| plain(node, spot, Case::Kept, printer));
    if let Json::Array(modes) = &mut list
        && !modes.iter().any(|mode| mode.as_str() == Some("disabled"))
    {
        modes.push(json!("disabled"));
    }
    list
}

/// Whether anything is there that this version knows: a folder or a group of handlers.
fn hooks_say(node: &Node, spot: &Spot, version: Version) -> bool {
    let known = spot.fields().filter(|(_, child)| child.known_to(version));
    let mut said = known.filter_map(|(name, _)| node.at(&[name]));
    said.any(|node| node.value.as_array().is_none_or(|groups| !groups.is_empty()))
}

fn hooks_json(node: &Node, spot: &Spot, printer: Printer) -> Json {
    // Printed first by Codex, ahead of the folders.
    let early = ["PreModelRequest", "PostModelRequest"];
    let fields: Vec<(&str, &Spot)> =
        spot.fields().filter(|(_, child)| child.known_to(printer.version)).collect();
    let rank = |name: &str| usize::from(!early.contains(&name));
    let mut ordered = fields;
    ordered.sort_by_key(|(name, _)| rank(name));
    let values = ordered.into_iter().map(|(name, child)| {
        let value = node.at(&[name]).map(|node| plain(node, child, Case::Kept, printer));
        let absent = if name.ends_with("managed_dir") { Json::Null } else { json!([]) };
        (camel(name), value.unwrap_or(absent))
    });
    let mut hooks = Json::Object(values.collect());
    if printer.version < CONTEXT_LIMIT {
        remove_everywhere(&mut hooks, "additionalContextLimit");
    }
    hooks
}

fn remove_everywhere(json: &mut Json, name: &str) {
    match json {
        Json::Object(object) => {
            object.remove(name);
            object.values_mut().for_each(|value| remove_everywhere(value, name));
        }
        Json::Array(elements) => {
            elements.iter_mut().for_each(|element| remove_everywhere(element, name));
        }
        _ => {}
    }
}

/// Old lists and new maps are shown as one another.
fn network_json(node: &Node, version: Version) -> Json {
    let flag = |name: &str| node.at(&[name]).and_then(|node| node.value.as_bool());
    let number = |name: &str| match node.at(&[name]).map(|node| &node.value) {
        Some(Value::Integer(number)) => json!(number),
        _ => Json::Null,
    };
    let domains = permissions(node, "domains", "allowed_domains", Some("denied_domains"));
    let sockets = permissions(node, "unix_sockets", "allow_unix_sockets", None);
    let only = |map: &Json, decision: &str| {
        let names: Vec<&String> = map
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| value.as_str() == Some(decision))
            .map(|(name, _)| name)
            .collect();
        if names.is_empty() { Json::Null } else { json!(names) }
    };
    let review = node.at(&["review_domains"]).map_or(Json::Null, |node| json!(node.value));
    let (allowed, denied) = (only(&domains, "allow"), only(&domains, "deny"));
    let allowed_sockets = only(&sockets, "allow");
    let mut network = json!({
        "enabled": flag("enabled"),
        "httpPort": number("http_port"),
        "socksPort": number("socks_port"),
        "allowUpstreamProxy": flag("allow_upstream_proxy"),
        "dangerouslyAllowNonLoopbackProxy": flag("dangerously_allow_non_loopback_proxy"),
        "dangerouslyAllowAllUnixSockets": flag("dangerously_allow_all_unix_sockets"),
        "domains": domains,
        "reviewDomains": review,
        "managedAllowedDomainsOnly": flag("managed_allowed_domains_only"),
        "allowedDomains": allowed,
        "deniedDomains": denied,
        "unixSockets": sockets,
        "allowUnixSockets": allowed_sockets,
        "allowLocalBinding": flag("allow_local_binding"),
    });
    if version < REVIEW_DOMAINS
        && let Some(object) = network.as_object_mut()
    {
        object.shift_remove("reviewDomains");
    }
    network
}

/// First version that prints `reviewDomains`: not 0.157.1.
const REVIEW_DOMAINS: Version = Version::of(158);

/// First version known to have `additionalContextLimit` in hooks: not 0.138.0.
const CONTEXT_LIMIT: Version = Version::of(147);

/// Older versions print `on-failure` as it stands.
fn approvals_as_written(node: Option<&Node>) -> Json {
    let Some(listed) = node.and_then(|node| node.value.as_array()) else { return Json::Null };
    let policy = |one: &Node| match &one.value {
        Value::String(name) => json!(name),
        _ => Ty::of::<ApprovalPolicy>().canonical(one).unwrap_or(Json::Null),
    };
    listed.iter().map(policy).collect()
}

/// The reviewing model had another name.
fn reviewers(node: Option<&Node>, spot: &Spot, printer: Printer) -> Json {
    let mut list = node.map_or(Json::Null, |node| plain(node, spot, Case::Kept, printer));
    for reviewer in list.as_array_mut().into_iter().flatten() {
        if reviewer.as_str() == Some("auto_review") {
            *reviewer = json!(Era::of(printer.version).reviewer_name());
        }
    }
    list
}

/// A map of decisions, from its own form or from the older lists; deny wins over allow there.
fn permissions(node: &Node, map: &str, allowed: &str, denied: Option<&str>) -> Json {
    let mut found: std::collections::BTreeMap<&str, &str> = std::collections::BTreeMap::new();
    if let Some(table) = node.at(&[map]).and_then(|node| node.value.as_table()) {
        for entry in table {
            found.insert(&entry.key.value, entry.node.value.as_str().unwrap_or_default());
        }
        return json!(found);
    }
    for (list, decision) in [(Some(allowed), "allow"), (denied, "deny")] {
        let elements =
            list.and_then(|list| node.at(&[list])).and_then(|node| node.value.as_array());
        for name in elements.unwrap_or_default().iter().filter_map(|one| one.value.as_str()) {
            found.insert(name, decision);
        }
    }
    if found.is_empty() { Json::Null } else { json!(found) }
}

/// Providers are printed with the defaults of the fields nobody set.
fn complete_providers(providers: &mut Json, cwd: &str) {
    for provider in providers.as_object_mut().into_iter().flat_map(Map::values_mut) {
        default(provider, "name", json!(""));
        default(provider, "wire_api", json!("responses"));
        for flag in
            ["requires_openai_auth", "supports_websockets", "supports_standalone_web_search"]
        {
            default(provider, flag, json!(false));
        }
        if let Some(auth) = provider.get_mut("auth").filter(|auth| auth.is_object()) {
            default(auth, "args", json!([]));
            default(auth, "timeout_ms", json!(5000));
            default(auth, "refresh_interval_ms", json!(300_000));
            default(auth, "cwd", json!(cwd));
        }
    }
}

/// The network of Codex itself is on unless it is switched off, and its names are in normal form.
fn complete_application(application: &mut Json) {
    let Some(network) = application.get_mut("network").filter(|network| network.is_object()) else {
        return;
    };
    default(network, "enabled", json!(true));
    let domains = network.get("domains").and_then(Json::as_object).cloned().unwrap_or_default();
    let named: Map<String, Json> = domains
        .into_iter()
        .map(|(name, access)| (exact_domain(&name).unwrap_or(name), access))
        .collect();
    if let Some(slot) = network.get_mut("domains") {
        *slot = Json::Object(named);
    }
}

fn default(object: &mut Json, name: &str, value: Json) {
    if let Some(slot) = object.get_mut(name).filter(|slot| slot.is_null()) {
        *slot = value;
    }
}

/// Codex redacts the headers of telemetry exporters itself.
fn redact_headers(json: &mut Json) {
    let Json::Object(object) = json else { return };
    for (name, value) in object {
        match value {
            Json::Object(headers) if name == "headers" => {
                headers.values_mut().for_each(|value| *value = json!("[redacted]"));
            }
            other => redact_headers(other),
        }
    }
}
