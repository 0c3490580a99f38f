//! Whether a feature is on.

use codex_schema::features::{canonical, meant};

use super::answer::{Answer, EntrySaid, Verdict};
use crate::codex_answers::features_in_force;
use crate::evaluate::Evaluation;

/// Answers for a feature flag.
pub(super) fn answer(evaluation: &Evaluation, asked: &str) -> Answer {
    let version = evaluation.machine.version;
    let Some(name) = canonical(asked, version) else {
        let because = format!("Codex {version} has no such feature");
        let mut answer = Answer::new(asked, Verdict::Deny, because);
        answer.advice.extend(meant(asked, version).map(|name| format!("did you mean `{name}`?")));
        return answer;
    };
    let on = features_in_force(evaluation).get(name).copied().unwrap_or_default();
    let inputs = evaluation.inputs();
    let pins = inputs.requirement(&["features"]).and_then(|node| node.value.as_table());
    // A present name beats a former one.
    let pin = pins.and_then(|pins| {
        let former = || pins.iter().find(|pin| canonical(&pin.key.value, version) == Some(name));
        pins.entry(name).or_else(former)
    });
    let verdict = match (pin, on) {
        (None, _) => Verdict::Unmanaged,
        (Some(_), true) => Verdict::Allow,
        (Some(_), false) => Verdict::Deny,
    };
    let state = if on { "on" } else { "off" };
    let because = match pin {
        Some(_) => format!("the policy pins it {state}, whatever is configured"),
        None => format!("it is {state}, and the policy does not pin it"),
    };
    let mut answer = Answer::new(name, verdict, because);
    if name != asked {
        answer.notes.push(format!("`{asked}` is a former name of `{name}`"));
    }
    answer.entries.extend(pin.map(|pin| EntrySaid {
        key: "features".to_owned(),
        text: format!("{} = {on}", pin.key.value),
        verdict,
        reason: None,
        span: pin.key.span,
    }));
    answer
}
