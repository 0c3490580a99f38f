//! Properties: what must hold between policies, over the whole space and not case by case.

use codex_schema::lookup::REQUIREMENTS;
use codex_schema::span::Span;
use codex_schema::strictness::{Change, changes};

use super::{Broken, PropertyRun, Selection};
use crate::authoring::{Cache, EffectivePolicy, baseline, effective};
use crate::repository::property::{Relation, Term};
use crate::repository::{Property, Repository};

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
            for difference in compare(right, left) {
                let holds = match property.relation {
                    Relation::TighterOrEqual => difference.change.is_tighter_or_equal(),
                    Relation::Equal => difference.change == Change::Equal,
                };
                if !holds {
                    run.broken.push(Broken {
                        left: left_name.clone(),
                        right: right_name.clone(),
                        key: difference.key,
                        change: difference.change,
                        left_span: difference.to,
                        right_span: difference.from,
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

/// In what two policies differ.
struct Difference {
    key: String,
    change: Change,
    from: Option<Span>,
    to: Option<Span>,
}

/// What changes from one policy to another: key by key, and by the files of command rules. This is
/// the one place that properties are decided in.
fn compare(from: &EffectivePolicy, to: &EffectivePolicy) -> Vec<Difference> {
    let mut found: Vec<Difference> = changes(&from.requirements, &to.requirements, &REQUIREMENTS)
        .into_iter()
        .map(|change| Difference {
            key: change.path.join("."),
            change: change.change,
            from: change.from,
            to: change.to,
        })
        .collect();
    // A file of rules allows and forbids; what more it does than another is not known here.
    let files = |policy: &EffectivePolicy| -> Vec<Span> {
        policy.rules.iter().map(|voice| Span::new(voice.source, 0, 0)).collect()
    };
    let (before, after) = (files(from), files(to));
    let one = |from: Option<Span>, to: Option<Span>| Difference {
        key: "rules/*.rules".to_owned(),
        change: Change::Incomparable,
        from,
        to,
    };
    found.extend(after.iter().filter(|file| !before.contains(file)).map(|to| one(None, Some(*to))));
    found.extend(before.iter().filter(|file| !after.contains(file)).map(|it| one(Some(*it), None)));
    found
}
