//! Where every value of a compiled policy came from: file, line, column, commit, author, date and
//! subject; and what was said and did not count.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use codex_schema::lookup::Spot;
use codex_schema::lookup::{CONFIG, REQUIREMENTS, Tree as KeyTree};
use codex_schema::provenance::{Commit, FORM, Met, Place, Voices};
use codex_schema::source::{Documents, Source};
use codex_schema::span::{SourceId, Span};
use codex_schema::value::{Node, Table, Value};
use serde::{Serialize, Serializer};

use super::COMPILER_VERSION;
use super::history::History;
use crate::authoring::{EffectivePolicy, Event, Outcome, Permit};
use crate::repository::{Cohort, Repository};
use crate::simplify::{Reason, Removed, Simplified};

/// What is known of the documents, collected as cohorts need it.
pub(super) struct Origins<'history> {
    history: &'history dyn History,
    documents: Mutex<BTreeMap<SourceId, Arc<Origin>>>,
}

/// What a file of provenance is about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'subject> {
    /// The policy.
    pub(super) policy: &'subject EffectivePolicy,
    /// What is shipped of it.
    pub(super) simplified: &'subject Simplified,
    /// Its digest.
    pub(super) digest: &'subject str,
}

/// One document: its name, where its lines begin, and who wrote them.
struct Origin {
    path: String,
    line_starts: Vec<u32>,
    text: Arc<str>,
    /// For every line the number of its commit in `commits`.
    lines: Vec<Option<usize>>,
    /// The commits of the lines, each once.
    commits: Vec<Arc<Commit>>,
}

#[derive(Serialize)]
struct File<'cohort> {
    form: &'static str,
    compiler: &'static str,
    organisation: &'cohort str,
    cohort: &'cohort str,
    digest: &'cohort str,
    layers: Vec<String>,
    exceptions: &'cohort [String],
    /// The digests of the files that it speaks for, as they are installed.
    files: BTreeMap<&'cohort str, String>,
    sources: Vec<String>,
    commits: Vec<Commit>,
    requirements: Names<'cohort>,
    config: Names<'cohort>,
    voices: Vec<Voices>,
    left_out: Vec<LeftOut>,
}

/// Something that is not shipped because it makes no difference.
#[derive(Serialize)]
struct LeftOut {
    key: String,
    at: Place,
    reason: &'static str,
    /// What decides in its place.
    by: Vec<Place>,
}

/// Where what a document says stands, in the shape of the document: a place for a value and for
/// every element of a list, an object for a table. A list without elements is a value.
#[derive(Serialize)]
#[serde(untagged)]
enum Said<'document> {
    Value(Place),
    List(Vec<Place>),
    Table(Names<'document>),
}

/// What stands under the names of a table, in their order.
#[derive(Default)]
struct Names<'document>(Vec<(&'document str, Said<'document>)>);

impl Serialize for Names<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, said)| (name, said)))
    }
}

impl<'history> Origins<'history> {
    pub(super) fn new(history: &'history dyn History) -> Self {
        Self { history, documents: Mutex::default() }
    }

