//! Word list files: a header of `# key: value` lines, then CSV rows `term,severity,match,note`.

use compact_str::CompactString;
use serde::Serialize;
use sha2::Digest;

use crate::category::{Category, Severity};
use crate::error::LoadError;
use crate::normalize::{fold_exact, fold_term};

/// What the terms of a list are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ListKind {
    /// Each term is evidence by itself.
    Block,
    /// Each term is a harmless phrase: what lies inside it is no evidence of the list's category.
    Allow,
    /// Terms that rules combine, no evidence by themselves.
    Context,
    /// Each term is one thing, in however many words: shorter context terms of its category inside it are not meant, as
    /// `nine years` is not in `thirty nine years`. Blocking terms are not touched.
    Whole,
}

impl ListKind {
    /// The stable name used in files and output.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Allow => "allow",
            Self::Context => "context",
            Self::Whole => "whole",
        }
    }
}

/// How a term is compared with the words of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchKind {
    /// Whole words, accents aside.
    Word,
    /// Whole words, the last one also with the regular English endings (`stab`, `stabbed`, `stabbing`).
    Forms,
    /// Whole words with their accents as written.
    Exact,
}

/// One row of a word list.
#[derive(Clone, Debug)]
pub struct Term {
    /// The folded term without its stars, alternatives spelled out; for [`MatchKind::Exact`] its accents are kept.
    pub text: CompactString,
    /// Whether its first word may begin with anything (`*word`). Such terms are not looked for in words of the dictionary.
    pub open_start: bool,
    /// Whether its last word may go on with anything (`word*`).
    pub open_end: bool,
    /// How bad it is; `Low` on lists that do not block.
    pub severity: Severity,
    /// How it sits among words.
    pub matching: MatchKind,
    /// The line it was read from.
    pub line: usize,
}

impl Term {
    /// A whole word of a context list.
    pub(crate) fn word(text: &str) -> Self {
        let (severity, matching) = (Severity::Low, MatchKind::Word);
        Self { text: text.into(), open_start: false, open_end: false, severity, matching, line: 0 }
    }

    /// The term as it stands in the list, stars included.
    #[must_use]
    pub fn written(&self) -> String {
        let star = |open| if open { "*" } else { "" };
        format!("{}{}{}", star(self.open_start), self.text, star(self.open_end))
    }
}

/// A parsed word list.
#[derive(Clone, Debug)]
pub struct Wordlist {
    /// Its stable name, `gore-en`.
    pub id: String,
    /// What its terms are for.
    pub kind: ListKind,
    /// The category its terms are evidence of, or which they excuse; `None` on an allow list means every category.
    pub category: Option<Category>,
    /// The language of its terms, `en`; `None` for terms of no language or of all.
    pub language: Option<String>,
    /// Day after which its terms must be reviewed again (`YYYY-MM-DD`).
    pub expires: Option<String>,
    /// The terms, in file order.
    pub terms: Vec<Term>,
    /// Where it came from.
    pub place: String,
}

/// The keys a header must have.
const REQUIRED: [&str; 5] = ["id", "kind", "source", "licence", "reviewed"];
/// The keys a header may have.
const OPTIONAL: [&str; 4] = ["category", "language", "expires", "note"];
const COLUMNS: [&str; 4] = ["term", "severity", "match", "note"];

impl Wordlist {
    /// Parses the text of a word list; `place` names it in errors.
    ///
    /// # Errors
    ///
    /// The first thing wrong ([`lint`](crate::lexicon::lint::lint) finds all of them): a missing or unknown header key, a column, severity or match kind that does not exist, a
    /// term that is empty, not folded, out of order or there twice. The line is named, the term is not.
    ///
    /// ```
    /// use promptgate::lexicon::Wordlist;
    ///
    /// let text = "# id: mine\n# kind: block\n# category: gore\n# source: house\n# licence: CC0-1.0\n# reviewed: 2026-11-24\nterm,severity,match,note\nzorbl,high,forms,an invented word\n";
    /// let list = Wordlist::parse("mine.csv", text)?;
    /// assert_eq!((list.id.as_str(), list.terms.len()), ("mine", 1));
    /// # Ok::<(), promptgate::LoadError>(())
    /// ```
    pub fn parse(place: &str, text: &str) -> Result<Self, LoadError> {
        Self::parse_with(place, text, true)
    }

