//! Denied paths that are links on common systems.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;
use crate::machine::Os;

/// Paths that are links on current Linux distributions.
const LINKS: &[&str] =
    &["/bin", "/dev/fd", "/etc/mtab", "/lib", "/lib32", "/lib64", "/sbin", "/var/lock", "/var/run"];

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    if !subject.systems.contains(&Os::Linux) {
        return Vec::new();
    }
    // Below a link it is the same.
    let through = |path: &str| {
        LINKS.iter().copied().find(|link| {
            path.strip_prefix(link).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let mut found = Vec::new();
    for (path, span) in subject.denied_paths() {
        if let Some(link) = through(path) {
            let message = format!("`{link}` is a link on many systems: there no command can run");
            found.push(
                Diagnostic::new(Code::DenyReadLink, message, span)
                    .help("deny the path that the link leads to"),
            );
        }
    }
    found
}
