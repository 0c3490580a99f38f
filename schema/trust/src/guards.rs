//! What TUF cannot know: whom a bundle is for, what came before it, and what it allows. One
//! function is one guard; [`refusals`] asks all of them, so that an endpoint can say everything
//! that is wrong at once.

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::lookup::{REQUIREMENTS, Spot};
use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::strictness::{Change, changes};
use codex_schema::value::{Table, Value};
use codex_schema::version::Version;

use crate::approval::{Approval, NotApproved};
use crate::audience::Claims;
use crate::bundle::{self, Bundle, Label, OnStale};
use crate::organisation::Organisation;

/// What an endpoint has in force: what a next bundle is compared with.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installed {
    /// The cohort.
    pub cohort: String,
    /// The generation.
    pub generation: u64,
    /// The digest of the bundle, `sha256:…`.
    pub digest: String,
    /// The files by their names.
    pub files: BTreeMap<String, String>,
}

/// The machine that asks.
#[derive(Clone, Debug)]
pub struct Endpoint<'endpoint> {
    /// What its enrolment says of it.
    pub claims: &'endpoint Claims,
    /// What it has in force; nothing on a new machine.
    pub installed: Option<&'endpoint Installed>,
    /// The versions of Codex that are installed.
    pub codex: &'endpoint [Version],
}

/// A bundle with what is needed to judge it.
#[derive(Debug)]
pub struct Candidate<'candidate> {
    /// The bundle.
    pub bundle: &'candidate Bundle,
    /// Its digest, `sha256:…`.
    pub digest: &'candidate str,
    /// What its role says of it.
    pub label: &'candidate Label,
    /// What the organisation says.
    pub organisation: &'candidate Organisation,
    /// The approval, where there is one.
    pub approval: Option<&'candidate [u8]>,
    /// The highest generation of the cohort that this endpoint ever took, with its digest.
    pub floor: Option<(u64, &'candidate str)>,
}

/// Why a bundle is not taken. What is in force stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// It is of a form that this program does not know.
    #[error("the bundle is of the form `{form}`, which this version does not know")]
    Form {
        /// The form.
        form: String,
    },
    /// The bundle says something else of itself than the role that signed it.
    #[error("the bundle and the role that lists it disagree on `{about}`")]
    Label {
        /// On what.
        about: &'static str,
    },
    /// It is of another organisation.
    #[error("the bundle is of `{bundle}`, this machine is enrolled with `{enrolled}`")]
    Organisation {
        /// Whose it is.
        bundle: String,
        /// Who enrolled the machine.
        enrolled: String,
    },
    /// It is for other machines.
    #[error("the bundle of cohort `{cohort}` is not for this machine")]
    Audience {
        /// The cohort.
        cohort: String,
    },
    /// It is older than what was there.
    #[error("generation {offered} of cohort `{cohort}` is older than {floor}, which was here")]
    Generation {
        /// The cohort.
        cohort: String,
        /// What is offered.
        offered: u64,
        /// What it has to be at least.
        floor: u64,
    },
    /// Two bundles have one generation.
    #[error("two different bundles have generation {generation} of cohort `{cohort}`")]
    Equivocation {
        /// The cohort.
        cohort: String,
        /// The generation.
        generation: u64,
    },
    /// The organisation has called it off.
    #[error("the organisation has called this bundle off")]
    Void,
    /// It is looser than the organisation's floor.
    #[error("the bundle is looser than the organisation's floor: {}", keys.join(", "))]
    Floor {
        /// The keys.
        keys: Vec<String>,
    },
    /// It is looser than what is in force, and nobody approved that.
    #[error("the bundle loosens {} without an approval that counts: {why}", keys.join(", "))]
    Loosening {
        /// The keys.
        keys: Vec<String>,
        /// What is wrong with the approval.
        why: String,
    },
    /// An installed Codex does not know what it says.
    #[error("codex {version} does not know {}: it would ignore that in silence", keys.join(", "))]
    CodexVersion {
        /// The version.
        version: String,
        /// The keys.
        keys: Vec<String>,
    },
    /// The policy in it cannot be read.
    #[error("`{file}` in the bundle cannot be read: {problem}")]
    Unreadable {
        /// The file.
        file: String,
        /// The problem.
        problem: String,
    },
}

