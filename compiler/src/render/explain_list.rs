//! The overview: what differs from Codex's defaults, and who decided it.

use std::fmt::Write;

use super::names::Names;
use super::paint::{Paint, Role, Sign, columns, padded, wrapped};
use super::values::short;
use crate::explain::{
    ChannelState, Explanation, Outcome, Place, Problem, Reason, Setting, Severity, Status,
    VersionOrigin,
};

/// Draws the overview.
pub fn draw(explanation: &Explanation, paint: Paint, names: &Names) -> String {
    let names = &names.brief();
    let mut out = String::new();
    head(&mut out, explanation, paint, names);
    let (policy, settings): (Vec<&Setting>, Vec<&Setting>) = explanation
        .settings
        .iter()
        .partition(|one| matches!(one.status, Status::Policy | Status::Hint));
    table(&mut out, "SETTING", &settings, paint, names);
    table(&mut out, "POLICY OF ITS OWN", &policy, paint, names);
    for problem in &explanation.problems {
        draw_problem(&mut out, problem, paint, names);
    }
    foot(&mut out, explanation, paint);
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

/// The headline and the state of the channels.
pub(super) fn head(out: &mut String, explanation: &Explanation, paint: Paint, names: &Names) {
    let how = match explanation.codex.how {
        VersionOrigin::Newest => " (newest known)",
        VersionOrigin::Given => "",
        VersionOrigin::Asked => " (installed)",
    };
    let facts = [
        format!("codex {}{how}", explanation.codex.version),
        format!("host {}", explanation.machine.hostname),
        format!("cwd {}", names.home(&explanation.machine.cwd)),
    ];
    let title = paint.paint(Role::Strong, "Codex effective configuration");
    line(out, &format!("{title}   {}", facts.join(paint.dot())));
    let channels: Vec<String> = explanation
        .policy
        .channels
        .iter()
        .map(|channel| {
            let (sign, role) = match channel.state {
                ChannelState::Present => (Sign::Present, Role::Good),
                ChannelState::Absent => (Sign::Absent, Role::Faint),
                ChannelState::Broken => (Sign::Error, Role::Bad),
                ChannelState::UserWritable => (Sign::Caution, Role::Lock),
            };
            let name = channel.kind.replace('_', " ");
            paint.paint(role, &format!("{name} {}", paint.sign(sign)))
        })
        .collect();
    line(out, &format!("Policy  {}", channels.join(paint.dot())));
    for channel in &explanation.policy.channels {
        for document in &channel.documents {
            let text =
                format!("        {}: {}", channel.kind.replace('_', " "), names.path(document));
            line(out, &paint.paint(Role::Faint, &paint.fit(&text, paint.width)));
        }
    }
    if let Some(refusal) = explanation.policy.refusals.first() {
        let consequence = match refusal.stage.as_str() {
            "session" => "Codex starts and refuses every session:",
            "syntax" => "Codex cannot read its policy and refuses every session:",
            _ => "Codex does not start with this policy:",
        };
        line(out, &paint.paint(Role::Bad, &format!("{} {consequence}", paint.sign(Sign::Error))));
        let room = paint.width.saturating_sub(4);
        for text in refusal.says.lines() {
            // A line that fits stays as it is: Codex points at places with spaces.
            let parts = if columns(text) > room { wrapped(text, room) } else { vec![text.into()] };
            for part in parts {
                line(out, &format!("    {}", paint.fit(&part, room)));
            }
        }
        if let Some(place) = &refusal.place {
            line(out, &format!("    at {}", names.place(place)));
        }
    }
    out.push('\n');
}

struct Row {
    key: String,
    effective: String,
    by: String,
    below: Vec<(Role, String)>,
}

fn table(out: &mut String, title: &str, settings: &[&Setting], paint: Paint, names: &Names) {
    if settings.is_empty() {
        return;
    }
    let rows: Vec<(Row, &Setting)> =
        settings.iter().map(|setting| (row(setting, paint, names), *setting)).collect();
    let widest = |cell: fn(&Row) -> &str, title: &str, most: usize| {
        let cells = rows.iter().map(|(row, _)| columns(cell(row)));
        cells.chain([columns(title)]).max().unwrap_or(0).min(most)
    };
    let key = widest(|row| &row.key, title, paint.width * 38 / 100);
    let effective = widest(|row| &row.effective, "EFFECTIVE", paint.width * 26 / 100);
    let by = paint.width.saturating_sub(key + effective + 6).max(16);
    let heads = [padded(title, key), padded("EFFECTIVE", effective)];
    line(out, &paint.paint(Role::Faint, &format!("  {}  WON BY / LOCKED BY", heads.join("  "))));
    for (row, setting) in rows {
        let role = match setting.status {
            Status::Default | Status::NotLoaded => Role::Faint,
            _ => Role::Strong,
        };
        let cells = [
            padded(&paint.fit(&row.key, key), key),
            paint.paint(role, &padded(&paint.fit(&row.effective, effective), effective)),
            paint.paint(
                if setting.locked { Role::Lock } else { Role::Plain },
                &paint.fit(&row.by, by),
            ),
        ];
        line(out, &format!("  {}", cells.join("  ")));
        for (role, text) in row.below {
            for part in wrapped(&text, paint.width.saturating_sub(key + 6)) {
                line(out, &format!("  {}  {}", " ".repeat(key), paint.paint(role, &part)));
            }
        }
    }
    out.push('\n');
}

fn row(setting: &Setting, paint: Paint, names: &Names) -> Row {
    let suffix = if setting.status == Status::Default { " (default)" } else { "" };
    let effective = setting.effective.as_ref().map_or_else(|| "unset".to_owned(), short);
    let at = |place: &Option<Place>| place.as_ref().map(|at| names.place(at)).unwrap_or_default();
    let winner = setting.candidates.iter().find(|one| one.outcome == Outcome::Won);
    let lock = paint.sign(Sign::Lock);
    let by = match (setting.requirements.first(), winner, setting.candidates.first()) {
        (Some(voice), _, _) if setting.locked => {
            let place = voice.place.as_ref().map_or(voice.document.clone(), |at| names.place(at));
            let more = setting.requirements.len().saturating_sub(1);
            let others = if more > 0 { format!(" +{more}") } else { String::new() };
            format!("{lock} {place}{others}")
        }
        _ if setting.locked && setting.locked_by.is_some() => {
            let place = setting.locked_by.as_ref().map(|one| at(&one.place)).unwrap_or_default();
            format!("{lock} {place}")
        }
        (_, Some(winner), _) => {
            format!("{} {}", paint.sign(Sign::Won), at(&winner.place))
        }
        (_, None, Some(first)) if first.outcome == Outcome::NotLoaded => {
            format!("{} not loaded", paint.sign(Sign::NotLoaded))
        }
        _ => format!("{} built in", paint.sign(Sign::Silent)),
    };
    Row {
        key: setting.key.clone(),
        effective: effective + suffix,
        by,
        below: below(setting, paint, names),
    }
}

/// What was asked for and did not come true, on a line of its own.
fn below(setting: &Setting, paint: Paint, names: &Names) -> Vec<(Role, String)> {
    let corner = if paint.ascii { "`-" } else { "└" };
    let mut found = Vec::new();
    for one in &setting.candidates {
        let place = one.place.as_ref().map(|at| names.place(at)).unwrap_or_default();
        let value = short(&one.value);
        let lost = paint.sign(Sign::Lost);
        let text = match one.reason {
            Some(Reason::NotAllowed) => {
                let allowed = setting.allowed.as_ref().map(short).unwrap_or_default();
                format!("{corner} {lost} {value} {place} is not in {allowed}")
            }
            Some(Reason::FixedByRequirement) => {
                format!("{corner} {lost} {value} {place} has no effect")
            }
            Some(Reason::IgnoredWithProfiles) => {
                format!(
                    "{corner} {lost} {value} {place} is ignored: permission profiles are managed"
                )
            }
            Some(Reason::Untrusted) => {
                let sign = paint.sign(Sign::NotLoaded);
                format!("{corner} {sign} {value} {place} not loaded: folder not trusted")
            }
            Some(Reason::NotForProjects) => {
                format!("{corner} {lost} {value} {place} not for projects")
            }
            Some(Reason::LowerPrecedence) | None => continue,
        };
        found.push((Role::Lock, text));
    }
    if let (Status::Disabled, Some(says)) = (setting.status, &setting.codex_says) {
        found.push((Role::Lock, format!("{corner} {says}")));
    }
    found
}

pub(super) fn draw_problem(out: &mut String, problem: &Problem, paint: Paint, names: &Names) {
    let (sign, role) = match problem.severity {
        Severity::Error => (Sign::Error, Role::Bad),
        Severity::Caution => (Sign::Caution, Role::Lock),
    };
    let word = if problem.severity == Severity::Error { "error" } else { "caution" };
    let place = problem.place.as_ref().map_or(String::new(), |at| names.place(at) + "  ");
    let mut text = format!("{place}{}", problem.message);
    for part in [&problem.effect, &problem.help].into_iter().flatten() {
        let _ = write!(text, "; {part}");
    }
    let head = format!("{} {word}  ", paint.sign(sign));
    for (number, part) in
        wrapped(&text, paint.width.saturating_sub(columns(&head))).iter().enumerate()
    {
        let lead = if number == 0 { paint.paint(role, &head) } else { " ".repeat(columns(&head)) };
        line(out, &format!("{lead}{part}"));
    }
}

fn foot(out: &mut String, explanation: &Explanation, paint: Paint) {
    let settings = &explanation.settings;
    let locked = settings.iter().filter(|one| one.locked).count();
    let differ = settings
        .iter()
        .filter(|one| !matches!(one.status, Status::Default | Status::NotLoaded))
        .count();
    let facts = [
        format!("{differ} settings in force beyond Codex's defaults"),
        format!("{locked} locked"),
        "all: --all".to_owned(),
        "one: explain KEY".to_owned(),
        "machine: --json".to_owned(),
    ];
    line(out, &paint.paint(Role::Faint, &facts.join(paint.dot())));
}
