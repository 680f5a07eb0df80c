//! A log scanned in shards and merged is the same as scanned at once.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::log;
use crate::output::read_parquet;
use crate::workplace::Workplace;

const ARGS: &str =
    "logs --id-field id --keep id --time-field time --user-field user --user-key key --shadow shadow.toml";

/// A log of several files, with errors of all kinds, times and users.
fn workplace() -> Workplace {
    let work = Workplace::new();
    let mut line = 0;
    let mut lines = |seed| {
        let rows = log::rows(seed, 900);
        let mut text = String::new();
        for row in rows {
            line += 1;
            let time = format!("2026-03-{:02}T{:02}:10:00Z", line % 28 + 1, line % 24);
            text += &match line % 83 {
                0 => "{\"id\": 1, \"prompt\": 12}\n".to_owned(),
                1 => "no JSON at all\n\n".to_owned(),
                _ => serde_json::json!({"id": line, "prompt": row.prompt, "negative": row.negative, "time": time, "user": line % 40})
                    .to_string() + "\n",
            };
        }
        text.into_bytes()
    };
    work.write("logs/a.jsonl", lines(41));
    work.write("logs/b.jsonl.zst", log::zstd(&lines(42)));
    let cut = log::gzip(&lines(43));
    work.write("logs/c.jsonl.gz", &cut[..cut.len() - 200]);
    work.write("logs/d.parquet", log::parquet(&log::rows(44, 1300)));
    work.write("logs/e.csv", "text\nno prompts\n");
    work.write("logs/f.jsonl", "");
    work.write(
        "shadow.toml",
        work.read_text("policy.toml")
            .replace("[category.gore]\naction = \"block\"", "[category.gore]\naction = \"review\""),
    );
    work
}

/// A report but for what depends on who did how much when.
fn steady(work: &Workplace, folder: &str) -> Value {
    let mut report = work.read_json(&format!("{folder}/summary.json"));
    report["about"]["seconds"] = Value::Null;
    report["about"]["shard"] = Value::Null;
    report["totals"]["cached"] = Value::Null;
    report["slowest"] = Value::Null;
    // Weights were added up in another order.
    for user in report["offenders"]["users"].as_object_mut().unwrap().values_mut() {
        user["weight"] = format!("{:.9}", user["weight"].as_f64().unwrap()).into();
    }
    report
}

#[test]
fn merged_shards_are_the_scan_of_everything() {
    let work = workplace();
    work.scan(&format!("{ARGS} -o whole.jsonl --report whole")).says(2, &[" errors"]);
    let whole = work.read("whole.jsonl");
    assert!(
        whole.split(|byte| *byte == b'\n').filter(|line| line.windows(9).any(|part| part == b",\"error\":")).count()
            > 50
    );
    let mut sizes = Vec::new();
    for count in [1, 3] {
        let mut names = Vec::new();
        for index in (1..=count).rev() {
            // Another number of threads each.
            let name = format!("part-{index}-{count}.{}", if count == 3 { "zst" } else { "jsonl" });
            let run = work
                .scan(&format!("{ARGS} --shard {index}/{count} -o {name} --report {name}.report --threads {index}"));
            assert!(matches!(run.code, Some(1 | 2)), "{}", run.stderr);
            assert!(work.has(&format!("{name}.shard")) && !work.has(&format!("{name}.journal")));
            assert_eq!(
                work.read_json(&format!("{name}.report/summary.json"))["about"]["shard"],
                format!("{index}/{count}")
            );
            sizes.push(work.read(&name).len());
            names.push(name);
        }
        let names = names.join(" ");
        let run = work.run(&format!("merge {names} -o merged.jsonl --report merged --force"));
        run.says(2, &["rows: "]);
        assert!(work.read("merged.jsonl") == whole, "{count} shards");
        assert!(!work.has("merged.jsonl.part") && !work.has("merged.jsonl.journal") && !work.has("merged.jsonl.shard"));
        let (merged, whole_report) = (steady(&work, "merged"), steady(&work, "whole"));
        for (name, counted) in whole_report.as_object().unwrap() {
            assert_eq!(&merged[name], counted, "{name} of {count} shards");
        }
        assert!(whole_report["offenders"]["users"].as_object().unwrap().len() > 20);
        let piped = work.run(&format!("merge {names} --quiet"));
        assert!(piped.stdout == whole && piped.stderr.is_empty() && piped.code == Some(2));
        work.run(&format!("merge {names} -o merged.zst --force")).says(2, &[]);
        assert!(log::unzstd(&work.read("merged.zst")) == whole);
        work.run(&format!("merge {names} -o merged.parquet --force")).says(2, &[]);
        work.scan(&format!("{ARGS} -o whole.parquet --report other --force")).says(2, &[]);
        assert!(read_parquet(&work, "merged.parquet") == read_parquet(&work, "whole.parquet"));
    }
    let shards = &sizes[1..];
    assert!(shards.iter().all(|size| *size > 1000), "every shard has rows: {sizes:?}");
}

