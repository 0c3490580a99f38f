//! `[[case]]` of a `*.test.toml`: a question, and the answer that the policy must give.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::features;
use codex_schema::inspect::inspect;
use codex_schema::key::Secret;
use codex_schema::lookup::{CONFIG, REQUIREMENTS, Tree, closest};
use codex_schema::path::{dotted, parts};
use codex_schema::source::Source;
use codex_schema::span::{Sourced, Span};
use codex_schema::types::case::{Access, Decision, Placement};
use codex_schema::types::policy::System;
use codex_schema::value::{Node, Table};
use codex_schema::version::Version;
use serde_json::Value as Json;

use super::Repository;
use super::manifest::Cohort;
use super::property::{Selector, known};
use crate::decide::question::{Launch, Question};

/// A case that can be asked.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows.
    pub name: Sourced<String>,
    /// Whose policy is asked.
    pub scope: Scope,
    /// What is asked.
    pub asked: Asked,
    /// Where the question stands.
    pub span: Span,
    /// What the person has configured for the session.
    pub session: Table,
    /// What must come of it.
    pub expected: Expected,
}

/// What a case asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// A decision.
    Decision(Question),
    /// The value of a setting in the end, with nobody wishing another.
    Setting(String),
    /// The value of a requirement in force.
    Requirement(String),
}

impl std::fmt::Display for Asked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Decision(question) => question.fmt(formatter),
            Self::Setting(key) => write!(formatter, "the setting {key}"),
            Self::Requirement(key) => write!(formatter, "the requirement {key}"),
        }
    }
}

/// Which cohorts, machines and versions a case is for.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Names that a cohort must have; `None` is any name.
    pub names: Vec<(Selector, Sourced<Option<String>>)>,
    /// The system of the machine.
    pub system: Option<Sourced<System>>,
    /// Versions of Codex; empty is every one of the cohort.
    pub versions: Vec<Sourced<Version>>,
}

/// What must come of a case. At least one of the fields is there.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The decision.
    pub decision: Option<Sourced<Decision>>,
    /// The entry that decides.
    pub rule: Option<Sourced<String>>,
    /// Where a command runs.
    pub placement: Option<Sourced<Placement>>,
    /// The value in the end.
    pub value: Option<Sourced<Json>>,
}

impl Scope {
    /// Whether a cohort is meant.
    pub fn selects(&self, cohort: &Cohort) -> bool {
        let named = self
            .names
            .iter()
            .all(|(selector, name)| selector.selects(cohort, name.value.as_deref()));
        let runs = |system: &Sourced<System>| {
            cohort.systems.as_ref().is_none_or(|systems| systems.contains(&system.value))
        };
        named && self.system.as_ref().is_none_or(runs)
    }

    /// The versions of a cohort that are meant.
    pub fn versions_of(&self, cohort: &Cohort) -> Vec<Version> {
        let meant = |version: &&Version| {
            self.versions.is_empty() || self.versions.iter().any(|own| own.value == **version)
        };
        cohort.versions.iter().filter(meant).copied().collect()
    }
}

/// Reads the cases of a file. What cannot be asked is told and left out.
pub(super) fn read(root: &Table, found: &mut Vec<Diagnostic>) -> Vec<Case> {
    let list = root.get("case").and_then(|node| node.value.as_array()).unwrap_or_default();
    list.iter().filter_map(|node| one(node, found)).collect()
}

/// One case. Types and names of its keys are reported elsewhere.
fn one(node: &Node, found: &mut Vec<Diagnostic>) -> Option<Case> {
    let name = text(node, &["name"]);
    let when = node.at(&["when"])?;
    let expect = node.at(&["expect"]);
    let before = found.len();
    let session = when.at(&["session"]).and_then(|node| node.value.as_table()).cloned();
    let session = session.unwrap_or_default();
    check_session(&session, found);
    let asked = asked(when, found);
    // What is missing altogether is reported elsewhere, and hides no other mistake.
    let (name, expect) = (name?, expect?);
    let expected = Expected {
        decision: typed(expect.at(&["decision"])),
        rule: text(expect, &["rule"]),
        placement: typed(expect.at(&["placement"])),
        value: expect.at(&["value"]).map(json),
    };
    let asked = asked?;
    fits(&asked, &expected, expect, found);
    (found.len() == before).then_some(Case {
        name,
        scope: scope(node.at(&["scope"])),
        asked,
        span: when.span,
        session,
        expected,
    })
}

