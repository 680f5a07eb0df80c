//! The command as a user meets it: standard output, standard error and exit status, snapshot by snapshot.
#![cfg(all(feature = "cli", feature = "onnx"))]

#[macro_use]
#[path = "common/command.rs"]
mod command;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use command::{Run, here, promptgate, promptgate_with, shown};

#[test]
fn check_prints_reasons_and_exits_by_verdict() {
    snapshot!("check_block", promptgate(&["check", "a severed head on a pike"], ""), here());
    snapshot!("check_json", promptgate(&["--no-models", "check", "--json", "portrait, n4k3d"], ""), here());
    snapshot!(
        "check_stdin",
        promptgate(&["--no-models", "check", "--show-text"], "a lighthouse --no nudity\n"),
        here()
    );
    assert_eq!(promptgate(&["check", "a lighthouse at dusk"], "").code, 0);
    let negative =
        promptgate(&["check", "portrait of a knight", "--negative", "nude, gore", "--dialect", "stable-diffusion"], "");
    assert_eq!(negative.code, 0, "{}", negative.stdout);
}

/// `explain` with the invented lists of `tests/fixtures`, which shipped lists do not disturb.
fn explain(args: &[&str], stdin: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    let default = fs::read_to_string(here().join("src/policy/default.toml")).unwrap();
    fs::write(&policy, default.split("# Promises").next().unwrap()).unwrap();
    let stages =
        ["--no-models", "--wordlists", "tests/fixtures/wordlists", "--policy", policy.to_str().unwrap(), "explain"];
    promptgate(&[&stages[..], args].concat(), stdin)
}

#[test]
fn explain_shows_how_a_decision_comes_about() {
    let prompt =
        "a zorbl cake beside a quux3l, q.u.u.x.e.l, {knight, (toy:0.5)} in the murk --no zorbls, zorbl --ar 2:3";
    snapshot!("explain_text", explain(&[prompt, "--negative", "vorpal snib"], ""), here());
    snapshot!("explain_terminal", explain(&["-"], "a lighthouse\u{1b}[2J\u{202e} (at dusk:1.2\n"), here());
    let json =
        explain(&["--json", "--dialect", "stable-diffusion", "(zorbl:1.2) [cake|in seven pieces], vorpal sn1b"], "");
    snapshot!("explain_json", json, here());
    assert_eq!(explain(&["a lighthouse at dusk"], "").code, 0);
    let refused = explain(&["-"], &"a cat ".repeat(60_000));
    assert_eq!(refused.code, 1);
    assert!(refused.stdout.contains("too long to be read"));
}

#[test]
fn lint_reports_all_that_is_wrong_or_due() {
    let lint = |args: &[&str]| promptgate(&[&["wordlist", "lint"], args].concat(), "");
    let (clean, faulty) = ("tests/fixtures/wordlists", "tests/fixtures/faulty.csv");
    snapshot!("lint_clean", lint(&[clean]), here());
    snapshot!("lint_faulty", lint(&[faulty, "--today", "2026-11-24"]), here());
    snapshot!("lint_json", lint(&[faulty, clean, "--today", "2026-10-01", "--json"]), here());
    let benign = ["--benign", "tests/fixtures/benign.txt"];
    snapshot!("lint_benign", lint(&[&[clean], &benign[..]].concat()), here());
    snapshot!("lint_benign_text", lint(&[&[clean, "--worst", "1", "--show-text"], &benign[..]].concat()), here());
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let dictionary = write("words.txt", "Languard\nlangua\n\n");
    let run = lint(&[faulty, "--today", "2026-09-01", "--dictionary", &dictionary]);
    assert!(run.stdout.contains("star hits 2 words of the dictionary: `language`, `languard`"), "{}", run.stdout);
    assert!(!run.stdout.contains("list expire"), "{}", run.stdout);
    let rows = write("benign.jsonl", "{\"text\": \"a zorbl\"}\n{\"prompt\": \"secret\"}\n");
    let run = lint(&[clean, "--benign", &rows, "--prompt-field", "text"]);
    snapshot!("lint_benign_broken", run, folder.path());
    snapshot!("lint_missing", lint(&["nowhere.csv"]), here());
    snapshot!("lint_bad_day", lint(&[clean, "--today", "2026-02-30"]), here());
    assert_eq!(lint(&["tests/snapshots"]).code, 2, "a folder without lists");
}

