//! Moving rollouts on, and doing what people ask for.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use codex_fleet::check_in;
use codex_fleet::identity::DeviceId;
use codex_fleet::rollout::{Ask, Start, Status};
use codex_trust::audience::Claims;

use super::{Roster, offer};
use crate::fleet::{Fleet, Phase};
use crate::release::assigned;
use crate::rollout::{
    self, AUTOMATION, Inventory, Refusal, Rollout, Seat, Standing, Step, apply, figures, plan, seat,
};
use crate::store::head::{self, Deed};
use crate::store::rollouts::{self, Sighting};
use crate::store::sql::StoreError;
use crate::world::{WorldError, now, random};

/// Why something is not done.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It makes no sense.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The dice.
    #[error(transparent)]
    World(#[from] WorldError),
}

/// Counts the machines of a rollout's cohort.
///
/// # Errors
/// When the database refuses.
pub async fn inventory(fleet: &Fleet, rollout: &Rollout) -> Result<Inventory, StoreError> {
    let (cohort, generation) = (rollout.cohort.clone(), rollout.to.generation);
    let (sightings, reasons) = fleet
        .store
        .read(move |tx| {
            let reasons = rollouts::refusals(tx, &cohort, generation)?;
            Ok((rollouts::sightings(tx)?, reasons))
        })
        .await?;
    let roster = roster(fleet, rollout, &sightings).await?;
    let seat_of = |device: &str| roster.seats.get(device).copied().flatten();
    let mut inventory = Inventory::count(
        sightings.iter().filter_map(|one| Some((seat_of(&one.device)?, standing(one, rollout)))),
    );
    for (device, texts) in &reasons {
        if let Some(seat) = seat_of(device) {
            texts.iter().for_each(|text| inventory.because(seat, text));
        }
    }
    Ok(inventory)
}

/// How a machine stands to the candidate, by its last transition.
fn standing(sighting: &Sighting, rollout: &Rollout) -> Standing {
    let Sighting { cohort, generation, state, .. } = sighting;
    let candidate = i64::try_from(rollout.to.generation).unwrap_or(i64::MAX);
    let about = cohort.as_deref() == Some(rollout.cohort.as_str())
        && generation.is_some_and(|generation| generation >= candidate);
    let states = check_in::State::ALL.into_iter();
    let state = state.as_deref().and_then(|word| states.clone().find(|one| one.word() == word));
    match state {
        Some(state) if about => Standing::of(state),
        Some(_) | None => Standing::Silent,
    }
}

/// The seats of all machines; claims are read again when somebody is new, or the release is.
async fn roster(
    fleet: &Fleet,
    rollout: &Rollout,
    sightings: &[Sighting],
) -> Result<Arc<Roster>, StoreError> {
    let tree = Arc::clone(&fleet.snapshot().tree);
    let known = {
        let rosters = fleet.board.rosters.lock().unwrap_or_else(PoisonError::into_inner);
        rosters.get(&rollout.cohort).cloned()
    };
    let fits = |roster: &Arc<Roster>| {
        roster.salt == rollout.salt
            && roster.release == tree.version
            && sightings.iter().all(|one| roster.seats.contains_key(&one.device))
    };
    if let Some(known) = known.filter(fits) {
        return Ok(known);
    }
    let claims = fleet.store.read(|tx| rollouts::claims(tx)).await?;
    let mut seats = HashMap::with_capacity(claims.len());
    for (device, json) in claims {
        let claims: Option<Claims> = serde_json::from_str(&json).ok();
        let mine = claims.filter(|claims| {
            assigned(&tree.assignments, claims).is_some_and(|one| one.cohort == rollout.cohort)
        });
        let id = DeviceId::try_from(device.clone()).ok();
        let seat: Option<Seat> = mine.zip(id).map(|(claims, id)| {
            seat(&rollout.salt, rollout.volunteers.as_deref(), &id, &claims.groups)
        });
        seats.insert(device, seat);
    }
    let roster = Arc::new(Roster { salt: rollout.salt.clone(), release: tree.version, seats });
    let mut rosters = fleet.board.rosters.lock().unwrap_or_else(PoisonError::into_inner);
    rosters.insert(rollout.cohort.clone(), Arc::clone(&roster));
    Ok(roster)
}

/// How a cohort's last rollout stands.
///
/// # Errors
/// When the database refuses.
pub async fn status_of(fleet: &Fleet, rollout: &Rollout) -> Result<Status, StoreError> {
    let inventory = inventory(fleet, rollout).await?;
    Ok(rollout::status(rollout, &inventory, now()))
}