    /// The provenance of a cohort's policy, as JSON. `hashes` are those of the files that it speaks
    /// for; it gets about `length` bytes, as those have: growing a text means copying it.
    pub(super) fn of(
        &self,
        repository: &Repository,
        cohort: &Cohort,
        subject: &Subject<'_>,
        hashes: &BTreeMap<String, String>,
        length: usize,
    ) -> String {
        let Subject { policy, simplified, digest } = *subject;
        let texts = &repository.documents;
        let mut writer =
            Writer { origins: self, texts, sources: Vec::new(), commits: BTreeMap::new() };
        let requirements = writer.document(&simplified.requirements, &REQUIREMENTS);
        let config = writer.document(&policy.config, &CONFIG);
        let voices = writer.voices(&policy.events);
        let left_out = simplified.removed.iter().map(|removed| writer.left_out(removed)).collect();
        let (sources, commits) = (writer.sources, writer.commits);
        let file = File {
            form: FORM,
            compiler: COMPILER_VERSION,
            organisation: &repository.manifest.organisation,
            cohort: &cohort.name,
            digest,
            layers: policy.chain.iter().map(ToString::to_string).collect(),
            exceptions: &policy.exceptions,
            files: hashes
                .iter()
                .map(|(name, hash)| (name.as_str(), format!("sha256:{hash}")))
                .collect(),
            sources: sources.into_iter().map(|cited| cited.origin.path.clone()).collect(),
            commits: in_order(commits).into_iter().map(Arc::unwrap_or_clone).collect(),
            requirements,
            config,
            voices,
            left_out,
        };
        let mut bytes = Vec::with_capacity(length * 3 / 2);
        // Writing to memory does not fail, and all keys are texts.
        drop(serde_json::to_writer(&mut bytes, &file));
        bytes.push(b'\n');
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn origin(&self, texts: &Documents, id: SourceId) -> Arc<Origin> {
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = documents.entry(id).or_insert_with(|| Arc::new(self.look_at(texts, id)));
        Arc::clone(origin)
    }

    fn look_at(&self, texts: &Documents, id: SourceId) -> Origin {
        let document = texts.get(id);
        let path = match document.map(|document| &document.source) {
            Some(Source::File { path }) => path.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let text: Arc<str> = document.map_or_else(|| "".into(), |one| Arc::clone(&one.text));
        let starts = std::iter::once(0).chain(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .filter_map(|(at, _)| u32::try_from(at + 1).ok()),
        );
        let line_starts = starts.collect();
        let mut numbers: BTreeMap<Arc<Commit>, usize> = BTreeMap::new();
        let lines = self.history.lines(&path).into_iter().map(|commit| {
            let count = numbers.len();
            commit.map(|commit| *numbers.entry(commit).or_insert(count))
        });
        let lines = lines.collect();
        Origin { path, line_starts, text, lines, commits: in_order(numbers) }
    }
}

impl Origin {
    /// The line of a byte, from 1. Most bytes asked for stand on the line asked for before, or on
    /// one of the next.
    fn line(&self, start: u32, before: usize) -> usize {
        const NEAR: usize = 4;
        let from = before.saturating_sub(1);
        let near = self.line_starts.get(from..).unwrap_or_default();
        if near.first().is_some_and(|first| *first <= start) {
            let passed = near.iter().take(NEAR).take_while(|first| **first <= start).count();
            if passed < NEAR {
                return from + passed;
            }
        }
        self.line_starts.partition_point(|first| *first <= start)
    }
}

/// Things in the order in which they were given numbers.
fn in_order<T>(numbers: BTreeMap<T, usize>) -> Vec<T> {
    let mut all: Vec<(T, usize)> = numbers.into_iter().collect();
    all.sort_by_key(|(_, number)| *number);
    all.into_iter().map(|(one, _)| one).collect()
}

struct Writer<'origins, 'history> {
    origins: &'origins Origins<'history>,
    texts: &'origins Documents,
    sources: Vec<Cited>,
    commits: BTreeMap<Arc<Commit>, usize>,
}

/// A document that a file of provenance names; its place among those is its number.
struct Cited {
    id: SourceId,
    origin: Arc<Origin>,
    /// The line asked for last.
    line: usize,
    /// The numbers that its commits have in this file, as far as they have any.
    numbers: Vec<Option<usize>>,
}

impl Writer<'_, '_> {
    fn document<'document>(
        &mut self,
        root: &'document Table,
        tree: &LazyLock<KeyTree>,
    ) -> Names<'document> {
        // A key table that nothing is looked up in is not built.
        if root.is_empty() {
            return Names::default();
        }
        self.names(root, Some(tree.root()))
    }

