//! SQLite in a file, with nothing to install.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection as Raw, ErrorCode, OpenFlags, ToSql, params_from_iter};

use super::sql::{Access, Connection, Opener, Row, StoreError, Transaction, Value};

/// For how long a transaction waits for those of other processes.
const PATIENCE: Duration = Duration::from_secs(10);

/// For how long a checkpoint waits for readers, while the writer waits for it.
const NO_PATIENCE: Duration = Duration::from_millis(2);

/// A log of fewer frames goes on as it is.
const SHORT: i64 = 2_000;

/// How often a checkpoint goes after a log that grows under it. SQLite syncs the file after a pass
/// that left nothing, which is one of the first few: all but the first take a moment, and find the
/// writer between two commits more often than not.
const PASSES: usize = 8;

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
             PRAGMA wal_autocheckpoint = 100000; PRAGMA cache_size = -16384;
             PRAGMA trusted_schema = OFF;",
        )
        .map_err(refused)?;
        raw.set_prepared_statement_cache_capacity(128);
        Ok(Box::new(Open { raw, syncs: Syncs::Full }))
    }
}

/// Moves what is in the log into the file, so that the log begins anew. Nearly all of it is moved and
/// synced while the writer goes on; it waits for the last frames alone. It would otherwise do all of
/// it itself, and whoever waits for its commit would wait for that.
pub(super) fn checkpoint(path: &Path) -> Result<(), StoreError> {
    let raw = Raw::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(refused)?;
    // Where somebody reads from the log, it is moved the next time.
    raw.busy_timeout(NO_PATIENCE).map_err(refused)?;
    for _ in 0..PASSES {
        let frames: i64 = raw
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
            .map_err(refused)?;
        if frames < SHORT {
            return Ok(());
        }
    }
    raw.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())).map_err(refused)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A part of the log that is worth moving: a little more than `SHORT` frames of 4 KiB.
    const PARTS: i64 = SHORT / 256 + 1;

    /// A database with a table, and the door that writes to it.
    fn database(folder: &tempfile::TempDir) -> (PathBuf, Box<dyn Connection>) {
        let path = folder.path().join("fleet.sqlite");
        let mut writer = Sqlite(path.clone()).open().unwrap();
        write(&mut *writer, "CREATE TABLE parts (bytes BYTEA NOT NULL)");
        (path, writer)
    }

    fn write(writer: &mut dyn Connection, sql: &str) {
        writer.begin(Access::Write).unwrap();
        writer.execute(sql, &[]).unwrap();
        writer.commit().unwrap();
    }

    fn write_parts(writer: &mut dyn Connection) {
        (0..PARTS).for_each(|_| write(writer, "INSERT INTO parts VALUES (zeroblob(1048576))"));
    }

    fn frames(raw: &Raw) -> i64 {
        raw.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1)).unwrap()
    }

    #[test]
    fn the_log_begins_anew_after_a_checkpoint_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut writer) = database(&folder);
        let looking = Raw::open(&path).unwrap();
        write_parts(&mut *writer);
        assert!(frames(&looking) >= SHORT);
        checkpoint(&path).unwrap();
        write(&mut *writer, "INSERT INTO parts VALUES (zeroblob(1))");
        assert!(frames(&looking) < SHORT, "it begins anew");
        let count: i64 =
            looking.query_row("SELECT COUNT(*) FROM parts", [], |row| row.get(0)).unwrap();
        assert_eq!(count, PARTS + 1);
    }

    #[test]
    fn a_checkpoint_leaves_a_short_log_and_waits_for_no_reader() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut writer) = database(&folder);
        checkpoint(&path).unwrap();
        let mut reader = Sqlite(path.clone()).open().unwrap();
        reader.begin(Access::Read).unwrap();
        reader.query("SELECT COUNT(*) FROM parts", &[]).unwrap();
        write_parts(&mut *writer);
        let began = std::time::Instant::now();
        checkpoint(&path).unwrap();
        assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
        write(&mut *writer, "DELETE FROM parts");
        let seen = reader.query("SELECT COUNT(*) FROM parts", &[]).unwrap();
        assert_eq!(seen[0].int(0).unwrap(), 0, "the reader has its own state");
    }
}
