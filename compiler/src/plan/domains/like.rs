//! Texts of a list that begin like one that is read, letter by letter.

/// A range of a sorted list, and how many letters were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Like {
    first: usize,
    end: usize,
    read: usize,
}

impl Like {
    /// The whole list, which must be sorted: nothing was read.
    pub(super) fn all<Text>(texts: &[Text]) -> Self {
        Self { first: 0, end: texts.len(), read: 0 }
    }

    /// The texts that go on with a letter.
    pub(super) fn step<Text: AsRef<[u8]>>(self, byte: u8, texts: &[Text]) -> Option<Self> {
        let range = texts.get(self.first..self.end)?;
        let at = |text: &Text| text.as_ref().get(self.read).copied();
        let first = self.first + range.partition_point(|text| at(text) < Some(byte));
        let end = self.first + range.partition_point(|text| at(text) <= Some(byte));
        (first < end).then_some(Self { first, end, read: self.read + 1 })
    }

    /// Whether one of the texts was read to its end: the shortest is the first.
    pub(super) fn is_whole<Text: AsRef<[u8]>>(self, texts: &[Text]) -> bool {
        let first = texts.get(self.first).filter(|_| self.first < self.end);
        first.is_some_and(|text| text.as_ref().len() == self.read)
    }

    /// The letters that texts go on with.
    pub(super) fn next_bytes<Text: AsRef<[u8]>>(self, texts: &[Text]) -> impl Iterator<Item = u8> {
        let range = texts.get(self.first..self.end).unwrap_or_default();
        range.iter().filter_map(move |text| text.as_ref().get(self.read).copied())
    }
}
