//! Files that requirements name and Codex reads at once.

use super::{Merged, Refusal};
use crate::files::{Content, Unreadable};

/// The model catalogue must be there and be JSON.
pub(super) fn model_catalog(merged: &Merged<'_>) -> Vec<Refusal> {
    let (Some(node), Some(files)) = (merged.get(&["model_catalog_json"]), merged.setting.files)
    else {
        return Vec::new();
    };
    let Some(path) = node.value.as_str() else { return Vec::new() };
    let text = match files.read(path) {
        Content::Absent => "No such file or directory (os error 2)".to_owned(),
        Content::Unreadable(Unreadable::NotAFile) => "Is a directory (os error 21)".to_owned(),
        Content::Unreadable(other) => other.to_string(),
        Content::Bytes(bytes) => {
            let Err(error) = serde_json::from_slice::<serde_json::Value>(&bytes) else {
                return Vec::new();
            };
            format!("failed to parse model_catalog_json path `{path}` as JSON: {error}")
        }
    };
    vec![Refusal::start(text, Some(node.span))]
}
