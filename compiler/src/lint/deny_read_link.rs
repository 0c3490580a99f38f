//! Denied paths that are links on common systems.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::Subject;
use crate::machine::Os;

/// Paths that are links on current Linux distributions.
const LINKS: &[&str] =
    &["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/var/run", "/var/lock", "/dev/fd"];

/// Checks a policy.
pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    if !subject.systems.contains(&Os::Linux) {
        return Vec::new();
    }
    let paths = subject.denied_paths().into_iter();
    paths
        .filter(|(path, _)| LINKS.contains(&path.trim_end_matches('/')))
        .map(|(path, span)| {
            let message = format!("`{path}` is a link on many systems, which stops every session");
            Diagnostic::new(Code::DenyReadLink, message, span)
                .help("deny the path that the link leads to")
        })
        .collect()
}
