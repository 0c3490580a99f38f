//! The door to what an endpoint remembers between runs: the floors under every version.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sigstore_tuf::Error;

/// Why the store did not answer, or did not keep.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the trust store cannot {action} `{name}`: {problem}")]
pub struct StoreError {
    /// What was tried: `read` or `write`.
    pub action: &'static str,
    /// The name in the store.
    pub name: String,
    /// What went wrong.
    pub problem: String,
}

/// Keeps verified metadata and floors by name. An implementation belongs to one process at a time.
///
/// Names are those of metadata without versions (`root.json`, `team-payments.json`, odd characters
/// percent-encoded), `targets/…` for targets, and [`FLOORS`].
pub trait MetadataStore: Send + Sync {
    /// What was kept under a name.
    ///
    /// # Errors
    /// When it may be there but cannot be read.
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps bytes under a name, in place of what was there: whole or not at all, and on the disk
    /// when this returns.
    ///
    /// # Errors
    /// When that cannot be promised.
    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;
}

/// The name under which generation floors are kept. It does not end in `.json`, so that no role
/// can have it.
pub const FLOORS: &str = "floors";

/// A store in memory: for looking at a release without remembering it, and for tests.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryStore {
    /// A store that trusts a root.
    pub fn with_root(root: &[u8]) -> Self {
        Self(Mutex::new(BTreeMap::from([("root.json".to_owned(), root.to_vec())])))
    }
}

impl MetadataStore for MemoryStore {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

/// A store as `sigstore-tuf` wants it. That library takes a store that fails for one that is empty
/// and goes on; here the first failure is kept, and nothing is read or written after it.
pub(crate) struct Shelf {
    store: Arc<dyn MetadataStore>,
    failure: Mutex<Option<StoreError>>,
    /// Roles come from the other side even where they are on the shelf.
    bypassed: AtomicBool,
    /// The role that was asked for last came off the shelf.
    served: AtomicBool,
}

impl Shelf {
    pub(crate) fn new(store: Arc<dyn MetadataStore>) -> Self {
        Self {
            store,
            failure: Mutex::new(None),
            bypassed: AtomicBool::new(false),
            served: AtomicBool::new(false),
        }
    }

    /// The first failure of the store.
    ///
    /// # Errors
    /// That failure.
    pub(crate) fn intact(&self) -> Result<(), StoreError> {
        match &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    fn noted<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &done {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            failure.get_or_insert_with(|| error.clone());
        }
        done
    }

    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.intact()?;
        self.noted(self.store.load(name))
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        // What is kept already is not written again: a refresh that brings nothing costs no disk.
        if self.read(name)?.as_deref() == Some(bytes) {
            return Ok(());
        }
        self.noted(self.store.store(name, bytes))
    }

    /// From now on targets roles are fetched, whatever is on the shelf.
    pub(crate) fn bypass(&self) {
        self.bypassed.store(true, Ordering::Relaxed);
    }

    /// Whether roles are fetched whatever is on the shelf.
    pub(crate) fn is_bypassed(&self) -> bool {
        self.bypassed.load(Ordering::Relaxed)
    }

    /// Whether the role that was asked for last came off the shelf: another copy may do better.
    pub(crate) fn served_last(&self) -> bool {
        self.served.load(Ordering::Relaxed)
    }

    /// The document of a targets role in the version that a name such as `7.team-payments.json` asks
    /// for, where it is on the shelf. It is checked like one that comes from outside.
    pub(crate) fn delegated(&self, name: &str) -> Option<Vec<u8>> {
        let found = self.shelved(name);
        self.served.store(found.is_some(), Ordering::Relaxed);
        found
    }

    fn shelved(&self, name: &str) -> Option<Vec<u8>> {
        let (version, file) = name.split_once('.')?;
        let version: u64 = version.parse().ok()?;
        // Of the top-level roles only `targets` is long, and named by the version that is wanted.
        let is_other = ["root.json", "timestamp.json", "snapshot.json"].contains(&file);
        if is_other || self.is_bypassed() {
            return None;
        }
        let bytes = self.read(file).ok()??;
        (version_of(&bytes)? == version).then_some(bytes)
    }
}

/// The version that a document claims.
fn version_of(bytes: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Outer {
        signed: Inner,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        version: u64,
    }
    serde_json::from_slice::<Outer>(bytes).ok().map(|outer| outer.signed.version)
}

/// The shelf in the hands of `sigstore-tuf`.
pub(crate) struct Handle(pub(crate) Arc<Shelf>);

/// Whether `sigstore-tuf` writes something under this name that is kept under another one, too:
/// roots (`root.json` is the last of the chain, which is trusted where it lies) and snapshots by
/// their version.
fn is_double(name: &str) -> bool {
    let numbered = name.strip_suffix(".snapshot.json");
    name.starts_with("root_history/")
        || numbered.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl sigstore_tuf::MetadataStore for Handle {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        if is_double(name) {
            return Ok(None);
        }
        self.0.read(name).map_err(|error| Error::transport_with_source("trust store", error))
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        if is_double(name) {
            return Ok(());
        }
        self.0
            .write(name, bytes)
            .map_err(|error| Error::transport_with_source("trust store", error))
    }
}
