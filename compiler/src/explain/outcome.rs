//! The value a session runs with, and how it came about.

use codex_schema::key::{Effect, Key};
use codex_schema::span::Span;
use codex_schema::value::Node;
use serde_json::{Value as Json, json};

use super::{Reason, Status};
use crate::effective::Session;
use crate::effective::mcp::{self, Verdict};
use crate::evaluate::Evaluation;

/// The end of a setting's story.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) effective: Option<Json>,
    pub(super) status: Status,
    pub(super) locked: bool,
    pub(super) allowed: Option<Json>,
    pub(super) codex_says: Option<String>,
    /// Why the wanted value is not the effective one.
    pub(super) reason: Option<Reason>,
    /// The requirement that changed the value, where it stands.
    pub(super) by: Option<(&'static str, Option<Span>)>,
}

/// What a clamp does to one of the four keys that Codex clamps with rules of their own.
pub(super) fn clamped(key: &str, evaluation: &Evaluation, session: &Session) -> Option<End> {
    let (effective, clamp, list, asked) = match key {
        "approval_policy" => (
            session.approval_policy.value.clone(),
            session.approval_policy.clamp.clone(),
            "allowed_approval_policies",
            evaluation.inputs().wanted(key).is_some(),
        ),
        "approvals_reviewer" => (
            json!(session.approvals_reviewer.value),
            session.approvals_reviewer.clamp.clone(),
            "allowed_approvals_reviewers",
            evaluation.inputs().wanted(key).is_some(),
        ),
        "web_search" => (
            json!(session.web_search.value),
            session.web_search.clamp.clone(),
            "allowed_web_search_modes",
            evaluation.inputs().wanted(key).is_some(),
        ),
        "sandbox_mode" => (
            json!(session.sandbox.value.mode),
            session.sandbox.clamp.clone(),
            "allowed_sandbox_modes",
            evaluation.inputs().wanted(key).is_some(),
        ),
        "default_permissions" => (
            json!(session.sandbox.value.profile),
            session.sandbox.clamp.clone(),
            "allowed_permission_profiles",
            evaluation.config().get(key).is_some(),
        ),
        _ => return None,
    };
    let allowed = evaluation.composition.merged.get(list).map(|node| json!(node.value));
    let by_profiles = clamp.as_ref().is_some_and(|clamp| clamp.by == "allowed_permission_profiles");
    let status = match (&clamp, asked) {
        (Some(_), true) => Status::Clamped,
        (Some(_), false) => Status::DefaultReplaced,
        (None, true) => Status::AsWanted,
        (None, false) => Status::Default,
    };
    let reason = clamp.as_ref().map(|_| {
        if by_profiles && key == "sandbox_mode" {
            Reason::IgnoredWithProfiles
        } else {
            Reason::NotAllowed
        }
    });
    Some(End {
        effective: Some(effective).filter(|value| !value.is_null()),
        status,
        locked: allowed.is_some() || clamp.is_some(),
        allowed,
        by: clamp.as_ref().map(|clamp| (clamp.by, clamp.span)),
        codex_says: clamp.and_then(|clamp| clamp.warning),
        reason,
    })
}

/// A value that a requirement replaces.
pub(super) fn fixed(row: &Key, node: &Node, wanted: Option<&Json>) -> End {
    let value = row.ty.canonical(node).unwrap_or_else(|_| json!(node.value));
    let same = wanted.is_none_or(|wanted| *wanted == value);
    End {
        status: Status::Fixed,
        locked: true,
        allowed: None,
        codex_says: None,
        reason: (!same).then_some(Reason::FixedByRequirement),
        by: None,
        effective: Some(value),
    }
}

/// Policy that is not about one configuration key.
pub(super) fn policy(row: &Key, value: Json) -> End {
    let status = if row.effect == Effect::Hints { Status::Hint } else { Status::Policy };
    End {
        effective: Some(value),
        status,
        locked: true,
        allowed: None,
        codex_says: None,
        reason: None,
        by: None,
    }
}

/// A configuration value that nothing holds.
pub(super) fn free(wanted: Option<Json>, default: Option<Json>) -> End {
    let status = if wanted.is_some() { Status::AsWanted } else { Status::Default };
    End {
        effective: wanted.or(default),
        status,
        locked: false,
        allowed: None,
        codex_says: None,
        reason: None,
        by: None,
    }
}

/// Whether an MCP server may run, for every configured one.
pub(super) fn mcp_servers(evaluation: &Evaluation) -> Vec<(String, bool, String)> {
    let inputs = evaluation.inputs();
    let by = inputs.set_by("mcp_servers");
    mcp::servers(&inputs)
        .into_iter()
        .filter_map(|server| {
            let words = match server.verdict {
                Verdict::Allowed => return None,
                Verdict::SwitchedOff => "switched off by the configuration".to_owned(),
                Verdict::NotListed => format!("requirements ({by}) do not list it"),
                Verdict::OtherIdentity { .. } => {
                    format!("requirements ({by}) allow this name for another program or address")
                }
            };
            Some((server.name, false, words))
        })
        .collect()
}
