//! Properties: what must hold between policies, over the whole space and not case by case.

use codex_schema::span::SourceId;

use super::{Broken, PropertyRun, Selection};
use crate::authoring::{Cache, EffectivePolicy, baseline, effective};
use crate::plan::policy::{self, Direction, Entry, Side, Witness};
use crate::repository::property::{Relation, Term};
use crate::repository::{Property, Repository};
use crate::sources::rules_file::{self, Limits, RulesFile};

/// Runs the properties that are wanted.
pub(super) fn run<'repository>(
    repository: &'repository Repository,
    selection: &Selection<'_>,
) -> Vec<PropertyRun<'repository>> {
    let wanted = |property: &&Property| selection.wants(&property.name);
    repository
        .properties
        .iter()
        .filter(wanted)
        .map(|property| one(repository, property, selection))
        .collect()
}

fn one<'repository>(
    repository: &'repository Repository,
    property: &'repository Property,
    selection: &Selection<'_>,
) -> PropertyRun<'repository> {
    let left = policies(repository, &property.left, selection);
    let right = policies(repository, &property.right, selection);
    let mut run = PropertyRun { property, pairs: 0, broken: Vec::new() };
    for (left_name, left) in &left {
        for (right_name, right) in &right {
            run.pairs += 1;
            for entry in compare(repository, right, left) {
                let holds = match property.relation {
                    Relation::TighterOrEqual => !entry.direction.may_loosen(),
                    Relation::Equal => entry.direction == Direction::Neutral,
                };
                if !holds {
                    run.broken.push(Broken {
                        left: left_name.clone(),
                        right: right_name.clone(),
                        example: example(&entry),
                        key: entry.key,
                        direction: entry.direction,
                        span: entry.anchor,
                    });
                }
            }
        }
    }
    run
}

fn policies(
    repository: &Repository,
    term: &Term,
    selection: &Selection<'_>,
) -> Vec<(String, EffectivePolicy)> {
    if *term == Term::Baseline {
        return vec![("baseline".to_owned(), baseline(repository))];
    }
    let cohorts = term.cohorts(repository);
    let mut cache = Cache::of(repository, cohorts.iter().copied());
    cohorts
        .iter()
        .map(|cohort| {
            let policy = effective(repository, cohort, selection.today, &mut cache);
            (format!("cohort {}", cohort.name), policy)
        })
        .collect()
}

/// The rule files of a policy: those that can be read, and those that cannot.
fn rule_files(
    repository: &Repository,
    policy: &EffectivePolicy,
) -> (Vec<(SourceId, RulesFile)>, Vec<SourceId>) {
    let (mut read, mut broken) = (Vec::new(), Vec::new());
    for voice in &policy.rules {
        let text = repository.documents.get(voice.source).map_or("", |it| &*it.text);
        match rules_file::read(text, &Limits::default()) {
            Ok(file) => read.push((voice.source, file)),
            Err(_) => broken.push(voice.source),
        }
    }
    (read, broken)
}

/// What changes from one policy to another, over all commands and hosts there are. This is the one
/// place that properties are decided in.
fn compare(repository: &Repository, from: &EffectivePolicy, to: &EffectivePolicy) -> Vec<Entry> {
    let ((from_rules, from_broken), (to_rules, to_broken)) =
        (rule_files(repository, from), rule_files(repository, to));
    let documents = &repository.documents;
    let from = Side {
        requirements: &from.requirements,
        config: &from.config,
        rules: &from_rules,
        broken: &from_broken,
        documents,
    };
    let to = Side {
        requirements: &to.requirements,
        config: &to.config,
        rules: &to_rules,
        broken: &to_broken,
        documents,
    };
    policy::compare(from, to).changes
}

/// An example of what is decided differently, in the direction that was not to be.
fn example(entry: &Entry) -> Option<String> {
    let witness = entry.witnesses.first()?;
    let Witness { of, before, after, .. } = witness;
    Some(format!("`{}` {before}, here {after}", of.join(" ")))
}
