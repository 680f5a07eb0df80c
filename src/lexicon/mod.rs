//! All word lists compiled into one index, and what it finds in a text.
//!
//! Terms are whole words and phrases, so they are looked up by the hashes of the words of a text, then compared byte by
//! byte: several times faster than an automaton over all terms, and just as exact. Every hit counts, overlapping ones too; one
//! that lies wholly inside an exception of its category is dropped. The engine is private to [`Lexicon`], so that it can be
//! replaced without its neighbors noticing.

pub(crate) mod builtin;
mod forms;
pub mod lint;
mod shelf;
mod wordlist;

use std::collections::HashSet;

use aho_corasick::AhoCorasick;

use crate::category::{Category, Severity};
use crate::error::LoadError;
use crate::evidence::{Detector, Evidence, Findings, ListId, Mark, Stage, ViewedText};
use crate::gate::Gate;
use crate::index::Index;
use crate::normalize::{fold_exact, fold_term};
use crate::prompt::Role;
use crate::span::NormSpan;
use crate::words::{Word, WordHash, find_words, is_boundary};
use shelf::{Shelf, ShelfBuilder};

pub use wordlist::{ListKind, MatchKind, Term, Wordlist};

/// A text to look for, how it sits among words, and what a hit of it stands for. Half a million of them are compiled
/// in, so they are small: texts lie end to end in one string.
#[derive(Clone, Copy, Debug)]
struct Pattern {
    start: u32,
    len: u16,
    /// Behind its text, in as many bytes, stands what the typed text must fold to, accents kept, if the term asks for that.
    exact_len: u16,
    list: ListId,
    /// Bytes before its first word.
    lead: u8,
    /// How many patterns before it the one lies whose text names the term: of a term's forms, the first.
    form: u8,
    open_start: bool,
    open_end: bool,
    severity: Severity,
}

/// A list, as far as its terms mean something through it.
struct List {
    id: String,
    kind: ListKind,
    category: Option<Category>,
}

/// The compiled word lists.
///
/// Building and memory are linear in the patterns; searching is linear in the text and does not depend on the lists' size but
/// for memory caches.
pub struct Lexicon {
    texts: String,
    patterns: Vec<Pattern>,
    /// Patterns by their first words: those of English and of no language, then those of the other languages, so that what most
    /// prompts touch lies close together.
    shelves: [Shelf; 2],
    /// By pattern: the next one that is the same word alone.
    after: Vec<u32>,
    /// `word*` of one word, by its first bytes, and how many bytes that are.
    beginnings: Index,
    beginning_lens: Vec<usize>,
    /// The first three bytes of all of them.
    heads: Gate,
    /// `*word`, `*word and more`, by the last bytes of the first word.
    endings: Index,
    /// `*word*`, in the order of `part_patterns`.
    parts: Option<AhoCorasick>,
    part_patterns: Vec<u32>,
    /// Bytes of the longest pattern.
    longest: usize,
    lists: Vec<List>,
}

/// The tables of a lexicon while it is being built.
#[derive(Default)]
struct Builder {
    texts: String,
    patterns: Vec<Pattern>,
    shelves: [ShelfBuilder; 2],
    beginnings: Vec<(u64, u32)>,
    beginning_lens: HashSet<usize>,
    endings: Vec<(u64, u32)>,
    parts: Vec<u32>,
    /// The words of the term at hand.
    found: Vec<Word>,
}

