//! What must hold for any bytes whatever. The fuzz targets and the replay of their corpus (`tests/fuzz_corpus.rs`) share it.
#![allow(dead_code, reason = "every target runs one of the checks")]

use std::sync::LazyLock;

use promptgate::lexicon::Wordlist;
use promptgate::normalize::{fold_exact, fold_term};
use promptgate::rules::RuleSource;
use promptgate::{Dialect, Explain, Field, Moderator, Policy, Prompt, syntax};

/// The shipped lists and rules and two invented terms, no models; every reason is named, so that every span is looked at.
static MODERATOR: LazyLock<Moderator> = LazyLock::new(|| {
    let list = "# id: invented-en\n# kind: block\n# category: gore\n# language: en\n# source: house\n# licence: CC0-1.0\n\
        # reviewed: 2026-11-24\nterm,severity,match,note\nquuxel,high,forms,\nvorpal snib,high,word,\n";
    let text = Policy::DEFAULT_TEXT.split("# Promises").next().unwrap_or_default();
    let policy = Policy::parse("fuzz policy", text).unwrap().with_explain(Explain::All);
    let list = Wordlist::parse("invented", list).unwrap();
    Moderator::builder(policy).wordlist(list).without_models().build().unwrap()
});

/// Parsing loses nothing and points only into the text, in every dialect.
pub fn syntax(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for dialect in Dialect::ALL.into_iter().map(Some).chain([None]) {
        let (parsed, diagnostics) = syntax::parse(Field::Prompt, text, dialect);
        let spelled = parsed.readings(32);
        assert!(!spelled.readings.is_empty() && spelled.readings.len() <= 33, "{dialect:?} {text:?}");
        let union = parsed.union();
        let crossings = parsed.crossings(text, true);
        for segment in spelled.readings.iter().flatten().chain(&union).chain(&crossings) {
            assert!(segment.span.slice(text).is_some(), "{dialect:?} {text:?} {:?}", segment.span);
        }
        for diagnostic in diagnostics {
            assert!(diagnostic.span.slice(text).is_some(), "{dialect:?} {text:?} {:?}", diagnostic.span);
        }
    }
}

/// Folds are idempotent; every span of a decision is a non-empty piece of the prompt as typed, on character boundaries.
pub fn normalize(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for fold in [fold_term, fold_exact] {
        let once = fold(text);
        assert_eq!(fold(&once), once, "{text:?}");
    }
    let decision = MODERATOR.check(Prompt::new(text));
    assert!(decision.degraded.is_none(), "{text:?}");
    for reason in &decision.reasons {
        let slice = reason.span.and_then(|span| span.slice(text));
        assert!(slice.is_some_and(|slice| !slice.is_empty()), "{text:?}: {} at {:?}", reason.rule, reason.span);
    }
    assert_eq!(MODERATOR.check(Prompt::new(text)), decision, "{text:?}");
}

/// Files of lists and rules are read or refused, and an error names no more than a place.
pub fn wordlist(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(list) = Wordlist::parse("fuzz.csv", text) {
        assert!(list.terms.iter().all(|term| !term.text.is_empty()), "{text:?}");
    }
    let mut rules = RuleSource::default();
    if rules.add("fuzz.toml", text).is_ok() {
        let mut ids: Vec<&str> = rules.rules().map(|rule| rule.id.as_str()).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "{text:?}");
    }
}
