//! Files of releases: staged, then part of one for good.

use std::collections::{BTreeMap, BTreeSet};

use codex_trust::provider::{hex, sha256};
use jiff::Timestamp;
use serde::Serialize;

use super::head::{self, Head};
use super::sql::{Row, StoreError, Transaction, one};
use super::tokens::{json, parsed};

/// What approvals of loosenings are named. Signatures are added to them, so they alone may change.
pub const APPROVALS: &str = "targets/approvals/";

/// The most bytes that may be staged and not released.
pub const MAX_STAGED: i64 = 512_000_000;

/// What became of a file that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staged {
    /// It is kept.
    Kept,
    /// It was there already.
    Same,
    /// Another one of this name was released.
    Different,
    /// There is too much that was staged and never released.
    Full,
}

/// Keeps a file until a release names it.
///
/// # Errors
/// When the database refuses.
pub fn stage(
    transaction: &mut dyn Transaction,
    path: &str,
    bytes: &[u8],
    actor: &str,
    now: Timestamp,
) -> Result<Staged, StoreError> {
    let digest = hex(&sha256(bytes));
    let there =
        one(transaction, "SELECT sha256, release FROM files WHERE path = $1", &[path.into()])?;
    let is_approval = path.starts_with(APPROVALS);
    if let Some(there) = there {
        if there.text(0)? == digest {
            return Ok(Staged::Same);
        }
        // What nobody was told of may still change: the commit verifies what is there then.
        if there.maybe_int(1)?.is_some() && !is_approval {
            return Ok(Staged::Different);
        }
    }
    let sql = "SELECT CAST(COALESCE(SUM(LENGTH(bytes)), 0) AS BIGINT) FROM files
         WHERE release IS NULL";
    let waiting = one(transaction, sql, &[])?.map_or(Ok(0), |row| row.int(0))?;
    let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    if waiting.saturating_add(length) > MAX_STAGED {
        return Ok(Staged::Full);
    }
    transaction.execute(
        "INSERT INTO files (path, sha256, bytes, staged, actor) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256, bytes = excluded.bytes,
         staged = excluded.staged, actor = excluded.actor",
        &[path.into(), digest.into(), bytes.into(), now.as_millisecond().into(), actor.into()],
    )?;
    // An approval may be for a bundle that is released already: endpoints wait for it.
    if is_approval {
        head::revised(transaction)?;
    }
    Ok(Staged::Kept)
}

/// A file, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its path in the release.
    pub path: String,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// When it was handed in, in milliseconds since 1970.
    pub staged: i64,
    /// By whom.
    pub actor: String,
}

/// What was handed in and is in no release.
///
/// # Errors
/// When the database refuses.
pub fn staged(transaction: &mut dyn Transaction) -> Result<Vec<Listed>, StoreError> {
    let sql = "SELECT path, sha256, staged, actor FROM files WHERE release IS NULL ORDER BY path";
    let listed = |row: &Row| {
        Ok(Listed {
            path: row.text(0)?,
            sha256: row.text(1)?,
            staged: row.int(2)?,
            actor: row.text(3)?,
        })
    };
    transaction.query(sql, &[])?.iter().map(listed).collect()
}

/// Forgets what was handed in and is in no release, approvals apart. Tells how much that was.
///
/// # Errors
/// When the database refuses.
pub fn unstage(transaction: &mut dyn Transaction) -> Result<u64, StoreError> {
    let sql = "DELETE FROM files WHERE release IS NULL AND path NOT LIKE $1";
    transaction.execute(sql, &[format!("{APPROVALS}%").into()])
}

/// The bytes of a file, staged or released, where there is one.
///
/// # Errors
/// When the database refuses.
pub fn file(transaction: &mut dyn Transaction, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row = one(transaction, "SELECT bytes FROM files WHERE path = $1", &[path.into()])?;
    row.map(|row| row.bytes(0)).transpose()
}

/// Files by their paths.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The files that are staged, with their bytes.
///
/// # Errors
/// When the database refuses.
pub fn staged_files(transaction: &mut dyn Transaction) -> Result<Files, StoreError> {
    let sql = "SELECT path, bytes FROM files WHERE release IS NULL";
    let file = |row: &Row| Ok((row.text(0)?, row.bytes(1)?));
    transaction.query(sql, &[])?.iter().map(file).collect()
}

/// A release that was verified, and what it consists of.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The version of its timestamp.
    pub version: u64,
    /// The timestamp.
    pub timestamp: Vec<u8>,
    /// The digests of all other files, hexadecimal, by their paths.
    pub files: BTreeMap<String, String>,
}

/// Why a release that was verified is not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Somebody else published since.
    #[error(
        "another release was published meanwhile, with version {0} of the timestamp: make the next \
         one from it"
    )]
    Overtaken(u64),
    /// A file is not there any more.
    #[error("`{0}` is not staged any more: hand it in again")]
    Gone(String),
}

