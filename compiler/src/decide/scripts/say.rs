//! The words of an answer: Codex's own where they are known to the letter, ours elsewhere.

use codex_schema::types::rule::Decision;

use super::judge::{Judged, Judgement, Own};
use super::session::{Asking, Surroundings};
use crate::decide::answer::{EntrySaid, Verdict};
use crate::decide::commands::policy::{CommandPolicy, RuleSaid};
use crate::decide::shell::danger::Danger;
use crate::era::ShellReading;
use crate::machine::Os;
use crate::sources::rules_file::{ProblemKind, join_words};

/// Bytes of a word with which Linux starts no program.
const LONGEST_WORD: usize = 128 << 10;

const REMOVAL: &str = "rm -f style commands are not permitted. Use a safer approach";

/// The reason that a person is shown when the sandbox stopped a command.
const RETRY: &str = "command failed; retry without sandbox?";

/// A command on one line, quoted as Codex quotes it.
pub(in crate::decide) fn line(command: &[String]) -> String {
    join_words(command).unwrap_or_else(|| command.join(" "))
}

/// What the model is told about a refusal.
pub(super) fn refusal(command: &[String], judgement: &Judgement, around: &Surroundings) -> String {
    let forbids = |rule: &&RuleSaid| rule.decision == Decision::Forbidden;
    let why = match judgement.rules().filter(forbids).max_by_key(|rule| rule.covered.len()) {
        Some(RuleSaid { entry: EntrySaid { reason: Some(reason), .. }, .. }) => reason.clone(),
        Some(rule) => format!("policy forbids commands starting with `{}`", line(&rule.covered)),
        None => {
            let removal = around.reading == ShellReading::Literal
                && first_danger(judgement, Decision::Forbidden) == Some(Danger::ForcedRemoval);
            if removal { REMOVAL } else { "blocked by policy" }.to_owned()
        }
    };
    format!("`{}` rejected: {why}", line(command))
}

/// The same where a prompt about a removal is refused.
pub(super) fn rejected_removal(judgement: &Judgement) -> Option<&'static str> {
    let danger = first_danger(judgement, Decision::Prompt)?;
    (danger == Danger::ForcedRemoval).then_some(REMOVAL)
}

/// The danger that made Codex decide so without a rule.
fn first_danger(judgement: &Judgement, decision: Decision) -> Option<Danger> {
    let own = judgement.parts.iter().filter(|part| part.rules.is_empty());
    own.filter(|part| part.decision == decision).find_map(|part| match part.own {
        Own::Danger(danger) => Some(danger),
        Own::NotAsked | Own::Trusted | Own::Harmless | Own::Unknown | Own::Sandbox => None,
    })
}

/// The reason that a person is shown; nothing where no rule asks.
pub(super) fn question(command: &[String], judgement: &Judgement) -> Option<String> {
    let asks = |rule: &&RuleSaid| rule.decision == Decision::Prompt;
    let rule = judgement.rules().filter(asks).max_by_key(|rule| rule.covered.len())?;
    let line = line(command);
    Some(match &rule.entry.reason {
        Some(reason) => format!("`{line}` requires approval: {reason}"),
        None => format!("`{line}` requires approval by policy"),
    })
}

/// The rules that match, the deciding one first, each once.
pub(super) fn entries(judgement: &Judgement) -> Vec<EntrySaid> {
    unique(judgement.rules().collect())
}

/// The same of one part.
pub(super) fn entries_of(part: &Judged) -> Vec<EntrySaid> {
    unique(part.rules.iter().collect())
}

fn unique(mut rules: Vec<&RuleSaid>) -> Vec<EntrySaid> {
    // Codex shows the last of the longest of the strictest.
    rules.reverse();
    rules.sort_by_key(|rule| std::cmp::Reverse((rule.decision, rule.covered.len())));
    let mut entries: Vec<EntrySaid> = Vec::new();
    for rule in rules {
        if !entries.contains(&rule.entry) {
            entries.push(rule.entry.clone());
        }
    }
    entries
}