/// Moves every rollout on that can move.
///
/// # Errors
/// When the database refuses.
pub async fn tick(fleet: &Fleet) -> Result<(), StoreError> {
    let last = fleet.board.last();
    let moving = last
        .values()
        .filter(|one| !one.state.is_settled() && one.state != codex_fleet::rollout::State::Paused);
    for rollout in moving {
        let inventory = inventory(fleet, rollout).await?;
        let at = now();
        let decision = plan(rollout, &inventory, at);
        let cohort = rollout.cohort.clone();
        let quiet = matches!(decision.step, Step::Wait(_));
        let stepped = fleet.store.write(move |tx| {
            let Some((number, current)) = rollouts::last(tx, &cohort)? else { return Ok(None) };
            // Somebody was faster: another server, or a person.
            let Ok(next) = apply(current.clone(), &decision, at) else { return Ok(Some(current)) };
            rollouts::put(tx, number, &next)?;
            if !quiet {
                log(tx, &next, AUTOMATION, "rollout moved")?;
                head::revised(tx)?;
            }
            Ok(Some(next))
        });
        if let Some(next) = stepped.await? {
            fleet.board.put(next);
        }
        if !quiet {
            fleet.load().await?;
        }
    }
    Ok(())
}

fn log(
    tx: &mut dyn crate::store::sql::Transaction,
    rollout: &Rollout,
    actor: &str,
    action: &'static str,
) -> Result<(), StoreError> {
    let Some(entry) = rollout.history.last() else { return Ok(()) };
    let deed = Deed {
        at: entry.at,
        actor: actor.to_owned(),
        action,
        subject: rollout.cohort.clone(),
        detail: format!("generation {}: {}", rollout.to.generation, entry.text),
    };
    head::log(tx, &deed)
}

/// Moves rollouts on again and again, until the server ends.
pub async fn run(fleet: Arc<Fleet>) {
    let pause = Duration::from_millis(fleet.config.rollouts.step_milliseconds);
    let mut phase = fleet.phase();
    while *phase.borrow() == Phase::Serving {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = phase.changed() => break,
        }
        if let Err(error) = tick(&fleet).await {
            tracing::warn!(%error, "rollouts stand still: the database does not do what was asked");
        }
    }
}

/// Starts a rollout.
///
/// # Errors
/// Why it is not started.
pub async fn start(fleet: &Fleet, request: Start, by: &str) -> Result<Rollout, Refused> {
    let bytes: [u8; 16] = random()?;
    let salt = DeviceId::from_random(bytes).to_string();
    let tree = Arc::clone(&fleet.snapshot().tree);
    let (by, at) = (by.to_owned(), now());
    let started = fleet.store.write(move |tx| {
        let last = rollouts::last(tx, &request.cohort)?;
        let (number, last) = last.map_or((0, None), |(number, last)| (number, Some(last)));
        let offer = offer(&tree, &request.cohort, last.as_ref());
        let started = rollout::start(&request, &offer, last.as_ref(), &by, salt.clone(), at);
        if let Ok(rollout) = &started {
            rollouts::put(tx, number + 1, rollout)?;
            log(tx, rollout, &by, "rollout started")?;
            head::revised(tx)?;
        }
        Ok(started)
    });
    let rollout = started.await??;
    fleet.load().await?;
    Ok(rollout)
}

/// Does what a person asks of a rollout.
///
/// # Errors
/// Why it is not done.
pub async fn act(fleet: &Fleet, ask: Ask, by: &str) -> Result<Rollout, Refused> {
    let failed = match fleet.board.last().get(&ask.cohort) {
        Some(last) => figures(last, &inventory(fleet, last).await?).failed,
        None => 0,
    };
    let (by, at) = (by.to_owned(), now());
    let acted = fleet.store.write(move |tx| {
        let last = rollouts::last(tx, &ask.cohort)?;
        let (number, last) = last.map_or((0, None), |(number, last)| (number, Some(last)));
        let acted = rollout::act(last.as_ref(), &ask, failed, &by, at);
        if let Ok(rollout) = &acted {
            rollouts::put(tx, number, rollout)?;
            log(tx, rollout, &by, "rollout decided")?;
            head::revised(tx)?;
        }
        Ok(acted)
    });
    let rollout = acted.await??;
    fleet.load().await?;
    Ok(rollout)
}
