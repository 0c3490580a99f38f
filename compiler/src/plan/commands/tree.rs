//! The patterns of both sides as one tree of words.

use std::collections::BTreeSet;

use super::{CommandDecision, CommandSide};
use crate::decide::Map;

/// The number of a node.
pub(super) type NodeId = u32;
/// The number of a word; smaller for words that come earlier in the alphabet.
pub(super) type WordId = u32;
/// What the rules of either side say that end at a place.
pub(super) type Both<T> = [Option<T>; 2];

/// The tree.
#[derive(Debug, Default)]
pub(super) struct Tree<'policy> {
    words: Vec<&'policy str>,
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    ends: Both<CommandDecision>,
    /// The nodes that words lead to, by word.
    steps: Vec<(WordId, NodeId)>,
    /// Whether something at this node or below is decided differently by the two sides.
    differs: bool,
}

/// Where every pattern begins.
pub(super) const ROOT: NodeId = 0;

impl<'policy> Tree<'policy> {
    /// The tree of two sides.
    pub(super) fn of(sides: [&CommandSide<'policy>; 2]) -> Self {
        let rules = || {
            sides
                .iter()
                .enumerate()
                .flat_map(|(at, side)| side.rules().iter().map(move |rule| (at, rule)))
        };
        let words: BTreeSet<&str> =
            rules().flat_map(|(_, rule)| rule.pattern.iter().flatten().copied()).collect();
        let words: Vec<&str> = words.into_iter().collect();
        let numbers: Map<&str, WordId> = words.iter().copied().zip(0..).collect();
        let mut tree = Self { words, nodes: vec![Node::default()] };
        let mut known: Map<(NodeId, Vec<WordId>), NodeId> = Map::default();
        for (side, rule) in rules() {
            let mut at = ROOT;
            for place in &rule.pattern {
                let set: Vec<WordId> =
                    place.iter().filter_map(|word| numbers.get(word).copied()).collect();
                at = tree.grow(at, set, &mut known);
            }
            let ends = tree.node_mut(at).and_then(|node| node.ends.get_mut(side));
            if let Some(end) = ends {
                *end = (*end).max(Some(rule.decision));
            }
        }
        tree.finish();
        tree
    }

    fn grow(
        &mut self,
        at: NodeId,
        set: Vec<WordId>,
        known: &mut Map<(NodeId, Vec<WordId>), NodeId>,
    ) -> NodeId {
        let new = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        if let Some(node) = known.get(&(at, set.clone())) {
            return *node;
        }
        self.nodes.push(Node::default());
        if let Some(node) = self.node_mut(at) {
            node.steps.extend(set.iter().map(|word| (*word, new)));
        }
        known.insert((at, set), new);
        new
    }

    /// Sorts the steps, and tells from the leaves upwards what differs: children come after their
    /// parents.
    fn finish(&mut self) {
        for at in (0..self.nodes.len()).rev() {
            let Some(node) = self.nodes.get(at) else { continue };
            let [from, to] = node.ends;
            let below = node.steps.iter().any(|(_, child)| self.differs(*child));
            if let Some(node) = self.nodes.get_mut(at) {
                node.steps.sort_unstable();
                node.differs = from != to || below;
            }
        }
    }

    fn node(&self, at: NodeId) -> Option<&Node> {
        self.nodes.get(usize::try_from(at).ok()?)
    }

    fn node_mut(&mut self, at: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(at).ok()?)
    }

    /// What the rules say that end at a node.
    pub(super) fn ends(&self, at: NodeId) -> Both<CommandDecision> {
        self.node(at).map(|node| node.ends).unwrap_or_default()
    }

    /// Whether the sides differ at a node or below it.
    pub(super) fn differs(&self, at: NodeId) -> bool {
        self.node(at).is_some_and(|node| node.differs)
    }

    /// The steps from a node, by word.
    pub(super) fn steps(&self, at: NodeId) -> &[(WordId, NodeId)] {
        self.node(at).map(|node| node.steps.as_slice()).unwrap_or_default()
    }

    /// The nodes that a word leads to from a node.
    pub(super) fn step(&self, at: NodeId, word: WordId) -> impl Iterator<Item = NodeId> {
        let steps = self.steps(at);
        let first = steps.partition_point(|(known, _)| *known < word);
        let rest = steps.get(first..).unwrap_or_default();
        rest.iter().take_while(move |(known, _)| *known == word).map(|(_, node)| *node)
    }

    /// The text of a word.
    pub(super) fn text(&self, word: WordId) -> &'policy str {
        usize::try_from(word).ok().and_then(|at| self.words.get(at)).copied().unwrap_or_default()
    }

    /// The number of a word that some pattern has.
    pub(super) fn word(&self, text: &str) -> Option<WordId> {
        WordId::try_from(self.words.binary_search(&text).ok()?).ok()
    }
}
