//! The invariants of ARCHITECTURE.md as properties over random prompts.

mod common;

use std::sync::{Arc, LazyLock};

use promptgate::classifier::{Cascade, Classified, Classifier};
use promptgate::lexicon::Wordlist;
use promptgate::normalize::fold_term;
use promptgate::{
    Category, ClassifyError, Decision, Detector, Dialect, Evidence, Explain, Field, Findings, Moderator, NormSpan,
    Outcome, Prompt, Scores, Scratch, Severity, Span, Stage, Verdict, ViewedText,
};
use proptest::prelude::*;

/// The shipped lists and rules plus an invented blocking term, `quuxel`, and the invented phrase `vorpal snib`.
static MODERATOR: LazyLock<Moderator> = LazyLock::new(|| {
    let list = "# id: invented\n# kind: block\n# category: gore\n# source: house\n# licence: CC0-1.0\n\
        # reviewed: 2026-11-24\nterm,severity,match,note\nquuxel,high,forms,\nvorpal snib,high,word,\n";
    Moderator::builder(common::policy().with_explain(Explain::All))
        .wordlist(Wordlist::parse("invented", list).unwrap())
        .without_models()
        .build()
        .unwrap()
});

/// Text rich in markup, disguise and scripts.
fn prompt_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,8}",
        2 => prop::sample::select(vec![
            "quuxel", "vorpal snib", "QUUXEL", "q.u.u.x.e.l", "quuuuxel", "ｑuuxel", "qu\u{200b}uxel", "nude", "blood orange",
        ]).prop_map(str::to_owned),
        4 => prop::sample::select(vec![
            "(", ")", "[", "]", "{", "}", "::", "::-1", "::2 ", "|", ",", ":1.3)", "--no ", "--ar 3:2 ", "<lora:", ":0.8>", "\\", " AND ",
            " BREAK ", "###", "Negative prompt:", "__", "https://x.y/z.png ", "—no ", "  ", "\n", "@", "0", "4155550123",
        ]).prop_map(str::to_owned),
        1 => "\\PC{1,4}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn dialect() -> impl Strategy<Value = Option<Dialect>> {
    prop::option::of(prop::sample::select(Dialect::ALL.to_vec()))
}

