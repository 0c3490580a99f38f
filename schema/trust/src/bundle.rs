//! What one cohort gets in one release: the files as Codex reads them, for whom, after what, and
//! where everything came from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::audience::Audience;
use crate::provider::digest_name;

/// The form of bundles that this crate writes and reads. An endpoint refuses any other: a guard
/// that it does not know must not be passed over in silence.
pub const FORM: &str = "codex-config bundle 1";

/// The name of the requirements among the files.
pub const REQUIREMENTS: &str = "requirements.toml";

/// The most bytes that a bundle may have.
pub const MAX_BYTES: usize = 4_000_000;

/// A bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// [`FORM`].
    pub form: String,
    /// The organisation.
    pub organisation: String,
    /// The cohort.
    pub cohort: String,
    /// The policy's reverse-domain identifier.
    pub policy: String,
    /// Grows with every bundle of the cohort; rolling back is a new generation with old content.
    pub generation: u64,
    /// The digest of the bundle before, `sha256:…`; none for the first.
    pub parent: Option<String>,
    /// The machines that it is for.
    pub audience: Audience,
    /// The versions of Codex that it was checked with, ascending.
    pub codex_versions: Vec<String>,
    /// For how long it may be used without hearing from the release again, in seconds.
    pub fresh_for_seconds: u64,
    /// What becomes of it after that.
    pub on_stale: OnStale,
    /// How many commits have changed the policy.
    pub revision: u64,
    /// The commit that last changed it.
    pub commit: Option<String>,
    /// The digest of what the policy says, `sha256:…`.
    pub digest: String,
    /// The files by their names, `requirements.toml`, `config.toml`, `rules/*.rules`.
    pub files: BTreeMap<String, String>,
    /// Where they go.
    pub places: Vec<Place>,
    /// For every value where it came from, as the compiler writes it.
    pub provenance: Option<Box<RawValue>>,
}

/// Where a file goes on machines of one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The file's name in the bundle.
    pub file: String,
    /// The channel: `system`, `mdm` or `cloud`.
    pub channel: String,
    /// The operating system.
    pub os: String,
    /// The path.
    pub path: String,
    /// The owner and the group.
    pub owner: String,
    /// The mode, or the access list on Windows.
    pub mode: String,
}

/// What an endpoint does that has not heard from the release for too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnStale {
    /// It keeps the policy.
    Keep,
    /// It takes these files instead, which are at least as strict.
    Tighten(BTreeMap<String, String>),
}

impl Bundle {
    /// The digest of all that makes a difference on a machine, `sha256:…`: everything but the
    /// bundle's place in the history of releases, and where its values came from. A comment in the
    /// policy is no reason for anybody to sign or to fetch anything.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn content(&self) -> Result<String, serde_json::Error> {
        let bare = Self {
            generation: 0,
            parent: None,
            revision: 0,
            commit: None,
            provenance: None,
            ..self.clone()
        };
        Ok(digest_name(&serde_json::to_vec(&bare)?))
    }

    /// The requirements; empty where there are none.
    pub fn requirements(&self) -> &str {
        self.files.get(REQUIREMENTS).map_or("", String::as_str)
    }
}

/// What the role that answers for a bundle says of it in the release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The cohort.
    pub cohort: String,
    /// The generation.
    pub generation: u64,
    /// The digest of the bundle before, `sha256:…`; none for the first.
    pub parent: Option<String>,
    /// The machines that it is for.
    pub audience: Audience,
    /// The digest of what the policy says, `sha256:…`.
    pub digest: String,
    /// [`Bundle::content`].
    pub content: String,
    /// The hash of the plan that it was signed under, `sha256:…`; none for a first release.
    pub plan: Option<String>,
}

impl Label {
    /// On what it and the bundle disagree, if on anything: a role's entry decides where a bundle
    /// goes, so the bundle must say the same.
    pub fn disagrees(&self, bundle: &Bundle) -> Option<&'static str> {
        let Self { cohort, generation, parent, audience, digest, content: _, plan: _ } = self;
        [
            ("cohort", bundle.cohort == *cohort),
            ("generation", bundle.generation == *generation),
            ("parent", bundle.parent == *parent),
            ("digest", bundle.digest == *digest),
            ("audience", bundle.audience == *audience),
        ]
        .into_iter()
        .find_map(|(about, same)| (!same).then_some(about))
    }
}

/// The role that signs bundles of cohorts without a team.
pub const ORGANISATION_ROLE: &str = "organisation";

/// The role that signs a team's bundles, and the folder they are in. No team can take another
/// one's, nor that of the organisation.
pub fn role_of(team: Option<&str>) -> String {
    team.map_or_else(|| ORGANISATION_ROLE.to_owned(), |team| format!("team-{team}"))
}

/// The path of a cohort's bundle in a release.
pub fn path_of(team: Option<&str>, cohort: &str) -> String {
    format!("{}/{cohort}.json", role_of(team))
}
