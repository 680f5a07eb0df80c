//! Words that nobody knows, read as the word of a list that they are one disguise away from.
//!
//! The gate is the vocabulary: a word of English, a name common in prompts or a word of any list is never repaired. What
//! cannot be told from a misspelled harmless word (typos, dropped vowels) is repaired only inside a text whose other words are
//! mostly known, since every word of another language is unknown here.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use crate::gate::Gate;
use crate::index::Index;
use crate::lexicon::{ListKind, Wordlist};
use crate::signs::Signs;
use crate::span::NormSpan;
use crate::text::Normalized;
use crate::vocabulary;
use crate::words::{AsIs, Word, WordHash, is_alphanumeric, power};

/// A table by word hashes, which need no hashing again.
type ByHash<T> = HashMap<WordHash, T, BuildHasherDefault<AsIs>>;

/// The longest word that is repaired, in bytes.
const LONGEST: usize = 24;
/// The most masked words of a text that are compared with the lists: each costs a look at all words of its length.
const MOST_MASKED: usize = 64;
/// The most letters masked in front of the first one shown.
const MASKED_IN_FRONT: usize = 2;
/// The most pieces a word may be cut into.
const MOST_PIECES: usize = 4;
/// The most words that may be written together.
const MOST_GLUED: usize = 6;

/// A way to hide a word, as reasons list it in `via`. Later ones are tried only if the earlier ones fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `n*ked`.
    Masked,
    /// `nnaakkeedd`.
    Repeats,
    /// `dekan`.
    Reversed,
    /// `anxrq`.
    Rot13,
    /// `na ked`.
    Split,
    /// `nakd`, `nkaed`, `nakked`.
    Typo,
    /// `nakedwoman`.
    Glued,
    /// `nkd`.
    Vowels,
}

impl Kind {
    fn id(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Repeats => "repeats",
            Self::Reversed => "reversed",
            Self::Rot13 => "rot13",
            Self::Split => "split",
            Self::Glued => "glued",
            Self::Typo => "typo",
            Self::Vowels => "vowels",
        }
    }
}

/// One stretch of a text and what it is read as.
struct Repair {
    span: NormSpan,
    with: String,
    kind: Kind,
}

/// A text whose words are being repaired.
#[derive(Clone, Copy)]
struct Passage<'a> {
    text: &'a Normalized,
    /// What was typed.
    source: &'a str,
    words: &'a [Word],
    /// Whether signs may stand inside words.
    parted: bool,
    /// Whether most words are known: where they are not, the text is in another language, and English a bad guess.
    english: bool,
}

impl Passage<'_> {
    /// Whether there is a sign or a line end right between every two of `parts`, as in no two words.
    fn is_tight(&self, parts: &[Word]) -> bool {
        let gaps = parts.windows(2).filter_map(|pair| Some((pair.first()?.end as usize, pair.last()?.start as usize)));
        gaps.map(|(end, start)| self.text.typed_span(NormSpan::new(end, start)).slice(self.source))
            .all(|gap| gap.is_some_and(|gap| !gap.contains(' ')))
    }
}

/// What the words of the lists look like under each disguise.
pub(crate) struct Repairs {
    /// The words of the lists, each once.
    words: Vec<Target>,
    by_hash: Index,
    /// The English ones that block.
    blocking: Gate,
    /// By the hash of a word less one letter.
    less_one: Index,
    /// By the hash of its consonants.
    consonants: Index,
    /// By the hash of a word with every run of a letter shortened to one.
    shortened: Index,
    /// By the number of characters and one of the first of them with its place.
    masked: HashMap<(usize, usize, char), Vec<u32>>,
    /// Every word of every list, whatever its script.
    listed: HashSet<WordHash, BuildHasherDefault<AsIs>>,
}

struct Target {
    text: String,
    /// Whether a blocking term holds it; words of context lists need company anyway.
    blocking: bool,
    /// Whether it is English, so that a word close to it is rather a misspelling of it than a foreign word.
    english: bool,
}

