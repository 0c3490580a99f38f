//! What two managed networks answer for hosts, compared over all hosts there are.
//!
//! Hosts are names (labels of one or more characters between dots, not all of them digits),
//! addresses of version 4, and addresses of version 6 without dots and without a zone. Names are walked label by label from the end, along
//! the names of both policies at once; what stands beside those names is one region for each, in
//! which only patterns with wildcards in the middle of a name tell hosts apart. These run along as
//! sets of places in their patterns, so a region is walked as far as anything differs in it. Every
//! name that policies list is put to both as a question.
//!
//! The verdict is exact, or there is none ([`Extent`]). Where a walk was given up, what entries can
//! do at all may still settle it: more of what is allowed never tightens, more of what is denied or
//! reviewed never loosens.

mod addresses;
mod globs;
mod like;
mod names;
mod six;

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::span::Span;

use crate::decide::domains::{DomainEntry, DomainRule, DomainVerdict, NetworkPolicy};

use super::commands::{Compared, Extent};

/// A host that is answered differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainWitness {
    /// The host.
    pub host: String,
    /// The answer for it before.
    pub before: DomainVerdict,
    /// The answer now.
    pub after: DomainVerdict,
    /// The entry that decided before.
    pub entry_before: Option<Span>,
    /// The entry that decides now.
    pub entry_after: Option<Span>,
}

/// How strict an answer is, loosest first: out of policy's reach, reached, asked about, not
/// reached. Why a host is not reached makes no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// There is no managed proxy.
    Unmanaged,
    /// The host is reached.
    Reached,
    /// Somebody is asked.
    Asked,
    /// It is not reached.
    Blocked,
}

impl Reach {
    /// How strict an answer is.
    pub fn of(verdict: DomainVerdict) -> Self {
        match verdict {
            DomainVerdict::Unmanaged => Self::Unmanaged,
            DomainVerdict::Allowed => Self::Reached,
            DomainVerdict::Review | DomainVerdict::Ask => Self::Asked,
            DomainVerdict::Denied | DomainVerdict::Local | DomainVerdict::Refused => Self::Blocked,
        }
    }
}

/// What a verdict means, in the present tense.
pub fn words(verdict: DomainVerdict) -> &'static str {
    match verdict {
        DomainVerdict::Unmanaged => "is beyond the policy: no managed network",
        DomainVerdict::Denied => "is denied",
        DomainVerdict::Local => "is refused as a local address",
        DomainVerdict::Refused => "is refused: not allowed",
        DomainVerdict::Review => "is reviewed",
        DomainVerdict::Ask => "is asked about",
        DomainVerdict::Allowed => "is allowed",
    }
}

/// What a verdict meant, in the past tense.
pub fn past(verdict: DomainVerdict) -> &'static str {
    match verdict {
        DomainVerdict::Unmanaged => "was beyond the policy: no managed network",
        DomainVerdict::Denied => "was denied",
        DomainVerdict::Local => "was refused as a local address",
        DomainVerdict::Refused => "was refused: not allowed",
        DomainVerdict::Review => "was reviewed",
        DomainVerdict::Ask => "was asked about",
        DomainVerdict::Allowed => "was allowed",
    }
}

/// Most steps of one comparison. Policies of 10,000 hosts need some ten thousand.
const STEPS: usize = 1 << 22;

/// What the entries of either side say, the strictest; nothing where none matches.
type Both = [Option<DomainRule>; 2];

/// The patterns of both sides as texts with `*` and `?`, with what either side says of them.
type Patterns = BTreeMap<Vec<u8>, Both>;

fn strictest(left: Both, right: Both) -> Both {
    let [one, two] = left;
    let [own, other] = right;
    [one.max(own), two.max(other)]
}

/// Compares the answers of two managed networks.
pub fn compare(from: &NetworkPolicy<'_>, to: &NetworkPolicy<'_>) -> Compared<DomainWitness> {
    compare_within(from, to, STEPS)
}

fn compare_within(
    from: &NetworkPolicy<'_>,
    to: &NetworkPolicy<'_>,
    limit: usize,
) -> Compared<DomainWitness> {
    let mut search = Search { sides: [from, to], found: Compared::EQUAL, steps: 0, limit };
    match (from.enabled == Some(true), to.enabled == Some(true)) {
        (false, false) => {}
        (true, true) => {
            names::walk(&mut search);
            addresses::walk(&mut search);
        }
        // Nothing is stricter than no proxy at all, and every host shows it.
        (true, false) | (false, true) => search.ask_one_of(&OTHERS),
    }
    if search.found.extent != Extent::Whole {
        let may = search.may_change(|_| true);
        search.settle(may);
    }
    search.found
}

/// Names that policies rarely list.
const OTHERS: [&str; 3] = ["other.example", "other.test", "other.invalid"];

