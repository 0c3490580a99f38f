//! What is true of the fleet: who is on what, who lags, what is refused and why, which Codex does
//! not know which control, and how long it takes from a commit to its enforcement.
//!
//! Reading order: [`Record`] and [`Context`] (what goes in), [`Report`] (what comes out),
//! [`Report::of`], `latency`, `csv`.
//!
//! **Invariants.**
//! - One pass over the records, and lists of examples are bounded: a report of 100,000 endpoints
//!   has the size of one of a hundred.
//! - What was not heard is unknown. An endpoint that is silent is counted as silent, and not as fine.
//! - No I/O and no clock: the moment is an argument.

mod csv;
mod latency;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use codex_fleet::check_in::{Held, State};
use codex_fleet::identity::DeviceId;
use codex_schema::version::Version;
use codex_trust::guards::unknown_keys;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use csv::endpoints_csv;
pub use latency::{BOUNDS, Bar, Latency};

/// The most examples of a list.
pub const EXAMPLES: usize = 100;

/// The most hosts that a reason names.
const HOSTS_OF_REASON: usize = 3;

/// After how many seconds without a word an endpoint counts as silent: a day.
pub const SILENT_SECONDS: i64 = 86_400;

/// After how many seconds an endpoint that was heard of since and has an older bundle lags: an hour.
pub const LAGGING_SECONDS: i64 = 3_600;

/// What is known of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number.
    pub device: DeviceId,
    /// Its host name.
    pub host: String,
    /// Its team.
    pub team: Option<String>,
    /// Its environment.
    pub environment: Option<String>,
    /// Its groups.
    pub groups: BTreeSet<String>,
    /// Its operating system.
    pub os: String,
    /// What it has in force.
    pub held: Option<Held>,
    /// The last transition.
    pub last: Option<Last>,
    /// The versions of Codex on it, as it writes them.
    pub codex: Vec<String>,
    /// When it was last heard.
    pub seen: Timestamp,
    /// When it began to enforce what it has, by its own clock.
    pub enforced_at: Option<Timestamp>,
}

/// The last transition of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// About which generation.
    pub generation: u64,
    /// What.
    pub state: State,
    /// Why.
    pub reasons: Vec<String>,
    /// When, by the endpoint's clock.
    pub at: Timestamp,
}

/// The newest bundle of a cohort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Its generation.
    pub generation: u64,
    /// From when on the time to its enforcement counts: the commit, or the release where the commit's
    /// time of day is not known.
    pub committed_at: Option<Timestamp>,
    /// When the server had it.
    pub published_at: Timestamp,
    /// Its requirements.
    pub requirements: String,
}

/// What records are held against.
#[derive(Clone, Debug)]
pub struct Context {
    /// The newest bundle of each cohort.
    pub newest: BTreeMap<String, Newest>,
    /// The moment.
    pub now: Timestamp,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The moment that it is of.
    pub at: Timestamp,
    /// How many endpoints there are.
    pub endpoints: u64,
    /// How they stand.
    pub standing: Standing,
    /// Cohort by cohort.
    pub cohorts: Vec<CohortReport>,
    /// Who lags.
    pub laggards: Examples<Laggard>,
    /// The versions of Codex, the newest first.
    pub codex: Vec<CodexReport>,
    /// Why bundles were refused, the most frequent reason first.
    pub refusals: Vec<ReasonReport>,
    /// Who had files changed.
    pub drift: Examples<Named>,
    /// Who has not heard from the release for too long.
    pub stale: Examples<Named>,
    /// How long it took from the commit to the enforcement of the newest bundles.
    pub latency: Latency,
}

/// How many endpoints stand how. Each is counted once, under the first that fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Not heard of for a day.
    pub silent: u64,
    /// Its last word was a refusal.
    pub refused: u64,
    /// Files were changed, or nothing was heard of the release.
    pub drifted_or_stale: u64,
    /// Nothing is in force yet.
    pub without: u64,
    /// It enforces what is newest for it.
    pub current: u64,
    /// It has something older, or is busy with the newest.
    pub behind: u64,
}

/// What is true of a cohort.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CohortReport {
    /// The cohort.
    pub cohort: String,
    /// The newest generation; none where the release has none.
    pub newest: Option<u64>,
    /// How many endpoints have a bundle of it.
    pub endpoints: u64,
    /// How they stand.
    pub standing: Standing,
    /// How many have which generation.
    pub generations: BTreeMap<u64, u64>,
}

/// A bounded list, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Examples<T> {
    /// How many there are.
    pub total: u64,
    /// The first of them.
    pub examples: Vec<T>,
}

