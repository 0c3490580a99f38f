//! What the managed network says about a host.
//!
//! Measured on 0.169.0: a host that is denied stays denied; a local or private address is refused
//! unless this very address is listed as allowed (or `allow_local_binding` is set); a host under
//! review is asked about even where it is allowed; an allowed host is reached; all others are
//! asked about, or refused under `managed_allowed_domains_only`, which refuses what is under review
//! as well. Without `enabled = true` nothing of this happens.

mod local;
pub(crate) mod pattern;

pub use pattern::normal_host;

use std::borrow::Cow;

use codex_schema::span::Span;
use codex_schema::value::{Node, Table};

use super::Map;
use pattern::{Pattern, Shape};

pub(crate) use local::{Within, is_literal, is_local, within};

/// The managed network of a policy, ready to be asked. Building it takes time linear in the
/// entries.
#[derive(Debug)]
pub struct NetworkPolicy<'policy> {
    /// Whether commands go through the managed proxy at all.
    pub enabled: Option<bool>,
    /// Whether hosts that no entry allows are refused without asking.
    pub managed_only: bool,
    /// Whether local addresses are reachable.
    pub local_binding: bool,
    entries: Vec<DomainEntry<'policy>>,
    index: Index<'policy>,
}

/// What an entry says, loosest first: of several entries the strictest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DomainRule {
    /// The host may be reached.
    Allow,
    /// Somebody is asked.
    Review,
    /// The host may not be reached.
    Deny,
}

/// One entry of the policy.
#[derive(Clone, Debug)]
pub struct DomainEntry<'policy> {
    /// What it says.
    pub rule: DomainRule,
    /// The pattern as it was written.
    pub text: &'policy str,
    /// Where it was written.
    pub span: Span,
    /// The key of the network table that has it.
    pub list: &'static str,
    /// Its place under that key, from 0.
    pub position: usize,
    pub(crate) pattern: Pattern<'policy>,
}

/// What becomes of a connection to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DomainVerdict {
    /// There is no managed proxy: the entries count for nothing.
    Unmanaged,
    /// Refused by an entry.
    Denied,
    /// Refused as a local or private address.
    Local,
    /// Refused: no entry allows it, and nobody may be asked.
    Refused,
    /// Somebody is asked, because an entry says so.
    Review,
    /// Somebody is asked, because no entry says anything.
    Ask,
    /// Reached.
    Allowed,
}

/// The answer for a host.
#[derive(Clone, Debug)]
pub struct DomainAnswer<'network> {
    /// What happens.
    pub verdict: DomainVerdict,
    /// All entries that match the host, strictest first, then as they stand.
    pub matches: Vec<&'network DomainEntry<'network>>,
}

impl<'policy> NetworkPolicy<'policy> {
    /// Reads the network of composed requirements. Patterns that Codex refuses are left out.
    pub fn of(requirements: &'policy Table) -> Self {
        let (_, table) = table(requirements).unzip();
        let flag = |key: &str| table.and_then(|table| table.get(key)?.value.as_bool());
        let entries = table.map(entries).unwrap_or_default();
        let index = Index::of(&entries, |_| true);
        Self {
            enabled: flag("enabled"),
            managed_only: flag("managed_allowed_domains_only") == Some(true),
            local_binding: flag("allow_local_binding") == Some(true),
            entries,
            index,
        }
    }

    /// The entries: those of `domains`, then those of the lists.
    pub fn entries(&self) -> &[DomainEntry<'policy>] {
        &self.entries
    }

