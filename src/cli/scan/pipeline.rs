//! Reading, judging and writing at the same time, in the order of the input and in bounded memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::cli::Failure;

/// Most chunks that wait for a worker or for the writer, besides one for each worker. More would only take memory: a chunk may
/// have some megabytes.
const WAITING: usize = 8;

/// Reads `chunks` on one thread, judges them on `workers` and hands the results to `write` on this thread, in order.
///
/// One chunk a worker and at most [`WAITING`] more are in memory: who reads waits for who writes. Once `stop` is set, what
/// has been read is judged and written, and no more is read. Returns whether everything was.
///
/// # Errors
///
/// What `write` returns; nothing is written after it. A judge that panics.
pub(super) fn run<C: Send, T: Send>(
    workers: &rayon::ThreadPool,
    mut chunks: impl Iterator<Item = C> + Send,
    judge: impl Fn(u64, C) -> T + Sync,
    mut write: impl FnMut(T) -> Result<(), Failure>,
    stop: &AtomicBool,
) -> Result<bool, Failure> {
    let judge = &judge;
    let threads = workers.current_num_threads();
    let in_flight = threads + threads.min(WAITING);
    let (queue, judged) = sync_channel::<Receiver<T>>(in_flight);
    let died = || Failure::File("scan".to_owned(), "a worker died, expected a result of it".to_owned());
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            workers.in_place_scope(|jobs| {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return false;
                    }
                    let Some(chunk) = chunks.next() else { break };
                    let (done, result) = sync_channel(1);
                    // The writer is gone if it failed.
                    if queue.send(result).is_err() {
                        return false;
                    }
                    jobs.spawn(move |_| {
                        let _ = done.send(judge(number, chunk));
                    });
                }
                true
            })
        });
        let written = judged.into_iter().try_for_each(|result| write(result.recv().map_err(|_| died())?));
        // A worker that panicked is told of above, and no reason to panic as well.
        let whole = reader.join().map_err(|_| died());
        written.and(whole)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers() -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap()
    }

    #[test]
    fn results_come_in_order_whatever_takes_how_long() {
        let judge = |number: u64, chunk: u64| {
            thread::sleep(std::time::Duration::from_micros(chunk * 37 % 400));
            (number, chunk)
        };
        let mut results = Vec::new();
        let stop = AtomicBool::new(false);
        let mut write = |result| {
            results.push(result);
            Ok(())
        };
        assert!(run(&workers(), 0..500_u64, judge, &mut write, &stop).unwrap());
        assert!(results.into_iter().eq((0..500).zip(0..500)));
    }

    #[test]
    fn what_was_read_before_a_stop_is_written() {
        let stop = AtomicBool::new(false);
        let mut written = 0;
        let chunks = (0..500).inspect(|chunk| stop.store(*chunk == 20, Ordering::Relaxed));
        let write = |_| {
            written += 1;
            Ok(())
        };
        assert!(!run(&workers(), chunks, |_, chunk: u64| chunk, write, &stop).unwrap());
        assert_eq!(written, 21, "the one that was read when the stop came, too");
    }

    #[test]
    fn failures_of_writer_and_worker_end_the_run() {
        let stop = AtomicBool::new(false);
        let full = |result| if result < 50 { Ok(()) } else { Err(Failure::Row("disk full".to_owned())) };
        let failed = run(&workers(), 0..10_000_u64, |_, chunk| chunk, full, &stop);
        assert!(failed.is_err_and(|failure| failure.to_string() == "disk full"));
        let judge = |_, chunk: u64| assert!(chunk != 7, "a judge that panics");
        let failed = run(&workers(), 0..100, judge, |()| Ok(()), &stop);
        assert!(failed.is_err_and(|failure| failure.to_string().contains("a worker died")));
    }
}
