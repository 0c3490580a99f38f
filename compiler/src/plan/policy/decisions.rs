//! What becomes of commands and hosts, however the rules and entries are written.

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::lookup::REQUIREMENTS;
use codex_schema::path::dotted;
use codex_schema::source::Documents;
use codex_schema::span::Span;
use codex_schema::strictness::{Change, changes};
use codex_schema::value::Node;
use serde_json::{Value as Json, json};

use super::{Direction, Entry, Item, Items, Place, Side, Subject, Witness, entry, place};
use crate::authoring::Document;
use crate::decide;
use crate::decide::domains::{DomainEntry, DomainRule, NetworkPolicy};
use crate::plan::commands::{
    self, CommandDecision, CommandSide, CommandWitness, Compared, Extent, SideRule,
};
use crate::plan::domains::{self, DomainWitness};
use crate::sources::rules_file::{Decision, NetworkRule};

/// What becomes of commands.
pub(super) fn commands(from: Side<'_>, to: Side<'_>) -> Option<Entry> {
    let (before, after) = (said_of_rules(from), said_of_rules(to));
    if before == after && texts(from) == texts(to) {
        return None;
    }
    let (old, new) = (
        CommandSide::of(from.requirements, from.rules),
        CommandSide::of(to.requirements, to.rules),
    );
    let key = decide::commands::PATH.join(".");
    let mut change = entry(Document::Requirements, Subject::Commands, key, Direction::Neutral);
    if before != after {
        change.rows.extend(REQUIREMENTS.key_of(&decide::commands::PATH).map(|key| key.path));
    }
    change.added = rules_beside(&new, &old, to.documents);
    change.removed = rules_beside(&old, &new, from.documents);
    change.place_before = before.and_then(|node| place(from.documents, node.span));
    change.place_after = after.and_then(|node| place(to.documents, node.span));
    change.anchor = after.map(|node| node.span);
    let broken = broken(from, to);
    if !broken.is_empty() {
        change.direction = Direction::Incomparable;
        let names = broken.join(", ");
        change.note = Some(format!("cannot be compared: {names} cannot be read"));
        return Some(change);
    }
    let compared = commands::compare(&old, &new);
    change.direction = Direction::of(compared.change());
    change.note = proof(&compared, "commands");
    let looser = compared.looser.as_ref().and_then(|witness| witness.rule_after);
    change.whole = looser.map(|span| whole_rule(after, span));
    change.anchor = looser.or(change.anchor);
    change.witnesses = witnesses(compared, |direction, one: CommandWitness| Witness {
        direction,
        of: one.command,
        before: one.before.past().to_owned(),
        after: one.after.words().to_owned(),
        place_before: one.rule_before.and_then(|span| place(from.documents, span)),
        place_after: one.rule_after.and_then(|span| place(to.documents, span)),
    });
    Some(change)
}

/// All of a rule: the place of one that is written as a table of its own is its heading.
fn whole_rule(list: Option<&Node>, heading: Span) -> Span {
    let elements = list.and_then(|list| list.value.as_array()).unwrap_or_default();
    let rule = elements.iter().find(|rule| rule.span == heading);
    let fields = rule.and_then(|rule| rule.value.as_table()).into_iter().flatten();
    fields.fold(heading, |span, field| span.to(field.node.span))
}

/// The list of rules of requirements.
fn said_of_rules(side: Side<'_>) -> Option<&Node> {
    side.requirements.at(&decide::commands::PATH)
}

/// The texts of rule files.
fn texts(side: Side<'_>) -> Vec<Option<&str>> {
    let ids = side.rules.iter().map(|(id, _)| id).chain(side.broken);
    ids.map(|id| side.documents.get(*id).map(|one| &*one.text)).collect()
}

/// The names of rule files that cannot be read.
fn broken(from: Side<'_>, to: Side<'_>) -> Vec<String> {
    let sides = [from, to];
    let documents =
        sides.iter().flat_map(|side| side.broken.iter().map(|id| side.documents.get(*id)));
    let mut names: Vec<String> = documents.flatten().map(|one| one.source.to_string()).collect();
    names.dedup();
    names
}

/// The examples of a comparison, the looser one first.
fn witnesses<W>(compared: Compared<W>, told: impl Fn(Direction, W) -> Witness) -> Vec<Witness> {
    let Compared { tighter, looser, extent: _ } = compared;
    let looser = looser.map(|one| told(Direction::Looser, one));
    looser.into_iter().chain(tighter.map(|one| told(Direction::Tighter, one))).collect()
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
    let mut known: BTreeMap<(&[Vec<&str>], CommandDecision), usize> = BTreeMap::new();
    for rule in other.rules() {
        *known.entry((rule.pattern.as_slice(), rule.decision)).or_default() += 1;
    }
    let new = own.rules().iter().filter(|rule| {
        let known = known.get_mut(&(rule.pattern.as_slice(), rule.decision));
        let count = known.filter(|count| **count > 0);
        count.map(|count| *count -= 1).is_none()
    });
    Items::of(new, |rule| item_of(rule, documents))
}

fn item_of(rule: &SideRule<'_>, documents: &Documents) -> Item {
    let text = format!("{}: {}", rule.words(), rule.decision.verb());
    Item { text, place: place(documents, rule.span) }
}

