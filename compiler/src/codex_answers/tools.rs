//! `mcp list` and `config/value/write`.

use codex_schema::features::canonical;
use codex_schema::version::Version;
use serde_json::{Map, Value as Json, json};

use super::refusals::{Question, refusal};
use crate::effective::mcp::{Verdict, servers};
use crate::evaluate::Evaluation;

/// Answers `mcp list`: each server with whether it runs.
///
/// # Errors
/// Codex's refusal.
pub fn mcp(evaluation: &Evaluation) -> Result<Json, String> {
    if let Some(text) = refusal(evaluation, Question::Command) {
        return Err(text);
    }
    let inputs = evaluation.inputs();
    let mut shown = Map::new();
    for server in servers(&inputs) {
        let table =
            evaluation.config().get("mcp_servers").and_then(|node| node.at(&[&server.name]));
        let command = table.and_then(|node| node.at(&["command"])?.value.as_str());
        let barred = matches!(server.verdict, Verdict::NotListed | Verdict::OtherIdentity { .. });
        let reason = barred.then(|| format!("requirements ({})", inputs.set_by("mcp_servers")));
        let facts = json!({
            "enabled": server.verdict == Verdict::Allowed,
            "disabled_reason": reason,
            "command": command,
        });
        shown.insert(server.name, facts);
    }
    Ok(Json::Object(shown))
}

/// Answers `config/value/write` of one key into the user's file, whose text is `before`.
///
/// # Errors
/// Codex's refusal: exact requirements and feature pins cannot be written over.
pub fn write(
    evaluation: &Evaluation,
    key: &str,
    value: &Json,
    before: &str,
) -> Result<Json, String> {
    if let Some(text) = refusal(evaluation, Question::Read) {
        return Err(text);
    }
    if let Some(text) = pinned(evaluation, key, value) {
        return Err(text);
    }
    let written = toml::Value::try_from(value).map_err(|error| error.to_string())?;
    let separator = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let file = format!("{before}{separator}{key} = {written}\n");
    Ok(json!({"status": "ok", "file": file}))
}

fn pinned(evaluation: &Evaluation, key: &str, value: &Json) -> Option<String> {
    let name = key.strip_prefix("features.")?;
    let version = evaluation.machine.version;
    let name = canonical(name, version).filter(|_| version >= Version::of(110))?;
    let pins = evaluation.composition.merged.get("features")?.value.as_table()?;
    let mut same = pins.iter().filter(|entry| canonical(&entry.key.value, version) == Some(name));
    let pin = same.find_map(|entry| entry.node.value.as_bool())?;
    if value.as_bool() == Some(pin) {
        return None;
    }
    let set_by = evaluation.composition.origin_text("features", evaluation.documents());
    Some(format!(
        "invalid value for `features`: `features.{name}={value}` is not in the allowed set \
         [{name}={pin}] (set by {set_by})"
    ))
}
