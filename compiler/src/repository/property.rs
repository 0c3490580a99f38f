//! `[[property]]` of a `*.test.toml`: what must hold between policies, whatever is asked.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::lookup::closest;
use codex_schema::span::Span;
use codex_schema::value::{Node, Table};

use super::Repository;
use super::manifest::Cohort;

/// A property.
#[derive(Clone, Debug)]
pub struct Property {
    /// What it says: its name, or the assertion as it is written.
    pub name: String,
    /// What must hold.
    pub relation: Relation,
    /// Of whose policies: every one of these,
    pub left: Term,
    /// and every one of those.
    pub right: Term,
    /// Where the assertion stands.
    pub span: Span,
}

/// What must hold of two policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The first allows nothing that the second forbids.
    TighterOrEqual,
    /// Both allow the same.
    Equal,
}

impl Relation {
    const ALL: [Self; 2] = [Self::TighterOrEqual, Self::Equal];

    /// Its name in an assertion.
    pub fn word(self) -> &'static str {
        match self {
            Self::TighterOrEqual => "tighter_or_equal",
            Self::Equal => "equal",
        }
    }
}

/// A set of policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// That of the folder `baseline` alone.
    Baseline,
    /// Those of the cohorts with a team, an environment, a group or a name; `None` is every one.
    Cohorts(Selector, Option<String>),
}

/// What cohorts are selected by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Their team.
    Team,
    /// Their environment.
    Environment,
    /// Their group.
    Group,
    /// Their own name.
    Cohort,
}

impl Selector {
    const ALL: [Self; 4] = [Self::Team, Self::Environment, Self::Group, Self::Cohort];

    /// The word for it in assertions and in scopes.
    pub fn word(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Environment => "environment",
            Self::Group => "group",
            Self::Cohort => "cohort",
        }
    }

    /// What a cohort has there.
    pub fn of(self, cohort: &Cohort) -> Option<&str> {
        let name = match self {
            Self::Team => &cohort.team,
            Self::Environment => &cohort.environment,
            Self::Group => &cohort.group,
            Self::Cohort => return Some(&cohort.name),
        };
        name.as_ref().map(|name| name.value.as_str())
    }

    /// Whether a cohort has a name there; `None` is any name.
    pub fn selects(self, cohort: &Cohort, name: Option<&str>) -> bool {
        self.of(cohort).is_some_and(|own| name.is_none_or(|name| name == own))
    }
}

impl Term {
    /// The cohorts that are meant; none for the baseline.
    pub fn cohorts<'all>(&self, repository: &'all Repository) -> Vec<&'all Cohort> {
        match self {
            Self::Baseline => Vec::new(),
            Self::Cohorts(selector, name) => repository
                .manifest
                .cohorts
                .values()
                .filter(|cohort| selector.selects(cohort, name.as_deref()))
                .collect(),
        }
    }
}

impl std::fmt::Display for Term {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Baseline => formatter.write_str("baseline"),
            Self::Cohorts(selector, name) => {
                write!(formatter, "{}.{}", selector.word(), name.as_deref().unwrap_or("*"))
            }
        }
    }
}

/// Reads the properties of a file. What cannot be read is told and left out.
pub(super) fn read(root: &Table, found: &mut Vec<Diagnostic>) -> Vec<Property> {
    let list = root.get("property").and_then(|node| node.value.as_array()).unwrap_or_default();
    list.iter().filter_map(|node| one(node, found)).collect()
}

fn one(node: &Node, found: &mut Vec<Diagnostic>) -> Option<Property> {
    let written = node.at(&["assert"])?;
    let text = written.value.as_str()?;
    let name = node.at(&["name"]).and_then(|name| name.value.as_str()).unwrap_or(text);
    match parse(text) {
        Ok((relation, left, right)) => {
            let name = name.to_owned();
            Some(Property { name, relation, left, right, span: written.span })
        }
        Err(problem) => {
            let help = "write it like `tighter_or_equal(team.*, baseline)`";
            found.push(Diagnostic::new(Code::Assertion, problem, written.span).help(help));
            None
        }
    }
}

fn parse(text: &str) -> Result<(Relation, Term, Term), String> {
    let (function, rest) =
        text.split_once('(').ok_or_else(|| format!("`{text}` is no function of two policies"))?;
    let function = function.trim();
    let relation = Relation::ALL.into_iter().find(|known| known.word() == function);
    let relation = relation.ok_or_else(|| {
        let meant = closest(function, Relation::ALL.iter().map(|known| known.word()));
        let meant = meant.map(|name| format!(": did you mean `{name}`?")).unwrap_or_default();
        format!("there is no function `{function}`{meant}")
    })?;
    let inner = rest.trim_end().strip_suffix(')').ok_or("the closing `)` is missing")?;
    let terms: Vec<&str> = inner.split(',').map(str::trim).collect();
    match terms.as_slice() {
        [left, right] => Ok((relation, term(left)?, term(right)?)),
        others => Err(format!("`{function}` takes two sets of policies, not {}", others.len())),
    }
}

fn term(text: &str) -> Result<Term, String> {
    if text == "baseline" {
        return Ok(Term::Baseline);
    }
    let (kind, name) = text.split_once('.').unwrap_or((text, ""));
    let selector = Selector::ALL.into_iter().find(|known| known.word() == kind);
    match (selector, name) {
        (None, _) => {
            let known = Selector::ALL.iter().map(|known| known.word());
            let meant = closest(kind, known.chain(["baseline"]));
            let meant = meant.map(|name| format!(": did you mean `{name}`?")).unwrap_or_default();
            Err(format!("`{text}` is no set of policies{meant}"))
        }
        (Some(_), "") => Err(format!("`{text}` lacks a name: write `{kind}.*` for every one")),
        (Some(selector), "*") => Ok(Term::Cohorts(selector, None)),
        (Some(selector), name) => Ok(Term::Cohorts(selector, Some(name.to_owned()))),
    }
}

/// Checks that the sets of properties are not empty.
pub(super) fn check(repository: &Repository) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for property in &repository.properties {
        for term in [&property.left, &property.right] {
            if *term != Term::Baseline && term.cohorts(repository).is_empty() {
                let message = format!("`{term}` is the policy of no cohort");
                let mut diagnostic = Diagnostic::new(Code::NobodySelected, message, property.span);
                if let Term::Cohorts(selector, name) = term {
                    diagnostic = diagnostic.help(known(repository, *selector, name.as_deref()));
                }
                found.push(diagnostic);
            }
        }
    }
    found
}

/// What is there instead of a name that no cohort has.
pub(super) fn known(repository: &Repository, selector: Selector, name: Option<&str>) -> String {
    let mut names: Vec<&str> =
        repository.manifest.cohorts.values().filter_map(|cohort| selector.of(cohort)).collect();
    names.sort_unstable();
    names.dedup();
    let kind = selector.word();
    match name.and_then(|name| closest(name, names.iter().copied())) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => format!("no cohort in `policy.toml` has a {kind}"),
        None => format!("cohorts in `policy.toml` have the {kind} {}", names.join(", ")),
    }
}
