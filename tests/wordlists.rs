//! Holds the shipped word lists and rules to their own promises.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use promptgate::lexicon::{Lexicon, ListKind, Term, Wordlist};
use promptgate::normalize::fold_plain;
use promptgate::syntax::SegmentKind;
use promptgate::text::Normalized;
use promptgate::{
    Category, Detector, Explain, Field, Findings, ListId, Moderator, NormSpan, Role, Severity, Signs, Span, ViewedText,
    Word,
};
use serde::Deserialize;

fn files(extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("wordlists");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut files: Vec<_> = folders
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

fn lists() -> Vec<Wordlist> {
    let parse = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        Wordlist::parse(&path.display().to_string(), &text).unwrap_or_else(|error| panic!("{error}"))
    };
    files("csv").iter().map(parse).collect()
}

#[test]
fn lists_parse_and_are_large_enough() {
    let lists = lists();
    for list in &lists {
        assert_eq!(
            Path::new(&list.place).file_stem().unwrap().to_str(),
            Some(list.id.as_str()),
            "a list is found by its id"
        );
    }
    let terms = |kind| lists.iter().filter(|list| list.kind == kind).map(|list| list.terms.len()).sum::<usize>();
    let (block, allow) = (terms(ListKind::Block), terms(ListKind::Allow));
    assert!(block >= 1200, "{block} blocking terms");
    assert!(allow >= 200, "{allow} exceptions");
}

#[test]
fn words_of_most_harmless_prompts_do_not_block() {
    let moderator = common::rules_only();
    for word in [
        "blood", "cutting", "bare", "red", "shot", "party", "vote", "gun", "girl", "kill", "dead", "fat", "black",
        "sexy",
    ] {
        assert!(!moderator.check(word).is_blocked(), "{word}");
    }
}

#[test]
fn every_blocking_term_blocks_by_itself() {
    let moderator = common::rules_only();
    let mut failures = Vec::new();
    for list in lists().iter().filter(|list| list.kind == ListKind::Block) {
        let blocks = |term: &Term| moderator.check(term.text.as_str()).categories().contains(&list.category.unwrap());
        for row in list.terms.chunk_by(|one, next| one.line == next.line) {
            // Of the terms a row with braces stands for, some may be excused.
            if row[0].severity >= Severity::Medium && !row.iter().any(blocks) {
                failures.push(format!("{}:{}", list.place, row[0].line));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// The lists that have a hit in `text`, with the folded span of each.
fn hits(lexicon: &Lexicon, text: &str) -> Vec<(ListId, NormSpan)> {
    let mut typed = Normalized::new(Field::Prompt, Role::Positive);
    typed.push_copied(text, Span::new(0, text.len()));
    let mut folded = typed.clone();
    fold_plain(&typed, &mut folded);
    let mut findings = Findings::default();
    let words = Word::all_of(folded.as_str());
    let viewed = ViewedText {
        source: text,
        typed: &typed,
        folded: &folded,
        words: &words,
        via: &[],
        signs: Signs::of(text),
        kind: SegmentKind::Prose,
    };
    lexicon.detect(&[viewed], &mut findings);
    findings.marks.iter().map(|mark| (mark.list, mark.norm)).collect()
}

#[test]
fn every_exception_covers_something() {
    let excuses = |list: &Wordlist| matches!(list.kind, ListKind::Allow | ListKind::Whole);
    let (allow, others): (Vec<_>, Vec<_>) = lists().into_iter().partition(excuses);
    let lexicon = Lexicon::build(&others).unwrap();
    let excusable = |category: Option<Category>, id: ListId| {
        let list = others.iter().find(|list| lexicon.list(&list.id) == Some(id)).unwrap();
        category.is_none() || list.category == category
    };
    let mut failures = Vec::new();
    for list in &allow {
        // A row with braces stands for several terms; it earns its place if one of them covers something.
        for row in list.terms.chunk_by(|one, next| one.line == next.line) {
            let covers = |term: &Term| hits(&lexicon, &term.text).iter().any(|hit| excusable(list.category, hit.0));
            if !row.iter().any(covers) {
                failures.push(format!("{}:{}", list.place, row[0].line));
            }
        }
    }
    assert!(failures.is_empty(), "exceptions that excuse nothing: {failures:#?}");
}

#[derive(Deserialize)]
struct RuleFile {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    category: Category,
    examples: Vec<String>,
    counter_examples: Vec<String>,
}

#[test]
fn rules_prove_themselves() {
    // A model that is sure of everything: evidence that asks for a score gets it.
    let sure = common::cascade(|_| Ok([0.4; 6]), |_| Ok([1.0; 6]));
    let moderator = Moderator::builder(common::policy().with_explain(Explain::All)).cascade(sure).build().unwrap();
    let (mut failures, mut count) = (Vec::new(), 0);
    for path in files("toml") {
        let file: RuleFile = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for rule in file.rule {
            count += 1;
            let fires = |prompt: &String| moderator.check(prompt).reasons.iter().any(|reason| *reason.rule == *rule.id);
            for (index, _) in rule.examples.iter().enumerate().filter(|(_, prompt)| !fires(prompt)) {
                failures.push(format!("{}: example {} does not match", rule.id, index + 1));
            }
            for (index, _) in rule.counter_examples.iter().enumerate().filter(|(_, prompt)| fires(prompt)) {
                failures.push(format!("{}: counter-example {} matches", rule.id, index + 1));
            }
            if !rule.id.starts_with(&format!("{}.", rule.category)) {
                failures.push(format!("{}: id does not start with its category", rule.id));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    assert!(count >= 30, "{count} rules");
}
