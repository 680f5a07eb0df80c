//! Rules: patterns with validators, and combinations of word lists.
//!
//! A rule costs nothing on texts that do not wake it. Its trigger words are a list of the lexicon like any other, so one
//! pass over the words decides which patterns are tried at all; combinations look at marks only.

mod lazy;
mod rule;
mod seen;
mod validate;

use std::sync::Arc;

use crate::category::{Category, Severity};
use crate::error::LoadError;
use crate::evidence::{Condition, Detector, Evidence, Findings, ListId, Mark, Stage, ViewedText};
use crate::lexicon::{Lexicon, ListKind, Term, Wordlist};
use crate::normalize::fold_term;
use crate::prompt::{Field, Role, SegmentKind};
use crate::signs::Signs;
use crate::span::{NormSpan, Span};
use crate::text::Normalized;
use crate::words::words_between;

use lazy::{LazyRegex, LazySet};
pub use rule::Rule;
use rule::{Need, TextKind};
use seen::{ListSet, Seen};
use validate::Validator;

/// Rules read from files, not yet tied to a lexicon.
#[derive(Clone, Debug, Default)]
pub struct RuleSource {
    rules: Vec<Source>,
}

#[derive(Clone, Debug)]
struct Source {
    place: String,
    rule: Rule,
    /// Whether a test has compiled its pattern, so that this may wait.
    checked: bool,
}

impl RuleSource {
    /// Adds the rules of a file; `place` names it in errors.
    ///
    /// # Errors
    ///
    /// Text that is no rule file, a rule that contradicts itself, or an id that is there already.
    pub fn add(&mut self, place: &str, text: &str) -> Result<(), LoadError> {
        self.add_rules(place, text, false)
    }

    /// As [`add`](Self::add), for the rules that are compiled in.
    pub(crate) fn add_checked(&mut self, place: &str, text: &str) -> Result<(), LoadError> {
        self.add_rules(place, text, true)
    }

    fn add_rules(&mut self, place: &str, text: &str, checked: bool) -> Result<(), LoadError> {
        for rule in Rule::parse(place, text)? {
            if self.rules.iter().any(|other| other.rule.id == rule.id) {
                return Err(LoadError::new(
                    place,
                    format!("rule id `{}` is there twice, expected unique ids", rule.id),
                ));
            }
            self.rules.push(Source { place: place.to_owned(), rule, checked });
        }
        Ok(())
    }

