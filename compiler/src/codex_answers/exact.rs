//! Requirements that replace a configured value outright.

use codex_schema::value::Node;
use codex_schema::version::Version;
use serde_json::{Map, Value as Json};

use super::shapes::shaped_at;
use crate::compose::refusals::lists::variant_name;
use crate::evaluate::Evaluation;

/// Single keys in Codex's order, with how Codex prints a value of each in its warning.
const KEYS: &[(&str, Print)] = &[
    ("cli_auth_credentials_store", Print::Variant),
    ("chatgpt_base_url", Print::Text),
    ("sqlite_home", Print::Path),
    ("log_dir", Print::Path),
    ("model_catalog_json", Print::Path),
    ("model_provider", Print::Text),
    ("check_for_update_on_startup", Print::Plain),
    ("allow_login_shell", Print::Plain),
];

/// Tables of which each leaf is replaced.
const TABLES: &[&str] = &["feedback", "otel"];

#[derive(Clone, Copy)]
enum Print {
    Plain,
    Text,
    Path,
    Variant,
}

impl Print {
    fn show(self, value: &Json) -> String {
        let text = value.as_str().unwrap_or_default();
        match self {
            Self::Plain => value.to_string(),
            Self::Text => format!("{text:?}"),
            Self::Path => format!("AbsolutePathBuf({text:?})"),
            Self::Variant => variant_name(text),
        }
    }
}

/// What Codex takes where nobody sets the key and compares the requirement with.
fn built_in(key: &str) -> Option<&'static str> {
    match key {
        "chatgpt_base_url" => Some("https://chatgpt.com/backend-api/"),
        "cli_auth_credentials_store" => Some("file"),
        _ => None,
    }
}

/// Whether this version has such requirements; measured at 0.157.1 and 0.169.0, absent at 0.138.0.
fn any(evaluation: &Evaluation) -> bool {
    evaluation.machine.version >= Version::of(146)
}

fn required<'a>(evaluation: &'a Evaluation, key: &str) -> Option<&'a Node> {
    evaluation.composition.merged.get(key).filter(|_| any(evaluation))
}

/// Lays the required values over a configuration.
pub(super) fn replace(evaluation: &Evaluation, config: &mut Map<String, Json>) {
    for (key, _) in KEYS {
        if let Some(node) = required(evaluation, key) {
            config.insert((*key).to_owned(), json(node));
        }
    }
    for (name, provider) in providers(evaluation) {
        let own = config.entry("model_providers").or_insert_with(|| Json::Object(Map::new()));
        if let Some(own) = own.as_object_mut() {
            own.insert(name.to_owned(), json(provider));
        }
    }
    for table in TABLES {
        let Some(node) = required(evaluation, table) else { continue };
        let own = config.entry((*table).to_owned()).or_insert_with(|| Json::Object(Map::new()));
        if let (Json::Object(own), Json::Object(above)) = (own, json(node)) {
            own.extend(above);
        }
    }
}

/// Providers that requirements define: each replaces the configured one whole.
fn providers(evaluation: &Evaluation) -> impl Iterator<Item = (&str, &Node)> {
    let table = required(evaluation, "model_providers").and_then(|node| node.value.as_table());
    let entries = table.into_iter().flat_map(codex_schema::value::Table::iter);
    entries.map(|entry| (&*entry.key.value, &entry.node))
}

/// Takes the origins of replaced values out: Codex names none.
pub(super) fn hides(evaluation: &Evaluation, path: &str) -> bool {
    let single = KEYS.iter().any(|(key, _)| path == *key && required(evaluation, key).is_some());
    let mut parts = path.split('.');
    let leaf = || -> Option<&Node> {
        let (table, name) = (parts.next()?, parts.next()?);
        let table = TABLES.iter().find(|one| **one == table)?;
        required(evaluation, table)?.at(&[name])
    };
    let provider = providers(evaluation)
        .any(|(name, _)| path.starts_with(&format!("model_providers.{name}.")));
    single || provider || { leaf }().is_some()
}

/// What Codex says about values that were replaced.
pub(super) fn warnings(evaluation: &Evaluation) -> Vec<String> {
    let documents = evaluation.documents();
    let mut said = Vec::new();
    for (key, print) in KEYS {
        let Some(node) = required(evaluation, key) else { continue };
        let wanted = evaluation.config().get(key).map(json);
        let wanted = wanted.or_else(|| built_in(key).map(Json::from));
        if wanted.is_some_and(|wanted| wanted != json(node)) {
            said.push(format!(
                "Configured value for `{key}` is overridden by the required value {} from {}.",
                print.show(&json(node)),
                evaluation.composition.origin_text(key, documents)
            ));
        }
    }
    for table in TABLES {
        if overridden(evaluation, table) {
            said.push(format!(
                "Configured values under `{table}` are overridden by requirements from {}.",
                evaluation.composition.origin_text(table, documents)
            ));
        }
    }
    said
}

fn overridden(evaluation: &Evaluation, table: &str) -> bool {
    let (Some(required), Some(wanted)) =
        (required(evaluation, table), evaluation.config().get(table))
    else {
        return false;
    };
    let entries = required.value.as_table().map(|table| table.iter());
    entries.into_iter().flatten().any(|entry| {
        let name = &*entry.key.value;
        let shown =
            |node: &Node| shaped_at(&[table, name], &json(node), evaluation.machine.version);
        wanted.at(&[name]).is_some_and(|own| shown(own) != shown(&entry.node))
    })
}

fn json(node: &Node) -> Json {
    serde_json::to_value(&node.value).unwrap_or_default()
}