fn scope(node: Option<&Node>) -> Scope {
    let mut scope = Scope::default();
    let Some(node) = node else { return scope };
    for selector in [Selector::Cohort, Selector::Team, Selector::Environment, Selector::Group] {
        let name = text(node, &[selector.word()]);
        scope.names.extend(name.map(|Sourced { value, span }| {
            let value = (value != "*").then_some(value);
            (selector, Sourced { value, span })
        }));
    }
    scope.system = typed(node.at(&["os"]));
    let versions = super::manifest::texts(node.at(&["codex_versions"]));
    scope.versions = versions
        .into_iter()
        .filter_map(|Sourced { value, span }| Some(Sourced { value: value.parse().ok()?, span }))
        .collect();
    scope
}

fn text(node: &Node, path: &[&str]) -> Option<Sourced<String>> {
    let node = node.at(path)?;
    Some(Sourced { value: node.value.as_str()?.to_owned(), span: node.span })
}

fn typed<T: serde::de::DeserializeOwned>(node: Option<&Node>) -> Option<Sourced<T>> {
    let node = node?;
    let value = codex_schema::de::from_node(node).ok()?;
    Some(Sourced { value, span: node.span })
}

fn json(node: &Node) -> Sourced<Json> {
    Sourced { value: serde_json::json!(node.value), span: node.span }
}

fn check_session(session: &Table, found: &mut Vec<Diagnostic>) {
    let inspection = inspect(session, &CONFIG, Version::NEWEST);
    for unknown in inspection.unknown {
        let message = format!("Codex knows no setting `{}`", dotted(&unknown.path));
        let diagnostic = Diagnostic::new(Code::UnknownKey, message, unknown.span);
        found.push(match unknown.meant {
            Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
            None => diagnostic.help("remove it, or look it up in `codex-config schema config`"),
        });
    }
    for refused in inspection.refused {
        let span = refused.span.unwrap_or(Span::BUILT_IN);
        let message = format!("`{}`: {}", dotted(&refused.keys), refused.message);
        found.push(Diagnostic::new(Code::BadContent, message, span));
    }
}

/// The keys of `when` that each make a question.
const QUESTIONS: [&str; 8] =
    ["domain", "command", "script", "path", "mcp", "feature", "setting", "requirement"];

/// Further keys of `when`, each with the question it belongs to.
const BELONGS: [(&str, &str); 4] =
    [("access", "path"), ("program", "mcp"), ("url", "mcp"), ("value", "setting")];

fn asked(when: &Node, found: &mut Vec<Diagnostic>) -> Option<Asked> {
    let mut complain = |message: String, span: Span, help: &str| {
        found.push(Diagnostic::new(Code::CaseUnanswerable, message, span).help(help));
    };
    let given: Vec<(&str, &Node)> =
        QUESTIONS.iter().filter_map(|name| Some((*name, when.at(&[name])?))).collect();
    let (name, node) = match given.as_slice() {
        [one] => *one,
        [] => {
            let help = format!("give one of {}", QUESTIONS.map(|it| format!("`{it}`")).join(", "));
            complain("`when` asks nothing".to_owned(), when.span, &help);
            return None;
        }
        [(first, _), (second, node), ..] => {
            let message = format!("`when` asks two things, `{first}` and `{second}`");
            complain(message, node.span, "make two cases of it");
            return None;
        }
    };
    for (key, owner) in BELONGS {
        if let Some(node) = when.at(&[key]).filter(|_| owner != name) {
            let help = format!("remove it, or ask about `{owner}`");
            complain(format!("`{key}` belongs to `{owner}`, not to `{name}`"), node.span, &help);
        }
    }
    let words =
        |node: &Node| -> Option<Vec<String>> { Some(typed::<Vec<String>>(Some(node))?.value) };
    if name == "command" {
        let words = words(node)?;
        if words.first().is_none_or(|program| program.trim().is_empty()) {
            complain("the command has no program".to_owned(), node.span, "write its words");
            return None;
        }
        return Some(Asked::Decision(Question::Command(words)));
    }
    let text = node.value.as_str()?.to_owned();
    if let Some((problem, help)) = impossible(name, &text) {
        complain(problem, node.span, &help);
        return None;
    }
    let launch = || match (when.at(&["program"]), when.at(&["url"])) {
        (Some(program), _) => words(program).map(Launch::Program),
        (None, url) => Some(Launch::Address(url?.value.as_str()?.to_owned())),
    };
    let access = typed::<Access>(when.at(&["access"])).map_or(Access::Read, |it| it.value);
    Some(match (name, when.at(&["value"])) {
        ("domain", _) => Asked::Decision(Question::Host(text)),
        ("script", _) => Asked::Decision(Question::Script(text)),
        ("path", _) => Asked::Decision(Question::Path { path: text, access: access.into() }),
        ("mcp", _) => Asked::Decision(Question::Server { name: text, launch: launch() }),
        ("feature", _) => Asked::Decision(Question::Feature(text)),
        ("setting", Some(value)) => {
            Asked::Decision(Question::Setting { key: text, value: json(value).value })
        }
        ("setting", None) => Asked::Setting(text),
        _ => Asked::Requirement(text),
    })
}

