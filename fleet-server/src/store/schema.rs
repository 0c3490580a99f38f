//! The tables, in steps: a database of any earlier version is brought up to date at the start.

use super::sql::{Access, Connection, StoreError, Transaction, Value, one};

/// The steps. One that was released is never changed; a change is a new one. All times are
/// milliseconds since 1970.
const STEPS: [&[&str]; 5] = [&[
    // Always one row.
    "CREATE TABLE head (id BIGINT PRIMARY KEY, revision BIGINT NOT NULL, changes BIGINT NOT NULL,
     release BIGINT NOT NULL, audit BIGINT NOT NULL, audit_hash TEXT NOT NULL)",
    "INSERT INTO head (id, revision, changes, release, audit, audit_hash)
     VALUES (1, 0, 0, 0, 0, '')",
    // Content never changes; `release` is the first one that it was part of, none while staged.
    "CREATE TABLE files (path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, bytes BYTEA NOT NULL,
     staged BIGINT NOT NULL, actor TEXT NOT NULL, release BIGINT)",
    "CREATE INDEX files_by_release ON files (release)",
    // `files` is a JSON list of paths.
    "CREATE TABLE releases (version BIGINT PRIMARY KEY, timestamp BYTEA NOT NULL,
     sha256 TEXT NOT NULL, files TEXT NOT NULL, published BIGINT NOT NULL, actor TEXT NOT NULL)",
    "CREATE TABLE enrolment_tokens (id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE,
     scope TEXT NOT NULL, expires BIGINT NOT NULL, uses BIGINT NOT NULL, used BIGINT NOT NULL,
     created BIGINT NOT NULL, revoked BIGINT)",
    "CREATE TABLE access_tokens (id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE,
     kind TEXT NOT NULL, subject TEXT NOT NULL, name TEXT NOT NULL, created BIGINT NOT NULL,
     expires BIGINT, revoked BIGINT)",
    "CREATE TABLE devices (device TEXT PRIMARY KEY, claims TEXT NOT NULL, token TEXT NOT NULL,
     enrolled BIGINT NOT NULL, renewed BIGINT, revoked BIGINT, last_number BIGINT NOT NULL,
     cohort TEXT, generation BIGINT, state TEXT, state_at BIGINT, seen BIGINT, agent TEXT,
     codex TEXT, installed TEXT)",
    "CREATE INDEX devices_by_state ON devices (cohort, generation, state)",
    "CREATE TABLE transitions (device TEXT NOT NULL, number BIGINT NOT NULL, at BIGINT NOT NULL,
     received BIGINT NOT NULL, cohort TEXT NOT NULL, generation BIGINT NOT NULL,
     digest TEXT NOT NULL, state TEXT NOT NULL, reasons TEXT NOT NULL,
     PRIMARY KEY (device, number))",
    "CREATE TABLE counters (cohort TEXT NOT NULL, generation BIGINT NOT NULL, state TEXT NOT NULL,
     devices BIGINT NOT NULL, PRIMARY KEY (cohort, generation, state))",
    "CREATE TABLE audit (seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT NULL,
     action TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, previous TEXT NOT NULL,
     hash TEXT NOT NULL)",
], &[
    // The last number of a cohort is the rollout that counts.
    "CREATE TABLE rollouts (cohort TEXT NOT NULL, number BIGINT NOT NULL, document TEXT NOT NULL,
     PRIMARY KEY (cohort, number))",
    "CREATE TABLE requests (number BIGINT PRIMARY KEY, device TEXT NOT NULL,
     outcome TEXT NOT NULL, document TEXT NOT NULL)",
    "CREATE INDEX requests_by_device ON requests (device, outcome)",
], &[
    // Who is signed in to the dashboard, by the hash of the cookie. In no backup: a session that was
    // ended must not come back with one. `attempt` is the login that it was made of, once.
    "CREATE TABLE sessions (hash TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, attempt TEXT UNIQUE,
     holder TEXT NOT NULL, began BIGINT NOT NULL, ends BIGINT NOT NULL)",
    "CREATE INDEX sessions_by_end ON sessions (ends)",
], &[
    // A step of the planner reads these alone, and not the wide rows behind them.
    "DROP INDEX devices_by_state",
    "CREATE INDEX devices_by_state ON devices (cohort, generation, state, device, revoked)",
    "CREATE INDEX devices_by_enrolment ON devices (revoked, enrolled)",
], &[
    // `entries` is lines of JSON, see `journal`.
    "CREATE TABLE journal (seq BIGINT PRIMARY KEY, entries TEXT NOT NULL)",
]];

/// The tables with their columns, as [`super::dump`] writes them; sessions are in no backup.
pub const TABLES: [(&str, &[&str]); 12] = [
    ("head", &["id", "revision", "changes", "release", "audit", "audit_hash"]),
    ("files", &["path", "sha256", "bytes", "staged", "actor", "release"]),
    ("releases", &["version", "timestamp", "sha256", "files", "published", "actor"]),
    ("enrolment_tokens", &["id", "hash", "scope", "expires", "uses", "used", "created", "revoked"]),
    ("access_tokens", &["id", "hash", "kind", "subject", "name", "created", "expires", "revoked"]),
    (
        "devices",
        &[
            "device",
            "claims",
            "token",
            "enrolled",
            "renewed",
            "revoked",
            "last_number",
            "cohort",
            "generation",
            "state",
            "state_at",
            "seen",
            "agent",
            "codex",
            "installed",
        ],
    ),
    (
        "transitions",
        &[
            "device",
            "number",
            "at",
            "received",
            "cohort",
            "generation",
            "digest",
            "state",
            "reasons",
        ],
    ),
    ("counters", &["cohort", "generation", "state", "devices"]),
    ("journal", &["seq", "entries"]),
    ("audit", &["seq", "at", "actor", "action", "subject", "detail", "previous", "hash"]),
    ("rollouts", &["cohort", "number", "document"]),
    ("requests", &["number", "device", "outcome", "document"]),
];

/// The version that the steps lead to.
pub fn known() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Brings the tables up to date.
///
/// # Errors
/// When the database refuses, or is of a later version.
pub(super) fn migrate(connection: &mut dyn Connection) -> Result<(), StoreError> {
    connection.begin(Access::Write)?;
    let done = steps(connection);
    match done {
        Ok(()) => connection.commit(),
        Err(error) => {
            // The first error is the one that matters.
            drop(connection.rollback());
            Err(error)
        }
    }
}

fn steps(connection: &mut dyn Connection) -> Result<(), StoreError> {
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_version (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)",
        &[],
    )?;
    let found = version(connection)?;
    if found > known() {
        return Err(StoreError::Version { found, known: known() });
    }
    for (number, step) in (1..).zip(STEPS) {
        if number > found {
            for sql in step {
                connection.execute(sql, &[])?;
            }
        }
    }
    connection.execute(
        "INSERT INTO schema_version (id, version) VALUES (1, $1)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version",
        &[Value::Int(known())],
    )?;
    Ok(())
}

/// The version of a database; 0 before the first step.
///
/// # Errors
/// When the database refuses.
pub fn version(transaction: &mut dyn Transaction) -> Result<i64, StoreError> {
    let row = one(transaction, "SELECT version FROM schema_version WHERE id = 1", &[])?;
    row.map_or(Ok(0), |row| row.int(0))
}
