//! The other side: from bundles to the documents of the next release.
//!
//! [`draft`] makes what people sign, [`Draft::commit`] what the online keys sign: snapshot and
//! timestamp. Only what changed gets a new version, so that an endpoint whose team changed nothing
//! fetches nothing but these two.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp as Time};

use crate::bundle::{Bundle, Label, path_of, role_of};
use crate::document::{
    DelegatedRole, Delegations, Document, DocumentError, Envelope, Meta, Root, SNAPSHOT_FILE,
    Snapshot, Target, Targets, Timestamp, keys_of,
};
use crate::keys::{PublicKey, Signer};
use crate::organisation::{self, Organisation};
use crate::refresh::{Limits, RefreshError, refresh};
use crate::store::{MemoryStore, MetadataStore};
use crate::transport::Transport;

/// Who signs for a role, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The keys.
    pub keys: Vec<PublicKey>,
    /// How many of them must sign.
    pub threshold: u32,
    /// For how many days a document of the role is good.
    pub days: u32,
}

/// Why a release cannot be read, drafted or committed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The release that is there is not to be trusted.
    #[error("the published release cannot be used: {0}")]
    Refresh(#[from] RefreshError),
    /// It lacks something.
    #[error("the published release has no `{0}`")]
    Missing(String),
    /// A document cannot be read or written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A bundle cannot be written.
    #[error("cohort `{0}` cannot be written: {1}")]
    Bundle(String, String),
    /// A team has bundles and nobody who signs them.
    #[error("nobody signs for `{0}`: name its keys in trust.toml")]
    Nobody(String),
    /// A bundle of the release is called off.
    #[error(
        "cohort `{cohort}` would get generation {generation}, which is called off: no machine would \
         install it. Change its policy, or what `release.{key}` in policy.toml says"
    )]
    CalledOff {
        /// The cohort.
        cohort: String,
        /// The generation that it would get.
        generation: u64,
        /// What calls it off: `void` or `minimum_generations`.
        key: &'static str,
    },
    /// A document has not enough signatures.
    #[error("`{role}` has {found} of {threshold} signatures")]
    Unsigned {
        /// The role.
        role: String,
        /// How many right signatures by different keys it has.
        found: usize,
        /// How many it needs.
        threshold: u32,
    },
    /// A key does not hold the role that it was to sign for.
    #[error("{key} is not a key of `{role}` in the root")]
    NotAHolder {
        /// The key.
        key: PublicKey,
        /// The role.
        role: &'static str,
    },
}

/// A role's document in a release.
#[derive(Clone, Debug)]
pub struct Signed<D> {
    /// What it says.
    pub document: D,
    /// With its signatures.
    pub envelope: Envelope,
}

/// A release as it is published, every document of it verified.
#[derive(Clone, Debug)]
pub struct Published {
    /// The root.
    pub root: Signed<Root>,
    /// The roles for targets by their names, `targets` among them; empty before the first release.
    pub roles: BTreeMap<String, Signed<Targets>>,
    /// The snapshot; none before the first release.
    pub snapshot: Option<Snapshot>,
    /// The timestamp; none before the first release.
    pub timestamp: Option<Timestamp>,
}

impl Published {
    /// A root under which nothing was released yet.
    ///
    /// # Errors
    /// When it is no root, or not signed to its own threshold.
    pub fn nothing(root: &[u8]) -> Result<Self, WriteError> {
        let envelope = Envelope::read(root)?;
        let document: Root = envelope.document()?;
        let signed = Signed { document, envelope };
        enough(&signed.envelope, "root", &signed.document.keys, signed.document.role("root")?)?;
        Ok(Self { root: signed, roles: BTreeMap::new(), snapshot: None, timestamp: None })
    }

    /// Reads a release and verifies all of it from a root on. Its age does not matter: whoever
    /// writes the next release is the one who ends that.
    ///
    /// # Errors
    /// When it is not to be had or not to be trusted.
    pub fn read(transport: &Arc<dyn Transport>, root: &[u8]) -> Result<Self, WriteError> {
        let store = Arc::new(MemoryStore::with_root(root));
        let kept = Arc::<MemoryStore>::clone(&store);
        let mut session = refresh(Arc::clone(transport), kept, Time::MIN, Limits::default())?;
        let targets: Signed<Targets> = verified(&store, "targets")?;
        let below = targets.document.delegations.iter().flat_map(|below| &below.roles);
        let below: Vec<String> = below.map(|role| role.name.clone()).collect();
        let mut roles = BTreeMap::from([("targets".to_owned(), targets)]);
        for name in below {
            session.find(&format!("{name}/-"))?;
            roles.insert(name.clone(), verified(&store, &name)?);
        }
        let snapshot: Signed<Snapshot> = verified(&store, "snapshot")?;
        let timestamp: Signed<Timestamp> = verified(&store, "timestamp")?;
        Ok(Self {
            root: verified(&store, "root")?,
            roles,
            snapshot: Some(snapshot.document),
            timestamp: Some(timestamp.document),
        })
    }

