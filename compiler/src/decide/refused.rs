//! The answer where Codex refuses: nothing starts, so nothing happens.

use codex_schema::span::Span;

use super::answer::{Answer, EntrySaid, Verdict};
use crate::codex_answers;
use crate::evaluate::Evaluation;

/// The answer for anything on a machine on which no session starts; `None` where one does.
pub(super) fn answer(evaluation: &Evaluation, subject: &str) -> Option<Answer> {
    let says = codex_answers::thread(evaluation, evaluation).err()?;
    let first = evaluation.refusals.first();
    let span = first.and_then(|refusal| refusal.span).filter(|span| *span != Span::BUILT_IN);
    let entries = span.map(|span| EntrySaid {
        key: "refused".to_owned(),
        text: "what Codex refuses".to_owned(),
        verdict: Verdict::Deny,
        reason: None,
        span,
    });
    let because = "Codex refuses to start with this policy";
    Some(self::because(subject, because, says, entries.into_iter().collect()))
}

/// The answer where something else keeps sessions from running.
pub(super) fn because(
    subject: &str,
    because: &str,
    says: String,
    entries: Vec<EntrySaid>,
) -> Answer {
    let mut answer = Answer::new(subject, Verdict::Deny, because);
    answer.codex_says = Some(says);
    answer.entries = entries;
    answer.advice = vec!["`codex-config check` says what is wrong with the policy".to_owned()];
    answer
}
