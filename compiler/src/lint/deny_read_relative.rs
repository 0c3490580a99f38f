//! Denied paths that are relative.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Whether a path depends on the folder of its document. What looks like a variable has a rule of
/// its own.
pub(super) fn is_relative(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':') || path.starts_with("\\\\");
    !path.is_empty() && !path.starts_with(['/', '~', '$', '%']) && !drive
}

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let paths = subject.denied_paths().into_iter().filter(|(path, _)| is_relative(path));
    paths
        .map(|(path, span)| {
            let message = format!("`{path}` is taken below the folder of the policy");
            let home = path.trim_start_matches("./").trim_start_matches("**/");
            Diagnostic::new(Code::DenyReadRelative, message, span)
                .help(format!("begin the path with `/` or `~/`, such as `~/{home}`"))
        })
        .collect()
}
