//! What administrators see and do.

use std::collections::BTreeSet;

use codex_fleet::identity::DeviceId;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{Call, page, parsed};
use crate::error::ServeError;
use crate::http::answer::{Answer, Refusal, bytes_of, json as answer_json};
use crate::issue::{self, Wanted};
use crate::store::head::{self, Deed};
use crate::store::tokens::Scope;
use crate::store::{devices as machines, releases as published, status, tokens as secrets};
use crate::world::now;

#[expect(clippy::unnecessary_wraps, reason = "what all of these functions end with")]
fn ok<T: serde::Serialize>(value: &T) -> Result<Answer, Refusal> {
    Ok(answer_json(StatusCode::OK, value))
}

fn deed(call: &Call, action: &'static str, subject: &str) -> Deed {
    Deed {
        at: now(),
        actor: call.caller.actor(),
        action,
        subject: subject.to_owned(),
        detail: String::new(),
    }
}

pub(super) async fn releases(call: &Call) -> Result<Answer, Refusal> {
    let (_, limit) = page(call)?;
    let list = call.fleet.store.read(move |tx| published::list(tx, limit)).await?;
    let snapshot = call.fleet.snapshot();
    let cohorts: Vec<_> = snapshot
        .tree
        .assignments
        .iter()
        .map(|one| {
            let label = &one.label;
            let left_out = snapshot.tree.cohorts.get(&label.cohort).map(|given| match given {
                Ok(given) => json!({ "rule_files_left_out": given.left_out }),
                Err(why) => json!({ "not_given": why }),
            });
            json!({
                "cohort": label.cohort,
                "generation": label.generation,
                "digest": one.digest,
                "signed_by": one.role,
                "to_codex": left_out,
            })
        })
        .collect();
    ok(&json!({ "in_force": snapshot.tree.version, "cohorts": cohorts, "releases": list }))
}

pub(super) async fn staged(call: &Call) -> Result<Answer, Refusal> {
    let list = call.fleet.store.read(|tx| published::staged(tx)).await?;
    ok(&json!({ "staged": list }))
}

pub(super) async fn unstage(call: &Call) -> Result<Answer, Refusal> {
    let deed = deed(call, "staged forgotten", "");
    let count = call
        .fleet
        .store
        .write(move |tx| {
            let count = published::unstage(tx)?;
            let deed = Deed { detail: format!("{count} files"), ..deed.clone() };
            head::log(tx, &deed)?;
            Ok(count)
        })
        .await?;
    ok(&json!({ "forgotten": count }))
}

pub(super) async fn devices(call: &Call) -> Result<Answer, Refusal> {
    let (after, limit) = page(call)?;
    let list = call.fleet.store.read_settled(move |tx| machines::list(tx, &after, limit)).await?;
    ok(&json!({ "devices": list }))
}

fn device_id(call: &Call) -> Result<DeviceId, Refusal> {
    DeviceId::try_from(call.parameter.clone())
        .map_err(|error| Refusal::not_found(error.to_string()))
}

/// How much of a machine's history is shown.
const HISTORY: i64 = 200;

pub(super) async fn device(call: &Call) -> Result<Answer, Refusal> {
    let id = device_id(call)?;
    let found = call.fleet.store.read_settled(move |tx| {
        let device = machines::find(tx, id.as_str())?;
        Ok((device, status::history(tx, id.as_str(), HISTORY)?))
    });
    let (device, history) = found.await?;
    let device = device.ok_or_else(|| Refusal::not_found("no such machine was enrolled"))?;
    ok(&json!({ "device": device, "history": history }))
}

pub(super) async fn revoke_device(call: &Call) -> Result<Answer, Refusal> {
    let id = device_id(call)?;
    let deed = deed(call, "device revoked", id.as_str());
    let revoked = call.fleet.store.write(move |tx| {
        let revoked = machines::revoke(tx, &id, deed.at)?;
        if revoked {
            head::log(tx, &deed)?;
        }
        Ok(revoked)
    });
    if !revoked.await? {
        return Err(Refusal::not_found("no such machine is enrolled"));
    }
    call.fleet.load().await?;
    ok(&json!({ "revoked": call.parameter }))
}

