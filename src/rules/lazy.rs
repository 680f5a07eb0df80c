//! Regular expressions that are compiled when they are first needed: compiling all of the shipped ones takes longer than
//! reading all word lists, and most prompts wake none.

use std::sync::{Arc, OnceLock};

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

/// Most bytes a compiled pattern may take.
const PATTERN_SIZE_LIMIT: usize = 1 << 20;

/// `pattern` with `boundary` for each word boundary, if they can be told from the rest of it by their letters alone.
fn with_boundaries(pattern: &str, boundary: &str) -> Option<String> {
    let is_plain = ![r"\\b", r"\b{"].iter().any(|other| pattern.contains(other));
    is_plain.then(|| pattern.replace(r"\b", boundary))
}

/// A shipped pattern with word boundaries that look at ASCII alone. Those of Unicode need a slow engine as soon as there is a
/// character outside ASCII; beside a literal of ASCII, where the shipped patterns have theirs, they are boundaries of ASCII, too.
fn with_fast_boundaries(pattern: &str) -> Option<String> {
    let letters_of_all_scripts =
        !pattern.is_ascii() || [r"\p", r"\w", r"\W"].iter().any(|class| pattern.contains(class));
    if letters_of_all_scripts { None } else { with_boundaries(pattern, r"(?-u:\b)") }
}

fn build(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(PATTERN_SIZE_LIMIT).build()
}

/// A regular expression with its text.
pub(super) struct LazyRegex {
    pattern: String,
    least: OnceLock<Least>,
    regex: OnceLock<Option<Regex>>,
}

impl LazyRegex {
    /// Compiles `pattern` now.
    pub(super) fn compiled(pattern: &str) -> Result<Self, regex::Error> {
        let regex = OnceLock::from(Some(build(pattern)?));
        Ok(Self { regex, ..Self::shipped(pattern) })
    }

    /// Leaves compiling for later: for the patterns that are compiled in, which a test has compiled.
    pub(super) fn shipped(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), least: OnceLock::new(), regex: OnceLock::new() }
    }

    /// Whether a look at the characters of `text` leaves it possible that the pattern occurs in it.
    pub(super) fn may_match(&self, text: &str) -> bool {
        self.least.get_or_init(|| Least::of(&self.pattern)).is_met_by(text)
    }

    /// The compiled expression; `None` if a shipped pattern is none, which a test rules out.
    pub(super) fn get(&self) -> Option<&Regex> {
        let compile = || {
            let fast = with_fast_boundaries(&self.pattern).and_then(|pattern| build(&pattern).ok());
            fast.or_else(|| build(&self.pattern).ok())
        };
        self.regex.get_or_init(compile).as_ref()
    }
}

/// Several regular expressions of which a look at a text tells the few that may occur in it.
#[derive(Default)]
pub(super) struct LazySet {
    patterns: Vec<Arc<LazyRegex>>,
    set: OnceLock<Option<RegexSet>>,
}

impl LazySet {
    /// Fewer expressions than this are not worth a look at all of them together.
    const WORTH_IT: usize = 6;

    pub(super) fn push(&mut self, pattern: Arc<LazyRegex>) {
        self.patterns.push(pattern);
    }

    /// The numbers of the patterns that may occur in `text`: those that ask for no more digits and capitals than it has and, if
    /// these are many, which occur in it word boundaries aside.
    pub(super) fn may_match(&self, text: &str) -> Vec<usize> {
        let met = self.patterns.iter().enumerate().filter(|(_, pattern)| pattern.may_match(text));
        let mut may: Vec<usize> = met.map(|(number, _)| number).collect();
        if may.len() >= Self::WORTH_IT
            && let Some(set) = self.set.get_or_init(|| self.compile())
        {
            let found = set.matches(text);
            may.retain(|number| found.matched(*number));
        }
        may
    }

