//! Addresses of version 6 in all their spellings without dots, along patterns with wildcards.

use std::collections::{BTreeSet, VecDeque};

use super::addresses::unlisted;
use super::globs::{Globs, Places, Reading};
use super::like::Like;
use super::{Extent, Patterns, Search};
use crate::decide::Set;
use crate::decide::domains::DomainVerdict;

/// An address that is read.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Address {
    places: Places,
    /// The listed addresses that begin like it.
    known: Option<Like>,
    /// How many groups were begun.
    groups: u8,
    /// How many digits the present group has.
    digits: u8,
    /// How many colons were read last, one after the other.
    colons: u8,
    /// Whether two of them stand for groups of zeros.
    gap: Gap,
    lead: Lead,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Gap {
    None,
    Some,
}

/// What the first group says of the address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Lead {
    /// Zeros only: it may be an address of version 4 in disguise.
    Zero,
    /// Public, whatever follows.
    Public,
    /// `f`.
    F,
    /// `fe`.
    Fe,
    /// `fc`, `fd`, `ff` or `fe8` to `feb`: local if the group has four digits.
    Local,
}

impl Lead {
    fn with(self, digits: u8, byte: u8) -> Self {
        match (self, digits, byte) {
            (Self::Zero, _, b'0') => Self::Zero,
            (Self::Zero, 0, b'f') => Self::F,
            (Self::F, 1, b'c' | b'd' | b'f') => Self::Local,
            (Self::F, 1, b'e') => Self::Fe,
            (Self::Fe, 2, b'8'..=b'9' | b'a'..=b'b') => Self::Local,
            (Self::Local, _, _) => Self::Local,
            (Self::Zero | Self::Public | Self::F | Self::Fe, _, _) => Self::Public,
        }
    }

    /// What is known when the first group ends.
    fn closed(self, digits: u8) -> Self {
        match self {
            Self::Zero => Self::Zero,
            Self::Local if digits == 4 => Self::Local,
            Self::Local | Self::Public | Self::F | Self::Fe => Self::Public,
        }
    }
}

/// Most groups of an address.
const GROUPS: u8 = 8;

impl Address {
    fn step(&self, byte: u8, globs: &Globs, listed: &[&[u8]]) -> Option<Self> {
        let mut next = self.clone();
        if byte == b':' {
            match (self.colons, self.gap, self.groups) {
                (0, _, groups) if groups < GROUPS => {
                    if groups == 1 {
                        next.lead = self.lead.closed(self.digits);
                    }
                    next.digits = 0;
                }
                (1, Gap::None, _) => next.gap = Gap::Some,
                _ => return None,
            }
            next.colons += 1;
        } else {
            // One colon alone cannot begin an address.
            let most = GROUPS - u8::from(self.gap == Gap::Some);
            let begins = self.digits == 0;
            if self.digits == 4
                || (begins && self.groups == most)
                || (self.groups == 0 && self.colons == 1)
            {
                return None;
            }
            if self.gap == Gap::None && (self.groups == 0 || (self.groups == 1 && !begins)) {
                next.lead = self.lead.with(self.digits, byte);
            }
            next.groups += u8::from(begins);
            next.digits += 1;
            next.colons = 0;
        }
        next.places = globs.step(&self.places, byte);
        next.known = self.known.and_then(|known| known.step(byte, listed));
        Some(next)
    }

    fn is_complete(&self, listed: &[&[u8]]) -> bool {
        let whole = match self.gap {
            Gap::None => self.groups == GROUPS && self.colons == 0,
            Gap::Some => self.colons != 1,
        };
        whole && !self.known.is_some_and(|known| known.is_whole(listed))
    }
}

/// Compares the answers for addresses that no entry names.
pub(super) fn walk(search: &mut Search<'_, '_>, patterns: &Patterns, listed: &BTreeSet<String>) {
    let listed: Vec<&[u8]> = listed.iter().map(String::as_bytes).collect();
    let globs = Globs::of(patterns, Reading::Forward);
    let begin = Address {
        places: globs.start(),
        known: Some(Like::all(&listed)),
        groups: 0,
        digits: 0,
        colons: 0,
        gap: Gap::None,
        lead: Lead::Zero,
    };
    let mut seen: Set<Address> = Set::default();
    let mut waiting = VecDeque::from([(begin, String::new())]);
    let mut doubts: BTreeSet<String> = BTreeSet::new();
    let mut doubtful: Vec<[DomainVerdict; 2]> = Vec::new();
    while let Some((here, text)) = waiting.pop_front() {
        if search.is_over() || !search.step(1 + here.places.len()) {
            return;
        }
        for byte in *b"123456789abcdef0:" {
            let Some(next) = here.step(byte, &globs, &listed) else { continue };
            if !seen.insert(next.clone()) {
                continue;
            }
            let text = format!("{text}{}", char::from(byte));
            if next.is_complete(&listed) {
                doubtful.extend(look(search, &globs, &next, &text, &mut doubts));
            }
            if !(search.has_equal_flags() && globs.are_equal(&next.places)) {
                waiting.push_back((next, text));
            }
        }
    }
    if doubtful.into_iter().any(|verdicts| search.is_news(verdicts)) {
        search.found.extent = search.found.extent.max(Extent::Addresses);
    }
}

/// Most addresses that are asked about because their first groups are zeros.
const DOUBTS: usize = 10_000;

/// Looks at an address; gives back what it would show if it were public, where it is not known to
/// be, and shows nothing itself.
fn look(
    search: &mut Search<'_, '_>,
    globs: &Globs,
    address: &Address,
    text: &str,
    doubts: &mut BTreeSet<String>,
) -> Option<[DomainVerdict; 2]> {
    let [from, to] = globs.says(&address.places);
    let [before, after] = search.sides;
    let answers = |is_local| [unlisted(before, from, is_local), unlisted(after, to, is_local)];
    // The first group of a whole address has ended.
    match address.lead.closed(4) {
        Lead::Public | Lead::F | Lead::Fe => search.expect(text, answers(false)),
        Lead::Local => search.expect(text, answers(true)),
        Lead::Zero => {
            let open = [answers(false), answers(true)];
            let news = open.into_iter().find(|answer| search.is_news(*answer))?;
            if doubts.len() < DOUBTS && doubts.insert(text.to_owned()) {
                search.ask(text);
            }
            return Some(news).filter(|news| search.is_news(*news));
        }
    }
    None
}
