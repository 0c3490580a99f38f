//! The issuer with its network: what it publishes is kept, what it is asked is bounded.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::address::{Address, escaped, form};
use super::cache::{Cache, Known, Step};
use super::claims::{Refused, Said, Wanted, Whom, verify};
use super::discovery::{self, Shows};
use super::fetch::{Client, Form};
use super::keys::Keys;
use super::login::Attempt;
use super::people::{self, NoCohort, Person};
use super::settings::{Settings, origin};
use crate::error::ServeError;
use crate::store::tokens::{Role, Rules};
use crate::world::read;

/// The most bytes of a secret or of authorities.
const MAX_FILE: u64 = 1_000_000;

/// How many codes are exchanged at once: an issuer that is slow takes no more of our threads.
const MAX_EXCHANGES: usize = 16;

/// Why somebody is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unable {
    /// Nothing of this kind is configured.
    #[error("this server does not do that: `[oidc]` does not say how")]
    Off,
    /// The issuer does not answer, or with something else.
    #[error("the identity provider cannot be used now: {0}")]
    Issuer(String),
    /// Too many are on their way.
    #[error("too many people sign in at this moment: try again")]
    Busy,
    /// The issuer gave no token for the code.
    #[error("the identity provider did not confirm this sign-in ({0}): begin again")]
    Code(String),
    /// A token is none that is taken.
    #[error("the token is not taken: {0}")]
    Token(Refused),
    /// The groups have not one cohort.
    #[error("{0}")]
    Cohort(#[from] NoCohort),
}

/// The way in through an issuer, where there is one.
struct Door {
    url: Address,
    client_id: String,
    secret: Option<Zeroizing<String>>,
}

/// An identity provider, as this server knows it.
pub struct Oidc {
    settings: Settings,
    issuer: Address,
    door: Option<Door>,
    client: Client,
    cache: Mutex<Cache>,
    asking: tokio::sync::Mutex<()>,
    exchanges: Semaphore,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Oidc").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: Option<String>,
}

#[derive(Deserialize)]
struct TokenProblem {
    error: String,
}

