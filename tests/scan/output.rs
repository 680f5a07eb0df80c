//! What is written, in every format: the same, in the order of the input.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::log;
use crate::workplace::{Run, Workplace};

/// A Parquet file: its columns, and its rows as one batch.
pub fn read_parquet(work: &Workplace, name: &str) -> RecordBatch {
    let file = std::fs::File::open(work.path(name)).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = reader.schema().clone();
    let mut batches = reader.with_batch_size(1 << 20).build().unwrap().map(Result::unwrap);
    let batch = batches.next().unwrap_or_else(|| RecordBatch::new_empty(schema));
    assert!(batches.next().is_none());
    batch
}

/// A value as JSON would hold it.
fn value_of(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::List(_) => {
            let list = column.as_list::<i32>().value(row);
            (0..list.len()).map(|at| value_of(&list, at)).collect()
        }
        other => panic!("{other}"),
    }
}

const ROWS: [&str; 6] = [
    r#"{"id": "one", "prompt": "a lighthouse", "user": {"plan": "pro", "age": 3}, "n": 1, "x": 1, "on": true, "any": 1, "no": null}"#,
    r#"{"id": "two", "prompt": "a zorbl, k n i g h t in murk", "negative": "blurry", "user": {"plan": "free"}, "n": -2, "x": 0.5, "on": false, "any": "text"}"#,
    r#"{"id": "three", "text": "no prompt"}"#,
    r#"{"id": "four", "prompt": "z0rbl", "user": {"plan": null}, "n": 9007199254740993, "x": 1e3, "any": [1, "two"]}"#,
    r#"{"id": "five", "prompt": "a \"quoted\" boat\nby the sea", "user": 12, "any": {"a": null}}"#,
    r#"{"id": "six", "prompt": "portrait of a knight", "negative": "zorbl", "on": null}"#,
];
const KEEP: &str = "--id-field id --keep user.plan,user.age,n,x,on,any,no";

fn scan_rows(work: &Workplace, args: &str) -> Run {
    work.write("in.jsonl", ROWS.join("\n"));
    let run = work.scan(&format!("in.jsonl {KEEP} {args}"));
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    run
}