impl Target {
    /// Whether a match of the whole word is no accident: words of other languages are unknown here, and many short ones read
    /// like another word from back to front, or put together.
    fn is_telling(&self) -> bool {
        self.english || self.text.chars().count() >= 7
    }
}

/// What the words of the lists look like under each disguise: hashes with the numbers of words.
#[derive(Default)]
struct Disguised {
    not: Vec<(u64, u32)>,
    less_one: Vec<(u64, u32)>,
    consonants: Vec<(u64, u32)>,
    shortened: Vec<(u64, u32)>,
    masked: HashMap<(usize, usize, char), Vec<u32>>,
}

impl Disguised {
    fn insert(&mut self, number: u32, target: &Target) {
        let text = target.text.as_str();
        let letters = text.chars().count();
        self.not.push((WordHash::of(text).spread(), number));
        if target.blocking {
            for (place, letter) in text.chars().enumerate().take(MASKED_IN_FRONT + 1) {
                self.masked.entry((letters, place, letter)).or_default().push(number);
            }
        }
        if letters >= 4 {
            self.shortened.push((WordHash::of(&shorten(text)).spread(), number));
        }
        if target.english && text.bytes().all(|byte| byte.is_ascii_lowercase()) {
            if letters >= 4 {
                // Less either of two equal letters it is the same.
                let again = text.as_bytes().windows(2).map(|pair| pair.first() == pair.last());
                let less = less_one(text.as_bytes()).zip(std::iter::once(false).chain(again));
                self.less_one.extend(less.filter(|(_, again)| !again).map(|(hash, _)| (hash.spread(), number)));
            }
            let consonants = consonants(text);
            if target.blocking && consonants.len() >= 3 && consonants.len() < text.len() {
                self.consonants.push((WordHash::of(&consonants).spread(), number));
            }
        }
    }
}

impl Repairs {
    /// Gathers the words of `lists`.
    pub(crate) fn new(lists: &[Wordlist]) -> Self {
        let mut found: ByHash<Target> = HashMap::default();
        let mut listed = HashSet::default();
        for list in lists {
            let english = list.language.as_deref() == Some("en");
            for term in &list.terms {
                for word in
                    term.text.split(|character: char| !is_alphanumeric(character)).filter(|word| !word.is_empty())
                {
                    let hash = WordHash::of(word);
                    listed.insert(hash);
                    let word_is_open = (term.open_start || term.open_end) && !term.text.contains(' ');
                    // Words of context need company anyway: those of other languages are no targets.
                    let targets = list.kind == ListKind::Block || list.kind == ListKind::Context && english;
                    if targets && !word_is_open && word.len() <= LONGEST && word.chars().nth(2).is_some() {
                        let target = found.entry(hash).or_insert_with(|| Target {
                            text: word.to_owned(),
                            blocking: false,
                            english: false,
                        });
                        target.blocking |= list.kind == ListKind::Block;
                        target.english |= english;
                    }
                }
            }
        }
        let mut words: Vec<Target> = found.into_values().collect();
        words.sort_by(|one, other| {
            (other.blocking, other.english).cmp(&(one.blocking, one.english)).then_with(|| one.text.cmp(&other.text))
        });
        let mut disguised = Disguised::default();
        let mut blocking = Gate::for_entries(words.iter().filter(|target| target.blocking && target.english).count());
        for (number, target) in (0_u32..).zip(&words) {
            disguised.insert(number, target);
            if target.blocking && target.english {
                blocking.insert(WordHash::of(&target.text).spread());
            }
        }
        Self {
            words,
            by_hash: Index::new(&disguised.not),
            blocking,
            less_one: Index::new(&disguised.less_one),
            consonants: Index::new(&disguised.consonants),
            shortened: Index::new(&disguised.shortened),
            masked: disguised.masked,
            listed,
        }
    }

    fn target(&self, number: u32) -> Option<&Target> {
        self.words.get(number as usize)
    }

    /// The words under a hash, and a few others.
    fn under<'a>(&'a self, index: &'a Index, hash: WordHash) -> impl Iterator<Item = &'a Target> {
        index.get(hash.spread()).filter_map(|number| self.target(number))
    }

