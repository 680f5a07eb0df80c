//! Guesses the dialect of a prompt from its markup, and tells quickly that most prompts have none.

use super::midjourney::{self, Effect};
use super::parser::{Parser, network, tail, url, weight_tail};
use super::stable_diffusion::{comment, kept_out_string, keyword, label, separator, wildcard, word_before};
use crate::prompt::{Dialect, Field, Role};

/// Bytes that markup may start with; what follows them is looked at only then.
const SUSPECT: [bool; 256] = {
    let mut table = [false; 256];
    let mut index = 0;
    let bytes = b"([{<\\:-#_AB/+\xE2";
    while index < bytes.len() {
        table[bytes[index] as usize] = true;
        index += 1;
    }
    table
};

/// Whether the text needs a parser at all. One look at each byte; never wrong in saying no.
pub(super) fn may_hold_markup(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().any(|(at, &byte)| SUSPECT[usize::from(byte)] && is_suspect(text, at, byte))
}

fn is_suspect(text: &str, at: usize, byte: u8) -> bool {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    match byte {
        b':' => {
            rest.starts_with(b"::")
                || rest.starts_with(b"://")
                || ["embedding", "steps"].iter().any(|word| word_before(text, at, word).is_some())
                || is_negative(text, at)
        }
        b'-' => rest.starts_with(b"--"),
        b'#' => rest.starts_with(b"###"),
        b'/' => rest.starts_with(b"/*"),
        b'+' => rest.starts_with(b"++"),
        b'_' => rest.starts_with(b"__"),
        b'A' | b'B' => keyword(text, at).is_some(),
        0xE2 => rest.starts_with("\u{2013}".as_bytes()) || rest.starts_with("\u{2014}".as_bytes()),
        _ => true,
    }
}

/// Guesses the dialect: [`Dialect::Plain`] where nothing is markup beyond doubt, else the one with more evidence,
/// Midjourney if both have the same.
///
/// A single pair of brackets around words of their own, a `###` before a heading, an unknown `--parameter` and a JSON
/// object are no evidence. Linear in the text.
///
/// ```
/// use promptgate::{Dialect, syntax::detect};
///
/// assert_eq!(detect("a castle (in ruins) - at 10:30"), Dialect::Plain);
/// assert_eq!(detect("a castle::2 fog::-0.5 --ar 16:9"), Dialect::Midjourney);
/// assert_eq!(detect("a castle, (fog:1.2), <lora:ink:0.8>"), Dialect::StableDiffusion);
/// ```
#[must_use]
pub fn detect(text: &str) -> Dialect {
    guess(text).0
}

/// The dialect that [`detect`] finds, and another one if there is evidence for it as well. Brackets and `word++` may
/// be prose, but are never certain to be.
pub(super) fn guess(text: &str) -> (Dialect, Option<Dialect>) {
    if !may_hold_markup(text) {
        return (Dialect::Plain, None);
    }
    // Only its bracket pairs are used.
    let parser = Parser::new(Field::Prompt, text, Dialect::StableDiffusion, false);
    let (mut midjourney, mut stable_diffusion, mut emphasis) = (0_usize, 0_usize, !parser.pairs().is_empty());
    for &(open, close) in parser.pairs() {
        let (commas, score) = bracket_evidence(&parser, open, close);
        midjourney += usize::from(commas);
        stable_diffusion += score;
    }
    let mut at = 0;
    while let Some(byte) = parser.byte(at) {
        at += 1;
        if !SUSPECT[usize::from(byte)] {
            continue;
        }
        let end = text.len();
        match byte {
            b':' => {
                if let Some((_, stop)) = url(text, at - 1, end) {
                    midjourney += 1;
                    at = at.max(stop);
                } else if parser.byte(at) == Some(b':') {
                    midjourney += 1;
                    at += 1;
                } else {
                    stable_diffusion += usize::from(is_label(&parser, at - 1));
                }
            }
            b'-' | 0xE2 => {
                let known = midjourney::name(text, at - 1, end).is_some_and(|name| !matches!(name.2, Effect::Unknown));
                midjourney += usize::from(known);
            }
            b'<' => stable_diffusion += usize::from(network(text, at - 1, end).is_some()),
            b'+' => emphasis |= text.as_bytes().get(at) == Some(&b'+'),
            b'#' => stable_diffusion += usize::from(separator(text, at - 1)),
            b'/' => stable_diffusion += usize::from(comment(text, at - 1, end).is_some()),
            b'_' => {
                if let Some((_, stop)) = wildcard(text, at - 1, end) {
                    stable_diffusion += 1;
                    at = stop + 2;
                }
            }
            b'A' | b'B' => stable_diffusion += usize::from(is_calm_keyword(text, at - 1)),
            b'\\' => {
                let escape = parser.byte(at).is_some_and(|next| b"()[]".contains(&next));
                stable_diffusion += usize::from(escape);
                at += 1;
            }
            _ => {}
        }
    }
    match (midjourney, stable_diffusion) {
        (0, 0) => (Dialect::Plain, emphasis.then_some(Dialect::StableDiffusion)),
        _ if stable_diffusion > midjourney => {
            (Dialect::StableDiffusion, (midjourney > 0).then_some(Dialect::Midjourney))
        }
        _ => (Dialect::Midjourney, (stable_diffusion > 0 || emphasis).then_some(Dialect::StableDiffusion)),
    }
}

