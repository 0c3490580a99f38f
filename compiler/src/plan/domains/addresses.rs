//! Hosts that are addresses. Those that policies list were put to both with the names; here are all
//! others, which only patterns with wildcards or names below tell apart.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use super::globs::{Globs, Places, Reading};
use super::like::Like;
use super::{Patterns, Search};
use crate::decide::Set;
use crate::decide::domains::pattern::Shape;
use crate::decide::domains::{
    DomainEntry, DomainRule, DomainVerdict, NetworkPolicy, Within, within,
};

/// Compares the answers for addresses.
pub(super) fn walk(search: &mut Search<'_, '_>) {
    if search.is_over() {
        return;
    }
    let listed = listed(search.sides);
    four(search, &listed);
    if !search.is_over() {
        six(search, &listed);
    }
}

/// The addresses that entries name.
fn listed(sides: [&NetworkPolicy<'_>; 2]) -> BTreeSet<String> {
    let names = sides.into_iter().flat_map(NetworkPolicy::entries);
    let names = names.filter(|entry| entry.pattern.shape == Shape::Exact);
    let names = names.map(|entry| entry.pattern.name.to_string());
    names.filter(|name| name.parse::<IpAddr>().is_ok()).collect()
}

/// Whether an entry has a pattern with room for such an address.
fn has_room(entry: &DomainEntry<'_>, is_part: fn(u8) -> bool) -> bool {
    let open = entry.pattern.is_wild() || entry.pattern.shape != Shape::Exact;
    open && entry.pattern.name.bytes().all(|byte| matches!(byte, b'*' | b'?') || is_part(byte))
}

fn has_room_for_four(entry: &DomainEntry<'_>) -> bool {
    has_room(entry, |byte| byte.is_ascii_digit() || byte == b'.')
}

fn has_room_for_six(entry: &DomainEntry<'_>) -> bool {
    // What is below a name has a dot.
    let whole = entry.pattern.shape != Shape::Below;
    whole && has_room(entry, |byte| byte.is_ascii_hexdigit() || byte == b':')
}

/// Whether both sides say the same of all such addresses that no entry names.
fn is_equal(search: &Search<'_, '_>, patterns: &Patterns) -> bool {
    search.has_equal_flags() && patterns.values().all(|[from, to]| from == to)
}

/// Asks about the first of some hosts that no entry names.
fn ask_unlisted(
    search: &mut Search<'_, '_>,
    listed: &BTreeSet<String>,
    host: impl Fn(u32) -> String,
) {
    let host = (1..=u32::MAX).map(host).find(|host| !listed.contains(host));
    host.into_iter().for_each(|host| {
        search.ask(&host);
    });
}

/// Addresses of version 6.
fn six(search: &mut Search<'_, '_>, listed: &BTreeSet<String>) {
    let patterns = search.patterns(has_room_for_six);
    if is_equal(search, &patterns) {
        return;
    }
    ask_unlisted(search, listed, |number| format!("2606:4700::{number:x}"));
    ask_unlisted(search, listed, |number| format!("fd00::{number:x}"));
    if patterns.keys().any(|text| text.iter().any(|byte| *byte != b'*')) {
        super::six::walk(search, &patterns, listed);
    }
}

/// Addresses of version 4.
fn four(search: &mut Search<'_, '_>, listed: &BTreeSet<String>) {
    let patterns = search.patterns(has_room_for_four);
    if is_equal(search, &patterns) {
        return;
    }
    if patterns.is_empty() {
        ask_unlisted(search, listed, |number| {
            let [_, high, middle, low] = number.to_be_bytes();
            format!("8.{high}.{middle}.{low}")
        });
        ask_unlisted(search, listed, |number| {
            let [_, high, middle, low] = number.to_be_bytes();
            format!("10.{high}.{middle}.{low}")
        });
        return;
    }
    let listed: Vec<&[u8]> = listed.iter().map(String::as_bytes).collect();
    let globs = Globs::of(&patterns, Reading::Forward);
    let begin = Address {
        places: globs.start(),
        known: Some(Like::all(&listed)),
        part: 0,
        number: None,
        local: Locality::Open(Vec::new()),
    };
    let mut seen: Set<Address> = Set::default();
    let mut waiting = VecDeque::from([(begin, String::new())]);
    while let Some((here, text)) = waiting.pop_front() {
        if search.is_over() || !search.step(1 + here.places.len()) {
            return;
        }
        for sign in "0123456789.".chars() {
            let Some(next) = here.step(sign, &globs, &listed) else { continue };
            if !seen.insert(next.clone()) {
                continue;
            }
            let text = format!("{text}{sign}");
            if let Some(verdicts) = next.verdicts(search.sides, &globs, &listed) {
                search.expect(&text, verdicts);
            }
            if !(search.has_equal_flags() && globs.are_equal(&next.places)) {
                waiting.push_back((next, text));
            }
        }
    }
}

/// An address that is read.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Address {
    places: Places,
    /// The listed addresses that begin like it.
    known: Option<Like>,
    /// How many of its four numbers are complete.
    part: u8,
    /// The number that is read.
    number: Option<u8>,
    local: Locality,
}

/// Whether it is local, as far as its complete numbers tell.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Locality {
    Local,
    Public,
    /// It depends on what follows these numbers.
    Open(Vec<u8>),
}

impl Locality {
    fn with(&self, number: u8) -> Self {
        let Self::Open(numbers) = self else { return self.clone() };
        let mut numbers = numbers.clone();
        numbers.push(number);
        match within(&numbers) {
            Within::All => Self::Local,
            Within::None => Self::Public,
            Within::Some => Self::Open(numbers),
        }
    }
}

impl Address {
    fn step(&self, sign: char, globs: &Globs, listed: &[&[u8]]) -> Option<Self> {
        let byte = u8::try_from(sign).ok()?;
        let mut next = Self {
            places: globs.step(&self.places, byte),
            known: self.known.and_then(|known| known.step(byte, listed)),
            ..self.clone()
        };
        match (sign.to_digit(10), self.number) {
            (None, Some(number)) if self.part < 3 => {
                next.part += 1;
                next.number = None;
                next.local = self.local.with(number);
            }
            (Some(digit), None) => next.number = u8::try_from(digit).ok(),
            // No number begins with a zero, or is larger than a byte.
            (Some(digit), Some(number)) if number > 0 => {
                next.number = Some(number.checked_mul(10)?.checked_add(u8::try_from(digit).ok()?)?);
            }
            _ => return None,
        }
        Some(next)
    }

    /// The answers for the address, if it is complete and no entry names it.
    fn verdicts(
        &self,
        sides: [&NetworkPolicy<'_>; 2],
        globs: &Globs,
        listed: &[&[u8]],
    ) -> Option<[DomainVerdict; 2]> {
        let number = self.number.filter(|_| self.part == 3)?;
        if self.known.is_some_and(|known| known.is_whole(listed)) {
            return None;
        }
        let is_local = self.local.with(number) == Locality::Local;
        let [from, to] = globs.says(&self.places);
        let [before, after] = sides;
        Some([unlisted(before, from, is_local), unlisted(after, to, is_local)])
    }
}

/// The answer for an address that no entry names.
pub(super) fn unlisted(
    side: &NetworkPolicy<'_>,
    said: Option<DomainRule>,
    is_local: bool,
) -> DomainVerdict {
    let kept = said != Some(DomainRule::Deny) && is_local && !side.local_binding;
    if kept { DomainVerdict::Local } else { side.answer_of(said) }
}
