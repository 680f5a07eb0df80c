//! Rules: patterns with validators, and combinations of word lists.
//!
//! A rule costs nothing on texts that do not wake it. Its trigger words are a list of the lexicon like any other, so one
//! pass of the automaton decides which patterns are tried at all; combinations look at marks only.

mod rule;
mod validate;

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::category::{Category, Severity};
use crate::error::LoadError;
use crate::evidence::{Condition, Detector, Evidence, Findings, ListId, Mark, Stage, ViewedText};
use crate::lexicon::{Lexicon, ListKind, MatchKind, Term, Wordlist};
use crate::normalize::fold_term;
use crate::prompt::{Field, Role, SegmentKind};
use crate::span::{NormSpan, Span};
use crate::text::View;

pub use rule::Rule;
use rule::{Need, TextKind};
use validate::Validator;

/// Most bytes a compiled pattern may take.
const PATTERN_SIZE_LIMIT: usize = 1 << 20;

/// Rules read from files, not yet tied to a lexicon.
#[derive(Clone, Debug, Default)]
pub struct RuleSource {
    rules: Vec<(String, Rule)>,
}

impl RuleSource {
    /// Adds the rules of a file; `place` names it in errors.
    ///
    /// # Errors
    ///
    /// Text that is no rule file, a rule that contradicts itself, or an id that is there already.
    pub fn add(&mut self, place: &str, text: &str) -> Result<(), LoadError> {
        for rule in Rule::parse(place, text)? {
            if self.rules.iter().any(|(_, other)| other.id == rule.id) {
                return Err(LoadError::new(
                    place,
                    format!("rule id `{}` is there twice, expected unique ids", rule.id),
                ));
            }
            self.rules.push((place.to_owned(), rule));
        }
        Ok(())
    }

    /// The rules as written.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|(_, rule)| rule)
    }

    /// The trigger words of the patterns as word lists, to be compiled into the lexicon with the others.
    #[must_use]
    pub fn triggers(&self) -> Vec<Wordlist> {
        let of_rule = |(place, rule): &(String, Rule)| Wordlist {
            id: trigger_list(&rule.id),
            kind: ListKind::Context,
            category: None,
            expires: None,
            terms: rule
                .triggers
                .iter()
                .map(|word| Term { text: fold_term(word), severity: Severity::Low, matching: MatchKind::Word, line: 0 })
                .collect(),
            place: place.clone(),
        };
        self.rules.iter().filter(|(_, rule)| !rule.triggers.is_empty()).map(of_rule).collect()
    }
}

fn trigger_list(rule: &str) -> String {
    format!("trigger:{rule}")
}

/// Compiled rules.
pub struct RuleSet {
    rules: Vec<Compiled>,
    /// For every list of the lexicon, the rules its marks wake.
    wakes: Vec<Vec<usize>>,
    /// Rules with a pattern that digits or an `@` wake.
    by_sign: Vec<usize>,
}

struct Compiled {
    id: Arc<str>,
    category: Category,
    severity: Severity,
    condition: Option<Condition>,
    pattern: Option<Pattern>,
    all: Vec<Group>,
    within_words: Option<usize>,
    unless: Vec<Group>,
}

struct Pattern {
    regex: Regex,
    text: TextKind,
    validate: Option<Validator>,
    needs: Option<Need>,
    triggered: bool,
}

/// One entry of `all` or `unless`: any of the lists, on one side of the prompt.
struct Group {
    lists: Vec<ListId>,
    side: Role,
}

impl Group {
    /// Whether a mark is of these lists on this side.
    fn names(&self, mark: &Mark) -> bool {
        mark.role == self.side && self.lists.contains(&mark.list)
    }

    /// The same for marks that take part in a combination: those inside an exception do not.
    fn holds(&self, mark: &Mark) -> bool {
        !mark.excused && self.names(mark)
    }
}

