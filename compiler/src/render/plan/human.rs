//! Changes for people.

use super::words::{directions, number, sign, typed, what};
use super::{Compared, Group, groups};
use crate::compile::history::Commit;
use crate::plan::diff::{CohortChange, Status};
use crate::plan::policy::{Direction, Entry, Items, Place, Witness};
use crate::render::paint::{Paint, Role, Sign, columns, harmless, padded, wrapped};

/// Elements that are listed below a change.
const LISTED: usize = 5;

/// Draws what changes.
pub fn human(compared: Compared<'_>, paint: Paint) -> String {
    let mut out = String::new();
    let arrow = arrow(paint);
    let title = format!("{} {arrow} {}", harmless(compared.from), harmless(compared.to));
    line(&mut out, &paint.paint(Role::Strong, &title));
    out.push_str(&changes(compared.cohorts, paint, &|_| Vec::new()));
    out
}

/// What else is to be said of some changes that cohorts have in common.
pub(super) type More<'more> = dyn Fn(&Group<'_>) -> Vec<String> + 'more;

/// Draws the cohorts, those first in which something loosens.
pub(super) fn changes(cohorts: &[CohortChange], paint: Paint, more: &More<'_>) -> String {
    let mut out = String::new();
    for group in groups(cohorts) {
        out.push('\n');
        draw(&mut out, &group, cohorts.len(), paint, more);
    }
    let same = cohorts.iter().filter(|one| one.status == Status::Same).count();
    if same > 0 {
        out.push('\n');
        let text = format!("= {} of {}: the same policy", number(same, "cohort"), cohorts.len());
        line(&mut out, &paint.paint(Role::Faint, &text));
    }
    out
}

fn arrow(paint: Paint) -> &'static str {
    if paint.ascii { "->" } else { "→" }
}

pub(super) fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

pub(super) fn role(direction: Direction) -> Role {
    match direction {
        Direction::Looser => Role::Bad,
        Direction::Incomparable => Role::Lock,
        Direction::Tighter => Role::Good,
        Direction::Neutral => Role::Faint,
    }
}

/// Cohorts that a heading names.
const NAMED: usize = 6;

/// The names of some cohorts.
pub(super) fn names(names: &[&str]) -> String {
    let first: Vec<String> = names.iter().take(NAMED).map(|name| harmless(name)).collect();
    match names.len().checked_sub(NAMED).filter(|more| *more > 0) {
        Some(more) => format!("{} and {more} more", first.join(", ")),
        None => first.join(", "),
    }
}

/// Whose policy changes, in words.
pub(super) fn who(group: &Group<'_>, all: usize) -> String {
    let cohorts = match group.names.len() {
        1 => format!("cohort {}", names(&group.names)),
        count if count == all => format!("all {all} cohorts"),
        count => format!("{count} cohorts ({})", names(&group.names)),
    };
    match (group.status, group.compared_with) {
        (Status::Changed | Status::Same, _) => cohorts,
        (Status::Added, Some(other)) => format!("{cohorts} (new; before: {})", harmless(other)),
        (Status::Removed, Some(other)) => {
            format!("{cohorts} (removed; now: {})", harmless(other))
        }
        (Status::Added, None) => format!("{cohorts} (new; before: no policy)"),
        (Status::Removed, None) => format!("{cohorts} (removed: its machines get no policy)"),
    }
}

/// How many changes lead where; of a cohort that comes or goes the machines that move tell it.
pub(super) fn told(group: &Group<'_>) -> String {
    match (group.status, group.entries.is_empty()) {
        (Status::Added | Status::Removed, true) => String::new(),
        (Status::Added | Status::Removed | Status::Changed | Status::Same, _) => {
            format!(": {}", directions(&group.counts()))
        }
    }
}

fn draw(out: &mut String, group: &Group<'_>, all: usize, paint: Paint, more: &More<'_>) {
    let head = paint.paint(Role::Strong, &who(group, all));
    let counts = paint.paint(role(group.direction()), &told(group));
    line(out, &format!("{head}{counts}"));
    for words in more(group) {
        for text in wrapped(&words, paint.width.saturating_sub(2)) {
            line(out, &paint.paint(Role::Faint, &format!("  {text}")));
        }
    }
    entries(out, &group.entries, paint);
}

