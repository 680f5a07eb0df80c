//! Leet: digits and symbols that stand for letters inside a word.

use super::{Fold, Signs};
use crate::signs::is_leet;
use crate::text::Normalized;

/// Reads `n4k3d` as `naked`. Numbers, and units behind a number (`35mm`), stay ([`is_leet`]).
pub(super) struct Leet {
    /// What `1` and `|` stand for: `i` in one view, `l` in the other.
    pub(super) one: u8,
}

impl Fold for Leet {
    fn id(&self) -> &'static str {
        "leet"
    }

    fn opens(&self, signs: Signs) -> bool {
        signs.leet && (self.one == b'i' || signs.leet_one)
    }

    fn leads(&self) -> bool {
        self.one == b'i'
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let bytes = text.as_str().as_bytes();
        let mut rewriter = text.rewrite_into(out);
        let (mut at, mut copied) = (0, 0);
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let len = rest.iter().position(|&byte| !is_leet_word(byte)).unwrap_or(rest.len());
            let word = rest.get(..len).unwrap_or_default();
            if is_leet(word) {
                for (offset, &byte) in word.iter().enumerate() {
                    // A `!` that nothing follows ends a sentence.
                    let last = offset + 1 == word.len();
                    if let Some(letter) = self.letter(byte).filter(|_| !(last && matches!(byte, b'!' | b'|' | b'+'))) {
                        rewriter.copy(copied, at + offset);
                        rewriter.swap_ascii(at + offset, letter);
                        copied = at + offset + 1;
                    }
                }
            }
            at += len.max(1);
        }
        rewriter.copy(copied, bytes.len());
    }
}

impl Leet {
    fn letter(&self, byte: u8) -> Option<u8> {
        Some(match byte {
            b'0' => b'o',
            b'1' | b'|' => self.one,
            b'3' => b'e',
            b'4' | b'@' => b'a',
            b'5' | b'$' => b's',
            b'7' | b'+' => b't',
            b'8' => b'b',
            b'9' => b'g',
            b'!' => b'i',
            _ => return None,
        })
    }
}

fn is_leet_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'$' | b'!' | b'|' | b'+') || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::folded_by;

    #[test]
    fn reads_leet_words_and_leaves_numbers() {
        let leet = Leet { one: b'i' };
        assert_eq!(folded_by(&leet, "n4k3d b1rd, $h!p"), "naked bird, ship");
        assert_eq!(folded_by(&leet, "90lden 53xy5"), "golden sexys");
        assert_eq!(folded_by(&leet, "35mm 1920x1080 in 1999, wow!"), "35mm 1920x1080 in 1999, wow!");
        assert_eq!(folded_by(&Leet { one: b'l' }, "co1d"), "cold");
    }
}
