//! Who is signed in to the dashboard: on all servers of a database, by the hash of a cookie.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sql::{Row, StoreError, Transaction, Value, one};
use super::tokens::{json, parsed};
use crate::oidc::Person;

/// The most sessions: the oldest ends when there is one more.
const MAX_SESSIONS: i64 = 1_000;

/// For how many milliseconds a session that has ended is remembered: longer than a login may be on
/// its way, so that none signs in twice.
const REMEMBERED: i64 = 3_600_000;

/// Whose session it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Holder {
    /// Whoever holds a token, by its hash.
    Token(String),
    /// A person.
    Person(Person),
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its number in lists, which says nothing of its cookie.
    pub id: String,
    /// Whose it is.
    pub holder: Holder,
    /// When it began, in milliseconds since 1970.
    pub began: i64,
    /// When it ends.
    pub ends: i64,
}

/// Keeps a new session by the hash of its cookie. Tells whether it was kept: a login that was used
/// already, by its mark, makes no other.
///
/// # Errors
/// When the database refuses.
pub fn begin(
    transaction: &mut dyn Transaction,
    hash: &str,
    kept: &Kept,
    attempt: Option<&str>,
) -> Result<bool, StoreError> {
    let Kept { id, holder, began, ends } = kept;
    let over = began.saturating_sub(REMEMBERED);
    transaction.execute("DELETE FROM sessions WHERE ends < $1", &[over.into()])?;
    if let Some(mark) = attempt {
        let sql = "SELECT id FROM sessions WHERE attempt = $1";
        if one(transaction, sql, &[mark.into()])?.is_some() {
            return Ok(false);
        }
    }
    transaction.execute(
        "DELETE FROM sessions WHERE hash IN
         (SELECT hash FROM sessions ORDER BY began DESC, id LIMIT 1000000 OFFSET $1)",
        &[(MAX_SESSIONS - 1).into()],
    )?;
    transaction.execute(
        "INSERT INTO sessions (hash, id, attempt, holder, began, ends)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            hash.into(),
            id.as_str().into(),
            attempt.map_or(Value::Null, Value::from),
            json(holder)?.into(),
            (*began).into(),
            (*ends).into(),
        ],
    )?;
    Ok(true)
}

const COLUMNS: &str = "id, holder, began, ends";

fn kept(row: &Row) -> Result<Kept, StoreError> {
    Ok(Kept {
        id: row.text(0)?,
        holder: parsed(&row.text(1)?)?,
        began: row.int(2)?,
        ends: row.int(3)?,
    })
}

/// The session of a cookie, by its hash, that has not ended.
///
/// # Errors
/// When the database refuses.
pub fn find(
    transaction: &mut dyn Transaction,
    hash: &str,
    now: Timestamp,
) -> Result<Option<Kept>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM sessions WHERE hash = $1 AND ends > $2");
    let arguments = [hash.into(), now.as_millisecond().into()];
    one(transaction, &sql, &arguments)?.as_ref().map(kept).transpose()
}

/// All sessions that have not ended, the oldest first.
///
/// # Errors
/// When the database refuses.
pub fn list(transaction: &mut dyn Transaction, now: Timestamp) -> Result<Vec<Kept>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM sessions WHERE ends > $1 ORDER BY began, id");
    transaction.query(&sql, &[now.as_millisecond().into()])?.iter().map(kept).collect()
}

/// Which session is to end.
#[derive(Clone, Copy, Debug)]
pub enum Which<'which> {
    /// That of a cookie, by its hash.
    Cookie(&'which str),
    /// That of a number.
    Id(&'which str),
}

/// Ends a session. Tells whether there was one.
///
/// # Errors
/// When the database refuses.
pub fn end(
    transaction: &mut dyn Transaction,
    which: Which<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (column, value) = match which {
        Which::Cookie(hash) => ("hash", hash),
        Which::Id(id) => ("id", id),
    };
    // The row stays for a while: the login that it was made of stays used.
    let sql = format!("UPDATE sessions SET ends = $1 WHERE {column} = $2 AND ends > $1");
    Ok(transaction.execute(&sql, &[now.as_millisecond().into(), value.into()])? > 0)
}
