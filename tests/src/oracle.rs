//! The questions, and the documents that answer them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::{CannotRun, OracleError};
use crate::install::CodexBinary;
use crate::isolation::isolated_pool;
use crate::rpc::AppServer;
use crate::spec::{FileSpec, WorldSpec};
use crate::turn::turn;
use crate::world::World;

/// One question to Codex. The documents are described at each variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "oracle", rename_all = "snake_case")]
pub enum Oracle {
    /// `app-server --print-startup-config` (0.164.0 and later; older builds refuse the flag):
    /// `{requirements, server_requests?}`, the second only with a config server.
    Startup,
    /// `configRequirements/read` (0.80.0 and later): `{requirements}`, null without any.
    RequirementsRead,
    /// `config/read` with layers for `$CWD`: `{config, origins: {key: layer name}, layers: [{name,
    /// config, version, disabled, disabledReason}], warnings}`.
    ConfigRead,
    /// `thread/start` in `$CWD`: `{thread: {approvalPolicy, approvalsReviewer, sandbox,
    /// activePermissionProfile, model, modelProvider}, profiles?: {id: allowed}, warnings,
    /// user_config}`; no `profiles` where the build cannot list them, null for `allowed` where it
    /// lists them without saying (0.138.0).
    Thread {
        /// Further parameters of `thread/start`.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        thread_params: Map<String, Value>,
    },
    /// `features list`: `{feature: enabled}`.
    Features,
    /// `mcp list --json`: `{server: {enabled, disabled_reason, command}}`.
    Mcp,
    /// `execpolicy check`: its own JSON.
    Execpolicy {
        /// The command and its arguments.
        cmd: Vec<String>,
        /// Rule files, as world paths.
        rules: Vec<String>,
        /// Further flags.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        flags: Vec<String>,
    },
    /// `sandbox -- bash -c SCRIPT`: `{rc, stdout, stderr}`.
    Sandbox {
        /// The shell script.
        script: String,
        /// The permission profile to run it under.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        profile: Option<String>,
        /// Whether managed configuration applies.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        managed: bool,
    },
    /// A whole turn against a scripted model that calls the shell tool: `{commands: [{status: ran
    /// | refused | missing, exit?, text?}], asks, hooks: [[method, status]], warnings, web_search,
    /// residency, managed_instructions}`.
    Turn(TurnScript),
    /// `config/value/write`: `{status, file}`.
    Write {
        /// The dotted key.
        key: String,
        /// The new value.
        value: Value,
    },
    /// `login status` with prepared credentials: `{rc, text}`.
    LoginStatus {
        /// `chatgpt:<plan>` or `api`.
        auth: String,
    },
}

/// What the scripted model does and how approvals are answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnScript {
    /// Shell commands, called one after the other.
    pub cmds: Vec<String>,
    /// The answer to approvals; `decline` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Further arguments of the tool call.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub tool: Map<String, Value>,
}

impl Oracle {
    /// Returns the plain `thread/start` question.
    pub fn thread() -> Self {
        Self::Thread { thread_params: Map::new() }
    }

    /// Whether one app-server can answer this next to others without disturbing them.
    fn shares_a_server(&self) -> bool {
        match self {
            Self::RequirementsRead | Self::ConfigRead | Self::Thread { .. } | Self::Features => {
                true
            }
            Self::Startup
            | Self::Mcp
            | Self::Execpolicy { .. }
            | Self::Sandbox { .. }
            | Self::Turn(_)
            | Self::Write { .. }
            | Self::LoginStatus { .. } => false,
        }
    }
}

/// Asks one question.
///
/// # Errors
///
/// [`OracleError::Refused`] with Codex's own words, or [`OracleError::Harness`].
pub fn ask(world: &World<'_>, oracle: &Oracle) -> Result<Value, OracleError> {
    match oracle {
        Oracle::Startup => startup(world),
        Oracle::RequirementsRead => requirements_read(&mut AppServer::start(world)?),
        Oracle::ConfigRead => config_read(&mut AppServer::start(world)?),
        Oracle::Thread { thread_params } => {
            thread(world, &mut AppServer::start(world)?, thread_params)
        }
        Oracle::Features => features(world),
        Oracle::Mcp => mcp(world),
        Oracle::Execpolicy { cmd, rules, flags } => execpolicy(world, cmd, rules, flags),
        Oracle::Sandbox { script, profile, managed } => {
            sandbox(world, script, profile.as_deref(), *managed)
        }
        Oracle::Turn(script) => turn(world, script),
        Oracle::Write { key, value } => write(world, key, value),
        Oracle::LoginStatus { auth } => login_status(world, auth),
    }
}

