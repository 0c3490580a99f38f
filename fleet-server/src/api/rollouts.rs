//! Rollouts, reports and requests over the API, and the door to the dashboard.

use std::sync::Arc;

use codex_fleet::request::{Filed, Request};
use codex_fleet::rollout::{Ask, List, Start};
use hyper::StatusCode;
use hyper::header;
use serde_json::json;

use super::{Call, Caller, parsed, query};
use crate::dashboard::{self, Asked, unable};
use crate::exceptions::ExceptionFile;
use crate::http::answer::{Answer, Refusal, bytes_of, json as answer_json};
use crate::release::assigned;
use crate::rolling::{self, Kept, status_of};
use crate::rollout::Rollout;
use crate::store::head::{self, Deed};
use crate::store::rollouts as kept;
use crate::world::now;

fn wrong(message: impl std::fmt::Display) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "limits", format!("{message}"))
}

async fn told(call: &Call, status: StatusCode, rollout: &Rollout) -> Result<Answer, Refusal> {
    Ok(answer_json(status, &status_of(&call.fleet, rollout).await?))
}

pub(super) async fn list(call: &Call) -> Result<Answer, Refusal> {
    let mut found = Vec::new();
    for rollout in call.fleet.board.last().values() {
        found.push(status_of(&call.fleet, rollout).await?);
    }
    Ok(answer_json(StatusCode::OK, &List { rollouts: found }))
}

pub(super) async fn show(call: &Call) -> Result<Answer, Refusal> {
    let last = call.fleet.board.last();
    let missing = || Refusal::not_found("this cohort has no rollout");
    told(call, StatusCode::OK, last.get(&call.parameter).ok_or_else(missing)?).await
}

pub(super) async fn start(call: &Call, body: &[u8]) -> Result<Answer, Refusal> {
    let request: Start = parsed(body)?;
    request.check().map_err(wrong)?;
    let started = rolling::start(&call.fleet, request, &call.caller.actor()).await;
    told(call, StatusCode::CREATED, &started.map_err(unable)?).await
}

pub(super) async fn act(call: &Call, body: &[u8]) -> Result<Answer, Refusal> {
    let mut ask: Ask = parsed(body)?;
    if ask.cohort.is_empty() {
        ask.cohort.clone_from(&call.parameter);
    }
    ask.check().map_err(wrong)?;
    if ask.cohort != call.parameter {
        return Err(wrong("the cohort of the body is another one than that of the path"));
    }
    let acted = rolling::act(&call.fleet, ask, &call.caller.actor()).await;
    told(call, StatusCode::OK, &acted.map_err(unable)?).await
}

pub(super) async fn report(call: &Call) -> Result<Answer, Refusal> {
    let report = rolling::report(&call.fleet, Kept::Will).await?;
    Ok(answer_json(StatusCode::OK, &*report))
}

pub(super) async fn endpoints(call: &Call) -> Result<Answer, Refusal> {
    let records = rolling::records(&call.fleet).await?;
    let text = crate::reports::endpoints_csv(&records);
    Ok(bytes_of(StatusCode::OK, "text/csv; charset=utf-8", text))
}

/// Keeps what somebody at a machine asks for.
pub(super) async fn file(call: &Call, body: &[u8]) -> Result<Answer, Refusal> {
    let request: Request = parsed(body)?;
    request.check().map_err(wrong)?;
    let identity = call.caller.device()?.identity.clone();
    let tree = Arc::clone(&call.fleet.snapshot().tree);
    let label = assigned(&tree.assignments, &identity.claims)
        .ok_or_else(|| wrong("no cohort is for this machine: there is nothing to ask of"))?;
    let filed = Filed {
        number: 0,
        device: identity.device.clone(),
        host: identity.claims.host.clone(),
        cohort: label.cohort.clone(),
        at: now(),
        request,
    };
    let actor = call.caller.actor();
    let number = call.fleet.store.write(move |tx| {
        let number = kept::file(tx, &filed)?;
        if let Some(number) = number {
            let deed = Deed {
                at: filed.at,
                actor: actor.clone(),
                action: "request filed",
                subject: format!("request {number}"),
                detail: filed.request.wants.line(),
            };
            head::log(tx, &deed)?;
        }
        Ok(number)
    });
    let too_many = || {
        let sentence = "this machine has asked for too much that nobody has decided yet";
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too_many", sentence)
    };
    let number = number.await?.ok_or_else(too_many)?;
    Ok(answer_json(StatusCode::CREATED, &json!({ "number": number })))
}

/// The newest requests, or with `?number=N` that one with the exception file that it asks for.
pub(super) async fn requests(call: &Call) -> Result<Answer, Refusal> {
    if let Some(number) = query(call, "number") {
        let wrong = |_| Refusal::malformed("`number` must be the number of a request");
        let number: u64 = number.parse().map_err(wrong)?;
        let found = call.fleet.store.read(move |tx| kept::request(tx, number)).await?;
        let missing = || Refusal::not_found("there is no such request");
        let (filed, outcome) = found.ok_or_else(missing)?;
        // Who fetches the file answers for the exception, until the file says somebody else.
        let owner = match &call.caller {
            Caller::Admin(name) => name.clone(),
            other => other.actor(),
        };
        let file = dashboard::file_of(&call.fleet, &filed, &owner);
        let (file, why) = match file {
            Ok(ExceptionFile { path, text }) => {
                (json!({ "path": path, "text": text }), json!(null))
            }
            Err(why) => (json!(null), json!(why)),
        };
        let body = json!({ "outcome": outcome, "filed": filed, "file": file, "no_file": why });
        return Ok(answer_json(StatusCode::OK, &body));
    }
    let found = call.fleet.store.read(|tx| kept::requests(tx, 1_000)).await?;
    let shown: Vec<_> = found
        .iter()
        .map(|(filed, outcome)| json!({ "outcome": outcome, "filed": filed }))
        .collect();
    Ok(answer_json(StatusCode::OK, &json!({ "requests": shown })))
}

fn asked(call: &Call) -> Asked<'_> {
    let text = |name| call.request.headers.get(name).and_then(|value| value.to_str().ok());
    Asked {
        path: call.request.uri.path(),
        query: call.request.uri.query().unwrap_or_default(),
        cookie: text(header::COOKIE).unwrap_or_default(),
    }
}

pub(super) async fn page(call: &Call) -> Result<Answer, Refusal> {
    dashboard::show(&call.fleet, asked(call)).await
}

pub(super) async fn form(call: &Call, body: &[u8]) -> Result<Answer, Refusal> {
    dashboard::take(&call.fleet, asked(call), body).await
}
