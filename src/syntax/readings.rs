//! Spells out the prompts that a parse tree stands for. The number of combinations is exponential in the text, so
//! the size of the answer is bounded here and nowhere else.

use super::{Joint, Node, ParsedPrompt, Reading, Segment};
use crate::span::Span;

/// The most segments that [`Readings`] holds beyond one copy of every segment of the prompt.
const SEGMENT_BUDGET: usize = 16_384;

/// How many neighbours [`ParsedPrompt::crossings`] lets meet: a word in more pieces is found only where nothing else is
/// glued to them.
const MAX_NEIGHBORS: usize = 4;

/// In how many variants a meeting of three is written.
const VARIANTS: usize = 3;

/// Room for all meetings of segments without choices: 2 + 3 * 3 + 4.
const CROSSINGS_PER_SEGMENT: usize = 15;

/// Bytes at each end of a segment that a meeting looks at. No word on the lists is longer.
const EDGE: usize = 64;

/// The prompts that a text stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Readings {
    /// Each prompt, in a stable order; never empty, though a reading may be.
    pub readings: Vec<Reading>,
    /// Whether some combinations are missing. The last reading then is [`ParsedPrompt::union`].
    pub capped: bool,
}

impl ParsedPrompt {
    /// Spells out the prompts this text stands for: all of them, the last choice varying fastest, while they are at
    /// most `max` and small.
    ///
    /// Past that, reading `j` takes alternative `j mod n` of every choice of `n`, so that the first `max - 1`
    /// alternatives are each seen in their place, and the last reading is [`union`](Self::union): a cap may hide a
    /// combination, never a word. `max` counts as at least 1.
    ///
    /// Time and memory are O(s + 16384), s being the number of segments and choices of the prompt.
    #[must_use]
    pub fn readings(&self, max: usize) -> Readings {
        let max = max.max(1);
        let (count, segments) = size(&self.nodes);
        if count == 1 {
            return Readings { readings: vec![self.union()], capped: false };
        }
        if count <= max && segments <= SEGMENT_BUDGET {
            return Readings { readings: combinations(&self.nodes), capped: false };
        }
        let turns = widest(&self.nodes).min(max - 1).min(SEGMENT_BUDGET / cost(&self.nodes).max(1));
        let mut readings = vec![Reading::new(); turns];
        for (turn, reading) in readings.iter_mut().enumerate() {
            rotation(&self.nodes, turn, reading);
        }
        readings.push(self.union());
        Readings { readings, capped: true }
    }

    /// Pieces of combinations, side by side as items: every way in which two to four neighbours can meet, long ones cut
    /// down to the words at their ends. `capped` says that some of them are missing among the
    /// [`readings`](Self::readings); if not, only those are here which markup might make one word, and none where no
    /// more than two pieces might.
    ///
    /// This finds a word that is parted by markup among other markup (`red::na::ked::2`), and one that a choice
    /// of more alternatives than the cap completes (`{a, b, ..., na}ked`). What lies within one segment is here torn
    /// from its context and is not to be judged.
    ///
    /// Time and memory are O(s + 32768), s being the number of segments and choices. Two neighbouring choices of up to
    /// 128 alternatives each fit, more than any generator runs; past that the widest meetings are left out.
    #[must_use]
    pub fn crossings(&self, text: &str, capped: bool) -> Reading {
        let seams =
            self.segments().filter(|segment| segment.joint == Joint::Either && starts_word(segment, text)).count();
        if !capped && seams < 2 {
            return Reading::new();
        }
        let nodes = trimmed(&self.nodes, text);
        let budget = 2 * SEGMENT_BUDGET + CROSSINGS_PER_SEGMENT * self.segments().count();
        let mut crossings = Crossings { text, out: Reading::new(), budget, capped };
        (2..=MAX_NEIGHBORS).for_each(|width| crossings.add(&nodes, width));
        crossings.out
    }

    /// Every segment in typed order as one reading, alternatives standing side by side.
    ///
    /// No generator may ever see this text, yet it is what the prompt asks for where nobody knows which alternatives
    /// meet: past the cap, under a wrong guess of the dialect, or in `[a:b:0.5]`, which paints both.
    #[must_use]
    pub fn union(&self) -> Reading {
        let mut reading = Vec::new();
        every(&self.nodes, &mut reading);
        reading
    }
}

// All of the walks below recurse once per nesting level, which the parser caps at `MAX_DEPTH`.