/// Asks every guard. An empty list lets the bundle in.
pub fn refusals(candidate: &Candidate<'_>, endpoint: &Endpoint<'_>) -> Vec<Refusal> {
    let guards = [
        form(candidate),
        label(candidate),
        organisation(candidate, endpoint),
        audience(candidate, endpoint),
        generation(candidate, endpoint),
        void(candidate),
    ];
    let mut refused: Vec<Refusal> = guards.into_iter().flatten().collect();
    match read(candidate.bundle.requirements()) {
        Ok(requirements) => {
            refused.extend(floor(candidate, &requirements));
            refused.extend(loosening(candidate, endpoint, &requirements));
            refused.extend(codex_versions(&requirements, endpoint));
        }
        Err(problem) => refused.push(unreadable(problem)),
    }
    refused
}

fn form(candidate: &Candidate<'_>) -> Option<Refusal> {
    let form = &candidate.bundle.form;
    (form != bundle::FORM).then(|| Refusal::Form { form: form.clone() })
}

fn label(candidate: &Candidate<'_>) -> Option<Refusal> {
    candidate.label.disagrees(candidate.bundle).map(|about| Refusal::Label { about })
}

fn organisation(candidate: &Candidate<'_>, endpoint: &Endpoint<'_>) -> Option<Refusal> {
    let enrolled = &endpoint.claims.organisation;
    let both = [&candidate.bundle.organisation, &candidate.organisation.organisation];
    both.into_iter()
        .find(|one| *one != enrolled)
        .map(|one| Refusal::Organisation { bundle: one.clone(), enrolled: enrolled.clone() })
}

fn audience(candidate: &Candidate<'_>, endpoint: &Endpoint<'_>) -> Option<Refusal> {
    let bundle = candidate.bundle;
    (!bundle.audience.admits(endpoint.claims))
        .then(|| Refusal::Audience { cohort: bundle.cohort.clone() })
}

fn generation(candidate: &Candidate<'_>, endpoint: &Endpoint<'_>) -> Option<Refusal> {
    let Candidate { bundle, digest, organisation, .. } = candidate;
    let cohort = || bundle.cohort.clone();
    let minimum = organisation.minimum_generations.get(&bundle.cohort).copied().unwrap_or(0);
    let installed = endpoint.installed.filter(|installed| installed.cohort == bundle.cohort);
    let installed = installed.map(|installed| (installed.generation, installed.digest.as_str()));
    let highest = candidate.floor.into_iter().chain(installed).max_by_key(|(number, _)| *number);
    let floor = highest.map_or(minimum, |(number, _)| number.max(minimum));
    if bundle.generation < floor {
        return Some(Refusal::Generation { cohort: cohort(), offered: bundle.generation, floor });
    }
    let (number, known) = highest?;
    (number == bundle.generation && known != *digest)
        .then(|| Refusal::Equivocation { cohort: cohort(), generation: number })
}

fn void(candidate: &Candidate<'_>) -> Option<Refusal> {
    candidate.organisation.void.contains(candidate.digest).then_some(Refusal::Void)
}

/// The floor holds for what is in force later on, too.
fn floor(candidate: &Candidate<'_>, requirements: &Table) -> Option<Refusal> {
    let floor = candidate.organisation.floor.as_deref()?;
    let looser_than = |floor: &Table| -> Result<Vec<String>, Unreadable> {
        let mut keys = looser(floor, requirements);
        if let OnStale::Tighten(files) = &candidate.bundle.on_stale {
            keys.extend(looser(floor, &read(requirements_of(files))?));
        }
        Ok(keys)
    };
    let mut keys = match read(floor).and_then(|floor| looser_than(&floor)) {
        Ok(keys) => keys,
        Err(problem) => return Some(unreadable(problem)),
    };
    keys.sort();
    keys.dedup();
    (!keys.is_empty()).then_some(Refusal::Floor { keys })
}

/// Tightening needs nobody. What cannot be compared counts as loosening: a value that is other
/// than before, a rule file whose text has changed.
fn loosening(
    candidate: &Candidate<'_>,
    endpoint: &Endpoint<'_>,
    requirements: &Table,
) -> Option<Refusal> {
    let installed = endpoint.installed?;
    if installed.digest == candidate.digest {
        return None;
    }
    let mut keys = match read(requirements_of(&installed.files)) {
        Ok(before) => looser(&before, requirements),
        Err(problem) => return Some(unreadable(problem)),
    };
    keys.extend(other_rules(&installed.files, &candidate.bundle.files));
    keys.sort();
    if keys.is_empty() {
        return None;
    }
    let why = approved(candidate, installed).err()?;
    Some(Refusal::Loosening { keys, why })
}