/// What becomes of hosts.
pub(super) fn hosts(from: Side<'_>, to: Side<'_>) -> Option<Entry> {
    let (old, new) = (NetworkPolicy::of(from.requirements), NetworkPolicy::of(to.requirements));
    if said_of_hosts(&old) == said_of_hosts(&new) {
        return None;
    }
    let compared = domains::compare(&old, &new);
    let (before, after) = (network(from), network(to));
    let key = after.or(before).map(|(path, _)| dotted(path)).unwrap_or_default();
    let direction = Direction::of(compared.change());
    let mut change = entry(Document::Requirements, Subject::Hosts, key, direction);
    change.rows = rows_of_hosts(from, to);
    let looser = compared.looser.as_ref().and_then(|witness| witness.entry_after);
    change.anchor = looser.or(after.map(|(_, span)| span));
    change.added = hosts_beside(&new, &old, to.documents);
    change.removed = hosts_beside(&old, &new, from.documents);
    change.note = match (old.enabled, new.enabled) {
        (Some(true), Some(true)) => proof(&compared, "hosts"),
        (Some(true), _) => Some("the managed network is no longer enabled".to_owned()),
        (_, Some(true)) => Some("the managed network is enabled".to_owned()),
        _ => Some("the managed network is not enabled: entries decide nothing".to_owned()),
    };
    change.witnesses = witnesses(compared, |direction, one: DomainWitness| Witness {
        direction,
        of: vec![one.host],
        before: domains::past(one.before).to_owned(),
        after: domains::words(one.after).to_owned(),
        place_before: one.entry_before.and_then(|span| place(from.documents, span)),
        place_after: one.entry_after.and_then(|span| place(to.documents, span)),
    });
    change.place_before = before.and_then(|(_, span)| place(from.documents, span));
    change.place_after = after.and_then(|(_, span)| place(to.documents, span));
    Some(change)
}

/// Where a side has its network.
fn network(side: Side<'_>) -> Option<(&'static [&'static str], Span)> {
    let (path, _) = decide::domains::table(side.requirements)?;
    Some((path, side.requirements.at(path)?.span))
}

/// The rows of the key table that answers for hosts are made of and that are said otherwise.
fn rows_of_hosts(from: Side<'_>, to: Side<'_>) -> Vec<&'static str> {
    let changed = changes(from.requirements, to.requirements, &REQUIREMENTS);
    let about_hosts = changed.iter().filter(|one| {
        [from, to].iter().any(|side| decide::domains::is_about_hosts(side.requirements, &one.path))
    });
    let mut rows: Vec<&str> = about_hosts.map(|one| one.key.path).collect();
    rows.dedup();
    rows
}

/// Everything that counts for hosts: entries, in an order of their own, and switches.
type SaidOfHosts<'policy> = (Vec<(DomainRule, &'policy str)>, Option<bool>, bool, bool);

fn said_of_hosts<'policy>(network: &'policy NetworkPolicy<'_>) -> SaidOfHosts<'policy> {
    let entries = network.entries().iter().map(|entry| (entry.rule, entry.text));
    let mut entries: Vec<(DomainRule, &str)> = entries.collect();
    entries.sort_unstable();
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
    Items::of(new, item)
}

fn rule_word(rule: DomainRule) -> &'static str {
    match rule {
        DomainRule::Allow => "allow",
        DomainRule::Review => "review",
        DomainRule::Deny => "deny",
    }
}

/// Rules of rule files on hosts, by host and protocol: each with its place, strictest last.
type HostRules = BTreeMap<(String, String), Vec<(i8, Option<Place>)>>;

fn rules_on_hosts(side: Side<'_>) -> HostRules {
    let mut rules = HostRules::new();
    for (source, file) in side.rules {
        for rule in &file.network_rules {
            let NetworkRule { host, protocol, decision, justification: _, position } = rule;
            let span = Span::new(*source, position.span.start, position.span.end);
            let key = (host.clone(), format!("{protocol:?}").to_lowercase());
            let own = (host_rule_rank(*decision), place(side.documents, span));
            rules.entry(key).or_default().push(own);
        }
    }
    rules.values_mut().for_each(|all| all.sort());
    rules
}

/// How strict a rule on a host is; to be asked is what happens without one.
fn host_rule_rank(decision: Decision) -> i8 {
    match decision {
        Decision::Allow => -1,
        Decision::Prompt => 0,
        Decision::Forbidden => 1,
    }
}

/// What rule files say of single hosts, host by host: of several rules for one host the strictest.
pub(super) fn host_rules(from: Side<'_>, to: Side<'_>, found: &mut Vec<Entry>) {
    let (old, new) = (rules_on_hosts(from), rules_on_hosts(to));
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let ranks = |rules: &HostRules| -> Vec<i8> {
            let all = rules.get(key).map(Vec::as_slice).unwrap_or_default();
            all.iter().map(|(rank, _)| *rank).collect()
        };
        let (before, after) = (ranks(&old), ranks(&new));
        if before == after {
            continue;
        }
        let strictest = |ranks: &[i8]| ranks.last().copied().unwrap_or(0);
        let direction = match strictest(&before).cmp(&strictest(&after)) {
            std::cmp::Ordering::Less => Direction::Tighter,
            std::cmp::Ordering::Equal => Direction::Neutral,
            std::cmp::Ordering::Greater => Direction::Looser,
        };
        let (host, protocol) = key;
        let name = format!("network_rule {host} {protocol}");
        let mut change = entry(Document::Requirements, Subject::HostRules, name, direction);
        let last = |rules: &HostRules| rules.get(key).and_then(|all| all.last()?.1.clone());
        (change.place_before, change.place_after) = (last(&old), last(&new));
        let word = |ranks: &[i8]| match ranks.last() {
            None => Json::Null,
            Some(..0) => json!("allow"),
            Some(0) => json!("prompt"),
            Some(1..) => json!("deny"),
        };
        (change.before, change.after) = (Some(word(&before)), Some(word(&after)));
        found.push(change);
    }
}
