//! Managed profiles that extend one of the user.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Tables of `permissions` that are no profiles.
const RESERVED: &[&str] = &["filesystem", "network"];

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let Some(profiles) = subject.table(&["permissions"]) else { return Vec::new() };
    let mut found = Vec::new();
    for profile in profiles.iter().filter(|entry| !RESERVED.contains(&&*entry.key.value)) {
        let Some(extends) = profile.node.at(&["extends"]) else { continue };
        let Some(name) = extends.value.as_str() else { continue };
        if name.starts_with(':') || profiles.get(name).is_some() {
            continue;
        }
        let message = format!("`{name}` is not defined here: the user decides what it allows");
        found.push(
            Diagnostic::new(Code::ProfileOfUser, message, extends.span)
                .help(format!("define `[permissions.{name}]`, or extend `:workspace`")),
        );
    }
    found
}
