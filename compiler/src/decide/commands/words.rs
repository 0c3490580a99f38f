//! The words of patterns, as numbers: comparing two of them is comparing two integers.

use crate::decide::Map;

/// The number of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WordId(u32);

/// The number of a set of alternative words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SetId(u32);

/// Words and sets of words, each kept once.
#[derive(Debug, Default)]
pub(crate) struct Words<'policy> {
    by_text: Map<&'policy str, WordId>,
    sets: Vec<Vec<WordId>>,
    by_members: Map<Vec<WordId>, SetId>,
    /// The set of one word, by word.
    singles: Vec<Option<SetId>>,
}

impl<'policy> Words<'policy> {
    /// The number of a word, given one if it is new.
    pub(crate) fn intern(&mut self, text: &'policy str) -> WordId {
        let next = WordId(u32::try_from(self.by_text.len()).unwrap_or(u32::MAX));
        let id = *self.by_text.entry(text).or_insert(next);
        if id == next {
            self.singles.push(None);
        }
        id
    }

    /// The number of a word that a pattern has.
    pub(crate) fn find(&self, text: &str) -> Option<WordId> {
        self.by_text.get(text).copied()
    }

    /// The number of the set of one word.
    pub(crate) fn single(&mut self, word: WordId) -> SetId {
        let next = SetId(u32::try_from(self.sets.len()).unwrap_or(u32::MAX));
        let known = usize::try_from(word.0).ok().and_then(|at| self.singles.get_mut(at));
        match known {
            Some(Some(known)) => *known,
            Some(unknown) => {
                *unknown = Some(next);
                self.sets.push(vec![word]);
                next
            }
            // Every word has its place in the list.
            None => next,
        }
    }

    /// The number of a set: order and repetition of its members do not count.
    pub(crate) fn set(&mut self, mut members: Vec<WordId>) -> SetId {
        members.sort_unstable();
        members.dedup();
        if let [only] = members.as_slice() {
            return self.single(*only);
        }
        if let Some(known) = self.by_members.get(&members) {
            return *known;
        }
        let next = SetId(u32::try_from(self.sets.len()).unwrap_or(u32::MAX));
        self.sets.push(members.clone());
        self.by_members.insert(members, next);
        next
    }

    /// The texts by their numbers.
    pub(crate) fn texts(&self) -> Map<WordId, &'policy str> {
        self.by_text.iter().map(|(text, id)| (*id, *text)).collect()
    }

    /// The members of a set, in the order of their numbers.
    pub(crate) fn members(&self, set: SetId) -> &[WordId] {
        usize::try_from(set.0).ok().and_then(|at| self.sets.get(at)).map_or(&[], Vec::as_slice)
    }
}
