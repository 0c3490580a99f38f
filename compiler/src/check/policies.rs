//! What every cohort gets: merged, shown, and checked as a whole.
//!
//! Cohorts share most of what they are made of and nothing else, so each is looked at by whichever
//! thread is free. What was found is put together in the order of the cohorts: threads and their
//! luck change nothing of it.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::source::Channel;
use codex_schema::span::{SourceId, Span};
use codex_schema::types::policy::Delivery;

use super::tree::{Scope, Visit, anchor};
use super::{Findings, Report, channels, document};
use crate::authoring::{
    Cache, EffectivePolicy, Judge, RULES_FILES, begin, effective, finish, may_loosen, stale,
};
use crate::lint::{self, lint};
use crate::machine::Os;
use crate::repository::{Cohort, Repository};
use crate::sources::rules_file::{self, Decision, Limits, RulesFile};

/// On how many threads cohorts are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Threads {
    /// On this one.
    One,
    /// On as many as the machine runs at once.
    Several,
}

/// Most threads for cohorts: each holds a policy in memory.
const MOST_THREADS: usize = 8;

/// Fewest cohorts for which the machine is asked how many threads it runs: for fewer it is two.
const MANY: usize = 8;

/// What all cohorts are looked at with.
struct Work<'work> {
    repository: &'work Repository,
    scope: &'work Scope<'work>,
    report: &'work Report,
    visit: &'work Visit<'work>,
    rules: &'work BTreeMap<SourceId, RulesFile>,
    cohorts: Vec<&'work Cohort>,
    cache: Mutex<Cache>,
    /// The cohort that is taken next.
    next: AtomicUsize,
    threads: Threads,
}

/// What was found about one cohort.
struct Looked {
    found: Vec<Diagnostic>,
    judge: Judge,
}

/// Merges and checks what every cohort gets. Many get nearly the same: a mistake is reported once.
pub(super) fn check(
    repository: &Repository,
    scope: &Scope<'_>,
    report: &mut Report,
    visit: &Visit<'_>,
    threads: Threads,
) -> Vec<Diagnostic> {
    let wanted = || repository.manifest.cohorts.values().filter(|cohort| (scope.wanted)(cohort));
    let cohorts: Vec<&Cohort> = wanted().collect();
    let rules = read_rules(repository);
    let cache = Mutex::new(Cache::of(repository, cohorts.iter().copied()));
    let work = Work {
        repository,
        scope,
        report,
        visit,
        rules: &rules,
        cohorts,
        cache,
        next: AtomicUsize::new(0),
        threads,
    };
    let looked = work.all();
    let mut cache = work.cache;
    let mut found = Findings::default();
    let mut judge = Judge::default();
    for one in looked {
        one.found.into_iter().for_each(|one| found.add(one));
        judge.join(one.judge);
    }
    if !scope.surroundings.is_empty() {
        let cache = cache.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut known = channels::Known::default();
        for cohort in wanted() {
            let policy = effective(repository, cohort, scope.today, cache);
            channels::add(cohort, &policy, scope.surroundings, report, &mut known, &mut found);
        }
    }
    rules_that_loosen(repository, &rules).into_iter().for_each(|one| found.add(one));
    let mut found = found.finish();
    found.append(&mut judge.finish(repository));
    found
}

impl Work<'_> {
    /// What was found about every cohort, in their order.
    fn all(&self) -> Vec<Looked> {
        let several = match self.threads {
            Threads::One => 1,
            Threads::Several if self.cohorts.len() < MANY => 2,
            Threads::Several => std::thread::available_parallelism().map_or(2, NonZero::get),
        };
        let others = several.min(MOST_THREADS).min(self.cohorts.len()).saturating_sub(1);
        let mut looked: BTreeMap<usize, Looked> = std::thread::scope(|threads| {
            let others: Vec<_> = (0..others).map(|_| threads.spawn(|| self.some())).collect();
            let own = self.some();
            // A thread that died found nothing: what it took is looked at below.
            own.into_iter()
                .chain(others.into_iter().flat_map(|one| one.join().unwrap_or_default()))
                .collect()
        });
        (0..self.cohorts.len())
            .filter_map(|at| looked.remove(&at).or_else(|| self.one(self.cohorts.get(at)?).into()))
            .collect()
    }

    /// Looks at one cohort after the other, until none is left.
    fn some(&self) -> Vec<(usize, Looked)> {
        std::iter::from_fn(|| {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            Some((at, self.one(self.cohorts.get(at)?)))
        })
        .collect()
    }

    fn one(&self, cohort: &Cohort) -> Looked {
        let Self { repository, scope, visit, .. } = *self;
        let begun = {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            begin(repository, cohort, &mut cache)
        };
        let policy = finish(begun, repository, cohort, scope.today);
        let mut judge = Judge::default();
        let stale = stale(repository, &policy);
        std::iter::once(&policy).chain(&stale).for_each(|policy| judge.add(policy));
        let check = || self.check(cohort, &policy, stale.as_ref());
        // With cohorts for every thread, halves of one would only be in the way.
        let found = if self.threads == Threads::One || self.cohorts.len() >= MANY {
            visit(repository, cohort, &policy);
            check()
        } else {
            std::thread::scope(|threads| {
                let checked = threads.spawn(check);
                visit(repository, cohort, &policy);
                // A thread that died found nothing: then once more, here.
                checked.join().unwrap_or_else(|_| self.check(cohort, &policy, stale.as_ref()))
            })
        };
        Looked { found, judge }
    }

    /// What is wrong with the policy of a cohort, and with the one for machines that hear nothing.
    fn check(
        &self,
        cohort: &Cohort,
        policy: &EffectivePolicy,
        stale: Option<&EffectivePolicy>,
    ) -> Vec<Diagnostic> {
        let mut own = Findings::default();
        for policy in std::iter::once(policy).chain(stale) {
            let (root, anchor) = (&policy.requirements, anchor(self.repository, policy));
            document::check_merged(anchor, root, &cohort.versions, self.report, &mut own);
        }
        let found = lint_policy(self.repository, cohort, policy, self.rules);
        found.into_iter().for_each(|one| own.add(one));
        own.finish()
    }
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
