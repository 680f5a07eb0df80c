//! A scan that dies goes on with `--resume` to the same output, byte for byte, wherever it died.

use std::fs;
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::log::{self, Random};
use crate::output::read_parquet;
use crate::workplace::{Run, Workplace, signal};

const FIELDS: &str = "--id-field id --keep id --threads 2";

/// Shortest time of a scan that is killed: there must be checkpoints to go on from, one every half second.
const LONG: Duration = Duration::from_millis(1300);

/// A log of three files, one of which cannot be read to its end.
fn workplace(rows: usize) -> Workplace {
    let work = Workplace::new();
    let rows = log::rows(13, rows as u64);
    let (first, rest) = rows.split_at(rows.len() / 2);
    let (second, third) = rest.split_at(rest.len() / 2);
    work.write("logs/a.jsonl", log::jsonl(first));
    work.write("logs/b.csv.zst", log::zstd(&log::csv(second)));
    let third = log::gzip(&log::jsonl(third));
    work.write("logs/c.jsonl.gz", &third[..third.len() * 3 / 4]);
    work
}

/// Checkpoints in the journal of an output.
fn checkpoints(work: &Workplace, output: &str) -> usize {
    let journal = fs::read_to_string(work.path(&format!("{output}.journal"))).unwrap_or_default();
    journal.lines().filter(|line| line.starts_with("{\"chunks\":")).count()
}

fn is_whole(work: &Workplace, output: &str) -> bool {
    work.has(output) && !work.has(&format!("{output}.journal"))
}

/// A report but for what is different on every run.
fn steady(mut report: Value) -> Value {
    report["about"]["seconds"] = Value::Null;
    report["totals"]["cached"] = Value::Null;
    report["slowest"] = Value::Null;
    report
}

/// Kills scans `kills` times, at moments spread over the time that one takes, and has the next one go on, until the output is
/// there; then begins anew.
fn survives(seed: u64, kills: u32, output: &str, args: &str, rows: usize) {
    let work = workplace(rows);
    let command = |output: &str| {
        work.command(&format!("scan logs {FIELDS} {} -o {output}", args.replace("REPORT", &format!("{output}.report"))))
    };
    let has_report = args.contains("REPORT");
    let whole = format!("whole.{output}");
    let began = Instant::now();
    let run = Run::of(command(&whole).spawn().unwrap(), Vec::new());
    let mut took = began.elapsed();
    run.says(2, &[" 1 errors"]);
    if took < LONG {
        return survives(seed, kills, output, args, rows * 2);
    }
    let expected = work.read(&whole);
    let mut random = Random(seed);
    let (mut halfway, mut finished) = (0, 0);
    let must_be_equal = || {
        if output.ends_with(".parquet") {
            assert!(read_parquet(&work, output) == read_parquet(&work, &whole), "rows differ");
        }
        assert!(work.read(output) == expected, "{output} differs");
        for rest in ["part", "journal", "table.part"] {
            assert!(!work.has(&format!("{output}.{rest}")), "{rest} is left");
        }
        if has_report {
            let report = |of: &str| steady(work.read_json(&format!("{of}.report/summary.json")));
            assert_eq!(report(output), report(&whole));
            assert!(work.has(&format!("{output}.report/report.html")));
        }
        work.remove(output);
        work.remove(&format!("{output}.report"));
    };
    let mut killed = 0;
    // Enough of them must have found something to go on from.
    while killed < kills || (halfway * 3 < kills && killed < 3 * kills) {
        let is_fresh = checkpoints(&work, output) == 0;
        let mut child = command(output).arg("--resume").spawn().unwrap();
        let (began, after) = (Instant::now(), took.mul_f64(random.below(1000) as f64 / 1000.0));
        while began.elapsed() < after && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        if child.try_wait().unwrap().is_some() && is_fresh {
            // The machine has more time for it now.
            took = began.elapsed();
        }
        child.kill().unwrap();
        let was_alive = child.wait().unwrap().code().is_none();
        killed += u32::from(was_alive);
        if is_whole(&work, output) {
            must_be_equal();
            finished += 1;
        } else {
            assert!(was_alive, "no crash, and no output");
            halfway += u32::from(checkpoints(&work, output) > 0);
        }
    }
    let run = Run::of(command(output).arg("--resume").spawn().unwrap(), Vec::new());
    run.says(2, &[" 1 errors"]);
    must_be_equal();
    eprintln!(
        "{output}: {killed} kills, {halfway} with checkpoints, {finished} scans finished between them, {took:?} without"
    );
    assert!(halfway * 3 >= kills, "only {halfway} of {kills} kills hit a scan with something to go on from");
}

#[test]
fn killed_scans_go_on_jsonl() {
    survives(1, 24, "out.jsonl", "--cache 0", 60_000);
}

#[test]
fn killed_scans_go_on_zstd_with_report() {
    survives(2, 18, "out.jsonl.zst", "--report REPORT --time-field id", 10_000);
}

