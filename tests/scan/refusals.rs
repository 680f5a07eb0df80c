//! What a scan refuses, and says why: to go on with something else, to write over what is there.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::log;
use crate::workplace::{Run, Workplace, signal};

/// A folder with a scan of `log.jsonl` to `out.jsonl` that was cut off.
fn cut_off(args: &str) -> Workplace {
    let work = Workplace::new();
    work.write("log.jsonl", log::jsonl(&log::rows(31, 8000)));
    work.write("other.toml", work.read_text("policy.toml").replace("threshold = 0.45", "threshold = 0.5"));
    let run = work.shell(&format!("ulimit -f 1000; exec $promptgate scan log.jsonl --id-field id {args} -o out.jsonl"));
    run.says(2, &["`--resume` goes on"]);
    assert!(work.has("out.jsonl.part") && work.has("out.jsonl.journal") && !work.has("out.jsonl"));
    work
}

/// Stops a scan, which may read standard input too, when it has written something: it can go on from there. It reads `rest`
/// only if it does not stop.
fn stopped(work: &Workplace, args: &str, start: &[u8], rest: &[u8]) {
    let mut child = work.command(&format!("scan {args} -o out.jsonl")).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(start).unwrap();
    while fs::metadata(work.path("out.jsonl.part")).map_or(0, |meta| meta.len()) == 0 {
        assert!(child.try_wait().unwrap().is_none());
        sleep(Duration::from_millis(2));
    }
    signal(&child, "TERM");
    sleep(Duration::from_millis(50));
    let _ = pipe.write_all(rest);
    drop(pipe);
    Run::of(child, Vec::new()).says(3, &["`--resume` goes on"]);
}

#[test]
fn only_the_same_scan_goes_on() {
    let work = cut_off("");
    let before = (work.read("out.jsonl.part"), work.read("out.jsonl.journal"));
    let lists = format!("{}/tests/fixtures/wordlists", env!("CARGO_MANIFEST_DIR"));
    let with = |stages: &[&str], args: &str| {
        let child = work.command_with(stages, &format!("scan log.jsonl -o out.jsonl --resume {args}")).spawn().unwrap();
        Run::of(child, Vec::new())
    };
    let same = ["--no-models", "--wordlists", &lists, "--policy", "policy.toml"];
    with(&["--no-models", "--wordlists", &lists, "--policy", "other.toml"], "--id-field id")
        .refuses(&["the policy changed"]);
    with(&["--no-models", "--policy", "policy.toml"], "--id-field id").refuses(&["the policy changed"]);
    for (args, words) in [
        ("--id-field id --prompt-field text", "the arguments changed"),
        ("--id-field id --negative-field not", "the arguments changed"),
        ("", "the arguments changed"),
        ("--id-field id --keep id", "the arguments changed"),
        ("--id-field id --timing", "the arguments changed"),
        ("--id-field id --show-text", "the arguments changed"),
        ("--id-field id --second-opinion", "the arguments changed"),
        ("--id-field id --input-format jsonl", "the arguments changed"),
        ("--id-field id --output-format table", "the output format changed from Jsonl to Table"),
        ("--id-field id --explain all", "the arguments changed"),
        ("--id-field id --report report", "the arguments changed"),
        ("--id-field id --shadow other.toml", "the shadow policy changed from none to default@"),
        ("--id-field id --shard 1/2", "the shard changed from all to 1/2"),
        ("--id-field id other.toml", "the number of inputs changed from 1 to 2"),
    ] {
        with(&same, args).refuses(&["out.jsonl.journal: ", words, "`--force` begins anew"]);
        assert!((work.read("out.jsonl.part"), work.read("out.jsonl.journal")) == before, "{args}: nothing is touched");
    }
    // What changes nothing of the output may change.
    with(&same, "--id-field id --threads 3 --cache 5 --quiet").says(1, &[]);
    work.scan("log.jsonl --id-field id -o whole.jsonl").says(1, &[]);
    assert!(work.read("out.jsonl") == work.read("whole.jsonl"));
    work.scan("log.jsonl --id-field id -o out.jsonl --resume").refuses(&["out.jsonl: output is whole already"]);
    assert!(work.read("out.jsonl") == work.read("whole.jsonl"));
}

