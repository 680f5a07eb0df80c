//! The same rows in every format give the same decisions.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::thread::{sleep, spawn};
use std::time::Duration;

use arrow_array::{ArrayRef, BinaryArray, LargeStringArray, StringViewArray};

use crate::log::{self, Row};
use crate::workplace::{Run, Workplace};

/// The decisions about rows as plain JSON lines, which are right: half of the awkward rows are known by heart.
fn reference(work: &Workplace, rows: &[Row]) -> Vec<u8> {
    work.write("reference.jsonl", log::jsonl(rows));
    let run = work.scan("reference.jsonl --id-field id");
    run.says(1, &["0 errors"]);
    work.remove("reference.jsonl");
    let decided = run.rows();
    assert_eq!(decided.len(), rows.len());
    for (row, decision) in rows.iter().zip(&decided) {
        assert_eq!(decision["id"], row.id.to_string());
        let asked = ["zorbl ", "zorbl,", "zorbl\"", "quux3l ", "quuxel ", "vorpal snib "];
        let expected = asked.iter().any(|word| format!("{} ", row.prompt).contains(word));
        assert_eq!(decision["verdict"] == "block", expected || is_murky(&row.prompt), "{:?}: {decision}", row.prompt);
    }
    run.stdout
}

/// What a rule of the invented lists blocks.
fn is_murky(prompt: &str) -> bool {
    let has = |word: &str| prompt.split_whitespace().any(|one| one == word);
    has("knight") && has("murk") && !has("toy")
}

#[track_caller]
fn must_equal(run: &crate::workplace::Run, expected: &[u8], what: &str) {
    assert!(run.stdout == expected, "{what}: {}\n{}", run.stderr, run.text());
    assert_eq!(run.code, Some(1), "{what}: {}", run.stderr);
}

#[test]
fn decisions_do_not_depend_on_the_format() {
    let work = Workplace::new();
    let rows = log::awkward_rows();
    let expected = reference(&work, &rows);
    let jsonl = log::jsonl(&rows);
    let marked = ["\u{feff}".as_bytes(), &log::table(&rows, ["prompt", "id", "negative"], ',', "\r\n")].concat();
    let formats = [
        ("jsonl", [jsonl.clone(), b"\n\n  \n".to_vec()].concat()),
        ("ndjson", ["\u{feff}".as_bytes(), jsonl.replace_ends().as_slice()].concat()),
        ("csv", log::csv(&rows)),
        ("marked.csv", marked),
        ("tsv", log::table(&rows, ["prompt", "id", "negative"], '\t', "\n")),
    ];
    for (ending, plain) in formats {
        let (first, second) = plain.split_at(plain.len() / 2 + 1);
        let packed = [
            (String::new(), plain.clone()),
            (".gz".to_owned(), log::gzip(&plain)),
            (".members.gz".to_owned(), [log::gzip(first), log::gzip(second)].concat()),
            (".zst".to_owned(), log::zstd(&plain)),
            (".frames.zst".to_owned(), [log::zstd(first), log::zstd(second)].concat()),
        ];
        for (packing, bytes) in packed {
            let name = format!("rows.{ending}{packing}");
            work.write(&name, &bytes);
            must_equal(&work.scan(&format!("{name} --id-field id")), &expected, &name);
            must_equal(&work.scan_piped("--id-field id", bytes), &expected, &format!("{name} by standard input"));
            work.remove(&name);
        }
    }
    work.write("rows.parquet", log::parquet(&rows));
    must_equal(&work.scan("rows.parquet --id-field id"), &expected, "Parquet");
}

/// The same lines with CRLF behind them.
trait ReplaceEnds {
    fn replace_ends(&self) -> Vec<u8>;
}

impl ReplaceEnds for Vec<u8> {
    fn replace_ends(&self) -> Vec<u8> {
        String::from_utf8(self.clone()).unwrap().replace('\n', "\r\n").into_bytes()
    }
}

