//! Makes what carries a policy to machines: files, profiles, packages, scripts, bundles.
//!
//! Reading order: this file (what comes out, and the one table of targets), `stamp` (what every
//! artifact says about itself), then one file a target, `manifest` (the list of everything with
//! its digests), `output` (the folder that is written).
//!
//! **Invariants.** The same repository gives the same bytes on every machine: no clock, no host,
//! no random number. Times are those of the commit that last changed the policy. Identifiers
//! depend on names alone, never on what the policy says: a device that gets the next profile
//! replaces the last one by it.

mod ansible;
mod archive;
mod bundle;
mod cloud_init;
mod deb;
mod intune;
mod jamf;
pub mod manifest;
mod munki;
pub mod output;
mod pfm;
mod plists;
mod preferences;
mod profile;
mod rpm;
pub mod sign;
pub mod stamp;
pub(crate) mod system;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use codex_schema::types::policy::{Delivery, System};

use crate::compile::{CONFIG_FILE, PROVENANCE_FILE, REQUIREMENTS_FILE};
use sign::Signer;
use stamp::Stamp;

/// One file that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its path below the cohort's folder.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// The target that it belongs to.
    pub target: &'static str,
    /// Where it goes on machines, where it is a file as Codex reads it.
    pub installs: Vec<Install>,
}

/// Where a file goes on a machine.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Install {
    /// The operating system.
    pub os: System,
    /// The path.
    pub path: String,
    /// The owner and the group.
    pub owner: &'static str,
    /// The mode, or the access list on Windows.
    pub mode: &'static str,
}

/// What is made into artifacts.
#[derive(Debug)]
pub struct Subject<'policy> {
    /// What artifacts say about themselves.
    pub stamp: &'policy Stamp,
    /// The files of the policy as Codex reads them, stamped, by their path.
    pub files: &'policy BTreeMap<String, String>,
    /// Signs profiles, where there is a key.
    pub signer: Option<&'policy Signer>,
}

impl Subject<'_> {
    /// The requirements; empty where the policy has none.
    fn requirements(&self) -> &str {
        self.files.get(REQUIREMENTS_FILE).map_or("", String::as_str)
    }

    /// The managed defaults, where there are any.
    fn config(&self) -> Option<&str> {
        self.files.get(CONFIG_FILE).map(String::as_str)
    }

    /// The files that Codex reads: everything but where it came from.
    fn policy_files(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.files.iter().filter(|(path, _)| *path != PROVENANCE_FILE);
        files.map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

/// Why an artifact cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// A library that writes a format refused.
    #[error("cannot write {0}: {1}")]
    Format(&'static str, String),
    /// The signing key cannot sign.
    #[error("cannot sign: {0}")]
    Sign(#[from] sign::SignError),
}

/// Which files of a policy a channel can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// All that Codex reads.
    Everything,
    /// Requirements and managed defaults.
    RequirementsAndDefaults,
    /// Requirements alone. The other preference of the domain is no place for managed defaults:
    /// Codex lets it override what users set.
    Requirements,
}

impl Carries {
    /// Whether it carries a file.
    pub fn takes(self, path: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::RequirementsAndDefaults => path == REQUIREMENTS_FILE || path == CONFIG_FILE,
            Self::Requirements => path == REQUIREMENTS_FILE,
        }
    }
}

