//! Rollouts, what planners and reports need to know of machines, and what people ask for.

use std::collections::BTreeMap;

use codex_fleet::identity::DeviceId;
use codex_fleet::request::Filed;
use jiff::Timestamp;

use super::sql::{Row, StoreError, Transaction, one};
use super::tokens::{json, parsed};
use crate::rollout::Rollout;

/// The last rollout of every cohort that had one.
///
/// # Errors
/// When the database refuses.
pub fn all(transaction: &mut dyn Transaction) -> Result<BTreeMap<String, Rollout>, StoreError> {
    let sql = "SELECT cohort, document FROM rollouts ORDER BY cohort, number";
    let kept = |row: &Row| Ok((row.text(0)?, parsed(&row.text(1)?)?));
    transaction.query(sql, &[])?.iter().map(kept).collect()
}

/// The last rollout of a cohort with its number.
///
/// # Errors
/// When the database refuses.
pub fn last(
    transaction: &mut dyn Transaction,
    cohort: &str,
) -> Result<Option<(i64, Rollout)>, StoreError> {
    let sql =
        "SELECT number, document FROM rollouts WHERE cohort = $1 ORDER BY number DESC LIMIT 1";
    let row = one(transaction, sql, &[cohort.into()])?;
    row.map(|row| Ok((row.int(0)?, parsed(&row.text(1)?)?))).transpose()
}

/// Keeps a rollout under a number of its cohort.
///
/// # Errors
/// When the database refuses.
pub fn put(
    transaction: &mut dyn Transaction,
    number: i64,
    rollout: &Rollout,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO rollouts (cohort, number, document) VALUES ($1, $2, $3)
         ON CONFLICT (cohort, number) DO UPDATE SET document = excluded.document",
        &[rollout.cohort.as_str().into(), number.into(), json(rollout)?.into()],
    )?;
    Ok(())
}

/// How many machines there are that were not revoked, and when the last one was enrolled: what
/// changes when somebody is new or gone.
///
/// # Errors
/// When the database refuses.
pub fn census(transaction: &mut dyn Transaction) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT COUNT(*), CAST(COALESCE(MAX(enrolled), 0) AS BIGINT) FROM devices
         WHERE revoked IS NULL";
    let row = one(transaction, sql, &[])?;
    row.map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)?)))
}

/// The machines whose last word was about a generation or a later one: words, each with the numbers
/// of those who said it, a space between them. There may be a hundred thousand: as rows they would
/// be as many small strings.
///
/// # Errors
/// When the database refuses.
pub fn spoken(
    transaction: &mut dyn Transaction,
    cohort: &str,
    generation: u64,
) -> Result<Vec<(String, String)>, StoreError> {
    // Grouped as the index is sorted.
    let sql = "SELECT state, string_agg(device, ' ') FROM devices
         WHERE cohort = $1 AND generation >= $2 AND revoked IS NULL AND state IS NOT NULL
         GROUP BY generation, state";
    let generation = i64::try_from(generation).unwrap_or(i64::MAX);
    let said = |mut row: Row| Ok((row.take_text(0)?, row.take_text(1)?));
    transaction.query(sql, &[cohort.into(), generation.into()])?.into_iter().map(said).collect()
}

/// The claims of all machines, as JSON, by their numbers.
///
/// # Errors
/// When the database refuses.
pub fn claims(transaction: &mut dyn Transaction) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT device, claims FROM devices WHERE revoked IS NULL";
    transaction.query(sql, &[])?.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// The most machines whose reasons are read.
const MAX_FAILED: i64 = 5_000;

/// Why machines refused a bundle, by their numbers.
///
/// # Errors
/// When the database refuses.
pub fn refusals(
    transaction: &mut dyn Transaction,
    cohort: &str,
    generation: u64,
) -> Result<Vec<(String, Vec<String>)>, StoreError> {
    let sql = "SELECT d.device, t.reasons FROM devices d JOIN transitions t
         ON t.device = d.device AND t.number = d.last_number
         WHERE d.cohort = $1 AND d.generation = $2 AND d.state = 'refused' AND d.revoked IS NULL
         LIMIT $3";
    let generation = i64::try_from(generation).unwrap_or(i64::MAX);
    let reason = |row: &Row| Ok((row.text(0)?, parsed(&row.text(1)?)?));
    transaction
        .query(sql, &[cohort.into(), generation.into(), MAX_FAILED.into()])?
        .iter()
        .map(reason)
        .collect()
}

/// What reports need of a machine, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its number.
    pub device: String,
    /// Its claims, as JSON.
    pub claims: String,
    /// When it was enrolled, in milliseconds since 1970.
    pub enrolled: i64,
    /// When it was last heard of.
    pub seen: Option<i64>,
    /// The versions of Codex on it, as JSON.
    pub codex: Option<String>,
    /// The bundle in force, as JSON.
    pub installed: Option<String>,
    /// The state of the last transition.
    pub state: Option<String>,
    /// Its generation.
    pub generation: Option<i64>,
    /// When it was, by the machine's clock.
    pub at: Option<i64>,
    /// Its reasons, as JSON.
    pub reasons: Option<String>,
}

/// Machines with their last words, in the order of their numbers, from one on.
///
/// # Errors
/// When the database refuses.
pub fn told(
    transaction: &mut dyn Transaction,
    after: &str,
    most: i64,
) -> Result<Vec<Told>, StoreError> {
    let sql =
        format!("{TOLD} WHERE d.device > $1 AND d.revoked IS NULL ORDER BY d.device LIMIT $2");
    transaction.query(&sql, &[after.into(), most.into()])?.iter().map(said).collect()
}

