//! What machines do: enrol, renew, check in.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use codex_fleet::check_in::{self, CheckIn, Freshness};
use codex_fleet::enrolment::{self, Renewal, TOKEN_PREFIX};
use codex_fleet::identity::{self, DeviceId, Identity};
use codex_trust::audience::Claims;
use hyper::StatusCode;

use super::{Call, parsed};
use crate::authority::Authority;
use crate::http::answer::{Answer, Refusal, json};
use crate::release::assigned;
use crate::store::devices::{self, Seen};
use crate::store::head::{self, Deed};
use crate::store::journal::Entry;
use crate::store::{status, tokens};
use crate::world::{now, random};

fn wrong(error: &'static str, message: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error, message.to_string())
}

fn no_dice<T>(error: T) -> Refusal
where
    T: std::fmt::Display,
{
    tracing::error!(%error, "no certificate could be made");
    Refusal::unavailable("internal", "no certificate can be made now")
}

/// Enrols a machine. Everything that can be wrong with the request is found before its token is
/// spent; token and machine are written in one transaction.
pub(super) async fn enrol(call: &Call, body: &[u8]) -> Result<Answer, Refusal> {
    let asked: enrolment::Request = parsed(body)?;
    let fleet = &call.fleet;
    if !asked.token.starts_with(TOKEN_PREFIX) {
        let sentence = tokens::NotSpent::Unknown.to_string();
        return Err(Refusal::new(StatusCode::FORBIDDEN, "token_unknown", sentence));
    }
    Authority::check_request(&asked.signing_request)
        .map_err(|error| wrong("signing_request", &error))?;
    let identity = Identity {
        device: DeviceId::from_random(random().map_err(no_dice)?),
        claims: Claims {
            organisation: fleet.config.organisation.clone(),
            team: None,
            environment: None,
            groups: BTreeSet::new(),
            os: asked.os,
            host: asked.host,
        },
    };
    identity::check(&identity.claims).map_err(|error| wrong("claims", &error))?;
    let (hash, now) = (tokens::hash(&asked.token), now());
    let spent = fleet
        .store
        .write(move |tx| {
            let token = match tokens::spend(tx, &hash, &identity.claims.host, now)? {
                Ok(token) => token,
                Err(problem) => return Ok(Err(problem)),
            };
            let mut identity = identity.clone();
            let tokens::Scope { team, environment, groups, hosts: _ } = token.scope;
            (identity.claims.team, identity.claims.environment) = (team, environment);
            identity.claims.groups = groups;
            devices::enrol(tx, &identity, &token.id, now)?;
            let deed = Deed {
                at: now,
                actor: format!("enrolment token {}", token.id),
                action: "device enrolled",
                subject: identity.device.to_string(),
                detail: identity.claims.host.clone(),
            };
            head::log(tx, &deed)?;
            Ok(Ok(identity))
        })
        .await?;
    let identity = spent.map_err(|problem| {
        Refusal::new(StatusCode::FORBIDDEN, problem.word(), problem.to_string())
    })?;
    tracing::info!(device = %identity.device, "a machine was enrolled");
    certificate(call, &asked.signing_request, &identity)
}

fn certificate(call: &Call, request: &str, identity: &Identity) -> Result<Answer, Refusal> {
    let fleet = &call.fleet;
    let serial = random().map_err(no_dice)?;
    let lifetime = (now(), fleet.config.enrolment.days);
    let certificate =
        fleet.authority().issue(request, identity, serial, lifetime).map_err(no_dice)?;
    let freshness_key = fleet.freshness_public().to_owned();
    Ok(json(StatusCode::OK, &enrolment::Answer { certificate, freshness_key }))
}

/// What came of a renewal.
enum Renewed {
    Done,
    Revoked,
    OtherName,
}

