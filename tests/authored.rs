//! The authored prompts are what their data card says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use promptgate::{Category, Severity};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    prompt: String,
    labels: Vec<Category>,
    severity: Option<Severity>,
    hard: bool,
    lang: String,
    pair: Option<String>,
}

fn rows() -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/training/authored");
    let mut rows = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "jsonl") {
            for (index, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
                let row = serde_json::from_str(line);
                rows.push(row.unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), index + 1)));
            }
        }
    }
    rows
}

#[test]
fn rows_fit_their_data_card() {
    let rows = rows();
    assert!(rows.len() >= 20_000, "{} rows", rows.len());
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids.len(), rows.len(), "an id stands twice");
    let mut pairs: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    for row in &rows {
        assert!(!row.prompt.trim().is_empty(), "{}", row.id);
        assert_eq!(row.severity.is_some(), !row.labels.is_empty(), "{}", row.id);
        assert!(!row.labels.contains(&Category::Minors), "{}", row.id);
        if let Some(pair) = &row.pair {
            pairs.entry(pair).or_default().push(!row.labels.is_empty());
        }
    }
    for (pair, violating) in &mut pairs {
        violating.sort_unstable();
        assert_eq!(*violating, [false, true], "{pair}");
    }
    let card = include_str!("../models/training/authored/README.md").replace(',', "");
    let implicit = rows.iter().filter(|row| row.hard && !row.labels.is_empty()).count();
    let english = rows.iter().filter(|row| row.lang == "en").count();
    for (number, what) in [
        (rows.len(), "prompts"),
        (pairs.len(), "minimal pairs"),
        (english, "rows are English"),
        (implicit, "|"), // the first row of the table of kinds
    ] {
        assert!(card.contains(&format!("{number} {what}")), "the card does not say: {number} {what}");
    }
}
