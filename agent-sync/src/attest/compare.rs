//! What Codex says it starts with, held against the requirements of a bundle: as far as Codex
//! shows them, key by key along the key table.

use codex_schema::checks::exact_domain;
use codex_schema::key::Secret;
use codex_schema::lookup::{REQUIREMENTS, Spot};
use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::startup::{FIELDS, NOTHING_WHEN_EMPTY, UNSET_WHEN_EMPTY, camel};
use codex_schema::value::{Node, Table};
use codex_schema::version::Version;
use serde_json::Value as Json;

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What Codex shows otherwise than the policy says.
    pub differences: Vec<String>,
    /// Keys of the policy that Codex does not show.
    pub not_shown: Vec<String>,
}

/// Compares requirements with the document of a Codex of some version. What Codex shows beyond the
/// policy is no difference: other layers may demand more.
///
/// # Errors
/// When one of the two cannot be read.
pub fn compare(requirements: &str, document: &Json, version: Version) -> Result<Compared, String> {
    let read = read_toml(requirements, SourceId(0));
    if let Some(problem) = read.problems.first() {
        return Err(format!("the installed requirements cannot be read: {}", problem.message));
    }
    let shown = document
        .pointer("/configRequirements/requirements")
        .ok_or("its answer has no `configRequirements`")?;
    let mut compared = Compared::default();
    walk(&read.root, REQUIREMENTS.root(), &mut Vec::new(), shown, version, &mut compared);
    compared.not_shown.sort();
    compared.not_shown.dedup();
    Ok(compared)
}

/// Goes down a document until a path is one that Codex shows.
fn walk(
    table: &Table,
    spot: &Spot,
    path: &mut Vec<String>,
    shown: &Json,
    version: Version,
    compared: &mut Compared,
) {
    for entry in table {
        path.push(entry.key.value.to_string());
        let dotted = path.join(".");
        let child = spot.child(&entry.key.value);
        let canonical = child.and_then(Spot::alias_of).unwrap_or(&dotted);
        let field = FIELDS.iter().find(|field| field.path == canonical && field.since <= version);
        let goes_on = FIELDS.iter().any(|field| {
            field.path.strip_prefix(canonical).is_some_and(|rest| rest.starts_with('.'))
        });
        match (field, child, entry.node.value.as_table()) {
            (Some(field), Some(child), _) => {
                let there = shown.get(field.name).unwrap_or(&Json::Null);
                below(&entry.node, child, there, &dotted, compared);
            }
            (None, Some(child), Some(below)) if goes_on => {
                walk(below, child, path, shown, version, compared);
            }
            (_, _, _) => compared.not_shown.push(dotted),
        }
        path.pop();
    }
}

/// Compares what is below a key that Codex shows.
fn below(node: &Node, spot: &Spot, shown: &Json, path: &str, compared: &mut Compared) {
    let Some(key) = spot.key else {
        let Some(table) = node.value.as_table() else { return };
        for entry in table {
            let name = &*entry.key.value;
            let Some(child) = spot.child(name) else { continue };
            let path = format!("{path}.{name}");
            match lookup(shown, name) {
                Some(there) => below(&entry.node, child, there, &path, compared),
                // Structs are shown with all their fields, so that one without this name has
                // another purpose than to show it; maps are shown with the entries they have.
                None if shown.is_object() && !spot.is_map() => compared.not_shown.push(path),
                None => below(&entry.node, child, &Json::Null, &path, compared),
            }
        }
        return;
    };
    let Ok(wanted) = key.ty.canonical(node) else {
        return compared.differences.push(format!("`{path}` cannot be read"));
    };
    let is_unset = wanted.as_array().is_some_and(Vec::is_empty)
        && shown.is_null()
        && (NOTHING_WHEN_EMPTY.contains(&path)
            || UNSET_WHEN_EMPTY.iter().any(|beginning| path.starts_with(beginning)));
    if is_unset || same(&wanted, shown) || is_redacted(shown) {
        return;
    }
    let text = |value: &Json| match key.secret {
        Secret::Yes => "[redacted]".to_owned(),
        Secret::No => shortened(&value.to_string()),
    };
    let there = if shown.is_null() { "nothing".to_owned() } else { text(shown) };
    let wanted = text(&wanted);
    let difference = format!("`{path}` is {wanted} in the policy, and Codex shows {there}");
    compared.differences.push(difference);
}

