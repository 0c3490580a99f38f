//! Prefix rules that others cover.
//!
//! A rule covers the commands that begin with its words. A command that *is* the words of a rule
//! can only be matched by rules that are not longer, and those match everything that goes on from
//! there: so a rule is covered exactly if each of its word sequences is matched by another rule of
//! at most its length. Sequences are not written out; alternatives that lead to the same places of
//! the tree are looked at once.

use std::collections::BTreeSet;

use codex_schema::value::{Node, Table, Value};

use super::{Reason, Reasons, Removed, remove_elements, value_mut};
use crate::decide::Map;
use crate::decide::commands::trie::{NodeId, RuleIndex, Trie};
use crate::decide::commands::words::{SetId, WordId, Words};
use crate::decide::commands::{self, CommandRules, PATH, PrefixRule};

/// Most places looked at for one question about a rule. Ordinary rules need a few dozen; a rule
/// that needs more stays.
const STEPS: usize = 1 << 14;

/// Rules with more words than this stay as they are.
const LONGEST: usize = 256;

/// Removes rules and alternatives that make no difference.
pub(super) fn simplify(requirements: &mut Table, reasons: Reasons, removed: &mut Vec<Removed>) {
    let Some(outcome) = Work::of(requirements, reasons).map(Work::finish) else { return };
    let Outcome { gone, trimmed, removed: found } = outcome;
    removed.extend(found);
    for Trimmed { rule, word, alternatives } in trimmed {
        trim(requirements, rule, word, &alternatives);
    }
    remove_elements(requirements, &PATH, &gone);
}

/// What is to be taken out.
#[derive(Debug, Default)]
struct Outcome {
    /// Positions of rules, ascending.
    gone: Vec<usize>,
    trimmed: Vec<Trimmed>,
    removed: Vec<Removed>,
}

/// Alternatives of one word of one rule, all by their positions.
#[derive(Debug)]
struct Trimmed {
    rule: usize,
    word: usize,
    alternatives: BTreeSet<usize>,
}

fn trim(requirements: &mut Table, rule: usize, word: usize, alternatives: &BTreeSet<usize>) {
    let Some(Value::Array(rules)) = value_mut(requirements, &PATH) else { return };
    let list = rules
        .get_mut(rule)
        .and_then(|rule| below(rule, "pattern"))
        .and_then(|pattern| elements(pattern)?.get_mut(word))
        .and_then(|word| below(word, "any_of"))
        .and_then(elements);
    let mut at = 0;
    list.into_iter().for_each(|list| {
        list.retain(|_| {
            at += 1;
            !alternatives.contains(&(at - 1))
        });
    });
}

fn below<'node>(node: &'node mut Node, key: &str) -> Option<&'node mut Node> {
    if let Value::Table(table) = &mut node.value { table.get_mut(key) } else { None }
}

fn elements(node: &mut Node) -> Option<&mut Vec<Node>> {
    if let Value::Array(elements) = &mut node.value { Some(elements) } else { None }
}

/// The rules while they become fewer.
struct Work<'policy> {
    /// As they are written.
    nodes: &'policy [Node],
    rules: Vec<PrefixRule<'policy>>,
    words: Words<'policy>,
    trie: Trie,
    reasons: Reasons,
    /// How many rules end with this word at this place. A rule can only be covered if one of its
    /// own words, at its place, ends another rule.
    endings: Map<(usize, WordId), usize>,
    outcome: Outcome,
}

impl<'policy> Work<'policy> {
    /// Reads the rules; `None` where there is nothing to do.
    fn of(requirements: &'policy Table, reasons: Reasons) -> Option<Self> {
        let (mut rules, words, trie) = CommandRules::read(requirements).into_parts();
        rules.retain(|rule| !rule.canonical && rule.pattern.len() <= LONGEST);
        let mut endings: Map<(usize, WordId), usize> = Map::default();
        for rule in &rules {
            let last = rule.pattern.len().saturating_sub(1);
            for word in rule.pattern.last().map_or(&[][..], |set| words.members(*set)) {
                *endings.entry((last, *word)).or_default() += 1;
            }
        }
        let nodes = commands::nodes(requirements);
        let outcome = Outcome::default();
        let mut work = Self { nodes, rules, words, trie, reasons, endings, outcome };
        if !work.rules.iter().any(|rule| rule.repeats || work.can_be_covered(&rule.pattern)) {
            return None;
        }
        for (rule, index) in work.rules.iter().zip(0..) {
            work.trie.insert(&rule.pattern, index, &work.words);
        }
        Some(work)
    }

