//! A release in a bucket of S3, Google Cloud Storage or Azure, as any web server offers it.
//!
//! **Invariants.** What was published is created and never written again. The timestamp replaces the
//! one that was read, or nothing: of two publishers one gets through. Files of a release that nobody
//! was told of yet may be left over from a publisher that died; they are replaced under a lease, so
//! that no two publishers mix theirs.

mod address;
mod http;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codex_trust::provider::hex;
use codex_trust::transport::TransportError;
use jiff::{SignedDuration, Timestamp as Time};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutResult,
    RetryConfig, UpdateVersion,
};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

pub use self::address::Settings;
use super::folder::TIMESTAMP_FILE;
use super::home::KeepError;
use crate::fleet::NoServer;

/// Who publishes right now.
const LEASE_FILE: &str = "publishing.json";
/// How long a publisher that died keeps others from going on.
const LEASE: SignedDuration = SignedDuration::from_mins(15);
/// The library tries again where a request breaks off or the service has no time.
const RETRIES: usize = 4;
const RETRY_TIME: Duration = Duration::from_secs(30);

/// Why a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NoBucket {
    /// The address.
    #[error(
        "`{0}` is no address of a bucket: `s3://BUCKET/FOLDER`, `gs://BUCKET/FOLDER` or \
         `az://CONTAINER/FOLDER`"
    )]
    Address(String),
    /// Credentials, regions, endpoints.
    #[error("the settings of the bucket's service in the environment do not do: {0}")]
    Settings(String),
    /// The authorities.
    #[error(transparent)]
    Authorities(#[from] NoServer),
    /// The system.
    #[error("cannot begin: {0}")]
    System(#[from] std::io::Error),
}

/// A release in a bucket.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    base: Path,
    runtime: Arc<Runtime>,
    held: Arc<Mutex<Held>>,
}

/// What this publisher knows of the two files that change.
#[derive(Debug, Default)]
struct Held {
    /// The timestamp that was read last.
    timestamp: Option<UpdateVersion>,
    /// The lease that was taken, under this publisher's name.
    lease: Option<(String, UpdateVersion)>,
}

/// Who publishes, and until when others leave it alone.
#[derive(Debug, Deserialize, Serialize)]
struct Lease {
    publisher: String,
    until: Time,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Bucket").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Bucket {
    /// The release in a bucket. Nothing is sent yet.
    ///
    /// # Errors
    /// When the address or the settings are none.
    pub fn new(address: &str, settings: &Settings) -> Result<Self, NoBucket> {
        let (store, base) = address::open(address, settings)?;
        let runtime = Arc::new(Builder::new_current_thread().enable_time().build()?);
        Ok(Self { store, base, runtime, held: Arc::default() })
    }

    /// Whether something was published here.
    ///
    /// # Errors
    /// When the service does not say.
    pub fn has_release(&self) -> Result<bool, TransportError> {
        self.has(TIMESTAMP_FILE)
    }

    /// Whether there is a file of this name.
    ///
    /// # Errors
    /// When the service does not say.
    pub fn has(&self, name: &str) -> Result<bool, TransportError> {
        let path = self.path(name).map_err(|error| unread(name, &error))?;
        match self.runtime.block_on(self.store.head(&path)) {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(unread(name, &error)),
        }
    }

