//! Finds what is wrong, doubtful or due in word lists: everything a loader would refuse, not only the first thing, and what a
//! loader does not look at (terms that another one already catches, dates that have passed, stars that hit words of the
//! dictionary).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use super::wordlist::{Read, TWICE, read};
use super::{Lexicon, ListKind, MatchKind, Term, TermHit, Wordlist, forms};
use crate::evidence::ViewedText;
pub use crate::finding::{Check, Finding, Level};
use crate::normalize::{fold_plain, fold_term};
use crate::prompt::{Field, Role, SegmentKind};
use crate::signs::Signs;
use crate::span::Span;
use crate::text::Normalized;
use crate::vocabulary;
use crate::words::{Word, WordHash, find_words};

/// Days ahead of its `# expires:` date from which a list is reported.
const NOTICE_DAYS: i64 = 60;
/// Most words that a finding names.
const EXAMPLES: usize = 5;

/// A day.
///
/// ```
/// use promptgate::lexicon::lint::Date;
///
/// let day: Date = "2026-11-24".parse()?;
/// assert_eq!(day.to_string(), "2026-11-24");
/// assert!("2026-02-30".parse::<Date>().is_err());
/// # Ok::<(), promptgate::lexicon::lint::NoDate>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Days since 1970-01-01.
    days: i64,
}

/// A text that is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoDate;

impl fmt::Display for NoDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no date, expected `YYYY-MM-DD`")
    }
}

impl std::error::Error for NoDate {}

impl Date {
    /// The day so many days after 1970-01-01.
    #[must_use]
    pub fn from_days(days: i64) -> Self {
        Self { days }
    }

    /// Year, month and day (Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`).
    fn civil(self) -> (i64, i64, i64) {
        let shifted = self.days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        (year_of_era + era * 400 + next_year, month, day)
    }
}

impl FromStr for Date {
    type Err = NoDate;

