//! A policy repository as a whole: every file, every merge, every cohort.

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::diagnostic::{Diagnostic, Severity};
use codex_schema::reader;
use codex_schema::source::Source;
use codex_schema::span::{SourceId, Span};
use codex_schema::types::policy::Date;
use codex_schema::version::Version;

use super::document::{self, Extent};
use super::policies::{self, Threads};
use super::{Checked, FileKind, Findings, Report, Surroundings, rules, secrets};
use crate::authoring::EffectivePolicy;
use crate::files::Files;
use crate::repository::{self, Authored, Cohort, LayerName, Repository};

/// A repository and everything that is wrong with it.
#[derive(Debug)]
pub struct Tree {
    /// The repository.
    pub repository: Repository,
    /// What is wrong.
    pub report: Report,
    /// The day that exceptions were held against.
    pub today: Date,
}

/// A repository without an error: only [`Tree::checked`] makes one, so nothing else can be
/// compiled.
#[derive(Debug)]
pub struct CheckedTree(Tree);

impl std::ops::Deref for CheckedTree {
    type Target = Tree;

    fn deref(&self) -> &Tree {
        &self.0
    }
}

impl Tree {
    /// The repository as one that may be compiled.
    ///
    /// # Errors
    /// The repository itself, when anything is wrong with it that is an error.
    pub fn checked(self) -> Result<CheckedTree, Box<Self>> {
        if self.report.has_errors() { Err(Box::new(self)) } else { Ok(CheckedTree(self)) }
    }
}

/// What is done with every cohort's policy while it is checked: they are not kept, because there
/// may be hundreds. Cohorts come in any order and on several threads at once. Whether the policy is
/// right is known at the end.
pub type Visit<'visit> = dyn Fn(&Repository, &Cohort, &EffectivePolicy) + Sync + 'visit;

/// Reads and checks a repository. `top` is the folder with `policy.toml`.
pub fn check_tree(files: &dyn Files, top: &str, scope: &Scope<'_>) -> Tree {
    let repository = repository::read(files, top, scope.today);
    check_repository(repository, scope, &|_, _, _| {})
}

/// What of a repository is checked, and against what.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a choice of cohorts prints nothing useful")]
pub struct Scope<'scope> {
    /// The day that exceptions are held against.
    pub today: Date,
    /// Which cohorts are wanted.
    pub wanted: &'scope (dyn Fn(&Cohort) -> bool + Sync),
    /// What else speaks on the machines.
    pub surroundings: &'scope Surroundings,
}

/// Texts from which on more than one thread is worth its start, in bytes.
const WORTH_A_THREAD: usize = 24 * 1024;

/// Checks a repository that was read, and shows the policies of the wanted cohorts.
pub fn check_repository(mut repository: Repository, scope: &Scope<'_>, visit: &Visit<'_>) -> Tree {
    let today = scope.today;
    let versions = all_versions(&repository);
    let mut found = Findings::default();
    for diagnostic in std::mem::take(&mut repository.diagnostics) {
        found.add(diagnostic);
    }
    let documents = repository.documents.clone();
    let mut report = Report { documents, versions, ..Report::default() };
    let shared = &repository;
    let of_layers = report.clone();
    let is_small =
        repository.documents.iter().map(|one| one.text.len()).sum::<usize>() < WORTH_A_THREAD;
    let (alone, together) = if is_small {
        let together = policies::check(shared, scope, &mut report, visit, Threads::One);
        (check_layers(shared, of_layers), together)
    } else {
        // Documents one by one beside what they are together.
        std::thread::scope(|threads| {
            let alone = threads.spawn(move || check_layers(shared, of_layers));
            let together = policies::check(shared, scope, &mut report, visit, Threads::Several);
            // A thread that died found nothing; what it looked at is then looked at here.
            let alone = alone.join().unwrap_or_else(|_| check_layers(shared, report.clone()));
            (alone, together)
        })
    };
    let (of_layers, secrets) = alone;
    report.secrets = secrets;
    of_layers.into_iter().chain(together).for_each(|one| found.add(one));
    let mut diagnostics = found.finish();
    secrets::scrub(&report, &mut diagnostics);
    sort_by_name(&mut diagnostics, &report);
    report.files = files_of(&report, &diagnostics);
    report.diagnostics = diagnostics;
    Tree { repository, report, today }
}

