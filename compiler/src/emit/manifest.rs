//! The list of everything that was made, with its digests.

use std::collections::BTreeMap;

use serde::Serialize;

use super::stamp::Stamp;
use super::{Artifact, Install};
use crate::digest::sha256_hex;

/// The form of the manifest.
pub const FORM: &str = "codex-config/artifacts/1";
/// Its name.
pub const MANIFEST_FILE: &str = "MANIFEST.json";

/// The manifest of all cohorts.
#[derive(Debug, Serialize)]
pub struct Manifest {
    /// The form: `codex-config/artifacts/1`.
    pub form: &'static str,
    /// The organisation.
    pub organisation: String,
    /// The compiler's version.
    pub compiler: &'static str,
    /// The cohorts, by name.
    pub cohorts: BTreeMap<String, Emitted>,
}

/// What was made for one cohort.
#[derive(Debug, Serialize)]
pub struct Emitted {
    /// Where it comes from.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// The artifacts, by their path below the cohort's folder.
    pub artifacts: BTreeMap<String, Entry>,
    /// Files of the policy that a target has no place for: target to files.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<&'static str, Vec<String>>,
}

/// One artifact.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// The target that it belongs to.
    pub target: &'static str,
    /// Its SHA-256.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: usize,
    /// Where it goes on machines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub installs: Vec<Install>,
}

impl Emitted {
    /// The entries of a cohort's artifacts.
    pub fn of(
        stamp: Stamp,
        artifacts: &[Artifact],
        left_out: BTreeMap<&'static str, Vec<String>>,
    ) -> Self {
        let entry = |artifact: &Artifact| Entry {
            target: artifact.target,
            sha256: sha256_hex(&artifact.bytes),
            bytes: artifact.bytes.len(),
            installs: artifact.installs.clone(),
        };
        let artifacts =
            artifacts.iter().map(|artifact| (artifact.path.clone(), entry(artifact))).collect();
        Self { stamp, artifacts, left_out }
    }
}
