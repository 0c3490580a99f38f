//! From a release to a bundle that may be installed: the only maker of [`Verified`].

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::approval;
use crate::audience::Claims;
use crate::bundle::{Bundle, Label, ORGANISATION_ROLE, role_of};
use crate::guards::{Candidate, Endpoint, Refusal, refusals};
use crate::organisation::{self, Organisation};
use crate::refresh::{Fetched, RefreshError, Session};
use crate::store::{FLOORS, StoreError};
use crate::transport::{Resource, Transport};

/// Something that was verified, with the bytes that were.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    value: T,
    digest: String,
    bytes: Vec<u8>,
}

impl<T> Verified<T> {
    /// What was verified.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The digest of its bytes, `sha256:…`.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why there is no bundle to install. What is in force stays.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The release is not to be had or not to be trusted.
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The generation floors are damaged.
    #[error("the floors in the trust store are damaged: {0}")]
    Floors(String),
    /// The release lacks something that it must have.
    #[error("the release has no `{0}`")]
    Missing(String),
    /// What was signed has not the form that it must have.
    #[error("`{path}` in the release cannot be read: {problem}")]
    Form {
        /// Its path.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// No cohort of the release is for this machine.
    #[error("no cohort of the release is for this machine{}", gone(*team_is_gone))]
    NoCohort {
        /// Whether that is because its team was deleted.
        team_is_gone: bool,
    },
    /// Several cohorts are.
    #[error("cohorts `{0}` and `{1}` are both for this machine")]
    SeveralCohorts(String, String),
    /// A guard refuses.
    #[error("{}", words(.0))]
    Refused(Vec<Refusal>),
}

fn gone(team_is_gone: bool) -> &'static str {
    if team_is_gone { ": its team was deleted" } else { "" }
}

fn words(refusals: &[Refusal]) -> String {
    refusals.iter().map(Refusal::to_string).collect::<Vec<_>>().join("; ")
}

/// The cohort of a release that is for a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The path of its bundle.
    pub path: String,
    /// What its role says of it.
    pub label: Label,
}

/// What the organisation says in a release.
///
/// # Errors
/// When it is not to be had or has not its form.
pub fn organisation(session: &mut Session) -> Result<Organisation, VerifyError> {
    let missing = || VerifyError::Missing(organisation::PATH.to_owned());
    let fetched = session.fetch(organisation::PATH)?.ok_or_else(missing)?;
    let found: Organisation = parsed(&fetched, organisation::MAX_BYTES)?;
    if found.form == organisation::FORM {
        return Ok(found);
    }
    let problem = format!("it is of the form `{}`", found.form);
    Err(VerifyError::Form { path: fetched.path, problem })
}

/// Finds the cohort for a machine by what roles have signed, not by what a server says: first
/// among those that select it, then the one for the rest.
///
/// # Errors
/// When there is none or more than one, or a role is not to be had.
pub fn assigned(
    session: &mut Session,
    organisation: &Organisation,
    claims: &Claims,
) -> Result<Assigned, VerifyError> {
    let team = claims.team.as_deref();
    let roles = team.map(|team| role_of(Some(team))).into_iter();
    let mut found: Vec<Assigned> = Vec::new();
    for role in roles.chain([ORGANISATION_ROLE.to_owned()]) {
        // Nothing has this name; looking for it loads the role that answers for the folder, and holds
        // one that is loaded against the keys of this delegation.
        session.find(&format!("{role}/-"))?;
        let Some(targets) = session.trusted().targets_role(&role) else { continue };
        for (path, entry) in &targets.targets {
            let form = |problem: String| VerifyError::Form { path: path.clone(), problem };
            let custom = entry.custom.clone().ok_or_else(|| form("it has no label".to_owned()))?;
            let label: Label =
                serde_json::from_value(custom).map_err(|error| form(error.to_string()))?;
            // A role can list any path; only those in its own folder are looked for.
            if path.starts_with(&format!("{role}/")) && label.audience.admits(claims) {
                found.push(Assigned { path: path.clone(), label });
            }
        }
    }
    let (rest, selecting): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|one| one.label.audience.rest);
    let mut chosen = if selecting.is_empty() { rest } else { selecting }.into_iter();
    match (chosen.next(), chosen.next()) {
        (Some(one), None) => Ok(one),
        (Some(one), Some(other)) => {
            Err(VerifyError::SeveralCohorts(one.label.cohort, other.label.cohort))
        }
        (None, _) => {
            let gone = team.is_some_and(|team| organisation.deleted_teams.contains(team));
            Err(VerifyError::NoCohort { team_is_gone: gone })
        }
    }
}

/// The bundle for a machine, after every guard. The generation is a floor from then on.
///
/// # Errors
/// When there is none, or it is not to be trusted or not to be taken. Nothing has changed then.
pub fn verify(
    session: &mut Session,
    transport: &dyn Transport,
    endpoint: &Endpoint<'_>,
) -> Result<Verified<Bundle>, VerifyError> {
    let organisation = organisation(session)?;
    let assigned = assigned(session, &organisation, endpoint.claims)?;
    let missing = || VerifyError::Missing(assigned.path.clone());
    let fetched = session.fetch(&assigned.path)?.ok_or_else(missing)?;
    let bundle: Bundle = parsed(&fetched, crate::bundle::MAX_BYTES)?;
    let digest = fetched.digest();
    let mut floors = floors(session)?;
    let known = floors.get(&bundle.cohort);
    let mut candidate = Candidate {
        bundle: &bundle,
        digest: &digest,
        label: &assigned.label,
        organisation: &organisation,
        approval: None,
        floor: known.map(|(generation, digest)| (*generation, digest.as_str())),
    };
    let mut refused = refusals(&candidate, endpoint);
    let approval;
    if refused.iter().any(|one| matches!(one, Refusal::Loosening { .. })) {
        approval = fetch_approval(transport, &digest)?;
        candidate.approval = approval.as_deref();
        refused = refusals(&candidate, endpoint);
    }
    if !refused.is_empty() {
        return Err(VerifyError::Refused(refused));
    }
    floors.insert(bundle.cohort.clone(), (bundle.generation, digest.clone()));
    let text =
        serde_json::to_vec(&floors).map_err(|error| VerifyError::Floors(error.to_string()))?;
    session.shelf().write(FLOORS, &text)?;
    Ok(Verified { value: bundle, digest, bytes: fetched.bytes })
}

fn fetch_approval(transport: &dyn Transport, digest: &str) -> Result<Option<Vec<u8>>, VerifyError> {
    let name = digest.strip_prefix("sha256:").unwrap_or(digest);
    transport.get(Resource::Approval(name), approval::MAX_BYTES).map_err(|error| {
        VerifyError::Form { path: format!("approvals/{name}.json"), problem: error.to_string() }
    })
}

type Floors = BTreeMap<String, (u64, String)>;

fn floors(session: &Session) -> Result<Floors, VerifyError> {
    let Some(bytes) = session.shelf().read(FLOORS)? else { return Ok(Floors::new()) };
    serde_json::from_slice(&bytes).map_err(|error| VerifyError::Floors(error.to_string()))
}

fn parsed<T: DeserializeOwned>(fetched: &Fetched, limit: usize) -> Result<T, VerifyError> {
    let form = |problem: String| VerifyError::Form { path: fetched.path.clone(), problem };
    if fetched.bytes.len() > limit {
        return Err(form(format!("it has more than {limit} bytes")));
    }
    serde_json::from_slice(&fetched.bytes).map_err(|error| form(error.to_string()))
}
