//! `promptgate bench`: throughput and latency on somebody's own prompts.
//!
//! Closed loop: every thread asks for the next decision as soon as it has the last one; this measures throughput. Open loop
//! (`--rate`): prompts arrive when they arrive, whether or not the one before is done, and the time a prompt waits for its turn
//! counts; this measures what a service's users see.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::args::Stages;
use super::input::{Format, Input, Wanted};
use super::memory;
use super::{Failure, print, tell};
use crate::decision::Decision;
use crate::moderator::{Moderator, Scratch};

pub(super) const HELP: &str = "Every prompt is decided about anew, without a cache. Latencies are those of single decisions, by the stage that settled them.
With --rate prompts arrive at even intervals, and what a prompt waits counts too.

Examples:
  promptgate bench prompts.txt
  promptgate --no-models bench log.jsonl --prompt-field text --threads 1,2,4
  promptgate bench prompts.txt --rate 500 --seconds 60 --json";

/// Digits of a latency that are kept.
const DIGITS: u8 = 3;
/// The longest latency that is told apart, in nanoseconds: a minute.
const LONGEST: u64 = 60_000_000_000;
/// Threads are woken late by some tens of microseconds: they wait for the rest awake.
const AWAKE: Duration = Duration::from_micros(200);

#[derive(clap::Args)]
pub(super) struct Bench {
    /// File of prompts, as `scan` reads them
    file: PathBuf,
    /// How rows are written, instead of what name and content say
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<Format>,
    /// Field of the prompt
    #[arg(long, value_name = "FIELD", default_value = "prompt")]
    prompt_field: String,
    /// Numbers of threads to measure, one after the other; from one to all cores in doubling steps if absent
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    threads: Vec<usize>,
    /// Seconds per measurement, after a warm-up of a tenth of it
    #[arg(long, value_name = "S", default_value_t = 10)]
    seconds: u64,
    /// Prompts that arrive per second, in even intervals; as fast as they are decided about if absent
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// Most prompts that are read; they come round again
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    prompts: usize,
    /// Print one line of JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// What was measured with a number of threads.
#[derive(Serialize)]
struct Measured {
    threads: usize,
    /// Prompts a second that were asked for, where they arrived by the clock.
    rate: Option<f64>,
    decisions: u64,
    /// Prompts that arrived and had not been decided about when as much time again had passed.
    undecided: u64,
    prompts_per_second: f64,
    /// Latencies of all decisions, then by the stage that settled them.
    latencies: Vec<Latency>,
    /// Resident memory at the end, in MB, where the system tells.
    memory_mb: Option<f64>,
}

/// Latencies in microseconds.
#[derive(Serialize)]
struct Latency {
    settled_by: &'static str,
    share: f64,
    mean: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    #[serde(rename = "p99.9")]
    p999: f64,
    max: f64,
}

/// Who may settle a decision.
const SETTLERS: [&str; 4] = ["lists and rules", "screen", "main", "expert"];

pub(super) fn run(stages: &Stages, options: &Bench) -> Result<ExitCode, Failure> {
    let place = options.file.display().to_string();
    let fail = |message: &str| Failure::File(place.clone(), message.to_owned());
    if options.rate.is_some_and(|rate| !(rate > 0.0 && rate.is_finite())) {
        return Err(Failure::File("--rate".to_owned(), "not above zero, expected prompts a second".to_owned()));
    }
    let (prompts, errors) = prompts(&options.file, options);
    if let Some(first) = errors.first() {
        tell(format_args!("promptgate: {} rows are left out, the first for this: {first}", errors.len()));
    }
    if prompts.is_empty() {
        return Err(fail("no prompts, expected some"));
    }
    let moderator = stages.moderator()?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let doubling = std::iter::successors(Some(1), |threads| Some(threads * 2)).take_while(|threads| *threads < cores);
    let threads = if options.threads.is_empty() { doubling.chain([cores]).collect() } else { options.threads.clone() };
    let measured: Vec<Measured> =
        threads.into_iter().map(|threads| measure(&moderator, &prompts, threads.max(1), options)).collect();
    if options.json {
        print(&(serde_json::to_string(&measured).unwrap_or_default() + "\n"))?;
    } else {
        print(&table(&measured, prompts.len()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The first prompts of a file, and what is wrong with rows among them.
fn prompts(file: &Path, options: &Bench) -> (Vec<String>, Vec<String>) {
    let wanted = Wanted::prompt_only(&options.prompt_field);
    let mut input = Input::open(file, options.input_format, &wanted);
    let chunks = std::iter::from_fn(move || input.next_chunk());
    let rows = chunks.flat_map(|chunk| chunk.rows(&wanted).collect::<Vec<_>>());
    let (mut prompts, mut errors) = (Vec::new(), Vec::new());
    for row in rows {
        match row.content {
            Ok(content) => prompts.push(content.prompt),
            Err(error) => errors.push(error),
        }
        if prompts.len() == options.prompts {
            break;
        }
    }
    (prompts, errors)
}

fn measure(moderator: &Moderator, prompts: &[String], threads: usize, options: &Bench) -> Measured {
    let length = Duration::from_secs(options.seconds.max(1));
    work(moderator, prompts, threads, None, length / 10);
    let began = Instant::now();
    let histograms = work(moderator, prompts, threads, options.rate, length);
    let took = began.elapsed().as_secs_f64();
    let mut all = histogram();
    for histogram in &histograms {
        // Both are made alike, so that one fits into the other.
        let _ = all.add(histogram);
    }
    let decisions = all.len();
    let by_stage = SETTLERS.into_iter().zip(&histograms);
    let latencies = std::iter::once(("all", &all)).chain(by_stage).filter(|(_, histogram)| !histogram.is_empty());
    Measured {
        threads,
        rate: options.rate,
        decisions,
        undecided: options.rate.map_or(0, |rate| due(rate, length).saturating_sub(decisions)),
        prompts_per_second: decisions as f64 / took,
        latencies: latencies
            .map(|(settled_by, histogram)| {
                let at = |percent| micros(histogram.value_at_percentile(percent) as f64);
                Latency {
                    settled_by,
                    share: histogram.len() as f64 / decisions.max(1) as f64,
                    mean: micros(histogram.mean()),
                    p50: at(50.0),
                    p90: at(90.0),
                    p99: at(99.0),
                    p999: at(99.9),
                    max: micros(histogram.max() as f64),
                }
            })
            .collect(),
        memory_mb: memory::resident_mb(),
    }
}

/// How many prompts arrive in a time.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of prompts, above zero")]
fn due(rate: f64, length: Duration) -> u64 {
    (rate * length.as_secs_f64()).ceil() as u64
}

/// Microseconds with one decimal.
fn micros(nanos: f64) -> f64 {
    (nanos / 100.0).round() / 10.0
}

/// Decides about prompts for a while; returns latencies in nanoseconds by who settled them.
fn work(
    moderator: &Moderator,
    prompts: &[String],
    threads: usize,
    rate: Option<f64>,
    length: Duration,
) -> Vec<Histogram<u64>> {
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    let one = || {
        let mut histograms: Vec<Histogram<u64>> = SETTLERS.iter().map(|_| histogram()).collect();
        let mut scratch = Scratch::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = match rate {
                Some(rate) => {
                    Duration::try_from_secs_f64(number as f64 / rate).ok().and_then(|after| began.checked_add(after))
                }
                None => Some(Instant::now()),
            };
            let Some(due) = due else { return histograms };
            if due.duration_since(began) >= length || began.elapsed() >= 2 * length {
                return histograms;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()).saturating_sub(AWAKE));
            while Instant::now() < due {
                std::hint::spin_loop();
            }
            let Some(prompt) = prompts.get(number % prompts.len()) else { return histograms };
            let decision = moderator.check_with(&mut scratch, prompt.as_str());
            let nanos = u64::try_from(due.elapsed().as_nanos()).unwrap_or(LONGEST);
            if let Some(histogram) = histograms.get_mut(settler(&decision)) {
                histogram.saturating_record(nanos.clamp(1, LONGEST));
            }
        }
    };
    let mut sum: Vec<Histogram<u64>> = SETTLERS.iter().map(|_| histogram()).collect();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        for worker in workers {
            let Ok(histograms) = worker.join() else { continue };
            for (sum, histogram) in sum.iter_mut().zip(&histograms) {
                let _ = sum.add(histogram);
            }
        }
    });
    sum
}

/// The place in [`SETTLERS`] of who settled a decision.
fn settler(decision: &Decision) -> usize {
    let model = decision.model.as_deref().and_then(|model| model.split('@').next());
    model.and_then(|model| SETTLERS.iter().position(|settler| *settler == model)).unwrap_or(0)
}

fn histogram() -> Histogram<u64> {
    // The bounds are constants that the crate accepts.
    Histogram::new_with_bounds(1, LONGEST, DIGITS).unwrap_or_else(|_| unreachable!("one minute and three digits fit"))
}

fn table(measured: &[Measured], prompts: usize) -> String {
    use std::fmt::Write as _;

    let mut out = format!("{prompts} prompts; latencies in microseconds\n");
    for one in measured {
        let rate = one.rate.map(|rate| format!(", {rate} arriving a second")).unwrap_or_default();
        let undecided =
            if one.undecided > 0 { format!(", {} NOT DECIDED IN TIME", one.undecided) } else { String::new() };
        let memory = one.memory_mb.map(|memory| format!(", {memory:.0} MB")).unwrap_or_default();
        let _ = writeln!(
            out,
            "\n{} threads{rate}: {:.0} prompts/s{undecided}{memory}",
            one.threads, one.prompts_per_second
        );
        let _ = write!(out, "  {:<16}{:>8}", "settled by", "share");
        for name in ["mean", "p50", "p90", "p99", "p99.9", "max"] {
            let _ = write!(out, "{name:>10}");
        }
        out.push('\n');
        for Latency { settled_by, share, mean, p50, p90, p99, p999, max } in &one.latencies {
            let _ = write!(out, "  {settled_by:<16}{:>6.1} %", share * 100.0);
            for value in [mean, p50, p90, p99, p999, max] {
                let _ = write!(out, "{value:>10.1}");
            }
            out.push('\n');
        }
    }
    out
}
