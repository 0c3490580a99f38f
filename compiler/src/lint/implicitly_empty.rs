//! Tables of what is allowed that list nothing.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::Subject;

/// Checks a policy.
pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(entry) = subject.requirement(&["mcp_servers"])
        && entry.node.value.as_table().is_some_and(codex_schema::value::Table::is_empty)
    {
        let message = "`mcp_servers` is empty: every MCP server is disabled";
        found.push(Diagnostic::new(Code::ImplicitlyEmpty, message, entry.key.span).help(
            "list servers as `[mcp_servers.NAME.identity]`, or remove the table to allow all",
        ));
    }
    for plugin in subject.table(&["plugins"]).into_iter().flatten() {
        let servers = plugin.node.at(&["mcp_servers"]).and_then(|node| node.value.as_table());
        if servers.is_none_or(codex_schema::value::Table::is_empty) {
            let name = &plugin.key.value;
            let message = format!("the plugin `{name}` is listed without an MCP server");
            found.push(Diagnostic::new(Code::ImplicitlyEmpty, message, plugin.key.span).help(
                format!(
                    "write `[plugins.\"{name}\".mcp_servers.SERVER.identity]`, or remove the entry"
                ),
            ));
        }
    }
    found
}
