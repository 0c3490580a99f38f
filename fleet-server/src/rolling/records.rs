//! Machines as reports want them, read in parts so that check-ins get in between.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use codex_fleet::check_in::State;
use codex_fleet::identity::DeviceId;
use codex_trust::audience::Claims;
use jiff::Timestamp;

use super::bundles::{bundle, published as published_at};
use crate::fleet::Fleet;
use crate::reports::{Context, Last, Newest, Record, Report};
use crate::store::rollouts::{self, Told};
use crate::store::sql::StoreError;
use crate::tree::Tree;
use crate::world::now;

/// How many machines one question asks for.
const PART: i64 = 5_000;

/// After how many seconds a report is made anew, behind the back of whoever looks.
const KEPT_SECONDS: i64 = 15;

/// After how many seconds a report is not shown any more: whoever looks waits for the next one.
const TOO_OLD_SECONDS: i64 = 300;

/// Whether a report that is a moment old will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It will.
    Will,
    /// It must be made now.
    WillNot,
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A machine as reports want it; none where the database has what it cannot have.
pub fn record(told: Told) -> Option<Record> {
    let Told {
        device,
        claims,
        enrolled,
        seen,
        codex,
        installed,
        state,
        generation,
        at: when,
        reasons,
    } = told;
    let claims: Claims = serde_json::from_str(&claims).ok()?;
    let state = state.and_then(|word| State::ALL.into_iter().find(|state| state.word() == word));
    let when = when.map(at);
    let last = state.map(|state| Last {
        generation: generation.and_then(|one| u64::try_from(one).ok()).unwrap_or(0),
        state,
        reasons: reasons.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default(),
        at: when.unwrap_or(Timestamp::UNIX_EPOCH),
    });
    Some(Record {
        device: DeviceId::try_from(device).ok()?,
        host: claims.host,
        team: claims.team,
        environment: claims.environment,
        groups: claims.groups,
        os: claims.os,
        held: installed.and_then(|json| serde_json::from_str(&json).ok()),
        codex: codex.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default(),
        seen: at(seen.unwrap_or(enrolled)),
        enforced_at: when.filter(|_| state == Some(State::Enforced)),
        last,
    })
}

/// All machines.
///
/// # Errors
/// When the database refuses.
pub async fn records(fleet: &Fleet) -> Result<Vec<Record>, StoreError> {
    let mut all = Vec::new();
    let mut after = String::new();
    fleet.store.settle_or_warn().await;
    loop {
        let from = after.clone();
        let part = fleet.store.read(move |tx| rollouts::told(tx, &from, PART)).await?;
        let Some(last) = part.last() else { return Ok(all) };
        after.clone_from(&last.device);
        all.extend(part.into_iter().filter_map(record));
    }
}

async fn context(fleet: &Fleet) -> Result<Context, StoreError> {
    let published = fleet.store.read(|tx| rollouts::published_at(tx)).await?;
    let tree = Arc::clone(&fleet.snapshot().tree);
    Ok(Context { newest: newest(&tree, &published), now: now() })
}

fn newest(tree: &Tree, published: &BTreeMap<String, Timestamp>) -> BTreeMap<String, Newest> {
    let one = |assignment: &crate::release::Assignment| {
        let label = &assignment.label;
        let bundle = bundle(tree, &assignment.role, &label.cohort, &assignment.digest)?;
        let when = published_at(published, assignment);
        let newest = Newest {
            generation: label.generation,
            committed_at: when,
            published_at: when.unwrap_or(Timestamp::UNIX_EPOCH),
            requirements: bundle.requirements().to_owned(),
        };
        Some((label.cohort.clone(), newest))
    };
    tree.assignments.iter().filter_map(one).collect()
}

/// The report on the fleet. One that is a moment old is given at once; one that is older, too, and
/// the next one is made meanwhile.
///
/// # Errors
/// When the database refuses.
pub async fn report(fleet: &Arc<Fleet>, kept: Kept) -> Result<Arc<Report>, StoreError> {
    let old = fleet.board.report.read().unwrap_or_else(PoisonError::into_inner).clone();
    let age = |old: &Arc<Report>| now().as_second().saturating_sub(old.at.as_second());
    match old.filter(|old| kept == Kept::Will && age(old) < TOO_OLD_SECONDS) {
        Some(old) if age(&old) < KEPT_SECONDS => Ok(old),
        Some(old) => {
            if let Ok(alone) = Arc::clone(&fleet.board.reporting).try_lock_owned() {
                let fleet = Arc::clone(fleet);
                tokio::spawn(async move {
                    let _alone = alone;
                    if let Err(error) = make(&fleet).await {
                        tracing::warn!(%error, "no report could be made");
                    }
                });
            }
            Ok(old)
        }
        None => {
            let _alone = Arc::clone(&fleet.board.reporting).lock_owned().await;
            make(fleet).await
        }
    }
}

async fn make(fleet: &Fleet) -> Result<Arc<Report>, StoreError> {
    let (records, context) = (records(fleet).await?, context(fleet).await?);
    let made = tokio::task::spawn_blocking(move || Report::of(&records, &context)).await;
    let report = Arc::new(made.map_err(|error| StoreError::Unavailable(error.to_string()))?);
    *fleet.board.report.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&report));
    Ok(report)
}
