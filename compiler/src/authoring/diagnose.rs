//! What is wrong with a merged policy, as diagnostics.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::{EffectivePolicy, Event, Outcome, Voice};
use crate::repository::Repository;

/// The findings of the merges of all cohorts. A layer that loosens is reported once, however many
/// cohorts it is part of.
pub fn diagnose<'policy>(
    repository: &Repository,
    policies: impl Iterator<Item = &'policy EffectivePolicy>,
) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut busy: std::collections::BTreeSet<&str> = std::collections::BTreeSet::new();
    let mut counted: std::collections::BTreeSet<&str> = std::collections::BTreeSet::new();
    for policy in policies {
        counted.extend(policy.exceptions.iter().map(String::as_str));
        for event in &policy.events {
            if let (
                Voice::Exception(name),
                Outcome::Loosens(_) | Outcome::Lifts | Outcome::Overrides,
            ) = (&event.voice, &event.outcome)
            {
                busy.insert(name);
            }
            let diagnostic = match event.outcome {
                Outcome::Refused => loosens(event),
                Outcome::LiftsNothing => lifts_nothing(event),
                _ => continue,
            };
            let known = |one: &&Diagnostic| {
                one.code == diagnostic.code && one.primary.span == diagnostic.primary.span
            };
            if !found.iter().any(|one| known(&one)) {
                found.push(diagnostic);
            }
        }
    }
    for exception in &repository.exceptions {
        let name = exception.name.as_str();
        let silent = found.iter().all(|one| one.primary.span.source != exception.source);
        if counted.contains(name) && !busy.contains(name) && silent && exception.config.is_empty() {
            let message = "this exception permits nothing that is not permitted anyway";
            found.push(
                Diagnostic::new(Code::ExceptionIdle, message, exception.anchor())
                    .help("remove the file"),
            );
        }
    }
    found
}

fn loosens(event: &Event) -> Diagnostic {
    let path = event.path.join(".");
    let what = match event.words.as_slice() {
        [] => String::new(),
        words => {
            let words: Vec<String> =
                words.iter().map(|word| format!("`{}`", short(word))).collect();
            format!(" with {}", words.join(", "))
        }
    };
    let message = format!("`{}` loosens `{path}`{what}", event.voice);
    let diagnostic = Diagnostic::new(Code::Loosens, message, event.span).help(
        "keep to what stands above, delegate the key under `[delegation]` in `policy.toml`, or \
         write an exception with an owner, a reason and an expiry",
    );
    match event.above {
        Some(above) => diagnostic.beside(above, "this is what stands above"),
        None => diagnostic.label("nothing above allows it"),
    }
}

/// A value short enough for a sentence.
fn short(word: &str) -> String {
    const LIMIT: usize = 60;
    match word.char_indices().nth(LIMIT) {
        Some((at, _)) => format!("{}…", word.get(..at).unwrap_or_default()),
        None => word.to_owned(),
    }
}

fn lifts_nothing(event: &Event) -> Diagnostic {
    let message = format!("there is nothing to lift at `{}`", event.path.join("."));
    Diagnostic::new(Code::ExceptionIdle, message, event.span)
        .help("remove it, or write the element exactly as the policy has it")
}
