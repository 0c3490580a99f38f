//! Properties: what must hold between policies, over the whole space and not case by case.

use codex_schema::lookup::REQUIREMENTS;
use codex_schema::span::{SourceId, Span};
use codex_schema::strictness::{Change, changes};

use super::{Broken, PropertyRun, Selection};
use crate::authoring::{Cache, EffectivePolicy, RULES_FILES, RulesVoice, baseline, effective};
use crate::repository::property::{Relation, Term};
use crate::repository::{Property, Repository};
use crate::sources::rules_file;

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
    let text_of = |source| repository.documents.get(source).map_or("", |it| &*it.text);
    let mut run = PropertyRun { property, pairs: 0, broken: Vec::new() };
    for (left_name, left) in &left {
        for (right_name, right) in &right {
            run.pairs += 1;
            for difference in compare(right, left, &text_of) {
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
fn compare<'text>(
    from: &EffectivePolicy,
    to: &EffectivePolicy,
    text_of: &dyn Fn(SourceId) -> &'text str,
) -> Vec<Difference> {
    let mut found: Vec<Difference> = changes(&from.requirements, &to.requirements, &REQUIREMENTS)
        .into_iter()
        .map(|change| Difference {
            key: change.path.join("."),
            change: change.change,
            from: change.from,
            to: change.to,
        })
        .collect();
    let (before, after) = (&from.rules, &to.rules);
    let place = |voice: &RulesVoice| Some(Span::new(voice.source, 0, 0));
    let key = || RULES_FILES.to_owned();
    for voice in after.iter().filter(|voice| !before.contains(voice)) {
        let change = of_rules(text_of(voice.source));
        found.push(Difference { key: key(), change, from: None, to: place(voice) });
    }
    for voice in before.iter().filter(|voice| !after.contains(voice)) {
        let change = match of_rules(text_of(voice.source)) {
            Change::Tighter => Change::Looser,
            Change::Looser => Change::Tighter,
            same => same,
        };
        found.push(Difference { key: key(), change, from: place(voice), to: None });
    }
    found
}

/// What a further file of command rules does: one that allows nothing only tightens.
fn of_rules(text: &str) -> Change {
    let Ok(file) = rules_file::read(text, &rules_file::Limits::default()) else {
        return Change::Incomparable;
    };
    let allows = |rule: &rules_file::PrefixRule| rule.decision == rules_file::Decision::Allow;
    let hosts = !file.network_rules.is_empty();
    match (file.prefix_rules.iter().any(allows), file.prefix_rules.iter().all(allows)) {
        _ if hosts => Change::Incomparable,
        (false, true) => Change::Equal,
        (false, false) => Change::Tighter,
        (true, true) => Change::Looser,
        (true, false) => Change::Incomparable,
    }
}
