//! Reads a prompt as the generator would: which pieces of the text are prose, with which role and weight, and
//! which alternative prompts the text stands for. It never rewrites text (that is `normalize`) and never judges.
//!
//! Parsing never fails: what does not parse is literal text plus a [`Diagnostic`]. It never hides a word either:
//!
//! - No letter or digit is lost but those of markup that says nothing about the picture: the names of known
//!   parameters (`--ar`), numbers that weigh or schedule (`::2`, `(x:1.3)`, `[a:b:0.5]`, `{2$$a|b}`), the keywords
//!   `AND`, `BREAK`, `embedding` and labels like `Negative prompt`, and the type and numbers of `<lora:name:0.8>`.
//! - One engine (`parser`) reads all dialects; the dialect settles only what is ambiguous. `--no x`, `a::2`,
//!   `(x:1.3)`, `<lora:x:1>`, `{a|b}`, `###`, `Negative prompt:` and URLs mean the same in a Midjourney and in a Stable
//!   Diffusion prompt. `{a, b}` is a choice in Midjourney only; bare brackets, `[a|b]`, `AND`, `BREAK`, `__x__` and
//!   comments are markup in Stable Diffusion only. Where a prompt shows signs of both, [`second_opinion`]
//!   reads it as the other one.
//! - Where the caller has declared the dialect, markup of the other one takes nothing out of the picture: the
//!   generator would read `(gore:0)` in Midjourney and `--no gore` in Stable Diffusion as prose.
//!
//! Time and memory are linear in the text. Nesting deeper than [`MAX_DEPTH`] is literal text.

mod detect;
mod midjourney;
mod parser;
mod readings;
mod stable_diffusion;

pub use detect::detect;
use parser::Parsed;
pub use readings::Readings;

pub use crate::prompt::SegmentKind;
use crate::prompt::{Dialect, Field, Role};
use crate::span::Span;

/// The deepest nesting of brackets that is read as markup.
pub const MAX_DEPTH: usize = 32;
/// How a segment hangs on to the one before it in a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Joint {
    /// Words on both sides are separate words.
    Apart,
    /// Items of a list: separate words, and no phrase goes from one to the next (`--no red, clothes`).
    Item,
    /// Markup stands between: the two sides are judged both as separate words and as one (`na::ked`, `(na)(ked)`).
    Either,
    /// The text goes on without a break (after an escaping backslash).
    Glued,
}

/// A piece of a prompt field that means something, in the order typed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Where it was typed.
    pub span: Span,
    /// What it does to the image.
    pub role: Role,
    /// Attention weight, unitless, 1.0 neutral.
    pub weight: f32,
    /// Prose or value.
    pub kind: SegmentKind,
    /// How it hangs on to the segment before it.
    pub joint: Joint,
}

/// A node of the parse tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A piece of text.
    Segment(Segment),
    /// Alternatives of which the generator takes one: `{a, b}`, `[a|b]`, `[from:to:0.5]`.
    Choice(Vec<Vec<Node>>),
}

/// Something that looked like markup and was not, or that was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// Where.
    pub span: Span,
    /// What was found; never text of the prompt.
    pub message: &'static str,
}

/// A parsed prompt field.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedPrompt {
    /// The field the spans point into.
    pub field: Field,
    /// The dialect it was read as.
    pub dialect: Dialect,
    /// Another dialect that a prompt of undeclared dialect shows signs of.
    pub rival: Option<Dialect>,
    /// The parse tree.
    pub nodes: Vec<Node>,
    /// Whether some alternatives meet in one picture, step by step: `[a|b]`, `[from:to:0.5]`.
    pub blends: bool,
}

/// One prompt that the text stands for: the segments of one path through its choices, in the order typed.
pub type Reading = Vec<Segment>;

/// Reads `text` in the given dialect, or in the one it seems to be written in.
///
/// In [`Field::Negative`] what would be asked for is kept out. Two minus signs make a plus there: `(x:-1)` in a
/// negative prompt and `--no x::-1` pull x into the picture, hence [`Role::Positive`].
///
/// A prompt without any markup costs one look at each byte and one allocation.
///
/// ```
/// use promptgate::{Dialect, Field, Role, syntax};
///
/// let text = "a lighthouse --no people";
/// let (parsed, diagnostics) = syntax::parse(Field::Prompt, text, None);
/// let found: Vec<_> = parsed.segments().map(|segment| (segment.span.slice(text), segment.role)).collect();
/// assert_eq!(parsed.dialect, Dialect::Midjourney);
/// assert_eq!(found, [(Some("a lighthouse"), Role::Positive), (Some("people"), Role::Negative)]);
/// assert!(diagnostics.is_empty());
/// ```
#[must_use]
pub fn parse(field: Field, text: &str, dialect: Option<Dialect>) -> (ParsedPrompt, Vec<Diagnostic>) {
    let (found, rival) = match dialect {
        Some(dialect) if detect::may_hold_markup(text) => (dialect, None),
        Some(_) => (Dialect::Plain, None),
        None => detect::guess(text),
    };
    let Parsed { nodes, diagnostics, blends } = if found == Dialect::Plain {
        Parsed { nodes: plain(field, text).into_iter().collect(), diagnostics: Vec::new(), blends: false }
    } else {
        parser::Parser::new(field, text, found, dialect.is_some()).parse()
    };
    (ParsedPrompt { field, dialect: dialect.unwrap_or(found), rival, nodes, blends }, diagnostics)
}

