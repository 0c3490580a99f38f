//! The dashboard behind its login: who is signed in, which page is meant, and what forms ask for.
//!
//! Reading order: `session` (cookies and proofs), `door` (in through an identity provider), [`show`]
//! and [`take`] (pages and forms), `views` (from the database to what pages show), `policy` (what is in
//! force and why, what changes).
//!
//! **Invariants.**
//! - A session is a token that was shown once, or a person whom the identity provider has named.
//!   What it may do is looked up again at every request: a token that is revoked is out at once, and
//!   so is a session that was ended on another server. The cookie is sent to this server alone, by no
//!   other site, and cannot be read by scripts.
//! - A form is taken only from a page of this server (its origin), with the session's own proof.

mod door;
mod form;
mod policy;
mod session;
mod views;

use std::sync::Arc;

use bytes::Bytes;
use codex_fleet::rollout::{Act, Ask, Start, StrategyName};
use hyper::StatusCode;
use hyper::header::{self, HeaderName, HeaderValue};

pub(crate) use views::file_of;

use self::form::{Fields, fields};
use self::session::{NotBegun, Session, cookie, end_cookie};
use crate::fleet::Fleet;
use crate::http::answer::{Answer, Refusal, bytes_of};
use crate::pages::frame::{Frame, May};
use crate::pages::login::onwards;
use crate::pages::own::OwnPage;
use crate::pages::parts::Tone;
use crate::pages::rollout::Told;
use crate::pages::{ICON, POLICY, SCRIPT, SHEET, paths};
use crate::rolling::{self, Kept, Refused};
use crate::store::sessions::Holder;
use crate::store::tokens::{Role, hash};

/// What a browser asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'asked> {
    /// The path.
    pub path: &'asked str,
    /// What stands after the question mark.
    pub query: &'asked str,
    /// The cookies.
    pub cookie: &'asked str,
}

const HTML: &str = "text/html; charset=utf-8";

fn html(status: StatusCode, page: String) -> Answer {
    let mut answer = bytes_of(status, HTML, page);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    answer
}

fn asset(kind: &'static str, text: &'static str) -> Answer {
    let mut answer = bytes_of(StatusCode::OK, kind, Bytes::from_static(text.as_bytes()));
    let kept = HeaderValue::from_static("private, max-age=300");
    answer.headers_mut().insert(header::CACHE_CONTROL, kept);
    answer
}

/// Sends a browser to another page.
fn see(path: &str) -> Answer {
    let mut answer = bytes_of(StatusCode::SEE_OTHER, "text/plain", Bytes::new());
    if let Ok(value) = HeaderValue::from_str(path) {
        answer.headers_mut().insert(header::LOCATION, value);
    }
    answer
}

fn with_cookie(mut answer: Answer, cookie: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    answer
}

/// Who looks, as pages want it.
fn frame<'frame>(fleet: &'frame Fleet, session: &'frame Session) -> Frame<'frame> {
    Frame {
        organisation: &fleet.config.organisation,
        user: &session.name,
        may: if session.role >= Role::Operator { May::Decide } else { May::Read },
        csrf: &session.csrf,
        version: env!("CARGO_PKG_VERSION"),
    }
}

