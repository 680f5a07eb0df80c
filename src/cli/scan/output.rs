//! Where rows go. A file gets its name only once it is complete, so that half a scan is never taken for a whole one; until
//! then it grows as `NAME.part`, with a journal beside it from which a scan that was cut off goes on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Stdout, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::columns;
use super::files::{beside, sync_folder};
use super::journal::{Checkpoint, Journal, Note, Plan, cut_off};
use super::options::OutputFormat;
use crate::cli::Failure;

/// Chunks in a zstd frame, about four thousand rows: a scan may go on where a frame ends.
const CHUNKS_PER_FRAME: u64 = 8;
/// Shortest time between two waits for the disk.
const BETWEEN_SYNCS: Duration = Duration::from_millis(500);
/// How hard zstd tries: 3 is its own default, and faster than the models by far.
const ZSTD_LEVEL: i32 = 3;

/// Where rows are to go, and how.
pub(super) struct Target<'a> {
    /// A file; standard output if absent or `-`.
    pub(super) path: Option<&'a Path>,
    pub(super) format: OutputFormat,
    /// Replace what is there.
    pub(super) force: bool,
    /// Go on with what is there.
    pub(super) resume: bool,
}

/// The output of a scan.
pub(super) enum Output {
    /// Standard output: nothing to go on with.
    Stream(BufWriter<Stdout>),
    /// The same, compressed.
    Packed(Box<zstd::Encoder<'static, BufWriter<Stdout>>>),
    /// A file that is being written.
    File(Box<Part>),
    /// A file that is whole.
    Named(Journal),
}

/// A file that is being written.
pub(super) struct Part {
    writer: Writer,
    /// The unfinished file.
    growing: PathBuf,
    /// Its name to be.
    path: PathBuf,
    format: OutputFormat,
    journal: Journal,
    done: Checkpoint,
    synced: Instant,
}

enum Writer {
    Plain(BufWriter<File>),
    /// The frame that is open, and what is behind it.
    Zstd(Box<zstd::Encoder<'static, BufWriter<File>>>),
    /// Between two frames.
    Between(BufWriter<File>),
    /// Only while one becomes the other.
    Moved,
}

impl Output {
    /// Makes the output ready, and says from which checkpoint on rows are wanted, and what was counted before.
    pub(super) fn open(target: &Target<'_>, inputs: &[&Path], plan: &Plan) -> Result<(Self, Checkpoint), Failure> {
        let Some(path) = target.path.filter(|path| *path != Path::new("-")) else {
            return Ok((Self::stream(target.format)?, Checkpoint::default()));
        };
        let fail = |message: &str| Err(Failure::File(path.display().to_string(), message.to_owned()));
        let part = beside(path, ".part");
        let journal = Journal::path_of(path);
        let there = |paths: &[&Path]| paths.iter().filter_map(|path| fs::canonicalize(path).ok()).collect::<Vec<_>>();
        let (read, written) = (there(inputs), there(&[path, &part, &journal]));
        if written.iter().any(|file| read.contains(file)) {
            return fail("output is also an input, expected another file");
        }
        if let Ok(there) = fs::canonicalize(path) {
            if there.is_dir() {
                return fail("output is a folder, expected a file");
            }
            // A pipe or a device would be replaced by a file.
            if !there.is_file() {
                return fail("output is no file, expected one, or standard output sent there");
            }
            if target.resume && !journal.exists() {
                return fail("output is whole already, expected an unfinished scan; `--force` begins anew");
            }
            if !target.force && !target.resume {
                return fail("output is there already, expected a new file or `--force`");
            }
        }
        if part.exists() && !journal.exists() && !target.force {
            return fail("a file is where it would grow (FILE.part), of no scan that is known; `--force` replaces it");
        }
        let unfinished = journal.exists();
        if unfinished && !target.resume && !target.force {
            return fail(
                "an unfinished scan is there, expected `--resume` to go on with it or `--force` to begin anew",
            );
        }
        let (journal, done) = if target.resume {
            Journal::take_up(path, plan)?
        } else {
            (Journal::begin(path, plan)?, Checkpoint::default())
        };
        let fail = |error: io::Error| Failure::on_output(&part.display().to_string(), &error);
        if done.whole && !part.exists() && path.exists() {
            // It was cut off when the rows had their name already.
            return Ok((Self::Named(journal), done));
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&part).map_err(fail)?;
        if file.metadata().map_err(fail)?.len() < done.bytes {
            let message =
                format!("shorter than the journal says, expected {} bytes; `--force` begins anew", done.bytes);
            return Err(Failure::File(part.display().to_string(), message));
        }
        file.set_len(done.bytes).and_then(|()| sync_folder(path)).map_err(fail)?;
        file.seek(SeekFrom::Start(done.bytes)).map_err(fail)?;
        let file = BufWriter::with_capacity(1 << 18, file);
        let format = target.format;
        let writer = if format.is_spooled_in_zstd() { Writer::Between(file) } else { Writer::Plain(file) };
        let path = path.to_owned();
        let written = Checkpoint { note: Note::default(), ..done.clone() };
        let part = Part { writer, growing: part, path, format, journal, done: written, synced: Instant::now() };
        Ok((Self::File(Box::new(part)), done))
    }

    fn stream(format: OutputFormat) -> Result<Self, Failure> {
        let stdout = BufWriter::with_capacity(1 << 18, io::stdout());
        match format {
            OutputFormat::Jsonl | OutputFormat::Table => Ok(Self::Stream(stdout)),
            OutputFormat::JsonlZst => match zstd::Encoder::new(stdout, ZSTD_LEVEL) {
                Ok(encoder) => Ok(Self::Packed(Box::new(encoder))),
                Err(error) => Err(on_stdout(&error)),
            },
            OutputFormat::Parquet => {
                let message = "Parquet cannot be written to standard output, expected a file (-o)";
                Err(Failure::File("--output-format".to_owned(), message.to_owned()))
            }
        }
    }

