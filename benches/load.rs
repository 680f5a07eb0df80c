//! What building costs: lists and rules alone, and everything.

mod corpus;

use criterion::{Criterion, criterion_group, criterion_main};
use promptgate::{Moderator, Policy};

fn load(c: &mut Criterion) {
    let mut group = c.benchmark_group("load");
    group.sample_size(10);
    group.bench_function("lists and rules", |b| {
        b.iter(|| {
            let moderator = Moderator::builder(corpus::policy()).without_models().build().expect("it loads");
            assert!(moderator.patterns() > 1_000);
        });
    });
    group.bench_function("lists, rules, models, promises", |b| {
        b.iter(|| Moderator::new(Policy::default_policy().expect("it parses")).expect("it loads"));
    });
    group.finish();
}

criterion_group!(benches, load);
criterion_main!(benches);
