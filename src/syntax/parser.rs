//! The engine below all dialects: finds bracket pairs, cuts the text into segments at markup, keeps track of roles,
//! weights and joints, and builds the tree. What each piece of markup means is in the dialect modules.

use super::stable_diffusion::settings;
use super::{Diagnostic, Joint, MAX_DEPTH, Node, Segment, SegmentKind, role_of};
use crate::prompt::{Dialect, Field, Role};
use crate::span::Span;

/// More would say nothing new.
const MAX_DIAGNOSTICS: usize = 16;

/// Products of weights stay finite, so that a weight of 0 inside is 0 and not NaN.
const MAX_WEIGHT: f32 = 1000.0;

/// What stands between two segments, weakest first; where several marks meet the strongest tells the joint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// A backslash: the text goes on.
    Escape,
    /// A bracket: one word may go through it, but not through white space.
    Tight,
    /// A part weight, `::2`: one white space on either side does not part a word.
    Weight,
    /// `BREAK`, `AND`: need white space on both sides.
    Break,
    /// A parameter or a value: the two sides are separate words.
    List,
    /// A comma of a list, a label: the two sides are unrelated.
    Item,
}

/// The marks and white space met since the last segment.
#[derive(Clone, Copy)]
struct Gap {
    mark: Mark,
    spaces: usize,
}

impl Gap {
    fn joint(self) -> Joint {
        match (self.mark, self.spaces) {
            (Mark::Escape, 0) => Joint::Glued,
            (Mark::Tight, 0) | (Mark::Weight, 0..=2) | (Mark::Break, _) => Joint::Either,
            (Mark::Item, _) => Joint::Item,
            _ => Joint::Apart,
        }
    }
}

/// How the text at hand is to be read.
#[derive(Clone, Copy)]
pub(super) struct Mode {
    pub(super) role: Role,
    pub(super) kind: SegmentKind,
    /// Whether commas separate list items, as after `--no`.
    pub(super) list: bool,
}

/// How many of the alternatives the generator takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    One,
    OneOrNone,
    Several,
}

/// The tree, flat, so that a weight can reach back over it.
enum Item {
    Segment(Segment),
    Open,
    Next,
    Close,
}

/// Reads one field. The text before `run` is done, the text from `run` on is literal until markup shows up.
#[expect(clippy::struct_excessive_bools, reason = "independent observations, not a state machine")]
pub(super) struct Parser<'t> {
    pub(super) text: &'t str,
    pub(super) field: Field,
    pub(super) dialect: Dialect,
    declared: bool,
    /// The role of unmarked text.
    base: Role,
    pub(super) mode: Mode,
    /// Nesting of the text at hand; 0 is outside of all brackets.
    pub(super) depth: usize,
    pub(super) run: usize,
    /// Whether a top-level `AND` was met, which gives meaning to a trailing `:1.2`.
    pub(super) conjunction: bool,
    /// The first item that a part weight reaches.
    part: usize,
    part_weighed: bool,
    /// Where pasted settings start.
    pub(super) settings: Option<usize>,
    pairs: Vec<(usize, usize)>,
    items: Vec<Item>,
    gap: Gap,
    diagnostics: Vec<Diagnostic>,
    /// Whether there are alternatives that meet in one picture.
    pub(super) blends: bool,
}

/// What a parser makes of a text.
pub(super) struct Parsed {
    pub(super) nodes: Vec<Node>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) blends: bool,
}

impl<'t> Parser<'t> {
    pub(super) fn new(field: Field, text: &'t str, dialect: Dialect, declared: bool) -> Self {
        let mut parser = Self {
            text,
            field,
            dialect,
            declared,
            base: role_of(field),
            mode: Mode { role: role_of(field), kind: SegmentKind::Prose, list: false },
            depth: 0,
            run: 0,
            conjunction: false,
            part: 0,
            part_weighed: false,
            settings: if dialect == Dialect::StableDiffusion || !declared { settings(text) } else { None },
            pairs: Vec::new(),
            items: Vec::new(),
            gap: Gap { mark: Mark::List, spaces: 0 },
            diagnostics: Vec::new(),
            blends: false,
        };
        parser.match_brackets();
        parser
    }