/// Reads `text` as its `rival` dialect, which may part words and phrases elsewhere: `(na)(ked) --ar 1:1` might be
/// either, and the brackets in `a (bowler) hat` might be markup.
#[must_use]
pub fn second_opinion(parsed: &ParsedPrompt, text: &str) -> Option<ParsedPrompt> {
    let dialect = parsed.rival?;
    let Parsed { nodes, blends, .. } = parser::Parser::new(parsed.field, text, dialect, false).parse();
    Some(ParsedPrompt { field: parsed.field, dialect, rival: None, nodes, blends })
}

/// The role of unmarked text of a field.
fn role_of(field: Field) -> Role {
    match field {
        Field::Prompt => Role::Positive,
        Field::Negative => Role::Negative,
    }
}

/// The whole text as one segment, if it holds more than white space.
fn plain(field: Field, text: &str) -> Option<Node> {
    let body = text.trim_start();
    let start = text.len() - body.len();
    let span = Span::new(start, start + body.trim_end().len());
    let segment = Segment { span, role: role_of(field), weight: 1.0, kind: SegmentKind::Prose, joint: Joint::Apart };
    (!span.is_empty()).then_some(Node::Segment(segment))
}

impl ParsedPrompt {
    /// Walks over all segments, those of every alternative included, in the order typed.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        Segments { nodes: self.nodes.iter(), pending: Vec::new() }
    }
}