/// The number of combinations, and of the segments they hold together, saturating.
fn size(nodes: &[Node]) -> (usize, usize) {
    nodes.iter().fold((1, 0), |(count, segments): (usize, usize), node| {
        let (ways, held) = match node {
            Node::Segment(_) => (1, 1),
            Node::Choice(alternatives) => {
                alternatives.iter().fold((0, 0), |(ways, held): (usize, usize), alternative| {
                    let (more_ways, more_held) = size(alternative);
                    (ways.saturating_add(more_ways), held.saturating_add(more_held))
                })
            }
        };
        let segments = segments.saturating_mul(ways).saturating_add(held.saturating_mul(count));
        (count.saturating_mul(ways), segments)
    })
}

/// The number of steps a walk over the whole tree takes, which is at least the number of segments.
fn cost(nodes: &[Node]) -> usize {
    let of = |node: &Node| match node {
        Node::Segment(_) => 1,
        Node::Choice(alternatives) => 1 + alternatives.iter().map(|alternative| 1 + cost(alternative)).sum::<usize>(),
    };
    nodes.iter().map(of).sum()
}

/// The number of alternatives of the widest choice.
fn widest(nodes: &[Node]) -> usize {
    let of = |node: &Node| match node {
        Node::Segment(_) => 0,
        Node::Choice(alternatives) => {
            alternatives.iter().map(|alternative| widest(alternative)).max().unwrap_or(0).max(alternatives.len())
        }
    };
    nodes.iter().map(of).max().unwrap_or(0)
}

/// All combinations in order, the last choice varying fastest.
fn combinations(nodes: &[Node]) -> Vec<Reading> {
    let mut heads = vec![Reading::new()];
    for node in nodes {
        match node {
            Node::Segment(segment) => heads.iter_mut().for_each(|head| head.push(*segment)),
            Node::Choice(alternatives) => {
                let tails: Vec<Reading> =
                    alternatives.iter().flat_map(|alternative| combinations(alternative)).collect();
                heads =
                    heads.iter().flat_map(|head| tails.iter().map(|tail| [head.as_slice(), tail].concat())).collect();
            }
        }
    }
    heads
}

/// Cuts every long segment down to its first and its last words.
fn trimmed(nodes: &[Node], text: &str) -> Vec<Node> {
    let mut short = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::Segment(segment) if segment.span.len() > 2 * EDGE => {
                let Span { start, end } = segment.span;
                let piece = segment.span.slice(text).unwrap_or_default();
                let near = |&at: &usize| at.min(piece.len() - at) <= EDGE;
                let head = piece.match_indices(char::is_whitespace).map(|(at, _)| at).take_while(near).last();
                let tail = piece.rmatch_indices(char::is_whitespace).map(|(at, _)| at).take_while(near).last();
                short.extend(head.map(|at| Node::Segment(Segment { span: Span::new(start, start + at), ..*segment })));
                let joint = if head.is_some() { Joint::Item } else { segment.joint };
                short.extend(
                    tail.map(|at| Node::Segment(Segment { span: Span::new(start + at, end), joint, ..*segment })),
                );
            }
            Node::Segment(segment) => short.push(Node::Segment(*segment)),
            Node::Choice(alternatives) => {
                short.push(Node::Choice(alternatives.iter().map(|alternative| trimmed(alternative, text)).collect()));
            }
        }
    }
    short
}

/// Punctuation that ends a word for good: most weights stand between commas, where no word goes on.
const STOPS: [char; 6] = [',', '.', ';', ':', '!', '?'];

fn starts_word(segment: &Segment, text: &str) -> bool {
    segment.span.slice(text).is_some_and(|piece| !piece.starts_with(STOPS))
}

fn ends_word(segment: &Segment, text: &str) -> bool {
    segment.span.slice(text).is_some_and(|piece| !piece.ends_with(STOPS))
}

/// Gathers [`ParsedPrompt::crossings`].
struct Crossings<'t> {
    text: &'t str,
    out: Reading,
    /// About the most segments that `out` may hold.
    budget: usize,
    /// Whether phrases over unglued neighbours were not seen otherwise.
    capped: bool,
}

