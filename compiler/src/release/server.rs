//! A release on a fleet server, as its publisher sees it: the files under their names, read and
//! put with an administrator's token.

use std::io::Read;
use std::time::Duration;

use codex_trust::transport::TransportError;
use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use zeroize::Zeroizing;

use super::folder::TIMESTAMP_FILE;
use super::home::KeepError;

/// Where the files of a release are on a server.
const FILES: &str = "/v1/admin/release/";
/// How long one request may take.
const TIME: Duration = Duration::from_mins(1);
/// The most bytes of a server's explanation that are read.
const EXPLANATION: u64 = 4_096;

/// How a server is reached. It holds a secret.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds a token")]
pub struct Reach {
    /// Its address: `https://HOST`, without a path.
    pub address: String,
    /// The administrator's token.
    pub token: Zeroizing<String>,
    /// Certificates of authorities, PEM: the only ones that are trusted then. Where there are none,
    /// those of the Mozilla programme are.
    pub authorities: Option<Vec<u8>>,
}

/// Why a server cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoServer {
    /// The address.
    #[error("`{0}` is no address of a fleet server: `https://HOST` or `https://HOST:PORT`")]
    Address(String),
    /// The authorities.
    #[error("the file of authorities holds no certificate in PEM form, or a broken one")]
    Authorities,
    /// The token.
    #[error("the token's file must hold one line, without spaces")]
    Token,
}

/// A release on a server.
#[derive(Clone)]
pub struct Server {
    agent: Agent,
    host: String,
    base: String,
    authorization: Zeroizing<String>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Server").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Server {
    /// A server. Nothing is sent yet.
    ///
    /// # Errors
    /// When the address, the token or the authorities are none.
    pub fn new(reach: &Reach) -> Result<Self, NoServer> {
        let address = || NoServer::Address(reach.address.clone());
        let host = reach.address.strip_prefix("https://").ok_or_else(address)?;
        let host = host.strip_suffix('/').unwrap_or(host);
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if host.is_empty() || host.contains(['/', '?', '#', '@', '\\']) || !plain(host) {
            return Err(address());
        }
        if reach.token.is_empty() || !plain(&reach.token) {
            return Err(NoServer::Token);
        }
        let roots = match &reach.authorities {
            None => RootCerts::WebPki,
            Some(pem) => certificates(pem).ok_or(NoServer::Authorities)?,
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A token goes to the address that the administrator wrote, and nowhere else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_global(Some(TIME))
            .user_agent(concat!("codex-config/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: config.into(),
            host: format!("https://{host}"),
            base: format!("https://{host}{FILES}"),
            authorization: Zeroizing::new(format!("Bearer {}", reach.token.as_str())),
        })
    }

    /// The bytes of a file; `None` where there is none.
    ///
    /// # Errors
    /// When the server refuses, or the file is longer than the limit.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let failed = |problem: String| TransportError::Failed { name: name.to_owned(), problem };
        let request = self.agent.get(format!("{}{name}", self.base));
        let answer = request.header("authorization", self.authorization.as_str()).call();
        let mut answer = answer.map_err(|error| failed(error.to_string()))?;
        match answer.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            _ => return Err(failed(explanation(&mut answer))),
        }
        let mut bytes = Vec::new();
        let read = answer.body_mut().as_reader().take(limit.saturating_add(1));
        { read }.read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(TransportError::TooLong { name: name.to_owned(), limit });
        }
        Ok(Some(bytes))
    }

    /// Whether there is a file of this name.
    ///
    /// # Errors
    /// When the server refuses to say.
    pub fn has(&self, name: &str) -> Result<bool, TransportError> {
        let failed = |problem: String| TransportError::Failed { name: name.to_owned(), problem };
        let request = self.agent.head(format!("{}{name}", self.base));
        let answer = request.header("authorization", self.authorization.as_str()).call();
        let mut answer = answer.map_err(|error| failed(error.to_string()))?;
        match answer.status().as_u16() {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(failed(explanation(&mut answer))),
        }
    }

    /// Puts a file. The timestamp is the commit: with it, the server verifies all of the release.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), KeepError> {
        let refused = |problem: String| KeepError::Server { name: name.to_owned(), problem };
        let request = self.agent.put(format!("{}{name}", self.base));
        let request = request.header("authorization", self.authorization.as_str());
        let request = request.header("content-type", "application/octet-stream");
        let mut answer = request.send(bytes).map_err(|error| refused(error.to_string()))?;
        if answer.status().is_success() { Ok(()) } else { Err(refused(explanation(&mut answer))) }
    }

    /// Asks for what is at a path of the admin API.
    ///
    /// # Errors
    /// What the server says, or that it cannot be reached.
    pub fn ask(&self, path: &str, limit: u64) -> Result<Vec<u8>, String> {
        let request = self.agent.get(format!("{}{path}", self.host));
        let answer = request.header("authorization", self.authorization.as_str()).call();
        answered(answer.map_err(|error| error.to_string())?, limit)
    }

    /// Sends JSON to a path of the admin API; gives what it answers.
    ///
    /// # Errors
    /// What the server says, or that it cannot be reached.
    pub fn tell(&self, path: &str, body: &[u8], limit: u64) -> Result<Vec<u8>, String> {
        let request = self.agent.post(format!("{}{path}", self.host));
        let request = request.header("authorization", self.authorization.as_str());
        let answer = request.header("content-type", "application/json").send(body);
        answered(answer.map_err(|error| error.to_string())?, limit)
    }

    /// Whether anything was published.
    ///
    /// # Errors
    /// When the server refuses to say.
    pub fn has_release(&self) -> Result<bool, TransportError> {
        self.has(TIMESTAMP_FILE)
    }
}

