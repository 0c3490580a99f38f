//! A policy repository as a whole: every file, every merge, every cohort.

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::diagnostic::{Diagnostic, Severity};
use codex_schema::source::Source;
use codex_schema::span::{SourceId, Span};
use codex_schema::types::policy::Date;
use codex_schema::version::Version;

use super::document::{self, Extent};
use super::{Checked, FileKind, Findings, Report, rules, secrets};
use crate::authoring::{Cache, EffectivePolicy, diagnose, effective_in};
use crate::files::Files;
use crate::repository::{self, LayerName, Repository};

/// A repository and everything that is wrong with it.
#[derive(Debug)]
pub struct Tree {
    /// The repository. Its documents are in the report, in the same order.
    pub repository: Repository,
    /// The policy of every cohort, by name.
    pub policies: BTreeMap<String, EffectivePolicy>,
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

/// Reads and checks a repository. `top` is the folder with `policy.toml`.
pub fn check_tree(files: &dyn Files, top: &str, today: Date) -> Tree {
    let mut repository = repository::read(files, top, today);
    let mut cache = Cache::default();
    let policies: BTreeMap<String, EffectivePolicy> = repository
        .manifest
        .cohorts
        .values()
        .map(|cohort| (cohort.name.clone(), effective_in(&repository, cohort, today, &mut cache)))
        .collect();
    let mut report = Report {
        documents: std::mem::take(&mut repository.documents),
        secrets: std::mem::take(&mut repository.secrets),
        versions: all_versions(&repository),
        ..Report::default()
    };
    let mut found = Findings::default();
    for diagnostic in std::mem::take(&mut repository.diagnostics) {
        found.add(diagnostic);
    }
    check_layers(&repository, &mut report, &mut found);
    diagnose(&repository, policies.values()).into_iter().for_each(|one| found.add(one));
    check_policies(&repository, &policies, &report, &mut found);
    let mut diagnostics = found.finish();
    secrets::scrub(&report, &mut diagnostics);
    sort_by_name(&mut diagnostics, &report);
    report.files = files_of(&report, &diagnostics);
    report.diagnostics = diagnostics;
    Tree { repository, policies, report, today }
}

fn all_versions(repository: &Repository) -> Vec<Version> {
    let of_cohorts = repository.manifest.cohorts.values().flat_map(|cohort| &cohort.versions);
    let versions: BTreeSet<Version> =
        of_cohorts.chain(&repository.manifest.versions).copied().collect();
    if versions.is_empty() { vec![Version::NEWEST] } else { versions.into_iter().collect() }
}

/// The versions that get what a folder says.
fn versions_of(repository: &Repository, layer: &LayerName) -> Vec<Version> {
    let manifest = &repository.manifest;
    let versions: BTreeSet<Version> = manifest
        .cohorts
        .values()
        .filter(|cohort| manifest.chain(cohort).contains(layer))
        .flat_map(|cohort| cohort.versions.iter().copied())
        .collect();
    if versions.is_empty() { all_versions(repository) } else { versions.into_iter().collect() }
}

/// Checks every document of every folder on its own.
fn check_layers(repository: &Repository, report: &mut Report, found: &mut Findings) {
    let everything = report.versions.clone();
    for (name, layer) in &repository.layers {
        report.versions = versions_of(repository, name);
        // What the reader already said of syntax is not said twice: same code, same place.
        for (document, kind) in
            [(&layer.requirements, FileKind::Requirements), (&layer.config, FileKind::Config)]
        {
            if let Some(document) = document {
                let mut own = Findings::default();
                document::check(document.source, kind, Extent::Layer, report, &mut own);
                own.finish().into_iter().for_each(|one| found.add(one));
            }
        }
        for text in &layer.rules {
            let mut own = Findings::default();
            rules::check(text.source, report, &mut own);
            own.finish().into_iter().for_each(|one| found.add(one));
        }
    }
    report.versions = everything;
}

/// Checks what every cohort gets. Many get nearly the same: a mistake is reported once.
fn check_policies(
    repository: &Repository,
    policies: &BTreeMap<String, EffectivePolicy>,
    report: &Report,
    found: &mut Findings,
) {
    let mut seen: Vec<(&EffectivePolicy, &[Version])> = Vec::new();
    for cohort in repository.manifest.cohorts.values() {
        let Some(policy) = policies.get(&cohort.name) else { continue };
        let known = |(other, versions): &(&EffectivePolicy, &[Version])| {
            *versions == cohort.versions && other.requirements == policy.requirements
        };
        // Compared with the last ones only: equal neighbours are common, and comparing all is not
        // cheaper than checking.
        if seen.iter().rev().take(4).any(|one| known(one)) {
            continue;
        }
        let anchor = anchor(repository, policy);
        document::check_merged(anchor, &policy.requirements, &cohort.versions, report, found);
        seen.push((policy, &cohort.versions));
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
