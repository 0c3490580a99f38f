//! Patterns of hosts, as the managed proxy of 0.169.0 reads them (measured).
//!
//! A pattern is held against the whole name. `*` stands for any characters, dots too, and `?` for
//! one. At the beginning `*.x` means everything below `x`, and `**.x` means `x` as well. Letters
//! are compared without case; dots at the end, spaces around and a port do not count.

use std::borrow::Cow;
use std::net::IpAddr;

/// A pattern in its normal form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pattern<'policy> {
    pub(crate) shape: Shape,
    /// The name without the prefix that `shape` tells.
    pub(crate) name: Cow<'policy, str>,
    /// Whether the name has wildcards of its own.
    wild: bool,
}

/// What a pattern says about its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Shape {
    /// `x`: the name itself.
    Exact,
    /// `**.x`: the name and everything below.
    AtOrBelow,
    /// `*.x`: everything below the name.
    Below,
}

impl<'policy> Pattern<'policy> {
    /// Reads a pattern; `None` for one that stops Codex's sessions.
    pub(crate) fn parse(text: &'policy str) -> Option<Self> {
        let text = text.trim();
        let (shape, rest) = if let Some(rest) = text.strip_prefix("**.") {
            (Shape::AtOrBelow, rest)
        } else if let Some(rest) = text.strip_prefix("*.") {
            (Shape::Below, rest)
        } else {
            (Shape::Exact, text)
        };
        if let Some(wild) = ordinary(rest) {
            return (!rest.is_empty()).then_some(Self { shape, name: Cow::Borrowed(rest), wild });
        }
        let name = unusual_name(rest)?;
        (!name.is_empty()).then(|| Self::of(shape, name))
    }

    /// The pattern of a name in its normal form.
    pub(crate) fn of(shape: Shape, name: Cow<'policy, str>) -> Self {
        let wild = name.bytes().any(|byte| matches!(byte, b'*' | b'?'));
        Self { shape, name, wild }
    }

    /// Whether the name has wildcards of its own.
    pub(crate) fn is_wild(&self) -> bool {
        self.wild
    }

    /// The labels at the end that every host of this pattern has below itself: the name, or what
    /// follows the label with the last wildcard.
    pub(crate) fn tail(&self) -> &str {
        let last = if self.wild { self.name.rfind(['*', '?']) } else { None };
        let Some(last) = last else { return &self.name };
        let after = self.name.get(last..).unwrap_or_default();
        after.split_once('.').map_or("", |(_, tail)| tail)
    }

    /// Whether a host in its normal form matches.
    pub(crate) fn matches(&self, host: &str) -> bool {
        self.globs().any(|glob| glob_matches(glob.as_bytes(), host.as_bytes()))
    }

    /// Whether every host that `other` matches is matched by this one. `false` may also mean that
    /// the patterns are too long to tell.
    pub(crate) fn contains(&self, other: &Pattern<'_>) -> bool {
        if !self.wild
            && let Some(answer) = self.contains_by_tail(other)
        {
            return answer;
        }
        // All hosts of this pattern end with its tail; those of the other one must, too.
        let common = other.tail().strip_suffix(self.tail());
        if common
            .is_none_or(|head| !(head.is_empty() || self.tail().is_empty() || head.ends_with('.')))
        {
            return false;
        }
        other.globs().all(|inner| {
            if !inner.contains(['*', '?']) {
                return self.matches(&inner);
            }
            self.globs().any(|outer| glob_contains(outer.as_bytes(), inner.as_bytes()))
        })
    }

    /// [`Pattern::contains`] of a name without wildcards, by comparing ends; `None` where that does
    /// not tell.
    fn contains_by_tail(&self, other: &Pattern<'_>) -> Option<bool> {
        let longer = other.name.len().saturating_sub(self.name.len());
        let (head, tail) = other.name.split_at_checked(longer).unwrap_or_default();
        if tail != self.name || other.tail().len() < tail.len() {
            return Some(false);
        }
        match (self.shape, head) {
            (Shape::Exact, "") => Some(other.shape == Shape::Exact),
            (Shape::Below, "") => Some(other.shape == Shape::Below),
            (Shape::AtOrBelow, "") => Some(true),
            (Shape::Exact, _) => Some(false),
            // Nothing at all may stand for the star.
            (_, "." | "*.") => None,
            (_, head) => Some(head.ends_with('.')),
        }
    }

