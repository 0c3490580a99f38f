//! Has Codex prove what it enforces: a policy is not in force because a file is there.
//!
//! Reading order: `find` (which programs), `ask` (what one says, within limits), `session` (a longer
//! talk with one), `compare` (what it says against what the policy says), `probe` (what it does not
//! show is tried, with the `model` of a session), `processes` (who started before the policy).
//!
//! What Codex shows is not all that it enforces; what it neither shows nor can be tried is said,
//! never assumed to be right or wrong.

pub mod ask;
pub mod compare;
pub mod find;
mod model;
pub mod probe;
pub mod processes;
mod session;

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::version::Version;
use jiff::Timestamp;
use serde::Serialize;

use crate::agent::Attestation;
use ask::{Asker, Heard};
use compare::compare;
use find::Program;
use probe::{Installed, Probed, probe};

/// First version that can be asked which requirements it has.
pub const FIRST_TO_SAY: Version = Version::of(80);

/// What one Codex says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// The program.
    pub program: String,
    /// Its version; none where it does not say.
    pub version: Option<Version>,
    /// Whether it was asked, and how it answered.
    pub asked: Asked,
    /// What is different from the policy.
    pub differences: Vec<String>,
    /// Keys of the policy that it does not show, unless all that they say was tried.
    pub not_shown: Vec<String>,
    /// What was tried, because Codex does not show it.
    pub probed: Vec<Probed>,
}

/// Whether a Codex was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// It answered.
    Answered,
    /// It cannot be asked: it is older than [`FIRST_TO_SAY`].
    TooOld,
    /// It gave no version, no answer, or refused the policy.
    Failed,
}

/// The versions of programs, asked once for as long as a program is the same file.
#[derive(Debug, Default)]
pub struct Versions(BTreeMap<Program, Option<Version>>);

impl Versions {
    /// Asks those that are not known yet, and forgets those that are gone. The answer tells
    /// whether anything is different from the last time.
    pub fn update(&mut self, programs: Vec<Program>, asker: &Asker) -> Changed {
        let before: BTreeSet<Program> = self.0.keys().cloned().collect();
        let known = std::mem::take(&mut self.0);
        for program in programs {
            let version = match known.get(&program) {
                Some(version) => *version,
                None => asker.version(&program),
            };
            self.0.insert(program, version);
        }
        if self.0.keys().eq(before.iter()) { Changed::No } else { Changed::Yes }
    }

    /// The programs with their versions.
    pub fn programs(&self) -> impl Iterator<Item = (&Program, Option<Version>)> {
        self.0.iter().map(|(program, version)| (program, *version))
    }

    /// The versions, each once, ascending.
    pub fn versions(&self) -> Vec<Version> {
        let found: BTreeSet<Version> = self.0.values().copied().flatten().collect();
        found.into_iter().collect()
    }
}

/// Whether programs came, went or were replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// They did.
    Yes,
    /// They did not.
    No,
}

/// Asks every program what it enforces.
pub fn witnesses(versions: &Versions, installed: Installed<'_>, asker: &Asker) -> Vec<Witness> {
    let ask = |(program, version): (&Program, Option<Version>)| {
        let shown = program.path.display().to_string();
        let failed = |problem: String| Witness {
            program: shown.clone(),
            version,
            asked: Asked::Failed,
            differences: vec![format!("{shown}: {problem}")],
            not_shown: Vec::new(),
            probed: Vec::new(),
        };
        let Some(known) = version else { return failed("it does not say its version".to_owned()) };
        if known < FIRST_TO_SAY {
            return Witness {
                program: shown,
                version,
                asked: Asked::TooOld,
                differences: Vec::new(),
                not_shown: Vec::new(),
                probed: Vec::new(),
            };
        }
        let document = match asker.startup(program, known) {
            Heard::Document(document) => document,
            Heard::Nothing(problem) => return failed(problem),
        };
        match compare(installed.requirements, &document, known) {
            Err(problem) => failed(problem),
            Ok(compared) => {
                let probed = probe(program, known, installed, asker);
                let found = probed.iter().flat_map(|one| one.differences.clone());
                let named = |difference: String| format!("codex {known} at {shown}: {difference}");
                let differences = compared.differences.into_iter().chain(found).map(named);
                Witness {
                    program: shown.clone(),
                    version,
                    asked: Asked::Answered,
                    differences: differences.collect(),
                    not_shown: unknown(compared.not_shown, installed.requirements, &probed),
                    probed,
                }
            }
        }
    };
    versions.programs().map(ask).collect()
}

/// The keys that Codex does not show and that were not tried either.
fn unknown(not_shown: Vec<String>, requirements: &str, probed: &[Probed]) -> Vec<String> {
    let is_tried = |key: &String| {
        probed.iter().any(|one| {
            let tried = one.key.as_str();
            one.is_whole() && (tried == key || is_all_there_is(requirements, key, tried))
        })
    };
    not_shown.into_iter().filter(|key| !is_tried(key)).collect()
}

/// Whether a key of the policy has nothing below it but another one.
fn is_all_there_is(requirements: &str, key: &str, below: &str) -> bool {
    let read = read_toml(requirements, SourceId(0));
    let Some(mut rest) = below.strip_prefix(key).and_then(|rest| rest.strip_prefix('.')) else {
        return false;
    };
    let mut table = read.root.get(key).and_then(|node| node.value.as_table());
    while let Some(entries) = table {
        let (name, after) = rest.split_once('.').unwrap_or((rest, ""));
        if entries.len() != 1 || entries.get(name).is_none() {
            return false;
        }
        if after.is_empty() {
            return true;
        }
        table = entries.get(name).and_then(|node| node.value.as_table());
        rest = after;
    }
    false
}

/// All witnesses as one answer to "is the policy enforced?".
pub fn attestation(
    witnesses: &[Witness],
    versions: &Versions,
    older: &[processes::Older],
    programs_note: &[String],
) -> Attestation {
    let mut notes: Vec<String> = programs_note.to_vec();
    let too_old = witnesses.iter().filter(|one| one.asked == Asked::TooOld);
    notes.extend(too_old.map(|one| {
        format!("{}: older than {FIRST_TO_SAY}, cannot be asked what it enforces", one.program)
    }));
    let hidden: BTreeSet<&str> =
        witnesses.iter().flat_map(|one| &one.not_shown).map(String::as_str).collect();
    if !hidden.is_empty() {
        let hidden = hidden.into_iter().collect::<Vec<_>>().join(", ");
        notes.push(format!("Codex does not show, so that nothing is known of: {hidden}"));
    }
    let probed = witnesses.iter().flat_map(|one| &one.probed);
    let not_asked: BTreeSet<String> = probed
        .flat_map(|one| one.not_asked.iter().map(|why| format!("not asked: {}: {why}", one.key)))
        .collect();
    notes.extend(not_asked);
    if !older.is_empty() {
        let list = older.iter().map(|one| one.pid.to_string()).collect::<Vec<_>>().join(", ");
        notes.push(format!(
            "active for new threads; threads of processes that started before keep the old policy: \
             {list}"
        ));
    }
    Attestation {
        codex: versions.versions().iter().map(Version::to_string).collect(),
        answered: witnesses.iter().filter(|one| one.asked == Asked::Answered).count(),
        differences: witnesses.iter().flat_map(|one| one.differences.clone()).collect(),
        notes,
    }
}

/// When a policy came into force, for [`processes::older_than`].
pub type Since = Timestamp;
