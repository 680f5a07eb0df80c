//! `promptgate policy`, and the linter behind it.
#![cfg(all(feature = "cli", feature = "onnx"))]

#[macro_use]
#[path = "common/command.rs"]
mod command;

use std::collections::BTreeMap;
use std::fs;

use command::{Run, here, promptgate, shown};
use promptgate::policy::lint::{self, Check, Level, Surroundings, Tuning};
use promptgate::{Bands, Category, Policy, Severity, Stage};

const POLICIES: &str = "tests/fixtures/policies";

/// A subcommand with the invented lists of `tests/fixtures`, which shipped lists do not disturb.
fn policy(args: &[&str]) -> Run {
    promptgate(&[&["--no-models", "--wordlists", "tests/fixtures/wordlists", "policy"], args].concat(), "")
}

fn fixture(name: &str) -> String {
    format!("{POLICIES}/{name}.toml")
}

#[test]
fn the_default_policy_is_clean() {
    snapshot!("lint_default", promptgate(&["--models", "models", "policy", "lint"], ""), here());
    snapshot!("lint_default_no_models", promptgate(&["--no-models", "policy", "lint"], ""), here());
}

#[test]
fn lint_reports_all_that_is_wrong_or_doubtful() {
    snapshot!("lint_faulty", policy(&["lint", &fixture("faulty")]), here());
    snapshot!("lint_doubtful", policy(&["lint", &fixture("doubtful")]), here());
    snapshot!("lint_json", policy(&["lint", "--json", &fixture("house"), &fixture("doubtful")]), here());
    // The policy of `--policy`, where no file is named.
    let named = policy(&["lint", "--policy", &fixture("doubtful")]);
    assert_eq!(named.stdout, policy(&["lint", &fixture("doubtful")]).stdout);
}

#[test]
fn lint_judges_every_example_and_quotes_none() {
    let run = policy(&["lint", &fixture("broken")]);
    snapshot!("lint_broken", run, here());
    assert!(!run.stdout.contains("hill") && !run.stdout.contains("meadow"));
    snapshot!("lint_broken_text", policy(&["lint", "--show-text", &fixture("broken")]), here());
    // A loader names the first of them in the same way.
    let refused = promptgate(
        &["--no-models", "--wordlists", "tests/fixtures/wordlists", "--policy", &fixture("broken"), "check", "x"],
        "",
    );
    assert_eq!(refused.stderr.trim_end(), format!("promptgate: {}", run.stdout.lines().next().unwrap()));
}

#[test]
fn lint_says_what_it_cannot_read() {
    snapshot!("lint_missing", policy(&["lint", "nowhere.toml", &fixture("house")]), here());
    let run = promptgate(&["--no-models", "--wordlists", "nowhere", "policy", "lint", &fixture("doubtful")], "");
    assert_eq!(run.code, 2);
    assert!(run.stdout.contains("`max_main_pieces` is 0"), "the rest is looked over: {}", run.stdout);
    assert!(run.stderr.contains("nowhere: cannot be read"), "{}", run.stderr);
}

#[test]
fn lint_holds_scores_against_those_the_models_came_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let text = Policy::DEFAULT_TEXT.replace("foreign = 0.5\n", "");
    let line = 1 + text.lines().position(|line| line.starts_with("threshold")).unwrap();
    fs::write(&path, text.replacen("threshold = 0.45", "threshold = 0.44", 1)).unwrap();
    let run = promptgate(&["--models", "models", "policy", "lint", path.to_str().unwrap()], "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let threshold =
        format!("mine.toml:{line}: warning: `threshold` of `adult` is 0.44, model `expert`, the last one, came with ");
    assert!(run.stdout.contains(&threshold), "{}", run.stdout);
    assert!(run.stdout.contains(" warning: no `cascade.screen.foreign`, model `screen` came with "), "{}", run.stdout);
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
}

#[test]
fn without_an_expert_the_bands_of_main_do_not_matter() {
    let text = fs::read_to_string(here().join(fixture("doubtful"))).unwrap();
    let (thresholds, band) = (BTreeMap::new(), Bands { foreign: None, low: BTreeMap::new(), high: BTreeMap::new() });
    let models = [Stage::Screen, Stage::Main, Stage::Expert].map(|stage| Tuning {
        stage,
        thresholds: &thresholds,
        band: Some(&band),
    });
    let of_main = |models: &[Tuning<'_>]| {
        let surroundings = Surroundings { models: models.to_vec(), ..Surroundings::default() };
        let found = lint::lint("doubtful.toml", &text, &surroundings);
        found.iter().filter(|finding| finding.message.contains("`cascade.main.")).count()
    };
    assert_eq!((of_main(&models[..2]), of_main(&models)), (1, 4), "a band that is inside out is always reported");
}

