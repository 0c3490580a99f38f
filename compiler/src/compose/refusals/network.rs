//! Managed network policy.

use codex_schema::value::{Entry, Node};

use super::{Merged, Refusal};
use crate::compose::{Phase, Stage};
use crate::decide::domains::is_global;

const TOP: &str = "experimental_network";

/// The policy may stand at the top or under `permissions`, not in both.
pub(super) fn surfaces(merged: &Merged<'_>) -> Vec<Refusal> {
    let (Some(top), Some(below)) = (merged.get(&[TOP]), merged.get(&["permissions", "network"]))
    else {
        return Vec::new();
    };
    let text = format!(
        "failed to parse merged requirements: invalid value for `permissions.network`: \
         `configured together with top-level network requirements from {}` is not in the allowed \
         set specify managed network requirements through exactly one surface (set by {})",
        merged.set_by(TOP),
        merged.set_by("permissions")
    );
    let refusal = Refusal { related: Some(top.span), ..Refusal::start(text, Some(below.span)) };
    vec![refusal.in_phase(Phase::Types)]
}

/// A pattern for everything.
pub(super) fn global_patterns(merged: &Merged<'_>) -> Vec<Refusal> {
    let wrong = patterns(merged, is_global);
    wrong
        .into_iter()
        .map(|(pattern, decision, node)| {
            let pattern = pattern.trim();
            let list = if decision == Decision::Allow { "allowed" } else { "denied" };
            let text = format!(
                "failed to build managed network proxy from {}: network proxy constraints are \
                 invalid: invalid value for network.{list}_domains: {pattern} (allowed exact hosts \
                 or scoped wildcards like *.example.com or **.example.com)",
                merged.set_by(if merged.get(&[TOP]).is_some() { TOP } else { "permissions" })
            );
            Refusal::start(text, Some(node.span))
        })
        .collect()
}

/// Patterns that pass every start-up check and then stop every session.
pub(super) fn session_patterns(merged: &Merged<'_>) -> Vec<Refusal> {
    let enabled = [&[TOP, "enabled"][..], &["permissions", "network", "enabled"]]
        .into_iter()
        .any(|path| merged.get(path).and_then(|node| node.value.as_bool()) == Some(true));
    if !enabled || !merged.era().checks_host_syntax() {
        return Vec::new();
    }
    let wrong = patterns(merged, |pattern| session_problem(pattern).is_some());
    let problems = wrong.into_iter().filter_map(|(pattern, _, node)| {
        let text = session_problem(pattern)?;
        let words = format!(
            "error creating thread: Fatal error: Failed to initialize session: failed to start \
             managed network proxy: failed to build network proxy state: {text}"
        );
        let refusal = Refusal::start(words, Some(node.span)).in_phase(Phase::Session);
        Some(Refusal { stage: Stage::Session, ..refusal })
    });
    problems.collect()
}

fn session_problem(pattern: &str) -> Option<String> {
    if pattern.trim().is_empty() {
        return Some("domain pattern is empty".to_owned());
    }
    let unsupported = pattern.bytes().any(|byte| matches!(byte, b'/' | b' '));
    unsupported.then(|| format!("unsupported domain pattern syntax: {pattern}"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Allow,
    Deny,
}

/// The wanted domain patterns with what they decide and where they stand. There may be thousands,
/// of which hardly one is wanted.
fn patterns<'a>(
    merged: &Merged<'a>,
    wanted: impl Fn(&str) -> bool,
) -> Vec<(&'a str, Decision, &'a Node)> {
    let mut found = Vec::new();
    for path in [&[TOP][..], &["permissions", "network"]] {
        let Some(network) = merged.get(path) else { continue };
        let domains = network.at(&["domains"]).and_then(|node| node.value.as_table());
        let domains = domains.into_iter().flatten();
        let mut domains: Vec<&Entry> = domains.filter(|one| wanted(&one.key.value)).collect();
        domains.sort_by_key(|entry| &*entry.key.value);
        for entry in domains {
            let denied = entry.node.value.as_str() == Some("deny");
            let decision = if denied { Decision::Deny } else { Decision::Allow };
            found.push((&*entry.key.value, decision, &entry.node));
        }
        for (list, decision) in
            [("allowed_domains", Decision::Allow), ("denied_domains", Decision::Deny)]
        {
            let elements = network.at(&[list]).and_then(|node| node.value.as_array());
            for node in elements.unwrap_or_default() {
                let pattern = node.value.as_str().filter(|pattern| wanted(pattern));
                found.extend(pattern.map(|pattern| (pattern, decision, node)));
            }
        }
    }
    found
}
