//! MCP servers known by their program only.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::value::{Node, Table};

use super::Subject;

/// Checks a policy.
pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let of_plugins = subject.table(&["plugins"]).into_iter().flatten();
    let of_plugins =
        of_plugins.filter_map(|plugin| plugin.node.at(&["mcp_servers"])?.value.as_table());
    let tables = subject.table(&["mcp_servers"]).into_iter().chain(of_plugins);
    tables
        .flat_map(Table::iter)
        .filter_map(|server| finding(&server.key.value, server.node.at(&["identity", "command"])?))
        .collect()
}

fn finding(name: &str, command: &Node) -> Option<Diagnostic> {
    let program = command.value.as_str()?;
    let message = format!("the MCP server `{name}` may be `{program}` with any arguments");
    Some(Diagnostic::new(Code::McpArgumentsFree, message, command.span).help(format!(
        "write `command = {{ executable = \"{program}\", args = [{{ match = \"exact\", value = \
         \"…\" }}] }}` (Codex 0.143 and newer)"
    )))
}
