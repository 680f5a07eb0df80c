//! Words put together from quoted strings.

use super::{Fold, Signs};
use crate::text::Normalized;

/// Reads `"na" + "ked"`, `'na'.'ked'`, `"na","ked"` and `"na""ked"` as one word.
pub(super) struct Strings;

impl Fold for Strings {
    fn id(&self) -> &'static str {
        "strings"
    }

    fn opens(&self, signs: Signs) -> bool {
        signs.quoted
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let from = text.as_str();
        let mut rewriter = text.rewrite_into(out);
        let (mut at, mut copied) = (0, 0);
        // The quote that opened the string, and whether it is joined to one before: its outer quotes go too, since they would
        // part a phrase (`"na" + "ked" woman`).
        let (mut opened, mut joined) = (None, false);
        while let Some(found) = from.get(at..).and_then(|rest| rest.find(is_quote)) {
            let start = at + found;
            let rest = from.get(start..).unwrap_or_default();
            let inner = rest.trim_start_matches(is_quote);
            let tie = inner.trim_start_matches([' ', '+', '.', ',', '&', '~']);
            let opening = tie.trim_start_matches(is_quote);
            let len = rest.len() - opening.len();
            let ties = inner.len() > tie.len() && tie.len() > opening.len()
                || rest.len() - inner.len() >= 2 && tie.len() == inner.len();
            let before = from.get(..start).and_then(|before| before.chars().next_back());
            let closes = before.is_some_and(char::is_alphanumeric);
            // Phrases in quotes with a comma between are a list of phrases.
            let phrase = opened.is_some_and(|(_, from_quote): (usize, usize)| {
                tie.len() < inner.len()
                    && inner.trim_start().starts_with(',')
                    && from.get(from_quote..start).is_some_and(|own| own.contains(' '))
            });
            if ties && len <= 12 && closes && !phrase && opening.starts_with(char::is_alphanumeric) {
                if let Some((start, end)) = opened.take() {
                    rewriter.copy(copied, start);
                    rewriter.replace(start, end, "");
                    copied = end;
                }
                rewriter.copy(copied, start);
                rewriter.replace(start, start + len, "");
                copied = start + len;
                joined = true;
                at = start + len.max(1);
                continue;
            }
            // Past all of a row of quotes: one by one, a long row would be looked at once for each.
            at = start + (rest.len() - inner.len());
            if closes && joined {
                rewriter.copy(copied, start);
                rewriter.replace(start, at, "");
                copied = at;
            }
            opened = (!closes).then_some((start, at));
            joined = false;
        }
        rewriter.copy(copied, from.len());
    }
}

fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}' | '`')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::folded_by;

    #[test]
    fn ties_strings() {
        for text in [
            "\"na\" + \"ked\"",
            "'na'+'ked'",
            "\"na\",\"ked\"",
            "'na'.'ked'",
            "\"na\"\"ked\"",
            "\u{201c}na\u{201d} \u{201c}ked\u{201d}",
        ] {
            assert_eq!(folded_by(&Strings, text), "naked", "{text}");
        }
        assert_eq!(folded_by(&Strings, "a 'na','ked' man"), "a naked man");
        assert_eq!(folded_by(&Strings, "(\"a red tree\", \"fog\")"), "(\"a red tree\", \"fog\")");
        assert_eq!(folded_by(&Strings, "a sign \"no\", the dogs' house"), "a sign \"no\", the dogs' house");
    }
}