    fn by_hash(&self, hash: WordHash) -> Option<&Target> {
        self.under(&self.by_hash, hash).find(|target| WordHash::of(&target.text) == hash)
    }

    /// Writes `text` with its disguised words repaired to `out`. Says which disguises there were; with none, `out` is left as it
    /// was.
    ///
    /// Words that are known cost a look at their flag; unknown ones some dozen look-ups, most of which end at a bitmap.
    pub(crate) fn repair(
        &self,
        text: &Normalized,
        source: &str,
        words: &[Word],
        signs: Signs,
        out: &mut Normalized,
    ) -> Vec<&'static str> {
        let folded = text.as_str();
        let mut repairs = Vec::new();
        if signs.masked || signs.exotic {
            self.unmask(folded, &mut repairs);
        }
        let parted = signs.parted || signs.exotic;
        if parted || words.iter().any(|word| !word.known) {
            // Words of lists do not count: those of other languages hold most of what is common there.
            let known = words.iter().filter(|word| word.known).count();
            let english = known * 2 >= words.len() || words.len() <= 2;
            self.read_words(Passage { text, source, words, parted, english }, &mut repairs);
        }
        if repairs.is_empty() {
            return Vec::new();
        }
        repairs.sort_by_key(|repair| repair.span.start);
        let mut rewriter = text.rewrite_into(out);
        let mut copied = 0;
        let mut via: Vec<&'static str> = Vec::new();
        for repair in repairs {
            if repair.span.start < copied {
                continue;
            }
            rewriter.copy(copied, repair.span.start);
            if repair.span.start == repair.span.end {
                rewriter.insert(repair.span.start, &repair.with);
            } else {
                rewriter.replace(repair.span.start, repair.span.end, &repair.with);
            }
            copied = repair.span.end;
            if !via.contains(&repair.kind.id()) {
                via.push(repair.kind.id());
            }
        }
        rewriter.copy(copied, folded.len());
        via
    }

    /// Whether a word is in no list and no dictionary.
    fn is_unknown(&self, word: &Word) -> bool {
        !word.known && !self.listed.contains(&word.hash)
    }

    fn read_words(&self, passage: Passage<'_>, repairs: &mut Vec<Repair>) {
        let Passage { text, words, english, .. } = passage;
        let folded = text.as_str();
        let mut index = 0;
        while let Some(word) = words.get(index) {
            if let Some((pieces, repair)) = self.split(passage, index) {
                repairs.push(repair);
                index += pieces;
                continue;
            }
            index += 1;
            if !self.is_unknown(word) {
                continue;
            }
            let own = word.slice(folded);
            let found = self.read_word(own, word.hash, english);
            if let Some((Kind::Glued, with)) = found {
                // Only the spaces are new, so that a finding points at its own part of the word.
                let cuts = with.match_indices(' ').enumerate().map(|(before, (at, _))| word.span().start + at - before);
                repairs.extend(cuts.map(|at| Repair {
                    span: NormSpan::new(at, at),
                    with: " ".to_owned(),
                    kind: Kind::Glued,
                }));
            } else if let Some((kind, with)) = found {
                repairs.push(Repair { span: word.span(), with, kind });
            }
        }
        // A text in rot13 or from back to front: once a word of the lists shows it, the other words follow.
        let shown = |kind| repairs.iter().any(|repair| repair.kind == kind);
        let (reversed, rot13) = (shown(Kind::Reversed), shown(Kind::Rot13));
        if reversed || rot13 {
            let read: HashSet<usize> = repairs.iter().map(|repair| repair.span.start).collect();
            let others = words.iter().filter(|word| self.is_unknown(word) && !read.contains(&(word.start as usize)));
            let guesses: Vec<Repair> = others
                .filter_map(|word| {
                    let (kind, with) = self.guess(word.slice(folded))?;
                    Some(Repair { span: word.span(), with, kind })
                })
                .filter(|guess| if guess.kind == Kind::Reversed { reversed } else { rot13 })
                .collect();
            repairs.extend(guesses);
        }
        if repairs.iter().any(|repair| repair.kind == Kind::Reversed) {
            self.turn_rows(folded, words, repairs);
        }
    }

    /// Words in a row that read backwards: a text turned around letter by letter has its words in turned order too (`daeh
    /// dereves`), one turned around word by word has not. The row is read both ways.
    fn turn_rows(&self, folded: &str, words: &[Word], repairs: &mut Vec<Repair>) {
        let turned: HashMap<usize, String> = repairs
            .extract_if(.., |repair| repair.kind == Kind::Reversed)
            .map(|repair| (repair.span.start, repair.with))
            .collect();
        // Short words read either way (`on`, `was`), or look like words that nobody knows.
        let either_way = |word: &Word| {
            let own = word.slice(folded);
            let backwards: String = own.chars().rev().collect();
            let hash = WordHash::of(&backwards);
            (own.len() <= 3 && (vocabulary::holds(hash) || self.listed.contains(&hash))).then_some(backwards)
        };
        let mut row: Vec<(NormSpan, String)> = Vec::new();
        let mut holds_turned = false;
        for word in words {
            let known = turned.get(&(word.start as usize)).cloned();
            holds_turned |= known.is_some();
            match known.or_else(|| either_way(word)) {
                Some(read) => row.push((word.span(), read)),
                None => push_row(std::mem::take(&mut row), std::mem::take(&mut holds_turned), repairs),
            }
        }
        push_row(row, holds_turned, repairs);
    }

    /// What an unknown word hides.
    fn read_word(&self, word: &str, hash: WordHash, english: bool) -> Option<(Kind, String)> {
        let letters = word.chars().count();
        if !(3..=LONGEST).contains(&letters) {
            return None;
        }
        let named = |kind, target: &Target| (kind, target.text.clone());
        if letters >= 4
            && let Some(target) = self
                .by_hash(reversed_hash(word))
                .filter(|target| target.text.chars().rev().eq(word.chars()) && target.is_telling())
        {
            return Some(named(Kind::Reversed, target));
        }
        if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return None;
        }
        if letters >= 4 {
            let turned = word.bytes().map(turn).fold(WordHash(0), WordHash::push);
            if let Some(target) = self
                .by_hash(turned)
                .filter(|target| target.text.bytes().eq(word.bytes().map(turn)) && target.is_telling())
            {
                return Some(named(Kind::Rot13, target));
            }
            if let Some(target) = self.shortened(word) {
                return Some(named(Kind::Repeats, target));
            }
        }
        if !english {
            return None;
        }
        if let Some(target) = self.misspelled(word, hash) {
            return Some(named(Kind::Typo, target));
        }
        if letters >= 7
            && let Some(parts) = self.unglue(word)
        {
            return Some((Kind::Glued, parts));
        }
        self.without_vowels(word).map(|target| named(Kind::Vowels, target))
    }

    /// A word whose letters are doubled: each run at least as long as in the word it hides.
    fn shortened(&self, word: &str) -> Option<&Target> {
        if word.as_bytes().windows(2).all(|pair| pair.first() != pair.last()) {
            return None;
        }
        self.under(&self.shortened, WordHash::of(&shorten(word)))
            .find(|target| target.is_telling() && stretches(word, &target.text))
    }

    /// A word one edit away: a letter missing, added, changed, or swapped with its neighbor.
    fn misspelled(&self, word: &str, hash: WordHash) -> Option<&Target> {
        if word.len() < 4 {
            return None;
        }
        let edit = |target: &Target| {
            let least = |edit: &Edit| if matches!(edit, Edit::Swap | Edit::Doubled) { 4 } else { 5 };
            one_edit(word, &target.text).filter(|edit| target.text.len() >= least(edit))
        };
        let longer = |hash: WordHash| self.under(&self.less_one, hash);
        let added = less_one(word.as_bytes()).filter_map(|less| self.by_hash(less));
        let changed = less_one(word.as_bytes()).flat_map(longer);
        let candidates = longer(hash).chain(added).chain(changed).filter(|target| target.english);
        // What fingers do by themselves is the likelier reading: `haed` is head, not hated.
        candidates
            .filter_map(|target| Some((edit(target)?, target)))
            .min_by_key(|(edit, _)| *edit)
            .map(|(_, target)| target)
    }

    /// A word that lost its vowels: all of them behind its first letter, or at least two of a longer word.
    fn without_vowels(&self, word: &str) -> Option<&Target> {
        let left = word.bytes().filter(|letter| !is_vowel(*letter)).count();
        // A vowel in front is often kept.
        let all_lost = word.bytes().skip(1).all(|letter| !is_vowel(letter));
        if left < 3 || left < 4 && !all_lost {
            return None;
        }
        let hash = word.bytes().filter(|letter| !is_vowel(*letter)).fold(WordHash(0), WordHash::push);
        let lost = |target: &&Target| {
            let least = word.len() + if all_lost { 1 } else { 2 };
            (least..=2 * word.len()).contains(&target.text.len())
                && is_subsequence(word, &target.text)
                && target.text.bytes().next() == word.bytes().next()
        };
        self.under(&self.consonants, hash).find(lost)
    }

    /// Two to four words in a row that make up one word of a blocking term, at least one of them unknown or all of them stuck
    /// together by signs.
    fn split(&self, passage: Passage<'_>, index: usize) -> Option<(usize, Repair)> {
        let Passage { text, words, parted, english, .. } = passage;
        let folded = text.as_str();
        let first = words.get(index).filter(|word| !word.solo)?;
        let (mut joined, mut length, mut last, mut unknown) =
            (first.hash, first.end - first.start, first, !first.known);
        for pieces in 2..=MOST_PIECES {
            let next = words.get(index + pieces - 1).filter(|word| !word.solo)?;
            length += next.end - next.start;
            if next.start - last.end > 3 || length as usize > LONGEST {
                return None;
            }
            joined = joined.join(next.hash, (next.end - next.start) as usize);
            last = next;
            unknown |= !next.known;
            if !unknown && !parted {
                continue;
            }
            let Some(target) = self.by_hash(joined).filter(|target| target.blocking && target.is_telling()) else {
                continue;
            };
            let parts = words.get(index..index + pieces).unwrap_or_default();
            let shortest = if unknown { 4 } else { 6 };
            // Two words of another language may make up an English one (`hẹn tại`), but not with a sign between.
            let chance = !unknown || target.english && !english;
            if target.text.chars().count() < shortest || chance && !passage.is_tight(parts) {
                continue;
            }
            let read: String = parts.iter().map(|word| word.slice(folded)).collect();
            // Two words of lists in a row are two words.
            if read == target.text && !parts.iter().all(|word| self.listed.contains(&word.hash) && word.known) {
                let span = NormSpan::new(first.start as usize, last.end as usize);
                return Some((pieces, Repair { span, with: read, kind: Kind::Split }));
            }
        }
        None
    }

    /// A word written together of known words, one of them of a blocking term: the words with spaces between.
    fn unglue(&self, word: &str) -> Option<String> {
        let bytes = word.as_bytes();
        let length = bytes.len();
        // Hashes of what begins at 0, and by subtraction of everything in between.
        let mut heads = [WordHash(0); LONGEST + 1];
        let mut head = WordHash(0);
        for (slot, &byte) in heads.iter_mut().skip(1).zip(bytes) {
            head = head.push(byte);
            *slot = head;
        }
        let hash = |from: usize, to: usize| {
            let (head, all) =
                (heads.get(from).copied().unwrap_or_default(), heads.get(to).copied().unwrap_or_default());
            WordHash(all.0.wrapping_sub(head.0.wrapping_mul(power(to - from))))
        };
        let blocking = |from: usize, to: usize| {
            let hash = hash(from, to);
            to - from >= 4
                && self.blocking.may_hold(hash.spread())
                && self.by_hash(hash).is_some_and(|target| target.blocking && target.english)
        };
        if !(0..length).any(|from| (from + 4..=length).any(|to| blocking(from, to))) {
            return None;
        }
        // The fewest pieces win: `rapeseedoil` is rapeseed and oil.
        let known = |from: usize, to: usize| {
            let piece = hash(from, to);
            to - from >= 3 && (vocabulary::holds(piece) || self.listed.contains(&piece))
                || matches!(
                    bytes.get(from..to),
                    Some(b"a" | b"an" | b"of" | b"in" | b"on" | b"my" | b"at" | b"to" | b"is" | b"up")
                )
        };
        let mut best = [None::<(usize, usize)>; LONGEST + 1];
        if let Some(start) = best.first_mut() {
            *start = Some((0, 0));
        }
        for to in 1..=length {
            let options = (0..to).filter_map(|from| {
                let (pieces, _) = best.get(from).copied().flatten()?;
                known(from, to).then_some((pieces + 1, from))
            });
            let fewest = options.min();
            if let Some(slot) = best.get_mut(to) {
                *slot = fewest;
            }
        }
        let (pieces, _) = best.get(length).copied().flatten()?;
        if !(2..=MOST_GLUED).contains(&pieces) {
            return None;
        }
        let (mut cuts, mut to) = (Vec::new(), length);
        while to > 0 {
            let (_, from) = best.get(to).copied().flatten()?;
            cuts.push((from, to));
            to = from;
        }
        cuts.reverse();
        let parts: Vec<&str> = cuts.iter().filter_map(|&(from, to)| word.get(from..to)).collect();
        cuts.iter().any(|&(from, to)| blocking(from, to)).then(|| parts.join(" "))
    }

    /// What an unknown word would be in rot13 or from back to front, if that is a known word.
    fn guess(&self, word: &str) -> Option<(Kind, String)> {
        if !(2..=LONGEST).contains(&word.len()) || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return None;
        }
        let backwards: String = word.chars().rev().collect();
        let options = [(Kind::Reversed, backwards), (Kind::Rot13, rot13(word))];
        options.into_iter().find(|(_, read)| {
            let hash = WordHash::of(read);
            vocabulary::holds(hash) || self.listed.contains(&hash)
        })
    }

    /// Finds words with signs in the place of letters, and the word of a blocking term that fits.
    fn unmask(&self, folded: &str, repairs: &mut Vec<Repair>) {
        let belongs = |character: char| character.is_alphanumeric() || is_mask(character);
        let tokens = folded.split(|character: char| !belongs(character)).filter(|token| {
            token.contains(is_mask) && token.chars().filter(|letter| letter.is_alphabetic()).nth(1).is_some()
        });
        for token in tokens.filter(|token| token.len() <= 2 * LONGEST).take(MOST_MASKED) {
            let start = token.as_ptr() as usize - folded.as_ptr() as usize;
            // Masks at the ends may be punctuation or markup: `*naked*`, `nude?`.
            for own in [token, token.trim_matches(is_mask)] {
                let letters: Vec<char> = own.chars().collect();
                let shown = letters.iter().filter(|letter| !is_mask(**letter)).count();
                if shown == letters.len() || shown * 2 < letters.len() || shown < 2 || letters.len() < 3 {
                    continue;
                }
                let Some((place, first)) = letters.iter().copied().enumerate().find(|(_, letter)| !is_mask(*letter))
                else {
                    continue;
                };
                let candidates = self.masked.get(&(letters.len(), place, first)).into_iter().flatten();
                let fits = |target: &&Target| {
                    target.text.chars().zip(&letters).all(|(hidden, shown)| hidden == *shown || is_mask(*shown))
                };
                if let Some(target) = candidates.filter_map(|&number| self.target(number)).find(fits) {
                    let offset = own.as_ptr() as usize - token.as_ptr() as usize;
                    let span = NormSpan::new(start + offset, start + offset + own.len());
                    repairs.push(Repair { span, with: target.text.clone(), kind: Kind::Masked });
                    break;
                }
            }
        }
    }
}

