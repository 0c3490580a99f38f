//! One policy against another: what becomes of every key, and of what is decided.

use std::collections::BTreeMap;

use codex_schema::key::{Key, Secret};
use codex_schema::lookup::{CONFIG, REQUIREMENTS, Spot};
use codex_schema::source::{Documents, Source};
use codex_schema::span::{SourceId, Span};
use codex_schema::strictness::{Change, changes, elements};
use codex_schema::value::{Node, Table, Value};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::commands::{self, CommandSide, Compared, Extent, SideRule};
use super::domains;
use crate::authoring::Document;
use crate::compile::history::Commit;
use crate::decide;
use crate::decide::domains::{DomainEntry, DomainRule, NetworkPolicy};
use crate::digest::sha256_hex;
use crate::sources::rules_file::{NetworkRule, RulesFile};

/// One of the two policies.
#[derive(Clone, Copy, Debug)]
pub struct Side<'policy> {
    /// Requirements under their keys' own names.
    pub requirements: &'policy Table,
    /// Managed defaults.
    pub config: &'policy Table,
    /// The rule files, in the order in which Codex reads them.
    pub rules: &'policy [(SourceId, RulesFile)],
    /// Rule files that cannot be read: Codex then drops all of them.
    pub broken: &'policy [SourceId],
    /// The texts all of it comes from.
    pub documents: &'policy Documents,
}

/// What changes between two policies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    /// The changes: what loosens first, then by key.
    pub changes: Vec<Entry>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Which document it is in.
    pub document: Document,
    /// What is compared.
    pub subject: Subject,
    /// The key's path.
    pub key: String,
    /// The rows of the key table that are touched.
    #[serde(skip)]
    pub rows: Vec<&'static str>,
    /// The direction.
    pub direction: Direction,
    /// The value before; secrets are redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// The value now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
    /// Elements, rules or hosts that are new.
    #[serde(skip_serializing_if = "Items::is_empty")]
    pub added: Items,
    /// Those that are gone.
    #[serde(skip_serializing_if = "Items::is_empty")]
    pub removed: Items,
    /// Where it was said before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_before: Option<Place>,
    /// Where it is said now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_after: Option<Place>,
    /// Where it is said now, or the part of the policy that no longer says it.
    #[serde(skip)]
    pub anchor: Option<Span>,
    /// The commit that made it so, where something loosens and that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Commit>,
    /// Something that is decided differently, for each direction; the looser one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<Witness>,
    /// What else is to be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The value of one key.
    Key,
    /// What is decided of all commands.
    Commands,
    /// What is answered for all hosts.
    Hosts,
    /// What rule files say of single hosts.
    HostRules,
}

/// Where a change leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is allowed.
    Looser,
    /// Something else is allowed: more here, less there, or nobody can tell.
    Incomparable,
    /// Less is allowed.
    Tighter,
    /// The same is allowed; or a managed default changed, which is no control.
    Neutral,
}

impl Direction {
    /// The direction of a change in strictness.
    pub fn of(change: Change) -> Self {
        match change {
            Change::Equal => Self::Neutral,
            Change::Tighter => Self::Tighter,
            Change::Looser => Self::Looser,
            Change::Incomparable => Self::Incomparable,
        }
    }

    /// Whether something may be allowed that was not.
    pub fn may_loosen(self) -> bool {
        matches!(self, Self::Looser | Self::Incomparable)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Looser => "looser",
            Self::Incomparable => "incomparable",
            Self::Tighter => "tighter",
            Self::Neutral => "neutral",
        }
    }
}

/// Elements of a list, rules or hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Items {
    /// How many there are.
    pub total: usize,
    /// The first ones, at most [`MOST_ITEMS`].
    pub first: Vec<Item>,
}

impl Items {
    fn of(items: impl Iterator<Item = Item>) -> Self {
        let mut all = Self::default();
        for item in items {
            all.total += 1;
            if all.first.len() < MOST_ITEMS {
                all.first.push(item);
            }
        }
        all
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// An element of a list, a rule, or a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Item {
    /// What it says.
    pub text: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file, from the top of the repository.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A command or a host that is decided differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// Which direction it shows.
    pub direction: Direction,
    /// The command's words, or the host.
    pub of: Vec<String>,
    /// What happened to it, in words.
    pub before: String,
    /// What happens to it now, in words.
    pub after: String,
    /// The entry that decided before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_before: Option<Place>,
    /// The entry that decides now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_after: Option<Place>,
}

/// Most elements, rules or hosts that one change lists in either direction.
pub const MOST_ITEMS: usize = 200;

impl PolicyChange {
    /// How many changes lead where: looser, incomparable, tighter, neutral.
    pub fn counts(&self) -> BTreeMap<Direction, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.changes {
            *counts.entry(entry.direction).or_insert(0) += 1;
        }
        counts
    }

