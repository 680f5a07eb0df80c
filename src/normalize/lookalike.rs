//! Letters of other scripts that look Latin.

use super::{Fold, Signs};
use crate::text::Normalized;

/// Reads Cyrillic, Greek, Armenian and Cherokee look-alikes as the Latin letter they resemble.
///
/// Only in words that mix scripts, and in words made of look-alikes alone inside an otherwise Latin text: a Russian
/// prompt stays Russian.
pub(super) struct Lookalike;

impl Fold for Lookalike {
    fn id(&self) -> &'static str {
        "lookalike"
    }

    fn opens(&self, signs: Signs) -> bool {
        signs.non_ascii
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let from = text.as_str();
        let latin = from.bytes().filter(u8::is_ascii_alphabetic).count();
        let foreign = from.chars().filter(|character| character.is_alphabetic() && !character.is_ascii()).count();
        let mut rewriter = text.rewrite_into(out);
        let (mut start, mut copied) = (0, 0);
        for word in from.split_inclusive(|character: char| !character.is_alphanumeric()) {
            let letters = || word.chars().filter(|character| character.is_alphabetic());
            let mixed = letters().any(|letter| letter.is_ascii());
            let resembles = letters().any(|letter| latin_twin(letter).is_some());
            let disguised = resembles
                && letters().all(|letter| letter.is_ascii() || latin_twin(letter).is_some())
                && (mixed || latin > foreign);
            if disguised {
                for (offset, character) in word.char_indices() {
                    if let Some(twin) = latin_twin(character) {
                        let at = start + offset;
                        rewriter.copy(copied, at);
                        rewriter.replace(at, at + character.len_utf8(), twin.encode_utf8(&mut [0; 4]));
                        copied = at + character.len_utf8();
                    }
                }
            }
            start += word.len();
        }
        rewriter.copy(copied, from.len());
    }
}

/// The Latin letter that `character` looks like. Chosen by eye over the four scripts; capitals where they differ.
fn latin_twin(character: char) -> Option<char> {
    Some(match character {
        'а' | 'А' | 'α' | 'Α' | 'Ꭺ' | 'ɑ' => 'a',
        'В' | 'в' | 'Β' | 'β' | 'Ᏼ' | 'Ь' | 'ь' => 'b',
        'с' | 'С' | 'ϲ' | 'Ϲ' | 'Ꮯ' => 'c',
        'ԁ' | 'Ꭰ' | 'ժ' => 'd',
        'е' | 'Е' | 'є' | 'ε' | 'Ε' | 'Ꭼ' | 'э' => 'e',
        'ғ' | 'ƒ' => 'f',
        'ɡ' | 'ց' | 'Ꮐ' => 'g',
        'һ' | 'Н' | 'н' | 'Η' | 'հ' | 'Ꮋ' => 'h',
        'і' | 'І' | 'ι' | 'Ι' | 'ӏ' | 'Ꭵ' => 'i',
        'ј' | 'Ј' | 'ϳ' | 'Ꭻ' => 'j',
        'к' | 'К' | 'κ' | 'Κ' | 'Ꮶ' => 'k',
        'Ꮮ' | 'ʟ' => 'l',
        'м' | 'М' | 'Μ' | 'Ꮇ' => 'm',
        'п' | 'η' | 'Ν' | 'ո' | 'и' | 'И' => 'n',
        'о' | 'О' | 'ο' | 'Ο' | 'օ' | 'σ' | 'Ꮎ' => 'o',
        'р' | 'Р' | 'ρ' | 'Ρ' | 'Ꮲ' => 'p',
        'ԛ' | 'զ' => 'q',
        'г' | 'Ꭱ' | 'Ꮢ' | 'я' | 'Я' => 'r',
        'ѕ' | 'Ѕ' | 'Ꮪ' | 'ς' => 's',
        'т' | 'Т' | 'τ' | 'Τ' | 'Ꭲ' => 't',
        'ս' | 'υ' | 'μ' | 'ц' => 'u',
        'ν' | 'ѵ' | 'Ꮩ' => 'v',
        'ԝ' | 'ω' | 'ш' | 'Ꮃ' => 'w',
        'х' | 'Х' | 'χ' | 'Χ' => 'x',
        'у' | 'У' | 'γ' | 'Υ' | 'ү' => 'y',
        'Ꮓ' | 'Ζ' | 'ᴢ' => 'z',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::folded_by;

    #[test]
    fn folds_disguises_and_leaves_languages() {
        assert_eq!(folded_by(&Lookalike, "nаkеd woman"), "naked woman");
        assert_eq!(folded_by(&Lookalike, "a big сосо nut"), "a big coco nut");
        assert_eq!(folded_by(&Lookalike, "красивый дом у моря"), "красивыи дом у моря");
    }
}