#[test]
fn kept_fields_stand_behind_the_decision_as_they_were() {
    let work = Workplace::new();
    let run = scan_rows(&work, "");
    let kept: Vec<Value> = run.rows().iter().map(|row| row["kept"].clone()).collect();
    assert_eq!(kept[0], json!({"user.plan": "pro", "user.age": 3, "n": 1, "x": 1, "on": true, "any": 1, "no": null}));
    assert_eq!(kept[1]["x"], json!(0.5));
    assert_eq!(kept[2], Value::Null, "of a row that cannot be read nothing is kept");
    assert!(run.text().contains(r#""n":9007199254740993,"x":1e3"#), "digit by digit");
    assert_eq!((&kept[3]["any"], &kept[4]["any"]), (&json!([1, "two"]), &json!({"a": null})));
    assert_eq!(kept[4]["user.plan"], Value::Null);
    work.write("in.csv", "prompt,n,user.plan\na boat,1,pro\na zorbl,,\n");
    let run = work.scan("in.csv --keep n,user.plan,missing");
    assert_eq!(run.rows()[0]["kept"], json!({"n": "1", "user.plan": "pro", "missing": null}));
    assert_eq!(run.rows()[1]["kept"], json!({"n": "", "user.plan": "", "missing": null}));
}

#[test]
fn zstd_holds_the_lines_of_jsonl() {
    let work = Workplace::new();
    let jsonl = scan_rows(&work, "").stdout;
    scan_rows(&work, "-o out.jsonl");
    scan_rows(&work, "-o out.jsonl.zst");
    scan_rows(&work, "-o named --output-format jsonl-zst");
    let piped = scan_rows(&work, "--output-format jsonl-zst").stdout;
    assert!(work.read("out.jsonl") == jsonl);
    assert!(log::unzstd(&work.read("out.jsonl.zst")) == jsonl);
    assert!(work.read("named") == work.read("out.jsonl.zst"));
    assert!(log::unzstd(&piped) == jsonl, "standard output is compressed as well");
    for name in ["out.jsonl", "out.jsonl.zst", "named"] {
        assert!(!work.has(&format!("{name}.part")) && !work.has(&format!("{name}.journal")));
    }
}

#[test]
fn parquet_has_typed_columns_with_the_values_of_jsonl() {
    let work = Workplace::new();
    let rows = scan_rows(&work, "--show-text").rows();
    scan_rows(&work, "--show-text -o out.parquet");
    assert!(!work.has("out.parquet.part") && !work.has("out.parquet.table.part") && !work.has("out.parquet.journal"));
    let batch = read_parquet(&work, "out.parquet");
    let schema = batch.schema();
    let types: BTreeMap<&str, String> =
        schema.fields().iter().map(|field| (field.name().as_str(), field.data_type().to_string())).collect();
    for (name, of) in [
        ("id", "Utf8"),
        ("verdict", "Utf8"),
        ("reasons", "Utf8"),
        ("error", "Utf8"),
        ("prompt", "Utf8"),
        ("score_adult", "Float32"),
        ("kept_user.plan", "Utf8"),
        ("kept_user.age", "Int64"),
        ("kept_n", "Int64"),
        ("kept_x", "Float64"),
        ("kept_on", "Boolean"),
        ("kept_any", "Utf8"),
        ("kept_no", "Utf8"),
    ] {
        assert_eq!(types.get(name).map(String::as_str), Some(of), "{name}");
    }
    assert!(types["categories"].starts_with("List("), "{types:?}");
    assert!(!types.contains_key("timing_us") && !types.contains_key("shadow"));
    assert_eq!(batch.num_rows(), rows.len());
    for (at, row) in rows.iter().enumerate() {
        let value = |name: &str| value_of(batch.column_by_name(name).unwrap(), at);
        for name in ["id", "verdict", "user_message", "policy", "model", "degraded", "error", "categories", "prompt"] {
            assert_eq!(value(name), row[name], "{name} of row {at}");
        }
        let reasons = value("reasons").as_str().map(|reasons| serde_json::from_str::<Value>(reasons).unwrap());
        assert_eq!(reasons.as_ref(), row.get("reasons"));
        for name in ["user.plan", "user.age", "n", "on", "no"] {
            assert_eq!(value(&format!("kept_{name}")), row["kept"][name], "{name} of row {at}");
        }
        assert_eq!(value("kept_x").as_f64(), row["kept"]["x"].as_f64());
    }
    let any: Vec<Value> = (0..6).map(|at| value_of(batch.column_by_name("kept_any").unwrap(), at)).collect();
    assert_eq!(
        any,
        [json!("1"), json!("text"), json!(null), json!("[1, \"two\"]"), json!("{\"a\": null}"), json!(null)]
    );
    let piped = work.scan("in.jsonl --output-format parquet");
    piped.refuses(&["--output-format", "standard output", "-o"]);
}

#[test]
fn parquet_holds_scores_and_times() {
    let work = Workplace::new();
    work.write("in.txt", "a lighthouse at dusk\na woman on a beach wearing nothing but a smile\n");
    let run = |args: &str| {
        let args = format!("scan {} --explain all --timing {args}", work.path("in.txt").display());
        // Where the models and their library lie.
        let child = work.command_with(&[], &args).current_dir(env!("CARGO_MANIFEST_DIR")).spawn().unwrap();
        Run::of(child, Vec::new())
    };
    let rows = run("").rows();
    run(&format!("-o {}", work.path("out.parquet").display())).says(1, &[]);
    let batch = read_parquet(&work, "out.parquet");
    let scores = batch.column_by_name("score_adult").unwrap().as_primitive::<Float32Type>();
    assert!(scores.null_count() == 0 && scores.value(0) < 0.2 && scores.value(1) > 0.05, "{scores:?}");
    for (at, row) in rows.iter().enumerate() {
        assert!((f64::from(scores.value(at)) - row["scores"]["adult"].as_f64().unwrap()).abs() < 1e-6, "{row}");
    }
    let times = batch.column_by_name("timing_us").unwrap().as_primitive::<Int64Type>();
    assert!(times.null_count() == 0 && times.value(0) > 0);
}

#[test]
fn a_table_is_for_people() {
    let work = Workplace::new();
    let run = scan_rows(&work, "--output-format table --show-text");
    let lines: Vec<&str> = run.text().lines().collect();
    assert_eq!(lines.len(), ROWS.len());
    let starts = [
        "one        allow ",
        "two        BLOCK ",
        "three      ERROR ",
        "four       BLOCK ",
        "five       allow ",
        "six        allow ",
    ];
    lines.iter().zip(starts).for_each(|(line, start)| assert!(line.starts_with(start), "{line}"));
    assert!(
        lines[1].contains("a zorbl, k n i g h t in murk") && lines[1].contains("gore: lexicon block-en:zorbl @2..7")
    );
    work.write(
        "odd.jsonl",
        "{\"id\": \"\\u001b[2J\", \"prompt\": 1}\n{\"id\": \"\\u001b[2J\\n\", \"prompt\": \"a boat\"}\n",
    );
    let odd = work.scan("odd.jsonl --id-field id --output-format table");
    assert_eq!(odd.text().lines().count(), 2);
    assert!(
        odd.text().starts_with("\\u{1b}[2J  ERROR  odd.jsonl:1: ") && !odd.text().contains('\u{1b}'),
        "{}",
        odd.text()
    );
    let hidden = scan_rows(&work, "--output-format table -o out.txt");
    assert!(
        hidden.stdout.is_empty() && !work.read_text("out.txt").contains("in murk"),
        "text only where it is asked for"
    );
}

#[test]
fn output_depends_on_neither_threads_nor_cache() {
    let work = Workplace::new();
    let mut rows = log::rows(11, 6000);
    // Repeats, and prompts that take longer than others.
    for at in (0..6000).step_by(7) {
        rows[at].prompt = rows[at % 97].prompt.clone();
    }
    for at in (0..6000).step_by(501) {
        rows[at].prompt = "a river, ".repeat(at);
    }
    work.write("log.jsonl", log::jsonl(&rows));
    let one = work.scan("log.jsonl --id-field id --threads 1 --cache 0");
    one.says(1, &["6000 rows", "0 errors"]);
    assert!(!one.stderr.contains("repeats"), "{}", one.stderr);
    let ids: Vec<String> = one.rows().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert!(
        ids.iter().map(String::as_str).eq(rows
            .iter()
            .map(|row| row.id.to_string())
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str))
    );
    for args in
        ["--threads 4", "--threads 2 --cache 10", "--threads 4 --cache 0", "--threads 3 --report report --force"]
    {
        let run = work.scan(&format!("log.jsonl --id-field id {args}"));
        assert!(run.stdout == one.stdout, "{args}");
    }
    let run = work.scan("log.jsonl --id-field id --threads 2");
    assert!(run.stderr.contains(" % repeats"), "the cache is used: {}", run.stderr);
}

#[test]
fn progress_is_for_machines_people_or_nobody() {
    let work = Workplace::new();
    work.write("log.jsonl", log::jsonl(&log::rows(5, 40_000)));
    let args = "log.jsonl --id-field id --cache 0 -o out.jsonl --force";
    let plain = work.scan(args);
    assert_eq!((plain.code, plain.stderr.lines().count()), (Some(1), 1), "{}", plain.stderr);
    assert!(plain.stderr.starts_with("40000 rows: ") && plain.stderr.contains(" prompts/s"), "{}", plain.stderr);
    let quiet = work.scan(&format!("{args} --quiet"));
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(1), ""));
    // Slow enough for more than one line.
    let feed = "(head -n 20000 log.jsonl; sleep 1.5; tail -n +20001 log.jsonl)";
    let piped = work.shell(&format!("{feed} | $promptgate scan --id-field id --json-progress -o out.jsonl --force"));
    let states = crate::workplace::json_lines(piped.stderr.as_bytes());
    assert!(states.len() > 1, "{}", piped.stderr);
    let (last, before) = states.split_last().unwrap();
    assert!(
        before.iter().all(|state| state["done"] == false && state["rows"].as_u64() < Some(40_000)),
        "{}",
        piped.stderr
    );
    assert!(
        last["done"] == true && last["rows"] == 40_000 && last["errors"] == 0 && last["blocked"].as_u64() > Some(0)
    );
    assert_eq!(last["total_bytes"], Value::Null);
    let files = crate::workplace::json_lines(work.scan(&format!("{args} --json-progress")).stderr.as_bytes());
    let size = work.read("log.jsonl").len();
    let last = files.last().unwrap();
    assert!(last["done"] == true && last["total_bytes"] == size && last["read_bytes"] == size, "{last}");
    assert_eq!(last["eta_seconds"], 0.0);
}

