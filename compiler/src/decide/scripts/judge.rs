//! What rules and Codex itself say about each command of a script.

use codex_schema::types::rule::Decision;

use super::session::{Asking, Surroundings};
use crate::decide::commands::policy::{CommandPolicy, RuleSaid};
use crate::decide::shell::danger::{self, Danger};
use crate::decide::shell::harmless::is_harmless;
use crate::decide::shell::{Budget, Script, ShellReading, read, script_of};

/// One command, judged.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) words: Vec<String>,
    pub(super) decision: Decision,
    /// The rules that match it; where there are some, nothing else is asked.
    pub(super) rules: Vec<RuleSaid>,
    /// Why Codex decided as it did where no rule matches.
    pub(super) own: Own,
}

/// Codex's own judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// A rule decided.
    NotAsked,
    Danger(Danger),
    /// Dangerous, but nobody to ask and no sandbox: older versions run it.
    Trusted,
    Harmless,
    /// `untrusted` asks about everything else.
    Unknown,
    /// The sandbox is thought to be enough.
    Sandbox,
}

impl Judged {
    pub(super) fn is_allowed_by_rule(&self) -> bool {
        self.rules.iter().any(|rule| rule.decision == Decision::Allow)
    }

    pub(super) fn is_asked_by_rule(&self) -> bool {
        let asks =
            |rule: &RuleSaid| matches!(rule.decision, Decision::Prompt | Decision::PromptUser);
        self.rules.iter().any(asks)
    }
}

/// A whole command, judged.
#[derive(Clone, Debug)]
pub(super) struct Judgement {
    pub(super) parts: Vec<Judged>,
    /// The strictest of all.
    pub(super) decision: Decision,
    /// Why it was not taken apart, if it is a script.
    pub(super) opaque: Option<String>,
    /// The script, as far as it could be read.
    pub(super) script: Option<Script>,
}

impl Judgement {
    /// The part that decides: the first of the strictest.
    pub(super) fn deciding(&self) -> Option<&Judged> {
        self.parts.iter().find(|part| part.decision == self.decision)
    }

    /// All rules that match any part, in Codex's order.
    pub(super) fn rules(&self) -> impl Iterator<Item = &RuleSaid> {
        self.parts.iter().flat_map(|part| &part.rules)
    }
}

/// Judges a command.
pub(super) fn judge(
    command: &[String],
    policy: &CommandPolicy<'_>,
    around: &Surroundings,
) -> Judgement {
    let mut budget = Budget::default();
    let script = script_of(command).map(|script| read(script, around.reading, &mut budget));
    let mut fed = false;
    let (commands, opaque) = match &script {
        None => (vec![command.to_vec()], None),
        Some(Script { plain: Ok(commands), .. }) => (commands.clone(), None),
        // Older versions put the command that a here-document is fed to before rules.
        Some(Script { heredoc: Some(command), .. })
            if around.reading == ShellReading::AsWritten =>
        {
            fed = true;
            (vec![command.clone()], None)
        }
        Some(Script { plain: Err(reason), .. }) => (vec![command.to_vec()], Some(reason.clone())),
    };
    let mut parts = Vec::with_capacity(commands.len());
    for words in commands {
        let rules = policy.matches(&words);
        let ruled = rules.iter().map(|rule| rule.decision).max();
        let (decision, own) = ruled.map_or_else(
            || {
                let whole = script.as_ref().filter(|_| opaque.is_some());
                unmatched(&words, whole, fed, around, &mut budget)
            },
            |decision| (decision, Own::NotAsked),
        );
        parts.push(Judged { words, decision, rules, own });
    }
    let decision = parts.iter().map(|part| part.decision).max().unwrap_or(Decision::Allow);
    Judgement { parts, decision, opaque, script }
}

/// What Codex thinks of a command that no rule matches; with its script, where it is a shell whose
/// script is opaque.
fn unmatched(
    command: &[String],
    script: Option<&Script>,
    fed: bool,
    around: &Surroundings,
    budget: &mut Budget,
) -> (Decision, Own) {
    let untrusted = around.asking == Asking::Untrusted;
    if around.reading == ShellReading::AsWritten
        && untrusted
        && !fed
        && is_harmless(command, budget)
    {
        return (Decision::Allow, Own::Harmless);
    }
    let danger = match script {
        Some(script) => danger::of_script(script, around.reading, budget),
        None => danger::of(command, around.reading, budget),
    };
    match danger {
        Some(_) if around.trusts_danger() => (Decision::Allow, Own::Trusted),
        Some(danger) if around.asking == Asking::Never => {
            (Decision::Forbidden, Own::Danger(danger))
        }
        Some(danger) => (Decision::Prompt, Own::Danger(danger)),
        None if untrusted => (Decision::Prompt, Own::Unknown),
        None => (Decision::Allow, Own::Sandbox),
    }
}