    /// All changes together.
    pub fn change(&self) -> Change {
        self.changes.iter().fold(Change::Equal, |sum, entry| {
            sum.and(match entry.direction {
                Direction::Looser => Change::Looser,
                Direction::Incomparable => Change::Incomparable,
                Direction::Tighter => Change::Tighter,
                Direction::Neutral => Change::Equal,
            })
        })
    }
}

/// Compares two policies.
pub fn compare(from: Side<'_>, to: Side<'_>) -> PolicyChange {
    let mut found = Vec::new();
    keys(from, to, &mut found);
    found.extend(commands(from, to));
    found.extend(hosts(from, to));
    host_rules(from, to, &mut found);
    found.sort_by(|left, right| {
        let key = |entry: &Entry| (entry.direction, entry.document, entry.key.clone());
        key(left).cmp(&key(right))
    });
    PolicyChange { changes: found }
}

fn place(documents: &Documents, span: Span) -> Option<Place> {
    let document = documents.get(span.source)?;
    let file = match &document.source {
        Source::File { path } => path.clone(),
        other => other.to_string(),
    };
    let position = documents.position(span)?;
    Some(Place { file, line: position.line, column: position.column })
}

fn entry(document: Document, subject: Subject, key: String, direction: Direction) -> Entry {
    Entry {
        document,
        subject,
        key,
        direction,
        before: None,
        after: None,
        rows: Vec::new(),
        added: Items::default(),
        removed: Items::default(),
        place_before: None,
        place_after: None,
        anchor: None,
        origin: None,
        witnesses: Vec::new(),
        note: None,
    }
}

/// Keys of which every one stands for itself.
fn keys(from: Side<'_>, to: Side<'_>, found: &mut Vec<Entry>) {
    let decided = |path: &[String]| {
        path == decide::commands::PATH
            || decide::domains::is_about_hosts(from.requirements, path)
            || decide::domains::is_about_hosts(to.requirements, path)
    };
    for one in changes(from.requirements, to.requirements, &REQUIREMENTS) {
        if !decided(&one.path) {
            let direction = Direction::of(one.change);
            found.push(of_key(from, to, Document::Requirements, &one.path, one.key, direction));
        }
    }
    let mut same = Same { from, to, path: Vec::new(), found };
    same.tables(from.requirements, to.requirements, REQUIREMENTS.root(), &decided);
    // Managed defaults are no controls: users may choose otherwise.
    for one in changes(from.config, to.config, &CONFIG) {
        let direction = Direction::Neutral;
        let mut change = of_key(from, to, Document::Config, &one.path, one.key, direction);
        change.note = Some("a managed default: no control".to_owned());
        found.push(change);
    }
}

fn of_key(
    from: Side<'_>,
    to: Side<'_>,
    document: Document,
    path: &[String],
    key: &'static Key,
    direction: Direction,
) -> Entry {
    let root = |side: Side<'_>| match document {
        Document::Requirements => node_at(side.requirements, path).cloned(),
        Document::Config => node_at(side.config, path).cloned(),
    };
    let (before, after) = (root(from), root(to));
    let is_secret = key.secret == Secret::Yes;
    let mut change = entry(document, Subject::Key, dotted(path), direction);
    change.rows.push(key.path);
    let lists = before.as_ref().zip(after.as_ref());
    if let Some((old, new)) = lists
        && !is_secret
        && old.value.as_array().is_some()
        && new.value.as_array().is_some()
    {
        change.added = missing(new, old, to.documents);
        change.removed = missing(old, new, from.documents);
    }
    let above = |path: &[String]| {
        let root = match document {
            Document::Requirements => to.requirements,
            Document::Config => to.config,
        };
        let above = path.split_last().map(|(_, above)| above).unwrap_or_default();
        node_at(root, above).map(|node| node.span)
    };
    change.anchor = after.as_ref().map(|node| node.span).or_else(|| above(path));
    change.place_before = before.as_ref().and_then(|node| place(from.documents, node.span));
    change.place_after = after.as_ref().and_then(|node| place(to.documents, node.span));
    change.before = before.map(|node| shown(&node.value, is_secret));
    change.after = after.map(|node| shown(&node.value, is_secret));
    change
}

