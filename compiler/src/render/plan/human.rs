//! Changes for people.

use super::words::{directions, number, sign, typed, what};
use super::{Compared, Group, groups};
use crate::compile::history::Commit;
use crate::plan::diff::{CohortChange, Status};
use crate::plan::policy::{Direction, Entry, Items, Place, PolicyChange, Witness};
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

/// What else is to be said of some cohorts.
pub(super) type More<'more> = dyn Fn(&[&str]) -> Vec<String> + 'more;

/// Draws the cohorts, those first in which something loosens.
pub(super) fn changes(cohorts: &[CohortChange], paint: Paint, more: &More<'_>) -> String {
    let mut out = String::new();
    let (same, other): (Vec<Group<'_>>, Vec<Group<'_>>) =
        groups(cohorts).into_iter().partition(|group| group.change.status == Status::Same);
    for group in &other {
        out.push('\n');
        draw(&mut out, group, paint, more);
    }
    let same: Vec<&str> = same.iter().flat_map(|group| group.names.iter().copied()).collect();
    if !same.is_empty() {
        out.push('\n');
        let text = format!("= {} of {}: the same policy", number(same.len(), "cohort"), cohorts.len());
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

fn draw(out: &mut String, group: &Group<'_>, paint: Paint, more: &More<'_>) {
    let change = group.change;
    let what = if group.names.len() == 1 { "cohort" } else { "cohorts" };
    let status = match (change.status, &change.compared_with) {
        (Status::Changed | Status::Same, _) => String::new(),
        (Status::Added, Some(other)) => format!(" (new; before: `{}`)", harmless(other)),
        (Status::Removed, Some(other)) => format!(" (removed; now: `{}`)", harmless(other)),
        (Status::Added, None) => " (new; before: no policy)".to_owned(),
        (Status::Removed, None) => " (removed: its machines get no policy)".to_owned(),
    };
    let counts = directions(&change.policy.counts());
    let head = format!("{what} {}{status}", names(&group.names));
    let painted = paint.paint(role(change.direction()), &counts);
    line(out, &format!("{}: {painted}", paint.paint(Role::Strong, &head)));
    for words in more(&group.names) {
        for text in wrapped(&words, paint.width.saturating_sub(2)) {
            line(out, &paint.paint(Role::Faint, &format!("  {text}")));
        }
    }
    entries(out, &change.policy, paint);
}

/// Draws what changes in one policy.
pub(super) fn entries(out: &mut String, policy: &PolicyChange, paint: Paint) {
    let longest = policy.changes.iter().map(|entry| columns(&entry.key)).max().unwrap_or(0);
    let key = longest.min(paint.width * 40 / 100);
    for entry in &policy.changes {
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
