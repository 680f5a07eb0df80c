//! Letters spelled out one by one.

use super::{Fold, Signs};
use crate::text::Normalized;

/// Reads `n u d e` and `g.o.r.e` as words: three or more single letters, each behind one separator.
pub(super) struct Spaced {
    /// Whether a leading `a` is an article (`a n u d e`) and not part of the word.
    pub(super) article: bool,
}

impl Fold for Spaced {
    fn id(&self) -> &'static str {
        "spaced"
    }

    fn opens(&self, signs: Signs) -> bool {
        signs.spaced
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let bytes = text.as_str().as_bytes();
        let mut rewriter = text.rewrite_into(out);
        let (mut at, mut copied) = (0, 0);
        while at < bytes.len() {
            let run = single_letters(bytes, at);
            let first = bytes.get(at).map(u8::to_ascii_lowercase);
            let skipped = usize::from(self.article && run >= 4 && first == Some(b'a'));
            if run >= 3 {
                // Letters stand two bytes apart; what is between them goes.
                for index in skipped + 1..run {
                    rewriter.copy(copied, at + 2 * index - 1);
                    rewriter.replace(at + 2 * index - 1, at + 2 * index, "");
                    copied = at + 2 * index;
                }
            }
            at += (2 * run).max(1);
        }
        rewriter.copy(copied, bytes.len());
    }
}

/// How many single letters, one separator byte between each two, start at `at`.
fn single_letters(bytes: &[u8], at: usize) -> usize {
    let alone = |index: usize| {
        bytes.get(index).is_some_and(u8::is_ascii_alphabetic)
            && !bytes.get(index + 1).is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
    };
    let starts = at == 0 || bytes.get(at - 1).is_some_and(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric());
    if starts { (0..bytes.len()).take_while(|index| alone(at + 2 * index)).count() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::folded_by;

    #[test]
    fn joins_single_letters() {
        let spaced = Spaced { article: false };
        assert_eq!(folded_by(&spaced, "big n u d e, g.o.r.e"), "big nude, gore");
        assert_eq!(folded_by(&spaced, "plan b or c"), "plan b or c");
        assert_eq!(folded_by(&Spaced { article: true }, "a n u d e cat"), "a nude cat");
    }
}
