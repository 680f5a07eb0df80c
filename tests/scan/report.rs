//! The report: counts that are right, users that nobody finds without the key, no text unless it is asked for.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::workplace::Workplace;

/// Rows with users and times, of which every count is known.
const ROWS: [&str; 10] = [
    r#"{"user": "ann@example.org", "at": "2026-03-01T10:05:00Z", "prompt": "a lighthouse on a cliff above the sea at dusk"}"#,
    r#"{"user": "ann@example.org", "at": "2026-03-01T10:59:59Z", "prompt": "a zorbl by the river"}"#,
    r#"{"user": "bob", "at": 1772362800, "prompt": "a quuxel"}"#,
    r#"{"user": "bob", "at": "2026-03-01 12:30:00", "prompt": "a zorbl beside a quuxel"}"#,
    r#"{"user": "bob", "at": "2026-03-31T12:00:00+00:00", "prompt": "ein Zorbl und ein Leuchtturm auf einer Klippe über dem Meer"}"#,
    r#"{"user": 4711, "at": "yesterday", "prompt": "a knight in the murk"}"#,
    r#"{"user": 4711, "at": 1772362800000, "prompt": "старый маяк на скале над морем в сумерках, рядом стоит рыбак с сетью, zorbl"}"#,
    r#"{"user": null, "prompt": "a zorbl without a user or a time"}"#,
    r#"{"user": "ann@example.org", "at": "2026-03-01T10:00:00Z", "prompt": null}"#,
    r#"{"user": "mallory", "at": "2026-03-01T10:00:00Z", "prompt": "a castle --ar 3:2 --no zorbl"}"#,
];
const ARGS: &str = "log.jsonl --report report --time-field at --user-field user";

fn summary(work: &Workplace) -> Value {
    work.read_json("report/summary.json")
}

#[test]
fn everything_is_counted_right() {
    let work = Workplace::new();
    work.write("log.jsonl", ROWS.join("\n"));
    work.scan(&format!("{ARGS} --explain all")).says(2, &["10 rows: 2 allowed, 0 review, 7 blocked, 1 errors"]);
    let report = summary(&work);
    assert_eq!(report["schema"], 1);
    assert_eq!(report["about"]["inputs"], json!(["log.jsonl"]));
    assert_eq!(
        (&report["about"]["models"], &report["about"]["shadow"], &report["about"]["shard"]),
        (&json!([]), &Value::Null, &Value::Null)
    );
    let expected =
        json!({"rows": 10, "allowed": 2, "review": 0, "blocked": 7, "errors": 1, "degraded": 0, "cached": 0});
    assert_eq!(report["totals"], expected);
    assert_eq!(report["categories"], json!({"gore": {"rows": 7, "review": 0, "blocked": 7}}));
    let rules = json!({"block-en:zorbl": 5, "block-en:quuxel": 2, "gore.murky.1": 1});
    assert_eq!(report["rules"], rules);
    let settled: u64 = report["stages"].as_object().unwrap().values().map(|rows| rows.as_u64().unwrap()).sum();
    assert_eq!(settled, 9);
    assert_eq!(
        report["dialects"],
        json!({"midjourney": {"rows": 1, "review": 0, "blocked": 0}, "plain": {"rows": 8, "review": 0, "blocked": 7}})
    );
    assert_eq!(
        report["languages"]["en"]["rows"].as_u64().unwrap()
            + report["languages"]["unsure"]["rows"].as_u64().unwrap_or(0),
        7
    );
    assert_eq!(report["languages"]["de"], json!({"rows": 1, "review": 0, "blocked": 1}));
    assert_eq!(report["languages"]["ru"], json!({"rows": 1, "review": 0, "blocked": 1}));
    let hour = |rows: u64, blocked: u64| json!({"rows": rows, "review": 0, "blocked": blocked});
    let hours = json!({
        "1772359200": hour(3, 1), "1772362800": hour(2, 2), "1772366400": hour(1, 1), "1774958400": hour(1, 1),
    });
    assert_eq!(report["hours"], hours);
    assert_eq!((&report["no_time"], &report["no_user"]), (&json!(2), &json!(1)));
    assert_eq!(
        report["errors"],
        json!([{"input": 0, "ordinal": 8, "error": "log.jsonl:9: null in `prompt`, expected a string"}])
    );
    assert_eq!(report["slowest"].as_array().unwrap().len(), 9);
    assert_eq!(report["scores"], json!({}));

    let users = report["offenders"]["users"].as_object().unwrap();
    let mut violations: Vec<u64> = users.values().map(|user| user["violations"].as_u64().unwrap()).collect();
    violations.sort_unstable();
    assert_eq!(violations, [1, 2, 3], "ann, 4711, bob; who did nothing is not named");
    let bob = users.values().find(|user| user["violations"] == 3).unwrap();
    assert_eq!(
        (&bob["first"], &bob["last"], &bob["categories"]),
        (&json!(1_772_362_800), &json!(1_774_958_400), &json!({"gore": 3}))
    );
    // High and medium 30 days before the last one, and a medium one: (3 + 3) / 2 + 1, less for the half hours.
    let weight = bob["weight"].as_f64().unwrap();
    assert!((weight - 4.0).abs() < 0.01, "{weight}");
}

