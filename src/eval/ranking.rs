//! What a score is worth, whatever the threshold.

/// A row's score with its label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The higher, the likelier positive.
    pub score: f32,
    /// Whether the row is labelled positive.
    pub positive: bool,
}

/// A threshold and what acting at or above it gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// The least score that is predicted positive.
    pub threshold: f32,
    /// The share of positives among what is predicted positive.
    pub precision: f64,
    /// The share of the positives that is predicted positive.
    pub recall: f64,
    /// The share of the negatives that is predicted positive.
    pub false_positive_rate: f64,
}

/// Rows sorted by score, so that every measure takes one walk over them, weighted or not.
///
/// Sorting is O(n log n), once; every measure is O(n) and allocates nothing, so that resamples are cheap (see
/// [`Bootstrap`](super::Bootstrap)). Rows of equal score form one step: their order does not matter.
///
/// ```
/// use promptgate::eval::{Ranking, Scored};
///
/// let rows = [(0.9, true), (0.8, false), (0.7, true), (0.1, false)];
/// let ranking = Ranking::new(rows.map(|(score, positive)| Scored { score, positive }));
/// // Precision 1/1 at the first positive, 2/3 at the second.
/// assert!((ranking.average_precision().unwrap() - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
/// // Of the four pairs of a positive and a negative three are in order.
/// assert_eq!(ranking.auroc(), Some(0.75));
/// // Half of the negatives may be flagged: all positives are found from 0.7 on.
/// let point = ranking.operating_point(0.5).unwrap();
/// assert_eq!((point.threshold, point.recall), (0.7, 1.0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ranking {
    /// Highest score first.
    places: Vec<Place>,
    positives: usize,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    row: usize,
    score: f32,
    positive: bool,
    /// Whether the next place has a lower score.
    ends_tie: bool,
}

/// Rows down to a place, by label.
#[derive(Clone, Copy, Default)]
struct Seen {
    positives: u64,
    negatives: u64,
}

impl Ranking {
    /// Sorts rows by their scores.
    #[must_use]
    pub fn new(rows: impl IntoIterator<Item = Scored>) -> Self {
        let place = |(row, scored): (usize, Scored)| Place {
            row,
            score: scored.score,
            positive: scored.positive,
            ends_tie: false,
        };
        let mut places: Vec<Place> = rows.into_iter().enumerate().map(place).collect();
        places.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        let mut next = None;
        for place in places.iter_mut().rev() {
            place.ends_tie = next.is_none_or(|next: f32| place.score.total_cmp(&next).is_ne());
            next = Some(place.score);
        }
        let positives = places.iter().filter(|place| place.positive).count();
        Self { places, positives }
    }

    /// How many rows are ranked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether no row is ranked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The area under precision over recall, as a sum of steps: at every score the precision, weighted by the recall gained
    /// there. `None` without positives.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        self.areas_by(|_| 1).0
    }

    /// The likelihood that a positive scores above a negative, ties counting half: the area under the ROC curve. `None` unless
    /// there are both.
    #[must_use]
    pub fn auroc(&self) -> Option<f64> {
        self.areas_by(|_| 1).1
    }

    /// Average precision and AUROC, every row counted as often as its entry in `weights`, in the order the rows were given. A row
    /// without an entry does not count.
    ///
    /// ```
    /// use promptgate::eval::{Ranking, Scored};
    ///
    /// let rows = [(0.9, true), (0.8, false), (0.7, true)].map(|(score, positive)| Scored { score, positive });
    /// let ranking = Ranking::new(rows);
    /// assert_eq!(ranking.weighted_areas(&[1, 1, 0]), (Some(1.0), Some(1.0)));
    /// assert_eq!(ranking.weighted_areas(&[0, 4, 0]), (None, None));
    /// ```
    #[must_use]
    pub fn weighted_areas(&self, weights: &[u32]) -> (Option<f64>, Option<f64>) {
        self.areas_by(|row| weights.get(row).copied().unwrap_or(0).into())
    }

    fn areas_by(&self, weight: impl Fn(usize) -> u64) -> (Option<f64>, Option<f64>) {
        if self.positives == 0 {
            return (None, None);
        }
        let (mut precisions, mut pairs) = (0.0, 0.0);
        let all = self.walk(weight, |_, before, seen| {
            let gained = (seen.positives - before.positives) as f64;
            if gained > 0.0 {
                precisions += gained * seen.precision();
            }
            pairs += (seen.negatives - before.negatives) as f64 * (before.positives as f64 + gained / 2.0);
        });
        let (positives, negatives) = (all.positives as f64, all.negatives as f64);
        let defined = all.positives > 0;
        (
            defined.then(|| precisions / positives),
            (defined && all.negatives > 0).then(|| pairs / (positives * negatives)),
        )
    }

    /// Every threshold that makes a difference, highest first, with what it gives. Empty unless there are positives and negatives.
    #[must_use]
    pub fn curve(&self) -> Vec<CurvePoint> {
        let negatives = self.places.len() - self.positives;
        let mut points = Vec::new();
        if self.positives > 0 && negatives > 0 {
            self.walk(
                |_| 1,
                |threshold, _, seen| {
                    points.push(CurvePoint {
                        threshold,
                        precision: seen.precision(),
                        recall: seen.positives as f64 / self.positives as f64,
                        false_positive_rate: seen.negatives as f64 / negatives as f64,
                    });
                },
            );
        }
        points
    }

    /// The threshold that finds most without flagging more than a share of `false_positive_rate` of the negatives. `None` if even
    /// the highest score flags more, or unless there are positives and negatives.
    #[must_use]
    pub fn operating_point(&self, false_positive_rate: f64) -> Option<CurvePoint> {
        let within = |point: &CurvePoint| point.false_positive_rate <= false_positive_rate;
        // Of thresholds that find as much, the highest flags least.
        let better = |best: CurvePoint, point: CurvePoint| if point.recall > best.recall { point } else { best };
        self.curve().into_iter().take_while(within).reduce(better)
    }

    /// Goes down the scores and calls `step` at each with what was seen before it and with it. Returns what there is in all.
    fn walk(&self, weight: impl Fn(usize) -> u64, mut step: impl FnMut(f32, Seen, Seen)) -> Seen {
        let (mut before, mut seen) = (Seen::default(), Seen::default());
        for place in &self.places {
            let weight = weight(place.row);
            if place.positive {
                seen.positives += weight;
            } else {
                seen.negatives += weight;
            }
            if place.ends_tie {
                step(place.score, before, seen);
                before = seen;
            }
        }
        seen
    }
}