/// Renews a certificate: the same machine with the same claims, the host name apart.
pub(super) async fn renew(call: &Call, body: &[u8]) -> Result<Answer, Refusal> {
    let asked: Renewal = parsed(body)?;
    let old = &call.caller.device()?.identity;
    Authority::check_request(&asked.signing_request)
        .map_err(|error| wrong("signing_request", &error))?;
    let mut renewed = old.clone();
    renewed.claims.host = asked.host;
    identity::check(&renewed.claims).map_err(|error| wrong("claims", &error))?;
    if let Some(claim) = old.moved_to(&renewed) {
        return Err(wrong("moved", &format!("a renewal may not change the {claim}")));
    }
    let (kept, now) = (renewed.clone(), now());
    let done = call.fleet.store.write(move |tx| {
        if !tokens::admits_host(tx, kept.device.as_str(), &kept.claims.host)? {
            return Ok(Renewed::OtherName);
        }
        Ok(if devices::renew(tx, &kept, now)? { Renewed::Done } else { Renewed::Revoked })
    });
    match done.await? {
        Renewed::Done => {}
        Renewed::Revoked => {
            let sentence = "this machine was revoked: enrol it again";
            return Err(Refusal::new(StatusCode::FORBIDDEN, "revoked", sentence));
        }
        Renewed::OtherName => {
            let sentence =
                "the token that enrolled this machine is for other names: enrol it again";
            return Err(Refusal::new(StatusCode::FORBIDDEN, "token_host", sentence));
        }
    }
    certificate(call, &asked.signing_request, &renewed)
}

/// The largest number of a transition or a generation: what the database can hold.
const MAX_NUMBER: u64 = i64::MAX.unsigned_abs();

/// Takes a status. What happened on the machine is durable before the answer says so.
pub(super) async fn check_in(call: &Call, body: &[u8]) -> Result<Answer, Refusal> {
    let fleet = &call.fleet;
    let told: CheckIn = parsed(body)?;
    told.check().map_err(|problem| wrong("limits", &problem))?;
    if told.transitions.iter().any(|one| one.number.max(one.about.generation) > MAX_NUMBER) {
        return Err(wrong("limits", &"a number or a generation is too large"));
    }
    let identity = &call.caller.device()?.identity;
    let now = now();
    let kept = kept(call, identity, &told).await?;
    let snapshot = fleet.snapshot();
    let assigned = assigned(&snapshot.tree.assignments, &identity.claims);
    let unplanned = fleet.config.rollouts.unplanned;
    let hold = assigned.and_then(|label| {
        let planned = || fleet.board.hold(label, identity, told.installed.as_ref(), unplanned);
        fleet.holds.hold(&label.cohort, identity).or_else(planned)
    });
    let text = |value: serde_json::Result<String>| value.map_err(no_dice);
    fleet.saw(
        &identity.device,
        Seen {
            at: now.as_millisecond(),
            codex: text(serde_json::to_string(&told.codex))?,
            installed: told.installed.as_ref().map(serde_json::to_string).map(text).transpose()?,
            agent: told.agent,
        },
    );
    let signed =
        Freshness { nonce: told.nonce, time: now, timestamp: snapshot.tree.timestamp.clone() };
    let signature = signed.sign(fleet.freshness());
    let again = fleet.config.pace.again_seconds;
    let revision = snapshot.head.revision;
    Ok(json(StatusCode::OK, &check_in::Answer { signed, signature, kept, hold, again, revision }))
}

/// The number of the last transition that is durable, after what is new was made so.
async fn kept(call: &Call, identity: &Identity, told: &CheckIn) -> Result<u64, Refusal> {
    let fleet = &call.fleet;
    let device = &identity.device;
    let newest = told.transitions.last().map_or(0, |one| one.number);
    let known = if let Some(known) = fleet.number(device) {
        Some(known)
    } else {
        // What it reported here would be known; what another server has not put in its place yet is
        // sorted out when both are.
        let wanted = device.clone();
        let last = fleet.store.read(move |tx| status::last(tx, wanted.as_str()));
        last.await?.map(|last| last.number)
    };
    let number = match known {
        Some(known) if newest <= known => known,
        Some(known) => {
            let new: Vec<_> =
                told.transitions.iter().filter(|one| one.number > known).cloned().collect();
            fleet.store.report(Entry::new(device, &new, now())?).await?;
            fleet.metrics.transitions.fetch_add(count(&new), Ordering::Relaxed);
            newest
        }
        // A machine of which this database knows from its certificate alone.
        None => {
            let (identity, told, now) = (identity.clone(), told.transitions.clone(), now());
            let count = count(&told);
            let recorded =
                fleet.store.write(move |tx| status::record(tx, &identity, &told, now)).await?;
            fleet.metrics.transitions.fetch_add(count, Ordering::Relaxed);
            recorded
        }
    };
    fleet.keep_number(device, number);
    Ok(number)
}

fn count<T>(all: &[T]) -> u64 {
    u64::try_from(all.len()).unwrap_or(u64::MAX)
}
