//! Checks `match=` and `not_match=`: each example against its own rule only, with absolute
//! program paths resolved, after the whole file has run.

use std::collections::BTreeMap;

use super::evaluate::{Hosts, matches_of};
use super::rule_calls::Collected;
use super::{Fault, PrefixRule, RulesFile, Token, shell_words};

/// Checks every example of a file that is loaded after `earlier` ones.
///
/// # Errors
/// The first rule whose examples do not hold, at the place of its call.
pub(super) fn check(collected: &Collected, earlier: &[RulesFile]) -> Result<(), Fault> {
    let mut hosts: Hosts<'_> = BTreeMap::new();
    for file in earlier.iter().chain(std::iter::once(&collected.rules)) {
        for host in &file.host_executables {
            hosts.insert(&host.name, &host.paths);
        }
    }
    for examples in &collected.examples {
        let Some(rule) = collected.rules.prefix_rules.get(examples.rule) else { continue };
        let rules = std::slice::from_ref(rule);
        let at = rule.position.span.start;
        let rendered = |example: &[String]| {
            shell_words::join(example).unwrap_or_else(|| "unable to render example".to_owned())
        };
        for example in &examples.not_matching {
            if let Some(found) = matches_of(rules, &hosts, example, true).first() {
                let message = format!(
                    "expected example to not match rule `{}`: {}",
                    found.debug(),
                    rendered(example)
                );
                return Err(Fault::refused(at, message));
            }
        }
        let unmatched =
            |example: &&Vec<String>| matches_of(rules, &hosts, example, true).is_empty();
        let missed: Vec<String> =
            examples.matching.iter().filter(unmatched).map(|e| rendered(e)).collect();
        if !missed.is_empty() {
            let message = format!(
                "expected every example to match at least one rule. \
                 rules: {:?}; unmatched examples: {missed:?}",
                debug_rules(rule)
            );
            return Err(Fault::refused(at, message));
        }
    }
    Ok(())
}

/// The rule as Codex prints it: one text for each way to write its first word.
fn debug_rules(rule: &PrefixRule) -> Vec<String> {
    let PrefixRule { pattern, decision, justification, canonical_matching, position: _ } = rule;
    let Some((first, rest)) = pattern.split_first() else { return vec![] };
    let rest: Vec<String> = rest
        .iter()
        .map(|token| match token {
            Token::One(word) => format!("Single({word:?})"),
            Token::AnyOf(words) => format!("Alts({words:?})"),
        })
        .collect();
    let rest = rest.join(", ");
    let one = |word: &String| {
        format!(
            "PrefixRule {{ pattern: PrefixPattern {{ canonical_matching: {canonical_matching}, \
             first: {word:?}, rest: [{rest}] }}, decision: {decision:?}, \
             justification: {justification:?} }}"
        )
    };
    first.alternatives().iter().map(one).collect()
}
