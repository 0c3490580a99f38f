//! From the database and the release to what pages show.

use std::collections::BTreeMap;
use std::sync::Arc;

use codex_fleet::check_in::State;
use codex_fleet::identity::{DeviceId, Identity};
use codex_fleet::request::Filed;
use codex_fleet::rollout::Status;
use codex_schema::version::Version;
use codex_trust::guards::unknown_keys;
use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use jiff::Timestamp;

use super::form::Fields;
use super::policy::{difference, settings};
use super::see;
use super::session::Session;
use crate::exceptions::{Desk, ExceptionFile, exception_file};
use crate::fleet::Fleet;
use crate::http::answer::{Answer, Refusal, bytes_of};
use crate::pages::audit::{AuditView, Chain, Entry, PAGE as AUDIT_PAGE};
use crate::pages::endpoint::{EndpointView, Event};
use crate::pages::endpoints::{EndpointsView, PAGE};
use crate::pages::frame::Frame;
use crate::pages::overview::Overview;
use crate::pages::releases::{BundleRow, DiffView, ReleasesView};
use crate::pages::requests::{Outcome, RequestView, RequestsView};
use crate::pages::rollout::{RolloutView, RolloutsView, Told};
use crate::pages::{self, paths};
use crate::release::{Assignment, assigned};
use crate::reports::{Record, Report};
use crate::rolling::{self, Kept, offer, status_of};
use crate::rollout::Stage;
use crate::store::head::{self, Deed};
use crate::store::{releases as published, rollouts as kept, status};
use crate::tree::Tree;
use crate::world::now;

/// The most rollouts of a list.
const MAX_ROLLOUTS: usize = 200;

/// How many bundles a page of releases shows.
const MAX_BUNDLES: usize = 200;

/// The most machines that one search looks at.
const MAX_LOOKED_AT: usize = 200_000;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

async fn statuses(fleet: &Fleet, settled: Settled) -> Result<Vec<Status>, Refusal> {
    let last = fleet.board.last();
    let wanted = |state: codex_fleet::rollout::State| match settled {
        Settled::Too => true,
        Settled::Not => !state.is_settled(),
    };
    let mut found = Vec::new();
    for rollout in last.values().filter(|one| wanted(one.state)).take(MAX_ROLLOUTS) {
        found.push(status_of(fleet, rollout).await?);
    }
    Ok(found)
}

#[derive(Clone, Copy)]
enum Settled {
    Too,
    Not,
}

pub(super) async fn overview(fleet: &Arc<Fleet>, frame: &Frame<'_>) -> Result<String, Refusal> {
    let report = rolling::report(fleet, Kept::Will).await?;
    let view = Overview {
        report: (*report).clone(),
        rollouts: statuses(fleet, Settled::Not).await?,
        requests: fleet.store.read(|tx| kept::open_requests(tx)).await?,
        now: now(),
    };
    Ok(pages::overview::overview(frame, &view))
}

/// Cohorts whose newest bundle is neither rolled out nor on its way.
fn waiting(fleet: &Fleet) -> Vec<(String, u64)> {
    let (tree, last) = (Arc::clone(&fleet.snapshot().tree), fleet.board.last());
    let waits = |one: &&Assignment| {
        let offer = offer(&tree, &one.label.cohort, last.get(&one.label.cohort));
        let under_way = last.get(&one.label.cohort).is_some_and(|last| !last.state.is_settled());
        !under_way && offer.newest != offer.stable
    };
    let named = |one: &Assignment| (one.label.cohort.clone(), one.label.generation);
    let mut waiting: Vec<(String, u64)> =
        tree.assignments.iter().filter(waits).map(named).collect();
    waiting.sort();
    waiting
}

pub(super) async fn rollouts(
    fleet: &Arc<Fleet>,
    frame: &Frame<'_>,
    told: Option<Told>,
) -> Result<String, Refusal> {
    let rollouts = statuses(fleet, Settled::Too).await?;
    let view = RolloutsView { rollouts, waiting: waiting(fleet), told, now: now() };
    Ok(pages::rollout::rollouts(frame, &view))
}