/// Why no policy can answer, and what to write instead.
fn impossible(name: &str, text: &str) -> Option<(String, String)> {
    let unknown = |tree: &Tree, what: &str| {
        let path: Vec<&str> = parts(text).collect();
        let Some(spot) = tree.find(&path) else {
            let meant = closest(text, tree.keys().iter().map(|key| key.path));
            let help = meant.map_or_else(
                || "see `codex-config schema reference`".to_owned(),
                |name| format!("did you mean `{name}`?"),
            );
            return Some((format!("Codex knows no {what} `{text}`"), help));
        };
        let secret = spot.key.is_some_and(|key| key.secret == Secret::Yes);
        secret.then(|| {
            let help = "tests must not hold secrets: ask about another key".to_owned();
            (format!("`{text}` is a secret"), help)
        })
    };
    match name {
        _ if text.trim().is_empty() => {
            Some((format!("`{name}` is empty"), "say what is asked about".to_owned()))
        }
        "domain" if text.contains("://") => {
            let host = text.split_once("://").map_or(text, |(_, rest)| rest);
            let host = host.split('/').next().unwrap_or(host);
            Some((format!("`{text}` is an address, not a host"), format!("write `{host}`")))
        }
        "domain" if text.contains('*') => Some((
            format!("`{text}` is a pattern, not a host"),
            "write a host that the pattern covers".to_owned(),
        )),
        "feature" if features::canonical(text, Version::NEWEST).is_none() => {
            let help = features::meant(text, Version::NEWEST).map_or_else(
                || "see `codex features list`".to_owned(),
                |name| format!("did you mean `{name}`?"),
            );
            Some((format!("Codex has no feature `{text}`"), help))
        }
        "setting" => unknown(&CONFIG, "setting"),
        "requirement" => unknown(&REQUIREMENTS, "requirement"),
        _ => None,
    }
}

/// Whether the answer to a question has what is expected of it.
fn fits(asked: &Asked, expected: &Expected, expect: &Node, found: &mut Vec<Diagnostic>) {
    let Expected { decision, rule, placement, value } = expected;
    let mut complain = |message: &str, span: Span, help: &str| {
        found.push(Diagnostic::new(Code::CaseUnanswerable, message, span).help(help));
    };
    if decision.is_none() && rule.is_none() && placement.is_none() && value.is_none() {
        let empty = expect.value.as_table().is_none_or(Table::is_empty);
        if empty {
            complain("`expect` expects nothing", expect.span, "give at least a `decision`");
        }
    }
    match asked {
        Asked::Decision(question) => {
            let command = matches!(question, Question::Command(_) | Question::Script(_));
            if let Some(placement) = placement.as_ref().filter(|_| !command) {
                let help = "remove `placement`: only commands run in or outside the sandbox";
                complain("this has no placement", placement.span, help);
            }
            let setting = matches!(question, Question::Setting { .. });
            if let Some(value) = value.as_ref().filter(|_| !setting) {
                let help = "expect a `decision`; settings and requirements have values";
                complain("the answer to this has no value", value.span, help);
            }
        }
        Asked::Setting(_) | Asked::Requirement(_) => {
            let span = decision.as_ref().map(|it| it.span);
            if let Some(span) = span.or(placement.as_ref().map(|it| it.span)) {
                let help = match asked {
                    Asked::Setting(_) => {
                        "say in `when.value` what somebody wants, or expect a `value`"
                    }
                    Asked::Decision(_) | Asked::Requirement(_) => "expect a `value`",
                };
                complain("nothing is decided here: nobody wants a value", span, help);
            } else if value.is_none() && rule.is_some() {
                complain("the value is not expected", expect.span, "give the `value`");
            }
        }
    }
}

