//! What another policy, list or term would do to a log.

use serde_json::{Value, json};

use crate::log;
use crate::workplace::Workplace;

/// A policy under which medium gore passes and hate is only looked at.
fn milder(work: &Workplace) {
    let policy = work.read_text("policy.toml");
    let (before, gore) = policy.split_once("[category.gore]").unwrap();
    let gore = gore.replacen("severity = \"medium\"", "severity = \"high\"", 1);
    work.write(
        "milder.toml",
        format!("{before}[category.gore]{gore}").replacen("name = \"default\"", "name = \"milder\"", 1),
    );
}

fn workplace() -> Workplace {
    let work = Workplace::new();
    milder(&work);
    let prompts =
        ["a vorpal snib in a garden", "a quuxel", "a vorpal snib and a quuxel", "a lighthouse", "the vorpal snib"];
    work.write("log.txt", prompts.join("\n"));
    work
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn diff_counts_what_changes_and_shows_no_words() {
    let work = workplace();
    let run = work.run("policy diff policy.toml milder.toml log.txt --json");
    run.says(1, &["5 rows"]);
    let found = json_of(run.text());
    assert_eq!((&found["rows"], &found["errors"]), (&json!(5), &json!(0)));
    assert!(
        found["old"].as_str().unwrap().starts_with("default@") && found["new"].as_str().unwrap().starts_with("milder@")
    );
    let differences = &found["differences"];
    let changes = |stricter: u64, milder: u64| json!({"stricter": stricter, "milder": milder, "other_categories": 0});
    assert_eq!(differences["verdicts"], json!({"allow -> allow": 1, "block -> allow": 2, "block -> block": 2}));
    assert_eq!(differences["rows"], changes(0, 2));
    assert_eq!(differences["categories"], json!({"gore": changes(0, 2)}));
    assert_eq!(differences["rules"], json!({"block-en:vorpal-snib": changes(0, 2)}));
    let sample = json!({"id": "1", "input": 0, "ordinal": 0, "rules": ["block-en:vorpal-snib"], "text": "x [xxxxxx xxxx] xx x xxxxxx"});
    assert_eq!((&differences["milder"][0], &differences["stricter"]), (&sample, &json!([])));
    // The other way round everything is the other way round.
    let back = work.run("policy diff milder.toml policy.toml log.txt --json --show-text -q");
    back.says(1, &[]);
    let differences = &json_of(back.text())["differences"];
    assert_eq!((&differences["rows"], back.stderr.as_str()), (&changes(2, 0), ""));
    assert_eq!(differences["stricter"][1]["text"], "the vorpal snib");
}

#[test]
fn diff_prints_tables_and_writes_the_page() {
    let work = workplace();
    let run = work.run("policy diff policy.toml milder.toml log.txt --report diff -q");
    run.says(1, &[]);
    assert!(
        run.text().contains("stricter with 0 rows, milder with 2") && run.text().contains("block-en:vorpal-snib"),
        "{}",
        run.text()
    );
    let written = [run.text().to_owned(), work.read_text("diff/report.html"), work.read_text("diff/summary.json")];
    for text in &written {
        assert!(!text.contains("garden") && !text.contains("vorpal snib"), "words of a prompt in {text}");
    }
    assert!(
        written[1].contains("What another policy would change") && written[1].contains("x [xxxxxx xxxx] xx x xxxxxx")
    );
    work.run("policy diff policy.toml milder.toml log.txt --report diff -q").refuses(&["diff", "--force"]);
    work.run("policy diff policy.toml milder.toml log.txt --report diff -q --force").says(1, &[]);
}

#[test]
fn diff_says_with_its_status_whether_anything_changes() {
    let work = workplace();
    work.run("policy diff policy.toml policy.toml log.txt -q").says(0, &[]);
    work.write("broken.jsonl", "{\"prompt\": \"a lighthouse\"}\n{\"prompt\": 12}\n");
    let run = work.run("policy diff policy.toml milder.toml broken.jsonl --json -q");
    run.says(2, &[]);
    assert_eq!(json_of(run.text())["errors"], 1);
    work.run("policy diff policy.toml nowhere.toml log.txt").refuses(&["nowhere.toml"]);
    // The default policy promises verdicts of the shipped lists, which these lists do not keep.
    work.run("policy diff default milder.toml log.txt").refuses(&["example"]);
}

#[test]
fn a_shadow_policy_differs_as_diff_says() {
    let work = workplace();
    work.write("log.jsonl", log::jsonl(&log::rows(3, 300)));
    let run = work.run("scan log.jsonl --shadow milder.toml --report report -q");
    run.says(1, &[]);
    let rows = run.rows();
    let differing = rows.iter().filter(|row| row["shadow"]["differs"] == true).count();
    let passed = rows.iter().filter(|row| row["verdict"] == "block" && row["shadow"]["verdict"] == "allow").count();
    assert!(differing > 5 && differing == passed, "{differing} {passed}");
    let report = work.read_json("report/summary.json");
    let diff = work.run("policy diff policy.toml milder.toml log.jsonl --json -q");
    assert_eq!(report["differences"], json_of(diff.text())["differences"]);
    assert_eq!(report["differences"]["rows"]["milder"], passed);
    let alone = work.run("scan log.jsonl -q").rows();
    let without_shadow = rows.into_iter().map(|mut row| {
        row.as_object_mut().unwrap().remove("shadow");
        row
    });
    assert!(alone.into_iter().eq(without_shadow), "a shadow policy has no effect");
}

#[test]
fn preview_tells_what_a_term_hits() {
    let work = workplace();
    work.write(
        "log.txt",
        "a blorf by the sea\ntwo Blorfs and a quuxel\na b l o r f\na zorbl cake with a blorf\na lighthouse\n",
    );
    let run = work.run("wordlist preview blorf --category gore log.txt --json");
    run.says(1, &["5 rows, 0 errors"]);
    let found = json_of(run.text());
    let effect = json!({
        "rows": 4, "stopped_by_lists": 1, "stopped_by_models": 0, "newly_stopped": 3, "models_call_harmless": 0, "models_read": 0,
    });
    assert_eq!((&found["all"], &found["terms"]), (&effect, &json!({"blorf": effect})));
    assert_eq!(found["samples"][0], json!({"id": "1", "terms": ["blorf"], "text": "x [xxxxx] xx xxx xxx"}));
    let table = work.run("wordlist preview blorf --category gore log.txt -q --show-text");
    table.says(1, &[]);
    assert!(table.text().contains("a b l o r f"), "{}", table.text());
    // As a whole word only, and of a severity that the policy lets pass.
    let narrow = work.run("wordlist preview Blorfs --category gore --match word --severity low log.txt --json -q");
    narrow.says(0, &[]);
    assert_eq!(json_of(narrow.text())["all"]["rows"], 0, "terms of low severity are no reasons");
    work.run("wordlist preview 'blorf' log.txt").refuses(&["--category"]);
    work.run("wordlist preview blorf --category violence log.txt").says(2, &["expected one of", "gore"]);
}

#[test]
fn preview_reads_lists_and_minds_exceptions() {
    let work = workplace();
    let list = "# id: house\n# kind: block\n# category: gore\n# source: house\n# licence: CC0-1.0\n# reviewed: 2026-11-24\nterm,severity,match,note\n";
    work.write("house.csv", format!("{list}blorf,high,forms,\nmurgle,medium,word,\nzorbl,high,forms,known already\n"));
    work.write("log.txt", "a blorf\na blorf and a murgle\na zorbl\na zorbl cake\na lighthouse\n");
    let run = work.run("wordlist preview house.csv log.txt --json -q");
    run.says(1, &[]);
    let found = json_of(run.text());
    assert_eq!(found["list"], "house");
    let (all, terms) = (&found["all"], found["terms"].as_object().unwrap());
    assert_eq!((&all["rows"], &all["newly_stopped"], &all["stopped_by_lists"]), (&json!(3), &json!(2), &json!(1)));
    assert_eq!(terms["blorf"]["newly_stopped"], 2);
    assert_eq!(terms["murgle"]["rows"], 1);
    assert_eq!(
        (&terms["zorbl"]["rows"], &terms["zorbl"]["newly_stopped"]),
        (&json!(1), &json!(0)),
        "a zorbl cake is excused"
    );
    // The next version of a list that is deployed is held against what is deployed.
    work.write(
        "next.csv",
        format!("{list}blorf,high,forms,\nzorbl,high,forms,\n").replace("id: house", "id: block-en"),
    );
    let next = work.run("wordlist preview next.csv log.txt --json -q");
    assert_eq!(json_of(next.says(1, &[]).text())["terms"]["blorf"]["newly_stopped"], 2);
    work.run("wordlist preview house.csv --category gore log.txt").refuses(&["house.csv", "--category"]);
    work.write("allow.csv", format!("{}blorf,,forms,\n", list.replace("kind: block", "kind: allow")));
    work.run("wordlist preview allow.csv log.txt").refuses(&["allow.csv: a list that does not block"]);
    work.write("faulty.csv", format!("{list}b,high,word,\na,high,word,\n"));
    work.run("wordlist preview faulty.csv log.txt").refuses(&["faulty.csv:9"]);
}

#[test]
fn models_say_what_they_think_of_a_term() {
    let work = workplace();
    work.write("log.txt", "a lighthouse at dusk\na nude woman on a bed, explicit\na lighthouse keeper with his dog\n");
    let run = work.command_with(&[], "wordlist preview lighthouse --category gore log.txt --json -q").output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stderr));
    let all = &serde_json::from_slice::<Value>(&run.stdout).unwrap()["all"];
    assert_eq!((&all["rows"], &all["models_read"], &all["models_call_harmless"]), (&json!(2), &json!(2), &json!(2)));
}