/// Who decides about a part.
pub(super) fn by(part: &Judged) -> String {
    match part.own {
        Own::NotAsked => match entries_of(part).first() {
            Some(entry) => format!("the rule `{}`", entry.text),
            None => "a rule".to_owned(),
        },
        Own::Danger(Danger::ForcedRemoval | Danger::Unsaid) => {
            "Codex's own list of dangerous commands".to_owned()
        }
        Own::Danger(Danger::TooDeep) => "Codex, which looks no deeper".to_owned(),
        Own::Trusted => "Codex, which leaves it to whoever chose to run unasked".to_owned(),
        Own::Harmless => "Codex's own list of commands that only read".to_owned(),
        Own::Unknown => "the approval policy `untrusted`".to_owned(),
        Own::Sandbox => "no rule".to_owned(),
    }
}

/// Why the verdict is what it is.
pub(super) fn because(judgement: &Judgement) -> String {
    let Some(part) = judgement.deciding() else { return "there is nothing to run".to_owned() };
    let rule = entries_of(part).into_iter().next();
    let shell = || part.words.first().map(String::as_str).unwrap_or_default();
    let subject = match (&judgement.opaque, judgement.parts.len()) {
        (Some(_), _) => format!("`{}`, which is all that rules see of it,", shell()),
        (None, 1) => "it".to_owned(),
        (None, _) => format!("`{}` in it", line(&part.words)),
    };
    match (part.own, rule) {
        (Own::NotAsked, rule) => {
            let text = rule.map(|rule| rule.text).unwrap_or_default();
            let (before, after) = match part.decision {
                Decision::Forbidden => ("forbids", ""),
                Decision::Prompt => ("asks about", ""),
                Decision::PromptUser => ("asks a person about", ""),
                Decision::Allow => ("allows", ", but not every command has such a rule"),
            };
            format!("the rule `{text}` {before} {}{after}", subject.trim_end_matches(','))
        }
        (Own::Danger(Danger::ForcedRemoval | Danger::Unsaid), _) => {
            let subject = if judgement.opaque.is_some() { "it" } else { &subject };
            format!("Codex itself takes {subject} for dangerous, as it removes files with force")
        }
        (Own::Danger(Danger::TooDeep), _) => {
            "it is wrapped so deeply that Codex takes it for dangerous".to_owned()
        }
        (Own::Trusted, _) => {
            "it is dangerous, but nobody is asked and there is no sandbox".to_owned()
        }
        (Own::Harmless, _) => "Codex knows that it only reads".to_owned(),
        (Own::Unknown, _) => {
            let subject = if judgement.opaque.is_some() { "it" } else { &subject };
            format!(
                "no rule says anything about {subject}, and `untrusted` asks about all such commands"
            )
        }
        (Own::Sandbox, _) => "no rule says anything about it".to_owned(),
    }
}

/// Why a script is opaque and what that means.
pub(super) fn opaque(reason: &str) -> String {
    format!("{reason}: rules see only the shell, not what it runs")
}

/// What else a reader must know.
pub(super) fn notes(
    judgement: &Judgement,
    policy: &CommandPolicy<'_>,
    around: &Surroundings,
    verdict: Verdict,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(refusal) = &around.refusal {
        notes.push(format!("no session starts here: {refusal}"));
    }
    if !around.era.measured_on_commands() {
        notes.push(
            "what becomes of commands was measured from 0.138.0 on: this is what that version does"
                .to_owned(),
        );
    }
    notes.extend(about_script(judgement, around));
    notes.extend(about_rules(judgement, policy, around, verdict));
    notes.extend(on_asking(judgement, around, verdict));
    notes
}

fn about_script(judgement: &Judgement, around: &Surroundings) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(reason) = &judgement.opaque {
        notes.push(format!("the script cannot be taken apart, as {}", opaque(reason)));
    }
    if judgement.script.as_ref().is_some_and(|script| script.unread) {
        notes.push(
            "this program takes scripts apart up to 12 KiB and 1,000 pipes; Codex has no such \
             bound, so that rules may see more of this script than is said here"
                .to_owned(),
        );
    }
    let scripts = judgement.script.iter().map(|script| script.bytes);
    if scripts.into_iter().any(|bytes| bytes >= LONGEST_WORD) {
        notes.push(
            "Linux starts nothing with a word of 128 KiB or more: let through, it fails with \
             `Argument list too long`"
                .to_owned(),
        );
    }
    if judgement.parts.iter().flat_map(|part| &part.words).any(|word| word.contains('\0')) {
        notes.push("a NUL character is no part of any command: let through, it fails".to_owned());
    }
    if around.os == Os::Windows {
        notes.push(
            "on Windows Codex takes PowerShell apart, which is not modelled: rules are asked \
             about the words as they stand"
                .to_owned(),
        );
    }
    notes
}

