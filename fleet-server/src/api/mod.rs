//! What the routes do. Authentication and limits come first, from the table of routes.
//!
//! Reading order: this file, `distribution` and `codex` (what is given out), `endpoint` and `push`
//! (what machines say and hear), `publish` and `admin` (what administrators do).

mod admin;
mod codex;
mod distribution;
mod endpoint;
mod publish;
mod push;
mod rollouts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::http::request::Parts;
use axum::routing::{MethodFilter, MethodRouter};
use axum::{RequestExt as _, Router};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body as _;
use hyper::header;
use hyper::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use crate::authority::Shown;
use crate::config::ReleaseReaders;
use crate::fleet::Fleet;
use crate::http::answer::{Answer, NO_DATABASE, Refusal};
use crate::http::connection::Peer;
use crate::http::openapi;
use crate::http::route::{Access, Action, ROUTES, Route, Surface};
use crate::store::tokens::{self, Grant, Role};
use crate::world::now;

/// Who asks.
#[derive(Clone, Debug)]
enum Caller {
    /// Nobody that matters.
    Anybody,
    /// A machine.
    Device(Arc<Shown>),
    /// An administrator, by the name of the token.
    Admin(String),
}

impl Caller {
    /// The machine; there is always one behind routes for machines.
    fn device(&self) -> Result<&Shown, Refusal> {
        match self {
            Self::Device(shown) => Ok(shown),
            Self::Anybody | Self::Admin(_) => Err(no_certificate()),
        }
    }

    /// How the audit log names it.
    fn actor(&self) -> String {
        match self {
            Self::Anybody => "anybody".to_owned(),
            Self::Device(shown) => format!("device {}", shown.identity.device),
            Self::Admin(name) => format!("token {name}"),
        }
    }
}

/// A request that may be made.
struct Call {
    fleet: Arc<Fleet>,
    route: &'static Route,
    /// What stands in the place of the path's parameter, as it was sent.
    parameter: String,
    caller: Caller,
    /// All of the request but its body.
    request: Parts,
}

/// What is answered on a surface: the table of routes, for axum to find the way in.
pub fn router(fleet: &Arc<Fleet>, surface: Surface) -> Router {
    let mut paths: BTreeMap<String, MethodRouter> = BTreeMap::new();
    for route in ROUTES.iter().filter(|route| is_offered(route, surface)) {
        let Ok(filter) = MethodFilter::try_from(route.method.clone()) else { continue };
        let fleet = Arc::clone(fleet);
        let handler = move |request: Request| answer(Arc::clone(&fleet), route, request);
        let methods = paths.remove(&route.pattern()).unwrap_or_default();
        paths.insert(route.pattern(), methods.on(filter, handler));
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        // The header `allow` is axum's to set: it knows which methods there are.
        router = router.route(&path, methods.fallback(async || not_this_way()));
    }
    router.fallback(async || Refusal::not_found("there is nothing at this path").answer())
}

/// The way to a file of the release without the router: nearly all that is ever asked for is one, and
/// finding the way there took longer than answering. What is anything else, or may not be answered,
/// goes through the table.
pub fn release_file(fleet: &Fleet, peer: &Peer, request: &Parts) -> Option<Answer> {
    let has_body = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING]
        .iter()
        .any(|name| request.headers.contains_key(name));
    if request.method != Method::GET || has_body {
        return None;
    }
    let began = Instant::now();
    // A name that is written with escapes is not found like this, and goes through the table.
    let name = request.uri.path().strip_prefix("/release/")?;
    let entry = fleet.look(|snapshot| snapshot.tree.file(name).cloned())?;
    reader(fleet, peer, request).ok()?;
    let answer = distribution::given(&entry, &request.headers, fleet.config.release_readers);
    let time = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    fleet.metrics.answered(Action::ReleaseFile, answer.status().as_u16(), time);
    Some(answer)
}

/// Answers a request that found its route.
async fn answer(fleet: Arc<Fleet>, route: &'static Route, mut request: Request) -> Answer {
    let began = Instant::now();
    let metrics = Arc::clone(&fleet);
    let parameter = match request.extract_parts::<RawPathParams>().await {
        Ok(found) => found.iter().next().map_or_else(String::new, |(_, value)| value.to_owned()),
        Err(_) => return Refusal::malformed("the path has an escape that is no text").answer(),
    };
    let (request, body) = request.into_parts();
    let caller = match request.extensions.get::<Arc<Peer>>() {
        Some(peer) => authorised(&fleet, route, peer, &request),
        None => Err(no_certificate()),
    };
    let done = match caller {
        Ok(caller) => act(Call { fleet, route, parameter, caller, request }, body).await,
        Err(refusal) => Err(refusal),
    };
    if done.as_ref().is_err_and(|refusal| refusal.error == NO_DATABASE) {
        metrics.doubt_writes();
    }
    let answer = done.unwrap_or_else(Refusal::answer);
    let time = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    metrics.metrics.answered(route.action, answer.status().as_u16(), time);
    answer
}

fn is_offered(route: &Route, surface: Surface) -> bool {
    match surface {
        Surface::Tls => true,
        Surface::Both => route.surface == Surface::Both,
    }
}

