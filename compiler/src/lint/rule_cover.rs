//! Which rules on commands cover which others.

use std::collections::BTreeMap;

use super::view::CommandRule;

/// Most sequences of words one rule is filed under; rules with more are compared with every other.
const EXPANSIONS: usize = 64;

/// Most rules compared at one place of the tree: equal patterns say the same.
const AT_ONE_PLACE: usize = 16;

/// Rules by their words.
#[derive(Debug, Default)]
pub(super) struct Covers<'r> {
    root: Place<'r>,
    wide: Vec<usize>,
}

#[derive(Debug, Default)]
struct Place<'r> {
    rules: Vec<usize>,
    next: BTreeMap<&'r str, Place<'r>>,
}

impl<'r> Covers<'r> {
    /// Files rules.
    pub(super) fn of(rules: &[CommandRule<'r>]) -> Self {
        let mut covers = Self::default();
        for (index, rule) in rules.iter().enumerate() {
            let count = rule.pattern.iter().try_fold(1_usize, |count, words| {
                count.checked_mul(words.len()).filter(|count| *count <= EXPANSIONS)
            });
            match count {
                Some(_) => covers.root.file(&rule.pattern, index),
                None => covers.wide.push(index),
            }
        }
        covers
    }

    /// The rules other than itself that match every command which this one matches.
    pub(super) fn over(&self, rules: &[CommandRule<'r>], index: usize) -> Vec<usize> {
        let Some(rule) = rules.get(index) else { return Vec::new() };
        let mut candidates = Vec::new();
        let mut place = Some(&self.root);
        // Whoever covers the rule covers the sequence of its first alternatives.
        for words in &rule.pattern {
            place = place.zip(words.first()).and_then(|(place, word)| place.next.get(word));
            candidates.extend(place.iter().flat_map(|place| &place.rules).copied());
        }
        candidates.extend(self.wide.iter().take(EXPANSIONS).copied());
        let covers = |other: &usize| {
            *other != index && rules.get(*other).is_some_and(|other| covers(other, rule))
        };
        candidates.into_iter().filter(covers).collect()
    }
}

impl<'r> Place<'r> {
    fn file(&mut self, pattern: &[Vec<&'r str>], index: usize) {
        let Some((words, rest)) = pattern.split_first() else {
            if self.rules.len() < AT_ONE_PLACE {
                self.rules.push(index);
            }
            return;
        };
        for word in words {
            self.next.entry(word).or_default().file(rest, index);
        }
    }
}

/// Whether the first rule matches every command that the second one matches.
pub(super) fn covers(outer: &CommandRule<'_>, inner: &CommandRule<'_>) -> bool {
    let within =
        |(outer, inner): (&Vec<&str>, &Vec<&str>)| inner.iter().all(|word| outer.contains(word));
    outer.pattern.len() <= inner.pattern.len()
        && outer.pattern.iter().zip(&inner.pattern).all(within)
}
