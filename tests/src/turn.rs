//! A whole turn of a session against a scripted model.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::error::OracleError;
use crate::http::{HttpServer, Request, Response};
use crate::oracle::{TurnScript, at};
use crate::rpc::AppServer;
use crate::spec::FileSpec;
use crate::world::World;

const TURN_PATIENCE: Duration = Duration::from_secs(90);
const USER_CONFIG: &str = "$CODEX_HOME/config.toml";

/// One call that Codex made to the model.
#[derive(Debug, Clone)]
struct ModelCall {
    headers: BTreeMap<String, String>,
    body: Value,
}

/// A server that speaks the Responses API: its n-th answer is the n-th item, then a closing word.
struct FakeModel {
    server: HttpServer,
    calls: Arc<Mutex<Vec<ModelCall>>>,
}

impl FakeModel {
    fn start(items: Vec<Value>) -> io::Result<Self> {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let server = HttpServer::start(None, move |request| respond(&items, &seen, request))?;
        Ok(Self { server, calls })
    }

    fn calls(&self) -> Vec<ModelCall> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts this model into a user's configuration: keys before the first table, the table last.
    fn add_to(&self, config: &str) -> String {
        let keys = "model_provider=\"fake\"\nmodel=\"gpt-5\"\n";
        let first_table = if config.starts_with('[') {
            0
        } else {
            config.find("\n[").map_or(config.len(), |newline| newline + 1)
        };
        let (before, tables) = config.split_at(first_table);
        let separator = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        format!(
            "{before}{separator}{keys}{tables}\n[model_providers.fake]\nname=\"fake\"\n\
             base_url=\"http://127.0.0.1:{}/v1\"\nwire_api=\"responses\"\n",
            self.server.port()
        )
    }
}

fn respond(items: &[Value], calls: &Mutex<Vec<ModelCall>>, request: Request) -> Response {
    if request.method != "POST" {
        // Asked for the list of models.
        let body = json!({ "models": [], "data": [] }).to_string().into_bytes();
        return Response { status: 200, content_type: "application/json", body };
    }
    if !request.path.ends_with("/responses") {
        // With an exporter of telemetry, 0.169.0 asks its provider what turns cost.
        return Response { status: 404, content_type: "application/json", body: b"{}".to_vec() };
    }
    let body = serde_json::from_slice(&request.body).unwrap_or_default();
    let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
    let number = calls.len();
    calls.push(ModelCall { headers: request.headers, body });
    let closing = json!({
        "type": "message",
        "role": "assistant",
        "content": [{ "type": "output_text", "text": "done" }],
    });
    let id = format!("r{number}");
    let usage = json!({
        "input_tokens": 1,
        "input_tokens_details": null,
        "output_tokens": 1,
        "output_tokens_details": null,
        "total_tokens": 2,
    });
    let events = [
        json!({ "type": "response.created", "response": { "id": id } }),
        json!({
            "type": "response.output_item.done",
            "item": items.get(number).unwrap_or(&closing),
        }),
        json!({ "type": "response.completed", "response": { "id": id, "usage": usage } }),
    ];
    let event_text = |event: &Value| {
        let name = event.get("type").and_then(Value::as_str).unwrap_or_default();
        format!("event: {name}\ndata: {event}\n\n")
    };
    let stream = events.iter().map(event_text).collect::<Vec<_>>().concat();
    Response { status: 200, content_type: "text/event-stream", body: stream.into_bytes() }
}

/// Plays `script` and reports what became of each command.
pub(crate) fn turn(world: &World<'_>, script: &TurnScript) -> Result<Value, OracleError> {
    let items = script.cmds.iter().enumerate().map(|(number, cmd)| {
        let mut arguments = Map::from_iter([
            ("cmd".to_owned(), json!(world.expand(cmd))),
            ("login".to_owned(), json!(false)),
        ]);
        arguments.extend(script.tool.clone());
        json!({
            "type": "function_call",
            "call_id": call_id(number),
            "name": "exec_command",
            "arguments": Value::Object(arguments).to_string(),
        })
    });
    let model = FakeModel::start(items.collect())
        .map_err(|error| OracleError::harness("fake model", error))?;
    let config = model.add_to(&world.text(USER_CONFIG)?);
    world.put(USER_CONFIG, &FileSpec::Text(config))?;

    let mut server = AppServer::start(world)?;
    server.decide(script.decision.as_deref().unwrap_or("decline"));
    let thread = server.call("thread/start", Some(json!({ "cwd": "$CWD" })))?;
    let input = json!({
        "threadId": at(&thread, "/thread/id"),
        "input": [{ "type": "text", "text": "go" }],
    });
    server.call("turn/start", Some(input))?;
    server.wait_for("turn/completed", TURN_PATIENCE)?;
    Ok(report(world, script, &server, &model.calls()))
}