impl Builder {
    /// Puts a text of `term` where [`Lexicon::search`] will look for it.
    fn insert(&mut self, list: &Wordlist, id: ListId, term: &Term, text: &str, form: u8) -> Result<(), &'static str> {
        const TOO_MANY: &str = "too many terms to number";
        let number = u32::try_from(self.patterns.len()).map_err(|_| TOO_MANY)?;
        find_words(text, &mut self.found);
        let (Some(first), second) = (self.found.first(), self.found.get(1)) else {
            return Err("term has no letter, digit or emoji, expected one");
        };
        let own = first.slice(text);
        let many = self.found.len();
        // What a star goes on from is no word to look up.
        let whole = |index: usize| many > index + 1 || !term.open_end;
        let third = self.found.get(2).filter(|_| whole(2)).map(|word| word.hash);
        let second = second.filter(|_| whole(1));
        let too_short = "star beside too few letters, expected at least three (fewer outside ASCII)";
        if term.open_start && !first.solo {
            let key = ending(own.as_bytes()).ok_or(too_short)?;
            if term.open_end && many == 1 { self.parts.push(number) } else { self.endings.push((key, number)) }
        }
        let [english, others] = &mut self.shelves;
        let place = if is_foreign(list) { others } else { english };
        // A term with a star in front is looked up as a word of its own, too: that word may happen to be known.
        if let Some(second) = second {
            place.insert(first.hash, [Some(second.hash), third], number);
        } else if many == 1 && term.open_end && !first.solo {
            let len = own.len().min(8);
            if len < key_len(own.as_bytes().first().copied().unwrap_or_default()) {
                return Err(too_short);
            }
            self.beginnings.push((beginning(head(own.as_bytes()), len), number));
            self.beginning_lens.insert(len);
        } else {
            place.insert(first.hash, [None, None], number);
        }
        let exact = if term.matching == MatchKind::Exact { term.text.as_str() } else { "" };
        let too_long = "term is longer than 65,535 bytes";
        self.patterns.push(Pattern {
            start: u32::try_from(self.texts.len()).map_err(|_| TOO_MANY)?,
            len: u16::try_from(text.len()).map_err(|_| too_long)?,
            exact_len: u16::try_from(exact.len()).map_err(|_| too_long)?,
            list: id,
            form,
            lead: u8::try_from(first.start).map_err(|_| "term starts with too much punctuation")?,
            open_start: term.open_start,
            open_end: term.open_end,
            severity: term.severity,
        });
        self.texts.push_str(text);
        self.texts.push_str(exact);
        Ok(())
    }
}

impl Lexicon {
    /// Compiles `lists`.
    ///
    /// # Errors
    ///
    /// Two lists of one id, more lists than 65,535, or a term that cannot be looked up: one without a word, or with a star
    /// beside too few letters.
    pub fn build(lists: &[Wordlist]) -> Result<Self, LoadError> {
        let mut builder = Builder::default();
        let mut known: Vec<List> = Vec::with_capacity(lists.len());
        for list in lists {
            u16::try_from(known.len()).map_err(|_| LoadError::new(&list.place, "too many lists"))?;
            if known.iter().any(|other| other.id == list.id) {
                return Err(LoadError::new(
                    &list.place,
                    format!("list id `{}` is there twice, expected unique ids", list.id),
                ));
            }
            known.push(List { id: list.id.clone(), kind: list.kind, category: list.category });
        }
        let numbered = || (0_u16..).map(ListId).zip(lists);
        let by_shelf =
            numbered().filter(|(_, list)| !is_foreign(list)).chain(numbered().filter(|(_, list)| is_foreign(list)));
        for (id, list) in by_shelf {
            for term in &list.terms {
                let inserted = match term.matching {
                    MatchKind::Word => builder.insert(list, id, term, &term.text, 0),
                    MatchKind::Exact => builder.insert(list, id, term, &fold_term(&term.text), 0),
                    MatchKind::Forms => (0..)
                        .zip(forms::forms(&term.text))
                        .try_for_each(|(form, text)| builder.insert(list, id, term, &text, form)),
                };
                inserted.map_err(|fault| LoadError::new(&list.place, fault).at_line(term.line))?;
            }
        }
        let slice = |pattern: &Pattern| {
            builder.texts.get(pattern.start as usize..pattern.start as usize + usize::from(pattern.len))
        };
        let parts: Vec<&str> =
            builder.parts.iter().filter_map(|&part| slice(builder.patterns.get(part as usize)?)).collect();
        let mut heads = Gate::for_entries(builder.beginnings.len());
        for &(_, number) in &builder.beginnings {
            let text = builder.patterns.get(number as usize).and_then(slice).unwrap_or_default();
            heads.insert(beginning(head(text.as_bytes()), SHORTEST_HEAD));
        }
        let mut beginning_lens: Vec<usize> = builder.beginning_lens.into_iter().collect();
        beginning_lens.sort_unstable();
        let too_large = |error| LoadError::new("word lists", "too large to compile").caused_by(error);
        let parts = (!parts.is_empty()).then(|| AhoCorasick::new(&parts)).transpose().map_err(too_large)?;
        let mut after = Shelf::after(builder.patterns.len());
        Ok(Self {
            shelves: builder.shelves.map(|shelf| shelf.build(&mut after)),
            after,
            beginnings: Index::new(&builder.beginnings),
            beginning_lens,
            heads,
            endings: Index::new(&builder.endings),
            parts,
            part_patterns: builder.parts,
            longest: builder.patterns.iter().map(|pattern| usize::from(pattern.len)).max().unwrap_or(0),
            texts: builder.texts,
            patterns: builder.patterns,
            lists: known,
        })
    }