pub(super) async fn rollout(
    fleet: &Arc<Fleet>,
    frame: &Frame<'_>,
    cohort: &str,
    told: Option<Told>,
) -> Result<String, Refusal> {
    let last = fleet.board.last();
    let rollout =
        last.get(cohort).ok_or_else(|| Refusal::not_found("this cohort has no rollout"))?;
    let view = RolloutView {
        status: status_of(fleet, rollout).await?,
        stages: rollout.strategy.stages.iter().map(Stage::who).collect(),
        told,
        now: now(),
    };
    Ok(pages::rollout::rollout(frame, &view))
}

/// A page of machines. Without a search it begins after a number; a search looks at all of them.
pub(super) async fn endpoints(
    fleet: &Arc<Fleet>,
    frame: &Frame<'_>,
    query: &Fields,
) -> Result<String, Refusal> {
    let wanted: String =
        query.get("q").map(|text| text.trim().chars().take(200).collect()).unwrap_or_default();
    let mut after = query.get("after").cloned().unwrap_or_default();
    let lower = wanted.to_lowercase();
    let fits = |record: &Record| {
        lower.is_empty()
            || record.host.to_lowercase().contains(&lower)
            || record.device.as_str() == lower
            || record.held.as_ref().is_some_and(|held| held.cohort == wanted)
            || record.last.as_ref().is_some_and(|last| last.state.word() == lower)
    };
    let (mut records, mut looked_at, mut next) = (Vec::new(), 0, None);
    fleet.store.settle_or_warn().await;
    'all: while looked_at < MAX_LOOKED_AT {
        let from = after.clone();
        let part = fleet.store.read(move |tx| kept::told(tx, &from, 2_000)).await?;
        if part.is_empty() {
            break;
        }
        for told in part {
            looked_at += 1;
            after.clone_from(&told.device);
            let Some(record) = rolling::record(told).filter(fits) else { continue };
            if records.len() == PAGE {
                next = records.last().map(|one: &Record| one.device.to_string());
                break 'all;
            }
            records.push(record);
        }
    }
    let report = rolling::report(fleet, Kept::Will).await?;
    let total = if wanted.is_empty() {
        report.endpoints
    } else {
        u64::try_from(records.len()).unwrap_or(0)
    };
    let view = EndpointsView { query: wanted, total, records, next, now: now() };
    Ok(pages::endpoints::endpoints(frame, &view))
}

pub(super) async fn endpoint(
    fleet: &Arc<Fleet>,
    frame: &Frame<'_>,
    device: &str,
) -> Result<String, Refusal> {
    let missing = || Refusal::not_found("no such machine is enrolled");
    let id = DeviceId::try_from(device.to_owned()).map_err(|_| missing())?;
    let wanted = id.clone();
    let (told, history) = fleet
        .store
        .read_settled(move |tx| {
            Ok((kept::told_of(tx, &wanted)?, status::history(tx, wanted.as_str(), 100)?))
        })
        .await?;
    let record = told.and_then(rolling::record).ok_or_else(missing)?;
    let snapshot = fleet.snapshot();
    let view = view_of(fleet, &snapshot.tree, record, history);
    Ok(pages::endpoint::endpoint(frame, &view))
}