fn blocks(prompt: &str) -> bool {
    MODERATOR.check(prompt).is_blocked()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("PROPTEST_CASES").map_or(512, |cases| cases.parse().unwrap()), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans_are_bytes_of_the_prompt_as_typed(text in prompt_text(), negative in prop::option::of(prompt_text()), dialect in dialect()) {
        let decision = MODERATOR.check(Prompt { negative: negative.as_deref(), dialect, ..Prompt::new(&text) });
        for reason in &decision.reasons {
            let field = match reason.field {
                Field::Prompt => Some(text.as_str()),
                Field::Negative => negative.as_deref(),
            };
            let slice = reason.span.and_then(|span| span.slice(field?));
            prop_assert!(slice.is_some_and(|slice| !slice.is_empty()), "{:?} in {text:?}", reason.span);
        }
    }

    #[test]
    fn scratch_and_batch_do_not_change_decisions(texts in prop::collection::vec(prompt_text(), 1..8)) {
        let alone: Vec<Decision> = texts.iter().map(|text| MODERATOR.check(text)).collect();
        let mut scratch = Scratch::default();
        let reused: Vec<Decision> = texts.iter().map(|text| MODERATOR.check_with(&mut scratch, text)).collect();
        let prompts: Vec<Prompt<'_>> = texts.iter().map(Prompt::from).collect();
        prop_assert_eq!(&alone, &reused);
        prop_assert_eq!(&alone, &MODERATOR.check_batch(&prompts));
    }

    #[test]
    fn explaining_is_checking(text in prompt_text(), negative in prop::option::of(prompt_text()), dialect in dialect()) {
        let prompt = Prompt { negative: negative.as_deref(), dialect, ..Prompt::new(&text) };
        let explanation = MODERATOR.explain(prompt);
        prop_assert_eq!(&explanation.decision, &MODERATOR.check(prompt));
        let seen = |reason: &promptgate::Reason| match reason.stage {
            Stage::Lexicon => explanation.hits.iter().any(|hit| hit.is_evidence() && *hit.term == *reason.rule),
            _ => explanation.rules.iter().any(|rule| rule.rule == reason.rule),
        };
        prop_assert!(explanation.decision.reasons.iter().all(seen), "{text:?}");
    }

    #[test]
    fn folding_twice_is_folding_once(text in prompt_text()) {
        let once = fold_term(&text);
        prop_assert_eq!(fold_term(&once), once);
    }

    #[test]
    fn markup_never_softens_a_term(
        wrap in prop::sample::select(vec![
            "({})", "(({}))", "[{}]", "({}:1.3)", "{}::2", "a cat:: {}", "[{}|a cat]", "{{}, a cat}", "{a cat|{}}", "[a cat:{}:0.5]",
            "a cat BREAK {}", "a cat AND {}", "a cat, {} --ar 3:2 --seed 7", "<lora:{}:0.8>", "__{}__", "https://img.example/{}.png a cat",
            "a cat --sref {}", "\\({}\\)", "a {{}} cat", "(a (b [c {}]))", "{}:1.2)", "a cat, {{}, dog}, {x, y}",
        ]),
        term in prop::sample::select(vec!["quuxel", "Quuxels", "vorpal snib", "qu\u{200b}uxel", "quuuuxel"]),
        dialect in dialect(),
    ) {
        // An address ends at the first space.
        let term = if wrap.contains("http") || wrap.contains("--sref") { term.replace(' ', "_") } else { term.to_owned() };
        let prompt = wrap.replace("{}", &term);
        let decision = MODERATOR.check(Prompt { dialect, ..Prompt::new(&prompt) });
        prop_assert!(decision.is_blocked(), "{prompt}");
    }

    #[test]
    fn more_text_never_hides_a_term(before in "[a-z ,]{0,400}", after in "[a-z ,]{0,400}") {
        let prompt = format!("{before} , quuxel , {after}");
        prop_assert!(blocks(&prompt), "{prompt}");
    }

    #[test]
    fn negatives_do_not_block(before in "(lamp |fog |7 |harbor |zzz |, ){0,9}") {
        let (no, weight) = (format!("{before} cat --no quuxel"), format!("{before} cat:: quuxel::-0.5"));
        prop_assert!(!blocks(&no), "{no}");
        prop_assert!(!blocks(&weight), "{weight}");
    }

    #[test]
    fn more_evidence_never_softens(picks in prop::collection::vec((0..8_usize, 0..4_usize, 0.0..1.0_f32), 0..6), scores in prop::option::of([0.0..1.0_f32, 0.0..1.0, 0.0..1.0, 0.0..1.0, 0.0..1.0, 0.0..1.0])) {
        let name: Arc<str> = "p".into();
        let evidence: Vec<Evidence> = picks.iter().map(|&(category, severity, at_least)| Evidence {
            category: Category::ALL[category],
            severity: Severity::ALL[severity],
            stage: Stage::Rules,
            rule: "r".into(),
            field: Field::Prompt,
            span: Span::new(0, 1),
            via: Vec::new(),
            condition: (at_least > 0.5).then_some(promptgate::Condition { category: Category::Adult, at_least }),
        }).collect();
        let mut last = Verdict::Allow;
        for count in 0..=evidence.len() {
            let outcome = Outcome {
                evidence: evidence[..count].to_vec(),
                scores: scores.map(Scores),
                model: scores.map(|_| (Stage::Main, "main".into())),
                failed: None,
            };
            let verdict = common::policy().decide(outcome, &name).verdict;
            prop_assert!(verdict >= last);
            last = verdict;
        }
    }
}

#[test]
fn any_input_gets_a_decision() {
    let long = "a cat ".repeat(10_000_000 / 6);
    let deep = "{(".repeat(30_000);
    let inputs =
        ["", " ", "\0", "a\0b", "\u{feff}", "((((", "}}}}", ":::::", "--no", "--", "::", "{,}", "[::]", &deep, &long];
    for text in inputs {
        for dialect in Dialect::ALL {
            let prompt = Prompt::new(text).with_negative(text).with_dialect(dialect);
            let decision = MODERATOR.check(prompt);
            assert_eq!(decision.degraded.is_some(), 2 * text.len() > 262_144, "{} bytes", text.len());
            assert_eq!(decision.is_blocked(), decision.degraded.is_some(), "{} bytes", text.len());
        }
    }
}

