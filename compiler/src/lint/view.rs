//! The policy as rules look at it.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Deref;

use codex_schema::diagnostic::Edit;
use codex_schema::span::Span;
use codex_schema::value::{Entry, Node, Table};

use super::Subject;
use super::rule_cover::Covers;
use crate::decide::domains::pattern::ordinary;
use crate::sources::rules_file::Decision;

/// The names under which the shared network policy may stand.
const NETWORKS: &[&[&str]] =
    &[&["experimental_network"], &["network_proxy"], &["permissions", "network"]];

/// Names of the reviewing model.
const REVIEWERS: &[&str] = &["auto_review", "guardian_subagent"];

/// The shared network policy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Network<'a> {
    /// Its entry.
    pub entry: &'a Entry,
    /// Its keys.
    pub table: &'a Table,
    /// Its path.
    pub path: &'static [&'static str],
}

/// A pattern of hosts and what it gets.
#[derive(Debug, Clone)]
pub(super) struct Domain<'a> {
    /// As written.
    pub written: &'a str,
    /// In the form in which Codex compares: lower case, no final dot, no port.
    pub pattern: Cow<'a, str>,
    /// Whether it is allowed; denied otherwise.
    pub allowed: bool,
    /// Where it stands.
    pub span: Span,
}

/// A rule on commands, from requirements or from a file of rules.
#[derive(Debug, Clone)]
pub(super) struct CommandRule<'a> {
    /// The words of each place.
    pub pattern: Vec<Vec<&'a str>>,
    /// What it answers; `prompt-user` is a prompt.
    pub decision: Decision,
    /// Where it stands.
    pub span: Span,
}

impl CommandRule<'_> {
    /// The rule's words, as they would be typed.
    pub(super) fn words(&self) -> String {
        let places: Vec<String> = self.pattern.iter().map(|words| words.join("|")).collect();
        places.join(" ")
    }
}

/// A policy with what several rules look at, each read once.
pub(super) struct View<'a> {
    subject: Subject<'a>,
    domains: OnceCell<Vec<Domain<'a>>>,
    commands: OnceCell<Vec<CommandRule<'a>>>,
    covers: OnceCell<Covers<'a>>,
}

impl<'a> Deref for View<'a> {
    type Target = Subject<'a>;

    fn deref(&self) -> &Subject<'a> {
        &self.subject
    }
}

impl<'a> View<'a> {
    /// A policy of which nothing was looked at yet.
    pub(super) fn of(subject: &Subject<'a>) -> Self {
        let (domains, commands, covers) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { subject: *subject, domains, commands, covers }
    }

    /// The hosts of the shared network policy, in the order written.
    pub(super) fn domains(&self) -> &[Domain<'a>] {
        self.domains.get_or_init(|| self.subject.read_domains())
    }

    /// Every rule on commands: those of requirements, then those of files.
    pub(super) fn commands(&self) -> &[CommandRule<'a>] {
        self.commands.get_or_init(|| self.subject.read_commands())
    }

    /// The other rules that match every command which a rule matches.
    pub(super) fn over(&self, index: usize) -> Vec<usize> {
        let rules = self.commands();
        self.covers.get_or_init(|| Covers::of(rules)).over(rules, index)
    }
}