/// The body of an answer that is no refusal.
fn answered(mut answer: Response<ureq::Body>, limit: u64) -> Result<Vec<u8>, String> {
    if !answer.status().is_success() {
        return Err(explanation(&mut answer));
    }
    let mut bytes = Vec::new();
    let read = answer.body_mut().as_reader().take(limit.saturating_add(1));
    { read }.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(format!("the server's answer has more than {limit} bytes"));
    }
    Ok(bytes)
}

/// What a server says about a refusal: its own sentence where it sent one, without characters that
/// would do something to a terminal.
fn explanation(answer: &mut Response<ureq::Body>) -> String {
    let status = answer.status();
    let mut body = Vec::new();
    // Whatever can be read helps; the status is there in any case.
    drop(answer.body_mut().as_reader().take(EXPLANATION).read_to_end(&mut body));
    let sentence = serde_json::from_slice::<serde_json::Value>(&body)
        .ok()
        .and_then(|body| body.get("message")?.as_str().map(str::to_owned));
    let sentence = sentence.map(|sentence| {
        sentence.chars().filter(|one| !one.is_control()).take(500).collect::<String>()
    });
    match sentence {
        Some(sentence) if !sentence.is_empty() => format!("the server says: {sentence} ({status})"),
        _ => format!("the server answered {status}"),
    }
}

fn certificates(pem: &[u8]) -> Option<RootCerts> {
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        if let ureq::tls::PemItem::Certificate(certificate) = item.ok()? {
            found.push(certificate);
        }
    }
    let found: Vec<Certificate<'static>> = found;
    (!found.is_empty()).then(|| RootCerts::new_with_certs(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_tokens_that_are_none_are_refused() {
        let reach = |address: &str, token: &str| Reach {
            address: address.to_owned(),
            token: Zeroizing::new(token.to_owned()),
            authorities: None,
        };
        assert!(Server::new(&reach("https://fleet.example", "t")).is_ok());
        assert!(Server::new(&reach("https://fleet.example:8443/", "t")).is_ok());
        for address in [
            "http://fleet.example",
            "https://",
            "https://a@b",
            "https://a/b",
            "https://a?b",
            "https://a b",
        ] {
            let error = Server::new(&reach(address, "t")).err();
            assert_eq!(error, Some(NoServer::Address(address.to_owned())));
        }
        for token in ["", "a b", "a\r\nx-evil: 1"] {
            let error = Server::new(&reach("https://fleet.example", token)).err();
            assert_eq!(error, Some(NoServer::Token), "{token:?}");
        }
        let broken = Reach { authorities: Some(b"no pem".to_vec()), ..reach("https://a", "t") };
        assert_eq!(Server::new(&broken).err(), Some(NoServer::Authorities));
    }

    #[test]
    fn a_token_is_not_shown() {
        let token = Zeroizing::new("secret-token".to_owned());
        let reach = Reach { address: "https://a".to_owned(), token, authorities: None };
        let shown = format!("{:?}", Server::new(&reach).unwrap());
        assert!(!shown.contains("secret-token"), "{shown}");
    }
}
