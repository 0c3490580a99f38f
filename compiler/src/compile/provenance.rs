//! Where every value of a compiled policy came from: file, line, column, commit, author, date and
//! subject; and what was said and did not count.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use codex_schema::lookup::Spot;
use codex_schema::lookup::{CONFIG, REQUIREMENTS, Tree as KeyTree};
use codex_schema::source::{Documents, Source};
use codex_schema::span::{SourceId, Span};
use codex_schema::value::{Node, Table, Value};
use serde::{Serialize, Serializer};

use super::COMPILER_VERSION;
use super::history::{Commit, History};
use crate::authoring::{Document, EffectivePolicy, Event, Outcome, Permit};
use crate::digest::sha256_hex;
use crate::repository::{Cohort, Repository};
use crate::simplify::{Reason, Removed, Simplified};

/// The form of the file; changes with every change that readers must know of.
pub(crate) const FORM: &str = "codex-config provenance 1";

/// What is known of the documents, collected as cohorts need it.
pub(super) struct Origins<'history> {
    history: &'history dyn History,
    documents: Mutex<BTreeMap<SourceId, Arc<Origin>>>,
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

/// A place, with what the file's own tables say of it: source, line, column, commit. The numbers
/// of sources and commits count from 0 in their lists; no commit is -1.
type Place = (usize, u32, u32, i64);

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
    requirements: Entries,
    config: Entries,
    voices: Vec<VoiceEntry>,
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

/// Where the values of a document stand, by path. The paths are one text, and so are their parts:
/// there are thousands of them for every cohort.
#[derive(Default)]
struct Entries {
    paths: String,
    /// Each with its range of `paths`.
    list: Vec<(Range<usize>, Entry)>,
}

impl Entries {
    fn push(&mut self, path: &str, entry: Entry) {
        let start = self.paths.len();
        self.paths.push_str(path);
        self.list.push((start..self.paths.len(), entry));
    }

    fn path(&self, range: &Range<usize>) -> &str {
        self.paths.get(range.clone()).unwrap_or_default()
    }
}

/// As a map in the order of the paths.
impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sorted: Vec<(&str, &Entry)> =
            self.list.iter().map(|(range, entry)| (self.path(range), entry)).collect();
        sorted.sort_by_key(|(path, _)| *path);
        // A name with quotes of its own may read like two names: the last one is shown.
        sorted.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        serializer.collect_map(sorted)
    }
}

/// Where a key's value stands, and where its elements do when they come from several places.
#[derive(Serialize)]
struct Entry {
    at: Place,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    elements: Vec<Place>,
}

/// A voice that met another one, or did not count.
#[derive(Serialize)]
struct VoiceEntry {
    document: Document,
    key: String,
    outcome: &'static str,
    voice: String,
    at: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    above: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permit: Option<String>,
}

impl<'history> Origins<'history> {
    pub(super) fn new(history: &'history dyn History) -> Self {
        Self { history, documents: Mutex::default() }
    }

    /// The provenance of a cohort's policy, as JSON.
    pub(super) fn of(
        &self,
        repository: &Repository,
        cohort: &Cohort,
        policy: &EffectivePolicy,
        simplified: &Simplified,
        (digest, files): (&str, &BTreeMap<String, String>),
    ) -> String {
        let texts = &repository.documents;
        let mut writer =
            Writer { origins: self, texts, sources: Vec::new(), commits: BTreeMap::new() };
        let requirements = writer.entries(&simplified.requirements, &REQUIREMENTS);
        let config = writer.entries(&policy.config, &CONFIG);
        let voices = policy.events.iter().map(|event| writer.voice(event)).collect();
        let left_out = simplified.removed.iter().map(|removed| writer.left_out(removed)).collect();
        let (sources, commits) = (writer.sources, writer.commits);
        // About what an entry takes: growing a text means copying it.
        let length = (requirements.list.len() + config.list.len()) * 40;
        let length = length + (requirements.paths.len() + config.paths.len()) * 3 / 2;
        let file = File {
            form: FORM,
            compiler: COMPILER_VERSION,
            organisation: &repository.manifest.organisation,
            cohort: &cohort.name,
            digest,
            layers: policy.chain.iter().map(ToString::to_string).collect(),
            exceptions: &policy.exceptions,
            files: files.iter().map(|(name, text)| (name.as_str(), digest_of(text))).collect(),
            sources: sources.into_iter().map(|cited| cited.origin.path.clone()).collect(),
            commits: in_order(commits).into_iter().map(Arc::unwrap_or_clone).collect(),
            requirements,
            config,
            voices,
            left_out,
        };
        let mut bytes = Vec::with_capacity(length);
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
    fn entries(&mut self, root: &Table, tree: &LazyLock<KeyTree>) -> Entries {
        let mut entries = Entries::default();
        // A key table that nothing is looked up in is not built.
        if root.is_empty() {
            return entries;
        }
        self.walk(root, Some(tree.root()), &mut String::new(), &mut entries);
        entries
    }

    fn walk(
        &mut self,
        table: &Table,
        spot: Option<&Spot>,
        path: &mut String,
        entries: &mut Entries,
    ) {
        for entry in table {
            let length = path.len();
            push_name(path, &entry.key.value);
            let child = spot.and_then(|spot| spot.child(&entry.key.value));
            let is_value = child.is_some_and(|child| child.key.is_some());
            match &entry.node.value {
                Value::Table(below) if !is_value && !below.is_empty() => {
                    self.walk(below, child, path, entries);
                }
                _ => {
                    let found = self.entry(&entry.node);
                    entries.push(path, found);
                }
            }
            path.truncate(length);
        }
    }

    fn entry(&mut self, node: &Node) -> Entry {
        let elements = match &node.value {
            Value::Array(elements) => {
                elements.iter().map(|element| self.place(element.span)).collect()
            }
            _ => Vec::new(),
        };
        Entry { at: self.place(node.span), elements }
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

    fn voice(&mut self, event: &Event) -> VoiceEntry {
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
        VoiceEntry {
            document: event.document,
            key: event.path.join("."),
            outcome,
            voice: event.voice.to_string(),
            at: self.place(event.span),
            above: event.above.map(|above| self.place(above)),
            permit,
        }
    }
}

fn digest_of(text: &str) -> String {
    format!("sha256:{}", sha256_hex(text.as_bytes()))
}

/// Adds a part to a dotted path; a part with a dot stands in quotes.
pub(crate) fn push_name(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    if name.contains('.') {
        path.push('"');
        path.push_str(name);
        path.push('"');
    } else {
        path.push_str(name);
    }
}