/// Shows a page.
///
/// # Errors
/// When there is none, or the database does not answer.
pub async fn show(fleet: &Arc<Fleet>, asked: Asked<'_>) -> Result<Answer, Refusal> {
    match asked.path {
        paths::SHEET => return Ok(asset("text/css; charset=utf-8", SHEET)),
        paths::SCRIPT => return Ok(asset("text/javascript; charset=utf-8", SCRIPT)),
        paths::ICON => return Ok(asset("image/svg+xml", ICON)),
        paths::LOGIN => {
            let page = door::wanted(asked.query);
            return Ok(html(StatusCode::OK, door::shown(fleet, None, page.as_ref())));
        }
        paths::PROVIDER => return door::leave(fleet, asked).await,
        paths::SIGNED_IN => return door::back(fleet, asked).await,
        _ => {}
    }
    let Some(session) = session::of(fleet, asked.cookie).await? else {
        return Ok(see(&way_in(asked)));
    };
    let frame = frame(fleet, &session);
    let query = fields(asked.query.as_bytes());
    let below = |place: &str| asked.path.strip_prefix(place)?.strip_prefix('/').map(form::decoded);
    let page = match asked.path {
        paths::OVERVIEW => views::overview(fleet, &frame).await?,
        paths::ROLLOUTS => views::rollouts(fleet, &frame, None).await?,
        paths::ENDPOINTS => views::endpoints(fleet, &frame, &query).await?,
        paths::RELEASES => views::releases(fleet, &frame, &query).await?,
        paths::REQUESTS => views::requests(fleet, &frame).await?,
        paths::AUDIT => views::audit(fleet, &frame, &query).await?,
        paths::ENDPOINTS_CSV => return csv(fleet).await,
        paths::REPORT => {
            let report = rolling::report(fleet, Kept::Will).await?;
            return Ok(crate::http::answer::json(StatusCode::OK, &*report));
        }
        _ => {
            if let Some(cohort) = below(paths::ROLLOUTS) {
                views::rollout(fleet, &frame, &cohort, None).await?
            } else if let Some(device) = below(paths::ENDPOINTS) {
                views::endpoint(fleet, &frame, &device).await?
            } else if let Some(bundle) = below(paths::RELEASES) {
                views::release(fleet, &frame, &bundle).await?
            } else if let Some(number) = below(paths::REQUESTS) {
                views::request(fleet, &frame, &number).await?
            } else {
                return Err(Refusal::not_found("there is no such page"));
            }
        }
    };
    Ok(html(StatusCode::OK, page))
}

async fn csv(fleet: &Arc<Fleet>) -> Result<Answer, Refusal> {
    let records = rolling::records(fleet).await?;
    let made = tokio::task::spawn_blocking(move || crate::reports::endpoints_csv(&records)).await;
    let text = made.map_err(|_| Refusal::unavailable("internal", "the list cannot be made now"))?;
    let mut answer = bytes_of(StatusCode::OK, "text/csv; charset=utf-8", text);
    let name = HeaderValue::from_static("attachment; filename=\"endpoints.csv\"");
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(answer)
}

/// Takes a form.
///
/// # Errors
/// When it is not from a page of this server, or asks for what there is not.
pub async fn take(fleet: &Arc<Fleet>, asked: Asked<'_>, body: &[u8]) -> Result<Answer, Refusal> {
    let fields = fields(body);
    if asked.path == paths::LOGIN {
        return sign_in(fleet, &fields).await;
    }
    let Some(session) = session::of(fleet, asked.cookie).await? else {
        return Ok(see(paths::LOGIN));
    };
    if fields.get("csrf").map(String::as_str) != Some(session.csrf.as_str()) {
        let sentence = "this form is of another session: go back and load its page again";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "proof", sentence));
    }
    if asked.path == paths::LOGOUT {
        session::end(fleet, asked.cookie).await?;
        return Ok(with_cookie(see(paths::LOGIN), end_cookie()));
    }
    if session.role < Role::Operator {
        let sentence = "this needs the role `operator`";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "role", sentence));
    }
    let below = |place: &str| asked.path.strip_prefix(place)?.strip_prefix('/').map(form::decoded);
    if asked.path == paths::START {
        start(fleet, &session, &fields).await
    } else if let Some(cohort) = below(paths::ROLLOUTS) {
        act(fleet, &session, cohort, &fields).await
    } else if let Some(number) = below(paths::REQUESTS) {
        views::settle(fleet, &session, &number, &fields).await
    } else {
        Err(Refusal::not_found("there is no such page"))
    }
}

/// The way in, from where somebody comes back to the page that was asked for.
fn way_in(asked: Asked<'_>) -> String {
    let whole = match asked.query {
        "" => asked.path.to_owned(),
        query => format!("{}?{query}", asked.path),
    };
    let page = OwnPage::of(&whole).filter(|page| *page != OwnPage::default());
    onwards(paths::LOGIN, page.as_ref())
}

