//! A plan: what a change of a policy repository does to every cohort and how many machines it
//! reaches, under a name that says exactly this.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use codex_schema::key::Key;
use codex_schema::lookup::{CONFIG, REQUIREMENTS};
use codex_schema::source::Documents;
use codex_schema::span::Position;
use codex_schema::version::Version;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::brake::{self, Extent, Reason};
use super::diff::{CohortChange, Status, compare_cohorts, diff};
use super::fleet::{Endpoint, Fleet};
use super::hash::PlanHash;
use super::policy::{Direction, Entry, PolicyChange};
use super::source::Policies;
use crate::authoring::Document;
use crate::compile::digest;
use crate::compile::history::{Commit, History};
use crate::repository::Cohort;

/// What is hashed; changes with every change of what a plan's name stands for.
const FORM: &str = "codex-config plan 1";

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The form of this record.
    pub schema: &'static str,
    /// Its name.
    pub hash: PlanHash,
    /// What was, as the reader named it.
    pub base: String,
    /// The commit that was, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_commit: Option<String>,
    /// The organisation.
    pub organisation: String,
    /// The cohorts.
    pub cohorts: Vec<Planned>,
    /// Machines that change their cohort.
    pub moves: Vec<Move>,
    /// What the inventory comes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// Why it is stopped.
    pub brake: Vec<Reason>,
    /// Whether this very plan was approved.
    pub approved: bool,
    /// What checking the new policy found.
    pub checks: Checks,
}

/// One cohort of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// What changes.
    #[serde(flatten)]
    pub change: CohortChange,
    /// The digest of its policy before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_before: Option<String>,
    /// The digest of its policy now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_after: Option<String>,
    /// Whether other machines may be in it than before.
    pub selects_others: bool,
    /// How many machines it has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<usize>,
    /// Versions of Codex on its machines that do not know what changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_enforced: Vec<NotEnforced>,
    /// What its machines are selected by, and its versions, before and now.
    #[serde(skip)]
    terms: [Json; 2],
}

/// A version that does not know keys that change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotEnforced {
    /// The version.
    pub version: Version,
    /// How many machines have it, where an inventory says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<usize>,
    /// The keys.
    pub keys: Vec<String>,
}

/// Machines that go from one cohort to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Move {
    /// The cohort they are in; none is no policy.
    pub from: Option<String>,
    /// The cohort they will be in.
    pub to: Option<String>,
    /// How many.
    pub endpoints: usize,
    /// What that does to them.
    pub direction: Direction,
    /// What changes for them.
    #[serde(flatten)]
    pub policy: PolicyChange,
}

/// How many machines a plan reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// All machines of the inventory.
    pub endpoints: usize,
    /// Machines whose policy changes.
    pub changed: usize,
    /// Machines for which something may be allowed that was not.
    pub loosened: usize,
    /// Machines that no cohort selects; the first ones.
    pub nowhere: Vec<String>,
    /// How many these are.
    pub nowhere_total: usize,
    /// Machines that two cohorts select, with these; the first ones.
    pub several: Vec<(String, String, String)>,
    /// How many these are.
    pub several_total: usize,
}

/// What checking the new policy found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

/// Most machines that are named.
const NAMED: usize = 20;

/// What a plan is made of.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a door to version control prints nothing useful")]
pub struct Terms<'terms> {
    /// The base, as the reader named it.
    pub base: &'terms str,
    /// Its commit.
    pub base_commit: Option<&'terms str>,
    /// The machines.
    pub inventory: Option<&'terms [Endpoint]>,
    /// Where lines of the new policy come from.
    pub history: &'terms dyn History,
    /// The commits that the new policy has and the base has not; all where that is not known.
    pub recent: Option<&'terms BTreeSet<String>>,
    /// The share of machines or cohorts for which policy may loosen, in percent.
    pub percent: u8,
    /// The plan that was approved.
    pub approved: Option<&'terms PlanHash>,
    /// What checking the new policy found.
    pub checks: Checks,
}

