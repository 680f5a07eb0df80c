//! Stable Diffusion front ends: A1111 and Forge attention, scheduling and networks, `AND` and `BREAK`, the Dynamic
//! Prompts extension, weights behind a bracket (`InvokeAI`), Horde's `###`, and pasted settings.

use super::parser::{Mark, Parser, Pick, network, number, tail, weight_tail};
use super::role_of;
use crate::prompt::Dialect;

/// A1111's factor per round bracket, and its inverse per square one.
const EMPHASIS: f32 = 1.1;

/// `BREAK` or `AND` at `at`, in capitals and on its own.
pub(super) fn keyword(text: &str, at: usize) -> Option<&'static str> {
    let rest = text.as_bytes().get(at..)?;
    let word = ["BREAK", "AND"].into_iter().find(|word| rest.starts_with(word.as_bytes()))?;
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
    let before = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
    (!before.is_some_and(is_word) && !rest.get(word.len()).is_some_and(is_word)).then_some(word)
}

/// The name in the `__name__` at `at`, as start and end.
pub(super) fn wildcard(text: &str, at: usize, end: usize) -> Option<(usize, usize)> {
    let rest = text.get(at..end)?.strip_prefix("__")?.as_bytes();
    // Stops at the first `__`, so that a chain of wildcards is linear.
    let is_end = |(index, byte): (usize, &u8)| {
        !byte.is_ascii_alphanumeric() && (!b"_-/*.".contains(byte) || rest.get(index..index + 2) == Some(b"__"))
    };
    let len = rest.iter().enumerate().position(is_end)?;
    let named = rest.iter().take(len).any(u8::is_ascii_alphanumeric);
    (named && rest.get(len..len + 2) == Some(b"__")).then_some((at + 2, at + 2 + len))
}

/// Where `word` starts, if it stands right before `at` and is no tail of another word.
pub(super) fn word_before(text: &str, at: usize, word: &str) -> Option<usize> {
    let start = at.checked_sub(word.len())?;
    let before = text.get(..start)?;
    let fits = text.get(start..at)?.eq_ignore_ascii_case(word) && !before.ends_with(char::is_alphanumeric);
    fits.then_some(start)
}

/// Whether `at` starts a line, white space aside.
pub(super) fn starts_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with('\n')
}

/// Where pasted settings start: at the last `Steps: 20` that starts a line or comes with a negative prompt.
pub(super) fn settings(text: &str) -> Option<usize> {
    let start = text.rfind("Steps: ")?;
    let digit = text.as_bytes().get(start + "Steps: ".len()).is_some_and(u8::is_ascii_digit);
    (digit && (starts_line(text, start) || text.contains("Negative prompt:"))).then_some(start)
}

