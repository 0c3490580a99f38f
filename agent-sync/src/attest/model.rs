//! A model that is none: on the loopback, for one session, it has Codex call a list of commands,
//! and keeps what Codex tells it of each.
//!
//! Only who knows the address is listened to, which is a secret of the home that it is written to:
//! otherwise anybody on the machine could say what Codex decides.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use codex_trust::provider::digest_name;
use serde_json::{Value as Json, json};

use super::ask::PATIENCE;

/// The most bytes of a request.
const LARGEST: u64 = 4_000_000;

/// The most bytes of a request's head.
const LARGEST_HEAD: u64 = 64_000;

/// What Codex told of each command, by its number.
pub(super) type Told = BTreeMap<usize, String>;

/// The model, as long as it is there.
pub(super) struct Model {
    port: u16,
    secret: String,
    inside: Arc<Inside>,
}

struct Inside {
    secret: String,
    commands: Vec<String>,
    told: Mutex<Told>,
    ended: AtomicBool,
}

impl Model {
    /// One that calls these commands.
    ///
    /// # Errors
    /// Why it cannot be there.
    pub(super) fn start(commands: Vec<String>) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("no model can be played here: {error}");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let bytes = crate::shell::random::<16>().map_err(|error| error.to_string())?;
        let secret: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let (told, ended) = (Mutex::default(), AtomicBool::new(false));
        let inside = Arc::new(Inside { secret: secret.clone(), commands, told, ended });
        let serving = Arc::clone(&inside);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.ended.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), serving) = (stream, Arc::clone(&serving)) else { continue };
                std::thread::spawn(move || serve(&stream, &serving));
            }
        });
        let model = Self { port, secret, inside };
        // Without a loopback Codex would try until its time is over.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(failed)?);
        Ok(model)
    }

    /// Its address.
    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/v1", self.port, self.secret)
    }

    /// What was told so far.
    pub(super) fn told(&self) -> Told {
        self.inside.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.inside.ended.store(true, Ordering::Relaxed);
        // Wakes the one that listens; where this fails it is woken by whoever comes next.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

/// Answers on one connection until it ends; whatever is wrong with it ends it.
fn serve(stream: &TcpStream, inside: &Inside) {
    let timed = stream.set_read_timeout(Some(PATIENCE));
    if timed.and_then(|()| stream.set_write_timeout(Some(PATIENCE))).is_err() {
        return;
    }
    let mut reader = BufReader::new(stream);
    while let Some((line, body)) = request(&mut reader) {
        let Some(path) = path(&line, &inside.secret) else { return };
        let (kind, answer) = match path {
            "responses" => ("text/event-stream", inside.answer(&body)),
            // Asked for the list of models, or for what is none of its business.
            _ => ("application/json", json!({ "models": [], "data": [] }).to_string()),
        };
        let length = answer.len();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
        let mut stream = stream;
        if stream.write_all(&[head.as_bytes(), answer.as_bytes()].concat()).is_err() {
            return;
        }
    }
}

/// The path below the secret, of the first line of a request. The secrets are compared by
/// their digests: the time that takes tells nothing of how much is right.
fn path<'line>(line: &'line str, secret: &str) -> Option<&'line str> {
    let path = line.split(' ').nth(1)?.strip_prefix('/')?;
    let (given, path) = path.split_once('/')?;
    if digest_name(given.as_bytes()) != digest_name(secret.as_bytes()) {
        return None;
    }
    path.strip_prefix("v1/").map(|path| path.split('?').next().unwrap_or(path))
}

/// The first line and the body of the next request.
fn request(reader: &mut impl std::io::BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = reader.by_ref().take(LARGEST_HEAD);
    let mut first = String::new();
    head.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        head.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<u64>().ok().filter(|length| *length <= LARGEST)?;
        }
    }
    let mut body = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut body).ok()?;
    (body.len() as u64 == length).then_some((first, body))
}

impl Inside {
    /// The calls first, and a closing word once Codex has told of them.
    fn answer(&self, body: &[u8]) -> String {
        let body: Json = serde_json::from_slice(body).unwrap_or_default();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let items = body.get("input").and_then(Json::as_array);
        let mut heard = false;
        for item in items.into_iter().flatten() {
            let number = item.get("call_id").and_then(Json::as_str).and_then(number_of);
            if let (Some(number), Some(output)) = (number, item.get("output")) {
                heard = true;
                let text = output.as_str().map_or_else(|| output.to_string(), str::to_owned);
                drop(told.insert(number, text));
            }
        }
        let done = json!({ "type": "message", "role": "assistant",
            "content": [{ "type": "output_text", "text": "done" }] });
        let items: Vec<Json> = if heard {
            vec![done]
        } else {
            self.commands
                .iter()
                .enumerate()
                .map(|(number, command)| call(number, command))
                .collect()
        };
        events(&items)
    }
}

fn call(number: usize, command: &str) -> Json {
    json!({
        "type": "function_call",
        "call_id": format!("probe-{number}"),
        "name": "exec_command",
        "arguments": json!({ "cmd": command, "login": false }).to_string(),
    })
}

fn number_of(call: &str) -> Option<usize> {
    call.strip_prefix("probe-")?.parse().ok()
}

/// What the Responses API streams.
fn events(items: &[Json]) -> String {
    let usage = json!({
        "input_tokens": 1, "input_tokens_details": null,
        "output_tokens": 1, "output_tokens_details": null, "total_tokens": 2,
    });
    let response = json!({ "id": "probe", "usage": usage });
    let mut events = vec![json!({ "type": "response.created", "response": { "id": "probe" } })];
    events.extend(
        items.iter().map(|item| json!({ "type": "response.output_item.done", "item": item })),
    );
    events.push(json!({ "type": "response.completed", "response": response }));
    let event = |event: &Json| {
        let name = event.get("type").and_then(Json::as_str).unwrap_or_default();
        format!("event: {name}\ndata: {event}\n\n")
    };
    events.iter().map(event).collect()
}
