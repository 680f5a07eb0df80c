//! The headline numbers of a group of rows, as fast as a bootstrap needs them.

use std::collections::BTreeMap;

use super::aspect::{Aspect, Aspects};
use super::judge::Judged;
use super::rows::Row;
use crate::eval::{Answer, Counts, Ranking, Scored};

/// The headline numbers of one aspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Headline {
    Precision,
    Recall,
    F1,
    FalsePositiveRate,
    AveragePrecision,
    Auroc,
}

impl Headline {
    /// How many there are.
    pub(super) const COUNT: usize = 6;
}

/// A group of rows as judged by one system, prepared so that numbers over resamples take one walk an aspect.
pub(super) struct Sample {
    rows: usize,
    /// What is expected and predicted, each combination once: rows have few different ones.
    answers: Vec<(Aspects, Aspects)>,
    /// The combination of each row.
    answer_of: Vec<usize>,
    /// One an aspect.
    rankings: Vec<Ranking>,
}

impl Sample {
    pub(super) fn new(rows: &[(&Row, &Judged)]) -> Self {
        let mut known: BTreeMap<(Aspects, Aspects), usize> = BTreeMap::new();
        let mut answers = Vec::new();
        let mut number = |&(row, judged): &(&Row, &Judged)| {
            let answer = (row.labels, judged.predicted);
            *known.entry(answer).or_insert_with(|| {
                answers.push(answer);
                answers.len() - 1
            })
        };
        let answer_of = rows.iter().map(&mut number).collect();
        let rank = |aspect: Aspect| {
            let scored = |&(row, judged): &(&Row, &Judged)| Scored {
                score: judged.rank(aspect),
                positive: row.labels.contains(aspect),
            };
            Ranking::new(rows.iter().map(scored))
        };
        Self { rows: rows.len(), answers, answer_of, rankings: Aspect::all().map(rank).collect() }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The rows by the score of `aspect`.
    pub(super) fn ranking(&self, aspect: Aspect) -> Option<&Ranking> {
        self.rankings.get(aspect.index())
    }

    /// Answers about `aspect`, every row once.
    pub(super) fn counts(&self, aspect: Aspect) -> Counts {
        self.counts_of(aspect, &self.times(&vec![1; self.rows]))
    }

    /// The headline numbers, aspect by aspect, each row counted as often as `weights` says.
    pub(super) fn numbers(&self, weights: &[u32]) -> Vec<Option<f64>> {
        let times = self.times(weights);
        let mut numbers = Vec::with_capacity(Aspect::COUNT * Headline::COUNT);
        for (aspect, ranking) in Aspect::all().zip(&self.rankings) {
            let counts = self.counts_of(aspect, &times);
            let (average_precision, auroc) = ranking.weighted_areas(weights);
            // In the order of `Headline`.
            numbers.extend([
                counts.precision(),
                counts.recall(),
                counts.f1(),
                counts.false_positive_rate(),
                average_precision,
                auroc,
            ]);
        }
        numbers
    }

    /// How often each answer comes.
    fn times(&self, weights: &[u32]) -> Vec<u64> {
        let mut times = vec![0; self.answers.len()];
        for (answer, weight) in self.answer_of.iter().zip(weights) {
            if let Some(times) = times.get_mut(*answer) {
                *times += u64::from(*weight);
            }
        }
        times
    }

    fn counts_of(&self, aspect: Aspect, times: &[u64]) -> Counts {
        let mut counts = Counts::default();
        for ((expected, predicted), times) in self.answers.iter().zip(times) {
            counts.add(Answer { expected: expected.contains(aspect), predicted: predicted.contains(aspect) }, *times);
        }
        counts
    }
}