/// A machine with its last word; none where it is not enrolled any more.
///
/// # Errors
/// When the database refuses.
pub fn told_of(
    transaction: &mut dyn Transaction,
    device: &DeviceId,
) -> Result<Option<Told>, StoreError> {
    let sql = format!("{TOLD} WHERE d.device = $1 AND d.revoked IS NULL");
    one(transaction, &sql, &[device.as_str().into()])?.as_ref().map(said).transpose()
}

const TOLD: &str = "SELECT d.device, d.claims, d.enrolled, d.seen, d.codex, d.installed, d.state,
    d.generation, t.at, t.reasons FROM devices d LEFT JOIN transitions t
    ON t.device = d.device AND t.number = d.last_number";

fn said(row: &Row) -> Result<Told, StoreError> {
    Ok(Told {
        device: row.text(0)?,
        claims: row.text(1)?,
        enrolled: row.int(2)?,
        seen: row.maybe_int(3)?,
        codex: row.maybe_text(4)?,
        installed: row.maybe_text(5)?,
        state: row.maybe_text(6)?,
        generation: row.maybe_int(7)?,
        at: row.maybe_int(8)?,
        reasons: row.maybe_text(9)?,
    })
}

/// The most requests of one machine that may be open.
pub const MAX_OPEN: i64 = 20;

/// Keeps a request under the next number; none where the machine has too many that are open.
///
/// # Errors
/// When the database refuses.
pub fn file(transaction: &mut dyn Transaction, filed: &Filed) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT COUNT(*) FROM requests WHERE device = $1 AND outcome = 'open'";
    let open = one(transaction, sql, &[filed.device.as_str().into()])?;
    if open.map_or(Ok(0), |row| row.int(0))? >= MAX_OPEN {
        return Ok(None);
    }
    let sql = "SELECT CAST(COALESCE(MAX(number), 0) AS BIGINT) FROM requests";
    let last = one(transaction, sql, &[])?.map_or(Ok(0), |row| row.int(0))?;
    let number = last.saturating_add(1);
    let filed = Filed { number: u64::try_from(number).unwrap_or(0), ..filed.clone() };
    transaction.execute(
        "INSERT INTO requests (number, device, outcome, document) VALUES ($1, $2, 'open', $3)",
        &[number.into(), filed.device.as_str().into(), json(&filed)?.into()],
    )?;
    Ok(Some(filed.number))
}

/// The last requests with what became of them, the newest first.
///
/// # Errors
/// When the database refuses.
pub fn requests(
    transaction: &mut dyn Transaction,
    most: i64,
) -> Result<Vec<(Filed, String)>, StoreError> {
    let sql = "SELECT document, outcome FROM requests ORDER BY number DESC LIMIT $1";
    let filed = |row: &Row| Ok((parsed(&row.text(0)?)?, row.text(1)?));
    transaction.query(sql, &[most.into()])?.iter().map(filed).collect()
}

/// A request with what became of it.
///
/// # Errors
/// When the database refuses.
pub fn request(
    transaction: &mut dyn Transaction,
    number: u64,
) -> Result<Option<(Filed, String)>, StoreError> {
    let sql = "SELECT document, outcome FROM requests WHERE number = $1";
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let row = one(transaction, sql, &[number.into()])?;
    row.map(|row| Ok((parsed(&row.text(0)?)?, row.text(1)?))).transpose()
}

/// How many requests are open.
///
/// # Errors
/// When the database refuses.
pub fn open_requests(transaction: &mut dyn Transaction) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM requests WHERE outcome = 'open'";
    one(transaction, sql, &[])?.map_or(Ok(0), |row| row.count(0))
}

/// Writes down what became of a request that was open. Tells whether there was one.
///
/// # Errors
/// When the database refuses.
pub fn settle(
    transaction: &mut dyn Transaction,
    number: u64,
    outcome: &'static str,
) -> Result<bool, StoreError> {
    let sql = "UPDATE requests SET outcome = $1 WHERE number = $2 AND outcome = 'open'";
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    Ok(transaction.execute(sql, &[outcome.into(), number.into()])? > 0)
}

/// The last entries of the log before a number, the newest first; 0 begins at the end.
///
/// # Errors
/// When the database refuses.
pub fn audit_before(
    transaction: &mut dyn Transaction,
    before: u64,
    most: i64,
) -> Result<Vec<super::head::Entry>, StoreError> {
    let end = super::head::end(transaction)?.0;
    let before = if before == 0 { end.saturating_add(1) } else { before };
    let first = i64::try_from(before).unwrap_or(i64::MAX).saturating_sub(most).max(1);
    let mut entries = super::head::entries(transaction, first - 1, most)?;
    entries.retain(|entry| entry.seq < before);
    entries.reverse();
    Ok(entries)
}

/// When each generation that the server has was first published, by the path of its file.
///
/// # Errors
/// When the database refuses.
pub fn published_at(
    transaction: &mut dyn Transaction,
) -> Result<BTreeMap<String, Timestamp>, StoreError> {
    let sql = "SELECT f.path, r.published FROM files f JOIN releases r ON r.version = f.release";
    let when = |row: &Row| {
        let at = Timestamp::from_millisecond(row.int(1)?)
            .map_err(|error| StoreError::Damaged(error.to_string()))?;
        Ok((row.text(0)?, at))
    };
    transaction.query(sql, &[])?.iter().map(when).collect::<Result<_, _>>()
}