/// Adds a row of turned words as one repair.
fn push_row(mut row: Vec<(NormSpan, String)>, holds_turned: bool, repairs: &mut Vec<Repair>) {
    // A lone letter at an end is an article of the text around.
    let is_letter = |end: Option<&(NormSpan, String)>| end.is_some_and(|(_, read)| read.len() == 1);
    while is_letter(row.last()) {
        row.pop();
    }
    let articles = row.iter().take_while(|one| is_letter(Some(one))).count();
    row.drain(..articles);
    let (Some((first, _)), Some((last, _)), true) = (row.first(), row.last(), holds_turned) else { return };
    let span = NormSpan::new(first.start, last.end);
    let mut read: Vec<String> = row.into_iter().map(|(_, read)| read).collect();
    let in_order = read.join(" ");
    read.reverse();
    let with = if read.len() > 1 { format!("{} ; {in_order}", read.join(" ")) } else { in_order };
    repairs.push(Repair { span, with, kind: Kind::Reversed });
}

/// Signs that stand in for a letter.
fn is_mask(character: char) -> bool {
    matches!(
        character,
        '*' | '#'
            | '@'
            | '%'
            | '&'
            | '$'
            | '^'
            | '~'
            | '+'
            | '='
            | '?'
            | '•'
            | '·'
            | '■'
            | '█'
            | '▮'
            | '▪'
            | '●'
            | '○'
            | '×'
            | '★'
            | '☆'
            | '♥'
            | '❤'
    )
}