fn node_at<'table>(table: &'table Table, path: &[String]) -> Option<&'table Node> {
    table.at(path)
}

/// A path as one writes it; names with dots stand in quotes.
fn dotted(path: &[String]) -> String {
    let part = |part: &String| {
        if part.contains('.') { format!("\"{part}\"") } else { part.clone() }
    };
    path.iter().map(part).collect::<Vec<_>>().join(".")
}

/// A value; of a secret only a mark by which two can be told apart.
fn shown(value: &Value, is_secret: bool) -> Json {
    let value = json!(value);
    if !is_secret {
        return value;
    }
    let digest = sha256_hex(value.to_string().as_bytes());
    json!({"redacted": true, "sha256_8": digest.get(..8)})
}

/// The elements of a list that another one does not have.
fn missing(list: &Node, other: &Node, documents: &Documents) -> Items {
    let others = elements(&other.value);
    let own = list.value.as_array().unwrap_or_default().iter();
    Items::of(own.filter_map(|node| {
        let text = codex_schema::strictness::identity(&node.value);
        let place = place(documents, node.span);
        (!others.contains(&text)).then_some(Item { text, place })
    }))
}

/// Keys whose values are as strict as they were and still not the same: other orders of lists.
struct Same<'side, 'found> {
    from: Side<'side>,
    to: Side<'side>,
    path: Vec<String>,
    found: &'found mut Vec<Entry>,
}

impl Same<'_, '_> {
    fn tables(
        &mut self,
        from: &Table,
        to: &Table,
        spot: &'static Spot,
        decided: &dyn Fn(&[String]) -> bool,
    ) {
        for one in from.sorted() {
            let name = &*one.key.value;
            let (Some(child), Some(other)) = (spot.child(name), to.get(name)) else { continue };
            self.path.push(name.to_owned());
            match (child.key, &one.node.value, &other.value) {
                (None, Value::Table(from), Value::Table(to)) => {
                    self.tables(from, to, child, decided);
                }
                (Some(key), old, new) if old != new && !decided(&self.path) => {
                    self.leaf(key);
                }
                _ => {}
            }
            self.path.pop();
        }
    }

    fn leaf(&mut self, key: &'static Key) {
        let path = dotted(&self.path);
        if self.found.iter().any(|known| known.key == path) {
            return;
        }
        let neutral = Direction::Neutral;
        let mut change =
            of_key(self.from, self.to, Document::Requirements, &self.path, key, neutral);
        change.note = Some(
            "the same values in another order: the first is what Codex falls back to".to_owned(),
        );
        self.found.push(change);
    }
}

/// What becomes of commands.
fn commands(from: Side<'_>, to: Side<'_>) -> Option<Entry> {
    let (old, new) =
        (CommandSide::of(from.requirements, from.rules), CommandSide::of(to.requirements, to.rules));
    let said = |side: Side<'_>| side.requirements.at(&decide::commands::PATH).cloned();
    let texts = |side: Side<'_>| -> Vec<Option<String>> {
        let ids = side.rules.iter().map(|(id, _)| id).chain(side.broken);
        ids.map(|id| side.documents.get(*id).map(|one| one.text.to_string())).collect()
    };
    let broken = !from.broken.is_empty() || !to.broken.is_empty();
    if said(from) == said(to) && texts(from) == texts(to) && !broken {
        return None;
    }
    let compared = commands::compare(&old, &new);
    let mut change = entry(
        Document::Requirements,
        Subject::Commands,
        decide::commands::PATH.join("."),
        Direction::of(compared.change()),
    );
    if said(from) != said(to) {
        change.rows.extend(REQUIREMENTS.key_of(&decide::commands::PATH).map(|key| key.path));
    }
    change.added = rules_beside(&new, &old, to.documents);
    change.removed = rules_beside(&old, &new, from.documents);
    change.place_before = said(from).and_then(|node| place(from.documents, node.span));
    change.place_after = said(to).and_then(|node| place(to.documents, node.span));
    change.note = proof(&compared, "commands");
    let looser = compared.looser.as_ref().and_then(|witness| witness.rule_after);
    change.anchor = looser.or(said(to).map(|node| node.span));
    let witnesses = [
        (Direction::Looser, compared.looser),
        (Direction::Tighter, compared.tighter),
    ];
    for (direction, witness) in witnesses {
        change.witnesses.extend(witness.map(|one| Witness {
            direction,
            of: one.command,
            before: one.before.past().to_owned(),
            after: one.after.words().to_owned(),
            place_before: one.rule_before.and_then(|span| place(from.documents, span)),
            place_after: one.rule_after.and_then(|span| place(to.documents, span)),
        }));
    }
    if broken {
        let names = |side: Side<'_>| -> Vec<String> {
            let names = side.broken.iter().filter_map(|id| side.documents.get(*id));
            names.map(|one| one.source.to_string()).collect()
        };
        let mut names = [names(from), names(to)].concat();
        names.dedup();
        if texts(from) == texts(to) && said(from) == said(to) {
            return None;
        }
        change.direction = Direction::Incomparable;
        let names = names.join(", ");
        change.note = Some(format!("cannot be compared: {names} cannot be read"));
    }
    Some(change)
}