/// Asks several questions; the answers keep their order.
///
/// Requirements, config, thread and features are answered by one app-server, at the place of the
/// first of them; features then come from `experimentalFeature/list`, which says the same as
/// `features list` but words an error differently. With a config server, put [`Oracle::Startup`]
/// first: later questions are answered from Codex's cache.
pub fn ask_many(world: &World<'_>, oracles: &[Oracle]) -> Vec<Result<Value, OracleError>> {
    let shared: Vec<usize> = (0..)
        .zip(oracles)
        .filter_map(|(index, oracle)| oracle.shares_a_server().then_some(index))
        .collect();
    let mut together = BTreeMap::new();
    oracles
        .iter()
        .enumerate()
        .map(|(index, oracle)| {
            // One question shares nothing, and `features list` alone is faster than a server.
            if shared.len() < 2 || !oracle.shares_a_server() {
                return ask(world, oracle);
            }
            if together.is_empty() {
                together = ask_one_server(world, oracles, &shared);
            }
            together
                .remove(&index)
                .unwrap_or_else(|| Err(OracleError::harness("ask_many", "question lost")))
        })
        .collect()
}

/// Asks the same questions in every world, on `threads` isolated threads.
///
/// Answers keep the order of worlds and questions. A world that cannot be built gives its error as
/// the answer to each question.
///
/// # Errors
///
/// [`CannotRun`] when this machine does not allow isolation.
pub fn ask_worlds(
    binary: &CodexBinary,
    threads: NonZeroUsize,
    worlds: Vec<WorldSpec>,
    oracles: &[Oracle],
) -> Result<Vec<Vec<Result<Value, OracleError>>>, CannotRun> {
    isolated_pool(threads, worlds, |isolation, spec| match World::build(isolation, binary, &spec) {
        Ok(world) => ask_many(&world, oracles),
        Err(error) => oracles.iter().map(|_| Err(error.clone())).collect(),
    })
}

fn ask_one_server(
    world: &World<'_>,
    oracles: &[Oracle],
    shared: &[usize],
) -> BTreeMap<usize, Result<Value, OracleError>> {
    let mut server = match AppServer::start(world) {
        Ok(server) => server,
        Err(error) => return shared.iter().map(|index| (*index, Err(error.clone()))).collect(),
    };
    let answer = |index: &usize| {
        let result = match oracles.get(*index)? {
            Oracle::RequirementsRead => requirements_read(&mut server),
            Oracle::ConfigRead => config_read(&mut server),
            Oracle::Thread { thread_params } => thread(world, &mut server, thread_params),
            Oracle::Features => features_of_server(world, &mut server),
            _ => return None,
        };
        Some((*index, result))
    };
    shared.iter().filter_map(answer).collect()
}

fn startup(world: &World<'_>) -> Result<Value, OracleError> {
    let finished = world.run(&["app-server", "--print-startup-config"])?;
    let Some(line) = finished.stdout.lines().find(|line| line.starts_with('{')) else {
        return Err(OracleError::refused(finished.stderr));
    };
    let document = json_of("startup config", line)?;
    if let Some(error) = document.get("error") {
        let text = |pointer: &str| match error.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let [message, code, status] = ["/message", "/data/errorCode", "/data/statusCode"].map(text);
        return Err(OracleError::refused(format!("{message} | {code} {status}")));
    }
    let requirements = at(&document, "/configRequirements/requirements");
    Ok(match world.server_requests() {
        Some(requests) => json!({ "requirements": requirements, "server_requests": requests }),
        None => json!({ "requirements": requirements }),
    })
}

fn requirements_read(server: &mut AppServer<'_, '_>) -> Result<Value, OracleError> {
    let reply = server.call("configRequirements/read", None)?;
    Ok(json!({ "requirements": at(&reply, "/requirements") }))
}

