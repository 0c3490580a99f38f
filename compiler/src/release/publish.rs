//! From a stage to the published release: everything is verified, the timestamp is the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use codex_trust::approval::Statement;
use codex_trust::bundle::{Bundle, Label, path_of, role_of};
use codex_trust::document::{DocumentError, Root, Target, Targets, keys_of};
use codex_trust::guards::{Unreadable, loosened};
use codex_trust::organisation::{self, Organisation};
use codex_trust::provider::{digest_name, hex, sha256};
use codex_trust::refresh::Limits;
use codex_trust::transport::{Transport, TransportError};
use codex_trust::write::{Commit, Online, Published, WriteError, metadata_name, target_name};
use jiff::Timestamp as Time;

use super::folder::TIMESTAMP_FILE;
use super::home::{Home, KeepError};
use super::stage::{Stage, Staged};
use crate::plan::hash::PlanHash;

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Reading the published release, or committing the next one.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A file of the release.
    #[error(transparent)]
    Read(#[from] TransportError),
    /// Writing.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// Somebody else has published since.
    #[error("the stage follows release {staged}, and {published} is published: sign again")]
    Overtaken {
        /// What the stage follows.
        staged: u64,
        /// What is there.
        published: u64,
    },
    /// It is not what was planned.
    #[error("the stage was signed under {staged}, and {wanted} was asked for")]
    OtherPlan {
        /// The plan of the stage.
        staged: String,
        /// The plan that was asked for.
        wanted: String,
    },
    /// A document lists a file that is nowhere, or another one.
    #[error("`{0}` is listed, and neither staged nor published as listed")]
    File(String),
    /// What is staged is not what the role says of it.
    #[error("`{path}` is staged as something else than `{role}` lists: {about}")]
    Label {
        /// The file.
        path: String,
        /// The role.
        role: String,
        /// On what they disagree.
        about: &'static str,
    },
    /// A bundle is below the floor.
    #[error("cohort `{cohort}` is looser than the organisation's floor: {}", keys.join(", "))]
    Floor {
        /// The cohort.
        cohort: String,
        /// The keys.
        keys: Vec<String>,
    },
    /// A bundle loosens and nobody approved it.
    #[error(
        "cohort `{cohort}` loosens {} and has no approval that counts: {why}; see `codex-config \
         release approve`",
        keys.join(", ")
    )]
    NotApproved {
        /// The cohort.
        cohort: String,
        /// The keys.
        keys: Vec<String>,
        /// What is wrong with the approval.
        why: String,
    },
    /// A root that does not follow the one that is published.
    #[error("root {version} does not follow the published one: {problem}")]
    Root {
        /// Its version.
        version: u64,
        /// What is wrong.
        problem: String,
    },
    /// Requirements cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// Reads what is published in a home, under a root that is trusted. The root may be the next one
/// that nobody has published yet: then it must follow the published one.
///
/// # Errors
/// When the release or the root is not to be trusted.
pub fn published(home: &Home, root: &[u8]) -> Result<Published, PublishError> {
    let given = Published::nothing(root)?;
    if !home.has_release()? {
        return Ok(given);
    }
    let transport: Arc<dyn Transport> = Arc::new(home.clone());
    let version = given.root.document.version;
    let name = format!("metadata/{version}.root.json");
    if home.read(&name, Limits::default().root)?.is_some() {
        return Ok(Published::read(&transport, root)?);
    }
    let wrong = |problem: String| PublishError::Root { version, problem };
    let before = format!("metadata/{}.root.json", version.saturating_sub(1));
    let before = home.read(&before, Limits::default().root)?;
    let before = before.ok_or_else(|| wrong("the root before it is not there".to_owned()))?;
    let old = Published::nothing(&before)?;
    let threshold = old.root.document.role("root")?;
    let holders = keys_of(&old.root.document.keys, &threshold.keyids);
    let signed = given.root.envelope.signed_by(&holders).len();
    if u32::try_from(signed).is_ok_and(|signed| signed < threshold.threshold) {
        let needed = threshold.threshold;
        return Err(wrong(format!("{signed} of {needed} keys of the root before have signed it")));
    }
    let mut published = Published::read(&transport, &before)?;
    published.root = given.root;
    Ok(published)
}