    pub(super) fn parse(mut self) -> Parsed {
        self.range(0, self.text.len());
        Parsed { nodes: tree(self.items), diagnostics: self.diagnostics, blends: self.blends }
    }

    /// Reads `start..end`; recursion goes by bracket pairs, which `match_brackets` keeps below [`MAX_DEPTH`].
    pub(super) fn range(&mut self, start: usize, end: usize) {
        self.run = start;
        let mut at = start;
        while let Some(found) = self.next_special(at, end) {
            at = found + 1;
            if self.escapes(found, end) {
                self.cut(found, Mark::Escape);
                self.run = at;
                at += 1;
            } else if let Some(next) = self.markup(found, end) {
                at = next;
                self.run = next;
            }
        }
        if self.depth == 0 && self.conjunction {
            self.end_conjunct(end);
        }
        self.cut(end, Mark::Tight);
    }

    /// Consumes the markup at `at` and says where the text goes on, or leaves it literal.
    fn markup(&mut self, at: usize, end: usize) -> Option<usize> {
        let stable_diffusion = self.dialect == Dialect::StableDiffusion;
        match self.byte(at)? {
            b'-' | 0xE2 => self.parameter(at, end).or_else(|| self.emphasis(at, end)),
            b'+' => self.emphasis(at, end),
            b':' => self.colon(at, end),
            b'{' => self.curly(at, end).or_else(|| self.stray(at, end)),
            b'(' => self.round(at, end).or_else(|| self.stray(at, end)),
            b'<' => self.network(at, end),
            b'[' if stable_diffusion => self.square(at, end).or_else(|| self.stray(at, end)),
            b')' | b']' | b'}' => self.stray(at, end),
            b'_' if stable_diffusion => self.wildcard(at, end),
            b'A' | b'B' if stable_diffusion => self.keyword(at),
            b'/' if stable_diffusion => self.comment(at, end),
            b'#' if self.lowers(Dialect::StableDiffusion) => self.negative_mark(at),
            b',' if self.mode.list => {
                self.cut(at, Mark::Item);
                Some(at + 1)
            }
            _ => None,
        }
    }

    /// A bracket without its partner in the middle of a word parts it, as one with a partner does.
    fn stray(&mut self, at: usize, end: usize) -> Option<usize> {
        let before = at.checked_sub(1).and_then(|before| self.byte(before))?;
        let parts_word = (before.is_ascii_alphanumeric() || b")]}".contains(&before))
            && at + 1 < end
            && self.byte(at + 1).is_some_and(|after| after.is_ascii_alphanumeric());
        if self.dialect != Dialect::StableDiffusion || !parts_word {
            return None;
        }
        self.cut(at, Mark::Tight);
        Some(at + 1)
    }

    fn colon(&mut self, at: usize, end: usize) -> Option<usize> {
        if self.byte(at + 1) == Some(b':') && at + 1 < end {
            return Some(self.multi_prompt(at, end));
        }
        if let Some((start, stop)) = url(self.text, at, end).filter(|url| url.0 >= self.run) {
            self.cut(start, Mark::List);
            self.value(start, stop, 1.0, Mark::List);
            return Some(stop);
        }
        if self.lowers(Dialect::StableDiffusion) { self.named(at, end) } else { None }
    }

    fn next_special(&self, at: usize, end: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(at..end)?;
        rest.iter().position(|&byte| SPECIAL[usize::from(byte)]).map(|offset| at + offset)
    }