fn approved(candidate: &Candidate<'_>, installed: &Installed) -> Result<(), String> {
    let bytes = candidate.approval.ok_or("there is none")?;
    let approval = Approval::read(bytes).map_err(|error| error.to_string())?;
    let statement = approval.verified(&candidate.organisation.loosen);
    let statement = statement.map_err(|error| error.to_string())?;
    let same = statement.organisation == candidate.bundle.organisation
        && statement.cohort == candidate.bundle.cohort
        && statement.to == candidate.digest
        && statement.from.contains(&installed.digest);
    if same { Ok(()) } else { Err(NotApproved::OtherChange.to_string()) }
}

/// A Codex that is too old ignores a key in silence, and the control with it.
fn codex_versions(requirements: &Table, endpoint: &Endpoint<'_>) -> Vec<Refusal> {
    endpoint
        .codex
        .iter()
        .filter_map(|version| {
            let mut keys = Vec::new();
            unknown(requirements, REQUIREMENTS.root(), *version, &mut Vec::new(), &mut keys);
            let version = version.to_string();
            (!keys.is_empty()).then_some(Refusal::CodexVersion { version, keys })
        })
        .collect()
}

/// The keys of requirements that a Codex does not know: it ignores them in silence, so the control
/// is lost there.
///
/// # Errors
/// When requirements are no TOML.
pub fn unknown_keys(requirements: &str, version: Version) -> Result<Vec<String>, Unreadable> {
    let mut keys = Vec::new();
    unknown(&read(requirements)?, REQUIREMENTS.root(), version, &mut Vec::new(), &mut keys);
    Ok(keys)
}

fn unknown(
    table: &Table,
    spot: &Spot,
    version: Version,
    path: &mut Vec<String>,
    found: &mut Vec<String>,
) {
    for entry in table {
        path.push(entry.key.value.to_string());
        match (spot.child(&entry.key.value), &entry.node.value) {
            (Some(child), _) if !child.known_to(version) => found.push(path.join(".")),
            (Some(child), Value::Table(below)) if child.key.is_none() => {
                unknown(below, child, version, path, found);
            }
            (Some(_), _) => {}
            (None, _) => found.push(path.join(".")),
        }
        path.pop();
    }
}

/// The keys and rule files by which files allow more than others, or what cannot be compared.
///
/// # Errors
/// When requirements are no TOML.
pub fn loosened(
    from: &BTreeMap<String, String>,
    to: &BTreeMap<String, String>,
) -> Result<Vec<String>, Unreadable> {
    let mut found = looser(&read(requirements_of(from))?, &read(requirements_of(to))?);
    found.extend(other_rules(from, to));
    found.sort();
    Ok(found)
}

fn requirements_of(files: &BTreeMap<String, String>) -> &str {
    files.get(bundle::REQUIREMENTS).map_or("", String::as_str)
}

/// The rule files that are not the same in both.
fn other_rules(from: &BTreeMap<String, String>, to: &BTreeMap<String, String>) -> BTreeSet<String> {
    let names = from.keys().chain(to.keys()).filter(|name| name.starts_with("rules/"));
    names.filter(|name| from.get(*name) != to.get(*name)).cloned().collect()
}

/// Requirements that are no TOML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("requirements cannot be read: {problem}")]
pub struct Unreadable {
    problem: String,
}

fn unreadable(error: Unreadable) -> Refusal {
    Refusal::Unreadable { file: bundle::REQUIREMENTS.to_owned(), problem: error.problem }
}

fn looser(from: &Table, to: &Table) -> Vec<String> {
    let changes = changes(from, to, &REQUIREMENTS);
    let found = changes.into_iter().filter(|one| match one.change {
        Change::Looser | Change::Incomparable => true,
        Change::Equal | Change::Tighter => false,
    });
    found.map(|one| one.path.join(".")).collect()
}

fn read(text: &str) -> Result<Table, Unreadable> {
    let document = read_toml(text, SourceId(0));
    match document.problems.first() {
        None => Ok(document.root),
        Some(problem) => Err(Unreadable { problem: problem.message.clone() }),
    }
}
