//! PostgreSQL, where one machine is not enough.
//!
//! Write transactions of all servers go one after another, by an advisory lock: what is checked in
//! one still holds when it writes. Each carries everything that is queued on its server, so the
//! lock is taken once for many changes. What concerns other servers is announced with the commit, so
//! that they need not wait for their next look.

use std::collections::HashMap;
use std::error::Error as _;
use std::time::Duration;

use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use postgres::{Client, Config, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{self, Protection};
use super::sql::{Access, Connection, Opener, Row, StoreError, Transaction, Value};

/// The lock of writers. The number means nothing.
const WRITERS: i64 = 0x0063_6f64_6578;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a listener waits before it asks whether its connection is still there.
const SILENCE: Duration = Duration::from_secs(10);

/// A database behind an address.
#[derive(Clone)]
pub(super) struct Postgresql {
    config: Config,
    /// None where the address asks for none.
    tls: Option<MakeRustlsConnect>,
}

impl Postgresql {
    /// The database of an address such as `postgres://fleet@db.bank.example/fleet`.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn new(address: &str) -> Result<Self, StoreError> {
        let (address, protection) = address::read(address)?;
        // The text is not repeated: there may be a password in it.
        let mut config: Config = address.parse().map_err(|error: postgres::Error| {
            StoreError::Unavailable(format!("the address of the database cannot be read: {error}"))
        })?;
        config.connect_timeout(PATIENCE).application_name("codex-fleet-server");
        config.tcp_user_timeout(PATIENCE);
        let tls = match protection {
            Protection::None => {
                config.ssl_mode(postgres::config::SslMode::Disable);
                None
            }
            Protection::Full { authority } => {
                // A server that offers none is an error then.
                config.ssl_mode(postgres::config::SslMode::Require);
                Some(MakeRustlsConnect::new(address::tls(&authority)?))
            }
        };
        Ok(Self { config, tls })
    }

    fn connect(&self) -> Result<Client, StoreError> {
        match &self.tls {
            None => self.config.connect(NoTls),
            Some(tls) => self.config.connect(tls.clone()),
        }
        .map_err(failed)
    }

    /// Listens to what is announced, until nobody wants to hear it any more.
    ///
    /// # Errors
    /// When the database is not there, or gone.
    pub(super) fn listen(&self, heard: &mut dyn FnMut() -> Wanted) -> Result<(), StoreError> {
        let mut client = self.connect()?;
        client.batch_execute("LISTEN codex_fleet").map_err(failed)?;
        // What was announced before is not heard: look once.
        while heard() == Wanted::More {
            let next = client.notifications().timeout_iter(SILENCE).next().map_err(failed);
            if next?.is_none() {
                // Silent for long, or lost: a question tells.
                client.batch_execute("SELECT 1").map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Whether somebody wants to hear more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Somebody does.
    More,
    /// Nobody does.
    Nothing,
}

struct Open {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl Opener for Postgresql {
    fn open(&self) -> Result<Box<dyn Connection>, StoreError> {
        let mut client = self.connect()?;
        let patience = PATIENCE.as_millis();
        client
            .batch_execute(&format!(
                "SET synchronous_commit = on; SET lock_timeout = {patience}; \
                 SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {};",
                patience * 3,
                patience * 3
            ))
            .map_err(failed)?;
        Ok(Box::new(Open { client, statements: HashMap::new() }))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn failed(error: postgres::Error) -> StoreError {
    let because = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    match error.code() {
        // Lock not to be had in time.
        Some(code) if code.code() == "55P03" => StoreError::Busy,
        // Shutting down, starting up, too many connections.
        Some(code) if code.code().starts_with("57") || code.code().starts_with("53300") => {
            StoreError::Unavailable(because)
        }
        Some(_) => StoreError::Refused(because),
        None => StoreError::Unavailable(because),
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) => value.to_sql_checked(kind, out),
            Self::Text(value) => value.to_sql_checked(kind, out),
            Self::Bytes(value) => value.to_sql_checked(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn value(row: &postgres::Row, at: usize) -> Result<Value, StoreError> {
    let column = row.columns().get(at).map(|column| column.type_().clone());
    let found = match column {
        Some(Type::INT8) => row.try_get::<_, Option<i64>>(at).map(Value::from),
        Some(Type::INT4) => row.try_get::<_, Option<i32>>(at).map(|one| one.map(i64::from).into()),
        Some(Type::TEXT) => row.try_get::<_, Option<String>>(at).map(Value::from),
        Some(Type::BYTEA) => row
            .try_get::<_, Option<Vec<u8>>>(at)
            .map(|bytes| bytes.map_or(Value::Null, Value::Bytes)),
        other => return Err(StoreError::Damaged(format!("column {at} is of type {other:?}"))),
    };
    found.map_err(|error| StoreError::Damaged(error.to_string()))
}

impl Open {
    fn prepared(&mut self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).map_err(failed)?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn borrowed(arguments: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    arguments.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl Transaction for Open {
    fn execute(&mut self, sql: &str, arguments: &[Value]) -> Result<u64, StoreError> {
        let statement = self.prepared(sql)?;
        self.client.execute(&statement, &borrowed(arguments)).map_err(failed)
    }

    fn query(&mut self, sql: &str, arguments: &[Value]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql)?;
        let rows = self.client.query(&statement, &borrowed(arguments)).map_err(failed)?;
        let row = |row: &postgres::Row| {
            (0..row.len()).map(|at| value(row, at)).collect::<Result<_, _>>().map(Row)
        };
        rows.iter().map(row).collect()
    }

    fn announce(&mut self) -> Result<(), StoreError> {
        // Several in one transaction arrive as one.
        self.client.batch_execute("NOTIFY codex_fleet").map_err(failed)
    }
}

impl Connection for Open {
    fn begin(&mut self, access: Access) -> Result<(), StoreError> {
        let sql = match access {
            Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
            Access::Write => format!("BEGIN; SELECT pg_advisory_xact_lock({WRITERS})"),
            Access::Tidy => format!(
                "BEGIN; SET LOCAL synchronous_commit = off; SELECT pg_advisory_xact_lock({WRITERS})"
            ),
        };
        self.client.batch_execute(&sql).map_err(failed)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.client.batch_execute("COMMIT").map_err(failed)
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        self.client.batch_execute("ROLLBACK").map_err(failed)
    }
}
