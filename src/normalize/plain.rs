//! The plain fold: what every text goes through, and every term of every list.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::table::{self, Plain};
use crate::text::{Normalized, Rewriter};

/// Folds case, accents, compatibility forms (full-width, mathematical, enclosed letters, ligatures), drops invisible
/// characters, and makes every run of white space, `-` and `_` one space. Other punctuation stays.
///
/// `out` is emptied first. Linear; ASCII is copied in stretches, other text goes character by character.
pub fn fold_plain(text: &Normalized, out: &mut Normalized) {
    let from = text.as_str();
    let mut rewriter = text.rewrite_into(out);
    let mut at = 0;
    while at < from.len() {
        let rest = from.as_bytes().get(at..).unwrap_or_default();
        let ascii = rest.iter().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
        fold_ascii(&mut rewriter, from, at, at + ascii);
        at += ascii;
        let mut characters = from.get(at..).unwrap_or_default().chars().peekable();
        while let Some(character) = characters.next_if(|character| !character.is_ascii()) {
            let end = at + character.len_utf8();
            match characters.peek() {
                Some(&next) if joins(next) || is_invisible(next) => {
                    at = fold_cluster(&mut rewriter, from, at);
                    break;
                }
                _ => fold_character(&mut rewriter, character, at, end),
            }
            at = end;
        }
    }
}

/// Folds the ASCII bytes `from[start..end]`, copying stretches as long as nothing but case changes.
fn fold_ascii(rewriter: &mut Rewriter<'_>, from: &str, start: usize, end: usize) {
    let bytes = from.as_bytes();
    let mut copied = start;
    let mut after_space = rewriter.written().ends_with(' ');
    for (offset, &byte) in bytes.get(start..end).unwrap_or_default().iter().enumerate() {
        let replacement = match KIND[usize::from(byte)] {
            Kind::Other => {
                after_space = false;
                continue;
            }
            Kind::Space if !std::mem::replace(&mut after_space, true) => continue,
            Kind::Separator if !std::mem::replace(&mut after_space, true) => Some(b' '),
            // A second space says nothing new, and a control byte is invisible to a reader.
            Kind::Space | Kind::Separator | Kind::Control => None,
        };
        let at = start + offset;
        rewriter.copy_lowercase(copied, at);
        match replacement {
            Some(space) => rewriter.swap_ascii(at, space),
            None => rewriter.replace(at, at + 1, ""),
        }
        copied = at + 1;
    }
    rewriter.copy_lowercase(copied, end);
}

/// What folding does with a byte of ASCII.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It stays, in lower case.
    Other,
    Space,
    /// It becomes a space.
    Separator,
    Control,
}

const KIND: [Kind; 256] = {
    let mut kinds = [Kind::Other; 256];
    let mut byte = 0;
    while byte < 0x80_u8 {
        kinds[byte as usize] = match byte {
            b' ' => Kind::Space,
            b'-' | b'_' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => Kind::Separator,
            0..0x20 | 0x7f => Kind::Control,
            _ => Kind::Other,
        };
        byte += 1;
    }
    kinds
};

fn fold_character(rewriter: &mut Rewriter<'_>, character: char, at: usize, end: usize) {
    match table::plain(character) {
        Plain::Same => rewriter.copy(at, end),
        Plain::Nothing => rewriter.replace(at, end, ""),
        Plain::Space => {
            let space = if rewriter.written().ends_with(' ') { "" } else { " " };
            rewriter.replace(at, end, space);
        }
        Plain::Text(text) => rewriter.replace(at, end, after(rewriter.written(), text)),
    }
}

/// `text` as it goes on behind `written`: there is never a second space.
fn after<'t>(written: &str, text: &'t str) -> &'t str {
    if written.ends_with(' ') { text.trim_start_matches(' ') } else { text }
}

/// Whether a character belongs to the one before: marks, the vowels and finals of taken-apart Hangul, half-width voicing.
fn joins(character: char) -> bool {
    !character.is_ascii()
        && (is_combining_mark(character) || matches!(character, '\u{1160}'..='\u{11ff}' | '\u{ff9e}' | '\u{ff9f}'))
}