/// Makes a release the one in force, if the one that it was held against still is. This is the
/// only place that does, and it compares and writes in one transaction: no version of a timestamp
/// ever has two contents, whoever asks for it through whichever server.
///
/// # Errors
/// When the database refuses.
pub fn publish(
    transaction: &mut dyn Transaction,
    candidate: &Candidate,
    before: u64,
    actor: &str,
    now: Timestamp,
) -> Result<Result<Head, Conflict>, StoreError> {
    let Candidate { version, timestamp, files } = candidate;
    let current = head::head(transaction)?.release;
    if current != before || *version <= current {
        return Ok(Err(Conflict::Overtaken(current)));
    }
    for (path, digest) in files {
        let sql = "SELECT sha256 FROM files WHERE path = $1";
        let there = one(transaction, sql, &[path.as_str().into()])?;
        if there.map(|row| row.text(0)).transpose()?.as_ref() != Some(digest) {
            return Ok(Err(Conflict::Gone(path.clone())));
        }
    }
    let number = i64::try_from(*version).unwrap_or(i64::MAX);
    for path in files.keys() {
        let sql = "UPDATE files SET release = $1 WHERE path = $2 AND release IS NULL";
        transaction.execute(sql, &[number.into(), path.as_str().into()])?;
    }
    let paths: BTreeSet<&String> = files.keys().collect();
    transaction.execute(
        "INSERT INTO releases (version, timestamp, sha256, files, published, actor)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            number.into(),
            timestamp.as_slice().into(),
            hex(&sha256(timestamp)).into(),
            json(&paths)?.into(),
            now.as_millisecond().into(),
            actor.into(),
        ],
    )?;
    let sql = "UPDATE head SET release = $1 WHERE id = 1";
    transaction.execute(sql, &[number.into()])?;
    head::revised(transaction)?;
    head::head(transaction).map(Ok)
}

/// A release, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Published {
    /// The version of its timestamp.
    pub version: u64,
    /// The SHA-256 of its timestamp, hexadecimal.
    pub sha256: String,
    /// When it was published, in milliseconds since 1970.
    pub published: i64,
    /// By whom.
    pub actor: String,
}

/// The last releases, the newest first.
///
/// # Errors
/// When the database refuses.
pub fn list(transaction: &mut dyn Transaction, most: i64) -> Result<Vec<Published>, StoreError> {
    let sql = "SELECT version, sha256, published, actor FROM releases
         ORDER BY version DESC LIMIT $1";
    let published = |row: &Row| {
        Ok(Published {
            version: row.count(0)?,
            sha256: row.text(1)?,
            published: row.int(2)?,
            actor: row.text(3)?,
        })
    };
    transaction.query(sql, &[most.into()])?.iter().map(published).collect()
}

/// What servers keep in memory of releases.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The newest timestamp with its version.
    pub timestamp: Option<(u64, Vec<u8>)>,
    /// The digests of all files to be served, hexadecimal, by their paths.
    pub files: BTreeMap<String, String>,
    /// The bytes of those that were not known.
    pub fresh: Files,
}

/// Loads what is to be served: the files of the last releases, since endpoints may be in the
/// middle of one, and all approvals. `known` are paths and digests that are in memory already.
///
/// # Errors
/// When the database refuses, or lacks a file.
pub fn load(
    transaction: &mut dyn Transaction,
    releases: i64,
    known: &BTreeMap<String, String>,
) -> Result<Loaded, StoreError> {
    let sql = "SELECT version, timestamp, files FROM releases ORDER BY version DESC LIMIT $1";
    let rows = transaction.query(sql, &[releases.into()])?;
    let mut loaded = Loaded::default();
    let mut paths = BTreeSet::new();
    for row in &rows {
        if loaded.timestamp.is_none() {
            loaded.timestamp = Some((row.count(0)?, row.bytes(1)?));
        }
        let files: BTreeSet<String> = parsed(&row.text(2)?)?;
        paths.extend(files);
    }
    let approvals = "SELECT path FROM files WHERE path LIKE $1";
    for row in transaction.query(approvals, &[format!("{APPROVALS}%").into()])? {
        paths.insert(row.text(0)?);
    }
    for path in paths {
        let missing = || StoreError::Damaged(format!("`{path}` of a release is missing"));
        let sql = "SELECT sha256 FROM files WHERE path = $1";
        let digest = one(transaction, sql, &[path.as_str().into()])?.ok_or_else(missing)?;
        let digest = digest.text(0)?;
        if known.get(&path) != Some(&digest) {
            let sql = "SELECT bytes FROM files WHERE path = $1";
            let row = one(transaction, sql, &[path.as_str().into()])?.ok_or_else(missing)?;
            loaded.fresh.insert(path.clone(), row.bytes(0)?);
        }
        loaded.files.insert(path, digest);
    }
    Ok(loaded)
}
