//! Hosts, files and MCP servers.

use codex_schema::value::{Node, Table};

use super::{Name, Statement};
use crate::decide;
use crate::decide::answer::Verdict;
use crate::decide::domains::{DomainRule, NetworkPolicy};
use crate::decide::question::{Access, Question};
use crate::evaluate::Evaluation;

/// What can be reached.
pub(super) fn hosts(evaluation: &Evaluation) -> Vec<Statement> {
    let network = NetworkPolicy::of(&evaluation.composition.merged);
    if network.enabled != Some(true) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (rule, verdict, text) in [
        (DomainRule::Deny, Verdict::Deny, "Denied, and cannot be approved"),
        (DomainRule::Review, Verdict::Prompt, "Asked about"),
        (DomainRule::Allow, Verdict::Allow, "Allowed"),
    ] {
        let mut names: Vec<Name> = Vec::new();
        for entry in network.entries().iter().filter(|entry| entry.rule == rule) {
            let witness = Question::Host(host_of(entry.text));
            // A stricter entry may decide all that this one says.
            if decide::answer(evaluation, &witness).verdict == verdict
                && names.iter().all(|known| known.name != entry.text)
            {
                names.push(Name { name: entry.text.to_owned(), witness });
            }
        }
        if !names.is_empty() {
            found.push(Statement::of(verdict, text, names));
        }
    }
    let unlisted = decide::answer(evaluation, &Question::Host(UNLISTED.to_owned())).verdict;
    found.push(Statement::sentence(match unlisted {
        Verdict::Deny => "Any other host is denied",
        Verdict::Prompt | Verdict::PromptUser => "Any other host is asked about",
        Verdict::Allow | Verdict::Unmanaged => "Any other host is reached",
    }));
    found
}

/// A host that no entry can be meant for.
const UNLISTED: &str = "a-host-that-no-policy-names.invalid";

/// A host that a pattern covers.
fn host_of(pattern: &str) -> String {
    let host = pattern.strip_prefix("**.").or_else(|| pattern.strip_prefix("*."));
    let below = host.map(|rest| format!("any.{rest}"));
    below.unwrap_or_else(|| pattern.to_owned()).replace(['*', '?'], "a")
}

/// What cannot be read.
pub(super) fn files(evaluation: &Evaluation) -> Vec<Statement> {
    let inputs = evaluation.inputs();
    let list = inputs.requirement(&["permissions", "filesystem", "deny_read"]);
    let elements = list.and_then(|node| node.value.as_array()).unwrap_or_default();
    let home = &evaluation.machine.home;
    let one = |node: &Node| {
        let path = node.value.as_str()?;
        let short = path.strip_prefix(home.as_str()).map(|rest| format!("~{rest}"));
        let witness = Question::Path { path: path.replace(['*', '?'], "a"), access: Access::Read };
        Some(Name { name: short.unwrap_or_else(|| path.to_owned()), witness })
    };
    let names: Vec<Name> = elements.iter().filter_map(one).collect();
    if names.is_empty() {
        return Vec::new();
    }
    vec![Statement::of(Verdict::Deny, "Never read, whoever approves it", names)]
}

/// Which servers may run.
pub(super) fn servers(evaluation: &Evaluation) -> Vec<Statement> {
    let inputs = evaluation.inputs();
    let list = inputs.requirement(&["mcp_servers"]).and_then(|node| node.value.as_table());
    let Some(list) = list else { return Vec::new() };
    let ask = |name: &str| Question::Server { name: name.to_owned(), launch: None };
    let named = |wanted: Verdict| -> Vec<Name> {
        list.iter()
            .map(|entry| Name { name: entry.key.value.to_string(), witness: ask(&entry.key.value) })
            .filter(|name| decide::answer(evaluation, &name.witness).verdict == wanted)
            .collect()
    };
    let mut found = Vec::new();
    for (verdict, text) in [
        (Verdict::Allow, "Allowed, as the policy describes them"),
        (Verdict::Deny, "Denied, because they are not what the policy describes"),
    ] {
        let names = named(verdict);
        if !names.is_empty() {
            found.push(Statement::of(verdict, text, names));
        }
    }
    found.push(Statement::sentence(if Table::is_empty(list) {
        "No server may run"
    } else {
        "No other server may run"
    }));
    found
}
