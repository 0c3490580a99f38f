//! The release as it is served: every file in memory, with its digest and its packed form, shared
//! by all requests.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use codex_trust::organisation::Organisation;
use codex_trust::provider::{hex, sha256};
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::HeaderValue;

use crate::release::{Assignment, ByCohort, Release, TIMESTAMP};
use crate::store::releases::APPROVALS;

/// How long a file may be kept by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// For good: its name carries its version or its digest.
    Forever,
    /// Only with asking every time.
    Ask,
}

/// A file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its bytes.
    pub plain: Bytes,
    /// Its bytes packed, where that saves something.
    pub gzip: Option<Bytes>,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// The tag of the bytes as they are.
    pub tag: HeaderValue,
    /// The tag of the packed bytes.
    pub gzip_tag: HeaderValue,
    /// How long it may be kept.
    pub keep: Keep,
}

/// The release in force and the files of those before it.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, Arc<Entry>>,
    /// The version of the timestamp; 0 before the first release.
    pub version: u64,
    /// The digest of the timestamp, `sha256:…`; none before the first release.
    pub timestamp: Option<String>,
    /// What Codex gets.
    pub cohorts: ByCohort,
    /// Which machines the bundles are for.
    pub assignments: Vec<Assignment>,
    /// What the organisation says; none before the first release.
    pub organisation: Option<Arc<Organisation>>,
}

impl Tree {
    /// A file of the release.
    pub fn file(&self, name: &str) -> Option<&Arc<Entry>> {
        self.files.get(name)
    }

    /// The digests of all files, hexadecimal, by their paths.
    pub fn digests(&self) -> BTreeMap<String, String> {
        self.files.iter().map(|(name, entry)| (name.clone(), entry.sha256.clone())).collect()
    }

    /// Files by their paths, as verification wants them.
    pub fn bytes(&self) -> impl Iterator<Item = (&String, &Bytes)> {
        self.files.iter().map(|(name, entry)| (name, &entry.plain))
    }

    /// The next tree: a release that was verified, and the files to be served. Those that this one
    /// has already are taken from it.
    #[must_use]
    pub fn next(
        &self,
        release: Release,
        timestamp: &[u8],
        files: &BTreeMap<String, String>,
        fresh: &BTreeMap<String, Vec<u8>>,
    ) -> Self {
        let mut entries = BTreeMap::new();
        for (name, digest) in files {
            let known = self.files.get(name).filter(|entry| entry.sha256 == *digest);
            let entry = match (known, fresh.get(name)) {
                (Some(entry), _) => Arc::clone(entry),
                (None, Some(bytes)) => Arc::new(entry(name, bytes)),
                (None, None) => continue,
            };
            entries.insert(name.clone(), entry);
        }
        let commit = entry(TIMESTAMP, timestamp);
        let digest = format!("sha256:{}", commit.sha256);
        entries.insert(TIMESTAMP.to_owned(), Arc::new(commit));
        let Release { version, files: _, cohorts, assignments, organisation } = release;
        let organisation = Some(Arc::new(organisation));
        Self {
            files: entries,
            version,
            timestamp: Some(digest),
            cohorts,
            assignments,
            organisation,
        }
    }
}

fn entry(name: &str, bytes: &[u8]) -> Entry {
    let sha256 = hex(&sha256(bytes));
    let tag = |text: String| {
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
    };
    let keep =
        if name == TIMESTAMP || name.starts_with(APPROVALS) { Keep::Ask } else { Keep::Forever };
    Entry {
        plain: Bytes::copy_from_slice(bytes),
        gzip: packed(bytes),
        tag: tag(format!("\"{sha256}\"")),
        gzip_tag: tag(format!("\"{sha256}-gz\"")),
        sha256,
        keep,
    }
}

/// The bytes packed, where that saves a tenth at least.
fn packed(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() < bytes.len() / 10 * 9).then(|| packed.into())
}
