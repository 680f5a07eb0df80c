//! What is broken is told of by place, costs nothing else, and takes neither memory nor time without bounds.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use crate::log::{self, Random};
use crate::workplace::{Run, Workplace};

/// The errors of error rows.
fn errors(run: &Run) -> Vec<String> {
    run.rows().iter().filter_map(|row| Some(row.get("error")?.as_str()?.to_owned())).collect()
}

/// Scans `names` between two good files; the good rows are there, and of the rest so many rows and these errors.
#[track_caller]
fn scan_between(work: &Workplace, names: &str, rows: usize) -> Vec<String> {
    work.write("a-good.jsonl", "{\"prompt\": \"a zorbl\"}\n");
    work.write("z-good.jsonl", "{\"prompt\": \"a quuxel\"}\n");
    let run = work.scan(&format!("a-good.jsonl {names} z-good.jsonl"));
    let decided = run.rows();
    let errors = errors(&run);
    run.says(2, &[&format!("{} rows: ", rows + 2), &format!("{} errors", errors.len())]);
    assert_eq!((&decided[0]["verdict"], &decided[decided.len() - 1]["verdict"]), (&"block".into(), &"block".into()));
    assert_eq!(decided.len(), rows + 2);
    errors
}

#[test]
fn streams_that_end_too_early_are_read_as_far_as_they_go() {
    let work = Workplace::new();
    let rows = log::rows(21, 20_000);
    for (name, plain) in [("cut.jsonl", log::jsonl(&rows)), ("cut.csv", log::csv(&rows))] {
        for packed in [log::gzip(&plain), log::zstd(&plain)] {
            for part in [1, 2, 3] {
                work.write(name, &packed[..packed.len() * part / 4]);
                let run = work.scan(name);
                let decided = run.rows();
                let (last, before) = decided.split_last().unwrap();
                run.says(2, &[" 1 errors"]);
                assert!(
                    before.len() > 1000 * part && before.iter().all(|row| row.get("error").is_none()),
                    "{}",
                    before.len()
                );
                // One prompt a line, behind a header in one of them.
                let line = before.len() + 1 + usize::from(plain.starts_with(b"prompt,"));
                let error = last["error"].as_str().unwrap();
                assert!(
                    error.starts_with(&format!("{name}:{line}: cannot be read: ")),
                    "{error}, expected line {line}"
                );
            }
        }
    }
    let gzip = log::gzip(b"a boat\n");
    for (name, bytes) in [("tiny.gz", &gzip[..5]), ("tiny.zst", &log::zstd(b"a boat\n")[..5])] {
        work.write(name, bytes);
        let errors = scan_between(&work, name, 1);
        assert!(errors[0].starts_with(name) && errors[0].contains("cannot be read"), "{errors:?}");
    }
}

/// Where a stream breaks off just between two chunks of rows, the error still tells the line.
#[test]
fn the_line_of_a_break_is_told_wherever_it_is() {
    let work = Workplace::new();
    for count in [511, 512, 513, 1024] {
        let lines = "a boat by the sea\n".repeat(count);
        let broken = [log::zstd(lines.as_bytes()), log::zstd(b"more")[..6].to_vec()].concat();
        work.write("log.txt", broken);
        let run = work.scan("log.txt");
        let errors = errors(&run);
        assert!(
            errors.len() == 1 && errors[0].starts_with(&format!("log.txt:{}: cannot be read", count + 1)),
            "{errors:?}"
        );
    }
}