fn about_rules(
    judgement: &Judgement,
    policy: &CommandPolicy<'_>,
    around: &Surroundings,
    verdict: Verdict,
) -> Vec<String> {
    let mut notes = Vec::new();
    for file in &policy.dropped {
        notes.push(match file.kind {
            ProblemKind::Refused => format!(
                "{}: {}; one file that cannot be read switches all `.rules` files off{}",
                file.place,
                file.message,
                if around.era.keeps_required_rules() {
                    ""
                } else {
                    ", and in this version the rules of requirements too"
                }
            ),
            ProblemKind::Unsupported | ProblemKind::Limit => format!(
                "{}: {}; Codex may read this file, and its rules are not counted here",
                file.place, file.message
            ),
        });
    }
    let allowed = judgement.parts.iter().all(Judged::is_allowed_by_rule);
    if let Some(by) = around.reads_denied.filter(|_| allowed && verdict == Verdict::Allow) {
        notes.push(format!("{by} keeps it in the sandbox, although a rule allows it"));
    }
    let permitted = |part: &Judged| {
        let rules = policy.would_match(&part.words);
        rules.iter().any(|rule| rule.decision == Decision::Allow)
    };
    let ignored = policy.ignoring.as_ref().filter(|_| judgement.parts.iter().any(permitted));
    if let Some(model) = ignored {
        notes.push(format!("for the model `{model}` rules that allow do not count"));
    }
    notes
}

fn on_asking(judgement: &Judgement, around: &Surroundings, verdict: Verdict) -> Vec<String> {
    let mut notes = Vec::new();
    match verdict {
        Verdict::Prompt if around.reviewed => {
            notes.push("the automatic reviewer answers, not a person".to_owned());
        }
        Verdict::PromptUser => notes.push(
            "a client that cannot ask a person refuses it: `approval request failed`".to_owned(),
        ),
        Verdict::Unmanaged | Verdict::Allow | Verdict::Prompt | Verdict::Deny => {}
    }
    let asked = matches!(verdict, Verdict::Prompt | Verdict::PromptUser);
    if asked && around.retries() {
        notes.push(
            "once approved it runs in the sandbox, and outside if the sandbox stops it, without \
             another question"
                .to_owned(),
        );
    } else if asked && !around.unconfined {
        notes.push("once approved it still runs in the sandbox".to_owned());
    }
    let outside = judgement.parts.iter().all(Judged::is_allowed_by_rule);
    if verdict == Verdict::Allow && outside && around.reads_denied.is_none() && !around.unconfined {
        notes.push(
            "it runs outside the sandbox and past the managed network, whatever those say"
                .to_owned(),
        );
    } else if verdict == Verdict::Allow && around.offers_retry() {
        notes.push(format!(
            "if the sandbox stops it, somebody is asked whether it may run outside: `{RETRY}`"
        ));
    }
    notes
}

/// What can be done.
pub(super) fn advice(
    judgement: &Judgement,
    policy: &CommandPolicy<'_>,
    around: &Surroundings,
    verdict: Verdict,
) -> Vec<String> {
    let mut advice = Vec::new();
    let decided = judgement.deciding().map(|part| part.own);
    match verdict {
        Verdict::Deny if judgement.decision != Decision::Forbidden => {
            let policy = "an approval policy that may ask would let somebody decide";
            advice.push(policy.to_owned());
        }
        Verdict::Deny if decided == Some(Own::NotAsked) => {
            advice.push("ask whoever wrote the rule, or use what its reason suggests".to_owned());
        }
        Verdict::Deny if around.asking == Asking::Never => {
            let policy = "an approval policy that may ask would let somebody decide";
            advice.push(policy.to_owned());
        }
        Verdict::Unmanaged
        | Verdict::Allow
        | Verdict::Prompt
        | Verdict::PromptUser
        | Verdict::Deny => {}
    }
    if policy.dropped.iter().any(|file| file.kind == ProblemKind::Refused) {
        advice.push("mend the `.rules` file; rules in requirements cannot be lost so".to_owned());
    }
    advice
}
