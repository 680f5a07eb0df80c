//! `promptgate merge`: the outputs of all shards of a scan put together again.
//!
//! Beside the output of a shard lies what it counted (`FILE.shard`), from which the order of all rows follows.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::files::{beside, write_whole};
use super::journal::{GOES_ON, Journal, Note, Plan};
use super::options::OutputFormat;
use super::output::{Output, Target};
use super::report::{self, About};
use super::shard::{Shard, index};
use super::summary::Summary;
use crate::cli::source::Source;
use crate::cli::{Failure, tell};

pub(in crate::cli) const HELP: &str = "Takes the outputs of all shards of one scan (JSONL, compressed or not), each with its FILE.shard beside it, and writes what one
scan of everything would have written, byte for byte. Exit status as for `scan`.

Examples:
  promptgate scan logs/ --shard 1/2 -o part-1.jsonl   # on one machine
  promptgate scan logs/ --shard 2/2 -o part-2.jsonl   # on another one
  promptgate merge part-1.jsonl part-2.jsonl -o decisions.parquet --report report/";

/// Bytes of lines that are written at once.
const TOGETHER: usize = 1 << 20;

/// What lies beside the output of a shard.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) schema: u32,
    pub(super) shard: Shard,
    /// What was scanned how.
    pub(super) plan: Plan,
    /// Rows of each input, those of other shards too.
    pub(super) records: Vec<u64>,
    pub(super) seconds: f64,
    pub(super) summary: Summary,
}

impl Manifest {
    fn path_of(output: &Path) -> PathBuf {
        beside(output, ".shard")
    }

    /// Writes it beside the output.
    pub(super) fn write(&self, output: &Path) -> Result<(), Failure> {
        let path = Self::path_of(output);
        let text = serde_json::to_string(self)
            .map_err(|error| Failure::File(path.display().to_string(), error.to_string()))?;
        write_whole(&path, text.as_bytes())
    }

    /// Removes what an earlier scan left: it says nothing of the rows that come.
    pub(super) fn remove(output: &Path) -> Result<(), Failure> {
        let path = Self::path_of(output);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::on_output(&path.display().to_string(), &error))
            }
            _ => Ok(()),
        }
    }

    fn read(output: &Path) -> Result<Self, Failure> {
        if Journal::path_of(output).exists() {
            let message = "its scan has not ended, expected a shard that is whole; `--resume` goes on with it";
            return Err(Failure::File(output.display().to_string(), message.to_owned()));
        }
        let path = Self::path_of(output);
        let fail = |what: &str| Failure::File(path.display().to_string(), what.to_owned());
        let text = fs::read_to_string(&path).map_err(|error| {
            fail(&format!("cannot be read: {error}, expected what `scan --shard` writes beside its output"))
        })?;
        serde_json::from_str(&text).map_err(|_| fail("no account of a shard, expected what `scan --shard` writes"))
    }
}

#[derive(clap::Args)]
pub(in crate::cli) struct Merge {
    /// The outputs of all shards, in any order
    #[arg(required = true, value_name = "FILE")]
    shards: Vec<PathBuf>,
    /// Write here instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How decisions are written; by default what the name of the output says, else JSONL
    #[arg(long, value_name = "FORMAT")]
    output_format: Option<OutputFormat>,
    /// Replace output and report if they are there
    #[arg(long)]
    force: bool,
    /// Write the summary and the page of the whole scan to this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// No summary on standard error
    #[arg(short, long)]
    quiet: bool,
}

pub(in crate::cli) fn run(options: &Merge) -> Result<ExitCode, Failure> {
    let manifests = options.shards.iter().map(|path| Manifest::read(path)).collect::<Result<Vec<_>, _>>()?;
    let shards = in_order(&options.shards, &manifests)?;
    let Some((_, first)) = shards.first() else { return Ok(ExitCode::SUCCESS) };
    if let Some(report) = &options.report {
        report::may_write(report, options.force)?;
    }
    let format = OutputFormat::of(options.output_format, options.output.as_deref());
    if format == OutputFormat::Table {
        return Err(Failure::File("--output-format".to_owned(), "a table, expected JSONL or Parquet".to_owned()));
    }
    let target = Target { path: options.output.as_deref(), format, force: options.force, resume: false };
    let inputs: Vec<&Path> = options.shards.iter().map(PathBuf::as_path).collect();
    let left = target.path.map(Journal::path_of).filter(|journal| !options.force && journal.exists());
    if let Some(journal) = left {
        let message = "left by a merge or scan that was cut off, expected none; `--force` merges anew";
        return Err(Failure::File(journal.display().to_string(), message.to_owned()));
    }
    let lines = shards.iter().map(|(path, _)| Lines::open(path)).collect::<Result<Vec<_>, _>>()?;
    let (output, _) = Output::open(&target, &inputs, &first.plan)?;
    let journal = match put_together(first, lines, output) {
        Ok(journal) => journal,
        Err(failure) => {
            // A merge begins anew, and nothing stands in its way.
            target.path.into_iter().for_each(super::output::discard);
            return Err(match failure {
                Failure::File(place, message) => Failure::File(place, message.replace(GOES_ON, "")),
                other => other,
            });
        }
    };
    let mut summary = Summary::default();
    for (_, manifest) in &shards {
        summary.add(manifest.summary.clone());
    }
    if let Some(folder) = &options.report {
        let seconds = manifests.iter().map(|manifest| manifest.seconds).sum();
        report::write(folder, &About::new(&first.plan, seconds), &summary)?;
    }
    journal.map_or(Ok(()), Journal::end)?;
    if !options.quiet {
        tell(summary.totals.in_words());
    }
    Ok(summary.totals.status(summary.totals.stopped()))
}

