//! Stable Diffusion front ends: A1111 and Forge attention, scheduling and networks, `AND` and `BREAK`, the Dynamic
//! Prompts extension, weights behind a bracket or a word (`InvokeAI`), comments (`ComfyUI`), Horde's `###`, and pasted
//! settings.

use super::parser::{Mark, Parser, Pick, network, number, tail, weight_tail};
use super::role_of;
use crate::prompt::{Dialect, Role};

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

/// What a label before a colon makes of the text behind it.
const LABELS: [(&str, Role); 7] = [
    ("negative prompt", Role::Negative),
    ("negative prompts", Role::Negative),
    ("negative_prompt", Role::Negative),
    ("negative", Role::Negative),
    ("positive prompt", Role::Positive),
    ("positive", Role::Positive),
    ("prompt", Role::Positive),
];

/// The label that ends at the colon at `colon`, as its start and the role of what follows it.
///
/// One that keeps out starts a line or a sentence, or is written as pasted settings write it; elsewhere it is prose.
pub(super) fn label(text: &str, colon: usize) -> Option<(usize, Role)> {
    let found = |&(name, role): &(&str, Role)| word_before(text, colon, name).map(|start| (start, role));
    LABELS.iter().find_map(found).filter(|&(start, role)| {
        let before = text.get(..start).unwrap_or_default().trim_end_matches([' ', '\t']);
        let stands =
            before.is_empty() || before.ends_with(['\n', '\r', '.', ',', ';', '|', '!', ')', ']', '}', '>', '*']);
        role == Role::Positive || stands || text.get(start..colon) == Some("Negative prompt")
    })
}

/// The string under the key that ends at the colon at `colon`, if the key says that it is kept out.
pub(super) fn kept_out_string(text: &str, colon: usize, end: usize) -> Option<(usize, usize)> {
    let key_end = text.get(..colon)?.trim_end().strip_suffix('"')?.len();
    let is_key = |&(name, role): &(&str, Role)| {
        role == Role::Negative
            && word_before(text, key_end, name).is_some_and(|start| text.get(..start).is_some_and(|t| t.ends_with('"')))
    };
    LABELS.iter().any(is_key).then_some(())?;
    let value = text.get(colon + 1..end)?.trim_start().strip_prefix('"')?;
    let mut escaped = false;
    let closing = value.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    let start = end - value.len();
    Some((start, start + closing))
}

/// Whether the `###` at `at` stands between two prompts. One that starts a line with words behind it is a heading.
pub(super) fn separator(text: &str, at: usize) -> bool {
    let Some((before, rest)) = text.split_at_checked(at) else { return false };
    let alone = rest.starts_with("###") && !rest.starts_with("####") && !before.ends_with('#');
    let heading = || {
        let line = rest.get(3..).unwrap_or_default().trim_start_matches([' ', '\t']);
        starts_line(text, at) && !line.starts_with(['\n', '\r'])
    };
    alone && !before.trim_end().is_empty() && !heading()
}

/// The inside of the `/* note */` at `at`.
pub(super) fn comment(text: &str, at: usize, end: usize) -> Option<&str> {
    /// Longer notes are prose; looking no further keeps parsing linear.
    const MAX_NOTE: usize = 512;
    let body = text.get(at..end)?.strip_prefix("/*")?;
    let stop = body.as_bytes().windows(2).take(MAX_NOTE).position(|pair| pair == b"*/")?;
    body.get(..stop)
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
            // `(na)+ked`: plus signs are no letters, so that the word goes on behind them.
            b'+' => return Some((EMPHASIS.powi(signs(b'+').min(32).try_into().ok()?), at + signs(b'+'))),
            b'-' => (0.9_f32.powi(signs(b'-').min(32).try_into().ok()?), at + signs(b'-')),
            b'0'..=b'9' => {
                number(self.text, at, end).filter(|found| rest.get(..found.1 - at).is_some_and(|n| n.contains('.')))?
            }
            _ => return None,
        };
        (!self.text.get(stop..end)?.starts_with(char::is_alphanumeric)).then_some((weight, stop))
    }

    /// `word+`, `word++`, `word--`. It weighs no more than the word, so that it only needs to be read away.
    pub(super) fn emphasis(&mut self, at: usize, end: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(at..end)?;
        let sign = *rest.first().filter(|sign| b"+-".contains(sign))?;
        let before = at.checked_sub(1).and_then(|before| self.byte(before));
        if self.dialect != Dialect::StableDiffusion || !before.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let signs = rest.iter().take_while(|&&byte| byte == sign).count();
        // One sign tells only at the end of a word: `18+` is a number, `a-b` has a hyphen.
        let ends_word = before.is_some_and(|byte| byte.is_ascii_alphabetic())
            && rest.get(signs).is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if signs < 2 && !(sign == b'+' && ends_word) {
            return None;
        }
        self.cut(at, Mark::Tight);
        Some(at + signs)
    }

    /// `[a|b]`, `[from:to:when]`, `[to:when]`, `[from::when]`, `[x]`.
    pub(super) fn square(&mut self, at: usize, end: usize) -> Option<usize> {
        let close = self.close_of(at, end)?;
        let start = at + 1;
        if self.find(b'|', start, close).is_some() {
            self.blends = true;
            self.choice(at, start, close, b'|', Pick::One);
        } else if let Some((colon, _)) = tail(self.text, start, close) {
            self.blends = true;
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
        if self.depth > 0 || !separator(self.text, at) {
            return None;
        }
        self.cut(at, Mark::Item);
        self.turn(Role::Negative);
        Some(at + 3)
    }

    /// `/* note */`, which `ComfyUI` strips: not part of the prompt, but words smuggled in there still count.
    pub(super) fn comment(&mut self, at: usize, end: usize) -> Option<usize> {
        let inside = comment(self.text, at, end)?;
        let close = at + "/*".len() + inside.len();
        self.cut(at, Mark::Tight);
        let start = close - inside.trim_start().len();
        if start < close {
            self.value(start, start + inside.trim().len(), 1.0, Mark::Tight);
        }
        Some(close + "*/".len())
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
        if let Some((start, role)) = label(self.text, colon).filter(|found| found.0 >= self.run) {
            if role == self.mode.role {
                return None;
            }
            self.cut(start, Mark::Item);
            self.turn(if role == Role::Positive { role_of(self.field) } else { role });
            return Some(colon + 1);
        }
        if let Some((start, stop)) = kept_out_string(self.text, colon, end) {
            self.cut(start, Mark::Item);
            let mode = self.mode;
            self.mode.role = Role::Negative;
            self.range(start, stop);
            self.cut(stop, Mark::Item);
            self.mode = mode;
            return Some(stop);
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
