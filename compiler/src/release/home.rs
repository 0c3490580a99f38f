//! Where a release is published: in a folder that any web server can offer, or on a fleet server.

use std::path::PathBuf;

use codex_trust::transport::{Resource, Transport, TransportError};

use super::folder::Folder;
use super::server::Server;

/// A place of a release.
#[derive(Clone, Debug)]
pub enum Home {
    /// A folder.
    Folder(Folder),
    /// A fleet server.
    Server(Server),
}

/// Why a file of a release could not be written.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The system refused.
    #[error("cannot write {path}: {error}")]
    System {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A file of this name says something else. Nothing that was published is ever changed.
    #[error("{0} is there already and says something else")]
    Other(PathBuf),
    /// A server refused.
    #[error("cannot publish {name}: {problem}")]
    Server {
        /// The file.
        name: String,
        /// Why.
        problem: String,
    },
}

impl Home {
    /// Whether something was published here.
    ///
    /// # Errors
    /// When a server does not say.
    pub fn has_release(&self) -> Result<bool, TransportError> {
        match self {
            Self::Folder(folder) => Ok(folder.has_release()),
            Self::Server(server) => server.has_release(),
        }
    }

    /// The bytes of a file; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is longer than the limit.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        match self {
            Self::Folder(folder) => folder.read(name, limit),
            Self::Server(server) => server.read(name, limit),
        }
    }

    /// Whether there is a file of this name.
    ///
    /// # Errors
    /// When a server does not say.
    pub fn has(&self, name: &str) -> Result<bool, TransportError> {
        match self {
            Self::Folder(folder) => Ok(folder.path(name).is_file()),
            Self::Server(server) => server.has(name),
        }
    }

    /// Writes a file that never changes again.
    ///
    /// # Errors
    /// When it is refused, or another one of this name is there.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), KeepError> {
        match self {
            Self::Folder(folder) => folder.keep(name, bytes),
            Self::Server(server) => server.put(name, bytes),
        }
    }

    /// Writes a file in the place of another one. A server lets that happen to files of a release
    /// only that nobody was told of yet, and to the timestamp.
    ///
    /// # Errors
    /// When it is refused.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), KeepError> {
        match self {
            Self::Folder(folder) => folder.replace(name, bytes),
            Self::Server(server) => server.put(name, bytes),
        }
    }
}

impl Transport for Home {
    fn get(&self, resource: Resource<'_>, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        self.read(&resource.file(), limit)
    }
}