    /// The bytes of a file; `None` where there is none.
    ///
    /// # Errors
    /// When the service refuses, or the file is longer than the limit.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let found = self.fetch(name, limit)?;
        if name == TIMESTAMP_FILE {
            self.held().timestamp = found.as_ref().map(|(_, version)| version.clone());
        }
        Ok(found.map(|(bytes, _)| bytes))
    }

    /// Writes a file that never changes again.
    ///
    /// # Errors
    /// When the service refuses, or another one of this name is there.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), KeepError> {
        match self.put(name, bytes, PutMode::Create) {
            Ok(_) => Ok(()),
            // Also where the request broke off after it was carried out.
            Err(_) if self.says(name, bytes) => Ok(()),
            Err(Error::AlreadyExists { .. }) => Err(KeepError::Other(name.into())),
            Err(error) => Err(unwritten(name, &error)),
        }
    }

    /// Writes a file in the place of another one: the timestamp in the place of the one that was
    /// read, and any other one under the lease.
    ///
    /// # Errors
    /// When the service refuses, or somebody else has written the timestamp meanwhile.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), KeepError> {
        if name != TIMESTAMP_FILE {
            let put = self.put(name, bytes, PutMode::Overwrite);
            return put.map(drop).map_err(|error| unwritten(name, &error));
        }
        let mode = self.held().timestamp.clone().map_or(PutMode::Create, PutMode::Update);
        match self.put(name, bytes, mode) {
            Ok(_) => Ok(()),
            // Whether the request broke off before or after the commit is known only by looking.
            Err(_) if self.says(name, bytes) => Ok(()),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                Err(refused(name, "somebody else has published since: sign again".to_owned()))
            }
            Err(error) => Err(unwritten(name, &error)),
        }
    }

    /// Takes the lease, or makes sure that it is still held.
    ///
    /// # Errors
    /// When another publisher has it, or the service refuses.
    pub fn claim(&self, now: Time) -> Result<(), KeepError> {
        let held = self.held().lease.clone();
        let (publisher, mode) = match held {
            Some((publisher, version)) => (publisher, PutMode::Update(version)),
            None => (name_of_a_publisher()?, self.free(now)?),
        };
        let until = now.saturating_add(LEASE).unwrap_or(Time::MAX);
        let lease = Lease { publisher, until };
        let bytes =
            serde_json::to_vec(&lease).map_err(|error| refused(LEASE_FILE, error.to_string()))?;
        match self.put(LEASE_FILE, &bytes, mode) {
            Ok(put) => {
                self.held().lease = Some((lease.publisher, put.into()));
                Ok(())
            }
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                self.held().lease = None;
                Err(refused(LEASE_FILE, "another publisher was faster: sign again".to_owned()))
            }
            Err(error) => Err(unwritten(LEASE_FILE, &error)),
        }
    }

    /// Gives the lease back. Where that fails it runs out by itself.
    pub fn release(&self) {
        if self.held().lease.take().is_some()
            && let Ok(path) = self.path(LEASE_FILE)
        {
            drop(self.runtime.block_on(self.store.delete(&path)));
        }
    }

    /// How a lease may be taken: where there is none, or in the place of one that has run out.
    fn free(&self, now: Time) -> Result<PutMode, KeepError> {
        let found = self.fetch(LEASE_FILE, LEASE_BYTES);
        let found = found.map_err(|error| refused(LEASE_FILE, error.to_string()))?;
        let Some((bytes, version)) = found else { return Ok(PutMode::Create) };
        match serde_json::from_slice::<Lease>(&bytes) {
            Ok(lease) if lease.until > now => {
                let until = lease.until.strftime("%H:%M:%S UTC");
                let words = format!("another publisher is at work; it has time until {until}");
                Err(refused(LEASE_FILE, words))
            }
            Ok(_) => Ok(PutMode::Update(version)),
            Err(_) => Err(refused(LEASE_FILE, "it is no lease: look at it, and delete it".into())),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: &str) -> Result<Path, Error> {
        Ok(Path::parse(format!("{}/{name}", self.base))?)
    }

    fn fetch(
        &self,
        name: &str,
        limit: u64,
    ) -> Result<Option<(Vec<u8>, UpdateVersion)>, TransportError> {
        let path = self.path(name).map_err(|error| unread(name, &error))?;
        let found = self.runtime.block_on(async {
            let found = self.store.get(&path).await?;
            let version = UpdateVersion {
                e_tag: found.meta.e_tag.clone(),
                version: found.meta.version.clone(),
            };
            if found.meta.size > limit {
                return Ok((None, version));
            }
            Ok((Some(found.bytes().await?), version))
        });
        match found {
            Ok((Some(bytes), version)) => Ok(Some((bytes.to_vec(), version))),
            Ok((None, _)) => Err(TransportError::TooLong { name: name.to_owned(), limit }),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unread(name, &error)),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], mode: PutMode) -> Result<PutResult, Error> {
        // What web servers in front of a bucket may keep, and what they must ask for again.
        let keep = match name {
            TIMESTAMP_FILE | LEASE_FILE => "no-cache",
            _ => "public, max-age=31536000, immutable",
        };
        let attributes = Attributes::from_iter([
            (Attribute::ContentType, "application/json"),
            (Attribute::CacheControl, keep),
        ]);
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        let path = self.path(name)?;
        self.runtime.block_on(self.store.put_opts(&path, bytes.to_vec().into(), options))
    }

    /// Whether a file says just this.
    fn says(&self, name: &str, bytes: &[u8]) -> bool {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.fetch(name, length).is_ok_and(|found| found.is_some_and(|(there, _)| there == bytes))
    }
}

/// The most bytes of a lease.
const LEASE_BYTES: u64 = 4096;

fn name_of_a_publisher() -> Result<String, KeepError> {
    let mut random = [0; 16];
    let filled = SystemRandom::new().fill(&mut random);
    filled.map_err(|_| refused(LEASE_FILE, "the system has no randomness".to_owned()))?;
    Ok(hex(&random))
}

fn unread(name: &str, error: &Error) -> TransportError {
    TransportError::Failed { name: name.to_owned(), problem: words(error) }
}

fn unwritten(name: &str, error: &Error) -> KeepError {
    refused(name, words(error))
}

fn refused(name: &str, problem: String) -> KeepError {
    KeepError::Server { name: name.to_owned(), problem }
}

/// What the library says, in one line that does nothing to a terminal.
fn words(error: &Error) -> String {
    let text = error.to_string();
    text.chars().map(|one| if one.is_control() { ' ' } else { one }).take(500).collect()
}
