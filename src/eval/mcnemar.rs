//! Whether one of two systems is right more often on the same rows.

/// The exact two-sided p-value of `McNemar`'s test: how likely a split of the rows that only one system gets right is to be at
/// least this uneven if both systems are equally good. Rows that both get right, or wrong, do not matter.
///
/// O(min of the two), without overflow at any size.
///
/// ```
/// use promptgate::eval::mcnemar_exact;
///
/// // Five rows, all won by the first: 2 / 2^5.
/// assert!((mcnemar_exact(5, 0) - 0.0625).abs() < 1e-12);
/// assert_eq!(mcnemar_exact(7, 7), 1.0);
/// ```
#[must_use]
pub fn mcnemar_exact(only_first: u64, only_second: u64) -> f64 {
    let (rows, fewer) = (only_first + only_second, only_first.min(only_second));
    // Logarithms: 2^-rows is no number any more past a thousand rows.
    let mut term = -(rows as f64) * std::f64::consts::LN_2;
    let mut terms = vec![term];
    for k in 0..fewer {
        term += ((rows - k) as f64).ln() - ((k + 1) as f64).ln();
        terms.push(term);
    }
    // The terms grow up to the middle of the distribution, which `fewer` does not pass: the last one is the largest.
    let sum: f64 = terms.iter().map(|one| (one - term).exp()).sum();
    (2.0 * (term + sum.ln()).exp()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64) -> bool {
        (value - expected).abs() < 1e-9 * expected.max(1e-300)
    }

    #[test]
    fn values_by_hand() {
        assert!(near(mcnemar_exact(0, 0), 1.0));
        assert!(near(mcnemar_exact(1, 0), 1.0));
        // 2 * (1 + 10) / 2^10
        assert!(near(mcnemar_exact(1, 9), 22.0 / 1024.0));
        // 2 * (1 + 12 + 66) / 2^12
        assert!(near(mcnemar_exact(10, 2), 158.0 / 4096.0));
        assert!(near(mcnemar_exact(2, 10), mcnemar_exact(10, 2)));
    }

    #[test]
    fn many_rows_do_not_underflow() {
        let even = mcnemar_exact(50_000, 50_100);
        assert!((0.7..0.8).contains(&even), "{even}");
        assert!(mcnemar_exact(20_000, 0) < 1e-300);
    }
}
