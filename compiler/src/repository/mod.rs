//! A policy repository: policy as files that people review, read into memory.
//!
//! ```text
//! policy.toml                      the organisation, the cohorts, who may loosen what
//! trust.toml                       who may sign which part of a release; may be absent
//! baseline/                        requirements.toml, config.toml, rules/*.rules
//! environments/NAME/               the same, tighter
//! teams/NAME/                      the same, tighter still
//! exceptions/*.toml                what may be looser, for whom, why and until when
//! *.test.toml                      what it must answer; at the top or in any policy folder
//! ```
//!
//! Reading order: `manifest`, `exception`, `case` and `property` (our own files), `layout` (which files there are),
//! `cohorts` (who gets what), `own` (what is wrong with our own files).
//!
//! **Invariants.** Reading never fails as a whole: what is wrong is a diagnostic, and the rest is
//! there. Files come through the [`Files`] door, the day is an argument.

pub mod case;
pub mod cohorts;
pub mod exception;
mod layout;
pub mod manifest;
mod own;
pub mod property;

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::reader::{self, read_toml};
use codex_schema::source::{Documents, Source};
use codex_schema::span::{SourceId, Span};
use codex_schema::types::policy::Date;

pub use case::Case;
pub use exception::Exception;
pub use manifest::{Cohort, LayerName, Manifest, Target};
pub use property::Property;

use crate::files::{Content, Files};
use crate::keys::trust_file::{self, TRUST_FILE, Trust};

/// The name of the manifest.
pub const MANIFEST_FILE: &str = "policy.toml";

/// A repository in memory.
#[derive(Debug, Default)]
pub struct Repository {
    /// The manifest; empty when there is none.
    pub manifest: Manifest,
    /// The folders that hold policy.
    pub layers: BTreeMap<LayerName, AuthoredLayer>,
    /// Exceptions, by file name.
    pub exceptions: Vec<Exception>,
    /// Cases of `*.test.toml` that can be asked, file by file, as they stand.
    pub cases: Vec<Case>,
    /// Properties of `*.test.toml`.
    pub properties: Vec<Property>,
    /// Who may sign what, where `trust.toml` is there and has no error.
    pub trust: Option<Trust>,
    /// Every text that was read; paths are relative to the top of the repository.
    pub documents: Documents,
    /// What is wrong with the repository as such: its own files, its layout, its cohorts, and
    /// texts that are not TOML.
    pub diagnostics: Vec<Diagnostic>,
}

/// What one folder says.
#[derive(Clone, Debug, Default)]
pub struct AuthoredLayer {
    /// `requirements.toml`.
    pub requirements: Option<Authored>,
    /// `config.toml`.
    pub config: Option<Authored>,
    /// `rules/*.rules`, by name.
    pub rules: Vec<RulesText>,
}

/// A TOML document of the repository.
#[derive(Clone, Debug)]
pub struct Authored {
    /// Which document.
    pub source: SourceId,
    /// What it says, and why some of it could not be read.
    pub parsed: reader::Document,
}

/// A file of command rules.
#[derive(Clone, Debug)]
pub struct RulesText {
    /// Its name without the folder, such as `default.rules`.
    pub name: String,
    /// Which document.
    pub source: SourceId,
}

/// Reads a repository. `top` is the folder with `policy.toml`, as the caller names it.
pub fn read(files: &dyn Files, top: &str, today: Date) -> Repository {
    read_some(files, top, today, &mut |_, _| None)
}

/// The SHA-256 of every text, by path.
pub type Digests = BTreeMap<String, String>;

/// Chooses, of a repository whose own files are read, the folders whose policy is wanted; `None`
/// wants all.
pub type Choice<'choice> =
    dyn FnMut(&Repository, &dyn Fn() -> Digests) -> Option<BTreeSet<LayerName>> + 'choice;

