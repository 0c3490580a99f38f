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
    for left in &left {
        for right in &right {
            run.pairs += 1;
            for entry in compare(repository, right, left) {
                let holds = match property.relation {
                    Relation::TighterOrEqual => !entry.direction.may_loosen(),
                    Relation::Equal => entry.direction == Direction::Neutral,
                };
                if !holds {
                    run.broken.push(Broken {
                        left: left.name.clone(),
                        right: right.name.clone(),
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

fn policies(repository: &Repository, term: &Term, selection: &Selection<'_>) -> Vec<Whole> {
    if *term == Term::Baseline {
        return vec![Whole::of(repository, "baseline".to_owned(), baseline(repository))];
    }
    let cohorts = term.cohorts(repository);
    let mut cache = Cache::of(repository, cohorts.iter().copied());
    cohorts
        .iter()
        .map(|cohort| {
            let policy = effective(repository, cohort, selection.today, &mut cache);
            Whole::of(repository, format!("cohort {}", cohort.name), policy)
        })
        .collect()
}

/// A policy, with its rule files read once: those that can be read, and those that cannot.
struct Whole {
    name: String,
    policy: EffectivePolicy,
    rules: Vec<(SourceId, RulesFile)>,
    broken: Vec<SourceId>,
}

impl Whole {
    fn of(repository: &Repository, name: String, policy: EffectivePolicy) -> Self {
        let (mut rules, mut broken) = (Vec::new(), Vec::new());
        for voice in &policy.rules {
            let text = repository.documents.get(voice.source).map_or("", |it| &*it.text);
            match rules_file::read(text, &Limits::default()) {
                Ok(file) => rules.push((voice.source, file)),
                Err(_) => broken.push(voice.source),
            }
        }
        Self { name, policy, rules, broken }
    }

    fn side<'side>(&'side self, repository: &'side Repository) -> Side<'side> {
        Side {
            requirements: &self.policy.requirements,
            config: &self.policy.config,
            rules: &self.rules,
            broken: &self.broken,
            documents: &repository.documents,
        }
    }
}

/// What changes from one policy to another, over all commands and hosts there are. This is the one
/// place that properties are decided in.
fn compare(repository: &Repository, from: &Whole, to: &Whole) -> Vec<Entry> {
    policy::compare(from.side(repository), to.side(repository)).changes
}

/// An example of what is decided differently, in the direction that was not to be.
fn example(entry: &Entry) -> Option<String> {
    let witness = entry.witnesses.first()?;
    let Witness { of, before, after, .. } = witness;
    Some(format!("`{}` {before}, here {after}", of.join(" ")))
}
