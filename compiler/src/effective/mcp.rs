//! Which MCP servers a list of allowed ones lets run.

use codex_schema::span::Span;
use codex_schema::value::{Node, Table};

use super::{Inputs, config_table};

/// A configured server and what requirements make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// Where it is configured.
    pub span: Span,
    /// Whether it may run.
    pub verdict: Verdict,
}

/// Whether a server may run.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It may.
    Allowed,
    /// The configuration itself switches it off.
    SwitchedOff,
    /// Requirements do not name it.
    NotListed,
    /// Requirements name it, and it is another program or address.
    OtherIdentity {
        /// Where the requirement stands.
        required: Span,
    },
}

/// All configured servers, by name.
pub fn servers(inputs: &Inputs<'_>) -> Vec<Server> {
    let Some(configured) = config_table(inputs, "mcp_servers") else { return Vec::new() };
    let list = inputs.requirement(&["mcp_servers"]).and_then(|node| node.value.as_table());
    let server = |entry: &codex_schema::value::Entry| Server {
        name: entry.key.value.to_string(),
        span: entry.key.span,
        verdict: verdict(&entry.key.value, &entry.node, list),
    };
    configured.sorted().into_iter().map(server).collect()
}

fn verdict(name: &str, server: &Node, list: Option<&Table>) -> Verdict {
    if let Some(list) = list {
        let Some(required) = list.get(name) else { return Verdict::NotListed };
        let identity = required.at(&["identity"]);
        if !identity.is_some_and(|identity| matches(identity, server)) {
            return Verdict::OtherIdentity { required: identity.unwrap_or(required).span };
        }
    }
    let off = server.at(&["enabled"]).and_then(|node| node.value.as_bool()) == Some(false);
    if off { Verdict::SwitchedOff } else { Verdict::Allowed }
}

/// Whether a configured server is the required one. A `command` decides alone where both stand.
pub fn matches(identity: &Node, server: &Node) -> bool {
    let text = |name: &str| server.at(&[name]).and_then(|node| node.value.as_str());
    if let Some(command) = identity.at(&["command"]) {
        let Some(own) = text("command") else { return false };
        if let Some(exact) = command.value.as_str() {
            return exact == own;
        }
        let executable = command.at(&["executable"]).and_then(|node| node.value.as_str());
        let matchers = command.at(&["args"]).and_then(|node| node.value.as_array());
        let arguments = server.at(&["args"]).and_then(|node| node.value.as_array());
        let (matchers, arguments) = (matchers.unwrap_or_default(), arguments.unwrap_or_default());
        return executable == Some(own)
            && matchers.len() == arguments.len()
            && matchers.iter().zip(arguments).all(|(matcher, argument)| {
                argument.value.as_str().is_some_and(|argument| fits(matcher, argument))
            });
    }
    match (identity.at(&["url"]), text("url")) {
        (Some(matcher), Some(own)) => fits(matcher, own),
        _ => false,
    }
}

/// Whether a text fits an exact, prefix or regular-expression matcher; expressions match whole.
fn fits(matcher: &Node, text: &str) -> bool {
    if let Some(exact) = matcher.value.as_str() {
        return exact == text;
    }
    let field = |name: &str| matcher.at(&[name]).and_then(|node| node.value.as_str());
    match (field("match"), field("value"), field("expression")) {
        (Some("exact"), Some(value), _) => value == text,
        (Some("prefix"), Some(value), _) => text.starts_with(value),
        (Some("regex"), _, Some(expression)) => {
            regex_lite::Regex::new(&format!("^(?:{expression})$"))
                .is_ok_and(|regex| regex.is_match(text))
        }
        _ => false,
    }
}
