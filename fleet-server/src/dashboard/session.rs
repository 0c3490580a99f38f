//! Who is signed in. Sessions are in memory: a server that is started again asks everybody anew.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::fleet::Snapshot;
use crate::store::tokens::{Grant, Role, Secret, hash};
use crate::world::random;

/// For how many seconds a session lasts: a working day.
const LASTS_SECONDS: i64 = 10 * 3_600;

/// The most sessions: the oldest ends when there is one more.
const MAX_SESSIONS: usize = 1_000;

/// The cookie. Its name makes browsers insist on TLS, on this host alone and on the whole path.
const COOKIE: &str = "__Host-codex-fleet";

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The name of the token.
    pub(super) name: String,
    /// What the token may do now.
    pub(super) role: Role,
    /// What forms of this session carry.
    pub(super) csrf: String,
}

impl Session {
    /// How the log names whoever does something here.
    pub(super) fn actor(&self) -> String {
        format!("token {}", self.name)
    }
}

#[derive(Clone, Debug)]
struct Kept {
    token: String,
    csrf: String,
    ends: i64,
}

/// Sessions, by the hash of what is in their cookies.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<HashMap<String, Kept>>);

/// The cookie that begins a session.
pub(super) fn cookie(text: &str) -> String {
    format!("{COOKIE}={text}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={LASTS_SECONDS}")
}

/// The cookie that ends one.
pub(super) fn end_cookie() -> &'static str {
    "__Host-codex-fleet=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"
}

fn own(cookies: &str) -> Option<&str> {
    let mut pairs = cookies.split(';').map(str::trim);
    pairs.find_map(|pair| pair.strip_prefix(COOKIE)?.strip_prefix('='))
}

/// What a token may do at the moment, if anything.
fn of_token(
    hash: &str,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<(String, Role), &'static str> {
    let unknown = "this token is not known here: it must be one for administrators";
    let access = snapshot.accesses.get(hash).ok_or(unknown)?;
    let Grant::Admin(role) = access.grant else { return Err(unknown) };
    let ended = access.expires.is_some_and(|ends| ends <= now.as_millisecond());
    if ended || access.revoked.is_some() {
        return Err("this token has expired or was revoked: ask for a new one");
    }
    Ok((access.name.clone(), role))
}

impl Sessions {
    /// Begins a session for a token, by its hash; gives what goes into the cookie.
    pub(super) fn begin(
        &self,
        token: &str,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<String, &'static str> {
        of_token(token, snapshot, now)?;
        let dice =
            |bytes: Result<[u8; 32], _>| bytes.map_err(|_| "the server has no random numbers");
        let text = Secret::from_random("", &dice(random())?).text().to_owned();
        let csrf = Secret::from_random("", &dice(random())?).text().to_owned();
        let ends = now.as_second().saturating_add(LASTS_SECONDS);
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, kept| kept.ends > now.as_second());
        if sessions.len() >= MAX_SESSIONS {
            let oldest =
                sessions.iter().min_by_key(|(_, kept)| kept.ends).map(|(key, _)| key.clone());
            oldest.and_then(|key| sessions.remove(&key));
        }
        sessions.insert(hash(&text), Kept { token: token.to_owned(), csrf, ends });
        Ok(text)
    }

    /// Who is signed in with these cookies.
    pub(super) fn of(&self, cookies: &str, snapshot: &Snapshot, now: Timestamp) -> Option<Session> {
        let key = hash(own(cookies)?);
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = sessions.get(&key).filter(|kept| kept.ends > now.as_second())?;
        let (name, role) = of_token(&kept.token, snapshot, now).ok()?;
        Some(Session { name, role, csrf: kept.csrf.clone() })
    }

    /// Ends the session of these cookies.
    pub(super) fn end(&self, cookies: &str) {
        if let Some(text) = own(cookies) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash(text));
        }
    }
}
