//! Hosts that Codex itself needs, in an application network that does not list them.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::{View, flag, host_of};

/// Whether the application network binds and allows a host; `None` where it does not bind.
pub(super) fn reaches(subject: &View<'_>, host: &str) -> Option<bool> {
    let network = subject.table(&["application", "network"])?;
    if flag(network, "enabled") != Some(true) {
        return None;
    }
    let domains = network.get("domains").and_then(|node| node.value.as_table());
    let name = |key: &str| key.trim_end_matches('.').to_ascii_lowercase();
    Some(
        domains.into_iter().flatten().any(|entry| {
            name(&entry.key.value) == host && entry.node.value.as_str() == Some("allow")
        }),
    )
}

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let Some(network) = subject.requirement(&["application", "network"]) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (host, what) in needed(subject) {
        if reaches(subject, &host) == Some(false) {
            let message = format!("Codex cannot reach `{host}`: {what}");
            found
                .push(Diagnostic::new(Code::ServiceHostMissing, message, network.key.span).help(
                    format!("add `\"{host}\" = \"allow\"` to `application.network.domains`"),
                ));
        }
    }
    found
}

/// The hosts that the policy itself makes necessary, and why. Where it leaves the choice to the
/// user nothing is needed for certain.
fn needed(subject: &View<'_>) -> Vec<(String, String)> {
    let text = |path: &[&str]| subject.requirement(path)?.node.value.as_str();
    let mut needed = Vec::new();
    if let Some(host) = text(&["chatgpt_base_url"]).and_then(host_of) {
        needed.push((host, "`chatgpt_base_url` leads there".to_owned()));
    }
    if let Some(provider) = text(&["model_provider"])
        && let Some(host) = text(&["model_providers", provider, "base_url"]).and_then(host_of)
    {
        needed.push((host, format!("the model provider `{provider}` is there")));
    }
    needed.dedup_by(|left, right| left.0 == right.0);
    needed
}
