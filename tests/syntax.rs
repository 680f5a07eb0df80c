//! Runs `corpus/syntax/*.toml` against the parser: the detected dialect, the segments, and the readings of each case.

#![expect(clippy::unwrap_used, reason = "a broken case is to fail loudly")]

use std::fmt::Write as _;
use std::path::Path;

use promptgate::syntax::{self, ParsedPrompt, SegmentKind};
use promptgate::{Dialect, Field, Role};

/// Readings asked for; a case that needs more shows the cap.
const MAX_READINGS: usize = 8;

#[test]
fn corpus() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/syntax"));
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut cases, mut failures) = (0, String::new());
    for file in files {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        let table: toml::Table = std::fs::read_to_string(&file).unwrap().parse().expect(&stem);
        for case in table["case"].as_array().unwrap() {
            cases += 1;
            for failure in check(case.as_table().unwrap()) {
                let _ = writeln!(failures, "{stem}/{}: {failure}", case["name"].as_str().unwrap());
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(cases >= 60, "only {cases} cases");
}

/// Runs one case and says what is wrong.
fn check(case: &toml::Table) -> Vec<String> {
    const KEYS: [&str; 7] = ["name", "prompt", "negative", "declared", "dialect", "segments", "readings"];
    let unknown = case.keys().filter(|key| !KEYS.contains(&key.as_str()));
    let mut failures: Vec<_> = unknown.map(|key| format!("unknown key `{key}`")).collect();
    let string = |key: &str| case.get(key).and_then(toml::Value::as_str);
    let declared: Option<Dialect> = string("declared").map(|name| name.parse().unwrap());
    let prompt = string("prompt").unwrap();
    let (parsed, _) = syntax::parse(Field::Prompt, prompt, declared);
    let mut found = segments(&parsed, prompt);
    if let Some(negative) = string("negative") {
        found.extend(segments(&syntax::parse(Field::Negative, negative, declared).0, negative));
    }
    if let Some(dialect) = string("dialect").filter(|&dialect| dialect != parsed.dialect.id()) {
        failures.push(format!("dialect: found {}, expected {dialect}", parsed.dialect));
    }
    let expected: Vec<_> = case["segments"].as_array().unwrap().iter().map(expected_segment).collect();
    let same = |(found, expected): (&Seen, &Seen)| {
        found.text == expected.text
            && found.role == expected.role
            && found.kind == expected.kind
            && (found.weight - expected.weight).abs() < 0.005
            && (expected.joint.is_empty() || found.joint == expected.joint)
    };
    if found.len() != expected.len() || !found.iter().zip(&expected).all(same) {
        failures.push(format!("segments:\n  found    {found:?}\n  expected {expected:?}"));
    }
    if let Some(expected) = case.get("readings") {
        let expected: Vec<_> = expected.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        let found = readings(&parsed, prompt);
        if found != expected {
            failures.push(format!("readings:\n  found    {found:?}\n  expected {expected:?}"));
        }
    }
    failures
}

#[derive(Debug)]
struct Seen {
    text: String,
    role: String,
    weight: f64,
    kind: String,
    joint: String,
}

fn segments(parsed: &ParsedPrompt, text: &str) -> Vec<Seen> {
    let seen = |segment: &syntax::Segment| Seen {
        text: segment.span.slice(text).unwrap().to_owned(),
        role: format!("{:?}", segment.role).to_lowercase(),
        weight: f64::from(segment.weight),
        kind: format!("{:?}", segment.kind).to_lowercase(),
        joint: format!("{:?}", segment.joint).to_lowercase(),
    };
    parsed.segments().map(seen).collect()
}

/// A segment as the table gives it: positive prose of weight 1 unless it says otherwise, any joint.
fn expected_segment(value: &toml::Value) -> Seen {
    let string = |key: &str, default: &str| value.get(key).map_or(default, |value| value.as_str().unwrap()).to_owned();
    Seen {
        text: string("text", ""),
        role: string("role", "positive"),
        weight: value.get("weight").map_or(1.0, |weight| weight.as_float().unwrap()),
        kind: string("kind", "prose"),
        joint: string("joint", ""),
    }
}

/// The positive prose of each reading, joined with spaces.
fn readings(parsed: &ParsedPrompt, text: &str) -> Vec<String> {
    let join = |reading: &syntax::Reading| {
        let prose =
            reading.iter().filter(|segment| segment.role == Role::Positive && segment.kind == SegmentKind::Prose);
        prose.filter_map(|segment| segment.span.slice(text)).collect::<Vec<_>>().join(" ")
    };
    parsed.readings(MAX_READINGS).readings.iter().map(join).collect()
}