/// How a target is made: some formats cannot refuse.
#[derive(Debug)]
pub enum Make {
    /// What is written is right by itself.
    Plain(fn(&Subject<'_>) -> Vec<Artifact>),
    /// A library writes it, and may refuse.
    Written(fn(&Subject<'_>) -> Result<Vec<Artifact>, EmitError>),
}

/// One kind of artifact.
#[derive(Debug)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// The way of delivery that it belongs to.
    pub delivery: Delivery,
    /// The operating systems that it is for.
    pub systems: &'static [System],
    /// Which files of the policy it carries.
    pub carries: Carries,
    /// Makes it.
    pub make: Make,
}

const LINUX: &[System] = &[System::Linux];
const MACOS: &[System] = &[System::Macos];
const WINDOWS: &[System] = &[System::Windows];
const EVERY: &[System] = &[System::Linux, System::Macos, System::Windows];

/// Everything that can be made, in the order in which it is listed.
pub static TARGETS: &[Target] = &[
    Target {
        name: "system",
        about: "the files as Codex reads them, for any tool that copies files",
        delivery: Delivery::System,
        systems: EVERY,
        carries: Carries::Everything,
        make: Make::Plain(system::make),
    },
    Target {
        name: "deb",
        about: "a Debian package that owns the files",
        delivery: Delivery::System,
        systems: LINUX,
        carries: Carries::Everything,
        make: Make::Written(deb::make),
    },
    Target {
        name: "rpm",
        about: "an RPM package that owns the files",
        delivery: Delivery::System,
        systems: LINUX,
        carries: Carries::Everything,
        make: Make::Written(rpm::make),
    },
    Target {
        name: "ansible",
        about: "tasks for Ansible that install the files",
        delivery: Delivery::System,
        systems: LINUX,
        carries: Carries::Everything,
        make: Make::Written(ansible::make),
    },
    Target {
        name: "cloud-init",
        about: "user data for cloud-init that writes the files",
        delivery: Delivery::System,
        systems: LINUX,
        carries: Carries::Everything,
        make: Make::Written(cloud_init::make),
    },
    Target {
        name: "munki",
        about: "a Munki item without a package, whose scripts install and watch the files",
        delivery: Delivery::System,
        systems: MACOS,
        carries: Carries::Everything,
        make: Make::Written(munki::make),
    },
    Target {
        name: "intune-windows",
        about: "a detection and a remediation script for Intune",
        delivery: Delivery::System,
        systems: WINDOWS,
        carries: Carries::Everything,
        make: Make::Written(intune::windows),
    },
    Target {
        name: "profile",
        about: "a configuration profile with a payload of Codex's own domain",
        delivery: Delivery::Mdm,
        systems: MACOS,
        carries: Carries::Requirements,
        make: Make::Written(profile::direct),
    },
    Target {
        name: "profile-mcx",
        about: "a configuration profile in the older form for managed preferences",
        delivery: Delivery::Mdm,
        systems: MACOS,
        carries: Carries::Requirements,
        make: Make::Written(profile::mcx),
    },
    Target {
        name: "preferences",
        about: "the preference domain as a property list, for Jamf and other MDMs",
        delivery: Delivery::Mdm,
        systems: MACOS,
        carries: Carries::Requirements,
        make: Make::Written(preferences::make),
    },
    Target {
        name: "jamf",
        about: "a JSON Schema manifest for Jamf's Application & Custom Settings",
        delivery: Delivery::Mdm,
        systems: MACOS,
        carries: Carries::Requirements,
        make: Make::Written(jamf::make),
    },
    Target {
        name: "pfm",
        about: "a preference manifest for ProfileCreator and iMazing",
        delivery: Delivery::Mdm,
        systems: MACOS,
        carries: Carries::Requirements,
        make: Make::Written(pfm::make),
    },
    Target {
        name: "intune-macos",
        about: "a preference file for Intune",
        delivery: Delivery::Mdm,
        systems: MACOS,
        carries: Carries::Requirements,
        make: Make::Plain(intune::macos),
    },
    Target {
        name: "bundle",
        about: "the bundle that Codex fetches from the cloud or a configuration server",
        delivery: Delivery::Cloud,
        systems: EVERY,
        carries: Carries::RequirementsAndDefaults,
        make: Make::Written(bundle::make),
    },
];

/// A target by its name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Makes the artifacts of some targets, in the order of the table.
///
/// # Errors
/// When one of them cannot be made.
pub fn emit(subject: &Subject<'_>, targets: &[&Target]) -> Result<Vec<Artifact>, EmitError> {
    let mut made = Vec::new();
    for target in targets {
        made.extend(match target.make {
            Make::Plain(make) => make(subject),
            Make::Written(make) => make(subject)?,
        });
    }
    Ok(made)
}
