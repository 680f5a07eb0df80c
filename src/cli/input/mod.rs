//! Rows of input files: JSON lines, CSV, TSV, Parquet or plain lines, compressed or not, told by content. Each row is
//! either a prompt or an error that says what is wrong; nothing is skipped unsaid.
//!
//! An [`Input`] cuts a file into [`Chunk`]s on one thread; what a chunk holds is made into [`Row`]s by whoever judges it.

mod batches;
mod fields;
mod lines;
mod row;
mod table;
mod tabs;

use std::fs::File;
use std::io::{self, BufRead, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use clap::ValueEnum;

use super::source::{LOOK_AT, Source, cannot_read, is_stdin, place_of};
use batches::{Batches, Record};

pub(super) use fields::{FieldPath, Text, found, object};
pub(super) use lines::Lines;
pub(super) use row::{Content, Row, Standing, Wanted};
pub(super) use table::{Cells, Table};
use tabs::Tabs;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One JSON object a line
    Jsonl,
    /// One prompt a line
    Lines,
    /// Comma-separated values with a header
    Csv,
    /// Tab-separated values with a header
    Tsv,
    /// A Parquet file
    Parquet,
}

/// Records between two reports to whoever judges.
const CHUNK_RECORDS: usize = 512;
/// Bytes likewise: long records make smaller chunks.
const CHUNK_BYTES: usize = 1 << 20;

/// One file, or standard input, cut into chunks.
pub(super) struct Input {
    place: Arc<str>,
    records: Records,
    read: Arc<AtomicU64>,
    /// Of a stream, whether a whole line is here already.
    has_line: Option<Arc<AtomicBool>>,
    /// Whether somebody waits for each row.
    is_followed: bool,
    /// Records given so far.
    given: u64,
    /// Whether the end has been reached, or what cannot be read.
    ended: bool,
}

enum Records {
    Lines(Lines, Format),
    Table(Box<Table>, Arc<Header>),
    Tabs(Box<Tabs>, Arc<Header>),
    Batches(Batches),
    /// What is wrong with the file as a whole.
    Broken(String),
}

/// The columns of a table: how many, and where the wanted fields stand.
pub(super) struct Header {
    columns: usize,
    wanted: Vec<Option<usize>>,
}

/// Records in a row of one input.
pub(super) struct Chunk {
    /// The input they come from.
    pub(super) place: Arc<str>,
    /// Which input that is, where there are several.
    input: u64,
    /// How many bytes of the file have been read so far.
    pub(super) read: u64,
    /// Records of the input before this chunk. Blank lines between JSON rows are no records.
    first: u64,
    content: Held,
}

enum Held {
    Lines(Vec<Numbered<Vec<u8>>>, Format),
    Cells(Vec<Numbered<Cells>>, Arc<Header>),
    Records(Vec<Numbered<Record>>),
    Broken(u64, String),
}

/// A record with its line, or what is wrong with it.
type Numbered<T> = (u64, Result<T, String>);

impl Input {
    /// Opens `path`, or standard input for `-`. What cannot be opened becomes one broken record.
    pub(super) fn open(path: &Path, format: Option<Format>, wanted: &Wanted) -> Self {
        if let Some(file) = parquet(path, format) {
            return match Batches::open(file, &wanted.paths()) {
                Ok(batches) => Self::of(path, Records::Batches(batches)),
                Err(problem) => Self::broken(path, &problem),
            };
        }
        match Source::open(path) {
            Ok(source) => {
                let (read, has_line) = (Arc::clone(&source.read), source.has_line.clone());
                Self { read, has_line, ..Self::of(path, Records::of(source, path, format, wanted)) }
            }
            Err(problem) => Self::broken(path, &problem),
        }
    }

    /// Has what came through a pipe so far make a chunk, for somebody who waits for each row. Otherwise equal inputs are cut into
    /// equal chunks: a scan that goes on counts them.
    pub(super) fn followed(self) -> Self {
        Self { is_followed: true, ..self }
    }

    fn of(path: &Path, records: Records) -> Self {
        Self {
            place: place_of(path).into(),
            records,
            read: Arc::default(),
            has_line: None,
            is_followed: false,
            given: 0,
            ended: false,
        }
    }

    /// One broken record, which says what is wrong with `path`.
    pub(super) fn broken(path: &Path, problem: &str) -> Self {
        Self::of(path, Records::Broken(problem.to_owned()))
    }

