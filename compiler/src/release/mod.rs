//! Signed releases: from compiled cohorts to a folder that any web server can offer.
//!
//! ```text
//! metadata/   N.root.json, N.targets.json, N.ROLE.json, N.snapshot.json, timestamp.json
//! targets/    DIGEST.organisation.json, ROLE/DIGEST.COHORT.json
//! targets/    approvals/DIGEST.json
//! ```
//!
//! Reading order: this file (a cohort's bundle), `home` (where a release is published: `folder`,
//! `bucket` or `server`), `stage` (the next one, while people sign it), `publish` (from one to the other).
//!
//! **Invariants.** What is signed is what was compiled and checked. A release that is there is read
//! through the same verification as on machines. Nothing that was published is ever changed; the
//! timestamp comes last, and is the commit.

#[cfg(feature = "buckets")]
pub mod bucket;
pub mod folder;
pub mod home;
pub mod publish;
pub mod server;
pub mod stage;

use std::collections::BTreeMap;

use codex_schema::reader::read_toml;
use codex_schema::span::{SourceId, Sourced};
use codex_schema::types::policy::{Delivery, System};
use codex_trust::audience::Audience;
use codex_trust::bundle::{Bundle, FORM, OnStale, Place};
use codex_trust::organisation::Approvers;
use codex_trust::write::{Authority, Next};
use serde_json::value::RawValue;

use crate::compile::{CompiledCohort, PROVENANCE_FILE};
use crate::emit::stamp::Stamp;
use crate::emit::system::installs;
use crate::repository::{Cohort, Manifest};

/// Who signs what.
#[derive(Clone, Debug)]
pub struct Signatories {
    /// What holds for all teams.
    pub targets: Authority,
    /// Bundles of cohorts without a team.
    pub organisation: Authority,
    /// Bundles of teams.
    pub teams: BTreeMap<String, Authority>,
    /// What loosens.
    pub loosen: Approvers,
    /// Days that a snapshot is good for.
    pub snapshot_days: u32,
    /// Days that a timestamp is good for.
    pub timestamp_days: u32,
}

/// Why a cohort has no bundle.
#[derive(Debug, thiserror::Error)]
#[error("the provenance of `{cohort}` cannot be carried: {problem}")]
pub struct NoBundle {
    cohort: String,
    problem: String,
}

/// The bundle of a cohort; generation and parent come with the release.
///
/// # Errors
/// When its provenance is no JSON.
pub fn bundle(
    manifest: &Manifest,
    cohort: &Cohort,
    stamp: &Stamp,
    compiled: &BTreeMap<String, String>,
) -> Result<Next, NoBundle> {
    let policy = compiled.iter().filter(|(path, _)| *path != PROVENANCE_FILE);
    let files: BTreeMap<String, String> =
        policy.map(|(path, text)| (path.clone(), text.clone())).collect();
    let provenance = compiled.get(PROVENANCE_FILE).map(|text| {
        RawValue::from_string(text.trim().to_owned())
            .map_err(|error| NoBundle { cohort: cohort.name.clone(), problem: error.to_string() })
    });
    let places = files.keys().flat_map(|file| places(file, cohort)).collect();
    Ok(Next {
        // Machines of every team look for the rest where the organisation signs.
        team: cohort.team.as_ref().filter(|_| !cohort.is_default).map(|team| team.value.clone()),
        bundle: Bundle {
            form: FORM.to_owned(),
            organisation: manifest.organisation.clone(),
            cohort: cohort.name.clone(),
            policy: stamp.policy.clone(),
            generation: 0,
            parent: None,
            audience: audience(cohort),
            codex_versions: stamp.codex_versions.clone(),
            fresh_for_seconds: u64::from(manifest.fresh_for_days) * 86_400,
            on_stale: OnStale::Keep,
            revision: stamp.revision,
            commit: stamp.commit.clone(),
            digest: stamp.digest.clone(),
            files,
            places,
            provenance: provenance.transpose()?,
        },
    })
}

/// What a cohort's machines do that have heard nothing for too long, by the policy that they take.
pub fn when_stale(compiled: &CompiledCohort) -> OnStale {
    let policy = compiled.files.iter().filter(|(path, _)| *path != PROVENANCE_FILE);
    OnStale::Tighten(policy.map(|(path, text)| (path.clone(), text.clone())).collect())
}

/// The machines of a cohort. The default cohort takes what others leave, wherever that is: its
/// environment says which policy it gets, not which machines are in it.
fn audience(cohort: &Cohort) -> Audience {
    if cohort.is_default {
        return Audience { rest: true, ..Audience::default() };
    }
    let one = |name: &Option<Sourced<String>>| name.as_ref().map(|name| name.value.clone());
    Audience {
        team: one(&cohort.team),
        environment: one(&cohort.environment),
        group: one(&cohort.group),
        os: cohort.systems.as_ref().map(|systems| systems.iter().copied().map(os).collect()),
        hosts: cohort
            .hosts
            .as_ref()
            .map(|hosts| hosts.iter().map(|pattern| pattern.value.clone()).collect()),
        rest: false,
    }
}

fn os(system: System) -> String {
    match system {
        System::Linux => "linux",
        System::Macos => "macos",
        System::Windows => "windows",
    }
    .to_owned()
}

/// Where a file goes, for every channel of the cohort that agents write to.
fn places(file: &str, cohort: &Cohort) -> Vec<Place> {
    if !cohort.deliveries.contains(&Delivery::System) {
        return Vec::new();
    }
    let wanted = |install: &crate::emit::Install| {
        cohort.systems.as_ref().is_none_or(|systems| systems.contains(&install.os))
    };
    installs(file)
        .into_iter()
        .filter(wanted)
        .map(|install| Place {
            file: file.to_owned(),
            channel: "system".to_owned(),
            os: os(install.os),
            path: install.path,
            owner: install.owner.to_owned(),
            mode: install.mode.to_owned(),
        })
        .collect()
}

/// Lines of columns.
pub fn table(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        lines.iter().filter_map(|line| line.get(at)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// What a stage would change.
pub fn stage_text(stage: &stage::Stage) -> String {
    let mut lines = vec![["COHORT", "BUNDLE", "NEEDS APPROVAL FOR"].map(str::to_owned).to_vec()];
    for (cohort, staged) in &stage.about.changed {
        let keys: std::collections::BTreeSet<&str> =
            staged.loosens.values().flatten().map(String::as_str).collect();
        let digest: String = staged.to.trim_start_matches("sha256:").chars().take(12).collect();
        let keys = keys.into_iter().collect::<Vec<_>>().join(", ");
        lines.push(vec![cohort.clone(), digest, if keys.is_empty() { "-".into() } else { keys }]);
    }
    if stage.about.changed.is_empty() {
        return "no cohort changes\n".to_owned();
    }
    table(&lines)
}

/// What is wrong with a floor, a line a problem; empty where nothing is.
pub fn floor_problems(name: &str, text: &str) -> String {
    let document = read_toml(text, SourceId(0));
    document.problems.iter().map(|problem| format!("{name}: {}\n", problem.message)).collect()
}
