//! The overview: what differs from Codex's defaults, and who decided it.

use std::fmt::Write;

use super::paint::{Paint, Role, Sign, columns, padded, wrapped};
use super::values::short;
use crate::explain::{
    ChannelState, Explanation, Outcome, Place, Problem, Setting, Severity, Status, VersionOrigin,
};

/// Draws the overview.
pub fn draw(explanation: &Explanation, paint: Paint, home: &str) -> String {
    let mut out = String::new();
    head(&mut out, explanation, paint, home);
    let (policy, settings): (Vec<&Setting>, Vec<&Setting>) = explanation
        .settings
        .iter()
        .partition(|one| matches!(one.status, Status::Policy | Status::Hint));
    table(&mut out, "SETTING", &settings, paint, home);
    table(&mut out, "POLICY OF ITS OWN", &policy, paint, home);
    for problem in &explanation.problems {
        draw_problem(&mut out, problem, paint, home);
    }
    foot(&mut out, explanation, paint);
    out
}

/// A path with the home folder shortened.
pub(super) fn homely(text: &str, home: &str) -> String {
    match text.strip_prefix(home) {
        Some(rest) if !home.is_empty() && (rest.is_empty() || rest.starts_with('/')) => {
            format!("~{rest}")
        }
        _ => text.to_owned(),
    }
}

pub(super) fn place_text(place: &Place, home: &str) -> String {
    homely(&place.to_string(), home)
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

/// The headline and the state of the channels.
pub(super) fn head(out: &mut String, explanation: &Explanation, paint: Paint, home: &str) {
    let how = match explanation.codex.how {
        VersionOrigin::Newest => " (newest known)",
        VersionOrigin::Given => "",
        VersionOrigin::Asked => " (installed)",
    };
    let facts = [
        format!("codex {}{how}", explanation.codex.version),
        format!("host {}", explanation.machine.hostname),
        format!("cwd {}", homely(&explanation.machine.cwd, home)),
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
            let text = format!("        {}: {}", channel.kind.replace('_', " "), homely(document, home));
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
        for text in refusal.says.lines() {
            line(out, &format!("    {}", paint.fit(text, paint.width.saturating_sub(4))));
        }
        if let Some(place) = &refusal.place {
            line(out, &format!("    at {}", place_text(place, home)));
        }
    }
    out.push('\n');
}

struct Row {
    key: String,
    effective: String,
    wanted: String,
    by: String,
    below: Vec<(Role, String)>,
}

fn table(out: &mut String, title: &str, settings: &[&Setting], paint: Paint, home: &str) {
    if settings.is_empty() {
        return;
    }
    let rows: Vec<(Row, &Setting)> =
        settings.iter().map(|setting| (row(setting, paint, home), *setting)).collect();
    let widest = |cell: fn(&Row) -> &str, title: &str, most: usize| {
        let cells = rows.iter().map(|(row, _)| columns(cell(row)));
        cells.chain([columns(title)]).max().unwrap_or(0).min(most)
    };
    let key = widest(|row| &row.key, title, paint.width * 38 / 100);
    let effective = widest(|row| &row.effective, "EFFECTIVE", paint.width * 24 / 100);
    let wanted = widest(|row| &row.wanted, "WANTED", paint.width * 20 / 100);
    let by = paint.width.saturating_sub(key + effective + wanted + 8).max(16);
    let heads = [padded(title, key), padded("EFFECTIVE", effective), padded("WANTED", wanted)];
    line(out, &paint.paint(Role::Faint, &format!("  {}  WON BY / LOCKED BY", heads.join("  "))));
    for (row, setting) in rows {
        let role = match setting.status {
            Status::Default | Status::NotLoaded => Role::Faint,
            _ => Role::Strong,
        };
        let lost = matches!(setting.status, Status::Clamped | Status::Fixed)
            && setting.candidates.iter().any(|one| one.outcome == Outcome::Clamped);
        let cells = [
            padded(&paint.fit(&row.key, key), key),
            paint.paint(role, &padded(&paint.fit(&row.effective, effective), effective)),
            paint.paint(
                if lost { Role::Lost } else { Role::Plain },
                &padded(&paint.fit(&row.wanted, wanted), wanted),
            ),
            paint.paint(
                if setting.locked { Role::Lock } else { Role::Plain },
                &paint.fit_end(&row.by, by),
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

fn row(setting: &Setting, paint: Paint, home: &str) -> Row {
    let suffix = if setting.status == Status::Default { " (default)" } else { "" };
    let effective = setting.effective.as_ref().map_or_else(|| "unset".to_owned(), short);
    let clamped = setting.candidates.iter().find(|one| one.outcome == Outcome::Clamped);
    let wanted = match (clamped, &setting.wanted) {
        (Some(one), _) => format!("{} {}", paint.sign(Sign::Lost), short(&one.value)),
        (None, Some(value)) => short(value),
        (None, None) => paint.sign(Sign::Absent).to_owned(),
    };
    let voice = setting.requirements.first();
    let winner = setting.candidates.iter().find(|one| one.outcome == Outcome::Won);
    let by = match (voice, winner, setting.candidates.first()) {
        (Some(voice), _, _) if setting.locked => {
            let place = voice.place.as_ref().map_or(voice.document.clone(), |at| place_text(at, home));
            let more = setting.requirements.len().saturating_sub(1);
            let others = if more > 0 { format!(" +{more}") } else { String::new() };
            format!("{} {} {place}{others}", paint.sign(Sign::Lock), voice.channel)
        }
        (_, Some(winner), _) => {
            let place = winner.place.as_ref().map_or(String::new(), |at| place_text(at, home));
            format!("{} {} {place}", paint.sign(Sign::Won), winner.layer)
        }
        (_, None, Some(first)) if first.outcome == Outcome::NotLoaded => {
            let place = first.place.as_ref().map_or(String::new(), |at| place_text(at, home));
            format!("{} {place} not loaded: folder not trusted", paint.sign(Sign::NotLoaded))
        }
        _ => format!("{} built in", paint.sign(Sign::Silent)),
    };
    let mut below = Vec::new();
    if let (Some(one), Some(allowed)) = (clamped, &setting.allowed) {
        let place = one.place.as_ref().map_or(String::new(), |at| place_text(at, home));
        below.push((Role::Lock, format!("└ your value {place} is not in {}", short(allowed))));
    } else if let (Status::Disabled, Some(says)) = (setting.status, &setting.codex_says) {
        below.push((Role::Lock, format!("└ {says}")));
    }
    if paint.ascii {
        for (_, text) in &mut below {
            *text = text.replace('└', "`-");
        }
    }
    Row { key: setting.key.clone(), effective: effective + suffix, wanted, by, below }
}

pub(super) fn draw_problem(out: &mut String, problem: &Problem, paint: Paint, home: &str) {
    let (sign, role) = match problem.severity {
        Severity::Error => (Sign::Error, Role::Bad),
        Severity::Caution => (Sign::Caution, Role::Lock),
    };
    let word = if problem.severity == Severity::Error { "error" } else { "caution" };
    let place = problem.place.as_ref().map_or(String::new(), |at| place_text(at, home) + "  ");
    let mut text = format!("{place}{}", problem.message);
    for part in [&problem.effect, &problem.help].into_iter().flatten() {
        let _ = write!(text, "; {part}");
    }
    let head = format!("{} {word}  ", paint.sign(sign));
    for (number, part) in wrapped(&text, paint.width.saturating_sub(columns(&head))).iter().enumerate() {
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
