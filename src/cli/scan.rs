//! `promptgate scan`: every prompt of files, one decision per row, in input order.
//!
//! One thread reads lines, rayon's workers parse and judge them, this thread writes: all at once, a few chunks in flight.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use serde::Serialize;

use super::args::{OutputFormat, Scan, Stages};
use super::input::{Input, Line, Row};
use super::{Failure, human, status};
use crate::batch::MOST_TOGETHER;
use crate::decision::{Decision, Verdict};
use crate::moderator::{Moderator, Scratch};
use crate::prompt::Prompt;

/// Lines judged between two writes.
const CHUNK_LINES: usize = 1024;
/// Bytes of lines judged between two writes: long lines make smaller chunks.
const CHUNK_BYTES: usize = 4 << 20;
/// Chunks read ahead.
const READ_AHEAD: usize = 2;

/// What a scan has counted.
#[derive(Clone, Copy, Default)]
struct Totals {
    allowed: u64,
    review: u64,
    blocked: u64,
    errors: u64,
    blank: u64,
}

/// A row that could not be read.
#[derive(Serialize)]
struct ErrorRecord<'a> {
    schema: u32,
    id: &'a str,
    error: &'a str,
}

/// Lines of one input, with its name.
struct Chunk {
    place: String,
    lines: Vec<Line>,
    bytes: usize,
}

/// What one line became.
enum Written {
    Blank,
    Error(String),
    Decision(Verdict, String),
}

pub(super) fn run(stages: &Stages, options: &Scan) -> Result<ExitCode, Failure> {
    let inputs = if options.files.is_empty() { vec![PathBuf::from("-")] } else { options.files.clone() };
    let inputs = inputs.iter().map(|path| Input::open(path, options.input_format)).collect::<Result<Vec<_>, _>>()?;
    let size = inputs.iter().map(Input::size).sum::<Option<u64>>();
    let mut output = Output::open(options)?;
    let moderator = stages.moderator()?;
    let workers = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads.unwrap_or(0))
        .build()
        .map_err(|error| Failure::File("threads".to_owned(), error.to_string()))?;
    let progress = progress(options, size);
    let began = Instant::now();
    let totals = scan(&workers, inputs, |chunk| judge(&moderator, options, chunk), &mut output, &progress)?;
    output.finish()?;
    progress.finish_and_clear();
    if !options.quiet {
        eprintln!("{}", summary(totals, began.elapsed().as_secs_f64()));
    }
    if totals.errors > 0 {
        return Ok(ExitCode::from(2));
    }
    let worst = if totals.blocked > 0 {
        Verdict::Block
    } else if totals.review > 0 {
        Verdict::Review
    } else {
        Verdict::Allow
    };
    Ok(status(worst))
}

/// Reads, judges and writes at the same time; the output keeps the order of the input.
fn scan(
    workers: &rayon::ThreadPool,
    inputs: Vec<Input>,
    judge: impl Fn(Chunk) -> Vec<Written> + Send + Sync,
    output: &mut Output,
    progress: &ProgressBar,
) -> Result<Totals, Failure> {
    let mut totals = Totals::default();
    thread::scope(|scope| {
        let (sender, chunks) = sync_channel(READ_AHEAD);
        // The reader ends when the receiver is gone, whatever ended it.
        scope.spawn(move || {
            for mut input in inputs {
                loop {
                    let chunk = next_chunk(&mut input);
                    let last = !matches!(&chunk, Ok(Some(_)));
                    if let Some(chunk) = chunk.transpose()
                        && sender.send(chunk).is_err()
                    {
                        return;
                    }
                    if last {
                        break;
                    }
                }
            }
        });
        for chunk in chunks {
            let chunk = chunk?;
            let bytes = chunk.bytes;
            for written in workers.install(|| judge(chunk)) {
                totals.count(&written);
                match written {
                    Written::Blank => {}
                    Written::Error(line) | Written::Decision(_, line) => output.write(&line)?,
                }
            }
            progress.inc(bytes as u64);
            progress.set_message(format!("{} blocked", totals.blocked));
        }
        Ok(totals)
    })
}

fn next_chunk(input: &mut Input) -> Result<Option<Chunk>, Failure> {
    let mut chunk = Chunk { place: input.place().to_owned(), lines: Vec::with_capacity(CHUNK_LINES), bytes: 0 };
    while chunk.lines.len() < CHUNK_LINES && chunk.bytes < CHUNK_BYTES {
        let Some(line) = input.next_line()? else { break };
        chunk.bytes += line.len();
        chunk.lines.push(line);
    }
    Ok((!chunk.lines.is_empty()).then_some(chunk))
}

fn judge(moderator: &Moderator, options: &Scan, chunk: Chunk) -> Vec<Written> {
    let Chunk { place, lines, .. } = chunk;
    let judge_lines = |scratch: &mut Scratch, lines: Vec<Line>| {
        let rows: Vec<Option<Row>> = lines.into_iter().map(|line| line.row(&place, options.field_names())).collect();
        judge_rows(moderator, scratch, options, &rows)
    };
    lines.into_par_iter().chunks(MOST_TOGETHER).map_init(Scratch::default, judge_lines).flatten().collect()
}