    /// The patterns together, without their word boundaries: a Unicode one of one pattern would slow all of them down. `None` if
    /// they are too large.
    fn compile(&self) -> Option<RegexSet> {
        let loose =
            |pattern: &Arc<LazyRegex>| with_boundaries(&pattern.pattern, "").unwrap_or_else(|| pattern.pattern.clone());
        RegexSetBuilder::new(self.patterns.iter().map(loose))
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
                // Capitals outside ASCII are not counted here, which asks for less.
                capitals: literal.0.iter().filter(|byte| byte.is_ascii_uppercase()).count(),
                at_signs: literal.0.iter().filter(|byte| **byte == b'@').count(),
            },
            HirKind::Class(Class::Unicode(class)) => {
                let all = |is: fn(char) -> bool| {
                    let in_all = class.ranges().iter().all(|range| (range.start()..=range.end()).all(is));
                    usize::from(in_all && !class.ranges().is_empty())
                };
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
        if text.is_ascii() {
            let has = |wanted: usize, is: fn(&u8) -> bool| {
                wanted == 0 || text.as_bytes().iter().filter(|byte| is(byte)).nth(wanted - 1).is_some()
            };
            return has(self.digits, u8::is_ascii_digit)
                && has(self.capitals, u8::is_ascii_uppercase)
                && has(self.at_signs, |byte| *byte == b'@');
        }
        let has =
            |wanted: usize, is: fn(&char) -> bool| wanted == 0 || text.chars().filter(is).nth(wanted - 1).is_some();
        has(self.digits, |character| character.is_numeric())
            && has(self.capitals, |character| character.is_uppercase())
            && has(self.at_signs, |character| *character == '@')
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::*;
    use crate::normalize::fold_term;

    #[test]
    fn compiles_on_demand() {
        assert!(LazyRegex::compiled("(").is_err());
        assert!(LazyRegex::shipped("a+").get().is_some_and(|regex| regex.is_match("caat")));
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
            least.is_met_by("A 12") && least.is_met_by("É ١٢") && !least.is_met_by("é 12") && !least.is_met_by("A 1")
        );
    }

    #[test]
    fn boundaries_that_letters_do_not_tell_stay() {
        assert_eq!(with_boundaries(r"\ba\b", "|").as_deref(), Some("|a|"));
        assert!(with_boundaries(r"a\\b", "").is_none() && with_boundaries(r"\b{start}a", "").is_none());
        assert!(LazyRegex::shipped(r"\b{start}a").get().is_some_and(|regex| regex.is_match("an")));
        assert!(LazyRegex::compiled(r"\bдом\b").is_ok_and(|lazy| lazy.get().unwrap().is_match("на дом")));
    }

    #[test]
    fn shipped_patterns_compile_and_find_what_they_find_as_written() {
        let (_, files) = crate::lexicon::builtin::compiled_in().unwrap();
        let rules = files.iter().flat_map(|(place, text)| Rule::parse(place, text).unwrap());
        let mut with_pattern = 0;
        for rule in rules.filter(|rule| rule.pattern.is_some()) {
            let pattern = rule.pattern.as_deref().unwrap();
            let (shipped, exact) = (LazyRegex::shipped(pattern), LazyRegex::compiled(pattern).unwrap());
            for text in rule.examples.iter().chain(&rule.counter_examples) {
                for text in [text.clone(), fold_term(text), format!("é{text}é «{text}»")] {
                    let finds = |lazy: &LazyRegex| lazy.get().unwrap().is_match(&text);
                    assert!(finds(&shipped) || !finds(&exact), "{}: {text}", rule.id);
                    assert!(exact.may_match(&text) || !finds(&exact), "{}: {text}", rule.id);
                }
            }
            with_pattern += 1;
        }
        assert!(with_pattern > 100, "{with_pattern}");
    }

    #[test]
    fn tells_what_may_occur() {
        let mut set = LazySet::default();
        for pattern in [r"\b\d{4}\b", "x", "a", "t$", "q", "r", "z"] {
            set.push(Arc::new(LazyRegex::shipped(pattern)));
        }
        assert_eq!(set.may_match("cat"), [2, 3]);
        assert_eq!(set.may_match("é1234é"), [0], "boundaries aside");
    }
}
