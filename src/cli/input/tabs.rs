//! Records of TSV streams. Some writers quote cells, others take quotes for text; what is quoted is told record by record, and
//! never at the price of a line that is a record by itself.
//!
//! A cell is quoted if it begins with a quote and ends with one, with those inside of it doubled. It may go on over line ends
//! only if the lines make a record of as many cells as the header together, and not each for itself.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use super::lines::{Lines, MAX_RECORD_BYTES, too_long};
use super::table::{Cells, MOST_FIELDS};

/// A line with its end, or what is wrong with it.
type Line = (u64, Result<Vec<u8>, String>);

/// Reads record after record.
pub(super) struct Tabs {
    lines: Lines,
    /// Lines that were looked at, and turned out to belong to no record before them.
    ahead: VecDeque<Line>,
    /// What ended the lines while they were looked at.
    failed: Option<io::Error>,
    /// Cells of the header, once it is read.
    columns: Option<usize>,
    /// The number of the last line of the record read last.
    line: u64,
}

impl Tabs {
    pub(super) fn new(reader: Box<dyn BufRead + Send>) -> Self {
        Self { lines: Lines::new(reader), ahead: VecDeque::new(), failed: None, columns: None, line: 0 }
    }

    /// Lines read so far.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next record with the line it begins on, counted from 1; `None` behind the last one. The inner error says that it is
    /// too long.
    pub(super) fn next_record(&mut self) -> io::Result<Option<(u64, Result<Cells, String>)>> {
        loop {
            let (number, line) = match self.ahead.pop_front() {
                Some(line) => line,
                None => match self.read()? {
                    Some(line) => line,
                    None => return Ok(None),
                },
            };
            self.line = number;
            let cells = match line {
                Ok(line) if text_of(&line).is_empty() => continue,
                Ok(line) if tabs(&line) >= MOST_FIELDS => Err(too_long()),
                Ok(line) => Ok(self.record(&line)),
                Err(message) => Err(message),
            };
            if let Ok(cells) = &cells {
                self.columns.get_or_insert(cells.len());
            }
            return Ok(Some((number, cells)));
        }
    }

    fn read(&mut self) -> io::Result<Option<Line>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let line = self.lines.next_whole()?;
        Ok(line.map(|line| (self.lines.line(), line)))
    }

    /// The record that begins with a line.
    fn record(&mut self, line: &[u8]) -> Cells {
        let mut quoted = Quoted::default();
        quoted.add(line);
        // A quoted cell may hold tabs.
        if !quoted.is_open && self.columns.is_none_or(|columns| columns == quoted.cells.len()) {
            return quoted.cells;
        }
        let alone = alone(line);
        match self.columns {
            Some(columns) if quoted.is_open => {
                let is_whole = alone.len() == columns;
                self.joined(quoted, columns, is_whole).unwrap_or(alone)
            }
            Some(columns) if alone.len() != columns => quoted.cells,
            _ => alone,
        }
    }

    /// Goes on with a record that is open at the end of its first line; `is_whole` says whether that is a record by itself.
    fn joined(&mut self, mut quoted: Quoted, columns: usize, mut is_whole: bool) -> Option<Cells> {
        let mut looked_at = 0;
        while quoted.is_open {
            if looked_at == self.ahead.len() {
                match self.read() {
                    Ok(Some(line)) => self.ahead.push_back(line),
                    Ok(None) => return None,
                    Err(error) => {
                        // What was read until then goes before.
                        self.failed = Some(error);
                        return None;
                    }
                }
            }
            let Some((_, Ok(line))) = self.ahead.get(looked_at) else { return None };
            looked_at += 1;
            let is_record = columns == tabs(line) + 1;
            let is_joined = quoted.add(line) && quoted.cells.bytes() <= MAX_RECORD_BYTES;
            // In the middle of a record no line is one.
            if !is_joined || is_record && (is_whole || quoted.is_open) {
                return None;
            }
            is_whole &= is_record;
        }
        if quoted.cells.len() != columns {
            return None;
        }
        if let Some((number, _)) = self.ahead.drain(..looked_at).next_back() {
            self.line = number;
        }
        Some(quoted.cells)
    }
}

/// A line without its end.
fn text_of(line: &[u8]) -> &[u8] {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    text.strip_suffix(b"\r").unwrap_or(text)
}

fn end_of(line: &[u8]) -> &[u8] {
    line.get(text_of(line).len()..).unwrap_or_default()
}

fn tabs(line: &[u8]) -> usize {
    line.iter().filter(|&&byte| byte == b'\t').count()
}

/// The cells of a line whose every tab ends one.
fn alone(line: &[u8]) -> Cells {
    let mut cells = Cells::default();
    for cell in text_of(line).split(|&byte| byte == b'\t') {
        let start = cells.text.len();
        let closed = cell.strip_prefix(b"\"").map(|inner| add_quoted(&mut cells.text, inner));
        if !matches!(closed, Some(Quote::Closed(_))) {
            cells.text.truncate(start);
            cells.text.extend_from_slice(cell);
        }
        cells.ends.push(cells.text.len());
    }
    cells
}

/// How a quoted cell ends.
enum Quote {
    /// Before the byte with this index, a tab, or at the end of the line.
    Closed(usize),
    /// Not on this line.
    Open,
    /// By a quote that is neither doubled nor at an end: it is no quoted cell.
    Wrong,
}

