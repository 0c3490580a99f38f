//! Tables of what is allowed that list nothing.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::value::Table;

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let entry = subject.requirement(&["mcp_servers"]);
    let empty = entry.filter(|entry| entry.node.value.as_table().is_some_and(Table::is_empty));
    let finding = |span| {
        let message = "`mcp_servers` is empty: every MCP server is disabled";
        Diagnostic::new(Code::ImplicitlyEmpty, message, span)
            .help("list servers as `[mcp_servers.NAME.identity]`, or remove the table to allow all")
    };
    empty.map(|entry| finding(entry.key.span)).into_iter().collect()
}