    /// The plain patterns that this one stands for.
    pub(crate) fn globs(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let below = || Cow::Owned(["?*.", &self.name].concat());
        let itself = || Cow::Borrowed(&*self.name);
        let (first, second) = match self.shape {
            Shape::Exact => (itself(), None),
            Shape::Below => (below(), None),
            Shape::AtOrBelow => (itself(), Some(below())),
        };
        std::iter::once(first).chain(second)
    }
}

/// Whether a name that needs no second look, since it is in normal form and has nothing that Codex
/// refuses, has wildcards; `None` of any other one. Every name is looked at several times.
pub(crate) fn ordinary(name: &str) -> Option<bool> {
    let (mut wild, mut strange, mut stars) = (false, false, false);
    let mut before = b'.';
    for byte in name.bytes() {
        strange |= !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'?');
        wild |= matches!(byte, b'*' | b'?');
        stars |= byte == b'*' && before == b'*';
        before = byte;
    }
    (!strange && !stars && before != b'.').then_some(wild)
}

/// The normal form of a name that is not ordinary; `None` where Codex refuses it.
fn unusual_name(name: &str) -> Option<Cow<'_, str>> {
    let strange = |letter: char| letter.is_whitespace() || matches!(letter, '/' | '\\' | '{' | '}');
    if name.contains(strange) || name.contains("**") {
        return None;
    }
    let name = normal_host(name);
    (!name.contains(['[', ']'])).then_some(name)
}

/// A host as the proxy compares it: lower case, without spaces, port, brackets and final dots.
pub fn normal_host(host: &str) -> Cow<'_, str> {
    if ordinary(host).is_some() {
        return Cow::Borrowed(host);
    }
    let host = host.trim();
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let host = match bracketed {
        Some((inside, _)) if inside.parse::<IpAddr>().is_ok() => inside,
        _ if host.bytes().filter(|byte| *byte == b':').count() == 1 => {
            host.split(':').next().unwrap_or_default()
        }
        _ => host,
    };
    let host = host.trim_end_matches('.');
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(host.to_ascii_lowercase());
    }
    Cow::Borrowed(host)
}

/// Whether a text matches a pattern of `*` and `?`.
fn glob_matches(glob: &[u8], text: &[u8]) -> bool {
    let (mut at, mut here) = (0, 0);
    // Where to go on when the last star has to take one more letter.
    let mut retry: Option<(usize, usize)> = None;
    while here < text.len() {
        match glob.get(at) {
            Some(b'*') => {
                retry = Some((at, here));
                at += 1;
            }
            Some(letter) if *letter == b'?' || Some(letter) == text.get(here) => {
                at += 1;
                here += 1;
            }
            _ => {
                let Some((star, taken)) = retry else { return false };
                retry = Some((star, taken + 1));
                (at, here) = (star + 1, taken + 1);
            }
        }
    }
    glob.iter().skip(at).all(|letter| *letter == b'*')
}

/// Most states that one comparison looks at: ordinary patterns need a few dozen.
const STATES: usize = 4096;

/// Whether all texts of `inner` are texts of `outer`: both are walked at once, the outer one as the
/// set of places in which it can be.
fn glob_contains(outer: &[u8], inner: &[u8]) -> bool {
    if outer.len() > 126 {
        return false;
    }
    // A letter that the outer pattern does not name stands for all of those.
    let mut letters: Vec<u8> =
        outer.iter().copied().filter(|byte| !matches!(byte, b'*' | b'?')).collect();
    letters.push(0);
    letters.sort_unstable();
    letters.dedup();
    let accepting = 1_u128 << outer.len();
    let mut waiting = vec![(0_usize, closed(outer, 1))];
    let mut seen = std::collections::BTreeSet::from_iter(waiting.clone());
    while let Some((at, places)) = waiting.pop() {
        if seen.len() > STATES {
            return false;
        }
        let mut reach = |at: usize, places: u128| {
            if seen.insert((at, places)) {
                waiting.push((at, places));
            }
        };
        match inner.get(at) {
            None if places & accepting == 0 => return false,
            None => {}
            Some(b'*') => {
                reach(at + 1, places);
                letters.iter().for_each(|letter| reach(at, stepped(outer, places, *letter)));
            }
            Some(b'?') => {
                letters.iter().for_each(|letter| reach(at + 1, stepped(outer, places, *letter)));
            }
            Some(letter) => reach(at + 1, stepped(outer, places, *letter)),
        }
    }
    true
}

