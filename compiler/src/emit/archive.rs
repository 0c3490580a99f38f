//! What packages are made of: entries with fixed owners and times, compressed the same everywhere.

use std::io::Write as _;

use flate2::{Compression, GzBuilder};

use super::EmitError;

/// A file or a folder of a package.
#[derive(Clone, Debug)]
pub(super) struct PackageFile<'content> {
    /// Its path from the root, without a leading slash; folders end with one.
    pub(super) path: String,
    /// Its content.
    pub(super) bytes: &'content [u8],
    /// Its mode.
    pub(super) mode: u32,
}

/// A tar archive, owned by root.
pub(super) fn tar(files: &[PackageFile<'_>], time: u64) -> Result<Vec<u8>, EmitError> {
    let refused = |error: std::io::Error| EmitError::Format("a tar archive", error.to_string());
    let mut builder = tar::Builder::new(Vec::new());
    builder.mode(tar::HeaderMode::Deterministic);
    for file in files {
        let mut header = tar::Header::new_gnu();
        let folder = file.path.ends_with('/');
        header.set_entry_type(if folder {
            tar::EntryType::Directory
        } else {
            tar::EntryType::Regular
        });
        header.set_mode(file.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(time);
        header.set_size(u64::try_from(file.bytes.len()).unwrap_or(u64::MAX));
        header.set_username("root").map_err(refused)?;
        header.set_groupname("root").map_err(refused)?;
        builder
            .append_data(&mut header, format!("./{}", file.path), file.bytes)
            .map_err(refused)?;
    }
    builder.into_inner().map_err(refused)
}

/// Gzip without a name or a time.
pub(super) fn gzip(bytes: &[u8], level: Compression) -> Result<Vec<u8>, EmitError> {
    let refused = |error: std::io::Error| EmitError::Format("a gzip stream", error.to_string());
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), level);
    writer.write_all(bytes).map_err(refused)?;
    writer.finish().map_err(refused)
}
