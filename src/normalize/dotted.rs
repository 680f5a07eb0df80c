//! Words broken by punctuation that has no business inside one.

use super::{Fold, Signs};
use crate::text::Normalized;

/// Reads `na.ked` and `na~ked` as one word, and ideographs with a space or a sign between them, which are written without.
pub(super) struct Dotted;

impl Fold for Dotted {
    fn id(&self) -> &'static str {
        "dotted"
    }

    fn opens(&self, signs: Signs) -> bool {
        signs.dotted || signs.exotic
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let bytes = text.as_str().as_bytes();
        let mut rewriter = text.rewrite_into(out);
        let mut copied = 0;
        for (at, window) in bytes.windows(3).enumerate() {
            let [before, byte, after] = *window else { continue };
            let parts_word = is_letter(before) && is_letter(after) && is_odd(byte);
            if parts_word || is_gap(byte) && ends_ideograph(bytes.get(..=at)) && starts_ideograph(bytes.get(at + 2..)) {
                rewriter.copy(copied, at + 1);
                rewriter.replace(at + 1, at + 2, "");
                copied = at + 2;
            }
        }
        rewriter.copy(copied, bytes.len());
    }
}

/// What nobody puts between the characters of a Chinese or Japanese word, but for hiding it.
fn is_gap(byte: u8) -> bool {
    is_odd(byte) || matches!(byte, b' ' | b'-' | b'/' | b'\'' | b'"')
}

/// Whether a text starts with an ideograph: U+4E00 to U+9FFF, as UTF-8 E4 B8 80 to E9 BF BF.
fn starts_ideograph(bytes: Option<&[u8]>) -> bool {
    bytes.is_some_and(|bytes| matches!(bytes, [0xe4..=0xe9, _, _, ..]))
}

fn ends_ideograph(bytes: Option<&[u8]>) -> bool {
    bytes.is_some_and(|bytes| matches!(bytes, [.., 0xe4..=0xe9, 0x80..=0xbf, 0x80..=0xbf]))
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || !byte.is_ascii()
}

fn is_odd(byte: u8) -> bool {
    matches!(
        byte,
        b'.' | b'*' | b'~' | b'^' | b'=' | b'\\' | b'`' | b'#' | b'%' | b'&' | b';' | b'_' | b'!' | b'|' | b'+'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::folded_by;

    #[test]
    fn joins_letters_around_punctuation() {
        assert_eq!(folded_by(&Dotted, "na.ked go~re, end. next"), "naked gore, end. next");
        assert_eq!(folded_by(&Dotted, "漢 字.表, ok か な"), "漢字表, ok か な");
    }
}
