//! Sandbox, approvals, features and login.

use codex_schema::value::Node;

use super::{Name, Statement};
use crate::codex_answers::features_in_force;
use crate::decide;
use crate::decide::answer::Verdict;
use crate::decide::question::Question;
use crate::evaluate::Evaluation;

/// What the session runs with, and what it may be changed to.
pub(super) fn sandbox(evaluation: &Evaluation) -> Vec<Statement> {
    let session = evaluation.session();
    let sandbox = &session.sandbox.value;
    let boundary = match &sandbox.profile {
        Some(profile) => format!("the permission profile `{profile}` ({})", sandbox.mode),
        None => format!("the sandbox `{}`", sandbox.mode),
    };
    let approval = match &session.approval_policy.value {
        serde_json::Value::String(word) => word.clone(),
        other => other.to_string(),
    };
    let mut found = vec![Statement::sentence(format!(
        "This session runs in {boundary} with approvals `{approval}`, answered by `{}`; web search \
         is `{}`",
        session.approvals_reviewer.value, session.web_search.value
    ))];
    for (key, what) in [
        ("allowed_approval_policies", "approvals"),
        ("allowed_sandbox_modes", "sandbox modes"),
        ("allowed_approvals_reviewers", "reviewers"),
    ] {
        found.extend(listed(evaluation, key).map(|list| {
            Statement::sentence(format!("The policy allows only these {what}: {list}"))
        }));
    }
    found.extend(profiles(evaluation));
    found
}

/// The elements of a list of requirements.
fn listed(evaluation: &Evaluation, key: &str) -> Option<String> {
    let node = evaluation.inputs().requirement(&[key])?;
    let words = |node: &Node| match node.value.as_str() {
        Some(text) => super::code(text),
        None => super::code(&serde_json::json!(node.value).to_string()),
    };
    let list: Vec<String> = node.value.as_array()?.iter().map(words).collect();
    Some(list.join(", "))
}

fn profiles(evaluation: &Evaluation) -> Option<Statement> {
    let inputs = evaluation.inputs();
    let node = inputs.requirement(&["allowed_permission_profiles"])?;
    let allowed = node.value.as_table()?.iter().filter(|it| it.node.value.as_bool() == Some(true));
    let names: Vec<String> = allowed.map(|profile| super::code(&profile.key.value)).collect();
    let list = names.join(", ");
    Some(Statement::sentence(format!("The policy allows only these permission profiles: {list}")))
}

/// Features that the policy pins.
pub(super) fn features(evaluation: &Evaluation) -> Vec<Statement> {
    let inputs = evaluation.inputs();
    let pins = inputs.requirement(&["features"]).and_then(|node| node.value.as_table());
    let Some(pins) = pins else { return Vec::new() };
    let known = features_in_force(evaluation);
    let mut found = Vec::new();
    for (verdict, text) in [
        (Verdict::Deny, "Off, whatever is configured"),
        (Verdict::Allow, "On, whatever is configured"),
    ] {
        let names: Vec<Name> = pins
            .iter()
            .map(|pin| pin.key.value.to_string())
            .filter(|name| known.contains_key(name.as_str()))
            .map(|name| Name { witness: Question::Feature(name.clone()), name })
            .filter(|name| decide::answer(evaluation, &name.witness).verdict == verdict)
            .collect();
        if !names.is_empty() {
            found.push(Statement::of(verdict, text, names));
        }
    }
    found
}

/// How a person may sign in.
pub(super) fn login(evaluation: &Evaluation) -> Vec<Statement> {
    let list = listed(evaluation, "allowed_login_methods");
    let workspaces = listed(evaluation, "allowed_chatgpt_workspaces");
    let mut found = Vec::new();
    found.extend(
        list.map(|list| Statement::sentence(format!("Only these ways to sign in: {list}"))),
    );
    if workspaces.is_some() {
        found.push(Statement::sentence("Only in the organisation's own workspace"));
    }
    found
}