/// Whether the colon at `colon` ends a label or key that says that what follows is kept out.
fn is_negative(text: &str, colon: usize) -> bool {
    label(text, colon).is_some_and(|found| found.1 == Role::Negative)
        || kept_out_string(text, colon, text.len()).is_some()
}

/// What a bracket pair tells: whether it is a permutation, and the score for Stable Diffusion.
fn bracket_evidence(parser: &Parser, open: usize, close: usize) -> (bool, usize) {
    let (text, start) = (parser.text, open + 1);
    let is_alphanumeric =
        |at: Option<usize>| at.and_then(|at| parser.byte(at)).is_some_and(|byte| byte.is_ascii_alphanumeric());
    // `na(ked)`, `(na)(ked)`: brackets that part a word, by intent or by chance, are read away.
    let parts_word = is_alphanumeric(open.checked_sub(1))
        && (is_alphanumeric(Some(start)) || is_alphanumeric(Some(close + 1)))
        || is_alphanumeric(close.checked_sub(1))
            && (is_alphanumeric(Some(close + 1)) || parser.byte(close + 1).is_some_and(|byte| b"([{+".contains(&byte)));
    let doubled = parser.close_of(start, close) == Some(close.saturating_sub(1));
    let mut score = usize::from(parts_word) + usize::from(doubled);
    let has = |separator| parser.find(separator, start, close).is_some();
    match parser.byte(open) {
        Some(b'{') if parser.is_json(start, close) => score = 0,
        // Odds, `{0.3::a|b}`, look like Midjourney's weights and must outweigh them.
        Some(b'{') if has(b'|') => score += 1 + text.get(open..close).map_or(0, |inside| inside.matches("::").count()),
        Some(b'{') if has(b',') => return (true, 0),
        Some(b'(') => score += usize::from(weight_tail(text, start, close).is_some()),
        Some(b'[') if has(b'|') => score += 1,
        Some(b'[') if tail(text, start, close).is_some() => score += 2,
        _ => {}
    }
    (false, score)
}

/// `embedding:name`, `Negative prompt:`, pasted settings.
fn is_label(parser: &Parser, colon: usize) -> bool {
    let text = parser.text;
    let name_follows = || text.get(colon + 1..).is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    word_before(text, colon, "embedding").is_some() && name_follows()
        || is_negative(text, colon)
        || word_before(text, colon, "Steps").is_some_and(|start| parser.settings == Some(start))
}

/// `AND` or `BREAK` that stands out: in a text that shouts it is a word like the others.
fn is_calm_keyword(text: &str, at: usize) -> bool {
    let Some(word) = keyword(text, at) else { return false };
    let shouted = |word: Option<&str>| {
        word.is_some_and(|word| {
            word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase()) && word != "AND" && word != "BREAK"
        })
    };
    // Words, not what white space parts: a text of commas and `AND` would be searched over and over.
    let other = |c: char| !c.is_alphanumeric();
    let before = text.get(..at).and_then(|before| before.rsplit(other).find(|word| !word.is_empty()));
    let after = text.get(at + word.len()..).and_then(|after| after.split(other).find(|word| !word.is_empty()));
    !shouted(before) && !shouted(after)
}