async fn sign_in(fleet: &Arc<Fleet>, fields: &Fields) -> Result<Answer, Refusal> {
    let token = fields.get("token").map(|token| token.trim()).unwrap_or_default();
    let page = fields.get("next").and_then(|page| OwnPage::of(page)).unwrap_or_default();
    let refused = |why: &str| {
        Ok(html(StatusCode::FORBIDDEN, door::shown(fleet, Some((why, &[])), Some(&page))))
    };
    match session::begin(fleet, Holder::Token(hash(token)), None).await {
        Ok(text) => Ok(with_cookie(see(page.as_str()), &cookie(&text))),
        Err(NotBegun::Holder(why)) => refused(why),
        Err(NotBegun::Used) => refused("this sign-in was used already"),
        Err(NotBegun::Server(refusal)) => Err(refusal),
    }
}

async fn start(fleet: &Arc<Fleet>, session: &Session, fields: &Fields) -> Result<Answer, Refusal> {
    let malformed = |what: &str| Refusal::malformed(format!("the form lacks {what}"));
    let bundle = fields.get("bundle").and_then(|bundle| bundle.split_once(':'));
    let (generation, cohort) = bundle.ok_or_else(|| malformed("a bundle"))?;
    let word = fields.get("strategy").map(String::as_str).unwrap_or_default();
    let strategy = StrategyName::ALL.into_iter().find(|one| one.word() == word);
    let minutes = fields.get("bake_minutes").filter(|text| !text.is_empty());
    let bake: Option<u64> = minutes
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| malformed("a number of minutes"))?;
    let request = Start {
        cohort: cohort.to_owned(),
        generation: generation.parse().map_err(|_| malformed("a generation"))?,
        strategy: strategy.ok_or_else(|| malformed("a strategy"))?,
        volunteers: fields.get("volunteers").filter(|group| !group.is_empty()).cloned(),
        bake_seconds: bake.map(|minutes| minutes.saturating_mul(60)),
        minimum_sample: None,
        failures_of_10_000: None,
        reason: fields.get("reason").cloned().unwrap_or_default(),
    };
    if let Err(problem) = request.check() {
        return refused(fleet, session, problem.to_string()).await;
    }
    let place = paths::below(paths::ROLLOUTS, &request.cohort);
    match rolling::start(fleet, request, &session.actor()).await {
        Ok(_) => Ok(see(&place)),
        Err(Refused::Refusal(refusal)) => refused(fleet, session, refusal.to_string()).await,
        Err(other) => Err(unable(other)),
    }
}

fn told(text: String) -> Told {
    Told { tone: Tone::Bad, text }
}

async fn refused(fleet: &Arc<Fleet>, session: &Session, text: String) -> Result<Answer, Refusal> {
    let page = views::rollouts(fleet, &frame(fleet, session), Some(told(text))).await?;
    Ok(html(StatusCode::CONFLICT, page))
}

async fn act(
    fleet: &Arc<Fleet>,
    session: &Session,
    cohort: String,
    fields: &Fields,
) -> Result<Answer, Refusal> {
    let word = fields.get("act").map(String::as_str).unwrap_or_default();
    let act = Act::ALL.into_iter().find(|act| act.word() == word);
    let act = act.ok_or_else(|| Refusal::malformed("the form lacks what is to be done"))?;
    let reason = fields.get("reason").cloned().unwrap_or_default();
    let ask = Ask { cohort, act, reason };
    let place = paths::below(paths::ROLLOUTS, &ask.cohort);
    let cohort = ask.cohort.clone();
    let text = match ask.check() {
        Err(problem) => problem.to_string(),
        Ok(()) => match rolling::act(fleet, ask, &session.actor()).await {
            Ok(_) => return Ok(see(&place)),
            Err(Refused::Refusal(refusal)) => refusal.to_string(),
            Err(other) => return Err(unable(other)),
        },
    };
    let page = views::rollout(fleet, &frame(fleet, session), &cohort, Some(told(text))).await?;
    Ok(html(StatusCode::CONFLICT, page))
}

/// What the server itself could not do.
pub(crate) fn unable(error: Refused) -> Refusal {
    match error {
        Refused::Store(error) => error.into(),
        Refused::Refusal(refusal) => {
            Refusal::new(StatusCode::CONFLICT, "refused", refusal.to_string())
        }
        Refused::World(error) => {
            tracing::error!(%error, "no rollout could be started");
            Refusal::unavailable("internal", "the server has no random numbers now")
        }
    }
}
