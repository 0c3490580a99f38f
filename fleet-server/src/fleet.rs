//! What all requests share: the state of the database in memory, and what keeps it up to date.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_fleet::identity::{DeviceId, Identity};
use codex_fleet::push::Hint;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use tokio::sync::watch;

use crate::authority::{Authority, Pair, private_key};
use crate::config::Config;
use crate::error::ServeError;
use crate::metrics::{Metrics, Standing};
use crate::oidc::Oidc;
use crate::release::{Files, TIMESTAMP, verify};
use crate::rolling::Board;
use crate::store::Store;
use crate::store::devices::{self, Seen};
use crate::store::head::{self, Head};
use crate::store::releases::{self, Loaded};
use crate::store::rollouts;
use crate::store::sql::StoreError;
use crate::store::tokens::{self, AccessToken};
use crate::tree::Tree;
use crate::world::read;

/// The most bytes of a key or a root.
const MAX_FILE: u64 = 1_000_000;

/// How often it is written down who was seen, in milliseconds.
const CHECKPOINT: u64 = 5_000;

/// Decides who waits. The planner of rollouts is behind it; without one nobody does.
///
/// What it says is a wish: an endpoint waits only for as long as its organisation's signed document
/// allows, and never for longer. It is asked at every check-in, so it must answer from memory.
/// After its answers change, [`Fleet::revise`] tells the endpoints to ask again.
pub trait Holds: Send + Sync {
    /// The generation of a cohort above which this endpoint is asked to install nothing for now;
    /// none where it need not wait.
    fn hold(&self, cohort: &str, endpoint: &Identity) -> Option<u64>;
}

/// Nobody waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHolds;

impl Holds for NoHolds {
    fn hold(&self, _: &str, _: &Identity) -> Option<u64> {
        None
    }
}

/// What the database says, at one revision.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Where it stands.
    pub head: Head,
    /// The release.
    pub tree: Arc<Tree>,
    /// Access tokens by their hashes.
    pub accesses: Arc<BTreeMap<String, AccessToken>>,
    /// Machines that were revoked.
    pub revoked: Arc<HashSet<DeviceId>>,
}

/// What is told to all push channels: one buffer for all of them.
#[derive(Clone, Debug)]
pub struct Pulse {
    /// The revision of the hint.
    pub revision: u64,
    /// The version of the newest timestamp.
    pub timestamp: u64,
    /// The hint, as it is sent.
    pub text: Utf8Bytes,
    /// Whether the server goes on.
    pub phase: Phase,
}

/// Keys and certificates.
struct Keys {
    authority: Authority,
    freshness: Ed25519KeyPair,
    freshness_public: String,
    root: Vec<u8>,
}

/// What all requests share.
pub struct Fleet {
    /// How this server runs.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// Figures.
    pub metrics: Metrics,
    /// Who waits, before rollouts are asked.
    pub holds: Arc<dyn Holds>,
    /// Rollouts.
    pub board: Board,
    /// The identity provider, where there is one.
    pub oidc: Option<Oidc>,
    keys: Keys,
    snapshot: RwLock<Arc<Snapshot>>,
    pulse: watch::Sender<Pulse>,
    draining: watch::Sender<Phase>,
    loading: tokio::sync::Mutex<()>,
    seen: Mutex<HashMap<DeviceId, Seen>>,
    numbers: Mutex<HashMap<DeviceId, u64>>,
    trouble: Mutex<Trouble>,
}

/// What is wrong.
#[derive(Clone, Debug, Default)]
struct Trouble {
    database: Option<String>,
    writes: Option<String>,
    release: Option<String>,
}

