//! Makes a policy repository out of what is in force on a machine.
//!
//! Reading order: this file (what is taken, and when nothing is), `flatten` (many layers as one
//! text), `notes` (what the new repository cannot say, or says otherwise).
//!
//! **Invariants.** What comes out means to Codex what went in: layers are composed as Codex
//! composes them. A single file is taken as it is, comments and all. Policy that Codex refuses is
//! not imported, because nobody knows what it means.

mod flatten;
mod notes;

use codex_schema::source::{ConfigTier, Documents, Source};
use codex_schema::span::SourceId;

use crate::evaluate::Evaluation;
use crate::files::Files;
use crate::layers::Role;
use crate::starter::{Subject, Texts, frame};

/// A repository made of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its files.
    pub texts: Texts,
    /// What a person should know about them, a sentence each.
    pub notes: Vec<String>,
}

/// Why a machine cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Documents that cannot be read.
    #[error("some policy cannot be read, so nothing was imported: {}", .0.join("; "))]
    Unreadable(Vec<String>),
    /// Codex does not start with this policy.
    #[error(
        "Codex {version} refuses this policy, so nothing was imported: {reason}\n\
         see `codex-config explain` for the machine"
    )]
    Refused {
        /// The version.
        version: String,
        /// Its words.
        reason: String,
    },
    /// There is none.
    #[error("there is no policy on this machine; `codex-config init` makes one to start from")]
    Nothing,
}

/// Imports what is in force on a machine for everybody. `files` are those it was evaluated with.
///
/// # Errors
/// When the policy cannot be read, when Codex refuses it, and when there is none.
pub fn import(
    evaluation: &Evaluation,
    files: &dyn Files,
    organisation: String,
) -> Result<Imported, ImportError> {
    readable(evaluation)?;
    accepted(evaluation, files)?;
    let mut texts = Texts::new();
    if let Some(text) = flatten::requirements(evaluation) {
        texts.insert("baseline/requirements.toml".to_owned(), text);
    }
    if let Some(text) = flatten::config(evaluation) {
        texts.insert("baseline/config.toml".to_owned(), text);
    }
    for rules in evaluation.gathered.rules.iter().filter(|rules| rules.tier == ConfigTier::System) {
        if let Some((name, text)) = rules_file(evaluation.documents(), rules.source) {
            texts.insert(format!("baseline/rules/{name}"), text);
        }
    }
    if texts.is_empty() {
        return Err(ImportError::Nothing);
    }
    let notes = notes::about(evaluation, files, &texts);
    let machine = &evaluation.machine;
    let (versions, systems) = (vec![machine.version], vec![machine.os]);
    texts.extend(frame(&Subject { organisation, versions, systems }));
    Ok(Imported { texts, notes })
}

fn rules_file(documents: &Documents, source: SourceId) -> Option<(String, String)> {
    let document = documents.get(source)?;
    let Source::File { path } = &document.source else { return None };
    let name = path.rsplit(['/', '\\']).next()?;
    Some((name.to_owned(), document.text.to_string()))
}

fn readable(evaluation: &Evaluation) -> Result<(), ImportError> {
    let rules = format!("{}/", evaluation.machine.os.system_folder());
    let broken: Vec<String> = evaluation
        .gathered
        .broken
        .iter()
        .filter(|broken| match broken.role {
            Role::Requirements(_) | Role::Bundle | Role::ManagedPreferences => true,
            Role::Config(tier) => tier.is_for_everybody(),
            Role::Rules => broken.name.starts_with(&rules),
        })
        .map(|broken| format!("{}: {}", broken.name, broken.reason))
        .collect();
    if broken.is_empty() { Ok(()) } else { Err(ImportError::Unreadable(broken)) }
}

/// Policy may need what a person has configured, and a person's own mistakes are not the policy's:
/// it is refused when Codex refuses both with and without the person.
fn accepted(evaluation: &Evaluation, files: &dyn Files) -> Result<(), ImportError> {
    if evaluation.refusals.is_empty() {
        return Ok(());
    }
    match evaluation.without_people(files).refusals.into_iter().next() {
        None => Ok(()),
        Some(refusal) => {
            let version = evaluation.machine.version.to_string();
            Err(ImportError::Refused { version, reason: refusal.text })
        }
    }
}

#[cfg(test)]
mod tests;
