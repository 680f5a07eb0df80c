//! Where the patterns are that may start at a word: tables by hash. What they cost is the memory they touch, so that all that
//! is known of a word lies in one place, and rare look-ups stand behind a bitmap.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::gate::Gate;
use crate::index::{Index, home, tag};
use crate::words::{AsIs, WordHash};

/// No pattern.
const NONE: u32 = u32::MAX;

/// What starts with a word.
#[derive(Clone, Copy)]
struct First {
    tag: u32,
    /// The first of the patterns that are this word alone, or [`NONE`].
    alone: u32,
    /// One bit, by hash, for every word that goes on a longer pattern: nothing is lost if it holds too many.
    next: u64,
}

impl First {
    const EMPTY: Self = Self { tag: 0, alone: NONE, next: 0 };

    fn is_empty(self) -> bool {
        self.alone == NONE && self.next == 0
    }
}

#[inline]
fn bit_of(word: WordHash) -> u64 {
    1 << (word.spread() >> 58)
}

/// The key of two words in a row.
#[inline]
fn pair(first: WordHash, second: WordHash) -> u64 {
    WordHash(first.spread().rotate_left(17) ^ second.0).spread()
}

/// The key of three words in a row.
#[inline]
fn triple(first: WordHash, second: WordHash, third: WordHash) -> u64 {
    pair(WordHash(pair(first, second)), third)
}

/// What a [`Shelf`] is built from.
#[derive(Default)]
pub(super) struct ShelfBuilder {
    /// The first words, each with the bits of the second ones.
    words: HashMap<WordHash, u64, BuildHasherDefault<AsIs>>,
    alone: Vec<(WordHash, u32)>,
    pairs: Vec<(u64, u32)>,
    triples: Vec<(u64, u32)>,
}

impl ShelfBuilder {
    /// Puts in a pattern that starts with the word `first`, and goes on with up to two more, if it goes on.
    pub(super) fn insert(&mut self, first: WordHash, next: [Option<WordHash>; 2], pattern: u32) {
        let bits = self.words.entry(first).or_default();
        match next {
            [Some(second), third] => {
                *bits |= bit_of(second);
                match third {
                    Some(third) => self.triples.push((triple(first, second, third), pattern)),
                    None => self.pairs.push((pair(first, second), pattern)),
                }
            }
            [None, _] => self.alone.push((first, pattern)),
        }
    }

    /// Builds the shelf. `after` has room for every pattern and is shared by all shelves.
    pub(super) fn build(self, after: &mut [u32]) -> Shelf {
        let size = (3 * self.words.len() / 2 + 1).next_power_of_two();
        let gate = Gate::for_entries(self.words.len());
        let mut built = Shelf {
            gate,
            firsts: vec![First::EMPTY; size],
            pairs: Index::new(&self.pairs),
            triples: Index::new(&self.triples),
        };
        for (word, bits) in self.words {
            built.gate.insert(word.spread());
            if bits != 0
                && let Some(slot) = built.slot(word)
            {
                slot.next = bits;
            }
        }
        // From the last to the first, so that each one is put in front.
        for &(word, pattern) in self.alone.iter().rev() {
            if let (Some(slot), Some(after)) = (built.slot(word), after.get_mut(pattern as usize)) {
                *after = std::mem::replace(&mut slot.alone, pattern);
            }
        }
        built
    }
}

/// The patterns of some lists by their first words. The table of words is open addressing, at most two thirds full.
pub(super) struct Shelf {
    gate: Gate,
    firsts: Vec<First>,
    /// Patterns of two words.
    pairs: Index,
    /// Longer ones, by their first three: thousands start with the same two.
    triples: Index,
}

impl Shelf {
    /// Room for what follows each of `patterns` patterns among those that are the same word alone.
    pub(super) fn after(patterns: usize) -> Vec<u32> {
        vec![NONE; patterns]
    }

    /// The slot of a word, taken if there is none yet.
    fn slot(&mut self, word: WordHash) -> Option<&mut First> {
        let key = word.spread();
        let is_its =
            |place: &usize| self.firsts.get(*place).is_some_and(|slot| slot.is_empty() || slot.tag == tag(key));
        let place = { places(key, self.firsts.len()) }.find(is_its)?;
        let slot = self.firsts.get_mut(place)?;
        slot.tag = tag(key);
        Some(slot)
    }

    /// Gives `found` every pattern that is `word` alone, in the order put in, then those that go on with the words `next`. A few
    /// others may be among them: patterns are compared with the text.
    #[inline]
    pub(super) fn find(&self, word: WordHash, next: [Option<WordHash>; 2], after: &[u32], mut found: impl FnMut(u32)) {
        let key = word.spread();
        if !self.gate.may_hold(key) {
            return;
        }
        let slots = places(key, self.firsts.len()).map_while(|place| self.firsts.get(place));
        let Some(first) = { slots }.take_while(|slot| !slot.is_empty()).find(|slot| slot.tag == tag(key)) else {
            return;
        };
        let mut alone = first.alone;
        while alone != NONE {
            found(alone);
            alone = after.get(alone as usize).copied().unwrap_or(NONE);
        }
        if let [Some(second), third] = next
            && first.next & bit_of(second) != 0
        {
            self.pairs.get(pair(word, second)).for_each(&mut found);
            if let Some(third) = third {
                self.triples.get(triple(word, second, third)).for_each(found);
            }
        }
    }
}

/// The places of a table of `size` slots where `key` may lie, in the order of looking.
#[inline]
fn places(key: u64, size: usize) -> impl Iterator<Item = usize> {
    (0..size).map(move |step| (home(key) + step) & (size - 1))
}

#[cfg(test)]
mod tests {
    use super::{Shelf, ShelfBuilder};
    use crate::words::WordHash;

    #[test]
    fn knows_what_starts_with_a_word() {
        let word = |n: u32| WordHash::of(&format!("word{n}"));
        let mut shelf = ShelfBuilder::default();
        (0..2000).for_each(|n| shelf.insert(word(n % 1000), [None, None], n));
        (500..1500).for_each(|n| {
            shelf.insert(word(n), [Some(word(n + 1)), (n % 2 == 0).then(|| word(n + 2))], 2000 + n);
        });
        let mut after = Shelf::after(4000);
        let shelf = shelf.build(&mut after);
        let find = |n| {
            let mut found = Vec::new();
            shelf.find(word(n), [Some(word(n + 1)), Some(word(n + 2))], &after, |pattern| found.push(pattern));
            found
        };
        for n in 0..1500 {
            let mut expected = if n < 1000 { vec![n, n + 1000] } else { Vec::new() };
            expected.extend((n >= 500).then_some(2000 + n));
            assert_eq!(find(n), expected);
        }
        assert!((3000..4000).filter(|&n| !find(n).is_empty()).count() < 10);
        ShelfBuilder::default().build(&mut []).find(word(1), [None, None], &[], |_| panic!("an empty shelf"));
    }
}
