//! Letters spelled out one by one.

use super::{Fold, Signs};
use crate::text::Normalized;

/// The longest gap between two letters of a spelled-out word, in bytes.
const LONGEST_GAP: usize = 4;

/// Reads `n u d e`, `g.o.r.e` and `n - u - d - e` as words: three or more single characters behind gaps of one size; a wider
/// gap is a space (`n u d e  c a t`).
pub(super) struct Spaced {
    /// Whether a leading `a` or `i` is a word of its own (`a n u d e`) and not part of the word.
    pub(super) article: bool,
}

impl Fold for Spaced {
    fn id(&self) -> &'static str {
        "spaced"
    }

    fn opens(&self, signs: Signs) -> bool {
        // The gaps may be spaces outside ASCII, which the signs take for letters.
        signs.spaced || signs.exotic
    }

    fn leads(&self) -> bool {
        self.article
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let from = text.as_str();
        let mut rewriter = text.rewrite_into(out);
        let mut copied = 0;
        let mut row: Vec<(usize, usize)> = Vec::new();
        let mut last_end = 0;
        let mut singles = Singles { text: from, at: 0 };
        loop {
            let single = singles.next();
            let goes_on = single.is_some_and(|(start, _)| {
                start - last_end <= LONGEST_GAP && singles_only(from.get(last_end..start).unwrap_or_default())
            });
            if !goes_on {
                if is_word(from, &row) {
                    let skipped = usize::from(self.article && row.len() > 3 && is_article(from, &row));
                    let narrow = row.windows(2).map(|pair| gap(from, pair)).min().unwrap_or(0);
                    for pair in row.windows(2).skip(skipped) {
                        let [(_, end), (start, _)] = *pair else { continue };
                        rewriter.copy(copied, end);
                        rewriter.replace(end, start, if gap(from, pair) > narrow { " " } else { "" });
                        copied = start;
                    }
                }
                row.clear();
            }
            let Some(single) = single else { break };
            row.push(single);
            last_end = single.1;
        }
        rewriter.copy(copied, from.len());
    }
}

fn gap(text: &str, pair: &[(usize, usize)]) -> usize {
    match pair {
        [(_, end), (start, _)] => text.get(*end..*start).map_or(0, |gap| gap.chars().count()),
        _ => 0,
    }
}

/// Whether nothing but separators lies between two single characters.
fn singles_only(between: &str) -> bool {
    !between.is_empty() && !between.chars().any(char::is_alphanumeric)
}

/// At least three with two letters among them, or one to three digits: `1 2 3 4` is no word, `8 r 3 4 5 t` is.
fn is_word(text: &str, row: &[(usize, usize)]) -> bool {
    let is_letter = |&&(start, end): &&(usize, usize)| {
        text.get(start..end).is_some_and(|single| !single.chars().any(char::is_numeric))
    };
    let letters = row.iter().filter(is_letter).count();
    row.len() >= 3 && letters >= 1 && (letters >= 2 || row.len() <= 4)
}

fn is_article(text: &str, row: &[(usize, usize)]) -> bool {
    let first = row.first().and_then(|&(start, end)| text.get(start..end));
    matches!(first, Some("a" | "A" | "i" | "I"))
}

/// Walks over the characters that stand alone: letters, digits and the symbols that pass for letters.
struct Singles<'t> {
    text: &'t str,
    at: usize,
}

impl Iterator for Singles<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        while let Some(rest) = self.text.get(self.at..).filter(|rest| !rest.is_empty()) {
            let skipped = rest.find(is_written).unwrap_or(rest.len());
            let start = self.at + skipped;
            let body = rest.get(skipped..).unwrap_or_default();
            let len = body.find(|character| !is_written(character)).unwrap_or(body.len());
            self.at = start + len;
            if body.get(..len).is_some_and(|run| run.chars().nth(1).is_none()) && len > 0 {
                return Some((start, start + len));
            }
        }
        None
    }
}

/// Letters, digits, and what leet puts for letters. Ideographs stand alone everywhere and spell nothing out.
fn is_written(character: char) -> bool {
    if character.is_ascii() {
        character.is_ascii_alphanumeric() || matches!(character, '@' | '$' | '!')
    } else {
        // Regional indicators are letters that Unicode counts among the signs.
        character.is_alphanumeric()
            || matches!(character, '\u{1f1e6}'..='\u{1f1ff}')
            || unicode_normalization::char::is_combining_mark(character)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::folded_by;

    #[test]
    fn joins_single_letters() {
        let spaced = Spaced { article: false };
        assert_eq!(folded_by(&spaced, "big n u d e, g.o.r.e"), "big nude gore");
        assert_eq!(folded_by(&spaced, "n\u{a0}u\u{a0}d\u{a0}e"), "nude");
        assert_eq!(folded_by(&spaced, "\u{1f1f3} \u{1f1fa} \u{1f1e9} \u{1f1ea}"), "nude");
        assert_eq!(folded_by(&spaced, "plan b or c"), "plan b or c");
        assert_eq!(folded_by(&spaced, "n - u - d - e cat, г.о.л.а.я"), "nude cat, голая");
        assert_eq!(folded_by(&spaced, "n u d e  c a t, 4 cats, 1 2 3 4"), "nude cat 4 cats, 1 2 3 4");
        assert_eq!(folded_by(&Spaced { article: true }, "a n u d e cat"), "a nude cat");
    }
}
