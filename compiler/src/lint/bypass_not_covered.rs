//! Forbidden programs that a shell may still run.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;
use crate::sources::rules_file::Decision;

/// Shells that run a script given as an argument.
const SHELLS: &[&str] = &["bash", "sh", "zsh", "dash"];

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let rules = subject.commands();
    let forbidden = || rules.iter().filter(|rule| rule.decision == Decision::Forbidden);
    let stopped = |shell: &str| {
        rules.iter().any(|rule| {
            rule.decision > Decision::Allow
                && matches!(rule.pattern.as_slice(), [words] if words.contains(&shell))
        })
    };
    let open: Vec<&str> = SHELLS.iter().copied().filter(|shell| !stopped(shell)).collect();
    let other = forbidden().find(|rule| {
        let first = rule.pattern.first();
        first.is_some_and(|words| words.iter().any(|word| !SHELLS.contains(word)))
    });
    let Some(rule) = other.filter(|_| !open.is_empty()) else { return Vec::new() };
    let words = rule.words();
    let message = format!("`{words}` is forbidden, and {} may still run it", open.join(", "));
    let list: Vec<String> = open.iter().map(|shell| format!("\"{shell}\"")).collect();
    vec![Diagnostic::new(Code::BypassNotCovered, message, rule.span).help(format!(
        "add `{{ pattern = [{{ any_of = [{}] }}], decision = \"forbidden\" }}`; wrappers such \
             as `env` still pass, so let the sandbox and the network policy be the boundary",
        list.join(", ")
    ))]
}