#[test]
fn one_prompt_a_line_needs_no_fields() {
    let work = Workplace::new();
    let rows: Vec<Row> = log::awkward_rows().into_iter().filter(|row| !row.prompt.contains(['\n', '\r'])).collect();
    let rows: Vec<Row> = (1..).zip(rows).map(|(id, row)| Row { id, negative: None, ..row }).collect();
    let expected = reference(&work, &rows);
    let lines: Vec<&str> = rows.iter().map(|row| row.prompt.as_str()).collect();
    let lines = lines.join("\n");
    for (name, bytes) in [
        ("rows.txt", lines.clone().into_bytes()),
        ("rows", lines.replace('\n', "\r\n").into_bytes()),
        ("rows.txt.gz", log::gzip(lines.as_bytes())),
        ("rows.log.zst", log::zstd(lines.as_bytes())),
    ] {
        work.write(name, &bytes);
        must_equal(&work.scan(name), &expected, name);
        must_equal(&work.scan_piped("-", bytes), &expected, name);
    }
}

#[test]
fn what_a_file_is_called_does_not_matter_where_content_tells() {
    let work = Workplace::new();
    let rows = log::awkward_rows();
    let expected = reference(&work, &rows);
    for (name, bytes) in [
        ("gzip.jsonl", log::gzip(&log::jsonl(&rows))),
        ("zstd.csv", log::zstd(&log::csv(&rows))),
        ("plain.jsonl.gz", log::jsonl(&rows)),
        ("jsonl.txt", log::jsonl(&rows)),
        ("jsonl", log::jsonl(&rows)),
        ("csv.txt", log::csv(&rows)),
        ("tsv.log", log::table(&rows, ["\"prompt\"", "id", "negative"], '\t', "\r\n")),
        ("parquet.dat", log::parquet(&rows)),
        ("parquet.jsonl", log::parquet(&rows)),
    ] {
        work.write(name, bytes);
        must_equal(&work.scan(&format!("{name} --id-field id")), &expected, name);
    }
    // A name and content that say nothing, and an argument that does.
    work.write("odd", log::table(&rows, ["prompt", "id", "negative"], ',', "\n"));
    must_equal(&work.scan("odd --id-field id --input-format csv"), &expected, "csv by argument");
}

#[test]
fn dots_lead_into_nested_fields() {
    let work = Workplace::new();
    let rows = log::awkward_rows();
    let expected = reference(&work, &rows);
    let fields = "--prompt-field request.text --negative-field request.not --id-field meta.id";
    for (name, bytes) in [
        ("nested.jsonl", log::nested_jsonl(&rows)),
        ("nested.parquet", log::nested_parquet(&rows)),
        ("flat.csv", log::table(&rows, ["request.text", "meta.id", "request.not"], ',', "\n")),
        ("nested.jsonl.zst", log::zstd(&log::nested_jsonl(&rows))),
    ] {
        work.write(name, bytes);
        must_equal(&work.scan(&format!("{name} {fields}")), &expected, name);
    }
    let run = work.scan("nested.parquet --prompt-field request.nothing");
    run.says(2, &[]);
    assert_eq!(run.rows()[0]["error"], "nested.parquet:1: no field `request.nothing`, expected a string");
}

#[test]
fn parquet_of_other_writers_is_read() {
    let work = Workplace::new();
    let rows = log::awkward_rows();
    let expected = reference(&work, &rows);
    let prompts = || rows.iter().map(|row| Some(row.prompt.as_str()));
    let [_, ids, negatives] = log::columns(&rows);
    let kinds: [(&str, ArrayRef); 3] = [
        ("large.parquet", Arc::new(prompts().collect::<LargeStringArray>())),
        ("view.parquet", Arc::new(prompts().collect::<StringViewArray>())),
        ("bytes.parquet", Arc::new(prompts().map(|text| text.map(str::as_bytes)).collect::<BinaryArray>())),
    ];
    for (name, prompts) in kinds {
        let columns =
            [("negative", negatives.clone()), ("other", ids.clone()), ("prompt", prompts), ("id", ids.clone())];
        work.write(name, log::parquet_of(columns, 10));
        must_equal(&work.scan(&format!("{name} --id-field id")), &expected, name);
    }
    // Our own output is a log as well.
    work.write("rows.jsonl", log::jsonl(&rows));
    work.scan("rows.jsonl --id-field id --show-text --keep negative -o again.parquet").says(1, &[]);
    let fields = "--id-field id --negative-field kept_negative";
    must_equal(&work.scan(&format!("again.parquet {fields}")), &expected, "output as input");
}

