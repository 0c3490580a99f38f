//! A conversation with the server of one Codex over its standard streams: one document per line,
//! within limits. Whatever it wants to be allowed is declined.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Instant;

use serde_json::{Value as Json, json};

use super::ask::{LARGEST, PATIENCE, Running, too_slow};

/// How many lines may wait to be read.
const WAITING: usize = 64;

/// A server that runs, introduced to this client. It is ended with the value.
pub(super) struct Session {
    lines: Receiver<String>,
    input: ChildStdin,
    deadline: Instant,
    next: u64,
    /// Last, so that the pipes are closed before it is waited for.
    _running: Running,
}

impl Session {
    /// Starts the server of a program. All of the session has to fit into the time of one question.
    ///
    /// # Errors
    /// Why there is no session.
    pub(super) fn start(mut command: Command) -> Result<Self, String> {
        // Its talk is not needed, and nobody has to read it then.
        command.arg("app-server").stdin(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
        let mut running = Running(child);
        let (input, output) = (running.0.stdin.take(), running.0.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            return Err("its server has no streams".to_owned());
        };
        let (sender, lines) = sync_channel(WAITING);
        std::thread::spawn(move || {
            let lines = BufReader::new(output.take(LARGEST)).lines();
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let deadline = Instant::now() + PATIENCE;
        let mut session = Self { lines, input, deadline, next: 0, _running: running };
        let hello = json!({
            "clientInfo": { "name": "codex-agent", "version": env!("CARGO_PKG_VERSION") },
            "capabilities": { "experimentalApi": true },
        });
        session.call("initialize", Some(hello))?;
        session.send(&json!({ "method": "initialized" }));
        Ok(session)
    }

    /// Calls a method.
    ///
    /// # Errors
    /// Codex's own words, or that it did not answer in time.
    pub(super) fn call(&mut self, method: &str, params: Option<Json>) -> Result<Json, String> {
        let number = self.next;
        self.next += 1;
        let mut message = json!({ "id": number, "method": method });
        if let (Some(params), Some(fields)) = (params, message.as_object_mut()) {
            drop(fields.insert("params".to_owned(), params));
        }
        self.send(&message);
        loop {
            let mut heard = self.hear()?;
            if heard.get("method").is_some() || heard.get("id") != Some(&json!(number)) {
                continue;
            }
            return match heard.get("error") {
                Some(error) => {
                    let words = error.get("message").and_then(Json::as_str).unwrap_or_default();
                    Err(format!("`{method}`: {words}"))
                }
                None => Ok(heard.get_mut("result").map(Json::take).unwrap_or_default()),
            };
        }
    }

    /// Waits for a notification.
    ///
    /// # Errors
    /// That it did not come in time.
    pub(super) fn wait_for(&mut self, method: &str) -> Result<(), String> {
        loop {
            let heard = self.hear()?;
            if heard.get("method").and_then(Json::as_str) == Some(method) {
                return Ok(());
            }
        }
    }

    fn hear(&mut self) -> Result<Json, String> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let line = self.lines.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => too_slow(),
            RecvTimeoutError::Disconnected => "its server ended".to_owned(),
        })?;
        let heard: Json = serde_json::from_str(&line)
            .map_err(|_| "its server wrote what is no JSON".to_owned())?;
        if let (Some(id), Some(_)) = (heard.get("id"), heard.get("method")) {
            self.send(&json!({ "id": id, "result": { "decision": "decline" } }));
        }
        Ok(heard)
    }

    fn send(&mut self, message: &Json) {
        // A closed pipe shows as the end of its output.
        let _sent = writeln!(self.input, "{message}").and_then(|()| self.input.flush());
    }
}
