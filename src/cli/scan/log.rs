//! A log as a whole: its inputs, the threads that read and judge them, and how far they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::inputs::{Found, Inputs};
use super::journal::Stamp;
use super::options::Reading;
use super::pipeline;
use super::progress::Progress;
use super::summary::Totals;
use crate::cli::Failure;
use crate::cli::input::{Chunk, Input, Wanted};

/// Exit status after a second request to end.
const INTERRUPTED: i32 = 130;

/// What is to be read, and by whom.
pub(in crate::cli) struct Log<'a> {
    options: &'a Reading,
    inputs: Inputs,
    stamps: Vec<Stamp>,
    workers: rayon::ThreadPool,
    stop: Arc<AtomicBool>,
    progress: Progress,
    is_followed: bool,
    /// Rows of each input that were read.
    records: Vec<u64>,
    began: Instant,
}

impl<'a> Log<'a> {
    /// Finds the inputs; of folders and patterns all but what is `own`, which the command itself writes.
    pub(in crate::cli) fn open(options: &'a Reading, own: &[PathBuf]) -> Result<Self, Failure> {
        let inputs = Inputs::find(&options.inputs, own)?;
        let stamps = inputs.stamps();
        let workers = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads.unwrap_or(0))
            .build()
            .map_err(|error| Failure::File("--threads".to_owned(), error.to_string()))?;
        let progress = Progress::new(options, stamps.iter().map(|stamp| stamp.bytes).sum());
        let records = vec![0; stamps.len()];
        Ok(Self {
            options,
            inputs,
            stamps,
            workers,
            stop: stopped_by_signal(),
            progress,
            is_followed: false,
            records,
            began: Instant::now(),
        })
    }

    /// Whether somebody waits for each row, and none can be gone on with.
    pub(super) fn set_followed(&mut self, is_followed: bool) {
        self.is_followed = is_followed;
    }

    /// Whether there is more than one input.
    pub(in crate::cli) fn has_several(&self) -> bool {
        self.stamps.len() > 1
    }

    /// The paths of the inputs.
    pub(super) fn paths(&self) -> Vec<&Path> {
        self.inputs.found().iter().map(|found| found.path.as_path()).collect()
    }

    /// How the inputs are named in errors.
    pub(in crate::cli) fn places(&self) -> Vec<String> {
        self.stamps.iter().map(|stamp| stamp.place.clone()).collect()
    }

    /// What the inputs are like.
    pub(super) fn stamps(&self) -> Vec<Stamp> {
        self.stamps.clone()
    }

    /// Rows that were judged before, which say nothing about the speed.
    pub(super) fn begins_with(&mut self, totals: &Totals) {
        self.progress.set_before(totals.rows);
    }

    /// Has every chunk judged, and takes the results in order; `take` returns what is counted so far. Says whether the log was
    /// read to its end, or somebody stopped it.
    pub(in crate::cli) fn pass<T: Send>(
        &mut self,
        wanted: &Wanted,
        judge: impl Fn(u64, Chunk) -> T + Sync,
        mut take: impl FnMut(T) -> Result<Totals, Failure>,
    ) -> Result<bool, Failure> {
        let (options, found, is_followed) = (self.options, self.inputs.found(), self.is_followed);
        let chunks = found.iter().enumerate().flat_map(|(of, Found { path, problem })| {
            let mut input = match problem {
                Some(problem) => Input::broken(path, problem),
                None => Input::open(path, options.input_format, wanted),
            };
            if is_followed {
                input = input.followed();
            }
            std::iter::from_fn(move || input.next_chunk()).map(move |chunk| (of, chunk.of_input(of as u64)))
        });
        let mut read = 0;
        let mut current = (0, 0);
        let (records, progress) = (&mut self.records, &mut self.progress);
        pipeline::run(
            &self.workers,
            chunks,
            |number, (of, chunk)| (of, chunk.records(), chunk.read, judge(number, chunk)),
            |(of, rows, bytes, judged)| {
                if let Some(records) = records.get_mut(of) {
                    *records += rows;
                }
                if of != current.0 {
                    read += current.1;
                }
                current = (of, bytes);
                let totals = take(judged)?;
                progress.tell(read + bytes, &totals);
                Ok(())
            },
            &self.stop,
        )
    }

    /// Ends the progress and sums up; returns the rows of each input and how long it took.
    pub(in crate::cli) fn end(self, totals: &Totals, whole: bool) -> (Vec<u64>, f64) {
        self.progress.end(totals, whole);
        (self.records, self.began.elapsed().as_secs_f64())
    }
}

/// A flag that is set by ctrl-C or a polite request to end; a second one ends at once.
fn stopped_by_signal() -> Arc<AtomicBool> {
    let stop = Arc::<AtomicBool>::default();
    // Without handlers a signal ends the process, and the journal is as good.
    for signal in [SIGINT, SIGTERM] {
        let _ = flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&stop));
        let _ = flag::register(signal, Arc::clone(&stop));
    }
    // A file that may grow no further is an error of writing, to be told of, and no reason to die.
    #[cfg(unix)]
    let _ = flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    stop
}
