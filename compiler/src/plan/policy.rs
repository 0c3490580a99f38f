//! One policy against another: what becomes of every key, and of what is decided.

mod decisions;
mod keys;

use std::collections::BTreeMap;

use codex_schema::source::{Documents, Source};
use codex_schema::span::{SourceId, Span};
use codex_schema::strictness::Change;
use codex_schema::value::Table;
use serde::Serialize;
use serde_json::Value as Json;

use crate::authoring::Document;
use crate::compile::history::Commit;
use crate::sources::rules_file::RulesFile;

/// One of the two policies.
#[derive(Clone, Copy, Debug)]
pub struct Side<'policy> {
    /// Requirements under their keys' own names.
    pub requirements: &'policy Table,
    /// Managed defaults.
    pub config: &'policy Table,
    /// The rule files, in the order in which Codex reads them.
    pub rules: &'policy [(SourceId, RulesFile)],
    /// Rule files that cannot be read: Codex then drops all of them.
    pub broken: &'policy [SourceId],
    /// The texts all of it comes from.
    pub documents: &'policy Documents,
}

/// What changes between two policies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    /// The changes: what loosens first, then by key.
    pub changes: Vec<Entry>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Which document it is in.
    pub document: Document,
    /// What is compared.
    pub subject: Subject,
    /// The key's path.
    pub key: String,
    /// The rows of the key table that are touched.
    #[serde(skip)]
    pub rows: Vec<&'static str>,
    /// The direction.
    pub direction: Direction,
    /// The value before; secrets are redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// The value now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
    /// Elements, rules or hosts that are new.
    #[serde(skip_serializing_if = "Items::is_empty")]
    pub added: Items,
    /// Those that are gone.
    #[serde(skip_serializing_if = "Items::is_empty")]
    pub removed: Items,
    /// Where it was said before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_before: Option<Place>,
    /// Where it is said now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_after: Option<Place>,
    /// Where it is said now, or the part of the policy that no longer says it.
    #[serde(skip)]
    pub anchor: Option<Span>,
    /// All of what says it, where the anchor is only its beginning.
    #[serde(skip)]
    pub(super) whole: Option<Span>,
    /// The commit that made it so, where something loosens and that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Commit>,
    /// Something that is decided differently, for each direction; the looser one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<Witness>,
    /// What else is to be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Entry {
    /// Whether its anchor is what is said now, and not only what stands above it.
    pub(super) fn after_is_said(&self) -> bool {
        match self.subject {
            Subject::Key | Subject::HostRules => self.after.is_some(),
            Subject::Commands | Subject::Hosts => {
                let mut looser = self.witnesses.iter();
                looser.any(|one| one.direction == Direction::Looser && one.place_after.is_some())
            }
        }
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The value of one key.
    Key,
    /// What is decided of all commands.
    Commands,
    /// What is answered for all hosts.
    Hosts,
    /// What rule files say of single hosts.
    HostRules,
}

/// Where a change leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is allowed.
    Looser,
    /// Something else is allowed: more here, less there, or nobody can tell.
    Incomparable,
    /// Less is allowed.
    Tighter,
    /// The same is allowed; or a managed default changed, which is no control.
    Neutral,
}

impl Direction {
    /// The direction of a change in strictness.
    pub fn of(change: Change) -> Self {
        match change {
            Change::Equal => Self::Neutral,
            Change::Tighter => Self::Tighter,
            Change::Looser => Self::Looser,
            Change::Incomparable => Self::Incomparable,
        }
    }

    /// Whether something may be allowed that was not.
    pub fn may_loosen(self) -> bool {
        matches!(self, Self::Looser | Self::Incomparable)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Looser => "looser",
            Self::Incomparable => "incomparable",
            Self::Tighter => "tighter",
            Self::Neutral => "neutral",
        }
    }
}

/// Elements of a list, rules or hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Items {
    /// How many there are.
    pub total: usize,
    /// The first ones, at most [`MOST_ITEMS`].
    pub first: Vec<Item>,
}

impl Items {
    /// Counts things, and tells the first ones: finding the place of one takes as long as reading
    /// the text before it.
    fn of<T>(things: impl Iterator<Item = T>, told: impl Fn(T) -> Item) -> Self {
        let mut all = Self::default();
        for thing in things {
            all.total += 1;
            if all.first.len() < MOST_ITEMS {
                all.first.push(told(thing));
            }
        }
        all
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// An element of a list, a rule, or a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Item {
    /// What it says.
    pub text: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file, from the top of the repository.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A command or a host that is decided differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// Which direction it shows.
    pub direction: Direction,
    /// The command's words, or the host.
    pub of: Vec<String>,
    /// What happened to it, in words.
    pub before: String,
    /// What happens to it now, in words.
    pub after: String,
    /// The entry that decided before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_before: Option<Place>,
    /// The entry that decides now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_after: Option<Place>,
}

/// Most elements, rules or hosts that one change lists in either direction.
pub const MOST_ITEMS: usize = 100;

impl PolicyChange {
    /// How many changes lead where: looser, incomparable, tighter, neutral.
    pub fn counts(&self) -> BTreeMap<Direction, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.changes {
            *counts.entry(entry.direction).or_insert(0) += 1;
        }
        counts
    }

    /// All changes together.
    pub fn change(&self) -> Change {
        self.changes.iter().fold(Change::Equal, |sum, entry| {
            sum.and(match entry.direction {
                Direction::Looser => Change::Looser,
                Direction::Incomparable => Change::Incomparable,
                Direction::Tighter => Change::Tighter,
                Direction::Neutral => Change::Equal,
            })
        })
    }
}

/// Compares two policies.
pub fn compare(from: Side<'_>, to: Side<'_>) -> PolicyChange {
    let mut found = Vec::new();
    keys::compare(from, to, &mut found);
    found.extend(decisions::commands(from, to));
    found.extend(decisions::hosts(from, to));
    decisions::host_rules(from, to, &mut found);
    found.sort_by(|left, right| {
        let key = |entry: &Entry| (entry.direction, entry.document, entry.key.clone());
        key(left).cmp(&key(right))
    });
    PolicyChange { changes: found }
}

fn place(documents: &Documents, span: Span) -> Option<Place> {
    let document = documents.get(span.source)?;
    let file = match &document.source {
        Source::File { path } => path.clone(),
        other => other.to_string(),
    };
    let position = documents.position(span)?;
    Some(Place { file, line: position.line, column: position.column })
}

fn entry(document: Document, subject: Subject, key: String, direction: Direction) -> Entry {
    Entry {
        document,
        subject,
        key,
        direction,
        before: None,
        after: None,
        rows: Vec::new(),
        added: Items::default(),
        removed: Items::default(),
        place_before: None,
        place_after: None,
        anchor: None,
        whole: None,
        origin: None,
        witnesses: Vec::new(),
        note: None,
    }
}
