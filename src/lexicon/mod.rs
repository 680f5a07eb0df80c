//! All word lists compiled into one automaton, and what it finds in a text.
//!
//! The automaton reports every overlapping hit (leftmost kinds lose some); hits must sit on word boundaries as their term
//! asks, and a hit that lies wholly inside an exception of its category is dropped. The engine is private to
//! [`Lexicon`], so that it can be replaced without its neighbours noticing.

pub(crate) mod builtin;
mod forms;
mod wordlist;

use std::collections::HashMap;
use std::sync::Arc;

use aho_corasick::automaton::{Automaton, OverlappingState};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, Input, MatchKind as AcMatchKind};

use crate::category::{Category, Severity};
use crate::error::LoadError;
use crate::evidence::{Detector, Evidence, Findings, ListId, Mark, Stage, ViewedText};
use crate::prompt::Role;
use crate::span::NormSpan;
use crate::text::{Normalized, View};

pub use wordlist::{ListKind, MatchKind, Term, Wordlist};

/// What a hit of the automaton stands for.
#[derive(Clone, Debug)]
struct Entry {
    list: ListId,
    kind: ListKind,
    category: Option<Category>,
    severity: Severity,
    matching: MatchKind,
    rule: Arc<str>,
}

/// The compiled word lists.
///
/// Building costs about 10 ms for 5,000 patterns; searching is linear in the text and does not depend on the lists'
/// size but for memory caches.
pub struct Lexicon {
    automaton: NFA,
    /// Entries of each pattern: `entries[first[p]..first[p + 1]]`.
    first: Vec<u32>,
    entries: Vec<Entry>,
    lists: Vec<String>,
}