/// Whether a server takes new work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It does.
    Serving,
    /// It ends what it has begun.
    Draining,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Fleet").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Fleet {
    /// Reads the keys, opens the database and loads what is in it.
    ///
    /// # Errors
    /// When a file or the database cannot be used.
    pub async fn open(config: Config, holds: Arc<dyn Holds>) -> Result<Arc<Self>, ServeError> {
        let keys = keys(&config)?;
        let oidc = config.oidc.as_ref().map(Oidc::open).transpose()?;
        let place = config.database.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let store = Store::open(&place)?;
            store.tend(&place)?;
            Ok::<_, StoreError>(store)
        });
        let store = opened.await??;
        let fleet = Arc::new(Self {
            config,
            store,
            metrics: Metrics::default(),
            holds,
            board: Board::default(),
            oidc,
            keys,
            snapshot: RwLock::default(),
            pulse: watch::Sender::new(Pulse {
                revision: 0,
                timestamp: 0,
                text: Utf8Bytes::default(),
                phase: Phase::Serving,
            }),
            draining: watch::Sender::new(Phase::Serving),
            loading: tokio::sync::Mutex::default(),
            seen: Mutex::default(),
            numbers: Mutex::default(),
            trouble: Mutex::default(),
        });
        fleet.load().await?;
        Ok(fleet)
    }

    /// What the database says.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks something up in what the database says.
    pub fn look<T>(&self, find: impl FnOnce(&Snapshot) -> T) -> T {
        find(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The enrolment authority.
    pub fn authority(&self) -> &Authority {
        &self.keys.authority
    }

    /// The key that signs answers to check-ins.
    pub fn freshness(&self) -> &Ed25519KeyPair {
        &self.keys.freshness
    }

    /// Its public half: 32 bytes, base64.
    pub fn freshness_public(&self) -> &str {
        &self.keys.freshness_public
    }

    /// The root that releases are held against.
    pub fn root(&self) -> &[u8] {
        &self.keys.root
    }

    /// What push channels are told.
    pub fn pulse(&self) -> watch::Receiver<Pulse> {
        self.pulse.subscribe()
    }

    /// Whether it takes new work.
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.draining.subscribe()
    }

    /// Takes no new work from now on.
    pub fn drain(&self) {
        self.draining.send_replace(Phase::Draining);
        self.pulse.send_modify(|told| told.phase = Phase::Draining);
    }

    /// Tells all endpoints of all servers to look: their holds have changed.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn revise(&self) -> Result<(), StoreError> {
        self.store.write(|tx| head::revised(tx)).await?;
        self.load().await
    }

    /// Where it stands, for figures.
    pub fn standing(&self) -> Standing {
        let snapshot = self.snapshot();
        Standing {
            revision: snapshot.head.revision,
            release: snapshot.tree.version,
            is_ready: self.trouble().is_empty(),
        }
    }

    /// What keeps this server from doing its work.
    pub fn trouble(&self) -> Vec<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Trouble { database, writes, release } = trouble;
        database.into_iter().chain(writes).chain(release).collect()
    }

    /// Asks for news again and again, and writes down who was seen, until the server ends.
    pub async fn keep_up(self: Arc<Self>) {
        let pause = Duration::from_millis(self.config.pace.poll_milliseconds);
        let mut phase = self.phase();
        let mut turns: u64 = 0;
        let every = CHECKPOINT.div_ceil(self.config.pace.poll_milliseconds);
        while *phase.borrow() == Phase::Serving {
            let mut is_hint = false;
            tokio::select! {
                () = tokio::time::sleep(pause) => turns += 1,
                () = self.store.news() => is_hint = true,
                _ = phase.changed() => break,
            }
            let polled = self.poll().await;
            self.note_database(polled);
            if !is_hint && turns.is_multiple_of(every) {
                self.checkpoint().await;
                self.probe().await;
            }
        }
        self.checkpoint().await;
    }

    /// Whether the database still takes changes: a full disk is noticed before somebody needs it.
    async fn probe(&self) {
        let sql = "UPDATE head SET id = 1 WHERE id = 1";
        let written = self.store.write(move |tx| tx.execute(sql, &[])).await;
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match written {
            Ok(_) => trouble.writes = None,
            Err(error) => {
                let sentence = "the database takes no changes".to_owned();
                if trouble.writes.replace(sentence).is_none() {
                    tracing::error!(%error, "the database takes no changes: reading goes on");
                }
            }
        }
    }

    /// Notes that the database did not take a change that somebody wanted: said until it takes one.
    pub fn doubt_writes(&self) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.writes.get_or_insert_with(|| "the database takes no changes".to_owned());
    }

    fn note_database(&self, polled: Result<(), StoreError>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match polled {
            Ok(()) => {
                if trouble.database.take().is_some() {
                    tracing::info!("the database is back");
                }
            }
            Err(error) => {
                self.metrics.polls_failed.fetch_add(1, Ordering::Relaxed);
                let told = trouble.database.replace("the database does not answer".to_owned());
                if told.is_none() {
                    tracing::error!(%error, "the database does not answer: the last release is served");
                }
            }
        }
    }

    async fn poll(&self) -> Result<(), StoreError> {
        let head = self.store.read(|tx| head::head(tx)).await?;
        if head == self.snapshot().head { Ok(()) } else { self.load().await }
    }

    /// Loads what the database says now, and tells endpoints when it concerns them.
    ///
    /// # Errors
    /// When the database refuses. What was loaded before stays.
    pub async fn load(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.loading.lock().await;
        let before = self.snapshot();
        let known = before.tree.digests();
        let keep = i64::from(self.config.keep_releases);
        let (head, accesses, revoked, loaded, rollouts) = self
            .store
            .read(move |tx| {
                let head = head::head(tx)?;
                let accesses = tokens::accesses(tx)?;
                let revoked = devices::revoked(tx)?;
                Ok((head, accesses, revoked, releases::load(tx, keep, &known)?, rollouts::all(tx)?))
            })
            .await?;
        let tree = self.grown(&before.tree, loaded).await;
        let snapshot =
            Snapshot { head, tree, accesses: Arc::new(accesses), revoked: Arc::new(revoked) };
        self.board.set(rollouts);
        let (revision, version) = (head.revision, snapshot.tree.version);
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
        self.tell(revision, version);
        Ok(())
    }

    /// The tree after something was loaded; the old one, when what was loaded does not verify.
    async fn grown(&self, before: &Arc<Tree>, loaded: Loaded) -> Arc<Tree> {
        let Some((_, timestamp)) = loaded.timestamp.clone() else { return Arc::clone(before) };
        if is_same(before, &loaded, &timestamp) {
            self.trouble.lock().unwrap_or_else(PoisonError::into_inner).release = None;
            return Arc::clone(before);
        }
        let files = files(before, &loaded, &timestamp);
        let (root, organisation) = (self.keys.root.clone(), self.config.organisation.clone());
        let tree = Arc::clone(before);
        let done = tokio::task::spawn_blocking(move || {
            let release = verify(&files, &root, &organisation)?;
            Ok::<_, crate::release::ReleaseError>(tree.next(
                release,
                &timestamp,
                &loaded.files,
                &loaded.fresh,
            ))
        });
        let problem = match done.await {
            Ok(Ok(tree)) => {
                self.trouble.lock().unwrap_or_else(PoisonError::into_inner).release = None;
                return Arc::new(tree);
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        self.metrics.releases_refused.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            problem,
            "the release in the database does not verify: the last good one stays"
        );
        let sentence = "the release in the database does not verify".to_owned();
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).release = Some(sentence);
        Arc::clone(before)
    }

    fn tell(&self, revision: u64, timestamp: u64) {
        let listening = [&self.metrics.push_channels, &self.metrics.waiting]
            .map(|count| u64::try_from(count.load(Ordering::Relaxed)).unwrap_or(0));
        let pace = &self.config.pace;
        let longest = pace.spread_milliseconds;
        let listening = listening.into_iter().sum::<u64>();
        let hint = Hint {
            timestamp,
            revision,
            // A few need not wait for each other.
            spread: (listening * 1_000 / pace.hinted_per_second.max(1)).min(longest),
            reconnect: longest,
            heartbeat: pace.heartbeat_seconds,
        };
        let Ok(text) = serde_json::to_string(&hint) else { return };
        let text = Utf8Bytes::from(text);
        self.pulse.send_if_modified(|told| {
            let before = (told.revision, told.timestamp);
            let is_new = told.text.is_empty() || before != (revision, timestamp);
            if is_new {
                (told.revision, told.timestamp, told.text) = (revision, timestamp, text);
            }
            is_new
        });
    }

    /// Remembers that a machine was heard of.
    pub fn saw(&self, device: &DeviceId, seen: Seen) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(device.clone(), seen);
    }

    /// The number of a machine's last transition, where it is known here.
    pub fn number(&self, device: &DeviceId) -> Option<u64> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner).get(device).copied()
    }

    /// Remembers the number of a machine's last transition that is durable.
    pub fn keep_number(&self, device: &DeviceId, number: u64) {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.insert(device.clone(), number);
    }

    /// Writes down who was seen since the last time. What cannot be written is tried again.
    async fn checkpoint(&self) {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let seen: Arc<Vec<(DeviceId, Seen)>> = Arc::new(seen.into_iter().collect());
        let mut from = 0;
        while from < seen.len() {
            // In parts, so that transitions get in between.
            let (part, end) = (Arc::clone(&seen), (from + 1_000).min(seen.len()));
            let written = self
                .store
                .write(move |tx| devices::checkpoint(tx, part.get(from..end).unwrap_or_default()))
                .await;
            if let Err(error) = written {
                tracing::warn!(%error, "it could not be written down when machines were seen");
                let mut kept = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                for (device, one) in seen.get(from..).unwrap_or_default() {
                    kept.entry(device.clone()).or_insert_with(|| one.clone());
                }
                return;
            }
            from = end;
        }
    }
}

