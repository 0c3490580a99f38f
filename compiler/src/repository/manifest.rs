//! `policy.toml`: the organisation, its machines, its cohorts, and who may loosen what.

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::lookup::{CONFIG, REQUIREMENTS, closest};
use codex_schema::path::parts;
use codex_schema::span::{SourceId, Sourced, Span};
use codex_schema::types::policy::{Delivery, System};
use codex_schema::value::{Node, Table};
use codex_schema::version::Version;

use super::Repository;

/// What `policy.toml` says. Everything that could be read of it.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// The document; `None` when there is none.
    pub source: Option<SourceId>,
    /// The organisation's name.
    pub organisation: String,
    /// Where people ask.
    pub contact: Option<String>,
    /// Reverse-domain identifier.
    pub identifier: Option<String>,
    /// Codex versions in use, ascending; never empty: the newest known where none is named.
    pub versions: Vec<Version>,
    /// Operating systems of the machines.
    pub systems: Vec<System>,
    /// Groups of machines.
    pub groups: Vec<Sourced<String>>,
    /// For how many days a machine may use a policy without hearing from the release again.
    pub fresh_for_days: u16,
    /// For how many hours a machine's administrator may keep a new policy waiting.
    pub longest_pause_hours: Option<u16>,
    /// The file of requirements that no policy may be looser than, beside the manifest.
    pub floor: Option<String>,
    /// The folder that machines add which have heard nothing for too long.
    pub when_stale: Option<Sourced<LayerName>>,
    /// Digests of bundles that are called off.
    pub void: Vec<Sourced<String>>,
    /// Generations below which a cohort's bundles are called off.
    pub minimum_generations: BTreeMap<String, Sourced<u64>>,
    /// Who may loosen what.
    pub delegations: Vec<Delegation>,
    /// What comes before a folder.
    pub includes: BTreeMap<LayerName, Vec<Sourced<LayerName>>>,
    /// The cohorts by name.
    pub cohorts: BTreeMap<String, Cohort>,
}

/// A folder that holds policy, in the order in which they come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerName {
    /// `baseline`.
    Baseline,
    /// `environments/NAME`.
    Environment(String),
    /// `teams/NAME`.
    Team(String),
}

impl LayerName {
    /// Reads the folder's path.
    pub fn parse(path: &str) -> Option<Self> {
        match path.split_once('/') {
            None if path == "baseline" => Some(Self::Baseline),
            Some(("environments", name)) => Some(Self::Environment(name.to_owned())),
            Some(("teams", name)) => Some(Self::Team(name.to_owned())),
            _ => None,
        }
    }
}

impl LayerName {
    /// The environment's name, where it is one.
    pub fn environment(&self) -> Option<&str> {
        if let Self::Environment(name) = self { Some(name) } else { None }
    }

    /// The team's name, where it is one.
    pub fn team(&self) -> Option<&str> {
        if let Self::Team(name) = self { Some(name) } else { None }
    }
}

impl std::fmt::Display for LayerName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Baseline => formatter.write_str("baseline"),
            Self::Environment(name) => write!(formatter, "environments/{name}"),
            Self::Team(name) => write!(formatter, "teams/{name}"),
        }
    }
}

/// What a delegation or an exception is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// An environment; `None` is every one.
    Environment(Option<String>),
    /// A team; `None` is every one.
    Team(Option<String>),
    /// A cohort; `None` is every one.
    Cohort(Option<String>),
}

impl Target {
    /// Reads `teams/NAME` and the like.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('/')?;
        let name = (name != "*").then(|| name.to_owned());
        match kind {
            "environments" => Some(Self::Environment(name)),
            "teams" => Some(Self::Team(name)),
            "cohorts" => Some(Self::Cohort(name)),
            _ => None,
        }
    }

    /// Whether it is for a folder.
    pub fn covers(&self, layer: &LayerName) -> bool {
        let same = |name: &Option<String>, own: &String| name.as_ref().is_none_or(|it| it == own);
        match (self, layer) {
            (Self::Environment(name), LayerName::Environment(own))
            | (Self::Team(name), LayerName::Team(own)) => same(name, own),
            _ => false,
        }
    }

    /// Whether it is for a cohort.
    pub fn selects(&self, cohort: &Cohort) -> bool {
        let same = |name: &Option<String>, own: Option<&str>| match (name, own) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(name), Some(own)) => name == own,
        };
        match self {
            Self::Environment(name) => same(name, cohort.environment.as_ref().map(text)),
            Self::Team(name) => same(name, cohort.team.as_ref().map(text)),
            Self::Cohort(name) => same(name, Some(&cohort.name)),
        }
    }
}

