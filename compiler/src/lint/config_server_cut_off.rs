//! A configuration server that Codex may not reach.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::service_host_missing::reaches;
use super::view::{View, host_of};

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let Some(entry) = subject.requirement(&["config_server", "base_url"]) else {
        return Vec::new();
    };
    let Some(host) = entry.node.value.as_str().and_then(host_of) else { return Vec::new() };
    if reaches(subject, &host) != Some(false) {
        return Vec::new();
    }
    let message = format!("`application.network` does not allow `{host}`: nothing starts");
    vec![
        Diagnostic::new(Code::ConfigServerCutOff, message, entry.node.span)
            .help(format!("add `\"{host}\" = \"allow\"` to `application.network.domains`")),
    ]
}