/// Makes a plan.
pub fn plan(from: &mut Policies, to: &mut Policies, terms: &Terms<'_>) -> Plan {
    let fleet = terms
        .inventory
        .map(|endpoints| Fleet::of(endpoints, &from.repository.manifest, &to.repository.manifest));
    let mut origins =
        Origins { history: terms.history, recent: terms.recent, lines: BTreeMap::new() };
    let mut cohorts = Vec::new();
    let mut extents = Vec::new();
    for mut change in diff(from, to, None) {
        origins.add(&mut change.policy, &to.repository.documents);
        extents.push((change.clone(), extent(from, to, &change.cohort)));
        cohorts.push(planned(from, to, change, fleet.as_ref()));
    }
    let mut moves = fleet.as_ref().map(|fleet| moves(from, to, fleet)).unwrap_or_default();
    moves.iter_mut().for_each(|one| origins.add(&mut one.policy, &to.repository.documents));
    let reach = fleet.as_ref().map(|fleet| reach(fleet, &cohorts, &moves));
    let hash = PlanHash::of(&content(&cohorts));
    let brake = brake::reasons(&extents, reach.as_ref(), &moves, terms.percent);
    let approved = terms.approved.is_some_and(|approved| approved.verify(&hash).is_ok());
    Plan {
        schema: "plan-1",
        hash,
        base: terms.base.to_owned(),
        base_commit: terms.base_commit.map(str::to_owned),
        organisation: to.repository.manifest.organisation.clone(),
        cohorts,
        moves,
        reach,
        brake,
        approved,
        checks: terms.checks,
    }
}

impl Plan {
    /// Whether it must not be carried out.
    pub fn is_stopped(&self) -> bool {
        self.checks.errors > 0 || (!self.brake.is_empty() && !self.approved)
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        let same = |one: &Planned| one.change.status == Status::Same && !one.selects_others;
        self.cohorts.iter().all(same) && self.moves.is_empty()
    }

    /// How many changes lead where, each counted once however many cohorts have it.
    pub fn counts(&self) -> BTreeMap<Direction, usize> {
        let mut seen: BTreeSet<(Document, &str, Direction)> = BTreeSet::new();
        let entries = self.cohorts.iter().flat_map(|one| &one.change.policy.changes);
        seen.extend(entries.map(|entry| (entry.document, entry.key.as_str(), entry.direction)));
        let mut counts = BTreeMap::new();
        for (_, _, direction) in seen {
            *counts.entry(direction).or_default() += 1;
        }
        counts
    }
}

fn planned(
    from: &mut Policies,
    to: &mut Policies,
    change: CohortChange,
    fleet: Option<&Fleet>,
) -> Planned {
    let name = change.cohort.clone();
    let name = name.as_str();
    let not_enforced = not_enforced(to, &change, fleet);
    let terms = [&*from, &*to]
        .map(|side| side.repository.manifest.cohorts.get(name).map_or(Json::Null, terms_of));
    let [old, new] = &terms;
    let selectors = |terms: &Json| terms.get("selects").cloned();
    let changed = matches!(change.status, Status::Changed | Status::Same);
    Planned {
        selects_others: changed && selectors(old) != selectors(new),
        digest_before: digest_of(from, name),
        digest_after: digest_of(to, name),
        endpoints: fleet.map(|fleet| fleet.by_cohort.get(name).copied().unwrap_or(0)),
        not_enforced,
        terms,
        change,
    }
}

fn digest_of(side: &mut Policies, name: &str) -> Option<String> {
    let policy = side.cohort(name)?;
    let cohort = side.repository.manifest.cohorts.get(name)?;
    Some(digest(&side.repository, cohort, &policy.policy))
}

