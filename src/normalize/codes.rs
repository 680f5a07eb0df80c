//! Short texts in another code: hexadecimal, binary, decimal, base64, Morse.

use super::{Fold, Signs};
use crate::text::Normalized;

/// Reads a row of tokens in one code as the text it stands for, if that is letters: `6e756465`, `6e 75 64 65`, `bnVkZQ==`,
/// `01101110 ...`, `110 117 100 101`, `-. ..- -.. .`.
pub(super) struct Codes;

/// The longest token that is decoded, in bytes: longer ones are no words.
const LONGEST: usize = 512;

impl Fold for Codes {
    fn id(&self) -> &'static str {
        "codes"
    }

    fn opens(&self, signs: Signs) -> bool {
        // Hexadecimal mixes letters and digits, base64 capitals too.
        signs.leet || signs.camel || signs.digits || signs.morse
    }

    fn fold(&self, text: &Normalized, out: &mut Normalized) {
        let from = text.as_str();
        let mut rewriter = text.rewrite_into(out);
        let mut copied = 0;
        let mut tokens = tokens(from).peekable();
        while let Some((start, end)) = tokens.next() {
            let token = from.get(start..end).unwrap_or_default();
            // A word in small letters is in no code.
            if token.bytes().all(|byte| byte.is_ascii_lowercase()) {
                continue;
            }
            let Some(code) = CODES.iter().find(|code| (code.reads)(token).is_some()) else { continue };
            let (mut decoded, mut last, mut count) = ((code.reads)(token).unwrap_or_default(), end, 1);
            while let Some((_, next_end, more)) = tokens.peek().and_then(|&(next_start, next_end)| {
                let next = from.get(next_start..next_end)?;
                (code.reads)(next).map(|more| (next_start, next_end, more))
            }) {
                // Morse with `/` between letters has its spaces between words.
                if more.len() > 1 && !decoded.ends_with(' ') && token.contains('/') {
                    decoded.push(' ');
                }
                decoded.push_str(&more);
                last = next_end;
                count += 1;
                tokens.next();
            }
            let letters = decoded.chars().filter(char::is_ascii_alphabetic).count();
            if letters >= 3 && letters * 4 >= decoded.len() * 3 && count >= code.least_tokens {
                rewriter.copy(copied, start);
                rewriter.replace(start, last, &decoded);
                copied = last;
            }
        }
        rewriter.copy(copied, from.len());
    }
}

/// The tokens between white space and commas.
fn tokens(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let separates =
        |character: char| character.is_whitespace() || matches!(character, ',' | ';' | '"' | '\'' | '(' | ')');
    text.split(separates).filter(|token| !token.is_empty() && token.len() <= LONGEST).map(move |token| {
        let start = token.as_ptr() as usize - text.as_ptr() as usize;
        (start, start + token.len())
    })
}

/// A code: how a token of it reads, and how many tokens it takes to tell it from words and numbers.
struct Code {
    reads: fn(&str) -> Option<String>,
    least_tokens: usize,
}

const CODES: [Code; 6] = [
    Code { reads: binary, least_tokens: 1 },
    Code { reads: hexadecimal, least_tokens: 1 },
    Code { reads: hexadecimal_byte, least_tokens: 3 },
    Code { reads: decimal, least_tokens: 3 },
    Code { reads: morse, least_tokens: 1 },
    Code { reads: base64, least_tokens: 1 },
];

/// Bytes that are text: printable ASCII.
fn printable(bytes: &[u8]) -> Option<String> {
    let shown = bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    shown.then(|| bytes.iter().copied().map(char::from).collect())
}

fn bytes_of(digits: &str, width: usize, radix: u32) -> Option<Vec<u8>> {
    let all_digits = digits.bytes().all(|digit| char::from(digit).is_digit(radix));
    if digits.is_empty() || !all_digits || !digits.len().is_multiple_of(width) {
        return None;
    }
    let groups = (0..digits.len()).step_by(width).map(|at| digits.get(at..at + width));
    groups.map(|group| u8::from_str_radix(group?, radix).ok()).collect()
}

