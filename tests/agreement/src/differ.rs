//! Asks Codex and the model about random machines, and holds the answers together.

mod compare;
mod explained;
mod report;
mod shrink;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use codex_oracle::{
    CannotRun, CodexBinary, Isolation, Oracle, OracleError, World, WorldSpec, ask_many,
    isolated_pool,
};
use codex_schema::version::Version;
use serde_json::Value as Json;

pub use compare::{Difference, Predicted, Question, Verdict, judge};
pub use explained::{EXPLAINED, Explained, explanation};
pub use report::describe;

use crate::generate::{Case, generate};
use crate::predict::predict;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The numbers of the cases.
    pub cases: Vec<u64>,
    /// The seed.
    pub seed: u64,
    /// The version of Codex.
    pub version: Version,
    /// The questions asked about each machine.
    pub questions: Vec<Question>,
    /// How many kinds of disagreement are made small; the rest show the machine as it was.
    pub shrunk: usize,
}

/// How often each verdict came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Machines asked about.
    pub cases: usize,
    /// Same values.
    pub values: usize,
    /// Same refusal.
    pub errors: usize,
    /// Refusals for the same reason in other words, in old versions.
    pub words: usize,
    /// Different, without an explanation.
    pub differ: usize,
    /// Different, and every difference is explained.
    pub explained: usize,
    /// Questions the model left open.
    pub unpredicted: usize,
    /// Questions that were not answered by Codex.
    pub harness: usize,
}

/// Disagreements of one kind.
#[derive(Clone, Debug)]
pub struct Class {
    /// How many machines show it.
    pub count: usize,
    /// The case shown.
    pub number: u64,
    /// The difference there.
    pub example: Difference,
    /// The machine, made small.
    pub world: WorldSpec,
}

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The version of Codex.
    pub version: String,
    /// The seed.
    pub seed: u64,
    /// Verdicts per question.
    pub totals: BTreeMap<Question, Totals>,
    /// Kinds of disagreement, the most frequent first.
    pub classes: Vec<Class>,
    /// Questions that were not answered, by case.
    pub harness: Vec<(u64, String)>,
}

impl Report {
    /// Whether every question was asked, predicted and agreed on.
    pub fn agrees(&self) -> bool {
        self.classes.is_empty()
            && self
                .totals
                .values()
                .all(|totals| totals.harness == 0 && totals.unpredicted == 0 && totals.differ == 0)
    }
}

/// The verdicts on one machine.
type Judged = (Case, Vec<(Question, Verdict)>);

/// Runs the comparison; `progress` hears the number of every finished case.
///
/// # Errors
///
/// [`CannotRun`] when this machine cannot run Codex at all.
pub fn run(
    binary: &CodexBinary,
    options: &Options,
    progress: impl Fn(u64) + Sync,
) -> Result<Report, CannotRun> {
    let threads = side_by_side(options.version);
    let cases: Vec<Case> = options
        .cases
        .iter()
        .map(|number| generate(options.seed, *number, options.version))
        .collect();
    let judged: Vec<Judged> = isolated_pool(threads, cases, |isolation, case| {
        let verdicts = verdicts(isolation, binary, &case, &case.world, options);
        progress(case.number);
        (case, verdicts)
    })?;
    let mut report =
        Report { version: binary.version().to_owned(), seed: options.seed, ..Report::default() };
    let found = count(&mut report, judged);
    let mut found: Vec<(Class, Case)> = found.into_values().collect();
    found.sort_by_key(|(class, _)| std::cmp::Reverse(class.count));
    let jobs: Vec<(usize, (Class, Case))> = found.into_iter().enumerate().collect();
    report.classes = isolated_pool(threads, jobs, |isolation, (at, (class, case))| {
        if at < options.shrunk { shrunk(isolation, binary, options, &class, &case) } else { class }
    })?;
    Ok(report)
}

/// How many machines are asked at once: 0.98.0 waits over a second before it starts a session, and
/// works on nothing meanwhile.
fn side_by_side(version: Version) -> NonZeroUsize {
    let waiting = if version < Version::of(118) { 15 } else { 1 };
    NonZeroUsize::MIN.saturating_add(waiting)
}