    fn finish(mut self) -> Outcome {
        for at in 0..self.rules.len() {
            self.one(at);
        }
        self.outcome
    }

    /// A quick test that fails for nearly every rule that is not covered.
    fn can_be_covered(&self, pattern: &[SetId]) -> bool {
        let last = pattern.len().saturating_sub(1);
        pattern.iter().enumerate().any(|(at, set)| {
            let own = usize::from(at == last);
            let mut words = self.words.members(*set).iter();
            words.any(|word| self.endings.get(&(at, *word)).is_some_and(|count| *count > own))
        })
    }

    /// Removes one rule, or what of it makes no difference. Taking an alternative out can make
    /// another one superfluous, so this goes on until nothing changes.
    fn one(&mut self, at: usize) {
        let Some(rule) = self.rules.get(at) else { return };
        let (mut pattern, repeats, position) = (rule.pattern.clone(), rule.repeats, rule.position);
        let mut taken: Vec<(usize, WordId, Vec<RuleIndex>)> = Vec::new();
        while self.can_be_covered(&pattern) {
            if let Some(by) = self.cover(at, &pattern) {
                self.remove(at, &by);
                return;
            }
            let Some((word, alternative, by)) = self.superfluous(at, &pattern) else { break };
            let Some(set) = pattern.get_mut(word) else { break };
            let others = self.words.members(*set).iter().copied().filter(|id| *id != alternative);
            let others: Vec<WordId> = others.collect();
            let smaller = self.words.set(others);
            let before = std::mem::replace(set, smaller);
            self.replace(at, word, before, &pattern);
            if word + 1 == pattern.len() {
                let ending = self.endings.entry((word, alternative));
                ending.and_modify(|count| *count = count.saturating_sub(1));
            }
            taken.push((word, alternative, by));
        }
        if repeats {
            self.repeated(at, position);
        }
        for (word, alternative, by) in taken {
            self.take(position, word, alternative, &by);
        }
    }

    /// The rules that cover a pattern of a rule together; `None` when something is left uncovered.
    fn cover(&self, at: usize, pattern: &[SetId]) -> Option<Vec<RuleIndex>> {
        let index = RuleIndex::try_from(at).ok()?;
        let mut walk = Walk { work: self, rule: index, pattern, steps: 0, by: BTreeSet::new() };
        walk.covers(0, &[Trie::ROOT]).then(|| walk.by.into_iter().collect())
    }

    /// The first alternative that others cover.
    fn superfluous(
        &mut self,
        at: usize,
        pattern: &[SetId],
    ) -> Option<(usize, WordId, Vec<RuleIndex>)> {
        for (place, set) in pattern.iter().enumerate() {
            let alternatives = self.words.members(*set).to_vec();
            if alternatives.len() < 2 {
                continue;
            }
            for alternative in alternatives {
                let mut narrow = pattern.to_vec();
                let single = self.words.single(alternative);
                narrow.get_mut(place).into_iter().for_each(|set| *set = single);
                if let Some(by) = self.cover(at, &narrow) {
                    return Some((place, alternative, by));
                }
            }
        }
        None
    }

    fn remove(&mut self, at: usize, by: &[RuleIndex]) {
        let Some(rule) = self.rules.get(at) else { return };
        let last = rule.word_count().saturating_sub(1);
        for word in rule.pattern.last().map_or(&[][..], |set| self.words.members(*set)) {
            self.endings.entry((last, *word)).and_modify(|count| *count = count.saturating_sub(1));
        }
        if let Ok(index) = RuleIndex::try_from(at) {
            self.trie.remove(&rule.pattern, index);
        }
        let others: Vec<&PrefixRule<'_>> =
            by.iter().filter_map(|index| self.rule(*index)).collect();
        let reason = match others.as_slice() {
            [same] if same.pattern == rule.pattern && same.decision == rule.decision => {
                Reason::Duplicate { of: same.span }
            }
            _ => Reason::Shadowed { by: others.iter().map(|rule| rule.span).collect() },
        };
        self.outcome.gone.push(rule.position);
        self.outcome.removed.push(Removed { path: PATH.join("."), span: rule.span, reason });
    }

