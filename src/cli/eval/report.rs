//! The report: what `--json` prints, in its order, and what tables and the page show. The JSON form is public API.

use serde::{Serialize, Serializer};

use super::aspect::Aspect;
use super::compare::Comparison;
use crate::category::Category;

/// Everything `eval` has to say.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) schema: u32,
    pub(super) rows: usize,
    pub(super) errors: Errors,
    pub(super) bootstrap: Resampling,
    pub(super) system: About,
    pub(super) categories: Vec<Measured>,
    pub(super) slices: Vec<Slice>,
    pub(super) confusion: Confusion,
    pub(super) worst: Vec<Mistake>,
    /// `null` without a second system.
    pub(super) against: Option<Against>,
}

/// Rows that could not be read.
#[derive(Serialize)]
pub(super) struct Errors {
    pub(super) count: usize,
    pub(super) first: Vec<String>,
}

/// Where the intervals come from.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Resampling {
    pub(super) resamples: usize,
    pub(super) seed: u64,
    pub(super) level: f64,
}

/// What judged.
#[derive(Serialize)]
pub(super) struct About {
    pub(super) policy: String,
    /// The models that gave scores.
    pub(super) models: Vec<String>,
    /// Rows on which a stage failed.
    pub(super) degraded: usize,
}

/// A number with its interval; `null` where it is not defined.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Metric {
    #[serde(serialize_with = "rounded")]
    pub(super) value: f64,
    #[serde(serialize_with = "rounded_option")]
    pub(super) low: Option<f64>,
    #[serde(serialize_with = "rounded_option")]
    pub(super) high: Option<f64>,
}

/// One aspect over all rows.
#[derive(Serialize)]
pub(super) struct Measured {
    pub(super) category: Aspect,
    pub(super) rows: usize,
    pub(super) positives: u64,
    pub(super) predicted: u64,
    #[serde(flatten)]
    pub(super) headlines: Headlines,
    pub(super) operating_points: Vec<OperatingPoint>,
    /// `null` where no model gives a score.
    pub(super) calibration: Option<Reliability>,
}

/// The headline numbers of one aspect.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Headlines {
    pub(super) precision: Option<Metric>,
    pub(super) recall: Option<Metric>,
    pub(super) f1: Option<Metric>,
    pub(super) false_positive_rate: Option<Metric>,
    pub(super) average_precision: Option<Metric>,
    pub(super) auroc: Option<Metric>,
}

/// The threshold for a false-positive rate; `null` where even the highest score flags more.
#[derive(Serialize)]
pub(super) struct OperatingPoint {
    pub(super) target: f64,
    pub(super) threshold: Option<f32>,
    #[serde(serialize_with = "rounded_option")]
    pub(super) false_positive_rate: Option<f64>,
    #[serde(serialize_with = "rounded_option")]
    pub(super) recall: Option<f64>,
}

/// Whether scores mean what they say, over the rows where a model ran.
#[derive(Serialize)]
pub(super) struct Reliability {
    pub(super) rows: u64,
    #[serde(serialize_with = "rounded")]
    pub(super) expected_error: f64,
    pub(super) bins: Vec<ReliabilityBin>,
}

/// Rows of neighboring scores.
#[derive(Serialize)]
pub(super) struct ReliabilityBin {
    pub(super) rows: u64,
    pub(super) low: f32,
    pub(super) high: f32,
    #[serde(serialize_with = "rounded")]
    pub(super) mean_score: f64,
    #[serde(serialize_with = "rounded")]
    pub(super) share_positive: f64,
}

/// The rows by the values of one field.
#[derive(Serialize)]
pub(super) struct Slice {
    pub(super) field: String,
    pub(super) values: Vec<SliceValue>,
}

/// The rows of one value; `null` for those without.
#[derive(Serialize)]
pub(super) struct SliceValue {
    pub(super) value: Option<String>,
    pub(super) rows: usize,
    pub(super) categories: Vec<Compact>,
}

/// One aspect over the rows of a slice.
#[derive(Serialize)]
pub(super) struct Compact {
    pub(super) category: Aspect,
    pub(super) positives: u64,
    pub(super) recall: Option<Metric>,
    pub(super) false_positive_rate: Option<Metric>,
    pub(super) average_precision: Option<Metric>,
    pub(super) auroc: Option<Metric>,
}

/// How often rows of a label are predicted as what. A row with two labels, or two predicted categories, counts for each pair.
#[derive(Serialize)]
pub(super) struct Confusion {
    /// What is predicted: the columns.
    pub(super) predicted: Vec<&'static str>,
    pub(super) rows: Vec<ConfusionRow>,
}

/// The rows of one label.
#[derive(Serialize)]
pub(super) struct ConfusionRow {
    pub(super) expected: &'static str,
    pub(super) counts: Vec<u64>,
}

/// How a verdict is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MistakeKind {
    /// A harmless row that is not allowed.
    FalseAlarm,
    /// A violation that is.
    Missed,
}

/// A row whose verdict is wrong.
#[derive(Serialize)]
pub(super) struct Mistake {
    pub(super) id: String,
    pub(super) place: String,
    pub(super) error: MistakeKind,
    /// What ranked the row for `any`.
    #[serde(serialize_with = "rounded_score")]
    pub(super) score: f32,
    pub(super) expected: Vec<Category>,
    pub(super) predicted: Vec<Category>,
    /// The first reason of the decision.
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt: Option<String>,
}

/// The second system on the same rows.
#[derive(Serialize)]
pub(super) struct Against {
    pub(super) system: About,
    pub(super) categories: Vec<Measured>,
    pub(super) comparison: Comparison,
}
/// Six decimals: what is beyond may differ with the machine.
fn round(value: f64) -> f64 {
    // Adding 0 turns -0 into 0.
    (value * 1e6).round() / 1e6 + 0.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn rounded<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    round(*value).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn rounded_score<S: Serializer>(score: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    round(f64::from(*score)).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "the signature serde asks for")]
fn rounded_option<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(round).serialize(serializer)
}
