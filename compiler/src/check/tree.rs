//! A policy repository as a whole: every file, every merge, every cohort.

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::diagnostic::{Code, Diagnostic, Severity};
use codex_schema::reader;
use codex_schema::source::{Channel, Source};
use codex_schema::span::{SourceId, Span};
use codex_schema::types::policy::{Date, Delivery};
use codex_schema::value::{Node, Table, Value};
use codex_schema::version::Version;

use super::document::{self, Extent};
use super::{Checked, FileKind, Findings, Report, Surroundings, channels, rules, secrets};
use crate::authoring::{Cache, EffectivePolicy, Judge, RULES_FILES, effective, may_loosen};
use crate::files::Files;
use crate::lint::{self, lint};
use crate::machine::Os;
use crate::repository::{self, Authored, Cohort, LayerName, Repository};
use crate::sources::rules_file::{self, Decision, Limits, RulesFile};

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
/// may be hundreds. Whether the policy is right is known at the end.
pub type Visit<'visit> = dyn FnMut(&Repository, &Cohort, &EffectivePolicy) + 'visit;

/// Reads and checks a repository. `top` is the folder with `policy.toml`.
pub fn check_tree(files: &dyn Files, top: &str, scope: &Scope<'_>) -> Tree {
    let repository = repository::read(files, top, scope.today);
    check_repository(repository, scope, &mut |_, _, _| {})
}

/// What of a repository is checked, and against what.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a choice of cohorts prints nothing useful")]
pub struct Scope<'scope> {
    /// The day that exceptions are held against.
    pub today: Date,
    /// Which cohorts are wanted.
    pub wanted: &'scope dyn Fn(&Cohort) -> bool,
    /// What else speaks on the machines.
    pub surroundings: &'scope Surroundings,
}

/// Checks a repository that was read, and shows the policies of the wanted cohorts.
pub fn check_repository(
    mut repository: Repository,
    scope: &Scope<'_>,
    visit: &mut Visit<'_>,
) -> Tree {
    let today = scope.today;
    let versions = all_versions(&repository);
    let mut found = Findings::default();
    for diagnostic in std::mem::take(&mut repository.diagnostics) {
        found.add(diagnostic);
    }
    let documents = repository.documents.clone();
    let mut report = Report { documents, versions, ..Report::default() };
    // Documents one by one on one thread, what they are together on the other.
    let shared = &repository;
    let of_layers = report.clone();
    let (alone, together) = std::thread::scope(|threads| {
        let alone = threads.spawn(move || check_layers(shared, of_layers));
        let together = check_policies(shared, scope, &mut report, visit);
        // A thread that died found nothing; what it looked at is then looked at here.
        let alone = alone.join().unwrap_or_else(|_| check_layers(shared, report.clone()));
        (alone, together)
    });
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

/// Merges and checks what every cohort gets. Many get nearly the same: a mistake is reported once.
fn check_policies(
    repository: &Repository,
    scope: &Scope<'_>,
    report: &mut Report,
    visit: &mut Visit<'_>,
) -> Vec<Diagnostic> {
    let cohorts = || repository.manifest.cohorts.values().filter(|cohort| (scope.wanted)(cohort));
    let mut known = channels::Known::default();
    let rules = read_rules(repository);
    let mut cache = Cache::of(repository, cohorts());
    let mut found = Findings::default();
    let mut judge = Judge::default();
    for cohort in cohorts() {
        let policy = effective(repository, cohort, scope.today, &mut cache);
        judge.add(&policy);
        let anchor = anchor(repository, &policy);
        let check = || {
            let mut own = Findings::default();
            let root = &policy.requirements;
            document::check_merged(anchor, root, &cohort.versions, report, &mut own);
            let found = lint_policy(repository, cohort, &policy, &rules);
            found.into_iter().for_each(|one| own.add(one));
            own
        };
        let own = if size_of(&policy) < WORTH_A_THREAD {
            visit(repository, cohort, &policy);
            check()
        } else {
            std::thread::scope(|threads| {
                let checked = threads.spawn(check);
                visit(repository, cohort, &policy);
                // A thread that died found nothing: then once more, here.
                checked.join().unwrap_or_else(|_| check())
            })
        };
        own.finish().into_iter().for_each(|one| found.add(one));
        if !scope.surroundings.is_empty() {
            channels::add(cohort, &policy, scope.surroundings, report, &mut known, &mut found);
        }
    }
    rules_that_loosen(repository, &rules).into_iter().for_each(|one| found.add(one));
    let mut found = found.finish();
    found.append(&mut judge.finish(repository));
    found
}

/// The files of command rules that can be read, by document.
fn read_rules(repository: &Repository) -> BTreeMap<SourceId, RulesFile> {
    let texts = repository.layers.values().flat_map(|layer| &layer.rules);
    texts
        .filter_map(|text| {
            let document = repository.documents.get(text.source)?;
            let file = rules_file::read(&document.text, &Limits::default()).ok()?;
            Some((text.source, file))
        })
        .collect()
}

/// Rules below the baseline that allow a command or a host: what they allow runs outside of the
/// sandbox, whatever the policy above says of it.
fn rules_that_loosen(
    repository: &Repository,
    rules: &BTreeMap<SourceId, RulesFile>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, layer) in &repository.layers {
        if may_loosen(repository, name, RULES_FILES) {
            continue;
        }
        for text in &layer.rules {
            let Some(file) = rules.get(&text.source) else { continue };
            let commands = file.prefix_rules.iter().map(|rule| (rule.decision, &rule.position));
            let hosts = file.network_rules.iter().map(|rule| (rule.decision, &rule.position));
            for (_, place) in commands.chain(hosts).filter(|(one, _)| *one == Decision::Allow) {
                let span = Span::new(text.source, place.span.start, place.span.end);
                let message = format!("`{name}` allows what no rule above it allows");
                found.push(Diagnostic::new(Code::Loosens, message, span).help(format!(
                    "move the rule to `baseline/rules`, or delegate `{RULES_FILES}` under \
                     `[delegation]` in `policy.toml`"
                )));
            }
        }
    }
    found
}