fn report(
    world: &World<'_>,
    script: &TurnScript,
    server: &AppServer<'_, '_>,
    calls: &[ModelCall],
) -> Value {
    let outputs = outputs(world, calls);
    let commands: Vec<Value> = (0..script.cmds.len())
        .map(|number| verdict(outputs.get(&call_id(number)).map(String::as_str)))
        .collect();
    let asks: Vec<Value> = server
        .requests()
        .iter()
        .map(|params| match at(params, "/networkApprovalContext") {
            Value::Null => {
                json!({ "command": at(params, "/command"), "reason": at(params, "/reason") })
            }
            context => context.clone(),
        })
        .collect();
    let hooks: BTreeSet<(&str, &str)> = server
        .notifications()
        .iter()
        .filter(|message| at(message, "/method") == "hook/completed")
        .filter_map(|message| {
            Some((at(message, "/method").as_str()?, at(message, "/params/run/status").as_str()?))
        })
        .collect();
    let first = calls.first();
    let body = first.map(|call| call.body.clone()).unwrap_or_default();
    let web_search: Vec<&Value> = at(&body, "/tools")
        .as_array()
        .into_iter()
        .flatten()
        .filter(|tool| {
            at(tool, "/type").as_str().is_some_and(|kind| kind.starts_with("web_search"))
        })
        .collect();
    let residency = first.and_then(|call| call.headers.get("x-openai-internal-codex-residency"));
    let instructed = at(&body, "/input").to_string().contains("<managed_developer_instructions>");
    json!({
        "commands": commands,
        "asks": asks,
        "hooks": hooks,
        "warnings": server.config_warnings(),
        "web_search": web_search,
        "residency": residency,
        "managed_instructions": instructed,
    })
}

fn call_id(number: usize) -> String {
    format!("c{number}")
}

/// What Codex told the model about each call; every later call repeats the earlier outputs.
fn outputs(world: &World<'_>, calls: &[ModelCall]) -> BTreeMap<String, String> {
    calls
        .iter()
        .filter_map(|call| at(&call.body, "/input").as_array())
        .flatten()
        .filter(|item| at(item, "/type") == "function_call_output")
        .filter_map(|item| {
            let text = match at(item, "/output") {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            Some((at(item, "/call_id").as_str()?.to_owned(), world.normalise(&text)))
        })
        .collect()
}

/// Tells a command that ran from one that was refused, by the words the shell tool uses.
fn verdict(output: Option<&str>) -> Value {
    let Some(output) = output else { return json!({ "status": "missing" }) };
    let exit = output.split_once("Process exited with code ").and_then(|(_, rest)| {
        let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
        digits.parse::<u32>().ok()
    });
    let Some(exit) = exit else { return json!({ "status": "refused", "text": output }) };
    let text = output.split_once("Output:\n").map_or(output, |(_, text)| text).trim();
    json!({ "status": "ran", "exit": exit, "text": text })
}

#[cfg(test)]
mod tests {
    use super::{json, verdict};

    #[test]
    fn a_refusal_has_no_exit_code() {
        let ran = "Wall time: 0.1\nProcess exited with code 3\nOutput:\nhello\n";
        assert_eq!(verdict(Some(ran)), json!({ "status": "ran", "exit": 3, "text": "hello" }));
        assert_eq!(verdict(Some("no")), json!({ "status": "refused", "text": "no" }));
        assert_eq!(verdict(None), json!({ "status": "missing" }));
    }
}