impl<'a> Subject<'a> {
    /// The MCP servers, those of plugins last.
    pub(super) fn mcp_servers(&self) -> impl Iterator<Item = &'a Entry> {
        let of_plugins = self.table(&["plugins"]).into_iter().flatten();
        let of_plugins =
            of_plugins.filter_map(|plugin| plugin.node.at(&["mcp_servers"])?.value.as_table());
        self.table(&["mcp_servers"]).into_iter().chain(of_plugins).flat_map(Table::iter)
    }

    /// A requirement.
    pub(super) fn requirement(&self, path: &[&str]) -> Option<&'a Entry> {
        entry(self.requirements, path)
    }

    /// The table of a requirement, if it is there and one.
    pub(super) fn table(&self, path: &[&str]) -> Option<&'a Table> {
        self.requirement(path)?.node.value.as_table()
    }

    /// Whether a requirement is this boolean.
    pub(super) fn is(&self, path: &[&str], wanted: bool) -> bool {
        self.requirement(path).is_some_and(|entry| entry.node.value.as_bool() == Some(wanted))
    }

    /// The texts of a list requirement; `None` where it is not set.
    pub(super) fn texts(&self, path: &[&str]) -> Option<Vec<(&'a str, Span)>> {
        Some(texts(&self.requirement(path)?.node))
    }

    /// The paths nobody may read.
    pub(super) fn denied_paths(&self) -> Vec<(&'a str, Span)> {
        self.texts(&["permissions", "filesystem", "deny_read"]).unwrap_or_default()
    }

    /// The shared network policy.
    pub(super) fn network(&self) -> Option<Network<'a>> {
        NETWORKS.iter().find_map(|path| {
            let entry = self.requirement(path)?;
            Some(Network { entry, table: entry.node.value.as_table()?, path })
        })
    }

    /// Whether a session may run with full access.
    pub(super) fn full_access(&self) -> bool {
        let listed = |path, name| {
            self.texts(path).is_none_or(|list| list.iter().any(|(text, _)| *text == name))
        };
        let modes = listed(&["allowed_sandbox_modes"], "danger-full-access");
        let profiles = self
            .table(&["allowed_permission_profiles"])
            .is_none_or(|map| flag(map, ":danger-full-access") == Some(true));
        modes && profiles && self.denied_paths().is_empty()
    }

    /// Whether the policy restricts where commands may write or connect.
    pub(super) fn confines(&self) -> bool {
        let listed = self.requirement(&["allowed_sandbox_modes"]).is_some()
            || self.requirement(&["allowed_permission_profiles"]).is_some();
        let network = self.network().is_some_and(|one| flag(one.table, "enabled") == Some(true));
        (listed || network) && !self.full_access()
    }

    /// Whether the reviewing model may review.
    pub(super) fn reviewer_allowed(&self) -> Option<bool> {
        let list = self.texts(&["allowed_approvals_reviewers"])?;
        Some(list.iter().any(|(name, _)| REVIEWERS.contains(name)))
    }

    /// An edit that sets a requirement in the document of a place. `None` where the document has
    /// the table under another name: beside that one Codex would refuse it.
    pub(super) fn set(&self, beside: Span, path: &[&str], value: &str) -> Option<Vec<Edit>> {
        let text = &self.documents.get(beside.source)?.text;
        let other = match path {
            ["features", ..] => "feature_requirements",
            _ => return Some(edit(beside, path, value)),
        };
        (!text.contains(other)).then(|| edit(beside, path, value))
    }

    /// The text at a place.
    pub(super) fn text_at(&self, span: Span) -> Option<&'a str> {
        let range = usize::try_from(span.start).ok()?..usize::try_from(span.end).ok()?;
        self.documents.get(span.source)?.text.get(range)
    }

    fn read_domains(&self) -> Vec<Domain<'a>> {
        let Some(network) = self.network() else { return Vec::new() };
        let mut found = Vec::new();
        let map = network.table.get("domains").and_then(|node| node.value.as_table());
        for entry in map.into_iter().flatten() {
            if let Some(access @ ("allow" | "deny")) = entry.node.value.as_str() {
                found.push(domain(&entry.key.value, access == "allow", entry.key.span));
            }
        }
        for (list, allowed) in [("allowed_domains", true), ("denied_domains", false)] {
            let hosts = network.table.get(list).map(texts).unwrap_or_default();
            found.extend(hosts.into_iter().map(|(host, span)| domain(host, allowed, span)));
        }
        found
    }

    fn read_commands(&self) -> Vec<CommandRule<'a>> {
        let list = self.requirement(&["rules", "prefix_rules"]);
        let list = list.and_then(|entry| entry.node.value.as_array()).unwrap_or_default();
        let own = list.iter().filter_map(required_rule);
        let files = self.rules.iter().flat_map(|(source, file)| {
            file.prefix_rules.iter().map(|rule| CommandRule {
                pattern: rule
                    .pattern
                    .iter()
                    .map(|token| token.alternatives().iter().map(String::as_str).collect())
                    .collect(),
                decision: rule.decision,
                span: Span::new(*source, rule.position.span.start, rule.position.span.end),
            })
        });
        own.chain(files).collect()
    }
}

