//! How well labelled prompts are judged, in numbers: pure functions from labels, verdicts and scores.
//!
//! [`Counts`] says what a verdict is worth (precision, recall, false-positive rate), [`Ranking`] what a score is worth whatever the
//! threshold (average precision, AUROC, thresholds for a false-positive rate), [`Calibration`] whether a score means what it
//! says. [`Bootstrap`] puts intervals around all of them, [`mcnemar_exact`] compares two systems on the same rows.
//!
//! A number that is not defined, such as the recall over no positives, is `None`, never NaN or 0.
//!
//! ```
//! use promptgate::eval::{Answer, Counts, Ranking, Scored};
//! use promptgate::{Category, Moderator, Policy};
//!
//! let labelled = [("a nude man", true), ("a severed head on a pike", false), ("a lighthouse", false)];
//! let moderator = Moderator::builder(Policy::default_policy()?).without_models().build()?;
//! let mut counts = Counts::default();
//! for (prompt, expected) in labelled {
//!     let predicted = moderator.check(prompt).categories().contains(&Category::Adult);
//!     counts.add(Answer { expected, predicted }, 1);
//! }
//! assert_eq!((counts.precision(), counts.recall()), (Some(1.0), Some(1.0)));
//!
//! let ranking = Ranking::new([(0.9, true), (0.4, false), (0.3, true)].map(|(score, positive)| Scored { score, positive }));
//! assert_eq!(ranking.auroc(), Some(0.5));
//! # Ok::<(), promptgate::LoadError>(())
//! ```

mod bootstrap;
mod calibration;
mod counts;
mod mcnemar;
mod ranking;

pub use bootstrap::{Bootstrap, Interval};
pub use calibration::{Bin, Calibration};
pub use counts::{Answer, Counts};
pub use mcnemar::mcnemar_exact;
pub use ranking::{CurvePoint, Ranking, Scored};

/// `part` of `whole`; `None` of nothing.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