/// Reads a repository, and of its folders only those that are chosen: the others are there, and
/// say nothing.
pub fn read_some(files: &dyn Files, top: &str, today: Date, choose: &mut Choice<'_>) -> Repository {
    let mut repository = Repository::default();
    let found = layout::find(files, top);
    repository.layers =
        found.folders.iter().map(|name| (name.clone(), AuthoredLayer::default())).collect();
    let texts = load(files, top, &found, &mut repository);
    let (own, layers): (Vec<Text>, Vec<Text>) = texts.into_iter().partition(|text| {
        matches!(text.role, Role::Manifest | Role::Exception(_) | Role::Test | Role::Trust)
    });
    let mut draft = None;
    for text in own {
        let document = parse_one(&repository.documents, &text);
        if text.role == Role::Trust {
            draft = Some(trust_file::read(text.source, &document.root));
        }
        place(&mut repository, text, document);
    }
    repository.exceptions.sort_by(|left, right| left.name.cmp(&right.name));
    let chosen = choose(&repository, &|| digests(&repository.documents));
    let wanted = |text: &Text| match (&text.role, &chosen) {
        (Role::Requirements(name) | Role::Config(name) | Role::Rules(name, _), Some(chosen)) => {
            chosen.contains(name)
        }
        _ => true,
    };
    let layers: Vec<Text> = layers.into_iter().filter(wanted).collect();
    let parsed = parse(&repository.documents, &layers);
    for (text, document) in layers.into_iter().zip(parsed) {
        place(&mut repository, text, document);
    }
    repository.diagnostics.extend(found.problems(&mut repository.documents));
    if repository.manifest.source.is_none() {
        // One that is there and cannot be read is reported already.
        if repository.documents.iter().any(|document| document.source == file(MANIFEST_FILE)) {
            return repository;
        }
        let span = Span::new(repository.documents.add(file(MANIFEST_FILE), ""), 0, 0);
        let message = format!("there is no `{MANIFEST_FILE}` in `{top}`");
        let help = "make one with `codex-config init`, or name the folder that has it";
        repository.diagnostics.push(Diagnostic::new(Code::Repository, message, span).help(help));
        return repository;
    }
    let mut diagnostics = manifest::check(&repository);
    diagnostics.extend(cohorts::check(&repository));
    diagnostics.extend(exception::check(&repository, today));
    diagnostics.extend(case::check(&repository));
    diagnostics.extend(property::check(&repository));
    repository.diagnostics.extend(diagnostics);
    if let Some(draft) = draft {
        let found = trust_file::check(&draft, &repository);
        repository.diagnostics.extend(found);
        if !trust_file::has_error(&repository.diagnostics, &draft) {
            repository.trust = trust_file::trust(&draft);
        }
    }
    repository
}

fn digests(documents: &Documents) -> Digests {
    documents
        .iter()
        .map(|document| {
            let digest = crate::digest::sha256_hex(document.text.as_bytes());
            (document.source.to_string(), digest)
        })
        .collect()
}

fn file(path: &str) -> Source {
    Source::File { path: path.to_owned() }
}

/// A text and what it is for.
struct Text {
    source: SourceId,
    role: Role,
}

/// What a file of the repository is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Role {
    Manifest,
    Trust,
    Exception(String),
    Test,
    Requirements(LayerName),
    Config(LayerName),
    Rules(LayerName, String),
}

/// Reads the files that were found. What cannot be read is a diagnostic.
fn load(
    files: &dyn Files,
    top: &str,
    found: &layout::Layout,
    repository: &mut Repository,
) -> Vec<Text> {
    let mut texts = Vec::new();
    for (path, role) in &found.files {
        let full = format!("{top}/{path}");
        let bytes = match files.read(&full) {
            Content::Bytes(bytes) => bytes,
            Content::Absent if matches!(role, Role::Manifest | Role::Trust) => continue,
            content => {
                let source = repository.documents.add(file(path), "");
                let span = Span::new(source, 0, 0);
                repository.diagnostics.push(own::unreadable(path, &content, span));
                continue;
            }
        };
        match String::from_utf8(bytes) {
            Ok(text) => {
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
                let source = repository.documents.add(file(path), text);
                texts.push(Text { source, role: role.clone() });
            }
            Err(error) => {
                let end = error.utf8_error().valid_up_to();
                let readable =
                    String::from_utf8_lossy(error.as_bytes().get(..end).unwrap_or_default());
                let source = repository.documents.add(file(path), readable.into_owned());
                let message = format!(
                    "the file is not UTF-8: the byte at index {end} is not part of a character"
                );
                let diagnostic =
                    Diagnostic::new(Code::NotText, message, Span::new(source, end, end));
                repository.diagnostics.push(diagnostic.help("save it as UTF-8"));
            }
        }
    }
    texts
}

