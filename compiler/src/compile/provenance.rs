//! Where every value of a compiled policy came from: file, line, column, commit, author, date and
//! subject; and what was said and did not count.

use std::collections::BTreeMap;
use std::sync::Arc;

use codex_schema::lookup::Spot;
use codex_schema::lookup::{CONFIG, REQUIREMENTS, Tree as KeyTree};
use codex_schema::source::{Documents, Source};
use codex_schema::span::{SourceId, Span};
use codex_schema::value::{Node, Table, Value};
use serde::Serialize;

use super::COMPILER_VERSION;
use super::history::{Commit, History};
use crate::authoring::{Document, EffectivePolicy, Event, Outcome, Permit};
use crate::repository::{Cohort, Repository};
use crate::simplify::{Reason, Removed, Simplified};

/// The form of the file; changes with every change that readers must know of.
const FORM: &str = "codex-config provenance 1";

/// What is known of the documents, collected as cohorts need it.
pub(super) struct Origins<'history> {
    history: &'history dyn History,
    documents: BTreeMap<SourceId, Arc<Origin>>,
}

/// One document: its name, where its lines begin, and who wrote them.
struct Origin {
    path: String,
    line_starts: Vec<u32>,
    text: Arc<str>,
    commits: Vec<Option<Arc<Commit>>>,
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
    sources: Vec<String>,
    commits: Vec<Commit>,
    requirements: BTreeMap<String, Entry>,
    config: BTreeMap<String, Entry>,
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
        Self { history, documents: BTreeMap::new() }
    }

    /// The provenance of a cohort's policy, as JSON.
    pub(super) fn of(
        &mut self,
        repository: &Repository,
        cohort: &Cohort,
        policy: &EffectivePolicy,
        simplified: &Simplified,
        digest: &str,
    ) -> String {
        let texts = &repository.documents;
        let mut writer =
            Writer { origins: self, texts, sources: BTreeMap::new(), commits: BTreeMap::new() };
        let requirements = writer.entries(&simplified.requirements, &REQUIREMENTS);
        let config = writer.entries(&policy.config, &CONFIG);
        let voices = policy.events.iter().map(|event| writer.voice(event)).collect();
        let left_out = simplified.removed.iter().map(|removed| writer.left_out(removed)).collect();
        let (sources, commits) = (writer.sources, writer.commits);
        let organisation = &repository.manifest.organisation;
        let file = File {
            form: FORM,
            compiler: COMPILER_VERSION,
            organisation,
            cohort: &cohort.name,
            digest,
            layers: policy.chain.iter().map(ToString::to_string).collect(),
            exceptions: &policy.exceptions,
            sources: in_order(sources)
                .into_iter()
                .map(|id| self.documents.get(&id).map(|one| one.path.clone()).unwrap_or_default())
                .collect(),
            commits: in_order(commits).into_iter().map(Arc::unwrap_or_clone).collect(),
            requirements,
            config,
            voices,
            left_out,
        };
        let mut text = serde_json::to_string(&file).unwrap_or_default();
        text.push('\n');
        text
    }

    fn origin(&mut self, texts: &Documents, id: SourceId) -> Arc<Origin> {
        if let Some(known) = self.documents.get(&id) {
            return Arc::clone(known);
        }
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
        let origin = Arc::new(Origin {
            line_starts: starts.collect(),
            commits: self.history.lines(&path),
            path,
            text,
        });
        self.documents.insert(id, Arc::clone(&origin));
        origin
    }
}

/// Things in the order in which they were given numbers.
fn in_order<T>(numbers: BTreeMap<T, usize>) -> Vec<T> {
    let mut all: Vec<(T, usize)> = numbers.into_iter().collect();
    all.sort_by_key(|(_, number)| *number);
    all.into_iter().map(|(one, _)| one).collect()
}

struct Writer<'origins, 'history> {
    origins: &'origins mut Origins<'history>,
    texts: &'origins Documents,
    sources: BTreeMap<SourceId, usize>,
    commits: BTreeMap<Arc<Commit>, usize>,
}

impl Writer<'_, '_> {
    fn entries(&mut self, root: &Table, tree: &KeyTree) -> BTreeMap<String, Entry> {
        let mut entries = BTreeMap::new();
        self.walk(root, Some(tree.root()), &mut String::new(), &mut entries);
        entries
    }

    fn walk(
        &mut self,
        table: &Table,
        spot: Option<&Spot>,
        path: &mut String,
        entries: &mut BTreeMap<String, Entry>,
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
                    entries.insert(path.clone(), found);
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

    fn place(&mut self, span: Span) -> Place {
        let count = self.sources.len();
        let source = *self.sources.entry(span.source).or_insert(count);
        let origin = self.origins.origin(self.texts, span.source);
        let line = origin.line_starts.partition_point(|start| *start <= span.start);
        let start = line.checked_sub(1).and_then(|at| origin.line_starts.get(at)).copied();
        let range = usize::try_from(start.unwrap_or(0)).unwrap_or(0)
            ..usize::try_from(span.start).unwrap_or(0);
        let before = origin.text.get(range).unwrap_or_default();
        let column = u32::try_from(before.chars().count()).unwrap_or(0) + 1;
        let commit = line.checked_sub(1).and_then(|at| origin.commits.get(at)?.clone());
        let commit = commit.map_or(-1, |commit| {
            let count = self.commits.len();
            i64::try_from(*self.commits.entry(commit).or_insert(count)).unwrap_or(-1)
        });
        (source, u32::try_from(line).unwrap_or(u32::MAX), column, commit)
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

/// Adds a part to a dotted path; a part with a dot stands in quotes.
fn push_name(path: &mut String, name: &str) {
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