/// A field under its name in the policy, in camel case, or in normal form as a host.
fn lookup<'json>(shown: &'json Json, name: &str) -> Option<&'json Json> {
    let exact = exact_domain(name);
    let names = [Some(name.to_owned()), Some(camel(name)), exact];
    names.into_iter().flatten().find_map(|name| shown.get(name))
}

/// Whether Codex shows a value. Lists are sets; entries that Codex hides or always adds do not
/// count; objects may show fields that nobody set; paths are shown as addresses.
fn same(wanted: &Json, shown: &Json) -> bool {
    match (wanted, shown) {
        (Json::Array(wanted), Json::Array(shown)) => {
            let hidden = |one: &Json| one.as_str().is_some_and(|one| HIDDEN.contains(&one));
            let added = |one: &Json| one.as_str().is_some_and(|one| ADDED.contains(&one));
            wanted.iter().all(|one| hidden(one) || shown.iter().any(|other| same(one, other)))
                && shown.iter().all(|one| added(one) || wanted.iter().any(|want| same(want, one)))
        }
        (Json::Object(wanted), Json::Object(_)) => wanted.iter().all(|(name, value)| {
            let there = lookup(shown, name).unwrap_or(&Json::Null);
            value.is_null() || is_redacted(there) || same(value, there)
        }),
        (Json::String(path), Json::String(address)) => path == address || is_path(path, address),
        (Json::Number(one), Json::Number(other)) => one.as_f64() == other.as_f64(),
        _ => wanted == shown,
    }
}

/// Whether an address or path is that of a path as a policy writes it: below the folder of the
/// requirements, or in somebody's home.
fn is_path(wanted: &str, shown: &str) -> bool {
    let shown = match shown.strip_prefix("file://") {
        Some(address) => decoded(address),
        None => shown.to_owned(),
    };
    if let Some(below) = wanted.strip_prefix('~') {
        return shown.ends_with(below);
    }
    let absolute = match wanted.strip_prefix('/') {
        Some(rest) => format!("/{rest}"),
        None => format!("{FOLDER}{wanted}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in absolute.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    shown.trim_start_matches('/') == parts.join("/")
}

/// An address without its percent-encoding.
fn decoded(address: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = address.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let digits = digits.and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What relative paths are relative to: the folder of the requirements.
pub(super) const FOLDER: &str = "/etc/codex/";

/// Codex does not list this sandbox although it knows it.
const HIDDEN: &[&str] = &["external-sandbox"];

/// Codex always allows to switch searching off.
const ADDED: &[&str] = &["disabled"];

fn is_redacted(shown: &Json) -> bool {
    shown.as_str() == Some("[redacted]")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(120) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compared(requirements: &str, shown: &Json) -> Compared {
        let document = json!({ "configRequirements": { "requirements": shown } });
        compare(requirements, &document, Version::NEWEST).unwrap()
    }

    #[test]
    fn what_codex_shows_is_compared_and_what_it_hides_is_named() {
        let policy = "allowed_sandbox_modes = ['read-only']\nrules.prefix_rules = []\n\
                      [features]\nhooks = true\n[experimental_network.domains]\n'a.example' = 'allow'\n";
        let right = json!({
            "allowedSandboxModes": ["read-only"],
            "featureRequirements": { "hooks": true, "more": false },
            "network": { "domains": { "a.example": "allow", "b.example": "deny" } },
        });
        let found = compared(policy, &right);
        assert_eq!(found.differences, [] as [String; 0]);
        assert_eq!(found.not_shown, ["rules"]);
        let wrong = json!({
            "allowedSandboxModes": ["read-only", "workspace-write"],
            "featureRequirements": null,
            "network": { "domains": { "a.example": "deny" } },
        });
        let found = compared(policy, &wrong).differences;
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found[0].contains("`allowed_sandbox_modes`"), "{found:#?}");
        assert!(
            found[1].contains("`features.hooks` is true in the policy, and Codex shows nothing")
        );
    }

    #[test]
    fn no_policy_at_all_differs_in_every_key() {
        let found = compared("allow_appshots = false\n[features]\nhooks = true\n", &Json::Null);
        assert_eq!(found.differences.len(), 2, "{found:?}");
        assert!(compare("", &json!({}), Version::NEWEST).is_err());
    }
}