/// Parses the TOML texts, on two threads when there is enough to do.
fn parse(documents: &Documents, texts: &[Text]) -> Vec<reader::Document> {
    const WORTH_A_THREAD: usize = 64 * 1024;
    let length = |text: &Text| documents.get(text.source).map_or(0, |document| document.text.len());
    let one = |text: &Text| parse_one(documents, text);
    let total: usize = texts.iter().map(length).sum();
    if total < WORTH_A_THREAD {
        return texts.iter().map(one).collect();
    }
    let mut sum = 0;
    let half = texts
        .iter()
        .position(|text| {
            sum += length(text);
            sum * 2 >= total
        })
        .map_or(texts.len(), |at| at + 1);
    let (first, second) = texts.split_at(half.min(texts.len()));
    std::thread::scope(|scope| {
        let other = scope.spawn(move || second.iter().map(one).collect::<Vec<_>>());
        let mut parsed: Vec<reader::Document> = first.iter().map(one).collect();
        // A thread that died parsed nothing; its part is then parsed here.
        let rest = other.join().unwrap_or_else(|_| second.iter().map(one).collect());
        parsed.extend(rest);
        parsed
    })
}

fn parse_one(documents: &Documents, text: &Text) -> reader::Document {
    match (&text.role, documents.get(text.source)) {
        (Role::Rules(..), _) | (_, None) => reader::Document::default(),
        (_, Some(document)) => read_toml(&document.text, text.source),
    }
}

/// Puts a parsed document where it belongs.
fn place(repository: &mut Repository, text: Text, document: reader::Document) {
    let Text { source, role } = text;
    for problem in &document.problems {
        let diagnostic =
            Diagnostic::new(own::syntax_code(problem), problem.message.clone(), problem.span);
        repository.diagnostics.push(match problem.related {
            Some(related) => diagnostic.beside(related, ""),
            None => diagnostic,
        });
    }
    let line = |span: Span| repository.documents.position(span).map_or(0, |position| position.line);
    let broken: Vec<u32> = document.problems.iter().map(|problem| line(problem.span)).collect();
    // What a broken line leaves behind is no second mistake.
    let whole = |mut found: Vec<Diagnostic>| {
        found.retain(|one| !broken.contains(&line(one.primary.span)));
        found
    };
    let authored = Authored { source, parsed: document };
    match role {
        Role::Manifest => {
            let found = whole(own::check_manifest(&authored.parsed.root));
            repository.diagnostics.extend(found);
            repository.manifest = manifest::read(source, &authored.parsed.root);
        }
        Role::Trust => {
            let found = whole(own::check_trust(&authored.parsed.root));
            repository.diagnostics.extend(found);
        }
        Role::Exception(name) => {
            let found = whole(own::check_exception(&authored.parsed.root));
            repository.diagnostics.extend(found);
            repository.exceptions.push(exception::read(name, source, &authored.parsed.root));
        }
        Role::Test => {
            let root = &authored.parsed.root;
            let mut found = own::check_test(root);
            repository.cases.extend(case::read(root, &mut found));
            repository.properties.extend(property::read(root, &mut found));
            repository.diagnostics.extend(whole(found));
        }
        Role::Requirements(layer) => {
            repository.layers.entry(layer).or_default().requirements = Some(authored);
        }
        Role::Config(layer) => {
            repository.layers.entry(layer).or_default().config = Some(authored);
        }
        Role::Rules(layer, name) => {
            let layer = repository.layers.entry(layer).or_default();
            layer.rules.push(RulesText { name, source });
        }
    }
}

impl Repository {
    /// Whether a place is on a line of policy that is no TOML: what such a line leaves behind is no
    /// second mistake.
    pub fn is_on_broken_line(&self, place: Span) -> bool {
        let line = |span: Span| self.documents.position(span).map(|position| position.line);
        self.layers
            .values()
            .flat_map(|layer| [&layer.requirements, &layer.config])
            .flatten()
            .filter(|document| document.source == place.source)
            .flat_map(|document| &document.parsed.problems)
            .any(|problem| line(problem.span) == line(place))
    }
}

#[cfg(test)]
mod tests;
