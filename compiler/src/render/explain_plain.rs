//! One fact per line, in reading order, without colours or drawing: for screen readers and scripts.

use super::values::quoted;
use crate::explain::{Explanation, Outcome};

/// Writes all facts.
pub fn write(explanation: &Explanation) -> String {
    let mut lines = vec![
        format!("codex version: {}", explanation.codex.version),
        format!("host: {}", explanation.machine.hostname),
        format!("working folder: {}", explanation.machine.cwd),
    ];
    for channel in &explanation.policy.channels {
        let state = format!("{:?}", channel.state).to_lowercase();
        lines.push(format!("channel {}: {state}", channel.kind.replace('_', " ")));
        lines.extend(channel.documents.iter().map(|one| format!("  document: {one}")));
        lines.extend(channel.note.iter().map(|note| format!("  note: {note}")));
    }
    for refusal in &explanation.policy.refusals {
        let says = refusal.says.replace('\n', " ");
        let place = refusal.place.as_ref().map_or(String::new(), |at| format!(" at {at}"));
        lines.push(format!("codex refuses: {says}{place}"));
    }
    for setting in &explanation.settings {
        let value = setting.effective.as_ref().map_or_else(|| "unset".to_owned(), quoted);
        let status = format!("{:?}", setting.status);
        lines.push(format!("setting {}: effective {value}, {}", setting.key, words(&status)));
        for one in &setting.candidates {
            let place = one.place.as_ref().map_or(String::new(), |at| format!(" at {at}"));
            let outcome = words(&format!("{:?}", one.outcome));
            let reason = one.reason.map_or(String::new(), |reason| {
                format!(", because {}", words(&format!("{reason:?}")))
            });
            lines.push(format!(
                "  {} asks {}{place}: {outcome}{reason}",
                one.layer,
                quoted(&one.value)
            ));
            lines.extend(one.origins.iter().map(|origin| format!("    from {origin}")));
        }
        for voice in &setting.requirements {
            let place = voice.place.as_ref().map_or(String::new(), |at| format!(" at {at}"));
            let lost = if voice.outcome == Outcome::Lost { ", overruled" } else { "" };
            let value = quoted(&voice.value);
            lines.push(format!("  {} requires {} {value}{place}{lost}", voice.channel, voice.key));
            lines.extend(voice.origins.iter().map(|origin| format!("    from {origin}")));
        }
        lines.extend(setting.actions.iter().map(|action| format!("  you can: {action}")));
    }
    for problem in &explanation.problems {
        let severity = format!("{:?}", problem.severity).to_lowercase();
        let place = problem.place.as_ref().map_or(String::new(), |at| format!(" at {at}"));
        let help = problem.help.as_ref().map_or(String::new(), |help| format!("; {help}"));
        lines.push(format!("{severity}: {}{place}{help}", problem.message));
    }
    lines.join("\n") + "\n"
}

/// `NotLoaded` as `not loaded`.
fn words(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
