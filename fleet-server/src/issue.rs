//! Making tokens: by the console, the admin API and tests alike.

use codex_fleet::enrolment::TOKEN_PREFIX;
use codex_fleet::identity;
use codex_trust::audience::Claims;
use jiff::Timestamp;

use crate::error::ServeError;
use crate::store::Store;
use crate::store::head::{self, Deed};
use crate::store::tokens::{
    self, ADMIN_PREFIX, AccessToken, CONFIG_PREFIX, EnrolmentToken, Grant, Scope, Secret, id_of,
};
use crate::world::{now, random};

/// The most patterns of host names of a token.
pub const MAX_HOSTS: usize = 32;

/// What an enrolment token is to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What it makes of machines.
    pub scope: Scope,
    /// For how many seconds it is good.
    pub seconds: u32,
    /// How many machines it may enrol.
    pub uses: u32,
}

fn created(at: Timestamp, actor: &str, id: &str, detail: String) -> Deed {
    let (actor, subject) = (actor.to_owned(), id.to_owned());
    Deed { at, actor, action: "token created", subject, detail }
}

/// Whether machines with these claims could be.
///
/// # Errors
/// The first limit that is broken.
pub fn check_scope(scope: &Scope) -> Result<(), String> {
    let claims = Claims {
        organisation: "x".to_owned(),
        team: scope.team.clone(),
        environment: scope.environment.clone(),
        groups: scope.groups.clone(),
        os: "linux".to_owned(),
        host: "x".to_owned(),
    };
    identity::check(&claims).map_err(|error| error.to_string())?;
    let is_long = |pattern: &String| !identity::is_name(pattern, identity::MAX_CLAIM);
    if scope.hosts.len() > MAX_HOSTS || scope.hosts.iter().any(is_long) {
        return Err(format!(
            "a token has {MAX_HOSTS} patterns of host names at most, of 1 to {} characters each",
            identity::MAX_CLAIM
        ));
    }
    Ok(())
}

/// Makes an enrolment token.
///
/// # Errors
/// When there is no randomness, or the database refuses.
pub async fn enrolment(
    store: &Store,
    wanted: Wanted,
    actor: &str,
) -> Result<(EnrolmentToken, Secret), ServeError> {
    let secret = Secret::from_random(TOKEN_PREFIX, &random()?);
    let (id, at) = (id_of(random()?), now());
    let deed = created(at, actor, &id, "for enrolment".to_owned());
    let created = at.as_millisecond();
    let token = EnrolmentToken {
        id,
        scope: wanted.scope,
        expires: created.saturating_add(i64::from(wanted.seconds) * 1_000),
        uses: u64::from(wanted.uses),
        used: 0,
        created,
        revoked: None,
    };
    let (kept, hash) = (token.clone(), secret.hash());
    let write = store.write(move |tx| {
        tokens::create_enrolment(tx, &kept, &hash)?;
        head::log(tx, &deed)
    });
    write.await?;
    Ok((token, secret))
}

/// Makes an access token.
///
/// # Errors
/// When there is no randomness, or the database refuses.
pub async fn access(
    store: &Store,
    (grant, name): (Grant, &str),
    seconds: Option<u32>,
    actor: &str,
) -> Result<(AccessToken, Secret), ServeError> {
    let (prefix, about) = match &grant {
        Grant::Admin(role) => (ADMIN_PREFIX, format!("for {name}, {}", role.word())),
        Grant::Config { cohort, rules: _ } => (CONFIG_PREFIX, format!("for cohort {cohort}")),
        Grant::Device { device, rules: _ } => (CONFIG_PREFIX, format!("for device {device}")),
    };
    let secret = Secret::from_random(prefix, &random()?);
    let (id, at) = (id_of(random()?), now());
    let deed = created(at, actor, &id, about);
    let created = at.as_millisecond();
    let token = AccessToken {
        id,
        grant,
        name: name.to_owned(),
        created,
        expires: seconds.map(|seconds| created.saturating_add(i64::from(seconds) * 1_000)),
        revoked: None,
    };
    let (kept, hash) = (token.clone(), secret.hash());
    let write = store.write(move |tx| {
        tokens::create_access(tx, &kept, &hash)?;
        head::log(tx, &deed)
    });
    write.await?;
    Ok((token, secret))
}
