//! One TOML text: its syntax, its names, its types, its meaning.

use std::sync::Arc;

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};
use codex_schema::inspect::inspect;
use codex_schema::lookup::{CONFIG, REQUIREMENTS, Tree};
use codex_schema::reader::{self, SyntaxProblem};
use codex_schema::source::{Channel, Document, Documents, Source};
use codex_schema::span::{Position, SourceId, Span};
use codex_schema::value::Table;
use codex_schema::version::Version;

use super::{
    FileKind, Findings, Report, config, domains, entries, fixes, lints, meaning, names, secrets,
    types, versions,
};
use crate::compose::{Composition, compose};
use crate::layers::{Layer, RequirementLayer};
use crate::machine::{Machine, Os};

/// A text under examination.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    /// What it is.
    pub kind: FileKind,
    /// The channel of requirements it would come through, if through one.
    pub channel: Option<Channel>,
    /// Its keys.
    pub tree: &'static Tree,
    /// The document.
    pub id: SourceId,
    /// What it says; the readable part when it has syntax errors.
    pub root: &'a Table,
    /// The document under the name Codex would know it by, for Codex's own words.
    installed: Documents,
    syntax: &'a [SyntaxProblem],
}

impl<'a> Subject<'a> {
    fn new(
        kind: FileKind,
        document: &Document,
        id: SourceId,
        parsed: &'a reader::Document,
    ) -> Self {
        let system = Os::Linux;
        let (channel, source) = match (kind, &document.source) {
            (FileKind::Requirements, Source::Fragment { .. }) => {
                (Some(Channel::Cloud), document.source.clone())
            }
            (FileKind::Requirements, Source::Preference { .. }) => {
                (Some(Channel::Mdm), document.source.clone())
            }
            (FileKind::Requirements, _) => {
                let path = system.system_file("requirements.toml");
                (Some(Channel::System), Source::File { path })
            }
            (FileKind::ManagedConfig, Source::Preference { .. }) => {
                (Some(Channel::LegacyMdm), document.source.clone())
            }
            (FileKind::ManagedConfig, _) => {
                let path = system.system_file("managed_config.toml");
                (Some(Channel::LegacyFile), Source::File { path })
            }
            _ => (None, document.source.clone()),
        };
        let mut installed = Documents::default();
        let nothing: Arc<str> = "".into();
        for _ in 0..id.0 {
            installed.add(Source::Argument { index: 0 }, Arc::clone(&nothing));
        }
        installed.add(source, document.text.clone());
        let tree: &'static Tree =
            if kind == FileKind::Requirements { &REQUIREMENTS } else { &CONFIG };
        Self { kind, channel, tree, id, root: &parsed.root, installed, syntax: &parsed.problems }
    }

    /// Where the text comes from.
    pub(super) fn source(&self) -> Option<&Source> {
        self.installed.get(self.id).map(|document| &document.source)
    }

    /// The heading under which Codex lists this file's unknown keys.
    pub(super) fn group(&self) -> String {
        let name = self.installed.get(self.id).map(|document| document.source.as_codex_prints());
        let name = name.unwrap_or_default();
        match self.kind {
            FileKind::Requirements => format!("requirements ({name})"),
            FileKind::ManagedConfig => format!("legacy managed_config.toml ({name})"),
            _ if self.source().is_some_and(config::is_in_project) => format!("project ({name})"),
            _ => format!("user ({name})"),
        }
    }

    /// What a version makes of a table in the place of this text, if it is a requirement layer.
    pub(super) fn composed(&self, root: &Table, syntax: Syntax, version: Version) -> Composition {
        let Some(channel) = self.channel else { return Composition::default() };
        let machine = Machine {
            os: Os::Linux,
            hostname: "localhost".to_owned(),
            home: "/home/user".to_owned(),
            codex_home: "/home/user/.codex".to_owned(),
            cwd: "/home/user".to_owned(),
            version,
        };
        let syntax = match syntax {
            Syntax::AsWritten => self.syntax.to_vec(),
            Syntax::Repaired => Vec::new(),
        };
        let base = machine.os.system_folder().to_owned();
        let layer = Layer { source: self.id, base, root: root.clone(), syntax };
        let layers = [RequirementLayer { channel, layer }];
        compose(&layers, &Table::default(), &machine, &self.installed)
    }
}

/// Whether syntax errors count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// As they are.
    AsWritten,
    /// As if what is readable were all.
    Repaired,
}

