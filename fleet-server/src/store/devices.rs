//! Machines that were enrolled.

use std::collections::HashSet;

use codex_fleet::identity::{DeviceId, Identity};
use codex_trust::audience::Claims;
use jiff::Timestamp;
use serde::Serialize;

use super::sql::{Row, StoreError, Transaction, Value, one};
use super::status::uncount;
use super::tokens::{json, parsed};
use super::{head, status};

/// A machine, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Its number.
    pub device: String,
    /// What its enrolment says of it.
    pub claims: Claims,
    /// The number of the token that enrolled it; `certificate` where this database has learnt of it
    /// from its certificate alone.
    pub token: String,
    /// When it was enrolled, in milliseconds since 1970.
    pub enrolled: i64,
    /// When its certificate was last renewed.
    pub renewed: Option<i64>,
    /// When it was revoked.
    pub revoked: Option<i64>,
    /// The cohort of the last transition.
    pub cohort: Option<String>,
    /// The generation of the last transition.
    pub generation: Option<u64>,
    /// The state of the last transition.
    pub state: Option<String>,
    /// When that was received.
    pub state_at: Option<i64>,
    /// When it was last heard of; up to a minute behind.
    pub seen: Option<i64>,
    /// The version of its agent.
    pub agent: Option<String>,
    /// The versions of Codex on it.
    pub codex: Vec<String>,
}

const COLUMNS: &str = "device, claims, token, enrolled, renewed, revoked, cohort, generation, \
     state, state_at, seen, agent, codex";

fn device(row: &Row) -> Result<Device, StoreError> {
    let generation = row.maybe_int(7)?.map(u64::try_from).transpose();
    Ok(Device {
        device: row.text(0)?,
        claims: parsed(&row.text(1)?)?,
        token: row.text(2)?,
        enrolled: row.int(3)?,
        renewed: row.maybe_int(4)?,
        revoked: row.maybe_int(5)?,
        cohort: row.maybe_text(6)?,
        generation: generation.map_err(|error| StoreError::Damaged(error.to_string()))?,
        state: row.maybe_text(8)?,
        state_at: row.maybe_int(9)?,
        seen: row.maybe_int(10)?,
        agent: row.maybe_text(11)?,
        codex: row.maybe_text(12)?.map_or(Ok(Vec::new()), |text| parsed(&text))?,
    })
}

/// Machines in the order of their numbers, from one on.
///
/// # Errors
/// When the database refuses.
pub fn list(
    transaction: &mut dyn Transaction,
    after: &str,
    most: i64,
) -> Result<Vec<Device>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM devices WHERE device > $1 ORDER BY device LIMIT $2");
    transaction.query(&sql, &[after.into(), most.into()])?.iter().map(device).collect()
}

/// One machine.
///
/// # Errors
/// When the database refuses.
pub fn find(transaction: &mut dyn Transaction, id: &str) -> Result<Option<Device>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM devices WHERE device = $1");
    one(transaction, &sql, &[id.into()])?.as_ref().map(device).transpose()
}

/// Keeps a machine that was enrolled, or that this database learns of from its certificate.
///
/// # Errors
/// When the database refuses.
pub fn enrol(
    transaction: &mut dyn Transaction,
    identity: &Identity,
    token: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO devices (device, claims, token, enrolled, last_number)
         VALUES ($1, $2, $3, $4, 0) ON CONFLICT (device) DO NOTHING",
        &[
            identity.device.as_str().into(),
            json(&identity.claims)?.into(),
            token.into(),
            now.as_millisecond().into(),
        ],
    )?;
    Ok(())
}

/// Keeps that a machine has a new certificate. Tells whether it may have one.
///
/// # Errors
/// When the database refuses.
pub fn renew(
    transaction: &mut dyn Transaction,
    identity: &Identity,
    now: Timestamp,
) -> Result<bool, StoreError> {
    enrol(transaction, identity, "certificate", now)?;
    let sql = "UPDATE devices SET renewed = $1, claims = $2 WHERE device = $3 AND revoked IS NULL";
    let arguments = [
        now.as_millisecond().into(),
        json(&identity.claims)?.into(),
        identity.device.as_str().into(),
    ];
    Ok(transaction.execute(sql, &arguments)? > 0)
}

/// Revokes a machine: none of its certificates is good for anything from now on. Tells whether there
/// is one that was not revoked.
///
/// # Errors
/// When the database refuses.
pub fn revoke(
    transaction: &mut dyn Transaction,
    id: &DeviceId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE devices SET revoked = $1 WHERE device = $2 AND revoked IS NULL";
    let arguments = [now.as_millisecond().into(), id.as_str().into()];
    let found = transaction.execute(sql, &arguments)? > 0;
    if found {
        if let Some(last) = status::last(transaction, id.as_str())?.and_then(|last| last.about) {
            uncount(transaction, &last)?;
        }
        head::changed(transaction)?;
    }
    Ok(found)
}

/// All machines that were revoked.
///
/// # Errors
/// When the database refuses.
pub fn revoked(transaction: &mut dyn Transaction) -> Result<HashSet<DeviceId>, StoreError> {
    let rows = transaction.query("SELECT device FROM devices WHERE revoked IS NOT NULL", &[])?;
    let id = |row: &Row| {
        DeviceId::try_from(row.text(0)?).map_err(|error| StoreError::Damaged(error.to_string()))
    };
    rows.iter().map(id).collect()
}

/// When a machine was heard of, and what it said beside its transitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The version of its agent.
    pub agent: String,
    /// The versions of Codex on it, as JSON.
    pub codex: String,
    /// The bundle in force, as JSON.
    pub installed: Option<String>,
}

/// Writes down when machines were last heard of.
///
/// # Errors
/// When the database refuses.
pub fn checkpoint(
    transaction: &mut dyn Transaction,
    seen: &[(DeviceId, Seen)],
) -> Result<(), StoreError> {
    for (id, one) in seen {
        let Seen { at, agent, codex, installed } = one;
        transaction.execute(
            "UPDATE devices SET seen = $1, agent = $2, codex = $3, installed = $4
             WHERE device = $5",
            &[
                (*at).into(),
                agent.as_str().into(),
                codex.as_str().into(),
                Value::from(installed.as_deref()),
                id.as_str().into(),
            ],
        )?;
    }
    Ok(())
}