fn view_of(fleet: &Fleet, tree: &Tree, record: Record, history: Vec<status::Kept>) -> EndpointView {
    let claims = codex_trust::audience::Claims {
        organisation: fleet.config.organisation.clone(),
        team: record.team.clone(),
        environment: record.environment.clone(),
        groups: record.groups.clone(),
        os: record.os.clone(),
        host: record.host.clone(),
    };
    let label = assigned(&tree.assignments, &claims);
    let identity = Identity { device: record.device.clone(), claims: claims.clone() };
    let unplanned = fleet.config.rollouts.unplanned;
    let hold =
        label.and_then(|label| fleet.board.hold(label, &identity, record.held.as_ref(), unplanned));
    let bundle = record.held.as_ref().and_then(|held| {
        let one = rolling::of_cohort(tree, &held.cohort)?;
        rolling::bundle(tree, &one.role, &held.cohort, &held.digest)
    });
    let link = fleet.config.policy_link.as_deref();
    let lost = bundle.as_ref().map_or_else(Vec::new, |bundle| {
        let of = |text: &String| Some((text.clone(), text.parse::<Version>().ok()?));
        let versions = record.codex.iter().filter_map(of);
        versions
            .flat_map(|(text, version)| {
                let keys = unknown_keys(bundle.requirements(), version).unwrap_or_default();
                keys.into_iter().map(move |key| (text.clone(), key))
            })
            .collect()
    });
    let event = |one: status::Kept| {
        let state = State::ALL.into_iter().find(|state| state.word() == one.state)?;
        Some(Event { at: at(one.at), generation: one.generation, state, reasons: one.reasons })
    };
    EndpointView {
        newest: label.map(|label| label.generation),
        hold,
        settings: bundle.as_ref().map_or_else(Vec::new, |bundle| settings(bundle, link)),
        lost,
        transitions: history.into_iter().filter_map(event).collect(),
        now: now(),
        record,
    }
}

/// What rows of bundles are made of.
struct Shelf {
    tree: Arc<Tree>,
    report: Arc<Report>,
    published: BTreeMap<String, Timestamp>,
}

impl Shelf {
    async fn of(fleet: &Arc<Fleet>) -> Result<Self, Refusal> {
        let tree = Arc::clone(&fleet.snapshot().tree);
        let report = rolling::report(fleet, Kept::Will).await?;
        let published = fleet.store.read(|tx| kept::published_at(tx)).await?;
        Ok(Self { tree, report, published })
    }
}

fn row(shelf: &Shelf, one: &Assignment) -> BundleRow {
    let label = &one.label;
    let counted = shelf.report.cohorts.iter().find(|cohort| cohort.cohort == label.cohort);
    let endpoints = counted.and_then(|cohort| cohort.generations.get(&label.generation));
    let bundle = rolling::bundle(&shelf.tree, &one.role, &label.cohort, &one.digest);
    let when = rolling::published(&shelf.published, one);
    BundleRow {
        cohort: label.cohort.clone(),
        generation: label.generation,
        digest: one.digest.clone(),
        role: one.role.clone(),
        published: when.unwrap_or(Timestamp::UNIX_EPOCH),
        commit: bundle.and_then(|bundle| bundle.commit),
        endpoints: endpoints.copied().unwrap_or(0),
    }
}

/// Which of these sorted names come after one, so many at most, and after which the next page begins.
fn part(names: &[&str], after: &str, most: usize) -> (std::ops::Range<usize>, Option<String>) {
    let start = names.partition_point(|name| *name <= after);
    let end = names.len().min(start.saturating_add(most));
    let last = end.checked_sub(1).and_then(|last| names.get(last));
    (start..end, last.filter(|_| end < names.len()).map(|name| (*name).to_owned()))
}

/// A page of cohorts, which begins after one.
pub(super) async fn releases(
    fleet: &Arc<Fleet>,
    frame: &Frame<'_>,
    query: &Fields,
) -> Result<String, Refusal> {
    let shelf = Shelf::of(fleet).await?;
    let tree = &shelf.tree;
    let mut all: Vec<&Assignment> = tree.assignments.iter().collect();
    all.sort_by(|one, other| one.label.cohort.cmp(&other.label.cohort));
    let after = query.get("after").map_or("", String::as_str);
    let names: Vec<&str> = all.iter().map(|one| one.label.cohort.as_str()).collect();
    let (range, next) = part(&names, after, MAX_BUNDLES);
    let before = range.start;
    let listed = all.get(range).unwrap_or_default();
    let bundles: Vec<BundleRow> = listed.iter().map(|one| row(&shelf, one)).collect();
    let timestamp = (tree.version > 0).then_some(tree.version);
    let view = ReleasesView { bundles, before, total: all.len(), next, timestamp, now: now() };
    Ok(pages::releases::releases(frame, &view))
}

