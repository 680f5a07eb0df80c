//! Spells out the prompts that a parse tree stands for. The number of combinations is exponential in the text, so
//! the size of the answer is bounded here and nowhere else.

use super::{Joint, Node, ParsedPrompt, Reading, Segment};

/// The most segments that [`Readings`] holds beyond one copy of every segment of the prompt.
const SEGMENT_BUDGET: usize = 16_384;

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
        let count = count(&self.nodes);
        if count == 1 {
            return Readings { readings: vec![self.union()], capped: false };
        }
        let cost = cost(&self.nodes);
        if count <= max && count.saturating_mul(cost) <= SEGMENT_BUDGET {
            let readings =
                (0..count).map(|index| spell(&self.nodes, cost, |out, nodes| combination(nodes, index, out)));
            return Readings { readings: readings.collect(), capped: false };
        }
        let turns = widest(&self.nodes).min(max - 1).min(SEGMENT_BUDGET / cost.max(1));
        let mut readings: Vec<Reading> =
            (0..turns).map(|turn| spell(&self.nodes, 0, |out, nodes| rotation(nodes, turn, out))).collect();
        readings.push(self.union());
        Readings { readings, capped: true }
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

/// The number of combinations, saturating.
fn count(nodes: &[Node]) -> usize {
    nodes.iter().fold(1, |product: usize, node| match node {
        Node::Segment(_) => product,
        Node::Choice(alternatives) => product.saturating_mul(choice_count(alternatives)),
    })
}

fn choice_count(alternatives: &[Vec<Node>]) -> usize {
    alternatives.iter().fold(0, |sum: usize, alternative| sum.saturating_add(count(alternative))).max(1)
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

fn spell(nodes: &[Node], capacity: usize, walk: impl Fn(&mut Reading, &[Node])) -> Reading {
    let mut reading = Vec::with_capacity(capacity);
    walk(&mut reading, nodes);
    reading
}

/// Pushes combination `index`, counted in the mixed radix of the choices; the first choice is the highest digit.
fn combination(nodes: &[Node], mut index: usize, out: &mut Reading) {
    let mut radix = count(nodes);
    for node in nodes {
        match node {
            Node::Segment(segment) => out.push(*segment),
            Node::Choice(alternatives) => {
                radix /= choice_count(alternatives);
                let mut digit = index / radix.max(1);
                index %= radix.max(1);
                for alternative in alternatives {
                    let width = count(alternative);
                    if digit < width {
                        combination(alternative, digit, out);
                        break;
                    }
                    digit -= width;
                }
            }
        }
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
                    // What stood before the choice touches the first alternative only.
                    if let Some(segment) = out.get_mut(first).filter(|_| index > 0) {
                        *segment = Segment { joint: Joint::Apart, ..*segment };
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
