//! Whether a score means what it says.

use super::Scored;
use super::share;

/// Rows of neighboring scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// How many rows.
    pub rows: u64,
    /// How many of them are labelled positive.
    pub positives: u64,
    /// The least score.
    pub low: f32,
    /// The highest score.
    pub high: f32,
    /// The mean score, 0 to 1.
    pub mean_score: f64,
}

impl Bin {
    /// The share of positives, which a calibrated score equals on average.
    #[must_use]
    pub fn share_positive(&self) -> f64 {
        share(self.positives, self.rows).unwrap_or(0.0)
    }
}

/// Rows in bins of equal mass, lowest scores first.
///
/// Rows of equal score are never parted, so that the order of the rows does not matter; bins are larger or fewer there.
///
/// ```
/// use promptgate::eval::{Calibration, Scored};
///
/// let rows = [(0.2, false), (0.2, false), (0.8, true), (0.8, false)];
/// let calibration = Calibration::new(rows.map(|(score, positive)| Scored { score, positive }), 2);
/// assert_eq!(calibration.bins.len(), 2);
/// // Half the rows are 0.2 off, the other half 0.3.
/// assert!((calibration.expected_error().unwrap() - 0.25).abs() < 1e-6);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// The bins; none without rows.
    pub bins: Vec<Bin>,
}

impl Calibration {
    /// Sorts rows into at most `bins` bins.
    #[must_use]
    pub fn new(rows: impl IntoIterator<Item = Scored>, bins: usize) -> Self {
        let mut rows: Vec<Scored> = rows.into_iter().collect();
        rows.sort_by(|a, b| a.score.total_cmp(&b.score));
        let same = |a: &Scored, b: &Scored| a.score.total_cmp(&b.score).is_eq();
        let (mut made, mut binned) = (Vec::new(), 0);
        let mut open: Vec<Scored> = Vec::new();
        for tie in rows.chunk_by(same) {
            open.extend(tie);
            binned += tie.len();
            // The bin that this row would end, were all bins full.
            if binned * bins >= (made.len() + 1) * rows.len() {
                made.extend(bin(&open));
                open.clear();
            }
        }
        Self { bins: made }
    }

    /// The expected calibration error: how far, on average over the rows, the mean score of a bin is from its share of positives.
    /// `None` without rows.
    #[must_use]
    pub fn expected_error(&self) -> Option<f64> {
        let rows: u64 = self.bins.iter().map(|bin| bin.rows).sum();
        let off: f64 =
            self.bins.iter().map(|bin| bin.rows as f64 * (bin.mean_score - bin.share_positive()).abs()).sum();
        (rows > 0).then(|| off / rows as f64)
    }
}

fn bin(rows: &[Scored]) -> Option<Bin> {
    let (first, last) = (rows.first()?, rows.last()?);
    let sum: f64 = rows.iter().map(|row| f64::from(row.score)).sum();
    Some(Bin {
        rows: rows.len() as u64,
        positives: rows.iter().filter(|row| row.positive).count() as u64,
        low: first.score,
        high: last.score,
        mean_score: sum / rows.len() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration(rows: &[(f32, bool)], bins: usize) -> Calibration {
        Calibration::new(rows.iter().map(|&(score, positive)| Scored { score, positive }), bins)
    }

    #[test]
    fn bins_are_of_equal_mass_and_keep_ties_together() {
        let spread: Vec<(f32, bool)> = (0_u8..30).map(|row| (f32::from(row) / 30.0, row >= 15)).collect();
        let sizes = |made: &Calibration| made.bins.iter().map(|bin| bin.rows).collect::<Vec<_>>();
        assert_eq!(sizes(&calibration(&spread, 15)), [2; 15]);
        assert_eq!(sizes(&calibration(&spread, 4)), [8, 7, 8, 7]);
        assert_eq!(sizes(&calibration(&[(0.5, true); 30], 15)), [30]);
        let tied = calibration(&[(0.0, false), (0.0, false), (0.0, false), (0.5, true), (1.0, true)], 5);
        assert_eq!(sizes(&tied), [3, 1, 1]);
        assert_eq!(tied.bins.iter().map(|bin| bin.rows).sum::<u64>(), 5);
    }

    #[test]
    fn errors_by_definition() {
        assert_eq!(calibration(&[(1.0, true), (0.0, false)], 15).expected_error(), Some(0.0));
        assert_eq!(calibration(&[(1.0, false), (0.0, true)], 15).expected_error(), Some(1.0));
        assert_eq!(
            calibration(&[(0.25, true), (0.25, false), (0.25, false), (0.25, false)], 15).expected_error(),
            Some(0.0)
        );
        assert_eq!(calibration(&[], 15).expected_error(), None);
    }
}