#[test]
fn lint_finds_no_fault_in_what_is_compiled_in() {
    let run = promptgate(&["wordlist", "lint", "--today", "2026-11-24"], "");
    let faults: Vec<&str> = run.stdout.lines().filter(|line| !line.contains(" warning: ")).collect();
    assert_eq!((run.code, &faults[..]), (0, &[][..]));
}

/// `eval` with the invented lists of `tests/fixtures`, which shipped lists do not disturb.
fn eval(args: &[&str], stdin: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    let default = fs::read_to_string(here().join("src/policy/default.toml")).unwrap();
    fs::write(&policy, default.split("# Promises").next().unwrap()).unwrap();
    let stages =
        ["--no-models", "--wordlists", "tests/fixtures/wordlists", "--policy", policy.to_str().unwrap(), "eval"];
    promptgate(&[&stages[..], args].concat(), stdin)
}

const LABELLED: [&str; 2] = ["tests/fixtures/eval/rows.jsonl", "tests/fixtures/eval/rows.csv"];

/// A snapshot with every number in it: without models they do not change.
fn snapshot_numbers(name: &str, run: &Run, folder: &Path) {
    insta::with_settings!({filters => vec![(r"@[0-9a-f]{12}", "@HASH")]}, {
        insta::assert_snapshot!(name, shown(run, folder));
    });
}

#[test]
fn eval_measures_labelled_rows() {
    snapshot_numbers("eval_table", &eval(&LABELLED, ""), here());
    let json = eval(&[&LABELLED[..], &["--json", "--resamples", "50", "--show-text", "--slice", "hard"]].concat(), "");
    snapshot_numbers("eval_json", &json, here());
    let value: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(value["categories"][0]["category"], "any");
    let few = ["--worst", "1", "--show-text", "--resamples", "0", "--target-fpr", "0", "--target-fpr", "0.5"];
    snapshot_numbers("eval_text", &eval(&[&LABELLED[..], &few].concat(), ""), here());
    let csv = fs::read_to_string(here().join(LABELLED[1])).unwrap();
    let piped = |text: &str, args: &[&str]| eval(&[&["-", "--json", "--resamples", "0"], args].concat(), text).stdout;
    assert!(piped(&csv, &[]) == piped(&csv, &["--format", "csv"]) && piped(&csv, &[]).contains("\"rows\":5"));
    let renamed = csv.replacen("id,text,negative,labels,", "\u{feff}key,words,without,is,", 1);
    let fields =
        ["--id-field", "key", "--prompt-field", "words", "--negative-field", "without", "--labels-field", "is"];
    assert_eq!(piped(&renamed, &fields), piped(&csv, &[]));
}

#[test]
fn eval_is_byte_identical_whatever_the_threads() {
    let run = |threads: &str, seed: &str| {
        eval(&[&LABELLED[..], &["--json", "--resamples", "200", "--threads", threads, "--seed", seed]].concat(), "")
            .stdout
    };
    assert!(run("1", "3") == run("4", "3"));
    assert!(run("1", "3") != run("1", "4"), "another seed, other intervals");
}