/// A letter in rot13.
fn turn(byte: u8) -> u8 {
    if byte.is_ascii_lowercase() { (byte - b'a' + 13) % 26 + b'a' } else { byte }
}

fn rot13(word: &str) -> String {
    word.bytes().map(|byte| char::from(turn(byte))).collect()
}

/// The hash of a word from back to front.
fn reversed_hash(word: &str) -> WordHash {
    if word.is_ascii() {
        return word.bytes().rev().fold(WordHash(0), WordHash::push);
    }
    let mut bytes = [0; 4];
    word.chars()
        .rev()
        .fold(WordHash(0), |hash, character| character.encode_utf8(&mut bytes).bytes().fold(hash, WordHash::push))
}

/// Every run of a letter shortened to one.
fn shorten(word: &str) -> String {
    let mut short = String::with_capacity(word.len());
    for character in word.chars() {
        if !short.ends_with(character) {
            short.push(character);
        }
    }
    short
}

/// Whether `long` is `word` with some runs of letters made longer.
fn stretches(long: &str, word: &str) -> bool {
    let (mut long, mut word) = (long.chars().peekable(), word.chars().peekable());
    while let Some(letter) = word.next() {
        let mut wanted = 1;
        while word.next_if_eq(&letter).is_some() {
            wanted += 1;
        }
        let mut there = 0;
        while long.next_if_eq(&letter).is_some() {
            there += 1;
        }
        if there < wanted {
            return false;
        }
    }
    long.next().is_none()
}

