//! Regular expressions that are compiled when they are first needed: compiling all of the shipped ones takes longer than
//! reading all word lists, and most prompts wake none.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

/// A pattern with word boundaries that look at ASCII alone, where that finds no less: beside a literal of ASCII, a boundary of
/// Unicode is one of ASCII, too. Those of Unicode need a slow engine as soon as there is a character outside ASCII.
fn with_fast_boundaries(pattern: &str) -> String {
    let letters_of_all_scripts =
        !pattern.is_ascii() || [r"\p", r"\w", r"\W"].iter().any(|class| pattern.contains(class));
    if letters_of_all_scripts { pattern.to_owned() } else { pattern.replace(r"\b", r"(?-u:\b)") }
}

/// Most bytes a compiled pattern may take.
const PATTERN_SIZE_LIMIT: usize = 1 << 20;

/// A regular expression with its text.
pub(super) struct LazyRegex {
    pattern: String,
    least: OnceLock<Least>,
    regex: OnceLock<Option<Regex>>,
}

impl LazyRegex {
    /// Compiles `pattern` now.
    pub(super) fn compiled(pattern: &str) -> Result<Self, regex::Error> {
        // Errors quote the pattern as it was written.
        RegexBuilder::new(pattern).size_limit(PATTERN_SIZE_LIMIT).build()?;
        let lazy = Self::unchecked(pattern);
        lazy.get();
        Ok(lazy)
    }

    /// Leaves compiling for later: for patterns that a test has compiled.
    pub(super) fn unchecked(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), least: OnceLock::new(), regex: OnceLock::new() }
    }

    pub(super) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether a look at the characters of `text` leaves it possible that the pattern occurs in it.
    pub(super) fn may_match(&self, text: &str) -> bool {
        self.least.get_or_init(|| Least::of(&self.pattern)).is_met_by(text)
    }

    /// The compiled expression; `None` if an unchecked pattern is none, which a test rules out.
    pub(super) fn get(&self) -> Option<&Regex> {
        let compile =
            || RegexBuilder::new(&with_fast_boundaries(&self.pattern)).size_limit(PATTERN_SIZE_LIMIT).build().ok();
        self.regex.get_or_init(compile).as_ref()
    }
}

/// Several regular expressions of which a look at a text tells the few that may occur in it.
#[derive(Default)]
pub(super) struct LazySet {
    patterns: Vec<String>,
    least: OnceLock<Vec<Least>>,
    set: OnceLock<Option<RegexSet>>,
}

impl LazySet {
    /// Fewer expressions than this are not worth a look at all of them together.
    const WORTH_IT: usize = 6;

    pub(super) fn push(&mut self, pattern: &str) {
        self.patterns.push(pattern.to_owned());
    }

    /// The numbers of the patterns that may occur in `text`: those that ask for no more digits and capitals than it has and, if
    /// these are many, which occur in it word boundaries aside.
    pub(super) fn may_match(&self, text: &str) -> Vec<usize> {
        let least = self.least.get_or_init(|| self.patterns.iter().map(|pattern| Least::of(pattern)).collect());
        let met = least.iter().enumerate().filter(|(_, least)| least.is_met_by(text));
        let mut may: Vec<usize> = met.map(|(number, _)| number).collect();
        if may.len() >= Self::WORTH_IT
            && let Some(set) = self.set.get_or_init(|| self.compile())
        {
            let found = set.matches(text);
            may.retain(|number| found.matched(*number));
        }
        may
    }

    /// The patterns together, without their word boundaries, which in one of them would slow all of them down
    /// ([`with_fast_boundaries`]); `None` if they are too large.
    fn compile(&self) -> Option<RegexSet> {
        RegexSetBuilder::new(self.patterns.iter().map(|pattern| pattern.replace(r"\b", "")))
            .size_limit(PATTERN_SIZE_LIMIT * self.patterns.len())
            .build()
            .ok()
    }
}

/// The fewest characters of some kinds in a text that a pattern matches: counting them is cheaper than looking for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Least {
    digits: usize,
    capitals: usize,
    at_signs: usize,
}

