//! Whether a setting of `config.toml` can have a value.

use codex_schema::lookup::{CONFIG, closest};
use codex_schema::path::parts;
use serde_json::Value as Json;

use super::answer::{Answer, EntrySaid, Verdict};
use crate::evaluate::Evaluation;
use crate::explain::{self, Setting};

/// Answers for a value that somebody wants.
pub(super) fn answer(evaluation: &Evaluation, key: &str, value: &Json) -> Answer {
    let subject = format!("{key} = {value}");
    let path: Vec<&str> = parts(key).collect();
    if CONFIG.find(&path).is_none() {
        let mut answer =
            Answer::new(subject, Verdict::Unmanaged, "Codex knows no such key and ignores it");
        let meant = closest(key, CONFIG.keys().iter().map(|row| row.path));
        answer.advice.extend(meant.map(|name| format!("did you mean `{name}`?")));
        return answer;
    }
    let Some(wish) = evaluation.with_wish(key, value) else {
        return Answer::new(subject, Verdict::Deny, "this is no value that TOML can say");
    };
    let setting = explain::setting(&wish, key);
    if let Some(refusal) = refused(&wish).filter(|_| refused(evaluation).is_none()) {
        let because = "with this value Codex starts no session";
        let mut answer = Answer::new(subject, Verdict::Deny, because);
        answer.entries = setting.map(|one| entries(&wish, &one, Verdict::Deny)).unwrap_or_default();
        answer.codex_says = Some(refusal);
        return answer;
    }
    match setting {
        Some(setting) => of_setting(&wish, &setting, subject, value),
        None => Answer::new(subject, Verdict::Unmanaged, "the policy says nothing about it"),
    }
}

fn refused(evaluation: &Evaluation) -> Option<String> {
    let first = evaluation.refusals.first().map(|refusal| refusal.text.clone());
    first.or_else(|| evaluation.session().refusal)
}

fn of_setting(wish: &Evaluation, setting: &Setting, subject: String, value: &Json) -> Answer {
    let granted = setting.sensitive || setting.effective.as_ref() == Some(value);
    let effective = setting.effective.as_ref().map_or_else(|| "unset".to_owned(), Json::to_string);
    let (verdict, because) = match (granted, setting.locked) {
        (true, true) => (Verdict::Allow, "the policy allows this value".to_owned()),
        (true, false) => (Verdict::Unmanaged, "the policy says nothing about it".to_owned()),
        (false, true) => {
            (Verdict::Deny, format!("the policy does not allow it: Codex uses {effective} instead"))
        }
        (false, false) => {
            (Verdict::Unmanaged, format!("another layer decides: Codex uses {effective}"))
        }
    };
    let mut answer = Answer::new(subject, verdict, because);
    answer.entries = entries(wish, setting, verdict);
    answer.codex_says.clone_from(&setting.codex_says);
    if let Some(allowed) = setting.allowed.as_ref().filter(|_| verdict == Verdict::Deny) {
        answer.advice.push(format!("allowed are {allowed}"));
    }
    answer
}

/// The requirements that have a say, the one that changed the value first.
fn entries(wish: &Evaluation, setting: &Setting, verdict: Verdict) -> Vec<EntrySaid> {
    let lock = setting.locked_by.iter().map(|lock| (lock.key.as_str(), None));
    let voices = setting.requirements.iter().map(|voice| (voice.key.as_str(), Some(&voice.value)));
    let mut found: Vec<EntrySaid> = Vec::new();
    for (key, value) in lock.chain(voices) {
        let path: Vec<&str> = parts(key).collect();
        let Some(node) = wish.inputs().requirement(&path) else { continue };
        if found.iter().any(|entry| entry.key == key) {
            continue;
        }
        let shown = value.cloned().unwrap_or_else(|| {
            let voice = setting.requirements.iter().find(|voice| voice.key == key);
            voice.map_or_else(|| serde_json::json!(node.value), |voice| voice.value.clone())
        });
        found.push(EntrySaid {
            key: key.to_owned(),
            text: shown.to_string(),
            verdict,
            reason: None,
            span: node.span,
        });
    }
    found
}
