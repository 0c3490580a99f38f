//! Patterns as a tree: one step per word. A step may stand for several words, so a command can
//! follow several branches at once; the tree stays as large as the patterns are written.

use super::words::{SetId, WordId, Words};
use crate::decide::Map;

/// A place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(u32);

/// The number of a rule in its list.
pub(crate) type RuleIndex = u32;

/// The tree of patterns.
#[derive(Debug)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
    /// The child for exactly this set.
    by_set: Map<(NodeId, SetId), NodeId>,
    /// The first of the children that a word leads to.
    by_word: Map<(NodeId, WordId), u32>,
    links: Vec<Link>,
}

#[derive(Debug, Default)]
struct Node {
    /// Rules whose pattern ends here.
    ends: Vec<RuleIndex>,
}

/// A list in an arena: most words lead to one child.
#[derive(Debug)]
struct Link {
    child: NodeId,
    next: Option<u32>,
}

impl Default for Trie {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
            by_set: Map::default(),
            by_word: Map::default(),
            links: Vec::new(),
        }
    }
}

impl Trie {
    /// Where every pattern begins.
    pub(crate) const ROOT: NodeId = NodeId(0);

    /// Adds a pattern.
    pub(crate) fn insert(&mut self, pattern: &[SetId], rule: RuleIndex, words: &Words<'_>) {
        let mut at = Self::ROOT;
        for set in pattern {
            at = self.grow(at, *set, words);
        }
        if let Some(node) = self.node_mut(at) {
            node.ends.push(rule);
        }
    }

    /// Takes a pattern out; the branch stays.
    pub(crate) fn remove(&mut self, pattern: &[SetId], rule: RuleIndex) {
        let end =
            pattern.iter().try_fold(Self::ROOT, |at, set| self.by_set.get(&(at, *set)).copied());
        if let Some(node) = end.and_then(|end| self.node_mut(end)) {
            node.ends.retain(|other| *other != rule);
        }
    }

    /// The rules whose pattern ends at a place.
    pub(crate) fn ends(&self, at: NodeId) -> &[RuleIndex] {
        usize::try_from(at.0)
            .ok()
            .and_then(|index| self.nodes.get(index))
            .map_or(&[], |node| node.ends.as_slice())
    }

    /// Adds the places that a word leads to from a place.
    pub(crate) fn step(&self, from: NodeId, word: WordId, into: &mut Vec<NodeId>) {
        let mut next = self.by_word.get(&(from, word)).copied();
        while let Some(link) = next.and_then(|at| self.links.get(usize::try_from(at).ok()?)) {
            into.push(link.child);
            next = link.next;
        }
    }

    fn node_mut(&mut self, at: NodeId) -> Option<&mut Node> {
        usize::try_from(at.0).ok().and_then(|index| self.nodes.get_mut(index))
    }

    fn grow(&mut self, at: NodeId, set: SetId, words: &Words<'_>) -> NodeId {
        let new = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        let child = *self.by_set.entry((at, set)).or_insert(new);
        if child != new {
            return child;
        }
        self.nodes.push(Node::default());
        for word in words.members(set) {
            let link = u32::try_from(self.links.len()).unwrap_or(u32::MAX);
            let next = self.by_word.insert((at, *word), link);
            self.links.push(Link { child, next });
        }
        child
    }
}
