//! One layer over those above it.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::hash::{BuildHasher, Hash, Hasher};

use codex_schema::key::{Key, Tighter, Unset};
use codex_schema::lookup::Spot;
use codex_schema::span::Span;
use codex_schema::strictness::{Change, Said, compare, identity};
use codex_schema::value::{Entry, Node, Table, Value};
use foldhash::fast::RandomState;

use super::{Document, Event, Outcome, Permit, Voice};
use crate::repository::{LayerName, Manifest};

/// What a voice may loosen.
pub(super) enum Permits {
    /// Nothing stands above the baseline.
    Baseline,
    /// What delegations name: patterns with their places.
    Delegated(Vec<(Vec<String>, Span)>),
    /// Everything it names itself.
    Exception(String),
}

impl Permits {
    pub(super) fn of_layer(manifest: &Manifest, layer: &LayerName) -> Self {
        if *layer == LayerName::Baseline {
            return Self::Baseline;
        }
        let delegated = manifest
            .delegations
            .iter()
            .filter(|delegation| delegation.target.covers(layer))
            .flat_map(|delegation| &delegation.keys)
            .map(|pattern| {
                let parts = codex_schema::path::parts(&pattern.value);
                (parts.map(str::to_owned).collect(), pattern.span)
            })
            .collect();
        Self::Delegated(delegated)
    }

    pub(super) fn of_exception(name: &str) -> Self {
        Self::Exception(name.to_owned())
    }

    /// The permit for a key: a pattern stands for itself and everything below it.
    pub(super) fn permit(&self, path: &[&str]) -> Option<Permit> {
        match self {
            Self::Baseline => None,
            Self::Exception(name) => Some(Permit::Exception(name.clone())),
            Self::Delegated(patterns) => patterns
                .iter()
                .find(|(pattern, _)| {
                    pattern.len() <= path.len()
                        && pattern.iter().zip(path).all(|(part, own)| part == "*" || part == own)
                })
                .map(|(_, span)| Permit::Delegation(*span)),
        }
    }
}

/// Where a fold stands.
pub(super) struct Place<'fold> {
    voice: &'fold Voice,
    permits: &'fold Permits,
    events: &'fold mut Vec<Event>,
    document: Document,
    path: Vec<&'fold str>,
    /// For every part of the path: whether the table there was said above.
    listed: Vec<bool>,
}

impl<'fold> Place<'fold> {
    pub(super) fn new(
        voice: &'fold Voice,
        permits: &'fold Permits,
        events: &'fold mut Vec<Event>,
    ) -> Self {
        let document = Document::Requirements;
        Self { voice, permits, events, document, path: Vec::new(), listed: Vec::new() }
    }

    /// The permit for a key of this document.
    pub(super) fn permit(&self, path: &[&str]) -> Option<Permit> {
        self.permits.permit(path)
    }

    /// Tells what became of a key that is not the present one.
    pub(super) fn event_at(
        &mut self,
        path: &[&'fold str],
        outcome: Outcome,
        span: Span,
        above: Option<Span>,
        words: Vec<String>,
    ) {
        let present = std::mem::replace(&mut self.path, path.to_vec());
        self.event(outcome, span, above, words);
        self.path = present;
    }

    fn event(&mut self, outcome: Outcome, span: Span, above: Option<Span>, words: Vec<String>) {
        self.events.push(Event {
            document: self.document,
            path: self.path.iter().map(|part| (*part).to_owned()).collect(),
            outcome,
            voice: self.voice.clone(),
            span,
            above,
            words,
        });
    }

    fn is_listed(&self, key: &Key) -> bool {
        match key.unset {
            Unset::Listed(parts) => {
                self.listed.get(parts.saturating_sub(1)).copied().unwrap_or(false)
            }
            Unset::Loosest | Unset::Strictest | Unset::Between => false,
        }
    }
}

/// Folds requirements over those above. Names that no row knows are reported elsewhere and do not
/// count.
pub(super) fn requirements<'fold>(
    above: &mut Table,
    layer: &'fold Table,
    spot: &Spot,
    place: &mut Place<'fold>,
) {
    place.document = Document::Requirements;
    for entry in layer {
        let Some(child) = spot.child(&entry.key.value) else { continue };
        place.path.push(&entry.key.value);
        match (child.key, &entry.node.value) {
            (Some(key), _) => leaf(above, entry, key, place),
            (None, Value::Table(below)) => table(above, entry, below, child, place),
            (None, _) => {}
        }
        place.path.pop();
    }
}