/// How certain a comparison is, in words.
fn proof<W>(compared: &Compared<W>, what: &str) -> Option<String> {
    match (compared.extent, compared.change()) {
        (Extent::TooLarge, _) => Some("incomparable: too large to compare".to_owned()),
        (Extent::Addresses, _) => Some(
            "incomparable: what patterns with `*` say of addresses of version 6 is not worked out"
                .to_owned(),
        ),
        (Extent::Whole, Change::Equal) => {
            Some(format!("textual change only, same decisions for all {what} (proved)"))
        }
        (Extent::Whole, Change::Tighter | Change::Looser | Change::Incomparable) => None,
    }
}

/// The rules of one side that the other one does not have.
fn rules_beside(own: &CommandSide<'_>, other: &CommandSide<'_>, documents: &Documents) -> Items {
    let mut known: BTreeMap<(&[Vec<&str>], commands::CommandDecision), usize> = BTreeMap::new();
    for rule in other.rules() {
        *known.entry((rule.pattern.as_slice(), rule.decision)).or_default() += 1;
    }
    let new = own.rules().iter().filter(|rule| {
        let known = known.get_mut(&(rule.pattern.as_slice(), rule.decision));
        let count = known.filter(|count| **count > 0);
        count.map(|count| *count -= 1).is_none()
    });
    Items::of(new.map(|rule| item_of(rule, documents)))
}

fn item_of(rule: &SideRule<'_>, documents: &Documents) -> Item {
    let text = format!("{}: {}", rule.words(), rule.decision.verb());
    Item { text, place: place(documents, rule.span) }
}

/// What becomes of hosts.
fn hosts(from: Side<'_>, to: Side<'_>) -> Option<Entry> {
    let (old, new) = (NetworkPolicy::of(from.requirements), NetworkPolicy::of(to.requirements));
    if said_of_hosts(&old) == said_of_hosts(&new) {
        return None;
    }
    let compared = domains::compare(&old, &new);
    let at = |side: Side<'_>| decide::domains::table(side.requirements).map(|(path, _)| path);
    let key = at(to).or(at(from)).unwrap_or_default().join(".");
    let direction = Direction::of(compared.change());
    let mut change = entry(Document::Requirements, Subject::Hosts, key, direction);
    let changed = changes(from.requirements, to.requirements, &REQUIREMENTS);
    let about_hosts = changed.iter().filter(|one| {
        [from, to].iter().any(|side| decide::domains::is_about_hosts(side.requirements, &one.path))
    });
    change.rows.extend(about_hosts.map(|one| one.key.path));
    change.rows.dedup();
    let looser = compared.looser.as_ref().and_then(|witness| witness.entry_after);
    let network = decide::domains::table(to.requirements).map(|(path, _)| path);
    let network = network.and_then(|path| to.requirements.at(path)).map(|node| node.span);
    change.anchor = looser.or(network);
    change.added = hosts_beside(&new, &old, to.documents);
    change.removed = hosts_beside(&old, &new, from.documents);
    change.note = match (old.enabled, new.enabled) {
        (Some(true), Some(true)) => proof(&compared, "hosts"),
        (Some(true), _) => Some("the managed network is no longer enabled".to_owned()),
        (_, Some(true)) => Some("the managed network is enabled".to_owned()),
        _ => Some("the managed network is not enabled: entries decide nothing".to_owned()),
    };
    let witnesses =
        [(Direction::Looser, compared.looser), (Direction::Tighter, compared.tighter)];
    for (direction, witness) in witnesses {
        change.witnesses.extend(witness.map(|one| Witness {
            direction,
            of: vec![one.host],
            before: domains::past(one.before).to_owned(),
            after: domains::words(one.after).to_owned(),
            place_before: one.entry_before.and_then(|span| place(from.documents, span)),
            place_after: one.entry_after.and_then(|span| place(to.documents, span)),
        }));
    }
    let decisive = change.witnesses.first().map(|one| (&one.place_before, &one.place_after));
    let decisive = decisive.map(|(before, after)| (before.clone(), after.clone()));
    if let Some((before, after)) = decisive {
        (change.place_before, change.place_after) = (before, after);
    }
    Some(change)
}