#[test]
fn an_empty_file_has_no_rows() {
    let work = Workplace::new();
    for name in ["empty.jsonl", "empty.csv", "empty.txt", "empty"] {
        work.write(name, "");
        let run = work.scan(name);
        run.says(0, &["0 rows: 0 allowed"]);
        assert!(run.stdout.is_empty());
    }
    work.write("header.csv", "prompt,negative\n");
    work.write("none.parquet", log::parquet(&[]));
    for name in ["header.csv", "none.parquet"] {
        work.scan(&format!("{name} -o {name}.out --report {name}.report")).says(0, &["0 rows"]);
        assert!(work.read(&format!("{name}.out")).is_empty());
        assert_eq!(work.read_json(&format!("{name}.report/summary.json"))["totals"]["rows"], 0);
    }
    work.scan("header.csv -o none.zst").says(0, &["0 rows"]);
    assert!(log::unzstd(&work.read("none.zst")).is_empty());
    work.scan("header.csv -o none.out.parquet").says(0, &["0 rows"]);
    assert_eq!(read_parquet(&work, "none.out.parquet").num_rows(), 0);
}

#[test]
fn a_reader_that_leaves_is_not_the_end_of_the_input() {
    let work = Workplace::new();
    work.write("log.jsonl", log::jsonl(&log::rows(5, 40_000)));
    let run = work.shell("{ $promptgate scan log.jsonl --report report; echo $? >status; } | head -n 1");
    run.says(0, &[]);
    assert_eq!((run.rows().len(), work.read_text("status").as_str()), (1, "3\n"));
    assert!(!work.has("report/summary.json"), "no report on a part");
}

