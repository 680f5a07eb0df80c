//! From rows and what systems say about them to the report.

use super::aspect::{Aspect, Aspects};
use super::compare::Comparison;
use super::judge::{Judged, System};
use super::measure::{Headline, Sample};
use super::options::Eval;
use super::report::{
    About, Against, Compact, Confusion, ConfusionRow, Errors, Headlines, Measured, Metric, Mistake, MistakeKind,
    OperatingPoint, Reliability, ReliabilityBin, Report, Resampling, Slice, SliceValue,
};
use super::rows::{Labelled, Row};
use crate::category::Category;
use crate::eval::{Bootstrap, Calibration, Interval, Scored};

/// Bins of a reliability table.
const BINS: usize = 15;
/// Most errors that a report quotes; all are counted.
const ERRORS: usize = 100;
/// The rows with what one system says about them, and everything that follows.
pub(super) struct Evaluation {
    pub(super) report: Report,
    pub(super) sample: Sample,
    pub(super) against: Option<Sample>,
}

impl Evaluation {
    /// Measures everything; on all threads of the pool this runs in.
    pub(super) fn new(options: &Eval, rows: Labelled, system: &System, against: Option<&System>) -> Self {
        let bootstrap = Bootstrap { resamples: options.resamples, seed: options.seed };
        let sample = sample(&rows, system);
        let against = against.map(|other| (other, self::sample(&rows, other)));
        let report = Report {
            schema: 1,
            rows: rows.rows.len(),
            bootstrap: Resampling { resamples: options.resamples, seed: options.seed, level: 0.95 },
            system: About::new(system),
            categories: measured(options, &rows, system, &sample, &headlines(&sample, bootstrap)),
            slices: slices(&rows, system, bootstrap),
            confusion: confusion(&rows, system),
            worst: worst(options, &rows, system),
            against: against.as_ref().map(|(other, other_sample)| Against {
                system: About::new(other),
                categories: measured(options, &rows, other, other_sample, &headlines(other_sample, bootstrap)),
                comparison: Comparison::new(&rows, (system, &sample), (other, other_sample), bootstrap),
            }),
            errors: Errors { count: rows.errors.len(), first: rows.errors.into_iter().take(ERRORS).collect() },
        };
        Self { report, sample, against: against.map(|(_, sample)| sample) }
    }
}

fn sample(rows: &Labelled, system: &System) -> Sample {
    Sample::new(&rows.rows.iter().zip(&system.judged).collect::<Vec<_>>())
}

/// The headline numbers of a sample with their intervals, aspect by aspect.
fn headlines(sample: &Sample, bootstrap: Bootstrap) -> Vec<Headlines> {
    let values = sample.numbers(&vec![1; sample.rows()]);
    let intervals = bootstrap.intervals(sample.rows(), |weights| sample.numbers(weights));
    by_aspect(&values, &intervals)
}

/// Numbers in the order of [`Sample::numbers`] as headlines, aspect by aspect.
pub(super) fn by_aspect(values: &[Option<f64>], intervals: &[Option<Interval>]) -> Vec<Headlines> {
    let chunks = values.chunks(Headline::COUNT).zip(intervals.chunks(Headline::COUNT));
    chunks.map(|(values, intervals)| Headlines::new(values, intervals)).collect()
}

impl Headlines {
    fn new(values: &[Option<f64>], intervals: &[Option<Interval>]) -> Self {
        let metric = |headline: Headline| {
            let index = headline as usize;
            let interval = intervals.get(index).copied().flatten();
            values.get(index).copied().flatten().map(|value| Metric {
                value,
                low: interval.map(|interval| interval.low),
                high: interval.map(|interval| interval.high),
            })
        };
        Self {
            precision: metric(Headline::Precision),
            recall: metric(Headline::Recall),
            f1: metric(Headline::F1),
            false_positive_rate: metric(Headline::FalsePositiveRate),
            average_precision: metric(Headline::AveragePrecision),
            auroc: metric(Headline::Auroc),
        }
    }
}

impl About {
    fn new(system: &System) -> Self {
        Self { policy: system.policy.clone(), models: system.models.clone(), degraded: system.degraded }
    }
}

fn measured(
    options: &Eval,
    rows: &Labelled,
    system: &System,
    sample: &Sample,
    headlines: &[Headlines],
) -> Vec<Measured> {
    let measure = |(aspect, headlines): (Aspect, &Headlines)| {
        let counts = sample.counts(aspect);
        let point = |&target: &f64| {
            let point = sample.ranking(aspect).and_then(|ranking| ranking.operating_point(target));
            OperatingPoint {
                target,
                threshold: point.map(|point| point.threshold),
                false_positive_rate: point.map(|point| point.false_positive_rate),
                recall: point.map(|point| point.recall),
            }
        };
        Measured {
            category: aspect,
            rows: sample.rows(),
            positives: counts.positives(),
            predicted: counts.true_positives + counts.false_positives,
            headlines: *headlines,
            operating_points: options.target_fpr.iter().map(point).collect(),
            calibration: reliability(rows, system, aspect),
        }
    };
    Aspect::all().zip(headlines).map(measure).collect()
}