    /// The next records, `None` at the end. Where the file cannot be read any further, the last record says so.
    pub(super) fn next_chunk(&mut self) -> Option<Chunk> {
        if self.ended {
            return None;
        }
        let may_wait =
            || self.is_followed && self.has_line.as_ref().is_some_and(|has_line| !has_line.load(Ordering::Relaxed));
        let content = match &mut self.records {
            Records::Lines(lines, format) => {
                let format = *format;
                let (records, ended) = gather(lines, |lines| next_line(lines, format), Lines::line, Vec::len, may_wait);
                self.ended = ended;
                Held::Lines(records, format)
            }
            Records::Table(table, header) => {
                let (records, ended) = gather(&mut **table, Table::next_record, Table::line, Cells::bytes, may_wait);
                self.ended = ended;
                Held::Cells(records, Arc::clone(header))
            }
            Records::Tabs(tabs, header) => {
                let (records, ended) = gather(&mut **tabs, Tabs::next_record, Tabs::line, Cells::bytes, may_wait);
                self.ended = ended;
                Held::Cells(records, Arc::clone(header))
            }
            Records::Batches(batches) => {
                let next = |batches: &mut Batches| Ok(batches.next_record());
                let (records, ended) = gather(batches, next, Batches::rows, Record::bytes, may_wait);
                self.read.store(batches.read(), Ordering::Relaxed);
                self.ended = ended;
                Held::Records(records)
            }
            Records::Broken(message) => {
                self.ended = true;
                Held::Broken(0, std::mem::take(message))
            }
        };
        let (read, first) = (self.read.load(Ordering::Relaxed), self.given);
        self.given += content.records();
        let chunk = Chunk { place: Arc::clone(&self.place), input: 0, read, first, content };
        (chunk.content.records() > 0).then_some(chunk)
    }
}

/// The next line with its number; of JSON the next one that is not blank.
fn next_line(lines: &mut Lines, format: Format) -> io::Result<Option<Numbered<Vec<u8>>>> {
    loop {
        let Some(line) = lines.next_line()? else { return Ok(None) };
        if format == Format::Lines || line.as_ref().map_or(true, |bytes| !bytes.trim_ascii().is_empty()) {
            return Ok(Some((lines.line(), line)));
        }
    }
}

/// Reads records until there are enough, the next one may have to be waited for, or there is none any more; the second value
/// says whether that is so. What cannot be read is the last one.
fn gather<S, T>(
    source: &mut S,
    next: impl Fn(&mut S) -> io::Result<Option<Numbered<T>>>,
    line: impl Fn(&S) -> u64,
    bytes: impl Fn(&T) -> usize,
    may_wait: impl Fn() -> bool,
) -> (Vec<Numbered<T>>, bool) {
    let (mut records, mut size) = (Vec::with_capacity(CHUNK_RECORDS), 0);
    while records.len() < CHUNK_RECORDS && size < CHUNK_BYTES {
        match next(source) {
            Ok(Some(record)) => {
                size += record.1.as_ref().map_or(0, &bytes);
                records.push(record);
                if may_wait() {
                    break;
                }
            }
            Ok(None) => return (records, true),
            Err(error) => {
                records.push((line(source) + 1, Err(cannot_read(&error))));
                return (records, true);
            }
        }
    }
    (records, false)
}

impl Records {
    fn of(mut source: Source, path: &Path, format: Option<Format>, wanted: &Wanted) -> Self {
        let told = match format.or_else(|| by_name(path)) {
            Some(format) => Ok(Some(format)),
            None => by_content(&mut source, path, wanted),
        };
        let format = match told.and_then(|format| skip_mark(&mut source).map(|()| format)) {
            Ok(Some(format)) => format,
            Ok(None) => {
                let message = "a JSON array, expected one object a line (`jq -c '.[]'` makes that)";
                return Self::Broken(message.to_owned());
            }
            Err(error) => return Self::Broken(cannot_read(&error)),
        };
        match format {
            Format::Jsonl | Format::Lines => Self::Lines(Lines::new(source.reader), format),
            Format::Csv => {
                let mut table = Table::new(source.reader, b',');
                let header = table.next_record();
                Self::behind(header, wanted, |header| Self::Table(Box::new(table), header))
            }
            Format::Tsv => {
                let mut tabs = Tabs::new(source.reader);
                let header = tabs.next_record();
                Self::behind(header, wanted, |header| Self::Tabs(Box::new(tabs), header))
            }
            Format::Parquet => {
                Self::Broken("no Parquet file, expected one as it stands: not a stream, not compressed".to_owned())
            }
        }
    }

    /// The records behind a header.
    fn behind(
        header: io::Result<Option<Numbered<Cells>>>,
        wanted: &Wanted,
        records: impl FnOnce(Arc<Header>) -> Self,
    ) -> Self {
        match header {
            Ok(Some((_, Ok(header)))) => match Header::new(&header, wanted) {
                Ok(header) => records(Arc::new(header)),
                Err(message) => Self::Broken(message),
            },
            Ok(Some((line, Err(message)))) => Self::Broken(format!("line {line}: {message}")),
            Ok(None) => Self::Lines(Lines::new(Box::new(io::empty())), Format::Lines),
            Err(error) => Self::Broken(cannot_read(&error)),
        }
    }
}