/// An endpoint that was heard of and has an older bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Laggard {
    /// The endpoint.
    pub device: DeviceId,
    /// Its host name.
    pub host: String,
    /// The cohort.
    pub cohort: String,
    /// What it has.
    pub has: u64,
    /// What is newest.
    pub newest: u64,
    /// For how many seconds that has been there.
    pub behind_seconds: u64,
    /// Its last word, if it said one.
    pub last: Option<State>,
}

/// An endpoint with its last words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The endpoint.
    pub device: DeviceId,
    /// Its host name.
    pub host: String,
    /// When it said so.
    pub at: Timestamp,
    /// What it said.
    pub reasons: Vec<String>,
}

/// A version of Codex in the fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodexReport {
    /// The version, as endpoints write it.
    pub version: String,
    /// How many endpoints have it.
    pub endpoints: u64,
    /// The keys of the newest bundles that it does not know, with the endpoints where that control
    /// is therefore lost. Empty for a version that can be read as one and knows everything.
    pub lost: BTreeMap<String, u64>,
    /// Whether the version could be read: of what cannot be, nothing is known.
    pub readable: Readable,
}

/// Whether a version is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Readable {
    /// It is.
    Yes,
    /// It has another form.
    No,
}

/// A reason for refusals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReasonReport {
    /// The reason, in the endpoints' words.
    pub reason: String,
    /// How many endpoints gave it.
    pub endpoints: u64,
    /// Some of their hosts.
    pub hosts: Vec<String>,
    /// The cohorts that they are of.
    pub cohorts: BTreeSet<String>,
}

impl<T> Examples<T> {
    fn new() -> Self {
        Self { total: 0, examples: Vec::new() }
    }

    fn push(&mut self, one: impl FnOnce() -> T) {
        self.total += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(one());
        }
    }
}

/// What is gathered on the way.
struct Counts<'records> {
    standing: Standing,
    cohorts: BTreeMap<&'records str, CohortReport>,
    laggards: Vec<(i64, &'records Record)>,
    codex: BTreeMap<&'records str, BTreeMap<&'records str, u64>>,
    refusals: BTreeMap<&'records str, ReasonReport>,
    latencies: Vec<u64>,
}

impl Report {
    /// Reports on endpoints.
    pub fn of<'records>(
        records: impl IntoIterator<Item = &'records Record>,
        context: &Context,
    ) -> Self {
        let mut counts = Counts {
            standing: Standing::default(),
            cohorts: BTreeMap::new(),
            laggards: Vec::new(),
            codex: BTreeMap::new(),
            refusals: BTreeMap::new(),
            latencies: Vec::new(),
        };
        let (mut drift, mut stale) = (Examples::new(), Examples::new());
        let mut endpoints = 0;
        for record in records {
            endpoints += 1;
            counts.take(record, context);
            match record.last.as_ref().map(|last| (last.state, last)) {
                Some((State::Drifted, last)) => drift.push(|| named(record, last)),
                Some((State::Stale, last)) => stale.push(|| named(record, last)),
                Some(_) | None => {}
            }
        }
        let Counts { standing, cohorts, laggards, codex, refusals, latencies } = counts;
        let mut refusals: Vec<ReasonReport> = refusals.into_values().collect();
        refusals.sort_by(|one, other| {
            other.endpoints.cmp(&one.endpoints).then_with(|| one.reason.cmp(&other.reason))
        });
        refusals.truncate(EXAMPLES);
        Self {
            at: context.now,
            endpoints,
            standing,
            cohorts: cohorts.into_values().collect(),
            laggards: lagging(laggards, context),
            codex: versions(&codex, context),
            refusals,
            drift,
            stale,
            latency: Latency::of(latencies),
        }
    }
}

impl<'records> Counts<'records> {
    fn take(&mut self, record: &'records Record, context: &Context) {
        let cohort = record.held.as_ref().map(|held| held.cohort.as_str());
        let newest = cohort.and_then(|cohort| context.newest.get(cohort));
        let place = standing(record, newest, context.now);
        *place(&mut self.standing) += 1;
        for version in &record.codex {
            let cohorts = self.codex.entry(version).or_default();
            *cohorts.entry(cohort.unwrap_or_default()).or_insert(0) += 1;
        }
        self.refused(record, cohort);
        let (Some(cohort), Some(held)) = (cohort, &record.held) else { return };
        let report = self.cohorts.entry(cohort).or_insert_with(|| CohortReport {
            cohort: cohort.to_owned(),
            newest: newest.map(|newest| newest.generation),
            ..CohortReport::default()
        });
        report.endpoints += 1;
        *place(&mut report.standing) += 1;
        *report.generations.entry(held.generation).or_insert(0) += 1;
        let Some(newest) = newest else { return };
        let lag = context.now.as_second() - newest.published_at.as_second();
        if held.generation < newest.generation
            && lag >= LAGGING_SECONDS
            && heard(record, context.now)
        {
            self.laggards.push((record.seen.as_second(), record));
        }
        if let (true, Some(committed), Some(enforced)) =
            (held.generation == newest.generation, newest.committed_at, record.enforced_at)
        {
            let seconds = enforced.as_second() - committed.as_second();
            // A clock that is behind cannot enforce before the commit.
            self.latencies.push(u64::try_from(seconds).unwrap_or(0));
        }
    }

