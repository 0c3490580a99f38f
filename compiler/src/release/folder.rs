//! A release in a folder.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use codex_trust::transport::TransportError;

use super::home::KeepError;

/// The newest state, and the commit of every release.
pub const TIMESTAMP_FILE: &str = "metadata/timestamp.json";

/// A folder with `metadata/`, `targets/` and `approvals/`.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The release in a folder, whether or not there is one yet.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Whether something was published here.
    pub fn has_release(&self) -> bool {
        self.0.join(TIMESTAMP_FILE).exists()
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The bytes of a file, where it is there, is a file and no link, and not too long.
    ///
    /// # Errors
    /// When it cannot be read, or is longer than the limit.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let failed = |problem: String| TransportError::Failed { name: name.to_owned(), problem };
        let inside = Path::new(name)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        if !inside {
            return Err(failed("it is no name within a release".to_owned()));
        }
        let path = self.0.join(name);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
            Ok(found) if !found.is_file() => return Err(failed("it is no file".to_owned())),
            Ok(_) => {}
        }
        let mut bytes = Vec::new();
        let file = File::open(&path).map_err(|error| failed(error.to_string()))?;
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| failed(error.to_string()))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(TransportError::TooLong { name: name.to_owned(), limit });
        }
        Ok(Some(bytes))
    }

    /// Writes a file that never changes again: on the disk when this returns.
    ///
    /// # Errors
    /// When the system refuses, or another one of this name is there.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), KeepError> {
        let path = self.0.join(name);
        match fs::read(&path) {
            Ok(there) if there == bytes => return Ok(()),
            Ok(_) => return Err(KeepError::Other(path)),
            Err(_) => {}
        }
        self.replace(name, bytes)
    }

    /// Writes a file in the place of another one: whole or not at all, on the disk when this
    /// returns.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), KeepError> {
        let path = self.0.join(name);
        let refused = |error| KeepError::System { path: path.clone(), error };
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder).map_err(refused)?;
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let aside = folder.join(format!(".{file_name}.{}.new", std::process::id()));
        let written = write_whole(&aside, bytes).and_then(|()| fs::rename(&aside, &path));
        if written.is_err() {
            // The first error is the one that matters.
            drop(fs::remove_file(&aside));
        }
        written.and_then(|()| File::open(folder)?.sync_all()).map_err(refused)
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_published_does_not_change() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path());
        folder.keep("metadata/1.root.json", b"one").unwrap();
        folder.keep("metadata/1.root.json", b"one").unwrap();
        assert!(matches!(folder.keep("metadata/1.root.json", b"two"), Err(KeepError::Other(_))));
        assert_eq!(folder.read("metadata/1.root.json", 3).unwrap().as_deref(), Some(&b"one"[..]));
        assert!(matches!(
            folder.read("metadata/1.root.json", 2),
            Err(TransportError::TooLong { .. })
        ));
        assert_eq!(folder.read("metadata/2.root.json", 3).unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn names_and_links_do_not_lead_out() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("secret"), "secret").unwrap();
        let release = place.path().join("release");
        fs::create_dir_all(release.join("metadata")).unwrap();
        std::os::unix::fs::symlink("../../secret", release.join("metadata/2.root.json")).unwrap();
        let folder = Folder::new(&release);
        for name in ["../secret", "metadata/2.root.json", "/etc/hostname"] {
            assert!(folder.read(name, 100).is_err(), "{name}");
        }
    }
}
