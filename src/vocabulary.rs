//! The words that nobody takes for a disguise: English, and names that are common in prompts. Written by
//! `scripts/generate-vocabulary.py`, which names the sources.
//!
//! A blocked Bloom filter of 512 KiB: 65,536 blocks of 64 bits, four bits a word. It never denies a word it holds, and takes
//! about one in a hundred others for known, which closes a view that might have opened, never more.

use crate::words::WordHash;

const BLOCKS: usize = 1 << 16;
static FILTER: &[u8; 8 * BLOCKS] = include_bytes!("vocabulary.bin");

/// Whether the word is known. One look at the memory.
pub(crate) fn holds(word: WordHash) -> bool {
    let bits = word.spread();
    let at = 8 * (usize::try_from(bits % BLOCKS as u64).unwrap_or(0));
    let block = FILTER.get(at..at + 8).and_then(|block| block.try_into().ok()).map_or(0, u64::from_le_bytes);
    let mask = [16, 22, 28, 34].iter().fold(0, |mask, shift| mask | 1_u64 << ((bits >> shift) & 63));
    block & mask == mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_words_and_not_disguises() {
        for word in ["lighthouse", "watercolor", "naked", "portrait", "greg", "rutkowski"] {
            assert!(holds(WordHash::of(word)), "{word}");
        }
        for word in ["nakd", "dekan", "nkaed", "svrd", "anxrq"] {
            assert!(!holds(WordHash::of(word)), "{word}");
        }
    }
}