impl Header {
    fn new(header: &Cells, wanted: &Wanted) -> Result<Self, String> {
        let mut places = Vec::new();
        for path in wanted.paths() {
            let mut named = header.iter().enumerate().filter(|(_, name)| *name == path.name().as_bytes());
            let place = named.next().map(|(place, _)| place);
            if named.next().is_some() {
                return Err(format!("column `{}` is there twice, expected it once", path.name()));
            }
            places.push(place);
        }
        if places.first().is_none_or(Option::is_none) {
            return Err(format!("no column `{}` in the header, expected one", wanted.prompt.name()));
        }
        Ok(Self { columns: header.len(), wanted: places })
    }
}

impl Held {
    fn records(&self) -> u64 {
        let count = match self {
            Self::Lines(records, _) => records.len(),
            Self::Cells(records, _) => records.len(),
            Self::Records(records) => records.len(),
            Self::Broken(..) => 1,
        };
        count as u64
    }
}

impl Chunk {
    /// The same of the input with this number.
    pub(super) fn of_input(self, input: u64) -> Self {
        Self { input, ..self }
    }

    /// How many records it holds: each becomes a row.
    pub(super) fn records(&self) -> u64 {
        self.content.records()
    }

    /// The rows in their order.
    pub(super) fn rows(self, wanted: &Wanted) -> impl Iterator<Item = Row> {
        let input = self.input;
        let numbered = row::rows(self.content, self.place, wanted).zip(self.first..);
        numbered.map(move |(row, ordinal)| Row { standing: Standing { input, ordinal }, ..row })
    }
}

/// The file if it is a Parquet file.
fn parquet(path: &Path, format: Option<Format>) -> Option<File> {
    if is_stdin(path) || format.is_some_and(|format| format != Format::Parquet) {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let mut start = [0; 4];
    let is_parquet = format == Some(Format::Parquet) || file.read_exact(&mut start).is_ok() && start == PARQUET;
    file.rewind().ok()?;
    (is_parquet && file.metadata().is_ok_and(|meta| meta.is_file())).then_some(file)
}

/// How a Parquet file begins.
const PARQUET: &[u8] = b"PAR1";

/// What the name says, the ending of a compression aside.
fn by_name(path: &Path) -> Option<Format> {
    Some(match ending(path)?.as_str() {
        "jsonl" | "ndjson" => Format::Jsonl,
        "csv" => Format::Csv,
        "tsv" => Format::Tsv,
        _ => return None,
    })
}

/// The ending of a name, in small letters, that of a compression aside.
fn ending(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let name = [".gz", ".zst", ".zstd"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    Some(Path::new(name).extension()?.to_str()?.to_owned())
}

/// JSON lines start with an object; a table has a first line with the column of the prompt; all else is plain lines. `None` for
/// a JSON array, which would be one prompt, or many that are none.
fn by_content(source: &mut Source, path: &Path, wanted: &Wanted) -> io::Result<Option<Format>> {
    let start = source.look(tells_format)?;
    let start = start.get(..LOOK_AT).unwrap_or(start);
    if start.starts_with(PARQUET) {
        return Ok(Some(Format::Parquet));
    }
    let start = without_mark(start).trim_ascii_start();
    let is_json = ending(path).is_some_and(|ending| ending == "json");
    if start.first() == Some(&b'{') {
        return Ok(Some(Format::Jsonl));
    }
    if first_signs(start) == ARRAY || is_json && start.first() == Some(&b'[') {
        return Ok(None);
    }
    let first = start.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let prompt = wanted.prompt.name();
    let names_it = |cell: &[u8]| cell == prompt.as_bytes() || cell == format!("\"{prompt}\"").as_bytes();
    let of = [(Format::Csv, b','), (Format::Tsv, b'\t')].into_iter().find(|(_, delimiter)| {
        first.contains(delimiter) && first.split(|byte| byte == delimiter).any(|cell| names_it(cell.trim_ascii()))
    });
    Ok(Some(of.map_or(Format::Lines, |(format, _)| format)))
}

/// How an array of objects begins, spaces aside. A prompt may begin with `[{`, for a choice inside of a weight.
const ARRAY: &[u8] = b"[{\"";

fn first_signs(start: &[u8]) -> Vec<u8> {
    start.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(ARRAY.len()).collect()
}

/// Whether the start of a stream tells its format: its first line is whole, and no array may begin there.
fn tells_format(start: &[u8]) -> bool {
    let text = without_mark(start).trim_ascii_start();
    let signs = first_signs(text);
    start.len() >= LOOK_AT || text.contains(&b'\n') && (signs.len() == ARRAY.len() || !ARRAY.starts_with(&signs))
}

/// The byte order mark that some writers set in front of UTF-8.
pub(super) const MARK: &[u8] = "\u{feff}".as_bytes();

fn without_mark(start: &[u8]) -> &[u8] {
    start.strip_prefix(MARK).unwrap_or(start)
}

fn skip_mark(source: &mut Source) -> io::Result<()> {
    if source.look(|start| start.len() >= MARK.len() || !MARK.starts_with(start))?.starts_with(MARK) {
        source.reader.consume(MARK.len());
    }
    Ok(())
}
