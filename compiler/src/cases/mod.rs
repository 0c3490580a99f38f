//! Policy tests: the cases and properties of `*.test.toml`, answered by the decision engine.
//!
//! Reading order: this file (what a run is, as data), `run` (cases), `properties` (what must hold
//! over the whole space), `coverage` (what no case asks about), `findings` (failures as
//! diagnostics). Reading the files is `repository`'s work, showing a run `render`'s.
//!
//! **Invariants.** Pure: the repository and the day are arguments. The same repository gives the
//! same run. A case passes when every cohort it selects gives the expected answer on every version
//! of Codex that is asked about.

pub mod coverage;
mod findings;
mod properties;
mod run;

use codex_schema::span::Span;
use codex_schema::types::policy::Date;
use codex_schema::version::Version;
use serde_json::Value as Json;

pub use coverage::Coverage;
pub use findings::findings;
pub(crate) use findings::sentence;
#[cfg(feature = "against")]
pub(crate) use run::Machines;
pub use run::deciding;

use crate::decide::answer::{Answer, EntrySaid, Verdict};
use crate::machine::Os;
use crate::repository::{Case, Property, Repository};

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'text> {
    /// The day that exceptions are held against.
    pub today: Date,
    /// Only cases and properties whose names contain this.
    pub filter: Option<&'text str>,
}

impl Selection<'_> {
    /// Whether a name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        let contains = |part: &str| name.to_lowercase().contains(&part.to_lowercase());
        self.filter.is_none_or(contains)
    }
}

/// A run of all tests of a repository.
#[derive(Debug)]
pub struct Run<'repository> {
    /// The cases, as they stand.
    pub cases: Vec<CaseRun<'repository>>,
    /// The properties.
    pub properties: Vec<PropertyRun<'repository>>,
    /// What the cases ask about.
    pub coverage: Coverage,
}

/// What came of one case.
#[derive(Debug)]
pub struct CaseRun<'repository> {
    /// The case.
    pub case: &'repository Case,
    /// One answer a cohort and version, in this order.
    pub asked: Vec<Asked>,
}

/// The answer of one cohort on one version of Codex.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The cohort.
    pub cohort: String,
    /// The version.
    pub version: Version,
    /// The system of the machine.
    pub system: Os,
    /// What the policy answers.
    pub told: Told,
    /// In what it is not the expected answer; empty when it is.
    pub misses: Vec<Miss>,
}

/// An answer.
#[derive(Clone, Debug)]
pub enum Told {
    /// A decision, and the value in the end where a setting was asked about.
    Decided(Box<Answer>, Option<Json>),
    /// A value, and the entries that have a say in it.
    Value(Option<Json>, Vec<EntrySaid>),
    /// Codex starts no session with this policy, and says why.
    Refused(String),
}

impl Told {
    /// The entries that have a say, the deciding one first.
    pub fn entries(&self) -> &[EntrySaid] {
        match self {
            Self::Decided(answer, _) => &answer.entries,
            Self::Value(_, entries) => entries,
            Self::Refused(_) => &[],
        }
    }

    /// The decision in one word, or the value.
    pub fn in_words(&self) -> String {
        match self {
            Self::Decided(answer, _) => answer.verdict.word().to_owned(),
            Self::Value(value, _) => in_words(value.as_ref()),
            Self::Refused(_) => "Codex refuses to start".to_owned(),
        }
    }

    /// The decision, where there is one.
    pub fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Decided(answer, _) => Some(answer.verdict),
            Self::Value(..) | Self::Refused(_) => None,
        }
    }
}

fn in_words(value: Option<&Json>) -> String {
    value.map_or_else(|| "unset".to_owned(), Json::to_string)
}

/// What was expected of an answer, and what was there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The field of `expect`.
    pub field: &'static str,
    /// What was expected.
    pub expected: String,
    /// What is the case.
    pub actual: String,
    /// Where it is expected.
    pub span: Span,
}

impl CaseRun<'_> {
    /// Whether everybody gives the expected answer.
    pub fn passed(&self) -> bool {
        self.asked.iter().all(|asked| asked.misses.is_empty())
    }
}

/// What came of one property.
#[derive(Debug)]
pub struct PropertyRun<'repository> {
    /// The property.
    pub property: &'repository Property,
    /// How many pairs of policies were compared.
    pub pairs: usize,
    /// What does not hold.
    pub broken: Vec<Broken>,
}

/// Where two policies are not as a property says.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The first policy.
    pub left: String,
    /// The second one.
    pub right: String,
    /// The key on which they differ.
    pub key: String,
    /// Where the first leads, seen from the second.
    pub direction: crate::plan::policy::Direction,
    /// Where the first says it, or the part of the second that it does not say.
    pub span: Option<Span>,
    /// A command or host that is decided differently.
    pub example: Option<String>,
}

impl Run<'_> {
    /// How many cases and properties hold.
    pub fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.passed()).count()
            + self.properties.iter().filter(|property| property.broken.is_empty()).count()
    }

    /// How many do not.
    pub fn failed(&self) -> usize {
        self.cases.len() + self.properties.len() - self.passed()
    }
}

/// Runs the tests of a repository.
pub fn run<'repository>(
    repository: &'repository Repository,
    selection: &Selection<'_>,
) -> Run<'repository> {
    let mut coverage = Coverage::default();
    let cases = run::cases(repository, selection, &mut coverage);
    let properties = properties::run(repository, selection);
    Run { cases, properties, coverage }
}

#[cfg(test)]
mod tests;