impl Crossings<'_> {
    /// Adds every combination of `width` neighbours, at every level of nesting.
    fn add(&mut self, nodes: &[Node], width: usize) {
        for node in nodes {
            if let Node::Choice(alternatives) = node {
                for alternative in alternatives {
                    self.add(alternative, width);
                }
            }
        }
        for window in nodes.windows(width) {
            let variants = if width == 3 { VARIANTS } else { 1 };
            if size(window).1.saturating_mul(variants) <= self.budget.saturating_sub(self.out.len()) {
                for path in combinations(window) {
                    self.add_path(&path);
                }
            }
        }
    }

    /// Adds one path as it is; one of three pieces also with either end on its own. `severed:: he::ad` is a phrase whose
    /// second word is parted.
    fn add_path(&mut self, path: &[Segment]) {
        let glued = path.windows(2).any(|pair| {
            matches!(pair, [left, right]
                if right.joint == Joint::Either && ends_word(left, self.text) && starts_word(right, self.text))
        });
        // Phrases across three unglued neighbours are the longest that are sought.
        if path.len() < 2 || !glued && (!self.capped || path.len() > 3) {
            return;
        }
        self.push(path, None);
        if let [_, second, third] = path
            && glued
        {
            for (at, segment) in [(1, second), (2, third)] {
                if segment.joint == Joint::Either {
                    self.push(path, Some(at));
                }
            }
        }
    }

    /// Appends a path whose piece `loose` starts a new word.
    fn push(&mut self, path: &[Segment], loose: Option<usize>) {
        self.out.extend(path.iter().enumerate().map(|(at, segment)| match at {
            0 => Segment { joint: Joint::Item, ..*segment },
            _ if Some(at) == loose => Segment { joint: Joint::Apart, ..*segment },
            _ => *segment,
        }));
    }
}

/// Pushes the reading that takes alternative `turn mod n` everywhere.
fn rotation(nodes: &[Node], turn: usize, out: &mut Reading) {
    for node in nodes {
        match node {
            Node::Segment(segment) => out.push(*segment),
            Node::Choice(alternatives) => {
                if let Some(alternative) = alternatives.get(turn % alternatives.len().max(1)) {
                    rotation(alternative, turn, out);
                }
            }
        }
    }
}

fn every(nodes: &[Node], out: &mut Reading) {
    for node in nodes {
        match node {
            Node::Segment(segment) => out.push(*segment),
            Node::Choice(alternatives) => {
                for (index, alternative) in alternatives.iter().enumerate() {
                    let first = out.len();
                    every(alternative, out);
                    // What stood before the choice touches the first alternative only; `[na|ked]` paints both.
                    if let Some(segment) = out.get_mut(first).filter(|_| index > 0) {
                        *segment = Segment { joint: Joint::Either, ..*segment };
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::prompt::{Dialect, Field};
    use crate::syntax::parse;

    fn texts(prompt: &str, max: usize) -> (Vec<String>, bool) {
        let (parsed, _) = parse(Field::Prompt, prompt, Some(Dialect::Midjourney));
        let found = parsed.readings(max);
        let join = |reading: &Vec<super::Segment>| {
            let words: Vec<_> = reading.iter().filter_map(|segment| segment.span.slice(prompt)).collect();
            words.join(" ")
        };
        (found.readings.iter().map(join).collect(), found.capped)
    }

    #[test]
    fn all_combinations_come_in_typed_order() {
        assert_eq!(texts("{a, b} {c, d}", 4), (["a c", "a d", "b c", "b d"].map(String::from).to_vec(), false));
        assert_eq!(texts("{a, b {c, d}} e", 9), (["a e", "b c e", "b d e"].map(String::from).to_vec(), false));
        assert_eq!(texts("", 0), (vec![String::new()], false));
    }

    #[test]
    fn a_cap_hides_no_word() {
        assert_eq!(texts("{a, b} {c, d}", 3), (["a c", "b d", "a b c d"].map(String::from).to_vec(), true));
        assert_eq!(texts("{a, b} {c, d}", 0), (vec!["a b c d".to_owned()], true));
    }

    #[test]
    fn size_is_bounded() {
        for unit in ["{a, b} ", "{a, {b, c}}", "{a b, {c, d, e, f, g}}"] {
            let prompt = unit.repeat(4000);
            let (parsed, _) = parse(Field::Prompt, &prompt, None);
            let found = parsed.readings(usize::MAX);
            let held: usize = found.readings.iter().map(Vec::len).sum();
            assert!(found.capped && held <= super::SEGMENT_BUDGET + parsed.segments().count(), "{unit}: {held}");
        }
    }
}