    fn from_str(text: &str) -> Result<Self, NoDate> {
        let numbers: Vec<i64> = text.split('-').filter_map(|part| part.parse().ok()).collect();
        let [year, month, day] = numbers[..] else { return Err(NoDate) };
        let (shifted_year, shifted_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let era = shifted_year.div_euclid(400);
        let year_of_era = shifted_year.rem_euclid(400);
        let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
        let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
        // Written back, a day that does not exist is another one.
        let date = Self { days };
        if date.to_string() == text { Ok(date) } else { Err(NoDate) }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// The word lists that are compiled in, as path and text.
#[must_use]
pub fn compiled_in() -> Vec<(String, String)> {
    super::builtin::lists().map(|(path, text)| (path, text.to_owned())).collect()
}

/// The common words of the built-in vocabulary, folded and sorted; none in a build without models.
///
/// Nobody can read the words out of the vocabulary's filter, but the whole words among the pieces of the models' tokenizer can be
/// looked up in it.
#[must_use]
pub fn common_words() -> Vec<String> {
    use serde_json::Value;

    #[cfg(feature = "onnx")]
    let tokenizer = crate::classifier::TOKENIZER;
    #[cfg(not(feature = "onnx"))]
    let tokenizer = b"";
    let tokenizer: Value = serde_json::from_slice(tokenizer).unwrap_or_default();
    let pieces: Vec<&str> = match tokenizer.pointer("/model/vocab") {
        Some(Value::Object(vocabulary)) => vocabulary.keys().map(String::as_str).collect(),
        Some(Value::Array(scored)) => scored.iter().filter_map(|piece| piece.get(0)?.as_str()).collect(),
        _ => Vec::new(),
    };
    let is_word = |piece: &&str| piece.len() >= 4 && piece.bytes().all(|byte| byte.is_ascii_lowercase());
    let words = pieces.into_iter().map(|piece| piece.trim_start_matches('\u{2581}')).filter(is_word);
    let mut words: Vec<String> =
        words.filter(|word| vocabulary::holds(WordHash::of(word))).map(str::to_owned).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// What a linter is told besides the lists.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// The day that `# expires:` dates are compared with.
    pub today: Date,
    /// Words that a star should not hit.
    pub dictionary: &'a [&'a str],
}

/// What was found, and the lists as far as they can be used.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was found, in the order of files and lines.
    pub findings: Vec<Finding>,
    /// The lists, terms at fault left out, so that they compile.
    pub lists: Vec<Wordlist>,
}

/// Looks over the word lists in `files`, paths with their text; they are held against each other as well.
///
/// Costs about a microsecond a term, and one a word of the dictionary.
///
/// ```
/// use promptgate::lexicon::lint::{self, Date, Options};
///
/// let text = "# id: mine\n# kind: block\n# category: gore\n# source: house\n# licence: CC0-1.0\n# reviewed: 2026-11-24\n\
///     term,severity,match,note\nzorbl,high,word,\nzorbl frap,high,word,\nabc,severe,word,\n";
/// let options = Options { today: Date::from_days(20_000), dictionary: &[] };
/// let report = lint::lint(&[("mine.csv".to_owned(), text.to_owned())], &options);
/// let found: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
/// assert_eq!(found, [
///     "mine.csv:9: warning: `mine:zorbl` already catches this term, expected a shorter list",
///     "mine.csv:10: term is out of order, expected terms sorted by their bytes",
///     "mine.csv:10: unknown severity, expected one of `low`, `medium`, `high`, `critical`",
/// ]);
/// ```
#[must_use]
pub fn lint(files: &[(String, String)], options: &Options<'_>) -> Report {
    let mut findings: Vec<Vec<Finding>> = Vec::with_capacity(files.len());
    let mut lists: Vec<Wordlist> = Vec::new();
    let mut places = Vec::new();
    for (path, text) in files {
        let Read { mut list, faults, expires_line } = read(path, text, true);
        let mut found: Vec<Finding> = faults.iter().map(Finding::from).collect();
        expiry(&list, expires_line, options.today, &mut found);
        duplicates(&list, &mut found);
        let mut last = 0;
        list.terms.retain(|term| {
            let Some(fault) = Lexicon::fault(&list_head(path), term) else { return true };
            if term.line != last {
                found.push(Finding::error(path, Some(term.line), Check::Format, fault.to_owned()));
            }
            last = term.line;
            false
        });
        if list.id.is_empty() {
            list.terms.clear();
        } else if lists.iter().any(|other| other.id == list.id) {
            let message = format!("list id `{}` is there twice, expected unique ids", list.id);
            found.push(Finding::error(path, None, Check::Format, message));
            list.terms.clear();
        }
        if !list.terms.is_empty() {
            places.push(findings.len());
            lists.push(list);
        }
        findings.push(found);
    }
    match Lexicon::build(&lists) {
        Ok(lexicon) => {
            let search = Search { lexicon: &lexicon };
            let blocking = Blocking::of(&lists);
            for (index, (list, place)) in lists.iter().zip(places).enumerate() {
                if let Some(found) = findings.get_mut(place) {
                    shadowed(list, index, &blocking, &search, found);
                }
            }
            stars(&lists, options.dictionary, &search, &mut findings, files);
        }
        Err(error) => findings.push(vec![Finding::from(&error)]),
    }
    for found in &mut findings {
        found.sort_by_key(|one| one.line);
    }
    Report { findings: findings.concat(), lists }
}

/// A list without terms, for a look at one term.
fn list_head(place: &str) -> Wordlist {
    Wordlist {
        id: String::new(),
        kind: ListKind::Context,
        category: None,
        language: None,
        expires: None,
        terms: Vec::new(),
        place: place.to_owned(),
    }
}

fn expiry(list: &Wordlist, line: usize, today: Date, found: &mut Vec<Finding>) {
    let Some(expires) = &list.expires else { return };
    let (path, line) = (&list.place, Some(line));
    match expires.parse::<Date>() {
        Err(fault) => found.push(Finding::error(path, line, Check::Expired, format!("`expires`: {fault}"))),
        Ok(day) if day < today => found.push(Finding::error(
            path,
            line,
            Check::Expired,
            format!("list expired on {day}, expected its terms to be reviewed"),
        )),
        Ok(day) if day.days - today.days <= NOTICE_DAYS => found.push(Finding::warning(
            path,
            line,
            Check::Expired,
            format!("list expires on {day}, in {} days", day.days - today.days),
        )),
        Ok(_) => {}
    }
}

/// What a term stands for, whichever way it is written.
fn identity(term: &Term) -> (String, bool, bool) {
    let text = if term.matching == MatchKind::Exact { term.text.to_string() } else { fold_term(&term.text) };
    (text, term.open_start, term.open_end)
}

/// Reports the rows that stand for nothing new, and those of whose alternatives some are not new.
fn duplicates(list: &Wordlist, found: &mut Vec<Finding>) {
    let mut first: HashMap<(String, bool, bool), usize> = HashMap::new();
    for row in list.terms.chunk_by(|one, other| one.line == other.line) {
        let lines: Vec<usize> = row.iter().map(|term| *first.entry(identity(term)).or_insert(term.line)).collect();
        let Some(line) = row.first().map(|term| term.line) else { continue };
        let known: Vec<usize> = lines.into_iter().filter(|first| *first != line).collect();
        let Some(other) = known.first() else { continue };
        let (path, line) = (&list.place, Some(line));
        if known.len() < row.len() {
            let message =
                format!("{} of {} alternatives stand for terms of other lines ({other})", known.len(), row.len());
            found.push(Finding::warning(path, line, Check::Duplicate, message));
        } else if !found.iter().any(|one| one.line == line && one.message == TWICE) {
            let message = format!("term stands for the same as line {other}, expected unique terms");
            found.push(Finding::error(path, line, Check::Duplicate, message));
        }
    }
}

/// A way to look for terms in a short text.
struct Search<'a> {
    lexicon: &'a Lexicon,
}