    /// The bundles by their paths, with what their roles say of them.
    pub fn bundles(&self) -> impl Iterator<Item = (&str, &Target, Label)> {
        let roles = self.roles.iter().filter(|(name, _)| *name != "targets");
        roles.flat_map(|(_, role)| &role.document.targets).filter_map(|(path, target)| {
            let label = serde_json::from_value(target.custom.clone()?).ok()?;
            Some((path.as_str(), target, label))
        })
    }

    fn version_of(&self, role: &str) -> u64 {
        let snapshot = self.snapshot.as_ref();
        let meta = snapshot.and_then(|snapshot| snapshot.meta.get(&format!("{role}.json")));
        meta.map_or(0, |meta| meta.version)
    }
}

/// A role's document from the store that a refresh filled: exactly the bytes that were verified.
fn verified<D: Document>(store: &MemoryStore, role: &str) -> Result<Signed<D>, WriteError> {
    let name = format!("{role}.json");
    let bytes = store.load(&name).map_err(RefreshError::from)?;
    let envelope = Envelope::read(&bytes.ok_or(WriteError::Missing(name))?)?;
    Ok(Signed { document: envelope.document()?, envelope })
}

/// A bundle before it has a generation.
#[derive(Clone, Debug)]
pub struct Next {
    /// The team whose role signs it; none for a cohort without a team.
    pub team: Option<String>,
    /// The bundle; generation and parent are set by [`draft`].
    pub bundle: Bundle,
}

/// Everything that a release is made of.
#[derive(Debug)]
pub struct Content<'content> {
    /// What the organisation says.
    pub organisation: &'content Organisation,
    /// The bundles of all cohorts.
    pub bundles: Vec<Next>,
    /// Who signs for `targets`.
    pub targets: &'content Authority,
    /// Who signs for cohorts without a team.
    pub shared: &'content Authority,
    /// Who signs for each team.
    pub teams: &'content BTreeMap<String, Authority>,
    /// The hash of the plan.
    pub plan: Option<&'content str>,
}

/// The next release before it is committed: documents that changed, and new files.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The documents that changed, by the names of their roles.
    pub roles: BTreeMap<String, Envelope>,
    /// New files, by their paths in the release without digests.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Cohorts whose bundles are new, with the digests of old and new.
    pub changed: BTreeMap<String, Change>,
}

/// A bundle that is new in a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its path.
    pub path: String,
    /// The digest of the bundle before.
    pub from: Option<String>,
    /// Its digest.
    pub to: String,
}

/// How much of its time a document may have used before it is renewed: half.
const RENEW_AFTER: i64 = 2;

/// Makes the documents of the next release.
///
/// # Errors
/// When something cannot be written, or nobody signs for it.
pub fn draft(published: &Published, content: Content<'_>, now: Time) -> Result<Draft, WriteError> {
    let mut draft =
        Draft { roles: BTreeMap::new(), files: BTreeMap::new(), changed: BTreeMap::new() };
    let mut by_role: BTreeMap<String, BTreeMap<String, Target>> = BTreeMap::new();
    for next in content.bundles {
        let role = role_of(next.team.as_deref());
        let (path, target) = place(published, &mut draft, next, content.plan)?;
        called_off(content.organisation, &target)?;
        by_role.entry(role).or_default().insert(path, target);
    }
    let mut delegations = Delegations::default();
    for (name, targets) in by_role {
        let team = name.strip_prefix("team-");
        let authority = team.map_or(Some(content.shared), |team| content.teams.get(team));
        let authority = authority.ok_or_else(|| WriteError::Nobody(name.clone()))?;
        delegate(&mut delegations, &name, authority);
        let next = Targets { version: 0, expires: now, targets, delegations: None };
        revise(published, &mut draft, &name, next, authority, now)?;
    }
    let text = serde_json::to_vec(content.organisation)
        .map_err(|error| WriteError::Bundle(organisation::PATH.to_owned(), error.to_string()))?;
    let targets = BTreeMap::from([(organisation::PATH.to_owned(), Target::of(&text, None))]);
    let next = Targets { version: 0, expires: now, targets, delegations: Some(delegations) };
    if revise(published, &mut draft, "targets", next, content.targets, now)? {
        draft.files.insert(organisation::PATH.to_owned(), text);
    }
    Ok(draft)
}

