//! Asks the policies.

use std::collections::BTreeMap;

use codex_schema::path::{WrittenPath, parts};
use codex_schema::types::policy::System;
use codex_schema::version::Version;
use serde_json::Value as Json;

use super::{Asked, CaseRun, Coverage, Miss, Selection, Told, in_words};
use crate::authoring::{Cache, EffectivePolicy, effective};
use crate::codex_answers::startup_refusal;
use crate::decide::answer::{Answer, EntrySaid, Placement, Verdict};
use crate::decide::question::Question;
use crate::evaluate::Evaluation;
use crate::evaluate::policy::{machine_of, of_policy};
use crate::explain;
use crate::gather::arguments;
use crate::repository::case::{self, Expected, RulePart, split_rule};
use crate::repository::{Case, Cohort, Repository};

/// Runs the cases that are wanted, cohort by cohort.
pub(super) fn cases<'repository>(
    repository: &'repository Repository,
    selection: &Selection<'_>,
    coverage: &mut Coverage,
) -> Vec<CaseRun<'repository>> {
    let mut runs: Vec<CaseRun<'repository>> = repository
        .cases
        .iter()
        .filter(|case| selection.wants(&case.name.value))
        .map(|case| CaseRun { case, asked: Vec::new() })
        .collect();
    let cohorts = || repository.manifest.cohorts.values();
    let mut cache = Cache::of(repository, cohorts());
    let text_of = |source| {
        repository.documents.get(source).map_or_else(String::new, |it| it.text.to_string())
    };
    for cohort in cohorts() {
        let policy = effective(repository, cohort, selection.today, &mut cache);
        coverage.add(&policy, text_of);
        let mut machines = Machines::new(repository, cohort, &policy);
        for run in runs.iter_mut().filter(|run| run.case.scope.selects(cohort)) {
            for version in run.case.scope.versions_of(cohort) {
                let asked = machines.ask(run.case, version);
                coverage.exercise(asked.told.entries());
                if let Told::Decided(answer, _) = &asked.told {
                    answer.parts.iter().for_each(|part| coverage.exercise(&part.entries));
                }
                run.asked.push(asked);
            }
        }
    }
    runs
}

/// The machines of a cohort that cases ask about; each is evaluated once.
pub(crate) struct Machines<'run> {
    repository: &'run Repository,
    cohort: &'run Cohort,
    policy: &'run EffectivePolicy,
    known: BTreeMap<(Version, Option<System>, Vec<String>), Machine>,
}

/// A machine, and why Codex starts no session on it.
struct Machine {
    evaluation: Evaluation,
    refusal: Option<String>,
}

impl<'run> Machines<'run> {
    /// Of a cohort and its policy.
    pub(crate) fn new(
        repository: &'run Repository,
        cohort: &'run Cohort,
        policy: &'run EffectivePolicy,
    ) -> Self {
        Self { repository, cohort, policy, known: BTreeMap::new() }
    }

    /// Asks a case of the policy, on one version of Codex.
    pub(crate) fn ask(&mut self, case: &Case, version: Version) -> Asked {
        let cohort = self.cohort.name.clone();
        let Machine { evaluation, refusal } = self.machine(case, version);
        let told = match refusal {
            Some(words) => Told::Refused(words.clone()),
            None => told(evaluation, &case.asked),
        };
        let misses = misses(&case.expected, &told, evaluation, case);
        Asked { cohort, version, system: evaluation.machine.os, told, misses }
    }

    /// The machine that a case asks about.
    #[cfg(feature = "against")]
    pub(crate) fn of(&mut self, case: &Case, version: Version) -> &Evaluation {
        &self.machine(case, version).evaluation
    }

    fn machine(&mut self, case: &Case, version: Version) -> &Machine {
        let system = case.scope.system.as_ref().map(|system| system.value);
        let arguments = arguments::given(&case.session);
        let key = (version, system, arguments.clone());
        self.known.entry(key).or_insert_with(|| {
            let mut cohort = self.cohort.clone();
            if let Some(system) = system {
                cohort.systems = Some(vec![system]);
            }
            let machine = machine_of(&cohort, version);
            let evaluation = of_policy(self.repository, &cohort, self.policy, machine, &arguments);
            let refusal = startup_refusal(&evaluation).map(|refusal| refusal.text);
            let refusal = refusal.or_else(|| evaluation.session().refusal);
            Machine { evaluation, refusal }
        })
    }
}

fn told(evaluation: &Evaluation, asked: &case::Asked) -> Told {
    match asked {
        case::Asked::Decision(question) => {
            let answer = crate::decide::answer(evaluation, question);
            let value = match question {
                Question::Setting { key, value } => {
                    evaluation.with_wish(key, value).and_then(|wish| setting(&wish, key).0)
                }
                Question::Command(_)
                | Question::Script(_)
                | Question::Host(_)
                | Question::Path { .. }
                | Question::Server { .. }
                | Question::Feature(_) => None,
            };
            Told::Decided(Box::new(answer), value)
        }
        case::Asked::Setting(key) => {
            let (value, entries) = setting(evaluation, key);
            Told::Value(value, entries)
        }
        case::Asked::Requirement(key) => requirement(evaluation, key),
    }
}

