//! Many patterns of `*` and `?` at once, as the set of places in which they can be.

use super::{Both, Patterns, strictest};
use crate::decide::domains::DomainRule;

/// Places in patterns, ascending.
pub(super) type Places = Vec<u32>;

/// The patterns, one after the other.
#[derive(Debug)]
pub(super) struct Globs {
    code: Vec<Code>,
    starts: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Code {
    sign: Sign,
    /// What the pattern says, at each of its places.
    says: Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// `*`.
    Any,
    /// `?`.
    One,
    Byte(u8),
    End,
}

/// Which way texts are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Forward,
    Backward,
}

impl Globs {
    pub(super) fn of(patterns: &Patterns, reading: Reading) -> Self {
        let mut globs = Self { code: Vec::new(), starts: Vec::new() };
        for (text, says) in patterns {
            globs.starts.push(u32::try_from(globs.code.len()).unwrap_or(u32::MAX));
            let sign = |byte: &u8| match byte {
                b'*' => Sign::Any,
                b'?' => Sign::One,
                byte => Sign::Byte(*byte),
            };
            let mut signs: Vec<Sign> = text.iter().map(sign).collect();
            if reading == Reading::Backward {
                signs.reverse();
            }
            signs.push(Sign::End);
            globs.code.extend(signs.into_iter().map(|sign| Code { sign, says: *says }));
        }
        globs
    }

    fn code(&self, place: u32) -> Option<&Code> {
        self.code.get(usize::try_from(place).ok()?)
    }

    /// Where all patterns begin.
    pub(super) fn start(&self) -> Places {
        self.closed(self.starts.clone())
    }

    /// Where they are after a character.
    pub(super) fn step(&self, places: &Places, byte: u8) -> Places {
        let next = |place: &u32| match self.code(*place)?.sign {
            Sign::Any => Some(*place),
            Sign::One => Some(place + 1),
            Sign::Byte(own) if own == byte => Some(place + 1),
            Sign::Byte(_) | Sign::End => None,
        };
        self.closed(places.iter().filter_map(next).collect())
    }

    /// A star may stand for nothing.
    fn closed(&self, mut places: Places) -> Places {
        let mut at = 0;
        while let Some(place) = places.get(at) {
            if self.code(*place).is_some_and(|code| code.sign == Sign::Any) {
                places.push(place + 1);
            }
            at += 1;
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    /// What the patterns say that match as far as it was read.
    pub(super) fn says(&self, places: &Places) -> Both {
        let ends = places.iter().filter_map(|place| self.code(*place));
        let ends = ends.filter(|code| code.sign == Sign::End);
        ends.fold([None::<DomainRule>; 2], |both, code| strictest(both, code.says))
    }

    /// Whether all patterns that can still match say the same on both sides.
    pub(super) fn are_equal(&self, places: &Places) -> bool {
        places.iter().filter_map(|place| self.code(*place)).all(|code| {
            let [from, to] = code.says;
            from == to
        })
    }

    /// The characters that patterns name next.
    pub(super) fn next_bytes(&self, places: &Places) -> impl Iterator<Item = u8> {
        places.iter().filter_map(|place| match self.code(*place)?.sign {
            Sign::Byte(byte) => Some(byte),
            Sign::Any | Sign::One | Sign::End => None,
        })
    }
}