    /// What becomes of a connection to a host; a port and brackets do not matter.
    pub fn decide(&self, host: &str) -> DomainAnswer<'_> {
        let host = normal_host(host);
        let mut matches: Vec<&DomainEntry<'_>> = Vec::new();
        self.index.candidates(&host, &mut |at| {
            matches.extend(self.entries.get(at).filter(|entry| entry.pattern.matches(&host)));
        });
        let order =
            |entry: &&DomainEntry<'_>| (std::cmp::Reverse(entry.rule), entry.list, entry.position);
        matches.sort_by_key(order);
        matches.dedup_by_key(|entry| order(entry));
        DomainAnswer { verdict: self.verdict(&host, &matches), matches }
    }

    fn verdict(&self, host: &str, matches: &[&DomainEntry<'_>]) -> DomainVerdict {
        if self.enabled != Some(true) {
            return DomainVerdict::Unmanaged;
        }
        let strictest = matches.iter().map(|entry| entry.rule).max();
        let listed = matches.iter().any(|entry| {
            entry.rule == DomainRule::Allow
                && entry.pattern.shape == Shape::Exact
                && entry.pattern.name == host
        });
        if strictest == Some(DomainRule::Deny) {
            return DomainVerdict::Denied;
        }
        if is_local(host) && !self.local_binding && !listed {
            return DomainVerdict::Local;
        }
        self.answer_of(strictest)
    }

    /// What the strictest entry that matches comes to for a host that is not local.
    pub(crate) fn answer_of(&self, strictest: Option<DomainRule>) -> DomainVerdict {
        if self.enabled != Some(true) {
            return DomainVerdict::Unmanaged;
        }
        match strictest {
            Some(DomainRule::Deny) => DomainVerdict::Denied,
            Some(DomainRule::Allow) => DomainVerdict::Allowed,
            _ if self.managed_only => DomainVerdict::Refused,
            Some(DomainRule::Review) => DomainVerdict::Review,
            None => DomainVerdict::Ask,
        }
    }
}

/// Whether a key, by its path, is one of those that answers for hosts are made of. That local
/// addresses may be reached also means that ports may be opened there, so it stands for itself.
pub(crate) fn is_about_hosts(requirements: &Table, path: &[String]) -> bool {
    let Some((place, _)) = table(requirements) else { return false };
    let Some((key, above)) = path.get(place.len()).zip(path.get(..place.len())) else {
        return false;
    };
    let lists = LISTS.iter().map(|(list, _)| *list);
    above == place
        && ["enabled", "managed_allowed_domains_only", "domains"]
            .into_iter()
            .chain(lists)
            .any(|own| own == key)
}

/// The places where a policy may have its network, as paths.
const PLACES: [&[&str]; 2] = [&["experimental_network"], &["permissions", "network"]];

/// The network table and its path.
pub(crate) fn table(requirements: &Table) -> Option<(&'static [&'static str], &Table)> {
    PLACES.into_iter().find_map(|path| {
        let (first, rest) = path.split_first()?;
        Some((path, requirements.get(first)?.at(rest)?.value.as_table()?))
    })
}

/// A name without its first label; none of a name that has no other. The names are short, and a
/// search that is made for long texts takes longer to begin than to find.
pub(crate) fn above(name: &str) -> Option<&str> {
    let dot = name.bytes().position(|byte| byte == b'.')?;
    name.get(dot + 1..)
}

/// The lists of the older spelling and of reviews, with what their elements say.
pub(crate) const LISTS: [(&str, DomainRule); 3] = [
    ("allowed_domains", DomainRule::Allow),
    ("review_domains", DomainRule::Review),
    ("denied_domains", DomainRule::Deny),
];

/// All entries of a network table that Codex can read.
pub(crate) fn entries(network: &Table) -> Vec<DomainEntry<'_>> {
    let map = network.get("domains").and_then(|node| node.value.as_table());
    let mut found = Vec::with_capacity(map.map_or(0, Table::len));
    for (position, entry) in map.into_iter().flatten().enumerate() {
        let rule = match entry.node.value.as_str() {
            Some("allow") => DomainRule::Allow,
            Some("deny") => DomainRule::Deny,
            _ => continue,
        };
        let place = Place { span: entry.key.span, list: "domains", position };
        found.extend(read(&entry.key.value, rule, place));
    }
    for (list, rule) in LISTS {
        let elements: &[Node] =
            network.get(list).and_then(|node| node.value.as_array()).unwrap_or_default();
        for (position, node) in elements.iter().enumerate() {
            let place = Place { span: node.span, list, position };
            found.extend(node.value.as_str().and_then(|text| read(text, rule, place)));
        }
    }
    found
}

#[derive(Clone, Copy)]
struct Place {
    span: Span,
    list: &'static str,
    position: usize,
}

/// Whether a pattern is one for every host: a star, with a port, spaces or final dots at most, and
/// also after `**.`. `*.*` and longer ones are not counted as such (measured on 0.169.0).
pub(crate) fn is_global(text: &str) -> bool {
    let text = text.trim();
    let rest = text.strip_prefix("**.").unwrap_or(text);
    // `*.` alone is a pattern of its own kind, and stops sessions only.
    normal_host(rest) == "*" && text != "*."
}

