//! What is wrong with a merged policy, as diagnostics.

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::path::dotted;
use codex_schema::span::Span;

use super::{EffectivePolicy, Event, Outcome, Voice};
use crate::repository::Repository;

/// Collects what is wrong with the merges of all cohorts. A layer that loosens is reported once,
/// however many cohorts it is part of.
#[derive(Debug, Default)]
pub struct Judge {
    found: BTreeMap<(Code, Span), Diagnostic>,
    /// Exceptions that count for some cohort.
    counted: BTreeSet<String>,
    /// Exceptions that changed something.
    busy: BTreeSet<String>,
}

impl Judge {
    /// Looks at the merge of one cohort.
    pub fn add(&mut self, policy: &EffectivePolicy) {
        self.counted.extend(policy.exceptions.iter().cloned());
        for event in &policy.events {
            if let (
                Voice::Exception(name),
                Outcome::Loosens(_) | Outcome::Lifts | Outcome::Overrides,
            ) = (&event.voice, &event.outcome)
            {
                self.busy.insert(name.clone());
            }
            let key = match event.outcome {
                Outcome::Refused => (Code::Loosens, event.span),
                Outcome::LiftsNothing => (Code::ExceptionIdle, event.span),
                _ => continue,
            };
            self.found.entry(key).or_insert_with(|| match event.outcome {
                Outcome::Refused => loosens(event),
                _ => lifts_nothing(event),
            });
        }
    }

    /// Takes over what another one collected; what both found counts as this one found it.
    pub fn join(&mut self, other: Self) {
        let Self { found, counted, busy } = other;
        for (key, diagnostic) in found {
            self.found.entry(key).or_insert(diagnostic);
        }
        self.counted.extend(counted);
        self.busy.extend(busy);
    }

    /// What was found.
    pub fn finish(self, repository: &Repository) -> Vec<Diagnostic> {
        let mut found: Vec<Diagnostic> = self.found.into_values().collect();
        found.retain(|one| !repository.is_on_broken_line(one.primary.span));
        for exception in &repository.exceptions {
            let idle = self.counted.contains(&exception.name)
                && !self.busy.contains(&exception.name)
                && exception.config.is_empty();
            if idle && found.iter().all(|one| one.primary.span.source != exception.source) {
                let message = "this exception permits nothing that is not permitted anyway";
                found.push(
                    Diagnostic::new(Code::ExceptionIdle, message, exception.anchor())
                        .help("remove the file"),
                );
            }
        }
        found
    }
}

fn loosens(event: &Event) -> Diagnostic {
    let path = dotted(&event.path);
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
    let message = format!("there is nothing to lift at `{}`", dotted(&event.path));
    Diagnostic::new(Code::ExceptionIdle, message, event.span)
        .help("remove it, or write the element exactly as the policy has it")
}
