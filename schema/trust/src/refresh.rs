//! The TUF client's work, by `sigstore-tuf`, with what that library leaves to its caller: a store
//! that fails closed, an alarm on two documents of one version, a bound on clocks that go back.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use jiff::Timestamp as Time;
use sigstore_tuf::{Error, Metadata, TargetFile, TrustedMetadataSet, Updater, UpdaterConfig};

use crate::store::{Handle, MetadataStore, Shelf, StoreError};
use crate::transport::{Gate, Transport};

/// The most bytes that a document may have, and how far chains are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a root.
    pub root: u64,
    /// Bytes of a timestamp.
    pub timestamp: u64,
    /// Bytes of a snapshot.
    pub snapshot: u64,
    /// Bytes of a document of targets.
    pub targets: u64,
    /// Bytes of a target.
    pub target: u64,
    /// Roots that one refresh follows. A machine that was off for years must find its way.
    pub rotations: u32,
}

impl Default for Limits {
    /// Generous for 10,000 teams; the specification suggests 2^10 rotations.
    fn default() -> Self {
        Self {
            root: 512_000,
            timestamp: 16_384,
            snapshot: 2_000_000,
            targets: 5_000_000,
            target: 4_000_000,
            rotations: 1024,
        }
    }
}

/// What is wrong without anything being refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Alarm {
    /// Two documents with right signatures and one version say different things: somebody holds
    /// the online keys beside the server, or two servers sign at once. The first one stays.
    #[error(
        "equivocation: two validly signed `{role}` documents of version {version} say different \
         things; the one seen first stays in force"
    )]
    Equivocation {
        /// The role.
        role: &'static str,
        /// The version that both have.
        version: u64,
    },
    /// This machine's clock shows less than the time at which a trusted document was signed.
    #[error("the clock is {seconds} seconds behind the signed time {signed_at}; that time is used")]
    ClockBehind {
        /// By how much.
        seconds: i64,
        /// The signed time.
        signed_at: Time,
    },
}

/// How far behind a signed time a clock may be before that is worth an alarm, in seconds.
const CLOCK_TOLERANCE: i64 = 300;

/// Why the release could not be refreshed, or a target not be had. What was there stays in force.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// There is no root to start from.
    #[error("the trust store holds no root: this endpoint was never given one")]
    NoRoot,
    /// What the store holds is damaged, so that its floors are unknown.
    #[error("`{name}` in the trust store is damaged: {problem}")]
    Damaged {
        /// The name in the store.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The release is not to be had, or not to be trusted.
    #[error("{}", chain(.0))]
    Untrusted(Error),
    /// A transport that waits: those of this crate's callers must not.
    #[error("the transport gave no answer")]
    Unanswered,
}

impl From<Error> for RefreshError {
    fn from(error: Error) -> Self {
        Self::Untrusted(error)
    }
}

/// A release that was refreshed and is trusted as a whole: root, timestamp, snapshot, targets.
pub struct Session {
    updater: Updater,
    shelf: Arc<Shelf>,
    now: Time,
    alarms: Vec<Alarm>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Session")
            .field("updater", &self.updater)
            .field("now", &self.now)
            .field("alarms", &self.alarms)
            .finish_non_exhaustive()
    }
}

/// A target of a release, with the bytes that its signed entry describes.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Its path.
    pub path: String,
    /// What the release says about it.
    pub entry: TargetFile,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Fetched {
    /// The digest of the bytes, `sha256:…`. Where the entry names it, that one was held against
    /// them already.
    pub fn digest(&self) -> String {
        match self.entry.hashes.get("sha256") {
            Some(hex) => format!("sha256:{}", hex.to_ascii_lowercase()),
            None => crate::provider::digest_name(&self.bytes),
        }
    }
}

