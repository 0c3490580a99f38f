//! A fleet server, as its administrators' programs see it: one address, one token, small answers.

use std::io::Read;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::http::{Method, Request};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use zeroize::Zeroizing;

/// How long one request may take.
const TIME: Duration = Duration::from_mins(1);
/// The most bytes of a document that is asked for.
const DOCUMENT: u64 = 16_000_000;

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

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No whole answer came.
    #[error("{0}")]
    Silent(String),
    /// The server refuses, in its own words where it has any.
    #[error("{words}")]
    Server {
        /// The status of HTTP.
        status: u16,
        /// Why.
        words: String,
    },
    /// More came than may come.
    #[error("the answer has more than {0} bytes")]
    TooLong(u64),
}

/// What this program reaches other machines with. Secrets go to the address that the administrator
/// wrote, and nowhere else: no redirect is followed.
///
/// # Errors
/// When the authorities are no certificates.
pub(crate) fn connection(authorities: Option<&[u8]>) -> Result<Agent, NoServer> {
    let roots = match authorities {
        None => RootCerts::WebPki,
        Some(pem) => certificates(pem).ok_or(NoServer::Authorities)?,
    };
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .timeout_global(Some(TIME))
        .user_agent(concat!("codex-config/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(config.into())
}

/// A server.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    authorization: Zeroizing<String>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Client {
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
        Ok(Self {
            agent: connection(reach.authorities.as_deref())?,
            base: format!("https://{host}"),
            authorization: Zeroizing::new(format!("Bearer {}", reach.token.as_str())),
        })
    }

    /// A document of the server.
    ///
    /// # Errors
    /// When it is refused, or is none.
    pub fn document<A: DeserializeOwned>(&self, path: &str) -> Result<A, Refused> {
        read(&self.ask(&Method::GET, path, &[], DOCUMENT)?)
    }

    /// What the server answers to a document.
    ///
    /// # Errors
    /// When it refuses, or answers with something else.
    pub fn tell<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        question: &Q,
    ) -> Result<A, Refused> {
        let body =
            serde_json::to_vec(question).map_err(|error| Refused::Silent(error.to_string()))?;
        read(&self.ask(&Method::POST, path, &body, DOCUMENT)?)
    }

    /// The bytes of an answer of success, up to a limit.
    ///
    /// # Errors
    /// When there is none, or it is longer.
    pub fn ask(
        &self,
        method: &Method,
        path: &str,
        body: &[u8],
        limit: u64,
    ) -> Result<Vec<u8>, Refused> {
        let silent = |error: &dyn std::fmt::Display| Refused::Silent(error.to_string());
        let form =
            if *method == Method::POST { "application/json" } else { "application/octet-stream" };
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.base))
            .header("authorization", self.authorization.as_str());
        let answer = if *method == Method::GET || *method == Method::HEAD {
            self.agent.run(request.body(()).map_err(|error| silent(&error))?)
        } else {
            let request = request.header("content-type", form).body(body);
            self.agent.run(request.map_err(|error| silent(&error))?)
        };
        let mut answer = answer.map_err(|error| silent(&error))?;
        let status = answer.status();
        let mut bytes = Vec::new();
        let read =
            answer.body_mut().as_reader().take(limit.saturating_add(1)).read_to_end(&mut bytes);
        if !status.is_success() {
            // Whatever could be read helps; the status is there in any case.
            return Err(Refused::Server { status: status.as_u16(), words: words(status, &bytes) });
        }
        read.map_err(|error| silent(&error))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(Refused::TooLong(limit));
        }
        Ok(bytes)
    }
}

fn read<A: DeserializeOwned>(bytes: &[u8]) -> Result<A, Refused> {
    serde_json::from_slice(bytes)
        .map_err(|error| Refused::Silent(format!("the answer has another form: {error}")))
}

/// What a server says about a refusal: its own sentence where it sent one, without characters that
/// would do something to a terminal.
fn words(status: ureq::http::StatusCode, body: &[u8]) -> String {
    let sentence = serde_json::from_slice::<serde_json::Value>(body)
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
    let mut found: Vec<Certificate<'static>> = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        if let ureq::tls::PemItem::Certificate(certificate) = item.ok()? {
            found.push(certificate);
        }
    }
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
        assert!(Client::new(&reach("https://fleet.example", "t")).is_ok());
        assert!(Client::new(&reach("https://fleet.example:8443/", "t")).is_ok());
        for address in [
            "http://fleet.example",
            "https://",
            "https://a@b",
            "https://a/b",
            "https://a?b",
            "https://a b",
        ] {
            let error = Client::new(&reach(address, "t")).err();
            assert_eq!(error, Some(NoServer::Address(address.to_owned())));
        }
        for token in ["", "a b", "a\r\nx-evil: 1"] {
            let error = Client::new(&reach("https://fleet.example", token)).err();
            assert_eq!(error, Some(NoServer::Token), "{token:?}");
        }
        let broken = Reach { authorities: Some(b"no pem".to_vec()), ..reach("https://a", "t") };
        assert_eq!(Client::new(&broken).err(), Some(NoServer::Authorities));
    }

    #[test]
    fn a_token_is_not_shown() {
        let token = Zeroizing::new("secret-token".to_owned());
        let reach = Reach { address: "https://a".to_owned(), token, authorities: None };
        let shown = format!("{:?}", Client::new(&reach).unwrap());
        assert!(!shown.contains("secret-token"), "{shown}");
    }

    #[test]
    fn words_of_a_server_cannot_reach_the_terminal() {
        let status = ureq::http::StatusCode::CONFLICT;
        let told = words(status, br#"{"message": "no\u001b[2J way"}"#);
        assert_eq!(told, "the server says: no[2J way (409 Conflict)");
        assert_eq!(words(status, b"<html>"), "the server answered 409 Conflict");
    }
}
