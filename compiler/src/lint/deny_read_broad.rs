//! Denied patterns that may match many files.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Folders with so many files that a search through all of them finds hundreds.
const LARGE: &[&str] = &["~", "/home", "/Users", "/root", "/usr", "/opt", "/srv", "/var"];

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let broad = |path: &str| {
        let at = path.find(['*', '?', '['])?;
        let (before, pattern) = path.split_at_checked(at)?;
        let folder = before.rsplit_once('/').map_or("", |(folder, _)| folder);
        // A pattern within one folder, or one with a fixed name below every home, is narrow.
        let deep = pattern.contains("**");
        (deep && before.starts_with(['/', '~']) && LARGE.contains(&folder)).then_some(())
    };
    let paths = subject.denied_paths().into_iter().filter(|(path, _)| broad(path).is_some());
    paths
        .map(|(path, span)| {
            let message = format!("`{path}` may match many files: each costs time at every start");
            Diagnostic::new(Code::DenyReadBroad, message, span)
                .help("name the folders, or begin the pattern deeper")
        })
        .collect()
}