/// Asks about one machine and judges every answer.
fn verdicts(
    isolation: &Isolation,
    binary: &CodexBinary,
    case: &Case,
    world: &WorldSpec,
    options: &Options,
) -> Vec<(Question, Verdict)> {
    let oracles: Vec<Oracle> =
        options.questions.iter().map(|question| question.oracle(case, options.version)).collect();
    let ask = || -> Vec<Result<Json, OracleError>> {
        match World::build(isolation, binary, world) {
            Ok(built) => ask_many(&built, &oracles),
            Err(error) => oracles.iter().map(|_| Err(error.clone())).collect(),
        }
    };
    let unanswered =
        |one: &Result<Json, OracleError>| matches!(one, Err(OracleError::Harness { .. }));
    let mut answers = ask();
    // A start that got no time on a busy machine is asked for once more; a second failure counts.
    if answers.iter().any(unanswered) {
        answers = ask();
    }
    let judge_one = |(question, (oracle, answer)): (&Question, (&Oracle, _))| {
        (
            *question,
            judge(*question, answer, &predict(world, oracle, options.version), options.version),
        )
    };
    options.questions.iter().zip(oracles.iter().zip(&answers)).map(judge_one).collect()
}

/// Counts verdicts and keeps the smallest machine of every kind of disagreement.
fn count(report: &mut Report, judged: Vec<Judged>) -> BTreeMap<(Question, String), (Class, Case)> {
    let mut found: BTreeMap<(Question, String), (Class, Case)> = BTreeMap::new();
    for (case, verdicts) in judged {
        for (question, verdict) in verdicts {
            let totals = report.totals.entry(question).or_default();
            totals.cases += 1;
            match verdict {
                Verdict::ValuesAgree => totals.values += 1,
                Verdict::ErrorsAgree => totals.errors += 1,
                Verdict::WordsDiffer => totals.words += 1,
                Verdict::NotPredicted => totals.unpredicted += 1,
                Verdict::Harness(message) => {
                    totals.harness += 1;
                    report.harness.push((case.number, message));
                }
                Verdict::Differ(differences) => {
                    let open: Vec<Difference> = differences
                        .into_iter()
                        .filter(|difference| explanation(difference).is_none())
                        .collect();
                    if open.is_empty() {
                        totals.explained += 1;
                    } else {
                        totals.differ += 1;
                    }
                    note(&mut found, &case, open);
                }
            }
        }
    }
    found
}

fn note(
    found: &mut BTreeMap<(Question, String), (Class, Case)>,
    case: &Case,
    differences: Vec<Difference>,
) {
    let size = |world: &WorldSpec| describe(world).len();
    let mut counted = Vec::new();
    for example in differences {
        let key = (example.question, example.class.clone());
        if counted.contains(&key) {
            continue;
        }
        counted.push(key.clone());
        let fresh = Class { count: 0, number: case.number, example, world: case.world.clone() };
        let (class, kept) = found.entry(key).or_insert_with(|| (fresh.clone(), case.clone()));
        let count = class.count + 1;
        if size(&case.world) < size(&class.world) {
            (*class, *kept) = (fresh, case.clone());
        }
        class.count = count;
    }
}

/// The same kind of disagreement on a smaller machine.
fn shrunk(
    isolation: &Isolation,
    binary: &CodexBinary,
    options: &Options,
    class: &Class,
    case: &Case,
) -> Class {
    let mut latest = class.example.clone();
    let question = latest.question;
    let narrow = Options { questions: vec![question], ..options.clone() };
    let world = shrink::shrink(class.world.clone(), |world| {
        let verdicts = verdicts(isolation, binary, case, world, &narrow);
        let same = verdicts.into_iter().find_map(|(_, verdict)| match verdict {
            Verdict::Differ(all) => all.into_iter().find(|one| one.class == class.example.class),
            _ => None,
        });
        match same {
            Some(difference) => {
                latest = difference;
                true
            }
            None => false,
        }
    });
    Class { world, example: latest, ..class.clone() }
}