/// Adds what stands behind the quote that a cell begins with.
fn add_quoted(text: &mut Vec<u8>, inner: &[u8]) -> Quote {
    let mut from = 0;
    loop {
        let rest = inner.get(from..).unwrap_or_default();
        let Some(quote) = rest.iter().position(|&byte| byte == b'"') else {
            text.extend_from_slice(rest);
            return Quote::Open;
        };
        text.extend_from_slice(rest.get(..quote).unwrap_or_default());
        match rest.get(quote + 1) {
            Some(b'"') => text.push(b'"'),
            None | Some(b'\t') => return Quote::Closed(from + quote + 1),
            Some(_) => return Quote::Wrong,
        }
        from += quote + 2;
    }
}

/// A record whose quotes mean something, line by line.
#[derive(Default)]
struct Quoted {
    cells: Cells,
    /// Whether the last cell goes on on the next line.
    is_open: bool,
}

impl Quoted {
    /// Adds a line; says whether it can be a part of the record.
    fn add(&mut self, line: &[u8]) -> bool {
        let Cells { text, ends } = &mut self.cells;
        let mut rest = text_of(line);
        let mut goes_on = self.is_open;
        loop {
            let start = text.len();
            let (quoted, skipped) = match rest.strip_prefix(b"\"") {
                _ if goes_on => (add_quoted(text, rest), 0),
                Some(inner) => (add_quoted(text, inner), 1),
                None => (Quote::Wrong, 0),
            };
            let end = match quoted {
                Quote::Closed(end) => end + skipped,
                Quote::Open => {
                    text.extend_from_slice(end_of(line));
                    self.is_open = true;
                    return true;
                }
                Quote::Wrong if goes_on => return false,
                Quote::Wrong => {
                    text.truncate(start);
                    let end = rest.iter().position(|&byte| byte == b'\t').unwrap_or(rest.len());
                    text.extend_from_slice(rest.get(..end).unwrap_or_default());
                    end
                }
            };
            ends.push(text.len());
            goes_on = false;
            let Some(more) = rest.get(end + 1..) else {
                self.is_open = false;
                return true;
            };
            rest = more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Vec<String>)> {
        let mut tabs = Tabs::new(Box::new(io::Cursor::new(text.as_bytes().to_vec())));
        let strings = |cells: Cells| cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
        std::iter::from_fn(|| tabs.next_record().unwrap())
            .map(|(line, cells)| (line, strings(cells.unwrap())))
            .collect()
    }

    #[track_caller]
    fn reads(text: &str, expected: &[(u64, &[&str])]) {
        let rows = read(text);
        let rows: Vec<(u64, Vec<&str>)> =
            rows.iter().map(|(line, cells)| (*line, cells.iter().map(String::as_str).collect())).collect();
        assert_eq!(rows, expected.iter().map(|(line, cells)| (*line, cells.to_vec())).collect::<Vec<_>>());
    }

    #[test]
    fn quotes_of_spreadsheets_are_taken_off() {
        reads(
            "\"prompt\"\tid\r\n\r\n\"say \"\"hi\"\"\"\t1\n\"a\ttab\"\t2\n\"two\r\n\n lines\"\t\"3\"\nlast\t\"4\n\"",
            &[
                (1, &["prompt", "id"]),
                (3, &["say \"hi\"", "1"]),
                (4, &["a\ttab", "2"]),
                (5, &["two\r\n\n lines", "3"]),
                (8, &["last", "4\n"]),
            ],
        );
        reads("a\tb\tc\n\"x\ny\"\t\"\n\"\t\"\"\n", &[(1, &["a", "b", "c"]), (2, &["x\ny", "\n", ""])]);
    }

    #[test]
    fn other_quotes_are_text_and_cost_no_line() {
        for (lines, cells) in [
            (["\"unclosed\t1", "ends with one\"\t2"], [["\"unclosed", "1"], ["ends with one\"", "2"]]),
            (["\"Hi\" he said\t1", "\"\"\t\"2\""], [["\"Hi\" he said", "1"], ["", "2"]]),
            (["1\t\"unclosed", "2\tends with one\""], [["1", "\"unclosed"], ["2", "ends with one\""]]),
            (["\"\"\"\t1", "\"\"never\"\"\t2"], [["\"\"\"", "1"], ["\"\"never\"\"", "2"]]),
            (["\"a\t\"1\"", "b\t\"2"], [["\"a", "1"], ["b", "\"2"]]),
        ] {
            let [first, second] = &cells;
            reads(&format!("prompt\tid\n{}\n", lines.join("\n")), &[(1, &["prompt", "id"]), (2, first), (3, second)]);
        }
        // One prompt a line.
        reads("prompt\n\"one\ntwo\"\n", &[(1, &["prompt"]), (2, &["\"one"]), (3, &["two\""])]);
        // Too few cells, and no way to get more.
        reads("a\tb\n\"x\ny\nz\t1\n", &[(1, &["a", "b"]), (2, &["\"x"]), (3, &["y"]), (4, &["z", "1"])]);
    }

    #[test]
    fn looking_ahead_ends() {
        let text = "a\tb\n\"x\n".to_owned() + &"y\n".repeat(200_000) + &"\"z\n".repeat(200_000);
        let began = std::time::Instant::now();
        assert_eq!(read(&text).len(), 400_002);
        assert!(began.elapsed().as_secs() < 10);
        let long = format!("a\tb\n\"x\n{}\n", "y".repeat(MAX_RECORD_BYTES)).repeat(2);
        assert_eq!(read(&long).len(), 6);
    }
}