#[test]
fn killed_shards_go_on_and_merge() {
    let work = workplace();
    work.scan(&format!("{ARGS} -o whole.jsonl --report whole")).says(2, &[]);
    for shard in ["1/2", "2/2"] {
        let args = format!("scan {ARGS} --report report --shard {shard} -o part-{}.jsonl", &shard[..1]);
        work.shell(&format!("ulimit -f 300; exec $promptgate {args}")).says(2, &["`--resume` goes on"]);
        let run = work.run(&format!("{args} --resume"));
        assert!(matches!(run.code, Some(1 | 2)), "{}", run.stderr);
        work.remove("report");
    }
    work.run("merge part-1.jsonl part-2.jsonl -o merged.jsonl").says(2, &[]);
    assert!(work.read("merged.jsonl") == work.read("whole.jsonl"));
}

#[test]
fn merge_refuses_what_does_not_belong_together() {
    let work = Workplace::new();
    work.write("log.jsonl", log::jsonl(&log::rows(45, 500)));
    for index in 1..=3 {
        work.scan(&format!("log.jsonl --id-field id --shard {index}/3 -o {index}.jsonl")).says(1, &[]);
    }
    let merge = |args: &str| work.run(&format!("merge {args} -o merged.jsonl"));
    merge("1.jsonl 2.jsonl").refuses(&["2.jsonl: the last of 2 shards, expected 3"]);
    merge("1.jsonl 3.jsonl").refuses(&["3.jsonl: shard 3/3, expected shard 2/3"]);
    merge("2.jsonl 3.jsonl").refuses(&["2.jsonl: shard 2/3, expected shard 1/3"]);
    merge("1.jsonl 2.jsonl 2.jsonl").refuses(&["2.jsonl: shard 2/3, expected shard 3/3"]);
    merge("1.jsonl 2.jsonl 3.jsonl 3.jsonl").refuses(&["3.jsonl: shard 3/3, expected shard 4/3"]);
    merge("log.jsonl").refuses(&["log.jsonl.shard: cannot be read"]);
    merge("nowhere.jsonl").refuses(&["nowhere.jsonl.shard: cannot be read"]);
    // Of other scans.
    work.scan("log.jsonl --id-field id --shard 2/2 -o half.jsonl").says(1, &[]);
    merge("1.jsonl half.jsonl 3.jsonl").refuses(&["half.jsonl: shard 2/2, expected shard 2/3"]);
    work.scan("log.jsonl --shard 3/3 -o other.jsonl").says(1, &[]);
    merge("1.jsonl 2.jsonl other.jsonl").refuses(&["other.jsonl: the arguments changed"]);
    work.write("log.jsonl", log::jsonl(&log::rows(45, 501)));
    work.scan("log.jsonl --id-field id --shard 3/3 -o longer.jsonl").says(1, &[]);
    merge("1.jsonl 2.jsonl longer.jsonl").refuses(&["longer.jsonl: the input log.jsonl changed"]);
    // An output that is not what the shard wrote.
    let third = work.read("3.jsonl");
    for (what, bytes) in [
        ("ends before the last row of its shard", third[..third.len() / 2].to_vec()),
        ("ends before the last row of its shard", third[..third.len() - 1].to_vec()),
        ("ends before the last row of its shard", Vec::new()),
        ("more rows than its shard has", [third.clone(), third.clone()].concat()),
        ("no JSONL", b"PAR1".to_vec()),
        ("cannot be read", log::zstd(&third)[..500].to_vec()),
    ] {
        work.write("3.jsonl", bytes);
        merge("1.jsonl 2.jsonl 3.jsonl").refuses(&["3.jsonl: ", what]);
        assert!(!work.has("merged.jsonl"), "half a merge has no name");
        // Nothing can go on with it, and nothing stands in the way of the next one.
        for rest in ["part", "journal"] {
            assert!(!work.has(&format!("merged.jsonl.{rest}")), "{rest} is left");
        }
    }
    fs::remove_file(work.path("3.jsonl")).unwrap();
    merge("1.jsonl 2.jsonl 3.jsonl").refuses(&["3.jsonl: cannot be read"]);
    work.write("3.jsonl", &third);
    merge("1.jsonl 2.jsonl 3.jsonl --output-format table").refuses(&["a table, expected JSONL or Parquet"]);
    work.run("merge 1.jsonl 2.jsonl 3.jsonl -o 1.jsonl --force").refuses(&["1.jsonl: output is also an input"]);
    work.write("merged.jsonl", "mine");
    merge("1.jsonl 2.jsonl 3.jsonl").refuses(&["merged.jsonl: output is there already", "`--force`"]);
    merge("1.jsonl 2.jsonl 3.jsonl --force").says(1, &["500 rows"]);
    assert_eq!(work.read_text("merged.jsonl").lines().count(), 500);
    for wrong in ["0/2", "3/2", "1", "1/0", "-1/2"] {
        work.scan(&format!("log.jsonl --shard={wrong}")).says(2, &["expected I/N, with I from 1 to N"]);
    }
}

