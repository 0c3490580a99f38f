//! Whether a host can be reached by a command in a session.
//!
//! Measured on 0.169.0. Domains count only while the managed proxy runs: with `enabled = true`, and in
//! a sandbox. Without the proxy the sandbox alone decides, for all hosts alike. A profile's own
//! domains are added to those of requirements: what they deny is denied, what they allow is allowed
//! unless `managed_allowed_domains_only` is set.

mod name;
mod near;

use codex_schema::path::dotted;
use codex_schema::value::Table;

use super::answer::{Answer, EntrySaid, Verdict};
use super::domains::{
    self, DomainEntry, DomainRule, DomainVerdict, NetworkPolicy, is_literal, table,
};
use crate::effective::Session;
use crate::effective::profiles::{defined, grants};
use crate::evaluate::Evaluation;

/// Answers for a host.
pub(super) fn answer(evaluation: &Evaluation, asked: &str) -> Answer {
    let name = match name::read(asked) {
        Ok(name) => name,
        Err(wrong) => {
            let mut answer = Answer::new(asked.trim(), Verdict::Deny, wrong.because());
            answer.notes.push("the managed proxy answers `missing host`".to_owned());
            return answer;
        }
    };
    let session = evaluation.session();
    let mut network = NetworkPolicy::of(&evaluation.composition.merged);
    let (own, own_binding) = own_network(evaluation, &session);
    let managed_binding = table(&evaluation.composition.merged)
        .is_some_and(|(_, network)| network.get("allow_local_binding").is_some());
    network.local_binding |= own_binding && !managed_binding;
    let view =
        View { evaluation, network: &network, own: &own, host: &name.host, address: &name.address };
    let mut answer = if confined(&session) && network.enabled == Some(true) {
        view.managed(&session)
    } else {
        view.unmanaged(&session)
    };
    answer.notes.splice(0..0, name.notes);
    answer
}

/// Whether commands run in a sandbox at all.
fn confined(session: &Session) -> bool {
    session.sandbox.value.json.get("type").and_then(|kind| kind.as_str())
        != Some("dangerFullAccess")
}

/// The domains of the profile that the session runs with, the nearest one of each pattern, and
/// whether it opens local addresses.
fn own_network<'a>(
    evaluation: &'a Evaluation,
    session: &Session,
) -> (Vec<(String, DomainEntry<'a>)>, bool) {
    let inputs = evaluation.inputs();
    let mut found: Vec<(String, DomainEntry<'a>)> = Vec::new();
    let mut binding: Option<bool> = None;
    let mut at = session.sandbox.value.profile.clone();
    for _ in 0..64 {
        let Some(name) = at else { break };
        let Some(own) = defined(&inputs, &name) else { break };
        let network = own.at(&["network"]).and_then(|node| node.value.as_table());
        for entry in network.map(domains::entries).unwrap_or_default() {
            if !found.iter().any(|(_, nearer)| nearer.text == entry.text) {
                found.push((format!("permissions.{name}.network.{}", entry.list), entry));
            }
        }
        let flag = network.and_then(|network| network.get("allow_local_binding")?.value.as_bool());
        binding = binding.or(flag);
        at = own.at(&["extends"]).and_then(|node| node.value.as_str()).map(str::to_owned);
    }
    (found, binding.unwrap_or_default())
}

struct View<'a> {
    evaluation: &'a Evaluation,
    network: &'a NetworkPolicy<'a>,
    own: &'a [(String, DomainEntry<'a>)],
    host: &'a str,
    address: &'a str,
}