#[test]
fn what_nobody_stops_passes() {
    let text = Policy::DEFAULT_TEXT.replace("on_error = \"block\"", "on_error = \"allow\"");
    let found = lint::lint("open.toml", &text, &Surroundings::default());
    assert_eq!(found.len(), Category::ALL.len());
    assert!(
        found
            .iter()
            .all(|finding| finding.check == Check::Lenient
                && finding.message.ends_with(": what cannot be checked passes"))
    );
}

#[test]
fn severities_out_of_reach_are_reported() {
    let severities = BTreeMap::from([(Category::Gore, Severity::Low), (Category::Hate, Severity::Medium)]);
    let surroundings = Surroundings { severities, ..Surroundings::default() };
    let found = lint::lint("default policy", Policy::DEFAULT_TEXT, &surroundings);
    let message = "`severity` of `gore` is `medium`, but lists and rules give `low` at most: none of them counts";
    assert_eq!(found.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>(), [message]);
}

/// A loader refuses what the linter calls an error, and says the same, whichever line is missing, there twice or cut off.
#[test]
fn what_a_loader_says_is_what_the_linter_says() {
    let lines: Vec<&str> = Policy::DEFAULT_TEXT.lines().collect();
    for (index, &line) in lines.iter().enumerate() {
        let half = &line[..line.len() / 2];
        for replacement in [&[][..], &[line, line], &[half], &["zorbl = 1", line]] {
            let text = [&lines[..index], replacement, &lines[index + 1..]].concat().join("\n");
            let found = lint::lint("mine.toml", &text, &Surroundings::default());
            let errors = found.iter().filter(|finding| finding.level == Level::Error);
            let errors: Vec<String> = errors.map(ToString::to_string).collect();
            match Policy::parse("mine.toml", &text) {
                Ok(_) => assert_eq!(errors, [""; 0], "line {}, {replacement:?}", index + 1),
                Err(error) => assert!(errors.contains(&error.to_string()), "{error}: {errors:#?}"),
            }
        }
    }
}

#[test]
fn syntax_errors_do_not_hide_each_other() {
    let text = Policy::DEFAULT_TEXT.replace("max_readings = 32", "max_readings = ").replace("\"PG-13\"", "x").replacen(
        "action = \"block\"",
        "action = block\"",
        1,
    );
    let found: Vec<String> =
        lint::lint("mine.toml", &text, &Surroundings::default()).iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("mine.toml:10: ") && found[1].starts_with("mine.toml:53: "), "{found:#?}");
}

#[test]
fn show_prints_settings_with_their_sources_and_what_decides() {
    let house = fixture("house");
    snapshot!("show_text", policy(&["show", "--policy", &house, "--explain", "all"]), here());
    snapshot!("show_json", policy(&["show", "--policy", &house, "--json"]), here());
    let own =
        ["--wordlist", "tests/fixtures/wordlists/gore/block-en.csv", "--models", "models", "policy", "show", "--json"];
    let run = promptgate(&own, "");
    let shown: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(shown["place"], "default policy");
    let lists = shown["lists"].as_array().unwrap();
    assert_eq!((&lists[0]["origin"], &lists[lists.len() - 1]["origin"]), (&"compiled-in".into(), &"added".into()));
    let stages: Vec<_> = shown["models"].as_array().unwrap().iter().map(|model| model["place"].clone()).collect();
    assert_eq!(stages, ["models/screen", "models/main", "models/expert"]);
    // A policy that breaks its promises is shown all the same, without its prompts.
    let run = policy(&["show", "--json", "--policy", &fixture("broken")]);
    assert_eq!((run.code, run.stdout.contains("hill")), (0, false), "{}", run.stderr);
    assert_eq!(policy(&["show", "--policy", &fixture("faulty")]).code, 2);
}

#[test]
fn help_has_examples() {
    for command in ["lint", "show"] {
        let run = promptgate(&["policy", command, "--help"], "");
        assert!(run.code == 0 && run.stdout.contains("Examples:"), "{}", run.stdout);
    }
    assert!(promptgate(&["--help"], "").stdout.contains("\n  policy "));
}
