//! Tokens: for enrolment, for administrators, and for Codex's own configuration requests.
//!
//! A token is a prefix and 256 random bits. The database has its SHA-256 alone: with so many bits
//! there is nothing to guess, and nothing to slow down.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use codex_fleet::identity::DeviceId;
use codex_schema::host::host_matches;
use codex_trust::provider::{hex, sha256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::head;
use super::sql::{Row, StoreError, Transaction, Value, one};

/// What tokens of administrators begin with.
pub const ADMIN_PREFIX: &str = "ccadmin_";

/// What tokens in the addresses of configuration servers begin with.
pub const CONFIG_PREFIX: &str = "ccconfig_";

/// A token as its holder has it. It is shown once and is in no log: `Debug` hides it.
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl Secret {
    /// The token of random bytes.
    pub fn from_random(prefix: &str, bytes: &[u8; 32]) -> Self {
        Self(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The text, to be shown once.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> String {
        hash(&self.0)
    }
}

/// What is kept of a token.
pub fn hash(token: &str) -> String {
    hex(&sha256(token.as_bytes()))
}

/// The number of a token in lists, which says nothing of the token.
pub fn id_of(bytes: [u8; 6]) -> String {
    hex(&bytes)
}

/// What a machine becomes that is enrolled with a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Its team.
    pub team: Option<String>,
    /// Its environment.
    pub environment: Option<String>,
    /// Its groups.
    pub groups: BTreeSet<String>,
    /// Patterns of which its host name must match one; any name will do where there are none. A
    /// machine says itself what its name is, and a policy may be for some names alone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hosts: BTreeSet<String>,
}

impl Scope {
    /// Whether a machine may have this host name.
    pub fn admits_host(&self, host: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|pattern| host_matches(pattern, host))
    }
}

/// An enrolment token, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnrolmentToken {
    /// Its number.
    pub id: String,
    /// What it makes of machines.
    pub scope: Scope,
    /// When it ends, in milliseconds since 1970.
    pub expires: i64,
    /// How many machines it may enrol.
    pub uses: u64,
    /// How many it has.
    pub used: u64,
    /// When it was made.
    pub created: i64,
    /// When it was revoked.
    pub revoked: Option<i64>,
}

/// Keeps a new enrolment token.
///
/// # Errors
/// When the database refuses.
pub fn create_enrolment(
    transaction: &mut dyn Transaction,
    token: &EnrolmentToken,
    hash: &str,
) -> Result<(), StoreError> {
    let EnrolmentToken { id, scope, expires, uses, used: _, created, revoked: _ } = token;
    transaction.execute(
        "INSERT INTO enrolment_tokens (id, hash, scope, expires, uses, used, created)
         VALUES ($1, $2, $3, $4, $5, 0, $6)",
        &[
            id.as_str().into(),
            hash.into(),
            json(scope)?.into(),
            (*expires).into(),
            i64::try_from(*uses).unwrap_or(i64::MAX).into(),
            (*created).into(),
        ],
    )?;
    Ok(())
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Damaged(error.to_string()))
}

pub(super) fn parsed<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged(error.to_string()))
}

const ENROLMENT: &str = "SELECT id, scope, expires, uses, used, created, revoked
     FROM enrolment_tokens";

fn enrolment(row: &Row) -> Result<EnrolmentToken, StoreError> {
    Ok(EnrolmentToken {
        id: row.text(0)?,
        scope: parsed(&row.text(1)?)?,
        expires: row.int(2)?,
        uses: row.count(3)?,
        used: row.count(4)?,
        created: row.int(5)?,
        revoked: row.maybe_int(6)?,
    })
}

/// All enrolment tokens, the oldest first.
///
/// # Errors
/// When the database refuses.
pub fn enrolments(transaction: &mut dyn Transaction) -> Result<Vec<EnrolmentToken>, StoreError> {
    let sql = format!("{ENROLMENT} ORDER BY created, id");
    transaction.query(&sql, &[])?.iter().map(enrolment).collect()
}

/// Why a token enrols nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSpent {
    /// It was never made here.
    #[error("this enrolment token is not known: ask for a new one")]
    Unknown,
    /// It was revoked.
    #[error("this enrolment token was revoked: ask for a new one")]
    Revoked,
    /// It has ended.
    #[error("this enrolment token has expired: ask for a new one")]
    Expired,
    /// It has enrolled as many as it may.
    #[error("this enrolment token was used as often as it may be: ask for a new one")]
    Used,
    /// It is for machines of other names.
    #[error("this enrolment token is for machines of other names: ask for one that fits")]
    Host,
}

impl NotSpent {
    /// A word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "token_unknown",
            Self::Revoked => "token_revoked",
            Self::Expired => "token_expired",
            Self::Used => "token_used",
            Self::Host => "token_host",
        }
    }
}

/// Whether a machine may have a host name: the token that enrolled it says so for good. Of a machine
/// that was not enrolled with a token of this database nothing is said.
///
/// # Errors
/// When the database refuses.
pub fn admits_host(
    transaction: &mut dyn Transaction,
    device: &str,
    host: &str,
) -> Result<bool, StoreError> {
    let sql = "SELECT t.scope FROM devices d JOIN enrolment_tokens t ON t.id = d.token
         WHERE d.device = $1";
    let Some(row) = one(transaction, sql, &[device.into()])? else { return Ok(true) };
    Ok(parsed::<Scope>(&row.text(0)?)?.admits_host(host))
}