/// Whether a document is all of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// It is: its keys must fit together.
    Whole,
    /// Other documents complete it: what spans keys is asked of all of them together.
    Layer,
}

/// Checks one TOML document that is registered in the report.
pub(super) fn check(
    id: SourceId,
    kind: FileKind,
    extent: Extent,
    report: &mut Report,
    found: &mut Findings,
) {
    let Some(document) = report.documents.get(id).cloned() else { return };
    let parsed = reader::read_toml(&document.text, id);
    check_parsed(id, kind, extent, &parsed, report, found);
}

/// Checks a document that is parsed already.
pub(super) fn check_parsed(
    id: SourceId,
    kind: FileKind,
    extent: Extent,
    parsed: &reader::Document,
    report: &mut Report,
    found: &mut Findings,
) {
    let Some(document) = report.documents.get(id).cloned() else { return };
    if parsed.root.is_empty() && parsed.problems.is_empty() {
        found.add(says_nothing(&document, id));
        return;
    }
    let subject = Subject::new(kind, &document, id, parsed);
    secrets::collect(subject.root, subject.tree, &mut report.secrets);
    if !parsed.problems.is_empty() {
        secrets::collect_lines(&document.text, id, subject.tree, &mut report.secrets);
    }
    let mut own = Findings::default();
    if kind == FileKind::ManagedConfig {
        own.add(old_form(id));
    }
    // The newest version first: its findings are the ones that are shown.
    for &version in report.versions.iter().rev() {
        syntax(&subject, &document, version, &mut own);
        if subject.tree.keys().is_empty() {
            continue;
        }
        let inspection = inspect(subject.root, subject.tree, version);
        names::add(&subject, &inspection, version, &mut own);
        types::add(&subject, &inspection, version, &mut own);
        versions::add(&subject, version, &mut own);
    }
    entries::add(&subject, &mut own);
    config::add(&subject, &mut own);
    if kind == FileKind::Requirements {
        domains::add(&subject, &mut own);
    }
    if extent == Extent::Whole {
        lints::add(&subject, report, &mut own);
        for &version in report.versions.iter().rev() {
            meaning::add(&subject, version, &mut own);
        }
    }
    // Under both names at once the key is a repetition; that one name is the older one is then no
    // second mistake.
    let doubled: Vec<Span> = own.places(Code::DuplicateKey);
    own.drop_at(&[Code::Deprecated, Code::NewName], &doubled);
    // What a version refuses for its age it also refuses in words of its own.
    let aged: Vec<Span> = own.places(Code::ValueRefused);
    own.drop_at(&[Code::BadContent, Code::UnknownValue, Code::WrongType], &aged);
    own.keep_relevant(&report.versions);
    if subject.syntax.is_empty() {
        fixes::add(&subject, &document.text, &report.versions, &mut own);
    }
    keep_apart(own, &document, subject.syntax, found);
}

/// Checks what the keys of a merged policy mean together. Places are those of the documents it was
/// merged from; `id` is the first of them.
pub(super) fn check_merged(
    id: SourceId,
    root: &Table,
    versions: &[Version],
    report: &Report,
    found: &mut Findings,
) {
    let Some(document) = report.documents.get(id) else { return };
    let merged = reader::Document { root: root.clone(), problems: Vec::new() };
    let subject = Subject::new(FileKind::Requirements, document, id, &merged);
    for &version in versions.iter().rev() {
        // Mostly there is nothing to explain: whether Codex accepts it is cheaper to say than why
        // it does not.
        if !subject.composed(root, Syntax::Repaired, version).refusals.is_empty() {
            meaning::add(&subject, version, found);
        }
    }
}

/// Moves findings on, without the ones that a syntax error on the same line may have caused.
fn keep_apart(own: Findings, document: &Document, syntax: &[SyntaxProblem], found: &mut Findings) {
    let line = |span: Span| Position::of(&document.text, span.start).line;
    let broken: Vec<u32> = syntax.iter().map(|problem| line(problem.span)).collect();
    for diagnostic in own.finish() {
        let is_syntax = matches!(diagnostic.code, Code::Syntax | Code::DuplicateKey);
        if is_syntax || broken.is_empty() || !broken.contains(&line(diagnostic.primary.span)) {
            found.add(diagnostic);
        }
    }
}

