//! Midjourney (<https://docs.midjourney.com>, parameters of versions up to 7): `--name value` parameters, `a::2 b::-1`
//! multi-prompts and `{a, b}` permutations.

use super::parser::{Mark, Parser, Pick, number};
use crate::prompt::{Dialect, Role};

/// How many words after a parameter are its values: that many of any look, then that many that look like a number,
/// a code or a URL. All further words are prose: people do type on after the parameters.
type Arity = (u8, u8);

const FLAG: Arity = (0, 0);
const ONE: Arity = (1, 0);
const MAYBE: Arity = (0, 1);
const CODES: Arity = (0, u8::MAX);
const REFERENCES: Arity = (1, u8::MAX);

/// The documented parameters, but for `no`. Their names say nothing about the picture.
pub(super) const PARAMETERS: [(&str, Arity); 58] = [
    ("ar", ONE),
    ("aspect", ONE),
    ("beta", FLAG),
    ("bs", ONE),
    ("c", ONE),
    ("chaos", ONE),
    ("cref", REFERENCES),
    ("creative", FLAG),
    ("cw", ONE),
    ("draft", FLAG),
    ("dref", REFERENCES),
    ("dw", ONE),
    ("end", ONE),
    ("exp", ONE),
    ("fast", FLAG),
    ("h", ONE),
    ("hd", FLAG),
    ("iw", ONE),
    ("loop", FLAG),
    ("motion", ONE),
    ("niji", MAYBE),
    ("oref", REFERENCES),
    ("ow", ONE),
    ("p", CODES),
    ("personalize", CODES),
    ("profile", CODES),
    ("public", FLAG),
    ("q", ONE),
    ("quality", ONE),
    ("r", ONE),
    ("raw", FLAG),
    ("relax", FLAG),
    ("repeat", ONE),
    ("s", ONE),
    ("sameseed", MAYBE),
    ("sd", FLAG),
    ("seed", ONE),
    ("sref", REFERENCES),
    ("stealth", FLAG),
    ("stop", ONE),
    ("style", ONE),
    ("stylize", ONE),
    ("sv", ONE),
    ("sw", ONE),
    ("test", FLAG),
    ("testp", FLAG),
    ("tile", FLAG),
    ("turbo", FLAG),
    ("upanime", FLAG),
    ("upbeta", FLAG),
    ("uplight", FLAG),
    ("v", ONE),
    ("vary", FLAG),
    ("version", ONE),
    ("video", FLAG),
    ("w", ONE),
    ("weird", ONE),
    ("zoom", ONE),
];

/// What a parameter asks of the text behind it.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    /// The list behind it is kept out.
    No,
    /// So many words behind it are values.
    Values(Arity),
    /// Nobody knows; its very name may be a word of the picture.
    Unknown,
}

/// Reads the name of the parameter whose dashes are at `at`: where the name starts and ends, and its effect.
pub(super) fn name(text: &str, at: usize, end: usize) -> Option<(usize, usize, Effect)> {
    let rest = text.get(at..end)?;
    let before = text.get(..at)?.chars().next_back();
    // Phones write `--` as a dash, but most dashes are dashes.
    let dash = rest.starts_with(['\u{2013}', '\u{2014}']);
    let start = at + if dash { '\u{2014}'.len_utf8() } else { "--".len() };
    let free =
        before.is_none_or(|c| if dash { c.is_whitespace() } else { !c.is_alphanumeric() && c != '-' && c != '_' });
    if !free || !(dash || rest.starts_with("--")) {
        return None;
    }
    let rest = text.get(start..end).filter(|rest| rest.starts_with(char::is_alphabetic))?;
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(rest.len());
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    // A number may stick to the name, `--v6`, but a letter makes it another name.
    let stuck = rest.get(letters..word)?.starts_with(|c: char| !c.is_ascii_digit());
    let known = rest.get(..letters).filter(|_| !stuck).and_then(|name| {
        if name.eq_ignore_ascii_case("no") {
            return Some(Effect::No);
        }
        PARAMETERS.iter().find(|known| known.0.eq_ignore_ascii_case(name)).map(|known| Effect::Values(known.1))
    });
    match known {
        Some(effect) => Some((start, start + letters, effect)),
        None if dash => None,
        None => Some((start, start + word, Effect::Unknown)),
    }
}

