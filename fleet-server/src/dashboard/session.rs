//! Who is signed in. Sessions are in the database: any server of it knows them, and one that is
//! started again still does.

use crate::fleet::{Fleet, Snapshot};
use crate::http::answer::Refusal;
use crate::store::head::{self, Deed};
use crate::store::sessions::{self, Holder, Kept, Which};
use crate::store::tokens::{Grant, Role, Secret, hash, id_of};
use crate::world::{WorldError, now, random};

/// For how many seconds a session lasts: a working day.
const LASTS_SECONDS: i64 = 10 * 3_600;

/// The cookie. Its name makes browsers insist on TLS, on this host alone and on the whole path.
const COOKIE: &str = "__Host-codex-fleet";

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// What pages call them: the name of the token or of the person.
    pub(super) name: String,
    /// What they may do now.
    pub(super) role: Role,
    /// What forms of this session carry.
    pub(super) csrf: String,
    actor: String,
}

impl Session {
    /// How the log names whoever does something here.
    pub(super) fn actor(&self) -> String {
        self.actor.clone()
    }
}

/// The cookie that begins a session.
pub(super) fn cookie(text: &str) -> String {
    format!("{COOKIE}={text}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={LASTS_SECONDS}")
}

/// The cookie that ends one.
pub(super) fn end_cookie() -> &'static str {
    "__Host-codex-fleet=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"
}

/// The value of a cookie among those of a request.
pub(super) fn value<'cookies>(cookies: &'cookies str, name: &str) -> Option<&'cookies str> {
    let mut pairs = cookies.split(';').map(str::trim);
    pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// What a holder may do at the moment: name, actor for the log, role.
fn standing(fleet: &Fleet, holder: &Holder) -> Result<(String, String, Role), &'static str> {
    match holder {
        Holder::Token(hash) => {
            let (name, role) = of_token(hash, &fleet.snapshot())?;
            let actor = format!("token {name}");
            Ok((name, actor, role))
        }
        Holder::Person(person) => {
            let role = fleet.oidc.as_ref().and_then(|oidc| oidc.role(person));
            let role = role.ok_or("none of your groups may do anything here")?;
            Ok((person.shown().to_owned(), person.actor(), role))
        }
    }
}

/// What a token may do at the moment, if anything.
fn of_token(hash: &str, snapshot: &Snapshot) -> Result<(String, Role), &'static str> {
    let unknown = "this token is not known here: it must be one for administrators";
    let access = snapshot.accesses.get(hash).ok_or(unknown)?;
    let Grant::Admin(role) = access.grant else { return Err(unknown) };
    let ended = access.expires.is_some_and(|ends| ends <= now().as_millisecond());
    if ended || access.revoked.is_some() {
        return Err("this token has expired or was revoked: ask for a new one");
    }
    Ok((access.name.clone(), role))
}

/// Why no session begins.
pub(super) enum NotBegun {
    /// The holder may not, for people.
    Holder(&'static str),
    /// The login was used already.
    Used,
    /// The server cannot.
    Server(Refusal),
}

impl<E: Into<Refusal>> From<E> for NotBegun {
    fn from(error: E) -> Self {
        Self::Server(error.into())
    }
}

fn no_dice(error: &WorldError) -> Refusal {
    tracing::error!(%error, "nobody can sign in");
    Refusal::unavailable("internal", "the server has no random numbers now")
}

/// Begins a session, and writes so into the log; gives what goes into the cookie. A login through an
/// issuer has a mark, and begins one session.
pub(super) async fn begin(
    fleet: &Fleet,
    holder: Holder,
    attempt: Option<String>,
) -> Result<String, NotBegun> {
    let (_, actor, role) = standing(fleet, &holder).map_err(NotBegun::Holder)?;
    let text = random().map_err(|error| no_dice(&error))?;
    let text = Secret::from_random("", &text).text().to_owned();
    let id = id_of(random().map_err(|error| no_dice(&error))?);
    let at = now();
    let began = at.as_millisecond();
    let kept = Kept { id, holder, began, ends: began.saturating_add(LASTS_SECONDS * 1_000) };
    let deed = Deed {
        at,
        actor,
        action: "signed in",
        subject: "dashboard".to_owned(),
        detail: role.word().to_owned(),
    };
    let key = hash(&text);
    let written = fleet.store.write(move |tx| {
        let is_kept = sessions::begin(tx, &key, &kept, attempt.as_deref())?;
        if is_kept {
            head::log(tx, &deed)?;
        }
        Ok(is_kept)
    });
    if written.await? { Ok(text) } else { Err(NotBegun::Used) }
}

/// Who is signed in with these cookies.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn of(fleet: &Fleet, cookies: &str) -> Result<Option<Session>, Refusal> {
    let Some(text) = value(cookies, COOKIE) else { return Ok(None) };
    let key = hash(text);
    let Some(kept) = fleet.store.read(move |tx| sessions::find(tx, &key, now())).await? else {
        return Ok(None);
    };
    let Ok((name, actor, role)) = standing(fleet, &kept.holder) else { return Ok(None) };
    // Made of the cookie, which no page and no database has: nothing of it needs to be kept.
    let csrf = hash(&format!("form {text}"));
    Ok(Some(Session { name, role, csrf, actor }))
}

/// Ends the session of these cookies.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn end(fleet: &Fleet, cookies: &str) -> Result<(), Refusal> {
    if let Some(text) = value(cookies, COOKIE) {
        let key = hash(text);
        fleet.store.write(move |tx| sessions::end(tx, Which::Cookie(&key), now())).await?;
    }
    Ok(())
}