/// Whether nothing is left of a character: what joins a letter may stand behind it.
fn is_invisible(character: char) -> bool {
    if character.is_ascii() {
        character.is_ascii_control() && !is_separator(character)
    } else {
        table::plain(character) == Plain::Nothing && !is_combining_mark(character)
    }
}

/// Folds the character at `at` with all that joins it, put together first; says where it ends.
fn fold_cluster(rewriter: &mut Rewriter<'_>, from: &str, at: usize) -> usize {
    let rest = from.get(at..).unwrap_or_default();
    let mut characters = rest.char_indices();
    characters.next();
    let stop = characters.find(|&(_, character)| !joins(character) && !is_invisible(character));
    let len = stop.map_or(rest.len(), |(stop, _)| stop);
    let shown = rest.get(..len).unwrap_or_default().chars().filter(|&character| !is_invisible(character));
    let mut folded = String::new();
    for part in shown.nfkc() {
        match table::plain(part) {
            _ if part.is_ascii() => folded.extend(part.to_lowercase()),
            Plain::Same => folded.push(part),
            Plain::Nothing => {}
            Plain::Space => folded.push(' '),
            Plain::Text(text) => folded.push_str(text),
        }
    }
    rewriter.replace(at, at + len, after(rewriter.written(), &folded));
    at + len
}

fn is_separator(character: char) -> bool {
    u8::try_from(character).is_ok_and(|byte| matches!(KIND[usize::from(byte)], Kind::Space | Kind::Separator))
}

/// Folds only case and compatibility forms: accents stay, as terms matched `exact` ask.
///
/// ```
/// assert_eq!(promptgate::normalize::fold_exact("Râpe\u{301}"), "râpé");
/// ```
#[must_use]
pub fn fold_exact(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let shown = text.chars().filter(|&character| character.is_ascii() || !is_invisible(character));
    for character in shown.flat_map(char::to_lowercase).nfkc() {
        let separates =
            if character.is_ascii() { is_separator(character) } else { table::plain(character) == Plain::Space };
        if separates {
            if !folded.ends_with(' ') {
                folded.push(' ');
            }
        } else if is_combining_mark(character) || character.is_ascii() || table::plain(character) != Plain::Nothing {
            folded.push(character);
        }
    }
    folded.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::fold_exact;
    use crate::normalize::fold_term;

    #[test]
    fn folds_what_readers_do_not_see() {
        for (typed, folded) in [
            ("Severed-Head", "severed head"),
            ("a  b\t\nc__d", "a b c d"),
            ("\u{ff4e}\u{ff55}\u{ff44}\u{ff45}", "nude"),
            ("n\u{200b}u\u{ad}de", "nude"),
            ("Ñu\u{301}dé", "nude"),
            ("n\u{336}u\u{336}d\u{336}e\u{336}", "nude"),
            ("\u{1d427}\u{1d42e}\u{24d3}\u{24d4}", "nude"),
            ("\u{1f15d}\u{1f164}\u{1f173}\u{1f174}", "nude"),
            ("\u{274}\u{1d1c}\u{1d05}\u{1d07}", "nude"),
            ("don\u{2019}t", "don't"),
            ("o\u{fb03}ce straße", "office strasse"),
            ("नमस्ते", "नमस्ते"),
            ("がぎぐ 한국어 漢字", "がぎぐ 한국어 漢字"),
            ("\u{ff76}\u{ff9e}", "ガ"),
            ("\u{ff76}\0\u{200b}\u{ff9e}", "ガ"),
            ("\u{1112}\u{1161}\u{11ab}", "한"),
            ("أَحْمَر مـرحبا", "احمر مرحبا"),
            ("İstanbul", "istanbul"),
            ("a\u{0}b", "ab"),
            ("\u{3000}a\u{3000}\u{a8}b", "a b"),
        ] {
            assert_eq!(fold_term(typed), folded, "{typed:?}");
            assert_eq!(fold_term(folded), folded, "{folded:?} is not stable");
        }
    }

    #[test]
    fn exact_keeps_accents_and_nothing_else() {
        assert_eq!(fold_exact("Kho\u{300}a-Thân"), "khòa thân");
        assert_eq!(fold_exact("Ｒ\u{200b}âpé"), "râpé");
    }
}
