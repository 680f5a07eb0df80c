//! 64 KiB of the shapes that break other filters, lists and rules only: what a hostile prompt can cost.

#[path = "../tests/worst_case/inputs.rs"]
mod inputs;

mod corpus;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use promptgate::{Moderator, Scratch};

fn worst_case(c: &mut Criterion) {
    let rules = Moderator::builder(corpus::policy()).without_models().build().expect("lists and rules load");
    let mut scratch = Scratch::default();
    let mut group = c.benchmark_group("worst case, 64 KiB");
    group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(500));
    for (name, make) in inputs::INPUTS {
        let text = make(64 << 10);
        assert!(rules.check_with(&mut scratch, &text).degraded.is_none(), "{name} is read");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(*name, |b| b.iter(|| black_box(rules.check_with(&mut scratch, &text))));
    }
    group.finish();
}

criterion_group!(benches, worst_case);
criterion_main!(benches);