fn not_this_way() -> Answer {
    let sentence = "this path takes other methods: those of the header `allow`";
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", sentence).answer()
}

async fn act(call: Call, body: Body) -> Result<Answer, Refusal> {
    let body = whole(&call, body).await?;
    match call.route.action {
        Action::ReleaseFile => distribution::file(&call),
        Action::Enrol => endpoint::enrol(&call, &body).await,
        Action::Renew => endpoint::renew(&call, &body).await,
        Action::CheckIn => endpoint::check_in(&call, &body).await,
        Action::Push => push::open(call).await,
        Action::Wait => push::wait(&call).await,
        Action::CodexBundle => codex::bundle(&call).await,
        Action::CodexPull => codex::pull(&call).await,
        Action::AdminFile => publish::file(&call).await,
        Action::AdminPut => publish::put(&call, body).await,
        Action::Releases => admin::releases(&call).await,
        Action::Staged => admin::staged(&call).await,
        Action::Unstage => admin::unstage(&call).await,
        Action::Devices => admin::devices(&call).await,
        Action::Device => admin::device(&call).await,
        Action::RevokeDevice => admin::revoke_device(&call).await,
        Action::Counters => admin::counters(&call).await,
        Action::Tokens => admin::tokens(&call).await,
        Action::CreateToken => admin::create_token(&call, &body).await,
        Action::RevokeToken => admin::revoke_token(&call).await,
        Action::Audit => admin::audit(&call).await,
        Action::Rollouts => rollouts::list(&call).await,
        Action::Rollout => rollouts::show(&call).await,
        Action::StartRollout => rollouts::start(&call, &body).await,
        Action::DecideRollout => rollouts::act(&call, &body).await,
        Action::Report => rollouts::report(&call).await,
        Action::EndpointsTable => rollouts::endpoints(&call).await,
        Action::FileRequest => rollouts::file(&call, &body).await,
        Action::Requests => rollouts::requests(&call).await,
        Action::Page => rollouts::page(&call).await,
        Action::Form => rollouts::form(&call, &body).await,
        Action::Metrics => Ok(admin::metrics(&call)),
        Action::Health => Ok(admin::health()),
        Action::Ready => admin::ready(&call),
        Action::OpenApi => Ok(crate::http::answer::json(StatusCode::OK, &openapi::document())),
    }
}

/// Whether a request may be made at all; nothing of its body was read yet.
fn authorised(
    fleet: &Fleet,
    route: &Route,
    peer: &Peer,
    request: &Parts,
) -> Result<Caller, Refusal> {
    let changes = !matches!(*route.method, Method::GET);
    if route.access == Access::Session {
        return if changes { own_page(request) } else { Ok(Caller::Anybody) };
    }
    if changes && request.headers.contains_key(header::ORIGIN) {
        // No page may use a browser's certificate to do something in its owner's name.
        let sentence = "requests from web pages are not taken";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "origin", sentence));
    }
    match route.access {
        // Whose token it is takes time to find out: the action does so.
        Access::Anybody | Access::Bearer => Ok(Caller::Anybody),
        Access::Readers => reader(fleet, peer, request),
        Access::Device => device(fleet, peer, Ends::NotYet).map(Caller::Device),
        Access::Renewing => device(fleet, peer, Ends::MayHave).map(Caller::Device),
        Access::Admin(role) => admin(fleet, role, request).map(Caller::Admin),
        Access::Session => Ok(Caller::Anybody),
    }
}

/// Forms come from pages of this very server: browsers say of which origin a page is.
fn own_page(request: &Parts) -> Result<Caller, Refusal> {
    let text = |name| request.headers.get(name).and_then(|value| value.to_str().ok());
    let own = text(header::HOST).map(|host| format!("https://{host}"));
    if own.is_some() && text(header::ORIGIN) == own.as_deref() {
        return Ok(Caller::Anybody);
    }
    let sentence = "forms are taken from pages of this server alone";
    Err(Refusal::new(StatusCode::FORBIDDEN, "origin", sentence))
}

fn reader(fleet: &Fleet, peer: &Peer, request: &Parts) -> Result<Caller, Refusal> {
    let is_open = match fleet.config.release_readers {
        ReleaseReaders::Anyone => true,
        ReleaseReaders::Fleet => peer.surface == Surface::Both,
    };
    if is_open {
        Ok(Caller::Anybody)
    } else if request.headers.contains_key(header::AUTHORIZATION) {
        admin(fleet, Role::Viewer, request).map(Caller::Admin)
    } else {
        device(fleet, peer, Ends::NotYet).map(Caller::Device)
    }
}

/// Whether a certificate may have ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    NotYet,
    MayHave,
}

fn no_certificate() -> Refusal {
    let sentence = "this needs the certificate of an enrolled machine";
    Refusal::new(StatusCode::UNAUTHORIZED, "certificate_needed", sentence)
}

