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
    self, AUTOMATION, Inventory, Refusal, Rollout, Standing, Step, apply, figures, plan, seat,
};
use crate::store::head::{self, Deed};
use crate::store::rollouts;
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

/// For how many milliseconds a count is good enough to be shown.
const SHOWN_MILLISECONDS: i64 = 2_000;

/// Counts the machines of a rollout's cohort.
///
/// # Errors
/// When the database refuses.
pub async fn inventory(fleet: &Fleet, rollout: &Rollout) -> Result<Arc<Inventory>, StoreError> {
    let (cohort, generation) = (rollout.cohort.clone(), rollout.to.generation);
    let (census, spoken, reasons) = fleet
        .store
        .read_settled(move |tx| {
            let spoken = rollouts::spoken(tx, &cohort, generation)?;
            Ok((rollouts::census(tx)?, spoken, rollouts::refusals(tx, &cohort, generation)?))
        })
        .await?;
    let roster = roster(fleet, rollout, census).await?;
    let mut inventory = roster.silent.clone();
    for (word, devices) in &spoken {
        let state = check_in::State::ALL.into_iter().find(|state| state.word() == word);
        let Some(standing) = state.map(Standing::of) else { continue };
        for seat in devices.split(' ').filter_map(|device| roster.seats.get(device)) {
            inventory.change(*seat, Standing::Silent, standing);
        }
    }
    for (device, texts) in &reasons {
        if let Some(seat) = roster.seats.get(device) {
            texts.iter().for_each(|text| inventory.because(*seat, text));
        }
    }
    let inventory = Arc::new(inventory);
    let counted = (now().as_millisecond(), Arc::clone(&inventory));
    let mut all = fleet.board.counted.lock().unwrap_or_else(PoisonError::into_inner);
    all.insert(rollout.salt.clone(), counted);
    // Those of rollouts that are over are nobody's any more.
    if all.len() > 2_000 {
        all.clear();
    }
    Ok(inventory)
}

/// The seats of a cohort's machines; claims are read again when somebody is new, or the release is.
async fn roster(
    fleet: &Fleet,
    rollout: &Rollout,
    census: (i64, i64),
) -> Result<Arc<Roster>, StoreError> {
    let tree = Arc::clone(&fleet.snapshot().tree);
    let known = {
        let rosters = fleet.board.rosters.lock().unwrap_or_else(PoisonError::into_inner);
        rosters.get(&rollout.cohort).cloned()
    };
    let fits = |roster: &Arc<Roster>| {
        let Roster { salt, release, census: counted, .. } = &**roster;
        (salt, *release, *counted) == (&rollout.salt, tree.version, census)
    };
    if let Some(known) = known.filter(fits) {
        return Ok(known);
    }
    let claims = fleet.store.read(|tx| rollouts::claims(tx)).await?;
    let mut seats = HashMap::new();
    for (device, json) in claims {
        let claims: Option<Claims> = serde_json::from_str(&json).ok();
        let mine = claims.filter(|claims| {
            assigned(&tree.assignments, claims).is_some_and(|one| one.cohort == rollout.cohort)
        });
        let id = DeviceId::try_from(device.clone()).ok();
        if let (Some(claims), Some(id)) = (mine, id) {
            let volunteers = rollout.volunteers.as_deref();
            seats.insert(device, seat(&rollout.salt, volunteers, &id, &claims.groups));
        }
    }
    let roster = Arc::new(Roster {
        salt: rollout.salt.clone(),
        release: tree.version,
        census,
        silent: Inventory::count(seats.values().map(|seat| (*seat, Standing::Silent))),
        seats,
    });
    let mut rosters = fleet.board.rosters.lock().unwrap_or_else(PoisonError::into_inner);
    rosters.insert(rollout.cohort.clone(), Arc::clone(&roster));
    Ok(roster)
}

/// How a cohort's last rollout stands.
///
/// # Errors
/// When the database refuses.
pub async fn status_of(fleet: &Fleet, rollout: &Rollout) -> Result<Status, StoreError> {
    let counted = {
        let all = fleet.board.counted.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&rollout.salt).cloned()
    };
    let at = now();
    let young = |(of, _): &(i64, _)| (0..SHOWN_MILLISECONDS).contains(&(at.as_millisecond() - of));
    let inventory = match counted.filter(young) {
        Some((_, inventory)) => inventory,
        None => inventory(fleet, rollout).await?,
    };
    Ok(rollout::status(rollout, &inventory, at))
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
        Some(last) => {
            let inventory = inventory(fleet, last).await?;
            figures(last, &inventory).failed
        }
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
