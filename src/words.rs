//! The words of a folded text, found in one pass, each with a hash: what the lexicon looks terms up by, and what tells words
//! that nobody knows from the rest.

use std::hash::Hasher;

use unicode_normalization::char::is_combining_mark;

use crate::span::NormSpan;
use crate::vocabulary;

/// Base of the polynomial hash: odd, with bits all over.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hash of a word: a polynomial over its bytes modulo 2^64, so that the hash of two words in a row, or of a word less one
/// letter, follows from the hashes of the parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WordHash(pub u64);

impl WordHash {
    /// The hash of `text`, whatever it holds.
    #[must_use]
    pub fn of(text: &str) -> Self {
        text.bytes().fold(Self(0), Self::push)
    }

    /// The hash of the hashed text with `byte` behind it.
    #[must_use]
    #[inline]
    pub fn push(self, byte: u8) -> Self {
        Self(self.0.wrapping_mul(BASE).wrapping_add(u64::from(byte) + 1))
    }

    /// The hash of the hashed text with another text of `len` bytes behind it.
    #[must_use]
    pub fn join(self, other: Self, len: usize) -> Self {
        Self(self.0.wrapping_mul(power(len)).wrapping_add(other.0))
    }

    /// Bits spread over the whole word: polynomial hashes of short words share their high bits.
    #[must_use]
    #[inline]
    pub fn spread(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ (mixed >> 32)
    }
}

/// Hashes a word hash by spreading its bits: it is a hash already.
#[derive(Default)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, &byte| hash.rotate_left(8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = WordHash(hash).spread();
    }
}

/// `BASE` to the power of `exponent`.
pub(crate) fn power(exponent: usize) -> u64 {
    const POWERS: [u64; 64] = {
        let (mut powers, mut exponent) = ([1_u64; 64], 1);
        while exponent < 64 {
            powers[exponent] = powers[exponent - 1].wrapping_mul(BASE);
            exponent += 1;
        }
        powers
    };
    POWERS.get(exponent).copied().unwrap_or_else(|| BASE.wrapping_pow(u32::try_from(exponent).unwrap_or(u32::MAX)))
}

/// A word of a folded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Its hash.
    pub hash: WordHash,
    /// Whether it is in the vocabulary of English and of prompts.
    pub known: bool,
    /// Whether it is a character of a script that writes no spaces, or an emoji: a word of one character.
    pub solo: bool,
}

impl Word {
    /// The words of a folded text.
    ///
    /// ```
    /// use promptgate::Word;
    ///
    /// let text = "a lighthouse, 裸";
    /// let words: Vec<_> = Word::all_of(text).iter().map(|word| word.slice(text)).collect();
    /// assert_eq!(words, ["a", "lighthouse", "裸"]);
    /// ```
    #[must_use]
    pub fn all_of(folded: &str) -> Vec<Self> {
        let mut words = Vec::new();
        find_words(folded, &mut words);
        words
    }

    /// Where it is.
    #[must_use]
    pub fn span(&self) -> NormSpan {
        NormSpan::new(self.start as usize, self.end as usize)
    }

    /// Its text.
    #[must_use]
    pub fn slice<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// What a character is to a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// It parts words.
    Between,
    /// It is part of one.
    Letter,
    /// The same, katakana: a run of katakana is a word even where no space parts it from its neighbors.
    Katakana,
    /// The same, Hangul.
    Hangul,
    /// It is a word of its own: scripts that write no spaces, emoji.
    Solo,
}

/// Which bytes are letters and digits of ASCII.
const ALPHANUMERIC: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0_u8);
    while byte < 0x80 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

/// Finds the words of `text`, at most 4 GiB of it, into `words`, which is emptied first.
pub(crate) fn find_words(text: &str, words: &mut Vec<Word>) {
    words.clear();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let mut hash = WordHash(0);
        if byte.is_ascii() {
            if !ALPHANUMERIC[usize::from(byte)] {
                at += 1;
                continue;
            }
        } else {
            let class = class_at(text, at);
            let len = width(byte);
            if matches!(class, Class::Between | Class::Solo) {
                if class == Class::Solo {
                    let hash = WordHash::of(text.get(at..at + len).unwrap_or_default());
                    words.push(word(at, at + len, hash, true));
                }
                at += len;
                continue;
            }
        }
        let class = if byte.is_ascii() { Class::Letter } else { class_at(text, at) };
        while let Some(&byte) = bytes.get(at) {
            // Nearly all words are ASCII from end to end.
            if class == Class::Letter && ALPHANUMERIC[usize::from(byte)] {
                hash = hash.push(byte);
                at += 1;
                continue;
            }
            if byte.is_ascii() || class_at(text, at) != class && !is_mark_at(text, at) {
                break;
            }
            let len = width(byte);
            hash = bytes.get(at..at + len).unwrap_or_default().iter().copied().fold(hash, WordHash::push);
            at += len;
        }
        words.push(word(start, at, hash, false));
    }
}

fn word(start: usize, end: usize, hash: WordHash, solo: bool) -> Word {
    let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Word { start: position(start), end: position(end), hash, known: solo || vocabulary::holds(hash), solo }
}

