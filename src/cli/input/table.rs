//! Records of CSV streams, quoted line ends and all, none longer than may be kept in memory.

use std::io::{self, BufRead};

use csv_core::ReadRecordResult;

use super::lines::{MAX_RECORD_BYTES, too_long};

/// The most fields of a record.
pub(super) const MOST_FIELDS: usize = 1 << 16;

/// The fields of a record, end to end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::cli) struct Cells {
    pub(super) text: Vec<u8>,
    pub(super) ends: Vec<usize>,
}

impl Cells {
    /// How many fields there are.
    pub(in crate::cli) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes that all fields take: even those that are empty take some.
    pub(in crate::cli) fn bytes(&self) -> usize {
        self.text.len() + size_of_val(self.ends.as_slice())
    }

    /// A field.
    pub(in crate::cli) fn get(&self, column: usize) -> Option<&[u8]> {
        let start = match column.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..*self.ends.get(column)?)
    }

    /// The fields in order.
    pub(in crate::cli) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|column| self.get(column))
    }
}

/// Reads record after record.
pub(in crate::cli) struct Table {
    reader: Box<dyn BufRead + Send>,
    core: csv_core::Reader,
    /// Line ends read so far.
    ends: u64,
    /// Whether the byte read last was one.
    at_end: bool,
    /// Room that the record before took.
    room: (usize, usize),
}

impl Table {
    /// Fields end at `delimiter`.
    pub(in crate::cli) fn new(reader: Box<dyn BufRead + Send>, delimiter: u8) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Self { reader, core, ends: 0, at_end: true, room: (256, 16) }
    }

    /// Lines read so far.
    pub(in crate::cli) fn line(&self) -> u64 {
        self.ends
    }

    /// The next record with the line it begins on, counted from 1; `None` behind the last one. The inner error says that it is
    /// too long, or has no end: such a record is read to its end, not kept.
    pub(in crate::cli) fn next_record(&mut self) -> io::Result<Option<(u64, Result<Cells, String>)>> {
        if !self.skip_blank_lines()? {
            return Ok(None);
        }
        let line = self.ends + 1;
        let mut cells = Cells { text: vec![0; self.room.0], ends: vec![0; self.room.1] };
        let (mut text, mut fields, mut whole) = (0, 0, true);
        loop {
            let input = self.reader.fill_buf()?;
            // A line end behind the last line ends a record that has none, unless it is inside of quotes.
            let ended_here = input.is_empty();
            let input = if ended_here { b"\n" } else { input };
            let room =
                (cells.text.get_mut(text..).unwrap_or_default(), cells.ends.get_mut(fields..).unwrap_or_default());
            let (result, read, written, ended) = self.core.read_record(input, room.0, room.1);
            if !ended_here {
                self.ends += line_ends(input.get(..read).unwrap_or_default());
                self.at_end = read.checked_sub(1).map_or(self.at_end, |last| input.get(last) == Some(&b'\n'));
                self.reader.consume(read);
            } else if written > 0 {
                return Ok(Some((line, Err(self.never_closed(line)))));
            }
            text += written;
            fields += ended;
            match result {
                // Nothing but a byte order mark.
                ReadRecordResult::InputEmpty if ended_here => return Ok(None),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if cells.text.len() < MAX_RECORD_BYTES => {
                    cells.text.resize((cells.text.len() * 2).min(MAX_RECORD_BYTES), 0);
                }
                ReadRecordResult::OutputEndsFull if cells.ends.len() < MOST_FIELDS => {
                    cells.ends.resize(cells.ends.len() * 2, 0);
                }
                // Write over what is there already: nobody will read it.
                ReadRecordResult::OutputFull => (text, whole) = (0, false),
                ReadRecordResult::OutputEndsFull => (fields, whole) = (0, false),
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        if !whole {
            return Ok(Some((line, Err(too_long()))));
        }
        cells.text.truncate(text);
        cells.ends.truncate(fields);
        self.room = (text.next_power_of_two().clamp(256, 1 << 16), fields.next_power_of_two().max(16));
        Ok(Some((line, Ok(cells))))
    }

    /// What is said of a quote without an end, which takes in all that comes.
    fn never_closed(&self, line: u64) -> String {
        let more = (self.ends + u64::from(!self.at_end)).saturating_sub(line);
        let taken = if more == 0 { String::new() } else { format!(", {more} lines behind it are read as part of it") };
        format!("quote never closed{taken}, expected a closing `\"`")
    }

    /// Goes to the first byte that is no line end; says whether there is one.
    fn skip_blank_lines(&mut self) -> io::Result<bool> {
        loop {
            let input = self.reader.fill_buf()?;
            if input.is_empty() {
                return Ok(false);
            }
            let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.ends += line_ends(input.get(..blank).unwrap_or_default());
            if blank == 0 {
                return Ok(true);
            }
            self.reader.consume(blank);
        }
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, delimiter: u8) -> Vec<(u64, Result<Vec<String>, String>)> {
        // Few bytes at a time, so that records lie across reads.
        let reader = io::BufReader::with_capacity(3, io::Cursor::new(text.as_bytes().to_vec()));
        let mut table = Table::new(Box::new(reader), delimiter);
        let strings = |cells: Cells| cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
        std::iter::from_fn(|| table.next_record().unwrap()).map(|(line, cells)| (line, cells.map(strings))).collect()
    }

    #[test]
    fn records_know_their_line() {
        let text = "\n\nprompt,labels\r\n\r\n\"two\nlines\",gore\r\na boat,\n\n\n\"\n\",\nlast,\"say \"\"hi\"\"\"";
        let lines: Vec<(u64, Vec<String>)> =
            read(text, b',').into_iter().map(|(line, row)| (line, row.unwrap())).collect();
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let expected = [
            (3, row(["prompt", "labels"])),
            (5, row(["two\nlines", "gore"])),
            (7, row(["a boat", ""])),
            (10, row(["\n", ""])),
            (12, row(["last", "say \"hi\""])),
        ];
        assert_eq!(lines, expected);
        assert_eq!(read("a\tb,c", b'\t'), [(1, Ok(row(["a", "b,c"])))]);
        assert_eq!(read("", b','), []);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_told_of() {
        for (text, line, words) in [
            ("a,b\n1,\"x", 2, "quote never closed, expected"),
            ("a,b\n1,\"x\"\"\n", 2, "quote never closed, expected"),
            ("a,b\n\n1,\"x\n2,y\n\n3,z", 3, "quote never closed, 3 lines behind it are read as part of it, expected"),
            ("a,b\n1,\"x\n2,y\n", 2, "quote never closed, 1 lines behind it"),
        ] {
            let rows = read(text, b',');
            let error = rows[1].1.as_ref().unwrap_err();
            assert!(rows.len() == 2 && rows[1].0 == line && error.starts_with(words), "{rows:?}");
        }
        let marked = io::Cursor::new("\u{feff}".as_bytes().to_vec());
        assert!(Table::new(Box::new(marked), b',').next_record().unwrap().is_none());
        let closed = read("a,b\n1,\"x\"", b',');
        assert_eq!(closed[1], (2, Ok(vec!["1".to_owned(), "x".to_owned()])));
    }

    #[test]
    fn a_record_that_never_ends_is_not_kept() {
        let text = format!("a,b\n\"{}\n", "x".repeat(2 * MAX_RECORD_BYTES));
        let rows = read(&text, b',');
        assert!(rows.len() == 2 && rows[1].0 == 2 && rows[1].1.is_err());
    }
}