/// Whether what was loaded is what was verified before, so that nothing need be done.
fn is_same(before: &Tree, loaded: &Loaded, timestamp: &[u8]) -> bool {
    let digest = codex_trust::provider::digest_name(timestamp);
    let mut known = before.digests();
    known.remove(TIMESTAMP);
    before.timestamp.as_ref() == Some(&digest) && known == loaded.files
}

/// All files that are served or were just loaded, as verification wants them.
fn files(before: &Tree, loaded: &Loaded, timestamp: &[u8]) -> Arc<Files> {
    let mut files = Files::new();
    for (name, bytes) in before.bytes() {
        if loaded.files.contains_key(name) {
            files.insert(name.clone(), Arc::from(bytes.as_ref()));
        }
    }
    for (name, bytes) in &loaded.fresh {
        files.insert(name.clone(), Arc::from(bytes.as_slice()));
    }
    files.insert(TIMESTAMP.to_owned(), Arc::from(timestamp));
    Arc::new(files)
}

fn keys(config: &Config) -> Result<Keys, ServeError> {
    let text = |path: &std::path::Path| -> Result<String, ServeError> {
        Ok(String::from_utf8_lossy(&read(path, MAX_FILE)?).into_owned())
    };
    let pair = Pair {
        certificate: text(&config.enrolment.certificate)?,
        key: text(&config.enrolment.key)?,
    };
    let authority = Authority::new(&pair)?;
    let bytes = read(&config.enrolment.freshness_key, MAX_FILE)?;
    let key = private_key(&bytes, "freshness key")?;
    let freshness = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.secret_der())
        .map_err(|error| ServeError::Key(format!("the freshness key cannot be used: {error}")))?;
    let freshness_public = STANDARD.encode(freshness.public_key().as_ref());
    let root = read(&config.root, MAX_FILE)?;
    codex_trust::refresh::check_root(&root)
        .map_err(|error| ServeError::Key(format!("{}: {error}", config.root.display())))?;
    Ok(Keys { authority, freshness, freshness_public, root })
}
