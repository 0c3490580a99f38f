//! The preference domain itself.

use super::plists::{binary, preferences, xml};
use super::{Artifact, EmitError, Subject};
use crate::sources::mdm::DOMAIN;

/// Makes it in both forms.
pub(super) fn make(subject: &Subject<'_>) -> Result<Vec<Artifact>, EmitError> {
    let artifact = |path: String, bytes: Vec<u8>| Artifact {
        path,
        bytes,
        target: "preferences",
        installs: Vec::new(),
    };
    Ok(vec![
        artifact(format!("macos/{DOMAIN}.plist"), xml(preferences(subject))?),
        artifact(format!("macos/{DOMAIN}.binary.plist"), binary(preferences(subject))?),
    ])
}
