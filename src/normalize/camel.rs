//! Words written together, each with a capital.

use super::{Fold, Signs};
use crate::text::Normalized;

/// Reads `SeveredHead` as `Severed Head`.
pub(super) struct Camel;

impl Fold for Camel {
    fn id(&self) -> &'static str {
        "camel"
    }

    fn opens(&self, signs: Signs) -> bool {
        signs.camel
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let from = text.as_str();
        let mut rewriter = text.rewrite_into(out);
        let (mut copied, mut piece) = (0, 0);
        for (at, pair) in from.as_bytes().windows(2).enumerate() {
            let [before, after] = *pair else { continue };
            if !before.is_ascii_alphabetic() {
                piece = at + 1;
            }
            let rest = from.as_bytes().get(at + 1..).unwrap_or_default();
            let next = rest.iter().skip(1).take(2).take_while(|byte| byte.is_ascii_lowercase()).count() + 1;
            // `nAkEd` shouts and `iPhone` is a name: words have three letters and more.
            if before.is_ascii_lowercase() && after.is_ascii_uppercase() && at + 1 - piece >= 3 && next >= 3 {
                rewriter.copy(copied, at + 1);
                rewriter.insert(at + 1, " ");
                copied = at + 1;
                piece = at + 1;
            }
        }
        rewriter.copy(copied, from.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::folded_by;

    #[test]
    fn parts_words_at_capitals() {
        assert_eq!(folded_by(&Camel, "SeveredHead on aPike, iPhone nAkEd"), "severed head on apike, iphone naked");
    }
}
