//! Host names, label by label from the end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::globs::{Globs, Places, Reading};
use super::like::Like;
use super::{Both, OTHERS, Search, strictest};
use crate::decide::Set;
use crate::decide::domains::pattern::Shape;
use crate::decide::domains::{NetworkPolicy, is_literal};

/// The names of both policies as one tree of labels.
#[derive(Debug, Default)]
struct Tree<'names> {
    nodes: Vec<Node<'names>>,
}

#[derive(Debug, Default)]
struct Node<'names> {
    label: &'names str,
    above: Option<usize>,
    children: BTreeMap<&'names str, usize>,
    /// What entries say of this very name.
    exact: Both,
    /// What entries say of every name below.
    below: Both,
}

const ROOT: usize = 0;

impl<'names> Tree<'names> {
    fn of(sides: [&'names NetworkPolicy<'_>; 2]) -> Self {
        let mut tree = Self { nodes: vec![Node::default()] };
        // A name that is an address in disguise: never part of a region.
        tree.node("localhost");
        for (at, side) in sides.into_iter().enumerate() {
            for entry in side.entries().iter().filter(|entry| !entry.pattern.is_wild()) {
                let (exact, below) = match entry.pattern.shape {
                    Shape::Exact => (true, false),
                    Shape::Below => (false, true),
                    Shape::AtOrBelow => (true, true),
                };
                let Some(node) = tree.node(&entry.pattern.name) else { continue };
                for (wanted, both) in [(exact, &mut node.exact), (below, &mut node.below)] {
                    if let Some(own) = both.get_mut(at).filter(|_| wanted) {
                        *own = (*own).max(Some(entry.rule));
                    }
                }
            }
        }
        tree
    }

    /// The node of a name, made where it is new.
    fn node(&mut self, name: &'names str) -> Option<&mut Node<'names>> {
        let mut at = ROOT;
        for label in name.rsplit('.') {
            let new = self.nodes.len();
            let next = *self.nodes.get_mut(at)?.children.entry(label).or_insert(new);
            if next == new {
                self.nodes.push(Node { label, above: Some(at), ..Node::default() });
            }
            at = next;
        }
        self.nodes.get_mut(at)
    }

    fn name(&self, at: usize) -> String {
        let mut labels = Vec::new();
        let mut next = self.nodes.get(at);
        while let Some(node) = next {
            labels.extend(node.above.map(|_| node.label));
            next = node.above.and_then(|above| self.nodes.get(above));
        }
        labels.join(".")
    }
}

/// Where a walk along the tree stands.
struct Visit {
    node: usize,
    /// What entries above say of everything below them.
    inherited: Both,
    /// Where patterns with wildcards are after this name.
    places: Places,
    letters: Letters,
}

/// Whether a name has anything but digits and dots: one that has not is an address, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Letters {
    None,
    Some,
}

impl Letters {
    fn and(self, byte: u8) -> Self {
        if byte.is_ascii_digit() || byte == b'.' { self } else { Self::Some }
    }
}

/// Compares the answers for all names.
pub(super) fn walk(search: &mut Search<'_, '_>) {
    let tree = Tree::of(search.sides);
    let patterns = search.patterns(|entry| entry.pattern.is_wild());
    let mut regions = Regions {
        globs: Globs::of(&patterns, Reading::Backward),
        foreign: foreign(&patterns),
        seen: Set::default(),
    };
    let places = regions.globs.start();
    let top = Visit { node: ROOT, inherited: [None; 2], places, letters: Letters::None };
    let mut waiting = VecDeque::from([top]);
    while let Some(visit) = waiting.pop_front() {
        let Some(node) = tree.nodes.get(visit.node) else { continue };
        if search.is_over() || !search.step(1 + visit.places.len()) {
            return;
        }
        if visit.node != ROOT {
            exact(search, &tree, node, &visit, &regions.globs);
        }
        let inherited = strictest(visit.inherited, node.below);
        let places = match visit.node {
            ROOT => visit.places,
            _ => regions.globs.step(&visit.places, b'.'),
        };
        let region = Region { node, inherited, places, letters: visit.letters };
        regions.explore(search, &region, &|| tree.name(visit.node));
        for (label, child) in &node.children {
            let read = |places, byte: u8| regions.globs.step(&places, byte);
            waiting.push_back(Visit {
                node: *child,
                inherited,
                places: label.bytes().rev().fold(region.places.clone(), read),
                letters: label.bytes().fold(visit.letters, Letters::and),
            });
        }
    }
}