    /// Whether the byte at `at` is a backslash that takes its meaning from the next one.
    fn escapes(&self, at: usize, end: usize) -> bool {
        let escaped: &[u8] = match self.dialect {
            Dialect::StableDiffusion => b"()[]{}\\|:<>",
            _ => b"{},\\",
        };
        self.byte(at) == Some(b'\\') && at + 1 < end && self.byte(at + 1).is_some_and(|next| escaped.contains(&next))
    }

    /// Emits the literal text up to `at`, where a mark stands.
    pub(super) fn cut(&mut self, at: usize, mark: Mark) {
        let piece = self.text.get(self.run..at).unwrap_or_default();
        let body = piece.trim_start();
        let start = at - body.len();
        self.gap.spaces += piece.len() - body.len();
        if body.is_empty() {
            self.gap.mark = self.gap.mark.max(mark);
        } else {
            let body = if mark == Mark::Escape { body } else { body.trim_end() };
            let stop = start + body.len();
            self.push(start, stop, 1.0, self.mode.kind);
            self.gap = Gap { mark, spaces: at - stop };
        }
        self.run = at;
    }

    /// Emits `start..end` as a value with a mark behind it.
    pub(super) fn value(&mut self, start: usize, end: usize, weight: f32, mark: Mark) {
        self.push(start, end, weight, SegmentKind::Value);
        self.gap = Gap { mark, spaces: 0 };
    }

    fn push(&mut self, start: usize, end: usize, weight: f32, kind: SegmentKind) {
        let span = Span::new(start, end);
        let joint = self.gap.joint();
        self.items.push(Item::Segment(Segment { span, role: self.mode.role, weight, kind, joint }));
    }

    /// Reads `start..end` as the inside of brackets whose outside is `open..`, then weighs it.
    pub(super) fn group(&mut self, open: usize, start: usize, end: usize, weight: f32) {
        self.cut(open, Mark::Tight);
        let (mode, first) = (self.mode, self.items.len());
        self.depth += 1;
        self.range(start, end);
        self.depth -= 1;
        // A `--no` in brackets ends with them: what follows is judged as asked for, the safe reading.
        self.mode = mode;
        self.weigh(first, weight, Dialect::StableDiffusion);
    }

    /// Reads `start..end` as alternatives between `separator`s; `open` is where the brackets begin.
    pub(super) fn choice(&mut self, open: usize, start: usize, end: usize, separator: u8, pick: Pick) {
        self.cut(open, Mark::Tight);
        let (mode, gap, part) = (self.mode, self.gap, self.part);
        let weighed = std::mem::take(&mut self.part_weighed);
        self.depth += 1;
        self.items.push(Item::Open);
        // Further empty alternatives are dropped: a million commas are not a million prompts.
        let mut empty_seen = pick == Pick::OneOrNone;
        let mut first = !empty_seen;
        let mut from = start;
        loop {
            let stop = self.find(separator, from, end);
            let (body_start, body_end, odds) = self.alternative(from, stop.unwrap_or(end), separator);
            if body_start < body_end || !std::mem::replace(&mut empty_seen, true) {
                if !std::mem::take(&mut first) {
                    self.items.push(Item::Next);
                    if pick == Pick::Several {
                        // Any subset may be picked, so each stands there or does not.
                        self.items.extend([Item::Close, Item::Open]);
                    }
                }
                self.mode = mode;
                self.gap =
                    if pick == Pick::Several && from > start { Gap { mark: Mark::Tight, spaces: 0 } } else { gap };
                self.part = self.items.len();
                let first = self.part;
                self.range(body_start, body_end);
                if odds == Some(0.0) {
                    self.weigh(first, 0.0, Dialect::StableDiffusion);
                }
            }
            let Some(stop) = stop else { break };
            from = stop + 1;
        }
        if pick == Pick::Several {
            self.items.push(Item::Next);
        }
        self.items.push(Item::Close);
        self.depth -= 1;
        self.mode = mode;
        self.gap = Gap { mark: Mark::Tight, spaces: 0 };
        // A part weight inside ends the part in some readings only. Ending it in all keeps a later weight off the
        // words before the choice: they count as asked for, the safe reading.
        self.part = if self.part_weighed { self.items.len() } else { part };
        self.part_weighed |= weighed;
    }

