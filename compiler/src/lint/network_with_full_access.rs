//! Network policy beside full access.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::{View, flag};

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let Some(network) = subject.network() else { return Vec::new() };
    if flag(network.table, "enabled") != Some(true) || !subject.full_access() {
        return Vec::new();
    }
    let message = "network policy does not bind sessions with full access, which are allowed";
    let modes = subject.texts(&["allowed_sandbox_modes"]).unwrap_or_default();
    let mode = modes.iter().find(|(mode, _)| *mode == "danger-full-access");
    let diagnostic = Diagnostic::new(Code::NetworkWithFullAccess, message, network.entry.key.span)
        .help("write `allowed_sandbox_modes = [\"read-only\", \"workspace-write\"]`");
    match mode {
        Some((_, span)) => vec![diagnostic.beside(*span, "allowed here")],
        None => vec![diagnostic],
    }
}