#[test]
fn other_models_do_not_go_on() {
    let work = cut_off("");
    let lists = format!("{}/tests/fixtures/wordlists", env!("CARGO_MANIFEST_DIR"));
    let path = |name: &str| work.path(name).display().to_string();
    let policy = path("policy.toml");
    let (log, out) = (path("log.jsonl"), path("out.jsonl"));
    // The models are found from here; the log has another place then, but models are asked about first.
    let mut command = work.command_with(
        &["--wordlists", &lists, "--policy", &policy],
        &format!("scan {log} --id-field id -o {out} --resume"),
    );
    let child = command.current_dir(env!("CARGO_MANIFEST_DIR")).spawn().unwrap();
    Run::of(child, Vec::new()).refuses(&["the models changed from none to screen@"]);
}

#[test]
fn other_input_does_not_go_on() {
    let resume = "log.jsonl - --id-field id -o out.jsonl --resume";
    let work = Workplace::new();
    work.write("log.jsonl", log::jsonl(&log::rows(31, 8000)));
    stopped(&work, "log.jsonl - --id-field id", b"", b"{\"prompt\": \"a boat\"}\n");
    let modified = fs::metadata(work.path("log.jsonl")).unwrap().modified().unwrap();
    let text = work.read_text("log.jsonl");
    let keep_time =
        || fs::File::options().write(true).open(work.path("log.jsonl")).unwrap().set_modified(modified).unwrap();
    work.write("log.jsonl", format!("{text}{{\"prompt\": \"one more\"}}\n"));
    work.scan(resume).refuses(&["the input log.jsonl changed", "`--force`"]);
    // The same size, another time.
    work.write("log.jsonl", text.replacen("boat", "goat", 1));
    work.scan(resume).refuses(&["the input log.jsonl changed", "`--force`"]);
    // The same size, the same time, another row among those that are written.
    keep_time();
    work.scan(resume).says(2, &["rows that were scanned before changed", "`--force`"]);
    assert!(!work.has("out.jsonl"));
    work.rename("log.jsonl", "log2.jsonl");
    work.scan("log2.jsonl - --id-field id -o out.jsonl --resume")
        .refuses(&["log.jsonl was there, now it is log2.jsonl"]);
    // As it was.
    work.write("log.jsonl", &text);
    keep_time();
    work.scan(resume).says(1, &["8000 rows"]);

    // Of a pipe nothing is known but what it gives.
    let work = Workplace::new();
    stopped(&work, "-", "a zorbl\n".repeat(5000).as_bytes(), "a zorbl\n".repeat(15_000).as_bytes());
    work.scan_piped("- -o out.jsonl --resume", "a boat\n".repeat(20_000))
        .says(2, &["rows that were scanned before changed"]);
    work.scan_piped("- -o out.jsonl --resume", "a zorbl\n".repeat(3)).says(2, &["less input than was scanned before"]);
    work.scan_piped("- -o out.jsonl --resume", "a zorbl\n".repeat(20_000))
        .says(1, &["20000 rows: 0 allowed, 0 review, 20000 blocked"]);
    assert_eq!(work.read_text("out.jsonl").lines().count(), 20_000);
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let work = cut_off("");
    work.scan("log.jsonl -o out.jsonl").refuses(&["out.jsonl: an unfinished scan is there", "`--resume`", "`--force`"]);
    work.remove("out.jsonl.journal");
    for resume in ["", "--resume"] {
        work.scan(&format!("log.jsonl -o out.jsonl {resume}")).refuses(&["out.jsonl: a file is where it would grow"]);
    }
    work.scan("log.jsonl -o out.jsonl --force").says(1, &["8000 rows"]);
    let whole = work.read("out.jsonl");
    work.scan("log.jsonl -o out.jsonl").refuses(&["out.jsonl: output is there already", "`--force`"]);
    work.write("report/summary.json", "mine");
    work.scan("log.jsonl --report report").refuses(&["report: a report is there already", "`--force`"]);
    assert_eq!(work.read_text("report/summary.json"), "mine");
    work.scan("log.jsonl --report report -o out.jsonl").refuses(&["a report is there already"]);
    work.scan("log.jsonl --report report -o new.jsonl --resume").refuses(&["a report is there already"]);
    work.scan("log.jsonl --report report --force").says(1, &[]);
    assert_eq!(work.read_json("report/summary.json")["totals"]["rows"], 8000);
    fs::create_dir(work.path("folder")).unwrap();
    work.scan("log.jsonl -o folder").refuses(&["folder: output is a folder, expected a file"]);
    work.scan("log.jsonl -o folder --force").refuses(&["folder: output is a folder, expected a file"]);
    work.scan("log.jsonl --resume").says(2, &["--output"]);
    work.scan("log.jsonl -o new.jsonl --resume --force").says(2, &["cannot be used with"]);
    // Until the new output is whole, the old one stays.
    let run = work.shell("ulimit -f 1000; exec $promptgate scan log.jsonl -o out.jsonl --force");
    run.says(2, &["`--resume` goes on"]);
    assert!(work.read("out.jsonl") == whole);
}