    /// The bounds of an alternative without outer white space and without its odds (`0.3::a`), and these.
    fn alternative(&self, start: usize, end: usize, separator: u8) -> (usize, usize, Option<f32>) {
        let body = self.text.get(start..end).unwrap_or_default();
        let from = end - body.trim_start().len();
        let to = from.max(start + body.trim_end().len());
        match number(self.text, from, to) {
            Some((odds, stop)) if separator == b'|' && self.starts_with(stop, to, "::") => (stop + 2, to, Some(odds)),
            _ => (from, to, None),
        }
    }

    /// Ends the part that a `::2` or `AND` weight reaches over, and weighs it.
    pub(super) fn end_part(&mut self, weight: f32, home: Dialect) {
        self.weigh(self.part, weight, home);
        self.part = self.items.len();
        self.part_weighed = true;
    }

    /// Ends an `AND` part at `at`, which may close with its weight: `cat :1.2 AND dog`.
    pub(super) fn end_conjunct(&mut self, at: usize) {
        let weight = tail(self.text, self.run, at);
        self.cut(weight.map_or(at, |(colon, _)| colon), Mark::Break);
        self.run = at;
        self.end_part(weight.map_or(1.0, |(_, weight)| weight), Dialect::StableDiffusion);
    }

    /// Multiplies the weights of all items from `first` on. The role follows from the sign in the end.
    fn weigh(&mut self, first: usize, weight: f32, home: Dialect) {
        #[expect(clippy::float_cmp, reason = "exactly 1 changes nothing")]
        if weight == 1.0 || weight <= 0.0 && !self.lowers(home) {
            return;
        }
        for item in self.items.iter_mut().skip(first) {
            if let Item::Segment(segment) = item {
                segment.weight = (segment.weight * weight).clamp(-MAX_WEIGHT, MAX_WEIGHT);
            }
        }
    }

    /// Whether markup that is at home in `home` may take words out of the picture here.
    pub(super) fn lowers(&self, home: Dialect) -> bool {
        !self.declared || self.dialect == home
    }

    /// Reads what follows as `role`, up to the next label.
    pub(super) fn turn(&mut self, role: Role) {
        self.end_part(1.0, Dialect::StableDiffusion);
        self.base = role;
        self.restart();
    }

