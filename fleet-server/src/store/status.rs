//! What endpoints report: every transition once, with its history, and how many endpoints are where.

use codex_fleet::check_in::Transition;
use codex_fleet::identity::{DeviceId, Identity};
use jiff::Timestamp;
use serde::Serialize;

use super::devices;
use super::sql::{Row, StoreError, Transaction, Value, one};
use super::tokens::{json, parsed};

/// Of so many transitions of a device the history is kept.
const HISTORY: u64 = 1_000;

/// A cell of the table of how many endpoints are where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Cell {
    /// The cohort.
    pub cohort: String,
    /// The generation.
    pub generation: u64,
    /// The state that was reported last.
    pub state: String,
}

/// What is known of a device's transitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// The number of the last one; 0 before the first.
    pub number: u64,
    /// Where it is counted.
    pub about: Option<Cell>,
    /// Whether it was revoked: it counts nowhere then.
    pub revoked: bool,
}

/// What is known of a device's transitions; none of a device that is not known.
///
/// # Errors
/// When the database refuses.
pub fn last(transaction: &mut dyn Transaction, device: &str) -> Result<Option<Last>, StoreError> {
    let sql = "SELECT last_number, cohort, generation, state, revoked FROM devices
         WHERE device = $1";
    let Some(row) = one(transaction, sql, &[device.into()])? else { return Ok(None) };
    let about = match (row.maybe_text(1)?, row.maybe_text(3)?) {
        (Some(cohort), Some(state)) => Some(Cell { cohort, generation: row.count(2)?, state }),
        (None, _) | (_, None) => None,
    };
    Ok(Some(Last { number: row.count(0)?, about, revoked: row.maybe_int(4)?.is_some() }))
}

fn signed(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn cell(about: &Cell) -> [Value; 3] {
    [about.cohort.as_str().into(), signed(about.generation), about.state.as_str().into()]
}

fn count(transaction: &mut dyn Transaction, about: &Cell) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO counters (cohort, generation, state, devices) VALUES ($1, $2, $3, 1)
         ON CONFLICT (cohort, generation, state) DO UPDATE SET devices = counters.devices + 1",
        &cell(about),
    )?;
    Ok(())
}

/// Takes a device out of where it is counted.
///
/// # Errors
/// When the database refuses.
pub fn uncount(transaction: &mut dyn Transaction, about: &Cell) -> Result<(), StoreError> {
    let others = transaction.execute(
        "UPDATE counters SET devices = devices - 1
         WHERE cohort = $1 AND generation = $2 AND state = $3 AND devices > 1",
        &cell(about),
    )?;
    if others == 0 {
        // Machines name cohorts as they like: what nobody is in takes no place.
        transaction.execute(
            "DELETE FROM counters WHERE cohort = $1 AND generation = $2 AND state = $3",
            &cell(about),
        )?;
    }
    Ok(())
}

/// Keeps what is new among the transitions of a device that may not be known yet, and counts it where
/// the last one puts it. Tells the number of the last one that is kept.
///
/// # Errors
/// When the database refuses.
pub fn record(
    transaction: &mut dyn Transaction,
    identity: &Identity,
    transitions: &[Transition],
    now: Timestamp,
) -> Result<u64, StoreError> {
    devices::enrol(transaction, identity, "certificate", now)?;
    apply(transaction, &identity.device, transitions, now.as_millisecond())
}

/// Puts what is new among a device's transitions in its places. Tells the number of the last one;
/// 0 of a device that is not known.
///
/// # Errors
/// When the database refuses.
pub(super) fn apply(
    transaction: &mut dyn Transaction,
    device: &DeviceId,
    transitions: &[Transition],
    received: i64,
) -> Result<u64, StoreError> {
    let device = device.as_str();
    let Some(known) = last(transaction, device)? else { return Ok(0) };
    let new: Vec<&Transition> =
        transitions.iter().filter(|one| one.number > known.number).collect();
    let Some(newest) = new.last() else { return Ok(known.number) };
    for one in &new {
        insert(transaction, device, one, received)?;
    }
    let about = Cell {
        cohort: newest.about.cohort.clone(),
        generation: newest.about.generation,
        state: newest.state.word().to_owned(),
    };
    if !known.revoked && known.about.as_ref() != Some(&about) {
        if let Some(before) = &known.about {
            uncount(transaction, before)?;
        }
        count(transaction, &about)?;
    }
    let [cohort, generation, state] = cell(&about);
    transaction.execute(
        "UPDATE devices SET last_number = $1, cohort = $2, generation = $3, state = $4,
         state_at = $5 WHERE device = $6",
        &[signed(newest.number), cohort, generation, state, received.into(), device.into()],
    )?;
    if known.number / HISTORY != newest.number / HISTORY {
        let sql = "DELETE FROM transitions WHERE device = $1 AND number <= $2";
        let gone = newest.number.saturating_sub(HISTORY);
        transaction.execute(sql, &[device.into(), signed(gone)])?;
    }
    Ok(newest.number)
}

fn insert(
    transaction: &mut dyn Transaction,
    device: &str,
    one: &Transition,
    received: i64,
) -> Result<(), StoreError> {
    let Transition { at, number, about, state, reasons } = one;
    transaction.execute(
        "INSERT INTO transitions (device, number, at, received, cohort, generation, digest, state,
         reasons) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            device.into(),
            signed(*number),
            at.as_millisecond().into(),
            received.into(),
            about.cohort.as_str().into(),
            signed(about.generation),
            about.digest.as_str().into(),
            state.word().into(),
            json(reasons)?.into(),
        ],
    )?;
    Ok(())
}

/// A transition, as it was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Its number.
    pub number: u64,
    /// When, by the endpoint's clock, in milliseconds since 1970.
    pub at: i64,
    /// When it was received.
    pub received: i64,
    /// The cohort.
    pub cohort: String,
    /// The generation.
    pub generation: u64,
    /// The bundle's digest.
    pub digest: String,
    /// The state.
    pub state: String,
    /// Why.
    pub reasons: Vec<String>,
}

/// The last transitions of a device, the newest first.
///
/// # Errors
/// When the database refuses.
pub fn history(
    transaction: &mut dyn Transaction,
    device: &str,
    most: i64,
) -> Result<Vec<Kept>, StoreError> {
    let sql = "SELECT number, at, received, cohort, generation, digest, state, reasons
         FROM transitions WHERE device = $1 ORDER BY number DESC LIMIT $2";
    let kept = |row: &Row| {
        Ok(Kept {
            number: row.count(0)?,
            at: row.int(1)?,
            received: row.int(2)?,
            cohort: row.text(3)?,
            generation: row.count(4)?,
            digest: row.text(5)?,
            state: row.text(6)?,
            reasons: parsed(&row.text(7)?)?,
        })
    };
    transaction.query(sql, &[device.into(), most.into()])?.iter().map(kept).collect()
}

/// How many endpoints are where.
///
/// # Errors
/// When the database refuses.
pub fn counters(transaction: &mut dyn Transaction) -> Result<Vec<(Cell, u64)>, StoreError> {
    let sql = "SELECT cohort, generation, state, devices FROM counters WHERE devices > 0
         ORDER BY cohort, generation, state";
    let counter = |row: &Row| {
        let about = Cell { cohort: row.text(0)?, generation: row.count(1)?, state: row.text(2)? };
        Ok((about, row.count(3)?))
    };
    transaction.query(sql, &[])?.iter().map(counter).collect()
}