/// What a manifest says of a cohort, as far as it matters to who gets what.
fn terms_of(cohort: &Cohort) -> Json {
    let Cohort {
        name: _,
        span: _,
        team,
        environment,
        group,
        systems,
        hosts,
        is_default,
        deliveries,
        versions,
    } = cohort;
    let mut hosts =
        hosts.clone().map(|all| all.into_iter().map(|host| host.value).collect::<Vec<String>>());
    let mut systems = systems.clone();
    hosts.iter_mut().for_each(|all| all.sort());
    systems.iter_mut().for_each(|all| all.sort());
    json!({
        "selects": {
            "team": team, "environment": environment, "group": group,
            "os": systems, "hosts": hosts, "default": is_default,
        },
        "channels": deliveries,
        "codex_versions": versions,
    })
}

/// Keys of requirements and rule files of a cohort, before and now.
fn extent(from: &mut Policies, to: &mut Policies, name: &str) -> Extent {
    let [before, after] = [from, to].map(|side| {
        let Some(cohort) = side.cohort(name) else { return 0 };
        let nothing = codex_schema::value::Table::default();
        let all =
            codex_schema::strictness::changes(&cohort.policy.requirements, &nothing, &REQUIREMENTS);
        all.len() + cohort.policy.rules.len()
    });
    Extent { before, after }
}

/// Versions of a cohort's machines that do not know keys that change.
fn not_enforced(to: &Policies, change: &CohortChange, fleet: Option<&Fleet>) -> Vec<NotEnforced> {
    let mut versions: BTreeMap<Version, Option<usize>> = BTreeMap::new();
    if let Some(known) = fleet.and_then(|fleet| fleet.versions.get(&change.cohort)) {
        versions.extend(known.iter().map(|(version, count)| (*version, Some(*count))));
    } else {
        let cohort = to.repository.manifest.cohorts.get(&change.cohort);
        let own = cohort.map(|cohort| cohort.versions.as_slice()).unwrap_or_default();
        versions.extend(own.iter().map(|version| (*version, None)));
    }
    let changes = || change.policy.changes.iter().filter(|entry| !entry.rows.is_empty());
    let of_version = |(version, endpoints): (Version, Option<usize>)| {
        let unknown = |entry: &Entry| {
            let rows = rows(entry);
            !rows.is_empty() && rows.iter().all(|row| !knows(row, version))
        };
        let keys: BTreeSet<String> =
            changes().filter(|entry| unknown(entry)).map(|entry| entry.key.clone()).collect();
        let keys: Vec<String> = keys.into_iter().collect();
        (!keys.is_empty()).then_some(NotEnforced { version, endpoints, keys })
    };
    versions.into_iter().filter_map(of_version).collect()
}

/// The rows of the keys that an entry is about.
fn rows(entry: &Entry) -> Vec<&'static Key> {
    let tree = match entry.document {
        Document::Requirements => &REQUIREMENTS,
        Document::Config => &CONFIG,
    };
    let known = tree.keys().iter().copied();
    known.filter(|key| entry.rows.contains(&key.path)).collect()
}

fn knows(key: &Key, version: Version) -> bool {
    key.since <= version && key.until.is_none_or(|until| version < until)
}

/// What becomes of machines that change their cohort.
fn moves(from: &mut Policies, to: &mut Policies, fleet: &Fleet) -> Vec<Move> {
    let mut moves: Vec<Move> = fleet
        .moves
        .iter()
        .map(|((before, after), endpoints)| {
            let policy = compare_cohorts(from, to, before.as_deref(), after.as_deref());
            let direction = match (before, after) {
                (Some(_), None) => Direction::Looser,
                _ => Direction::of(policy.change()),
            };
            Move {
                from: before.clone(),
                to: after.clone(),
                endpoints: *endpoints,
                direction,
                policy,
            }
        })
        .collect();
    moves.sort_by(|left, right| {
        let key = |one: &Move| (one.direction, one.from.clone(), one.to.clone());
        key(left).cmp(&key(right))
    });
    moves
}

