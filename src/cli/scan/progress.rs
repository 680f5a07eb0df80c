//! How a scan is getting on, on standard error: a bar on a terminal, a line now and then elsewhere, JSON for schedulers.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::options::Reading;
use super::summary::Totals;
use crate::cli::tell;

/// Between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(30);
/// Between two lines of JSON.
const JSON_EVERY: Duration = Duration::from_secs(1);

/// Tells how a scan is getting on.
pub(super) struct Progress {
    shown: Shown,
    /// Bytes of all inputs, where they are files.
    size: Option<u64>,
    began: Instant,
    told: Instant,
    /// Rows that an earlier run had judged: they say nothing about the speed of this one.
    before: u64,
    /// Bytes of the inputs that were read, and those among them that an earlier run had judged.
    read: u64,
    read_before: u64,
}

enum Shown {
    Nothing,
    Bar(ProgressBar),
    Plain,
    Json,
}

/// One line of `--json-progress`.
#[derive(Serialize)]
struct State {
    seconds: f64,
    read_bytes: u64,
    total_bytes: Option<u64>,
    rows: u64,
    blocked: u64,
    errors: u64,
    rows_per_second: f64,
    eta_seconds: Option<f64>,
    done: bool,
}

impl Progress {
    pub(super) fn new(options: &Reading, size: Option<u64>) -> Self {
        let shown = if options.quiet {
            Shown::Nothing
        } else if options.json_progress {
            Shown::Json
        } else if io::stderr().is_terminal() {
            let bar = size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            let template = if size.is_some() {
                "{wide_bar} {bytes}/{total_bytes} {msg} eta {eta}"
            } else {
                "{spinner} {bytes} {msg} {elapsed}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            Shown::Bar(bar)
        } else {
            Shown::Plain
        };
        let now = Instant::now();
        Self { shown, size, began: now, told: now, before: 0, read: 0, read_before: 0 }
    }

    /// Rows that were judged before this run.
    pub(super) fn set_before(&mut self, rows: u64) {
        self.before = rows;
        self.began = Instant::now();
    }

    /// Tells the state, if it is time to.
    pub(super) fn tell(&mut self, read: u64, totals: &Totals) {
        self.read = read;
        if totals.rows == self.before {
            (self.read_before, self.began) = (read, Instant::now());
        }
        let state = self.state(totals, false);
        match &self.shown {
            Shown::Bar(bar) => {
                bar.set_position(read);
                bar.set_message(format!("{:.0} rows/s, {} blocked", state.rows_per_second, totals.blocked));
            }
            Shown::Plain if self.told.elapsed() >= PLAIN_EVERY => {
                let part = self
                    .size
                    .filter(|size| *size > 0)
                    .map(|size| format!("{:.0} %, ", read as f64 * 100.0 / size as f64));
                let eta = state.eta_seconds.map(|eta| format!(", {eta:.0} s to go")).unwrap_or_default();
                let (rows, rate) = (totals.rows, state.rows_per_second);
                let part = part.unwrap_or_default();
                tell(format_args!("{part}{rows} rows, {rate:.0} rows/s, {} blocked{eta}", totals.blocked));
                self.told = Instant::now();
            }
            Shown::Json if self.told.elapsed() >= JSON_EVERY => {
                print_json(&state);
                self.told = Instant::now();
            }
            Shown::Nothing | Shown::Plain | Shown::Json => {}
        }
    }

    /// Ends the progress and sums up.
    pub(super) fn end(self, totals: &Totals, whole: bool) {
        let state = self.state(totals, whole);
        match self.shown {
            Shown::Nothing => return,
            Shown::Json => return print_json(&state),
            Shown::Bar(bar) => bar.finish_and_clear(),
            Shown::Plain => {}
        }
        tell(format_args!("{} in {:.2} s, {:.0} prompts/s", totals.in_words(), state.seconds, state.rows_per_second));
    }

    fn state(&self, totals: &Totals, done: bool) -> State {
        let read = self.read;
        let seconds = self.began.elapsed().as_secs_f64();
        let fresh = totals.rows.saturating_sub(self.before) as f64;
        let rate = if seconds > 0.0 { fresh / seconds } else { 0.0 };
        let fresh_bytes = read.saturating_sub(self.read_before);
        let left =
            self.size.filter(|_| fresh_bytes > 0).map(|size| size.saturating_sub(read) as f64 / fresh_bytes as f64);
        State {
            seconds,
            read_bytes: read,
            total_bytes: self.size,
            rows: totals.rows,
            blocked: totals.blocked,
            errors: totals.errors,
            rows_per_second: rate,
            eta_seconds: left.map(|left| left * seconds),
            done,
        }
    }
}

fn print_json(state: &State) {
    if let Ok(line) = serde_json::to_string(state) {
        tell(line);
    }
}
