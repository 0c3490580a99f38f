//! Codex's own configuration requests, of machines on which there is no agent.
//!
//! Codex takes an empty answer as "no policy", at once, and any error as a reason not to start. So
//! whatever is in doubt here is an error.

use hyper::StatusCode;
use hyper::header;

use super::Call;
use crate::fleet::Snapshot;
use crate::http::answer::{Answer, Refusal, bytes_of};
use crate::oidc::Unable;
use crate::release::assigned;
use crate::store::devices;
use crate::store::tokens::{self, Grant, Rules};
use crate::world::now;

/// The fragments of the cohort that the token in the path is for.
pub(super) async fn bundle(call: &Call) -> Result<Answer, Refusal> {
    let unknown = || Refusal::not_found("there is no configuration at this path");
    let snapshot = call.fleet.snapshot();
    let access = snapshot.accesses.get(&tokens::hash(&call.parameter)).ok_or_else(unknown)?;
    let ended = access.expires.is_some_and(|ends| ends <= now().as_millisecond());
    if ended || access.revoked.is_some() {
        return Err(unknown());
    }
    match &access.grant {
        Grant::Admin(_) => Err(unknown()),
        Grant::Config { cohort, rules } => fragments(&snapshot, cohort, *rules),
        Grant::Device { device, rules } => {
            let id = device.clone();
            let found = call.fleet.store.read(move |tx| devices::find(tx, id.as_str())).await?;
            let found = found.filter(|found| found.revoked.is_none()).ok_or_else(unknown)?;
            // What the machine is now, not what it was when the token was made.
            let label = assigned(&snapshot.tree.assignments, &found.claims);
            let label = label.ok_or_else(|| none("no cohort, or more than one, is for it"))?;
            fragments(&snapshot, &label.cohort, *rules)
        }
    }
}

/// The fragments of the cohort of whoever holds a bearer token of the identity provider.
pub(super) async fn pull(call: &Call) -> Result<Answer, Refusal> {
    let challenged = |error: &Unable| {
        let (status, word) = match error {
            Unable::Off => (StatusCode::NOT_FOUND, "not_found"),
            Unable::Issuer(_) | Unable::Busy => {
                return Refusal::unavailable("identity_provider", error.to_string());
            }
            Unable::Token(_) | Unable::Code(_) => (StatusCode::UNAUTHORIZED, "token_refused"),
            Unable::Cohort(_) => (StatusCode::FORBIDDEN, "cohort"),
        };
        Refusal::new(status, word, error.to_string())
    };
    let oidc = call.fleet.oidc.as_ref().ok_or_else(|| challenged(&Unable::Off))?;
    let value = call.request.headers.get(header::AUTHORIZATION);
    let token = value.and_then(|value| bearer(value.to_str().ok()?)).ok_or_else(|| {
        let sentence = "this needs a token of the identity provider: `Authorization: Bearer …`";
        Refusal::new(StatusCode::UNAUTHORIZED, "token_needed", sentence)
    })?;
    let found = oidc.cohort(token, now()).await;
    let (cohort, rules) = found.map_err(|error| {
        tracing::warn!(%error, "a Codex with a bearer token gets no configuration");
        challenged(&error)
    })?;
    fragments(&call.fleet.snapshot(), &cohort, rules)
}

/// The token of a header; the word before it may be written in any way.
fn bearer(value: &str) -> Option<&str> {
    let (word, token) = value.split_once(' ')?;
    word.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn none(why: &str) -> Refusal {
    tracing::warn!(why, "a Codex gets no configuration");
    Refusal::unavailable("no_policy", format!("there is no policy for this machine: {why}"))
}

/// What a cohort's Codex gets, or why it gets nothing.
fn fragments(snapshot: &Snapshot, cohort: &str, rules: Rules) -> Result<Answer, Refusal> {
    if snapshot.tree.version == 0 {
        return Err(none("nothing was released yet"));
    }
    let found = snapshot.tree.cohorts.get(cohort);
    let found = found.ok_or_else(|| none("the release has no such cohort"))?;
    let found = found.as_ref().map_err(|why| none(why))?;
    if rules == Rules::Needed && !found.left_out.is_empty() {
        return Err(none("it has rule files, which Codex takes from no server"));
    }
    Ok(bytes_of(StatusCode::OK, "application/json", found.body.clone()))
}