/// Uses an enrolment token once, for a machine of this host name. The transaction it is in must be the one that enrols.
///
/// # Errors
/// When the database refuses.
pub fn spend(
    transaction: &mut dyn Transaction,
    hash: &str,
    host: &str,
    now: Timestamp,
) -> Result<Result<EnrolmentToken, NotSpent>, StoreError> {
    let sql = format!("{ENROLMENT} WHERE hash = $1");
    let Some(row) = one(transaction, &sql, &[hash.into()])? else {
        return Ok(Err(NotSpent::Unknown));
    };
    let token = enrolment(&row)?;
    let problem = if token.revoked.is_some() {
        Some(NotSpent::Revoked)
    } else if token.expires <= now.as_millisecond() {
        Some(NotSpent::Expired)
    } else if token.used >= token.uses {
        Some(NotSpent::Used)
    } else if !token.scope.admits_host(host) {
        Some(NotSpent::Host)
    } else {
        None
    };
    if let Some(problem) = problem {
        return Ok(Err(problem));
    }
    let sql = "UPDATE enrolment_tokens SET used = used + 1 WHERE id = $1";
    transaction.execute(sql, &[token.id.as_str().into()])?;
    Ok(Ok(token))
}

/// Revokes an enrolment or access token by its number. Tells whether there was one.
///
/// # Errors
/// When the database refuses.
pub fn revoke(
    transaction: &mut dyn Transaction,
    id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let arguments = [now.as_millisecond().into(), id.into()];
    let mut found = 0;
    for table in ["enrolment_tokens", "access_tokens"] {
        let sql = format!("UPDATE {table} SET revoked = $1 WHERE id = $2 AND revoked IS NULL");
        found += transaction.execute(&sql, &arguments)?;
    }
    head::changed(transaction)?;
    Ok(found > 0)
}

/// What the holder of a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See.
    Viewer,
    /// See and publish.
    Operator,
    /// Everything, tokens and devices among it.
    Admin,
}

impl Role {
    /// All of them, the weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// What an access token opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// The admin API.
    Admin(Role),
    /// A cohort's configuration, for Codex.
    Config {
        /// The cohort.
        cohort: String,
        /// What becomes of its rule files.
        rules: Rules,
    },
    /// The configuration of the cohort that a machine is in when it is asked for, for its Codex.
    Device {
        /// The machine.
        device: DeviceId,
        /// What becomes of its rule files.
        rules: Rules,
    },
}

/// What becomes of a cohort's rule files where Codex asks for its configuration itself: it has no
/// place for them then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rules {
    /// A bundle with rule files is not given out: it would be looser than what was signed.
    Needed,
    /// Somebody has decided that they may be left out.
    LeftOut,
}

/// An access token, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessToken {
    /// Its number.
    pub id: String,
    /// What it opens.
    pub grant: Grant,
    /// Whose or what for, for people and the log.
    pub name: String,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// When it ends; never where there is none.
    pub expires: Option<i64>,
    /// When it was revoked.
    pub revoked: Option<i64>,
}

/// Keeps a new access token.
///
/// # Errors
/// When the database refuses.
pub fn create_access(
    transaction: &mut dyn Transaction,
    token: &AccessToken,
    hash: &str,
) -> Result<(), StoreError> {
    let AccessToken { id, grant, name, created, expires, revoked: _ } = token;
    let (kind, subject) = match grant {
        Grant::Admin(role) => ("admin", role.word()),
        Grant::Config { cohort, rules: Rules::Needed } => ("config", cohort.as_str()),
        Grant::Config { cohort, rules: Rules::LeftOut } => {
            ("config_without_rules", cohort.as_str())
        }
        Grant::Device { device, rules: Rules::Needed } => ("device", device.as_str()),
        Grant::Device { device, rules: Rules::LeftOut } => {
            ("device_without_rules", device.as_str())
        }
    };
    transaction.execute(
        "INSERT INTO access_tokens (id, hash, kind, subject, name, created, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            id.as_str().into(),
            hash.into(),
            kind.into(),
            subject.into(),
            name.as_str().into(),
            (*created).into(),
            Value::from(*expires),
        ],
    )?;
    head::changed(transaction)
}

/// All access tokens by their hashes.
///
/// # Errors
/// When the database refuses.
pub fn accesses(
    transaction: &mut dyn Transaction,
) -> Result<BTreeMap<String, AccessToken>, StoreError> {
    let sql = "SELECT hash, id, kind, subject, name, created, expires, revoked FROM access_tokens";
    let access = |row: &Row| {
        let (kind, subject) = (row.text(2)?, row.text(3)?);
        let damaged = || StoreError::Damaged(format!("an access token of kind `{kind}`"));
        let grant = match kind.as_str() {
            "admin" => Grant::Admin(Role::of(&subject).ok_or_else(damaged)?),
            "config" => Grant::Config { cohort: subject, rules: Rules::Needed },
            "config_without_rules" => Grant::Config { cohort: subject, rules: Rules::LeftOut },
            "device" | "device_without_rules" => Grant::Device {
                device: DeviceId::try_from(subject).map_err(|_| damaged())?,
                rules: if kind == "device" { Rules::Needed } else { Rules::LeftOut },
            },
            _ => return Err(damaged()),
        };
        let token = AccessToken {
            id: row.text(1)?,
            grant,
            name: row.text(4)?,
            created: row.int(5)?,
            expires: row.maybe_int(6)?,
            revoked: row.maybe_int(7)?,
        };
        Ok((row.text(0)?, token))
    };
    transaction.query(sql, &[])?.iter().map(access).collect()
}
