//! Which entries of policy some case asks about, and which none does.
//!
//! An entry is a leaf along the key table that is no secret, or an element of a list. It is exercised when an answer
//! names it, or when it has a say in a value that a case asks for.

use std::collections::BTreeMap;

use codex_schema::key::Secret;
use codex_schema::lookup::{REQUIREMENTS, Spot};
use codex_schema::path::dotted;
use codex_schema::span::{SourceId, Span};
use codex_schema::value::{Entry as Field, Node, Table, Value};

use crate::authoring::{EffectivePolicy, RULES_FILES};
use crate::decide::answer::EntrySaid;
use crate::sources::rules_file;

/// An entry of policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyEntry {
    /// Its key, or the folder of its file of command rules.
    pub key: String,
    /// What it says, shortened.
    pub text: String,
    /// Whether a case asks about it.
    pub exercised: bool,
}

/// Every entry of the policies of all cohorts, by place: what several cohorts share counts once.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    entries: BTreeMap<Place, PolicyEntry>,
    /// The keys that lead to entries, by place: naming one names all entries below it.
    above: BTreeMap<Place, Vec<Place>>,
}

/// A place in the order of documents.
type Place = (SourceId, u32, u32);

fn place(span: Span) -> Place {
    (span.source, span.start, span.end)
}

impl Coverage {
    /// The entries with their places, in the order of documents.
    pub fn entries(&self) -> impl Iterator<Item = (Span, &PolicyEntry)> {
        self.entries.iter().map(|((source, start, end), entry)| {
            (Span { source: *source, start: *start, end: *end }, entry)
        })
    }

    /// How many entries there are.
    pub fn total(&self) -> usize {
        self.entries.len()
    }

    /// How many are exercised.
    pub fn exercised(&self) -> usize {
        self.entries.values().filter(|entry| entry.exercised).count()
    }

    /// The exercised part in percent, rounded down: a hundred is all of them.
    pub fn percent(&self) -> usize {
        (self.exercised() * 100).checked_div(self.total()).unwrap_or(100)
    }

    /// Adds the entries of a policy.
    pub(super) fn add(&mut self, policy: &EffectivePolicy, text_of: impl Fn(SourceId) -> String) {
        self.table(&policy.requirements, REQUIREMENTS.root(), &mut Vec::new());
        for voice in &policy.rules {
            // A file that Codex refuses has no rules.
            let Ok(file) = rules_file::read(&text_of(voice.source), &rules_file::Limits::default())
            else {
                continue;
            };
            for rule in file.prefix_rules {
                let place = &rule.position.span;
                let words: Vec<String> =
                    rule.pattern.iter().map(|token| token.alternatives().join("|")).collect();
                let span = Span::new(voice.source, place.start, place.end);
                self.put(span, RULES_FILES.to_owned(), words.join(" "));
            }
        }
    }

    fn table<'policy>(
        &mut self,
        table: &'policy Table,
        spot: &Spot,
        path: &mut Vec<&'policy Field>,
    ) {
        for field in table {
            let Some(child) = spot.child(&field.key.value) else { continue };
            path.push(field);
            match (child.key, &field.node.value) {
                // Tests must not hold secrets: nothing can be asked about them.
                (Some(key), _) if key.secret == Secret::Yes => {}
                (Some(_), _) => self.leaf(path),
                (None, Value::Table(inner)) => self.table(inner, child, path),
                (None, _) => {}
            }
            path.pop();
        }
    }

    fn leaf(&mut self, path: &[&Field]) {
        let Some((field, above)) = path.split_last() else { return };
        let key = dotted(&path.iter().map(|field| &*field.key.value).collect::<Vec<_>>());
        let text = |node: &Node| shortened(&node.value);
        let elements = field.node.value.as_array().unwrap_or_default();
        let mut spans: Vec<Span> = Vec::new();
        for element in elements {
            self.put(element.span, key.clone(), text(element));
            spans.push(element.span);
        }
        if elements.is_empty() {
            self.put(field.key.span, key, text(&field.node));
            spans.push(field.key.span);
            self.below(field.node.span, &spans);
        } else {
            self.below(field.key.span, &spans);
            self.below(field.node.span, &spans);
        }
        for field in above {
            self.below(field.key.span, &spans);
            self.below(field.node.span, &spans);
        }
    }

    fn put(&mut self, span: Span, key: String, text: String) {
        let entry = PolicyEntry { key, text, exercised: false };
        self.entries.entry(place(span)).or_insert(entry);
    }

    fn below(&mut self, above: Span, spans: &[Span]) {
        let known = self.above.entry(place(above)).or_default();
        for span in spans {
            if !known.contains(&place(*span)) {
                known.push(place(*span));
            }
        }
    }

    /// Notes that an answer names entries.
    pub(super) fn exercise(&mut self, said: &[EntrySaid]) {
        for entry in said {
            let named = place(entry.span);
            let below = self.above.get(&named).cloned().unwrap_or_default();
            for place in below.into_iter().chain([named]) {
                if let Some(entry) = self.entries.get_mut(&place) {
                    entry.exercised = true;
                }
            }
        }
    }
}

/// A value in few words.
fn shortened(value: &Value) -> String {
    const MOST: usize = 60;
    let text = codex_schema::strictness::identity(value);
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}