    /// The rules as written.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|source| &source.rule)
    }

    /// The trigger words of the patterns as word lists, to be compiled into the lexicon with the others.
    #[must_use]
    pub fn triggers(&self) -> Vec<Wordlist> {
        let of_rule = |Source { place, rule, .. }: &Source| Wordlist {
            id: trigger_list(&rule.id),
            kind: ListKind::Context,
            category: None,
            language: None,
            expires: None,
            terms: rule.triggers.iter().map(|word| Term::word(&fold_term(word))).collect(),
            place: place.clone(),
        };
        self.rules.iter().filter(|source| !source.rule.triggers.is_empty()).map(of_rule).collect()
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
    by_sign: Vec<Bundle>,
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

/// Rules that one sign wakes, all of which read the same text: their patterns are tried at once, since most texts with digits
/// hold nothing that they look for.
struct Bundle {
    need: Need,
    text: TextKind,
    rules: Vec<usize>,
    patterns: LazySet,
}

struct Pattern {
    regex: Arc<LazyRegex>,
    text: TextKind,
    validate: Option<Validator>,
    needs: Option<Need>,
    triggered: bool,
}

/// One entry of `all` or `unless`: any of the lists, on one side of the prompt.
struct Group {
    lists: ListSet,
    side: Role,
}

impl Group {
    /// Whether a mark is of these lists on this side.
    fn names(&self, mark: &Mark) -> bool {
        mark.role == self.side && self.lists.holds(mark.list)
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
        for Source { place, rule, checked } in &source.rules {
            for language in languages(rule, lexicon) {
                set.push(compile(place, rule, lexicon, &language, *checked)?, lexicon);
            }
        }
        Ok(set)
    }

    fn push(&mut self, compiled: Compiled, lexicon: &Lexicon) {
        let index = self.rules.len();
        if let Some((pattern, need)) = compiled.pattern.as_ref().and_then(|pattern| Some((pattern, pattern.needs?))) {
            let of_kind = |bundle: &Bundle| (bundle.need, bundle.text) == (need, pattern.text);
            let at = self.by_sign.iter().position(of_kind).unwrap_or(self.by_sign.len());
            if at == self.by_sign.len() {
                self.by_sign.push(Bundle { need, text: pattern.text, rules: Vec::new(), patterns: LazySet::default() });
            }
            if let Some(bundle) = self.by_sign.get_mut(at) {
                bundle.rules.push(index);
                bundle.patterns.push(Arc::clone(&pattern.regex));
            }
        }
        // A combination wakes on its first entry: without a hit there it cannot hold.
        let mut waking: Vec<ListId> = lexicon.list(&trigger_list(&compiled.id)).into_iter().collect();
        if waking.is_empty() {
            waking.extend(compiled.all.first().into_iter().flat_map(|group| group.lists.iter()));
        }
        for list in waking {
            if let Some(woken) = self.wakes.get_mut(usize::from(list.0)) {
                woken.push(index);
            }
        }
        self.rules.push(compiled);
    }

    /// How many rules there are; one over families of lists counts once a language.
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

impl RuleSet {
    /// The rules that the marks and signs of a reading wake, in order, whose every list has a hit.
    fn woken(&self, texts: &[ViewedText<'_>], seen: &Seen) -> impl Iterator<Item = &Compiled> {
        let by_sign = self.by_sign.iter().flat_map(|bundle| bundle.wakes(texts));
        let by_mark = seen.any().filter_map(|list| self.wakes.get(usize::from(list.0))).flatten().copied();
        let has_all = |&index: &usize| self.rules.get(index).is_some_and(|rule| rule.has_all(seen));
        let mut woken: Vec<usize> = by_mark.chain(by_sign).filter(has_all).collect();
        woken.sort_unstable();
        woken.dedup();
        woken.into_iter().filter_map(|index| self.rules.get(index))
    }

    /// The rules that would have found something in a reading, had a mark not silenced them.
    pub(crate) fn silenced(&self, texts: &[ViewedText<'_>], marks: &[Mark]) -> Vec<(Arc<str>, Mark)> {
        let silenced = |rule: &Compiled| {
            let by = marks.iter().find(|mark| rule.unless.iter().any(|group| group.names(mark)))?;
            rule.find(texts, marks).map(|_| (Arc::clone(&rule.id), *by))
        };
        self.woken(texts, &Seen::of(marks, self.wakes.len())).filter_map(silenced).collect()
    }
}

/// Runs the rules that the marks and signs of the reading wake.
impl Detector for RuleSet {
    fn detect(&self, texts: &[ViewedText<'_>], out: &mut Findings) {
        let seen = Seen::of(&out.marks, self.wakes.len());
        for rule in self.woken(texts, &seen).filter(|rule| !rule.is_silenced(&seen)) {
            out.evidence.extend(rule.find(texts, &out.marks));
        }
    }
}

/// The languages a rule is compiled for, each by itself: those in which every entry of `all` has a list. A rule that names no
/// family (`person-*`) is compiled once, for no language.
fn languages(rule: &Rule, lexicon: &Lexicon) -> Vec<String> {
    let families: Vec<Vec<&str>> =
        rule.all.iter().filter(|entry| entry.contains('*')).map(|entry| lists_of(entry)).collect();
    if families.is_empty() {
        return vec![String::new()];
    }
    let is_there = |id: &&str, language: &str| lexicon.list(&id.replace('*', language)).is_some();
    let mut languages = lexicon.languages();
    languages.retain(|language| {
        families.iter().all(|lists| lists.iter().filter(|id| id.contains('*')).any(|id| is_there(id, language)))
    });
    languages
}

/// The list ids that an entry of `all` or `unless` names.
fn lists_of(entry: &str) -> Vec<&str> {
    entry.strip_prefix("negative:").unwrap_or(entry).split('|').map(str::trim).collect()
}

impl Bundle {
    /// The rules whose pattern may occur in a text that shows the sign.
    fn wakes<'a>(&'a self, texts: &'a [ViewedText<'_>]) -> impl Iterator<Item = usize> + 'a {
        let shown = texts.iter().filter(|text| self.need.shows(text.signs) && text.folded.role() == Role::Positive);
        let read = shown.filter_map(|text| self.text.of(text));
        read.flat_map(|text| self.patterns.may_match(text.as_str()))
            .filter_map(|number| self.rules.get(number).copied())
    }
}

impl Need {
    fn shows(self, signs: Signs) -> bool {
        match self {
            Self::Digits => signs.digits,
            Self::AtSign => signs.at_sign,
        }
    }
}

impl TextKind {
    /// The text a pattern of this kind reads; typed text only as written, and only prose.
    fn of<'a>(self, text: &ViewedText<'a>) -> Option<&'a Normalized> {
        match self {
            Self::Folded => Some(text.folded),
            Self::Typed if text.via.is_empty() && text.kind == SegmentKind::Prose => Some(text.typed),
            Self::Typed => None,
        }
    }
}