fn table<'fold>(
    above: &mut Table,
    entry: &'fold Entry,
    layer: &'fold Table,
    spot: &Spot,
    place: &mut Place<'fold>,
) {
    let known = above.get(&entry.key.value);
    if let Some(known) = known.filter(|_| layer.is_empty() && is_list_of_allowed(spot, place)) {
        let span = known.span;
        above.insert(entry.key.clone(), entry.node.clone());
        place.event(Outcome::Tightens, entry.node.span, Some(span), Vec::new());
        return;
    }
    let known = known.is_some();
    place.listed.push(known);
    if !known {
        // A table that is there and empty may say something: no server is allowed.
        above.insert(entry.key.clone(), Node::empty_table(entry.node.span));
    }
    if let Some(Node { value: Value::Table(below), .. }) = above.get_mut(&entry.key.value) {
        requirements(below, layer, spot, place);
    }
    place.listed.pop();
}

/// Whether the table at the present path lists what is allowed: empty, it allows nothing.
fn is_list_of_allowed(spot: &Spot, place: &Place<'_>) -> bool {
    let depth = place.path.len();
    let below = |spot: &Spot| is_list_of_allowed(spot, place);
    match spot.key {
        Some(key) => key.unset == Unset::Listed(depth),
        None => spot.any().is_some_and(below) || spot.fields().any(|(_, field)| below(field)),
    }
}

fn leaf(above: &mut Table, entry: &Entry, key: &'static Key, place: &mut Place<'_>) {
    let listed = place.is_listed(key);
    let low = &entry.node;
    let Some(high) = above.get(&entry.key.value) else {
        let from = Said { value: None, listed };
        let to = Said { value: Some(&low.value), listed: true };
        let first = matches!(place.permits, Permits::Baseline);
        if first || compare(key, from, to).is_tighter_or_equal() {
            above.insert(entry.key.clone(), low.clone());
            return;
        }
        let words = loosening(None, low, key);
        match place.permits.permit(&place.path) {
            Some(permit) => {
                above.insert(entry.key.clone(), low.clone());
                place.event(Outcome::Loosens(permit), low.span, None, words);
            }
            None => place.event(Outcome::Refused, low.span, None, words),
        }
        return;
    };
    let above_span = Some(high.span);
    if high.value == low.value {
        place.event(Outcome::Repeats, low.span, above_span, Vec::new());
        return;
    }
    if key.tighter == Tighter::Superset {
        let (united, added) = union(high, low);
        let outcome = if added { Outcome::Adds } else { Outcome::Repeats };
        if let Some(united) = united {
            above.insert(entry.key.clone(), united);
        }
        place.event(outcome, low.span, above_span, Vec::new());
        return;
    }
    let change = compare(
        key,
        Said { value: Some(&high.value), listed },
        Said { value: Some(&low.value), listed },
    );
    if change.is_tighter_or_equal() {
        above.insert(entry.key.clone(), low.clone());
        place.event(Outcome::Tightens, low.span, above_span, Vec::new());
        return;
    }
    let words = loosening(Some(high), low, key);
    if let Some(permit) = place.permits.permit(&place.path) {
        above.insert(entry.key.clone(), low.clone());
        place.event(Outcome::Loosens(permit), low.span, above_span, words);
        return;
    }
    // What tightens still counts, so that the rest of the policy can be judged.
    if key.tighter == Tighter::Subset && change == Change::Incomparable {
        let both = intersection(high, low);
        above.insert(entry.key.clone(), both);
    }
    place.event(Outcome::Refused, low.span, above_span, words);
}

/// The elements of a list that would loosen, or the value itself.
fn loosening(high: Option<&Node>, low: &Node, key: &Key) -> Vec<String> {
    let secret = key.secret == codex_schema::key::Secret::Yes;
    match (&low.value, high) {
        _ if secret => Vec::new(),
        (Value::Array(elements), Some(high)) if key.tighter == Tighter::Subset => {
            let known = codex_schema::strictness::elements(&high.value);
            elements
                .iter()
                .map(|element| identity(&element.value))
                .filter(|element| !known.contains(element))
                .collect()
        }
        (Value::Array(elements), _) => {
            elements.iter().map(|element| identity(&element.value)).collect()
        }
        (value, _) => vec![identity(value)],
    }
}