#[test]
fn damaged_streams_are_told_of() {
    let work = Workplace::new();
    let plain = log::jsonl(&log::rows(22, 2000));
    let mut random = Random(5);
    for (name, packed) in [("log.gz", log::gzip(&plain)), ("log.zst", log::zstd(&plain))] {
        let mut told = 0;
        for _ in 0..12 {
            let mut bytes = packed.clone();
            let at = 20 + random.below(bytes.len() - 40);
            bytes[at] ^= 1 << random.below(8);
            work.write(name, bytes);
            let run = work.scan(name);
            assert!(matches!(run.code, Some(1 | 2)), "{}", run.stderr);
            told += usize::from(run.code == Some(2));
        }
        // zstd without a checksum cannot tell every flip.
        assert!(told >= 6, "{name}: {told} of 12 damages were told of");
    }
    let mut bytes = log::gzip(&plain);
    let at = bytes.len() - 6;
    bytes[at] ^= 1;
    work.write("log.gz", bytes);
    let run = work.scan("log.gz");
    run.says(2, &["2001 rows: ", " 1 errors"]);
    assert!(errors(&run)[0].starts_with("log.gz:2001: cannot be read: "), "a wrong checksum: {:?}", errors(&run));
}

#[test]
fn bombs_are_defused() {
    let work = Workplace::new();
    let zeros = |size: usize| std::io::Read::take(std::io::repeat(0), size as u64);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::copy(&mut zeros(200 << 20), &mut encoder).unwrap();
    let gzip = encoder.finish().unwrap();
    let zstd = zstd::encode_all(zeros(4 << 30), 1).unwrap();
    assert!(gzip.len() < 300_000 && zstd.len() < 1_000_000, "{} {}", gzip.len(), zstd.len());
    for (name, bytes) in [("bomb.gz", gzip), ("bomb.jsonl.zst", zstd)] {
        work.write(name, bytes);
        let began = Instant::now();
        let (errors, peak) = peak_of(&work, &format!("{name} --threads 2"), |_| {});
        assert!(errors.iter().any(|error| error.contains("it grows to more than 300 times its size")), "{errors:?}");
        assert!(began.elapsed() < Duration::from_secs(20) && peak < 300 << 10, "{:?}, {peak} KiB", began.elapsed());
    }
    // A frame that wants 512 MiB of memory to be read.
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(29).unwrap();
    encoder.write_all(b"a boat\n").unwrap();
    encoder.flush().unwrap();
    let bytes = encoder.finish().unwrap();
    work.write("window.zst", bytes);
    let errors = scan_between(&work, "window.zst", 1);
    assert!(errors[0].starts_with("window.zst") && errors[0].contains("cannot be read"), "{errors:?}");
}

/// Scans what `feed` writes to the pipe; returns the errors of its rows and the most memory that was used, in KiB.
fn peak_of(work: &Workplace, args: &str, feed: impl FnOnce(&mut dyn Write) + Send) -> (Vec<String>, u64) {
    let (run, peak) = peak_of_run(work, &format!("{args} -o peak.jsonl"), feed);
    assert!(matches!(run.code, Some(1 | 2)), "{}", run.stderr);
    let rows = crate::workplace::json_lines(&work.read("peak.jsonl"));
    (rows.iter().filter_map(|row| Some(row.get("error")?.as_str()?.to_owned())).collect(), peak)
}

/// The same, with whatever it says and writes.
fn peak_of_run(work: &Workplace, args: &str, feed: impl FnOnce(&mut dyn Write) + Send) -> (Run, u64) {
    let mut command = work.command(&format!("scan {args} --force"));
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    std::thread::scope(|scope| {
        let feeder = scope.spawn(move || feed(&mut pipe));
        while child.try_wait().unwrap().is_none() {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            peak = line.map_or(peak, |line| line.trim().trim_end_matches(" kB").parse().unwrap());
            std::thread::sleep(Duration::from_millis(2));
        }
        feeder.join().unwrap();
    });
    let run = Run::of(child, Vec::new());
    assert!(peak > 0 || !fs::exists("/proc/self/status").unwrap());
    (run, peak)
}

/// Letters that no compression makes much of.
fn noise(random: &mut Random, size: usize) -> String {
    (0..size).map(|_| char::from(b'a' + u8::try_from(random.below(26)).unwrap())).collect()
}

