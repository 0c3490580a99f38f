//! From files to a release that was verified, and to what is served of it.
//!
//! The server believes no publisher and no database: whatever it makes the release in force was read
//! from the pinned root on, by the code that machines verify with, and every file that the release
//! names is there with its digest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use codex_trust::approval::Approval;
use codex_trust::audience::Claims;
use codex_trust::bundle::{Bundle, Label, MAX_BYTES, REQUIREMENTS, role_of};
use codex_trust::document::Target;
use codex_trust::organisation::{self, Organisation};
use codex_trust::refresh::{Limits, refresh};
use codex_trust::store::MemoryStore;
use codex_trust::transport::{Resource, Transport, TransportError};
use codex_trust::write::{Published, WriteError, target_name};
use jiff::Timestamp;
use serde_json::json;

/// The name of the commit.
pub const TIMESTAMP: &str = "metadata/timestamp.json";

/// The most bytes of a file of a release.
pub const MAX_FILE: usize = 5_000_000;

/// Why files are no release.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// It does not verify.
    #[error(transparent)]
    Untrusted(#[from] WriteError),
    /// A file is missing, or is not what was signed.
    #[error("`{0}` is listed in the release, and is not there with its digest and length")]
    File(String),
    /// A bundle is not what its role says of it.
    #[error("`{path}` cannot be used: {problem}")]
    Bundle {
        /// Its path.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// Machines have had this generation.
    #[error(
        "machines of cohort `{cohort}` have had generation {generation} already: what follows must \
         be a higher one"
    )]
    Generation {
        /// The cohort.
        cohort: String,
        /// The generation in force.
        generation: u64,
    },
    /// It is another organisation's.
    #[error("the release is of `{found}`, and this server is of `{wanted}`")]
    Organisation {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
}

/// Bytes by their paths.
pub type Files = BTreeMap<String, Arc<[u8]>>;

/// Files in memory as a transport, which remembers what was asked for and there.
struct Shelf {
    files: Arc<Files>,
    used: Mutex<BTreeSet<String>>,
}

impl Transport for Shelf {
    fn get(&self, resource: Resource<'_>, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let name = resource.file();
        let Some(bytes) = self.files.get(&name) else { return Ok(None) };
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(TransportError::TooLong { name, limit });
        }
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        Ok(Some(bytes.to_vec()))
    }
}

/// A cohort's policy as Codex fetches it by itself.
#[derive(Clone, Debug)]
pub struct ForCodex {
    /// The answer.
    pub body: Vec<u8>,
    /// Rule files that have no place in it.
    pub left_out: Vec<String>,
    /// The generation.
    pub generation: u64,
}

/// What Codex gets, by cohorts, or why it gets nothing.
pub type ByCohort = BTreeMap<String, Result<ForCodex, &'static str>>;

/// A release that was verified.
#[derive(Clone, Debug)]
pub struct Release {
    /// The version of its timestamp.
    pub version: u64,
    /// All files that it consists of, the timestamp apart.
    pub files: BTreeSet<String>,
    /// What Codex gets.
    pub cohorts: ByCohort,
    /// Which machines its bundles are for.
    pub assignments: Vec<Assignment>,
    /// What the organisation says in it.
    pub organisation: Organisation,
}

/// Which machines a bundle is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The role that signs it.
    pub role: String,
    /// What that role says of it.
    pub label: Label,
    /// The digest of the bundle, `sha256:…`.
    pub digest: String,
}

/// The bundle for a machine, as the machine itself finds it: first among those that select it, then
/// the one for the rest; none where there is none or more than one.
pub fn assigned<'all>(assignments: &'all [Assignment], claims: &Claims) -> Option<&'all Label> {
    let roles = [claims.team.as_deref().map(|team| role_of(Some(team))), Some(role_of(None))];
    let mine = |one: &&Assignment| {
        roles.iter().flatten().any(|role| *role == one.role) && one.label.audience.admits(claims)
    };
    let (rest, selecting): (Vec<_>, Vec<_>) =
        assignments.iter().filter(mine).partition(|one| one.label.audience.rest);
    let chosen = if selecting.is_empty() { rest } else { selecting };
    match chosen.as_slice() {
        [one] => Some(&one.label),
        _ => None,
    }
}