fn device(fleet: &Fleet, peer: &Peer, ends: Ends) -> Result<Arc<Shown>, Refusal> {
    let forbidden = |word, sentence: &str| Refusal::new(StatusCode::FORBIDDEN, word, sentence);
    let shown = match &peer.shown {
        None => return Err(no_certificate()),
        Some(Err(problem)) => return Err(forbidden("certificate_unusable", problem)),
        Some(Ok(shown)) => shown,
    };
    if shown.identity.claims.organisation != fleet.config.organisation {
        return Err(forbidden("organisation", "this machine is of another organisation"));
    }
    if fleet.snapshot().revoked.contains(&shown.identity.device) {
        return Err(forbidden("revoked", "this machine was revoked: enrol it again"));
    }
    let late = now().as_second().saturating_sub(shown.ends.as_second());
    let grace = i64::from(fleet.config.enrolment.grace_days) * 86_400;
    if late <= 0 || (ends == Ends::MayHave && late <= grace) {
        return Ok(Arc::clone(shown));
    }
    let sentence = format!(
        "the certificate ended at {}: renew it at {}",
        shown.ends,
        codex_fleet::routes::RENEW
    );
    Err(forbidden("certificate_expired", &sentence))
}

fn admin(fleet: &Fleet, role: Role, request: &Parts) -> Result<String, Refusal> {
    let refused = || {
        let sentence = "this needs an administrator's token: `Authorization: Bearer …`";
        Refusal::new(StatusCode::UNAUTHORIZED, "token_needed", sentence)
    };
    let value = request.headers.get(header::AUTHORIZATION).ok_or_else(refused)?;
    let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
    // Looked up by its digest: how long that takes says nothing of any token.
    let hash = tokens::hash(token.ok_or_else(refused)?);
    let snapshot = fleet.snapshot();
    let access = snapshot.accesses.get(&hash).ok_or_else(refused)?;
    let ended = access.expires.is_some_and(|ends| ends <= now().as_millisecond());
    let Grant::Admin(own) = access.grant else { return Err(refused()) };
    if ended || access.revoked.is_some() {
        let sentence = "this token has expired or was revoked: ask for a new one";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "token_ended", sentence));
    }
    if own < role {
        let sentence = format!("this needs a token with the role `{}`", role.word());
        return Err(Refusal::new(StatusCode::FORBIDDEN, "role", sentence));
    }
    Ok(access.name.clone())
}

/// The body, within its limits of bytes and of time; empty where a route takes none.
async fn whole(call: &Call, body: Body) -> Result<Bytes, Refusal> {
    let most = call.route.body;
    if most == 0 {
        return Ok(Bytes::new());
    }
    let too_long = || {
        let sentence = format!("the body of this request may have {most} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_long", sentence)
    };
    let announced = body.size_hint().lower();
    if announced > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(too_long());
    }
    let patience = Duration::from_secs(call.fleet.config.limits.body_seconds);
    let collected = Limited::new(body, most).collect();
    match timeout(patience, collected).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(_)) => Err(Refusal::malformed("the body broke off")),
        Err(_) => {
            let sentence = "the body did not come in time";
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "too_slow", sentence))
        }
    }
}

/// A body in JSON. A whole number may be written as one with a fraction of nothing, `3.0`, as JSON
/// Schema has it.
fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let refused =
        |error: serde_json::Error| Refusal::malformed(format!("the body cannot be read: {error}"));
    match serde_json::from_slice(body) {
        Err(error) if error.to_string().contains("floating point") => {
            let mut value: Value = serde_json::from_slice(body).map_err(refused)?;
            whole_numbers(&mut value);
            serde_json::from_value(value).map_err(refused)
        }
        read => read.map_err(refused),
    }
}

/// Writes numbers whose fraction is nothing without it.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().filter(|one| one.fract() == 0.0);
            // A `f64` that is whole is written without a fraction and without an exponent.
            if let Some(whole) = whole.and_then(|one| format!("{one:.0}").parse::<i64>().ok()) {
                *number = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A parameter after the question mark, as it was sent.
fn query<'call>(call: &'call Call, name: &str) -> Option<&'call str> {
    let query = call.request.uri.query()?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// How many entries a list may have, and the number after which it begins.
fn page(call: &Call) -> Result<(String, i64), Refusal> {
    let after = query(call, "after");
    let limit = match query(call, "limit") {
        None => 100,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=1_000).contains(limit))
            .ok_or_else(|| Refusal::malformed("`limit` must be 1 to 1000"))?,
    };
    let plain = |after: &str| {
        (1..=64).contains(&after.len()) && after.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if after.is_none_or(plain) {
        Ok((after.unwrap_or_default().to_owned(), limit))
    } else {
        Err(Refusal::malformed("`after` must be a number from a list"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_may_have_a_fraction_of_nothing_and_no_other() {
        let read = |text: &str| parsed::<Vec<u64>>(text.as_bytes());
        assert_eq!(read("[2753.0, 1e3, 7]").unwrap(), [2_753, 1_000, 7]);
        for wrong in ["[1.5]", "[-1.0]", "[1e300]", "[1.0"] {
            assert_eq!(read(wrong).unwrap_err().error, "malformed", "{wrong}");
        }
        // What is no number's place is left as it came.
        let kept = parsed::<Value>(b"[1.0]").unwrap();
        assert!(kept[0].is_f64());
    }
}