    /// As [`parse`](Self::parse), for lists that are compiled in: tests have checked that their terms are folded, which is
    /// most of the work.
    pub(super) fn parse_checked(place: &str, text: &str) -> Result<Self, LoadError> {
        Self::parse_with(place, text, false)
    }

    fn parse_with(place: &str, text: &str, check_folding: bool) -> Result<Self, LoadError> {
        let Read { list, faults, .. } = read(place, text, check_folding);
        faults.into_iter().next().map_or(Ok(list), Err)
    }

    /// Feeds everything that decides verdicts into a hash.
    pub(crate) fn digest(&self, hash: &mut impl Digest) {
        let mut text = format!("{} {:?} {:?}\n", self.id, self.kind, self.category);
        for term in &self.terms {
            // One byte for what decides besides the text; hundreds of thousands of terms are hashed at every start.
            let star = |open, bit: u8| if open { bit } else { 0 };
            let flags = star(term.open_start, 1)
                | star(term.open_end, 2)
                | (term.severity as u8) << 2
                | (term.matching as u8) << 4;
            text.push_str(&term.text);
            text.push(char::from(flags));
            text.push('\n');
        }
        hash.update(text);
    }
}

/// The `# key: value` lines on top of a list.
struct Header<'a> {
    place: &'a str,
    entries: Vec<(&'a str, &'a str, usize)>,
    lines: usize,
}

impl<'a> Header<'a> {
    fn read(place: &'a str, text: &'a str, faults: &mut Vec<LoadError>) -> Self {
        let mut header = Self { place, entries: Vec::new(), lines: 0 };
        for line in text.lines().take_while(|line| line.starts_with('#')) {
            header.lines += 1;
            let entry = line.trim_start_matches('#').split_once(':');
            let (key, value) = entry.map_or((line, ""), |(key, value)| (key.trim(), value.trim()));
            if REQUIRED.contains(&key) || OPTIONAL.contains(&key) {
                header.entries.push((key, value, header.lines));
            } else {
                let message = format!(
                    "unknown header key, expected one of `{}`",
                    [&REQUIRED[..], &OPTIONAL[..]].concat().join("`, `")
                );
                faults.push(LoadError::new(place, message).at_line(header.lines));
            }
        }
        for key in REQUIRED.into_iter().filter(|key| header.find(key).is_none()) {
            faults.push(LoadError::new(place, format!("header has no `{key}`, expected `# {key}: ...`")));
        }
        header
    }

    /// What the list is for, if its header says so.
    fn kind(&self, faults: &mut Vec<LoadError>) -> Option<ListKind> {
        match self.find("kind")? {
            "block" => Some(ListKind::Block),
            "allow" => Some(ListKind::Allow),
            "context" => Some(ListKind::Context),
            "whole" => Some(ListKind::Whole),
            _ => {
                faults.push(self.error("kind", &"unknown kind, expected one of `block`, `allow`, `context`, `whole`"));
                None
            }
        }
    }

    fn category(&self, kind: Option<ListKind>, faults: &mut Vec<LoadError>) -> Option<Category> {
        let Some(id) = self.find("category") else {
            if kind == Some(ListKind::Block) {
                faults.push(LoadError::new(self.place, "header has no `category`, expected one on a block list"));
            }
            return None;
        };
        let category = id.parse().map_err(|unknown| faults.push(self.error("category", &unknown))).ok();
        if kind == Some(ListKind::Allow) && category == Some(Category::Minors) {
            faults.push(self.error("category", &"`minors` on an allow list, but no exception applies to it"));
        }
        category
    }

