//! Whether an MCP server may run.

use codex_schema::span::{Sourced, Span};
use codex_schema::value::{Entry, Node, Table, Value};

use super::answer::{Answer, EntrySaid, NearMiss, Verdict};
use super::question::Launch;
use crate::effective::mcp::{self, matches};
use crate::evaluate::Evaluation;

const KEY: &str = "mcp_servers";

/// Answers for a server: the one that is configured under a name, or one that might be.
pub(super) fn answer(evaluation: &Evaluation, name: &str, launch: Option<&Launch>) -> Answer {
    let inputs = evaluation.inputs();
    let node = inputs.requirement(&[KEY]);
    let Some((node, list)) = node.and_then(|node| Some((node, node.value.as_table()?))) else {
        let because = "no list of allowed servers is required: users add what they like";
        return Answer::new(name, Verdict::Unmanaged, because);
    };
    let Some(entry) = list.entry(name) else {
        return not_listed(name, node, list);
    };
    let identity = entry.node.at(&["identity"]);
    let configured = mcp::servers(&inputs).into_iter().find(|server| server.name == name);
    let (verdict, because) = match (launch, configured.map(|server| server.verdict)) {
        (Some(launch), _) => {
            let fits = identity.is_some_and(|identity| matches(identity, &as_server(launch)));
            of_match(fits)
        }
        (None, Some(mcp::Verdict::Allowed)) => of_match(true),
        (None, Some(mcp::Verdict::NotListed | mcp::Verdict::OtherIdentity { .. })) => {
            of_match(false)
        }
        (None, Some(mcp::Verdict::SwitchedOff)) => {
            (Verdict::Allow, "the policy allows it; its own configuration switches it off")
        }
        (None, None) => (
            Verdict::Allow,
            "the policy allows a server of this name and identity; none is configured",
        ),
    };
    let mut answer = Answer::new(name, verdict, because);
    answer.entries.push(said(entry, verdict));
    if verdict == Verdict::Deny {
        answer.codex_says = Some(format!("disabled: {}", disabled(evaluation)));
        answer
            .advice
            .push(format!("configure it exactly as the policy says: {}", identity_of(entry)));
    }
    answer
}

fn of_match(fits: bool) -> (Verdict, &'static str) {
    if fits {
        (Verdict::Allow, "it is on the list of allowed servers")
    } else {
        (Verdict::Deny, "the list has this name for another program or address")
    }
}

fn not_listed(name: &str, node: &Node, list: &Table) -> Answer {
    let because = "it is not on the list of allowed servers";
    let mut answer = Answer::new(name, Verdict::Deny, because);
    answer.entries.push(EntrySaid {
        key: KEY.to_owned(),
        text: match list.len() {
            0 => "no server at all".to_owned(),
            1 => "1 server".to_owned(),
            many => format!("{many} servers"),
        },
        verdict: Verdict::Deny,
        reason: None,
        span: list.iter().next().map_or(node.span, |entry| entry.key.span),
    });
    let names = list.iter().map(|entry| &*entry.key.value);
    let closest = codex_schema::lookup::closest(name, names);
    if let Some(entry) = closest.and_then(|closest| list.entry(closest)) {
        answer.near.push(NearMiss {
            entry: said(entry, Verdict::Allow),
            differs: format!("`{}` is not `{name}`", entry.key.value),
        });
    }
    answer.advice.push("ask the owner of the policy to add it".to_owned());
    answer
}

/// `requirements (SOURCE)`, as Codex words it.
fn disabled(evaluation: &Evaluation) -> String {
    format!("requirements ({})", evaluation.composition.origin_text(KEY, evaluation.documents()))
}

fn said(entry: &Entry, verdict: Verdict) -> EntrySaid {
    EntrySaid {
        key: KEY.to_owned(),
        text: format!("{} = {}", entry.key.value, identity_of(entry)),
        verdict,
        reason: None,
        span: entry.key.span,
    }
}

fn identity_of(entry: &Entry) -> String {
    let identity = entry.node.at(&["identity"]);
    identity.map_or_else(String::new, |node| serde_json::json!(node.value).to_string())
}

/// A server's own table, as the configuration would have it.
fn as_server(launch: &Launch) -> Node {
    let text = |text: &str| Node::string(text, Span::BUILT_IN);
    let mut table = Table::default();
    let mut put = |name: &str, node: Node| {
        table.insert(Sourced { value: name.into(), span: Span::BUILT_IN }, node);
    };
    match launch {
        Launch::Program(words) => {
            if let Some((program, arguments)) = words.split_first() {
                put("command", text(program));
                let list = arguments.iter().map(|argument| text(argument)).collect();
                put("args", Node { value: Value::Array(list), span: Span::BUILT_IN });
            }
        }
        Launch::Address(url) => put("url", text(url)),
    }
    Node { value: Value::Table(table), span: Span::BUILT_IN }
}
