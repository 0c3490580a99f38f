//! Identity expressions of MCP servers.

use codex_schema::value::{Entry, Node};

use super::{Merged, Refusal};

/// Expressions that are not regular expressions.
pub(super) fn expressions(merged: &Merged<'_>) -> Vec<Refusal> {
    let mut found = Vec::new();
    for server in entries(merged.get(&["mcp_servers"])) {
        of_server(server, &server.key.value, || merged.set_by("mcp_servers"), &mut found);
    }
    for plugin in entries(merged.get(&["plugins"])) {
        for server in entries(plugin.node.at(&["mcp_servers"])) {
            let name = format!("{}/{}", plugin.key.value, server.key.value);
            of_server(server, &name, || merged.set_by("plugins"), &mut found);
        }
    }
    found
}

fn entries(node: Option<&Node>) -> Vec<&Entry> {
    let table = node.and_then(|node| node.value.as_table());
    table.map(codex_schema::value::Table::sorted).unwrap_or_default()
}

fn of_server(
    server: &Entry,
    name: &str,
    set_by: impl Fn() -> String,
    found: &mut Vec<Refusal>,
) {
    let Some(identity) = server.node.at(&["identity"]) else { return };
    let arguments = identity.at(&["command", "args"]).and_then(|node| node.value.as_array());
    let arguments = arguments.unwrap_or_default().iter().enumerate();
    // A command hides an address beside it.
    let url = identity.at(&["url"]).filter(|_| identity.at(&["command"]).is_none());
    let matchers = url.map(|url| (String::new(), url)).into_iter().chain(arguments.map(
        |(index, argument)| (format!("invalid argument matcher at index {index}: "), argument),
    ));
    for (place, matcher) in matchers {
        let Some(expression) = matcher.at(&["expression"]) else { continue };
        let Some(text) = expression.value.as_str() else { continue };
        if let Err(error) = regex_lite::Regex::new(text) {
            let words = format!(
                "invalid requirement for MCP server `{name}` (set by {}): {place}invalid regex \
                 `{text}`: {error}",
                set_by()
            );
            found.push(Refusal::start(words, Some(expression.span)));
        }
    }
}