/// Which directions are possible at all.
#[derive(Clone, Copy, Debug)]
struct May {
    tighten: Possible,
    loosen: Possible,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Possible {
    No,
    Yes,
}

impl Possible {
    fn when(condition: bool) -> Self {
        if condition { Self::Yes } else { Self::No }
    }
}

/// A comparison under way.
struct Search<'search, 'policy> {
    sides: [&'search NetworkPolicy<'policy>; 2],
    found: Compared<DomainWitness>,
    steps: usize,
    limit: usize,
}

impl Search<'_, '_> {
    /// Whether both directions are known: nothing more can be learnt.
    fn is_over(&self) -> bool {
        self.found.tighter.is_some() && self.found.looser.is_some()
    }

    /// Counts a step; false when there were too many.
    fn step(&mut self, cost: usize) -> bool {
        self.steps += cost;
        if self.steps > self.limit {
            self.found.extent = Extent::TooLarge;
        }
        self.found.extent == Extent::Whole
    }

    /// Whether a pair of answers shows a direction that is not known yet.
    fn is_news(&self, [before, after]: [DomainVerdict; 2]) -> bool {
        match Reach::of(before).cmp(&Reach::of(after)) {
            std::cmp::Ordering::Equal => false,
            std::cmp::Ordering::Less => self.found.tighter.is_none(),
            std::cmp::Ordering::Greater => self.found.looser.is_none(),
        }
    }

    /// Puts a host to both sides and keeps what it shows.
    fn ask(&mut self, host: &str) -> [DomainVerdict; 2] {
        let [before, after] = self.sides.map(|side| {
            let answer = side.decide(host);
            (answer.verdict, answer.matches.first().map(|entry| entry.span))
        });
        let verdicts = [before.0, after.0];
        if self.is_news(verdicts) {
            let tighter = Reach::of(before.0) < Reach::of(after.0);
            let witness = DomainWitness {
                host: host.to_owned(),
                before: before.0,
                after: after.0,
                entry_before: before.1,
                entry_after: after.1,
            };
            let place = if tighter { &mut self.found.tighter } else { &mut self.found.looser };
            *place = Some(witness);
        }
        verdicts
    }

    /// Puts hosts to both sides until one shows something.
    fn ask_one_of(&mut self, hosts: &[&str]) {
        for host in hosts {
            let [before, after] = self.ask(host);
            if Reach::of(before) != Reach::of(after) {
                return;
            }
        }
    }

    /// Puts a host to both sides that a walk found to be answered in this way.
    fn expect(&mut self, host: &str, expected: [DomainVerdict; 2]) {
        // The decision itself has the last word: a walk that errs proves nothing.
        if self.is_news(expected) && self.ask(host) != expected {
            self.found.extent = Extent::TooLarge;
        }
    }

    /// Whether both sides treat what no entry matches in the same way.
    fn has_equal_flags(&self) -> bool {
        let [from, to] = self.sides;
        from.managed_only == to.managed_only && from.local_binding == to.local_binding
    }

    /// The patterns with wildcards, or with names below, that are wanted.
    fn patterns(&self, wanted: impl Fn(&DomainEntry<'_>) -> bool) -> Patterns {
        let mut patterns = Patterns::new();
        for (at, side) in self.sides.iter().enumerate() {
            for entry in side.entries().iter().filter(|entry| wanted(entry)) {
                for glob in entry.pattern.globs() {
                    let both = patterns.entry(glob.as_bytes().to_vec()).or_default();
                    if let Some(own) = both.get_mut(at) {
                        *own = (*own).max(Some(entry.rule));
                    }
                }
            }
        }
        patterns
    }

    /// What the wanted entries and the switches can do at all.
    fn may_change(&self, wanted: impl Fn(&DomainEntry<'_>) -> bool) -> May {
        use DomainRule::{Allow, Deny, Review};
        let [from, to] = self.sides;
        let of = |side: &NetworkPolicy<'_>, rule: DomainRule| -> BTreeSet<Vec<u8>> {
            let entries = side.entries().iter().filter(|entry| entry.rule == rule && wanted(entry));
            entries
                .flat_map(|entry| entry.pattern.globs().map(|glob| glob.as_bytes().to_vec()))
                .collect()
        };
        let grows = |rule: DomainRule| !of(to, rule).is_subset(&of(from, rule));
        let shrinks = |rule: DomainRule| !of(from, rule).is_subset(&of(to, rule));
        let off = |before: bool, after: bool| before && !after;
        let tighten = shrinks(Allow)
            || grows(Review)
            || grows(Deny)
            || off(to.managed_only, from.managed_only)
            || off(from.local_binding, to.local_binding);
        let loosen = grows(Allow)
            || shrinks(Review)
            || shrinks(Deny)
            || off(from.managed_only, to.managed_only)
            || off(to.local_binding, from.local_binding);
        May { tighten: Possible::when(tighten), loosen: Possible::when(loosen) }
    }

    /// Takes a direction that is not possible, or that is known, for decided.
    fn settle(&mut self, may: May) {
        let known = |possible: Possible, witness: &Option<DomainWitness>| {
            possible == Possible::No || witness.is_some()
        };
        let decided =
            known(may.tighten, &self.found.tighter) && known(may.loosen, &self.found.looser);
        if decided {
            self.found.extent = Extent::Whole;
        }
    }
}

#[cfg(test)]
mod tests;
