//! What a verified bundle means for one machine: files with their places, before anything is
//! touched.

use std::collections::BTreeMap;

use codex_fleet::check_in::Held;
use codex_schema::version::Version;
use codex_trust::bundle::{Bundle, OnStale, REQUIREMENTS};
use codex_trust::guards::Installed;
use codex_trust::verify::Verified;
use serde::{Deserialize, Serialize};

/// The channel that this program writes to: files of the system. Profiles and cloud policy have
/// other carriers.
const CHANNEL: &str = "system";

/// The name of the map of origins beside the requirements, for `codex-config explain`.
pub const PROVENANCE: &str = "provenance.json";

/// The only folders that a bundle may write to, whatever it says.
const UNIX_FOLDER: &str = "/etc/codex/";

/// Bits of a mode that no file of policy has: written by others, or run with others' rights.
const REFUSED_BITS: u32 = 0o7022;

/// An operating system, as bundles name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows. Nothing is installed there by this program yet.
    Windows,
}

impl Platform {
    /// The one that this program was built for.
    pub const HERE: Self = if cfg!(target_os = "macos") {
        Self::Macos
    } else if cfg!(windows) {
        Self::Windows
    } else {
        Self::Linux
    };

    /// Its name in bundles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Macos => "macos",
            Self::Windows => "windows",
        }
    }
}

/// Why a bundle is no plan for this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It has nothing that this program could install here.
    #[error(
        "the bundle has no file for the system channel of {0}: it reaches this machine another \
             way, or not at all"
    )]
    Nothing(&'static str),
    /// A file without a place.
    #[error("the bundle says nowhere on {os} to put `{file}`")]
    NoPlace {
        /// The file.
        file: String,
        /// The system.
        os: &'static str,
    },
    /// A place that is none.
    #[error("the bundle puts `{file}` at `{path}`, which is not below `{UNIX_FOLDER}`")]
    Outside {
        /// The file.
        file: String,
        /// The path.
        path: String,
    },
    /// Two files in one place.
    #[error("the bundle puts two files at `{0}`")]
    Twice(String),
    /// An owner or a mode that policy must not have.
    #[error(
        "the bundle gives `{file}` to `{owner}` with mode `{mode}`: policy belongs to root, and \
             nobody else writes to it"
    )]
    Access {
        /// The file.
        file: String,
        /// The owner.
        owner: String,
        /// The mode.
        mode: String,
    },
    /// A system that this program does not install on.
    #[error("this program does not install on {0} yet")]
    System(&'static str),
}

/// Which of a bundle's files are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Those of the policy.
    Usual,
    /// Those for a machine that has not heard from the release for too long.
    Stricter,
}

/// A file that is to be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Its text.
    pub text: String,
    /// Its permission bits.
    pub mode: u32,
}

/// A verified bundle as this machine keeps and installs it. Made from [`Verified`] bundles alone,
/// and kept in a store that only this program's user writes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// The bundle.
    pub held: Held,
    /// The policy's identifier.
    pub policy: String,
    /// How many commits have changed the policy.
    pub revision: u64,
    /// The commit that last changed it.
    pub commit: Option<String>,
    /// For how long it may be used without hearing from the release again, in seconds.
    pub fresh_for_seconds: u64,
    /// The versions of Codex that it was checked with.
    pub codex_versions: Vec<String>,
    /// The files by their names in the bundle.
    files: BTreeMap<String, String>,
    /// The files for a machine that heard nothing for too long.
    stricter: Option<BTreeMap<String, String>>,
    /// Where each goes, with its mode.
    places: BTreeMap<String, (String, u32)>,
    /// Where every value came from.
    provenance: Option<String>,
}

impl Generation {
    /// What a bundle means on a machine of this system.
    ///
    /// # Errors
    /// When it has no files for it, or puts one where no policy belongs.
    pub fn of(bundle: &Verified<Bundle>, platform: Platform) -> Result<Self, PlanError> {
        let digest = bundle.digest().to_owned();
        let bundle = bundle.value();
        let stricter = match &bundle.on_stale {
            OnStale::Keep => None,
            OnStale::Tighten(files) => Some(files.clone()),
        };
        let made = Self {
            held: Held { cohort: bundle.cohort.clone(), generation: bundle.generation, digest },
            policy: bundle.policy.clone(),
            revision: bundle.revision,
            commit: bundle.commit.clone(),
            fresh_for_seconds: bundle.fresh_for_seconds,
            codex_versions: bundle.codex_versions.clone(),
            files: bundle.files.clone(),
            places: places(bundle, platform)?,
            provenance: bundle.provenance.as_ref().map(|map| map.get().to_owned()),
            stricter,
        };
        let stricter = made.stricter.iter().flat_map(BTreeMap::keys);
        let placeless =
            made.files.keys().chain(stricter).find(|file| !made.places.contains_key(*file));
        match placeless {
            Some(file) => Err(PlanError::NoPlace { file: file.clone(), os: platform.name() }),
            None => Ok(made),
        }
    }