#[test]
fn a_dead_terminal_stops_nothing() {
    let work = Workplace::new();
    work.write("log.jsonl", log::jsonl(&log::rows(5, 400)));
    work.shell("$promptgate scan log.jsonl -o out.jsonl --json-progress 2>/dev/full").says(1, &[]);
    assert_eq!(work.read_text("out.jsonl").lines().count(), 400);
    work.shell("$promptgate scan nowhere.jsonl 2>/dev/full").says(2, &[]);
}

#[test]
fn what_was_read_before_a_stop_is_written() {
    let work = Workplace::new();
    let script = "{ echo 'a zorbl'; sleep 1; kill -TERM $(cat pid); sleep 0.2; echo 'a boat'; sleep 0.2; } | \
                  { sh -c 'echo $$ >pid; exec '\"$promptgate\"' scan - -q'; echo $? >status; }";
    let run = work.shell(script);
    run.says(0, &[]);
    assert_eq!(work.read_text("status"), "3\n");
    assert_eq!(run.rows()[0]["verdict"], "block");
}

#[test]
fn kept_values_that_some_reader_does_not_take_are_kept_as_text() {
    let work = Workplace::new();
    let nested = "[".repeat(200) + &"]".repeat(200);
    let values = [r#""x \ud83d""#, "1e999", nested.as_str(), r#"{"\ud83d": 1}"#, r#""fine""#, "[1,  2]"];
    let expected = ["x \u{fffd}\u{fffd}\u{fffd}", "1e999", nested.as_str(), r#"{"\ud83d": 1}"#, "fine"];
    let rows = values.map(|value| format!("{{\"prompt\": \"a boat\", \"k\": {value}}}"));
    work.write("in.jsonl", rows.join("\n"));
    let run = work.scan("in.jsonl --keep k,k");
    run.says(0, &["6 rows: 6 allowed"]);
    let kept: Vec<Value> = run.rows().iter().map(|row| row["kept"]["k"].clone()).collect();
    assert!(kept.iter().zip(expected).all(|(one, expected)| one == expected), "{kept:?}");
    assert!(run.text().contains(r#""kept":{"k":[1,  2]}"#), "as it stands, and once: {}", run.text());
    work.scan("in.jsonl --keep k,k -o out.parquet").says(0, &["6 rows: 6 allowed"]);
    let batch = read_parquet(&work, "out.parquet");
    let column = batch.column_by_name("kept_k").unwrap();
    for (row, expected) in expected.iter().enumerate() {
        assert_eq!(value_of(column, row), *expected);
    }
}

#[test]
fn numbers_lose_no_digits() {
    let work = Workplace::new();
    let rows = [
        r#""id": 12345678901234567890123, "big": 18446744073709551615, "mixed": 9007199254740993, "long": 9007199254740993, "float": 1"#,
        r#""id": 12345678901234567890124, "big": 1, "mixed": 0.5, "long": -9223372036854775808, "float": 1.5e300"#,
        r#""id": 1.50, "big": 2, "mixed": 1, "long": 1, "float": 9007199254740992"#,
    ];
    work.write("in.jsonl", rows.map(|fields| format!("{{\"prompt\": \"a boat\", {fields}}}")).join("\n"));
    work.scan("in.jsonl --id-field id --keep big,mixed,long,float -o out.parquet").says(0, &["3 rows"]);
    let batch = read_parquet(&work, "out.parquet");
    let column =
        |name: &str| -> Vec<Value> { (0..3).map(|row| value_of(batch.column_by_name(name).unwrap(), row)).collect() };
    assert_eq!(column("id"), ["12345678901234567890123", "12345678901234567890124", "1.50"]);
    assert_eq!(column("kept_big"), ["18446744073709551615", "1", "2"]);
    assert_eq!(column("kept_mixed"), ["9007199254740993", "0.5", "1"]);
    assert_eq!(column("kept_long"), [json!(9_007_199_254_740_993_i64), json!(i64::MIN), json!(1)]);
    assert_eq!(column("kept_float"), [json!(1.0), json!(1.5e300), json!(9_007_199_254_740_992.0)]);
}

#[test]
fn a_row_without_an_id_is_called_by_its_line() {
    let work = Workplace::new();
    work.write("in.csv", "prompt,id\na boat,\na boat,x\na boat,\"\"\n");
    work.write("in.jsonl", "{\"prompt\": \"a boat\", \"id\": null}\n{\"prompt\": \"a boat\"}\n");
    for (name, expected) in [("in.csv", vec!["2", "x", "4"]), ("in.jsonl", vec!["1", "2"])] {
        let rows = work.scan(&format!("{name} --id-field id")).rows();
        assert_eq!(rows.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    }
}