    /// Writes the rows of one chunk; `note` is asked, if the scan may go on from its end, for what is known then.
    pub(super) fn write(&mut self, bytes: &[u8], note: impl FnOnce() -> Note) -> Result<(), Failure> {
        match self {
            // Whoever reads along sees rows as they come.
            Self::Stream(stream) => {
                stream.write_all(bytes).and_then(|()| stream.flush()).map_err(|error| on_stdout(&error))
            }
            Self::Packed(stream) => stream.write_all(bytes).map_err(|error| on_stdout(&error)),
            Self::File(part) => part.write(bytes, note),
            Self::Named(journal) => Err(journal.too_much()),
        }
    }

    /// Brings what is written to the disk, so that the scan can go on from here.
    pub(super) fn pause(self, note: Note) -> Result<(), Failure> {
        match self {
            Self::File(mut part) => part.checkpoint(note),
            other => other.finish(note).map(drop),
        }
    }

    /// Brings everything to the disk and gives the file its name. The journal may end once there is nothing left to do.
    pub(super) fn finish(self, note: Note) -> Result<Option<Journal>, Failure> {
        match self {
            Self::Stream(mut stream) => stream.flush().map(|()| None).map_err(|error| on_stdout(&error)),
            Self::Packed(stream) => {
                stream.finish().and_then(|mut stream| stream.flush()).map(|()| None).map_err(|error| on_stdout(&error))
            }
            Self::File(part) => part.finish(note).map(Some),
            Self::Named(journal) => Ok(Some(journal)),
        }
    }
}

/// Removes what is left of an output with which nothing can go on.
pub(super) fn discard(path: &Path) {
    for left in [beside(path, ".part"), table_part(path), Journal::path_of(path)] {
        let _ = fs::remove_file(left);
    }
}

/// Where a Parquet file grows.
fn table_part(path: &Path) -> PathBuf {
    beside(path, ".table.part")
}

fn on_stdout(error: &io::Error) -> Failure {
    Failure::on_output("standard output", error)
}

impl Part {
    fn write(&mut self, bytes: &[u8], note: impl FnOnce() -> Note) -> Result<(), Failure> {
        let part = self.growing.clone();
        let fail = |error: io::Error| cut_off(&part, &error);
        self.writer.write(bytes).map_err(fail)?;
        self.done.chunks += 1;
        if self.done.chunks.is_multiple_of(CHUNKS_PER_FRAME) {
            self.writer.end_frame().map_err(fail)?;
        }
        if self.synced.elapsed() >= BETWEEN_SYNCS && self.writer.may_go_on() {
            self.checkpoint(note())?;
        }
        Ok(())
    }

    /// Inside of a frame there is nothing to go on from: two runs would not be alike.
    fn checkpoint(&mut self, note: Note) -> Result<(), Failure> {
        if !self.writer.may_go_on() {
            return Ok(());
        }
        self.done.bytes = self.writer.sync().map_err(|error| cut_off(&self.growing, &error))?;
        self.done.note = note;
        self.journal.note(&self.done)?;
        self.synced = Instant::now();
        Ok(())
    }

    fn finish(mut self, note: Note) -> Result<Journal, Failure> {
        let part = self.growing.clone();
        let fail = |error: io::Error| cut_off(&part, &error);
        if self.done.chunks == 0 && self.done.bytes == 0 {
            // No rows are an empty frame, not an empty file, which nothing could read.
            self.writer.write(&[]).map_err(fail)?;
        }
        self.writer.end_frame().map_err(fail)?;
        self.done.whole = true;
        self.checkpoint(note)?;
        if self.format == OutputFormat::Parquet {
            let table = table_part(&self.path);
            columns::write(&self.growing, &table)?;
            fs::rename(&table, &self.path).and_then(|()| sync_folder(&self.path)).map_err(fail)?;
            fs::remove_file(&self.growing).map_err(fail)?;
        } else {
            fs::rename(&self.growing, &self.path).map_err(fail)?;
        }
        sync_folder(&self.path).map_err(fail)?;
        Ok(self.journal)
    }
}

impl Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Self::Between(_) = self
            && let Self::Between(file) = std::mem::replace(self, Self::Moved)
        {
            *self = Self::Zstd(Box::new(zstd::Encoder::new(file, ZSTD_LEVEL)?));
        }
        match self {
            Self::Plain(file) => file.write_all(bytes),
            Self::Zstd(frame) => frame.write_all(bytes),
            Self::Between(_) | Self::Moved => Err(io::Error::other("no open frame")),
        }
    }

    fn may_go_on(&self) -> bool {
        matches!(self, Self::Plain(_) | Self::Between(_))
    }

    fn end_frame(&mut self) -> io::Result<()> {
        if let Self::Zstd(_) = self
            && let Self::Zstd(frame) = std::mem::replace(self, Self::Moved)
        {
            *self = Self::Between(frame.finish()?);
        }
        Ok(())
    }

    /// Brings everything to the disk; returns how much that is.
    fn sync(&mut self) -> io::Result<u64> {
        match self {
            Self::Plain(file) | Self::Between(file) => {
                file.flush()?;
                file.get_ref().sync_data()?;
                file.get_mut().stream_position()
            }
            Self::Zstd(_) | Self::Moved => Err(io::Error::other("a frame is open")),
        }
    }
}
