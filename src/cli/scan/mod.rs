//! `promptgate scan`: every prompt of files, one decision per row, in input order; nothing lost, whatever happens when.
//!
//! A [`Log`] finds inputs (`inputs`), has one thread cut them into chunks, workers judge these (`judge`), and this thread take
//! the results in order (`pipeline`). `output` and `journal` see to it that a scan that was cut off can go on, `shard` and `merge` that
//! several machines can share one; `summary` counts, `report` shows. `policy diff` and `wordlist preview` are passes over
//! a log as well.

mod columns;
mod differences;
mod facts;
mod files;
mod inputs;
mod journal;
mod judge;
mod languages;
mod log;
pub(super) mod merge;
mod offenders;
mod options;
mod output;
mod pipeline;
mod progress;
pub(super) mod report;
mod shard;
mod summary;
mod time;

use std::path::Path;
use std::process::ExitCode;

use super::args::Stages;
use super::{Failure, tell};
pub(super) use differences::{Differences, SAMPLES, sample_text};
use journal::{Checkpoint, Journal, Note, Plan};
pub(super) use judge::{Judge, Judged, Wishes};
pub(super) use log::Log;
use merge::Manifest;
use offenders::Key;
pub(super) use options::{CACHE, HELP, Reading, Scan};
use output::{Output, Target};
use report::About;
pub(super) use summary::{Summary, Totals};

/// Exit status of a scan that was stopped before the end.
const STOPPED: u8 = 3;

pub(super) fn run(stages: &Stages, options: &Scan) -> Result<ExitCode, Failure> {
    match scan(stages, options) {
        // Nobody reads on: that is no error, and not the end of the input either.
        Err(Failure::Closed) => Ok(stopped()),
        other => other,
    }
}

fn scan(stages: &Stages, options: &Scan) -> Result<ExitCode, Failure> {
    options.check()?;
    let mut log = Log::open(&options.reading, &options.own())?;
    let wanted = options.wanted(log.has_several());
    let path = options.output.as_deref().filter(|path| *path != Path::new("-"));
    let goes_on = options.resume && path.is_some_and(|path| Journal::path_of(path).exists());
    if let Some(report) = &options.report {
        report::may_write(report, options.force || goes_on)?;
    }
    let moderator = stages.moderator()?;
    let shadow = match &options.shadow {
        Some(policy) => Some(moderator.with_policy(stages.named(policy).policy()?)?),
        None => None,
    };
    let key = user_key(options, goes_on)?;
    let plan = Plan {
        journal: 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        policy: moderator.policy_name().to_owned(),
        models: moderator.model_names().map(str::to_owned).collect(),
        shadow: shadow.as_ref().map(|shadow| shadow.policy_name().to_owned()),
        options: options.signature(stages.explain()),
        format: Some(format!("{:?}", options.format())),
        key: key.as_ref().map(Key::fingerprint),
        shard: options.shard.map(|shard| shard.to_string()),
        inputs: log.stamps(),
    };
    let target = Target { path, format: options.format(), force: options.force, resume: options.resume };
    let (mut output, done) = Output::open(&target, &log.paths(), &plan)?;
    if let Some(report) = &options.report {
        report::make(report)?;
    }
    if let Some(path) = path.filter(|_| options.shard.is_some() && done.chunks == 0) {
        Manifest::remove(path)?;
    }
    log.set_followed(path.is_none());
    let wishes = Wishes {
        format: Some(options.format()),
        show_text: options.show_text,
        second_opinion: options.second_opinion,
        timing: options.timing,
        // A merge may want a report of all shards.
        report: options.report.is_some() || options.shard.is_some(),
        cache: options.cache,
        shard: options.shard,
    };
    let judge = Judge::new(wishes, &wanted, &moderator, shadow.as_ref()).with_key(key.as_ref());

    let Checkpoint { chunks: chunks_done, note: Note { rows: rows_done, mut summary }, .. } = done;
    let mut since = Summary::default();
    let mut rows = blake3::Hasher::new();
    let mut number = 0;
    log.begins_with(&summary.totals);
    let judge_or_skip = |number, chunk| {
        if number < chunks_done { Done::Before(judge.skip(chunk)) } else { Done::Now(Box::new(judge.judge(chunk))) }
    };
    let whole = log.pass(&wanted, judge_or_skip, |done| {
        number += 1;
        match done {
            Done::Before(hash) => {
                rows.update(hash.as_bytes());
                if number == chunks_done && rows.finalize().to_hex().as_str() != rows_done {
                    return Err(other_input("rows that were scanned before changed, expected the same input"));
                }
            }
            Done::Now(judged) => {
                rows.update(judged.hash.as_bytes());
                if path.is_some() {
                    since.add(judged.summary.clone());
                }
                summary.add(judged.summary);
                output.write(&judged.lines, || note(&rows, &mut since))?;
            }
        }
        Ok(summary.totals)
    })?;
    if number < chunks_done {
        return Err(other_input("less input than was scanned before, expected the same"));
    }
    if !whole {
        output.pause(note(&rows, &mut since))?;
        log.end(&summary.totals, false);
        if path.is_some() {
            tell("promptgate: stopped before the end; the same command with `--resume` goes on");
        }
        return Ok(stopped());
    }
    let journal = output.finish(note(&rows, &mut since))?;
    let (records, seconds) = log.end(&summary.totals, true);
    for field in judge.missing_fields().filter(|_| summary.totals.rows > 0) {
        tell(format_args!("promptgate: no row has a field `{field}`, expected it in some"));
    }
    let about = About::new(&plan, seconds);
    if let Some(report) = &options.report {
        report::write(report, &About { shard: options.shard, ..about }, &summary)?;
    }
    let status = summary.totals.status(summary.totals.stopped());
    if let (Some(shard), Some(path)) = (options.shard, path) {
        Manifest { schema: 1, shard, plan: plan.of_all_shards(), records, seconds, summary }.write(path)?;
    }
    journal.map_or(Ok(()), Journal::end)?;
    Ok(status)
}

fn other_input(what: &str) -> Failure {
    Failure::File("--resume".to_owned(), format!("{what}; `--force` begins anew"))
}

/// The key that makes pseudonyms, if users are named; it is made where it is not there, but not for a scan that goes on.
fn user_key(options: &Scan, goes_on: bool) -> Result<Option<Key>, Failure> {
    let Some(path) = options.user_key() else { return Ok(None) };
    if goes_on && !path.exists() {
        let message = "is not there, expected the key that the scan began with";
        return Err(Failure::File(path.display().to_string(), message.to_owned()));
    }
    Key::of(&path).map(Some)
}

/// The exit status of a pass that was stopped before the end.
pub(super) fn stopped() -> ExitCode {
    ExitCode::from(STOPPED)
}

/// A chunk of rows that an earlier run wrote, or that this one judged.
enum Done {
    Before(blake3::Hash),
    Now(Box<Judged>),
}

fn note(rows: &blake3::Hasher, since: &mut Summary) -> Note {
    Note { rows: rows.finalize().to_hex().to_string(), summary: std::mem::take(since) }
}
