//! What the organisation says above all teams, signed by the `targets` role.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::keys::PublicKey;

/// The form of the document.
pub const FORM: &str = "codex-config organisation 1";

/// Its path in a release.
pub const PATH: &str = "organisation.json";

/// The most bytes that it may have.
pub const MAX_BYTES: usize = 1_000_000;

/// What holds for every bundle of every team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// [`FORM`].
    pub form: String,
    /// The organisation's name.
    pub organisation: String,
    /// Requirements that no bundle may be looser than, as TOML; none where there is no floor.
    pub floor: Option<String>,
    /// Who approves what loosens.
    pub loosen: Approvers,
    /// Generations below which a cohort's bundles are void.
    #[serde(default)]
    pub minimum_generations: BTreeMap<String, u64>,
    /// Digests of bundles that must not be used, `sha256:…`.
    #[serde(default)]
    pub void: BTreeSet<String>,
    /// Teams that are gone. Their machines keep what they have.
    #[serde(default)]
    pub deleted_teams: BTreeSet<String>,
    /// For how many hours an administrator of a machine may keep a new generation waiting there.
    /// Where the organisation does not say, nobody may: a pause delays what tightens, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_pause_hours: Option<u16>,
}

/// Some keys, and how many of them must sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvers {
    /// The keys.
    pub keys: Vec<PublicKey>,
    /// How many must sign; at least 1.
    pub threshold: u32,
}
