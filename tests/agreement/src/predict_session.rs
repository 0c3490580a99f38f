//! Predictions of the questions about a session: configuration, threads, features, servers,
//! writes and log-in.

use codex_compiler::codex_answers::{self, Credentials};
use codex_compiler::evaluate::Evaluation;
use codex_oracle::{FileSpec, Oracle, WorldSpec};
use codex_schema::span::Span;
use codex_schema::value::Node;
use codex_schema::version::Version;
use serde_json::{Map, Value as Json};

use crate::predict::evaluation;
use crate::predict_commands;

const USER_FILE: &str = "$CODEX_HOME/config.toml";

/// What the model answers; `None` where the question is not about a session.
pub fn predict(
    spec: &WorldSpec,
    oracle: &Oracle,
    version: Version,
) -> Option<Result<Json, String>> {
    let world = || evaluation(spec, version);
    Some(match oracle {
        Oracle::ConfigRead => codex_answers::config_read(&world()),
        Oracle::Thread { thread_params } => thread(spec, thread_params, version),
        Oracle::Features => codex_answers::features(&world()),
        Oracle::Mcp => codex_answers::mcp(&world()),
        Oracle::Write { key, value } => {
            codex_answers::write(&world(), key, value, &text_of(spec, USER_FILE))
        }
        Oracle::LoginStatus { auth } => codex_answers::login_status(&world(), credentials(auth)),
        Oracle::Execpolicy { cmd, rules, flags } => {
            predict_commands::execpolicy(spec, cmd, rules, flags)
        }
        Oracle::Turn(script) => return predict_commands::turn(spec, script, version),
        _ => return None,
    })
}

fn credentials(auth: &str) -> Credentials<'_> {
    if auth.starts_with("chatgpt:") {
        Credentials::ChatGpt { workspace: "acct-1" }
    } else {
        Credentials::ApiKey
    }
}

fn text_of(spec: &WorldSpec, path: &str) -> String {
    match spec.files.get(path) {
        Some(FileSpec::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

/// A thread may write trust into the user's file, and then runs with what that changes.
fn thread(spec: &WorldSpec, params: &Map<String, Json>, version: Version) -> Result<Json, String> {
    let started = evaluation(spec, version);
    let mut asked = evaluation(spec, version);
    request(&mut asked, params);
    codex_answers::thread(&started, &asked)?;
    let exists = |path: &str| {
        let name = path.replace("/world/cwd", "$CWD");
        spec.files.keys().any(|file| *file == name || file.starts_with(&format!("{name}/")))
    };
    let mut user = text_of(spec, USER_FILE);
    if let Some(addition) = codex_answers::trust_written(&asked, exists) {
        if !user.is_empty() && !user.ends_with('\n') {
            user.push('\n');
        }
        let addition = addition.replace("/world/cwd", "$CWD");
        user = grouped(&user);
        user.push_str(if user.is_empty() { addition.trim_start() } else { &addition });
        let trusting = spec.clone().file(USER_FILE, &user);
        asked = evaluation(&trusting, version);
        request(&mut asked, params);
    }
    let mut answer = codex_answers::thread(&started, &asked)?;
    if let Some(object) = answer.as_object_mut() {
        object.insert("user_config".to_owned(), Json::String(user));
    }
    Ok(answer)
}

/// A document as the library writes it back that Codex edits it with: keys of one dotted table
/// stand together, where the first of them stood.
fn grouped(text: &str) -> String {
    let mut out = String::new();
    let mut groups: Vec<(&str, String)> = Vec::new();
    let mut above = String::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for line in text.split_inclusive('\n') {
        let head =
            line.split_once('=').and_then(|(key, _)| key.split_once('.')).map(|(head, _)| head);
        if line.trim_start().starts_with('[') {
            out.extend(groups.drain(..).map(|(_, lines)| lines));
        }
        above.push_str(line);
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let lines = std::mem::take(&mut above);
        match groups.iter_mut().find(|(own, _)| head.is_some_and(|head| head.trim() == *own)) {
            Some((_, group)) => group.push_str(&lines),
            None => groups.push((head.unwrap_or_default().trim(), lines)),
        }
    }
    out.extend(groups.into_iter().map(|(_, lines)| lines));
    out + &above
}

/// Lays the parameters of a request over the machine's own configuration.
fn request(evaluation: &mut Evaluation, params: &Map<String, Json>) {
    const NAMES: &[(&str, &str)] = &[
        ("approvalPolicy", "approval_policy"),
        ("approvalsReviewer", "approvals_reviewer"),
        ("sandbox", "sandbox_mode"),
        ("model", "model"),
        ("modelProvider", "model_provider"),
    ];
    for (param, key) in NAMES {
        if let Some(text) = params.get(*param).and_then(Json::as_str) {
            let node = Node::string(text, Span::BUILT_IN);
            evaluation.gathered.arguments.requests.push((*key, node));
        }
    }
}