fn all_versions(repository: &Repository) -> Vec<Version> {
    let of_cohorts = repository.manifest.cohorts.values().flat_map(|cohort| &cohort.versions);
    let versions: BTreeSet<Version> =
        of_cohorts.chain(&repository.manifest.versions).copied().collect();
    if versions.is_empty() { vec![Version::NEWEST] } else { versions.into_iter().collect() }
}

/// The versions that get what a folder says, for every folder that a cohort gets.
fn versions_by_layer(repository: &Repository) -> BTreeMap<LayerName, BTreeSet<Version>> {
    let mut versions: BTreeMap<LayerName, BTreeSet<Version>> = BTreeMap::new();
    for cohort in repository.manifest.cohorts.values() {
        for layer in repository.manifest.chain(cohort) {
            versions.entry(layer).or_default().extend(&cohort.versions);
        }
    }
    versions
}

/// Checks every document of every folder on its own; gives back what is wrong and where secrets
/// stand.
fn check_layers(repository: &Repository, mut report: Report) -> (Vec<Diagnostic>, Vec<Span>) {
    let mut found = Vec::new();
    let everything = std::mem::take(&mut report.versions);
    let versions = versions_by_layer(repository);
    for (name, layer) in &repository.layers {
        let own = versions.get(name).map(|own| own.iter().copied().collect());
        report.versions = own.unwrap_or_else(|| everything.clone());
        for (document, kind) in
            [(&layer.requirements, FileKind::Requirements), (&layer.config, FileKind::Config)]
        {
            let Some(document) = document else { continue };
            let mut own = Findings::default();
            let Authored { source, parsed } = document;
            document::check_parsed(*source, kind, Extent::Layer, parsed, &mut report, &mut own);
            found.append(&mut own.finish());
        }
        for text in &layer.rules {
            let mut own = Findings::default();
            rules::check(text.source, &report, &mut own);
            found.append(&mut own.finish());
        }
    }
    report.versions = everything;
    check_exceptions(repository, &mut report, &mut found);
    (found, report.secrets)
}

/// Checks what exceptions set, as what it is: requirements and configuration.
fn check_exceptions(repository: &Repository, report: &mut Report, found: &mut Vec<Diagnostic>) {
    for exception in &repository.exceptions {
        for (table, kind) in [
            (&exception.requirements, FileKind::Requirements),
            (&exception.config, FileKind::Config),
        ] {
            if table.is_empty() {
                continue;
            }
            let mut own = Findings::default();
            let parsed = reader::Document { root: table.clone(), problems: Vec::new() };
            let id = exception.source;
            document::check_parsed(id, kind, Extent::Layer, &parsed, report, &mut own);
            for mut one in own.finish() {
                // Fixes count paths from the top of a document, and this table is deeper.
                one.fix = None;
                found.push(one);
            }
        }
    }
}

/// The first document of a policy.
pub(crate) fn anchor(repository: &Repository, policy: &EffectivePolicy) -> SourceId {
    let first = policy.chain.iter().find_map(|name| {
        let layer = repository.layers.get(name)?;
        layer.requirements.as_ref().or(layer.config.as_ref()).map(|document| document.source)
    });
    first.or(repository.manifest.source).unwrap_or(SourceId::BUILT_IN)
}

fn sort_by_name(diagnostics: &mut [Diagnostic], report: &Report) {
    let name =
        |span: Span| report.documents.get(span.source).map(|document| document.source.to_string());
    diagnostics
        .sort_by_cached_key(|one| (name(one.primary.span), one.primary.span.start, one.code));
}

/// The files in which something was found, and the policy files.
fn files_of(report: &Report, diagnostics: &[Diagnostic]) -> Vec<Checked> {
    let mut counts: BTreeMap<SourceId, (usize, usize)> = BTreeMap::new();
    for one in diagnostics {
        let count = counts.entry(one.primary.span.source).or_default();
        match one.severity {
            Severity::Error => count.0 += 1,
            Severity::Warning => count.1 += 1,
            Severity::Info => {}
        }
    }
    (0_u32..)
        .zip(report.documents.iter())
        .map(|(id, document)| {
            let name = match &document.source {
                Source::File { path } => path.clone(),
                other => other.to_string(),
            };
            let (errors, warnings) = counts.get(&SourceId(id)).copied().unwrap_or_default();
            Checked { name, kind: None, errors, warnings }
        })
        .collect()
}