fn compile(place: &str, rule: &Rule, lexicon: &Lexicon, language: &str, checked: bool) -> Result<Compiled, LoadError> {
    let list = |id: &str| {
        lexicon.list(id).ok_or_else(|| {
            LoadError::new(place, format!("rule `{}`: unknown list `{id}`, expected the id of a word list", rule.id))
        })
    };
    // In `all`, a family is the list of the language at hand, where there is one: words of different languages do not
    // combine. In `unless` it is all of them.
    let lists = |id: &str, one_language: bool| match id.strip_suffix('*') {
        Some(stem) if one_language && lexicon.has_family(stem) => {
            Ok(lexicon.list(&format!("{stem}{language}")).into_iter().collect())
        }
        Some(stem) if lexicon.has_family(stem) => {
            Ok(lexicon.languages().iter().filter_map(|language| lexicon.list(&format!("{stem}{language}"))).collect())
        }
        Some(_) | None => list(id).map(|list| vec![list]),
    };
    let group = |entry: &String, one_language: bool| {
        let side = if entry.starts_with("negative:") { Role::Negative } else { Role::Positive };
        let named = lists_of(entry).into_iter().map(|id| lists(id, one_language));
        Ok(Group { lists: ListSet::of(&named.collect::<Result<Vec<_>, LoadError>>()?.concat()), side })
    };
    let groups = |entries: &[String], one_language: bool| {
        entries.iter().map(|entry| group(entry, one_language)).collect::<Result<Vec<_>, LoadError>>()
    };
    let pattern = match &rule.pattern {
        Some(pattern) => {
            let fail = |error| {
                LoadError::new(place, format!("rule `{}`: `pattern` is no regular expression", rule.id))
                    .caused_by(error)
            };
            let regex =
                if checked { LazyRegex::shipped(pattern) } else { LazyRegex::compiled(pattern).map_err(fail)? };
            let triggered = !rule.triggers.is_empty();
            Some(Pattern {
                regex: Arc::new(regex),
                text: rule.text,
                validate: rule.validate,
                needs: rule.needs,
                triggered,
            })
        }
        None => None,
    };
    Ok(Compiled {
        id: rule.id.as_str().into(),
        category: rule.category,
        severity: rule.severity,
        condition: rule.score.iter().next().map(|(&category, &at_least)| Condition { category, at_least }),
        pattern,
        all: groups(&rule.all, true)?,
        within_words: rule.within_words,
        unless: groups(&rule.unless, false)?,
    })
}