impl Search<'_> {
    fn hits(&self, text: &str) -> (Vec<TermHit>, usize) {
        let mut typed = Normalized::new(Field::Prompt, Role::Positive);
        typed.push_copied(text, Span::new(0, text.len()));
        let mut folded = Normalized::new(Field::Prompt, Role::Positive);
        fold_plain(&typed, &mut folded);
        let mut words: Vec<Word> = Vec::new();
        find_words(folded.as_str(), &mut words);
        let viewed = ViewedText {
            source: text,
            typed: &typed,
            folded: &folded,
            words: &words,
            via: &[],
            signs: Signs::default(),
            kind: SegmentKind::Prose,
        };
        (self.lexicon.explain(&viewed), folded.as_str().len())
    }
}

/// Where a blocking term stands and how widely it catches.
struct Place {
    list: usize,
    line: usize,
    matching: MatchKind,
}

/// The blocking terms by their names, as hits give them.
struct Blocking(HashMap<String, Place>);

impl Blocking {
    fn of(lists: &[Wordlist]) -> Self {
        let mut places = HashMap::new();
        for (index, list) in lists.iter().enumerate().filter(|(_, list)| list.kind == ListKind::Block) {
            for term in &list.terms {
                places.entry(name(list, term)).or_insert(Place {
                    list: index,
                    line: term.line,
                    matching: term.matching,
                });
            }
        }
        Self(places)
    }
}

/// A term as reasons name it.
fn name(list: &Wordlist, term: &Term) -> String {
    format!("{}:{}", list.id, term.written().replace(' ', "-"))
}

/// Reports the rows of a blocking list whose terms are all caught by other ones at least as severe.
fn shadowed(list: &Wordlist, index: usize, blocking: &Blocking, search: &Search<'_>, found: &mut Vec<Finding>) {
    if list.kind != ListKind::Block {
        return;
    }
    for row in list.terms.chunk_by(|one, other| one.line == other.line) {
        let by: Option<Vec<String>> = row.iter().map(|term| shadow(list, index, term, blocking, search)).collect();
        if let Some(by) = by.filter(|by| !by.is_empty()) {
            let mut names: Vec<String> = by.into_iter().map(|name| format!("`{name}`")).collect();
            names.sort_unstable();
            names.dedup();
            let more = names.len().saturating_sub(EXAMPLES);
            names.truncate(EXAMPLES);
            let (catch, more) = match (names.len(), more) {
                (1, _) => ("catches", String::new()),
                (_, 0) => ("catch", String::new()),
                (_, more) => ("catch", format!(" and {more} more")),
            };
            found.push(Finding::warning(
                &list.place,
                row.first().map(|term| term.line),
                Check::Shadowed,
                format!("{}{more} already {catch} this term, expected a shorter list", names.join(", ")),
            ));
        }
    }
}

