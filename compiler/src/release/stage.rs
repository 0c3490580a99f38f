//! The next release while people sign it: a folder that can be carried from one to the other.
//!
//! ```text
//! stage.json          what it is for: the release that it follows, the plan, what changed
//! root.json           the root that it was made under
//! metadata/ROLE.json  documents to be signed
//! targets/PATH        new files
//! approvals/DIGEST.json
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use codex_trust::approval::Approval;
use codex_trust::document::Envelope;
use codex_trust::organisation::Approvers;
use codex_trust::transport::TransportError;
use codex_trust::write::{Change, Draft, Published};
use serde::{Deserialize, Serialize};

use super::folder::Folder;
use super::home::KeepError;

/// The file that says what a stage is.
pub const STAGE_FILE: &str = "stage.json";
const ROOT_FILE: &str = "root.json";
const FORM: &str = "codex-config stage 1";
/// No file of a stage is longer.
const LIMIT: u64 = 5_000_000;

/// What a stage is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    form: String,
    /// The version of the timestamp that it follows; 0 for a first release.
    pub follows: u64,
    /// The hash of the plan.
    pub plan: Option<String>,
    /// Days that the snapshot and the timestamp are good for.
    pub days: (u32, u32),
    /// Who approves what loosens: so that somebody else is told at once. Publishing asks the release.
    pub approvers: Approvers,
    /// What is new, by cohort.
    pub changed: BTreeMap<String, Staged>,
    roles: Vec<String>,
    files: Vec<String>,
}

/// A bundle that is new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staged {
    /// Its path in the release.
    pub path: String,
    /// The digest of the bundle before.
    pub from: Option<String>,
    /// Its digest.
    pub to: String,
    /// Keys that it loosens, against which bundles: these need an approval.
    pub loosens: BTreeMap<String, Vec<String>>,
}

/// What a stage is made under.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The hash of the plan.
    pub plan: Option<String>,
    /// Days that the snapshot and the timestamp are good for.
    pub days: (u32, u32),
    /// Who approves what loosens.
    pub approvers: Approvers,
    /// What each cohort loosens, against which bundles.
    pub loosens: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// A stage in memory.
#[derive(Clone, Debug)]
pub struct Stage {
    /// What it is for.
    pub about: About,
    /// The root that it was made under.
    pub root: Vec<u8>,
    /// Documents and files.
    pub draft: Draft,
    /// Approvals by the digest of the bundle, without its prefix.
    pub approvals: BTreeMap<String, Approval>,
}

/// Why a folder is no stage.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] TransportError),
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] KeepError),
    /// It lacks a file.
    #[error("the stage has no `{0}`")]
    Missing(String),
    /// A file has not its form.
    #[error("`{name}` in the stage cannot be read: {problem}")]
    Form {
        /// The file.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

impl Stage {
    /// A stage of a draft.
    pub fn new(published: &Published, draft: Draft, terms: Terms) -> Self {
        let Terms { plan, days, approvers, loosens } = terms;
        let staged = |(cohort, change): (&String, &Change)| {
            let Change { path, from, to } = change.clone();
            let loosens = loosens.get(cohort).cloned().unwrap_or_default();
            (cohort.clone(), Staged { path, from, to, loosens })
        };
        let about = About {
            form: FORM.to_owned(),
            follows: published.timestamp.as_ref().map_or(0, |timestamp| timestamp.version),
            plan,
            days,
            approvers,
            changed: draft.changed.iter().map(staged).collect(),
            roles: draft.roles.keys().cloned().collect(),
            files: draft.files.keys().cloned().collect(),
        };
        let root = published.root.envelope.bytes();
        Self { about, root, draft, approvals: BTreeMap::new() }
    }

    /// Whether a folder is a stage.
    pub fn is_at(place: &Path) -> bool {
        place.join(STAGE_FILE).is_file()
    }

    /// Reads a stage. Nothing in it is believed: publishing verifies all of it.
    ///
    /// # Errors
    /// When something is missing or has not its form.
    pub fn read(place: &Path) -> Result<Self, StageError> {
        let folder = Folder::new(place);
        let get = |name: &str| -> Result<Vec<u8>, StageError> {
            folder.read(name, LIMIT)?.ok_or_else(|| StageError::Missing(name.to_owned()))
        };
        let about: About = serde_json::from_slice(&get(STAGE_FILE)?)
            .map_err(|error| form(STAGE_FILE, &error.to_string()))?;
        if about.form != FORM {
            return Err(form(STAGE_FILE, &format!("it is of the form `{}`", about.form)));
        }
        let mut draft =
            Draft { roles: BTreeMap::new(), files: BTreeMap::new(), changed: BTreeMap::new() };
        for role in &about.roles {
            let name = format!("metadata/{role}.json");
            let envelope = Envelope::read(&get(&name)?);
            let envelope = envelope.map_err(|error| form(&name, &error.to_string()))?;
            draft.roles.insert(role.clone(), envelope);
        }
        for path in &about.files {
            draft.files.insert(path.clone(), get(&format!("targets/{path}"))?);
        }
        let mut approvals = BTreeMap::new();
        for (cohort, staged) in &about.changed {
            let Staged { path, from, to, loosens: _ } = staged.clone();
            let digest = to.trim_start_matches("sha256:").to_owned();
            draft.changed.insert(cohort.clone(), Change { path, from, to });
            let name = format!("approvals/{digest}.json");
            if let Some(bytes) = folder.read(&name, LIMIT)? {
                let approval =
                    Approval::read(&bytes).map_err(|error| form(&name, &error.to_string()))?;
                approvals.insert(digest, approval);
            }
        }
        Ok(Self { about, root: get(ROOT_FILE)?, draft, approvals })
    }

    /// Writes a stage; what says what it is comes last.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, place: &Path) -> Result<(), StageError> {
        let folder = Folder::new(place);
        for (path, bytes) in &self.draft.files {
            folder.keep(&format!("targets/{path}"), bytes)?;
        }
        folder.replace(ROOT_FILE, &self.root)?;
        for (role, envelope) in &self.draft.roles {
            folder.replace(&format!("metadata/{role}.json"), &envelope.bytes())?;
        }
        for (digest, approval) in &self.approvals {
            folder.replace(&format!("approvals/{digest}.json"), &approval.bytes())?;
        }
        let about = serde_json::to_string_pretty(&self.about).unwrap_or_default() + "\n";
        Ok(folder.replace(STAGE_FILE, about.as_bytes())?)
    }
}

fn form(name: &str, problem: &str) -> StageError {
    StageError::Form { name: name.to_owned(), problem: problem.to_owned() }
}
