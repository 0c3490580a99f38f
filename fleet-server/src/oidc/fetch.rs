//! The network: documents of the issuer, within limits of bytes and time.

use std::io::Read as _;
use std::time::Duration;

use ureq::Agent;

use super::address::Address;
use crate::outbound::client;

/// For how long an answer may take, from the connection to its last byte.
const TIME: Duration = Duration::from_secs(5);

/// The most bytes of an answer.
const MAX_BYTES: u64 = 262_144;

/// A client of the issuer.
#[derive(Clone, Debug)]
pub(super) struct Client(Agent);

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) is_success: bool,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// A form to send, and what stands in the header with it.
#[derive(Debug)]
pub(super) struct Form<'form> {
    pub(super) body: &'form str,
    pub(super) authorization: Option<&'form str>,
}

impl Client {
    /// A client that believes these authorities (PEM), or those of the web where none are given.
    ///
    /// # Errors
    /// When there is no certificate in them.
    pub(super) fn new(authorities: Option<&[u8]>) -> Result<Self, &'static str> {
        client(authorities, TIME).map(Self).ok_or("has no certificate in PEM")
    }

    /// A document. Waits: not on a thread of the runtime.
    ///
    /// # Errors
    /// What went wrong, for people.
    pub(super) fn get(&self, address: &Address) -> Result<Vec<u8>, String> {
        let request = self.0.get(address.as_str()).header("accept", "application/json").config();
        // No proxy knows this very machine.
        let request = if address.is_loopback() { request.proxy(None) } else { request }.build();
        let reply = read(request.call())?;
        if reply.is_success { Ok(reply.body) } else { Err(format!("it answered {}", reply.status)) }
    }

    /// The answer to a form. Waits: not on a thread of the runtime.
    ///
    /// # Errors
    /// What went wrong, for people.
    pub(super) fn post(&self, address: &Address, form: &Form<'_>) -> Result<Reply, String> {
        let mut request = self
            .0
            .post(address.as_str())
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(value) = form.authorization {
            request = request.header("authorization", value);
        }
        let request = request.config();
        let request = if address.is_loopback() { request.proxy(None) } else { request }.build();
        read(request.send(form.body))
    }
}

type Answered = Result<ureq::http::Response<ureq::Body>, ureq::Error>;

fn read(answer: Answered) -> Result<Reply, String> {
    let failed = |error: ureq::Error| match error {
        ureq::Error::Timeout(_) => format!("it did not answer within {} seconds", TIME.as_secs()),
        other => format!("it cannot be asked: {other}"),
    };
    let mut answer = answer.map_err(failed)?;
    let status = answer.status();
    let mut body = Vec::new();
    let mut limited = answer.body_mut().as_reader().take(MAX_BYTES.saturating_add(1));
    limited.read_to_end(&mut body).map_err(|error| failed(error.into()))?;
    if u64::try_from(body.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(format!("its answer has more than {MAX_BYTES} bytes"));
    }
    Ok(Reply { is_success: status.is_success(), status: status.as_u16(), body })
}
