//! An answer for people: the verdict first, then who says so, then what to do.

use super::names::Names;
use super::paint::{Paint, Role, Sign, harmless, wrapped};
use crate::decide::answer::{Placement, Verdict};
use crate::why::{Entry, Near, ScriptPart, Why};

/// Draws an answer.
pub fn draw(why: &Why, paint: Paint, names: &Names) -> String {
    let mut page = Page { out: String::new(), paint, names };
    page.head(why);
    page.parts(&why.parts);
    if why.parts.len() != 1 || why.entries.is_empty() {
        page.entries(&why.entries, 2);
    }
    page.near(&why.near);
    if let Some(says) = &why.codex_says {
        page.paragraph("Codex says: ", says, Role::Plain);
    }
    for note in &why.notes {
        page.paragraph("Note: ", note, Role::Plain);
    }
    for advice in &why.advice {
        page.paragraph("You can: ", advice, Role::Plain);
    }
    page.out
}

/// One fact per line, without drawing.
pub fn plain(why: &Why) -> String {
    let mut lines = vec![
        format!("asked: {}", why.of),
        format!("codex version: {}", why.codex),
        format!("{}: {}", why.kind, harmless(&why.subject)),
        format!("verdict: {}", why.verdict.word()),
    ];
    lines.extend(why.placement.map(|placement| format!("runs: {}", placed(placement))));
    lines.push(format!("because: {}", why.because));
    let entry = |entry: &Entry| {
        let place = entry.place.as_ref().map_or(String::new(), |place| format!(" at {place}"));
        let reason = entry.reason.as_ref().map_or(String::new(), |it| format!(", reason {it}"));
        let by = entry.commit.as_ref().map_or(String::new(), |commit| {
            format!(", by {} on {} in {}", commit.author, commit.date, commit.id)
        });
        let text = format!("{} {}", entry.key, entry.text);
        harmless(&format!("{}: {text}{place}{reason}{by}", entry.verdict.word()))
    };
    for part in &why.parts {
        let words = harmless(&part.words.join(" "));
        lines.push(format!("part: {}: {words}, by {}", part.verdict.word(), part.by));
        lines.extend(part.opaque.iter().map(|why| format!("  opaque: {why}")));
        lines.extend(part.entries.iter().map(|one| format!("  entry {}", entry(one))));
    }
    lines.extend(why.entries.iter().map(|one| format!("entry {}", entry(one))));
    lines.extend(
        why.near.iter().map(|near| format!("near {}, but {}", entry(&near.entry), near.differs)),
    );
    lines.extend(why.codex_says.iter().map(|says| format!("codex says: {}", harmless(says))));
    lines.extend(why.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(why.advice.iter().map(|advice| format!("you can: {advice}")));
    lines.join("\n") + "\n"
}

fn placed(placement: Placement) -> &'static str {
    match placement {
        Placement::Sandboxed => "in the sandbox",
        Placement::OutsideSandbox => "outside the sandbox",
    }
}

/// The verdict as a headline.
fn headline(verdict: Verdict) -> (&'static str, Role) {
    match verdict {
        Verdict::Unmanaged => ("NOT DECIDED BY POLICY", Role::Strong),
        Verdict::Allow => ("ALLOWED", Role::Good),
        Verdict::Prompt => ("ASKS FIRST", Role::Lock),
        Verdict::PromptUser => ("ASKS A PERSON", Role::Lock),
        Verdict::Deny => ("BLOCKED", Role::Bad),
    }
}

struct Page<'page> {
    out: String,
    paint: Paint,
    names: &'page Names,
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn head(&mut self, why: &Why) {
        let (word, role) = headline(why.verdict);
        let head = self.paint.paint(role, word);
        let kind = self.paint.paint(Role::Faint, why.kind);
        let room = self.paint.width.saturating_sub(word.len() + why.kind.len() + 4);
        let subject = self.paint.fit(&harmless(&why.subject), room);
        let subject = self.paint.paint(Role::Strong, &subject);
        self.line(&format!("{head}  {kind} {subject}"));
        let because = match why.placement.filter(|_| why.verdict != Verdict::Deny) {
            Some(placement) => format!("{}; it runs {}", why.because, placed(placement)),
            None => why.because.clone(),
        };
        self.paragraph("", &because, Role::Plain);
    }

    fn paragraph(&mut self, head: &str, text: &str, role: Role) {
        let room = self.paint.width.saturating_sub(2 + head.len());
        let indent = " ".repeat(head.len());
        for (number, text) in wrapped(&harmless(text), room).iter().enumerate() {
            let head = if number == 0 { head } else { &indent };
            let text = self.paint.paint(role, text);
            self.line(&format!("  {head}{text}"));
        }
    }

    fn entries(&mut self, entries: &[Entry], indent: usize) {
        for (number, entry) in entries.iter().enumerate() {
            self.entry(entry, indent, number == 0);
        }
    }

    fn entry(&mut self, entry: &Entry, indent: usize, decides: bool) {
        let sign = if decides { Sign::Lock } else { Sign::Silent };
        let place = entry.place.as_ref().map_or(String::new(), |at| self.names.place(at));
        let word = entry.verdict.word();
        let text = format!("{word}  {} {}", entry.key, harmless(&entry.text));
        let text = self.paint.fit(&text, self.paint.width.saturating_sub(indent + 2));
        let role = if decides { Role::Lock } else { Role::Faint };
        let margin = " ".repeat(indent);
        let text = self.paint.paint(role, &text);
        self.line(&format!("{margin}{} {text}", self.paint.sign(sign)));
        let mut facts = vec![place];
        facts.extend(entry.reason.as_ref().map(|reason| format!("\"{}\"", harmless(reason))));
        if let Some(commit) = &entry.commit {
            let id: String = commit.id.chars().take(8).collect();
            facts.push(format!("{}, {id}, {}", harmless(&commit.author), commit.date));
        }
        facts.retain(|fact| !fact.is_empty());
        if !facts.is_empty() {
            self.line(&format!("{margin}  {}", facts.join(self.paint.dot())));
        }
    }

    fn parts(&mut self, parts: &[ScriptPart]) {
        for part in parts {
            let (word, role) = headline(part.verdict);
            let mark = self.paint.paint(role, &word.to_lowercase());
            let words = harmless(&part.words.join(" "));
            let words = self.paint.fit(&words, self.paint.width.saturating_sub(word.len() + 6));
            self.line(&format!("  {mark}  {words}"));
            self.paragraph("  ", &part.by, Role::Faint);
            if let Some(reason) = &part.opaque {
                self.paragraph("  not taken apart: ", reason, Role::Plain);
            }
            self.entries(&part.entries, 4);
        }
    }

    fn near(&mut self, near: &[Near]) {
        if near.is_empty() {
            return;
        }
        self.line("  Nearly matched:");
        for Near { entry, differs } in near {
            self.entry(entry, 4, false);
            self.paragraph("    ", differs, Role::Faint);
        }
    }
}