#[test]
fn eval_counts_what_it_cannot_measure() {
    let rows = [
        r#"{"prompt": "a zorbl", "labels": ["gore"]}"#,
        r#"{"prompt": "a boat", "labels": ["violence"]}"#,
        r#"{"prompt": "a boat", "labels": ["a prompt in the wrong field"]}"#,
        r#"{"prompt": "a boat"}"#,
        r#"{"labels": []}"#,
        r#"{"prompt": null, "labels": []}"#,
        r#"{"prompt": 12, "labels": []}"#,
        r#"{"prompt": "a boat", "labels": {"gore": 1}}"#,
        r#"{"prompt": "a boat", "labels": [1]}"#,
        r#"{"prompt": "a boat", "labels": null}"#,
        r#"{"prompt": "a boat", "labels": ["#,
        r#"["prompt", "labels"]"#,
        "",
        r#"{"prompt": "lone \ud800 surrogate", "labels": []}"#,
    ];
    let run = eval(&["-", "--resamples", "20"], &rows.join("\n"));
    snapshot_numbers("eval_errors", &run, here());
    let csv = "prompt,labels\na boat,\na boat,gore,more\na boat,violence\n\"a zorbl\",gore\n";
    let run = eval(&["-", "--format", "csv", "--json", "--resamples", "0"], csv);
    assert_eq!(run.code, 2);
    assert!(run.stdout.contains(r#""rows":2,"errors":{"count":2,"#), "{}", run.stdout);
    assert!(run.stderr.contains("standard input:3: 3 fields, expected 2 as in the header"), "{}", run.stderr);
    let bytes = promptgate_with(&["--no-models", "eval", "-"], b"prompt,labels\nbroken \xff,\nfine,\n", &[]);
    assert_eq!(bytes.code, 2);
    assert!(bytes.stderr.contains("standard input:2: invalid UTF-8 at byte 7 of field 1"), "{}", bytes.stderr);
}

#[test]
fn eval_refuses_what_it_cannot_evaluate() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.jsonl");
    fs::write(&empty, "").unwrap();
    let empty = empty.to_str().unwrap();
    snapshot!("eval_empty", eval(&[empty], ""), folder.path());
    let beside = eval(&[LABELLED[0], empty, "--json", "--resamples", "0"], "");
    assert_eq!((beside.code, beside.stderr.lines().count()), (2, 1), "an empty file beside others counts as an error");
    assert!(beside.stdout.contains(r#""rows":7,"errors":{"count":1,"#), "{}", beside.stdout);
    snapshot!("eval_missing_file", eval(&["nowhere.jsonl"], ""), here());
    snapshot!("eval_folder", eval(&["tests"], ""), here());
    snapshot!("eval_no_such_slice", eval(&[LABELLED[0], "--slice", "country"], ""), here());
    let twice = eval(&["-", "--format", "csv"], "prompt,labels,prompt\na boat,,a ship\n");
    assert_eq!((twice.code, twice.stdout.as_str()), (2, ""));
    assert!(twice.stderr.contains("standard input:1: column `prompt` is there twice"), "{}", twice.stderr);
    snapshot!("eval_bad_rate", eval(&[LABELLED[0], "--target-fpr", "1 %"], ""), here());
}

#[test]
fn eval_of_one_class_has_no_nan() {
    let run = |label: &str| {
        let rows = format!("prompt,labels\na zorbl,{label}\na boat,{label}\n");
        eval(&["-", "--json", "--resamples", "20"], &rows).stdout
    };
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["categories"][0].clone();
    let harmless = value(&run(""));
    assert!(harmless["recall"].is_null() && harmless["average_precision"].is_null() && harmless["auroc"].is_null());
    assert_eq!(harmless["false_positive_rate"]["value"], 0.5);
    let violations = value(&run("gore"));
    assert!(violations["false_positive_rate"].is_null() && violations["auroc"].is_null());
    assert_eq!(violations["recall"]["value"], 0.5);
}

#[test]
fn eval_compares_two_systems() {
    let folder = tempfile::tempdir().unwrap();
    let lists = folder.path().join("gore");
    fs::create_dir(&lists).unwrap();
    let list = fs::read_to_string(here().join("tests/fixtures/wordlists/gore/block-en.csv")).unwrap();
    fs::write(lists.join("block-en.csv"), list.replace("quuxel,high,forms,\n", "")).unwrap();
    let against = ["--against-wordlists", folder.path().to_str().unwrap(), "--resamples", "200"];
    snapshot_numbers("eval_against", &eval(&[&LABELLED[..], &against].concat(), ""), folder.path());
    let json = eval(&[&LABELLED[..], &against, &["--json"]].concat(), "").stdout;
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let verdicts = &value["against"]["comparison"]["verdicts"];
    assert_eq!(verdicts["both_right"].as_u64().zip(verdicts["only_this_right"].as_u64()), Some((5, 3)), "{verdicts}");
    let same = eval(&[LABELLED[0], "--against-no-models", "--json", "--resamples", "20"], "").stdout;
    let value: serde_json::Value = serde_json::from_str(&same).unwrap();
    let any = &value["against"]["comparison"]["differences"][0]["recall"];
    assert_eq!(any, &serde_json::json!({"value": 0.0, "low": 0.0, "high": 0.0}), "nothing differs from itself");
}

#[test]
fn eval_writes_a_page_that_loads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    let path = page.to_str().unwrap();
    let args = [&LABELLED[..], &["--html", path, "--show-text", "--resamples", "20", "--slice", "lang"]].concat();
    let run = eval(&args, "");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("<svg") && text.contains("any: ROC") && text.contains("gore: precision and recall"));
    assert!(text.contains("a vorpal snib in a museum\\u{1b}[2J\\u{202e} &lt;b&gt;"), "quoted, escaped");
    let outside = ["src=", "href=", "url(", "@import", "<script", "<link"];
    assert!(outside.iter().all(|mark| !text.contains(mark)), "nothing from outside");
    snapshot!("eval_no_overwrite", eval(&args, ""), folder.path());
    let again = eval(&[&args[..], &["--force"]].concat(), "");
    assert_eq!((again.code, fs::read_to_string(&page).unwrap() == text), (0, true), "the same page every time");
    let input = folder.path().join("rows.jsonl");
    fs::copy(here().join(LABELLED[0]), &input).unwrap();
    let onto = eval(&[input.to_str().unwrap(), "--html", input.to_str().unwrap(), "--force"], "");
    assert_eq!(onto.code, 2, "never over an input");
}

#[test]
fn eval_with_models_measures_scores() {
    let rows = "prompt,labels\na woman on a beach wearing nothing but a smile,adult\na lighthouse at dusk,\n";
    let run = promptgate(&["eval", "-", "--json", "--resamples", "0", "--explain", "all"], rows);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let value: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let adult = &value["categories"][1];
    assert_eq!((&adult["category"], &adult["auroc"]["value"]), (&"adult".into(), &1.0.into()));
    assert_eq!(adult["calibration"]["rows"], 2);
    assert!(value["categories"][8]["calibration"].is_null(), "no model scores minors");
}

#[test]
fn help_names_commands_and_examples() {
    for args in [
        &["--help"][..],
        &["check", "--help"],
        &["explain", "--help"],
        &["scan", "--help"],
        &["eval", "--help"],
        &["wordlist", "lint", "--help"],
    ] {
        let run = promptgate(args, "");
        assert_eq!(run.code, 0);
        assert!(run.stdout.contains("Examples:"), "{args:?}");
    }
}

#[test]
fn scan_keeps_order_and_loses_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.jsonl");
    let rows = [
        r#"{"id": 1, "prompt": "a lighthouse"}"#,
        r#"{"id": "two", "prompt": "a nude woman", "negative": "blurry"}"#,
        r#"{"id": 3, "text": "no prompt field"}"#,
        r#"{"id": 4, "prompt": 12}"#,
        "",
        r#"{"id": 5, "prompt": "cut off"#,
        r#"{"id": 6, "prompt": null}"#,
        r#"["not", "an", "object"]"#,
        r#"{"id": 7, "prompt": "lone \ud800 surrogate and \u0000 nul"}"#,
        r#"{"id": 8, "prompt": "portrait of a knight", "negative": "nude, gore"}"#,
    ];
    fs::write(&input, rows.join("\n")).unwrap();
    let path = input.to_str().unwrap();
    let run = promptgate(&["--no-models", "scan", path, "--id-field", "id"], "");
    snapshot!("scan_jsonl", run, folder.path());
    let out = folder.path().join("out.jsonl");
    let out = out.to_str().unwrap();
    let written = promptgate(&["--no-models", "scan", path, "--id-field", "id", "-o", out, "--quiet"], "");
    assert_eq!((written.code, written.stderr.as_str()), (2, ""));
    assert_eq!(fs::read_to_string(out).unwrap(), run.stdout);
    snapshot!("scan_no_overwrite", promptgate(&["--no-models", "scan", path, "-o", out], ""), folder.path());
    snapshot!("scan_onto_itself", promptgate(&["--no-models", "scan", path, "-o", path, "--force"], ""), folder.path());
    assert_eq!(promptgate(&["--no-models", "scan", path, "-o", out, "--force"], "").code, 2);
}