/// What is wrong with the policy of a cohort as a whole.
fn lint_policy(
    repository: &Repository,
    cohort: &Cohort,
    policy: &EffectivePolicy,
    rules: &BTreeMap<SourceId, RulesFile>,
) -> Vec<Diagnostic> {
    let rules: Vec<(SourceId, RulesFile)> = policy
        .rules
        .iter()
        .filter_map(|voice| Some((voice.source, rules.get(&voice.source)?.clone())))
        .collect();
    let channels: Vec<Channel> = cohort
        .deliveries
        .iter()
        .map(|delivery| match delivery {
            Delivery::System => Channel::System,
            Delivery::Cloud => Channel::Cloud,
            Delivery::Mdm => Channel::Mdm,
        })
        .collect();
    let systems = cohort.systems.as_ref().unwrap_or(&repository.manifest.systems);
    let systems: Vec<Os> = systems.iter().map(|system| Os::from(*system)).collect();
    lint(&lint::Subject {
        requirements: &policy.requirements,
        config: &policy.config,
        rules: &rules,
        documents: &repository.documents,
        versions: &cohort.versions,
        channels: &channels,
        systems: &systems,
        anchor: Span::new(anchor(repository, policy), 0, 0),
    })
}

/// Entries from which on a policy is checked on a thread of its own.
const WORTH_A_THREAD: usize = 400;

/// How much a policy says: the entries and elements of its three upper levels.
fn size_of(policy: &EffectivePolicy) -> usize {
    fn of(table: &Table, depth: u8) -> usize {
        let below = |node: &Node| match &node.value {
            Value::Table(table) if depth > 0 => of(table, depth - 1),
            Value::Array(elements) => elements.len(),
            _ => 1,
        };
        table.iter().map(|entry| below(&entry.node)).sum()
    }
    of(&policy.requirements, 2)
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