fn judge_rows(moderator: &Moderator, scratch: &mut Scratch, options: &Scan, rows: &[Option<Row>]) -> Vec<Written> {
    let contents = rows.iter().flatten().filter_map(|row| row.content.as_ref().ok());
    let prompts: Vec<Prompt<'_>> = contents
        .map(|content| Prompt {
            negative: content.negative.as_deref(),
            thorough: options.second_opinion,
            ..Prompt::new(&content.prompt)
        })
        .collect();
    // Where each is timed, each is decided by itself: together there is no time of one.
    let decisions: Vec<(Decision, Option<u64>)> = if options.timing {
        let timed = |prompt: &Prompt<'_>| {
            let began = Instant::now();
            let decision = moderator.check_with(scratch, *prompt);
            (decision, Some(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)))
        };
        prompts.iter().map(timed).collect()
    } else {
        moderator.check_batch_with(scratch, &prompts).into_iter().map(|decision| (decision, None)).collect()
    };
    let mut decisions = decisions.into_iter();
    let failed = |id: &str, error: &str| {
        Written::Error(match options.output_format {
            OutputFormat::Jsonl => json_line(&ErrorRecord { schema: 1, id, error }),
            OutputFormat::Table => format!("{id:<10} ERROR  {error}\n"),
        })
    };
    let write = |row: &Option<Row>| match row {
        None => Written::Blank,
        Some(Row { id, content: Err(error) }) => failed(id, error),
        Some(Row { id, content: Ok(content) }) => {
            // There is one for each; were there none, the row must not pass for no row.
            let Some((decision, micros)) = decisions.next() else { return failed(id, "no decision") };
            let shown = options.show_text.then_some(content.prompt.as_str());
            let line = match options.output_format {
                OutputFormat::Jsonl => json_line(&decision.record(Some(id)).with_prompt(shown).with_micros(micros)),
                OutputFormat::Table => human::row(id, &decision, shown),
            };
            Written::Decision(decision.verdict, line)
        }
    };
    rows.iter().map(write).collect()
}

fn json_line(record: &impl Serialize) -> String {
    // Records hold strings and numbers: nothing that JSON cannot say.
    serde_json::to_string(record).unwrap_or_default() + "\n"
}

impl Totals {
    fn count(&mut self, written: &Written) {
        *match written {
            Written::Blank => &mut self.blank,
            Written::Error(_) => &mut self.errors,
            Written::Decision(Verdict::Allow, _) => &mut self.allowed,
            Written::Decision(Verdict::Review, _) => &mut self.review,
            Written::Decision(Verdict::Block, _) => &mut self.blocked,
        } += 1;
    }
}

fn summary(totals: Totals, seconds: f64) -> String {
    let rows = totals.allowed + totals.review + totals.blocked + totals.errors;
    let rate = if seconds > 0.0 { rows as f64 / seconds } else { 0.0 };
    format!(
        "{rows} rows: {} allowed, {} review, {} blocked, {} errors ({} blank lines) in {seconds:.2} s, {rate:.0} prompts/s",
        totals.allowed, totals.review, totals.blocked, totals.errors, totals.blank
    )
}

/// A bar on a terminal that shows up after a second; nothing in pipes.
fn progress(options: &Scan, size: Option<u64>) -> ProgressBar {
    if options.quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} eta {eta} {msg}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

/// Where rows go. A file gets its name only once it is complete, so that half a scan is never taken for a whole one.
struct Output {
    writer: BufWriter<Box<dyn Write>>,
    place: String,
    rename: Option<(PathBuf, PathBuf)>,
}

impl Output {
    fn open(options: &Scan) -> Result<Self, Failure> {
        let Some(path) = options.output.as_deref().filter(|path| *path != Path::new("-")) else {
            let stdout: Box<dyn Write> = Box::new(io::stdout());
            return Ok(Self { writer: BufWriter::new(stdout), place: "standard output".to_owned(), rename: None });
        };
        let place = path.display().to_string();
        let fail = |message: &str| Failure::File(place.clone(), message.to_owned());
        if let Ok(target) = fs::canonicalize(path) {
            if options.files.iter().any(|input| fs::canonicalize(input).is_ok_and(|input| input == target)) {
                return Err(fail("output is also an input, expected another file"));
            }
            if !options.force {
                return Err(fail("output is there already, expected a new file or `--force`"));
            }
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|error| Failure::on_output(&part.display().to_string(), &error))?;
        let writer = BufWriter::with_capacity(1 << 18, Box::new(file) as Box<dyn Write>);
        Ok(Self { writer, place, rename: Some((part, path.to_owned())) })
    }

    fn write(&mut self, line: &str) -> Result<(), Failure> {
        self.writer.write_all(line.as_bytes()).map_err(|error| Failure::on_output(&self.place, &error))
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.writer.flush().map_err(|error| Failure::on_output(&self.place, &error))?;
        match &self.rename {
            Some((from, to)) => fs::rename(from, to).map_err(|error| Failure::on_output(&self.place, &error)),
            None => Ok(()),
        }
    }
}