/// Both lists, the one above first, without repetitions; and whether anything came to it. `None`
/// when nothing did.
fn union(high: &Node, low: &Node) -> (Option<Node>, bool) {
    let (Value::Array(above), Value::Array(below)) = (&high.value, &low.value) else {
        return (None, false);
    };
    let hashes = RandomState::default();
    // Nearly always there is one value of a fingerprint: the first, and then the others.
    let mut known: HashMap<u64, (&Value, Vec<&Value>), RandomState> =
        HashMap::with_capacity_and_hasher(above.len() + below.len(), hashes.clone());
    let mut is_new = |value| match known.entry(fingerprint(value, &hashes)) {
        Slot::Vacant(slot) => {
            slot.insert((value, Vec::new()));
            true
        }
        Slot::Occupied(mut slot) => {
            let (first, others) = slot.get_mut();
            let new = *first != value && !others.contains(&value);
            if new {
                others.push(value);
            }
            new
        }
    };
    for element in above {
        is_new(&element.value);
    }
    let mut new: Vec<Node> =
        below.iter().filter(|element| is_new(&element.value)).cloned().collect();
    if new.is_empty() {
        return (None, false);
    }
    let mut all = Vec::with_capacity(above.len() + new.len());
    all.extend(above.iter().cloned());
    all.append(&mut new);
    (Some(Node { value: Value::Array(all), span: high.span }), true)
}

/// Equal values have equal fingerprints, wherever the keys of their tables stand.
fn fingerprint(value: &Value, hashes: &RandomState) -> u64 {
    fn add(value: &Value, hasher: &mut impl Hasher, hashes: &RandomState) {
        std::mem::discriminant(value).hash(hasher);
        match value {
            Value::String(text) | Value::Datetime(text) => text.hash(hasher),
            Value::Integer(number) => number.hash(hasher),
            Value::Float(number) => number.to_bits().hash(hasher),
            Value::Boolean(flag) => flag.hash(hasher),
            Value::Array(elements) => {
                elements.len().hash(hasher);
                elements.iter().for_each(|element| add(&element.value, hasher, hashes));
            }
            Value::Table(table) => {
                table.len().hash(hasher);
                // The sum does not depend on the order of the keys.
                let sum = table.iter().fold(0_u64, |sum, entry| {
                    let mut own = hashes.build_hasher();
                    entry.key.value.hash(&mut own);
                    add(&entry.node.value, &mut own, hashes);
                    sum.wrapping_add(own.finish())
                });
                sum.hash(hasher);
            }
        }
    }
    let mut hasher = hashes.build_hasher();
    add(value, &mut hasher, hashes);
    hasher.finish()
}

/// What both lists have, in the order of the lower one; the list above where that is nothing.
fn intersection(high: &Node, low: &Node) -> Node {
    let known = codex_schema::strictness::elements(&high.value);
    let both: Vec<Node> = low
        .value
        .as_array()
        .unwrap_or_default()
        .iter()
        .filter(|element| known.contains(&identity(&element.value)))
        .cloned()
        .collect();
    if both.is_empty() { high.clone() } else { Node { value: Value::Array(both), span: low.span } }
}

/// Folds managed defaults over those above: a default is no control, so the nearer one wins.
pub(super) fn config<'fold>(
    above: &mut Table,
    layer: &'fold Table,
    spot: &Spot,
    place: &mut Place<'fold>,
) {
    place.document = Document::Config;
    for entry in layer {
        place.path.push(&entry.key.value);
        let child = spot.child(&entry.key.value);
        let is_value = child.is_none_or(|child| child.key.is_some());
        match (above.get_mut(&entry.key.value), &entry.node.value) {
            (Some(Node { value: Value::Table(below), .. }), Value::Table(own)) if !is_value => {
                if let Some(child) = child {
                    config(below, own, child, place);
                }
            }
            (Some(high), _) => {
                let same = high.value == entry.node.value;
                let outcome = if same { Outcome::Repeats } else { Outcome::Overrides };
                let span = high.span;
                if !same {
                    *high = entry.node.clone();
                }
                place.event(outcome, entry.node.span, Some(span), Vec::new());
            }
            (None, _) => {
                above.insert(entry.key.clone(), entry.node.clone());
            }
        }
        place.path.pop();
    }
}