#[test]
fn shards_are_ready_to_be_merged() {
    let work = workplace();
    let scan = |args: &str| work.scan(&format!("logs/a.jsonl {args} -q"));
    // Whatever would be of no use in the end is refused at the beginning.
    scan("--shard 1/2").refuses(&["--shard: no output file"]);
    scan("--shard 1/2 -o 1.parquet").refuses(&["--shard: neither JSONL nor JSONL in zstd"]);
    scan("--shard 1/2 -o 1.jsonl --report r/ --user-field user").refuses(&["--shard: no key"]);
    // Shards need no report for the merge to have one, and may be written in two ways.
    scan("--id-field id -o whole.jsonl --report whole").says(2, &[]);
    scan("--id-field id -o 1.jsonl --shard 1/2").says(2, &[]);
    scan("--id-field id -o 2.jsonl.zst --shard 2/2").says(2, &[]);
    work.run("merge 2.jsonl.zst 1.jsonl -o merged.jsonl --report merged -q").says(2, &[]);
    assert!(work.read("merged.jsonl") == work.read("whole.jsonl"));
    assert_eq!(steady(&work, "merged"), steady(&work, "whole"));
    assert!(work.read_json("merged/summary.json")["categories"]["gore"]["blocked"].as_u64().unwrap() > 100);
}

#[test]
fn merge_takes_no_shard_that_has_not_ended_or_names_users_otherwise() {
    let work = workplace();
    let scan = |args: &str| work.scan(&format!("logs/a.jsonl --id-field id {args} -q"));
    for (key, digit) in [("key-a", "a"), ("key-b", "b")] {
        work.write(key, digit.repeat(64));
        fs::set_permissions(work.path(key), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let users = "--user-field user --report r --force";
    scan(&format!("{users} --user-key key-a -o 1.jsonl --shard 1/2")).says(2, &[]);
    scan(&format!("{users} --user-key key-b -o 2.jsonl --shard 2/2")).says(2, &[]);
    work.run("merge 1.jsonl 2.jsonl -o m.jsonl").refuses(&["2.jsonl: the key of user pseudonyms changed"]);
    // The same key may have another name elsewhere.
    work.copy("key-a", "key-c");
    fs::set_permissions(work.path("key-c"), fs::Permissions::from_mode(0o600)).unwrap();
    scan(&format!("{users} --user-key key-c -o 2.jsonl --shard 2/2")).says(2, &[]);
    work.run("merge 1.jsonl 2.jsonl -o m.jsonl -q").says(2, &[]);
    // What is scanned anew is no shard until it has ended.
    work.write("n.jsonl.journal", "");
    work.run("merge 1.jsonl 2.jsonl -o n.jsonl").refuses(&["n.jsonl.journal: left by a merge", "`--force`"]);
    work.write("2.jsonl.journal", "");
    work.run("merge 1.jsonl 2.jsonl -o n.jsonl").refuses(&["2.jsonl: its scan has not ended"]);
}
