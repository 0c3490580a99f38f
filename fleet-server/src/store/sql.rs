//! What both databases can do: statements with numbered arguments inside a transaction.
//!
//! Every statement of this crate is written once, in what SQLite and PostgreSQL have in common.
//! Values never stand in the text of a statement: they are arguments.

use std::fmt;

/// A value in a row or an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// `BIGINT`.
    Int(i64),
    /// `TEXT`.
    Text(String),
    /// `BYTEA`.
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Why a database did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is not there. It may come back.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// There is more to do than it can take.
    #[error("the database is busy: try again in a moment")]
    Busy,
    /// It refused a statement: a full disk, a lost permission.
    #[error("the database refuses: {0}")]
    Refused(String),
    /// What is in it has not the form that it must have.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// It belongs to another version of this program.
    #[error("the database is of version {found}; this program knows versions up to {known}")]
    Version {
        /// Its version.
        found: i64,
        /// The last version that is known.
        known: i64,
    },
}

/// A row of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

impl Row {
    fn wrong(&self, column: usize, wanted: &str) -> StoreError {
        let found = self.0.get(column);
        StoreError::Damaged(format!("column {column} is no {wanted}: {}", Brief(found)))
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it is none.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.maybe_int(column)?.ok_or_else(|| self.wrong(column, "number"))
    }

    /// A whole number or nothing.
    ///
    /// # Errors
    /// When it is something else.
    pub fn maybe_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Ok(Some(*value)),
            Some(Value::Null) => Ok(None),
            Some(Value::Text(_) | Value::Bytes(_)) | None => Err(self.wrong(column, "number")),
        }
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// When it is none.
    pub fn count(&self, column: usize) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(|_| self.wrong(column, "count"))
    }

    /// A text.
    ///
    /// # Errors
    /// When it is none.
    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        self.maybe_text(column)?.ok_or_else(|| self.wrong(column, "text"))
    }

    /// A text, taken out of the row.
    ///
    /// # Errors
    /// When it is none.
    pub fn take_text(&mut self, column: usize) -> Result<String, StoreError> {
        match self.0.get_mut(column) {
            Some(Value::Text(text)) => Ok(std::mem::take(text)),
            Some(Value::Null | Value::Int(_) | Value::Bytes(_)) | None => {
                Err(self.wrong(column, "text"))
            }
        }
    }

    /// A text or nothing.
    ///
    /// # Errors
    /// When it is something else.
    pub fn maybe_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(value)) => Ok(Some(value.clone())),
            Some(Value::Null) => Ok(None),
            Some(Value::Int(_) | Value::Bytes(_)) | None => Err(self.wrong(column, "text")),
        }
    }

    /// Bytes.
    ///
    /// # Errors
    /// When it is something else.
    pub fn bytes(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        match self.0.get(column) {
            Some(Value::Bytes(value)) => Ok(value.clone()),
            Some(Value::Int(_) | Value::Text(_) | Value::Null) | None => {
                Err(self.wrong(column, "bytes"))
            }
        }
    }
}

/// The kind of a value, without what it says.
struct Brief<'value>(Option<&'value Value>);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            None => "there is no such column",
            Some(Value::Null) => "nothing",
            Some(Value::Int(_)) => "a number",
            Some(Value::Text(_)) => "a text",
            Some(Value::Bytes(_)) => "bytes",
        })
    }
}

/// Statements inside one transaction.
pub trait Transaction {
    /// Changes something; tells how many rows.
    ///
    /// # Errors
    /// When the database refuses or is gone; the transaction is void then.
    fn execute(&mut self, sql: &str, arguments: &[Value]) -> Result<u64, StoreError>;

    /// Asks something.
    ///
    /// # Errors
    /// When the database refuses or is gone; the transaction is void then.
    fn query(&mut self, sql: &str, arguments: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// Has the other servers on the database look at the head at once after the commit, where the
    /// database can do that. It is a hint: they look every second in any case.
    ///
    /// # Errors
    /// When the database refuses or is gone; the transaction is void then.
    fn announce(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Asks for one row at most.
///
/// # Errors
/// Those of [`Transaction::query`].
pub fn one(
    transaction: &mut dyn Transaction,
    sql: &str,
    arguments: &[Value],
) -> Result<Option<Row>, StoreError> {
    Ok(transaction.query(sql, arguments)?.into_iter().next())
}

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// See one state of everything.
    Read,
    /// Change it: one at a time over all servers on the database.
    Write,
    /// As [`Access::Write`], for what is done again when it is lost: a loss of power may undo it, all
    /// of it, until somebody's change is committed. Nobody waits for the disk.
    Tidy,
}

/// A connection to a database.
pub trait Connection: Transaction + Send {
    /// Begins a transaction.
    ///
    /// # Errors
    /// When the database is gone or busy for too long.
    fn begin(&mut self, access: Access) -> Result<(), StoreError>;

    /// Makes everything since the beginning durable.
    ///
    /// # Errors
    /// When that cannot be promised.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Forgets everything since the beginning.
    ///
    /// # Errors
    /// When the database is gone: it has forgotten, then.
    fn rollback(&mut self) -> Result<(), StoreError>;
}

/// Opens connections.
pub trait Opener: Send + Sync {
    /// A new connection.
    ///
    /// # Errors
    /// When the database is not there.
    fn open(&self) -> Result<Box<dyn Connection>, StoreError>;
}