#[test]
fn a_failing_stage_blocks_and_says_so() {
    let fails = |_: &str| Err(ClassifyError::failed("broken"));
    let busy = |_: &str| Err(ClassifyError::deadline());
    let unsure = |_: &str| Ok([0.4; 6]);
    for (cascade, expected) in [
        (common::cascade(fails, unsure), "screen-failed"),
        (common::cascade(unsure, fails), "main-failed"),
        (common::cascade(unsure, busy), "main-busy"),
        (common::cascade(unsure, |_| Ok([f32::NAN; 6])), "main-failed"),
        (common::cascade(|_| Ok([f32::NAN; 6]), unsure), "screen-failed"),
        (common::cascade(unsure, unsure).with_expert(common::scripted("expert@script", fails)), "expert-failed"),
        (common::cascade(unsure, unsure).with_expert(common::scripted("expert@script", busy)), "expert-busy"),
    ] {
        let moderator = Moderator::builder(common::policy()).cascade(cascade).build().unwrap();
        let decision = moderator.check("a lighthouse");
        assert_eq!((decision.verdict, decision.degraded), (Verdict::Block, Some(expected)));
        assert!(decision.user_message.unwrap().contains("could not be checked"));
    }
}

#[test]
fn the_cascade_asks_main_only_when_screen_is_unsure() {
    let never = |_: &str| -> Result<[f32; 6], ClassifyError> { panic!("main was asked") };
    for (score, verdict) in [(0.0, Verdict::Allow), (1.0, Verdict::Block)] {
        let cascade = common::cascade(move |_| Ok([score; 6]), never);
        let moderator = Moderator::builder(common::policy()).cascade(cascade).build().unwrap();
        let decision = moderator.check("a lighthouse");
        assert_eq!((decision.verdict, decision.model.as_deref()), (verdict, Some("screen@script")));
    }
    let cascade = common::cascade(|_| Ok([0.4; 6]), |_| Ok([0.0; 6]));
    let moderator = Moderator::builder(common::policy()).cascade(cascade).build().unwrap();
    assert_eq!(moderator.check("a lighthouse").model.as_deref(), Some("main@script"));
}

/// A model that finds nothing and says how foreign a text is.
struct Stranger(f32);

impl Classifier for Stranger {
    fn name(&self) -> &'static str {
        "screen@script"
    }

    fn classify(&self, batch: &[&str]) -> Result<Vec<Classified>, ClassifyError> {
        Ok(vec![Classified { scores: Scores([0.0; 6]), foreign: self.0 }; batch.len()])
    }
}

#[test]
fn a_text_that_screen_calls_foreign_goes_to_main() {
    let decide = |foreign| {
        let main = common::scripted("main@script", |_| Ok([0.99; 6]));
        let cascade = Cascade::new(Box::new(Stranger(foreign)), main);
        Moderator::builder(common::policy()).cascade(cascade).build().unwrap().check("a lighthouse")
    };
    assert_eq!(decide(0.1).model.as_deref(), Some("screen@script"));
    assert_eq!((decide(0.9).verdict, decide(0.9).model.as_deref()), (Verdict::Block, Some("main@script")));
    // What is no likelihood is a failed stage, not a text that screen can read.
    assert!(decide(f32::NAN).degraded.is_some());
}

#[test]
fn a_prompt_that_fails_in_a_batch_fails_alone() {
    let picky = |score: f32| {
        move |text: &str| {
            if text.contains("lighthouse") {
                return Err(ClassifyError::failed("no lighthouses".to_owned()));
            }
            Ok([score; 6])
        }
    };
    for cascade in [common::cascade(picky(0.4), |_| Ok([0.0; 6])), common::cascade(|_| Ok([0.4; 6]), picky(0.0))] {
        let moderator = Moderator::builder(common::policy()).cascade(cascade).build().unwrap();
        let prompts = ["a harbor", "a lighthouse", "a boat", ""].map(Prompt::from);
        let together = moderator.check_batch_with(&mut Scratch::default(), &prompts);
        assert_eq!(together.iter().map(Decision::is_blocked).collect::<Vec<_>>(), [false, true, false, false]);
        let alone: Vec<Decision> = prompts.iter().map(|prompt| moderator.check(*prompt)).collect();
        assert_eq!(together, alone);
    }
}