/// Brings the trust store up to date with a release.
///
/// # Errors
/// When the release is not to be had or not to be trusted, or the store fails. Documents that
/// were found right until then are kept: they are floors.
pub fn refresh(
    transport: Arc<dyn Transport>,
    store: Arc<dyn MetadataStore>,
    now: Time,
    limits: Limits,
) -> Result<Session, RefreshError> {
    crate::provider::install();
    let shelf = Arc::new(Shelf::new(store));
    let root = shelf.read("root.json")?.ok_or(RefreshError::NoRoot)?;
    let floor = Floor::read(&shelf, &root)?;
    let (now, mut alarms) = floor.clock(now);
    let seen = Arc::new(Mutex::new(None));
    let gate = Gate { transport, shelf: Arc::clone(&shelf), seen: Arc::clone(&seen) };
    let mut updater = Updater::new(gate, &root)?
        .with_config(config(limits))
        .with_store(Handle(Arc::clone(&shelf)));
    let mut refreshed = ready(updater.refresh(now))?;
    // First of all: after a failure of the store nothing that the library found counts.
    shelf.intact()?;
    // Perhaps a role was signed anew with other keys and is on the shelf with the old ones.
    if refreshed.is_err() && shelf.is_suspect() {
        refreshed = ready(updater.refresh(now))?;
        shelf.intact()?;
    }
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    alarms.extend(seen.and_then(|seen| floor.equivocation(&seen, &updater)));
    alarms.extend(snapshot_equivocation(&shelf, &updater)?);
    refreshed?;
    Ok(Session { updater, shelf, now, alarms })
}

/// Whether bytes are a root that its own keys signed: what an endpoint may be given to start from.
///
/// # Errors
/// When they are not.
pub fn check_root(bytes: &[u8]) -> Result<(), RefreshError> {
    crate::provider::install();
    Ok(TrustedMetadataSet::from_root(bytes).map(drop)?)
}

fn config(limits: Limits) -> UpdaterConfig {
    let mut config = UpdaterConfig::default();
    config.root_max_length = limits.root;
    config.timestamp_max_length = limits.timestamp;
    config.snapshot_max_length = limits.snapshot;
    config.targets_max_length = limits.targets;
    config.target_max_length = limits.target;
    config.max_root_rotations = limits.rotations;
    config
}

impl Session {
    /// What is wrong without anything being refused.
    pub fn alarms(&self) -> &[Alarm] {
        &self.alarms
    }

    /// The time that expiry is judged by.
    pub fn now(&self) -> Time {
        self.now
    }

    /// What is trusted.
    pub fn trusted(&self) -> &TrustedMetadataSet {
        self.updater.trusted()
    }

    /// The entry of a target, from the role that answers for its path; `None` where there is none.
    ///
    /// # Errors
    /// When a role on the way is not to be had or not to be trusted, or the store fails.
    pub fn find(&mut self, path: &str) -> Result<Option<TargetFile>, RefreshError> {
        let found = ready(self.updater.get_target_info(path, self.now))?;
        self.shelf.intact()?;
        if found.is_ok() || !self.shelf.is_suspect() {
            return Ok(found?);
        }
        let found = ready(self.updater.get_target_info(path, self.now))?;
        self.shelf.intact()?;
        Ok(found?)
    }

    /// Looks up and fetches a target; `None` where the release has none of this path.
    ///
    /// # Errors
    /// As [`Session::find`]; also when the bytes are not those that the entry describes.
    pub fn fetch(&mut self, path: &str) -> Result<Option<Fetched>, RefreshError> {
        let Some(entry) = self.find(path)? else { return Ok(None) };
        let kept = self.updater.find_cached_target(&entry, path);
        let bytes = match kept {
            Some(bytes) => bytes,
            None => ready(self.updater.download_target(&entry, path))??,
        };
        self.shelf.intact()?;
        Ok(Some(Fetched { path: path.to_owned(), entry, bytes }))
    }

    /// What is kept in the store beside metadata.
    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shelf
    }
}

/// What the store held before the refresh.
struct Floor {
    timestamp: Option<Vec<u8>>,
    signed_at: Option<Time>,
}