    /// Why `term` cannot be looked up, if so.
    fn fault(list: &Wordlist, term: &Term) -> Option<&'static str> {
        let folded = if term.matching == MatchKind::Exact { fold_term(&term.text) } else { term.text.to_string() };
        Builder::default().insert(list, ListId(0), term, &folded, 0).err()
    }

    fn kind_of(&self, pattern: Pattern) -> ListKind {
        self.lists.get(usize::from(pattern.list.0)).map_or(ListKind::Context, |list| list.kind)
    }

    fn category_of(&self, pattern: Pattern) -> Option<Category> {
        self.lists.get(usize::from(pattern.list.0)).and_then(|list| list.category)
    }

    /// What the typed text must fold to, accents kept, if the pattern asks for that.
    fn exact_of(&self, pattern: Pattern) -> Option<&str> {
        let start = pattern.start as usize + usize::from(pattern.len);
        self.texts.get(start..start + usize::from(pattern.exact_len)).filter(|exact| !exact.is_empty())
    }

    fn text_of(&self, pattern: Pattern) -> &str {
        let start = pattern.start as usize;
        self.texts.get(start..start + usize::from(pattern.len)).unwrap_or_default()
    }

    /// The name of a pattern's term as reasons give it: `gore-en:severed-head`.
    fn name_of(&self, number: u32) -> String {
        let at = |number: u32| self.patterns.get(number as usize).copied();
        let Some(pattern) = at(number) else { return String::new() };
        let list = self.id(pattern.list).unwrap_or_default();
        let exact = self.exact_of(pattern);
        let named_by = number.checked_sub(u32::from(pattern.form)).and_then(at).unwrap_or(pattern);
        let star = |open| if open { "*" } else { "" };
        let term = exact.unwrap_or_else(|| self.text_of(named_by)).replace(' ', "-");
        format!("{list}:{}{term}{}", star(pattern.open_start), star(pattern.open_end))
    }

    /// The number of the list called `id`.
    #[must_use]
    pub fn list(&self, id: &str) -> Option<ListId> {
        self.lists.iter().position(|list| list.id == id).and_then(|index| u16::try_from(index).ok()).map(ListId)
    }

    /// Whether there is a list called `stem` and a language: `person-*` is a family if there is a `person-es`.
    pub(crate) fn has_family(&self, stem: &str) -> bool {
        self.lists.iter().any(|list| list.id.strip_prefix(stem).is_some_and(is_language))
    }

    /// The languages that lists end in, sorted.
    pub(crate) fn languages(&self) -> Vec<String> {
        let endings = self.lists.iter().filter_map(|list| list.id.rsplit_once('-')).map(|(_, ending)| ending);
        let mut languages: Vec<String> = endings.filter(|ending| is_language(ending)).map(str::to_owned).collect();
        languages.sort_unstable();
        languages.dedup();
        languages
    }

    /// The id of a list.
    #[must_use]
    pub fn id(&self, list: ListId) -> Option<&str> {
        self.lists.get(usize::from(list.0)).map(|list| list.id.as_str())
    }

    /// How many lists there are.
    #[must_use]
    pub fn lists(&self) -> usize {
        self.lists.len()
    }

    /// How many texts the lexicon looks for, all forms counted.
    #[must_use]
    pub fn patterns(&self) -> usize {
        self.patterns.len()
    }

    /// Finds every term that sits among the words as it asks and that no exception excuses.
    fn detect_in(&self, index: usize, text: &ViewedText<'_>, out: &mut Findings) {
        let hits = self.search(text);
        for &(number, norm) in &hits.found {
            let Some(&pattern) = self.patterns.get(number as usize) else { continue };
            let Pattern { list, severity, .. } = pattern;
            let (kind, category) = (self.kind_of(pattern), self.category_of(pattern));
            let excused = self.excuse(&hits, pattern, norm).is_some();
            let (field, role) = (text.folded.field(), text.folded.role());
            out.marks.push(Mark { list, role, field, norm, text: index, excused });
            if let (ListKind::Block, Role::Positive, false, Some(category)) = (kind, role, excused, category) {
                out.evidence.push(Evidence {
                    category,
                    severity,
                    stage: Stage::Lexicon,
                    rule: self.name_of(number).into(),
                    field,
                    span: text.folded.typed_span(norm),
                    via: text.via.to_vec(),
                    condition: None,
                });
            }
        }
    }

    /// Every hit in a text with its name and what excuses it, the exceptions themselves included: what
    /// [`detect`](Detector::detect) finds, for people.
    pub(crate) fn explain(&self, text: &ViewedText<'_>) -> Vec<TermHit> {
        let hits = self.search(text);
        let named = |number: u32, norm: NormSpan, pattern: Pattern, excused_by: Option<u32>| TermHit {
            term: self.name_of(number),
            list: pattern.list,
            kind: self.kind_of(pattern),
            category: self.category_of(pattern),
            severity: pattern.severity,
            open_start: pattern.open_start,
            open_end: pattern.open_end,
            exact: self.exact_of(pattern).is_some(),
            norm,
            excused_by: excused_by.map(|exception| self.name_of(exception)),
        };
        let with = |&(number, norm): &(u32, NormSpan)| Some((number, norm, *self.patterns.get(number as usize)?));
        let found = hits
            .found
            .iter()
            .filter_map(with)
            .map(|(number, norm, pattern)| named(number, norm, pattern, self.excuse(&hits, pattern, norm)));
        let excused = hits.excused.iter().filter_map(with);
        found.chain(excused.map(|(number, norm, pattern)| named(number, norm, pattern, None))).collect()
    }

    /// Every hit that sits among the words as its term asks, exceptions apart.
    fn search(&self, text: &ViewedText<'_>) -> Hits {
        let mut hits = Hits { found: Vec::with_capacity(8), ..Hits::default() };
        let folded = text.folded.as_str();
        for (index, word) in text.words.iter().enumerate() {
            let next = [1, 2].map(|ahead| text.words.get(index + ahead).map(|word| word.hash));
            let at = word.start as usize;
            for shelf in &self.shelves {
                shelf.find(word.hash, next, &self.after, |pattern| self.try_at(pattern, text, at, &mut hits));
            }
            let own = word.slice(folded).as_bytes();
            let head = head(own);
            if self.heads.may_hold(beginning(head, SHORTEST_HEAD)) {
                for &len in self.beginning_lens.iter().take_while(|len| **len <= own.len()) {
                    let found = self.beginnings.get(beginning(head, len));
                    found.for_each(|pattern| self.try_at(pattern, text, at, &mut hits));
                }
            }
            // A word of the dictionary is no disguise of a part of it: `therapist`, `constable`.
            if !word.known {
                self.search_inside(word, text, &mut hits);
            }
        }
        hits
    }

    /// Looks for the terms with a star in front at the end of a word and inside it.
    fn search_inside(&self, word: &Word, text: &ViewedText<'_>, hits: &mut Hits) {
        let own = word.slice(text.folded.as_str());
        if let Some(key) = ending(own.as_bytes()) {
            for number in self.endings.get(key) {
                let Some(&pattern) = self.patterns.get(number as usize) else { continue };
                let first = self.text_of(pattern);
                let len = first.find(' ').unwrap_or(first.len());
                // What begins where the word does has been looked up with the other terms.
                if let Some(start) = (word.end as usize).checked_sub(len).filter(|start| *start > word.start as usize) {
                    self.try_at(number, text, start, hits);
                }
            }
        }
        if let Some(parts) = &self.parts {
            for part in parts.find_overlapping_iter(own).filter(|part| part.start() > 0) {
                if let Some(&pattern) = self.part_patterns.get(part.pattern().as_usize()) {
                    self.try_at(pattern, text, word.start as usize + part.start(), hits);
                }
            }
        }
    }

    /// Adds the hit of a pattern whose first word is at `at`, if the text goes on like it.
    fn try_at(&self, number: u32, text: &ViewedText<'_>, at: usize, hits: &mut Hits) {
        let Some(&pattern) = self.patterns.get(number as usize) else { return };
        let folded = text.folded.as_str();
        let Some(start) = at.checked_sub(usize::from(pattern.lead)) else { return };
        let end = start + usize::from(pattern.len);
        let span = NormSpan::new(start, end);
        let as_typed = |exact: &str| {
            text.folded.typed_span(span).slice(text.source).is_some_and(|typed| fold_exact(typed) == exact)
        };
        let sits = folded.as_bytes().get(start..end) == Some(self.text_of(pattern).as_bytes())
            && (pattern.open_start || is_boundary(folded, start))
            && (pattern.open_end || is_boundary(folded, end))
            && self.exact_of(pattern).is_none_or(as_typed);
        if sits && matches!(self.kind_of(pattern), ListKind::Allow | ListKind::Whole) {
            hits.excused.push((number, span));
        } else if sits {
            hits.found.push((number, span));
        }
    }

    /// The exception that excuses a hit of `pattern`: one of its category, holding all of `span`, if it is not critical; or the
    /// longer term that a context term is only a part of. None is longer than `longest` bytes.
    fn excuse(&self, hits: &Hits, pattern: Pattern, span: NormSpan) -> Option<u32> {
        if hits.excused.is_empty() {
            return None;
        }
        // Exceptions are nearly sorted: a word's may start a little before it, at punctuation.
        let after = hits.excused.partition_point(|excused| excused.1.start <= span.start + self.longest);
        let near = hits.excused.get(..after).unwrap_or_default().iter().rev();
        let mut near = near.take_while(|excused| excused.1.start + 2 * self.longest >= span.start);
        let excuses = |(exception, place): &&(u32, NormSpan)| {
            let Some(&by) = self.patterns.get(*exception as usize) else { return false };
            let applies = match self.kind_of(by) {
                ListKind::Whole => self.kind_of(pattern) == ListKind::Context,
                _ => pattern.severity != Severity::Critical,
            };
            let of = self.category_of(by);
            applies && place.covers(span) && (of.is_none() || of == self.category_of(pattern))
        };
        near.find(excuses).map(|&(exception, _)| exception)
    }
}