/// What is kept of a row may be much longer than its prompt.
#[test]
fn parquet_is_written_in_bounded_memory() {
    let work = Workplace::new();
    let mut random = Random(8);
    let blocks: Vec<String> = (0..16).map(|_| noise(&mut random, 1 << 16)).collect();
    let feed = |pipe: &mut dyn Write| {
        for _ in 0..300 {
            let long: Vec<&str> = (0..16).map(|_| blocks[random.below(16)].as_str()).collect();
            writeln!(pipe, "{{\"prompt\": \"a boat\", \"long\": \"{}\"}}", long.concat()).unwrap();
        }
        // Many times the memory of its text, were it taken apart.
        writeln!(pipe, "{{\"prompt\": \"a boat\", \"long\": [{}1]}}", "1,".repeat(4_000_000)).unwrap();
    };
    let args = "--input-format jsonl --keep long --threads 2 -o out.parquet";
    let (run, peak) = peak_of_run(&work, args, feed);
    run.says(0, &["301 rows: 301 allowed"]);
    assert!(peak < 400 << 10, "{peak} KiB");
    let file = parquet::file::reader::SerializedFileReader::new(fs::File::open(work.path("out.parquet")).unwrap());
    let groups = parquet::file::reader::FileReader::num_row_groups(&file.unwrap());
    assert!(groups > 1, "{groups} row groups");
}

#[test]
fn a_line_of_a_hundred_megabytes_is_one_error() {
    let work = Workplace::new();
    let long = |before: &'static [u8], after: &'static [u8]| {
        move |pipe: &mut dyn Write| {
            pipe.write_all(before).unwrap();
            let part = vec![b'x'; 1 << 20];
            (0..100).for_each(|_| pipe.write_all(&part).unwrap());
            pipe.write_all(after).unwrap();
        }
    };
    for (format, before, after, line) in [
        ("jsonl", &b"{\"prompt\":\"a zorbl\"}\n{\"prompt\":\""[..], &b"\"}\n{\"prompt\":\"a quuxel\"}\n"[..], 2),
        ("csv", b"prompt,id\na zorbl,1\n\"", b"\",2\na quuxel,3\n", 3),
        ("lines", b"a zorbl\n", b"\na quuxel\n", 2),
    ] {
        let (errors, peak) = peak_of(&work, &format!("--input-format {format} --threads 2"), long(before, after));
        let expected = format!("standard input:{line}: a record of more than 8388608 bytes, expected less");
        assert_eq!(errors, [expected], "{format}");
        let rows = crate::workplace::json_lines(&work.read("peak.jsonl"));
        assert_eq!((rows.len(), &rows[0]["verdict"], &rows[2]["verdict"]), (3, &"block".into(), &"block".into()));
        assert!(peak < 400 << 10, "{format}: {peak} KiB");
    }
}

#[test]
fn parquet_files_that_were_cut_or_damaged_are_told_of() {
    let work = Workplace::new();
    let rows = log::rows(23, 3000);
    let [prompts, ids, negatives] = log::columns(&rows);
    let whole = log::parquet_of([("prompt", prompts), ("id", ids), ("negative", negatives)], 700);
    for size in [4, 8, whole.len() / 2, whole.len() - 1] {
        work.write("cut.parquet", &whole[..size]);
        let errors = scan_between(&work, "cut.parquet", 1);
        assert!(errors[0].starts_with("cut.parquet: cannot be read: "), "{errors:?}");
        assert!(errors[0].ends_with("expected a Parquet file"), "{errors:?}");
    }
    let mut random = Random(6);
    let mut told = 0;
    for _ in 0..60 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(20) {
            let at = 4 + random.below(bytes.len() - 4);
            bytes[at] = u8::try_from(random.below(256)).unwrap();
        }
        work.write("damaged.parquet", bytes);
        let run = work.scan("damaged.parquet a-good.jsonl");
        assert!(matches!(run.code, Some(1 | 2)), "{}", run.stderr);
        assert!(run.stderr.contains(" rows: "), "the rest was not scanned: {}", run.stderr);
        assert_eq!(run.rows().last().unwrap()["id"], "a-good.jsonl:1");
        told += usize::from(run.code == Some(2));
    }
    assert!(told > 30, "{told} of 60 damages were told of");
    // A page in the middle: what is before it was read.
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle - 300..middle + 300].fill(0xa5);
    work.write("page.parquet", bytes);
    let run = work.scan("page.parquet a-good.jsonl");
    run.says(2, &[" 1 errors"]);
    let decided = run.rows();
    let at = decided.iter().position(|row| row.get("error").is_some()).unwrap();
    assert!(at >= 512 && at == decided.len() - 2, "{at} of {}", decided.len());
    assert!(errors(&run)[0].starts_with(&format!("page.parquet:{}: cannot be read: ", at + 1)), "{:?}", errors(&run));
    // Not as it stands.
    for (name, bytes) in [("packed.parquet.gz", log::gzip(&whole)), ("packed.dat", log::zstd(&whole))] {
        work.write(name, bytes);
        let errors = scan_between(&work, name, 1);
        assert!(errors[0].starts_with(name) && errors[0].contains("not compressed"), "{errors:?}");
    }
    let run = work.scan_piped("-", whole);
    run.says(2, &["1 rows: "]);
    assert!(errors(&run)[0].starts_with("standard input: no Parquet file"), "{:?}", errors(&run));
}