/// The newest bundle of a cohort against the one before; `name` is `COHORT` or `COHORT/GENERATION`.
pub(super) async fn release(
    fleet: &Arc<Fleet>,
    frame: &Frame<'_>,
    name: &str,
) -> Result<String, Refusal> {
    let shelf = Shelf::of(fleet).await?;
    let tree = &shelf.tree;
    let (cohort, generation) = name.rsplit_once('/').unwrap_or((name, ""));
    let wanted: Option<u64> = generation.parse().ok();
    let missing = || Refusal::not_found("the release has no such bundle");
    let mut one = rolling::of_cohort(tree, cohort).cloned().ok_or_else(missing)?;
    let mut bundle = rolling::bundle(tree, &one.role, cohort, &one.digest).ok_or_else(missing)?;
    // Older ones are shown while they are served.
    while wanted.is_some_and(|wanted| wanted < bundle.generation) {
        let digest = bundle.parent.clone().ok_or_else(missing)?;
        bundle = rolling::bundle(tree, &one.role, cohort, &digest).ok_or_else(missing)?;
        one.label.generation = bundle.generation;
        one.label.parent.clone_from(&bundle.parent);
        one.digest = digest;
    }
    let before = rolling::before(tree, &one);
    let link = fleet.config.policy_link.as_deref();
    let digits = one.digest.strip_prefix("sha256:").unwrap_or_default();
    let place = format!("{}{digits}.json", published::APPROVALS);
    let approval = tree.file(&place).map(|_| {
        "The release carries an approval of it; every endpoint holds its signatures against those who \
         may approve."
            .to_owned()
    });
    let view = DiffView {
        bundle: row(&shelf, &one),
        before: before.as_ref().map(|bundle| bundle.generation),
        changes: difference(before.as_ref(), &bundle, link),
        approval,
        now: now(),
    };
    Ok(pages::releases::diff(frame, &view))
}

fn outcome(word: &str) -> Outcome {
    match word {
        "granted" => Outcome::Granted,
        "declined" => Outcome::Declined,
        _ => Outcome::Open,
    }
}

pub(super) async fn requests(fleet: &Arc<Fleet>, frame: &Frame<'_>) -> Result<String, Refusal> {
    let found = fleet.store.read(|tx| kept::requests(tx, 100)).await?;
    let requests = found.into_iter().map(|(filed, word)| (filed, outcome(&word))).collect();
    Ok(pages::requests::requests(frame, &RequestsView { requests, now: now() }))
}

async fn filed(fleet: &Fleet, number: &str) -> Result<(Filed, Outcome), Refusal> {
    let missing = || Refusal::not_found("there is no such request");
    let number: u64 = number.parse().map_err(|_| missing())?;
    let found = fleet.store.read(move |tx| kept::request(tx, number)).await?;
    let (filed, word) = found.ok_or_else(missing)?;
    Ok((filed, outcome(&word)))
}

/// The exception that a request asks for, against what is in force for its cohort.
pub(crate) fn file_of(fleet: &Fleet, filed: &Filed, owner: &str) -> Result<ExceptionFile, String> {
    let tree = Arc::clone(&fleet.snapshot().tree);
    let bundle = rolling::of_cohort(&tree, &filed.cohort)
        .and_then(|one| rolling::bundle(&tree, &one.role, &filed.cohort, &one.digest));
    let bundle = bundle.ok_or_else(|| "the release has no bundle of its cohort".to_owned())?;
    let today = now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let desk = Desk { owner, today, requirements: bundle.requirements() };
    exception_file(filed, &desk).map_err(|unfit| unfit.to_string())
}