/// A term of another row that is found wherever `term` is, and counts as much.
fn shadow(list: &Wordlist, index: usize, term: &Term, blocking: &Blocking, search: &Search<'_>) -> Option<String> {
    let texts = match term.matching {
        MatchKind::Forms => forms::forms(&term.text),
        MatchKind::Word | MatchKind::Exact => vec![term.text.to_string()],
    };
    let catches = |hit: &TermHit, length: usize| {
        let place = blocking.0.get(&hit.term)?;
        let whole = hit.norm.start == 0 && hit.norm.end == length;
        let fits = hit.category == list.category
            && hit.severity >= term.severity
            && hit.excused_by.is_none()
            && (place.list, place.line) != (index, term.line)
            && (!term.open_start || hit.norm.start > 0 || hit.open_start)
            && (!term.open_end || hit.norm.end < length || hit.open_end)
            && (!hit.exact || term.matching == MatchKind::Exact);
        // Of two terms that catch the same, the later one is the one too many; within a list that is reported as such.
        let same =
            whole && (hit.open_start, hit.open_end, place.matching) == (term.open_start, term.open_end, term.matching);
        let first = !same || place.list < index;
        (fits && first).then(|| hit.term.clone())
    };
    let mut by: Option<Vec<String>> = None;
    for text in &texts {
        let (hits, length) = search.hits(text);
        let catching: Vec<String> = hits.iter().filter_map(|hit| catches(hit, length)).collect();
        let both = match by {
            None => catching,
            Some(by) => by.into_iter().filter(|name| catching.contains(name)).collect(),
        };
        if both.is_empty() {
            return None;
        }
        by = Some(both);
    }
    by.and_then(|by| by.into_iter().min_by_key(String::len))
}

