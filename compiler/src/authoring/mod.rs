//! The authoring merge: baseline, environment, team, exception. A layer may only tighten what
//! stands above it; loosening needs a delegation or an exception.
//!
//! This is our merge, never to be confused with Codex's own (`compose`), which composes channels
//! by precedence. Reading order: this file (a cohort's layers become one policy), `fold` (one
//! layer over those above it), `lift` (what exceptions take away), `diagnose` (what is wrong).
//!
//! **Invariants.** What stands above is never loosened without a permit. Nothing that a layer said
//! is dropped: what does not count is an [`Event`]. Merging is idempotent, and the strictness of
//! the result grows with every layer.

mod diagnose;
mod fold;
mod hosts;
mod lift;

use std::collections::BTreeMap;

use codex_schema::lookup::{CONFIG, REQUIREMENTS};
use codex_schema::span::{SourceId, Span};
use codex_schema::types::policy::Date;
use codex_schema::value::Table;

pub use codex_schema::provenance::Document;
pub use diagnose::Judge;

use crate::compose::normalise;
use crate::repository::{Cohort, Exception, LayerName, Repository};

/// The name under which `.rules` files that allow commands are delegated.
pub const RULES_FILES: &str = "rules/*.rules";

/// The one policy of a cohort.
#[derive(Clone, Debug, Default)]
pub struct EffectivePolicy {
    /// The folders it is made of, in their order.
    pub chain: Vec<LayerName>,
    /// Requirements under their keys' own names.
    pub requirements: Table,
    /// Managed defaults.
    pub config: Table,
    /// Files of command rules, in the order of the folders.
    pub rules: Vec<RulesVoice>,
    /// What happened where more than one voice spoke, or where a voice did not count.
    pub events: Vec<Event>,
    /// Names of the exceptions that count for it.
    pub exceptions: Vec<String>,
}

/// A file of command rules and the folder it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesVoice {
    /// The folder.
    pub layer: LayerName,
    /// The file's name.
    pub name: String,
    /// The document.
    pub source: SourceId,
}

/// Who said something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voice {
    /// A folder.
    Layer(LayerName),
    /// An exception, by its file's name.
    Exception(String),
}

impl std::fmt::Display for Voice {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Layer(layer) => layer.fmt(formatter),
            Self::Exception(name) => write!(formatter, "exceptions/{name}"),
        }
    }
}

/// What happened to a key when a voice spoke about what another one had said already, or may not
/// say.
#[derive(Clone, Debug)]
pub struct Event {
    /// Which document.
    pub document: Document,
    /// The key's concrete path.
    pub path: Vec<String>,
    /// What became of what was said.
    pub outcome: Outcome,
    /// Who said it.
    pub voice: Voice,
    /// Where.
    pub span: Span,
    /// What it met: where the voice above said the same key, or the list that it is an entry of.
    pub above: Option<Span>,
    /// The elements that would loosen a list, or the value in words.
    pub words: Vec<String>,
}

/// What became of what a voice said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It says what is said already.
    Repeats,
    /// It tightens, and counts.
    Tightens,
    /// It adds elements to a list of what is denied.
    Adds,
    /// It replaces a managed default.
    Overrides,
    /// It loosens, and counts because it may.
    Loosens(Permit),
    /// It would loosen, and does not count.
    Refused,
    /// It takes away what stood above.
    Lifts,
    /// It takes away what is not there.
    LiftsNothing,
}

/// Why something may loosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permit {
    /// A delegation in `policy.toml`, with its place.
    Delegation(Span),
    /// An exception, by its file's name.
    Exception(String),
}

/// Policies of the first folders of a chain, for those that several cohorts begin with.
#[derive(Debug, Default)]
pub struct Cache {
    known: BTreeMap<Vec<LayerName>, EffectivePolicy>,
    /// How many cohorts begin with the same folders.
    shared: BTreeMap<Vec<LayerName>, usize>,
}

impl Cache {
    /// A cache for some cohorts of a repository.
    pub fn of<'cohort>(
        repository: &Repository,
        cohorts: impl Iterator<Item = &'cohort Cohort>,
    ) -> Self {
        let mut cache = Self::default();
        for cohort in cohorts {
            let mut chain = repository.manifest.chain(cohort);
            chain.pop();
            *cache.shared.entry(chain).or_default() += 1;
        }
        cache
    }
}

/// A policy of which the last folder and the exceptions are missing.
#[derive(Debug)]
pub struct Begun {
    policy: EffectivePolicy,
    last: Option<LayerName>,
}

/// Merges the layers of a cohort, and keeps what other cohorts begin with.
pub fn effective(
    repository: &Repository,
    cohort: &Cohort,
    today: Date,
    cache: &mut Cache,
) -> EffectivePolicy {
    finish(begin(repository, cohort, cache), repository, cohort, today)
}