/// Length of the character whose first byte is `byte`.
fn width(byte: u8) -> usize {
    match byte {
        0..0x80 => 1,
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    }
}

fn class_at(text: &str, at: usize) -> Class {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(Class::Between, class)
}

fn is_mark_at(text: &str, at: usize) -> bool {
    text.get(at..).and_then(|rest| rest.chars().next()).is_some_and(is_combining_mark)
}

fn class(character: char) -> Class {
    match character {
        '0'..='9' | 'a'..='z' | 'A'..='Z' => Class::Letter,
        '\0'..'\u{80}' => Class::Between,
        // Thai, Lao, Myanmar, Khmer; kana but katakana; ideographs.
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{309f}'
        | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Class::Solo,
        '\u{30a1}'..='\u{30ff}' => Class::Katakana,
        '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' => Class::Hangul,
        '\u{2000}'..='\u{218f}' | '\u{3000}'..='\u{303f}' | '\u{fe10}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff65}'
            if !character.is_alphanumeric() =>
        {
            Class::Between
        }
        _ if is_alphanumeric(character) || is_combining_mark(character) => Class::Letter,
        // Pictures and signs: emoji mean something by themselves.
        '\u{2190}'.. => Class::Solo,
        _ => Class::Between,
    }
}

/// As [`char::is_alphanumeric`], which looks most letters outside ASCII up in a table.
pub(crate) fn is_alphanumeric(character: char) -> bool {
    match character {
        'À'..='Ö'
        | 'Ø'..='ö'
        | 'ø'..='ʯ'
        | 'Α'..='Ρ'
        | 'α'..='ω'
        | 'А'..='я'
        | '\u{5d0}'..='\u{5ea}'
        | '\u{620}'..='\u{64a}'
        | '\u{904}'..='\u{939}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' => true,
        _ => character.is_alphanumeric(),
    }
}

/// Whether a word may begin or end at byte `at` of `text`.
pub(crate) fn is_boundary(text: &str, at: usize) -> bool {
    let (Some(before), Some(after)) =
        (at.checked_sub(1).and_then(|last| text.as_bytes().get(last)), text.as_bytes().get(at))
    else {
        return true;
    };
    if before.is_ascii() && after.is_ascii() {
        return !(before.is_ascii_alphanumeric() && after.is_ascii_alphanumeric());
    }
    let before = text.get(..at).and_then(|head| head.chars().next_back()).map_or(Class::Between, class);
    let after_class = class_at(text, at);
    if matches!(before, Class::Between | Class::Solo) || matches!(after_class, Class::Between | Class::Solo) {
        return true;
    }
    before != after_class && !is_mark_at(text, at)
}

/// How far two spans of a text lie apart, in words; characters of scripts without spaces count half. Counts up to `limit`
/// and a little more.
pub(crate) fn words_between(words: &[Word], one: NormSpan, other: NormSpan, limit: usize) -> usize {
    let (start, end) = (one.end.min(other.end), one.start.max(other.start));
    if start >= end {
        return 0;
    }
    let first = words.partition_point(|word| (word.start as usize) < start);
    let between = words.iter().skip(first).take_while(|word| (word.end as usize) <= end).take(2 * limit + 2);
    1 + between.map(|word| if word.solo { 1 } else { 2 }).sum::<usize>() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let mut words = Vec::new();
        find_words(text, &mut words);
        words.iter().map(|word| word.slice(text)).collect()
    }

    #[test]
    fn words_of_all_scripts() {
        assert_eq!(words("a well,  known 35mm (lens)"), ["a", "well", "known", "35mm", "lens"]);
        assert_eq!(words("дом у моря, नमस्ते"), ["дом", "у", "моря", "नमस्ते"]);
        assert_eq!(words("裸の女、ヌード写真"), ["裸", "の", "女", "ヌード", "写", "真"]);
        assert_eq!(words("누드의 woman🔞ok"), ["누드의", "woman", "🔞", "ok"]);
    }

    #[test]
    fn knows_letters() {
        assert!(('\0'..=char::MAX).all(|character| is_alphanumeric(character) == character.is_alphanumeric()));
    }

    #[test]
    fn hashes_join() {
        assert_eq!(WordHash::of("na").join(WordHash::of("ked"), 3), WordHash::of("naked"));
    }

    #[test]
    fn boundaries_agree_with_words() {
        for text in ["a well,  known 35mm", "裸の女、ヌード写真", "누드의 woman🔞ok नमस्ते"] {
            let mut found = Vec::new();
            find_words(text, &mut found);
            for word in found {
                assert!(is_boundary(text, word.start as usize) && is_boundary(text, word.end as usize), "{text}");
            }
        }
    }

    #[test]
    fn distance_counts_words() {
        let text = "one two three 裸の女";
        let mut found = Vec::new();
        find_words(text, &mut found);
        assert_eq!(words_between(&found, NormSpan::new(0, 3), NormSpan::new(4, 7), 9), 1);
        assert_eq!(words_between(&found, NormSpan::new(0, 3), NormSpan::new(8, 13), 9), 2);
        assert_eq!(words_between(&found, NormSpan::new(14, 17), NormSpan::new(20, 23), 9), 1);
    }
}