    /// Goes back to plain prose of the text at hand.
    pub(super) fn restart(&mut self) {
        self.mode = Mode { role: self.base, kind: SegmentKind::Prose, list: false };
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    pub(super) fn starts_with(&self, at: usize, end: usize, prefix: &str) -> bool {
        self.text.get(at..end).is_some_and(|rest| rest.starts_with(prefix))
    }

    /// The matching bracket of the one at `open`, if both are markup.
    pub(super) fn close_of(&self, open: usize, end: usize) -> Option<usize> {
        let index = self.pairs.binary_search_by_key(&open, |pair| pair.0).ok()?;
        self.pairs.get(index).map(|pair| pair.1).filter(|&close| close < end)
    }

    /// Every bracket pair that is markup, by opening bracket.
    pub(super) fn pairs(&self) -> &[(usize, usize)] {
        &self.pairs
    }

    /// The first `separator` in `start..end` outside of nested brackets. Nested brackets are jumped over, so that
    /// searching every bracket of a text stays linear.
    pub(super) fn find(&self, separator: u8, start: usize, end: usize) -> Option<usize> {
        let mut at = start;
        while at < end {
            let byte = self.byte(at)?;
            let jump = match byte {
                b'\\' => Some(at + 1),
                b'{' => self.close_of(at, end),
                // Midjourney cuts `{a (b, c)}` at the comma.
                b'(' | b'[' if self.dialect == Dialect::StableDiffusion => self.close_of(at, end),
                b'<' => network(self.text, at, end).map(|network| network.close),
                b':' if self.starts_with(at, end, "://") => Some(at),
                _ if byte == separator => return Some(at),
                _ => None,
            };
            at = jump.unwrap_or(at) + 1;
        }
        None
    }

    /// Finds the brackets that are markup: closed, not crossing others, not too deep. Linear: each kind has its own
    /// stack, and crossing pairs are swept out afterwards.
    fn match_brackets(&mut self) {
        let stable_diffusion = self.dialect == Dialect::StableDiffusion;
        let mut stacks: [Vec<usize>; 3] = Default::default();
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        let mut at = 0;
        while let Some(byte) = self.byte(at) {
            let kind = match byte {
                b'(' | b')' => 0,
                b'{' | b'}' => 1,
                b'[' | b']' if stable_diffusion => 2,
                _ => {
                    at += 1 + usize::from(self.escapes(at, self.text.len()));
                    continue;
                }
            };
            if let Some(stack) = stacks.get_mut(kind) {
                if matches!(byte, b'(' | b'{' | b'[') {
                    stack.push(pairs.len());
                    pairs.push((at, 0));
                } else if let Some(pair) = stack.pop().and_then(|index| pairs.get_mut(index)) {
                    pair.1 = at;
                }
            }
            at += 1;
        }
        let mut inside: Vec<usize> = Vec::new();
        pairs.retain(|&(open, close)| {
            if !stable_diffusion && self.byte(open) == Some(b'(') && weight_tail(self.text, open + 1, close).is_none() {
                return false;
            }
            while inside.pop_if(|outer| *outer < open).is_some() {}
            let fault = if close == 0 {
                "bracket is never closed"
            } else if inside.last().is_some_and(|&outer| outer < close) {
                "brackets cross each other"
            } else if inside.len() >= MAX_DEPTH {
                "brackets are nested too deep"
            } else {
                inside.push(close);
                return true;
            };
            if self.diagnostics.len() < MAX_DIAGNOSTICS {
                self.diagnostics.push(Diagnostic { span: Span::new(open, open + 1), message: fault });
            }
            false
        });
        self.pairs = pairs;
    }

    pub(super) fn report(&mut self, start: usize, end: usize, message: &'static str) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic { span: Span::new(start, end), message });
        }
    }
}

/// Bytes that may start markup, or end a list item.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut index = 0;
    let bytes = b"()[]{}<:-+,_AB#/\\\xE2";
    while index < bytes.len() {
        table[bytes[index] as usize] = true;
        index += 1;
    }
    table
};

/// Builds the tree and settles the roles.
fn tree(items: Vec<Item>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut outer: Vec<(Vec<Node>, Vec<Vec<Node>>)> = Vec::new();
    for item in items {
        match item {
            Item::Segment(segment) => nodes.push(Node::Segment(Segment { role: settle(segment), ..segment })),
            Item::Open => outer.push((std::mem::take(&mut nodes), Vec::new())),
            Item::Next => {
                if let Some((_, alternatives)) = outer.last_mut() {
                    alternatives.push(std::mem::take(&mut nodes));
                }
            }
            Item::Close => {
                if let Some((before, mut alternatives)) = outer.pop() {
                    alternatives.push(std::mem::replace(&mut nodes, before));
                    if alternatives.iter().any(|alternative| !alternative.is_empty()) {
                        nodes.push(Node::Choice(alternatives));
                    }
                }
            }
        }
    }
    nodes
}

/// A negative weight turns the role around: keeping out less than nothing is asking for it.
fn settle(segment: Segment) -> Role {
    match segment.role {
        _ if segment.weight == 0.0 => Role::Absent,
        Role::Positive if segment.weight < 0.0 => Role::Negative,
        Role::Negative if segment.weight < 0.0 => Role::Positive,
        role => role,
    }
}