#[test]
fn columns_of_another_type_are_told_of() {
    let work = Workplace::new();
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let nulls: ArrayRef = Arc::new(StringArray::from(vec![None, Some("a boat")]));
    work.write("number.parquet", log::parquet_of([("prompt", numbers)], 10));
    work.write("null.parquet", log::parquet_of([("prompt", nulls.clone())], 10));
    work.write("other.parquet", log::parquet_of([("text", nulls)], 10));
    let errors = scan_between(&work, "number.parquet null.parquet other.parquet", 6);
    let expected = [
        "number.parquet:1: a column of Int64 in `prompt`, expected a string",
        "number.parquet:2: a column of Int64 in `prompt`, expected a string",
        "null.parquet:1: null in `prompt`, expected a string",
        "other.parquet:1: no field `prompt`, expected a string",
        "other.parquet:2: no field `prompt`, expected a string",
    ];
    assert_eq!(errors, expected);
}

#[test]
fn ids_of_any_type_are_read_or_told_of() {
    let work = Workplace::new();
    let prompts: ArrayRef = Arc::new(StringArray::from(vec!["a boat"; 3]));
    let mut uuids = FixedSizeBinaryBuilder::new(16);
    uuids.append_value(0x1234_5678_9abc_def0_0123_4567_89ab_cdef_u128.to_be_bytes()).unwrap();
    uuids.append_null();
    uuids.append_value([0xff; 16]).unwrap();
    let decimals = Decimal128Array::from(vec![Some(1_234_567_890_123_456_789_012), Some(-5), None]);
    let decimals = decimals.with_precision_and_scale(38, 2).unwrap();
    for (ids, expected) in [
        (
            Arc::new(uuids.finish()) as ArrayRef,
            ["12345678-9abc-def0-0123-456789abcdef", "2", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
        ),
        (Arc::new(decimals), ["12345678901234567890.12", "-0.05", "3"]),
    ] {
        work.write("in.parquet", log::parquet_of([("prompt", prompts.clone()), ("id", ids)], 10));
        let rows = work.scan("in.parquet --id-field id").rows();
        assert_eq!(rows.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    }
    let mut threes = FixedSizeBinaryBuilder::new(3);
    [(); 3].iter().for_each(|()| threes.append_value(b"abc").unwrap());
    let columns = [("prompt", prompts), ("three", Arc::new(threes.finish()))];
    work.write("in.parquet", log::parquet_of(columns, 10));
    let run = work.scan("in.parquet --id-field three");
    run.says(2, &["3 rows: 0 allowed", "3 errors"]);
    assert_eq!(errors(&run)[0], "in.parquet:1: a column of FixedSizeBinary(3) in `three`, expected a string or number");
    let run = work.scan("in.parquet --report report --user-field three --user-key key");
    run.says(2, &["3 errors"]);
    assert_eq!(errors(&run)[2], "in.parquet:3: a column of FixedSizeBinary(3) in `three`, expected a string or number");
}

/// A field that may not be null has something in it where its struct is.
#[test]
fn fields_of_a_struct_that_is_null_are_null() {
    let work = Workplace::new();
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a zorbl", "a zorbl", "a boat"]));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7, 8, 9]));
    let fields = vec![Field::new("text", DataType::Utf8, false), Field::new("id", DataType::Int64, false)];
    let request = StructArray::new(fields.into(), vec![texts, numbers], Some(vec![true, false, true].into()));
    work.write("in.parquet", log::parquet_of([("request", Arc::new(request) as ArrayRef)], 10));
    let run = work.scan("in.parquet --prompt-field request.text --id-field request.id");
    run.says(2, &["3 rows: 1 allowed, 0 review, 1 blocked, 1 errors"]);
    assert_eq!(errors(&run), ["in.parquet:2: null in `request.text`, expected a string"]);
    let ids: Vec<_> = run.rows().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, ["7", "2", "9"]);
}

/// Rows of one text each, some at a time.
fn parquet_of_texts<'a>(texts: impl IntoIterator<Item = &'a str>, dictionary: usize) -> Vec<u8> {
    let batch = |text: &str| {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![text]));
        let prompts: ArrayRef = Arc::new(StringArray::from(vec!["a boat"]));
        RecordBatch::try_from_iter([("prompt", prompts), ("text", texts)]).unwrap()
    };
    let properties = WriterProperties::builder().set_dictionary_page_size_limit(dictionary).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch("").schema(), Some(properties)).unwrap();
    texts.into_iter().for_each(|text| writer.write(&batch(text)).unwrap());
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_is_read_in_bounded_memory() {
    let work = Workplace::new();
    let mut random = Random(9);
    let long = noise(&mut random, 4 << 20);
    // Each row its own text; one text for all rows; a few long texts among short ones.
    let many = parquet_of_texts((0..400).map(|at| &long[at..at + (1 << 20)]), 1 << 10);
    let one = parquet_of_texts((0..300).map(|_| long.as_str()), 16 << 20);
    let some = parquet_of_texts((0..5000).map(|at| if at / 32 == 77 { &long[at..] } else { "short" }), 1 << 10);
    assert!(many.len() > 300 << 20 && one.len() < 16 << 20);
    for (bytes, rows) in [(many, 400), (one, 300), (some, 5000)] {
        work.write("in.parquet", bytes);
        let args = "in.parquet --keep text --threads 2 --output-format jsonl-zst -o out.zst";
        let (run, peak) = peak_of_run(&work, args, |_| {});
        run.says(0, &[&format!("{rows} rows: {rows} allowed")]);
        assert!(peak < 400 << 10, "{rows} rows: {peak} KiB");
    }
    let longer = noise(&mut random, (8 << 20) + 1);
    work.write("in.parquet", parquet_of_texts(["short", &longer, "short"], 1 << 10));
    let run = work.scan("in.parquet --keep text");
    run.says(2, &["3 rows: 2 allowed", "1 errors"]);
    assert_eq!(errors(&run), ["in.parquet:2: a record of more than 8388608 bytes, expected less"]);
}

