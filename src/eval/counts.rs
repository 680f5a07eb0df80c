//! Right and wrong answers, counted, and the rates that follow from them.

use super::share;

/// What the label says about a row and what was predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// Whether the row is labelled positive.
    pub expected: bool,
    /// Whether it was predicted to be.
    pub predicted: bool,
}

/// How many answers were right and wrong, either way.
///
/// ```
/// use promptgate::eval::{Answer, Counts};
///
/// let mut counts = Counts::default();
/// counts.add(Answer { expected: true, predicted: true }, 3);
/// counts.add(Answer { expected: true, predicted: false }, 1);
/// counts.add(Answer { expected: false, predicted: true }, 1);
/// counts.add(Answer { expected: false, predicted: false }, 5);
/// assert_eq!((counts.precision(), counts.recall(), counts.f1()), (Some(0.75), Some(0.75), Some(0.75)));
/// assert_eq!(counts.false_positive_rate(), Some(1.0 / 6.0));
/// assert_eq!(Counts::default().recall(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Positive, and predicted so.
    pub true_positives: u64,
    /// Negative, but predicted positive.
    pub false_positives: u64,
    /// Positive, but predicted negative.
    pub false_negatives: u64,
    /// Negative, and predicted so.
    pub true_negatives: u64,
}

impl Counts {
    /// Counts an answer so many times.
    pub fn add(&mut self, answer: Answer, times: u64) {
        *match (answer.expected, answer.predicted) {
            (true, true) => &mut self.true_positives,
            (false, true) => &mut self.false_positives,
            (true, false) => &mut self.false_negatives,
            (false, false) => &mut self.true_negatives,
        } += times;
    }

    /// Answers whose label is positive.
    #[must_use]
    pub fn positives(&self) -> u64 {
        self.true_positives + self.false_negatives
    }

    /// Answers whose label is negative.
    #[must_use]
    pub fn negatives(&self) -> u64 {
        self.false_positives + self.true_negatives
    }

    /// The share of positives among what was predicted positive; `None` if nothing was.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.true_positives, self.true_positives + self.false_positives)
    }

    /// The share of the positives that was predicted positive; `None` without positives.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.true_positives, self.positives())
    }

    /// The harmonic mean of precision and recall, 0 if all that was predicted is wrong; `None` without positives.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        let wrong = self.false_positives + self.false_negatives;
        share(2 * self.true_positives, 2 * self.true_positives + wrong).filter(|_| self.positives() > 0)
    }

    /// The share of the negatives that was predicted positive; `None` without negatives.
    #[must_use]
    pub fn false_positive_rate(&self) -> Option<f64> {
        share(self.false_positives, self.negatives())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_one_class_and_of_nothing() {
        let none = Counts::default();
        assert_eq!((none.precision(), none.recall(), none.f1(), none.false_positive_rate()), (None, None, None, None));
        let harmless = Counts { false_positives: 1, true_negatives: 3, ..Counts::default() };
        assert_eq!((harmless.precision(), harmless.recall(), harmless.f1()), (Some(0.0), None, None));
        assert_eq!(harmless.false_positive_rate(), Some(0.25));
        let missed = Counts { false_negatives: 2, ..Counts::default() };
        assert_eq!((missed.precision(), missed.recall(), missed.f1()), (None, Some(0.0), Some(0.0)));
        assert_eq!(missed.false_positive_rate(), None);
    }
}
