//! SQLite in a file, with nothing to install.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection as Raw, ErrorCode, OpenFlags, ToSql, params_from_iter};

use super::sql::{Access, Connection, Opener, Row, StoreError, Transaction, Value};

/// For how long a transaction waits for those of other processes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A database in a file.
#[derive(Clone, Debug)]
pub(super) struct Sqlite(pub(super) PathBuf);

struct Open {
    raw: Raw,
    syncs: Syncs,
}

/// What a commit waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Syncs {
    /// The disk: what was acknowledged survives a loss of power.
    Full,
    /// Nothing: the next one that does syncs the whole log, which is in the order of the commits.
    Later,
}

impl Opener for Sqlite {
    fn open(&self) -> Result<Box<dyn Connection>, StoreError> {
        let raw = Raw::open(&self.0).map_err(|error| {
            StoreError::Unavailable(format!("cannot open {}: {error}", self.0.display()))
        })?;
        raw.busy_timeout(PATIENCE).map_err(refused)?;
        raw.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA wal_autocheckpoint = 40000; PRAGMA cache_size = -16384;
             PRAGMA trusted_schema = OFF;",
        )
        .map_err(refused)?;
        raw.set_prepared_statement_cache_capacity(128);
        Ok(Box::new(Open { raw, syncs: Syncs::Full }))
    }
}

/// Moves what is in the log into the file, as far as that goes without anybody waiting. The writer
/// would otherwise do so itself from time to time, and whoever waits for its commit with it.
pub(super) fn checkpoint(path: &Path) -> Result<(), StoreError> {
    let raw = Raw::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(refused)?;
    raw.busy_timeout(PATIENCE).map_err(refused)?;
    raw.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_err(refused)
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn refused(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged(error.to_string())
        }
        Some(ErrorCode::CannotOpen) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Refused(error.to_string()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

fn value(found: ValueRef<'_>) -> Result<Value, StoreError> {
    match found {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(value) => Ok(Value::Int(value)),
        ValueRef::Text(bytes) => String::from_utf8(bytes.to_vec())
            .map(Value::Text)
            .map_err(|error| StoreError::Damaged(error.to_string())),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(StoreError::Damaged("a fraction where none can be".to_owned())),
    }
}

/// Numbered arguments as SQLite writes them; `$` stands for nothing else in our statements.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

impl Transaction for Open {
    fn execute(&mut self, sql: &str, arguments: &[Value]) -> Result<u64, StoreError> {
        let mut statement = self.raw.prepare_cached(&numbered(sql)).map_err(refused)?;
        let changed = statement.execute(params_from_iter(arguments)).map_err(refused)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn query(&mut self, sql: &str, arguments: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.raw.prepare_cached(&numbered(sql)).map_err(refused)?;
        let columns = statement.column_count();
        let mut found = statement.query(params_from_iter(arguments)).map_err(refused)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(refused)? {
            let values = (0..columns).map(|at| value(row.get_ref(at).map_err(refused)?));
            rows.push(Row(values.collect::<Result<_, _>>()?));
        }
        Ok(rows)
    }
}

impl Connection for Open {
    fn begin(&mut self, access: Access) -> Result<(), StoreError> {
        let (sql, syncs) = match access {
            Access::Read => ("BEGIN DEFERRED", self.syncs),
            Access::Write => ("BEGIN IMMEDIATE", Syncs::Full),
            Access::Tidy => ("BEGIN IMMEDIATE", Syncs::Later),
        };
        if self.syncs != syncs {
            // It cannot be set inside a transaction.
            self.raw
                .execute_batch(match syncs {
                    Syncs::Full => "PRAGMA synchronous = FULL",
                    Syncs::Later => "PRAGMA synchronous = NORMAL",
                })
                .map_err(refused)?;
            self.syncs = syncs;
        }
        self.raw.execute_batch(sql).map_err(refused)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.raw.execute_batch("COMMIT").map_err(refused)
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        // Some errors have rolled back already.
        if self.raw.is_autocommit() {
            return Ok(());
        }
        self.raw.execute_batch("ROLLBACK").map_err(refused)
    }
}
