//! Exceptions: what one target may do for a while though policy forbids it.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::lookup::{CONFIG, REQUIREMENTS, closest};
use codex_schema::path::{dotted, parts};
use codex_schema::span::{SourceId, Sourced, Span};
use codex_schema::types::policy::Date;
use codex_schema::value::{Node, Table, Value};

use super::manifest::{Cohort, LayerName, Target};
use super::{Repository, manifest};

/// An exception, as far as it could be read.
#[derive(Clone, Debug)]
pub struct Exception {
    /// The file's name without `.toml`.
    pub name: String,
    /// The document.
    pub source: SourceId,
    /// Whom it is for.
    pub target: Option<Sourced<Target>>,
    /// Who answers for it.
    pub owner: String,
    /// Why it is needed.
    pub reason: String,
    /// Where it was decided.
    pub ticket: Option<String>,
    /// The last day on which it counts.
    pub expires: Option<Sourced<Date>>,
    /// What requirements it sets.
    pub requirements: Table,
    /// What managed defaults it sets.
    pub config: Table,
    /// What it lifts.
    pub lifts: Vec<Lifted>,
}

/// A key or an element of its list that does not count.
#[derive(Clone, Debug)]
pub struct Lifted {
    /// The key's concrete path.
    pub path: Vec<String>,
    /// The element; `None` lifts the key.
    pub value: Option<Node>,
    /// Where it is written.
    pub span: Span,
}

/// Reads an exception. What is of the wrong type counts as absent: it is reported elsewhere.
pub(super) fn read(name: String, source: SourceId, root: &Table) -> Exception {
    let text = |key: &str| root.get(key).and_then(|node| node.value.as_str()).map(str::to_owned);
    let table = |key: &str| {
        root.get(key).and_then(|node| node.value.as_table()).cloned().unwrap_or_default()
    };
    let target = root.get("target").and_then(|node| {
        let value = Target::parse(node.value.as_str()?)?;
        Some(Sourced { value, span: node.span })
    });
    let expires = root.get("expires").and_then(|node| {
        let day = match &node.value {
            Value::String(text) | Value::Datetime(text) => Date::parse(text)?,
            _ => return None,
        };
        Some(Sourced { value: day, span: node.span })
    });
    let lifts = root
        .get("lift")
        .and_then(|node| node.value.as_array())
        .unwrap_or_default()
        .iter()
        .filter_map(lifted)
        .collect();
    Exception {
        name,
        source,
        target,
        owner: text("owner").unwrap_or_default(),
        reason: text("reason").unwrap_or_default(),
        ticket: text("ticket"),
        expires,
        requirements: table("requirements"),
        config: table("config"),
        lifts,
    }
}

fn lifted(node: &Node) -> Option<Lifted> {
    let key = node.at(&["key"])?;
    Some(Lifted {
        path: parts(key.value.as_str()?).map(str::to_owned).collect(),
        value: node.at(&["value"]).cloned(),
        span: key.span,
    })
}

impl Exception {
    /// Whether it counts on a day: through the one it names.
    pub fn counts_on(&self, today: Date) -> bool {
        self.expires.as_ref().is_some_and(|expires| today <= expires.value)
    }

    /// Its place, for findings about all of it.
    pub fn anchor(&self) -> Span {
        self.target.as_ref().map_or(Span::new(self.source, 0, 0), |target| target.span)
    }
}

/// Checks what exceptions refer to, and whether they still count.
pub(super) fn check(repository: &Repository, today: Date) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for exception in &repository.exceptions {
        found.extend(unknown_target(repository, exception));
        if let Some(expires) = &exception.expires
            && !exception.counts_on(today)
        {
            let message = format!("this exception expired on {}", expires.value);
            let diagnostic = Diagnostic::new(Code::ExceptionExpired, message, expires.span)
                .label(format!("today is {today}"))
                .help("remove the file, or have the exception renewed with a new date");
            found.push(diagnostic);
        }
        for lift in &exception.lifts {
            let path: Vec<&str> = lift.path.iter().map(String::as_str).collect();
            let known = REQUIREMENTS.find(&path).is_some() || CONFIG.find(&path).is_some();
            if !known {
                let path = dotted(&lift.path);
                let message = format!("`{path}` is no key of policy");
                let diagnostic = Diagnostic::new(Code::UnknownKey, message, lift.span);
                let names = REQUIREMENTS.keys().iter().map(|key| key.path);
                found.push(match closest(&path, names) {
                    Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
                    None => diagnostic,
                });
            }
        }
    }
    found
}

fn unknown_target(repository: &Repository, exception: &Exception) -> Option<Diagnostic> {
    let target = exception.target.as_ref()?;
    let manifest::Manifest { cohorts, .. } = &repository.manifest;
    let (kind, name, known): (&str, &String, Vec<&str>) = match &target.value {
        Target::Environment(Some(name)) => {
            let known = names(repository, LayerName::environment, |one| one.environment.as_ref());
            ("environment", name, known)
        }
        Target::Team(Some(name)) => {
            let known = names(repository, LayerName::team, |one| one.team.as_ref());
            ("team", name, known)
        }
        Target::Cohort(Some(name)) => {
            ("cohort", name, cohorts.keys().map(String::as_str).collect())
        }
        Target::Environment(None) | Target::Team(None) | Target::Cohort(None) => return None,
    };
    if known.contains(&name.as_str()) {
        return None;
    }
    let message = format!("there is no {kind} `{name}`");
    let diagnostic = Diagnostic::new(Code::UnknownLayer, message, target.span);
    Some(match closest(name, known.iter().copied()) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help(format!("known: {}", known.join(", "))),
    })
}

/// The names of one kind of folder, and those that cohorts give to it.
fn names(
    repository: &Repository,
    of_folder: fn(&LayerName) -> Option<&str>,
    of_cohort: fn(&Cohort) -> Option<&Sourced<String>>,
) -> Vec<&str> {
    let cohorts = repository.manifest.cohorts.values();
    let of_cohorts = cohorts.filter_map(of_cohort).map(|name| name.value.as_str());
    let of_folders = repository.layers.keys().filter_map(of_folder);
    let mut names: Vec<&str> = of_folders.chain(of_cohorts).collect();
    names.sort_unstable();
    names.dedup();
    names
}