#[test]
fn scan_reads_plain_lines_from_standard_input() {
    let run = promptgate(
        &["--no-models", "scan", "--output-format", "table", "--show-text"],
        "a lighthouse\n\na n u d e man\u{1b}[2J\n",
    );
    snapshot!("scan_lines", run, here());
    let bytes = promptgate_with(&["--no-models", "scan"], b"fine\nbroken \xff line\n", &[]);
    assert_eq!(bytes.code, 2);
    assert!(
        bytes.stdout.contains("standard input:2: invalid UTF-8 at byte 7, expected UTF-8 text"),
        "{}",
        bytes.stdout
    );
}

#[test]
fn two_scans_are_byte_identical_whatever_the_threads() {
    let scan = |threads: &str| {
        promptgate(&["scan", "tests/demo/prompts.jsonl", "--id-field", "id", "--threads", threads], "").stdout
    };
    let one = scan("1");
    assert_eq!(
        one.lines().count(),
        fs::read_to_string(here().join("tests/demo/prompts.jsonl")).unwrap().lines().count()
    );
    assert!(one == scan("4") && one == scan("2"));
}

#[test]
fn bad_policies_lists_and_models_are_named_by_place() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let default = fs::read_to_string(here().join("src/policy/default.toml")).unwrap();
    for (name, from, to) in [
        ("unknown_key", "max_readings = 32", "max_reading = 32"),
        ("unknown_category", "[category.gore]", "[category.violence]"),
        ("unknown_action", "action = \"block\"", "action = \"ban\""),
        ("broken_promise", "a lighthouse at dusk, oil", "a nude lighthouse keeper, oil"),
    ] {
        let policy = write("policy.toml", &default.replacen(from, to, 1));
        let run = promptgate(&["--no-models", "--policy", &policy, "check", "x"], "");
        snapshot!(format!("policy_{name}"), run, folder.path());
    }
    let list = write(
        "mine.csv",
        "# id: mine\n# kind: block\n# category: gore\n# source: house\n# licence: CC0-1.0\n# reviewed: 2026-11-24\nterm,severity,match,note\nb,high,word,\na,high,word,\n",
    );
    snapshot!("list_unsorted", promptgate(&["--no-models", "--wordlist", &list, "check", "x"], ""), folder.path());
    let models = folder.path().to_str().unwrap();
    snapshot!("models_missing", promptgate(&["--models", models, "check", "x"], ""), folder.path());
    snapshot!("file_missing", promptgate(&["--no-models", "scan", "nowhere.jsonl"], ""), folder.path());
}

#[test]
fn one_clear_message_without_the_runtime_library() {
    for library in ["/nowhere/libonnxruntime.so", "Cargo.toml"] {
        let run = promptgate_with(&["check", "x"], b"", &[("ORT_DYLIB_PATH", library)]);
        assert_eq!((run.code, run.stderr.lines().count()), (2, 1), "{}", run.stderr);
        assert!(run.stderr.contains("make runtime") && run.stderr.contains("ORT_DYLIB_PATH"), "{}", run.stderr);
    }
}

#[test]
fn a_closed_pipe_is_no_error_and_no_end() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_promptgate"))
        .args(["--no-models", "scan", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let _ = child.stdin.take().unwrap().write_all("a lighthouse\n".repeat(20_000).as_bytes());
    let output = child.wait_with_output().unwrap();
    // No error, and not the end of the scan either.
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(3), &b""[..]));
}