/// Looks at a name that the tree has.
fn exact(
    search: &mut Search<'_, '_>,
    tree: &Tree<'_>,
    node: &Node<'_>,
    visit: &Visit,
    globs: &Globs,
) {
    let said = strictest(visit.inherited, strictest(node.exact, globs.says(&visit.places)));
    let [from, to] = said;
    let maybe_address = || visit.letters == Letters::None || node.label.contains(':');
    let special = node.label == "localhost" || maybe_address();
    if from == to && search.has_equal_flags() && !special {
        return;
    }
    let [before, after] = search.sides;
    if !special && !search.is_news([before.answer_of(from), after.answer_of(to)]) {
        return;
    }
    let name = tree.name(visit.node);
    // Digits and dots that are no address are no host.
    if visit.letters == Letters::None && !is_literal(&name) {
        return;
    }
    search.ask(&name);
}

/// Characters of patterns beyond ASCII.
fn foreign(patterns: &super::Patterns) -> BTreeSet<char> {
    let texts = patterns.keys().filter_map(|text| std::str::from_utf8(text).ok());
    texts.flat_map(str::chars).filter(|letter| !letter.is_ascii()).collect()
}

/// The names below a node that no child of it is or stands above.
struct Region<'tree, 'names> {
    node: &'tree Node<'names>,
    inherited: Both,
    places: Places,
    letters: Letters,
}

/// What was seen of regions: beyond the first label they differ by what is inherited only.
struct Regions {
    globs: Globs,
    foreign: BTreeSet<char>,
    seen: Set<(Beyond, Both)>,
}

/// Where a walk through a region stands, without what the region is.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Beyond {
    places: Places,
    letters: Letters,
    label: Label,
}

/// How much of the present label was read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Label {
    Nothing,
    Something,
}

/// What may come next, as texts: a character beyond ASCII is several bytes. First what no pattern
/// names: that makes the plainest examples.
type Signs = Vec<Vec<u8>>;

/// Characters of host names. Those first that make a readable example.
const LETTERS: &[u8] = b"xyzabcdefghijklmnopqrstuvw0123456789-_";

impl Regions {
    fn is_equal(&self, search: &Search<'_, '_>, inherited: Both, places: &Places) -> bool {
        let [from, to] = inherited;
        from == to && search.has_equal_flags() && self.globs.are_equal(places)
    }