/// Merges what other cohorts of the same folders begin with, or knows it: the part of
/// [`effective`] that needs the cache.
pub fn begin(repository: &Repository, cohort: &Cohort, cache: &mut Cache) -> Begun {
    let mut first = repository.manifest.chain(cohort);
    let last = first.pop();
    if let Some(known) = cache.known.get(&first) {
        return Begun { policy: known.clone(), last };
    }
    let mut policy = EffectivePolicy::default();
    for layer in &first {
        add_layer(&mut policy, repository, layer);
    }
    // Everything that is made of a policy is in this order: what is nearly in it is put into it
    // quickly, cohort by cohort.
    policy.requirements.sort();
    // A policy that is kept has to be copied before it can be added to.
    if cache.shared.get(&first).is_some_and(|count| *count > 1) {
        cache.known.insert(first, policy.clone());
    }
    Begun { policy, last }
}

/// Merges what a cohort has of its own: the rest of [`effective`].
pub fn finish(
    begun: Begun,
    repository: &Repository,
    cohort: &Cohort,
    today: Date,
) -> EffectivePolicy {
    let Begun { mut policy, last } = begun;
    if let Some(last) = last {
        add_layer(&mut policy, repository, &last);
    }
    for exception in exceptions_of(repository, cohort, today) {
        add_exception(&mut policy, exception);
    }
    policy
}

/// The policy of machines that have heard nothing for too long: a cohort's own, and after it the
/// folder that `release.when_stale` names, which may only tighten, whatever was delegated to it;
/// `None` where it names none.
pub fn stale(repository: &Repository, policy: &EffectivePolicy) -> Option<EffectivePolicy> {
    let layers = repository.manifest.chain_when_stale();
    if layers.is_empty() {
        return None;
    }
    let mut policy = policy.clone();
    policy.events.clear();
    for layer in layers.iter().filter(|layer| **layer != LayerName::Baseline) {
        add_layer_under(&mut policy, repository, layer, &fold::Permits::Delegated(Vec::new()));
    }
    Some(policy)
}

/// What the folder `baseline` says alone, without exceptions.
pub fn baseline(repository: &Repository) -> EffectivePolicy {
    let mut policy = EffectivePolicy::default();
    add_layer(&mut policy, repository, &LayerName::Baseline);
    policy
}

/// The exceptions that count for a cohort on a day.
pub fn exceptions_of<'repository>(
    repository: &'repository Repository,
    cohort: &Cohort,
    today: Date,
) -> impl Iterator<Item = &'repository Exception> {
    repository.exceptions.iter().filter(move |exception| {
        let target = exception.target.as_ref();
        exception.counts_on(today) && target.is_some_and(|target| target.value.selects(cohort))
    })
}

fn add_layer(policy: &mut EffectivePolicy, repository: &Repository, name: &LayerName) {
    let permits = fold::Permits::of_layer(&repository.manifest, name);
    add_layer_under(policy, repository, name, &permits);
}

fn add_layer_under(
    policy: &mut EffectivePolicy,
    repository: &Repository,
    name: &LayerName,
    permits: &fold::Permits,
) {
    policy.chain.push(name.clone());
    let Some(layer) = repository.layers.get(name) else { return };
    let voice = Voice::Layer(name.clone());
    if let Some(document) = &layer.requirements {
        let root = normalise::authored(&document.parsed.root);
        fold_requirements(policy, &root, &voice, permits);
    }
    if let Some(document) = &layer.config {
        let mut place = fold::Place::new(&voice, permits, &mut policy.events);
        fold::config(&mut policy.config, &document.parsed.root, CONFIG.root(), &mut place);
    }
    let voices = layer.rules.iter().map(|rules| RulesVoice {
        layer: name.clone(),
        name: rules.name.clone(),
        source: rules.source,
    });
    policy.rules.extend(voices);
}

fn fold_requirements(
    policy: &mut EffectivePolicy,
    layer: &Table,
    voice: &Voice,
    permits: &fold::Permits,
) {
    let above = hosts::Above::of(&policy.requirements);
    let mut place = fold::Place::new(voice, permits, &mut policy.events);
    fold::requirements(&mut policy.requirements, layer, REQUIREMENTS.root(), &mut place);
    hosts::keep_together(&above, layer, &mut policy.requirements, &mut place);
}

/// Whether `policy.toml` lets a folder loosen a key. The baseline stands above everything.
pub fn may_loosen(repository: &Repository, layer: &LayerName, key: &str) -> bool {
    let path: Vec<&str> = codex_schema::path::parts(key).collect();
    let permits = fold::Permits::of_layer(&repository.manifest, layer);
    *layer == LayerName::Baseline || permits.permit(&path).is_some()
}

fn add_exception(policy: &mut EffectivePolicy, exception: &Exception) {
    policy.exceptions.push(exception.name.clone());
    let voice = Voice::Exception(exception.name.clone());
    for lifted in &exception.lifts {
        lift::lift(policy, lifted, &voice);
    }
    let permits = fold::Permits::of_exception(&exception.name);
    let root = normalise::authored(&exception.requirements);
    fold_requirements(policy, &root, &voice, &permits);
    let mut place = fold::Place::new(&voice, &permits, &mut policy.events);
    fold::config(&mut policy.config, &exception.config, CONFIG.root(), &mut place);
}

#[cfg(test)]
mod tests;
