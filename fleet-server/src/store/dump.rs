//! Everything in the database as lines of JSON, for both databases alike: a backup of one can be
//! restored into the other. Keys and certificates are files, not in it.

use std::io::{BufRead, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::schema::{TABLES, known};
use super::sql::{StoreError, Transaction, Value, one};

/// The form of backups.
pub const FORM: &str = "codex-fleet-server backup 1";

/// After a restore the revision is this much higher: what endpoints heard after the backup was made
/// must not be above what they hear next.
const LEAP: i64 = 1_000_000;

/// The most bytes of a line: a file of 4 MB in base64 fits well.
const MAX_LINE: usize = 16_000_000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    form: String,
    version: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    table: String,
    row: Vec<Cell>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(String),
}

/// Why a backup was not made or not restored.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file.
    #[error("the backup cannot be read or written: {0}")]
    File(#[from] std::io::Error),
    /// What is in the file.
    #[error("line {line} of the backup: {problem}")]
    Form {
        /// The line.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// There is something in the database.
    #[error("the database is not empty: restore into a new one")]
    NotEmpty,
}

/// How many rows one question asks for.
const PAGE: i64 = 500;

/// Writes everything.
///
/// # Errors
/// When the database refuses or the file cannot be written.
pub fn backup(transaction: &mut dyn Transaction, out: &mut dyn Write) -> Result<u64, DumpError> {
    let mut rows = 0;
    line(out, &First { form: FORM.to_owned(), version: known() })?;
    for (table, columns) in TABLES {
        let columns = columns.join(", ");
        // Every table begins with the columns of its primary key, of which 3 are enough.
        let order = columns.split(", ").take(3).collect::<Vec<_>>().join(", ");
        let mut offset = 0;
        loop {
            let sql = format!("SELECT {columns} FROM {table} ORDER BY {order} LIMIT $1 OFFSET $2");
            let page = transaction.query(&sql, &[PAGE.into(), offset.into()])?;
            if page.is_empty() {
                break;
            }
            offset += PAGE;
            for row in page {
                let cells = row.0.into_iter().map(|value| match value {
                    Value::Null => Cell::Null,
                    Value::Int(value) => Cell::Int(value),
                    Value::Text(value) => Cell::Text(value),
                    Value::Bytes(value) => Cell::Bytes(STANDARD.encode(value)),
                });
                line(out, &Line { table: table.to_owned(), row: cells.collect() })?;
                rows += 1;
            }
        }
    }
    Ok(rows)
}

fn line<T: Serialize>(out: &mut dyn Write, value: &T) -> Result<(), DumpError> {
    let text = serde_json::to_string(value)
        .map_err(|error| DumpError::Form { line: 0, problem: error.to_string() })?;
    out.write_all(text.as_bytes())?;
    Ok(out.write_all(b"\n")?)
}

/// Reads everything back into a database in which there is nothing.
///
/// # Errors
/// When there is something, the file is no backup, or the database refuses.
pub fn restore(
    transaction: &mut dyn Transaction,
    mut from: &mut dyn BufRead,
) -> Result<u64, DumpError> {
    for (table, columns) in TABLES.iter().filter(|(table, _)| *table != "head") {
        let column = columns.first().copied().unwrap_or("1");
        let sql = format!("SELECT {column} FROM {table} LIMIT 1");
        if one(transaction, &sql, &[])?.is_some() {
            return Err(DumpError::NotEmpty);
        }
    }
    let mut rows = 0;
    let mut number = 0;
    let mut text = String::new();
    loop {
        text.clear();
        number += 1;
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        let read = std::io::Read::take(&mut from, limit).read_line(&mut text)?;
        let form = |problem: String| DumpError::Form { line: number, problem };
        if read == 0 {
            break;
        }
        if number == 1 {
            let first: First =
                serde_json::from_str(&text).map_err(|error| form(error.to_string()))?;
            if first.form != FORM || first.version != known() {
                return Err(form(format!(
                    "it is of the form `{}`, version {}; this program restores `{FORM}`, version {}",
                    first.form,
                    first.version,
                    known()
                )));
            }
        } else {
            let line: Line =
                serde_json::from_str(&text).map_err(|error| form(error.to_string()))?;
            insert(transaction, line, &form)?;
            rows += 1;
        }
    }
    if rows == 0 {
        return Err(DumpError::Form { line: number, problem: "there is nothing in it".to_owned() });
    }
    let sql = "UPDATE head SET revision = revision + $1, changes = changes + 1 WHERE id = 1";
    transaction.execute(sql, &[LEAP.into()])?;
    Ok(rows)
}

fn insert(
    transaction: &mut dyn Transaction,
    line: Line,
    form: &dyn Fn(String) -> DumpError,
) -> Result<(), DumpError> {
    let known = TABLES.iter().find(|(table, _)| *table == line.table);
    let (table, columns) = known.ok_or_else(|| form(format!("no table `{}`", line.table)))?;
    if columns.len() != line.row.len() {
        return Err(form(format!("`{table}` has {} columns", columns.len())));
    }
    let value = |cell| match cell {
        Cell::Null => Ok(Value::Null),
        Cell::Int(value) => Ok(Value::Int(value)),
        Cell::Text(value) => Ok(Value::Text(value)),
        Cell::Bytes(text) => {
            STANDARD.decode(text).map(Value::Bytes).map_err(|error| form(error.to_string()))
        }
    };
    let values: Vec<Value> = line.row.into_iter().map(value).collect::<Result<_, _>>()?;
    if *table == "head" {
        transaction.execute("DELETE FROM head", &[])?;
    }
    let places: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
    let sql =
        format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), places.join(", "));
    transaction.execute(&sql, &values)?;
    Ok(())
}
