//! A preference manifest in the form of the ProfileManifests project, which ProfileCreator, iMazing
//! and others draw their editors from.

use plist::{Dictionary, Value};

use super::jamf::ABOUT;
use super::plists::{dictionary, text, xml};
use super::{Artifact, EmitError, Subject};
use crate::sources::mdm::DOMAIN;

/// The version of the manifest format.
const FORMAT: u64 = 6;

/// The keys that every payload has, with their types and whether they must be there.
const PAYLOAD: [(&str, &str, &str, bool); 7] = [
    ("PayloadDescription", "Payload Description", "string", false),
    ("PayloadDisplayName", "Payload Display Name", "string", true),
    ("PayloadIdentifier", "Payload Identifier", "string", true),
    ("PayloadType", "Payload Type", "string", true),
    ("PayloadUUID", "Payload UUID", "string", true),
    ("PayloadVersion", "Payload Version", "integer", true),
    ("PayloadOrganization", "Payload Organization", "string", false),
];

/// Makes it.
pub(super) fn make(subject: &Subject<'_>) -> Result<Vec<Artifact>, EmitError> {
    let mut keys: Vec<Value> = PAYLOAD.iter().map(|row| payload_key(subject, row).into()).collect();
    keys.extend(ABOUT.iter().map(|(key, title, about)| {
        Value::from(dictionary([
            ("pfm_name", text(key.name())),
            ("pfm_title", text(*title)),
            ("pfm_description", text(*about)),
            ("pfm_type", text("string")),
            ("pfm_format", text("^[A-Za-z0-9+/]+={0,2}$")),
        ]))
    }));
    let stamp = subject.stamp;
    let changed =
        plist::Date::from(std::time::UNIX_EPOCH + std::time::Duration::from_secs(stamp.changed_at));
    let root = dictionary([
        ("pfm_app_url", text("https://developers.openai.com/codex")),
        ("pfm_description", text(stamp.sentence())),
        ("pfm_domain", text(DOMAIN)),
        ("pfm_format_version", Value::Integer(FORMAT.into())),
        ("pfm_last_modified", Value::Date(changed)),
        ("pfm_platforms", Value::Array(vec![text("macOS")])),
        ("pfm_subkeys", Value::Array(keys)),
        ("pfm_targets", Value::Array(vec![text("system")])),
        ("pfm_title", text("Codex")),
        ("pfm_unique", Value::Boolean(true)),
        ("pfm_version", Value::Integer(stamp.revision.max(1).into())),
    ]);
    Ok(vec![Artifact {
        path: format!("macos/{DOMAIN}.pfm.plist"),
        bytes: xml(root)?,
        target: "pfm",
        installs: Vec::new(),
    }])
}

fn payload_key(
    subject: &Subject<'_>,
    (name, title, kind, required): &(&str, &str, &str, bool),
) -> Dictionary {
    let mut key = dictionary([
        ("pfm_name", text(*name)),
        ("pfm_title", text(*title)),
        ("pfm_description", text(format!("{title} of the payload."))),
        ("pfm_type", text(*kind)),
    ]);
    let default = match *name {
        "PayloadIdentifier" | "PayloadType" => Some(text(DOMAIN)),
        "PayloadDisplayName" => Some(text("Codex policy")),
        "PayloadOrganization" => Some(text(&*subject.stamp.organisation)),
        "PayloadVersion" => Some(Value::Integer(1.into())),
        _ => None,
    };
    key.extend(default.map(|value| ("pfm_default".to_owned(), value)));
    if *required {
        key.insert("pfm_require".to_owned(), text("always"));
    }
    key
}
