//! Intervals by resampling rows.

/// Where a number lies in 95 of 100 resamples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// 2.5 % of the resamples are below.
    pub low: f64,
    /// 2.5 % of the resamples are above.
    pub high: f64,
}

/// Draws rows with replacement, as many as there are, over and over: how numbers vary shows how sure they are.
///
/// Drawing is seeded: the same seed gives the same intervals, whatever the number of threads. On all cores with the `parallel`
/// feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// How many resamples; without any there are no intervals.
    pub resamples: usize,
    /// What the draws start from.
    pub seed: u64,
}

impl Bootstrap {
    /// The percentile intervals of several numbers at once.
    ///
    /// `numbers` gets how often each of `rows` rows was drawn and returns the numbers over these, `None` where one is not defined,
    /// always as many. Resamples that leave a number undefined say nothing about it. All numbers see the same draws, so that the
    /// difference of two systems on the same rows is a number like any other, and its interval a paired one.
    ///
    /// ```
    /// use promptgate::eval::Bootstrap;
    ///
    /// let values = [1.0, 2.0, 3.0, 4.0];
    /// let mean = |weights: &[u32]| {
    ///     let sum: f64 = weights.iter().zip(values).map(|(&weight, value)| f64::from(weight) * value).sum();
    ///     vec![Some(sum / 4.0), None]
    /// };
    /// let bootstrap = Bootstrap { resamples: 1000, seed: 7 };
    /// let intervals = bootstrap.intervals(4, mean);
    /// let interval = intervals[0].unwrap();
    /// assert!(interval.low < 2.5 && 2.5 < interval.high);
    /// assert_eq!(intervals[1], None);
    /// assert_eq!(intervals, bootstrap.intervals(4, mean));
    /// ```
    #[must_use]
    pub fn intervals(&self, rows: usize, numbers: impl Fn(&[u32]) -> Vec<Option<f64>> + Sync) -> Vec<Option<Interval>> {
        let width = numbers(&vec![1; rows]).len();
        let resample = |weights: &mut Vec<u32>, index: usize| {
            draw(weights, rows, mix(self.seed).wrapping_add(index as u64));
            numbers(weights)
        };
        #[cfg(feature = "parallel")]
        let drawn: Vec<Vec<Option<f64>>> = {
            use rayon::prelude::*;

            (0..self.resamples).into_par_iter().map_init(Vec::new, resample).collect()
        };
        #[cfg(not(feature = "parallel"))]
        let drawn: Vec<Vec<Option<f64>>> = {
            let mut weights = Vec::new();
            (0..self.resamples).map(|index| resample(&mut weights, index)).collect()
        };
        let column = |index: usize| drawn.iter().filter_map(|row| row.get(index).copied().flatten()).collect();
        (0..width).map(|index| interval(column(index))).collect()
    }
}

/// The middle 95 % of `values`, between neighbors in proportion.
fn interval(mut values: Vec<f64>) -> Option<Interval> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |thousandths: usize| {
        let place = last * thousandths;
        let low = *values.get(place / 1000)?;
        let high = *values.get((place / 1000 + 1).min(last))?;
        Some(low + (high - low) * (place % 1000) as f64 / 1000.0)
    };
    Some(Interval { low: at(25)?, high: at(975)? })
}

/// Draws `rows` rows and writes how often each came.
fn draw(weights: &mut Vec<u32>, rows: usize, seed: u64) {
    weights.clear();
    weights.resize(rows, 0);
    let mut state = mix(seed);
    for _ in 0..rows {
        state = state.wrapping_add(GOLDEN);
        // The upper half of the product is below `rows`.
        let row = (u128::from(mix(state)) * rows as u128) >> 64;
        if let Some(weight) = usize::try_from(row).ok().and_then(|row| weights.get_mut(row)) {
            *weight += 1;
        }
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output function of `SplitMix64` (Steele, Lea and Flood 2014): good enough for draws, and the same everywhere.
fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(GOLDEN);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_as_many_as_rows_and_evenly_spread() {
        let (mut weights, mut sums) = (Vec::new(), [0_u32; 10]);
        for seed in 0..1000 {
            draw(&mut weights, 10, seed);
            assert_eq!(weights.iter().sum::<u32>(), 10);
            sums.iter_mut().zip(&weights).for_each(|(sum, weight)| *sum += weight);
        }
        // 1,000 expected each, standard deviation about 30.
        assert!(sums.iter().all(|sum| (850..1150).contains(sum)), "{sums:?}");
        draw(&mut weights, 0, 1);
        assert!(weights.is_empty());
    }

    #[test]
    fn percentiles_by_hand() {
        let interval = interval((0..=1000).rev().map(f64::from).collect()).unwrap();
        assert_eq!((interval.low, interval.high), (25.0, 975.0));
        assert_eq!(super::interval(vec![3.0]), Some(Interval { low: 3.0, high: 3.0 }));
        assert_eq!(super::interval(Vec::new()), None);
    }

    #[test]
    fn the_interval_of_a_share_is_the_binomial_one() {
        let share = |weights: &[u32]| {
            let drawn: u32 = weights.iter().take(30).sum();
            vec![Some(f64::from(drawn) / 100.0)]
        };
        let intervals = Bootstrap { resamples: 4000, seed: 1 }.intervals(100, share);
        let Some(Interval { low, high }) = intervals[0] else { panic!("{intervals:?}") };
        // 30 of 100: 0.3 +- 1.96 * sqrt(0.3 * 0.7 / 100).
        assert!((low - 0.21).abs() < 0.02 && (high - 0.39).abs() < 0.02, "{low} {high}");
        let few = |seed| Bootstrap { resamples: 20, seed }.intervals(100, share);
        assert_ne!(few(1), few(2));
        assert_eq!(Bootstrap { resamples: 0, seed: 1 }.intervals(100, share), [None]);
    }
}
