//! The layers of one machine: all of them draw from the same few keys, so that they meet.

use codex_schema::key::Key;
use codex_schema::lookup::{CONFIG, REQUIREMENTS};
use codex_schema::version::Version;

use super::curated;
use super::document::Draft;
use super::random::Random;
use super::values::{lists_texts, sound};

/// Requirement keys whose merging and clamping matters most.
const HOT: &[&str] = &[
    "allowed_approval_policies",
    "allowed_approvals_reviewers",
    "allowed_sandbox_modes",
    "allowed_web_search_modes",
    "allowed_permission_profiles.*",
    "default_permissions",
    "remote_sandbox_config",
    "features.*",
    "rules.prefix_rules",
    "mcp_servers.*.identity",
    "experimental_network.enabled",
    "experimental_network.domains.*",
    "experimental_network.allowed_domains",
    "experimental_network.denied_domains",
    "permissions.filesystem.deny_read",
    "enforce_residency",
    "hooks.PreToolUse",
    "hooks.managed_dir",
];

/// Configuration keys that requirements act on.
const HOT_CONFIG: &[&str] = &[
    "approval_policy",
    "sandbox_mode",
    "approvals_reviewer",
    "web_search",
    "default_permissions",
    "features.*",
    "sandbox_workspace_write.network_access",
    "mcp_servers.docs",
    "mcp_servers.tickets",
];

/// The keys that the layers of one machine set.
#[derive(Debug)]
pub(super) struct Pool {
    requirements: Vec<&'static Key>,
    /// Paths with the row, where the table has one.
    config: Vec<(&'static str, Option<&'static Key>)>,
}

impl Pool {
    /// Chooses the keys of a machine.
    pub(super) fn choose(random: &mut Random, version: Version) -> Self {
        let strict = random.chance(92);
        let known = |key: &Key| {
            !strict || (key.since <= version && key.until.is_none_or(|until| version < until))
        };
        let rows: Vec<&'static Key> = REQUIREMENTS
            .keys()
            .iter()
            .copied()
            .filter(|key| !curated::waits(key.path) && known(key))
            .collect();
        let hot: Vec<_> = rows.iter().copied().filter(|key| HOT.contains(&key.path)).collect();
        let mut requirements = Vec::new();
        for _ in 0..2 + random.below(6) {
            let list = if random.chance(55) { &hot } else { &rows };
            requirements.extend(random.pick(list).copied());
        }
        // One way of listing hosts per machine; both together are an error of their own.
        let (lists, maps) = (["allowed_domains", "denied_domains"], [".domains.*"]);
        let dropped: &[&str] = if random.chance(50) { &lists } else { &maps };
        if random.chance(90) {
            requirements.retain(|key: &&Key| !dropped.iter().any(|end| key.path.ends_with(end)));
        }
        let config = Self::choose_config(random, known);
        Self { requirements, config }
    }

    fn choose_config(
        random: &mut Random,
        known: impl Fn(&Key) -> bool,
    ) -> Vec<(&'static str, Option<&'static Key>)> {
        let rows: Vec<&'static Key> =
            CONFIG.keys().iter().copied().filter(|key| known(key) && quiet(key.path)).collect();
        let mut chosen = Vec::new();
        for _ in 0..2 + random.below(6) {
            let path = if random.chance(55) {
                Some(random.text(HOT_CONFIG))
            } else if random.chance(40) || rows.is_empty() {
                random.pick(curated::CONFIG).map(|(path, _)| *path)
            } else {
                random.pick(&rows).map(|key| key.path)
            };
            let Some(path) = path else { continue };
            let row = rows.iter().copied().find(|key| key.path == path);
            chosen.push((path, row));
        }
        chosen
    }

    /// A random configuration key and value, as `-c` takes them.
    pub(super) fn setting(&self, random: &mut Random, version: Version) -> (String, String) {
        let fallback = ("approval_policy", None);
        let (path, row) = random.pick(&self.config).copied().unwrap_or(fallback);
        // The command line splits at every dot, quoted or not.
        let path_text = concrete(random, path).replace('\'', "");
        (path_text, config_value(random, path, row, version))
    }
}

/// Whether a configuration key makes Codex neither wait nor talk.
fn quiet(path: &str) -> bool {
    let noisy = [
        "otel",
        "notify",
        "model_catalog_json",
        "projects",
        "profiles",
        "profile",
        // Files that would have to be there.
        "model_instructions_file",
        "experimental_instructions_file",
        "experimental_compact_prompt_file",
        // Needs its own limits to be sound.
        "features.rollout_budget",
    ];
    !noisy.iter().any(|part| path == *part || path.starts_with(&format!("{part}.")))
        && !curated::waits(path)
        && !path.starts_with("model_providers")
        && !path.starts_with("mcp_servers")
}

