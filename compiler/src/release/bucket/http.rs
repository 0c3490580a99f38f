//! How the library reaches a bucket: through the one HTTP client and the one TLS of this program.

use std::io::Read;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use object_store::ClientOptions;
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest,
    HttpResponse, HttpResponseBody, HttpService,
};
use ureq::Agent;
use ureq::http::Request;

/// The most bytes of one answer: more than the largest file of a release.
const ANSWER: u64 = 64 * 1024 * 1024;

/// Hands out the client.
#[derive(Clone, Debug)]
pub(super) struct Connector(pub(super) Agent);

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // The library asks for plain HTTP where it fetches credentials from the machine that it
        // runs on; people ask for it in the vendors' settings.
        let plain = options.get_config_value(&ClientConfigKey::AllowHttp);
        let plain = plain.is_some_and(|value| value == "true");
        Ok(HttpClient::new(Service { agent: self.0.clone(), plain }))
    }
}

/// One client of the library.
#[derive(Debug)]
struct Service {
    agent: Agent,
    /// Whether it may go without TLS.
    plain: bool,
}

/// What the client itself refuses.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the address has no TLS")]
    Plain,
    #[error("the answer has more than {ANSWER} bytes")]
    TooLong,
}

#[async_trait]
impl HttpService for Service {
    // It blocks: the program waits for nothing else meanwhile.
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        if parts.uri.scheme_str() != Some("https") && !self.plain {
            return Err(HttpError::new(HttpErrorKind::Unknown, Refused::Plain));
        }
        let body = body.collect().await?.to_bytes().to_vec();
        // `Vec` instead of `()`: a PUT of nothing has a length, too.
        let answer = if body.is_empty() && !matches!(parts.method.as_str(), "PUT" | "POST") {
            self.agent.run(Request::from_parts(parts, ()))
        } else {
            self.agent.run(Request::from_parts(parts, body))
        };
        let (parts, mut body) = answer.map_err(broken)?.into_parts();
        let mut bytes = Vec::new();
        let read = body.as_reader().take(ANSWER + 1).read_to_end(&mut bytes);
        read.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > ANSWER {
            return Err(HttpError::new(HttpErrorKind::Decode, Refused::TooLong));
        }
        let body = Full::new(Bytes::from(bytes));
        let body = body.map_err(|never| match never {});
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
    }
}

fn broken(error: ureq::Error) -> HttpError {
    let kind = match &error {
        ureq::Error::Timeout(_) => HttpErrorKind::Timeout,
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => HttpErrorKind::Connect,
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
            HttpErrorKind::Connect
        }
        ureq::Error::Io(_) => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
