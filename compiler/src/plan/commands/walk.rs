//! The walk over all commands, shortest first.

use std::collections::VecDeque;

use super::side::name_of;
use super::tree::{NodeId, ROOT, Tree, WordId};
use super::{CommandDecision, CommandSide, CommandWitness, Compared, Extent};
use crate::decide::Set;

/// Most steps of one comparison, over words and nodes. Policies of 5,000 rules need some ten
/// thousand.
pub(super) const STEPS: usize = 1 << 22;

/// Where a command stands after some words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    /// The nodes of patterns that began with the program as it was given.
    whole: Vec<NodeId>,
    /// The nodes of patterns that began with the program's name.
    name: Vec<NodeId>,
    /// What either side found, by the program as given and by its name.
    found: [Found; 2],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Found {
    whole: Option<CommandDecision>,
    name: Option<CommandDecision>,
    by_name: ByName,
}

/// Whether a side looks the program up by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum ByName {
    #[default]
    No,
    Yes,
}

impl Found {
    fn decision(self) -> CommandDecision {
        self.whole.or(self.name).unwrap_or(CommandDecision::NoRule)
    }
}

impl State {
    /// Takes the rules in that end at the present nodes, and drops what cannot count any more.
    fn settle(mut self, tree: &Tree<'_>) -> Self {
        for nodes in [&mut self.whole, &mut self.name] {
            nodes.sort_unstable();
            nodes.dedup();
        }
        for (side, found) in self.found.iter_mut().enumerate() {
            let end = |node: &NodeId| tree.ends(*node).get(side).copied().flatten();
            found.whole = found.whole.max(self.whole.iter().filter_map(end).max());
            if found.whole.is_some() {
                (found.name, found.by_name) = (None, ByName::No);
            }
            if found.by_name == ByName::Yes {
                found.name = found.name.max(self.name.iter().filter_map(end).max());
            }
        }
        if self.found.iter().all(|found| found.by_name == ByName::No) {
            self.name.clear();
        }
        self
    }

    /// Whether longer commands can show nothing that is not known: both sides refuse them all, or
    /// both add the same rules to what they found. Equal rules leave the order of two decisions as
    /// it is, unless those found by name give way to others.
    fn is_settled(&self, tree: &Tree<'_>, is_known: bool) -> bool {
        let [from, to] = self.found;
        let final_word = |found: Found| found.whole == Some(CommandDecision::Forbidden);
        let by_whole = |found: Found| found.by_name == ByName::No;
        let all_equal = || self.whole.iter().chain(&self.name).all(|node| !tree.differs(*node));
        (final_word(from) && final_word(to))
            || ((from == to || (is_known && by_whole(from) && by_whole(to))) && all_equal())
    }
}

/// A word of a command on the way back to its first one.
#[derive(Debug)]
struct Step {
    before: Option<usize>,
    word: Word,
}

#[derive(Debug)]
enum Word {
    /// One that patterns have.
    Known(WordId),
    /// A path that no pattern has.
    Path(String),
}

struct Walk<'walk, 'policy> {
    tree: &'walk Tree<'policy>,
    sides: [&'walk CommandSide<'policy>; 2],
    seen: Set<State>,
    waiting: VecDeque<(State, usize)>,
    path: Vec<Step>,
    steps: usize,
    found: Compared<CommandWitness>,
}

/// Compares two sides with a limit on steps.
pub(super) fn compare(
    from: &CommandSide<'_>,
    to: &CommandSide<'_>,
    limit: usize,
) -> Compared<CommandWitness> {
    let sides = [from, to];
    let tree = Tree::of(sides);
    let mut walk = Walk {
        tree: &tree,
        sides,
        seen: Set::default(),
        waiting: VecDeque::new(),
        path: Vec::new(),
        steps: 0,
        found: Compared::EQUAL,
    };
    walk.begin();
    while let Some((state, at)) = walk.waiting.pop_front() {
        if walk.found.tighter.is_some() && walk.found.looser.is_some() {
            break;
        }
        if walk.steps > limit {
            walk.found.extent = Extent::TooLarge;
            break;
        }
        walk.follow(&state, at);
    }
    walk.found
}

impl Walk<'_, '_> {
    /// Every program that patterns tell apart.
    fn begin(&mut self) {
        let tree = self.tree;
        let mut words: Vec<WordId> = tree.steps(ROOT).iter().map(|(word, _)| *word).collect();
        words.dedup();
        for word in words {
            let text = tree.text(word);
            let name = name_of(text);
            let state = self.program(text, Some(word), name);
            self.reach(state, None, Word::Known(word));
        }
        let mut names: Vec<&str> =
            self.sides.iter().flat_map(|side| side.hosts.keys().copied()).collect();
        names.sort_unstable();
        names.dedup();
        // Where nobody says which paths count as a name, all do: that is the name itself.
        for name in names.into_iter().filter(|name| tree.word(name).is_some()) {
            for path in self.paths(name) {
                let state = self.program(&path, None, Some(name));
                self.reach(state, None, Word::Path(path));
            }
        }
    }