impl Seen {
    fn precision(self) -> f64 {
        self.positives as f64 / (self.positives + self.negatives) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(rows: &[(f32, bool)]) -> Ranking {
        Ranking::new(rows.iter().map(|&(score, positive)| Scored { score, positive }))
    }

    fn near(value: Option<f64>, expected: f64) -> bool {
        value.is_some_and(|value| (value - expected).abs() < 1e-12)
    }

    #[test]
    fn ties_count_half_and_as_one_step() {
        let tied = ranking(&[(0.5, true), (0.5, false), (0.5, false), (0.5, true)]);
        assert_eq!((tied.average_precision(), tied.auroc()), (Some(0.5), Some(0.5)));
        assert_eq!(tied.curve().len(), 1);
        // Worked out by hand: pairs (0.9 > 0.5, 0.9 > 0.1, 0.5 = 0.5, 0.5 > 0.1) = 3.5 of 4; steps 1/2 * 1/1 + 1/2 * 2/3.
        let mixed = ranking(&[(0.1, false), (0.5, true), (0.9, true), (0.5, false)]);
        assert!(near(mixed.auroc(), 3.5 / 4.0));
        assert!(near(mixed.average_precision(), 0.5 + 1.0 / 3.0));
    }

    #[test]
    fn perfect_and_reversed_orders() {
        let perfect = ranking(&[(0.9, true), (0.8, true), (0.2, false)]);
        assert_eq!((perfect.average_precision(), perfect.auroc()), (Some(1.0), Some(1.0)));
        let reversed = ranking(&[(0.1, true), (0.8, false), (0.9, false), (0.95, false)]);
        assert_eq!((reversed.average_precision(), reversed.auroc()), (Some(0.25), Some(0.0)));
    }

    #[test]
    fn one_class_and_no_rows() {
        let positives = ranking(&[(0.9, true), (0.2, true)]);
        assert_eq!((positives.average_precision(), positives.auroc()), (Some(1.0), None));
        assert_eq!((positives.curve().len(), positives.operating_point(0.5)), (0, None));
        let negatives = ranking(&[(0.9, false)]);
        assert_eq!(
            (negatives.average_precision(), negatives.auroc(), negatives.operating_point(0.5)),
            (None, None, None)
        );
        let none = ranking(&[]);
        assert!(none.is_empty());
        assert_eq!((none.average_precision(), none.auroc(), none.curve().len()), (None, None, 0));
    }

    #[test]
    fn weights_repeat_rows() {
        let rows = [(0.9, true), (0.8, false), (0.8, true), (0.3, true), (0.1, false)];
        let weights = [2, 0, 1, 3, 2];
        let mut repeated = Vec::new();
        for (row, times) in rows.iter().zip(weights) {
            repeated.extend(std::iter::repeat_n(*row, times as usize));
        }
        let (average_precision, auroc) = ranking(&rows).weighted_areas(&weights);
        let plain = ranking(&repeated);
        assert!(near(average_precision, plain.average_precision().unwrap()));
        assert!(near(auroc, plain.auroc().unwrap()));
        assert_eq!(ranking(&rows).weighted_areas(&[0, 1, 0, 0, 1]), (None, None), "no positive drawn");
        assert_eq!(ranking(&rows).weighted_areas(&[1]).1, None, "no negative drawn");
    }

    #[test]
    fn operating_points_stay_below_the_rate() {
        let rows =
            ranking(&[(1.0, true), (0.9, false), (0.8, true), (0.7, true), (0.6, false), (0.5, false), (0.4, false)]);
        let threshold = |rate| rows.operating_point(rate).map(|point| (point.threshold, point.recall));
        assert_eq!(threshold(0.0), Some((1.0, 1.0 / 3.0)));
        assert_eq!(threshold(0.25), Some((0.7, 1.0)));
        assert_eq!(threshold(1.0), Some((0.7, 1.0)), "lower thresholds only flag more");
        let hopeless = ranking(&[(1.0, true), (1.0, false), (0.2, false)]);
        assert_eq!(hopeless.operating_point(0.1), None);
    }
}
