//! Runs the cases of `tests/corpus/*.toml` through lists and rules, and reports every failure by `file/name`.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use promptgate::{Category, Prompt};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    prompt: String,
    negative: Option<String>,
    verdict: String,
    /// For a blocked case: a category that must be among the reasons.
    category: Option<Category>,
    /// For a blocked case: the words under the span of that category's first reason.
    text: Option<String>,
}

#[test]
fn corpus() {
    let moderator = common::rules_only();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let (mut failures, mut counts) = (Vec::new(), BTreeMap::<String, [usize; 2]>::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let corpus: Corpus =
            toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap_or_else(|e| panic!("{file}: {e}"));
        for case in corpus.case {
            let decision = moderator.check(Prompt { negative: case.negative.as_deref(), ..Prompt::new(&case.prompt) });
            let blocked = case.verdict == "block";
            counts.entry(file.clone()).or_default()[usize::from(!blocked)] += 1;
            let rules: Vec<_> = decision.reasons.iter().map(|reason| reason.rule.to_string()).collect();
            if decision.verdict.id() != case.verdict {
                failures.push(format!(
                    "{file}/{}: {}, expected {} {rules:?}",
                    case.name,
                    decision.verdict.id(),
                    case.verdict
                ));
            } else if case.category.is_some_and(|category| !decision.categories().contains(&category)) {
                failures.push(format!("{file}/{}: blocked for {:?}", case.name, decision.categories()));
            }
            if let Some(text) = &case.text {
                let reason = decision.reasons.iter().find(|reason| Some(reason.category) == case.category);
                let field = |field| {
                    if field == promptgate::Field::Prompt {
                        Some(case.prompt.as_str())
                    } else {
                        case.negative.as_deref()
                    }
                };
                let found = reason.and_then(|reason| reason.span?.slice(field(reason.field)?));
                if found != Some(text) {
                    failures.push(format!("{file}/{}: span over {found:?}, expected {text:?}", case.name));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    for category in Category::ALL {
        let [blocked, allowed] = counts.get(category.id()).copied().unwrap_or_default();
        assert!(
            blocked >= 10 && allowed >= 10,
            "{category}: {blocked} blocked and {allowed} allowed cases, expected 10 each"
        );
    }
}
