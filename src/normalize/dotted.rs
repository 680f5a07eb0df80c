//! Words broken by punctuation that has no business inside one.

use super::{Fold, Signs};
use crate::text::Normalized;

/// Reads `na.ked` and `na*ked` as one word.
pub(super) struct Dotted;

impl Fold for Dotted {
    fn id(&self) -> &'static str {
        "dotted"
    }

    fn opens(&self, signs: Signs) -> bool {
        signs.dotted
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let bytes = text.as_str().as_bytes();
        let mut rewriter = text.rewrite_into(out);
        let mut copied = 0;
        for (at, window) in bytes.windows(3).enumerate() {
            let [before, byte, after] = *window else { continue };
            if is_letter(before) && is_letter(after) && is_odd(byte) {
                rewriter.copy(copied, at + 1);
                rewriter.replace(at + 1, at + 2, "");
                copied = at + 2;
            }
        }
        rewriter.copy(copied, bytes.len());
    }
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
        assert_eq!(folded_by(&Dotted, "na.ked go*re, end. next"), "naked gore, end. next");
    }
}