impl Least {
    /// What `pattern` asks for; nothing if it does not parse.
    fn of(pattern: &str) -> Self {
        regex_syntax::parse(pattern).map_or_else(|_| Self::default(), |hir| Self::of_part(&hir))
    }

    fn of_part(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => Self::default(),
            HirKind::Literal(literal) => Self {
                digits: literal.0.iter().filter(|byte| byte.is_ascii_digit()).count(),
                capitals: literal.0.iter().filter(|byte| byte.is_ascii_uppercase()).count(),
                at_signs: literal.0.iter().filter(|byte| **byte == b'@').count(),
            },
            HirKind::Class(Class::Unicode(class)) => {
                let all = |is: fn(char) -> bool| {
                    let ends = class.ranges().iter().all(|range| is(range.start()) && is(range.end()));
                    usize::from(ends && !class.ranges().is_empty())
                };
                // `\d` counts, although it holds digits outside ASCII, which nobody writes private data in.
                Self { digits: all(char::is_numeric), capitals: all(char::is_uppercase), at_signs: 0 }
            }
            HirKind::Repetition(repeated) => {
                let (times, part) = (repeated.min as usize, Self::of_part(&repeated.sub));
                Self { digits: times * part.digits, capitals: times * part.capitals, at_signs: times * part.at_signs }
            }
            HirKind::Capture(capture) => Self::of_part(&capture.sub),
            HirKind::Concat(parts) => parts.iter().map(Self::of_part).fold(Self::default(), |all, part| Self {
                digits: all.digits + part.digits,
                capitals: all.capitals + part.capitals,
                at_signs: all.at_signs + part.at_signs,
            }),
            HirKind::Alternation(ways) => {
                let least = |of: fn(&Self) -> usize| ways.iter().map(|way| of(&Self::of_part(way))).min().unwrap_or(0);
                Self {
                    digits: least(|way| way.digits),
                    capitals: least(|way| way.capitals),
                    at_signs: least(|way| way.at_signs),
                }
            }
        }
    }

    /// Whether `text` has as many.
    fn is_met_by(self, text: &str) -> bool {
        let count = |is: fn(&u8) -> bool| text.as_bytes().iter().filter(|byte| is(byte)).count();
        (self.digits == 0 || self.digits <= count(u8::is_ascii_digit))
            // Letters outside ASCII may be capitals.
            && (self.capitals == 0 || self.capitals <= count(u8::is_ascii_uppercase) || !text.is_ascii())
            && (self.at_signs == 0 || self.at_signs <= count(|byte| *byte == b'@'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiles_on_demand() {
        assert!(LazyRegex::compiled("(").is_err());
        assert!(LazyRegex::unchecked("a+").get().is_some_and(|regex| regex.is_match("caat")));
    }

    #[test]
    fn counts_what_a_pattern_asks_for() {
        for (pattern, digits, capitals, at_signs) in [
            (r"\b[0-9]{3}-\d{2,4}\b", 5, 0, 0),
            (r"(?x) (?: a | 12 ) 7 [0-9a-f]{4} \d*", 1, 0, 0),
            (r"(?i)call [^0-9]{0,30} [0-9]{2}|911", 2, 0, 0),
            (r"(?x) \p{Lu}\p{Ll}+ \s [A-Z][a-z]+ (?i: Street | Road ) @", 0, 2, 1),
            (r"[A-Za-z] (?:X|Y\.)", 0, 1, 0),
            ("(", 0, 0, 0),
        ] {
            assert_eq!(Least::of(pattern), Least { digits, capitals, at_signs }, "{pattern}");
        }
        let least = Least { digits: 2, capitals: 1, at_signs: 0 };
        assert!(
            least.is_met_by("A 12") && least.is_met_by("é 12") && !least.is_met_by("a 12") && !least.is_met_by("A 1")
        );
    }

    #[test]
    fn tells_what_may_occur() {
        let mut set = LazySet::default();
        for pattern in [r"\b\d{4}\b", "x", "a", "t$", "q", "r", "z"] {
            set.push(pattern);
        }
        assert_eq!(set.may_match("cat"), [2, 3]);
        assert_eq!(set.may_match("é1234é"), [0], "boundaries aside");
    }
}
