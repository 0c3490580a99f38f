//! Hooks whose program may not be where it is looked for.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let Some(hooks) = subject.table(&["hooks"]) else { return Vec::new() };
    let folder = hooks.get("managed_dir").and_then(|node| node.value.as_str());
    let groups = hooks.iter().filter_map(|event| event.node.value.as_array()).flatten();
    let handlers = groups.filter_map(|group| group.at(&["hooks"])?.value.as_array()).flatten();
    let mut found = Vec::new();
    for command in handlers.filter_map(|handler| handler.at(&["command"])) {
        let Some(line) = command.value.as_str() else { continue };
        let program = line.split_whitespace().next().unwrap_or_default();
        let inside = folder.is_some_and(|folder| {
            let folder = folder.trim_end_matches('/');
            program.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        });
        if inside {
            continue;
        }
        let message = format!("where `{program}` is missing or fails, the command runs");
        found.push(Diagnostic::new(Code::HookFailsOpen, message, command.span).help(
            "put it into `hooks.managed_dir`, name it by its absolute path, and install it before \
             the policy",
        ));
    }
    found
}
