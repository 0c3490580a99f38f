//! Puts a new text in the place of a file, whole or not at all.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Why a file was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A link: writing through it would change a file elsewhere, writing over it would cut it.
    #[error("it is a link; name the file it leads to")]
    Link,
    /// A folder, a pipe or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// Somebody else wrote it meanwhile.
    #[error("it has changed since it was read; nothing was written")]
    Changed,
    /// The operating system refused.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

/// Replaces what a file says. The new text is written beside it, flushed to the disk and renamed:
/// whoever reads meanwhile sees the old or the new text. Mode and owner stay.
///
/// # Errors
/// Where the path is no regular file, no longer says `before`, or the system refuses. The file is
/// then untouched and nothing is left beside it.
pub fn replace(path: &Path, before: &[u8], after: &[u8]) -> Result<(), Refused> {
    let metadata = std::fs::symlink_metadata(path)?;
    if metadata.file_type().is_symlink() {
        return Err(Refused::Link);
    }
    if !metadata.is_file() {
        return Err(Refused::NotAFile);
    }
    let aside = beside(path);
    let done = write_aside(&aside, &metadata, after).and_then(|()| {
        if !still_says(path, before)? {
            return Err(Refused::Changed);
        }
        Ok(std::fs::rename(&aside, path)?)
    });
    if done.is_err() {
        // Nothing to do when this fails, too: the error that matters is the first one.
        drop(std::fs::remove_file(&aside));
        return done;
    }
    flush_folder(path)
}

/// A name in the same folder: a rename between file systems is none.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

fn write_aside(aside: &Path, like: &Metadata, text: &[u8]) -> Result<(), Refused> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        // Nobody else may read a secret before the mode is set.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(aside)?;
    file.write_all(text)?;
    keep_owner(&file, like)?;
    file.set_permissions(like.permissions())?;
    file.sync_all()?;
    Ok(())
}

#[cfg(unix)]
fn keep_owner(file: &File, like: &Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    fchown(file, Some(like.uid()), Some(like.gid()))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the other systems can fail")]
fn keep_owner(_: &File, _: &Metadata) -> std::io::Result<()> {
    Ok(())
}

fn still_says(path: &Path, before: &[u8]) -> std::io::Result<bool> {
    let mut now = Vec::new();
    let limit = u64::try_from(before.len()).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut now)?;
    Ok(now == before)
}

/// Makes the new name itself last.
fn flush_folder(path: &Path) -> Result<(), Refused> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn mode_stays_and_nothing_is_left_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        replace(&path, b"old", b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        let stale = replace(&path, b"old", b"newer");
        assert!(matches!(stale, Err(Refused::Changed)), "{stale:?}");
        let longer = replace(&path, b"ne", b"newer");
        assert!(matches!(longer, Err(Refused::Changed)), "{longer:?}");
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn links_and_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "old").unwrap();
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(replace(&link, b"old", b"new"), Err(Refused::Link)));
        assert!(matches!(replace(folder.path(), b"", b"new"), Err(Refused::NotAFile)));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        let absent = replace(&folder.path().join("none"), b"", b"new");
        assert!(matches!(absent, Err(Refused::System(_))), "{absent:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