/// Verifies a release from a root on, and holds every file that it names against its digest.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(
    files: &Arc<Files>,
    root: &[u8],
    organisation: &str,
) -> Result<Release, ReleaseError> {
    let shelf = Arc::new(Shelf { files: Arc::clone(files), used: Mutex::default() });
    let transport: Arc<dyn Transport> = Arc::<Shelf>::clone(&shelf);
    let published = Published::read(&transport, root)?;
    let mut used = std::mem::take(&mut *shelf.used.lock().unwrap_or_else(PoisonError::into_inner));
    used.remove(TIMESTAMP);
    // Machines with an older root follow the chain; the pinned one itself is on them already.
    let roots = files.keys().filter(|name| is_root(name, published.root.document.version));
    used.extend(roots.cloned());
    for role in published.roles.values() {
        for (path, target) in &role.document.targets {
            let name = format!("targets/{}", target_name(path, target.sha256()));
            let bytes = files.get(&name).ok_or_else(|| ReleaseError::File(name.clone()))?;
            if Target::of(bytes, target.custom.clone()) != *target {
                return Err(ReleaseError::File(name));
            }
            used.insert(name);
        }
    }
    let version = published.timestamp.as_ref().map_or(0, |timestamp| timestamp.version);
    let said = said(files, &published)?;
    let (cohorts, assignments) = cohorts(files, &published, organisation, &said)?;
    Ok(Release { version, files: used, cohorts, assignments, organisation: said })
}

/// Holds a release against the one before it, as a machine does that has that one: no version goes
/// back, and no generation either.
///
/// # Errors
/// What goes back.
pub fn follows(
    (before, files): (&Arc<Files>, &Arc<Files>),
    root: &[u8],
    (old, new): (&[Assignment], &[Assignment]),
) -> Result<(), ReleaseError> {
    let store = Arc::new(MemoryStore::with_root(root));
    for files in [before, files] {
        let shelf = Shelf { files: Arc::clone(files), used: Mutex::default() };
        let store = Arc::<MemoryStore>::clone(&store);
        refresh(Arc::new(shelf), store, Timestamp::MIN, Limits::default())
            .map_err(WriteError::from)?;
    }
    for one in old {
        let same = |next: &&Assignment| next.label.cohort == one.label.cohort;
        let Some(next) = new.iter().find(same) else { continue };
        let is_other = next.label.generation == one.label.generation && next.digest != one.digest;
        if next.label.generation < one.label.generation || is_other {
            return Err(ReleaseError::Generation {
                cohort: one.label.cohort.clone(),
                generation: one.label.generation,
            });
        }
    }
    Ok(())
}

fn is_root(name: &str, last: u64) -> bool {
    let number = name.strip_prefix("metadata/").and_then(|name| name.strip_suffix(".root.json"));
    number.and_then(|number| number.parse::<u64>().ok()).is_some_and(|number| number <= last)
}

fn cohorts(
    files: &Files,
    published: &Published,
    organisation: &str,
    said: &Organisation,
) -> Result<(ByCohort, Vec<Assignment>), ReleaseError> {
    let mut found = BTreeMap::new();
    let mut assignments = Vec::new();
    for (role, signed) in published.roles.iter().filter(|(role, _)| *role != "targets") {
        for (path, target) in &signed.document.targets {
            let wrong = |problem: String| ReleaseError::Bundle { path: path.clone(), problem };
            if !path.starts_with(&format!("{role}/")) {
                continue;
            }
            let name = format!("targets/{}", target_name(path, target.sha256()));
            let bytes = files.get(&name).ok_or_else(|| ReleaseError::File(name.clone()))?;
            if bytes.len() > MAX_BYTES {
                return Err(wrong(format!("it has more than {MAX_BYTES} bytes")));
            }
            let bundle: Bundle =
                serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
            if bundle.organisation != organisation {
                let wanted = organisation.to_owned();
                return Err(ReleaseError::Organisation { found: bundle.organisation, wanted });
            }
            let label = target.custom.clone().ok_or_else(|| wrong("it has no label".to_owned()))?;
            let label: Label =
                serde_json::from_value(label).map_err(|error| wrong(error.to_string()))?;
            if let Some(about) = label.disagrees(&bundle) {
                return Err(wrong(format!("it and its role disagree on the {about}")));
            }
            let minimum = said.minimum_generations.get(&bundle.cohort).copied().unwrap_or(0);
            let digest = target.digest();
            let is_void = said.void.contains(&digest);
            let answer = if found.contains_key(&bundle.cohort) {
                Err("two bundles of the release are for it")
            } else if is_void || bundle.generation < minimum {
                Err("its bundle is called off")
            } else {
                for_codex(&bundle).ok_or("its bundle says nothing")
            };
            found.insert(bundle.cohort, answer);
            assignments.push(Assignment { role: role.clone(), label, digest });
        }
    }
    Ok((found, assignments))
}

