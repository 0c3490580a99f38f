//! Rules that change nothing, because a rule that is as strict covers them.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::rule_cover::covers;
use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let rules = subject.commands();
    let mut found = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let over = subject.over(index);
        let dead =
            over.into_iter().filter_map(|at| Some((at, rules.get(at)?))).find(|(at, other)| {
                // Of two that say the same the first one stays.
                let same = covers(rule, other);
                match other.decision.cmp(&rule.decision) {
                    std::cmp::Ordering::Less => false,
                    std::cmp::Ordering::Equal => !same || *at < index,
                    // Below a stricter rule it is an exception, which has a code of its own.
                    std::cmp::Ordering::Greater => same,
                }
            });
        if let Some((_, other)) = dead {
            let message = format!("the rule for `{}` changes nothing", rule.words());
            found.push(
                Diagnostic::new(Code::DeadRule, message, rule.span)
                    .beside(other.span, "this one covers it")
                    .help("remove it"),
            );
        }
    }
    found
}