impl Oidc {
    /// Reads the files that the settings name. The issuer is asked when somebody needs it.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn open(settings: &Settings) -> Result<Self, ServeError> {
        let wrong = |problem: String| ServeError::Key(problem);
        let issuer = Address::of(&settings.issuer)
            .map_err(|problem| wrong(format!("`oidc.issuer` {problem}")))?;
        let authorities = settings
            .authorities
            .as_ref()
            .map(|path| Ok::<_, ServeError>((path, read(path, MAX_FILE)?)));
        let authorities = authorities.transpose()?;
        let client = Client::new(authorities.as_ref().map(|(_, pem)| pem.as_slice()));
        let client = client.map_err(|problem| {
            let path = authorities.as_ref().map(|(path, _)| path.display().to_string());
            wrong(format!("{} {problem}", path.unwrap_or_default()))
        })?;
        let secret = settings.client_secret_file.as_ref().map(|path| {
            let bytes = Zeroizing::new(read(path, MAX_FILE)?);
            let text = std::str::from_utf8(&bytes).map(str::trim).unwrap_or_default();
            if text.is_empty() {
                return Err(wrong(format!("{} holds no secret", path.display())));
            }
            Ok(Zeroizing::new(text.to_owned()))
        });
        let secret = secret.transpose()?;
        let door = match (settings.url.as_deref().and_then(origin), &settings.client_id) {
            (Some(url), Some(client_id)) if !settings.roles.is_empty() => {
                Some(Door { url, client_id: client_id.clone(), secret })
            }
            _ => None,
        };
        Ok(Self {
            settings: settings.clone(),
            issuer,
            door,
            client,
            cache: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            exchanges: Semaphore::new(MAX_EXCHANGES),
        })
    }

    /// What people call the issuer; none where nobody can sign in by it.
    pub fn shown(&self) -> Option<String> {
        self.door.as_ref().map(|_| self.settings.shown())
    }

    /// The groups that may do something at the dashboard.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.settings.roles.keys().map(String::as_str)
    }

    /// What somebody may do now, if anything.
    pub fn role(&self, person: &Person) -> Option<Role> {
        let is_ours = self.door.is_some() && person.issuer == self.settings.issuer;
        is_ours.then(|| people::role(&person.groups, &self.settings.roles)).flatten()
    }

    fn cache<T>(&self, with: impl FnOnce(&mut Cache) -> T) -> T {
        with(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the issuer says of itself, out of memory where that is good.
    async fn known(&self, now: Timestamp) -> Result<Arc<Known>, Unable> {
        let kept = match self.cache(|cache| cache.step(now)) {
            Step::Use(known) => return Ok(known),
            Step::Fail(problem) => return Err(Unable::Issuer(problem)),
            Step::Ask(kept) => kept,
        };
        let _one_at_a_time = match (self.asking.try_lock(), &kept) {
            (Ok(alone), _) => alone,
            // Somebody asks already, and what is known is still good.
            (Err(_), Some(kept)) => return Ok(Arc::clone(kept)),
            (Err(_), None) => self.asking.lock().await,
        };
        match self.cache(|cache| cache.step(now)) {
            Step::Use(known) => Ok(known),
            Step::Fail(problem) => Err(Unable::Issuer(problem)),
            Step::Ask(kept) => match (self.ask(now).await, kept) {
                (Ok(known), _) | (Err(_), Some(known)) => Ok(known),
                (Err(problem), None) => Err(Unable::Issuer(problem)),
            },
        }
    }

    /// Asks the issuer, and keeps what it says.
    async fn ask(&self, now: Timestamp) -> Result<Arc<Known>, String> {
        let (client, issuer) = (self.client.clone(), self.issuer.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let base = issuer.as_str().trim_end_matches('/');
            let place = Address::of(&format!("{base}{}", discovery::PATH))?;
            let discovery = discovery::read(&client.get(&place)?, issuer.as_str())?;
            let keys = Keys::of(&client.get(&discovery.keys)?)?;
            Ok::<_, String>(Known { discovery, keys })
        });
        let known = asked.await.unwrap_or_else(|error| Err(error.to_string()));
        match known {
            Ok(known) => {
                let known = Arc::new(known);
                self.cache(|cache| cache.learn(Arc::clone(&known), now));
                Ok(known)
            }
            Err(problem) => {
                tracing::warn!(
                    problem,
                    issuer = self.issuer.as_str(),
                    "the identity provider fails"
                );
                self.cache(|cache| cache.fail(problem.clone(), now));
                Err(problem)
            }
        }
    }

    /// What a token says, once it is verified. A key that is not known may be a new one: the issuer
    /// is asked again, now and then.
    async fn verified(&self, token: &str, whom: Whom<'_>, now: Timestamp) -> Result<Said, Unable> {
        let (issuer, groups_claim) = (&self.settings.issuer, &self.settings.groups_claim);
        let wanted = Wanted { issuer, whom, groups_claim, now };
        let known = self.known(now).await?;
        match verify(token, &known.keys, &wanted) {
            Err(Refused::Key) => {}
            other => return other.map_err(Unable::Token),
        }
        let _one_at_a_time = self.asking.lock().await;
        let latest = match self.cache(|cache| cache.step(now)) {
            // Somebody has asked while this one waited.
            Step::Use(latest) if !Arc::ptr_eq(&latest, &known) => latest,
            _ if self.cache(|cache| cache.may_ask_for_a_key(now)) => {
                self.ask(now).await.map_err(Unable::Issuer)?
            }
            _ => known,
        };
        verify(token, &latest.keys, &wanted).map_err(Unable::Token)
    }

    fn door(&self) -> Result<&Door, Unable> {
        self.door.as_ref().ok_or(Unable::Off)
    }

    /// Where a browser is sent to sign in.
    ///
    /// # Errors
    /// When the issuer cannot be used.
    pub async fn way(&self, attempt: &Attempt, now: Timestamp) -> Result<String, Unable> {
        let door = self.door()?;
        let known = self.known(now).await?;
        let scopes =
            self.settings.scopes.iter().fold("openid".to_owned(), |all, one| all + " " + one);
        Ok(known.discovery.authorization.with_query(&[
            ("response_type", "code"),
            ("client_id", &door.client_id),
            ("redirect_uri", &door.back()),
            ("scope", &scopes),
            ("state", &attempt.state()),
            ("nonce", &attempt.nonce()),
            ("code_challenge", &attempt.challenge()),
            ("code_challenge_method", "S256"),
        ]))
    }

    /// Who has come back, by the code that they were given.
    ///
    /// # Errors
    /// When the issuer does not say so.
    pub async fn who(
        &self,
        attempt: &Attempt,
        code: &str,
        from: Option<&str>,
        now: Timestamp,
    ) -> Result<Person, Unable> {
        let door = self.door()?;
        let known = self.known(now).await?;
        // Whose answer it is: another issuer's code would be shown to this one, RFC 9207.
        let must_say = known.discovery.names_itself;
        if from.map_or(must_say, |from| from != self.settings.issuer) {
            return Err(Unable::Code("the answer is of another issuer".to_owned()));
        }
        let token = self.exchange(door, &known, attempt, code).await?;
        let nonce = attempt.nonce();
        let whom = Whom::Client { id: &door.client_id, nonce: &nonce };
        let said = self.verified(&token, whom, now).await?;
        Ok(Person::of(said, &self.settings.issuer, &self.settings.roles))
    }

    /// The ID token for a code.
    async fn exchange(
        &self,
        door: &Door,
        known: &Known,
        attempt: &Attempt,
        code: &str,
    ) -> Result<String, Unable> {
        let _room = self.exchanges.try_acquire().map_err(|_| Unable::Busy)?;
        let (back, verifier) = (door.back(), attempt.verifier());
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &back),
            ("code_verifier", &verifier),
        ];
        let mut authorization = None;
        match (&door.secret, known.discovery.shows) {
            (None, _) => pairs.push(("client_id", &door.client_id)),
            (Some(secret), Shows::Post) => {
                pairs.extend([("client_id", door.client_id.as_str()), ("client_secret", secret)]);
            }
            (Some(secret), Shows::Basic) => {
                // Escaped first: RFC 6749, 2.3.1.
                let both = format!("{}:{}", escaped(&door.client_id), escaped(secret));
                authorization = Some(Zeroizing::new(format!("Basic {}", STANDARD.encode(both))));
            }
        }
        let body = Zeroizing::new(form(&pairs));
        let (client, place) = (self.client.clone(), known.discovery.token.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let authorization = authorization.as_ref().map(|text| text.as_str());
            client.post(&place, &Form { body: &body, authorization })
        });
        let reply = asked.await.unwrap_or_else(|error| Err(error.to_string()));
        let reply = reply.map_err(Unable::Issuer)?;
        if !reply.is_success {
            let problem: Option<TokenProblem> = serde_json::from_slice(&reply.body).ok();
            let word = problem.map(|problem| problem.error).filter(|word| is_word(word));
            return Err(Unable::Code(word.unwrap_or_else(|| format!("status {}", reply.status))));
        }
        let answer: Option<TokenAnswer> = serde_json::from_slice(&reply.body).ok();
        let none = || Unable::Code("it gave no ID token".to_owned());
        answer.and_then(|answer| answer.id_token).ok_or_else(none)
    }

    /// The cohort of whoever holds a bearer token, and what becomes of its rule files.
    ///
    /// # Errors
    /// When the token is not taken, or its groups have not one cohort.
    pub async fn cohort(&self, token: &str, now: Timestamp) -> Result<(String, Rules), Unable> {
        let audience = self.settings.audience.as_deref().ok_or(Unable::Off)?;
        if self.settings.cohorts.is_empty() {
            return Err(Unable::Off);
        }
        let whom = Whom::Resource { audience, clients: &self.settings.bearer_clients };
        let said = self.verified(token, whom, now).await?;
        let cohort = people::cohort(&said.groups, &self.settings.cohorts)?.to_owned();
        let leaves_out = self.settings.without_rules.contains(&cohort);
        Ok((cohort, if leaves_out { Rules::LeftOut } else { Rules::Needed }))
    }
}

impl Door {
    fn back(&self) -> String {
        format!("{}{}", self.url.as_str(), crate::pages::paths::SIGNED_IN)
    }
}

/// Whether a text is a word such as `invalid_grant`, fit to be shown.
pub fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