impl Lexicon {
    /// Compiles `lists`.
    ///
    /// # Errors
    ///
    /// Two lists of one id, more lists than 65,535, or more terms than the automaton can hold.
    pub fn build(lists: &[Wordlist]) -> Result<Self, LoadError> {
        let mut patterns: HashMap<String, Vec<Entry>> = HashMap::new();
        let mut ids: Vec<String> = Vec::with_capacity(lists.len());
        for list in lists {
            let id = u16::try_from(ids.len()).map(ListId).map_err(|_| LoadError::new(&list.place, "too many lists"))?;
            if ids.contains(&list.id) {
                return Err(LoadError::new(
                    &list.place,
                    format!("list id `{}` is there twice, expected unique ids", list.id),
                ));
            }
            ids.push(list.id.clone());
            for term in &list.terms {
                let entry = Entry {
                    list: id,
                    kind: list.kind,
                    category: list.category,
                    severity: term.severity,
                    matching: term.matching,
                    rule: format!("{}:{}", list.id, term.text.replace(' ', "-")).into(),
                };
                let texts = match term.matching {
                    MatchKind::Forms => forms::forms(&term.text),
                    _ => vec![term.text.clone()],
                };
                for text in texts {
                    patterns.entry(text).or_default().push(entry.clone());
                }
            }
        }
        // Sorted, so that equal lists give equal evidence order whatever the hash map does.
        let mut patterns: Vec<_> = patterns.into_iter().collect();
        patterns.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let automaton = NFA::builder()
            .match_kind(AcMatchKind::Standard)
            .prefilter(false)
            .build(patterns.iter().map(|(text, _)| text))
            .map_err(|error| LoadError::new("word lists", "too large to compile").caused_by(error))?;
        let (mut first, mut entries) = (vec![0], Vec::new());
        for (_, of_pattern) in patterns {
            entries.extend(of_pattern);
            first.push(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        }
        Ok(Self { automaton, first, entries, lists: ids })
    }

    /// The number of the list called `id`.
    #[must_use]
    pub fn list(&self, id: &str) -> Option<ListId> {
        self.lists.iter().position(|list| list == id).and_then(|index| u16::try_from(index).ok()).map(ListId)
    }

    /// How many lists there are.
    #[must_use]
    pub fn lists(&self) -> usize {
        self.lists.len()
    }

    /// How many texts the automaton looks for, all forms counted.
    #[must_use]
    pub fn patterns(&self) -> usize {
        self.first.len() - 1
    }

    /// Finds every term that sits among the words as it asks and that no exception excuses.
    fn detect_in(&self, text: &Normalized, view: View, out: &mut Findings) {
        let hits = self.search(text.as_str());
        for hit in &hits.found {
            let Some(entry) = self.entries.get(hit.entry) else { continue };
            let spared = |excused: &(NormSpan, Option<Category>)| {
                excused.0.covers(hit.span) && (excused.1.is_none() || excused.1 == entry.category)
            };
            let excused = entry.severity != Severity::Critical && hits.excused.iter().any(spared);
            let span = text.typed_span(hit.span);
            let (field, role) = (text.field(), text.role());
            out.marks.push(Mark { list: entry.list, role, field, span, norm: hit.span, view, excused });
            if let (ListKind::Block, Role::Positive, false, Some(category)) =
                (entry.kind, role, excused, entry.category)
            {
                out.evidence.push(Evidence {
                    category,
                    severity: entry.severity,
                    stage: Stage::Lexicon,
                    rule: Arc::clone(&entry.rule),
                    field,
                    span,
                    via: view.via().into_iter().collect(),
                    condition: None,
                });
            }
        }
    }

    /// Every hit that sits among the words as its term asks, exceptions apart. Allocates only if there is one.
    fn search(&self, text: &str) -> Hits {
        let mut hits = Hits::default();
        let input = Input::new(text).anchored(Anchored::No);
        let mut state = OverlappingState::start();
        while self.automaton.try_find_overlapping(&input, &mut state).is_ok() {
            let Some(found) = state.get_match() else { break };
            let span = NormSpan::new(found.start(), found.end());
            let pattern = found.pattern().as_usize();
            let bounds = (self.first.get(pattern).copied(), self.first.get(pattern + 1).copied());
            let (Some(first), Some(end)) = bounds else { break };
            let (starts, ends) = (starts_word(text, span.start), ends_word(text, span.end));
            for index in first as usize..end as usize {
                let Some(entry) = self.entries.get(index) else { break };
                let sits = match entry.matching {
                    MatchKind::Word | MatchKind::Forms => starts && ends,
                    MatchKind::Prefix => starts,
                    MatchKind::Suffix => ends,
                    MatchKind::Part => true,
                };
                if sits && entry.kind == ListKind::Allow {
                    hits.excused.push((span, entry.category));
                } else if sits {
                    hits.found.push(Hit { entry: index, span });
                }
            }
        }
        hits
    }
}

/// On the positive side of a prompt terms become evidence; on either side every term of every list is a mark.
impl Detector for Lexicon {
    fn detect(&self, texts: &[ViewedText<'_>], out: &mut Findings) {
        for text in texts {
            self.detect_in(text.folded, text.view, out);
        }
    }
}

/// What a search found.
#[derive(Debug, Default)]
struct Hits {
    found: Vec<Hit>,
    excused: Vec<(NormSpan, Option<Category>)>,
}

#[derive(Clone, Copy, Debug)]
struct Hit {
    entry: usize,
    span: NormSpan,
}

fn starts_word(text: &str, at: usize) -> bool {
    match at.checked_sub(1).and_then(|before| text.as_bytes().get(before)) {
        None => true,
        Some(byte) if byte.is_ascii() => !byte.is_ascii_alphanumeric(),
        Some(_) => !text.get(..at).and_then(|before| before.chars().next_back()).is_some_and(char::is_alphanumeric),
    }
}

fn ends_word(text: &str, at: usize) -> bool {
    match text.as_bytes().get(at) {
        None => true,
        Some(byte) if byte.is_ascii() => !byte.is_ascii_alphanumeric(),
        Some(_) => !text.get(at..).and_then(|after| after.chars().next()).is_some_and(char::is_alphanumeric),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::fold_plain;
    use crate::prompt::Field;
    use crate::span::Span;

    fn list(id: &str, kind: &str, terms: &[&str]) -> Wordlist {
        let rows = terms.join("\n");
        let text = format!(
            "# id: {id}\n# kind: {kind}\n# category: gore\n# source: house\n# licence: CC0-1.0\n# reviewed: 2026-11-24\n\
             term,severity,match,note\n{rows}\n"
        );
        Wordlist::parse(id, &text).unwrap()
    }

    fn found(lexicon: &Lexicon, text: &str) -> Vec<(String, Span)> {
        let mut typed = Normalized::new(Field::Prompt, Role::Positive);
        typed.push_copied(text, Span::new(0, text.len()));
        let mut folded = typed.clone();
        fold_plain(&typed, &mut folded);
        let mut out = Findings::default();
        lexicon.detect_in(&folded, View::PLAIN, &mut out);
        out.evidence.into_iter().map(|evidence| (evidence.rule.to_string(), evidence.span)).collect()
    }

    #[test]
    fn words_sit_on_boundaries_and_exceptions_must_cover() {
        let lexicon = Lexicon::build(&[
            list(
                "inv",
                "block",
                &["blarg,medium,part,", "quix,high,forms,", "zorbl,high,word,", "zorbl frap,high,word,"],
            ),
            list("ok", "allow", &["plain zorbl,,word,"]),
        ])
        .unwrap();
        let spans = |text| found(&lexicon, text).into_iter().map(|(_, span)| span).collect::<Vec<_>>();
        assert_eq!(spans("a Zorbl here"), [Span::new(2, 7)]);
        assert_eq!(spans("zorbls and azorbl"), []);
        assert_eq!(spans("two quixes, quixing"), [Span::new(4, 10), Span::new(12, 19)]);
        assert_eq!(spans("unblargly"), [Span::new(2, 7)]);
        assert_eq!(spans("a plain zorbl"), []);
        assert_eq!(spans("a plain zorbl  FRAP"), [Span::new(8, 19)], "the exception does not cover the longer hit");
        assert_eq!(spans("zorbl, plain zorbl"), [Span::new(0, 5)]);
    }

    #[test]
    fn exceptions_do_not_excuse_critical_terms() {
        let lexicon = Lexicon::build(&[
            list("inv", "block", &["zorbl,critical,word,"]),
            list("ok", "allow", &["plain zorbl,,word,"]),
        ])
        .unwrap();
        assert_eq!(found(&lexicon, "plain zorbl").len(), 1);
    }
}