/// Walks a tree depth first; allocates only where there are choices.
struct Segments<'a> {
    nodes: std::slice::Iter<'a, Node>,
    pending: Vec<std::slice::Iter<'a, Node>>,
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a Segment;

    fn next(&mut self) -> Option<&'a Segment> {
        loop {
            match self.nodes.next() {
                Some(Node::Segment(segment)) => return Some(segment),
                Some(Node::Choice(alternatives)) => {
                    self.pending.push(std::mem::take(&mut self.nodes));
                    self.pending.extend(alternatives.iter().rev().map(|alternative| alternative.iter()));
                    self.nodes = self.pending.pop()?;
                }
                None => self.nodes = self.pending.pop()?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Markup and near-markup. The words of the picture are made of `x`, `z`, `ж` and `7`, which make up no keyword.
    const ALPHABET: [&str; 61] = [
        "x",
        "zz",
        "ж",
        "x7",
        "xж x",
        " ",
        " ",
        "  ",
        "\n",
        ",",
        ", ",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "<",
        ">",
        ":",
        "::",
        "|",
        "\\",
        "\\(",
        "-",
        "--",
        "---",
        "—",
        "#",
        "###",
        "_",
        "__",
        "7",
        ":1.3",
        ":0",
        ":-1",
        "::2",
        "::-0.5",
        "1.5",
        "$$",
        "2$$",
        "+",
        "--no ",
        "--ar ",
        "--tile",
        "--sref ",
        "--q",
        "--x",
        " AND ",
        " BREAK ",
        "<lora:x:1>",
        "<lora:",
        "embedding:",
        "Negative prompt:",
        "\nSteps: 7",
        "http://x.z/7",
        "\"x\":",
        "(x:1.2)",
        "[x|z]",
        "{x, z}",
        "{x|z}",
    ];

    /// Names whose loss hides nothing, as the module says.
    fn may_be_lost(word: &str) -> bool {
        let keywords = ["and", "break", "negative", "positive", "prompt", "embedding", "no", "lora"];
        let word = word.to_ascii_lowercase();
        let parameter = || midjourney::PARAMETERS.iter().any(|known| known.0 == word);
        word.bytes().all(|byte| byte.is_ascii_digit()) || keywords.contains(&word.as_str()) || parameter()
    }

    fn check_invariants(text: &str, dialect: Option<Dialect>) {
        for field in [Field::Prompt, Field::Negative] {
            let (parsed, diagnostics) = parse(field, text, dialect);
            let mut end = 0;
            let check_gap = |gap: Span| {
                let lost = gap.slice(text).unwrap();
                for word in lost.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
                    assert!(may_be_lost(word), "{dialect:?} loses {word:?} of {text:?}: {parsed:#?}");
                }
            };
            for segment in parsed.segments() {
                let piece = segment.span.slice(text).expect("on boundaries");
                assert!(segment.span.start >= end && !piece.trim().is_empty(), "{dialect:?} {text:?}: {parsed:#?}");
                assert!(segment.weight.is_finite(), "{text:?}");
                check_gap(Span::new(end, segment.span.start));
                end = segment.span.end;
            }
            check_gap(Span::new(end, text.len()));
            assert!(diagnostics.iter().all(|diagnostic| diagnostic.span.slice(text).is_some()));
            let found = parsed.readings(5);
            assert!((1..=5).contains(&found.readings.len()));
            let in_readings =
                |segment: &Segment| found.readings.iter().flatten().any(|other| other.span == segment.span);
            assert!(parsed.segments().all(in_readings), "a reading hides a segment of {text:?}");
        }
    }

    #[test]
    fn random_markup_loses_no_word() {
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 33) % below).unwrap()
        };
        for _ in 0..20_000 {
            let text: String = (0..=random(24)).map(|_| ALPHABET[random(ALPHABET.len() as u64)]).collect();
            check_invariants(&text, None);
            for dialect in Dialect::ALL {
                check_invariants(&text, Some(dialect));
            }
        }
    }

    /// Linear code needs milliseconds for these, quadratic code minutes.
    #[test]
    fn hostile_texts_are_linear() {
        let mut units: Vec<String> = ALPHABET.map(String::from).to_vec();
        units.extend(
            ["{,", "{a,", "[(", "(((a:0)", "a|", "__a", "--_", "<a", "AND", ",AND", "a::", "{2$$", "\\\\"]
                .map(String::from),
        );
        units.extend(
            [
                "Steps: 7 ",
                "Negative prompt:7 ",
                "AND 7",
                "){",
                "(a)+",
                "}{",
                "(a)(",
                "http://",
                "—no ",
                "/*",
                " ###",
                "a++",
            ]
            .into_iter()
            .chain(["\"negative\":\"", ".negative:x prompt:", "a::b", "{a|b}c", "a)b", "{a, {b, c}}d"])
            .map(String::from),
        );
        for unit in units {
            for (head, closing) in
                [("", ""), ("((a:2)) ", ""), ("--ar 1:1 ", ""), ("", ")"), ("", "}"), ("", "]"), ("{a, b", "}")]
            {
                let half = unit.repeat(32_768 / unit.len());
                let text = format!("{head}{half}{}", closing.repeat(32_768));
                let once = Instant::now();
                for dialect in [None, Some(Dialect::Midjourney), Some(Dialect::StableDiffusion)] {
                    let (parsed, _) = parse(Field::Prompt, &text, dialect);
                    let found = parsed.readings(64);
                    assert!(!found.readings.is_empty());
                    assert!(parsed.crossings(&text, found.capped).len() < 40 * text.len() + 65_536);
                }
                assert!(once.elapsed() < Duration::from_secs(2), "{head:?} {unit:?} {closing:?}: {:?}", once.elapsed());
            }
        }
    }

    #[test]
    fn depth_is_capped() {
        let deep = |levels: usize| format!("{}q{}", "(".repeat(levels), ")".repeat(levels));
        let (fits, none) = parse(Field::Prompt, &deep(MAX_DEPTH), None);
        assert!(none.is_empty() && fits.segments().all(|segment| segment.span.len() == 1));
        let (parsed, diagnostics) = parse(Field::Prompt, &deep(MAX_DEPTH + 2), None);
        assert_eq!(parsed.segments().next().map(|segment| segment.span.len()), Some(5));
        assert_eq!(diagnostics.len(), 2);
    }

    #[test]
    fn junk_is_reported() {
        let message = |text, dialect| parse(Field::Prompt, text, dialect).1.first().map(|found| found.message);
        let stable_diffusion = Some(Dialect::StableDiffusion);
        assert_eq!(message("(a", stable_diffusion), Some("bracket is never closed"));
        assert_eq!(message("(a [b) c]", stable_diffusion), Some("brackets cross each other"));
        assert_eq!(message("a --unicorn", Some(Dialect::Midjourney)), Some("unknown parameter"));
        assert_eq!(message("(a) :)", stable_diffusion), None);
    }
}
