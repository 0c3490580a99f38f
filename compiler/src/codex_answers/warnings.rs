//! The warnings with which Codex's server greets a client. The order in which they arrive is not
//! fixed; they are given sorted, each once.

use codex_schema::inspect::inspect;
use codex_schema::lookup::{CONFIG, REQUIREMENTS};
use codex_schema::source::{Channel, ConfigTier};
use codex_schema::value::Table;
use codex_schema::version::Version;

use super::features::{pin_warnings, unknown_names};
use super::{exact, roles, shapes};
use crate::configure::Prepared;
use crate::effective::{Clamp, Inputs};
use crate::evaluate::Evaluation;

/// How many ignored settings Codex names.
const NAMED: usize = 3;

/// Everything Codex warns of when it starts on this machine.
pub fn warnings(evaluation: &Evaluation) -> Vec<String> {
    let mut said = fallbacks(&evaluation.inputs());
    said.extend(ignored(evaluation));
    said.extend(pin_warnings(evaluation));
    said.extend(deprecated(evaluation));
    said.extend(exact::warnings(evaluation));
    said.extend(roles::warnings(evaluation));
    said.extend(
        evaluation.configuration.layers.iter().filter_map(|layer| denied(evaluation, layer)),
    );
    said.extend(disabled_projects(evaluation));
    said.sort();
    said.dedup();
    said
}

/// A feature that has become a setting; measured at 0.169.0.
fn deprecated(evaluation: &Evaluation) -> Option<String> {
    // Only a person who can edit the file is told.
    let own = [ConfigTier::User, ConfigTier::Profile, ConfigTier::Project];
    let mut written = evaluation.configuration.loaded().filter(|layer| own.contains(&layer.tier));
    let used = written.any(|layer| {
        let own = layer.layer.root.get("features");
        own.is_some_and(|own| own.at(&["multi_agent"]).is_some())
    });
    (used && evaluation.machine.version >= Version::of(169)).then(|| {
        "`[features].multi_agent` is deprecated. It still controls the V1 fallback. \
         `[agents].enabled = false` disables subagent tools even when the model selects a subagent \
         version, unless `[features].multi_agent_v2` is enabled."
            .to_owned()
    })
}

/// Values that requirements changed.
pub(super) fn fallbacks(inputs: &Inputs<'_>) -> Vec<String> {
    let session = crate::effective::session(inputs);
    let mut said = session.sandbox.value.notes.clone();
    let words = |clamp: Option<Clamp>| clamp.and_then(|clamp| clamp.warning);
    said.extend(words(session.approval_policy.clamp));
    said.extend(words(session.approvals_reviewer.clamp));
    said.extend(words(session.sandbox.clamp));
    said.extend(
        words(session.web_search.clamp).filter(|_| inputs.machine.version >= Version::of(99)),
    );
    said.extend(windows(inputs));
    if inputs.machine.version < Version::of(104) {
        said.clear();
    }
    said
}

/// A list of Windows sandboxes is held against every system's configuration.
fn windows(inputs: &Inputs<'_>) -> Option<String> {
    let list = inputs.requirement(&["windows", "allowed_sandbox_implementations"])?;
    let allowed: Vec<&str> =
        list.value.as_array()?.iter().filter_map(|node| node.value.as_str()).collect();
    let wanted = inputs.configuration.merged.get("windows").and_then(|node| node.at(&["sandbox"]));
    let wanted = wanted.and_then(|node| node.value.as_str());
    if wanted.is_some_and(|wanted| allowed.contains(&wanted)) {
        return None;
    }
    let name = crate::compose::refusals::lists::variant_name;
    let fallback = if allowed.contains(&"elevated") { "elevated" } else { allowed.first()? };
    let shown = wanted.map_or_else(|| "None".to_owned(), name);
    let names: Vec<String> = allowed.iter().map(|one| name(one)).collect();
    Some(format!(
        "Configured value for `windows.sandbox` is disallowed by requirements; falling back to \
         required value Some({}). Details: invalid value for `windows.sandbox`: `{shown}` is not \
         in the allowed set [{}] (set by {})",
        name(fallback),
        names.join(", "),
        inputs.set_by("windows")
    ))
}

/// Settings nobody reads, from 0.156 on.
fn ignored(evaluation: &Evaluation) -> Option<String> {
    if evaluation.machine.version < Version::of(156) {
        return None;
    }
    let mut lines = ignored_requirements(evaluation);
    for layer in evaluation.configuration.loaded() {
        let name = layer_name(evaluation, layer);
        let paths = unknown_paths(&layer.layer.root, evaluation.machine.version);
        lines.extend(paths.into_iter().map(|path| format!("  {name}: `{path}` is ignored.")));
    }
    for (_, index, path) in unknown_names(evaluation) {
        let layer = evaluation.configuration.layers.get(index);
        if let Some(layer) = layer.filter(|layer| layer.not_loaded.is_none()) {
            let name = layer_name(evaluation, layer);
            lines.push(format!("  {name}: `{path}` is ignored."));
        }
    }
    lines.sort();
    lines.dedup();
    let count = lines.len();
    if count == 0 {
        return None;
    }
    if count > NAMED {
        lines.truncate(NAMED);
        let more = count - NAMED;
        let plural = if more == 1 { "" } else { "s" };
        lines.push(format!("  ... and {more} more ignored setting{plural}."));
    }
    let plural = if count == 1 { "" } else { "s" };
    Some(format!(
        "Codex is ignoring {count} unrecognized configuration setting{plural}. Check for typos or \
         deprecated settings.\n{}",
        lines.join("\n")
    ))
}