    fn rule(&self, index: RuleIndex) -> Option<&PrefixRule<'policy>> {
        self.rules.get(usize::try_from(index).ok()?)
    }

    /// Gives a rule a smaller pattern.
    fn replace(&mut self, at: usize, word: usize, before: SetId, pattern: &[SetId]) {
        let Ok(index) = RuleIndex::try_from(at) else { return };
        let mut old = pattern.to_vec();
        old.get_mut(word).into_iter().for_each(|set| *set = before);
        self.trie.remove(&old, index);
        self.trie.insert(pattern, index, &self.words);
        if let Some(rule) = self.rules.get_mut(at) {
            rule.pattern = pattern.to_vec();
        }
    }

    /// The alternatives of a word as they are written.
    fn written(&self, position: usize, word: usize) -> &'policy [Node] {
        self.nodes
            .get(position)
            .and_then(|rule| rule.at(&["pattern"])?.value.as_array()?.get(word))
            .and_then(|word| word.at(&["any_of"])?.value.as_array())
            .unwrap_or_default()
    }

    /// Notes that an alternative goes, wherever it is written.
    fn take(&mut self, position: usize, word: usize, alternative: WordId, by: &[RuleIndex]) {
        let by: Vec<_> = by.iter().filter_map(|index| Some(self.rule(*index)?.span)).collect();
        let list = self.written(position, word);
        for (at, node) in list.iter().enumerate() {
            let text = node.value.as_str();
            if text.and_then(|text| self.words.find(text)) == Some(alternative) {
                let reason = Reason::Shadowed { by: by.clone() };
                self.note(
                    position,
                    word,
                    at,
                    Removed { path: PATH.join("."), span: node.span, reason },
                );
            }
        }
    }

    /// Notes the alternatives that a list names again.
    fn repeated(&mut self, at: usize, position: usize) {
        let words = self.rules.get(at).map_or(0, PrefixRule::word_count);
        for word in 0..words {
            let mut seen = Map::default();
            for (at, node) in self.written(position, word).iter().enumerate() {
                let Some(text) = node.value.as_str() else { continue };
                if let Some(of) = seen.get(text) {
                    let reason = Reason::Duplicate { of: *of };
                    let path = PATH.join(".");
                    self.note(position, word, at, Removed { path, span: node.span, reason });
                } else {
                    seen.insert(text, node.span);
                }
            }
        }
    }

    fn note(&mut self, rule: usize, word: usize, at: usize, removed: Removed) {
        let trimmed = &mut self.outcome.trimmed;
        let of_rule = trimmed.iter_mut().rev().take_while(|known| known.rule == rule);
        let known = of_rule.into_iter().find(|known| known.word == word);
        let added = if let Some(known) = known {
            known.alternatives.insert(at)
        } else {
            trimmed.push(Trimmed { rule, word, alternatives: BTreeSet::from([at]) });
            true
        };
        if added {
            self.outcome.removed.push(removed);
        }
    }
}

/// One question: whether others cover a pattern.
struct Walk<'work, 'policy> {
    work: &'work Work<'policy>,
    rule: RuleIndex,
    pattern: &'work [SetId],
    steps: usize,
    /// The rules found on the way.
    by: BTreeSet<RuleIndex>,
}

impl Walk<'_, '_> {
    /// Whether all that the pattern says from a word on is covered, being at these places.
    fn covers(&mut self, depth: usize, here: &[NodeId]) -> bool {
        self.steps += here.len();
        if self.steps > STEPS {
            return false;
        }
        let mut ends = here.iter().flat_map(|node| self.work.trie.ends(*node));
        if let Some(end) = ends.find(|end| self.may_cover(**end)) {
            self.by.insert(*end);
            return true;
        }
        let Some(set) = self.pattern.get(depth) else { return false };
        let mut reached: Vec<Vec<NodeId>> = Vec::new();
        for word in self.work.words.members(*set) {
            let mut next = Vec::new();
            for node in here {
                self.work.trie.step(*node, *word, &mut next);
            }
            if next.is_empty() {
                return false;
            }
            next.sort_unstable();
            reached.push(next);
        }
        reached.sort_unstable();
        reached.dedup();
        reached.iter().all(|next| self.covers(depth + 1, next))
    }

    /// Whether another rule can stand for the one in question where it matches.
    fn may_cover(&self, other: RuleIndex) -> bool {
        let (Some(rule), Some(by)) = (self.work.rule(self.rule), self.work.rule(other)) else {
            return false;
        };
        if other == self.rule || by.decision < rule.decision {
            return false;
        }
        // The reason shown is that of the longest of the strictest rules, of equal ones the last.
        let same_reason = by.word_count() == rule.word_count()
            && by.justification == rule.justification
            && by.position > rule.position;
        by.decision > rule.decision || self.work.reasons == Reasons::MayChange || same_reason
    }
}
