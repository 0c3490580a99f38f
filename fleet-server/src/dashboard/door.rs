//! The way in through an identity provider: out by [`leave`], back by [`back`].
//!
//! The cookie of somebody on the way is `Lax`: it must come along when the provider sends the browser
//! back. The session's own is `Strict`, so the answer is a page of ours that goes on by itself.

use std::sync::Arc;

use hyper::StatusCode;

use super::form::fields;
use super::session::{self, NotBegun, cookie, value};
use super::{Asked, html, see, with_cookie};
use crate::fleet::Fleet;
use crate::http::answer::{Answer, Refusal};
use crate::oidc::login::{Attempt, LASTS_SECONDS};
use crate::oidc::{Oidc, Unable, is_word};
use crate::pages::login::{Door, login, onward};
use crate::pages::own::OwnPage;
use crate::store::sessions::Holder;
use crate::world::{now, random};

/// The cookie of somebody on the way.
const COOKIE: &str = "__Host-codex-fleet-login";

/// The most characters of a code.
const MAX_CODE: usize = 4_096;

fn on_the_way(text: &str, seconds: i64) -> String {
    format!("{COOKIE}={text}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

/// The page that a query wants to go to.
pub(super) fn wanted(query: &str) -> Option<OwnPage> {
    fields(query.as_bytes()).get("next").and_then(|page| OwnPage::of(page))
}

/// The way in, with what somebody is told who was refused.
pub(super) fn shown(
    fleet: &Fleet,
    told: Option<(&str, &[&str])>,
    page: Option<&OwnPage>,
) -> String {
    let provider = fleet.oidc.as_ref().and_then(Oidc::shown);
    login(&Door { provider: provider.as_deref(), refused: told, page })
}

fn refused(fleet: &Fleet, status: StatusCode, why: &str, groups: &[&str]) -> Answer {
    let page = html(status, shown(fleet, Some((why, groups)), None));
    with_cookie(page, &on_the_way("", 0))
}

fn unable(fleet: &Fleet, error: &Unable) -> Answer {
    tracing::warn!(%error, "nobody was signed in by the identity provider");
    let status = match error {
        Unable::Issuer(_) | Unable::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Unable::Off => StatusCode::NOT_FOUND,
        Unable::Code(_) | Unable::Token(_) | Unable::Cohort(_) => StatusCode::FORBIDDEN,
    };
    refused(fleet, status, &error.to_string(), &[])
}

/// Sends a browser to the identity provider.
///
/// # Errors
/// When there are no dice.
pub(super) async fn leave(fleet: &Arc<Fleet>, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let Some(oidc) = &fleet.oidc else { return Ok(unable(fleet, &Unable::Off)) };
    let secret = random().map_err(|error| {
        tracing::error!(%error, "nobody can sign in");
        Refusal::unavailable("internal", "the server has no random numbers now")
    })?;
    let attempt = Attempt::begin(secret, now(), wanted(asked.query).unwrap_or_default());
    match oidc.way(&attempt, now()).await {
        Ok(place) => Ok(with_cookie(see(&place), &on_the_way(&attempt.cookie(), LASTS_SECONDS))),
        Err(error) => Ok(unable(fleet, &error)),
    }
}

/// Takes a browser back that was at the identity provider.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn back(fleet: &Arc<Fleet>, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let Some(oidc) = &fleet.oidc else { return Ok(unable(fleet, &Unable::Off)) };
    let answer = fields(asked.query.as_bytes());
    let text = |name: &str| answer.get(name).map(String::as_str);
    let state = text("state").unwrap_or_default();
    let attempt = match Attempt::back(value(asked.cookie, COOKIE), state, now()) {
        Ok(attempt) => attempt,
        Err(astray) => {
            // The cookie stays: another site that sends a browser here must not end its sign-in.
            let told = astray.to_string();
            return Ok(html(StatusCode::FORBIDDEN, shown(fleet, Some((&told, &[])), None)));
        }
    };
    let code = text("code").filter(|code| (1..=MAX_CODE).contains(&code.len()));
    let Some(code) = code else {
        let word = text("error").filter(|word| is_word(word)).unwrap_or("no code");
        return Ok(unable(fleet, &Unable::Code(word.to_owned())));
    };
    let person = match oidc.who(&attempt, code, text("iss"), now()).await {
        Ok(person) => person,
        Err(error) => return Ok(unable(fleet, &error)),
    };
    if oidc.role(&person).is_none() {
        let groups: Vec<&str> = oidc.groups().collect();
        tracing::warn!(actor = person.actor(), "somebody without a role was sent away");
        let why = format!("{}: you are in no group that may see this fleet.", person.shown());
        return Ok(refused(fleet, StatusCode::FORBIDDEN, &why, &groups));
    }
    match session::begin(fleet, Holder::Person(person), Some(attempt.mark())).await {
        Ok(text) => {
            let page = html(StatusCode::OK, onward(attempt.page()));
            Ok(with_cookie(with_cookie(page, &cookie(&text)), &on_the_way("", 0)))
        }
        Err(NotBegun::Holder(why)) => Ok(refused(fleet, StatusCode::FORBIDDEN, why, &[])),
        Err(NotBegun::Used) => {
            let why = "this sign-in was used already: begin again";
            Ok(refused(fleet, StatusCode::FORBIDDEN, why, &[]))
        }
        Err(NotBegun::Server(refusal)) => Err(refusal),
    }
}
