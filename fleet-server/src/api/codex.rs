//! Codex's own configuration requests, of machines on which there is no agent.
//!
//! Codex takes an empty answer as "no policy", at once, and any error as a reason not to start. So
//! whatever is in doubt here is an error.

use hyper::StatusCode;

use super::Call;
use crate::http::answer::{Answer, Refusal, bytes_of};
use crate::store::tokens::{self, Grant, Rules};
use crate::world::now;

/// The fragments of the cohort that the token in the path is for.
pub(super) fn bundle(call: &Call) -> Result<Answer, Refusal> {
    let unknown = || Refusal::not_found("there is no configuration at this path");
    let snapshot = call.fleet.snapshot();
    let access = snapshot.accesses.get(&tokens::hash(&call.parameter)).ok_or_else(unknown)?;
    let Grant::Config { cohort, rules } = &access.grant else { return Err(unknown()) };
    let ended = access.expires.is_some_and(|ends| ends <= now().as_millisecond());
    if ended || access.revoked.is_some() {
        return Err(unknown());
    }
    let none = |why: &str| {
        tracing::warn!(cohort, why, "a Codex gets no configuration");
        Refusal::unavailable("no_policy", format!("there is no policy for this machine: {why}"))
    };
    if snapshot.tree.version == 0 {
        return Err(none("nothing was released yet"));
    }
    let found = snapshot.tree.cohorts.get(cohort);
    let found = found.ok_or_else(|| none("the release has no such cohort"))?;
    let found = found.as_ref().map_err(|why| none(why))?;
    if *rules == Rules::Needed && !found.left_out.is_empty() {
        return Err(none("it has rule files, which Codex takes from no server"));
    }
    Ok(bytes_of(StatusCode::OK, "application/json", found.body.clone()))
}