impl View<'_> {
    /// Without the proxy: the sandbox has a network or has none.
    fn unmanaged(&self, session: &Session) -> Answer {
        let sandbox = &session.sandbox.value;
        let reached = !confined(session)
            || match &sandbox.profile {
                Some(name) => grants(&self.evaluation.inputs(), name).network,
                None => {
                    sandbox.json.get("networkAccess").and_then(serde_json::Value::as_bool)
                        == Some(true)
                }
            };
        let mut answer = if !confined(session) {
            let because = "the session runs without a sandbox, and so without the managed proxy";
            Answer::new(self.host, Verdict::Unmanaged, because)
        } else if reached {
            let because = "the sandbox has a network, and no managed proxy stands in front of it";
            Answer::new(self.host, Verdict::Unmanaged, because)
        } else {
            let because = "the sandbox has no network, for no host";
            Answer::new(self.host, Verdict::Deny, because)
        };
        if self.network.enabled != Some(true) && !self.network.entries().is_empty() {
            answer.notes.push(
                "the managed network is not switched on: its entries count for nothing".to_owned(),
            );
            answer.advice.push("set `enabled = true` in the managed network".to_owned());
        }
        if !self.own.is_empty() {
            answer
                .notes
                .push("domains of a profile count only beside a managed network".to_owned());
        }
        if answer.verdict == Verdict::Deny {
            answer.codex_says = (!domains::is_literal(self.host))
                .then(|| format!("Could not resolve host: {}", self.host));
            answer.notes.push("the words are those of curl: Codex says nothing".to_owned());
            answer.advice.push(
                "`sandbox_workspace_write.network_access`, or `network.enabled` of a profile, gives \
                 the sandbox a network, where the policy leaves that open"
                    .to_owned(),
            );
        }
        answer
    }

    /// Behind the proxy.
    fn managed(&self, session: &Session) -> Answer {
        if self.network.local_binding && name::is_direct(self.host) {
            let because = "with `allow_local_binding` programs ask for it without the proxy, in the \
                           network of the sandbox, which is empty";
            let mut answer = Answer::new(self.host, Verdict::Deny, because);
            answer.entries = self.matching();
            answer.notes.push("a server that the same command starts is reached".to_owned());
            return answer;
        }
        let verdict = self.verdict();
        let never = session.approval_policy.value == serde_json::json!("never");
        let (outcome, because) = match verdict {
            // The proxy was asked for.
            DomainVerdict::Unmanaged => (Verdict::Unmanaged, "there is no managed network"),
            DomainVerdict::Denied => {
                (Verdict::Deny, "an entry denies it, and a denial cannot be approved")
            }
            DomainVerdict::Local => (Verdict::Deny, "it is a local or private address"),
            DomainVerdict::Refused => {
                (Verdict::Deny, "no entry allows it, and the policy lets nobody be asked")
            }
            DomainVerdict::Review if never => {
                (Verdict::Deny, "an entry puts it under review, and the session asks nobody")
            }
            DomainVerdict::Ask if never => {
                (Verdict::Deny, "no entry allows it, and the session asks nobody")
            }
            DomainVerdict::Review => (Verdict::Prompt, "an entry puts it under review"),
            DomainVerdict::Ask => (Verdict::Prompt, "no entry says anything about it"),
            DomainVerdict::Allowed => (Verdict::Allow, "an entry allows it"),
        };
        let mut answer = Answer::new(self.host, outcome, because);
        answer.entries = self.matching();
        answer.codex_says = self.says(verdict, outcome);
        if verdict != DomainVerdict::Allowed {
            answer.near = self.near(verdict);
        }
        self.notes(verdict, outcome, &mut answer);
        answer
    }

    /// What the proxy decides of requirements' and the profile's domains together.
    fn verdict(&self) -> DomainVerdict {
        let managed = self.network.decide(self.host).verdict;
        let own = self.own.iter().map(|(_, entry)| entry);
        let matching: Vec<&DomainEntry<'_>> =
            own.filter(|entry| entry.pattern.matches(self.host)).collect();
        let says = |rule| matching.iter().any(|entry| entry.rule == rule);
        if says(DomainRule::Deny) {
            return DomainVerdict::Denied;
        }
        let allowed = says(DomainRule::Allow) && !self.network.managed_only;
        let literal = matching.iter().any(|entry| {
            entry.rule == DomainRule::Allow && super::domains::normal_host(entry.text) == self.host
        });
        match managed {
            DomainVerdict::Ask if allowed => DomainVerdict::Allowed,
            DomainVerdict::Local if allowed && literal => {
                // Listing a local address opens it; what else is said about it still counts.
                let reviewed = self.network.decide(self.host).matches;
                let reviewed = reviewed.iter().any(|entry| entry.rule == DomainRule::Review);
                if reviewed { DomainVerdict::Review } else { DomainVerdict::Allowed }
            }
            other => other,
        }
    }

    fn matching(&self) -> Vec<EntrySaid> {
        let managed = self.network.decide(self.host).matches;
        let mut found: Vec<(DomainRule, EntrySaid)> =
            managed.into_iter().map(|entry| (entry.rule, self.managed_entry(entry))).collect();
        let own = self.own.iter().filter(|(_, entry)| entry.pattern.matches(self.host));
        found.extend(own.map(|(key, entry)| (entry.rule, said(key.clone(), entry))));
        found.sort_by_key(|(rule, _)| std::cmp::Reverse(*rule));
        found.into_iter().map(|(_, said)| said).collect()
    }

    /// An entry of requirements under the key that its document has.
    fn managed_entry(&self, entry: &DomainEntry<'_>) -> EntrySaid {
        said(format!("{}.{}", written_under(self.evaluation, entry), entry.list), entry)
    }

    fn near(&self, verdict: DomainVerdict) -> Vec<super::answer::NearMiss> {
        // Of those that would help or would have denied, whatever the verdict is not.
        let wanted = |entry: &&DomainEntry<'_>| match verdict {
            DomainVerdict::Denied => entry.rule == DomainRule::Allow,
            DomainVerdict::Unmanaged
            | DomainVerdict::Local
            | DomainVerdict::Refused
            | DomainVerdict::Review
            | DomainVerdict::Ask
            | DomainVerdict::Allowed => true,
        };
        let entries = self.network.entries().iter().filter(wanted);
        near::of(self.host, entries, |entry| self.managed_entry(entry))
    }

    /// Codex's words, which end the whole command.
    fn says(&self, verdict: DomainVerdict, outcome: Verdict) -> Option<String> {
        let host = self.host;
        let blocked = |why: &str| Some(format!("Network access to \"{host}\" was blocked: {why}"));
        match (verdict, outcome) {
            (DomainVerdict::Denied, _) => blocked(
                "domain is explicitly denied by policy and cannot be approved from this prompt.",
            ),
            (DomainVerdict::Local, _) => {
                blocked("local/private network addresses are blocked by the sandbox policy.")
            }
            (DomainVerdict::Refused, _) => {
                blocked("domain is not on the allowlist for the current sandbox mode.")
            }
            (DomainVerdict::Review | DomainVerdict::Ask, Verdict::Deny) => {
                Some(format!("Network access to \"{}\" was blocked by policy.", self.address))
            }
            (
                DomainVerdict::Review
                | DomainVerdict::Ask
                | DomainVerdict::Allowed
                | DomainVerdict::Unmanaged,
                _,
            ) => None,
        }
    }

    fn notes(&self, verdict: DomainVerdict, outcome: Verdict, answer: &mut Answer) {
        let notes = &mut answer.notes;
        if outcome == Verdict::Deny {
            notes.push("a refusal ends the whole command, not only the request".to_owned());
        }
        if verdict == DomainVerdict::Allowed && !is_literal(self.host) {
            notes.push(
                "what the name resolves to is not known here: a private address is refused all the \
                 same"
                    .to_owned(),
            );
        }
        if self.host.contains(':') {
            notes.push(
                "over plain http the proxy answers `invalid Host header` to addresses of IPv6; https \
                 is decided as said here"
                    .to_owned(),
            );
        }
        if verdict == DomainVerdict::Allowed {
            notes.push("every port and method is allowed with it".to_owned());
        }
        let ignored = self.network.managed_only
            && self.own.iter().any(|(_, entry)| {
                entry.rule == DomainRule::Allow && entry.pattern.matches(self.host)
            });
        if ignored {
            notes.push(
                "the profile allows it, which counts for nothing under \
                 `managed_allowed_domains_only`"
                    .to_owned(),
            );
        }
        if matches!(verdict, DomainVerdict::Refused | DomainVerdict::Ask | DomainVerdict::Review) {
            answer
                .advice
                .push(format!("an entry `\"{}\" = \"allow\"` would let it through", self.host));
        }
    }
}

fn said(key: String, entry: &DomainEntry<'_>) -> EntrySaid {
    let verdict = match entry.rule {
        DomainRule::Allow => Verdict::Allow,
        DomainRule::Review => Verdict::Prompt,
        DomainRule::Deny => Verdict::Deny,
    };
    EntrySaid { key, text: entry.text.to_owned(), verdict, reason: None, span: entry.span }
}

/// The key under which the document of an entry has its network: composition knows one name only.
fn written_under(evaluation: &Evaluation, entry: &DomainEntry<'_>) -> String {
    let merged = table(&evaluation.composition.merged).map(|(path, _)| dotted(path));
    let layers = &evaluation.gathered.requirements;
    let own = layers.iter().find(|layer| layer.layer.source == entry.span.source);
    let second = own.and_then(|own| own.layer.root.get("network_proxy")?.value.as_table());
    let holds = |network: &Table| {
        domains::entries(network).iter().any(|written| written.span == entry.span)
    };
    if second.is_some_and(holds) {
        return "network_proxy".to_owned();
    }
    merged.unwrap_or_else(|| "experimental_network".to_owned())
}