    fn names<'document>(
        &mut self,
        table: &'document Table,
        spot: Option<&Spot>,
    ) -> Names<'document> {
        let named = table.sorted().into_iter().map(|entry| {
            let child = spot.and_then(|spot| spot.child(&entry.key.value));
            (&*entry.key.value, self.said(&entry.node, child))
        });
        Names(named.collect())
    }

    fn said<'document>(&mut self, node: &'document Node, spot: Option<&Spot>) -> Said<'document> {
        let is_key = spot.is_some_and(|spot| spot.key.is_some());
        match &node.value {
            Value::Table(below) if !is_key && !below.is_empty() => {
                Said::Table(self.names(below, spot))
            }
            Value::Array(elements) if !elements.is_empty() => {
                Said::List(elements.iter().map(|element| self.place(element.span)).collect())
            }
            _ => Said::Value(self.place(node.span)),
        }
    }

    /// The number of a document.
    fn source(&mut self, id: SourceId) -> usize {
        if let Some(known) = self.sources.iter().position(|cited| cited.id == id) {
            return known;
        }
        let origin = self.origins.origin(self.texts, id);
        let numbers = vec![None; origin.commits.len()];
        self.sources.push(Cited { id, origin, line: 0, numbers });
        self.sources.len() - 1
    }

    fn place(&mut self, span: Span) -> Place {
        let source = self.source(span.source);
        let Some(Cited { origin, line: last, numbers, .. }) = self.sources.get_mut(source) else {
            return (source, 0, 0, -1);
        };
        let line = origin.line(span.start, *last);
        *last = line;
        let start = line.checked_sub(1).and_then(|at| origin.line_starts.get(at)).copied();
        let range = usize::try_from(start.unwrap_or(0)).unwrap_or(0)
            ..usize::try_from(span.start).unwrap_or(0);
        let before = origin.text.as_bytes().get(range).unwrap_or_default();
        // A character is a byte that goes on with no other.
        let column = before.iter().filter(|byte| **byte & 0xC0 != 0x80).count() + 1;
        let commit = line.checked_sub(1).and_then(|at| *origin.lines.get(at)?);
        let number = commit.and_then(|at| Some((numbers.get_mut(at)?, origin.commits.get(at)?)));
        let number = number.map_or(-1, |(number, commit)| {
            let count = self.commits.len();
            let known = number
                .get_or_insert_with(|| *self.commits.entry(Arc::clone(commit)).or_insert(count));
            i64::try_from(*known).unwrap_or(-1)
        });
        let [line, column] = [line, column].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        (source, line, column, number)
    }

    fn left_out(&mut self, removed: &Removed) -> LeftOut {
        let (reason, by) = match &removed.reason {
            Reason::Duplicate { of } => ("duplicate", std::slice::from_ref(of)),
            Reason::Shadowed { by } => ("shadowed", by.as_slice()),
        };
        LeftOut {
            key: removed.path.clone(),
            at: self.place(removed.span),
            reason,
            by: by.iter().map(|span| self.place(*span)).collect(),
        }
    }

    /// What was said, in the order of the merge; what goes on about the same table is put together.
    fn voices(&mut self, events: &[Event]) -> Vec<Voices> {
        let mut all: Vec<Voices> = Vec::new();
        let mut before: Option<&Event> = None;
        for event in events {
            let (name, under) =
                event.path.split_last().map_or(("", &[][..]), |(name, under)| (&**name, under));
            let goes_on = before.is_some_and(|before| {
                before.document == event.document
                    && before.outcome == event.outcome
                    && before.voice == event.voice
                    && before.path.len() == event.path.len()
                    && before.path.starts_with(under)
            });
            before = Some(event);
            let at = self.place(event.span);
            let met = match event.above {
                None => Met::Nothing(name.to_owned(), at),
                Some(above) => Met::Above(name.to_owned(), at, self.place(above)),
            };
            match all.last_mut().filter(|_| goes_on) {
                Some(last) => last.said.push(met),
                None => all.push(voices(event, under, met)),
            }
        }
        all
    }
}

/// The first of what may be said after it.
fn voices(event: &Event, under: &[String], first: Met) -> Voices {
    let (outcome, permit) = match &event.outcome {
        Outcome::Repeats => ("repeats", None),
        Outcome::Tightens => ("tightens", None),
        Outcome::Adds => ("adds", None),
        Outcome::Overrides => ("overrides", None),
        Outcome::Refused => ("refused", None),
        Outcome::Lifts => ("lifts", None),
        Outcome::LiftsNothing => ("lifts nothing", None),
        Outcome::Loosens(Permit::Delegation(_)) => ("loosens", Some("delegation".to_owned())),
        Outcome::Loosens(Permit::Exception(name)) => {
            ("loosens", Some(format!("exceptions/{name}")))
        }
    };
    Voices {
        document: event.document,
        under: under.to_vec(),
        voice: event.voice.to_string(),
        outcome: outcome.to_owned(),
        permit,
        said: vec![first],
    }
}