impl Floor {
    /// Reads the floors. A document that cannot be read is no absent floor: whoever damaged it may
    /// have wanted to get rid of it.
    fn read(shelf: &Shelf, root: &[u8]) -> Result<Self, RefreshError> {
        let mut trusted = TrustedMetadataSet::from_root(root)?;
        let timestamp = shelf.read("timestamp.json")?;
        if let Some(bytes) = &timestamp {
            parsed::<sigstore_tuf::Timestamp>("timestamp.json", bytes)?;
            // One that is signed by keys of another root is no floor any more: that is how a
            // release recovers from stolen online keys. Its end does not matter for a floor.
            drop(trusted.update_timestamp(bytes, Time::MIN));
        }
        if let Some(bytes) = shelf.read("snapshot.json")? {
            parsed::<sigstore_tuf::Snapshot>("snapshot.json", &bytes)?;
        }
        let signed_at = trusted
            .timestamp()
            .and_then(|timestamp| timestamp.extra.get("signed_at")?.as_str()?.parse().ok());
        Ok(Self { timestamp, signed_at })
    }

    /// The time to judge by, and whether the clock lags behind what was signed.
    fn clock(&self, now: Time) -> (Time, Vec<Alarm>) {
        let Some(signed_at) = self.signed_at.filter(|signed_at| *signed_at > now) else {
            return (now, Vec::new());
        };
        let seconds = signed_at.as_second() - now.as_second();
        let alarm = Alarm::ClockBehind { seconds, signed_at };
        (signed_at, (seconds > CLOCK_TOLERANCE).then_some(alarm).into_iter().collect())
    }

    /// Whether the timestamp that came has the version of the one that is kept, right signatures,
    /// and says something else.
    fn equivocation(&self, seen: &[u8], updater: &Updater) -> Option<Alarm> {
        let before = Metadata::<sigstore_tuf::Timestamp>::from_slice(self.timestamp.as_ref()?);
        let before = before.ok()?;
        let now = Metadata::<sigstore_tuf::Timestamp>::from_slice(seen).ok()?;
        let version = now.signed().version;
        if version != before.signed().version || now.signed_canonical() == before.signed_canonical()
        {
            return None;
        }
        let fresh = TrustedMetadataSet::from_root(updater.trusted().root_bytes()).ok()?;
        let is_signed = |bytes: &[u8]| fresh.clone().update_timestamp(bytes, Time::MIN).is_ok();
        let both = is_signed(self.timestamp.as_deref()?) && is_signed(seen);
        both.then_some(Alarm::Equivocation { role: "timestamp", version })
    }
}

/// Whether the timestamp pins another snapshot than the one that is kept, by the same version.
fn snapshot_equivocation(shelf: &Shelf, updater: &Updater) -> Result<Option<Alarm>, StoreError> {
    let trusted = updater.trusted();
    let (Some(timestamp), Some(snapshot)) = (trusted.timestamp(), trusted.snapshot()) else {
        return Ok(None);
    };
    let Some(pin) = timestamp.snapshot_meta().filter(|pin| pin.version == snapshot.version) else {
        return Ok(None);
    };
    let pinned = pin.hashes.as_ref().and_then(|hashes| hashes.get("sha256"));
    let kept = shelf.read("snapshot.json")?;
    Ok(match (pinned, kept) {
        (Some(pinned), Some(kept))
            if !pinned
                .eq_ignore_ascii_case(&crate::provider::hex(&crate::provider::sha256(&kept))) =>
        {
            Some(Alarm::Equivocation { role: "snapshot", version: pin.version })
        }
        _ => None,
    })
}

fn parsed<T: sigstore_tuf::Role>(name: &'static str, bytes: &[u8]) -> Result<(), RefreshError> {
    Metadata::<T>::from_slice(bytes)
        .map(drop)
        .map_err(|error| RefreshError::Damaged { name, problem: error.to_string() })
}

/// An error with all its causes: that library keeps them apart.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(one) = cause {
        text = format!("{text}: {one}");
        cause = one.source();
    }
    text
}

/// The outcome of a future that never waits: all transports here answer at once.
fn ready<T>(future: impl Future<Output = T>) -> Result<T, RefreshError> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err(RefreshError::Unanswered),
    }
}