    /// The files that are to be there, by their absolute paths; the requirements come last when
    /// they are put into place, after what they may name.
    pub fn planned(&self, which: Which) -> BTreeMap<String, Planned> {
        let named = self.names(which).iter().filter_map(|(name, text)| {
            let (path, mode) = self.places.get(name)?;
            Some((path.clone(), Planned { text: text.clone(), mode: *mode }))
        });
        let mut planned: BTreeMap<String, Planned> = named.collect();
        let beside = self.requirements_path().and_then(|path| path.rsplit_once('/'));
        if let (Some(map), Some((folder, _)), Which::Usual) = (&self.provenance, beside, which) {
            let origin = Planned { text: format!("{map}\n"), mode: 0o644 };
            planned.entry(format!("{folder}/{PROVENANCE}")).or_insert(origin);
        }
        planned
    }

    /// The files of the bundle by their names.
    pub fn names(&self, which: Which) -> &BTreeMap<String, String> {
        match (which, &self.stricter) {
            (Which::Stricter, Some(files)) => files,
            (Which::Stricter, None) | (Which::Usual, _) => &self.files,
        }
    }

    /// Where the requirements go.
    pub fn requirements_path(&self) -> Option<&str> {
        self.places.get(REQUIREMENTS).map(|(path, _)| path.as_str())
    }

    /// Whether it came with files for a machine that heard nothing for too long.
    pub fn can_tighten(&self) -> bool {
        self.stricter.is_some()
    }

    /// What guards compare a next bundle with: always the policy itself, so that a stale machine
    /// needs no approval to get back to it.
    pub fn in_force(&self) -> Installed {
        Installed {
            cohort: self.held.cohort.clone(),
            generation: self.held.generation,
            digest: self.held.digest.clone(),
            files: self.files.clone(),
        }
    }

    /// The newest version of Codex that it was checked with.
    pub fn newest_codex(&self) -> Option<Version> {
        self.codex_versions.iter().filter_map(|version| version.parse().ok()).max()
    }
}

fn places(
    bundle: &Bundle,
    platform: Platform,
) -> Result<BTreeMap<String, (String, u32)>, PlanError> {
    let group = match platform {
        Platform::Linux => "root:root",
        Platform::Macos => "root:wheel",
        Platform::Windows => return Err(PlanError::System(platform.name())),
    };
    let mut found: BTreeMap<String, (String, u32)> = BTreeMap::new();
    let here = |place: &&codex_trust::bundle::Place| {
        place.channel == CHANNEL && place.os == platform.name()
    };
    for place in bundle.places.iter().filter(here) {
        let file = place.file.clone();
        let inside = place.path.strip_prefix(UNIX_FOLDER).is_some_and(is_plain);
        if !inside {
            return Err(PlanError::Outside { file, path: place.path.clone() });
        }
        let mode = u32::from_str_radix(&place.mode, 8).ok();
        let Some(mode) = mode.filter(|mode| place.owner == group && mode & REFUSED_BITS == 0)
        else {
            let (owner, mode) = (place.owner.clone(), place.mode.clone());
            return Err(PlanError::Access { file, owner, mode });
        };
        if found.values().any(|(path, _)| *path == place.path) {
            return Err(PlanError::Twice(place.path.clone()));
        }
        found.insert(file, (place.path.clone(), mode));
    }
    if found.is_empty() { Err(PlanError::Nothing(platform.name())) } else { Ok(found) }
}

/// Whether a path below the folder stays there, and is none of this program's own names.
fn is_plain(path: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.len() <= 200
            && !part.chars().any(char::is_control)
            && !part.ends_with(super::ASIDE)
    };
    path.split('/').all(part) && path.split('/').count() <= 4
}