impl RuleSet {
    /// Compiles `source` against the lists of `lexicon`, which must hold [`RuleSource::triggers`].
    ///
    /// # Errors
    ///
    /// A pattern that is no regular expression or too large, or a list that does not exist.
    pub fn build(source: &RuleSource, lexicon: &Lexicon) -> Result<Self, LoadError> {
        let mut set = Self { rules: Vec::new(), wakes: vec![Vec::new(); lexicon.lists()], by_sign: Vec::new() };
        for (place, rule) in &source.rules {
            let compiled = compile(place, rule, lexicon)?;
            let index = set.rules.len();
            if compiled.pattern.as_ref().is_some_and(|pattern| pattern.needs.is_some()) {
                set.by_sign.push(index);
            }
            // A combination wakes on its first entry: without a hit there it cannot hold.
            let mut waking: Vec<ListId> = lexicon.list(&trigger_list(&rule.id)).into_iter().collect();
            if waking.is_empty() {
                waking.extend(compiled.all.first().into_iter().flat_map(|group| &group.lists));
            }
            for list in waking {
                if let Some(woken) = set.wakes.get_mut(usize::from(list.0)) {
                    woken.push(index);
                }
            }
            set.rules.push(compiled);
        }
        Ok(set)
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// Runs the rules that the marks and signs of the reading wake.
impl Detector for RuleSet {
    fn detect(&self, texts: &[ViewedText<'_>], out: &mut Findings) {
        let signs = |need: Need| {
            texts.iter().any(|text| match need {
                Need::Digits => text.signs.digits,
                Need::AtSign => text.signs.at_sign,
            })
        };
        let by_sign =
            self.by_sign.iter().copied().filter(|&index| {
                self.rules.get(index).and_then(|rule| rule.pattern.as_ref()?.needs).is_some_and(signs)
            });
        let by_mark = out.marks.iter().filter_map(|mark| self.wakes.get(usize::from(mark.list.0))).flatten().copied();
        let mut woken: Vec<usize> = by_mark.chain(by_sign).collect();
        woken.sort_unstable();
        woken.dedup();
        for rule in woken.into_iter().filter_map(|index| self.rules.get(index)) {
            rule.detect(texts, out);
        }
    }
}

fn compile(place: &str, rule: &Rule, lexicon: &Lexicon) -> Result<Compiled, LoadError> {
    let list = |id: &str| {
        lexicon.list(id).ok_or_else(|| {
            LoadError::new(place, format!("rule `{}`: unknown list `{id}`, expected the id of a word list", rule.id))
        })
    };
    let group = |entry: &String| {
        let negative = entry.strip_prefix("negative:");
        let (side, ids) = negative.map_or((Role::Positive, entry.as_str()), |ids| (Role::Negative, ids));
        let lists = ids.split('|').map(|id| list(id.trim())).collect::<Result<_, _>>()?;
        Ok(Group { lists, side })
    };
    let groups = |entries: &[String]| entries.iter().map(group).collect::<Result<Vec<_>, LoadError>>();
    let pattern = match &rule.pattern {
        Some(pattern) => {
            let regex = RegexBuilder::new(pattern).size_limit(PATTERN_SIZE_LIMIT).build().map_err(|error| {
                LoadError::new(place, format!("rule `{}`: `pattern` is no regular expression", rule.id))
                    .caused_by(error)
            })?;
            let triggered = !rule.triggers.is_empty();
            Some(Pattern { regex, text: rule.text, validate: rule.validate, needs: rule.needs, triggered })
        }
        None => None,
    };
    Ok(Compiled {
        id: rule.id.as_str().into(),
        category: rule.category,
        severity: rule.severity,
        condition: rule.score.iter().next().map(|(&category, &at_least)| Condition { category, at_least }),
        pattern,
        all: groups(&rule.all)?,
        within_words: rule.within_words,
        unless: groups(&rule.unless)?,
    })
}

impl Compiled {
    fn detect(&self, texts: &[ViewedText<'_>], out: &mut Findings) {
        if out.marks.iter().any(|mark| self.unless.iter().any(|group| group.names(mark)))
            || !self.all_near(texts, &out.marks)
        {
            return;
        }
        let found = if let Some(pattern) = &self.pattern {
            let mut positive = texts.iter().filter(|text| text.folded.role() == Role::Positive);
            positive.find_map(|text| Some((text.typed.field(), pattern.find(text)?, text.view)))
        } else {
            // The evidence of a combination points to the hit that makes the others a violation: that of the last entry.
            let last = self.all.last().and_then(|group| out.marks.iter().find(|mark| group.holds(mark)));
            last.map(|mark| (mark.field, mark.span, mark.view))
        };
        out.evidence.extend(found.map(|(field, span, view)| self.evidence(field, span, view)));
    }

    /// Whether every entry of `all` has a hit, near enough to one of the first entry's where the rule asks for that.
    fn all_near(&self, texts: &[ViewedText<'_>], marks: &[Mark]) -> bool {
        let Some((first, rest)) = self.all.split_first() else { return true };
        let Some(words) = self.within_words else {
            return self.all.iter().all(|group| marks.iter().any(|mark| group.holds(mark)));
        };
        marks.iter().filter(|mark| first.holds(mark)).any(|anchor| {
            let of_anchor = |text: &&ViewedText<'_>| {
                (text.view, text.folded.field(), text.folded.role()) == (anchor.view, anchor.field, anchor.role)
            };
            let Some(text) = texts.iter().find(of_anchor) else { return false };
            let near = |mark: &Mark| {
                (mark.view, mark.field, mark.role) == (anchor.view, anchor.field, anchor.role)
                    && words_between(text.folded.as_str(), anchor.norm, mark.norm, words) <= words
            };
            rest.iter().all(|group| marks.iter().any(|mark| group.holds(mark) && near(mark)))
        })
    }

    fn evidence(&self, field: Field, span: Span, view: View) -> Evidence {
        Evidence {
            category: self.category,
            severity: self.severity,
            stage: Stage::Rules,
            rule: Arc::clone(&self.id),
            field,
            span,
            via: view.via().into_iter().collect(),
            condition: self.condition,
        }
    }
}

impl Pattern {
    fn find(&self, text: &ViewedText<'_>) -> Option<Span> {
        let awake = self.triggered
            || match self.needs {
                Some(Need::Digits) => text.signs.digits,
                Some(Need::AtSign) => text.signs.at_sign,
                None => true,
            };
        let read = match self.text {
            TextKind::Folded => text.folded,
            TextKind::Typed if text.view == View::PLAIN && text.kind == SegmentKind::Prose => text.typed,
            TextKind::Typed => return None,
        };
        let accepted = |found: &regex::Match<'_>| self.validate.is_none_or(|check| check.accepts(found.as_str()));
        let found = awake.then(|| self.regex.find_iter(read.as_str()).find(accepted)).flatten()?;
        Some(read.typed_span(NormSpan::new(found.start(), found.end())))
    }
}

/// Spaces between two spans of a text, counted up to `limit` and one more.
fn words_between(text: &str, one: NormSpan, other: NormSpan, limit: usize) -> usize {
    let (start, end) = (one.end.min(other.end), one.start.max(other.start));
    let between = text.as_bytes().get(start..end).unwrap_or_default();
    between.iter().filter(|&&byte| byte == b' ').take(limit + 1).count()
}