/// A release that no machine would install is none.
fn called_off(organisation: &Organisation, target: &Target) -> Result<(), WriteError> {
    let label: Option<Label> =
        target.custom.clone().and_then(|custom| serde_json::from_value(custom).ok());
    let Some(Label { cohort, generation, .. }) = label else { return Ok(()) };
    let minimum = organisation.minimum_generations.get(&cohort).copied().unwrap_or(0);
    let key = if organisation.void.contains(&target.digest()) {
        "void"
    } else if generation < minimum {
        "minimum_generations"
    } else {
        return Ok(());
    };
    Err(WriteError::CalledOff { cohort, generation, key })
}

/// The bundle's entry: that of the release before where it says the same.
fn place(
    published: &Published,
    draft: &mut Draft,
    next: Next,
    plan: Option<&str>,
) -> Result<(String, Target), WriteError> {
    let Next { team, mut bundle } = next;
    let path = path_of(team.as_deref(), &bundle.cohort);
    let role = published.roles.get(&role_of(team.as_deref()));
    let before = role.and_then(|role| role.document.targets.get(&path));
    let label: Option<Label> = before
        .and_then(|target| target.custom.clone())
        .and_then(|custom| serde_json::from_value(custom).ok());
    let content = bundle
        .content()
        .map_err(|error| WriteError::Bundle(bundle.cohort.clone(), error.to_string()))?;
    if let (Some(before), Some(label)) = (before, &label)
        && label.content == content
    {
        return Ok((path, before.clone()));
    }
    bundle.generation = label.map_or(0, |label| label.generation) + 1;
    bundle.parent = before.map(Target::digest);
    let bytes = bytes_of(&bundle)?;
    let label = Label {
        cohort: bundle.cohort.clone(),
        generation: bundle.generation,
        parent: bundle.parent.clone(),
        audience: bundle.audience.clone(),
        digest: bundle.digest.clone(),
        content,
        plan: plan.map(str::to_owned),
    };
    let custom = serde_json::to_value(label)
        .map_err(|error| WriteError::Bundle(bundle.cohort.clone(), error.to_string()))?;
    let target = Target::of(&bytes, Some(custom));
    let to = target.digest();
    let change = Change { path: path.clone(), from: bundle.parent, to };
    draft.changed.insert(bundle.cohort, change);
    draft.files.insert(path.clone(), bytes);
    Ok((path, target))
}

fn bytes_of(bundle: &Bundle) -> Result<Vec<u8>, WriteError> {
    serde_json::to_vec(bundle)
        .map_err(|error| WriteError::Bundle(bundle.cohort.clone(), error.to_string()))
}

fn delegate(delegations: &mut Delegations, name: &str, authority: &Authority) {
    let keys: BTreeMap<String, serde_json::Value> =
        authority.keys.iter().map(|key| (key.id(), key.object())).collect();
    delegations.roles.push(DelegatedRole {
        name: name.to_owned(),
        keyids: keys.keys().cloned().collect(),
        threshold: authority.threshold,
        terminating: true,
        paths: vec![format!("{name}/*")],
    });
    delegations.keys.extend(keys);
}

/// Puts a role's next document into the draft, where it says something else than the one before,
/// lacks signatures of those who hold the role now, or has used half of its time. Tells whether.
fn revise(
    published: &Published,
    draft: &mut Draft,
    name: &str,
    mut next: Targets,
    authority: &Authority,
    now: Time,
) -> Result<bool, WriteError> {
    if let Some(before) = published.roles.get(name) {
        let lifetime = i64::from(authority.days) * 86_400;
        let left = before.document.expires.as_second() - now.as_second();
        let same = before.document.targets == next.targets
            && before.document.delegations == next.delegations;
        let signed = before.envelope.signed_by(&authority.keys).len();
        let enough = u32::try_from(signed).is_ok_and(|signed| signed >= authority.threshold);
        if same && enough && left > lifetime / RENEW_AFTER {
            return Ok(false);
        }
    }
    next.version = published.version_of(name) + 1;
    next.expires = after(now, authority.days);
    draft.roles.insert(name.to_owned(), Envelope::new(&next)?);
    Ok(true)
}

/// A time some days later, in whole seconds: the specification knows no others.
pub fn after(now: Time, days: u32) -> Time {
    let seconds = now.as_second().saturating_add(i64::from(days).saturating_mul(86_400));
    Time::from_second(seconds).unwrap_or(Time::MAX)
}