impl Network<'_> {
    /// An edit that sets a key of the policy, under the name it has in its document.
    pub(super) fn set(&self, subject: &Subject<'_>, key: &str, value: &str) -> Option<Vec<Edit>> {
        let span = self.entry.key.span;
        let written = subject.text_at(span)?.trim_matches(['"', '\'']);
        let path: Vec<&str> = match (self.path, written) {
            (
                ["experimental_network" | "network_proxy"],
                own @ ("experimental_network" | "network_proxy"),
            ) => {
                vec![own, key]
            }
            (["permissions", ..], "network") => vec!["permissions", "network", key],
            _ => return None,
        };
        Some(edit(span, &path, value))
    }
}

fn edit(beside: Span, path: &[&str], value: &str) -> Vec<Edit> {
    let path = path.iter().map(|name| (*name).to_owned()).collect();
    vec![Edit::Set { source: beside.source, path, value: value.to_owned() }]
}

/// The entry at a path.
pub(super) fn entry<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Entry> {
    let (last, above) = path.split_last()?;
    let table = above.iter().try_fold(table, |table, name| table.get(name)?.value.as_table())?;
    table.entry(last)
}

/// A boolean of a table.
pub(super) fn flag(table: &Table, key: &str) -> Option<bool> {
    table.get(key)?.value.as_bool()
}

/// The texts of a list.
pub(super) fn texts(node: &Node) -> Vec<(&str, Span)> {
    let elements = node.value.as_array().unwrap_or_default().iter();
    elements.filter_map(|one| Some((one.value.as_str()?, one.span))).collect()
}

fn domain(written: &str, allowed: bool, span: Span) -> Domain<'_> {
    let mut pattern = written.trim();
    // Most are in their normal form.
    if ordinary(pattern.strip_prefix("**.").unwrap_or(pattern)).is_some() {
        return Domain { written, pattern: Cow::Borrowed(pattern), allowed, span };
    }
    if let Some((host, port)) = pattern.rsplit_once(':')
        && !host.contains(':')
        && port.bytes().all(|byte| byte.is_ascii_digit())
    {
        pattern = host;
    }
    let pattern = pattern.trim_end_matches('.');
    let pattern = if pattern.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(pattern.to_ascii_lowercase())
    } else {
        Cow::Borrowed(pattern)
    };
    Domain { written, pattern, allowed, span }
}

fn required_rule(node: &Node) -> Option<CommandRule<'_>> {
    let decision = match node.at(&["decision"])?.value.as_str()? {
        "prompt" | "prompt-user" => Decision::Prompt,
        "forbidden" => Decision::Forbidden,
        _ => return None,
    };
    let places = node.at(&["pattern"])?.value.as_array()?;
    let pattern: Vec<Vec<&str>> = places.iter().map(alternatives).collect();
    let complete = !pattern.is_empty() && pattern.iter().all(|words| !words.is_empty());
    complete.then_some(CommandRule { pattern, decision, span: node.span })
}

fn alternatives(place: &Node) -> Vec<&str> {
    match (place.at(&["token"]), place.at(&["any_of"])) {
        (Some(one), None) => one.value.as_str().into_iter().collect(),
        (None, Some(list)) => texts(list).into_iter().map(|(word, _)| word).collect(),
        _ => Vec::new(),
    }
}

/// The host of an address.
pub(super) fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    (!host.is_empty()).then(|| host.trim_end_matches('.').to_ascii_lowercase())
}