fn config_read(server: &mut AppServer<'_, '_>) -> Result<Value, OracleError> {
    let reply =
        server.call("config/read", Some(json!({ "includeLayers": true, "cwd": "$CWD" })))?;
    let origins: Map<String, Value> = fields(at(&reply, "/origins"))
        .map(|(key, origin)| (key.clone(), at(origin, "/name").clone()))
        .collect();
    let layers: Vec<Value> = elements(at(&reply, "/layers"))
        .map(|layer| {
            json!({
                "name": at(layer, "/name"),
                "config": at(layer, "/config"),
                "version": at(layer, "/version"),
                "disabled": !at(layer, "/disabledReason").is_null(),
                "disabledReason": at(layer, "/disabledReason"),
            })
        })
        .collect();
    Ok(json!({
        "config": at(&reply, "/config"),
        "origins": origins,
        "layers": layers,
        "warnings": server.config_warnings(),
    }))
}

fn thread(
    world: &World<'_>,
    server: &mut AppServer<'_, '_>,
    extra: &Map<String, Value>,
) -> Result<Value, OracleError> {
    const SHOWN: [&str; 6] = [
        "approvalPolicy",
        "approvalsReviewer",
        "sandbox",
        "activePermissionProfile",
        "model",
        "modelProvider",
    ];
    let mut params = Map::from_iter([("cwd".to_owned(), json!("$CWD"))]);
    params.extend(extra.clone());
    let reply = server.call("thread/start", Some(Value::Object(params)))?;
    let shown: Map<String, Value> = SHOWN
        .into_iter()
        .map(|key| (key.to_owned(), reply.get(key).cloned().unwrap_or_default()))
        .collect();
    let mut answer = Map::from_iter([("thread".to_owned(), Value::Object(shown))]);
    match server.call("permissionProfile/list", Some(json!({ "cwd": "$CWD" }))) {
        Ok(profiles) => {
            let allowed: Map<String, Value> = elements(at(&profiles, "/data"))
                .filter_map(|profile| {
                    Some((at(profile, "/id").as_str()?.to_owned(), at(profile, "/allowed").clone()))
                })
                .collect();
            answer.insert("profiles".to_owned(), Value::Object(allowed));
        }
        Err(failure) if failure.unknown_method => {}
        Err(failure) => return Err(failure.into()),
    }
    answer.insert("warnings".to_owned(), json!(server.config_warnings()));
    answer.insert("user_config".to_owned(), json!(world.text("$CODEX_HOME/config.toml")?));
    Ok(Value::Object(answer))
}

fn features(world: &World<'_>) -> Result<Value, OracleError> {
    let stdout = success(world, &["features", "list"])?;
    let listed = stdout.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), json!(words.next_back() == Some("true"))))
    });
    Ok(Value::Object(listed.collect()))
}

fn features_of_server(
    world: &World<'_>,
    server: &mut AppServer<'_, '_>,
) -> Result<Value, OracleError> {
    let mut listed = Map::new();
    let mut cursor = Value::Null;
    loop {
        let params = json!({ "limit": 1000, "cursor": cursor });
        let page = match server.call("experimentalFeature/list", Some(params)) {
            Ok(page) => page,
            Err(failure) if failure.unknown_method => return features(world),
            Err(failure) => return Err(failure.into()),
        };
        for feature in elements(at(&page, "/data")) {
            if let Some(name) = at(feature, "/name").as_str() {
                listed.insert(name.to_owned(), at(feature, "/enabled").clone());
            }
        }
        cursor = at(&page, "/nextCursor").clone();
        if cursor.is_null() {
            return Ok(Value::Object(listed));
        }
    }
}

fn mcp(world: &World<'_>) -> Result<Value, OracleError> {
    let servers = json_of("mcp list", &success(world, &["mcp", "list", "--json"])?)?;
    let shown = elements(&servers).filter_map(|server| {
        let facts = json!({
            "enabled": at(server, "/enabled"),
            "disabled_reason": at(server, "/disabled_reason"),
            "command": at(server, "/transport/command"),
        });
        Some((at(server, "/name").as_str()?.to_owned(), facts))
    });
    Ok(Value::Object(shown.collect()))
}