/// What online keys sign: which documents belong together, and that this is the newest state.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The snapshot.
    pub snapshot: Envelope,
    /// Its version.
    pub snapshot_version: u64,
    /// The timestamp: when it is in its place, the release is published.
    pub timestamp: Envelope,
}

/// The keys that sign the commit, and for how many days.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "signers say nothing of themselves")]
pub struct Online<'keys> {
    /// Signs the snapshot.
    pub snapshot: &'keys dyn Signer,
    /// For how many days.
    pub snapshot_days: u32,
    /// Signs the timestamp.
    pub timestamp: &'keys dyn Signer,
    /// For how many days.
    pub timestamp_days: u32,
}

impl Draft {
    /// Checks that everybody has signed who must, and makes the snapshot and the timestamp.
    ///
    /// # Errors
    /// When signatures are missing, or an online key does not hold its role.
    pub fn commit(
        &self,
        published: &Published,
        online: Online<'_>,
        now: Time,
    ) -> Result<Commit, WriteError> {
        self.signed(published)?;
        let root = &published.root.document;
        for (role, signer) in [("snapshot", online.snapshot), ("timestamp", online.timestamp)] {
            let holders = keys_of(&root.keys, &root.role(role)?.keyids);
            let key = signer.public();
            if !holders.contains(&key) {
                return Err(WriteError::NotAHolder { key, role });
            }
        }
        let mut meta = published.snapshot.as_ref().map(|one| one.meta.clone()).unwrap_or_default();
        for (name, envelope) in &self.roles {
            let version = envelope.document::<Targets>()?.version;
            meta.insert(format!("{name}.json"), Meta::version(version));
        }
        let snapshot_version = published.snapshot.as_ref().map_or(0, |one| one.version) + 1;
        let expires = after(now, online.snapshot_days);
        let mut snapshot = Envelope::new(&Snapshot { version: snapshot_version, expires, meta })?;
        snapshot.sign(online.snapshot).map_err(DocumentError::from)?;
        let pinned = Meta::pinned(snapshot_version, &snapshot.bytes());
        let mut timestamp = Envelope::new(&Timestamp {
            version: published.timestamp.as_ref().map_or(0, |one| one.version) + 1,
            expires: after(now, online.timestamp_days),
            meta: BTreeMap::from([(SNAPSHOT_FILE.to_owned(), pinned)]),
            signed_at: Some(now - SignedDuration::from_nanos(i64::from(now.subsec_nanosecond()))),
        })?;
        timestamp.sign(online.timestamp).map_err(DocumentError::from)?;
        Ok(Commit { snapshot, snapshot_version, timestamp })
    }

    /// Whether every document has the signatures that it needs.
    ///
    /// # Errors
    /// The first document that has not.
    pub fn signed(&self, published: &Published) -> Result<(), WriteError> {
        let root = &published.root.document;
        let targets = match self.roles.get("targets") {
            Some(envelope) => {
                enough(envelope, "targets", &root.keys, root.role("targets")?)?;
                envelope.document::<Targets>()?
            }
            None => published
                .roles
                .get("targets")
                .map(|role| role.document.clone())
                .ok_or_else(|| WriteError::Missing("targets.json".to_owned()))?,
        };
        let delegations = targets.delegations.unwrap_or_default();
        for (name, envelope) in self.roles.iter().filter(|(name, _)| *name != "targets") {
            let role = delegations.roles.iter().find(|role| role.name == *name);
            let role = role.ok_or_else(|| WriteError::Nobody(name.clone()))?;
            let keys = crate::document::RoleKeys {
                keyids: role.keyids.clone(),
                threshold: role.threshold,
            };
            enough(envelope, name, &delegations.keys, &keys)?;
        }
        Ok(())
    }
}

fn enough(
    envelope: &Envelope,
    role: &str,
    keys: &BTreeMap<String, serde_json::Value>,
    holders: &crate::document::RoleKeys,
) -> Result<(), WriteError> {
    let keys = keys_of(keys, &holders.keyids);
    let found: BTreeSet<&PublicKey> = envelope.signed_by(&keys);
    let threshold = holders.threshold.max(1);
    if u32::try_from(found.len()).is_ok_and(|found| found >= threshold) {
        return Ok(());
    }
    Err(WriteError::Unsigned { role: role.to_owned(), found: found.len(), threshold })
}

/// The name of a role's document in a release.
pub fn metadata_name<D: Document>(role: &str, document: &D) -> String {
    format!("{}.{role}.json", document.version())
}

/// The name of a target in a release: its SHA-256, hexadecimal, stands before the file's own name.
pub fn target_name(path: &str, digest: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/{digest}.{name}"),
        None => format!("{digest}.{path}"),
    }
}
