//! Prefixes of addresses that go on into another host name.

use codex_schema::diagnostic::Edit;
use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::value::Node;

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let servers = subject.mcp_servers();
    servers.filter_map(|server| finding(server.node.at(&["identity", "url"])?)).collect()
}

fn finding(url: &Node) -> Option<Diagnostic> {
    if url.at(&["match"])?.value.as_str() != Some("prefix") {
        return None;
    }
    let value = url.at(&["value"])?;
    let prefix = value.value.as_str()?;
    let (_, rest) = prefix.split_once("://")?;
    // After the first slash the host is complete.
    if rest.contains('/') {
        return None;
    }
    let message = format!("`{prefix}` also covers `{prefix}.evil.example`");
    let edit = Edit::Replace { span: value.span, text: format!("{:?}", format!("{prefix}/")) };
    Some(
        Diagnostic::new(Code::UrlPrefixOpen, message, value.span)
            .help(format!("write `{prefix}/`"))
            .fix("end the prefix with `/`", vec![edit]),
    )
}