#[test]
fn killed_scans_go_on_parquet() {
    survives(3, 8, "out.parquet", "--show-text", 30_000);
}

/// A log that comes through a pipe, as slowly as a test wants.
struct Fed {
    work: Workplace,
    log: Vec<u8>,
}

impl Fed {
    fn new() -> Self {
        let log = log::jsonl(&log::rows(17, 40_000));
        Self { work: Workplace::new(), log }
    }

    fn command(&self, output: &str) -> Command {
        let mut command = self.work.command(&format!("scan - {FIELDS} -o {output}"));
        command.stdin(Stdio::piped());
        command
    }

    /// Starts a scan and feeds it half of the log, which holds it there.
    fn started(&self, output: &str) -> (Child, ChildStdin) {
        let mut child = self.command(output).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(&self.log[..self.log.len() / 2]).unwrap();
        (child, pipe)
    }

    /// Feeds a scan until it has two checkpoints and some more, and kills it.
    fn killed(&self, output: &str) {
        let mut child = self.command(output).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let mut parts = self.log.chunks(self.log.len() / 12);
        while checkpoints(&self.work, output) < 2 {
            pipe.write_all(parts.next().expect("two checkpoints before the end of the log")).unwrap();
            sleep(Duration::from_millis(150));
        }
        pipe.write_all(parts.next().unwrap()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!self.work.has(output));
    }

    fn resume(&self, output: &str) -> Run {
        Run::of(self.command(output).arg("--resume").spawn().unwrap(), self.log.clone())
    }
}

#[test]
fn a_scan_that_is_told_to_stop_stops_where_it_can_go_on() {
    let fed = Fed::new();
    let whole = Run::of(fed.command("whole.jsonl").spawn().unwrap(), fed.log.clone());
    whole.says(1, &["40000 rows"]);
    for name in ["INT", "TERM"] {
        let output = format!("{name}.jsonl");
        let (child, mut pipe) = fed.started(&output);
        sleep(Duration::from_millis(50));
        signal(&child, name);
        // What is read next tells it to look up.
        let rest = fed.log[fed.log.len() / 2..].to_vec();
        let feeder = std::thread::spawn(move || drop(pipe.write_all(&rest)));
        let run = Run::of(child, Vec::new());
        feeder.join().unwrap();
        run.says(3, &["stopped before the end", "`--resume` goes on"]);
        assert!(!fed.work.has(&output) && checkpoints(&fed.work, &output) > 0);
        let part = fed.work.read(&format!("{output}.part"));
        assert!(part.last() == Some(&b'\n') && fed.work.read("whole.jsonl").starts_with(&part), "whole rows");
        fed.resume(&output).says(1, &["40000 rows"]);
        assert!(fed.work.read(&output) == fed.work.read("whole.jsonl"), "{name}");
        assert!(is_whole(&fed.work, &output));
    }
    // On standard output there is nothing to go on with, and a second signal does not wait.
    let mut child = fed.work.command("scan -").stdin(Stdio::piped()).spawn().unwrap();
    let pipe = child.stdin.take();
    sleep(Duration::from_millis(300));
    signal(&child, "INT");
    sleep(Duration::from_millis(50));
    assert!(child.try_wait().unwrap().is_none(), "it still waits for its input");
    signal(&child, "INT");
    assert_eq!(Run::of(child, Vec::new()).code, Some(130));
    drop(pipe);
}

/// What a scan leaves behind that was killed.
struct Killed {
    fed: Fed,
    expected: Vec<u8>,
}

impl Killed {
    fn new(output: &str) -> Self {
        let fed = Fed::new();
        Run::of(fed.command(&format!("whole.{output}")).spawn().unwrap(), fed.log.clone()).says(1, &["40000 rows"]);
        fed.killed(output);
        for name in ["part", "journal"] {
            fed.work.copy(&format!("{output}.{name}"), &format!("saved.{name}"));
        }
        let expected = fed.work.read(&format!("whole.{output}"));
        Self { fed, expected }
    }

    /// Goes on after `damage` to what was left behind.
    #[track_caller]
    fn goes_on_after(&self, output: &str, damage: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>)) {
        let work = &self.fed.work;
        let (mut part, mut journal) = (work.read("saved.part"), work.read("saved.journal"));
        damage(&mut part, &mut journal);
        work.write(&format!("{output}.part"), part);
        work.write(&format!("{output}.journal"), journal);
        self.fed.resume(output).says(1, &["40000 rows"]);
        assert!(work.read(output) == self.expected);
        assert!(is_whole(work, output) && !work.has(&format!("{output}.part")));
        work.remove(output);
    }
}

/// The end of the last line but `back`.
fn line_end(text: &[u8], back: usize) -> usize {
    let ends: Vec<usize> = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    ends[ends.len() - 1 - back]
}