/// The places reached without a letter: a star may stand for nothing.
fn closed(glob: &[u8], mut places: u128) -> u128 {
    for (at, letter) in glob.iter().enumerate() {
        if *letter == b'*' && places & (1 << at) != 0 {
            places |= 1 << (at + 1);
        }
    }
    places
}

/// The places reached by a letter.
fn stepped(glob: &[u8], places: u128, letter: u8) -> u128 {
    let mut next = 0;
    for (at, own) in glob.iter().enumerate().filter(|(at, _)| places & (1 << at) != 0) {
        match own {
            b'*' => next |= 1 << at,
            b'?' => next |= 1 << (at + 1),
            own if *own == letter => next |= 1 << (at + 1),
            _ => {}
        }
    }
    closed(glob, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern<'_> {
        Pattern::parse(text).unwrap()
    }

    /// The same cases were put to the proxy of 0.169.0; `agreement` repeats them there.
    #[test]
    fn hosts_match_as_the_proxy_matches_them() {
        for (text, host, expected) in [
            ("Ex.Example.", "ex.example", true),
            ("ex.example", "y.ex.example", false),
            ("*.sub.example", "sub.example", false),
            ("*.sub.example", "a.b.sub.example", true),
            ("**.both.example", "both.example", true),
            ("**.both.example", "c.both.example", true),
            ("mid*.glob.example", "mid.a.glob.example", true),
            ("mid*.glob.example", "a.mid.glob.example", false),
            ("q?.glob.example", "q.glob.example", false),
            ("*.wport.example:80", "z.wport.example", true),
            ("a.*.inner.example", "a.b.c.inner.example", true),
            ("*end.example", "a.send.example", true),
            ("*.*.two.example", "x.two.example", false),
            ("*.*.two.example", "a.x.two.example", true),
            ("*.*", "x", false),
            ("[::1]", "::1", true),
            (" sp.example.. ", "sp.example", true),
        ] {
            assert_eq!(pattern(text).matches(&normal_host(host)), expected, "{text} {host}");
        }
        for text in ["**", "a**.x", "*.**.x", "*.", "[ab].x", "{a,b}.x", "http://x", "*. x", ""] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
    }

    /// Containment against its definition, over all short texts of a small alphabet.
    #[test]
    fn containment_means_what_it_says() {
        let letters = [b'a', b'.', b'*', b'?'];
        let texts = |letters: &[u8], longest: usize| {
            let mut all: Vec<Vec<u8>> = vec![Vec::new()];
            let mut last = all.clone();
            for _ in 0..longest {
                let grown = |text: &Vec<u8>| {
                    letters
                        .iter()
                        .map(|letter| [text.as_slice(), &[*letter]].concat())
                        .collect::<Vec<_>>()
                };
                last = last.iter().flat_map(grown).collect();
                all.extend(last.clone());
            }
            all
        };
        let globs = texts(&letters, 3);
        let words = texts(b"ab.", 5);
        let accepts: Vec<Vec<bool>> = globs
            .iter()
            .map(|glob| words.iter().map(|word| glob_matches(glob, word)).collect())
            .collect();
        for (outer, outer_words) in globs.iter().zip(&accepts) {
            for (inner, inner_words) in globs.iter().zip(&accepts) {
                let expected =
                    outer_words.iter().zip(inner_words).all(|(outer, inner)| *outer || !inner);
                let text = String::from_utf8_lossy;
                assert_eq!(
                    glob_contains(outer, inner),
                    expected,
                    "{} in {}",
                    text(inner),
                    text(outer)
                );
            }
        }
    }
}