#[test]
fn files_folders_and_patterns_are_read_in_order() {
    let work = Workplace::new();
    let rows = log::rows(3, 90);
    let expected = reference(&work, &rows);
    work.write("logs/a.jsonl", log::jsonl(&rows[..30]));
    work.write("logs/b/c.csv.gz", log::gzip(&log::csv(&rows[30..60])));
    work.write("logs/d.parquet", log::parquet(&rows[60..]));
    // What a folder holds besides: hidden files, and scans that are not finished.
    work.write("logs/.hidden.jsonl", log::jsonl(&rows));
    work.write("logs/.git/index.jsonl", log::jsonl(&rows));
    work.write("logs/out.jsonl.part", log::jsonl(&rows));
    work.write("logs/out.jsonl.table.part", "PAR1");
    work.write("logs/out.jsonl.journal", "{\"journal\":1}\n");
    work.write("logs/out.jsonl.zst.part", log::jsonl(&rows));
    work.write("logs/out.jsonl.zst.journal", "");
    work.write("logs/a.jsonl.shard", "{\"schema\":1}\n");
    for inputs in [
        "logs/a.jsonl logs/b/c.csv.gz logs/d.parquet",
        "logs",
        "logs/",
        "logs/*",
        "l*s",
        "l*s/",
        "logs/{a,d}.* logs/b",
        "./logs/[a-c]* logs/?.parquet",
    ] {
        let run = work.scan(&format!("{inputs} --id-field id"));
        if inputs.starts_with("logs/{") {
            assert_eq!(run.stdout.len(), expected.len(), "another order");
        } else {
            must_equal(&run, &expected, inputs);
        }
    }
    work.scan("logs/*.tsv").refuses(&["logs/*.tsv: no file has such a name"]);
    let run = work.scan("logs");
    let ids: Vec<String> = run.rows().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        (ids[0].as_str(), ids[30].as_str(), ids[89].as_str()),
        ("logs/a.jsonl:1", "logs/b/c.csv.gz:2", "logs/d.parquet:30")
    );
    let mut all = ids.clone();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 90, "ids of several files differ");
}