/// Draws what changes in one policy.
pub(super) fn entries(out: &mut String, entries: &[&Entry], paint: Paint) {
    let longest = entries.iter().map(|entry| columns(&entry.key)).max().unwrap_or(0);
    let key = longest.min(paint.width * 40 / 100);
    for entry in entries {
        draw_entry(out, entry, key, paint);
    }
}

fn draw_entry(out: &mut String, entry: &Entry, width: usize, paint: Paint) {
    let word = entry.direction.word();
    let room = paint.width.saturating_sub(width + columns(word) + 8);
    let name = padded(&paint.fit_end(&harmless(&entry.key), width), width);
    let text = what(entry, arrow(paint));
    let short = paint.fit(&text, room);
    let word = paint.paint(role(entry.direction), word);
    line(out, &format!("  {} {name}  {}  {word}", sign(entry), padded(&short, room)));
    let indent = "      ";
    for witness in &entry.witnesses {
        draw_witness(out, witness, paint);
    }
    if let Some(note) = &entry.note {
        for text in wrapped(&harmless(note), paint.width.saturating_sub(indent.len())) {
            line(out, &format!("{indent}{}", paint.paint(Role::Faint, &text)));
        }
    }
    items(out, &entry.added, '+', paint);
    items(out, &entry.removed, '-', paint);
    if let Some(origin) = &entry.origin {
        let text = paint.fit(&origin_words(origin), paint.width.saturating_sub(indent.len()));
        line(out, &paint.paint(Role::Faint, &format!("{indent}{text}")));
    }
    let place = entry.place_after.as_ref().or(entry.place_before.as_ref());
    if let Some(place) = place.filter(|_| entry.witnesses.is_empty() && !has_places(entry)) {
        let corner = if paint.ascii { "at" } else { "└" };
        let place = harmless(&place.to_string());
        line(out, &paint.paint(Role::Faint, &format!("{indent}{corner} {place}")));
    }
}

/// Who made it so.
pub(super) fn origin_words(origin: &Commit) -> String {
    let Commit { id, author, date, subject } = origin;
    let short: String = id.chars().take(12).collect();
    harmless(&format!("{author}, {date}, {short} \"{subject}\""))
}

fn has_places(entry: &Entry) -> bool {
    let mut items = entry.added.first.iter().chain(&entry.removed.first);
    items.any(|item| item.place.is_some())
}

fn at(place: Option<&Place>) -> String {
    place.map_or(String::new(), |place| format!(" ({})", harmless(&place.to_string())))
}

/// `git push --force origin` was forbidden, now asks.
pub(super) fn sentence(witness: &Witness, at: impl Fn(Option<&Place>) -> String) -> String {
    format!(
        "`{}` {}{}, now {}{}",
        typed(witness),
        witness.before,
        at(witness.place_before.as_ref()),
        witness.after,
        at(witness.place_after.as_ref()),
    )
}

fn draw_witness(out: &mut String, witness: &Witness, paint: Paint) {
    let mark = match witness.direction {
        Direction::Looser | Direction::Incomparable => paint.sign(Sign::Error),
        Direction::Tighter | Direction::Neutral => paint.sign(Sign::Present),
    };
    let role = role(witness.direction);
    let lines = wrapped(&sentence(witness, at), paint.width.saturating_sub(8));
    for (index, text) in lines.iter().enumerate() {
        let lead = if index == 0 { paint.paint(role, mark) } else { " ".to_owned() };
        line(out, &format!("      {lead} {text}"));
    }
}

fn items(out: &mut String, items: &Items, sign: char, paint: Paint) {
    for item in items.first.iter().take(LISTED) {
        let text = format!("      {sign} {}{}", harmless(&item.text), at(item.place.as_ref()));
        line(out, &paint.paint(Role::Faint, &paint.fit(&text, paint.width)));
    }
    if let Some(more) = items.total.checked_sub(LISTED).filter(|more| *more > 0) {
        line(out, &paint.paint(Role::Faint, &format!("      {sign} and {more} more")));
    }
}
