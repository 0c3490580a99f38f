//! Managed hooks without a pin of the feature.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};
use codex_schema::span::Span;
use codex_schema::version::Version;

use super::view::View;

/// First version that reads the pin `hooks`; before, and to this day, there is `codex_hooks`.
const RENAMED: Version = Version::of(129);

/// First version with managed hooks.
const FIRST: Version = Version::of(124);

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let Some(hooks) = subject.requirement(&["hooks"]) else { return Vec::new() };
    let events = hooks.node.value.as_table().into_iter().flatten();
    if !events.into_iter().any(|event| event.node.value.as_array().is_some()) {
        return Vec::new();
    }
    let pin = |name| {
        let node = &subject.requirement(&["features", name])?.node;
        Some((node.value.as_bool(), node.span))
    };
    for name in ["hooks", "codex_hooks"] {
        if let Some((Some(false), span)) = pin(name) {
            let message = "managed hooks never run: the feature is pinned off";
            return vec![
                finding(message, hooks.key.span)
                    .beside(span, "here")
                    .help("pin `hooks = true`, or remove the hooks"),
            ];
        }
    }
    // Of another type, the pin is a mistake of its own and was meant.
    let old = subject.versions.iter().any(|version| (FIRST..RENAMED).contains(version));
    let (now, before) = (pin("hooks").is_some(), pin("codex_hooks").is_some());
    if before || (now && !old) {
        return Vec::new();
    }
    let (key, help) = if old {
        (
            "codex_hooks",
            "pin the feature: `[features]` with `codex_hooks = true`, which 0.124 to 0.128 need",
        )
    } else {
        ("hooks", "pin the feature too: `[features]` with `hooks = true`")
    };
    let message = if now {
        "managed hooks can be switched off on Codex 0.124 to 0.128"
    } else {
        "managed hooks can be switched off by the user"
    };
    let diagnostic = finding(message, hooks.key.span).help(help);
    match subject.set(hooks.key.span, &["features", key], "true") {
        Some(edits) => vec![diagnostic.fix(format!("pin the feature `{key}`"), edits)],
        None => vec![diagnostic],
    }
}

fn finding(message: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::HooksNotPinned, message, span)
        .effect(Effect::new(Versions::since(FIRST.minor), Outcome::Accepts))
}