    fn program(&self, text: &str, word: Option<WordId>, name: Option<&str>) -> State {
        let step = |word: WordId| self.tree.step(ROOT, word).collect::<Vec<NodeId>>();
        let mut state = State { whole: word.map(step).unwrap_or_default(), ..State::default() };
        let Some(name) = name else { return state };
        for (found, side) in state.found.iter_mut().zip(self.sides) {
            if side.counts_as(text, name) {
                found.by_name = ByName::Yes;
            }
        }
        state.name = self.tree.word(name).map(step).unwrap_or_default();
        state
    }

    /// Paths of a program that no pattern has: one for every path that is said to count, and one
    /// that nobody speaks of.
    fn paths(&self, name: &str) -> Vec<String> {
        let said = self.sides.iter().filter_map(|side| side.hosts.get(name));
        let mut paths: Vec<String> = said.flat_map(|paths| paths.iter().cloned()).collect();
        paths.sort_unstable();
        paths.dedup();
        let other = |number: usize| format!("/{}{name}", "other/".repeat(number));
        // Of one more than there are paths, one is new.
        let fresh = (1..=paths.len() + 1).map(other).find(|path| !paths.contains(path));
        paths.extend(fresh);
        let unknown = |path: &mut String| {
            // A second way to write the same path.
            while self.tree.word(path).is_some() {
                path.insert_str(0, "/.");
            }
        };
        paths.iter_mut().for_each(unknown);
        paths
    }

    /// Looks at a place that a command leads to.
    fn reach(&mut self, state: State, before: Option<usize>, word: Word) {
        let state = state.settle(self.tree);
        self.steps += 1 + state.whole.len() + state.name.len();
        let [from, to] = state.found.map(Found::decision);
        let known = match from.cmp(&to) {
            std::cmp::Ordering::Equal => true,
            std::cmp::Ordering::Less => self.found.tighter.is_some(),
            std::cmp::Ordering::Greater => self.found.looser.is_some(),
        };
        let settled = state.is_settled(self.tree, known);
        if (known && settled) || self.seen.contains(&state) {
            return;
        }
        let at = self.path.len();
        self.path.push(Step { before, word });
        if !known {
            let witness = self.witness(at);
            // What the rules say when asked one by one has the last word.
            if (witness.before, witness.after) == (from, to) {
                let direction =
                    if from < to { &mut self.found.tighter } else { &mut self.found.looser };
                *direction = Some(witness);
            } else {
                self.found.extent = Extent::TooLarge;
            }
        }
        self.seen.insert(state.clone());
        if !settled {
            self.waiting.push_back((state, at));
        }
    }

    fn follow(&mut self, state: &State, at: usize) {
        let tree = self.tree;
        let steps = |nodes: &[NodeId]| -> Vec<(WordId, NodeId)> {
            let mut all: Vec<_> =
                nodes.iter().flat_map(|node| tree.steps(*node).iter().copied()).collect();
            if nodes.len() > 1 {
                all.sort_unstable();
            }
            all
        };
        let (whole, name) = (steps(&state.whole), steps(&state.name));
        let (mut whole, mut name) = (whole.as_slice(), name.as_slice());
        let first = |list: &[(WordId, NodeId)]| list.first().map(|(word, _)| *word);
        while let Some(word) = [first(whole), first(name)].into_iter().flatten().min() {
            let next = State {
                whole: taken(&mut whole, word),
                name: taken(&mut name, word),
                found: state.found,
            };
            self.reach(next, Some(at), Word::Known(word));
        }
    }

    /// The command that leads to a place.
    fn witness(&self, at: usize) -> CommandWitness {
        let mut command: Vec<String> = Vec::new();
        let mut next = self.path.get(at);
        while let Some(step) = next {
            command.push(match &step.word {
                Word::Known(word) => self.tree.text(*word).to_owned(),
                Word::Path(path) => path.clone(),
            });
            next = step.before.and_then(|before| self.path.get(before));
        }
        command.reverse();
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let [(before, rule_before), (after, rule_after)] =
            self.sides.map(|side| side.decide(&words));
        let (rule_before, rule_after) =
            (rule_before.map(|rule| rule.span), rule_after.map(|rule| rule.span));
        CommandWitness { command, before, after, rule_before, rule_after }
    }
}

/// Takes the steps of a word off the front of a list.
fn taken(list: &mut &[(WordId, NodeId)], word: WordId) -> Vec<NodeId> {
    let count = list.iter().take_while(|(known, _)| *known == word).count();
    let (own, rest) = list.split_at_checked(count).unwrap_or_default();
    *list = rest;
    own.iter().map(|(_, node)| *node).collect()
}
