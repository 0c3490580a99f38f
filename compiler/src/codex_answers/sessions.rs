//! `thread/start`: what a session runs with, and the trust that starting one writes.

use codex_schema::version::Version;
use serde_json::{Map, Value as Json, json};

use super::refusals::{Question, refusal};
use super::warnings::{fallbacks, warnings};
use crate::effective::{Inputs, profiles, sandbox};
use crate::evaluate::Evaluation;

/// The model where nobody names one, by first version; measured at the versions given.
const MODELS: &[(u32, &str)] = &[
    (169, "gpt-6.1-sol"),
    (157, "gpt-6-astra"),
    (138, "gpt-5.5"),
    (118, "gpt-5.3-codex"),
    (0, "gpt-5.2-codex"),
];

/// Answers `thread/start`, the list of permission profiles and the warnings so far. `started` is
/// the machine as the server met it, `evaluation` the same with what the request asks for.
///
/// # Errors
/// Codex's refusal.
pub fn thread(started: &Evaluation, evaluation: &Evaluation) -> Result<Json, String> {
    if let Some(text) = refusal(evaluation, Question::Thread) {
        return Err(text);
    }
    let inputs = evaluation.inputs();
    let version = evaluation.machine.version;
    let session = evaluation.session();
    let sandbox = &session.sandbox.value;
    let reviewer = reviewer(&inputs, session.approvals_reviewer.value)?;
    let profile = sandbox.profile.as_ref().filter(|_| version >= Version::of(138));
    let shown = json!({
        "approvalPolicy": policy(&session.approval_policy.value, &inputs),
        "approvalsReviewer": reviewer,
        "sandbox": sandbox.json,
        "activePermissionProfile": profile.map(|id| json!({"id": id, "extends": sandbox.extends})),
        "model": model(&inputs),
        "modelProvider": text(&inputs, "model_provider", "openai"),
    });
    let mut said = warnings(started);
    if version >= Version::of(157) {
        said.extend(fallbacks(&inputs));
    }
    said.sort();
    said.dedup();
    let mut answer =
        Map::from_iter([("thread".to_owned(), shown), ("warnings".to_owned(), json!(said))]);
    if version >= Version::of(138) {
        answer.insert("profiles".to_owned(), listed(&inputs));
    }
    Ok(Json::Object(answer))
}

/// What starting a session adds to the user's `config.toml`: trust in the working folder.
///
/// `exists` says whether something is there by the machine's own name for it.
pub fn trust_written(evaluation: &Evaluation, exists: impl Fn(&str) -> bool) -> Option<String> {
    let version = evaluation.machine.version;
    if version < Version::of(138) || evaluation.gathered.trust.is_some() {
        return None;
    }
    let cwd = &evaluation.machine.cwd;
    let inputs = evaluation.inputs();
    let effective = evaluation.session().sandbox.value.mode != "read-only";
    let asked = inputs.request("sandbox_mode").and_then(|node| node.value.as_str());
    let writes = if version < Version::of(157) {
        effective || asked.is_some_and(|mode| mode != "read-only")
    } else {
        let project = exists(&format!("{cwd}/.git")) || exists(&format!("{cwd}/.codex"));
        effective && project
    };
    writes.then(|| format!("\n[projects.\"{cwd}\"]\ntrust_level = \"trusted\"\n"))
}

/// Builds before 0.157 keep `on-failure` as a policy of its own.
fn policy(value: &Json, inputs: &Inputs<'_>) -> Json {
    let wanted = inputs.wanted("approval_policy").and_then(|node| node.value.as_str());
    let old = inputs.machine.version < Version::of(157) && wanted == Some("on-failure");
    if old
        && *value == json!("on-request")
        && inputs.requirement(&["allowed_approval_policies"]).is_none()
    {
        return json!("on-failure");
    }
    value.clone()
}

/// Who answers: a model for which requirements demand automatic review gets it.
fn reviewer(inputs: &Inputs<'_>, chosen: String) -> Result<Json, String> {
    let version = inputs.machine.version;
    if version < Version::of(118) {
        return Ok(Json::Null);
    }
    let models = inputs.requirement(&["auto_review", "required_on_models"]);
    let models = models.and_then(|node| node.value.as_array()).unwrap_or_default();
    let model = model(inputs);
    let slug = model.split_once('/').map_or(&*model, |(_, slug)| slug);
    if !models.iter().any(|one| one.value.as_str() == Some(slug)) {
        let old = version < Version::of(157) && chosen == "auto_review";
        return Ok(json!(if old { "guardian_subagent".to_owned() } else { chosen }));
    }
    let list = inputs.requirement(&["allowed_approvals_reviewers"]);
    let names: Option<Vec<&str>> = list.and_then(|node| {
        Some(node.value.as_array()?.iter().filter_map(|one| one.value.as_str()).collect())
    });
    match names {
        Some(names)
            if !names.iter().any(|name| matches!(*name, "auto_review" | "guardian_subagent")) =>
        {
            Err(format!(
                "invalid value for `approvals_reviewer`: `AutoReview` is not in the allowed set \
                 [User] (set by {})",
                inputs.set_by("allowed_approvals_reviewers")
            ))
        }
        _ => Ok(json!("auto_review")),
    }
}

fn model(inputs: &Inputs<'_>) -> String {
    let version = inputs.machine.version;
    let default = MODELS.iter().find(|(since, _)| Version::of(*since) <= version);
    text(inputs, "model", default.map_or("", |(_, model)| model))
}

/// A required text, else the wanted one, else the default.
fn text(inputs: &Inputs<'_>, key: &str, default: &str) -> String {
    let required = inputs.requirement(&[key]).filter(|_| key == "model_provider");
    let node = required.or_else(|| inputs.wanted(key));
    node.and_then(|node| node.value.as_str()).unwrap_or(default).to_owned()
}

/// Every profile and whether it may be chosen.
fn listed(inputs: &Inputs<'_>) -> Json {
    let mut names: Vec<String> = profiles::BUILT_IN.iter().map(|name| (*name).to_owned()).collect();
    let tables = [
        inputs.configuration.merged.get("permissions"),
        inputs.composition.merged.get("permissions"),
    ];
    // 0.138.0 lists only the configuration's own, and does not say what is allowed.
    let says = inputs.machine.version >= Version::of(157);
    for (managed, table) in tables.into_iter().enumerate().take(if says { 2 } else { 1 }) {
        let entries = table.and_then(|node| node.value.as_table());
        for entry in entries.into_iter().flatten() {
            let name = entry.key.value.to_string();
            let reserved = managed == 1 && matches!(&*name, "filesystem" | "network");
            if !reserved && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let verdict =
        |name: &str| if says { json!(sandbox::allowed(inputs, name)) } else { Json::Null };
    names
        .into_iter()
        .map(|name| {
            let allowed = verdict(&name);
            (name, allowed)
        })
        .collect()
}
