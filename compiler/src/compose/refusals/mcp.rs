//! Identity expressions of MCP servers.

use codex_schema::value::{Entry, Node};

use super::{Merged, Refusal};

/// Expressions that are not regular expressions.
pub(super) fn expressions(merged: &Merged<'_>) -> Vec<Refusal> {
    let mut found = Vec::new();
    for server in entries(merged.get(&["mcp_servers"])) {
        of_server(server, &merged.set_by("mcp_servers"), &mut found);
    }
    for plugin in entries(merged.get(&["plugins"])) {
        for server in entries(plugin.node.at(&["mcp_servers"])) {
            of_server(server, &merged.set_by("plugins"), &mut found);
        }
    }
    found
}

fn entries(node: Option<&Node>) -> Vec<&Entry> {
    let table = node.and_then(|node| node.value.as_table());
    table.map(codex_schema::value::Table::sorted).unwrap_or_default()
}

fn of_server(server: &Entry, set_by: &str, found: &mut Vec<Refusal>) {
    let Some(identity) = server.node.at(&["identity"]) else { return };
    let arguments = identity.at(&["command", "args"]).and_then(|node| node.value.as_array());
    let matchers = identity.at(&["url"]).into_iter().chain(arguments.unwrap_or_default());
    for matcher in matchers {
        let Some(expression) = matcher.at(&["expression"]) else { continue };
        let Some(text) = expression.value.as_str() else { continue };
        if let Err(error) = regex_lite::Regex::new(text) {
            let name = &server.key.value;
            let words = format!(
                "invalid requirement for MCP server `{name}` (set by {set_by}): invalid regex \
                 `{text}`: {error}"
            );
            found.push(Refusal::start(words, Some(expression.span)));
        }
    }
}
