//! Rules as written in `rules.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::validate::Validator;
use crate::category::{Category, Severity};
use crate::error::LoadError;

/// A file of rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    #[serde(default)]
    pub(super) rule: Vec<Rule>,
}

/// One rule as written: a pattern, a combination of word lists, or both, with its own proof.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Unique and stable, `election.vote-for.1`.
    pub id: String,
    /// What it finds, for people.
    pub name: String,
    /// What it is evidence of.
    pub category: Category,
    /// How bad it is if true.
    pub severity: Severity,
    /// Folded words of which one must occur before the pattern is tried.
    #[serde(default)]
    pub triggers: Vec<String>,
    /// Evidence in the text that wakes the pattern instead of a word.
    pub(super) needs: Option<Need>,
    /// Which text the pattern reads.
    #[serde(default)]
    pub(super) text: TextKind,
    /// A regular expression.
    pub pattern: Option<String>,
    /// A check on what the pattern matched.
    pub(super) validate: Option<Validator>,
    /// Ids of word lists that must all have a hit; `a|b` is one of two, `negative:a` asks on the negative side.
    #[serde(default)]
    pub all: Vec<String>,
    /// All those hits lie within so many words.
    pub within_words: Option<usize>,
    /// Ids of word lists a hit of which on the positive side silences the rule; with `negative:a`, one on the
    /// negative side.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Scores a model must give for the evidence to count.
    #[serde(default)]
    pub score: BTreeMap<Category, f32>,
    /// Prompts the rule must find.
    pub examples: Vec<String>,
    /// Prompts the rule must leave alone.
    pub counter_examples: Vec<String>,
}

/// What wakes a pattern that has no trigger words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Need {
    /// Four digits or more.
    Digits,
    /// An `@`.
    AtSign,
}

/// The text a pattern reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TextKind {
    /// Folded: lower case, one kind of space; in every view.
    #[default]
    Folded,
    /// Markup removed, otherwise as typed.
    Typed,
}

impl Rule {
    /// Parses a rule file; `place` names it in errors.
    pub(super) fn parse(place: &str, text: &str) -> Result<Vec<Self>, LoadError> {
        let file: RuleFile = toml::from_str(text).map_err(|error| LoadError::toml(place, text, &error))?;
        for rule in &file.rule {
            rule.check(place)?;
        }
        Ok(file.rule)
    }

    fn check(&self, place: &str) -> Result<(), LoadError> {
        let fail = |message: &str| Err(LoadError::new(place, format!("rule `{}`: {message}", self.id)));
        if self.pattern.is_none() && self.all.is_empty() {
            return fail("neither `pattern` nor `all`, expected at least one");
        }
        if self.pattern.is_some() && self.triggers.is_empty() && self.needs.is_none() && self.all.is_empty() {
            return fail(
                "a pattern without `triggers`, `needs` or `all`, expected one, so that it costs nothing elsewhere",
            );
        }
        if self.pattern.is_none() && (self.validate.is_some() || !self.triggers.is_empty() || self.needs.is_some()) {
            return fail("`triggers`, `needs` or `validate` without `pattern`, expected one");
        }
        if self.score.len() > 1 {
            return fail("more than one `score`, expected one");
        }
        if self.score.keys().any(|category| category.score_index().is_none()) {
            return fail("`score` of a category that no model scores");
        }
        if self.examples.is_empty() || self.counter_examples.is_empty() {
            return fail("no examples or no counter-examples, expected both");
        }
        Ok(())
    }
}