fn execpolicy(
    world: &World<'_>,
    cmd: &[String],
    rules: &[String],
    flags: &[String],
) -> Result<Value, OracleError> {
    let places = rules
        .iter()
        .map(|rule| Ok(world.place(rule)?.to_string_lossy().into_owned()))
        .collect::<Result<Vec<_>, OracleError>>()?;
    let mut args = vec!["execpolicy", "check"];
    args.extend(places.iter().flat_map(|place| ["--rules", place.as_str()]));
    args.extend(flags.iter().map(String::as_str));
    args.push("--");
    args.extend(cmd.iter().map(String::as_str));
    json_of("execpolicy", &success(world, &args)?)
}

fn sandbox(
    world: &World<'_>,
    script: &str,
    profile: Option<&str>,
    managed: bool,
) -> Result<Value, OracleError> {
    let script = world.expand(script);
    let mut args = vec!["sandbox"];
    args.extend(profile.iter().flat_map(|profile| ["-P", profile]));
    args.extend(managed.then_some("--include-managed-config"));
    args.extend(["--", "bash", "-c", &script]);
    let finished = world.run(&args)?;
    if finished.stderr.contains("Error:") {
        return Err(OracleError::refused(finished.stderr));
    }
    Ok(json!({
        "rc": finished.code,
        "stdout": finished.stdout.trim(),
        "stderr": finished.stderr.trim(),
    }))
}

fn write(world: &World<'_>, key: &str, value: &Value) -> Result<Value, OracleError> {
    let mut server = AppServer::start(world)?;
    let params = json!({ "keyPath": key, "value": value, "mergeStrategy": "replace" });
    let reply = server.call("config/value/write", Some(params))?;
    Ok(json!({ "status": at(&reply, "/status"), "file": world.text("$CODEX_HOME/config.toml")? }))
}

fn login_status(world: &World<'_>, auth: &str) -> Result<Value, OracleError> {
    let credentials = match auth.strip_prefix("chatgpt:") {
        Some(plan) => chatgpt_credentials(plan),
        None => json!({ "OPENAI_API_KEY": "sk-test" }),
    };
    world.put("$CODEX_HOME/auth.json", &FileSpec::Text(credentials.to_string()))?;
    let finished = world.run(&["login", "status"])?;
    if finished.stderr.contains("Error") {
        return Err(OracleError::refused(finished.stderr));
    }
    let text = format!("{}{}", finished.stdout, finished.stderr);
    Ok(json!({ "rc": finished.code, "text": text.trim() }))
}

/// Unsigned tokens of a made-up account: Codex reads their claims and checks no signature itself.
fn chatgpt_credentials(plan: &str) -> Value {
    use base64::Engine;
    let encode = |part: &Value| {
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(part.to_string().as_bytes())
    };
    let claims = json!({
        "email": "a@example.com",
        "exp": 4_102_444_800_u64, // the year 2100: no clock decides a test
        "https://api.openai.com/auth": {
            "chatgpt_plan_type": plan,
            "chatgpt_user_id": "user-1",
            "user_id": "user-1",
            "chatgpt_account_id": "acct-1",
        },
    });
    let header = encode(&json!({ "alg": "none", "typ": "JWT" }));
    let token = format!("{header}.{}.c2ln", encode(&claims));
    json!({
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": null,
        "tokens": {
            "id_token": token,
            "access_token": token,
            "refresh_token": "rt",
            "account_id": "acct-1",
        },
        "last_refresh": "2099-12-31T00:00:00Z",
    })
}

/// Runs a command that must succeed and returns its standard output.
fn success(world: &World<'_>, args: &[&str]) -> Result<String, OracleError> {
    let finished = world.run(args)?;
    match finished.code {
        0 => Ok(finished.stdout),
        _ => Err(OracleError::refused(finished.stderr)),
    }
}

fn json_of(what: &str, text: &str) -> Result<Value, OracleError> {
    serde_json::from_str(text)
        .map_err(|error| OracleError::harness(&format!("{what} is not JSON"), error))
}

/// Follows a JSON pointer; what is not there is null, as in the documents of older builds.
pub(crate) fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
