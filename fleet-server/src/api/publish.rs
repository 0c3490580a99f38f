//! Handing in a release. Files come first and change nothing; the timestamp comes last, and with it
//! the server verifies all of the release and makes it the one in force, or refuses it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use codex_trust::provider::{digest_name, hex, sha256};
use hyper::StatusCode;
use serde_json::json;

use super::Call;
use crate::fleet::Fleet;
use crate::http::answer::{Answer, Refusal, bytes_of, json as answer_json};
use crate::release::{Files, Release, TIMESTAMP, check_form, follows, name_of, verify};
use crate::store::head::{self, Deed};
use crate::store::releases::{self, Candidate, Staged};
use crate::store::sql::StoreError;
use crate::tree::Tree;
use crate::world::now;

fn name(call: &Call) -> Result<String, Refusal> {
    let sentence = "a release has `metadata/NAME.json` and `targets/…`";
    name_of(&call.parameter).ok_or_else(|| Refusal::not_found(sentence))
}

/// A file that was handed in, released or not.
pub(super) async fn file(call: &Call) -> Result<Answer, Refusal> {
    let name = name(call)?;
    let none = || Refusal::not_found("there is no such file");
    if name == TIMESTAMP {
        let snapshot = call.fleet.snapshot();
        let entry = snapshot.tree.file(TIMESTAMP).ok_or_else(none)?;
        return Ok(bytes_of(StatusCode::OK, "application/octet-stream", entry.plain.clone()));
    }
    let found = call.fleet.store.read(move |tx| releases::file(tx, &name)).await?;
    Ok(bytes_of(StatusCode::OK, "application/octet-stream", found.ok_or_else(none)?))
}

/// Takes a file.
pub(super) async fn put(call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    let name = name(call)?;
    check_form(&name, &body)
        .map_err(|problem| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "form", problem))?;
    if name == TIMESTAMP {
        return publish(call, body).await;
    }
    let (path, actor, at) = (name.clone(), call.caller.actor(), now());
    let staged =
        call.fleet.store.write(move |tx| releases::stage(tx, &path, &body, &actor, at)).await?;
    let sentence = match staged {
        Staged::Kept if name.starts_with(releases::APPROVALS) => {
            // It may be for a bundle that is released already.
            call.fleet.load().await?;
            "kept"
        }
        Staged::Kept => "kept",
        Staged::Same => "it was there already",
        Staged::Different => {
            let sentence = format!("`{name}` was released and says something else");
            return Err(Refusal::new(StatusCode::CONFLICT, "released", sentence));
        }
        Staged::Full => {
            let sentence = "too much was handed in and never released: `DELETE /v1/admin/staged`";
            return Err(Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "staged", sentence));
        }
    };
    Ok(answer_json(StatusCode::OK, &json!({ "name": name, "message": sentence })))
}

async fn publish(call: &Call, timestamp: Bytes) -> Result<Answer, Refusal> {
    let fleet = &call.fleet;
    // Another server may have published since the last poll.
    fleet.load().await?;
    let snapshot = fleet.snapshot();
    let before = snapshot.head.release;
    let digest = digest_name(&timestamp);
    if snapshot.tree.timestamp.as_ref() == Some(&digest) {
        return Ok(done(before, snapshot.head.revision));
    }
    if snapshot.tree.version != before {
        let sentence = "the release in the database does not verify: restore it before publishing";
        return Err(Refusal::unavailable("damaged", sentence));
    }
    let candidate = candidate(fleet, &snapshot.tree, timestamp).await?;
    let version = candidate.version;
    if version <= before {
        let sentence = format!(
            "the timestamp has version {version}, and {before} is in force: make the next release \
             from that one"
        );
        return Err(Refusal::new(StatusCode::CONFLICT, "version", sentence));
    }
    let (actor, at) = (call.caller.actor(), now());
    let published = fleet
        .store
        .write(move |tx| {
            let published = releases::publish(tx, &candidate, before, &actor, at)?;
            if published.is_ok() {
                let deed = Deed {
                    at,
                    actor: actor.clone(),
                    action: "release published",
                    subject: version.to_string(),
                    detail: digest_name(&candidate.timestamp),
                };
                head::log(tx, &deed)?;
            }
            Ok::<_, StoreError>(published)
        })
        .await?;
    let head = published.map_err(|conflict| {
        Refusal::new(StatusCode::CONFLICT, "overtaken", conflict.to_string())
    })?;
    tracing::info!(version, revision = head.revision, "a release was published");
    // It is published, whatever happens here; the poll loads it then.
    if let Err(error) = fleet.load().await {
        tracing::warn!(%error, "the release that was just published could not be loaded yet");
    }
    Ok(done(version, head.revision))
}

fn done(version: u64, revision: u64) -> Answer {
    let answer = json!({
        "name": TIMESTAMP,
        "message": format!("release {version} is in force"),
        "version": version,
        "revision": revision,
    });
    answer_json(StatusCode::OK, &answer)
}

/// What was handed in together with what is there, after it was verified.
async fn candidate(
    fleet: &Arc<Fleet>,
    tree: &Arc<Tree>,
    timestamp: Bytes,
) -> Result<Candidate, Refusal> {
    let staged = fleet.store.read(|tx| releases::staged_files(tx)).await?;
    let (root, organisation) = (fleet.root().to_vec(), fleet.config.organisation.clone());
    let tree = Arc::clone(tree);
    let checked = tokio::task::spawn_blocking(move || {
        let old: Files =
            tree.bytes().map(|(name, bytes)| (name.clone(), Arc::from(bytes.as_ref()))).collect();
        let mut new = old.clone();
        let staged = staged.into_iter().map(|(name, bytes)| (name, Arc::from(bytes)));
        new.extend(staged);
        new.insert(TIMESTAMP.to_owned(), Arc::from(timestamp.as_ref()));
        let (old, new) = (Arc::new(old), Arc::new(new));
        let release = verify(&new, &root, &organisation)?;
        if tree.version > 0 && release.version > tree.version {
            let generations = (tree.assignments.as_slice(), release.assignments.as_slice());
            follows((&old, &new), &root, generations)?;
        }
        Ok::<_, crate::release::ReleaseError>(named(release, &new, &timestamp))
    });
    let checked = checked.await.map_err(|error| {
        tracing::error!(%error, "a release could not be verified");
        Refusal::unavailable("internal", "the release could not be verified")
    })?;
    checked.map_err(|error| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Refusal::new(status, "untrusted", format!("the release is not published: {error}"))
    })
}

fn named(release: Release, files: &Files, timestamp: &[u8]) -> Candidate {
    let digest = |name: String| {
        let digest = files.get(&name).map(|bytes| hex(&sha256(bytes)))?;
        Some((name, digest))
    };
    let files: BTreeMap<String, String> = release.files.into_iter().filter_map(digest).collect();
    Candidate { version: release.version, timestamp: timestamp.to_vec(), files }
}