/// What every new bundle loosens, against each of its ancestors that machines may still have.
///
/// # Errors
/// When a bundle cannot be read.
pub fn loosening(
    home: &Home,
    draft: &codex_trust::write::Draft,
) -> Result<BTreeMap<String, BTreeMap<String, Vec<String>>>, PublishError> {
    let mut found: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for (cohort, change) in &draft.changed {
        let Some(bytes) = draft.files.get(&change.path) else { continue };
        let next = parsed(&change.path, bytes)?;
        let mut parent = change.from.clone();
        for _ in 0..ANCESTORS {
            let Some(digest) = parent else { break };
            let Some(before) = ancestor(home, &change.path, &digest)? else { break };
            let keys = loosened(&before.files, &next.files)?;
            if !keys.is_empty() {
                found.entry(cohort.clone()).or_default().insert(digest, keys);
            }
            parent = before.parent;
        }
    }
    Ok(found)
}

/// How many generations back a machine may be that was off, and still find an approval for it.
const ANCESTORS: usize = 100;

fn ancestor(home: &Home, path: &str, digest: &str) -> Result<Option<Bundle>, PublishError> {
    let hex = digest.trim_start_matches("sha256:");
    let name = format!("targets/{}", target_name(path, hex));
    let bytes = home.read(&name, Limits::default().target)?;
    if bytes.as_ref().is_some_and(|bytes| digest_name(bytes) != digest) {
        return Err(PublishError::File(path.to_owned()));
    }
    bytes.map(|bytes| parsed(path, &bytes)).transpose()
}

fn parsed(path: &str, bytes: &[u8]) -> Result<Bundle, PublishError> {
    serde_json::from_slice(bytes).map_err(|_| PublishError::File(path.to_owned()))
}

/// Checks a stage as machines will, and whatever only the publisher can.
///
/// # Errors
/// The first thing that is wrong.
pub fn checked(
    home: &Home,
    published: &Published,
    stage: &Stage,
    plan: Option<&PlanHash>,
) -> Result<(), PublishError> {
    let now = published.timestamp.as_ref().map_or(0, |timestamp| timestamp.version);
    if stage.about.follows != now {
        return Err(PublishError::Overtaken { staged: stage.about.follows, published: now });
    }
    stage.draft.signed(published)?;
    let organisation = organisation(home, published, stage)?;
    let wanted = plan.map(PlanHash::to_string);
    for (role, envelope) in &stage.draft.roles {
        let targets: Targets = envelope.document()?;
        for (path, target) in &targets.targets {
            let Some(bytes) = stage.draft.files.get(path) else {
                let there = format!("targets/{}", target_name(path, target.sha256()));
                if home.has(&there)? {
                    continue;
                }
                return Err(PublishError::File(path.clone()));
            };
            if *target != Target::of(bytes, target.custom.clone()) {
                return Err(PublishError::File(path.clone()));
            }
            if role != "targets" {
                let label = target.custom.clone().and_then(|one| serde_json::from_value(one).ok());
                let label: Label = label.ok_or_else(|| PublishError::File(path.clone()))?;
                if label.plan != wanted {
                    let words = |plan: Option<String>| plan.unwrap_or_else(|| "no plan".to_owned());
                    let (staged, wanted) = (words(label.plan), words(wanted));
                    return Err(PublishError::OtherPlan { staged, wanted });
                }
                one(role, path, &parsed(path, bytes)?, &label, &organisation)?;
            }
        }
    }
    let loosens = loosening(home, &stage.draft)?;
    for (cohort, against) in &loosens {
        approved(stage, cohort, against, &organisation)?;
    }
    Ok(())
}

/// Holds a new bundle against its label and the floor.
fn one(
    role: &str,
    path: &str,
    bundle: &Bundle,
    label: &Label,
    organisation: &Organisation,
) -> Result<(), PublishError> {
    let wrong = |about| PublishError::Label { path: path.to_owned(), role: role.to_owned(), about };
    let team = role.strip_prefix("team-");
    if path_of(team, &bundle.cohort) != path || role_of(team) != role {
        return Err(wrong("the path"));
    }
    if let Some(about) = label.disagrees(bundle) {
        return Err(wrong(about));
    }
    // What it is not, the next release would take it for.
    if bundle.content().ok().as_ref() != Some(&label.content) {
        return Err(wrong("the content"));
    }
    let floor: BTreeMap<String, String> = organisation
        .floor
        .iter()
        .map(|floor| (codex_trust::bundle::REQUIREMENTS.to_owned(), floor.clone()))
        .collect();
    if floor.is_empty() {
        return Ok(());
    }
    let requirements = BTreeMap::from([(
        codex_trust::bundle::REQUIREMENTS.to_owned(),
        bundle.requirements().to_owned(),
    )]);
    let keys = loosened(&floor, &requirements)?;
    if keys.is_empty() {
        return Ok(());
    }
    Err(PublishError::Floor { cohort: bundle.cohort.clone(), keys })
}