/// Makes one layer of requirements.
pub(super) fn requirements(random: &mut Random, pool: &Pool, version: Version) -> Draft {
    let mut draft = Draft::default();
    if random.chance(4) {
        return draft;
    }
    for key in &pool.requirements {
        if !random.chance(65) {
            continue;
        }
        let count = if key.path.contains('*') { 1 + random.below(3) } else { 1 };
        for _ in 0..count {
            let path = if random.chance(5) { key.was.first() } else { None };
            let path = concrete(random, path.copied().unwrap_or(key.path));
            draft.add(&path, sound(random, key, curated::REQUIREMENTS));
        }
    }
    complete(random, &mut draft);
    if version >= Version::of(166) && random.chance(10) {
        draft.rename("experimental_network", "network_proxy");
    } else if version >= Version::of(169) && random.chance(8) {
        draft.rename("experimental_network", "permissions.network");
    }
    draft
}

/// Adds what some keys cannot be without.
fn complete(random: &mut Random, draft: &mut Draft) {
    // Of two providers without a name Codex reports either: its map has no order.
    for name in ["gateway", "backup"] {
        if draft.has("model_providers.gateway") && draft.has("model_providers.backup") {
            draft.add(&format!("model_providers.{name}.name"), "\"Gateway\"");
        }
    }
    if !random.chance(90) {
        return;
    }
    if draft.has("allowed_permission_profiles") || draft.has("default_permissions") {
        draft.add("allowed_permission_profiles.':read-only'", "true");
        draft.add("default_permissions", "\":read-only\"");
    }
    if draft.has("allowed_permission_profiles.build") || draft.has("permissions.build") {
        draft.add("permissions.build.extends", "\":read-only\"");
    }
    if draft.has("hooks") {
        draft.add("hooks.managed_dir", "\"/opt/hooks\"");
    }
    for name in ["one", "two"] {
        if draft.has(&format!("marketplaces.allowed_sources.{name}")) {
            draft.add(&format!("marketplaces.allowed_sources.{name}.source"), "\"git\"");
            draft.add(
                &format!("marketplaces.allowed_sources.{name}.url"),
                "\"https://git.example/m\"",
            );
        }
    }
    for name in ["gateway", "backup"] {
        if draft.has(&format!("model_providers.{name}")) {
            draft.add(&format!("model_providers.{name}.name"), "\"Gateway\"");
            draft.add(&format!("model_providers.{name}.base_url"), "\"http://127.0.0.1:9/v1\"");
        }
    }
}

/// Makes one layer of configuration with about `size` keys.
pub(super) fn config(random: &mut Random, pool: &Pool, version: Version, size: usize) -> Draft {
    let mut draft = Draft::default();
    for _ in 0..=random.below(size) {
        let Some((path, row)) = random.pick(&pool.config).copied() else { break };
        let value = config_value(random, path, row, version);
        let text = concrete(random, path);
        if text == "model_provider" && value == "\"gateway\"" && random.chance(90) {
            draft.add("model_providers.gateway.name", "\"Gateway\"");
            draft.add("model_providers.gateway.base_url", "\"http://127.0.0.1:9/v1\"");
        }
        if text == "default_permissions" && value == "\"mine\"" && random.chance(90) {
            draft.add("permissions.mine.extends", "\":read-only\"");
        }
        if text == "permissions.mine" && random.chance(85) {
            draft.add("default_permissions", "\"mine\"");
        }
        draft.add(&text, value);
    }
    draft
}

fn config_value(
    random: &mut Random,
    path: &str,
    row: Option<&'static Key>,
    version: Version,
) -> String {
    let listed = curated::CONFIG.iter().find(|(own, _)| *own == path);
    match (listed, row) {
        (Some((_, values)), _) => {
            // 0.98.0 does not know `granular`; as an argument it makes it hang instead of fail.
            let known = |value: &&&str| version >= Version::of(115) || !value.contains("granular");
            let values: Vec<&'static str> = values.iter().filter(known).copied().collect();
            random.text(&values).to_owned()
        }
        (None, Some(key)) if free_text(key) => key.example.to_owned(),
        (None, Some(key)) => sound(random, key, &[]),
        (None, None) => "true".to_owned(),
    }
}

/// Whether Codex reads more into a text than its type says: then only the example is sound.
fn free_text(key: &Key) -> bool {
    key.example.starts_with(['"', '\'']) && !lists_texts(key)
}

/// A path with names in the place of every `*`.
fn concrete(random: &mut Random, path: &str) -> String {
    let mut done: Vec<&str> = Vec::new();
    let mut general: Vec<&str> = Vec::new();
    for part in path.split('.') {
        done.push(if part == "*" { random.text(curated::names(&general.join("."))) } else { part });
        general.push(part);
    }
    done.join(".")
}
