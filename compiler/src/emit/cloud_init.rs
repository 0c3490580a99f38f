//! User data for cloud-init.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;

use super::archive::gzip;
use super::system::{FILE_MODE, UNIX_FOLDER};
use super::{Artifact, EmitError, Subject};

/// Makes it.
pub(super) fn make(subject: &Subject<'_>) -> Result<Vec<Artifact>, EmitError> {
    let refused = |_| EmitError::Format("user data", "out of memory".to_owned());
    let mut text = String::from("#cloud-config\n");
    for line in subject.stamp.lines() {
        writeln!(text, "# {line}").map_err(refused)?;
    }
    text.push_str("write_files:\n");
    for (path, content) in subject.policy_files() {
        let packed = STANDARD.encode(gzip(content.as_bytes(), Compression::fast())?);
        write!(
            text,
            "  - path: {UNIX_FOLDER}/{path}\n    owner: root:root\n    permissions: \"{FILE_MODE}\"\n    \
             encoding: gz+b64\n    content: {packed}\n"
        )
        .map_err(refused)?;
    }
    Ok(vec![Artifact {
        path: "linux/cloud-init.yaml".to_owned(),
        bytes: text.into_bytes(),
        target: "cloud-init",
        installs: Vec::new(),
    }])
}
