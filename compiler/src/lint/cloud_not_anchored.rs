//! Policy from the cloud without an anchor on the machine.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::source::Channel;

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    if !subject.channels.contains(&Channel::Cloud) {
        return Vec::new();
    }
    let local = subject.channels.iter().any(|channel| *channel != Channel::Cloud);
    let has = |key: &str| local && subject.requirement(&[key]).is_some();
    if has("config_server") {
        return Vec::new();
    }
    let missing: Vec<&str> =
        ["chatgpt_base_url", "allowed_login_methods"].into_iter().filter(|key| !has(key)).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let keys: Vec<String> = missing.iter().map(|key| format!("`{key}`")).collect();
    let keys = keys.join(" and ");
    let message = format!("the cloud policy can be avoided: no channel on the machine has {keys}");
    vec![
        Diagnostic::new(Code::CloudNotAnchored, message, subject.anchor)
            .help(format!("deliver {keys} through `requirements.toml` or managed preferences")),
    ]
}
