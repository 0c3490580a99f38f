//! Keys about one operating system in a cohort of others.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;
use crate::machine::Os;

/// Keys by path, and the systems on which they do something.
const KEYS: &[(&[&str], &[Os], &str)] = &[
    (&["windows"], &[Os::Windows], "Windows"),
    (&["hooks", "windows_managed_dir"], &[Os::Windows], "Windows"),
    (&["hooks", "managed_dir"], &[Os::Linux, Os::Macos], "Linux and macOS"),
    (&["computer_use", "macos"], &[Os::Macos], "macOS"),
    (&["computer_use", "windows"], &[Os::Windows], "Windows"),
];

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (path, systems, names) in KEYS {
        let Some(entry) = subject.requirement(path) else { continue };
        if subject.systems.is_empty() || subject.systems.iter().any(|os| systems.contains(os)) {
            continue;
        }
        let key = path.join(".");
        let message = format!("`{key}` has an effect on {names} only");
        found.push(
            Diagnostic::new(Code::OtherSystem, message, entry.key.span)
                .help("remove it, or send it to the hosts it is about"),
        );
    }
    found
}
