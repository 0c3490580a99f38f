//! Drives `codex app-server` over its standard streams, one JSON document per line.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::OracleError;
use crate::world::{Line, Running, World};

/// How long the server may take to introduce itself. It asks the config server five times, one
/// second apart, before it gives up.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How long one call may take.
const CALL_PATIENCE: Duration = Duration::from_mins(1);

/// A failed call, with the code that tells an unknown method from a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallError {
    pub(crate) error: OracleError,
    /// The build does not have this method.
    pub(crate) unknown_method: bool,
}

impl From<OracleError> for CallError {
    fn from(error: OracleError) -> Self {
        Self { error, unknown_method: false }
    }
}

impl From<CallError> for OracleError {
    fn from(failure: CallError) -> Self {
        failure.error
    }
}

/// A running app-server, initialised. Dropping it kills it: asked to end by closing its input, it
/// takes more than four seconds.
#[derive(Debug)]
pub(crate) struct AppServer<'w, 'a> {
    world: &'w World<'a>,
    running: Running,
    next_id: u64,
    notifications: Vec<Value>,
    requests: Vec<Value>,
    decision: String,
}

impl<'w, 'a> AppServer<'w, 'a> {
    /// Starts the server in `world` and introduces this client.
    pub(crate) fn start(world: &'w World<'a>) -> Result<Self, OracleError> {
        world.seed_home(|empty| {
            // Codex unpacks its skills for the first thread.
            let params = json!({ "cwd": "$CWD" });
            AppServer::start_in(empty)?.call("thread/start", Some(params))?;
            Ok(())
        });
        Self::start_in(world)
    }

    fn start_in(world: &'w World<'a>) -> Result<Self, OracleError> {
        let running = world.start(&["app-server"])?;
        let mut server = Self {
            world,
            running,
            next_id: 0,
            notifications: Vec::new(),
            requests: Vec::new(),
            decision: "decline".to_owned(),
        };
        let hello = json!({
            "clientInfo": { "name": "oracle", "version": "0" },
            "capabilities": { "experimentalApi": true },
        });
        server.exchange("initialize", Some(hello), START_PATIENCE)?;
        server.send(&json!({ "method": "initialized" }));
        Ok(server)
    }

    /// Sets the answer to every approval that Codex asks for from now on.
    pub(crate) fn decide(&mut self, decision: &str) {
        decision.clone_into(&mut self.decision);
    }

    /// Calls a method and waits for its result.
    ///
    /// When it returns, all notifications that Codex sent before the result are recorded. The
    /// `configWarning` notifications are among them after the first call: the server writes them
    /// together with its answer to `initialize`, before it reads on (seen in 0.98.0 to 0.169.0).
    pub(crate) fn call(&mut self, method: &str, params: Option<Value>) -> Result<Value, CallError> {
        self.exchange(method, params, CALL_PATIENCE)
    }

    /// Waits until a notification called `method` has been received.
    pub(crate) fn wait_for(&mut self, method: &str, patience: Duration) -> Result<(), OracleError> {
        let deadline = Instant::now() + patience;
        while !self.notifications.iter().any(|message| named(message, method)) {
            self.receive(deadline, method)?;
        }
        Ok(())
    }

    /// Returns all notifications so far.
    pub(crate) fn notifications(&self) -> &[Value] {
        &self.notifications
    }

    /// Returns the parameters of the requests (approvals) that Codex made so far.
    pub(crate) fn requests(&self) -> &[Value] {
        &self.requests
    }

    /// Returns the summaries of the configuration warnings so far: sorted, each once, without the
    /// one about bubblewrap, which is about the machine.
    pub(crate) fn config_warnings(&self) -> Vec<String> {
        let mut summaries: Vec<String> = self
            .notifications
            .iter()
            .filter(|message| named(message, "configWarning"))
            .filter_map(|message| message.pointer("/params/summary")?.as_str())
            .filter(|summary| !summary.contains("bubblewrap"))
            .map(str::to_owned)
            .collect();
        summaries.sort();
        summaries.dedup();
        summaries
    }

    fn exchange(
        &mut self,
        method: &str,
        params: Option<Value>,
        patience: Duration,
    ) -> Result<Value, CallError> {
        let id = self.next_id;
        self.next_id += 1;
        let mut message = json!({ "id": id, "method": method });
        if let (Some(params), Some(fields)) = (params, message.as_object_mut()) {
            fields.insert("params".to_owned(), params);
        }
        self.send(&message);
        let deadline = Instant::now() + patience;
        loop {
            let Some(mut reply) = self.receive(deadline, method)? else { continue };
            if reply.get("id") != Some(&json!(id)) {
                continue;
            }
            if let Some(error) = reply.get("error") {
                return Err(call_error(error));
            }
            return Ok(reply.get_mut("result").map(Value::take).unwrap_or_default());
        }
    }

    /// Reads one message: a reply is returned, anything else is recorded (and answered).
    fn receive(
        &mut self,
        deadline: Instant,
        waiting_for: &str,
    ) -> Result<Option<Value>, OracleError> {
        let line = match self.running.stdout.line(deadline) {
            Line::Text(line) => self.world.normalise(&line),
            Line::End => return Err(self.ended(waiting_for)),
            Line::Late => return Err(OracleError::harness("no answer in time", waiting_for)),
        };
        let message: Value = serde_json::from_str(&line)
            .map_err(|error| OracleError::harness("app-server wrote no JSON", error))?;
        match (message.get("id"), message.get("method")) {
            (Some(id), Some(_)) => {
                self.send(&json!({ "id": id, "result": { "decision": self.decision } }));
                self.requests.push(message.get("params").cloned().unwrap_or_default());
                Ok(None)
            }
            (None, Some(_)) => {
                self.notifications.push(message);
                Ok(None)
            }
            (_, None) => Ok(Some(message)),
        }
    }

    /// The server is gone; before its first answer this is how it refuses to start.
    fn ended(&mut self, waiting_for: &str) -> OracleError {
        let stderr = self.running.stderr.collect(Instant::now() + Duration::from_secs(2));
        let stderr = self.world.normalise(&stderr.unwrap_or_default());
        let said: Vec<&str> =
            stderr.lines().filter(|line| !line.contains("PATH aliases")).map(str::trim).collect();
        match waiting_for {
            "initialize" => OracleError::refused(said.join(" ")),
            _ => {
                OracleError::harness(&format!("codex ended during `{waiting_for}`"), said.join(" "))
            }
        }
    }

    fn send(&mut self, message: &Value) {
        // A closed pipe shows as the end of its output, where the reason can be told.
        drop(self.running.send(&self.world.expand(&message.to_string())));
    }
}

fn named(message: &Value, method: &str) -> bool {
    message.get("method").and_then(Value::as_str) == Some(method)
}

fn call_error(error: &Value) -> CallError {
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    // -32601 is JSON-RPC's own code; Codex uses the general one and says so in words.
    let unknown_method = error.get("code") == Some(&json!(-32601))
        || message.starts_with("Invalid request: unknown variant");
    CallError { error: OracleError::refused(message), unknown_method }
}
