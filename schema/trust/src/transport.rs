//! The door through which bytes of a release come in.

use std::sync::{Arc, Mutex};

use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error, Repository};

use crate::store::Shelf;

/// What is fetched, by its name within a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'name> {
    /// A metadata file, such as `timestamp.json` or `7.team-payments.json`. Odd characters in the
    /// names of roles are percent-encoded already: the name is one segment of an address.
    Metadata(&'name str),
    /// A target, such as `team-payments/0a1b….payments.json`, its parts not encoded.
    Target(&'name str),
    /// An approval of a loosening, by the SHA-256 of the bundle that it lets in, hexadecimal.
    Approval(&'name str),
}

impl Resource<'_> {
    /// The file that it is in, where a release lies in a folder: parts as they are, not encoded.
    pub fn file(self) -> String {
        match self {
            Self::Metadata(name) => format!("metadata/{name}"),
            Self::Target(name) => format!("targets/{name}"),
            Self::Approval(name) => format!("targets/approvals/{name}.json"),
        }
    }
}

/// Why something could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The other side sends more than the limit allows.
    #[error("`{name}` is longer than the {limit} bytes that it may have")]
    TooLong {
        /// What was fetched.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// It took too long.
    #[error("`{name}` did not arrive within {seconds} seconds")]
    TooSlow {
        /// What was fetched.
        name: String,
        /// The time that it had.
        seconds: u64,
    },
    /// Less arrived than was announced.
    #[error("`{name}` broke off after {received} bytes")]
    Truncated {
        /// What was fetched.
        name: String,
        /// How much arrived.
        received: u64,
    },
    /// Anything else.
    #[error("cannot fetch `{name}`: {problem}")]
    Failed {
        /// What was fetched.
        name: String,
        /// What went wrong.
        problem: String,
    },
}

/// Fetches parts of a release: over a network, from a folder, out of a spool.
pub trait Transport: Send + Sync {
    /// The bytes of a resource; `None` where there is no such thing. An implementation stops
    /// reading at the limit, and keeps a deadline.
    ///
    /// # Errors
    /// When it cannot be fetched, is longer than the limit, or breaks off.
    fn get(&self, resource: Resource<'_>, limit: u64) -> Result<Option<Vec<u8>>, TransportError>;
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn get(&self, resource: Resource<'_>, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        (**self).get(resource, limit)
    }
}

/// The transport as `sigstore-tuf` wants it, with the shelf of roles that are there already, and
/// a memory of the last timestamp that came.
pub(crate) struct Gate {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) seen: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Repository for Gate {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(std::future::ready(self.metadata(name, max_length)))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(std::future::ready(self.fetch(Resource::Target(path), max_length)))
    }
}

impl Gate {
    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        if let Some(bytes) = self.shelf.role(name) {
            return Ok(Some(bytes));
        }
        let found = self.fetch(Resource::Metadata(name), limit)?;
        if name == "timestamp.json"
            && let Ok(mut seen) = self.seen.lock()
        {
            seen.clone_from(&found);
        }
        Ok(found)
    }

    fn fetch(&self, resource: Resource<'_>, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let found = self.transport.get(resource, limit);
        let found = found.map_err(|error| {
            Error::transport_with_source("the release cannot be fetched", error)
        })?;
        // A transport that forgot its limit must not take this process along.
        match found {
            Some(bytes) if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit => {
                Err(Error::transport(format!("more than {limit} bytes for {resource:?}")))
            }
            found => Ok(found),
        }
    }
}