/// Whether the terms of a list are in a language other than English.
fn is_foreign(list: &Wordlist) -> bool {
    list.language.as_deref().is_some_and(|language| language != "en")
}

/// Whether a list's ending is a language code (ISO 639-1).
fn is_language(ending: &str) -> bool {
    ending.len() == 2 && ending.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// The fewest bytes of a word that a star pattern begins with.
const SHORTEST_HEAD: usize = 3;

/// How many bytes of a word a star pattern is looked up by, from the first byte of the letter at its edge: three letters of
/// ASCII, two of scripts whose letters take two bytes, one of the others.
#[inline]
fn key_len(letter: u8) -> usize {
    match letter {
        0..0x80 | 0xe0..0xf0 => 3,
        _ => 4,
    }
}

/// The first eight bytes of a word as a number, the first byte lowest; what is missing is zero.
#[inline]
fn head(word: &[u8]) -> u64 {
    match word.first_chunk() {
        Some(head) => u64::from_le_bytes(*head),
        None => word.iter().rev().fold(0, |head, &byte| head << 8 | u64::from(byte)),
    }
}

/// The key of the first `len` bytes, one to eight, of what [`head`] gave.
#[inline]
fn beginning(head: u64, len: usize) -> u64 {
    let kept = head & (u64::MAX >> (64 - 8 * len.clamp(1, 8)));
    WordHash(kept.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ len as u64).spread()
}

/// The key of the last bytes of a word.
#[inline]
fn ending(word: &[u8]) -> Option<u64> {
    let letter = word.iter().rev().find(|byte| !matches!(byte, 0x80..0xc0))?;
    word.get(word.len().checked_sub(key_len(*letter))?..).map(key)
}

#[inline]
fn key(bytes: &[u8]) -> u64 {
    bytes.iter().copied().fold(WordHash(0), WordHash::push).spread()
}

/// On the positive side of a prompt terms become evidence; on either side every term of every list is a mark.
impl Detector for Lexicon {
    fn detect(&self, texts: &[ViewedText<'_>], out: &mut Findings) {
        for (index, text) in texts.iter().enumerate() {
            self.detect_in(index, text, out);
        }
    }
}

/// A hit of a term, for people.
pub(crate) struct TermHit {
    pub(crate) term: String,
    pub(crate) list: ListId,
    pub(crate) kind: ListKind,
    pub(crate) category: Option<Category>,
    pub(crate) severity: Severity,
    pub(crate) open_start: bool,
    pub(crate) open_end: bool,
    pub(crate) exact: bool,
    pub(crate) norm: NormSpan,
    pub(crate) excused_by: Option<String>,
}

/// The numbers of the patterns that a search found; both in the order of their first words.
#[derive(Debug, Default)]
struct Hits {
    found: Vec<(u32, NormSpan)>,
    excused: Vec<(u32, NormSpan)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::fold_plain;
    use crate::prompt::{Field, SegmentKind};
    use crate::signs::Signs;
    use crate::span::Span;
    use crate::text::Normalized;

    fn list(id: &str, kind: &str, terms: &[&str]) -> Wordlist {
        let rows = terms.join("\n");
        let text = format!(
            "# id: {id}\n# kind: {kind}\n# category: gore\n# source: house\n# licence: CC0-1.0\n# reviewed: 2026-11-24\n\
             term,severity,match,note\n{rows}\n"
        );
        Wordlist::parse(id, &text).unwrap()
    }

    fn found(lexicon: &Lexicon, text: &str) -> Vec<(String, Span)> {
        let evidence = findings(lexicon, text).evidence;
        evidence.into_iter().map(|evidence| (evidence.rule.to_string(), evidence.span)).collect()
    }

    fn marks(lexicon: &Lexicon, text: &str) -> Vec<Mark> {
        let mut marks = findings(lexicon, text).marks;
        marks.sort_by_key(|mark| mark.list.0);
        marks
    }

    fn findings(lexicon: &Lexicon, text: &str) -> Findings {
        let mut typed = Normalized::new(Field::Prompt, Role::Positive);
        typed.push_copied(text, Span::new(0, text.len()));
        let mut folded = typed.clone();
        fold_plain(&typed, &mut folded);
        let mut words = Vec::new();
        find_words(folded.as_str(), &mut words);
        let mut out = Findings::default();
        let viewed = ViewedText {
            source: text,
            typed: &typed,
            folded: &folded,
            words: &words,
            via: &[],
            signs: Signs::default(),
            kind: SegmentKind::Prose,
        };
        lexicon.detect(&[viewed], &mut out);
        out
    }

    #[test]
    fn words_sit_on_boundaries_and_exceptions_must_cover() {
        let lexicon = Lexicon::build(&[
            list(
                "inv",
                "block",
                &["*blarg*,medium,word,", "quix,high,forms,", "zorbl,high,word,", "zorbl frap,high,word,"],
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

    #[test]
    fn a_part_of_a_whole_takes_no_part_in_rules_and_still_blocks() {
        let lexicon = Lexicon::build(&[
            list("inv", "block", &["zorbl,critical,word,"]),
            list("part", "context", &["zorbl,,word,"]),
            list("longer", "whole", &["plain zorbl,,word,"]),
        ])
        .unwrap();
        assert_eq!(found(&lexicon, "plain zorbl").len(), 1);
        let excused = |text| marks(&lexicon, text).into_iter().map(|mark| mark.excused).collect::<Vec<_>>();
        // The blocking term, then the context term.
        assert_eq!(excused("plain zorbl"), [false, true]);
        assert_eq!(excused("zorbl"), [false, false]);
    }

    #[test]
    fn stars_open_the_ends_of_words() {
        let lexicon = Lexicon::build(&[list(
            "inv",
            "block",
            &[
                "*frop,medium,word,",
                "*mux rill,medium,word,",
                "zorb dri*,medium,word,",
                "zorb*,medium,word,",
                "обнаж*,medium,word,",
            ],
        )])
        .unwrap();
        let rules = |text| found(&lexicon, text).into_iter().map(|(rule, _)| rule).collect::<Vec<_>>();
        assert_eq!(rules("zorbing azorb"), ["inv:zorb*"]);
        assert_eq!(rules("a zorb drill"), ["inv:zorb-dri*", "inv:zorb*"]);
        assert_eq!(rules("unfrop fropping"), ["inv:*frop"]);
        assert_eq!(rules("camux rill"), ["inv:*mux-rill"]);
        assert_eq!(rules("полностью обнажённая"), ["inv:обнаж*"]);
        assert!(Lexicon::build(&[list("short", "block", &["zo*,low,word,"])]).is_err());
    }

    #[test]
    fn scripts_without_spaces_and_exact_accents() {
        let terms = ["dâm,medium,exact,", "ヌード,medium,word,", "裸体,medium,word,"];
        let lexicon = Lexicon::build(&[list("inv", "block", &terms)]).unwrap();
        let spans = |text| found(&lexicon, text).into_iter().map(|(_, span)| span).collect::<Vec<_>>();
        assert_eq!(spans("美裸体画"), [Span::new(3, 9)]);
        assert_eq!(spans("ヌード写真").len(), 1);
        assert_eq!(spans("カヌード").len(), 0, "inside a katakana word");
        assert_eq!(spans("dam đam dâm da\u{302}m").len(), 2);
    }
}
