//! The report as tables, for the terminal and for the page.

use std::fmt::Write;

use super::aspect::Aspect;
use super::report::{About, Compact, Headlines, Measured, Metric, MistakeKind, Report, Slice};
use crate::category::Category;
use crate::cli::table::{Line, Table};

/// Most values of a slice that the terminal shows.
const VALUES: usize = 30;

/// What was measured, on what, in a few lines.
pub(super) fn heading(report: &Report) -> Vec<String> {
    let mut lines = vec![format!("{} rows, {} errors", report.rows, report.errors.count)];
    lines.push(format!("system: {}", about(&report.system)));
    if let Some(against) = &report.against {
        lines.push(format!("against: {}", about(&against.system)));
    }
    let bootstrap = report.bootstrap;
    if bootstrap.resamples > 0 {
        lines.push(format!("intervals: 95 % of {} resamples, seed {}", bootstrap.resamples, bootstrap.seed));
    }
    lines
}

fn about(system: &About) -> String {
    let models = if system.models.is_empty() { "no model ran".to_owned() } else { system.models.join(", ") };
    let mut text = format!("{}, {models}", system.policy);
    if system.degraded > 0 {
        let _ = write!(text, ", a stage failed on {} rows", system.degraded);
    }
    text
}

/// Every table, in the order shown.
pub(super) fn tables(report: &Report) -> Vec<Table> {
    let mut tables = measures("", &report.categories);
    tables.extend(report.slices.iter().flat_map(slice));
    tables.push(confusion(report));
    tables.extend(reliability(report));
    if let Some(against) = &report.against {
        tables.extend(measures("Against: ", &against.categories).into_iter().map(Table::page_only));
    }
    tables.extend(differences(report));
    tables.push(worst(report));
    tables.retain(|table| !table.lines.is_empty());
    tables
}

fn measures(prefix: &str, categories: &[Measured]) -> Vec<Table> {
    let title = |title: &str| format!("{prefix}{title}");
    let mut verdict = Table::numbers(
        title("At the policy's verdict"),
        &["category", "pos", "precision", "recall", "F1", "false-positive rate"],
    );
    let mut ranking = Table::numbers(
        title("By score, whatever the threshold"),
        &["category", "pos", "pred", "average precision", "AUROC", "calibration error"],
    );
    let mut thresholds = Table::numbers(
        title("Thresholds for a false-positive rate"),
        &["category", "target", "threshold", "false-positive rate", "recall"],
    );
    for one in categories {
        let (name, positives) = (one.category.id().to_owned(), one.positives.to_string());
        let Headlines { precision, recall, f1, false_positive_rate, average_precision, auroc } = one.headlines;
        let rates = [precision, recall, f1, false_positive_rate].map(with_interval);
        verdict.push([name.clone(), positives.clone()].into_iter().chain(rates));
        let error =
            one.calibration.as_ref().map_or_else(dash, |calibration| format!("{:.3}", calibration.expected_error));
        let areas = [average_precision, auroc].map(with_interval);
        ranking.push([name, positives, one.predicted.to_string()].into_iter().chain(areas).chain([error]));
    }
    let most = categories.iter().map(|one| one.operating_points.len()).max().unwrap_or_default();
    for index in 0..most {
        for one in categories {
            let Some(point) = one.operating_points.get(index) else { continue };
            let number = |value: Option<f64>| value.map_or_else(dash, |value| format!("{value:.4}"));
            thresholds.push([
                one.category.id().to_owned(),
                point.target.to_string(),
                number(point.threshold.map(f64::from)),
                number(point.false_positive_rate),
                number(point.recall),
            ]);
        }
    }
    vec![verdict, ranking, thresholds]
}

fn slice(slice: &Slice) -> [Table; 2] {
    let columns = ["rows", "pos", "recall", "false-positive rate", "AP", "AUROC"];
    let named: Vec<&str> = std::iter::once(slice.field.as_str()).chain(columns).collect();
    let title = format!("By {}: any violation", slice.field);
    let mut any = Table::numbers(title, &named).with_terminal_lines(VALUES);
    let named: Vec<&str> = [slice.field.as_str(), "category"].into_iter().chain(columns).collect();
    let mut each = Table::numbers(format!("By {}: each category", slice.field), &named).page_only();
    for value in &slice.values {
        let name = value.value.clone().unwrap_or_else(|| "(none)".to_owned());
        for one in &value.categories {
            let cells = compact(value.rows, one);
            if one.category == Aspect::Any {
                any.push(std::iter::once(name.clone()).chain(cells));
            } else if one.positives > 0 {
                each.push([name.clone(), one.category.id().to_owned()].into_iter().chain(cells));
            }
        }
    }
    [any, each.note("Categories without positives in a slice are left out.")]
}