#[test]
fn tables_of_many_empty_columns_are_read_in_bounded_memory() {
    let work = Workplace::new();
    let feed = |pipe: &mut dyn Write| {
        let commas = ",".repeat(60_000);
        writeln!(pipe, "prompt{commas}").unwrap();
        (0..1500).for_each(|_| writeln!(pipe, "a boat{commas}").unwrap());
    };
    let (run, peak) = peak_of_run(&work, "--input-format csv --threads 2 -o out.jsonl", feed);
    run.says(0, &["1500 rows: 1500 allowed"]);
    assert!(peak < 150 << 10, "{peak} KiB");
}

#[test]
fn rows_that_are_no_prompts_are_told_of_one_by_one() {
    let work = Workplace::new();
    let rows: [&[u8]; 13] = [
        br#"{"prompt": "a boat"}"#,
        br#"{"text": "no such field"}"#,
        br#"{"prompt": 12}"#,
        br#"{"prompt": null}"#,
        br#"{"prompt": ["a", "list"]}"#,
        br#"{"prompt": {"a": 1}}"#,
        br#"["prompt", "a list"]"#,
        br#"{"prompt": "cut off"#,
        br#"{"prompt": "two"} {"prompt": "rows"}"#,
        b"{\"prompt\": \"broken \xff\"}",
        br#"{"prompt": "a boat", "negative": 3}"#,
        br#"{"prompt": "lone \ud800 surrogate and \u0000 nul"}"#,
        br#"{"prompt": "a boat", "negative": null, "id": {"a": 1}}"#,
    ];
    work.write("in.jsonl", rows.join(&b'\n'));
    let run = work.scan("in.jsonl --id-field id");
    run.says(2, &["13 rows: 3 allowed, 0 review, 0 blocked, 10 errors"]);
    let expected = [
        "in.jsonl:2: no field `prompt`, expected a string",
        "in.jsonl:3: a number in `prompt`, expected a string",
        "in.jsonl:4: null in `prompt`, expected a string",
        "in.jsonl:5: a list in `prompt`, expected a string",
        "in.jsonl:6: an object in `prompt`, expected a string",
        "in.jsonl:7: invalid type: sequence at column 0, expected an object with a string `prompt`",
        "in.jsonl:8: invalid JSON at column 19, expected an object with a string `prompt`",
        "in.jsonl:9: invalid JSON at column 19, expected an object with a string `prompt`",
        "in.jsonl:10: invalid JSON at column 20, expected an object with a string `prompt`",
        "in.jsonl:11: a number in `negative`, expected a string",
    ];
    assert_eq!(errors(&run), expected);
    let csv = b"prompt,id\na boat,1\nfew\na boat,2,more\nbroken \xff,3\n\"two\nlines\",4\n\"never closed,5\na boat,6\n";
    work.write("in.csv", csv);
    let run = work.scan("in.csv --id-field id");
    run.says(2, &["6 rows: 2 allowed, 0 review, 0 blocked, 4 errors"]);
    let expected = [
        "in.csv:3: 1 fields, expected 2 as in the header",
        "in.csv:4: 3 fields, expected 2 as in the header",
        "in.csv:5: invalid UTF-8 at byte 7 in `prompt`, expected a string",
        "in.csv:8: quote never closed, 1 lines behind it are read as part of it, expected a closing `\"`",
    ];
    assert_eq!(errors(&run), expected);
    let run = work.scan_piped("-", &b"fine\nbroken \xff line\n\xfe\nfine\n"[..]);
    run.says(2, &["4 rows: 2 allowed"]);
    let expected = [2, 3].map(|line| {
        format!("standard input:{line}: invalid UTF-8 at byte {}, expected UTF-8 text", if line == 2 { 7 } else { 0 })
    });
    assert_eq!(errors(&run), expected);
}