/// What the organisation says in the release.
fn said(files: &Files, published: &Published) -> Result<Organisation, ReleaseError> {
    let missing = || ReleaseError::File(organisation::PATH.to_owned());
    let targets = published.roles.get("targets").ok_or_else(missing)?;
    let target = targets.document.targets.get(organisation::PATH).ok_or_else(missing)?;
    let name = format!("targets/{}", target_name(organisation::PATH, target.sha256()));
    let bytes = files.get(&name).ok_or_else(missing)?;
    let wrong =
        |problem: String| ReleaseError::Bundle { path: organisation::PATH.to_owned(), problem };
    let said: Organisation =
        serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
    if said.form == organisation::FORM {
        return Ok(said);
    }
    Err(wrong(format!("it is of the form `{}`", said.form)))
}

/// The answer that Codex understands; none where there would be nothing in it, since Codex takes
/// that as "no policy", at once.
fn for_codex(bundle: &Bundle) -> Option<ForCodex> {
    let requirements = bundle.requirements();
    if says_nothing(requirements) {
        return None;
    }
    let name = format!("{} generation {}", bundle.policy, bundle.generation);
    let fragment =
        |contents: &str| json!([{ "id": bundle.policy, "name": name, "contents": contents }]);
    let config = bundle.files.get("config.toml").filter(|config| !says_nothing(config));
    let empty = json!([]);
    let body = json!({
        "config_toml": {
            "enterprise_managed": config.map_or(empty, |config| fragment(config)),
        },
        "requirements_toml": { "enterprise_managed": fragment(requirements) },
    });
    let placed = [REQUIREMENTS, "config.toml"];
    let left_out = bundle.files.keys().filter(|name| !placed.contains(&name.as_str()));
    Some(ForCodex {
        body: serde_json::to_vec(&body).ok()?,
        left_out: left_out.cloned().collect(),
        generation: bundle.generation,
    })
}

/// Whether a text has nothing but comments and space.
fn says_nothing(toml: &str) -> bool {
    toml.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#'))
}

/// The name of a file in a release, from the path of an address; none where it can be none.
/// Segments of metadata names are encoded already and stay as they are; those of targets are
/// decoded, once.
pub fn name_of(path: &str) -> Option<String> {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    if path.len() > 1_024 {
        return None;
    }
    if let Some(name) = path.strip_prefix("metadata/") {
        let is_one = name.bytes().all(|byte| plain(byte) || byte == b'%');
        let is_named = name.strip_suffix(".json").is_some_and(|name| !name.is_empty());
        return (is_one && is_named && !name.starts_with('.')).then(|| path.to_owned());
    }
    let segments = path.strip_prefix("targets/")?.split('/').map(segment);
    let segments: Vec<String> = segments.collect::<Option<_>>()?;
    Some(format!("targets/{}", segments.join("/")))
}

fn segment(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let pair = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&pair).ok()?;
            bytes.push(*codex_trust::provider::unhex(digits)?.first()?);
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    let odd = text.contains(['/', '\\']) || text.chars().any(char::is_control);
    (!matches!(text.as_str(), "" | "." | "..") && !odd).then_some(text)
}

/// What may be handed in under a name: JSON, and for approvals their form.
///
/// # Errors
/// What is wrong with it.
pub fn check_form(name: &str, bytes: &[u8]) -> Result<(), String> {
    if let Some(file) = name.strip_prefix(crate::store::releases::APPROVALS) {
        let digest = file.strip_suffix(".json").unwrap_or_default();
        let is_digest = codex_trust::provider::unhex(digest).is_some_and(|bytes| bytes.len() == 32);
        if !is_digest {
            return Err("an approval is named by the SHA-256 of a bundle".to_owned());
        }
        return Approval::read(bytes).map(drop).map_err(|error| error.to_string());
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes)
        .map(drop)
        .map_err(|error| format!("it is no JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_lead_out() {
        assert_eq!(name_of("metadata/1.root.json").as_deref(), Some("metadata/1.root.json"));
        assert_eq!(
            name_of("metadata/1...%2Frole.json").as_deref(),
            Some("metadata/1...%2Frole.json")
        );
        assert_eq!(name_of("targets/a%20b/c.json").as_deref(), Some("targets/a b/c.json"));
        for wrong in [
            "",
            "metadata/",
            "metadata/../x.json",
            "metadata/a/b.json",
            "metadata/.json",
            "targets/../x",
            "targets/%2e%2e/x",
            "targets/a%2Fb",
            "targets/a//b",
            "targets/a%00",
            "targets/a%0d%0ab",
            "targets/%",
            "targets/a\\b",
            "other/x",
            "/etc/passwd",
        ] {
            assert_eq!(name_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_policy_of_comments_says_nothing() {
        assert!(says_nothing(" \n# allowed_approval_policies = ['never']\n"));
        assert!(!says_nothing("# one\nallowed_approval_policies = ['never']\n"));
    }
}
