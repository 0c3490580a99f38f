//! Property lists, written by the `plist` crate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plist::{Dictionary, Value};

use super::{EmitError, Subject};
use crate::sources::mdm::PreferenceKey;

/// A dictionary of entries in their order.
pub(super) fn dictionary<const N: usize>(entries: [(&str, Value); N]) -> Dictionary {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// A text.
pub(super) fn text(text: impl Into<String>) -> Value {
    Value::String(text.into())
}

/// The document as XML.
pub(super) fn xml(root: Dictionary) -> Result<Vec<u8>, EmitError> {
    let mut bytes = Vec::new();
    Value::Dictionary(root)
        .to_writer_xml(&mut bytes)
        .map_err(|error| EmitError::Format("a property list", error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The document in the binary form.
pub(super) fn binary(root: Dictionary) -> Result<Vec<u8>, EmitError> {
    let mut bytes = Vec::new();
    Value::Dictionary(root)
        .to_writer_binary(&mut bytes)
        .map_err(|error| EmitError::Format("a property list", error.to_string()))?;
    Ok(bytes)
}

/// The preferences of Codex's domain. The value is standard base64 in one line: Codex refuses
/// wrapped ones. Managed defaults have no place here: what `config_toml_base64` says overrides
/// users, as semantics of Codex's layers go (`managed_config.toml` stands above them).
pub(super) fn preferences(subject: &Subject<'_>) -> Dictionary {
    let requirements = text(STANDARD.encode(subject.requirements()));
    dictionary([(PreferenceKey::RequirementsToml.name(), requirements)])
}
