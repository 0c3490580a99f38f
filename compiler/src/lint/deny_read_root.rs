//! The whole disk as a denied path.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};
use codex_schema::version::Version;

use super::Subject;

/// Checks a policy.
pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let root = |path: &str| !path.is_empty() && path.bytes().all(|byte| byte == b'/');
    let paths = subject.denied_paths().into_iter().filter(|(path, _)| root(path));
    paths
        .map(|(path, span)| {
            let message = format!("`{path}` is the whole disk: no command can run");
            Diagnostic::new(Code::DenyReadRoot, message, span)
                .help("deny the folders that hold secrets, such as `~/.ssh`")
                .effect(Effect::new(Versions::only(Version::NEWEST), Outcome::Accepts))
        })
        .collect()
}
