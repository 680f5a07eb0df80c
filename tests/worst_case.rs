//! Time grows with the length of a prompt, no faster, for the prompts that break other filters.
//!
//! `cargo test --test worst_case -- --nocapture` prints the times.

mod common;
#[path = "worst_case/inputs.rs"]
mod inputs;

use std::time::{Duration, Instant};

use promptgate::{Moderator, Scratch};

/// Four times the text may take this much longer: four, and noise.
const MOST_GROWTH: f64 = 8.0;
/// What any of them may take, in a build that is hardly optimized, on a machine that does other things as well.
const MOST: Duration = Duration::from_secs(10);
/// Times below this say nothing about growth: some systems count in ticks of four milliseconds.
const SETTLED: Duration = Duration::from_millis(8);

/// Where readings are capped, the meetings of neighbours are looked at besides, up to a bound: their time jumps once, between
/// 16 and 64 KiB. What matters is that it goes on in proportion.
const JUMPS: [&str; 1] = ["alternations"];

/// How often a time that grew too much is measured again: what else the machine does adds now here, now there, but what
/// is quadratic stays so.
const ATTEMPTS: usize = 6;

fn time(moderator: &Moderator, scratch: &mut Scratch, text: &str) -> Duration {
    let (start, busy) = (Instant::now(), time_on_processor());
    let decision = moderator.check_with(scratch, text);
    assert!(decision.degraded.is_none(), "it was read");
    match (busy, time_on_processor()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => start.elapsed(),
    }
}

/// What this thread has run so far: unlike the clock, it stands still while others run. Linux tells.
fn time_on_processor() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

#[test]
fn time_grows_linearly() {
    let (moderator, mut scratch, mut faults) = (common::rules_only(), Scratch::default(), Vec::new());
    for (name, make) in inputs::INPUTS {
        let sizes = if JUMPS.contains(name) { [64 << 10, 256 << 10] } else { [16 << 10, 64 << 10] };
        let texts = sizes.map(make);
        let (mut best, mut growth) = ([Duration::MAX; 2], f64::INFINITY);
        for _ in 0..ATTEMPTS {
            for (best, text) in best.iter_mut().zip(&texts) {
                *best = time(&moderator, &mut scratch, text).min(*best);
            }
            growth = best[1].as_secs_f64() / best[0].max(SETTLED).as_secs_f64();
            if growth <= MOST_GROWTH && best[1] <= MOST {
                break;
            }
        }
        println!("{name:28} {:>12.1?} {:>12.1?} {growth:6.1}", best[0], best[1]);
        if growth > MOST_GROWTH || best[1] > MOST {
            faults.push(format!("{name}: {:.1?} for {} bytes, {:.1?} for {}", best[0], sizes[0], best[1], sizes[1]));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn inputs_are_as_long_as_asked() {
    for (name, make) in inputs::INPUTS {
        let text = make(16 << 10);
        assert!(((16 << 10) - 64..=16 << 10).contains(&text.len()), "{name}: {} bytes", text.len());
    }
}