#[test]
fn a_busy_model_keeps_a_batch_waiting_once() {
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let busy = move |_: &str| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Err(ClassifyError::deadline())
    };
    let cascade = common::cascade(busy, |_| Ok([0.0; 6]));
    let moderator = Moderator::builder(common::policy()).cascade(cascade).build().unwrap();
    let prompts = ["a harbor", "a lighthouse", "a boat"].map(Prompt::from);
    let decisions = moderator.check_batch_with(&mut Scratch::default(), &prompts);
    assert!(decisions.iter().all(|decision| decision.degraded == Some("screen-busy") && decision.is_blocked()));
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn the_expert_is_asked_where_main_is_unsure_or_a_caller_wants_it() {
    let moderator = |main: f32| {
        let cascade = common::cascade(|_| Ok([0.4; 6]), move |_| Ok([main; 6]))
            .with_expert(common::scripted("expert@script", |_| Ok([0.99; 6])));
        Moderator::builder(common::policy()).cascade(cascade).build().unwrap()
    };
    for (main, thorough, by, verdict) in [
        (0.0, false, "main@script", Verdict::Allow),
        (0.5, false, "expert@script", Verdict::Block),
        (1.0, false, "main@script", Verdict::Block),
        (0.0, true, "expert@script", Verdict::Block),
    ] {
        let prompt = Prompt { thorough, ..Prompt::new("a lighthouse") };
        let decision = moderator(main).check(prompt);
        assert_eq!((decision.verdict, decision.model.as_deref()), (verdict, Some(by)), "main {main}, {thorough}");
    }
}

#[test]
fn pieces_beyond_the_limit_count_with_the_score_they_have() {
    let cascade = common::cascade(|_| Ok([0.5; 6]), |_| Ok([0.0; 6]));
    let moderator = Moderator::builder(common::policy()).cascade(cascade).build().unwrap();
    let long: String = (0..2000)
        .map(|bits| (0..8).map(|bit| if bits >> bit & 1 == 1 { "boat " } else { "ship " }).collect::<String>())
        .collect();
    // Some 200 pieces, of which `main` reads 24 and acquits them: the rest stays as suspicious as `screen` left it.
    let decision = moderator.check(&long);
    let scores = decision.scores.unwrap();
    assert!(scores.iter().all(|(_, score)| (score - 0.5).abs() < 1e-6), "{scores:?}");
}

#[test]
fn models_read_the_positive_side_as_the_generator_would() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let screen = move |text: &str| {
        log.lock().unwrap().push(text.to_owned());
        Ok([0.0; 6])
    };
    let cascade = common::cascade(screen, |_| Ok([0.0; 6]));
    let moderator = Moderator::builder(common::policy()).cascade(cascade).build().unwrap();
    for (prompt, texts) in [
        ("a (red:1.3) cat --ar 3:2 --no dog", vec!["a red cat"]),
        ("a {cat, dog} --v 6", vec!["a cat", "a dog"]),
        ("a cat:: gray::-0.5", vec!["a cat"]),
        ("{1::a cat|0::a dog} in the sun", vec!["a cat in the sun", "in the sun"]),
        ("a red cat, 赤い猫", vec!["a red cat, 赤い猫"]),
        ("кот на крыше, cat", vec!["кот на крыше, cat"]),
    ] {
        seen.lock().unwrap().clear();
        moderator.check(prompt);
        assert_eq!(*seen.lock().unwrap(), texts, "{prompt}");
    }
}

struct Count;

impl Detector for Count {
    fn detect(&self, texts: &[ViewedText<'_>], out: &mut Findings) {
        let evidence = |text: &ViewedText<'_>| Evidence {
            category: Category::Hate,
            severity: Severity::High,
            stage: Stage::Rules,
            rule: "own.count".into(),
            field: text.typed.field(),
            span: text.typed.typed_span(NormSpan::new(0, 1)),
            via: Vec::new(),
            condition: None,
        };
        out.evidence.extend(texts.iter().filter(|text| text.folded.as_str().contains("three wishes")).map(evidence));
    }
}

#[test]
fn a_caller_may_add_a_detector() {
    let moderator = Moderator::builder(common::policy()).detector(Box::new(Count)).without_models().build().unwrap();
    assert_eq!(*moderator.check("Three  wishes, a lamp").reasons[0].rule, *"own.count");
    assert!(!moderator.check("two wishes").is_blocked());
}
