//! Managed hooks that look at a command before it runs. What they answer is theirs to say: a hook
//! that exits with 2 and says something on its standard error blocks; every other failure lets the
//! command run. Measured on 0.169.0 (`run-hook-*` in the recorded vectors).

use codex_schema::value::Node;

use super::answer::{Answer, Verdict};
use crate::codex_answers::features_in_force;
use crate::evaluate::Evaluation;

/// The event before a tool is used.
const EVENT: [&str; 2] = ["hooks", "PreToolUse"];

/// Adds what hooks may do to a command that nothing else stops.
pub(super) fn add(answer: &mut Answer, evaluation: &Evaluation) {
    if answer.verdict == Verdict::Deny {
        return;
    }
    let hooks = before_commands(evaluation);
    let Some(first) = hooks.first() else { return };
    let place = evaluation.documents().place(first.span);
    let on = features_in_force(evaluation).get("hooks").copied().unwrap_or_default();
    answer.notes.push(if on {
        format!(
            "managed hooks look at it first ({} of them, at {place}): one that exits with 2 and \
             says why blocks it, one that fails otherwise does not",
            hooks.len()
        )
    } else {
        format!("managed hooks at {place} do not run: the feature `hooks` is off")
    });
}

/// The managed hooks before the use of a tool. Names of events that Codex does not know count for
/// nothing.
pub fn before_commands(evaluation: &Evaluation) -> Vec<&Node> {
    let inputs = evaluation.inputs();
    let groups = inputs.requirement(&EVENT).and_then(|node| node.value.as_array());
    let has_hooks = |group: &&Node| {
        let hooks = group.at(&["hooks"]).and_then(|node| node.value.as_array());
        hooks.is_some_and(|hooks| !hooks.is_empty())
    };
    groups.unwrap_or_default().iter().filter(has_hooks).collect()
}