pub(super) async fn request(
    fleet: &Arc<Fleet>,
    frame: &Frame<'_>,
    number: &str,
) -> Result<String, Refusal> {
    let (filed, outcome) = filed(fleet, number).await?;
    let file = file_of(fleet, &filed, frame.user);
    Ok(pages::requests::request(frame, &RequestView { filed, outcome, file, now: now() }))
}

/// Makes the file of a request, or declines it.
pub(super) async fn settle(
    fleet: &Arc<Fleet>,
    session: &Session,
    number: &str,
    fields: &Fields,
) -> Result<Answer, Refusal> {
    let (filed, _) = filed(fleet, number).await?;
    let (word, action) = match fields.get("act").map(String::as_str) {
        Some("grant") => ("granted", "request granted"),
        Some("decline") => ("declined", "request declined"),
        Some(_) | None => return Err(Refusal::malformed("the form lacks what is to be done")),
    };
    let file = (word == "granted").then(|| file_of(fleet, &filed, &session.name)).transpose();
    let file =
        file.map_err(|why| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "no_exception", why))?;
    let deed = Deed {
        at: now(),
        actor: session.actor(),
        action,
        subject: format!("request {}", filed.number),
        detail: file.as_ref().map_or_else(String::new, |file| file.path.clone()),
    };
    let number = filed.number;
    let settled = fleet.store.write(move |tx| {
        let settled = kept::settle(tx, number, word)?;
        if settled {
            head::log(tx, &deed)?;
        }
        Ok(settled)
    });
    if !settled.await? {
        let sentence = "somebody has decided that already";
        return Err(Refusal::new(StatusCode::CONFLICT, "settled", sentence));
    }
    match file {
        None => Ok(see(paths::REQUESTS)),
        Some(ExceptionFile { path, text }) => {
            let name = path.rsplit('/').next().unwrap_or("exception.toml");
            let mut answer = bytes_of(StatusCode::OK, "application/toml; charset=utf-8", text);
            let value = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
            if let Ok(value) = value {
                answer.headers_mut().insert(header::CONTENT_DISPOSITION, value);
            }
            Ok(answer)
        }
    }
}

pub(super) async fn audit(
    fleet: &Arc<Fleet>,
    frame: &Frame<'_>,
    query: &Fields,
) -> Result<String, Refusal> {
    let before: u64 = query.get("before").and_then(|text| text.parse().ok()).unwrap_or(0);
    let most = i64::try_from(AUDIT_PAGE).unwrap_or(100);
    let found = fleet.store.read(move |tx| kept::audit_before(tx, before, most)).await?;
    let broken = found.iter().find(|entry| !entry.is_right()).map(|entry| entry.seq);
    let apart = found.windows(2).find_map(|pair| match pair {
        [newer, older] if newer.previous != older.hash => Some(newer.seq),
        _ => None,
    });
    let chain = broken.or(apart).map_or(Chain::Whole, Chain::Broken);
    let next = found.last().map(|entry| entry.seq).filter(|seq| *seq > 1);
    let entries = found.into_iter().map(|entry| Entry {
        number: entry.seq,
        at: at(entry.at),
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
        detail: entry.detail,
        hash: entry.hash,
    });
    Ok(pages::audit::audit(frame, &AuditView { entries: entries.collect(), next, chain }))
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn pages_show_every_name_once() {
        let names = ["a", "b", "c", "d", "e"];
        let (mut after, mut seen) = (String::new(), Vec::new());
        loop {
            let (range, next) = part(&names, &after, 2);
            seen.extend_from_slice(&names[range]);
            let Some(next) = next else { break };
            after = next;
        }
        assert_eq!(seen, names);
        assert_eq!(part(&names, "zz", 2), (5..5, None));
        assert_eq!(part(&[], "", 2), (0..0, None));
        assert_eq!(part(&names, "bb", 5), (2..5, None), "a name that is gone");
    }
}
