//! The bundle that Codex fetches.

use serde_json::json;

use super::{Artifact, EmitError, Subject};

/// Makes it. It is never empty: Codex takes an empty bundle as "no policy" at once.
pub(super) fn make(subject: &Subject<'_>) -> Result<Vec<Artifact>, EmitError> {
    let stamp = subject.stamp;
    let name = format!("{} revision {}", stamp.policy, stamp.revision);
    let fragment =
        |contents: &str| json!([{"id": stamp.policy, "name": name, "contents": contents}]);
    let mut bundle = json!({
        "requirements_toml": {"enterprise_managed": fragment(subject.requirements())},
    });
    if let (Some(config), Some(object)) = (subject.config(), bundle.as_object_mut()) {
        object.insert("config_toml".to_owned(), json!({"enterprise_managed": fragment(config)}));
    }
    let text = serde_json::to_string_pretty(&bundle)
        .map_err(|error| EmitError::Format("a bundle", error.to_string()))?;
    Ok(vec![Artifact {
        path: "cloud/bundle.json".to_owned(),
        bytes: (text + "\n").into_bytes(),
        target: "bundle",
        installs: Vec::new(),
    }])
}
