//! A release on a fleet server: the files under their names, read and put by its publisher.

use codex_fleet::routes::RELEASE_FILES;
use codex_trust::transport::TransportError;
use ureq::http::Method;

use super::folder::TIMESTAMP_FILE;
use super::home::KeepError;
use crate::fleet::{Client, Refused};

/// A release on a server.
#[derive(Clone, Debug)]
pub struct Server(Client);

impl Server {
    /// The release on a server.
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// The bytes of a file; `None` where there is none.
    ///
    /// # Errors
    /// When the server refuses, or the file is longer than the limit.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        self.ask(&Method::GET, name, limit)
    }

    /// Whether there is a file of this name.
    ///
    /// # Errors
    /// When the server refuses to say.
    pub fn has(&self, name: &str) -> Result<bool, TransportError> {
        Ok(self.ask(&Method::HEAD, name, 0)?.is_some())
    }

    /// Whether anything was published.
    ///
    /// # Errors
    /// When the server refuses to say.
    pub fn has_release(&self) -> Result<bool, TransportError> {
        self.has(TIMESTAMP_FILE)
    }

    fn ask(
        &self,
        method: &Method,
        name: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, TransportError> {
        match self.0.ask(method, &format!("{RELEASE_FILES}{name}"), &[], limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Refused::Server { status: 404, .. }) => Ok(None),
            Err(Refused::TooLong(limit)) => {
                Err(TransportError::TooLong { name: name.to_owned(), limit })
            }
            Err(error @ (Refused::Silent(_) | Refused::Server { .. })) => {
                Err(TransportError::Failed { name: name.to_owned(), problem: error.to_string() })
            }
        }
    }

    /// Puts a file. The timestamp is the commit: with it, the server verifies all of the release.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), KeepError> {
        let put = self.0.ask(&Method::PUT, &format!("{RELEASE_FILES}{name}"), bytes, EXPLANATION);
        let refused = |error: Refused| KeepError::Server {
            name: name.to_owned(),
            problem: error.to_string(),
        };
        put.map(drop).map_err(refused)
    }
}

/// The most bytes that a server answers to a file that it took.
const EXPLANATION: u64 = 65_536;