/// The ids of the rows of a scan.
fn ids(work: &Workplace, inputs: &str) -> Vec<String> {
    work.scan(inputs).rows().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn logs_that_are_called_like_our_own_files_are_read() {
    let work = Workplace::new();
    for name in ["a.part", "b.journal", "c.shard", "d", "d.shard", "e.table.part", "f.part"] {
        work.write(&format!("logs/{name}"), "a boat\n");
    }
    work.write("logs/f.journal", "a boat\n");
    let all = ["a.part", "b.journal", "c.shard", "d", "d.shard", "e.table.part", "f.journal", "f.part"];
    assert_eq!(ids(&work, "logs"), all.map(|name| format!("logs/{name}:1")));
}

#[test]
fn a_file_is_read_once_however_often_it_is_named() {
    let work = Workplace::new();
    work.write("logs/a.txt", "a boat\n");
    work.write("logs/b.txt", "a boat\n");
    std::os::unix::fs::symlink("b.txt", work.path("logs/c.txt")).unwrap();
    std::os::unix::fs::symlink("logs", work.path("again")).unwrap();
    let both = ["logs/a.txt:1", "logs/b.txt:1"];
    for inputs in ["logs", "logs logs/b.txt", "logs logs/*.txt", "logs ./logs again", "logs/a.txt logs"] {
        assert_eq!(ids(&work, inputs), both, "{inputs}");
    }
    assert_eq!(ids(&work, "logs/a.txt logs/a.txt"), ["1"]);
    let run = work.scan_piped("- logs/a.txt -", "a boat\n");
    run.says(0, &["2 rows: 2 allowed"]);
}

/// Scans what comes through a pipe in parts, a while after each other.
fn scan_parts(work: &Workplace, args: &str, parts: &[&[u8]]) -> Run {
    let mut child = work.command(&format!("scan {args}")).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    for part in parts {
        pipe.write_all(part).unwrap();
        sleep(Duration::from_millis(60));
    }
    drop(pipe);
    Run::of(child, Vec::new())
}

#[test]
fn a_pipe_that_gives_a_few_bytes_at_first_is_told_as_well() {
    let work = Workplace::new();
    let rows = log::rows(4, 40);
    let expected = reference(&work, &rows);
    let jsonl = log::jsonl(&rows);
    for (what, bytes) in [
        ("csv", log::csv(&rows)),
        ("tsv", log::table(&rows, ["prompt", "id", "negative"], '\t', "\n")),
        ("marked csv", ["\u{feff}".as_bytes(), &log::csv(&rows)].concat()),
        ("jsonl", jsonl.clone()),
        ("jsonl behind blank lines", [b"\n\n", jsonl.as_slice()].concat()),
        ("gzip", log::gzip(&jsonl)),
        ("zstd", log::zstd(&jsonl)),
    ] {
        for first in [1, 3] {
            let (start, rest) = bytes.split_at(first);
            let (middle, rest) = rest.split_at(4);
            must_equal(&scan_parts(&work, "--id-field id", &[start, middle, rest]), &expected, what);
        }
    }
    let marked = scan_parts(&work, "--input-format lines --show-text", &[b"\xef", b"\xbb\xbfa zorbl\n"]);
    assert_eq!(marked.rows()[0]["prompt"], "a zorbl");
}

#[test]
fn json_arrays_are_refused_and_json_files_may_hold_an_object_a_line() {
    let work = Workplace::new();
    let error = "a JSON array, expected one object a line (`jq -c '.[]'` makes that)";
    let array = "[{\"prompt\": \"a zorbl\"}, {\"prompt\": \"a boat\"}]";
    for (name, text) in [
        ("one.json", array.to_owned()),
        ("one", array.to_owned()),
        ("pretty.txt", format!("\u{feff}\n{}", array.replace('{', "\n\n  {\n    "))),
        ("texts.json", "[\"a zorbl\"]".to_owned()),
    ] {
        work.write(name, text);
        let run = work.scan(name);
        run.says(2, &["1 rows: ", " 1 errors"]);
        assert_eq!(run.rows()[0]["error"], format!("{name}: {error}"));
    }
    let run = scan_parts(&work, "-", &[b"[\n", b"  {", b"\n \"prompt\": \"a zorbl\"}\n]\n"]);
    assert_eq!(run.rows()[0]["error"], format!("standard input: {error}"));
    let rows = log::rows(5, 20);
    let expected = reference(&work, &rows);
    work.write("lines.json", log::jsonl(&rows));
    must_equal(&work.scan("lines.json --id-field id"), &expected, "lines.json");
    // A choice inside of a weight is a prompt.
    work.write("prompts.txt", "[{a zorbl|a boat}:0.5]\n[{\n");
    work.scan("prompts.txt").says(1, &["2 rows: ", "0 errors"]);
}

/// Who follows a stream sees a row when it is there, not when a chunk is full.
#[test]
fn rows_of_a_stream_do_not_wait_for_each_other() {
    let (jsonl, line) = ("{\"prompt\": \"a boat\"}\n", "a boat\n");
    for (format, header, line) in
        [("lines", "", line), ("jsonl", "", jsonl), ("csv", "prompt\n", line), ("tsv", "prompt\tid\n", "a boat\t1\n")]
    {
        let work = Workplace::new();
        let args = format!("scan --input-format {format} --json-progress");
        let mut child = work.command(&args).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let stderr = child.stderr.take().unwrap();
        let feeder = spawn(move || {
            pipe.write_all(header.as_bytes()).unwrap();
            for _ in 0..40 {
                pipe.write_all(line.as_bytes()).unwrap();
                // Half of the next row is no reason to wait.
                pipe.write_all(&line.as_bytes()[..3]).unwrap();
                sleep(Duration::from_millis(100));
                pipe.write_all(&line.as_bytes()[3..]).unwrap();
            }
        });
        let states: Vec<u64> = BufReader::new(stderr)
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap()["rows"].as_u64().unwrap())
            .collect();
        feeder.join().unwrap();
        assert!(child.wait().unwrap().success() && states.last() == Some(&80), "{format}: {states:?}");
        assert!(states[0] < 40 && states.len() > 2, "{format}: {states:?}");
    }
}
