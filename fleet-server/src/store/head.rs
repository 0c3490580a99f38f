//! The revision that everybody watches, and the log of everything that was done.
//!
//! An entry's hash is over the entry and the hash of the one before, and the head holds the last:
//! an entry that was changed, removed or put in between is found, and so is a tail that was cut.

use codex_trust::provider::{hex, sha256};
use jiff::Timestamp;
use serde::Serialize;

use super::sql::{Row, StoreError, Transaction, Value, one};

/// Where everything stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Grows with everything that concerns endpoints: they are told to look.
    pub revision: u64,
    /// Grows with everything that servers must know: they load their state again.
    pub changes: u64,
    /// The version of the newest timestamp; 0 before the first release.
    pub release: u64,
}

/// Reads the head.
///
/// # Errors
/// When the database refuses.
pub fn head(transaction: &mut dyn Transaction) -> Result<Head, StoreError> {
    let sql = "SELECT revision, changes, release FROM head WHERE id = 1";
    let row = one(transaction, sql, &[])?.ok_or_else(missing)?;
    Ok(Head { revision: row.count(0)?, changes: row.count(1)?, release: row.count(2)? })
}

fn missing() -> StoreError {
    StoreError::Damaged("the table `head` has no row".to_owned())
}

/// Tells all servers that something changed that they keep in memory.
///
/// # Errors
/// When the database refuses.
pub fn changed(transaction: &mut dyn Transaction) -> Result<(), StoreError> {
    transaction.execute("UPDATE head SET changes = changes + 1 WHERE id = 1", &[])?;
    transaction.announce()
}

/// Tells all servers, and through them all endpoints.
///
/// # Errors
/// When the database refuses.
pub fn revised(transaction: &mut dyn Transaction) -> Result<(), StoreError> {
    let sql = "UPDATE head SET revision = revision + 1, changes = changes + 1 WHERE id = 1";
    transaction.execute(sql, &[])?;
    transaction.announce()
}

/// Something that somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// Who: `token NAME`, `device ID` or `console`.
    pub actor: String,
    /// What, in two words: `release published`.
    pub action: &'static str,
    /// To what.
    pub subject: String,
    /// Anything else.
    pub detail: String,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number; the first one is 1.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Anything else.
    pub detail: String,
    /// The hash of the entry before; empty for the first.
    pub previous: String,
    /// The hash of this one.
    pub hash: String,
}

impl Entry {
    /// The hash that it must have: every part with its length in front, so that no two entries have
    /// the same text.
    fn right_hash(&self) -> String {
        let Self { seq, at, actor, action, subject, detail, previous, hash: _ } = self;
        let mut text = b"codex-config audit 1\n".to_vec();
        let numbers = [seq.to_string(), at.to_string()];
        let parts = numbers.iter().chain([actor, action, subject, detail, previous]);
        for part in parts {
            text.extend_from_slice(format!("{}:{part}\n", part.len()).as_bytes());
        }
        hex(&sha256(&text))
    }
}

impl Entry {
    /// Whether it is what was written.
    pub fn is_right(&self) -> bool {
        self.hash == self.right_hash()
    }
}

const COLUMNS: &str = "seq, at, actor, action, subject, detail, previous, hash";

fn entry(row: &Row) -> Result<Entry, StoreError> {
    Ok(Entry {
        seq: row.count(0)?,
        at: row.int(1)?,
        actor: row.text(2)?,
        action: row.text(3)?,
        subject: row.text(4)?,
        detail: row.text(5)?,
        previous: row.text(6)?,
        hash: row.text(7)?,
    })
}

/// Writes what was done into the log, in the transaction that does it.
///
/// # Errors
/// When the database refuses.
pub fn log(transaction: &mut dyn Transaction, deed: &Deed) -> Result<(), StoreError> {
    let (seq, previous) = end(transaction)?;
    let mut entry = Entry {
        seq: seq + 1,
        at: deed.at.as_millisecond(),
        actor: deed.actor.clone(),
        action: deed.action.to_owned(),
        subject: deed.subject.clone(),
        detail: deed.detail.clone(),
        previous,
        hash: String::new(),
    };
    entry.hash = entry.right_hash();
    let seq = Value::Int(i64::try_from(entry.seq).unwrap_or(i64::MAX));
    transaction.execute(
        "INSERT INTO audit (seq, at, actor, action, subject, detail, previous, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            seq.clone(),
            entry.at.into(),
            entry.actor.into(),
            entry.action.into(),
            entry.subject.into(),
            entry.detail.into(),
            entry.previous.into(),
            entry.hash.as_str().into(),
        ],
    )?;
    transaction.execute(
        "UPDATE head SET audit = $1, audit_hash = $2 WHERE id = 1",
        &[seq, entry.hash.into()],
    )?;
    Ok(())
}

/// The number and the hash of the last entry.
///
/// # Errors
/// When the database refuses.
pub fn end(transaction: &mut dyn Transaction) -> Result<(u64, String), StoreError> {
    let sql = "SELECT audit, audit_hash FROM head WHERE id = 1";
    let row = one(transaction, sql, &[])?.ok_or_else(missing)?;
    Ok((row.count(0)?, row.text(1)?))
}

/// The entries after a number, the oldest first.
///
/// # Errors
/// When the database refuses.
pub fn entries(
    transaction: &mut dyn Transaction,
    after: i64,
    most: i64,
) -> Result<Vec<Entry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2");
    transaction.query(&sql, &[after.into(), most.into()])?.iter().map(entry).collect()
}

/// What is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// An entry is missing.
    #[error("entry {0} is missing")]
    Missing(u64),
    /// An entry does not follow from the one before.
    #[error("entry {0} does not follow from the one before it")]
    Chain(u64),
    /// An entry was changed.
    #[error("entry {0} is not what was written")]
    Changed(u64),
    /// The end is not where the head says.
    #[error("the log ends at entry {found}, and the head says {wanted}")]
    End {
        /// Where it ends.
        found: u64,
        /// Where it should.
        wanted: u64,
    },
}

/// How many entries one question asks for.
const PAGE: i64 = 1_000;

/// Holds the whole log against its hashes. Tells how many entries it has, or what is wrong first.
///
/// # Errors
/// When the database refuses.
pub fn verify(transaction: &mut dyn Transaction) -> Result<Result<u64, Broken>, StoreError> {
    let (mut last, mut hash) = (0_u64, String::new());
    loop {
        let after = i64::try_from(last).unwrap_or(i64::MAX);
        let page = entries(transaction, after, PAGE)?;
        if page.is_empty() {
            break;
        }
        for entry in page {
            let wrong = if entry.seq != last + 1 {
                Some(Broken::Missing(last + 1))
            } else if entry.previous != hash {
                Some(Broken::Chain(entry.seq))
            } else if entry.hash != entry.right_hash() {
                Some(Broken::Changed(entry.seq))
            } else {
                None
            };
            if let Some(wrong) = wrong {
                return Ok(Err(wrong));
            }
            (last, hash) = (entry.seq, entry.hash);
        }
    }
    let (wanted, wanted_hash) = end(transaction)?;
    Ok(if (last, &hash) == (wanted, &wanted_hash) {
        Ok(last)
    } else {
        Err(Broken::End { found: last, wanted })
    })
}
