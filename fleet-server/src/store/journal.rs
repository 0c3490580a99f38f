//! What machines reported, as it came: durable, and not yet in the tables.
//!
//! In the tables a transition touches a page of four tables and of as many indexes, and every page
//! that was touched is written with the commit: that is a hundred times the bytes of the transition.
//! Here it is appended behind the others, which costs what its bytes cost. It is put in its places
//! as soon as nobody waits for the writer; nothing is lost when that is interrupted, since it is taken
//! out of here by the same transaction.

use codex_fleet::check_in::Transition;
use codex_fleet::identity::DeviceId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sql::{StoreError, Transaction, one};
use super::status;
use super::tokens::json;

/// The most entries of a row: what is put in its places at once, while a report that comes waits.
const ROW: usize = 16;

/// What one check-in told, as it is kept: a line of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry(pub String);

#[derive(Serialize)]
struct Written<'all> {
    device: &'all str,
    received: i64,
    transitions: &'all [Transition],
}

#[derive(Deserialize)]
struct Read {
    device: DeviceId,
    received: i64,
    transitions: Vec<Transition>,
}

impl Entry {
    /// An entry for a machine that the database knows.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn new(
        device: &DeviceId,
        transitions: &[Transition],
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let device = device.as_str();
        json(&Written { device, received: now.as_millisecond(), transitions }).map(Self)
    }
}

/// Appends entries.
///
/// # Errors
/// When the database refuses.
pub(super) fn append(
    transaction: &mut dyn Transaction,
    entries: &[Entry],
) -> Result<(), StoreError> {
    let last = last(transaction)?.unwrap_or(0);
    for (seq, part) in (last + 1..).zip(entries.chunks(ROW)) {
        // JSON has no line breaks of its own.
        let lines: Vec<&str> = part.iter().map(|Entry(line)| line.as_str()).collect();
        transaction.execute(
            "INSERT INTO journal (seq, entries) VALUES ($1, $2)",
            &[seq.into(), lines.join("\n").into()],
        )?;
    }
    Ok(())
}

/// The number of the last row; none where everything is in its place.
///
/// # Errors
/// When the database refuses.
pub(super) fn last(transaction: &mut dyn Transaction) -> Result<Option<i64>, StoreError> {
    let row = one(transaction, "SELECT seq FROM journal ORDER BY seq DESC LIMIT 1", &[])?;
    row.map(|row| row.int(0)).transpose()
}

/// Puts the oldest rows in their places, one at least, up to a row and until there were so many
/// entries. Tells how many there were; 0 where none is left.
///
/// # Errors
/// When the database refuses.
pub(super) fn settle(
    transaction: &mut dyn Transaction,
    up_to: i64,
    most: usize,
) -> Result<usize, StoreError> {
    let sql = "SELECT seq, entries FROM journal WHERE seq <= $1 ORDER BY seq LIMIT 1";
    let mut settled = 0;
    while settled < most {
        let Some(mut row) = one(transaction, sql, &[up_to.into()])? else { break };
        let seq = row.int(0)?;
        for line in row.take_text(1)?.lines() {
            match serde_json::from_str::<Read>(line) {
                Ok(Read { device, received, transitions }) => {
                    status::apply(transaction, &device, &transitions, received)?;
                }
                // Nothing can be made of it ever, and those behind it must not wait for that.
                Err(error) => tracing::error!(%error, seq, "an entry of the journal is damaged"),
            }
            settled += 1;
        }
        transaction.execute("DELETE FROM journal WHERE seq = $1", &[seq.into()])?;
    }
    Ok(settled)
}
