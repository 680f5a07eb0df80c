//! Word list files: a header of `# key: value` lines, then CSV rows `term,severity,match,note`.

use sha2::Digest;

use crate::category::{Category, Severity};
use crate::error::LoadError;
use crate::normalize::fold_term;

/// What the terms of a list are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// Each term is evidence by itself.
    Block,
    /// Each term is a harmless phrase: what lies inside it is no evidence of the list's category.
    Allow,
    /// Terms that rules combine, no evidence by themselves.
    Context,
}

/// How a term sits among the words of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchKind {
    /// Whole words, exactly.
    Word,
    /// Whole words, the last one also with the regular English endings (`stab`, `stabbed`, `stabbing`).
    Forms,
    /// A word starts with it.
    Prefix,
    /// A word ends with it.
    Suffix,
    /// Anywhere, inside words too.
    Part,
}

/// One row of a word list.
#[derive(Clone, Debug)]
pub struct Term {
    /// The folded term.
    pub text: String,
    /// How bad it is; `Low` on lists that do not block.
    pub severity: Severity,
    /// How it sits among words.
    pub matching: MatchKind,
    /// The line it was read from.
    pub line: usize,
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
    /// The first thing wrong: a missing or unknown header key, a column, severity or match kind that does not exist, a
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
        let header = Header::parse(place, text)?;
        let kind = match header.required("kind")? {
            "block" => ListKind::Block,
            "allow" => ListKind::Allow,
            "context" => ListKind::Context,
            _ => return Err(header.error("kind", &"unknown kind, expected one of `block`, `allow`, `context`")),
        };
        let category = match header.find("category") {
            Some(id) => Some(id.parse().map_err(|unknown| header.error("category", &unknown))?),
            None if kind == ListKind::Block => {
                return Err(LoadError::new(place, "header has no `category`, expected one on a block list"));
            }
            None => None,
        };
        if kind == ListKind::Allow && category == Some(Category::Minors) {
            return Err(header.error("category", &"`minors` on an allow list, but no exception applies to it"));
        }
        Ok(Self {
            id: header.required("id")?.to_owned(),
            kind,
            category,
            expires: header.find("expires").map(str::to_owned),
            terms: parse_terms(place, text, header.lines, kind)?,
            place: place.to_owned(),
        })
    }

    /// Feeds everything that decides verdicts into a hash.
    pub(crate) fn digest(&self, hash: &mut impl Digest) {
        hash.update(format!("{} {:?} {:?}\n", self.id, self.kind, self.category));
        for term in &self.terms {
            hash.update(format!("{} {:?} {:?}\n", term.text, term.severity, term.matching));
        }
    }
}

/// The `# key: value` lines on top of a list.
struct Header<'a> {
    place: &'a str,
    entries: Vec<(&'a str, &'a str, usize)>,
    lines: usize,
}

impl<'a> Header<'a> {
    fn parse(place: &'a str, text: &'a str) -> Result<Self, LoadError> {
        let mut header = Self { place, entries: Vec::new(), lines: 0 };
        for line in text.lines().take_while(|line| line.starts_with('#')) {
            header.lines += 1;
            let entry = line.trim_start_matches('#').split_once(':');
            let (key, value) = entry.map_or((line, ""), |(key, value)| (key.trim(), value.trim()));
            if !REQUIRED.contains(&key) && !OPTIONAL.contains(&key) {
                let message = format!(
                    "unknown header key, expected one of `{}`",
                    [&REQUIRED[..], &OPTIONAL[..]].concat().join("`, `")
                );
                return Err(LoadError::new(place, message).at_line(header.lines));
            }
            header.entries.push((key, value, header.lines));
        }
        for key in REQUIRED {
            header.required(key)?;
        }
        Ok(header)
    }

    fn find(&self, key: &str) -> Option<&'a str> {
        self.entries.iter().find(|entry| entry.0 == key && !entry.1.is_empty()).map(|entry| entry.1)
    }

    fn required(&self, key: &str) -> Result<&'a str, LoadError> {
        self.find(key)
            .ok_or_else(|| LoadError::new(self.place, format!("header has no `{key}`, expected `# {key}: ...`")))
    }

    fn error(&self, key: &str, message: &dyn ToString) -> LoadError {
        let line = self.entries.iter().find(|entry| entry.0 == key).map_or(1, |entry| entry.2);
        LoadError::new(self.place, message.to_string()).at_line(line)
    }
}

fn parse_terms(place: &str, text: &str, skipped: usize, kind: ListKind) -> Result<Vec<Term>, LoadError> {
    let body = text.split_inclusive('\n').skip(skipped).collect::<String>();
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(body.as_bytes());
    let fail = |line: usize, message: &str| LoadError::new(place, message).at_line(line);
    let header = reader.headers().map_err(|error| fail(skipped + 1, &error.to_string()))?;
    if header != &csv::StringRecord::from(&COLUMNS[..]) {
        return Err(fail(skipped + 1, "unexpected columns, expected `term,severity,match,note`"));
    }
    let mut terms: Vec<Term> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| fail(skipped + 1, &error.to_string()))?;
        let line = skipped + record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
        let [term, severity, matching, _note] = [0, 1, 2, 3].map(|column| record.get(column).unwrap_or_default());
        if record.len() != COLUMNS.len() {
            return Err(fail(line, &format!("{} columns, expected 4: `term,severity,match,note`", record.len())));
        }
        if term.is_empty() || fold_term(term) != term {
            return Err(fail(
                line,
                "term is empty or not folded, expected lower case, no accents, single spaces, no `-` or `_`",
            ));
        }
        if terms.last().is_some_and(|last| last.text.as_str() >= term) {
            return Err(fail(line, "term is out of order or there twice, expected terms sorted and unique"));
        }
        let severity = match (kind, Severity::ALL.into_iter().find(|known| known.id() == severity)) {
            (ListKind::Block, None) => {
                return Err(fail(line, "unknown severity, expected one of `low`, `medium`, `high`, `critical`"));
            }
            (ListKind::Block, Some(severity)) => severity,
            (_, _) if severity.is_empty() => Severity::Low,
            (_, _) => return Err(fail(line, "severity on a list that does not block, expected none")),
        };
        let matching = match matching {
            "word" => MatchKind::Word,
            "forms" => MatchKind::Forms,
            "prefix" => MatchKind::Prefix,
            "suffix" => MatchKind::Suffix,
            "part" => MatchKind::Part,
            _ => {
                return Err(fail(line, "unknown match, expected one of `word`, `forms`, `prefix`, `suffix`, `part`"));
            }
        };
        terms.push(Term { text: term.to_owned(), severity, matching, line });
    }
    if terms.is_empty() {
        return Err(LoadError::new(place, "no terms, expected at least one"));
    }
    Ok(terms)
}
