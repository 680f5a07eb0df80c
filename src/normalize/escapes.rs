//! Characters written as escapes of a web page, a URL or a programming language.

use super::{Fold, Signs};
use crate::text::Normalized;

/// Reads `%6e`, `&#110;`, `&#x6e;`, `\x6e`, `\u006e`, `\u{6e}` and `U+006E` as the character they stand for, and tag characters
/// (U+E0020 to U+E007E) as the ASCII they repeat.
pub(super) struct Escapes;

impl Fold for Escapes {
    fn id(&self) -> &'static str {
        "escapes"
    }

    fn opens(&self, signs: Signs) -> bool {
        signs.escapes || signs.exotic
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let from = text.as_str();
        let mut rewriter = text.rewrite_into(out);
        let (mut at, mut copied) = (0, 0);
        while let Some(found) = from.get(at..).and_then(|rest| rest.find(may_start)) {
            let start = at + found;
            let rest = from.get(start..).unwrap_or_default();
            if let Some((len, character)) = escape(rest) {
                rewriter.copy(copied, start);
                rewriter.replace(start, start + len, character.encode_utf8(&mut [0; 4]));
                copied = start + len;
                at = copied;
            } else {
                at = start + rest.chars().next().map_or(1, char::len_utf8);
            }
        }
        rewriter.copy(copied, from.len());
    }
}

fn may_start(character: char) -> bool {
    matches!(character, '%' | '&' | '\\' | 'U' | 'u' | '\u{e0020}'..='\u{e007e}')
}

/// The escape that `text` starts with: its length and what it stands for.
fn escape(text: &str) -> Option<(usize, char)> {
    let code = |skipped: usize, radix: u32, digits: std::ops::RangeInclusive<usize>, close: &str| {
        let body = text.get(skipped..)?;
        let len = body.chars().take_while(|digit| digit.is_digit(radix)).take(*digits.end()).count();
        let number = body.get(..len).filter(|_| digits.contains(&len))?;
        let rest = body.get(len..)?;
        // A reference of a web page may lack its semicolon, a brace must close.
        let closed = if rest.starts_with(close) { close.len() } else { usize::from(close == "}") * usize::MAX };
        let character = char::from_u32(u32::from_str_radix(number, radix).ok()?).filter(|found| !found.is_control())?;
        Some((skipped.checked_add(len)?.checked_add(closed)?, character))
    };
    let starts = |prefix: &str| text.starts_with(prefix).then_some(prefix.len());
    if let Some(skipped) = starts("%u") {
        code(skipped, 16, 4..=4, "")
    } else if let Some(skipped) = starts("%") {
        code(skipped, 16, 2..=2, "")
    } else if let Some(skipped) = starts("&#x").or_else(|| starts("&#X")) {
        code(skipped, 16, 2..=6, ";")
    } else if let Some(skipped) = starts("&#") {
        code(skipped, 10, 2..=7, ";")
    } else if let Some(skipped) = starts("\\u{").or_else(|| starts("\\x{")) {
        code(skipped, 16, 2..=6, "}")
    } else if let Some(skipped) = starts("\\u") {
        // What is left of `\u{6e}` once braces are read as markup has two digits.
        code(skipped, 16, 4..=4, "").or_else(|| code(skipped, 16, 2..=2, ""))
    } else if let Some(skipped) = starts("\\U") {
        code(skipped, 16, 8..=8, "")
    } else if let Some(skipped) = starts("\\x") {
        code(skipped, 16, 2..=2, "")
    } else if let Some(skipped) = starts("U+").or_else(|| starts("u+")) {
        // A list of code points has spaces between them, which are no part of the word.
        let (len, character) = code(skipped, 16, 4..=6, "")?;
        let goes_on = text.get(len..).is_some_and(|rest| rest.starts_with(" U+") || rest.starts_with(" u+"));
        Some((len + usize::from(goes_on), character))
    } else {
        let tag = text.chars().next().filter(|tag| ('\u{e0020}'..='\u{e007e}').contains(tag))?;
        Some((tag.len_utf8(), char::from_u32(u32::from(tag) - 0xe_0000)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::folded_by;

    #[test]
    fn reads_escapes_and_leaves_the_rest() {
        for text in
            ["n%75de", "n&#117;de", "n&#x75;de", "n\\x75de", "n\\u0075de", "n\\u{75}de", "U+006E U+0075 U+0064 U+0065"]
        {
            assert_eq!(folded_by(&Escapes, text), "nude", "{text}");
        }
        assert_eq!(folded_by(&Escapes, "\u{e006e}\u{e0075}\u{e0064}\u{e0065}"), "nude");
        assert_eq!(folded_by(&Escapes, "100% wool & 50 %, urn \\u{75"), "100% wool & 50 %, urn \\u{75");
    }
}