fn reach(fleet: &Fleet, cohorts: &[Planned], moves: &[Move]) -> Reach {
    let arrived = |name: &str| -> usize {
        let to = moves.iter().filter(|one| one.to.as_deref() == Some(name));
        to.map(|one| one.endpoints).sum()
    };
    // Who stays gets what changes in the cohort; who moves gets the difference of two.
    let stay =
        |one: &Planned| one.endpoints.unwrap_or(0).saturating_sub(arrived(&one.change.cohort));
    let changed = cohorts.iter().filter(|one| one.change.status == Status::Changed);
    let loosened = changed.clone().filter(|one| one.change.direction().may_loosen());
    let moved = |wanted: &dyn Fn(&Move) -> bool| -> usize {
        moves.iter().filter(|one| wanted(one)).map(|one| one.endpoints).sum()
    };
    Reach {
        endpoints: fleet.endpoints,
        changed: changed.map(stay).sum::<usize>() + moved(&|one| !one.policy.changes.is_empty()),
        loosened: loosened.map(stay).sum::<usize>() + moved(&|one| one.direction.may_loosen()),
        nowhere: fleet.nowhere.iter().take(NAMED).cloned().collect(),
        nowhere_total: fleet.nowhere.len(),
        several: fleet
            .several
            .iter()
            .take(NAMED)
            .map(|(host, (one, other))| (host.clone(), one.clone(), other.clone()))
            .collect(),
        several_total: fleet.several.len(),
    }
}

/// What a plan's hash is of: for every cohort who gets it, the digests of its policy before and
/// now, and every change. No clock, no machine, no place in a file.
fn content(cohorts: &[Planned]) -> Vec<u8> {
    let entry = |entry: &Entry| {
        let texts = |items: &super::policy::Items| {
            let first: Vec<&str> = items.first.iter().map(|item| item.text.as_str()).collect();
            json!({"total": items.total, "first": first})
        };
        json!({
            "document": entry.document,
            "subject": entry.subject,
            "key": entry.key,
            "direction": entry.direction,
            "before": entry.before,
            "after": entry.after,
            "added": texts(&entry.added),
            "removed": texts(&entry.removed),
        })
    };
    let cohort = |one: &Planned| {
        json!({
            "cohort": one.change.cohort,
            "status": one.change.status,
            "compared_with": one.change.compared_with,
            "digest_before": one.digest_before,
            "digest_after": one.digest_after,
            "terms": one.terms,
            "changes": one.change.policy.changes.iter().map(entry).collect::<Vec<Json>>(),
        })
    };
    let cohorts: Vec<Json> = cohorts.iter().map(cohort).collect();
    json!({"form": FORM, "cohorts": cohorts}).to_string().into_bytes()
}

/// Where lines come from, asked for once a file.
struct Origins<'history> {
    history: &'history dyn History,
    recent: Option<&'history BTreeSet<String>>,
    lines: BTreeMap<String, Vec<Option<Arc<Commit>>>>,
}

impl Origins<'_> {
    /// Tells who made what loosens so: the newest commit of the lines that say it now. A line that
    /// was there before did not change anything, and of what is gone no line is left to ask.
    fn add(&mut self, change: &mut PolicyChange, documents: &Documents) {
        for entry in change.changes.iter_mut().filter(|entry| entry.direction.may_loosen()) {
            let only_gone = entry.added.is_empty() && !entry.removed.is_empty();
            let span = entry.whole.or(entry.anchor);
            let Some(span) = span.filter(|_| !only_gone && entry.after_is_said()) else {
                continue;
            };
            let Some(document) = documents.get(span.source) else { continue };
            let line = |offset: u32| Position::of(&document.text, offset).line;
            let (first, last) = (line(span.start), line(span.end));
            let file = document.source.to_string();
            let history = self.history;
            let lines =
                self.lines.entry(file).or_insert_with_key(|file| history.lines(file.as_str()));
            let is_new = |id: &String| self.recent.is_none_or(|recent| recent.contains(id));
            let own = (first..=last).filter_map(|line| {
                let at = usize::try_from(line).ok()?.checked_sub(1)?;
                lines.get(at)?.as_ref().filter(|commit| is_new(&commit.id))
            });
            let newest = own.max_by_key(|commit| (commit.date.as_str(), commit.id.as_str()));
            entry.origin = newest.map(|commit| Commit::clone(commit));
        }
    }
}
