//! Whether a command or a shell script runs, and where.
//!
//! The order is Codex's own: the script falls apart into plain commands or stays one opaque
//! command of the shell; every command is put to all rules, and to Codex's own judgement where no
//! rule matches; the strictest of all decides; the approval policy turns prompts that nobody may
//! answer into refusals. Measured on 0.138.0, 0.157.1 and 0.169.0: `tests/agreement/tests/commands.rs`.

mod judge;
mod near;
mod say;
mod session;
#[cfg(test)]
mod tests;

use codex_schema::types::rule::Decision;

use super::answer::{Answer, Part, Placement, Verdict};
use super::commands::policy::{CommandPolicy, shell_command};
use crate::evaluate::Evaluation;
use judge::{Judged, Judgement, judge};
pub(super) use say::line;
use session::{Asking, Surroundings};

/// Answers for a script, as the model's tool would give it to the shell.
pub(super) fn of_script(evaluation: &Evaluation, script: &str) -> Answer {
    let mut answer = of_command(evaluation, &shell_command(evaluation, script));
    script.clone_into(&mut answer.subject);
    answer
}

/// Answers for a command given as its words. A shell with a script is taken apart.
pub(super) fn of_command(evaluation: &Evaluation, command: &[String]) -> Answer {
    let policy = CommandPolicy::of(evaluation);
    let surroundings = Surroundings::of(evaluation);
    let judgement = judge(command, &policy, &surroundings);
    let outcome = outcome(command, &judgement, &surroundings);
    let mut answer = Answer::new(command.join(" "), outcome.verdict, outcome.because);
    answer.placement = outcome.placement;
    answer.codex_says = outcome.codex_says;
    answer.parts = judgement.parts.iter().map(|part| part_of(part, &judgement)).collect();
    answer.entries = say::entries(&judgement);
    answer.near = near::misses(&judgement, &policy);
    answer.notes = say::notes(&judgement, &policy, &surroundings, outcome.verdict);
    answer.advice = say::advice(&judgement, &policy, &surroundings, outcome.verdict);
    near::uncovered(command, &judgement, &policy, &surroundings, &mut answer);
    answer
}

/// What comes of a judgement.
struct Outcome {
    verdict: Verdict,
    because: String,
    placement: Option<Placement>,
    codex_says: Option<String>,
}

impl Outcome {
    fn new(verdict: Verdict, because: String) -> Self {
        Self { verdict, because, placement: None, codex_says: None }
    }

    fn refused(because: String, codex_says: String) -> Self {
        let refused = Self::new(Verdict::Deny, because);
        Self { codex_says: Some(codex_says), ..refused }
    }
}

fn outcome(command: &[String], judgement: &Judgement, around: &Surroundings) -> Outcome {
    match judgement.decision {
        Decision::Forbidden => {
            let text = say::refusal(command, judgement, around);
            Outcome::refused(say::because(judgement), text)
        }
        Decision::Prompt | Decision::PromptUser => asked(command, judgement, around),
        Decision::Allow => {
            let by_rule = judgement.parts.iter().all(Judged::is_allowed_by_rule);
            let because = match (by_rule, judgement.parts.len()) {
                (true, 1) => "a rule allows it".to_owned(),
                (true, _) => "rules allow every command in it".to_owned(),
                (false, _) => say::because(judgement),
            };
            let outside = around.unconfined || (by_rule && around.reads_denied.is_none());
            let allowed = Outcome::new(Verdict::Allow, because);
            Outcome { placement: Some(placement(outside)), ..allowed }
        }
    }
}

fn placement(outside: bool) -> Placement {
    if outside { Placement::OutsideSandbox } else { Placement::Sandboxed }
}

/// A prompt, or the refusal that becomes of it.
fn asked(command: &[String], judgement: &Judgement, around: &Surroundings) -> Outcome {
    let by_rule = judgement.parts.iter().any(Judged::is_asked_by_rule);
    let refused = match around.asking {
        Asking::Never => Some("approval required by policy, but AskForApproval is set to Never"),
        Asking::Granular { rules: false, .. } if by_rule => {
            Some("approval required by policy rule, but AskForApproval::Granular.rules is false")
        }
        Asking::Granular { sandbox: false, .. }
            if !by_rule && around.era.refuses_danger_by_kind() =>
        {
            Some(say::rejected_removal(judgement).unwrap_or(
                "approval required by policy, but AskForApproval::Granular.sandbox_approval is \
                 false",
            ))
        }
        Asking::Granular { .. } | Asking::Untrusted | Asking::OnFailure | Asking::OnRequest => None,
    };
    let because = say::because(judgement);
    if let Some(text) = refused {
        let because = format!("{because}, and the approval policy lets nobody be asked");
        return Outcome::refused(because, text.to_owned());
    }
    let (verdict, codex_says) = match judgement.decision {
        Decision::PromptUser => (Verdict::PromptUser, None),
        Decision::Allow | Decision::Prompt | Decision::Forbidden => {
            (Verdict::Prompt, say::question(command, judgement))
        }
    };
    let placement = Some(placement(around.unconfined));
    Outcome { placement, codex_says, ..Outcome::new(verdict, because) }
}

fn part_of(part: &Judged, judgement: &Judgement) -> Part {
    let verdict = match part.decision {
        Decision::Allow => Verdict::Allow,
        Decision::Prompt => Verdict::Prompt,
        Decision::PromptUser => Verdict::PromptUser,
        Decision::Forbidden => Verdict::Deny,
    };
    Part {
        words: part.words.clone(),
        opaque: judgement.opaque.as_ref().map(|reason| say::opaque(reason)),
        verdict,
        by: say::by(part),
        entries: say::entries_of(part),
    }
}