#[test]
fn damaged_journals_cost_time_and_no_rows() {
    for output in ["out.jsonl", "out.zst"] {
        let killed = Killed::new(output);
        killed.goes_on_after(output, |_, _| {});
        // The last line was being written.
        killed.goes_on_after(output, |_, journal| journal.truncate(line_end(journal, 0) - 20));
        killed.goes_on_after(output, |_, journal| journal.truncate(line_end(journal, 0) - 1));
        killed.goes_on_after(output, |_, journal| journal.extend(b"{\"chunks\":12"));
        killed.goes_on_after(output, |_, journal| journal.extend([0; 512]));
        killed.goes_on_after(output, |_, journal| journal.extend(b"\0\0\0\0\n"));
        // Nothing of it reached the disk, or half of its first line.
        killed.goes_on_after(output, |_, journal| journal.clear());
        killed.goes_on_after(output, |part, journal| {
            part.clear();
            journal.truncate(100);
        });
        // The output is ahead of the journal, with what no scan would write.
        killed.goes_on_after(output, |part, _| part.extend([0; 5000]));
        let longer = killed.expected.len() + 5000;
        killed.goes_on_after(output, |part, _| part.resize(longer, 0));
        killed.goes_on_after(output, |part, journal| {
            journal.truncate(line_end(journal, 1));
            let end = part.len() - 3;
            part.truncate(end);
        });
        // An output that is behind its journal was cut by somebody else.
        let Killed { fed, .. } = &killed;
        fed.work.write(&format!("{output}.part"), &fed.work.read("saved.part")[..100]);
        fed.work.copy("saved.journal", &format!("{output}.journal"));
        fed.resume(output).refuses(&["shorter than the journal says", "--force"]);
        fed.work.write(&format!("{output}.journal"), "something else\n");
        fed.resume(output).refuses(&["no journal of a scan"]);
    }
}

#[test]
fn going_on_skips_what_is_written() {
    let Killed { fed, mut expected } = Killed::new("out.jsonl");
    let journal = fed.work.read_text("saved.journal");
    let last: Value = serde_json::from_str(journal.lines().last().unwrap()).unwrap();
    let bytes = usize::try_from(last["bytes"].as_u64().unwrap()).unwrap();
    // What is before the checkpoint is not written again: a mark in it stays.
    let mut part = fed.work.read("saved.part");
    assert_eq!(part[bytes - 1], b'\n');
    part[2] = b'S';
    fed.work.write("out.jsonl.part", part);
    fed.resume("out.jsonl").says(1, &[]);
    expected[2] = b'S';
    assert!(fed.work.read("out.jsonl") == expected);
}

/// A crash between the last steps: everything written, names not given yet, or given and the journal still there.
#[test]
fn the_last_steps_can_be_taken_again() {
    for (output, spool) in [("out.jsonl", false), ("out.zst", false), ("out.parquet", true)] {
        let work = workplace(6000);
        let args = format!("logs {FIELDS} -o {output} --report report --resume");
        // The journal stays under another name when the scan removes it, and so does what it removes besides.
        let mut child = work.command(&format!("scan {args}")).spawn().unwrap();
        for ending in ["journal", "part"] {
            let (from, to) = (work.path(&format!("{output}.{ending}")), work.path(&format!("saved.{ending}")));
            while fs::hard_link(&from, &to).is_err() {
                assert!(child.try_wait().unwrap().is_none(), "ended before there was {}", from.display());
            }
        }
        let run = Run::of(child, Vec::new());
        run.says(2, &[" 1 errors"]);
        let journal = work.read_text("saved.journal");
        assert!(journal.lines().last().unwrap().contains("\"whole\":true"), "{journal}");
        let (expected, report) = (work.read(output), steady(work.read_json("report/summary.json")));
        work.copy(output, "whole");
        let goes_on = |what: &str| {
            work.remove("report");
            work.copy("saved.journal", "copy");
            work.rename("copy", &format!("{output}.journal"));
            let rows = run.stderr.split(" in ").next().unwrap();
            work.scan(&args).says(2, &[&rows[..rows.find(" rows").unwrap()]]);
            assert!(work.read(output) == expected && is_whole(&work, output), "{what}");
            assert!(!work.has(&format!("{output}.part")), "{what}");
            assert_eq!(steady(work.read_json("report/summary.json")), report, "{what}");
        };
        // Before the rename.
        work.copy("saved.part", &format!("{output}.part"));
        work.remove(output);
        goes_on("before the rename");
        // After it.
        goes_on("after the rename");
        if spool {
            work.copy("saved.part", "copy");
            work.rename("copy", &format!("{output}.part"));
            goes_on("before the spool was removed");
            work.write(&format!("{output}.table.part"), "PAR1 half a table");
            work.remove(output);
            work.copy("saved.part", &format!("{output}.part"));
            goes_on("while the table was written");
        }
        // Rows that came later are no part of it.
        work.copy("saved.journal", "copy");
        work.rename("copy", &format!("{output}.journal"));
        work.write("logs/d.jsonl", "{\"prompt\": \"a boat\"}\n");
        work.scan(&args).says(2, &["number of inputs changed"]);
        assert!(work.read(output) == expected);
    }
}
