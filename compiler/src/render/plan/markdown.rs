//! Changes as Markdown, for comments on changes and summaries of runs.

use super::human::{More, origin_words, sentence, told, who};
use super::words::{sign, what};
use super::{Compared, groups};
use crate::plan::diff::{CohortChange, Status};
use crate::plan::policy::{Direction, Entry, Items, Place, Witness};
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
    changes(cohorts, &Links::none(), &|_| Vec::new(), &mut out);
    out
}

/// How places are written: as text, or as links to files.
#[derive(Clone, Debug)]
pub(super) struct Links {
    folder: Option<String>,
}

impl Links {
    /// Places stay text: the files are not where the reader is.
    pub(super) fn none() -> Self {
        Self { folder: None }
    }

    /// Places are links to the files below a folder, as the reader of the repository sees them.
    pub(super) fn to(folder: &str) -> Self {
        let folder = folder.replace('\\', "/");
        let folder = folder.trim_end_matches('/').trim_start_matches("./");
        // A folder that is not below the reader's own cannot be linked to.
        let outside = folder.starts_with('/') || folder.split('/').any(|part| part == "..");
        let folder = if folder == "." { "" } else { folder };
        Self { folder: (!outside).then(|| folder.to_owned()) }
    }

    fn place(&self, place: &Place, side: Side) -> String {
        let shown = format!("<code>{}</code>", code_text(&harmless(&place.to_string())));
        let plain = |one: char| one.is_ascii_alphanumeric() || "-_./".contains(one);
        match (&self.folder, side) {
            (Some(folder), Side::Now) if place.file.chars().all(plain) => {
                let gap = if folder.is_empty() { "" } else { "/" };
                let path = format!("{folder}{gap}{}", place.file);
                if !path.chars().all(plain) {
                    return shown;
                }
                format!("<a href=\"{path}#L{}\">{shown}</a>", place.line)
            }
            (None | Some(_), Side::Before | Side::Now) => shown,
        }
    }

    fn at(&self, place: Option<&Place>, side: Side) -> String {
        place.map_or(String::new(), |place| format!(" ({})", self.place(place, side)))
    }
}

/// Which of the two policies a place is in.
#[derive(Clone, Copy)]
enum Side {
    Before,
    Now,
}

/// The cohorts, those first in which something loosens.
pub(super) fn changes(cohorts: &[CohortChange], links: &Links, more: &More<'_>, out: &mut String) {
    let groups = groups(cohorts);
    if groups.is_empty() {
        out.push_str("No cohort's policy changes.\n\n");
    }
    for group in &groups {
        let head = format!("{}{}", who(group, cohorts.len()), told(group));
        details(&head, group.direction(), &group.entries, links, &more(group), out);
    }
    let same = cohorts.iter().filter(|one| one.status == Status::Same).count();
    if same > 0 && !groups.is_empty() {
        out.push_str(&format!("{same} of {} cohorts: the same policy.\n\n", cohorts.len()));
    }
}

/// One change of policy as a part that folds.
pub(super) fn details(
    head: &str,
    direction: Direction,
    entries: &[&Entry],
    links: &Links,
    more: &[String],
    out: &mut String,
) {
    let open = if direction.may_loosen() { " open" } else { "" };
    out.push_str(&format!("<details{open}><summary>{}</summary>\n\n", text(head)));
    for words in more {
        out.push_str(&format!("{}\n\n", text(words)));
    }
    if !entries.is_empty() {
        out.push_str("| | key | change |\n|---|---|---|\n");
    }
    for entry in entries.iter().take(MOST) {
        out.push_str(&row(entry, links));
    }
    if let Some(more) = entries.len().checked_sub(MOST).filter(|more| *more > 0) {
        out.push_str(&format!("\n{more} more are not listed.\n"));
    }
    out.push_str("\n</details>\n\n");
}

/// A word with a sign, so that its colour is not all there is.
fn marked(direction: Direction) -> &'static str {
    match direction {
        Direction::Looser => "⚠️ looser",
        Direction::Incomparable => "❓ incomparable",
        Direction::Tighter => "🔒 tighter",
        Direction::Neutral => "neutral",
    }
}

fn witness_line(witness: &Witness, links: &Links) -> String {
    let Witness { direction: _, of: _, before: _, after: _, place_before, place_after } = witness;
    let sentence = text(&sentence(witness, |_| String::new()));
    let before = links.at(place_before.as_ref(), Side::Before);
    let after = links.at(place_after.as_ref(), Side::Now);
    format!("{sentence}{before}{after}")
}

fn row(entry: &Entry, links: &Links) -> String {
    let mut lines = vec![text(&format!("{} {}", sign(entry), what(entry, "→")))];
    lines.extend(entry.witnesses.iter().map(|witness| witness_line(witness, links)));
    lines.extend(entry.note.iter().map(|note| text(&harmless(note))));
    items(&entry.added, '+', links, Side::Now, &mut lines);
    items(&entry.removed, '-', links, Side::Before, &mut lines);
    lines.extend(entry.origin.iter().map(|origin| text(&origin_words(origin))));
    if entry.witnesses.is_empty() {
        let now = entry.place_after.as_ref().map(|place| links.place(place, Side::Now));
        let before = || entry.place_before.as_ref().map(|place| links.place(place, Side::Before));
        lines.extend(now.or_else(before));
    }
    let key = code_text(&harmless(&entry.key));
    format!("| {} | <code>{key}</code> | {} |\n", marked(entry.direction), lines.join("<br>"))
}

fn items(items: &Items, sign: char, links: &Links, side: Side, lines: &mut Vec<String>) {
    const LISTED: usize = 5;
    for item in items.first.iter().take(LISTED) {
        let place = links.at(item.place.as_ref(), side);
        lines.push(format!("{}{place}", text(&format!("{sign} {}", harmless(&item.text)))));
    }
    if let Some(more) = items.total.checked_sub(LISTED).filter(|more| *more > 0) {
        lines.push(text(&format!("{sign} {more} more")));
    }
}