fn says_nothing(document: &Document, id: SourceId) -> Diagnostic {
    let blank = document.text.trim().is_empty();
    let what = if blank { "the file is empty" } else { "the file has comments only" };
    Diagnostic::new(Code::SaysNothing, format!("{what}: it is no policy"), Span::new(id, 0, 0))
        .help("write the policy, or remove the file if none is meant")
        .effect(Effect::new(Versions::ALL, Outcome::NoPolicy))
}

fn old_form(id: SourceId) -> Diagnostic {
    let message = "`managed_config.toml` is the older form of managed policy";
    Diagnostic::new(Code::Deprecated, message, Span::new(id, 0, 0))
        .help(
            "write requirements instead; only `approval_policy`, `sandbox_mode` and \
             `approvals_reviewer` of this file bind the user",
        )
        .effect(Effect::new(Versions::ALL, Outcome::Accepts))
}

/// Adds the syntax errors.
fn syntax(subject: &Subject<'_>, document: &Document, version: Version, found: &mut Findings) {
    if subject.syntax.is_empty() {
        return;
    }
    let composition = subject.composed(&Table::default(), Syntax::AsWritten, version);
    let outcome = match subject.channel {
        Some(Channel::Cloud) => Outcome::RefusesToStart,
        _ => Outcome::RefusesSessions,
    };
    let mut line_before = 0;
    let mut repeated_until = 0;
    for (index, problem) in subject.syntax.iter().enumerate() {
        let line = Position::of(&document.text, problem.span.start).line;
        // What a line that broke off leaves behind is not a mistake of its own; neither are the
        // keys of a table that as a whole is given again.
        if line == line_before || (is_repetition(problem) && line < repeated_until) {
            continue;
        }
        if let Some(end) = end_of_table(&document.text, line).filter(|_| is_repetition(problem)) {
            repeated_until = end;
        }
        line_before = line;
        let mut effect = Effect::new(Versions::only(version), outcome);
        // Up to 0.138 the sentence around the library's words, or the place, was another.
        if index == 0 && version >= Version::patched(157, 1) {
            effect.says = composition.refusals.first().map(|refusal| refusal.text.clone());
        }
        found.add(of_syntax(document, problem).effect(effect));
    }
}

fn is_repetition(problem: &SyntaxProblem) -> bool {
    problem.message == "duplicate key"
}

/// The line of the heading after the heading on a line; `None` where no heading stands.
fn end_of_table(text: &str, line: u32) -> Option<u32> {
    let mut lines = (1..).zip(text.lines()).skip_while(|(number, _)| *number < line);
    let is_heading = |text: &str| text.trim_start().starts_with('[');
    lines.next().filter(|(_, text)| is_heading(text))?;
    Some(lines.find(|(_, text)| is_heading(text)).map_or(u32::MAX, |(number, _)| number))
}

fn of_syntax(document: &Document, problem: &SyntaxProblem) -> Diagnostic {
    let text = |span: Span| {
        let range = usize::try_from(span.start).ok()?..usize::try_from(span.end).ok()?;
        document.text.get(range)
    };
    if is_repetition(problem) {
        let key = text(problem.span).unwrap_or_default();
        let message = format!("`{key}` is given twice");
        let diagnostic = Diagnostic::new(Code::DuplicateKey, message, problem.span)
            .help("keep one of the two")
            .label("given again here");
        return match problem.related {
            Some(first) => diagnostic.beside(first, "first given here"),
            None => diagnostic,
        };
    }
    let diagnostic = Diagnostic::new(Code::Syntax, problem.message.clone(), problem.span);
    let diagnostic = match problem.related {
        Some(context) => diagnostic.beside(context, ""),
        None => diagnostic,
    };
    match syntax_help(&problem.message) {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

fn syntax_help(message: &str) -> Option<&'static str> {
    let known = [
        ("string values must be quoted", "put the value in quotes"),
        ("unclosed array", "close the list with `]`"),
        ("unclosed table", "close the heading with `]`"),
        ("unclosed inline table", "close the table with `}`"),
        ("invalid basic string", "close the text with `\"`"),
        ("invalid literal string", "close the text with `'`"),
        ("key with no value", "write `KEY = VALUE`"),
        ("extra comma", "remove the comma"),
        ("recurse further", "nest at most 80 levels deep"),
        ("recursion limit", "nest at most 80 levels deep"),
        ("cannot extend value", "the name is already a value; use another name or one form"),
        ("carriage return", "save the file with Unix line ends"),
    ];
    known.iter().find(|(part, _)| message.contains(part)).map(|(_, help)| *help)
}