fn consonants(word: &str) -> String {
    word.bytes().filter(|letter| !is_vowel(*letter)).map(char::from).collect()
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u')
}

fn is_subsequence(short: &str, long: &str) -> bool {
    let mut letters = long.chars();
    short.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

/// The hashes of a word less each of its letters, in constant time each.
fn less_one(word: &[u8]) -> impl Iterator<Item = WordHash> + '_ {
    let all = word.iter().copied().fold(WordHash(0), WordHash::push);
    let mut head = WordHash(0);
    word.iter().enumerate().map(move |(index, &byte)| {
        let weight = power(word.len() - index - 1);
        let with = head.push(byte);
        let tail = all.0.wrapping_sub(with.0.wrapping_mul(weight));
        let less = WordHash(head.0.wrapping_mul(weight).wrapping_add(tail));
        head = with;
        less
    })
}

/// How two words differ by one edit, the likelier ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Edit {
    Swap,
    /// A letter typed twice, or once where the word has it twice.
    Doubled,
    Missing,
    Added,
    Changed,
}

/// The one edit that makes `typed` of `word`; their first letters agree, or are swapped.
fn one_edit(typed: &str, word: &str) -> Option<Edit> {
    let (typed, word) = (typed.as_bytes(), word.as_bytes());
    let same = typed.iter().zip(word).take_while(|(one, other)| one == other).count();
    let (typed_rest, word_rest) = (typed.get(same..)?, word.get(same..)?);
    let doubled = |rest: &[u8], whole: &[u8]| {
        let letter = rest.first();
        same > 0 && whole.get(same - 1) == letter
    };
    match typed.len().cmp(&word.len()) {
        std::cmp::Ordering::Equal => match (typed_rest, word_rest) {
            ([a, b, rest @ ..], [c, d, more @ ..]) if a == d && b == c && rest == more => Some(Edit::Swap),
            ([_, rest @ ..], [_, more @ ..]) if rest == more && same > 0 => Some(Edit::Changed),
            _ => None,
        },
        std::cmp::Ordering::Less if typed_rest == word_rest.get(1..)? && same > 0 => {
            Some(if doubled(word_rest, word) { Edit::Doubled } else { Edit::Missing })
        }
        std::cmp::Ordering::Greater if typed_rest.get(1..)? == word_rest && same > 0 => {
            Some(if doubled(typed_rest, typed) { Edit::Doubled } else { Edit::Added })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Field, Role};
    use crate::span::Span;
    use crate::words::find_words;

    fn repaired(text: &str) -> (String, Vec<&'static str>) {
        let list = "# id: inv-en\n# kind: block\n# category: gore\n# language: en\n# source: house\n# licence: CC0-1.0\n# reviewed: 2026-11-24\n\
                    term,severity,match,note\nnaked,medium,word,\nsevered head,medium,word,\n";
        let repairs = Repairs::new(&[Wordlist::parse("inv-en", list).unwrap()]);
        let mut typed = Normalized::new(Field::Prompt, Role::Positive);
        typed.push_copied(text, Span::new(0, text.len()));
        let mut words = Vec::new();
        find_words(text, &mut words);
        let mut out = typed.clone();
        let via = repairs.repair(&typed, text, &words, Signs::of(text), &mut out);
        (out.as_str().to_owned(), via)
    }

    #[test]
    fn undoes_each_disguise() {
        for (typed, read, kind) in [
            ("a n*ked man", "a naked man", "masked"),
            ("a nak** man", "a naked man", "masked"),
            ("a nnaakkeedd man", "a naked man", "repeats"),
            ("a dekan man", "a naked man", "reversed"),
            ("a daeh dereves there", "a severed head ; head severed there", "reversed"),
            ("anxrq jbzna", "naked woman", "rot13"),
            ("a na ked man", "a naked man", "split"),
            ("a n-ak.ed man", "a naked man", "split"),
            ("one nakedwoman there", "one naked woman there", "glued"),
            ("a nkaed man", "a naked man", "typo"),
            ("a nakked man", "a naked man", "repeats"),
            ("a nakd man", "a naked man", "typo"),
            ("a svrd head", "a severed head", "vowels"),
            ("a sevired head", "a severed head", "typo"),
        ] {
            assert_eq!(repaired(typed), (read.to_owned(), vec![kind]), "{typed}");
        }
    }

    #[test]
    fn leaves_words_and_names() {
        for text in
            ["a baked cake", "the knave waked", "un nudo marinero es bonito", "ked in a na bed", "nakajima and nakata"]
        {
            assert_eq!(repaired(text).0, text);
        }
    }

    #[test]
    fn edits() {
        assert_eq!(one_edit("nkaed", "naked"), Some(Edit::Swap));
        assert_eq!(one_edit("anked", "naked"), Some(Edit::Swap));
        assert_eq!(one_edit("nakked", "naked"), Some(Edit::Doubled));
        assert_eq!(one_edit("nakd", "naked"), Some(Edit::Missing));
        assert_eq!(one_edit("naxked", "naked"), Some(Edit::Added));
        assert_eq!(one_edit("nuked", "naked"), Some(Edit::Changed));
        assert_eq!(one_edit("baked", "naked"), None);
    }
}
