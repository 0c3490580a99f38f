//! The loopback twin of the service that Codex pulls managed configuration from.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::http::{HttpServer, Response};
use crate::spec::{Bundle, HttpAnswer};
use crate::tls::LoopbackTls;

#[derive(Debug)]
struct State {
    answer: HttpAnswer,
    requests: Vec<String>,
}

/// A running HTTPS config server that gives every request the same answer.
#[derive(Debug)]
pub(crate) struct ConfigServer {
    server: HttpServer,
    state: Arc<Mutex<State>>,
}

impl ConfigServer {
    pub(crate) fn start(tls: &LoopbackTls, answer: HttpAnswer) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State { answer, requests: Vec::new() }));
        let shared = Arc::clone(&state);
        let server = HttpServer::start(Some(Arc::clone(&tls.server)), move |request| {
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            state.requests.push(request.path);
            let body = match &state.answer.body {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            Response {
                status: state.answer.status,
                content_type: "application/json",
                body: body.into_bytes(),
            }
        })?;
        Ok(Self { server, state })
    }

    /// The table that makes Codex ask this server.
    pub(crate) fn toml(&self) -> String {
        format!("[config_server]\nbase_url=\"https://127.0.0.1:{}/b\"\n", self.server.port())
    }

    /// Changes the answer from now on and forgets the requests so far.
    pub(crate) fn answer_from_now(&self, answer: HttpAnswer) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.answer = answer;
        state.requests.clear();
    }

    /// The paths that were asked for, in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).requests.clone()
    }
}

/// Puts a bundle into the JSON that Codex reads.
///
/// Shape observed with 0.169.0: `enterprise_managed` lists under `config_toml` and
/// `requirements_toml`, the first fragment having the highest priority.
pub(crate) fn bundle_answer(bundle: &Bundle, expand: impl Fn(&str) -> String) -> HttpAnswer {
    let fragments = |list: &[(String, String)]| -> Value {
        list.iter()
            .map(|(id, toml)| {
                json!({ "id": id, "name": format!("N{id}"), "contents": expand(toml) })
            })
            .collect()
    };
    let body = bundle.raw.clone().unwrap_or_else(|| {
        json!({
            "config_toml": { "enterprise_managed": fragments(&bundle.config) },
            "requirements_toml": { "enterprise_managed": fragments(&bundle.requirements) },
        })
    });
    HttpAnswer { status: 200, body }
}
