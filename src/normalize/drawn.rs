//! Letters drawn with strokes and brackets.

use super::{Fold, Signs};
use crate::text::Normalized;

/// Reads `|\|` as n, `/\` as a, `|_|` as u and so on, in words that hold a letter or another such drawing.
pub(super) struct Drawn;

/// Drawings by shape, the longer ones first where one begins with another.
const DRAWINGS: [(&str, &str); 34] = [
    ("|\\/|", "m"),
    ("/\\/\\", "m"),
    ("\\/\\/", "w"),
    ("|/\\|", "w"),
    ("|\\|", "n"),
    ("/\\/", "n"),
    ("|-|", "h"),
    ("]-[", "h"),
    (")-(", "h"),
    ("|_|", "u"),
    ("(_)", "u"),
    ("\\_/", "u"),
    ("|=", "f"),
    ("|\"", "f"),
    ("|<", "k"),
    ("|{", "k"),
    ("|)", "d"),
    ("|]", "d"),
    ("[)", "d"),
    ("|>", "p"),
    ("|*", "p"),
    ("|2", "r"),
    ("|~", "r"),
    ("|_", "l"),
    ("|3", "b"),
    ("|8", "b"),
    ("/\\", "a"),
    ("/-\\", "a"),
    ("\\/", "v"),
    ("><", "x"),
    ("}{", "x"),
    ("()", "o"),
    ("[]", "o"),
    ("`/", "y"),
];

impl Fold for Drawn {
    fn id(&self) -> &'static str {
        "drawn"
    }

    fn opens(&self, signs: Signs) -> bool {
        signs.drawn
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let from = text.as_str();
        let mut rewriter = text.rewrite_into(out);
        let (mut at, mut copied) = (0, 0);
        while at < from.len() {
            let rest = from.get(at..).unwrap_or_default();
            match DRAWINGS.iter().find(|(drawing, _)| rest.starts_with(drawing)) {
                Some((drawing, letter)) => {
                    rewriter.copy(copied, at);
                    rewriter.replace(at, at + drawing.len(), letter);
                    at += drawing.len();
                    copied = at;
                }
                None => at += rest.chars().next().map_or(1, char::len_utf8),
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
    fn reads_drawings() {
        assert_eq!(folded_by(&Drawn, "|\\|ude /\\ |_|rn"), "nude a urn");
        assert_eq!(folded_by(&Drawn, "day / night, a | b"), "day / night, a | b");
    }
}