pub(super) async fn counters(call: &Call) -> Result<Answer, Refusal> {
    let cells = call.fleet.store.read_settled(|tx| status::counters(tx)).await?;
    let cells: Vec<_> = cells
        .into_iter()
        .map(|(cell, devices)| {
            json!({
                "cohort": cell.cohort,
                "generation": cell.generation,
                "state": cell.state,
                "devices": devices,
            })
        })
        .collect();
    ok(&json!({ "counters": cells }))
}

pub(super) async fn tokens(call: &Call) -> Result<Answer, Refusal> {
    let list = call.fleet.store.read(|tx| {
        let accesses: Vec<_> = secrets::accesses(tx)?.into_values().collect();
        Ok((secrets::enrolments(tx)?, accesses))
    });
    let (enrolment, access) = list.await?;
    ok(&json!({ "enrolment": enrolment, "access": access }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    team: Option<String>,
    environment: Option<String>,
    #[serde(default)]
    groups: BTreeSet<String>,
    #[serde(default)]
    hosts: BTreeSet<String>,
    valid_seconds: u32,
    #[serde(default = "once")]
    uses: u32,
}

fn once() -> u32 {
    1
}

pub(super) async fn create_token(call: &Call, body: &[u8]) -> Result<Answer, Refusal> {
    let asked: NewToken = parsed(body)?;
    let wrong =
        |sentence: String| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "limits", sentence);
    let NewToken { team, environment, groups, hosts, valid_seconds, uses } = asked;
    let scope = Scope { team, environment, groups, hosts };
    issue::check_scope(&scope).map_err(wrong)?;
    if valid_seconds == 0 || uses == 0 {
        return Err(wrong("`valid_seconds` and `uses` must be at least 1".to_owned()));
    }
    let wanted = Wanted { scope, seconds: valid_seconds, uses };
    let made = issue::enrolment(&call.fleet.store, wanted, &call.caller.actor()).await;
    let (token, secret) = made.map_err(|error| match error {
        ServeError::Store(error) => error.into(),
        other => {
            tracing::error!(%other, "no token could be made");
            Refusal::unavailable("internal", "no token can be made now")
        }
    })?;
    let answer = json!({ "id": token.id, "token": secret.text(), "expires": token.expires });
    Ok(answer_json(StatusCode::CREATED, &answer))
}

pub(super) async fn revoke_token(call: &Call) -> Result<Answer, Refusal> {
    let deed = deed(call, "token revoked", &call.parameter);
    let id = call.parameter.clone();
    let revoked = call.fleet.store.write(move |tx| {
        let revoked = secrets::revoke(tx, &id, deed.at)?;
        if revoked {
            head::log(tx, &deed)?;
        }
        Ok(revoked)
    });
    if !revoked.await? {
        return Err(Refusal::not_found("no token of this number is in use"));
    }
    call.fleet.load().await?;
    ok(&json!({ "revoked": call.parameter }))
}

pub(super) async fn audit(call: &Call) -> Result<Answer, Refusal> {
    let (after, limit) = page(call)?;
    let after: i64 = if after.is_empty() { Ok(0) } else { after.parse() }
        .map_err(|_| Refusal::malformed("`after` must be the number of an entry"))?;
    let read =
        call.fleet.store.read(move |tx| Ok((head::entries(tx, after, limit)?, head::end(tx)?)));
    let (entries, (last, hash)) = read.await?;
    ok(&json!({ "entries": entries, "last": last, "hash": hash }))
}

pub(super) fn metrics(call: &Call) -> Answer {
    let text = call.fleet.metrics.text(call.fleet.standing());
    bytes_of(StatusCode::OK, "text/plain; version=0.0.4", text)
}

pub(super) fn health() -> Answer {
    answer_json(StatusCode::OK, &json!({ "alive": true }))
}

pub(super) fn ready(call: &Call) -> Result<Answer, Refusal> {
    let trouble = call.fleet.trouble();
    let snapshot = call.fleet.snapshot();
    if trouble.is_empty() {
        let (release, revision) = (snapshot.tree.version, snapshot.head.revision);
        return ok(&json!({ "ready": true, "release": release, "revision": revision }));
    }
    Err(Refusal::unavailable("not_ready", trouble.join("; ")))
}