/// The decimal number at `at`, without exponent, and where it stops.
pub(super) fn number(text: &str, at: usize, end: usize) -> Option<(f32, usize)> {
    let rest = text.get(at..end)?;
    let digits = |from: usize| rest.bytes().skip(from).take_while(u8::is_ascii_digit).count();
    let mut len = usize::from(rest.starts_with(['-', '+']));
    len += digits(len);
    if rest.as_bytes().get(len) == Some(&b'.') {
        len += Some(digits(len + 1)).filter(|&count| count > 0).map_or(0, |count| count + 1);
    }
    let value: f32 = rest.get(..len)?.parse().ok()?;
    Some((value.clamp(-MAX_WEIGHT, MAX_WEIGHT), at + len))
}

/// A `:number` that ends `start..end`, as the position of the colon and the number. `16:9` and `at 10:30` are none.
pub(super) fn tail(text: &str, start: usize, end: usize) -> Option<(usize, f32)> {
    let body = text.get(start..end)?.trim_end();
    let head = body.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'));
    let digits = body.get(head.len()..)?;
    let before = head.trim_end().strip_suffix(':')?;
    if before.ends_with(|c: char| c.is_ascii_digit()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (weight, stop) = number(digits, 0, digits.len())?;
    (stop == digits.len()).then_some((start + before.len(), weight))
}

/// The weight that ends the inside of `(x:1.3)`. `(x::2)` has a part weight instead.
pub(super) fn weight_tail(text: &str, start: usize, end: usize) -> Option<(usize, f32)> {
    tail(text, start, end).filter(|&(colon, _)| !text.get(start..colon).is_some_and(|before| before.ends_with(':')))
}

/// The URL whose scheme ends at the colon at `colon`, as start and end.
pub(super) fn url(text: &str, colon: usize, end: usize) -> Option<(usize, usize)> {
    let rest = text.get(colon..end).filter(|rest| rest.starts_with("://"))?;
    let start = ["https", "http"].iter().find_map(|scheme| {
        let start = colon.checked_sub(scheme.len())?;
        text.get(start..colon)?.eq_ignore_ascii_case(scheme).then_some(start)
    })?;
    let stop = rest.find(|c: char| c.is_whitespace() || "<>{}|\"()[]".contains(c)).unwrap_or(rest.len());
    let body = rest.get(..stop)?.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    Some((start, colon + body.len()))
}

/// A network: `<lora:name:0.8>`.
pub(super) struct Network {
    /// First byte of the name.
    pub(super) start: usize,
    /// One past the name, or past everything if more than numbers follow it.
    pub(super) end: usize,
    pub(super) weight: f32,
    /// The closing bracket.
    pub(super) close: usize,
}

/// The network whose `<` is at `open`.
pub(super) fn network(text: &str, open: usize, end: usize) -> Option<Network> {
    let rest = text.get(open + 1..end)?;
    let stop = rest.find(['<', '>', '\n']).filter(|&stop| rest.as_bytes().get(stop) == Some(&b'>'))?;
    let inside = rest.get(..stop)?;
    let (kind, body) = inside.split_once(':')?;
    if !NETWORKS.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return None;
    }
    let start = open + 1 + kind.len() + 1;
    let close = start + body.len();
    let (name, numbers) = body.split_once(':').unwrap_or((body, ""));
    let only_numbers = numbers.bytes().all(|byte| byte.is_ascii_digit() || b".:+- ".contains(&byte));
    let end = if only_numbers { start + name.len() } else { close };
    let weight = number(numbers, 0, numbers.len()).filter(|_| only_numbers).map_or(1.0, |weight| weight.0);
    (!name.trim().is_empty()).then_some(Network { start, end, weight, close })
}

/// The kinds of networks that front ends load from the prompt.
const NETWORKS: [&str; 8] = ["lora", "lyco", "locon", "loha", "hypernet", "hypernetwork", "embedding", "ti"];
