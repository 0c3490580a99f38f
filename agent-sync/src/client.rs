//! What the agent says to a fleet server, and the limits of what it hears.

use std::io::Read as _;
use std::time::Duration;

use codex_fleet::check_in::{self, Answer, CheckIn};
use codex_fleet::enrolment::{self, Problem};
use codex_fleet::push::{self, Hint};
use codex_fleet::request::{self, Kept, Request};
use codex_fleet::routes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::Agent;

use crate::agent::requests::Filing;
use crate::channel::Channel;
use crate::transport::{Settings, SettingsError, client_config};

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much longer a request may take that waits for a hint, at most.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// A fleet server.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    config: ureq::config::Config,
    settings: Settings,
    server: String,
}

impl Client {
    /// A client of a server; nothing is asked.
    ///
    /// # Errors
    /// When the settings are not usable.
    pub fn new(server: &str, settings: &Settings) -> Result<Self, SettingsError> {
        let server = server.trim_end_matches('/').to_owned();
        // Plain text is for tests on one machine.
        let is_local = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
        let is_local = server.strip_prefix("http://127.0.0.1:").is_some_and(is_local);
        if !server.starts_with("https://") && !is_local {
            return Err(SettingsError::Address { address: server });
        }
        let config = client_config(settings)?;
        let settings = settings.clone();
        Ok(Self { agent: config.clone().into(), config, settings, server })
    }

    /// The connections, where those of some settings would be made alike.
    pub(crate) fn connections_of(&self, settings: &Settings) -> Option<Agent> {
        self.settings.connects_like(settings).then(|| self.agent.clone())
    }

    /// Opens a push channel.
    ///
    /// # Errors
    /// A sentence: why there is none.
    pub fn channel(&self) -> Result<Channel, String> {
        Channel::open(&self.config, &self.server)
    }

    /// Enrols a machine.
    ///
    /// # Errors
    /// A sentence: what the server refuses, or why it cannot be reached.
    pub fn enrol(&self, request: &enrolment::Request) -> Result<enrolment::Answer, String> {
        self.post(routes::ENROL, request, enrolment::MAX_BYTES)
    }

    /// Renews a certificate.
    ///
    /// # Errors
    /// As [`Client::enrol`].
    pub fn renew(&self, renewal: &enrolment::Renewal) -> Result<enrolment::Answer, String> {
        self.post(routes::RENEW, renewal, enrolment::MAX_BYTES)
    }

    /// Checks in.
    ///
    /// # Errors
    /// As [`Client::enrol`].
    pub fn check_in(&self, check_in: &CheckIn) -> Result<Answer, String> {
        self.post(routes::CHECK_IN, check_in, check_in::MAX_BYTES)
    }

    /// Waits for a hint that is newer than a revision.
    ///
    /// # Errors
    /// As [`Client::enrol`].
    pub fn wait(&self, revision: u64) -> Result<Hint, String> {
        let address = format!("{}{}?revision={revision}", self.server, routes::WAIT);
        let limit = Some(PATIENCE + LONGEST_WAIT);
        let request = self.agent.get(&address).config();
        let answer = request.timeout_global(limit).timeout_per_read(limit).build().call();
        read(answer.map_err(|error| error.to_string())?, push::MAX_BYTES)
    }

    /// Hands a person's request on.
    pub fn file(&self, request: &Request) -> Filing {
        let sent = self.send(routes::REQUESTS, request, request::MAX_BYTES);
        let (status, bytes) = match sent.and_then(|answer| taken(answer, request::MAX_BYTES)) {
            Ok(answered) => answered,
            Err(problem) => return Filing::Failed(problem),
        };
        match (status, parsed::<Kept>(status, &bytes)) {
            (201, Ok(kept)) => Filing::Kept(kept.number),
            // What is wrong with it stays wrong, and too many open ones are a matter of people.
            (400 | 413 | 422 | 429, Err(problem)) => Filing::Refused(problem),
            (_, Err(problem)) => Filing::Failed(problem),
            (_, Ok(_)) => Filing::Failed(format!("the server answered {status}")),
        }
    }

    fn post<T: DeserializeOwned>(
        &self,
        route: &str,
        body: &impl Serialize,
        limit: usize,
    ) -> Result<T, String> {
        read(self.send(route, body, limit)?, limit)
    }

    fn send(&self, route: &str, body: &impl Serialize, limit: usize) -> Result<Response, String> {
        let body = serde_json::to_vec(body).map_err(|error| error.to_string())?;
        if body.len() > limit {
            return Err(format!("the request has more than {limit} bytes"));
        }
        let request = self
            .agent
            .post(format!("{}{route}", self.server))
            .header("content-type", "application/json")
            .config()
            .timeout_global(Some(PATIENCE))
            .build();
        request.send(&body[..]).map_err(|error| error.to_string())
    }
}

type Response = ureq::http::Response<ureq::Body>;

fn read<T: DeserializeOwned>(answer: Response, limit: usize) -> Result<T, String> {
    let (status, bytes) = taken(answer, limit)?;
    parsed(status, &bytes)
}

/// The status and the bytes of an answer, up to a limit.
fn taken(answer: Response, limit: usize) -> Result<(u16, Vec<u8>), String> {
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let taken = answer.into_body().into_reader().take(most).read_to_end(&mut bytes);
    taken.map_err(|error| error.to_string())?;
    if bytes.len() > limit {
        return Err(format!("the answer has more than {limit} bytes"));
    }
    Ok((status, bytes))
}

fn parsed<T: DeserializeOwned>(status: u16, bytes: &[u8]) -> Result<T, String> {
    if !matches!(status, 200 | 201) {
        let problem = serde_json::from_slice::<Problem>(bytes);
        // A page of a proxy or of a hotel is no answer of the server.
        let plain = |text: &str| codex_fleet::identity::is_name(text, 500);
        return Err(match problem {
            Ok(problem) if plain(&problem.error) && plain(&problem.message) => {
                format!("{} ({})", problem.message, problem.error)
            }
            _ => format!("the server answered {status}"),
        });
    }
    let unreadable = "what came back is no answer of a fleet server: is there a proxy or a sign-in \
                      page in between?";
    serde_json::from_slice(bytes).map_err(|_| unreadable.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_goes_to_this_machine_and_nowhere_else() {
        let pace = crate::transport::Pace::default();
        let settings = Settings {
            metadata: "https://fleet.example/release/metadata".to_owned(),
            targets: "https://fleet.example/release/targets".to_owned(),
            proxy: None,
            authorities: None,
            identity: None,
            pace,
        };
        assert!(Client::new("https://fleet.example/", &settings).is_ok());
        assert!(Client::new("http://127.0.0.1:8443", &settings).is_ok());
        for address in [
            "http://fleet.example",
            "http://127.0.0.1:80@fleet.example",
            "http://127.0.0.1:80.fleet.example",
        ] {
            assert!(Client::new(address, &settings).is_err(), "{address}");
        }
    }
}
