//! Command rules inside requirements.

use codex_schema::value::Node;

use super::{Merged, Refusal};
use crate::era::Era;

/// What is wrong with the prefix rules, in the order of the merged list.
pub(super) fn prefix_rules(merged: &Merged<'_>) -> Vec<Refusal> {
    let Some(list) = merged.get(&["rules", "prefix_rules"]) else { return Vec::new() };
    let set_by = merged.set_by("rules");
    let refuse = |text: String, node: &Node| {
        let words = format!("invalid rules in requirements (set by {set_by}): {text}");
        Refusal::start(words, Some(node.span))
    };
    let rules = list.value.as_array().unwrap_or_default();
    if rules.is_empty() {
        return vec![refuse("rules prefix_rules cannot be empty".to_owned(), list)];
    }
    let problems = rules.iter().enumerate().filter_map(|(index, rule)| {
        let (text, node) = of_rule(rule, merged.era())?;
        Some(refuse(format!("rules prefix_rule at index {index} {text}"), node))
    });
    problems.collect()
}

/// The first thing wrong with a rule, in Codex's order: justification, pattern, tokens, decision.
fn of_rule(rule: &Node, era: Era) -> Option<(String, &Node)> {
    let blank = |node: &&Node| node.value.as_str().is_some_and(|text| text.trim().is_empty());
    if let Some(node) = rule.at(&["justification"]).filter(blank) {
        return Some(("has an empty justification".to_owned(), node));
    }
    let pattern = rule.at(&["pattern"])?;
    let tokens = pattern.value.as_array().unwrap_or_default();
    if tokens.is_empty() {
        return Some(("has an empty pattern".to_owned(), pattern));
    }
    for (index, token) in tokens.iter().enumerate() {
        if let Some(text) = of_token(token) {
            let words = format!("has an invalid pattern token at index {index}: {text}");
            return Some((words, token));
        }
    }
    let Some(decision) = rule.at(&["decision"]) else {
        return Some(("is missing a decision".to_owned(), rule));
    };
    (decision.value.as_str() == Some("allow")).then(|| {
        let text = format!(
            "has decision 'allow', which is not permitted in requirements.toml: Codex merges these \
             rules with other config and uses the most restrictive result (use {})",
            era.rule_decisions()
        );
        (text, decision)
    })
}

fn of_token(token: &Node) -> Option<&'static str> {
    let blank = |node: &Node| node.value.as_str().is_some_and(|text| text.trim().is_empty());
    match (token.at(&["token"]), token.at(&["any_of"])) {
        (Some(_), Some(_)) => Some("set either token or any_of, not both"),
        (None, None) => Some("set either token or any_of"),
        (Some(one), None) => blank(one).then_some("token cannot be empty"),
        (None, Some(list)) => {
            let all = list.value.as_array().unwrap_or_default();
            if all.is_empty() {
                return Some("any_of cannot be empty");
            }
            all.iter().any(blank).then_some("any_of cannot include empty tokens")
        }
    }
}
