//! Text that is shown from right to left, or upside down.

use super::{Fold, Signs};
use crate::text::Normalized;

/// Reads what stands behind a right-to-left override (U+202E) in the order it is shown, and text of letters turned upside down
/// (`ǝpnu`) as turned back.
pub(super) struct Direction;

const OVERRIDE: char = '\u{202e}';
const POP: [char; 2] = ['\u{202c}', '\u{202d}'];

impl Fold for Direction {
    fn id(&self) -> &'static str {
        "direction"
    }

    fn opens(&self, signs: Signs) -> bool {
        signs.exotic
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let from = text.as_str();
        let mut rewriter = text.rewrite_into(out);
        if from.contains(OVERRIDE) {
            let mut at = 0;
            while let Some(found) = from.get(at..).and_then(|rest| rest.find(OVERRIDE)) {
                let start = at + found;
                let body = start + OVERRIDE.len_utf8();
                let rest = from.get(body..).unwrap_or_default();
                let end = body + rest.find(POP).unwrap_or(rest.len());
                rewriter.copy(at, start);
                for (offset, character) in from.get(body..end).unwrap_or_default().char_indices().rev() {
                    rewriter.copy(body + offset, body + offset + character.len_utf8());
                }
                at = end;
            }
            rewriter.copy(at, from.len());
        } else if from.chars().any(is_turned) {
            for (at, character) in from.char_indices().rev() {
                let end = at + character.len_utf8();
                match upright(character) {
                    Some(letter) => rewriter.replace(at, end, letter.encode_utf8(&mut [0; 4])),
                    None => rewriter.copy(at, end),
                }
            }
        } else {
            rewriter.copy(0, from.len());
        }
    }
}

/// Letters that hardly anybody writes but turned ones; `ı` and `ɔ` are letters of languages.
fn is_turned(letter: char) -> bool {
    !letter.is_ascii() && !matches!(letter, 'ı' | 'ſ' | 'ʃ' | 'ɔ') && upright(letter).is_some()
}

/// What a letter turned by 180 degrees was.
fn upright(turned: char) -> Option<char> {
    Some(match turned {
        'ɐ' => 'a',
        'ɔ' => 'c',
        'ǝ' => 'e',
        'ɟ' => 'f',
        'ƃ' | 'ᵷ' => 'g',
        'ɥ' => 'h',
        'ᴉ' | 'ı' => 'i',
        'ɾ' | 'ſ' => 'j',
        'ʞ' => 'k',
        'ꞁ' | 'ʃ' => 'l',
        'ɯ' => 'm',
        'ɹ' => 'r',
        'ʇ' => 't',
        'ʌ' => 'v',
        'ʍ' => 'w',
        'ʎ' => 'y',
        'u' => 'n',
        'n' => 'u',
        'd' => 'p',
        'p' => 'd',
        'q' => 'b',
        'b' => 'q',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::folded_by;

    #[test]
    fn turns_text_around() {
        assert_eq!(folded_by(&Direction, "a \u{202e}edun\u{202c} cat"), "a nude cat");
        assert_eq!(folded_by(&Direction, "uɐɯoʍ pǝʞɐu"), "naked woman");
        assert_eq!(folded_by(&Direction, "café"), "cafe");
    }
}