#[test]
fn quotes_cost_no_row_of_a_tsv_file() {
    let work = Workplace::new();
    let rows = [
        "\"a zorbl\" he said\t1",
        "\"a zorbl\t2",
        "\"two\nlines, a zorbl\"\t3",
        "\"a \"\"zorbl\"\"\"\t4",
        "\"zorbl\t5",
    ];
    work.write("in.tsv", format!("prompt\tid\n{}\n", rows.join("\n")));
    let run = work.scan("in.tsv --id-field id --show-text");
    run.says(1, &["5 rows: 0 allowed, 0 review, 5 blocked, 0 errors"]);
    let prompts: Vec<_> = run.rows().iter().map(|row| row["prompt"].as_str().unwrap().to_owned()).collect();
    assert_eq!(prompts, ["\"a zorbl\" he said", "\"a zorbl", "two\nlines, a zorbl", "a \"zorbl\"", "\"zorbl"]);
    // Where the stream breaks off while it is looked ahead.
    let text = "prompt\tid\n\"two\nlines\n";
    work.write("in.tsv.zst", [log::zstd(text.as_bytes()), log::zstd(b"more")[..6].to_vec()].concat());
    let run = work.scan("in.tsv.zst");
    let errors = errors(&run);
    assert_eq!(errors[..2], [2, 3].map(|line| format!("in.tsv.zst:{line}: 1 fields, expected 2 as in the header")));
    assert!(errors.len() == 3 && errors[2].starts_with("in.tsv.zst:4: cannot be read: "), "{errors:?}");
}