/// Everything that counts for hosts, in order: texts of entries as they are compared, and switches.
type SaidOfHosts<'policy> =
    (Vec<(DomainRule, &'policy str)>, Option<bool>, bool, bool);

fn said_of_hosts<'policy>(network: &'policy NetworkPolicy<'_>) -> SaidOfHosts<'policy> {
    let entries = network.entries().iter().map(|entry| (entry.rule, entry.text)).collect();
    (entries, network.enabled, network.managed_only, network.local_binding)
}

fn hosts_beside(
    own: &NetworkPolicy<'_>,
    other: &NetworkPolicy<'_>,
    documents: &Documents,
) -> Items {
    let known: std::collections::BTreeSet<(DomainRule, &str)> =
        other.entries().iter().map(|entry| (entry.rule, entry.text)).collect();
    let new = own.entries().iter().filter(|entry| !known.contains(&(entry.rule, entry.text)));
    let item = |entry: &DomainEntry<'_>| Item {
        text: format!("{}: {}", entry.text, rule_word(entry.rule)),
        place: place(documents, entry.span),
    };
    Items::of(new.map(item))
}

fn rule_word(rule: DomainRule) -> &'static str {
    match rule {
        DomainRule::Allow => "allow",
        DomainRule::Review => "review",
        DomainRule::Deny => "deny",
    }
}

/// What rule files say of single hosts, host by host: of several rules for one host the strictest.
fn host_rules(from: Side<'_>, to: Side<'_>, found: &mut Vec<Entry>) {
    type Rules = BTreeMap<(String, String), Vec<(i8, Option<Place>)>>;
    let of = |side: Side<'_>| -> Rules {
        let mut rules = Rules::new();
        for (source, file) in side.rules {
            for rule in &file.network_rules {
                let NetworkRule { host, protocol, decision, justification: _, position } = rule;
                let span = Span::new(*source, position.span.start, position.span.end);
                let rank = host_rule_rank(*decision);
                let key = (host.clone(), format!("{protocol:?}").to_lowercase());
                rules.entry(key).or_default().push((rank, place(side.documents, span)));
            }
        }
        rules.values_mut().for_each(|all| all.sort());
        rules
    };
    let (old, new) = (of(from), of(to));
    let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let ranks = |rules: &Rules| -> Vec<i8> {
            rules.get(key).map(|all| all.iter().map(|(rank, _)| *rank).collect()).unwrap_or_default()
        };
        let (before, after) = (ranks(&old), ranks(&new));
        if before == after {
            continue;
        }
        // Without a rule a host is asked about.
        let strictest = |ranks: &[i8]| ranks.last().copied().unwrap_or(0);
        let direction = match strictest(&before).cmp(&strictest(&after)) {
            std::cmp::Ordering::Less => Direction::Tighter,
            std::cmp::Ordering::Equal => Direction::Neutral,
            std::cmp::Ordering::Greater => Direction::Looser,
        };
        let (host, protocol) = key;
        let name = format!("network_rule {host} {protocol}");
        let mut change = entry(Document::Requirements, Subject::HostRules, name, direction);
        let last = |rules: &Rules| rules.get(key).and_then(|all| all.last()?.1.clone());
        change.place_before = last(&old);
        change.place_after = last(&new);
        let word = |ranks: &[i8]| match ranks.last() {
            None => Json::Null,
            Some(rank) => json!(if *rank < 0 { "allow" } else if *rank == 0 { "prompt" } else { "deny" }),
        };
        (change.before, change.after) = (Some(word(&before)), Some(word(&after)));
        found.push(change);
    }
}

/// How strict a rule on a host is; to be asked is what happens without one.
fn host_rule_rank(decision: crate::sources::rules_file::Decision) -> i8 {
    match decision {
        crate::sources::rules_file::Decision::Allow => -1,
        crate::sources::rules_file::Decision::Prompt => 0,
        crate::sources::rules_file::Decision::Forbidden => 1,
    }
}
