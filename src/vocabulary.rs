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

/// Known words that can be named: nobody can read them out of the filter, but the vocabulary of the `main` model's tokenizer went
/// into it. Sorted; empty in a build without models.
#[cfg(feature = "onnx")]
pub(crate) fn common_words() -> Vec<String> {
    use serde_json::Value;

    let tokenizer: Value = serde_json::from_slice(crate::classifier::MAIN_TOKENIZER).unwrap_or_default();
    let pieces: Vec<&str> = match tokenizer.pointer("/model/vocab") {
        Some(Value::Object(vocabulary)) => vocabulary.keys().map(String::as_str).collect(),
        Some(Value::Array(scored)) => scored.iter().filter_map(|piece| piece.get(0)?.as_str()).collect(),
        _ => Vec::new(),
    };
    let is_word = |piece: &&str| piece.len() >= 4 && piece.bytes().all(|byte| byte.is_ascii_lowercase());
    let words = pieces.into_iter().map(|piece| piece.trim_start_matches('\u{2581}')).filter(is_word);
    let mut words: Vec<String> = words.filter(|word| holds(WordHash::of(word))).map(str::to_owned).collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[cfg(not(feature = "onnx"))]
pub(crate) fn common_words() -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "onnx")]
    fn names_common_words() {
        let words = common_words();
        assert!(words.len() > 5_000 && words.binary_search(&"portrait".to_owned()).is_ok(), "{}", words.len());
    }

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