#[test]
fn tables_without_the_column_are_told_of() {
    let work = Workplace::new();
    work.write("none.csv", "text,id\na boat,1\na zorbl,2\n");
    work.write("twice.tsv", "prompt\tid\tprompt\na\t1\tb\n");
    let errors = scan_between(&work, "none.csv twice.tsv", 2);
    assert_eq!(
        errors,
        [
            "none.csv: no column `prompt` in the header, expected one",
            "twice.tsv: column `prompt` is there twice, expected it once",
        ]
    );
}

#[test]
fn files_that_cannot_be_opened_are_told_of() {
    let work = Workplace::new();
    fs::create_dir(work.path("empty")).unwrap();
    work.scan("empty").refuses(&["empty: a folder without files, expected some"]);
    work.scan("nowhere.jsonl").refuses(&["nowhere.jsonl: is not there, expected a file, a folder or a pattern"]);
    work.write("logs/a.jsonl", "{\"prompt\": \"a zorbl\"}\n");
    work.write("logs/b/c.jsonl", "{\"prompt\": \"a boat\"}\n");
    symlink("..", work.path("logs/b/loop")).unwrap();
    symlink("nothing", work.path("logs/d.jsonl")).unwrap();
    work.write("elsewhere.jsonl", "{\"prompt\": \"a zorbl\"}\n");
    symlink("../elsewhere.jsonl", work.path("logs/e.jsonl")).unwrap();
    let run = work.scan("logs");
    run.says(2, &["5 rows: 1 allowed, 0 review, 2 blocked, 2 errors"]);
    let errors = errors(&run);
    assert!(errors[0].starts_with("logs/b/loop: a link that leads back to a folder above it"), "{errors:?}");
    assert!(errors[1].starts_with("logs/d.jsonl: cannot be read: "), "{errors:?}");
    let hidden = work.path("logs/secret.jsonl");
    work.write("logs/secret.jsonl", "{\"prompt\": \"a boat\"}\n");
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&hidden).is_ok() {
        eprintln!("skipped what root may read");
        return;
    }
    let run = work.scan("logs/a.jsonl logs/secret.jsonl");
    run.says(2, &["2 rows: 0 allowed, 0 review, 1 blocked, 1 errors"]);
    assert!(self::errors(&run)[0].starts_with("logs/secret.jsonl: cannot be read: Permission denied"));
}

#[test]
fn outputs_that_cannot_be_written_are_told_of() {
    let work = Workplace::new();
    work.write("in.txt", "a boat\n".repeat(50_000));
    work.scan("in.txt -o nowhere/out.jsonl").refuses(&["nowhere/out.jsonl", "cannot be written: No such file"]);
    work.scan("in.txt --report in.txt").refuses(&["in.txt: no folder, expected one for the report"]);
    let full = work.shell("$promptgate scan in.txt > /dev/full");
    full.refuses(&["standard output: cannot be written: No space left on device"]);
    let full = work.shell("$promptgate scan in.txt --output-format jsonl-zst > /dev/full");
    full.refuses(&["standard output: cannot be written: No space left on device"]);
    for format in ["jsonl", "jsonl-zst", "table"] {
        let closed = work.shell(&format!(
            "$promptgate scan in.txt --output-format {format} --quiet | head -c 100 > head; echo done"
        ));
        assert_eq!(
            (closed.code, closed.text(), closed.stderr.as_str()),
            (Some(0), "done\n", ""),
            "a reader that has enough"
        );
        assert_eq!(work.read("head").len(), 100);
    }
}