fn compact(rows: usize, one: &Compact) -> [String; 6] {
    let plain = |metric: Option<Metric>| metric.map_or_else(dash, |metric| format!("{:.3}", metric.value));
    [
        rows.to_string(),
        one.positives.to_string(),
        with_interval(one.recall),
        with_interval(one.false_positive_rate),
        plain(one.average_precision),
        plain(one.auroc),
    ]
}

fn confusion(report: &Report) -> Table {
    let columns: Vec<&str> = std::iter::once("label").chain(report.confusion.predicted.iter().copied()).collect();
    let mut table = Table::numbers("Label (rows) by predicted category (columns)", &columns);
    for row in &report.confusion.rows {
        let cell = |count: &u64| if *count == 0 { ".".to_owned() } else { count.to_string() };
        table.push(std::iter::once(row.expected.to_owned()).chain(row.counts.iter().map(cell)));
    }
    table
}

fn reliability(report: &Report) -> Vec<Table> {
    let of_category = |one: &Measured| {
        let calibration = one.calibration.as_ref()?;
        let title = format!("Reliability of {} over {} rows where a model ran", one.category.id(), calibration.rows);
        let mut table = Table::numbers(title, &["scores", "rows", "mean score", "share of positives"]).page_only();
        for bin in &calibration.bins {
            table.push([
                format!("{:.4}..{:.4}", bin.low, bin.high),
                bin.rows.to_string(),
                format!("{:.4}", bin.mean_score),
                format!("{:.4}", bin.share_positive),
            ]);
        }
        Some(table)
    };
    report.categories.iter().filter_map(of_category).collect()
}

fn differences(report: &Report) -> Vec<Table> {
    let Some(against) = &report.against else { return Vec::new() };
    let mut verdict = Table::numbers(
        "Difference from the system held against, at the verdict",
        &["category", "precision", "recall", "F1", "false-positive rate"],
    );
    let mut ranking = Table::numbers(
        "Difference from the system held against, by score",
        &["category", "average precision", "AUROC"],
    );
    for one in &against.comparison.differences {
        let Headlines { precision, recall, f1, false_positive_rate, average_precision, auroc } = one.headlines;
        let name = || std::iter::once(one.category.id().to_owned());
        verdict.push(name().chain([precision, recall, f1, false_positive_rate].map(signed)));
        ranking.push(name().chain([average_precision, auroc].map(signed)));
    }
    let verdicts = &against.comparison.verdicts;
    let mut rows = Table::numbers(
        "Rows whose verdict is right",
        &["both", "only this system", "only against", "neither", "McNemar, exact p"],
    );
    rows.push([
        verdicts.both_right.to_string(),
        verdicts.only_this_right.to_string(),
        verdicts.only_against_right.to_string(),
        verdicts.both_wrong.to_string(),
        if verdicts.p_value < 0.0001 { "< 0.0001".to_owned() } else { format!("{:.4}", verdicts.p_value) },
    ]);
    vec![verdict, ranking, rows]
}

fn worst(report: &Report) -> Table {
    let ids = |categories: &[Category]| {
        if categories.is_empty() {
            return dash();
        }
        categories.iter().map(|category| category.id()).collect::<Vec<_>>().join(" ")
    };
    let mut table =
        Table::texts("Most confident wrong verdicts", &["error", "score", "id", "label", "predicted", "reason"]);
    for one in &report.worst {
        table.lines.push(Line {
            cells: vec![
                match one.error {
                    MistakeKind::FalseAlarm => "false alarm".to_owned(),
                    MistakeKind::Missed => "missed".to_owned(),
                },
                format!("{:.3}", one.score),
                one.id.clone(),
                ids(&one.expected),
                ids(&one.predicted),
                one.reason.clone().unwrap_or_else(dash),
            ],
            below: one.prompt.clone(),
        });
    }
    table
}

fn dash() -> String {
    "-".to_owned()
}

fn with_interval(metric: Option<Metric>) -> String {
    let Some(Metric { value, low, high }) = metric else { return dash() };
    match low.zip(high) {
        Some((low, high)) => format!("{value:.3} {low:.3}..{high:.3}"),
        None => format!("{value:.3}"),
    }
}

fn signed(metric: Option<Metric>) -> String {
    let Some(Metric { value, low, high }) = metric else { return dash() };
    // A difference that rounds to nothing has no sign.
    let number = |value: f64| if value.abs() < 0.0005 { "0.000".to_owned() } else { format!("{value:+.3}") };
    match low.zip(high) {
        Some((low, high)) => format!("{} {}..{}", number(value), number(low), number(high)),
        None => number(value),
    }
}
