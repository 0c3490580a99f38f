//! What is wrong with a session's configuration taken as a whole, and what only a session finds.

use codex_schema::lookup::REQUIREMENTS;
use codex_schema::source::Source;
use codex_schema::span::Span;
use codex_schema::value::Table;
use codex_schema::version::Version;

use super::super::features::pin_refusal;
use crate::compose::refusals::config::THREAD_STORE;
use crate::effective::{Inputs, approval, profiles, sandbox};
use crate::era::Era;
use crate::evaluate::Evaluation;

/// Providers that need no definition.
const PROVIDERS: &[&str] = &["openai", "ollama", "lmstudio", "amazon-bedrock"];

/// Sockets without a full path stop the proxy, and with it the session, in 0.118.
pub(super) fn sockets(evaluation: &Evaluation) -> Option<String> {
    let version = evaluation.machine.version;
    let network = evaluation.composition.merged.get("experimental_network")?;
    let off = network.at(&["enabled"]).and_then(|node| node.value.as_bool()) == Some(false);
    if off || version < Version::of(118) || version >= Version::of(138) {
        return None;
    }
    let listed = network.at(&["allow_unix_sockets"]).and_then(|node| node.value.as_array());
    let mut paths: Vec<&str> =
        listed.unwrap_or_default().iter().filter_map(|node| node.value.as_str()).collect();
    let map = network.at(&["unix_sockets"]).and_then(|node| node.value.as_table());
    let allowed = map.into_iter().flat_map(Table::iter);
    let allowed = allowed.filter(|entry| entry.node.value.as_str() == Some("allow"));
    paths.extend(allowed.map(|entry| &*entry.key.value));
    paths.sort_unstable();
    paths.dedup();
    let wrong = paths.iter().position(|path| !path.starts_with('/'))?;
    Some(format!(
        "error creating thread: Fatal error: Failed to initialize session: failed to start managed \
         network proxy: failed to build network proxy state: invalid network.allow_unix_sockets\
         [{wrong}]"
    ))
}

/// Whether a text matches tools: a name, an expression, or everything.
pub(crate) fn is_matcher(text: &str) -> bool {
    text.is_empty() || text == "*" || regex_lite::Regex::new(text).is_ok()
}

/// Managed hooks of kinds that this version cannot run.
pub(super) fn hooks(evaluation: &Evaluation) -> Option<String> {
    // Measured: 0.138.0 passes over them.
    if evaluation.machine.version < Version::of(157) {
        return None;
    }
    let table = evaluation.composition.merged.get("hooks")?.value.as_table()?;
    let on =
        super::super::features::effective(evaluation).get("hooks").copied().unwrap_or_default();
    let mut skipped: Vec<String> = Vec::new();
    // Codex has its own order of events.
    let events = REQUIREMENTS.find(&["hooks"])?.fields();
    for (event, node) in
        events.filter_map(|(name, _)| Some((name, table.get(name).filter(|_| on)?)))
    {
        let groups = || node.value.as_array().into_iter().flatten();
        for matcher in groups().filter_map(|group| group.at(&["matcher"])) {
            if let Some(text) = matcher.value.as_str().filter(|text| !is_matcher(text)) {
                let source = hook_source(evaluation, matcher.span);
                skipped.push(format!("invalid matcher {text:?} in {source}"));
            }
        }
        let handlers =
            groups().filter_map(|group| group.at(&["hooks"])?.value.as_array()).flatten();
        for kind in handlers.filter_map(|handler| handler.at(&["type"])) {
            let source = hook_source(evaluation, kind.span);
            match (kind.value.as_str(), event) {
                (Some(kind @ ("agent" | "prompt")), _) => skipped.push(format!(
                    "skipping {kind} hook in {source}: {kind} hooks are not supported yet"
                )),
                (Some("mcp_tool"), "SessionEnd") => skipped.push(format!(
                    "skipping MCP tool hook in {source}: SessionEnd MCP hooks are not supported"
                )),
                _ => {}
            }
        }
    }
    (!skipped.is_empty()).then(|| {
        format!(
            "error creating thread: Fatal error: Failed to initialize session: failed to load \
             required managed hooks: {}",
            skipped.join("; ")
        )
    })
}

/// How Codex names the place of a managed hook: the folder of managed hooks where one is named,
/// else the document; a fragment gets a made-up path.
fn hook_source(evaluation: &Evaluation, span: Span) -> String {
    let folder = evaluation.inputs().requirement(&["hooks", "managed_dir"]);
    if let Some(folder) = folder.and_then(|node| node.value.as_str()) {
        return folder.to_owned();
    }
    // Hooks of several layers are one table, and stand nowhere.
    let layers = evaluation.composition.layers.iter().filter(|layer| {
        let table = layer.root.get("hooks").and_then(|node| node.value.as_table());
        table.is_some_and(|table| !table.is_empty())
    });
    if layers.count() > 1 {
        return "/<requirements-composition>/requirements.toml".to_owned();
    }
    match evaluation.documents().get(span.source).map(|document| &document.source) {
        Some(Source::Fragment { id, name }) => {
            format!("/<enterprise-managed:{name}:{id}>/requirements.toml")
        }
        Some(other) => other.as_codex_prints(),
        None => String::new(),
    }
}