    fn explore(
        &mut self,
        search: &mut Search<'_, '_>,
        region: &Region<'_, '_>,
        name: &dyn Fn() -> String,
    ) {
        if self.is_equal(search, region.inherited, &region.places) {
            return;
        }
        if region.node.above.is_none() && region.places.is_empty() {
            // The names that read best.
            let known = |host: &&str| {
                let last = host.rsplit('.').next().unwrap_or_default();
                !region.node.children.contains_key(last)
            };
            if let Some(host) = OTHERS.iter().find(|host| known(host)) {
                search.ask(host);
                return;
            }
        }
        if region.places.is_empty() {
            // No pattern tells these names apart: any of them will do.
            let mut numbers = 0..;
            let known = |label: &String| region.node.children.contains_key(label.as_str());
            let fresh = numbers.find_map(|number: usize| {
                let label = if number == 0 { "x".to_owned() } else { format!("x{number}") };
                Some(label).filter(|label| !known(label))
            });
            let text: Vec<u8> = fresh.unwrap_or_default().bytes().rev().collect();
            let here =
                Beyond { places: Places::new(), letters: Letters::Some, label: Label::Something };
            self.look(search, region, &here, None, &[], &text, name);
            return;
        }
        let mut labels: Vec<Vec<u8>> =
            region.node.children.keys().map(|label| label.bytes().rev().collect()).collect();
        labels.sort_unstable();
        let all = Like::all(&labels);
        let begin = Beyond {
            places: region.places.clone(),
            letters: region.letters,
            label: Label::Nothing,
        };
        let mut seen: Set<(Beyond, Like)> = Set::default();
        let mut waiting = VecDeque::from([(begin, Some(all), Vec::new())]);
        while let Some((here, like, text)) = waiting.pop_front() {
            if search.is_over() || !search.step(1 + here.places.len()) {
                return;
            }
            for sign in self.signs(&here, like, &labels) {
                let Some((next, like)) = self.step(&here, like, &sign, &labels) else { continue };
                let new = match like {
                    Some(like) => seen.insert((next.clone(), like)),
                    None => self.seen.insert((next.clone(), region.inherited)),
                };
                if !new {
                    continue;
                }
                let mut text: Vec<u8> = text.clone();
                text.extend(sign);
                self.look(search, region, &next, like, &labels, &text, name);
                if !self.is_equal(search, region.inherited, &next.places)
                    && (!next.places.is_empty() || like.is_some())
                {
                    waiting.push_back((next, like, text));
                }
            }
        }
    }

    /// What can come next that makes a difference.
    fn signs(&self, here: &Beyond, like: Option<Like>, labels: &[Vec<u8>]) -> Signs {
        let of_labels = like.into_iter().flat_map(|like| like.next_bytes(labels));
        let named: BTreeSet<u8> = self.globs.next_bytes(&here.places).chain(of_labels).collect();
        let fresh = LETTERS.iter().find(|byte| !named.contains(byte));
        let known = named.iter().filter(|byte| LETTERS.contains(byte));
        let mut signs: Signs = fresh.into_iter().chain(known).map(|byte| vec![*byte]).collect();
        if here.label == Label::Something {
            signs.push(vec![b'.']);
        }
        let backwards = |letter: &char| letter.to_string().bytes().rev().collect::<Vec<u8>>();
        signs.extend(self.foreign.iter().map(backwards));
        signs
    }

    /// Reads a character; nothing where that leads to a child.
    fn step(
        &self,
        here: &Beyond,
        like: Option<Like>,
        sign: &[u8],
        labels: &[Vec<u8>],
    ) -> Option<(Beyond, Option<Like>)> {
        if sign == b"." && like.is_some_and(|like| like.is_whole(labels)) {
            return None;
        }
        let places =
            sign.iter().fold(here.places.clone(), |places, byte| self.globs.step(&places, *byte));
        let letters = sign.iter().copied().fold(here.letters, Letters::and);
        let (label, like) = if sign == b"." {
            (Label::Nothing, None)
        } else {
            let read = |like: Option<Like>, byte: &u8| like?.step(*byte, labels);
            (Label::Something, sign.iter().fold(like, read))
        };
        Some((Beyond { places, letters, label }, like))
    }

    /// Looks at the name that was read, if it is one.
    #[expect(clippy::too_many_arguments, reason = "where a walk stands, and what it walks through")]
    fn look(
        &self,
        search: &mut Search<'_, '_>,
        region: &Region<'_, '_>,
        here: &Beyond,
        like: Option<Like>,
        labels: &[Vec<u8>],
        text: &[u8],
        name: &dyn Fn() -> String,
    ) {
        let is_child = like.is_some_and(|like| like.is_whole(labels));
        if here.label == Label::Nothing || here.letters == Letters::None || is_child {
            return;
        }
        let [from, to] = strictest(region.inherited, self.globs.says(&here.places));
        let [before, after] = search.sides;
        let verdicts = [before.answer_of(from), after.answer_of(to)];
        if !search.is_news(verdicts) {
            return;
        }
        let mut host: Vec<u8> = text.iter().rev().copied().collect();
        if region.node.above.is_some() {
            host.push(b'.');
            host.extend(name().bytes());
        }
        search.expect(&String::from_utf8_lossy(&host), verdicts);
    }
}