    fn refused(&mut self, record: &'records Record, cohort: Option<&str>) {
        let Some(last) = record.last.as_ref().filter(|last| last.state == State::Refused) else {
            return;
        };
        for reason in &last.reasons {
            let report = self.refusals.entry(reason).or_insert_with(|| ReasonReport {
                reason: reason.clone(),
                endpoints: 0,
                hosts: Vec::new(),
                cohorts: BTreeSet::new(),
            });
            report.endpoints += 1;
            if report.hosts.len() < HOSTS_OF_REASON {
                report.hosts.push(record.host.clone());
            }
            if let Some(cohort) = cohort
                && !report.cohorts.contains(cohort)
            {
                report.cohorts.insert(cohort.to_owned());
            }
        }
    }
}

fn heard(record: &Record, now: Timestamp) -> bool {
    now.as_second() - record.seen.as_second() < SILENT_SECONDS
}

/// Under what an endpoint is counted.
fn standing(
    record: &Record,
    newest: Option<&Newest>,
    now: Timestamp,
) -> fn(&mut Standing) -> &mut u64 {
    let state = record.last.as_ref().map(|last| last.state);
    let Some(held) = record.held.as_ref().filter(|_| heard(record, now)) else {
        return match heard(record, now) {
            false => |standing| &mut standing.silent,
            true if state == Some(State::Refused) => |standing| &mut standing.refused,
            true => |standing| &mut standing.without,
        };
    };
    match state {
        Some(State::Refused) => |standing| &mut standing.refused,
        Some(State::Drifted | State::Stale) => |standing| &mut standing.drifted_or_stale,
        Some(State::Enforced)
            if newest.is_none_or(|newest| held.generation >= newest.generation) =>
        {
            |standing| &mut standing.current
        }
        Some(
            State::Enforced | State::Offered | State::Fetched | State::Verified | State::Installed,
        )
        | None => |standing| &mut standing.behind,
    }
}

fn named(record: &Record, last: &Last) -> Named {
    Named {
        device: record.device.clone(),
        host: record.host.clone(),
        at: last.at,
        reasons: last.reasons.clone(),
    }
}

/// Those that were heard of last come first: they had the best chance.
fn lagging(mut laggards: Vec<(i64, &Record)>, context: &Context) -> Examples<Laggard> {
    laggards.sort_by(|(one, first), (other, second)| {
        other.cmp(one).then_with(|| first.device.cmp(&second.device))
    });
    let mut examples = Examples::new();
    for (_, record) in laggards {
        let Some(held) = &record.held else { continue };
        let Some(newest) = context.newest.get(&held.cohort) else { continue };
        let behind = context.now.as_second() - newest.published_at.as_second();
        examples.push(|| Laggard {
            device: record.device.clone(),
            host: record.host.clone(),
            cohort: held.cohort.clone(),
            has: held.generation,
            newest: newest.generation,
            behind_seconds: u64::try_from(behind).unwrap_or(0),
            last: record.last.as_ref().map(|last| last.state),
        });
    }
    examples
}

fn versions(counted: &BTreeMap<&str, BTreeMap<&str, u64>>, context: &Context) -> Vec<CodexReport> {
    let mut reports: Vec<(Option<Version>, CodexReport)> = counted
        .iter()
        .map(|(text, cohorts)| {
            let version = text.parse::<Version>().ok();
            let readable = if version.is_some() { Readable::Yes } else { Readable::No };
            let mut lost = BTreeMap::new();
            for (cohort, endpoints) in cohorts {
                let newest = context.newest.get(*cohort);
                let keys = newest.zip(version).map(|(newest, version)| {
                    // Requirements that cannot be read never got past the guards of an endpoint.
                    unknown_keys(&newest.requirements, version).unwrap_or_default()
                });
                for key in keys.into_iter().flatten() {
                    *lost.entry(key).or_insert(0) += endpoints;
                }
            }
            let endpoints = cohorts.values().sum();
            (version, CodexReport { version: (*text).to_owned(), endpoints, lost, readable })
        })
        .collect();
    reports.sort_by(|(one, first), (other, second)| {
        other.cmp(one).then_with(|| first.version.cmp(&second.version))
    });
    reports.truncate(EXAMPLES);
    reports.into_iter().map(|(_, report)| report).collect()
}