fn text(name: &Sourced<String>) -> &str {
    &name.value
}

/// Permission to loosen keys.
#[derive(Clone, Debug)]
pub struct Delegation {
    /// Whose permission it is.
    pub target: Target,
    /// Key patterns, each with its place.
    pub keys: Vec<Sourced<String>>,
}

/// A set of machines that get the same policy.
#[derive(Clone, Debug)]
pub struct Cohort {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub span: Span,
    /// The team it belongs to.
    pub team: Option<Sourced<String>>,
    /// The environment it belongs to.
    pub environment: Option<Sourced<String>>,
    /// The group it belongs to.
    pub group: Option<Sourced<String>>,
    /// Its operating systems; `None` is every one.
    pub systems: Option<Vec<System>>,
    /// Its host patterns; `None` is every host.
    pub hosts: Option<Vec<Sourced<String>>>,
    /// Whether it takes what no other cohort selects.
    pub is_default: bool,
    /// How policy reaches it; never empty.
    pub deliveries: Vec<Delivery>,
    /// Its Codex versions, ascending, never empty.
    pub versions: Vec<Version>,
}

/// Reads a manifest. What is of the wrong type counts as absent: it is reported elsewhere.
pub(super) fn read(source: SourceId, root: &Table) -> Manifest {
    let top = Node { value: codex_schema::value::Value::Table(root.clone()), span: whole(source) };
    let at = |path: &[&str]| top.at(path);
    let mut versions = versions(at(&["codex", "versions"]));
    if versions.is_empty() {
        versions.push(Version::NEWEST);
    }
    let mut includes = BTreeMap::new();
    for kind in ["environments", "teams"] {
        for (name, entry) in entries(at(&[kind])) {
            let layer = LayerName::parse(&format!("{kind}/{name}"));
            let list = texts(entry.at(&["include"]));
            let list: Vec<Sourced<LayerName>> = list
                .into_iter()
                .filter_map(|one| {
                    LayerName::parse(&one.value).map(|value| Sourced { value, span: one.span })
                })
                .collect();
            includes.extend(layer.map(|layer| (layer, list)));
        }
    }
    let delegations = entries(at(&["delegation"]))
        .into_iter()
        .filter_map(|(name, node)| {
            Some(Delegation { target: Target::parse(name)?, keys: texts(Some(node)) })
        })
        .collect();
    let cohorts = root
        .get("cohorts")
        .and_then(|node| node.value.as_table())
        .into_iter()
        .flat_map(Table::iter)
        .map(|entry| {
            let name = entry.key.value.to_string();
            (name.clone(), cohort(name, entry.key.span, &entry.node, &versions))
        })
        .collect();
    Manifest {
        source: Some(source),
        organisation: string(at(&["organisation", "name"])).unwrap_or_default(),
        contact: string(at(&["organisation", "contact"])),
        identifier: string(at(&["organisation", "identifier"])),
        systems: chosen(at(&["endpoints", "os"])).unwrap_or_else(|| ALL_SYSTEMS.to_vec()),
        groups: texts(at(&["endpoints", "groups"])),
        fresh_for_days: at(&["release", "fresh_for_days"])
            .and_then(|days| codex_schema::de::from_node(days).ok())
            .unwrap_or(USUAL_FRESHNESS),
        longest_pause_hours: at(&["release", "longest_pause_hours"])
            .and_then(|hours| codex_schema::de::from_node(hours).ok()),
        floor: string(at(&["release", "floor"])),
        when_stale: at(&["release", "when_stale"]).and_then(|node| {
            let value = LayerName::parse(node.value.as_str()?)?;
            Some(Sourced { value, span: node.span })
        }),
        void: texts(at(&["release", "void"])),
        minimum_generations: entries(at(&["release", "minimum_generations"]))
            .into_iter()
            .filter_map(|(name, node)| {
                let value = codex_schema::de::from_node(node).ok()?;
                Some((name.to_owned(), Sourced { value, span: node.span }))
            })
            .collect(),
        versions,
        delegations,
        includes,
        cohorts,
    }
}

