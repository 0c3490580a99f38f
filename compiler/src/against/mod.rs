//! The cases of a policy repository, put to the real Codex.
//!
//! Reading order: this file (what came of it, as data), `play` (a cohort's files become a machine,
//! its cases become questions), `judge` (what Codex shows becomes a decision), `programs` (where
//! the program of a version comes from).
//!
//! **How a command is kept from doing harm.** It is run only as far as Codex lets it: in private
//! mount and network namespaces, by a user that owns nothing, with a PATH on which there is no
//! program. A command that names a program by its path is not run at all.
//!
//! **Invariants.** The model and Codex are asked the same question of the same policy. What cannot
//! be asked is said, and counts as neither passed nor failed.

mod judge;
mod play;
pub mod programs;

use std::num::NonZeroUsize;

use codex_oracle::{CannotRun, CodexBinary, World, ask, isolated_pool};
use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::version::Version;

use crate::cases::{Asked, Selection};
use crate::repository::{Case, Repository};

/// What came of the cases on one version of Codex.
#[derive(Debug)]
pub struct Against<'repository> {
    /// The version.
    pub version: Version,
    /// One row a case and cohort, in the order of the cases.
    pub rows: Vec<Row<'repository>>,
}

/// One case of one cohort: the model's answer and Codex's own.
#[derive(Debug)]
pub struct Row<'repository> {
    /// The case.
    pub case: &'repository Case,
    /// What the model says.
    pub model: Asked,
    /// What Codex says.
    pub codex: Real,
}

/// What the real Codex does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Real {
    /// It was asked.
    Shown {
        /// What it does, in a word or a value.
        words: String,
        /// Whether this is what the case expects.
        expected: bool,
        /// Whether this is what the model says.
        as_model: bool,
    },
    /// It cannot be asked this, and why.
    NotAsked(String),
    /// It gave no answer: a fault of the surroundings.
    Broken(String),
}

impl Against<'_> {
    /// How many answers are the expected ones.
    pub fn passed(&self) -> usize {
        let good = |row: &&Row<'_>| matches!(row.codex, Real::Shown { expected: true, .. });
        self.rows.iter().filter(good).count()
    }

    /// Answers that are not: Codex does something else, or gave none.
    pub fn failed(&self) -> impl Iterator<Item = &Row<'_>> {
        self.rows.iter().filter(|row| match row.codex {
            Real::Shown { expected, .. } => !expected,
            Real::NotAsked(_) => false,
            Real::Broken(_) => true,
        })
    }

    /// Answers on which the model and Codex differ.
    pub fn disagreements(&self) -> impl Iterator<Item = &Row<'_>> {
        self.rows.iter().filter(|row| matches!(row.codex, Real::Shown { as_model: false, .. }))
    }

    /// One diagnostic for every answer that is not the expected one.
    pub fn findings(&self) -> Vec<Diagnostic> {
        let one = |row: &Row<'_>| {
            let words = match &row.codex {
                Real::Shown { words, .. } => words.clone(),
                Real::Broken(why) | Real::NotAsked(why) => format!("no answer: {why}"),
            };
            let message = format!(
                "`{}` fails for {} on the real Codex {}: {words}; the model says {}",
                row.case.name.value,
                row.model.cohort,
                self.version,
                row.model.told.in_words()
            );
            Diagnostic::new(Code::CaseFailed, message, row.case.name.span)
        };
        self.failed().map(one).collect()
    }

    /// Cases that cannot be asked.
    pub fn not_asked(&self) -> impl Iterator<Item = (&Row<'_>, &str)> {
        self.rows.iter().filter_map(|row| match &row.codex {
            Real::NotAsked(why) => Some((row, why.as_str())),
            Real::Shown { .. } | Real::Broken(_) => None,
        })
    }
}

/// Asks one version of Codex everything.
///
/// # Errors
/// When nothing can be asked on this machine.
pub fn against<'repository>(
    repository: &'repository Repository,
    selection: &Selection<'_>,
    version: Version,
    program: &CodexBinary,
    threads: NonZeroUsize,
) -> Result<Against<'repository>, CannotRun> {
    let mut plan = play::plan(repository, selection, version);
    let sessions = std::mem::take(&mut plan.sessions);
    let answers = isolated_pool(threads, sessions, |isolation, session| {
        let answers = match World::build(isolation, program, &session.world) {
            Ok(world) => vec![ask(&world, &session.question)],
            Err(error) => vec![Err(error)],
        };
        (session, answers)
    })?;
    let mut rows = plan.rows;
    for (session, mut answers) in answers {
        let Some(answer) = answers.pop() else { continue };
        for part in &session.parts {
            if let Some(row) = rows.get_mut(part.row) {
                row.shown.push(judge::judge(&answer, part));
            }
        }
    }
    let rows = rows.into_iter().map(play::Pending::finish).collect();
    Ok(Against { version, rows })
}
