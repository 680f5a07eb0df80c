//! Two systems on the same rows.

use serde::{Serialize, Serializer};

use super::aspect::Aspect;
use super::evaluation::by_aspect;
use super::judge::System;
use super::measure::Sample;
use super::report::Headlines;
use super::rows::Labelled;
use crate::eval::{Bootstrap, mcnemar_exact};

/// How the system differs from the one it is held against.
#[derive(Serialize)]
pub(super) struct Comparison {
    /// Its numbers minus those of the other, with paired intervals.
    pub(super) differences: Vec<Difference>,
    pub(super) verdicts: Verdicts,
}

/// The differences of one aspect.
#[derive(Serialize)]
pub(super) struct Difference {
    pub(super) category: Aspect,
    #[serde(flatten)]
    pub(super) headlines: Headlines,
}

/// Which of the two gets the verdict of a row right: blocks or reviews a violation, allows anything else.
#[derive(Serialize)]
pub(super) struct Verdicts {
    pub(super) both_right: u64,
    pub(super) only_this_right: u64,
    pub(super) only_against_right: u64,
    pub(super) both_wrong: u64,
    /// Of the exact test of `McNemar`.
    #[serde(serialize_with = "rounded_p")]
    pub(super) p_value: f64,
}

impl Comparison {
    pub(super) fn new(
        rows: &Labelled,
        (system, sample): (&System, &Sample),
        (other, other_sample): (&System, &Sample),
        bootstrap: Bootstrap,
    ) -> Self {
        let numbers = |weights: &[u32]| -> Vec<Option<f64>> {
            let pairs = sample.numbers(weights).into_iter().zip(other_sample.numbers(weights));
            pairs.map(|(this, other)| Some(this? - other?)).collect()
        };
        let values = numbers(&vec![1; sample.rows()]);
        let intervals = bootstrap.intervals(sample.rows(), numbers);
        let difference = |(category, headlines)| Difference { category, headlines };
        Self {
            differences: Aspect::all().zip(by_aspect(&values, &intervals)).map(difference).collect(),
            verdicts: Verdicts::new(rows, system, other),
        }
    }
}

impl Verdicts {
    fn new(rows: &Labelled, system: &System, other: &System) -> Self {
        let mut verdicts =
            Self { both_right: 0, only_this_right: 0, only_against_right: 0, both_wrong: 0, p_value: 1.0 };
        for (row, (this, other)) in rows.rows.iter().zip(system.judged.iter().zip(&other.judged)) {
            let expected = !row.labels.is_empty();
            let right = [this, other].map(|judged| judged.predicted.contains(Aspect::Any) == expected);
            *match right {
                [true, true] => &mut verdicts.both_right,
                [true, false] => &mut verdicts.only_this_right,
                [false, true] => &mut verdicts.only_against_right,
                [false, false] => &mut verdicts.both_wrong,
            } += 1;
        }
        verdicts.p_value = mcnemar_exact(verdicts.only_this_right, verdicts.only_against_right);
        verdicts
    }
}

/// Six digits: rounded to decimals, the small values that matter would all be 0.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn rounded_p<S: Serializer>(p: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    format!("{p:.5e}").parse().unwrap_or(*p).serialize(serializer)
}
