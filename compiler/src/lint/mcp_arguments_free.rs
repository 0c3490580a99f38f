//! MCP servers known by their program only.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::value::Node;

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let servers = subject.mcp_servers();
    servers
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