    fn find(&self, key: &str) -> Option<&'a str> {
        self.entries.iter().find(|entry| entry.0 == key && !entry.1.is_empty()).map(|entry| entry.1)
    }

    /// The line of `key`.
    fn line(&self, key: &str) -> usize {
        self.entries.iter().find(|entry| entry.0 == key).map_or(1, |entry| entry.2)
    }

    fn error(&self, key: &str, message: &dyn ToString) -> LoadError {
        LoadError::new(self.place, message.to_string()).at_line(self.line(key))
    }
}

/// What is said of a row that is the same as the one before.
pub(super) const TWICE: &str = "term is there twice, expected unique terms";
const BRACES: &str = "braces that do not close, are nested, or stand for more than 4,096 terms, expected `{one|other}`";
const FOLDING: &str =
    "term is empty or not folded, expected lower case, no accents (but for `exact`), single spaces, no `-` or `_`";

/// Whether a term is written as the texts it will be compared with.
fn is_folded(term: &str, matching: MatchKind) -> bool {
    if matching == MatchKind::Exact { fold_exact(term) == term } else { fold_term(term) == term }
}

/// The terms that a row stands for: `vot{e|ing} {now|}` is four. An empty alternative leaves no second space behind.
fn spell_out(row: &str) -> Option<Vec<String>> {
    const MOST: usize = 4096;
    let mut terms = vec![String::new()];
    let mut rest = row;
    while let Some(open) = rest.find('{') {
        let (plain, braces) = rest.split_at_checked(open)?;
        let (inside, after) = braces.get(1..)?.split_once('}')?;
        let alternatives: Vec<&str> = inside.split('|').collect();
        if inside.contains('{') || plain.contains('}') || terms.len() * alternatives.len() > MOST {
            return None;
        }
        for term in &mut terms {
            term.push_str(plain);
        }
        terms = terms.iter().flat_map(|term| alternatives.iter().map(move |other| [term, *other].concat())).collect();
        rest = after;
    }
    if rest.contains('}') {
        return None;
    }
    for term in &mut terms {
        term.push_str(rest);
    }
    if row.contains('{') {
        for term in &mut terms {
            if term.starts_with(' ') || term.ends_with(' ') || term.contains("  ") {
                *term = term.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            }
        }
    }
    Some(terms)
}

/// A list as far as it can be read, and everything that is wrong with it.
pub(super) struct Read {
    /// What could be read: rows at fault are missing where they mean nothing.
    pub(super) list: Wordlist,
    /// What is wrong, the header first, then line by line.
    pub(super) faults: Vec<LoadError>,
    /// The line of `# expires:`, 1 where there is none.
    pub(super) expires_line: usize,
}

/// Reads a list to its end, whatever is wrong with it: a loader takes the first fault, a linter all of them.
pub(super) fn read(place: &str, text: &str, check_folding: bool) -> Read {
    let mut faults = Vec::new();
    let header = Header::read(place, text, &mut faults);
    let kind = header.kind(&mut faults);
    let list = Wordlist {
        id: header.find("id").unwrap_or_default().to_owned(),
        kind: kind.unwrap_or(ListKind::Context),
        category: header.category(kind, &mut faults),
        language: header.find("language").map(str::to_owned),
        expires: header.find("expires").map(str::to_owned),
        terms: read_terms(place, text, header.lines, kind, check_folding, &mut faults),
        place: place.to_owned(),
    };
    Read { list, faults, expires_line: header.line("expires") }
}

