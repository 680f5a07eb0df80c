//! Regular expressions that are compiled when they are first needed: compiling all of the shipped ones takes longer than
//! reading all word lists, and most prompts wake none.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

/// Most bytes a compiled pattern may take.
const PATTERN_SIZE_LIMIT: usize = 1 << 20;

/// A regular expression with its text.
pub(super) struct LazyRegex {
    pattern: String,
    regex: OnceLock<Option<Regex>>,
}

impl LazyRegex {
    /// Compiles `pattern` now.
    pub(super) fn compiled(pattern: &str) -> Result<Self, regex::Error> {
        let regex = RegexBuilder::new(pattern).size_limit(PATTERN_SIZE_LIMIT).build()?;
        Ok(Self { pattern: pattern.to_owned(), regex: OnceLock::from(Some(regex)) })
    }

    /// Leaves compiling for later: for patterns that a test has compiled.
    pub(super) fn unchecked(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), regex: OnceLock::new() }
    }

    pub(super) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The compiled expression; `None` if an unchecked pattern is none, which a test rules out.
    pub(super) fn get(&self) -> Option<&Regex> {
        let compile = || RegexBuilder::new(&self.pattern).size_limit(PATTERN_SIZE_LIMIT).build().ok();
        self.regex.get_or_init(compile).as_ref()
    }
}

/// Several regular expressions that are tried on a text all at once.
#[derive(Default)]
pub(super) struct LazySet {
    patterns: Vec<String>,
    set: OnceLock<Option<RegexSet>>,
}

impl LazySet {
    pub(super) fn push(&mut self, pattern: &str) {
        self.patterns.push(pattern.to_owned());
    }

    /// The numbers of the patterns that occur in `text`; all of them if the set is too large to compile, since a look at each
    /// then has to tell.
    pub(super) fn matches(&self, text: &str) -> Vec<usize> {
        let compile =
            || RegexSetBuilder::new(&self.patterns).size_limit(PATTERN_SIZE_LIMIT * self.patterns.len()).build().ok();
        match self.set.get_or_init(compile) {
            Some(set) => set.matches(text).into_iter().collect(),
            None => (0..self.patterns.len()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiles_on_demand() {
        assert!(LazyRegex::compiled("(").is_err());
        assert!(LazyRegex::unchecked("a+").get().is_some_and(|regex| regex.is_match("caat")));
        let mut set = LazySet::default();
        for pattern in ["x", "a", "t$"] {
            set.push(pattern);
        }
        assert_eq!(set.matches("cat"), [1, 2]);
    }
}