/// The effective value of a setting, and the requirements that have a say in it.
fn setting(evaluation: &Evaluation, key: &str) -> (Option<Json>, Vec<EntrySaid>) {
    let Some(found) = explain::setting(evaluation, key) else { return (None, Vec::new()) };
    let locks = found.locked_by.iter().map(|lock| lock.key.clone());
    let keys: Vec<String> =
        locks.chain(found.requirements.iter().map(|voice| voice.key.clone())).collect();
    let entries = keys.iter().filter_map(|key| said(evaluation, key)).collect();
    (found.effective, entries)
}

fn requirement(evaluation: &Evaluation, key: &str) -> Told {
    let entry = said(evaluation, key);
    let path: Vec<&str> = parts(key).collect();
    let value = evaluation.inputs().requirement(&path).map(|node| serde_json::json!(node.value));
    Told::Value(value, entry.into_iter().collect())
}

/// A requirement as an entry that has a say in a value.
fn said(evaluation: &Evaluation, key: &str) -> Option<EntrySaid> {
    let path: Vec<&str> = parts(key).collect();
    let node = evaluation.inputs().requirement(&path)?;
    Some(EntrySaid {
        key: key.to_owned(),
        text: serde_json::json!(node.value).to_string(),
        verdict: Verdict::Allow,
        reason: None,
        span: node.span,
    })
}

/// In what an answer is not the expected one.
fn misses(expected: &Expected, told: &Told, evaluation: &Evaluation, case: &Case) -> Vec<Miss> {
    let mut found = Vec::new();
    let Expected { decision, rule, placement, value } = expected;
    if let Told::Refused(words) = told {
        found.push(Miss {
            field: "decision",
            expected: "a session".to_owned(),
            actual: format!("Codex refuses to start: {words}"),
            span: case.span,
        });
        return found;
    }
    if let Some(wanted) = decision
        && told.verdict() != Some(Verdict::from(wanted.value))
    {
        found.push(Miss {
            field: "decision",
            expected: Verdict::from(wanted.value).word().to_owned(),
            actual: told.in_words(),
            span: wanted.span,
        });
    }
    if let Some(wanted) = placement {
        let actual = placement_of(told);
        if actual != Some(Placement::from(wanted.value)) {
            found.push(Miss {
                field: "placement",
                expected: word(Some(wanted.value.into())).to_owned(),
                actual: word(actual).to_owned(),
                span: wanted.span,
            });
        }
    }
    if let Some(wanted) = value {
        let actual = match told {
            Told::Decided(_, value) | Told::Value(value, _) => value.as_ref(),
            Told::Refused(_) => None,
        };
        if actual != Some(&wanted.value) {
            found.push(Miss {
                field: "value",
                expected: wanted.value.to_string(),
                actual: in_words(actual),
                span: wanted.span,
            });
        }
    }
    if let Some(wanted) = rule {
        let decides = deciding(told);
        if !decides.is_some_and(|entry| is_meant(&wanted.value, entry, evaluation)) {
            found.push(Miss {
                field: "rule",
                expected: wanted.value.clone(),
                actual: decides.map_or_else(
                    || "no entry of the policy".to_owned(),
                    |entry| format!("{} {}", evaluation.documents().place(entry.span), entry.text),
                ),
                span: wanted.span,
            });
        }
    }
    found
}

fn placement_of(told: &Told) -> Option<Placement> {
    match told {
        Told::Decided(answer, _) => answer.placement,
        Told::Value(..) | Told::Refused(_) => None,
    }
}

fn word(placement: Option<Placement>) -> &'static str {
    match placement {
        Some(Placement::Sandboxed) => "sandboxed",
        Some(Placement::OutsideSandbox) => "outside-sandbox",
        None => "it does not run",
    }
}

/// The entry that decides: of a script, that of its strictest part.
pub fn deciding(told: &Told) -> Option<&EntrySaid> {
    let of_answer = |answer: &'_ Answer| answer.entries.is_empty();
    match told {
        Told::Decided(answer, _) if of_answer(answer) => {
            let mut parts = answer.parts.iter().filter(|part| part.verdict == answer.verdict);
            parts.find_map(|part| part.entries.first())
        }
        Told::Decided(answer, _) => answer.entries.first(),
        Told::Value(_, entries) => entries.first(),
        Told::Refused(_) => None,
    }
}

/// Whether an entry is the one that `expect.rule` means.
fn is_meant(rule: &str, entry: &EntrySaid, evaluation: &Evaluation) -> bool {
    let documents = evaluation.documents();
    let (path, part) = split_rule(rule);
    let file = documents.get(entry.span.source).map(|document| document.source.to_string());
    if file.as_deref() != Some(path) {
        return false;
    }
    match part {
        RulePart::Any => true,
        RulePart::Line(line) => {
            documents.position(entry.span).is_some_and(|position| position.line == line)
        }
        RulePart::Named(name) => {
            let path: Vec<&str> = parts(&entry.key).collect();
            entry.text == name
                || WrittenPath::new(name).is(&path)
                || path.last() == Some(&name)
                || entry.reason.as_deref() == Some(name)
        }
    }
}
