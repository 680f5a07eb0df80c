//! The plain fold: what every text goes through, and every term of every list.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

use crate::text::{Normalized, Rewriter};

/// Folds case, accents, compatibility forms (full-width, mathematical, enclosed letters, ligatures), drops invisible
/// characters, and makes every run of white space, `-` and `_` one space. Other punctuation stays.
///
/// `out` is emptied first. ASCII costs about a nanosecond a byte, other text about twenty times that.
pub fn fold_plain(text: &Normalized, out: &mut Normalized) {
    let from = text.as_str();
    let mut rewriter = text.rewrite_into(out);
    let mut at = 0;
    while at < from.len() {
        let rest = from.as_bytes().get(at..).unwrap_or_default();
        let ascii = rest.iter().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
        fold_ascii(&mut rewriter, from, at, at + ascii);
        at += ascii;
        for (offset, character) in from.get(at..).unwrap_or_default().char_indices() {
            if character.is_ascii() {
                at += offset;
                break;
            }
            fold_character(&mut rewriter, character, at + offset);
            if at + offset + character.len_utf8() == from.len() {
                return;
            }
        }
    }
}

/// Folds the ASCII bytes `from[start..end]`, copying stretches as long as nothing but case changes.
fn fold_ascii(rewriter: &mut Rewriter<'_>, from: &str, start: usize, end: usize) {
    let bytes = from.as_bytes();
    let mut copied = start;
    let mut after_space = rewriter.written().ends_with(' ');
    for at in start..end {
        let byte = bytes.get(at).copied().unwrap_or_default();
        if !is_separator(byte) {
            // A control byte is invisible to a reader, and so it is to the matcher.
            if byte < b' ' || byte == 0x7f {
                rewriter.copy_lowercase(copied, at);
                rewriter.replace(at, at + 1, "");
                copied = at + 1;
                continue;
            }
            after_space = false;
        } else if after_space {
            rewriter.copy_lowercase(copied, at);
            rewriter.replace(at, at + 1, "");
            copied = at + 1;
        } else {
            after_space = true;
            if byte != b' ' {
                rewriter.copy_lowercase(copied, at);
                rewriter.swap_ascii(at, b' ');
                copied = at + 1;
            }
        }
    }
    rewriter.copy_lowercase(copied, end);
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'_' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn fold_character(rewriter: &mut Rewriter<'_>, character: char, at: usize) {
    let end = at + character.len_utf8();
    if is_invisible(character) || is_accent(character) {
        rewriter.replace(at, end, "");
        return;
    }
    if character.is_whitespace() || is_dash(character) {
        let space = if rewriter.written().ends_with(' ') { "" } else { " " };
        rewriter.replace(at, end, space);
        return;
    }
    // Hangul syllables, kana and ideographs have no case and no accents: taking them apart would only cost time.
    if matches!(character, '\u{3041}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}') {
        rewriter.copy(at, end);
        return;
    }
    let mut folded = String::new();
    for lower in character.to_lowercase() {
        decompose_compatible(lower, |part| {
            if let Some(simple) = simplest(part) {
                folded.extend(simple.to_lowercase());
            }
        });
    }
    // Marks that are letters of their script (Devanagari vowels, kana voicing) go back on. What takes a character apart may
    // bring spaces and dashes (a lone accent is a space with a mark).
    let mut composed = String::new();
    for part in folded.nfc().filter(|part| !is_invisible(*part)) {
        if part.is_whitespace() || is_dash(part) || matches!(part, '-' | '_') {
            let after = if composed.is_empty() { rewriter.written() } else { &composed };
            if !after.ends_with(' ') {
                composed.push(' ');
            }
        } else {
            composed.push(part);
        }
    }
    if from_is(&composed, character) {
        rewriter.copy(at, end);
    } else {
        rewriter.replace(at, end, &composed);
    }
}

fn from_is(folded: &str, character: char) -> bool {
    let mut characters = folded.chars();
    characters.next() == Some(character) && characters.next().is_none()
}

/// Accents drop; typographic quotes become ASCII; enclosed letters become letters.
fn simplest(part: char) -> Option<char> {
    Some(match part {
        _ if is_accent(part) => return None,
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{02bc}' | '`' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{201f}' | '\u{2033}' => '"',
        // Negative circled, negative squared, squared and regional-indicator letters have no compatibility mapping.
        '\u{1f130}'..='\u{1f149}' => letter(part, 0x1f130),
        '\u{1f150}'..='\u{1f169}' => letter(part, 0x1f150),
        '\u{1f170}'..='\u{1f189}' => letter(part, 0x1f170),
        'ı' => 'i',
        'ł' => 'l',
        'ø' => 'o',
        'đ' | 'ð' => 'd',
        'ß' => 's',
        _ => part,
    })
}

fn letter(enclosed: char, first: u32) -> char {
    char::from_u32(u32::from(b'a') + (u32::from(enclosed) - first)).unwrap_or(enclosed)
}

/// Accents as written over Latin, Greek and Cyrillic letters; marks that are letters of other scripts are none.
fn is_accent(character: char) -> bool {
    matches!(character, '\u{0300}'..='\u{036f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
        && is_combining_mark(character)
}

/// Characters that show nothing: zero-width, directional, variation selectors, tags.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    )
}

fn is_dash(character: char) -> bool {
    matches!(character, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' | '\u{ff3f}')
}

#[cfg(test)]
mod tests {
    use crate::normalize::fold_term;

    #[test]
    fn folds_what_readers_do_not_see() {
        for (typed, folded) in [
            ("Severed-Head", "severed head"),
            ("a  b\t\nc__d", "a b c d"),
            ("\u{ff4e}\u{ff55}\u{ff44}\u{ff45}", "nude"),
            ("n\u{200b}u\u{ad}de", "nude"),
            ("Ñu\u{301}dé", "nude"),
            ("\u{1d427}\u{1d42e}\u{24d3}\u{24d4}", "nude"),
            ("\u{1f15d}\u{1f164}\u{1f173}\u{1f174}", "nude"),
            ("don\u{2019}t", "don't"),
            ("o\u{fb03}ce", "office"),
            ("नमस्ते", "नमस्ते"),
            ("がぎぐ 한국어 漢字", "がぎぐ 한국어 漢字"),
            ("\u{ff76}", "カ"),
            ("İstanbul", "istanbul"),
            ("a\u{0}b", "ab"),
        ] {
            assert_eq!(fold_term(typed), folded, "{typed:?}");
            assert_eq!(fold_term(folded), folded, "{folded:?} is not stable");
        }
    }
}
