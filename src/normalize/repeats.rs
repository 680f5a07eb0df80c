//! Stretched words: a letter three or more times in a row.

use super::{Fold, Signs};
use crate::text::Normalized;

/// Shortens every run of three or more equal letters to `keep` of them.
pub(super) struct Repeats {
    /// One for most words, two for words with a double letter of their own.
    pub(super) keep: usize,
}

impl Fold for Repeats {
    fn id(&self) -> &'static str {
        "repeats"
    }

    fn opens(&self, signs: Signs) -> bool {
        signs.repeats
    }

    fn leads(&self) -> bool {
        self.keep == 1
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let bytes = text.as_str().as_bytes();
        let mut rewriter = text.rewrite_into(out);
        let (mut at, mut copied) = (0, 0);
        while let Some(&byte) = bytes.get(at) {
            let rest = bytes.get(at..).unwrap_or_default();
            let run = if byte.is_ascii_alphabetic() {
                rest.iter().position(|other| !other.eq_ignore_ascii_case(&byte)).unwrap_or(rest.len())
            } else {
                1
            };
            if run >= 3 {
                rewriter.copy(copied, at + self.keep);
                rewriter.replace(at + self.keep, at + run, "");
                copied = at + run;
            }
            at += run;
        }
        rewriter.copy(copied, bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::folded_by;

    #[test]
    fn shortens_runs() {
        assert_eq!(folded_by(&Repeats { keep: 1 }, "cooooool NuUuDe book"), "col nude book");
        assert_eq!(folded_by(&Repeats { keep: 2 }, "cooooool"), "cool");
    }
}