/// Unknown keys of requirements.
fn ignored_requirements(evaluation: &Evaluation) -> Vec<String> {
    let mut lines = Vec::new();
    for layer in &evaluation.gathered.requirements {
        let Some(document) = evaluation.documents().get(layer.layer.source) else { continue };
        if matches!(layer.channel, Channel::LegacyFile | Channel::LegacyMdm) {
            continue;
        }
        let found = inspect(&layer.layer.root, &REQUIREMENTS, evaluation.machine.version);
        for unknown in found.unknown {
            if unknown.fate == codex_schema::key::Unknown::Silent {
                continue;
            }
            let path = unknown.path.join(".");
            let advice = if path == "allowed_permissions" {
                " Use [allowed_permission_profiles] and default_permissions; the old allowlist is \
                 ignored even when both forms are present."
            } else {
                ""
            };
            let file = document.source.as_codex_prints();
            lines.push(format!("  requirements ({file}): `{path}` is ignored.{advice}"));
        }
    }
    lines
}

/// Names that no part of this version's configuration knows.
fn unknown_paths(root: &Table, version: Version) -> Vec<String> {
    let mut found: Vec<String> = root
        .iter()
        .map(|entry| &entry.key.value)
        .filter(|name| !shapes::top_level(name, version))
        .map(std::string::ToString::to_string)
        .collect();
    for unknown in inspect(root, &CONFIG, version).unknown {
        let known = unknown.path.first().is_some_and(|name| shapes::top_level(name, version));
        let rows = unknown.path.first().is_some_and(|name| CONFIG.find(&[name]).is_some());
        if known
            && rows
            && unknown.path.len() > 1
            && unknown.fate != codex_schema::key::Unknown::Silent
        {
            found.push(unknown.path.join("."));
        }
    }
    found
}

fn layer_name(evaluation: &Evaluation, layer: &Prepared) -> String {
    let document = evaluation.documents().get(layer.layer.source);
    let file = document.map(|document| document.source.to_string()).unwrap_or_default();
    match layer.tier {
        ConfigTier::System => format!("system ({file})"),
        ConfigTier::Cloud => format!("enterprise-managed ({file})"),
        ConfigTier::User | ConfigTier::Profile => format!("user ({file})"),
        ConfigTier::Project => format!("project ({file})"),
        ConfigTier::CommandLine => "session-flags".to_owned(),
        ConfigTier::LegacyFile | ConfigTier::LegacyMdm => {
            format!("legacy managed_config.toml ({file})")
        }
    }
}

fn denied(evaluation: &Evaluation, layer: &Prepared) -> Option<String> {
    if layer.denied.is_empty() || layer.not_loaded.is_some() {
        return None;
    }
    let document = evaluation.documents().get(layer.layer.source)?;
    Some(format!(
        "Ignored unsupported project-local config keys in {}: {}. If you want these settings to \
         apply, manually set them in your user-level config.toml.",
        document.source,
        layer.denied.join(", ")
    ))
}

/// The one warning about folders that are not trusted.
fn disabled_projects(evaluation: &Evaluation) -> Option<String> {
    let version = evaluation.machine.version;
    let folders: Vec<&str> = evaluation
        .configuration
        .layers
        .iter()
        .filter(|layer| layer.not_loaded.is_some())
        .filter_map(|layer| layer.detail.as_deref())
        .collect();
    if folders.is_empty() {
        return None;
    }
    let mut text = if version < Version::of(138) {
        "Project config.toml files are disabled in the following folders. Settings in those files \
         are ignored, but skills and exec policies still load.\n"
            .to_owned()
    } else {
        "Project-local config, hooks, and exec policies are disabled in the following folders \
         until the project is trusted, but skills still load.\n"
            .to_owned()
    };
    for (number, folder) in folders.iter().rev().enumerate() {
        let reason = disabled_reason(evaluation, folder);
        text.push_str(&format!("    {}. {folder}\n       {reason}\n", number + 1));
    }
    Some(text)
}

/// Why a project's folder does not count.
pub(super) fn disabled_reason(evaluation: &Evaluation, dot_codex: &str) -> String {
    let version = evaluation.machine.version;
    let folder = dot_codex.strip_suffix("/.codex").unwrap_or(dot_codex);
    let user = format!("{}/config.toml", evaluation.machine.codex_home);
    let projects = evaluation.config().get("projects");
    let level = |path: &str| projects?.at(&[path, "trust_level"])?.value.as_str();
    let mut nearest = Some(folder);
    let mut untrusted = false;
    while let Some(path) = nearest.filter(|path| !path.is_empty()) {
        if let Some(level) = level(path) {
            untrusted = level == "untrusted";
            break;
        }
        nearest = path.rfind('/').and_then(|at| path.get(..at));
    }
    let what = if version < Version::of(138) {
        "config.toml"
    } else {
        "project-local config, hooks, and exec policies"
    };
    if !untrusted {
        return format!("To load {what}, add {folder} as a trusted project in {user}.");
    }
    if version < Version::of(157) {
        return format!(
            "{folder} is marked as untrusted in {user}. To load {what}, mark it trusted."
        );
    }
    format!(
        "{folder} is marked as untrusted in the effective configuration. To load {what}, update \
         its trust setting. If that setting is managed by your organization, contact your \
         administrator."
    )
}
