//! Has Codex prove what it enforces: a policy is not in force because a file is there.
//!
//! Reading order: `find` (which programs), `ask` (what one says, within limits), `compare` (what it
//! says against what the policy says), `processes` (who started before the policy).
//!
//! What Codex shows is not all that it enforces; what it does not show is said, never assumed to be
//! right or wrong.

pub mod ask;
pub mod compare;
pub mod find;
pub mod processes;

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::version::Version;
use jiff::Timestamp;
use serde::Serialize;

use crate::agent::Attestation;
use ask::{Asker, Heard};
use compare::compare;
use find::Program;

/// First version that prints what it starts with; earlier ones refuse the argument.
pub const FIRST_TO_SAY: Version = Version::of(164);

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
    /// Keys of the policy that it does not show.
    pub not_shown: Vec<String>,
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
pub fn witnesses(versions: &Versions, requirements: &str, asker: &Asker) -> Vec<Witness> {
    let ask = |(program, version): (&Program, Option<Version>)| {
        let shown = program.path.display().to_string();
        let failed = |problem: String| Witness {
            program: shown.clone(),
            version,
            asked: Asked::Failed,
            differences: vec![format!("{shown}: {problem}")],
            not_shown: Vec::new(),
        };
        let Some(known) = version else { return failed("it does not say its version".to_owned()) };
        if known < FIRST_TO_SAY {
            return Witness {
                program: shown,
                version,
                asked: Asked::TooOld,
                differences: Vec::new(),
                not_shown: Vec::new(),
            };
        }
        let document = match asker.startup(program) {
            Heard::Document(document) => document,
            Heard::Nothing(problem) => return failed(problem),
        };
        match compare(requirements, &document, known) {
            Err(problem) => failed(problem),
            Ok(compared) => {
                let named = |difference: String| format!("codex {known} at {shown}: {difference}");
                Witness {
                    program: shown.clone(),
                    version,
                    asked: Asked::Answered,
                    differences: compared.differences.into_iter().map(named).collect(),
                    not_shown: compared.not_shown,
                }
            }
        }
    };
    versions.programs().map(ask).collect()
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
