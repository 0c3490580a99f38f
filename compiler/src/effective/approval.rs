//! The approval policy and who answers.

use codex_schema::key::Ty;
use codex_schema::types::approval::{ApprovalPolicy, ApprovalsReviewer};
use codex_schema::value::Node;
use codex_schema::version::Version;
use serde_json::{Value as Json, json};

use super::{Clamp, Clamped, Inputs};
use crate::compose::refusals::lists::variant_name;

const POLICIES: &str = "allowed_approval_policies";
const REVIEWERS: &str = "allowed_approvals_reviewers";

/// The approval policy: the wanted one if it is allowed, else the built-in default if that is
/// allowed and nothing was wanted, else the first of the list.
pub fn policy(inputs: &Inputs<'_>) -> Clamped<Json> {
    let retired = inputs.era().retires_old_approval();
    let canonical = |node: &Node| match node.value.as_str() {
        Some("on-failure") if !retired => Some(json!("on-failure")),
        _ => Ty::of::<ApprovalPolicy>().canonical(node).ok(),
    };
    let wanted = inputs.wanted("approval_policy").and_then(canonical);
    let default = if inputs.gathered.trust.as_deref() == Some("untrusted") {
        json!("untrusted")
    } else {
        json!("on-request")
    };
    let value = wanted.clone().unwrap_or(default);
    let Some(list) = inputs.requirement(&[POLICIES]) else { return Clamped { value, clamp: None } };
    let allowed: Vec<Json> =
        list.value.as_array().unwrap_or_default().iter().filter_map(canonical).collect();
    match allowed.first() {
        Some(first) if !allowed.contains(&value) => {
            let names: Vec<String> = allowed.iter().map(debug_name).collect();
            let warning = wanted.is_some().then(|| {
                fallback_text(
                    "approval_policy",
                    "approval_policy",
                    &debug_name(&value),
                    &debug_name(first),
                    &names,
                    &inputs.set_by(POLICIES),
                )
            });
            let clamp = Clamp { by: POLICIES, span: Some(list.span), warning };
            Clamped { value: first.clone(), clamp: Some(clamp) }
        }
        _ => Clamped { value, clamp: None },
    }
}

/// Who answers approval requests.
pub fn reviewer(inputs: &Inputs<'_>) -> Clamped<String> {
    let canonical = |node: &Node| {
        let json = Ty::of::<ApprovalsReviewer>().canonical(node).ok()?;
        json.as_str().map(str::to_owned)
    };
    let wanted = inputs.wanted("approvals_reviewer").and_then(canonical);
    let value = wanted.clone().unwrap_or_else(|| "user".to_owned());
    let Some(list) = inputs.requirement(&[REVIEWERS]) else {
        return Clamped { value, clamp: None };
    };
    let allowed: Vec<String> =
        list.value.as_array().unwrap_or_default().iter().filter_map(canonical).collect();
    match allowed.first() {
        Some(first) if !allowed.contains(&value) => {
            let names: Vec<String> = allowed.iter().map(|name| variant_name(name)).collect();
            let warning = wanted.is_some().then(|| {
                fallback_text(
                    "approvals_reviewer",
                    "approvals_reviewer",
                    &variant_name(&value),
                    &variant_name(first),
                    &names,
                    &inputs.set_by(REVIEWERS),
                )
            });
            let clamp = Clamp { by: REVIEWERS, span: Some(list.span), warning };
            Clamped { value: first.clone(), clamp: Some(clamp) }
        }
        _ => Clamped { value, clamp: None },
    }
}

/// A configured policy that no longer exists.
pub fn refused(inputs: &Inputs<'_>) -> Option<String> {
    let wanted = inputs.configuration.merged.get("approval_policy")?.value.as_str()?;
    let gone = wanted == "untrusted" && inputs.machine.version >= Version::patched(157, 1);
    gone.then(|| {
        "approval_policy = \"untrusted\" is no longer supported; remove this setting".to_owned()
    })
}

/// Codex's own name of a policy, as it prints it in warnings.
fn debug_name(policy: &Json) -> String {
    match policy.as_str() {
        Some("untrusted") => "UnlessTrusted".to_owned(),
        Some(name) => variant_name(name),
        None => {
            let kinds = policy.get("granular").and_then(Json::as_object);
            let fields: Vec<String> = kinds
                .into_iter()
                .flatten()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            format!("Granular(GranularApprovalConfig {{ {} }})", fields.join(", "))
        }
    }
}

/// The warning about a value that fell back.
pub(super) fn fallback_text(
    key: &str,
    inner_key: &str,
    wanted: &str,
    fallback: &str,
    allowed: &[String],
    set_by: &str,
) -> String {
    format!(
        "Configured value for `{key}` is disallowed by requirements; falling back to required \
         value {fallback}. Details: invalid value for `{inner_key}`: `{wanted}` is not in the \
         allowed set [{}] (set by {set_by})",
        allowed.join(", ")
    )
}