fn read(text: &str, rule: DomainRule, place: Place) -> Option<DomainEntry<'_>> {
    // Everything may be put under review, but not be allowed or denied.
    if is_global(text) && rule != DomainRule::Review {
        return None;
    }
    let Place { span, list, position } = place;
    Some(DomainEntry { rule, text, span, list, position, pattern: Pattern::parse(text)? })
}

/// Entries by the labels that every host of theirs ends with. Entries with the same labels are
/// chained: most have none beside them.
#[derive(Debug, Default)]
pub(crate) struct Index<'policy> {
    by_tail: Map<Cow<'policy, str>, Slot>,
    /// The entry before each one in its chain: for the very name, and for names below.
    before: Vec<Slot>,
    /// How long the labels are that have entries: others need no looking up.
    lengths: Lengths,
}

/// A set of lengths. All that are too long for it count as one.
#[derive(Debug, Default)]
pub(crate) struct Lengths([u64; 4]);

impl Lengths {
    const LONGEST: usize = 255;

    /// Adds a length.
    pub(crate) fn add(&mut self, length: usize) {
        let length = length.min(Self::LONGEST);
        self.0.get_mut(length / 64).into_iter().for_each(|word| *word |= 1 << (length % 64));
    }

    /// Whether a length is there.
    pub(crate) fn has(&self, length: usize) -> bool {
        let length = length.min(Self::LONGEST);
        self.0.get(length / 64).is_some_and(|word| word & (1 << (length % 64)) != 0)
    }
}

/// The last entry that matches this very name, and the last that matches names below.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    exact: Option<u32>,
    below: Option<u32>,
}

impl<'policy> Index<'policy> {
    /// Files the entries that are wanted, by their place in the list.
    pub(crate) fn of(
        entries: &[DomainEntry<'policy>],
        wanted: impl Fn(&DomainEntry<'policy>) -> bool,
    ) -> Self {
        let before = vec![Slot::default(); entries.len()];
        let mut index = Self { before, ..Self::default() };
        index.by_tail.reserve(entries.len());
        for ((entry, before), at) in entries.iter().zip(&mut index.before).zip(0_u32..) {
            if !wanted(entry) {
                continue;
            }
            let pattern = &entry.pattern;
            let wild = pattern.is_wild();
            let key =
                if wild { Cow::Owned(pattern.tail().to_owned()) } else { pattern.name.clone() };
            index.lengths.add(key.len());
            let slot = index.by_tail.entry(key).or_default();
            if !wild && pattern.shape != Shape::Below {
                before.exact = slot.exact.replace(at);
            }
            if wild || pattern.shape != Shape::Exact {
                before.below = slot.below.replace(at);
            }
        }
        index
    }

    /// Names every entry that can match a host, or hosts that end with these labels. What is named
    /// may still not match, and may be named twice.
    pub(crate) fn candidates(&self, name: &str, found: &mut impl FnMut(usize)) {
        let mut rest = Some(name);
        while let Some(tail) = rest {
            let known = self.lengths.has(tail.len()).then(|| self.by_tail.get(tail));
            if let Some(slot) = known.flatten() {
                if tail.len() == name.len() {
                    self.chain(slot.exact, |before| before.exact, found);
                }
                self.chain(slot.below, |before| before.below, found);
            }
            rest = above(tail).or_else(|| (!tail.is_empty()).then_some(""));
        }
    }

    fn chain(
        &self,
        last: Option<u32>,
        before: impl Fn(&Slot) -> Option<u32>,
        found: &mut impl FnMut(usize),
    ) {
        let mut next = last;
        while let Some(at) = next.and_then(|at| usize::try_from(at).ok()) {
            found(at);
            next = self.before.get(at).and_then(&before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_global;

    /// The same were put to `--print-startup-config` of 0.169.0, which refuses the first ones.
    #[test]
    fn patterns_for_every_host_are_known() {
        for text in ["*", "**.*", "* ", " *", "*:80", "**.*."] {
            assert!(is_global(text), "{text}");
        }
        for text in ["*.*", "**.**", "?", "*?", "**.?", "*.", "**", "***", "*.*.", "**.*a"] {
            assert!(!is_global(text), "{text}");
        }
    }
}