/// Writes the lines of all shards in the order of the input.
fn put_together(first: &Manifest, mut lines: Vec<Lines>, mut output: Output) -> Result<Option<Journal>, Failure> {
    let mut chunk = Vec::new();
    for (stamp, records) in first.plan.inputs.iter().zip(&first.records) {
        for ordinal in 0..*records {
            let of = index(first.shard.count, &stamp.place, ordinal);
            // Counted from 1, in the order of the shards.
            let Some(lines) = usize::try_from(of).ok().and_then(|of| lines.get_mut(of - 1)) else { continue };
            lines.next_into(&mut chunk)?;
            if chunk.len() >= TOGETHER {
                output.write(&chunk, Note::default)?;
                chunk.clear();
            }
        }
    }
    output.write(&chunk, Note::default)?;
    lines.iter_mut().try_for_each(Lines::must_have_ended)?;
    output.finish(Note::default())
}

/// The shards from the first to the last, if they are all there and of one scan.
fn in_order<'a>(paths: &'a [PathBuf], manifests: &'a [Manifest]) -> Result<Vec<(&'a Path, &'a Manifest)>, Failure> {
    let mut shards: Vec<(&Path, &Manifest)> = paths.iter().map(PathBuf::as_path).zip(manifests).collect();
    shards.sort_by_key(|(_, manifest)| manifest.shard.index);
    let fail = |path: &Path, what: String| Err(Failure::File(path.display().to_string(), what));
    let Some((_, first)) = shards.first() else { return Ok(shards) };
    for ((path, manifest), expected) in shards.iter().zip(1..) {
        if let Some(change) = first.plan.change(&manifest.plan) {
            return fail(path, format!("{change}, expected shards of one scan"));
        }
        if (manifest.shard.index, manifest.shard.count) != (expected, first.shard.count)
            || manifest.records != first.records
        {
            return fail(path, format!("shard {}, expected shard {expected}/{}", manifest.shard, first.shard.count));
        }
    }
    if shards.len() as u64 != first.shard.count {
        let path = shards.last().map_or(Path::new(""), |(path, _)| path);
        return fail(path, format!("the last of {} shards, expected {}", shards.len(), first.shard.count));
    }
    Ok(shards)
}

/// The lines of a shard's output.
struct Lines {
    place: String,
    reader: BufReader<Box<dyn BufRead + Send>>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, Failure> {
        let place = path.display().to_string();
        let mut source = Source::open(path).map_err(|error| Failure::File(place.clone(), error))?;
        let fail = |error: std::io::Error| Failure::File(place.clone(), format!("cannot be read: {error}"));
        let start = source.reader.fill_buf().map_err(fail)?;
        if !start.is_empty() && start.first() != Some(&b'{') {
            return Err(Failure::File(place, "no JSONL, expected the output of a shard as JSONL".to_owned()));
        }
        Ok(Self { place, reader: BufReader::new(source.reader) })
    }

    fn next_into(&mut self, lines: &mut Vec<u8>) -> Result<(), Failure> {
        let fail = |what: String| Failure::File(self.place.clone(), what);
        let read = self.reader.read_until(b'\n', lines).map_err(|error| fail(format!("cannot be read: {error}")))?;
        if read == 0 || lines.last() != Some(&b'\n') {
            return Err(fail("ends before the last row of its shard, expected all rows".to_owned()));
        }
        Ok(())
    }

    fn must_have_ended(&mut self) -> Result<(), Failure> {
        let rest = self.reader.fill_buf().is_ok_and(<[u8]>::is_empty);
        let fail = || {
            Failure::File(
                self.place.clone(),
                "more rows than its shard has, expected the output of one scan".to_owned(),
            )
        };
        if rest { Ok(()) } else { Err(fail()) }
    }
}