/// Reports the terms with a star that hit words of the dictionary.
fn stars(
    lists: &[Wordlist],
    dictionary: &[&str],
    search: &Search<'_>,
    findings: &mut [Vec<Finding>],
    files: &[(String, String)],
) {
    let mut open: HashMap<String, (&Wordlist, &Term)> = HashMap::new();
    for list in lists.iter().filter(|list| list.kind != ListKind::Allow) {
        for term in list.terms.iter().filter(|term| term.open_start || term.open_end) {
            open.insert(name(list, term), (list, term));
        }
    }
    if open.is_empty() {
        return;
    }
    let mut hit_words: BTreeMap<(&str, usize), Vec<&str>> = BTreeMap::new();
    for word in dictionary {
        let (hits, length) = search.hits(word);
        for hit in hits.iter().filter(|hit| hit.norm.end - hit.norm.start < length && hit.excused_by.is_none()) {
            if let Some((list, term)) = open.get(&hit.term) {
                let words = hit_words.entry((list.place.as_str(), term.line)).or_default();
                if words.last() != Some(word) {
                    words.push(word);
                }
            }
        }
    }
    for ((path, line), words) in hit_words {
        let examples: Vec<String> = words.iter().take(EXAMPLES).map(|word| format!("`{word}`")).collect();
        let count = if words.len() == 1 { "a word".to_owned() } else { format!("{} words", words.len()) };
        let of = if words.len() > EXAMPLES { ", such as" } else { ":" };
        let message = format!("star hits {count} of the dictionary{of} {}", examples.join(", "));
        if let Some(found) = files.iter().position(|file| file.0 == path).and_then(|index| findings.get_mut(index)) {
            found.push(Finding::warning(path, Some(line), Check::Dictionary, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "onnx")]
    fn names_common_words() {
        let words = common_words();
        assert!(words.len() > 5_000 && words.binary_search(&"water".to_owned()).is_ok(), "{}", words.len());
    }

    fn linted(files: &[(&str, &str)], dictionary: &[&str]) -> Vec<String> {
        let file = |(head, rows): &(&str, &str)| {
            let kind = if head.starts_with("allow") { "allow" } else { "block" };
            let text = format!(
                "# id: {head}\n# kind: {kind}\n# category: gore\n# source: house\n# licence: CC0-1.0\n# reviewed: 2026-11-24\n\
                 term,severity,match,note\n{rows}\n"
            );
            ((*head).to_owned(), text)
        };
        let files: Vec<_> = files.iter().map(file).collect();
        let options = Options { today: "2026-11-24".parse().unwrap(), dictionary };
        lint(&files, &options).findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn dates_come_and_go() {
        for day in ["1970-01-01", "2000-02-29", "2026-11-24", "2100-03-01", "1969-12-31"] {
            assert_eq!(day.parse::<Date>().unwrap().to_string(), day);
        }
        for text in ["", "2026", "2026-13-01", "2026-02-29", "2026-1-1", "a-b-c", "2026-11-24-1"] {
            assert_eq!(text.parse::<Date>(), Err(NoDate), "{text}");
        }
        assert_eq!("2026-11-24".parse::<Date>().unwrap(), Date::from_days(20_781));
    }

    #[test]
    fn shadows_need_severity_reach_and_no_exception() {
        let warning =
            |line, by| format!("inv:{line}: warning: `{by}` already catches this term, expected a shorter list");
        assert_eq!(linted(&[("inv", "zorbl,high,forms,\nzorbl frap,high,word,")], &[]), [warning(9, "inv:zorbl")]);
        assert_eq!(linted(&[("inv", "zorbl,high,forms,\nzorbls,high,word,")], &[]), [warning(9, "inv:zorbl")]);
        assert_eq!(linted(&[("inv", "zorb*,high,word,\nzorbl*,high,word,")], &[]), [warning(9, "inv:zorb*")]);
        // The wider term is the one to keep.
        assert_eq!(linted(&[("inv", "zorbl,high,word,\nzorbl*,high,word,")], &[]), [warning(8, "inv:zorbl*")]);
        for rows in [
            "zorbl,medium,forms,\nzorbl frap,high,word,",
            "zorbl,high,word,\nzorbl*,low,word,",
            "zorbl,high,word,\nzorbls,high,forms,",
            "frap zorbl,high,forms,\nzorbling,high,word,",
        ] {
            assert_eq!(linted(&[("inv", rows)], &[]), [""; 0], "{rows}");
        }
        let excused = [("allow-inv", "zorbl frap,,word,"), ("inv", "zorbl,high,word,\nzorbl frap,high,word,")];
        assert_eq!(linted(&excused, &[]), [""; 0]);
        let twice = [("inv", "zorbl,high,word,"), ("other", "zorbl,high,word,")];
        assert_eq!(
            linted(&twice, &[]),
            ["other:8: warning: `inv:zorbl` already catches this term, expected a shorter list"]
        );
    }

    #[test]
    fn alternatives_that_stand_for_one_term() {
        let found =
            linted(&[("inv", "quux,high,word,\n{a |}quux,low,word,\n{b|c} frap,high,word,\n{b} frap,high,word,")], &[]);
        let duplicates: Vec<&String> = found.iter().filter(|line| !line.contains("catch")).collect();
        assert_eq!(
            duplicates,
            [
                "inv:9: warning: 1 of 2 alternatives stand for terms of other lines (8)",
                "inv:11: term stands for the same as line 10, expected unique terms",
            ]
        );
    }

    #[test]
    fn stars_and_words() {
        assert_eq!(
            linted(&[("inv", "lightho*,high,word,")], &["lighthouse", "lantern", "lightho"]),
            ["inv:8: warning: star hits a word of the dictionary: `lighthouse`"]
        );
        // A star in front spares the words that the vocabulary knows.
        assert_eq!(linted(&[("inv", "*thouse,high,word,")], &["lighthouse"]), [""; 0]);
    }
}