fn reliability(rows: &Labelled, system: &System, aspect: Aspect) -> Option<Reliability> {
    let Aspect::Of(category) = aspect else { return None };
    let scored = |(row, judged): (&Row, &Judged)| {
        Some(Scored { score: judged.scores?.of(category)?, positive: row.labels.contains(aspect) })
    };
    let calibration = Calibration::new(rows.rows.iter().zip(&system.judged).filter_map(scored), BINS);
    let bins = calibration.bins.iter().map(|bin| ReliabilityBin {
        rows: bin.rows,
        low: bin.low,
        high: bin.high,
        mean_score: bin.mean_score,
        share_positive: bin.share_positive(),
    });
    Some(Reliability {
        rows: calibration.bins.iter().map(|bin| bin.rows).sum(),
        expected_error: calibration.expected_error()?,
        bins: bins.collect(),
    })
}

fn slices(rows: &Labelled, system: &System, bootstrap: Bootstrap) -> Vec<Slice> {
    let value = |(value, members): (Option<&str>, Vec<usize>)| {
        let members: Vec<(&Row, &Judged)> =
            members.into_iter().filter_map(|index| rows.rows.get(index).zip(system.judged.get(index))).collect();
        let sample = Sample::new(&members);
        let compact = |(aspect, headlines): (Aspect, Headlines)| Compact {
            category: aspect,
            positives: sample.counts(aspect).positives(),
            recall: headlines.recall,
            false_positive_rate: headlines.false_positive_rate,
            average_precision: headlines.average_precision,
            auroc: headlines.auroc,
        };
        SliceValue {
            value: value.map(str::to_owned),
            rows: members.len(),
            categories: Aspect::all().zip(headlines(&sample, bootstrap)).map(compact).collect(),
        }
    };
    let slice = |(index, field): (usize, &String)| Slice {
        field: field.clone(),
        values: rows.groups(index).into_iter().map(value).collect(),
    };
    rows.slices.iter().enumerate().map(slice).collect()
}

/// What a row of no category is called.
const NONE: &str = "none";

fn confusion(rows: &Labelled, system: &System) -> Confusion {
    let ids: Vec<&'static str> = Category::ALL.into_iter().map(Category::id).chain([NONE]).collect();
    let mut counts = vec![vec![0; ids.len()]; ids.len()];
    let places = |set: Aspects| {
        let mut places: Vec<usize> = set.categories().map(|category| category as usize).collect();
        if places.is_empty() {
            places.push(Category::ALL.len());
        }
        places
    };
    for (row, judged) in rows.rows.iter().zip(&system.judged) {
        let columns = places(judged.predicted);
        for line in places(row.labels) {
            let line: Option<&mut Vec<u64>> = counts.get_mut(line);
            let cells = line.into_iter().flatten().enumerate().filter(|(column, _)| columns.contains(column));
            cells.for_each(|(_, cell)| *cell += 1);
        }
    }
    let row = |(&expected, counts): (&&'static str, Vec<u64>)| ConfusionRow { expected, counts };
    Confusion { rows: ids.iter().zip(counts).map(row).collect(), predicted: ids }
}

/// The rows with a wrong verdict, the most confident first: harmless ones by their score, then violations by how low theirs is.
/// Each kind by itself, since the hits of lists and rules, all at 1, would hide what is missed.
fn worst(options: &Eval, rows: &Labelled, system: &System) -> Vec<Mistake> {
    let mut mistakes: Vec<_> = rows.rows.iter().zip(&system.judged).filter_map(mistake).collect();
    // Stable: equals stay in the order of the input.
    mistakes.sort_by(|(kind, score, ..), (other, other_score, ..)| match kind {
        MistakeKind::FalseAlarm => kind.cmp(other).then(other_score.total_cmp(score)),
        MistakeKind::Missed => kind.cmp(other).then(score.total_cmp(other_score)),
    });
    let of_kind = mistakes.chunk_by(|(kind, ..), (other, ..)| kind == other);
    let worst = of_kind.flat_map(|mistakes| mistakes.iter().take(options.worst));
    let written = |&(error, score, row, judged): &(MistakeKind, f32, &Row, &Judged)| Mistake {
        id: row.id.clone(),
        place: row.place.clone(),
        error,
        score,
        expected: row.labels.categories().collect(),
        predicted: judged.predicted.categories().collect(),
        reason: judged.reason.clone(),
        prompt: options.show_text.then(|| row.prompt.clone()),
    };
    worst.map(written).collect()
}

/// A row with a wrong verdict: how, and what ranked it.
fn mistake<'a>((row, judged): (&'a Row, &'a Judged)) -> Option<(MistakeKind, f32, &'a Row, &'a Judged)> {
    let kind = match (row.labels.is_empty(), judged.predicted.contains(Aspect::Any)) {
        (true, true) => MistakeKind::FalseAlarm,
        (false, false) => MistakeKind::Missed,
        _ => return None,
    };
    Some((kind, judged.rank(Aspect::Any), row, judged))
}
