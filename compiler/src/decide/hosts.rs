//! Whether a host can be reached.

use super::answer::{Answer, EntrySaid, Verdict};
use super::domains::{DomainEntry, DomainRule, DomainVerdict, NetworkPolicy, normal_host};
use crate::evaluate::Evaluation;

/// Answers for a host.
pub(super) fn answer(evaluation: &Evaluation, host: &str) -> Answer {
    let network = NetworkPolicy::of(&evaluation.composition.merged);
    let decided = network.decide(host);
    let (verdict, because) = match decided.verdict {
        DomainVerdict::Unmanaged => {
            (Verdict::Unmanaged, "there is no managed network: entries count for nothing")
        }
        DomainVerdict::Denied => {
            (Verdict::Deny, "an entry denies it, and a denial cannot be approved")
        }
        DomainVerdict::Local => (Verdict::Deny, "it is a local or private address"),
        DomainVerdict::Refused => {
            (Verdict::Deny, "no entry allows it, and the policy lets nobody be asked")
        }
        DomainVerdict::Review => (Verdict::Prompt, "an entry puts it under review"),
        DomainVerdict::Ask => (Verdict::Prompt, "no entry says anything about it"),
        DomainVerdict::Allowed => (Verdict::Allow, "an entry allows it"),
    };
    let mut answer = Answer::new(normal_host(host), verdict, because);
    answer.entries = decided.matches.iter().map(|entry| said(entry)).collect();
    answer
}

fn said(entry: &DomainEntry<'_>) -> EntrySaid {
    let verdict = match entry.rule {
        DomainRule::Allow => Verdict::Allow,
        DomainRule::Review => Verdict::Prompt,
        DomainRule::Deny => Verdict::Deny,
    };
    EntrySaid {
        key: format!("experimental_network.{}", entry.list),
        text: entry.text.to_owned(),
        verdict,
        reason: None,
        span: entry.span,
    }
}
