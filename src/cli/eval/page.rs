//! The report as one page that loads nothing: no script, no font, no picture from elsewhere.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::aspect::Aspect;
use super::charts::{Chart, Points, precision_recall, roc, svg};
use super::evaluation::Evaluation;
use super::measure::Sample;
use super::options::Eval;
use super::report::Measured;
use super::tables::{heading, tables};
use crate::cli::Failure;
use crate::cli::page::{self, escaped, write_table};
use crate::eval::CurvePoint;

/// Where the page goes. It gets its name only once it is complete.
pub(super) struct Target {
    path: PathBuf,
}

impl Target {
    /// Refuses what is there already, before any row is judged.
    pub(super) fn new(path: &Path, options: &Eval) -> Result<Self, Failure> {
        let fail = |message: &str| Err(Failure::File(path.display().to_string(), message.to_owned()));
        if let Ok(page) = fs::canonicalize(path) {
            if options.files.iter().any(|input| fs::canonicalize(input).is_ok_and(|input| input == page)) {
                return fail("output is also an input, expected another file");
            }
            if !options.force {
                return fail("output is there already, expected a new file or `--force`");
            }
        }
        Ok(Self { path: path.to_owned() })
    }

    pub(super) fn write(&self, page: &str) -> Result<(), Failure> {
        let mut part = self.path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let place = self.path.display().to_string();
        fs::write(&part, page)
            .and_then(|()| fs::rename(&part, &self.path))
            .map_err(|error| Failure::File(place, format!("cannot be written: {error}")))
    }
}

/// The whole page.
pub(super) fn page(evaluation: &Evaluation) -> Result<String, Failure> {
    let report = &evaluation.report;
    let mut out = page::start("promptgate eval", "How well labelled prompts are judged");
    for line in heading(report) {
        let _ = writeln!(out, "<p>{}</p>", escaped(&line));
    }
    for error in &report.errors.first {
        let _ = writeln!(out, "<p>Not measured: {}</p>", escaped(error));
    }
    // The headline numbers, the curves behind them, everything else.
    let mut tables = tables(report).into_iter();
    tables.by_ref().take(3).for_each(|table| write_table(&mut out, &table));
    write_charts(&mut out, evaluation)?;
    tables.for_each(|table| write_table(&mut out, &table));
    out.push_str(page::END);
    Ok(out)
}

fn write_charts(out: &mut String, evaluation: &Evaluation) -> Result<(), Failure> {
    out.push_str("<h2>Curves</h2>\n");
    if evaluation.against.is_some() {
        out.push_str("<p><b class=\"this\">this system</b>, <b class=\"against\">the one it is held against</b></p>\n");
    }
    let against = evaluation.report.against.as_ref();
    for (index, one) in evaluation.report.categories.iter().enumerate() {
        let curves: Vec<Vec<CurvePoint>> = samples(evaluation).map(|sample| curve(sample, one.category)).collect();
        let lines = |of: fn(&[CurvePoint]) -> Points| curves.iter().map(|curve| of(curve)).collect::<Vec<_>>();
        let calibrations = std::iter::once(one).chain(against.and_then(|against| against.categories.get(index)));
        let calibrations: Vec<Points> = calibrations.map(reliability).collect();
        let charts = [
            Chart {
                title: &format!("{}: precision and recall", one.category.id()),
                x: "recall",
                y: "precision",
                lines: lines(precision_recall),
                marked: false,
                diagonal: false,
            },
            Chart {
                title: &format!("{}: ROC", one.category.id()),
                x: "false-positive rate",
                y: "recall",
                lines: lines(roc),
                marked: false,
                diagonal: true,
            },
            Chart {
                title: &format!("{}: calibration", one.category.id()),
                x: "mean score",
                y: "share of positives",
                lines: calibrations,
                marked: true,
                diagonal: true,
            },
        ];
        // What has no line has nothing to show.
        let drawn = charts.iter().filter(|chart| chart.lines.iter().any(|line| !line.is_empty()));
        let drawn = drawn.map(svg).collect::<Result<Vec<_>, _>>()?;
        if !drawn.is_empty() {
            let _ = writeln!(out, "<div class=\"charts\">\n{}\n</div>", drawn.join("\n"));
        }
    }
    Ok(())
}

fn samples(evaluation: &Evaluation) -> impl Iterator<Item = &Sample> {
    std::iter::once(&evaluation.sample).chain(&evaluation.against)
}

fn curve(sample: &Sample, aspect: Aspect) -> Vec<CurvePoint> {
    sample.ranking(aspect).map(crate::eval::Ranking::curve).unwrap_or_default()
}

fn reliability(measured: &Measured) -> Points {
    let bins = measured.calibration.iter().flat_map(|calibration| &calibration.bins);
    bins.map(|bin| (bin.mean_score, bin.share_positive)).collect()
}
