//! Domains that others cover.
//!
//! An entry goes when another one matches all of its hosts and is at least as strict; of entries
//! that say the same, the one that comes first by its text stays. This order has no circles, so
//! whatever goes is covered by something that stays, in whatever order the entries were written.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use codex_schema::path::dotted;
use codex_schema::value::{Table, Value};

use super::{Reason, Removed, remove_elements, value_mut};
use crate::decide::Map;
use crate::decide::domains::pattern::{Pattern, Shape};
use crate::decide::domains::{self, DomainEntry, DomainRule, Index, LISTS};

/// Most patterns with a wildcard inside a name that may stand below the same labels and still be
/// compared with others: comparing all with all takes the square of their number. Where there are
/// more, none of them is taken to cover anything, whatever the order.
const MOST_COMPARED: usize = 256;

/// Removes domains that make no difference.
pub(super) fn simplify(requirements: &mut Table, removed: &mut Vec<Removed>) {
    let Some((path, network)) = domains::table(requirements) else { return };
    let entries = domains::entries(network);
    let mut gone: Vec<(&'static str, usize)> = Vec::new();
    let mut keys = BTreeSet::new();
    for (at, reason) in redundant(&entries) {
        let Some(entry) = entries.get(at) else { continue };
        if entry.list == "domains" {
            keys.insert(entry.text.to_owned());
        } else {
            gone.push((entry.list, entry.position));
        }
        let path = [&dotted(path), ".", entry.list].concat();
        removed.push(Removed { path, span: entry.span, reason });
    }
    gone.sort_unstable();
    take_out(requirements, path, &gone, &keys);
}

/// Removes entries, given as list and position in ascending order, and keys of the map.
fn take_out(
    requirements: &mut Table,
    path: &[&str],
    gone: &[(&'static str, usize)],
    keys: &BTreeSet<String>,
) {
    for (list, _) in LISTS {
        let path: Vec<&str> = path.iter().copied().chain([list]).collect();
        let of_list = gone.iter().filter(|(of, _)| *of == list);
        let positions: Vec<usize> = of_list.map(|(_, position)| *position).collect();
        remove_elements(requirements, &path, &positions);
    }
    if keys.is_empty() {
        return;
    }
    let path: Vec<&str> = path.iter().copied().chain(["domains"]).collect();
    if let Some(Value::Table(map)) = value_mut(requirements, &path) {
        map.retain(|entry| !keys.contains(&*entry.key.value));
    }
}

/// The entries and how to find those that may cover others.
struct All<'all, 'policy> {
    entries: &'all [DomainEntry<'policy>],
    index: Index<'policy>,
}

impl<'all, 'policy> All<'all, 'policy> {
    /// Calls back with every entry that could cover a pattern.
    fn candidates(
        &self,
        pattern: &Pattern<'_>,
        found: &mut impl FnMut(usize, &'all DomainEntry<'policy>),
    ) {
        self.index.candidates(pattern.tail(), &mut |at| {
            if let Some(entry) = self.entries.get(at) {
                found(at, entry);
            }
        });
    }
}

/// Labels below which too many patterns have wildcards inside a name.
fn crowded<'all>(entries: &'all [DomainEntry<'_>]) -> BTreeSet<&'all str> {
    let mut by_tail: Map<&str, BTreeSet<&Pattern<'_>>> = Map::default();
    for entry in entries.iter().filter(|entry| entry.pattern.is_wild()) {
        by_tail.entry(entry.pattern.tail()).or_default().insert(&entry.pattern);
    }
    by_tail.retain(|_, patterns| patterns.len() > MOST_COMPARED);
    by_tail.into_keys().collect()
}

/// The entries that make no difference, with the reasons.
fn redundant(entries: &[DomainEntry<'_>]) -> Vec<(usize, Reason)> {
    let crowded = crowded(entries);
    let index = Index::of(entries, |entry| {
        !(entry.pattern.is_wild() && crowded.contains(entry.pattern.tail()))
    });
    let all = &All { entries, index };
    let mut stays = vec![true; entries.len()];
    let mut gone: Vec<(usize, Reason)> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(cover) = cover(all, at, entry) {
            gone.push((at, reason(entry, cover)));
            set(&mut stays, at, false);
        }
    }
    // `**.x` is two patterns in one: two others may cover it together. Neither of the two can go
    // for this reason itself, because one that matches `x` and names below would do alone.
    for (at, entry) in entries.iter().enumerate() {
        if stays.get(at) == Some(&true)
            && let Some((name, below)) = covers_in_parts(all, entry)
        {
            let mut by = vec![name.span, below.span];
            by.sort();
            gone.push((at, Reason::Shadowed { by }));
            set(&mut stays, at, false);
        }
    }
    keep_one(entries, &mut gone, DomainRule::Allow);
    keep_one(entries, &mut gone, DomainRule::Review);
    gone
}

fn set(flags: &mut [bool], at: usize, value: bool) {
    if let Some(flag) = flags.get_mut(at) {
        *flag = value;
    }
}

fn reason(entry: &DomainEntry<'_>, cover: &DomainEntry<'_>) -> Reason {
    let same = entry.rule == cover.rule && entry.pattern == cover.pattern;
    if same {
        Reason::Duplicate { of: cover.span }
    } else {
        Reason::Shadowed { by: vec![cover.span] }
    }
}

/// An entry that makes another one superfluous; of several the strictest and widest, so that the
/// reason does not depend on the order either.
fn cover<'all, 'policy>(
    all: &All<'all, 'policy>,
    at: usize,
    entry: &DomainEntry<'policy>,
) -> Option<&'all DomainEntry<'policy>> {
    let mut best: Option<(usize, &DomainEntry<'_>)> = None;
    all.candidates(&entry.pattern, &mut |other, candidate| {
        if other == at
            || candidate.rule < entry.rule
            || !may_replace(candidate, entry)
            || !candidate.pattern.contains(&entry.pattern)
        {
            return;
        }
        // Two that say the same would each remove the other.
        if candidate.rule == entry.rule
            && entry.pattern.contains(&candidate.pattern)
            && by_text((other, candidate), (at, entry)) == Ordering::Greater
        {
            return;
        }
        let better = best.is_none_or(|best| preferred((other, candidate), best));
        if better {
            best = Some((other, candidate));
        }
    });
    best.map(|(_, entry)| entry)
}

/// Whether one entry can stand for another one that it covers.
fn may_replace(candidate: &DomainEntry<'_>, entry: &DomainEntry<'_>) -> bool {
    // A local address is reached only if this very address is listed as allowed; and only a denial
    // comes before that question.
    let opens_local = entry.rule == DomainRule::Allow
        && entry.pattern.shape == Shape::Exact
        && domains::is_literal(&entry.pattern.name);
    !opens_local
        || candidate.rule == DomainRule::Deny
        || (candidate.rule == DomainRule::Allow && candidate.pattern == entry.pattern)
}

/// The order of entries that say the same: by normal form, then as written, then by place.
fn by_text(left: (usize, &DomainEntry<'_>), right: (usize, &DomainEntry<'_>)) -> Ordering {
    let key = |(at, entry): (usize, &DomainEntry<'_>)| (entry.list, entry.position, at);
    let texts = left.1.pattern.cmp(&right.1.pattern).then(left.1.text.cmp(right.1.text));
    texts.then_with(|| key(left).cmp(&key(right)))
}

fn preferred(left: (usize, &DomainEntry<'_>), right: (usize, &DomainEntry<'_>)) -> bool {
    let length = |entry: &DomainEntry<'_>| entry.pattern.name.len();
    let order = right.1.rule.cmp(&left.1.rule).then(length(left.1).cmp(&length(right.1)));
    order.then_with(|| by_text(left, right)) == Ordering::Less
}

/// The two entries that together cover a name and everything below it.
fn covers_in_parts<'all, 'policy>(
    all: &All<'all, 'policy>,
    entry: &DomainEntry<'policy>,
) -> Option<(&'all DomainEntry<'policy>, &'all DomainEntry<'policy>)> {
    if entry.pattern.shape != Shape::AtOrBelow {
        return None;
    }
    let part = |shape| {
        let pattern = Pattern::of(shape, entry.pattern.name.clone());
        let mut best: Option<(usize, &DomainEntry<'_>)> = None;
        all.candidates(&pattern, &mut |other, candidate| {
            if candidate.rule <= entry.rule || !candidate.pattern.contains(&pattern) {
                return;
            }
            if best.is_none_or(|best| preferred((other, candidate), best)) {
                best = Some((other, candidate));
            }
        });
        best.map(|(_, entry)| entry)
    };
    Some((part(Shape::Exact)?, part(Shape::Below)?))
}

/// A list of allowances or reviews that becomes empty is to Codex no list: one entry stays.
fn keep_one(entries: &[DomainEntry<'_>], gone: &mut Vec<(usize, Reason)>, rule: DomainRule) {
    let of_rule = entries.iter().filter(|entry| entry.rule == rule).count();
    let mut removed: Vec<(usize, &DomainEntry<'_>)> = gone
        .iter()
        .filter_map(|(at, _)| Some((*at, entries.get(*at)?)))
        .filter(|(_, entry)| entry.rule == rule)
        .collect();
    if of_rule == 0 || removed.len() < of_rule {
        return;
    }
    removed.sort_by(|left, right| by_text(*left, *right));
    if let Some((kept, _)) = removed.first() {
        let kept = *kept;
        gone.retain(|(at, _)| *at != kept);
    }
}