impl Parser<'_> {
    /// `(x)`, `(x:1.3)`, `(x)1.3`, `(x)++`.
    pub(super) fn round(&mut self, at: usize, end: usize) -> Option<usize> {
        let close = self.close_of(at, end)?;
        if let Some((colon, weight)) = weight_tail(self.text, at + 1, close) {
            self.group(at, at + 1, colon, weight);
            return Some(close + 1);
        }
        if self.dialect == Dialect::Midjourney {
            return None;
        }
        let (weight, next) = self.suffix(close + 1, end).unwrap_or((EMPHASIS, close + 1));
        self.group(at, at + 1, close, weight);
        Some(next)
    }

    /// The weight behind a bracket and where it stops.
    fn suffix(&self, at: usize, end: usize) -> Option<(f32, usize)> {
        let rest = self.text.get(at..end)?;
        let signs = |sign| rest.bytes().take_while(|&byte| byte == sign).count();
        let (weight, stop) = match rest.bytes().next()? {
            b'+' => (EMPHASIS.powi(signs(b'+').min(32).try_into().ok()?), at + signs(b'+')),
            b'-' => (0.9_f32.powi(signs(b'-').min(32).try_into().ok()?), at + signs(b'-')),
            b'0'..=b'9' => {
                number(self.text, at, end).filter(|found| rest.get(..found.1 - at).is_some_and(|n| n.contains('.')))?
            }
            _ => return None,
        };
        (!self.text.get(stop..end)?.starts_with(char::is_alphanumeric)).then_some((weight, stop))
    }

    /// `[a|b]`, `[from:to:when]`, `[to:when]`, `[from::when]`, `[x]`.
    pub(super) fn square(&mut self, at: usize, end: usize) -> Option<usize> {
        let close = self.close_of(at, end)?;
        let start = at + 1;
        if self.find(b'|', start, close).is_some() {
            self.choice(at, start, close, b'|', Pick::One);
        } else if let Some((colon, _)) = tail(self.text, start, close) {
            let pick = if self.find(b':', start, colon).is_some() { Pick::One } else { Pick::OneOrNone };
            self.choice(at, start, colon, b':', pick);
        } else {
            self.group(at, start, close, 1.0 / EMPHASIS);
        }
        Some(close + 1)
    }

    /// `{a|b}`, `{2$$a|b}`, `{2$$ and $$a|b}`.
    pub(super) fn dynamic(&mut self, open: usize, close: usize) {
        let inside = self.text.get(open + 1..close).unwrap_or_default();
        let body = inside.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | ' '));
        let (body, pick) = match body.strip_prefix("$$") {
            // A separator that holds words is left to the first alternative, so that they are read.
            Some(body) => {
                let stop = body.find(|c: char| c.is_alphanumeric() || c == '|' || c == '{').unwrap_or(body.len());
                let separator = body.get(..stop).and_then(|head| head.find("$$"));
                (separator.and_then(|at| body.get(at + 2..)).unwrap_or(body), Pick::Several)
            }
            None => (inside, Pick::One),
        };
        self.choice(open, close - body.len(), close, b'|', pick);
    }

    /// `<lora:name:0.8>`.
    pub(super) fn network(&mut self, at: usize, end: usize) -> Option<usize> {
        let network = network(self.text, at, end)?;
        let weight = if network.weight > 0.0 || self.lowers(Dialect::StableDiffusion) { network.weight } else { 1.0 };
        self.cut(at, Mark::Tight);
        self.value(network.start, network.end, weight, Mark::Tight);
        Some(network.close + 1)
    }

    /// `__name__`.
    pub(super) fn wildcard(&mut self, at: usize, end: usize) -> Option<usize> {
        let (start, stop) = wildcard(self.text, at, end)?;
        self.cut(at, Mark::Tight);
        self.value(start, stop, 1.0, Mark::Tight);
        Some(stop + 2)
    }

    /// `BREAK`, `AND`.
    pub(super) fn keyword(&mut self, at: usize) -> Option<usize> {
        let word = keyword(self.text, at)?;
        if word == "AND" && self.depth == 0 {
            self.conjunction = true;
            self.end_conjunct(at);
        }
        self.cut(at, Mark::Break);
        Some(at + word.len())
    }

    /// `###`: what follows is kept out. At the start of a field it is a heading.
    pub(super) fn negative_mark(&mut self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..)?;
        let alone = rest.starts_with("###") && !rest.starts_with("####") && !self.text.get(..at)?.ends_with('#');
        if !alone || self.depth > 0 || self.is_at_start(at) {
            return None;
        }
        self.cut(at, Mark::List);
        self.negate();
        Some(at + 3)
    }

    /// `embedding:name`, `Negative prompt: ...`, `Steps: 20, ...`.
    pub(super) fn named(&mut self, colon: usize, end: usize) -> Option<usize> {
        if let Some(start) = word_before(self.text, colon, "embedding").filter(|&start| start >= self.run) {
            let rest = self.text.get(colon + 1..end)?;
            let len = rest.find(|c: char| !c.is_alphanumeric() && !"_-.".contains(c)).unwrap_or(rest.len());
            self.cut(start, Mark::List);
            if len > 0 {
                self.value(colon + 1, colon + 1 + len, 1.0, Mark::List);
            }
            return Some(colon + 1 + len);
        }
        if self.depth > 0 {
            return None;
        }
        if let Some(start) = word_before(self.text, colon, "negative prompt").filter(|&start| start >= self.run) {
            if !starts_line(self.text, start) && self.settings.is_none_or(|settings| settings < colon) {
                return None;
            }
            self.cut(start, Mark::List);
            self.negate();
            return Some(colon + 1);
        }
        let start = word_before(self.text, colon, "Steps")
            .filter(|&start| start >= self.run && self.settings == Some(start))?;
        self.cut(start, Mark::List);
        // Settings are neither asked for nor kept out; words smuggled in there still count.
        self.mode.role = role_of(self.field);
        let stop = start + self.text.get(start..end)?.trim_end().len();
        self.value(start, stop, 1.0, Mark::List);
        Some(end)
    }
}
