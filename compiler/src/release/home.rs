//! Where a release is published: in a folder that any web server can offer, in a bucket, or on a
//! fleet server.

use std::path::PathBuf;

use codex_trust::transport::{Resource, Transport, TransportError};
use jiff::Timestamp as Time;

#[cfg(feature = "buckets")]
use super::bucket::Bucket;
use super::folder::Folder;
use super::server::Server;

/// A place of a release.
#[derive(Clone, Debug)]
pub enum Home {
    /// A folder.
    Folder(Folder),
    /// A fleet server.
    Server(Server),
    /// A bucket of S3, Google Cloud Storage or Azure.
    #[cfg(feature = "buckets")]
    Bucket(Bucket),
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
            #[cfg(feature = "buckets")]
            Self::Bucket(bucket) => bucket.has_release(),
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
            #[cfg(feature = "buckets")]
            Self::Bucket(bucket) => bucket.read(name, limit),
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
            #[cfg(feature = "buckets")]
            Self::Bucket(bucket) => bucket.has(name),
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
            #[cfg(feature = "buckets")]
            Self::Bucket(bucket) => bucket.keep(name, bytes),
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
            #[cfg(feature = "buckets")]
            Self::Bucket(bucket) => bucket.replace(name, bytes),
        }
    }

    /// Makes sure that nobody else publishes here. A server sees to that itself, and people who
    /// share a folder do.
    ///
    /// # Errors
    /// When somebody else does.
    #[cfg_attr(not(feature = "buckets"), expect(unused_variables, reason = "buckets need it"))]
    pub fn claim(&self, now: Time) -> Result<(), KeepError> {
        match self {
            Self::Folder(_) | Self::Server(_) => Ok(()),
            #[cfg(feature = "buckets")]
            Self::Bucket(bucket) => bucket.claim(now),
        }
    }

    /// Lets others publish.
    pub fn release(&self) {
        match self {
            Self::Folder(_) | Self::Server(_) => {}
            #[cfg(feature = "buckets")]
            Self::Bucket(bucket) => bucket.release(),
        }
    }
}

impl Transport for Home {
    fn get(&self, resource: Resource<'_>, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        self.read(&resource.file(), limit)
    }
}
