//! Which rules on commands cover which others.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::view::CommandRule;

/// Most sequences of words one rule is filed under; rules with more are compared with every other.
const EXPANSIONS: usize = 64;

/// Most rules compared at one place of the tree: equal patterns say the same.
const AT_ONE_PLACE: usize = 16;

/// Rules by their words: a tree in two lists, since a policy has thousands of places.
#[derive(Debug)]
pub(super) struct Covers<'r> {
    /// The rules that end at a place.
    ends: Vec<Vec<usize>>,
    /// Where a word leads from a place.
    next: HashMap<(usize, &'r str), usize, RandomState>,
    wide: Vec<usize>,
}

/// The place where all rules begin.
const ROOT: usize = 0;

impl<'r> Covers<'r> {
    /// Files rules.
    pub(super) fn of(rules: &[CommandRule<'r>]) -> Self {
        let mut covers =
            Self { ends: vec![Vec::new()], next: HashMap::default(), wide: Vec::new() };
        for (index, rule) in rules.iter().enumerate() {
            let count = rule.pattern.iter().try_fold(1_usize, |count, words| {
                count.checked_mul(words.len()).filter(|count| *count <= EXPANSIONS)
            });
            match count {
                Some(_) => covers.file(ROOT, &rule.pattern, index),
                None => covers.wide.push(index),
            }
        }
        covers
    }

    fn file(&mut self, place: usize, pattern: &[Vec<&'r str>], index: usize) {
        let Some((words, rest)) = pattern.split_first() else {
            let ends = self.ends.get_mut(place).filter(|ends| ends.len() < AT_ONE_PLACE);
            ends.into_iter().for_each(|ends| ends.push(index));
            return;
        };
        for word in words {
            let new = self.ends.len();
            let next = *self.next.entry((place, word)).or_insert(new);
            if next == new {
                self.ends.push(Vec::new());
            }
            self.file(next, rest, index);
        }
    }

    /// The rules other than itself that match every command which this one matches.
    pub(super) fn over(&self, rules: &[CommandRule<'r>], index: usize) -> Vec<usize> {
        let Some(rule) = rules.get(index) else { return Vec::new() };
        let mut candidates = Vec::new();
        let mut place = Some(ROOT);
        // Whoever covers the rule covers the sequence of its first alternatives.
        for words in &rule.pattern {
            let next =
                place.zip(words.first()).and_then(|(place, word)| self.next.get(&(place, *word)));
            place = next.copied();
            candidates.extend(place.and_then(|place| self.ends.get(place)).into_iter().flatten());
        }
        candidates.extend(self.wide.iter().take(EXPANSIONS).copied());
        let covers = |other: &usize| {
            *other != index && rules.get(*other).is_some_and(|other| covers(other, rule))
        };
        candidates.into_iter().filter(covers).collect()
    }
}

/// Whether the first rule matches every command that the second one matches.
pub(super) fn covers(outer: &CommandRule<'_>, inner: &CommandRule<'_>) -> bool {
    let within =
        |(outer, inner): (&Vec<&str>, &Vec<&str>)| inner.iter().all(|word| outer.contains(word));
    outer.pattern.len() <= inner.pattern.len()
        && outer.pattern.iter().zip(&inner.pattern).all(within)
}
