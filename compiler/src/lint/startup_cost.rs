//! What a policy costs at every start of Codex, by a model of what was measured.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// What one rule on commands costs, in microseconds: 20,000 took 1,498 ms.
const RULE_MICROSECONDS: u64 = 75;

/// What domains cost: a number of them and milliseconds, 0.169.0 on two processors, above a start
/// without policy.
const DOMAINS: &[(u64, u64)] =
    &[(0, 0), (1_000, 22), (5_000, 149), (10_000, 441), (20_000, 1_434), (40_000, 4_240)];

/// Milliseconds above which it is said.
const THRESHOLD: u64 = 250;

/// Milliseconds that a start takes longer than without policy.
fn predicted(rules: u64, domains: u64) -> u64 {
    rules.saturating_mul(RULE_MICROSECONDS) / 1_000 + of_domains(domains)
}

/// Straight lines between what was measured; the last one goes on.
fn of_domains(count: u64) -> u64 {
    let mut pairs = DOMAINS.iter().zip(DOMAINS.iter().skip(1));
    let inside = pairs.clone().find(|(_, (end, _))| count <= *end);
    let Some(((from, low), (to, high))) = inside.or_else(|| pairs.next_back()) else { return 0 };
    let over = count.saturating_sub(*from).saturating_mul(high.saturating_sub(*low));
    low.saturating_add(over.checked_div(to.saturating_sub(*from)).unwrap_or(0))
}

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let rules = subject.commands();
    let domains = subject.domains();
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let cost = predicted(count(rules.len()), count(domains.len()));
    if cost <= THRESHOLD {
        return Vec::new();
    }
    let (rules, domains) = (rules.len(), domains.len());
    let message = format!(
        "{rules} rules and {domains} domains make every start of Codex about {cost} ms slower"
    );
    vec![Diagnostic::new(Code::StartupCost, message, subject.anchor).help(
        "remove rules that change nothing, and fold hosts into patterns such as \
             `**.example.com`",
    )]
}