/// What is wrong with a configuration taken as a whole, under its requirements.
pub(super) fn derivation(inputs: &Inputs<'_>) -> Option<String> {
    provider_names(inputs)
        .or_else(|| thread_store(inputs))
        .or_else(|| legacy_profile(inputs))
        .or_else(|| approval::refused(inputs))
        .or_else(|| same_name(inputs))
        .or_else(|| permissions(inputs))
        .or_else(|| sandbox::refused(inputs))
        .or_else(|| disallowed(inputs))
        .or_else(|| provider(inputs))
        .or_else(|| pin_refusal(inputs))
}

/// Providers that requirements define without a name.
fn provider_names(inputs: &Inputs<'_>) -> Option<String> {
    let table = inputs.composition.merged.get("model_providers")?.value.as_table()?;
    let unnamed = table.sorted().into_iter().find(|entry| {
        let name = entry.node.at(&["name"]).and_then(|node| node.value.as_str());
        name.is_some_and(|name| name.trim().is_empty())
    })?;
    Some(format!("model_providers.{}: provider name must not be empty", unnamed.key.value))
}

pub(super) fn thread_store(inputs: &Inputs<'_>) -> Option<String> {
    inputs.configuration.merged.get("experimental_thread_store_endpoint")?;
    let retired = Era::of(inputs.machine.version).retires_thread_store();
    retired.then(|| THREAD_STORE.to_owned())
}

pub(super) fn legacy_profile(inputs: &Inputs<'_>) -> Option<String> {
    let name = inputs.configuration.merged.get("profile")?.value.as_str()?;
    if inputs.machine.version >= Version::of(138) {
        return Some(format!(
            "legacy `profile = \"{name}\"` config is no longer supported; use `--profile {name}` \
             with `{name}.config.toml` instead"
        ));
    }
    let known = inputs.configuration.merged.get("profiles").and_then(|node| node.at(&[name]));
    known.is_none().then(|| format!("config profile `{name}` not found"))
}

pub(super) fn same_name(inputs: &Inputs<'_>) -> Option<String> {
    let own = inputs.configuration.merged.get("permissions")?.value.as_table()?;
    let managed = inputs.composition.merged.get("permissions")?.value.as_table()?;
    let mut names = managed.sorted().into_iter().map(|entry| &*entry.key.value);
    let name = names.find(|name| {
        !profiles::reserved(name, inputs.machine.version) && own.get(name).is_some()
    })?;
    Some(format!(
        "requirements.toml permissions profile `{name}` conflicts with a config-defined profile of \
         the same name"
    ))
}

pub(super) fn permissions(inputs: &Inputs<'_>) -> Option<String> {
    let version = inputs.machine.version;
    let config = &inputs.configuration.merged;
    let table = config.get("permissions").and_then(|node| node.value.as_table());
    if version < Version::of(118) {
        return None;
    }
    let managed =
        inputs.composition.merged.get("permissions").and_then(|node| node.value.as_table());
    let any_managed = managed.is_some_and(|table| {
        table.iter().any(|entry| !profiles::reserved(&entry.key.value, version))
    });
    let wanted = config.get("default_permissions").and_then(|node| node.value.as_str());
    // Requirements replace a profile that they do not list before anybody looks for it.
    let replaced = inputs.requirement(&["allowed_permission_profiles"]).is_some_and(|list| {
        let permits = |name| list.at(&[name]).and_then(|node| node.value.as_bool());
        version >= Version::of(138) && !wanted.and_then(permits).unwrap_or_default()
    });
    let wanted = wanted.filter(|_| !replaced);
    let defined_somewhere = table.is_some_and(|table| !table.is_empty()) || any_managed;
    let Some(name) = wanted else {
        let named = inputs.wanted("sandbox_mode").is_some()
            || inputs.requirement(&["allowed_permission_profiles"]).is_some();
        let text = "config defines `[permissions]` profiles but does not set `default_permissions`";
        return (defined_somewhere && !named).then(|| text.to_owned());
    };
    if version >= Version::of(138) {
        if profiles::BUILT_IN.contains(&name) || profiles::defined(inputs, name).is_some() {
            return None;
        }
        if name.starts_with(':') {
            return Some(format!(
                "default_permissions refers to unknown built-in profile `{name}`"
            ));
        }
    }
    if !defined_somewhere {
        return Some("default_permissions requires a `[permissions]` table".to_owned());
    }
    let known = table.is_some_and(|table| table.get(name).is_some());
    (!known).then(|| format!("default_permissions refers to undefined profile `{name}`"))
}

/// Up to 0.98 a value that requirements do not allow was a refusal.
fn disallowed(inputs: &Inputs<'_>) -> Option<String> {
    if inputs.machine.version >= Version::of(104) {
        return None;
    }
    let words = |warning: Option<String>| {
        warning.and_then(|text| text.split_once("Details: ").map(|(_, details)| details.to_owned()))
    };
    let policy = approval::policy(inputs).clamp.and_then(|clamp| clamp.warning);
    let mode = sandbox::resolve(inputs).clamp.and_then(|clamp| clamp.warning);
    words(policy).or_else(|| words(mode))
}

fn provider(inputs: &Inputs<'_>) -> Option<String> {
    let required = inputs.requirement(&["model_provider"]);
    let name = required.or_else(|| inputs.wanted("model_provider"))?.value.as_str()?;
    let defined =
        |table: &Table| table.get("model_providers").is_some_and(|node| node.at(&[name]).is_some());
    let known = PROVIDERS.contains(&name)
        || defined(&inputs.configuration.merged)
        || defined(&inputs.composition.merged);
    (!known).then(|| format!("Model provider `{name}` not found"))
}