fn binary(token: &str) -> Option<String> {
    printable(&bytes_of(token, 8, 2)?)
}

fn hexadecimal(token: &str) -> Option<String> {
    let digits = token.strip_prefix("0x").unwrap_or(token);
    if digits.len() < 6 || !digits.bytes().any(|digit| digit.is_ascii_digit()) {
        return None;
    }
    printable(&bytes_of(digits, 2, 16)?)
}

fn hexadecimal_byte(token: &str) -> Option<String> {
    let digits = token.strip_prefix("0x").or_else(|| token.strip_prefix("\\x")).unwrap_or(token);
    printable(&bytes_of(digits, 2, 16).filter(|bytes| bytes.len() == 1)?)
        .filter(|text| text.bytes().all(is_letter_or_space))
}

fn is_letter_or_space(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b' '
}

fn decimal(token: &str) -> Option<String> {
    let code: u8 = token.parse().ok()?;
    is_letter_or_space(code).then(|| char::from(code).to_string())
}

/// Base64, with or without padding. Text in it mixes capitals, small letters and digits; a word does not.
fn base64(token: &str) -> Option<String> {
    let body = token.trim_end_matches('=');
    let has = |is: fn(&u8) -> bool| body.bytes().any(|byte| is(&byte));
    let inner_capital = body.bytes().skip(1).any(|byte| byte.is_ascii_uppercase());
    let mixed = inner_capital && has(u8::is_ascii_lowercase) || has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    if body.len() < 6 || body.len() % 4 == 1 || !mixed {
        return None;
    }
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for byte in body.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    printable(&bytes)
}

/// International Morse code (ITU-R M.1677-1), letters only; `/` parts words.
fn morse(token: &str) -> Option<String> {
    const LETTERS: [&str; 26] = [
        ".-", "-...", "-.-.", "-..", ".", "..-.", "--.", "....", "..", ".---", "-.-", ".-..", "--", "-.", "---",
        ".--.", "--.-", ".-.", "...", "-", "..-", "...-", ".--", "-..-", "-.--", "--..",
    ];
    if token == "/" || token == "|" {
        return Some(" ".to_owned());
    }
    let (mut signs, mut read) = (String::new(), String::new());
    for sign in token.chars().chain(['/']) {
        match sign {
            '.' | '·' | '•' => signs.push('.'),
            '-' | '\u{2013}' | '\u{2014}' | '\u{2212}' | '_' => signs.push('-'),
            '/' => {
                let index = LETTERS.iter().position(|letter| *letter == signs)?;
                read.push(char::from(b'a' + u8::try_from(index).ok()?));
                signs.clear();
            }
            _ => return None,
        }
    }
    Some(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::folded_by;

    #[test]
    fn reads_codes() {
        for text in [
            "6e756465",
            "6e 75 64 65",
            "0x6e 0x75 0x64 0x65",
            "bnVkZQ==",
            "bnVkZQ",
            "01101110 01110101 01100100 01100101",
            "110 117 100 101",
            "-. ..- -.. .",
            "-./..-/-../.",
        ] {
            assert_eq!(folded_by(&Codes, text), "nude", "{text}");
        }
        assert_eq!(folded_by(&Codes, "bmFrZWQgd29tYW4= on a beach"), "naked woman on a beach");
    }

    #[test]
    fn leaves_numbers_and_names() {
        for text in [
            "35mm f1.8 1920x1080 8k",
            "in 1999, 100 110 cm",
            "SDXL v10beta2 ... -- end",
            "deadbeef cafe",
            "IMG_20241105",
        ] {
            assert_eq!(folded_by(&Codes, text), crate::normalize::fold_term(text), "{text}");
        }
    }
}
