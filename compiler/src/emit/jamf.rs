//! A manifest for Jamf's "Application & Custom Settings": a JSON Schema whose form it draws.

use serde_json::json;

use super::{Artifact, EmitError, Subject};
use crate::sources::mdm::{DOMAIN, PreferenceKey};

/// What the two preferences are, for people who fill in forms.
pub(super) const ABOUT: [(PreferenceKey, &str, &str); 2] = [
    (
        PreferenceKey::RequirementsToml,
        "Requirements (requirements.toml, base64)",
        "What Codex may do on this device. One line of standard base64, made by codex-config: \
         wrapped or hand-edited values stop Codex.",
    ),
    (
        PreferenceKey::ConfigToml,
        "Overriding configuration (config.toml, base64)",
        "Settings that override what users set; prefer requirements. One line of standard base64.",
    ),
];

/// Makes it.
pub(super) fn make(subject: &Subject<'_>) -> Result<Vec<Artifact>, EmitError> {
    let mut properties = serde_json::Map::new();
    for (order, (key, title, about)) in (1..).zip(ABOUT) {
        let property = json!({
            "title": title,
            "description": about,
            "property_order": order * 5,
            "type": "string",
            "pattern": "^[A-Za-z0-9+/]+={0,2}$",
        });
        properties.insert(key.name().to_owned(), property);
    }
    let manifest = json!({
        "title": format!("Codex policy ({DOMAIN})"),
        "description": subject.stamp.sentence(),
        "properties": properties,
    });
    let text = serde_json::to_string_pretty(&manifest)
        .map_err(|error| EmitError::Format("a Jamf manifest", error.to_string()))?;
    Ok(vec![Artifact {
        path: format!("macos/{DOMAIN}.jamf.json"),
        bytes: (text + "\n").into_bytes(),
        target: "jamf",
        installs: Vec::new(),
    }])
}