#[test]
fn a_full_disk_costs_time_and_no_rows() {
    let work = Workplace::new();
    let rows = log::rows(24, 12_000);
    let with_users: Vec<String> = rows
        .iter()
        .map(|row| {
            serde_json::json!({"id": row.id, "prompt": row.prompt, "user": format!("user {}", row.id)}).to_string()
        })
        .collect();
    work.write("log.jsonl", with_users.join("\n"));
    work.write("key", "0123456789abcdef".repeat(4));
    fs::set_permissions(work.path("key"), fs::Permissions::from_mode(0o600)).unwrap();
    // Blocks of 512 bytes; the last one is too little for the journal, which knows the users, but not for the output.
    for (output, report, blocks) in [
        ("out.jsonl", "", 2000),
        ("out.zst", "", 40),
        ("out.parquet", "", 60),
        ("rep.zst", "--report REPORT --user-field user --user-key key", 200),
    ] {
        let args = |output: &str| {
            format!(
                "scan log.jsonl --id-field id --cache 0 {} -o {output}",
                report.replace("REPORT", &format!("{output}.report"))
            )
        };
        let whole = format!("whole.{output}");
        work.run(&args(&whole)).says(1, &["12000 rows"]);
        let full = work.shell(&format!("ulimit -f {blocks}; exec $promptgate {}", args(output)));
        full.says(2, &[output, "cannot be written: File too large", "`--resume` goes on"]);
        assert_eq!(full.stderr.lines().count(), 1, "{}", full.stderr);
        assert!(!work.has(output), "half an output has no name");
        work.run(&format!("{} --resume", args(output))).says(1, &["12000 rows"]);
        assert!(work.read(output) == work.read(&whole), "{output}");
        assert!(!work.has(&format!("{output}.part")) && !work.has(&format!("{output}.journal")));
    }
    // What comes behind the last row can fail as well.
    for (output, blocker) in
        [("late.parquet", "late.parquet.table.part"), ("late.jsonl", "late.report/summary.json.part")]
    {
        let args = format!("scan log.jsonl --id-field id --report late.report -o {output}");
        fs::create_dir_all(work.path(blocker)).unwrap();
        let run = work.run(&args);
        run.says(2, &["cannot be written: Is a directory"]);
        assert_eq!(run.stderr.contains("`--resume` goes on"), output == "late.parquet", "{}", run.stderr);
        work.remove("late.report");
        work.remove(blocker);
        work.run(&format!("{args} --resume")).says(1, &["12000 rows"]);
        assert_eq!(work.read_json("late.report/summary.json")["totals"]["rows"], 12_000);
        assert!(!work.has(&format!("{output}.part")) && !work.has(&format!("{output}.journal")));
        work.remove("late.report");
    }
    assert!(work.read("late.jsonl") == work.read("whole.out.jsonl"));
    let users = |name: &str| work.read_json(&format!("{name}.report/summary.json"))["offenders"].clone();
    assert_eq!(users("rep.zst"), users("whole.rep.zst"));
}

#[test]
fn what_a_pattern_does_not_ask_for_is_no_error() {
    let work = Workplace::new();
    work.write("a.jsonl", "{\"prompt\": \"a boat\"}\n");
    work.write("logs/one/a.jsonl", "{\"prompt\": \"a boat\"}\n");
    symlink("nowhere", work.path("logs/broken.jsonl")).unwrap();
    symlink("nowhere", work.path("logs/two")).unwrap();
    for pattern in ["*.jsonl", "logs/one*/", "logs/o*/*.jsonl", "{a,b}.jsonl"] {
        work.scan(pattern).says(0, &["1 rows: 1 allowed"]);
    }
    // A folder that is gone may have held what is asked for.
    for (pattern, expected) in
        [("logs/t*/*.jsonl", "logs/two: "), ("logs/*.jsonl", "logs/broken.jsonl: "), ("logs/t*/", "logs/two: ")]
    {
        let run = work.scan(pattern);
        run.says(2, &[" 1 errors"]);
        assert!(errors(&run)[0].starts_with(expected), "{pattern}: {:?}", errors(&run));
    }
    assert_eq!(errors(&work.scan("logs/**/*.jsonl")).len(), 2);
}