impl Parser<'_> {
    /// `--name value`.
    pub(super) fn parameter(&mut self, at: usize, end: usize) -> Option<usize> {
        if !self.lowers(Dialect::Midjourney) {
            return None;
        }
        if self.mode.list && self.is_bare_dash(at, end) {
            // Nobody knows what follows; it counts as asked for, the safe reading.
            self.cut(at, Mark::Item);
            self.restart();
            return Some(at + "--".len());
        }
        let (name_start, name_end, effect) = name(self.text, at, end)?;
        self.cut(at, if matches!(effect, Effect::No) { Mark::Item } else { Mark::List });
        self.end_part(1.0, Dialect::Midjourney);
        self.restart();
        match effect {
            Effect::No => {
                self.mode.role = Role::Negative;
                self.mode.list = true;
                Some(name_end)
            }
            Effect::Values(arity) => Some(self.values(name_end, end, arity)),
            Effect::Unknown => {
                self.report(at, name_end, "unknown parameter");
                self.value(name_start, name_end, 1.0, Mark::List);
                Some(name_end)
            }
        }
    }

    /// `--` between white space.
    fn is_bare_dash(&self, at: usize, end: usize) -> bool {
        let before = self.text.get(..at).unwrap_or_default();
        let after = self.text.get(at..end).and_then(|rest| rest.strip_prefix("--"));
        before.ends_with(char::is_whitespace) && after.is_some_and(|after| after.starts_with(char::is_whitespace))
    }

    /// Emits the values of a parameter; returns where prose goes on.
    fn values(&mut self, name_end: usize, end: usize, (mut any, mut codes): Arity) -> usize {
        let mut next = name_end;
        while any > 0 || codes > 0 {
            let rest = self.text.get(next..end).unwrap_or_default();
            let word = rest.trim_start();
            let start = end - word.len();
            if word.starts_with('{') {
                self.run = start;
                self.mode.kind = super::SegmentKind::Value;
                next = self.curly(start, end).unwrap_or(next);
                self.mode.kind = super::SegmentKind::Prose;
                break;
            }
            let word = word.split(|c: char| c.is_whitespace() || c == ',').next().unwrap_or_default();
            let code = word.starts_with("http") || word == "random" || word.bytes().any(|byte| byte.is_ascii_digit());
            if word.is_empty() || word.starts_with("--") || word.starts_with(['\u{2013}', '\u{2014}']) {
                break;
            } else if any > 0 {
                any -= 1;
            } else if code && codes > 0 {
                codes -= 1;
            } else {
                break;
            }
            next = start + word.len();
            self.value(start, next, 1.0, Mark::List);
        }
        next
    }

    /// `::` and its weight, which reaches back to the `::` before.
    pub(super) fn multi_prompt(&mut self, at: usize, end: usize) -> usize {
        let colons =
            self.text.as_bytes().get(at..end).unwrap_or_default().iter().take_while(|&&byte| byte == b':').count();
        let start = at + colons;
        // `na::k3d::3d` has no weight: the digit may be a letter in disguise. A sign or a point is none.
        let is_weight = |stop: usize| {
            let digits = self.text.get(start..stop).is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()));
            !digits || !self.text.get(stop..end).is_some_and(|rest| rest.starts_with(char::is_alphanumeric))
        };
        let (weight, next) = number(self.text, start, end).filter(|found| is_weight(found.1)).unwrap_or((1.0, start));
        self.cut(at, Mark::Weight);
        self.end_part(weight, Dialect::Midjourney);
        next
    }

    /// `{a, b}`, or the other dialect's `{a|b}`. Braces around anything else are literal, JSON's above all.
    pub(super) fn curly(&mut self, at: usize, end: usize) -> Option<usize> {
        let close = self.close_of(at, end)?;
        let start = at + 1;
        if self.is_json(start, close) {
            return None;
        }
        if self.dialect == Dialect::Midjourney && self.find(b',', start, close).is_some() {
            self.choice(at, start, close, b',', Pick::One);
        } else if self.find(b'|', start, close).is_some() {
            self.dynamic(at, close);
        } else if self.dialect == Dialect::StableDiffusion {
            // NovelAI's emphasis.
            self.group(at, start, close, 1.05);
        } else {
            return None;
        }
        Some(close + 1)
    }

    /// Whether braces hold a JSON object, whose commas separate no alternatives.
    pub(super) fn is_json(&self, start: usize, end: usize) -> bool {
        /// Longer keys are no keys; looking no further keeps parsing linear.
        const MAX_KEY: usize = 64;
        let inside = self.text.get(start..end).unwrap_or_default().trim_start();
        let Some(key) = inside.strip_prefix('"') else { return false };
        let closing = key.bytes().take(MAX_KEY).position(|byte| byte == b'"');
        closing.and_then(|at| key.get(at + 1..)).is_some_and(|rest| rest.trim_start().starts_with(':'))
    }
}