impl Compiled {
    /// Whether every entry of `all` has a hit, wherever.
    fn has_all(&self, seen: &Seen) -> bool {
        self.all.iter().all(|group| seen.holds(&group.lists, group.side))
    }

    fn is_silenced(&self, seen: &Seen) -> bool {
        self.unless.iter().any(|group| seen.names(&group.lists, group.side))
    }

    /// What the rule finds, `unless` aside.
    fn find(&self, texts: &[ViewedText<'_>], marks: &[Mark]) -> Option<Evidence> {
        if !self.all_near(texts, marks) {
            return None;
        }
        let (field, span, via) = if let Some(pattern) = &self.pattern {
            let mut positive = texts.iter().filter(|text| text.folded.role() == Role::Positive);
            positive.find_map(|text| Some((text.typed.field(), pattern.find(text)?, text.via)))?
        } else {
            // The evidence of a combination points to the hit that makes the others a violation: that of the last entry.
            let mark = self.all.last().and_then(|group| marks.iter().find(|mark| group.holds(mark)))?;
            (mark.field, mark.span(texts), texts.get(mark.text).map_or(&[][..], |text| text.via))
        };
        Some(self.evidence(field, span, via))
    }

    /// Whether the hits of `all`, all of which there are, lie near enough to one of the first entry's, if the rule asks for that.
    fn all_near(&self, texts: &[ViewedText<'_>], marks: &[Mark]) -> bool {
        let Some((first, rest)) = self.all.split_first() else { return true };
        let Some(limit) = self.within_words else { return true };
        // Looking only at the nearest hits on either side keeps this linear, but for the sorting.
        let sorted = |group: &Group| {
            let mut found: Vec<&Mark> = marks.iter().filter(|mark| group.holds(mark)).collect();
            found.sort_unstable_by_key(|mark| (mark.text, mark.norm.start));
            found
        };
        let rest: Vec<Vec<&Mark>> = rest.iter().map(sorted).collect();
        marks.iter().filter(|mark| first.holds(mark)).any(|anchor| {
            let near = |mark: &&&Mark| {
                // A word on both lists is not two words.
                let apart = mark.norm.end <= anchor.norm.start || anchor.norm.end <= mark.norm.start;
                mark.text == anchor.text
                    && apart
                    && texts
                        .get(anchor.text)
                        .is_some_and(|text| words_between(text.words, anchor.norm, mark.norm, limit) <= limit)
            };
            rest.iter().all(|found| {
                let after =
                    found.partition_point(|mark| (mark.text, mark.norm.start) < (anchor.text, anchor.norm.start));
                let around = found.get(after.saturating_sub(4)..(after + 4).min(found.len()));
                around.unwrap_or_default().iter().any(|mark| near(&mark))
            })
        })
    }

    fn evidence(&self, field: Field, span: Span, via: &[&'static str]) -> Evidence {
        Evidence {
            category: self.category,
            severity: self.severity,
            stage: Stage::Rules,
            rule: Arc::clone(&self.id),
            field,
            span,
            via: via.to_vec(),
            condition: self.condition,
        }
    }
}

impl Pattern {
    fn find(&self, text: &ViewedText<'_>) -> Option<Span> {
        let awake = self.triggered || self.needs.is_none_or(|need| need.shows(text.signs));
        let read = self.text.of(text).filter(|read| self.regex.may_match(read.as_str()))?;
        let accepted = |found: &regex::Match<'_>| self.validate.is_none_or(|check| check.accepts(found.as_str()));
        let found = awake.then(|| self.regex.get()?.find_iter(read.as_str()).find(accepted)).flatten()?;
        Some(read.typed_span(NormSpan::new(found.start(), found.end())))
    }
}
