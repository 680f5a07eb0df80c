//! A ladder over one corpus of prompts, each rung adding one stage, so that a regression names its stage.
//!
//! `PROMPTS=FILE` (one prompt a line) times a log of yours; without it, the demo prompts are timed.

mod corpus;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use promptgate::classifier::{Classifier, OnnxClassifier};
use promptgate::normalize::fold_plain;
use promptgate::text::Normalized;
use promptgate::{Field, Moderator, Policy, Role, Scratch, Signs, Span, syntax};

fn ladder(c: &mut Criterion) {
    let prompts = corpus::prompts();
    let bytes = prompts.iter().map(String::len).sum::<usize>() as u64;
    let rules = Moderator::builder(corpus::policy()).without_models().build().expect("lists and rules load");
    assert!(rules.check("a severed head on a pike").is_blocked() && !rules.check("a lighthouse").is_blocked());
    for per in [Throughput::Elements(prompts.len() as u64), Throughput::Bytes(bytes)] {
        let unit = if matches!(per, Throughput::Bytes(_)) { "bytes" } else { "prompts" };
        let mut group = c.benchmark_group(format!("stages/{unit}"));
        group.throughput(per).sample_size(20);
        group.bench_function("1 syntax", |b| {
            b.iter(|| {
                for prompt in &prompts {
                    black_box(syntax::parse(Field::Prompt, prompt, None).0.readings(32));
                }
            });
        });
        group.bench_function("2 syntax, normalize", |b| {
            let (mut typed, mut folded) =
                (Normalized::new(Field::Prompt, Role::Positive), Normalized::new(Field::Prompt, Role::Positive));
            b.iter(|| {
                for prompt in &prompts {
                    for reading in syntax::parse(Field::Prompt, prompt, None).0.readings(32).readings {
                        typed.reset(Field::Prompt, Role::Positive);
                        for segment in &reading {
                            typed.push_copied(prompt, Span::new(segment.span.start, segment.span.end));
                        }
                        black_box(Signs::of(typed.as_str()));
                        fold_plain(&typed, &mut folded);
                        black_box(&folded);
                    }
                }
            });
        });
        group.bench_function("3 syntax, normalize, lexicon, rules", |b| {
            let mut scratch = Scratch::default();
            b.iter(|| {
                for prompt in &prompts {
                    black_box(rules.check_with(&mut scratch, prompt));
                }
            });
        });
        group.finish();
    }
}

/// Texts of 16, 32 and 64 tokens, special tokens included: every word here is one token.
fn models(c: &mut Criterion) {
    let deadline = std::time::Duration::from_secs(5);
    let mut group = c.benchmark_group("models");
    for name in ["screen", "main", "expert"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name);
        let model = OnnxClassifier::load(&folder, deadline).expect("the shipped model loads");
        for tokens in [16, 32, 64] {
            let text = "a red boat on the quiet water "
                .repeat(9)
                .split_whitespace()
                .take(tokens - 2)
                .collect::<Vec<_>>()
                .join(" ");
            assert!(model.classify(&[&text]).is_ok_and(|scores| scores.len() == 1));
            group.bench_with_input(BenchmarkId::new(name, tokens), &text, |b, text| b.iter(|| model.classify(&[text])));
        }
    }
    group.finish();
}

/// Start to first decision: everything loaded, one prompt judged.
fn first_decision(c: &mut Criterion) {
    c.benchmark_group("start").sample_size(10).bench_function("first decision", |b| {
        b.iter(|| {
            let moderator = Moderator::new(Policy::default_policy().expect("it parses")).expect("it loads");
            assert!(!moderator.check("a lighthouse at dusk").is_blocked());
        });
    });
}

criterion_group!(benches, ladder, models, first_decision);
criterion_main!(benches);