#[test]
fn inputs_are_never_written_over() {
    let work = Workplace::new();
    let text = log::jsonl(&log::rows(32, 100));
    for name in ["log.jsonl", "logs/a.jsonl", "b.jsonl.part", "c.jsonl.journal"] {
        work.write(name, &text);
    }
    symlink("log.jsonl", work.path("link.jsonl")).unwrap();
    symlink("logs", work.path("folder")).unwrap();
    for args in [
        "log.jsonl -o log.jsonl",
        "log.jsonl -o ./log.jsonl",
        "log.jsonl -o logs/../log.jsonl",
        "log.jsonl -o link.jsonl",
        "link.jsonl -o log.jsonl",
        "logs -o folder/a.jsonl",
        "log.jsonl logs/*.jsonl -o logs/a.jsonl",
        "b.jsonl.part -o b.jsonl",
        "c.jsonl.journal -o c.jsonl",
    ] {
        work.scan(&format!("{args} --force")).refuses(&["output is also an input, expected another file"]);
    }
    for name in ["log.jsonl", "logs/a.jsonl", "b.jsonl.part", "c.jsonl.journal"] {
        assert!(work.read(name) == text, "{name}");
    }
    // A pipe or device would be replaced by a file.
    assert!(Command::new("mkfifo").arg(work.path("pipe")).status().unwrap().success());
    work.scan("log.jsonl -o pipe --force").refuses(&["pipe: output is no file"]);
    // A link to a file is as good as the file.
    work.write("old.jsonl", "");
    symlink("old.jsonl", work.path("out.jsonl")).unwrap();
    work.scan("log.jsonl -o out.jsonl").refuses(&["output is there already"]);
}

#[test]
fn two_scans_do_not_write_one_output() {
    let work = Workplace::new();
    work.write("log.txt", "a boat\n");
    let mut first = work.command("scan - -o out.jsonl").stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = first.stdin.take().unwrap();
    pipe.write_all(b"a zorbl\n").unwrap();
    while !work.has("out.jsonl.part") {
        assert!(first.try_wait().unwrap().is_none());
        sleep(Duration::from_millis(2));
    }
    work.scan("log.txt -o out.jsonl").refuses(&["an unfinished scan is there"]);
    for how in ["--force", "--resume"] {
        work.scan(&format!("log.txt -o out.jsonl {how}"))
            .refuses(&["out.jsonl.journal: another scan writes this output"]);
    }
    pipe.write_all(b"a quuxel\n").unwrap();
    drop(pipe);
    Run::of(first, Vec::new()).says(1, &["2 rows: 0 allowed, 0 review, 2 blocked"]);
    assert_eq!(work.read_text("out.jsonl").lines().count(), 2);
    assert!(!work.has("out.jsonl.journal"));
}
