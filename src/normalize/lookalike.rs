//! Letters of other scripts that look Latin.

use super::{Fold, Signs, table};
use crate::text::Normalized;

/// Reads letters and signs as the Latin letter they resemble (`folds.tsv`).
///
/// Only in words that mix scripts, and in words made of look-alikes alone inside an otherwise Latin text: a Russian
/// prompt stays Russian.
pub(super) struct Lookalike {
    /// Whether letters that may be read in two ways (Greek `γ`: y or r) are read in the second.
    pub(super) second: bool,
}

impl Fold for Lookalike {
    fn id(&self) -> &'static str {
        "lookalike"
    }

    fn opens(&self, signs: Signs) -> bool {
        signs.exotic
    }

    fn leads(&self) -> bool {
        !self.second
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let from = text.as_str();
        let latin = from.bytes().filter(u8::is_ascii_alphabetic).count();
        let foreign =
            from.chars().filter(|&letter| letter.is_alphabetic() && !letter.is_ascii() && is_written(letter)).count();
        let mut rewriter = text.rewrite_into(out);
        let (mut start, mut copied) = (0, 0);
        let parts_words = |character: char| !character.is_alphanumeric() && table::latin_twins(character).is_none();
        for word in from.split_inclusive(parts_words) {
            let letters = || word.chars().filter(|character| character.is_alphabetic());
            let mixed = letters().any(is_latin);
            let disguised = word.chars().any(|letter| table::latin_twins(letter).is_some())
                && letters().all(|letter| is_latin(letter) || table::latin_twins(letter).is_some())
                && (mixed || latin >= foreign || !letters().any(is_written));
            if disguised {
                for (offset, character) in word.char_indices() {
                    if let Some((first, second)) = table::latin_twins(character) {
                        let twin = second.filter(|_| self.second).unwrap_or(first);
                        let at = start + offset;
                        rewriter.copy(copied, at);
                        rewriter.replace(at, at + character.len_utf8(), twin);
                        copied = at + character.len_utf8();
                    }
                }
            }
            start += word.len();
        }
        rewriter.copy(copied, from.len());
    }
}

/// Whether people write prompts in the script of a letter: nobody does in Lisu or Cherokee capitals.
fn is_written(letter: char) -> bool {
    !is_latin(letter)
        && matches!(letter, '\u{370}'..='\u{109f}' | '\u{10a0}'..='\u{137f}' | '\u{1780}'..='\u{18af}' | '\u{1c90}'..='\u{1cbf}'
            | '\u{1f00}'..='\u{1fff}' | '\u{3040}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}')
}

/// Whether the plain fold makes a Latin letter of it: `é`, `ｎ`, `𝐧` are no other script.
fn is_latin(letter: char) -> bool {
    letter.is_ascii_alphabetic()
        || matches!(table::plain(letter), table::Plain::Text(text) if text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::folded_by;

    #[test]
    fn folds_disguises_and_leaves_languages() {
        let lookalike = Lookalike { second: false };
        assert_eq!(folded_by(&lookalike, "nаkеd woman"), "naked woman");
        assert_eq!(folded_by(&lookalike, "a big сосо nut"), "a big coco nut");
        assert_eq!(folded_by(&lookalike, "красивый дом у моря"), "красивыи дом у моря");
        assert_eq!(folded_by(&lookalike, "ꓠꓴꓓꓰ ᏀᎾᖇᎬ ⠝⠥⠙⠑"), "nude gore nude");
        assert_eq!(folded_by(&Lookalike { second: true }, "goγe"), "gore");
    }
}
