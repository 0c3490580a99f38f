//! Changes as Markdown, for comments on changes and summaries of runs.

use super::human::{names, sentence};
use super::words::{directions, sign, what};
use super::{Compared, Group, groups};
use crate::plan::diff::{CohortChange, Status};
use crate::plan::policy::{Direction, Entry, Items, Place};
use crate::render::diagnostics::{code_text, text};
use crate::render::paint::harmless;

/// Most rows a table has: comments have a size limit.
const MOST: usize = 60;

/// The changes as Markdown.
pub fn markdown(compared: Compared<'_>) -> String {
    let Compared { from, to, cohorts } = compared;
    let mut out = format!(
        "### Codex policy: <code>{}</code> → <code>{}</code>\n\n",
        code_text(&harmless(from)),
        code_text(&harmless(to))
    );
    changes(cohorts, &mut out);
    out
}

/// The cohorts, those first in which something loosens.
pub(super) fn changes(cohorts: &[CohortChange], out: &mut String) {
    let (same, other): (Vec<Group<'_>>, Vec<Group<'_>>) =
        groups(cohorts).into_iter().partition(|group| group.change.status == Status::Same);
    if other.is_empty() {
        out.push_str("No cohort's policy changes.\n");
    }
    for group in &other {
        draw(group, out);
    }
    let same: usize = same.iter().map(|group| group.names.len()).sum();
    if same > 0 && !other.is_empty() {
        out.push_str(&format!("\n{same} of {} cohorts: the same policy.\n", cohorts.len()));
    }
}

fn draw(group: &Group<'_>, out: &mut String) {
    let change = group.change;
    let status = match change.status {
        Status::Changed | Status::Same => "",
        Status::Added => ", new",
        Status::Removed => ", removed",
    };
    let counts = directions(&change.policy.counts());
    let open = if change.direction().may_loosen() { " open" } else { "" };
    out.push_str(&format!(
        "<details{open}><summary>{}{status}: {counts}</summary>\n\n",
        text(&names(&group.names))
    ));
    out.push_str("| | key | change |\n|---|---|---|\n");
    for entry in change.policy.changes.iter().take(MOST) {
        out.push_str(&row(entry));
    }
    if let Some(more) = change.policy.changes.len().checked_sub(MOST).filter(|more| *more > 0) {
        out.push_str(&format!("\n{more} more are not listed.\n"));
    }
    out.push_str("\n</details>\n\n");
}

/// A word with a sign that is not its colour alone.
fn marked(direction: Direction) -> &'static str {
    match direction {
        Direction::Looser => "⚠️ looser",
        Direction::Incomparable => "❓ incomparable",
        Direction::Tighter => "🔒 tighter",
        Direction::Neutral => "neutral",
    }
}

fn at(place: Option<&Place>) -> String {
    place.map_or(String::new(), |place| format!(" (`{}`)", harmless(&place.to_string())))
}

fn row(entry: &Entry) -> String {
    let mut lines = vec![format!("{} {}", sign(entry), what(entry, "→"))];
    lines.extend(entry.witnesses.iter().map(|witness| sentence(witness, at)));
    lines.extend(entry.note.iter().map(|note| harmless(note)));
    items(&entry.added, '+', &mut lines);
    items(&entry.removed, '-', &mut lines);
    let place = entry.place_after.as_ref().or(entry.place_before.as_ref());
    if let Some(place) = place.filter(|_| entry.witnesses.is_empty()) {
        lines.push(format!("`{}`", harmless(&place.to_string())));
    }
    let cell: Vec<String> = lines.iter().map(|line| text(line)).collect();
    let key = code_text(&harmless(&entry.key));
    format!("| {} | <code>{key}</code> | {} |\n", marked(entry.direction), cell.join("<br>"))
}

fn items(items: &Items, sign: char, lines: &mut Vec<String>) {
    const LISTED: usize = 5;
    for item in items.first.iter().take(LISTED) {
        lines.push(format!("{sign} {}{}", harmless(&item.text), at(item.place.as_ref())));
    }
    if let Some(more) = items.total.checked_sub(LISTED).filter(|more| *more > 0) {
        lines.push(format!("{sign} {more} more"));
    }
}