/// Days that a policy may be used without news, where the manifest does not say.
const USUAL_FRESHNESS: u16 = 30;
const ALL_SYSTEMS: &[System] = &[System::Linux, System::Macos, System::Windows];

fn cohort(name: String, span: Span, node: &Node, versions_of_all: &[Version]) -> Cohort {
    let one = |key: &str| {
        let node = node.at(&[key])?;
        node.value.as_str().map(|text| Sourced { value: text.to_owned(), span: node.span })
    };
    let mut deliveries: Vec<Delivery> = chosen(node.at(&["channels"])).unwrap_or_default();
    if deliveries.is_empty() {
        deliveries.push(Delivery::System);
    }
    let mut own = versions(node.at(&["codex_versions"]));
    if own.is_empty() {
        own = versions_of_all.to_vec();
    }
    Cohort {
        name,
        span,
        team: one("team"),
        environment: one("environment"),
        group: one("group"),
        systems: chosen(node.at(&["os"])),
        hosts: node.at(&["hosts"]).map(|list| texts(Some(list))),
        is_default: node.at(&["default"]).and_then(|flag| flag.value.as_bool()).unwrap_or(false),
        deliveries,
        versions: own,
    }
}

fn whole(source: SourceId) -> Span {
    Span::new(source, 0, 0)
}

fn string(node: Option<&Node>) -> Option<String> {
    node?.value.as_str().map(str::to_owned)
}

fn entries(node: Option<&Node>) -> Vec<(&str, &Node)> {
    let table = node.and_then(|node| node.value.as_table());
    table.into_iter().flat_map(Table::iter).map(|entry| (&*entry.key.value, &entry.node)).collect()
}

/// The texts of a list.
pub(crate) fn texts(node: Option<&Node>) -> Vec<Sourced<String>> {
    let list = node.and_then(|node| node.value.as_array()).unwrap_or_default();
    list.iter()
        .filter_map(|one| {
            one.value.as_str().map(|text| Sourced { value: text.to_owned(), span: one.span })
        })
        .collect()
}

fn chosen<T: serde::de::DeserializeOwned>(node: Option<&Node>) -> Option<Vec<T>> {
    codex_schema::de::from_node(node?).ok()
}

