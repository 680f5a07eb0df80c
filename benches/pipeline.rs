//! The whole pipeline with models: one prompt at a time, and a batch on all cores.

mod corpus;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use promptgate::{Moderator, Policy, Prompt, Scratch};

fn pipeline(c: &mut Criterion) {
    let prompts: Vec<String> = corpus::prompts().into_iter().take(2_000).collect();
    let moderator = Moderator::new(Policy::default_policy().expect("it parses")).expect("it loads");
    let borrowed: Vec<Prompt<'_>> = prompts.iter().map(Prompt::from).collect();
    let alone: Vec<_> = borrowed.iter().map(|prompt| moderator.check(*prompt)).collect();
    assert_eq!(alone, moderator.check_batch(&borrowed), "a batch decides as single calls do");
    let mut group = c.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(prompts.len() as u64)).sample_size(10);
    group.bench_function("one by one", |b| {
        let mut scratch = Scratch::default();
        b.iter(|| borrowed.iter().filter(|prompt| moderator.check_with(&mut scratch, **prompt).is_blocked()).count());
    });
    group.bench_function("batch on all cores", |b| b.iter(|| black_box(moderator.check_batch(&borrowed))));
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
