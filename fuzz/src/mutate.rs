//! Damages inputs without an engine.

/// Words that parsers treat specially.
const WORDS: &[&str] = &[
    "[[",
    "]]",
    "{",
    "}",
    "\"",
    "'''",
    "\"\"\"",
    "=",
    ".",
    "\\u0000",
    "\u{feff}",
    "\r\n",
    "\0",
    "<dict>",
    "</dict>",
    "<!DOCTYPE",
    "bplist00",
    "null",
    "true",
    "1e999",
    "-",
    "999999999999999",
    "inf",
    "0x",
    "2024-01-01",
    "\u{1e}",
    "*",
    "**",
    "~/",
    "for x in",
    "lambda:",
    "%s",
];

/// A stream of random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }
}

/// Makes an input from one seed, or from two, with one to eight changes.
pub fn mutate(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut data = pick(dice, seeds);
    for _ in 0..=dice.below(8) {
        change(dice, &mut data, seeds);
    }
    data
}

fn pick(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    seeds.get(dice.below(seeds.len())).cloned().unwrap_or_default()
}

/// A random range of the data.
fn range(dice: &mut Dice, data: &[u8]) -> std::ops::Range<usize> {
    let start = dice.below(data.len() + 1);
    let end = start + dice.below((data.len() - start).min(64) + 1);
    start..end
}

fn change(dice: &mut Dice, data: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let place = range(dice, data);
    match dice.below(8) {
        0 => {
            if let Some(byte) = data.get_mut(place.start) {
                *byte ^= 1 << dice.below(8);
            }
        }
        1 => drop(data.drain(place)),
        2 => {
            let copy = data.get(place.clone()).unwrap_or_default().to_vec();
            data.splice(place.end..place.end, copy);
        }
        3 => {
            let word = WORDS.get(dice.below(WORDS.len())).copied().unwrap_or_default();
            data.splice(place.start..place.start, word.bytes());
        }
        4 => {
            let other = pick(dice, seeds);
            let part = other.get(range(dice, &other)).unwrap_or_default().to_vec();
            data.splice(place, part);
        }
        5 => data.truncate(place.end),
        6 => {
            // Deep nesting and long runs.
            let byte = *data.get(place.start).unwrap_or(&b'[');
            let count = 1 << dice.below(14);
            data.splice(place.start..place.start, std::iter::repeat_n(byte, count));
        }
        _ => {
            let byte = dice.below(256).to_le_bytes()[0];
            data.insert(place.start, byte);
        }
    }
}