fn versions(node: Option<&Node>) -> Vec<Version> {
    let mut found: Vec<Version> =
        texts(node).iter().filter_map(|text| text.value.parse().ok()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

impl Manifest {
    /// Where a thing that is missing altogether is reported.
    pub fn anchor(&self) -> Span {
        Span::new(self.source.unwrap_or(SourceId::BUILT_IN), 0, 0)
    }

    /// The folders that make up a cohort's policy, first to last, each once. Includes come before
    /// the folder that names them; a cycle is cut where it closes, which is reported elsewhere.
    pub fn chain(&self, cohort: &Cohort) -> Vec<LayerName> {
        let mut chain = Vec::new();
        let mut open = BTreeSet::new();
        self.add_layer(LayerName::Baseline, &mut chain, &mut open);
        let name = |name: &Option<Sourced<String>>| name.as_ref().map(|name| name.value.clone());
        if let Some(environment) = name(&cohort.environment) {
            self.add_layer(LayerName::Environment(environment), &mut chain, &mut open);
        }
        if let Some(team) = name(&cohort.team) {
            self.add_layer(LayerName::Team(team), &mut chain, &mut open);
        }
        chain
    }

    /// The folders that machines add which have heard nothing for too long, first to last: the one
    /// that is named, after its includes.
    pub fn chain_when_stale(&self) -> Vec<LayerName> {
        let (mut chain, mut open) = (Vec::new(), BTreeSet::new());
        if let Some(layer) = &self.when_stale {
            self.add_layer(layer.value.clone(), &mut chain, &mut open);
        }
        chain
    }

    fn add_layer(
        &self,
        layer: LayerName,
        chain: &mut Vec<LayerName>,
        open: &mut BTreeSet<LayerName>,
    ) {
        if chain.contains(&layer) || !open.insert(layer.clone()) {
            return;
        }
        for include in self.includes.get(&layer).map(Vec::as_slice).unwrap_or_default() {
            self.add_layer(include.value.clone(), chain, open);
        }
        chain.push(layer);
    }
}

/// Checks what the manifest refers to.
pub(super) fn check(repository: &Repository) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    includes(repository, &mut found);
    if let Some(layer) = &repository.manifest.when_stale
        && !repository.layers.contains_key(&layer.value)
    {
        found.push(missing_folder(repository, layer, "`when_stale`"));
    }
    let cohorts = &repository.manifest.cohorts;
    for (name, generation) in &repository.manifest.minimum_generations {
        if !cohorts.contains_key(name) {
            found.push(unknown_cohort(cohorts, name, generation.span));
        }
    }
    for delegation in &repository.manifest.delegations {
        for pattern in &delegation.keys {
            if !names_a_key(&pattern.value) {
                found.push(unknown_key(pattern));
            }
        }
    }
    found
}

/// Whether a pattern can mean a key of requirements or configuration.
pub(super) fn names_a_key(pattern: &str) -> bool {
    let path: Vec<&str> = parts(pattern).collect();
    // What stands for a map's names is any name to the tree, too.
    // One after the other: the larger tree is not even built when nobody needs it.
    REQUIREMENTS.find(&path).is_some()
        || CONFIG.find(&path).is_some()
        || pattern == crate::authoring::RULES_FILES
}

fn unknown_key(pattern: &Sourced<String>) -> Diagnostic {
    let message = format!("`{}` is no key of policy", pattern.value);
    let known = REQUIREMENTS.keys().iter().map(|key| key.path);
    let diagnostic = Diagnostic::new(Code::UnknownKey, message, pattern.span);
    match closest(&pattern.value, known) {
        Some(meant) => {
            let mut diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
            diagnostic.suggestion = Some(meant.to_owned());
            diagnostic
        }
        None => diagnostic.help("name a key such as `features.*` or `experimental_network`"),
    }
}

fn includes(repository: &Repository, found: &mut Vec<Diagnostic>) {
    let manifest = &repository.manifest;
    for (layer, list) in &manifest.includes {
        for include in list {
            if !repository.layers.contains_key(&include.value) {
                found.push(missing_folder(repository, include, "the include"));
            } else if reaches(manifest, &include.value, layer, &mut BTreeSet::new()) {
                let message = if include.value == *layer {
                    format!("`{layer}` includes itself")
                } else {
                    format!("`{layer}` includes `{}`, which includes it", include.value)
                };
                let mut diagnostic = Diagnostic::new(Code::IncludeCycle, message, include.span)
                    .help("remove one of the two includes");
                let back = manifest.includes.get(&include.value).map(Vec::as_slice);
                if let Some(other) = back.unwrap_or_default().iter().find(|one| one.value == *layer)
                    && other.span != include.span
                {
                    diagnostic = diagnostic.beside(other.span, "and here back again");
                }
                found.push(diagnostic);
            }
        }
    }
}

fn unknown_cohort(cohorts: &BTreeMap<String, Cohort>, name: &str, span: Span) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::UnknownLayer, format!("there is no cohort `{name}`"), span);
    match closest(name, cohorts.keys().map(String::as_str)) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help("remove the line: what was called off stays so in releases"),
    }
}

fn missing_folder(
    repository: &Repository,
    include: &Sourced<LayerName>,
    named_by: &str,
) -> Diagnostic {
    let name = include.value.to_string();
    let names: Vec<String> = repository.layers.keys().map(ToString::to_string).collect();
    let message = format!("there is no folder `{name}`");
    let diagnostic = Diagnostic::new(Code::UnknownLayer, message, include.span);
    match closest(&name, names.iter().map(String::as_str)) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic
            .help(format!("add the folder with a `requirements.toml`, or remove {named_by}")),
    }
}

/// Whether includes lead from one folder to another.
fn reaches(
    manifest: &Manifest,
    from: &LayerName,
    to: &LayerName,
    seen: &mut BTreeSet<LayerName>,
) -> bool {
    if from == to {
        return true;
    }
    if !seen.insert(from.clone()) {
        return false;
    }
    let next = manifest.includes.get(from).map(Vec::as_slice).unwrap_or_default();
    next.iter().any(|include| reaches(manifest, &include.value, to, seen))
}