fn approved(
    stage: &Stage,
    cohort: &str,
    against: &BTreeMap<String, Vec<String>>,
    organisation: &Organisation,
) -> Result<(), PublishError> {
    let keys: BTreeSet<String> = against.values().flatten().cloned().collect();
    let refused = |why: String| PublishError::NotApproved {
        cohort: cohort.to_owned(),
        keys: keys.iter().cloned().collect(),
        why,
    };
    let to = stage.draft.changed.get(cohort).map(|change| change.to.clone()).unwrap_or_default();
    let approval = stage.approvals.get(to.trim_start_matches("sha256:"));
    let approval = approval.ok_or_else(|| refused("there is none".to_owned()))?;
    let statement = approval.verified(&organisation.loosen);
    let Statement { form: _, organisation: whose, cohort: named, from, to: about, reason: _ } =
        statement.map_err(|error| refused(error.to_string()))?;
    let covers = against.keys().all(|digest| from.contains(digest));
    if whose == organisation.organisation && named == cohort && about == to && covers {
        Ok(())
    } else {
        Err(refused("it is about another change".to_owned()))
    }
}

/// What the organisation says in the stage, or else in the release.
fn organisation(
    home: &Home,
    published: &Published,
    stage: &Stage,
) -> Result<Organisation, PublishError> {
    let missing = || PublishError::File(organisation::PATH.to_owned());
    match stage.draft.files.get(organisation::PATH) {
        Some(bytes) => serde_json::from_slice(bytes).map_err(|_| missing()),
        None => published_organisation(home, published)?.ok_or_else(missing),
    }
}

/// What the organisation says in the release; none before the first one.
///
/// # Errors
/// When it is not there as it is listed.
pub fn published_organisation(
    home: &Home,
    published: &Published,
) -> Result<Option<Organisation>, PublishError> {
    let missing = || PublishError::File(organisation::PATH.to_owned());
    let Some(targets) = published.roles.get("targets") else { return Ok(None) };
    let target = targets.document.targets.get(organisation::PATH).ok_or_else(missing)?;
    let name = format!("targets/{}", target_name(organisation::PATH, target.sha256()));
    let bytes = home.read(&name, Limits::default().target)?.ok_or_else(missing)?;
    if Target::of(&bytes, target.custom.clone()) != *target {
        return Err(missing());
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|_| missing())
}

/// Publishes a stage that was [`checked`]: immutable files first, the timestamp last.
///
/// # Errors
/// When an online key does not hold its role or the system refuses. Until the timestamp is in its
/// place, machines see the release before.
pub fn publish(
    home: &Home,
    published: &Published,
    stage: &Stage,
    online: Online<'_>,
    now: Time,
) -> Result<Commit, PublishError> {
    let commit = stage.draft.commit(published, online, now)?;
    home.claim(now)?;
    let put = put(home, published, stage, &commit, now);
    home.release();
    put.map(|()| commit)
}

/// Writes all files of a release, while nobody else does.
fn put(
    home: &Home,
    published: &Published,
    stage: &Stage,
    commit: &Commit,
    now: Time,
) -> Result<(), PublishError> {
    let root: &Root = &published.root.document;
    home.keep(&format!("metadata/{}.root.json", root.version), &published.root.envelope.bytes())?;
    for (path, bytes) in &stage.draft.files {
        home.keep(&format!("targets/{}", target_name(path, &hex(&sha256(bytes)))), bytes)?;
    }
    for (digest, approval) in &stage.approvals {
        home.replace(&format!("targets/approvals/{digest}.json"), &approval.bytes())?;
    }
    for (role, envelope) in &stage.draft.roles {
        let document: Targets = envelope.document()?;
        home.replace(&format!("metadata/{}", metadata_name(role, &document)), &envelope.bytes())?;
    }
    let snapshot = format!("metadata/{}.snapshot.json", commit.snapshot_version);
    home.replace(&snapshot, &commit.snapshot.bytes())?;
    home.claim(now)?;
    home.replace(TIMESTAMP_FILE, &commit.timestamp.bytes())?;
    Ok(())
}

/// The statement that approvers of a stage's cohort sign.
pub fn statement(organisation: &str, cohort: &str, staged: &Staged, reason: &str) -> Statement {
    Statement {
        form: codex_trust::approval::FORM.to_owned(),
        organisation: organisation.to_owned(),
        cohort: cohort.to_owned(),
        from: staged.loosens.keys().cloned().collect(),
        to: staged.to.clone(),
        reason: reason.to_owned(),
    }
}