#[test]
fn without_fields_there_are_no_hours_and_no_users() {
    let work = Workplace::new();
    work.write("log.jsonl", ROWS.join("\n"));
    work.scan("log.jsonl --report report").says(2, &[]);
    let report = summary(&work);
    assert_eq!((&report["hours"], &report["no_time"]), (&json!({}), &json!(0)));
    assert_eq!(report["offenders"], json!({"users": {}, "forgotten": 0}));
    assert!(!work.has("report.key"));
    work.scan("log.jsonl --time-field at").says(2, &["--report"]);
    work.scan("log.jsonl --user-field user").says(2, &["--report"]);
    work.scan("log.jsonl --report other --user-key key").says(2, &["--user-field"]);
}

#[test]
fn users_are_named_by_whoever_has_the_key() {
    let work = Workplace::new();
    work.write("log.jsonl", ROWS.join("\n"));
    let run = work.scan(&format!("{ARGS} -o out.jsonl"));
    run.says(2, &["made report.key"]);
    let mode = |name: &str| fs::metadata(work.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("report.key"), 0o600);
    let key = work.read_text("report.key");
    assert!(key.trim().len() == 64 && key.trim().bytes().all(|byte| byte.is_ascii_hexdigit()));
    let users = |report: &Value| report["offenders"]["users"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let first = users(&summary(&work));
    assert!(
        first.iter().all(|user| user.len() == 24 && user.bytes().all(|byte| byte.is_ascii_hexdigit())),
        "{first:?}"
    );
    let written = ["out.jsonl", "report/summary.json", "report/report.html"].map(|name| work.read_text(name));
    for raw in ["ann@", "example.org", "bob", "4711", "mallory"] {
        assert!(written.iter().chain([&run.stderr]).all(|text| !text.contains(raw)), "{raw}");
    }
    assert!(
        first.iter().take(2).all(|user| written[2].contains(user.as_str())) || written[2].contains(&first[2]),
        "the page names them"
    );
    assert!(!written[0].contains(&first[0]), "the output does not");
    assert!(written.iter().all(|text| !text.contains(key.trim())));

    // The same key, the same names; another key, others.
    let again = work.scan(&format!("{ARGS} --force"));
    assert!(!again.stderr.contains("made"), "{}", again.stderr);
    assert_eq!(users(&summary(&work)), first);
    work.copy("report.key", "mine.key");
    work.scan(&format!("{ARGS} --force --user-key mine.key")).says(2, &[]);
    assert_eq!(users(&summary(&work)), first);
    let other = work.scan(&format!("{ARGS} --force --user-key other.key"));
    other.says(2, &["made other.key"]);
    assert!(users(&summary(&work)).iter().all(|user| !first.contains(user)));

    for mode in [0o640, 0o604, 0o644] {
        fs::set_permissions(work.path("mine.key"), fs::Permissions::from_mode(mode)).unwrap();
        work.scan(&format!("{ARGS} --force --user-key mine.key"))
            .refuses(&["mine.key: others can read the key, expected mode 0600"]);
    }
    work.write("mine.key", "not a key\n");
    fs::set_permissions(work.path("mine.key"), fs::Permissions::from_mode(0o600)).unwrap();
    work.scan(&format!("{ARGS} --force --user-key mine.key"))
        .refuses(&["mine.key: no key, expected 64 hexadecimal digits"]);
    work.scan(&format!("{ARGS} --force --user-key log.jsonl/key")).refuses(&["log.jsonl/key: cannot be read"]);
}

/// Rows in each of which, broken or not, a word stands that must not come out.
const SECRETS: [&str; 9] = [
    r#"{"prompt": "qqsecret a lighthouse"}"#,
    r#"{"prompt": "a zorbl qqsecret", "negative": "qqsecret quuxel"}"#,
    r#"{"prompt": 1, "qqsecret": "qqsecret"}"#,
    r#"{"prompt": {"qqsecret": "qqsecret"}}"#,
    r#"{"prompt": ["qqsecret"]}"#,
    r#"{"prompt": "qqsecret cut off"#,
    r#"{"prompt": "qqsecret"} qqsecret"#,
    r#"{qqsecret: "qqsecret"}"#,
    r#""qqsecret""#,
];

#[test]
fn text_is_shown_only_where_it_is_asked_for() {
    let work = Workplace::new();
    work.write(
        "shadow.toml",
        work.read_text("policy.toml")
            .replace("[category.gore]\naction = \"block\"", "[category.gore]\naction = \"review\""),
    );
    let long = format!("{{\"prompt\": \"a zorbl {}<b>'qqsecret'</b> {}qqend\"}}", "&", "\u{202e}x".repeat(300));
    work.write("log.jsonl", format!("{}\n{long}\n", SECRETS.join("\n")));
    work.write("log.csv", "prompt,id\na qqsecret zorbl\nqqsecret,1,qqsecret\n\"qqsecret zorbl");
    work.write("log.txt", b"qqsecret \xff qqsecret\nqqsecret zorbl\n");
    let args = "log.jsonl log.csv log.txt --timing --shadow shadow.toml --report report";
    let run = work.scan(args);
    run.says(2, &["15 rows"]);
    for text in [run.text(), &run.stderr, &work.read_text("report/summary.json"), &work.read_text("report/report.html")]
    {
        assert!(!text.contains("qqsec"), "{text}");
    }
    let samples = summary(&work)["differences"]["milder"].clone();
    assert_eq!(samples[0]["text"], "x [xxxxx] xxxxxxxx");
    let table = work.scan("log.jsonl log.csv log.txt --output-format table");
    assert!(!table.text().contains("qqsec") && !table.stderr.contains("qqsec"));

    let run = work.scan(&format!("{args} --show-text --force"));
    assert_eq!(run.rows()[1]["prompt"], "a zorbl qqsecret");
    let samples = summary(&work)["differences"]["milder"].clone();
    assert_eq!(samples[0]["text"], "a zorbl qqsecret");
    let cut = samples[1]["text"].as_str().unwrap();
    assert!(cut.chars().count() <= 160 && cut.starts_with("a zorbl &<b>'qqsecret'</b>"), "{cut}");
    let page = work.read_text("report/report.html");
    assert!(page.contains("a zorbl &amp;&lt;b&gt;&#39;qqsecret&#39;&lt;/b&gt; \\u{202e}x"), "escaped");
    assert!(!page.contains("qqend") && !page.contains('\u{202e}'), "cut off");
    assert!(
        run.rows()
            .iter()
            .filter(|row| row.get("error").is_some())
            .all(|row| !row["error"].as_str().unwrap().contains("qqsec"))
    );
}

#[test]
fn differences_to_another_policy_are_counted() {
    let work = Workplace::new();
    work.write("log.jsonl", ROWS.join("\n"));
    let policy = work.read_text("policy.toml");
    let gore = "[category.gore]\naction = \"block\"\nseverity = \"medium\"";
    assert!(policy.contains(gore));
    // Medium terms do not count there: `zorbl` and the murky rule pass.
    work.write("milder.toml", policy.replace(gore, "[category.gore]\naction = \"block\"\nseverity = \"high\""));
    let plain = work.scan("log.jsonl");
    let run = work.scan(&format!("{ARGS} --shadow milder.toml"));
    run.says(2, &["10 rows: 2 allowed, 0 review, 7 blocked, 1 errors"]);
    let rows = run.rows();
    for (row, alone) in rows.iter().zip(plain.rows()) {
        let mut row = row.clone();
        let shadow = row.as_object_mut().unwrap().remove("shadow");
        assert_eq!(row, alone, "a shadow policy has no effect");
        assert_eq!(shadow.is_some(), alone.get("error").is_none());
    }
    let shadow = &rows[1]["shadow"];
    assert_eq!(
        (&shadow["verdict"], &shadow["categories"], &shadow["differs"]),
        (&json!("allow"), &json!([]), &json!(true))
    );
    assert!(shadow["policy"].as_str().unwrap() != rows[1]["policy"].as_str().unwrap());
    assert_eq!((&rows[2]["shadow"]["verdict"], &rows[2]["shadow"]["differs"]), (&json!("block"), &json!(false)));
    let report = summary(&work);
    assert_eq!(report["about"]["shadow"], shadow["policy"]);
    let differences = &report["differences"];
    assert_eq!(differences["verdicts"], json!({"allow -> allow": 2, "block -> allow": 5, "block -> block": 2}));
    assert_eq!(differences["rows"], json!({"stricter": 0, "milder": 5, "other_categories": 0}));
    assert_eq!(differences["categories"], json!({"gore": {"stricter": 0, "milder": 5, "other_categories": 0}}));
    assert_eq!(differences["rules"]["block-en:zorbl"]["milder"], 4);
    let ids: Vec<&str> =
        differences["milder"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["2", "5", "6", "7", "8"]);
    // The other way round.
    let child = work.command_with(
        &[
            "--no-models",
            "--wordlists",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/wordlists"),
            "--policy",
            "milder.toml",
        ],
        "scan log.jsonl --report report --force --shadow policy.toml",
    );
    let mut child = child;
    crate::workplace::Run::of(child.spawn().unwrap(), Vec::new()).says(2, &[]);
    let back = summary(&work);
    assert_eq!(back["differences"]["rows"], json!({"stricter": 5, "milder": 0, "other_categories": 0}));
    let same = work.scan(&format!("{ARGS} --shadow policy.toml --force"));
    assert!(same.rows().iter().all(|row| row["shadow"]["differs"] != json!(true)));
    work.scan("log.jsonl --shadow nowhere.toml").refuses(&["nowhere.toml"]);
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let work = Workplace::new();
    let rows = "{\"prompt\": 1}\n".repeat(70) + "{\"prompt\": \"a zorbl\"}\n";
    work.write("log.jsonl", rows);
    work.scan("log.jsonl --report report").says(2, &["71 rows", "70 errors"]);
    let errors = summary(&work)["errors"].as_array().unwrap().len();
    assert_eq!(errors, 50);
    assert!(work.read_text("report/report.html").contains("the first 50 of 70"));
}

#[test]
fn the_key_never_lies_in_the_report() {
    let work = Workplace::new();
    work.write("log.jsonl", ROWS.join("\n"));
    work.scan("log.jsonl --report out/report/ --user-field user").says(2, &["made out/report.key"]);
    let names =
        fs::read_dir(work.path("out/report")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    assert_eq!(names, ["report.html", "summary.json"]);
}

#[test]
fn what_a_scan_writes_is_no_input_of_it() {
    let work = Workplace::new();
    work.write("logs/a.jsonl", ROWS.join("\n"));
    let args = "logs --report logs/report --user-field user -o logs/out.jsonl";
    work.scan(args).says(2, &["10 rows"]);
    // As after a crash just before the journal would have gone.
    work.write("logs/out.jsonl.journal", "{\"journal\":");
    work.scan(&format!("{args} --resume")).says(2, &["10 rows"]);
    // Without that it may be anybody's.
    work.scan(&format!("{args} --force")).refuses(&["output is also an input"]);
    work.rename("logs/out.jsonl", "out.jsonl");
    work.run("policy diff policy.toml policy.toml logs --report logs/report --force").says(2, &["11 rows"]);
}

#[test]
fn fields_that_no_row_has_are_named() {
    let work = Workplace::new();
    work.write("log.jsonl", ROWS.join("\n"));
    let run = work.scan("log.jsonl --report report --user-field usr --time-field at --keep user,chanel --id-field id");
    let lines: Vec<&str> = run.stderr.lines().filter(|line| line.contains("no row has a field")).collect();
    assert_eq!(lines.len(), 3, "{}", run.stderr);
    run.says(2, &["`usr`", "`chanel`", "`id`"]);
}
