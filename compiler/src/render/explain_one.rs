//! One setting: the ladder of everyone who had a say, and what can be done.

use super::explain_list::{draw_problem, head};
use super::names::Names;
use super::paint::{Paint, Role, Sign, harmless, padded, wrapped};
use super::values::{quoted, short};
use crate::explain::{
    Candidate, ChannelState, Explanation, Outcome, Reason, Setting, Status, Voice,
};
use crate::origins::Origin;

/// Draws the settings of an explanation one by one.
pub fn draw(explanation: &Explanation, paint: Paint, names: &Names) -> String {
    let mut out = String::new();
    if !explanation.policy.refusals.is_empty() {
        head(&mut out, explanation, paint, names);
    }
    for setting in &explanation.settings {
        one(&mut out, setting, explanation, paint, names);
        out.push('\n');
    }
    for problem in &explanation.problems {
        let about = explanation.settings.iter().any(|one| problem.message.contains(&one.key));
        if about {
            draw_problem(&mut out, problem, paint, names);
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

fn one(out: &mut String, setting: &Setting, all: &Explanation, paint: Paint, names: &Names) {
    let value = setting.effective.as_ref().map_or_else(|| "unset".to_owned(), quoted);
    let title = format!("{} = {value}", setting.key);
    line(out, &paint.paint(Role::Strong, &paint.fit(&title, paint.width)));
    for text in wrapped(&setting.about, paint.width) {
        line(out, &paint.paint(Role::Faint, &text));
    }
    out.push('\n');
    verdict(out, setting, paint, names);
    values(out, setting, paint, names);
    requirements(out, setting, all, paint, names);
    quote(out, setting, paint);
    if let Some(says) = &setting.codex_says {
        section(out, "CODEX SAYS", paint);
        for text in wrapped(says, paint.width.saturating_sub(2)) {
            line(out, &format!("  {}", harmless(&text)));
        }
        out.push('\n');
    }
    if !setting.actions.is_empty() {
        section(out, "WHAT YOU CAN DO", paint);
        for action in &setting.actions {
            for (number, text) in wrapped(action, paint.width.saturating_sub(4)).iter().enumerate()
            {
                let mark = if number == 0 { paint.sign(Sign::Silent) } else { " " };
                line(out, &format!("  {mark} {text}"));
            }
        }
    }
}

fn section(out: &mut String, title: &str, paint: Paint) {
    line(out, &paint.paint(Role::Strong, title));
}

/// Wanted, allowed, effective, in three lines.
fn verdict(out: &mut String, setting: &Setting, paint: Paint, names: &Names) {
    let asked = setting
        .candidates
        .iter()
        .find(|one| matches!(one.outcome, Outcome::Won | Outcome::Clamped | Outcome::Merged));
    let mut fact = |name: &str, value: &str, rest: &str, role: Role| {
        let text =
            format!("  {} {} {rest}", padded(name, 10), paint.paint(role, &padded(value, 16)));
        line(out, &text);
    };
    if let Some(one) = asked {
        let place = one.place.as_ref().map_or(String::new(), |at| names.place(at));
        let role = if one.outcome == Outcome::Clamped { Role::Lost } else { Role::Plain };
        fact("Wanted", &short(&one.value), &format!("from {} {place}", one.layer), role);
    }
    if let Some(allowed) = &setting.allowed {
        let by = setting.requirements.first();
        let by = by.map_or(String::new(), |voice| {
            let place = voice.place.as_ref().map_or(voice.document.clone(), |at| names.place(at));
            format!("by requirement {} {place}", voice.channel)
        });
        fact("Allowed", &short(allowed), &by, Role::Lock);
    }
    if let (None, Some(lock)) = (&setting.allowed, &setting.locked_by) {
        let place = lock.place.as_ref().map(|at| names.place(at)).unwrap_or_default();
        fact("Locked by", &lock.key, &place, Role::Lock);
    }
    let value = setting.effective.as_ref().map_or_else(|| "unset".to_owned(), short);
    fact("Effective", &value, why(setting.status), Role::Strong);
    out.push('\n');
}

fn why(status: Status) -> &'static str {
    match status {
        Status::Default => "built in: nobody asks for anything else",
        Status::AsWanted => "as asked",
        Status::Clamped => "the wanted value is not allowed: Codex falls back, it does not stop",
        Status::DefaultReplaced => "the built-in value is not allowed",
        Status::Fixed => "fixed by a requirement, whatever is asked",
        Status::Policy => "policy of its own",
        Status::Hint => "a hint for other clients; Codex's own server ignores it",
        Status::Disabled => "not allowed to run",
        Status::NotLoaded => "the only layer that sets it is not loaded",
    }
}

/// The layers in Codex's order, highest first; all of them, also the silent ones.
const LADDER: &[&str] = &[
    "managed_config.toml",
    "command line",
    "project",
    "profile",
    "user",
    "cloud config",
    "system",
];

fn values(out: &mut String, setting: &Setting, paint: Paint, names: &Names) {
    let requirement_only = matches!(setting.status, Status::Policy | Status::Hint);
    if requirement_only && setting.candidates.is_empty() {
        return;
    }
    let signs = format!(
        "{} winner, {} lost, {} not loaded, {} silent",
        paint.sign(Sign::Won),
        paint.sign(Sign::Lost),
        paint.sign(Sign::NotLoaded),
        paint.sign(Sign::Silent)
    );
    line(out, &format!("{}  (highest first; {signs})", paint.paint(Role::Strong, "VALUE LADDER")));
    let mut step = 0;
    for layer in LADDER {
        let voices: Vec<&Candidate> =
            setting.candidates.iter().filter(|one| one.layer == *layer).collect();
        step += 1;
        if voices.is_empty() {
            let text =
                format!("  {step} {} {} no value", padded(layer, 20), paint.sign(Sign::Silent));
            line(out, &paint.paint(Role::Faint, &text));
        }
        for voice in voices {
            candidate(out, step, voice, paint, names);
        }
    }
    if let Some(default) = &setting.default {
        let beaten = if setting.wanted.is_some() { Sign::Lost } else { Sign::Won };
        let text = format!(
            "  {} {} {} {}",
            step + 1,
            padded("built in", 20),
            paint.sign(beaten),
            short(default)
        );
        line(out, &paint.paint(Role::Faint, &text));
    }
    out.push('\n');
}

fn candidate(out: &mut String, step: usize, voice: &Candidate, paint: Paint, names: &Names) {
    let (sign, role) = match voice.outcome {
        Outcome::Won | Outcome::Merged => (Sign::Won, Role::Strong),
        Outcome::Clamped => (Sign::Won, Role::Lost),
        Outcome::Lost => (Sign::Lost, Role::Faint),
        Outcome::NotLoaded => (Sign::NotLoaded, Role::Faint),
    };
    let reason = match voice.reason {
        None => "",
        Some(Reason::LowerPrecedence) => "lower than the winner",
        Some(Reason::Untrusted) => "not loaded: folder not trusted",
        Some(Reason::NotForProjects) => "a project may not set this",
        Some(Reason::NotAllowed) => "won here, but requirements do not allow it",
        Some(Reason::FixedByRequirement) => "won here, but a requirement fixes the value",
        Some(Reason::IgnoredWithProfiles) => "ignored: permission profiles are managed",
    };
    let place = voice.place.as_ref().map_or(String::new(), |at| names.place(at));
    let value = paint.paint(role, &padded(&paint.fit(&short(&voice.value), 24), 24));
    let name = padded(&voice.layer, 20);
    line(out, &format!("  {step} {name} {} {value} {place}  {reason}", paint.sign(sign)));
    origins(out, &voice.origins, paint);
}

fn requirements(
    out: &mut String,
    setting: &Setting,
    all: &Explanation,
    paint: Paint,
    names: &Names,
) {
    if setting.requirements.is_empty() && !setting.locked {
        return;
    }
    let rule = if setting.requirements.iter().any(|voice| voice.outcome == Outcome::Merged) {
        "all layers add up, the highest first"
    } else {
        "the highest that sets the key wins"
    };
    let title = paint.paint(Role::Strong, "REQUIREMENT LADDER");
    line(out, &format!("{title}  ({rule})"));
    for (number, channel) in all.policy.channels.iter().enumerate() {
        let name = channel.kind.replace('_', " ");
        let voices: Vec<&Voice> = setting
            .requirements
            .iter()
            .filter(|voice| voice.channel.to_lowercase() == name)
            .collect();
        if voices.is_empty() {
            let state = match channel.state {
                ChannelState::Absent => "absent",
                ChannelState::Broken => "cannot be used",
                ChannelState::Present | ChannelState::UserWritable => "not set",
            };
            let sign = paint.sign(Sign::Silent);
            let text = format!("  {} {} {sign} {state}", number + 1, padded(&name, 20));
            line(out, &paint.paint(Role::Faint, &text));
        }
        for voice in voices {
            let lost = voice.outcome == Outcome::Lost;
            let sign = if lost { Sign::Lost } else { Sign::Lock };
            let role = if lost { Role::Faint } else { Role::Lock };
            let place = voice.place.as_ref().map_or(voice.document.clone(), |at| names.place(at));
            let value = padded(&paint.fit(&short(&voice.value), 30), 24);
            let text = format!(
                "  {} {} {} {}  {place}",
                number + 1,
                padded(&name, 20),
                paint.paint(role, paint.sign(sign)),
                paint.paint(role, &value),
            );
            line(out, &text);
            origins(out, &voice.origins, paint);
        }
    }
    out.push('\n');
}

/// Most places in the policy repository that are shown for one value; all are in the JSON form.
const MOST_ORIGINS: usize = 5;

/// Where a value came from in the policy repository.
fn origins(out: &mut String, origins: &[Origin], paint: Paint) {
    for origin in origins.iter().take(MOST_ORIGINS) {
        line(out, &paint.paint(Role::Faint, &format!("      from {origin}")));
    }
    if let Some(more @ 1..) = origins.len().checked_sub(MOST_ORIGINS) {
        line(out, &paint.paint(Role::Faint, &format!("      and {more} more places")));
    }
}

/// The line of the requirement that decided.
fn quote(out: &mut String, setting: &Setting, paint: Paint) {
    let Some(place) = setting.requirements.first().and_then(|voice| voice.place.as_ref()) else {
        return;
    };
    let Some(text) = &place.text else { return };
    let bar = if paint.ascii { "|" } else { "│" };
    let number = place.line.to_string();
    let sign = paint.paint(Role::Lock, paint.sign(Sign::Lock));
    let room = paint.width.saturating_sub(number.len() + 6);
    line(out, &format!("{sign} {number} {bar} {}", paint.fit(&harmless(text), room)));
    out.push('\n');
}