fn read_terms(
    place: &str,
    text: &str,
    skipped: usize,
    kind: Option<ListKind>,
    check_folding: bool,
    faults: &mut Vec<LoadError>,
) -> Vec<Term> {
    let head: usize = text.split_inclusive('\n').take(skipped).map(str::len).sum();
    let body = text.get(head..).unwrap_or_default();
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(body.as_bytes());
    let fail = |line: usize, message: &str| LoadError::new(place, message).at_line(line);
    match reader.headers() {
        Ok(header) if header == &csv::StringRecord::from(&COLUMNS[..]) => {}
        Ok(_) => faults.push(fail(skipped + 1, "unexpected columns, expected `term,severity,match,note`")),
        Err(error) => faults.push(fail(skipped + 1, &error.to_string())),
    }
    let (mut terms, mut rows, mut last) = (Vec::new(), 0, String::new());
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                rows += 1;
                faults.push(fail(skipped + 1, &error.to_string()));
                break;
            }
        }
        let line = skipped + record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
        let mut report = |message: &str| faults.push(fail(line, message));
        let row = record.get(0).unwrap_or_default();
        if rows > 0 && last == row {
            report(TWICE);
        } else if rows > 0 && last.as_str() > row {
            report("term is out of order, expected terms sorted by their bytes");
        }
        row.clone_into(&mut last);
        rows += 1;
        read_row(&record, line, kind, check_folding, report, &mut terms);
    }
    if rows == 0 {
        faults.push(LoadError::new(place, "no terms, expected at least one"));
    }
    terms
}

/// Adds the terms that a row stands for; none if it cannot be told what it means.
fn read_row(
    record: &csv::StringRecord,
    line: usize,
    kind: Option<ListKind>,
    check_folding: bool,
    mut report: impl FnMut(&str),
    terms: &mut Vec<Term>,
) {
    let [row, severity, matching, _note] = [0, 1, 2, 3].map(|column| record.get(column).unwrap_or_default());
    if record.len() != COLUMNS.len() {
        report(&format!("{} columns, expected 4: `term,severity,match,note`", record.len()));
        return;
    }
    let severity = match (kind, Severity::ALL.into_iter().find(|known| known.id() == severity)) {
        (Some(ListKind::Block), None) => {
            report("unknown severity, expected one of `low`, `medium`, `high`, `critical`");
            Severity::Low
        }
        (Some(ListKind::Block), Some(severity)) => severity,
        (Some(_), _) if !severity.is_empty() => {
            report("severity on a list that does not block, expected none");
            Severity::Low
        }
        (_, _) => Severity::Low,
    };
    let matching = match matching {
        "word" => MatchKind::Word,
        "forms" => MatchKind::Forms,
        "exact" => MatchKind::Exact,
        _ => {
            report("unknown match, expected one of `word`, `forms`, `exact`");
            return;
        }
    };
    let Some(spelled_out) = spell_out(row) else {
        report(BRACES);
        return;
    };
    let before = terms.len();
    for spelled in spelled_out {
        let (open_start, bare) = spelled.strip_prefix('*').map_or((false, &*spelled), |bare| (true, bare));
        let (open_end, bare) = bare.strip_suffix('*').map_or((false, bare), |bare| (true, bare));
        if bare.is_empty() || (check_folding && !is_folded(bare, matching)) {
            report(FOLDING);
            terms.truncate(before);
            return;
        }
        if matching == MatchKind::Forms && (open_start || open_end) {
            report("`forms` of a term with a star, expected `word`");
            terms.truncate(before);
            return;
        }
        terms.push(Term { text: bare.into(), open_start, open_end, severity, matching, line });
    }
}

#[cfg(test)]
mod tests {
    use super::spell_out;

    #[test]
    fn braces_are_alternatives() {
        assert_eq!(spell_out("vot{e|ing} {now|} x").unwrap(), ["vote now x", "vote x", "voting now x", "voting x"]);
        assert_eq!(spell_out("plain term").unwrap(), ["plain term"]);
        for fault in ["{a|b", "a}", "{a|{b|c}}", "{a}}"] {
            assert!(spell_out(fault).is_none(), "{fault}");
        }
    }
}