/// Checks what cases refer to: somebody must be selected, and expected files must be there.
pub(super) fn check(repository: &Repository) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let cohorts = || repository.manifest.cohorts.values();
    for case in &repository.cases {
        let scope = &case.scope;
        let nobody = |message: String, span: Span, help: String| {
            Diagnostic::new(Code::NobodySelected, message, span).help(help)
        };
        let before = found.len();
        for (selector, name) in &scope.names {
            let wanted = name.value.as_deref();
            if !cohorts().any(|cohort| selector.selects(cohort, wanted)) {
                let message = match wanted {
                    Some(wanted) => format!("no cohort has the {} `{wanted}`", selector.word()),
                    None => format!("no cohort has a {}", selector.word()),
                };
                found.push(nobody(message, name.span, known(repository, *selector, wanted)));
            }
        }
        let selected: Vec<&Cohort> = cohorts().filter(|cohort| scope.selects(cohort)).collect();
        if found.len() == before && selected.is_empty() {
            let message = "no cohort is all of this at once".to_owned();
            let help = "the scope must fit at least one cohort of `policy.toml`".to_owned();
            found.push(nobody(message, case.name.span, help));
        }
        for version in &scope.versions {
            let used = selected.iter().any(|cohort| cohort.versions.contains(&version.value));
            if !used && !selected.is_empty() {
                let message = format!("no selected cohort uses Codex {}", version.value);
                let help = "name versions that the cohorts name in `policy.toml`".to_owned();
                found.push(nobody(message, version.span, help));
            }
        }
        found.extend(unknown_file(repository, case));
    }
    found.extend(twice(repository));
    found
}

fn unknown_file(repository: &Repository, case: &Case) -> Option<Diagnostic> {
    let rule = case.expected.rule.as_ref()?;
    let (path, _) = split_rule(&rule.value);
    let files: Vec<String> = repository
        .documents
        .iter()
        .filter_map(|document| match &document.source {
            Source::File { path } => Some(path.clone()),
            _ => None,
        })
        .collect();
    if files.iter().any(|known| known == path) {
        return None;
    }
    let message = format!("there is no file `{path}` in the repository");
    let diagnostic = Diagnostic::new(Code::CaseUnanswerable, message, rule.span);
    Some(match closest(path, files.iter().map(String::as_str)) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help("write `FILE#KEY`, `FILE#TEXT` or `FILE:LINE`"),
    })
}

/// The file of an expected rule, and what is said of the entry in it.
pub fn split_rule(rule: &str) -> (&str, RulePart<'_>) {
    if let Some((path, part)) = rule.split_once('#') {
        return (path, RulePart::Named(part));
    }
    match rule.rsplit_once(':').map(|(path, line)| (path, line.parse())) {
        Some((path, Ok(line))) => (path, RulePart::Line(line)),
        _ => (rule, RulePart::Any),
    }
}

/// What is said of an entry besides its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulePart<'rule> {
    /// Its key, its text, or the reason that its author gives.
    Named(&'rule str),
    /// Its line.
    Line(u32),
    /// Nothing.
    Any,
}

/// Two cases of one name cannot be told apart in a report.
fn twice(repository: &Repository) -> Vec<Diagnostic> {
    let mut first: std::collections::BTreeMap<&str, Span> = std::collections::BTreeMap::new();
    let mut found = Vec::new();
    for case in &repository.cases {
        let name = &case.name;
        match first.get(name.value.as_str()) {
            None => drop(first.insert(&name.value, name.span)),
            Some(other) => {
                let message = format!("two cases are named `{}`", name.value);
                let diagnostic = Diagnostic::new(Code::DuplicateEntry, message, name.span);
                found.push(diagnostic.beside(*other, "the first one").help("rename one of them"));
            }
        }
    }
    found
}
