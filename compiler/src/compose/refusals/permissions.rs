//! Permission profiles: names, inheritance, defaults.

use codex_schema::value::{Entry, Node, Table};

use super::{Merged, Refusal, filesystem};
use crate::effective::profiles::reserved as reserved_name;

const BUILT_IN: &[&str] = &[":read-only", ":workspace", ":danger-full-access"];
const EXTENDABLE: &[&str] = &[":read-only", ":workspace"];

/// What is wrong with profiles and the list of allowed ones. Only the first is ever shown by
/// Codex, and each later check presumes that the earlier ones passed.
pub(super) fn profiles(merged: &Merged<'_>) -> Vec<Refusal> {
    let first = allowlist(merged)
        .or_else(|| reserved(merged))
        .or_else(|| default_named(merged))
        .or_else(|| selected(merged));
    first.into_iter().collect()
}

/// Profiles that requirements define.
fn managed<'a>(merged: &Merged<'a>) -> Vec<&'a Entry> {
    let table = merged.get(&["permissions"]).and_then(|node| node.value.as_table());
    let version = merged.era().version();
    let profile = |entry: &&Entry| !reserved_name(&entry.key.value, version);
    table.into_iter().flat_map(Table::iter).filter(profile).collect()
}

fn defined<'a>(merged: &Merged<'a>, name: &str) -> Option<&'a Node> {
    let own = merged.get(&["permissions", name]);
    own.or_else(|| merged.config.get("permissions")?.at(&[name]))
}

fn allowlist(merged: &Merged<'_>) -> Option<Refusal> {
    let default = merged.get(&["default_permissions"]);
    let Some(allowed) = merged.get(&["allowed_permission_profiles"]) else {
        let text = "requirements.toml default_permissions requires allowed_permission_profiles";
        return default.map(|node| Refusal::start(text, Some(node.span)));
    };
    let table = allowed.value.as_table()?;
    for entry in table.sorted() {
        let name = &*entry.key.value;
        if !BUILT_IN.contains(&name) && defined(merged, name).is_none() {
            let text = format!(
                "requirements.toml allowed_permission_profiles refers to undefined profile `{name}`"
            );
            return Some(Refusal::start(text, Some(entry.key.span)));
        }
    }
    let permits =
        |name: &str| table.get(name).and_then(|node| node.value.as_bool()).unwrap_or_default();
    let Some(default) = default else {
        let implied = permits(":workspace") && permits(":read-only");
        let text = "requirements.toml default_permissions must be set unless \
                    allowed_permission_profiles allows both `:workspace` and `:read-only`";
        return (!implied).then(|| Refusal::start(text, Some(allowed.span)));
    };
    let name = default.value.as_str()?;
    (!permits(name)).then(|| {
        let text = format!(
            "requirements.toml default_permissions `{name}` must be allowed by \
             allowed_permission_profiles"
        );
        Refusal::start(text, Some(default.span))
    })
}

fn reserved(merged: &Merged<'_>) -> Option<Refusal> {
    let wrong = managed(merged).into_iter().find(|entry| entry.key.value.starts_with(':'))?;
    let text = format!(
        "permissions profile `{}` uses a reserved built-in profile prefix",
        wrong.key.value
    );
    Some(Refusal::start(text, Some(wrong.key.span)))
}

/// Profiles need a default, from requirements or from the configuration.
fn default_named(merged: &Merged<'_>) -> Option<Refusal> {
    let profile = managed(merged).into_iter().next()?;
    let named = merged.get(&["default_permissions"]).is_some()
        || merged.get(&["allowed_permission_profiles"]).is_some()
        || merged.config.get("default_permissions").is_some()
        || merged.config.get("sandbox_mode").is_some()
        // A clash of names is found first, and told where the session is worked out.
        || managed(merged).iter().any(|entry| clashes(merged, entry));
    let text = "config defines `[permissions]` profiles but does not set `default_permissions`";
    (!named).then(|| Refusal::start(text, Some(profile.key.span)))
}

fn clashes(merged: &Merged<'_>, entry: &Entry) -> bool {
    let own = merged.config.get("permissions");
    own.is_some_and(|own| own.at(&[&entry.key.value]).is_some())
}

/// Only the selected profile is resolved.
fn selected(merged: &Merged<'_>) -> Option<Refusal> {
    let named = merged
        .get(&["default_permissions"])
        .or_else(|| merged.config.get("default_permissions"))?;
    let name = named.value.as_str()?;
    chain(merged, name).or_else(|| filesystem::of_profile(defined(merged, name)?))
}

/// Follows `extends` until it ends, breaks or comes back.
fn chain(merged: &Merged<'_>, start: &str) -> Option<Refusal> {
    let mut path = vec![start.to_owned()];
    loop {
        let name = path.last()?;
        let extends = defined(merged, name)?.at(&["extends"])?;
        let parent = extends.value.as_str()?;
        let refuse = |text: String| Some(Refusal::start(text, Some(extends.span)));
        if parent.starts_with(':') {
            let text = format!(
                "permissions profile `{name}` cannot extend unsupported built-in profile `{parent}`"
            );
            return if EXTENDABLE.contains(&parent) { None } else { refuse(text) };
        }
        if let Some(back) = path.iter().position(|seen| seen == parent) {
            let mut cycle: Vec<&str> = path.iter().skip(back).map(String::as_str).collect();
            cycle.push(parent);
            let text =
                format!("permissions profile inheritance cycle detected: {}", cycle.join(" -> "));
            return refuse(text);
        }
        if defined(merged, parent).is_none() {
            let text = format!("permissions profile `{name}` extends undefined profile `{parent}`");
            return refuse(text);
        }
        path.push(parent.to_owned());
    }
}
