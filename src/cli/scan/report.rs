//! The report on a scan: `summary.json`, and a page to look at.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use chrono::DateTime;
use plotters::prelude::*;
use serde::Serialize;

use super::differences::{Changes, Differences, Sample};
use super::files::write_whole;
use super::journal::Plan;
use super::shard::Shard;
use super::summary::{Outcomes, Summary, category_ids};
use crate::cli::Failure;
use crate::cli::page::{self, escaped, write_table};
use crate::cli::table::{Align, Line, Table};

/// Most rules that the page names.
const RULES: usize = 50;
/// Most users that the page names.
const USERS: usize = 50;
/// Most bars of the chart over time: hours become days, days weeks.
const MOST_BARS: i64 = 400;
/// Most labels below it.
const MOST_TICKS: i64 = 8;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Pixels.
const WIDE: (u32, u32) = (1080, 260);
const SMALL: (u32, u32) = (350, 200);
const BLOCKED: RGBColor = RGBColor(190, 60, 50);
const ALLOWED: RGBColor = RGBColor(120, 160, 200);

/// What was scanned how, for the head of the report.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct About<'a> {
    pub(in crate::cli) title: &'a str,
    pub(in crate::cli) policy: &'a str,
    pub(in crate::cli) models: &'a [String],
    pub(in crate::cli) shadow: Option<&'a str>,
    pub(in crate::cli) inputs: Vec<&'a str>,
    pub(in crate::cli) shard: Option<Shard>,
    pub(in crate::cli) seconds: f64,
}

impl<'a> About<'a> {
    /// What a plan says.
    pub(super) fn new(plan: &'a Plan, seconds: f64) -> Self {
        Self {
            title: "What was found in prompts",
            policy: &plan.policy,
            models: &plan.models,
            shadow: plan.shadow.as_deref(),
            inputs: plan.inputs.iter().map(|stamp| stamp.place.as_str()).collect(),
            shard: None,
            seconds,
        }
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    schema: u32,
    about: &'a About<'a>,
    #[serde(flatten)]
    summary: &'a Summary,
}

const JSON: &str = "summary.json";
const PAGE: &str = "report.html";

/// Refuses to write over a report that is there.
pub(in crate::cli) fn may_write(folder: &Path, force: bool) -> Result<(), Failure> {
    let place = || folder.display().to_string();
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::File(place(), "no folder, expected one for the report".to_owned()));
    }
    if !force && [JSON, PAGE].iter().any(|name| folder.join(name).exists()) {
        return Err(Failure::File(
            place(),
            "a report is there already, expected another folder or `--force`".to_owned(),
        ));
    }
    Ok(())
}

/// Makes the folder: better now than after hours.
pub(in crate::cli) fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::on_output(&folder.display().to_string(), &error))
}

/// Writes the report.
pub(in crate::cli) fn write(folder: &Path, about: &About<'_>, summary: &Summary) -> Result<(), Failure> {
    make(folder)?;
    let summary = &Summary { offenders: summary.offenders.shown(), ..summary.clone() };
    let json = serde_json::to_string_pretty(&Whole { schema: 1, about, summary })
        .map_err(|error| Failure::File(folder.display().to_string(), error.to_string()))?;
    write_whole(&folder.join(JSON), (json + "\n").as_bytes())?;
    write_whole(&folder.join(PAGE), page_of(about, summary)?.as_bytes())
}

fn page_of(about: &About<'_>, summary: &Summary) -> Result<String, Failure> {
    let mut out = page::start(&format!("promptgate: {}", about.title), about.title);
    let models = if about.models.is_empty() { "no models".to_owned() } else { about.models.join(", ") };
    let totals = &summary.totals;
    let inputs = match about.inputs.as_slice() {
        [input] => (*input).to_owned(),
        inputs => format!("{} inputs", inputs.len()),
    };
    let mut lines = vec![
        format!("{} rows of {inputs} in {:.0} s", totals.rows, about.seconds),
        format!("policy {}, {models}", about.policy),
    ];
    lines.extend(about.shadow.map(|shadow| format!("shadow policy {shadow}")));
    lines.extend(about.shard.as_ref().map(|shard| format!("shard {shard}: the others hold the rest")));
    for line in &lines {
        let _ = writeln!(out, "<p>{}</p>", escaped(line));
    }
    write_table(&mut out, &totals_table(summary));
    out.push_str(&over_time(summary)?);
    write_table(
        &mut out,
        &outcomes_table(
            "Stopped, by category",
            "category",
            category_ids().map(|id| (id.to_owned(), summary.categories.get(id).copied().unwrap_or_default())),
            totals.rows,
        ),
    );
    if !summary.rules.is_empty() {
        write_table(&mut out, &counts_table("What stopped rows", "term, rule or model", &summary.rules, RULES));
    }
    write_table(&mut out, &counts_table("Who settled rows", "stage", &summary.stages, usize::MAX));
    out.push_str(&score_charts(summary)?);
    let rows = |outcomes: &BTreeMap<String, Outcomes>| {
        outcomes.iter().map(|(name, outcomes)| (name.clone(), *outcomes)).collect::<Vec<_>>()
    };
    write_table(&mut out, &outcomes_table("Dialects", "dialect", rows(&summary.dialects), totals.rows));
    write_table(
        &mut out,
        &outcomes_table("Languages", "language", rows(&summary.languages), totals.rows)
            .note("Guessed from few words: `unsure` where that would be chance."),
    );
    for table in differences(&summary.differences) {
        write_table(&mut out, &table);
    }
    if summary.offenders.len() > 0 {
        write_table(&mut out, &offenders_table(summary));
    }
    write_table(&mut out, &slowest_table(summary));
    if !summary.errors.is_empty() {
        let mut table = Table::texts("Rows that could not be read", &["what is wrong"]);
        if totals.errors > summary.errors.len() as u64 {
            table = table.note(format!("the first {} of {}", summary.errors.len(), totals.errors));
        }
        for unread in &summary.errors {
            table.push([unread.error.clone()]);
        }
        write_table(&mut out, &table);
    }
    out.push_str(page::END);
    Ok(out)
}

fn totals_table(summary: &Summary) -> Table {
    let totals = &summary.totals;
    let mut table = Table::numbers("Totals", &["", "rows", "share"]);
    for (name, count) in [
        ("allowed", totals.allowed),
        ("for review", totals.review),
        ("blocked", totals.blocked),
        ("could not be read", totals.errors),
        ("not judged by every stage", totals.degraded),
        ("without a time that can be read", summary.no_time),
        ("without a user", summary.no_user),
        ("known from an equal prompt before", totals.cached),
    ] {
        table.push([name.to_owned(), count.to_string(), share(count, totals.rows)]);
    }
    table
}

fn outcomes_table(title: &str, what: &str, rows: impl IntoIterator<Item = (String, Outcomes)>, of: u64) -> Table {
    let mut table = Table::numbers(title, &[what, "rows", "share", "for review", "blocked", "blocked share"]);
    for (name, Outcomes { rows, review, blocked }) in rows {
        table.push([
            name,
            rows.to_string(),
            share(rows, of),
            review.to_string(),
            blocked.to_string(),
            share(blocked, rows),
        ]);
    }
    table
}

fn counts_table(title: &str, what: &str, counts: &BTreeMap<String, u64>, most: usize) -> Table {
    let mut table = Table::numbers(title, &[what, "rows"]);
    let mut ranked: Vec<(&String, &u64)> = counts.iter().collect();
    ranked.sort_by(|(name, one), (other_name, other)| other.cmp(one).then_with(|| name.cmp(other_name)));
    if ranked.len() > most {
        table = table.note(format!("the {most} most frequent of {}", ranked.len()));
    }
    for (name, count) in ranked.into_iter().take(most) {
        table.push([name.clone(), count.to_string()]);
    }
    table
}

/// What another policy would have decided otherwise.
pub(in crate::cli) fn differences(differences: &Differences) -> Vec<Table> {
    if differences.is_empty() {
        return Vec::new();
    }
    let mut verdicts = Table::numbers("With the other policy", &["this policy -> the other one", "rows"]);
    for (verdict, rows) in &differences.verdicts {
        verdicts.push([verdict.clone(), rows.to_string()]);
    }
    let Changes { stricter, milder, other_categories } = differences.rows;
    verdicts = verdicts.note(format!(
        "It is stricter with {stricter} rows, milder with {milder}, and stops {other_categories} for other categories."
    ));
    let changes = |title: &str, what: &str, of: &BTreeMap<String, Changes>| {
        let mut table = Table::numbers(title, &[what, "stricter", "milder"]);
        let mut ranked: Vec<(&String, &Changes)> = of.iter().collect();
        ranked.sort_by_key(|(_, changes)| std::cmp::Reverse(changes.stricter + changes.milder));
        if ranked.len() > RULES {
            table = table.note(format!("the {RULES} most frequent of {}", ranked.len()));
        }
        for (name, changes) in ranked.into_iter().take(RULES) {
            table.push([name.clone(), changes.stricter.to_string(), changes.milder.to_string()]);
        }
        table
    };
    let samples = |title: &str, samples: &[Sample]| {
        let mut table = Table::texts(title, &["row", "because of"]);
        for sample in samples {
            let cells = vec![sample.id.clone(), sample.rules.join(", ")];
            table.lines.push(Line { cells, below: Some(sample.text.clone()) });
        }
        table.note("The first ones. Without `--show-text` letters are x and digits 0; what a reason points at stands in brackets.")
    };
    let mut tables = vec![
        verdicts,
        changes("Changes by category", "category", &differences.categories),
        changes("Changes by what they rest on", "term, rule or model", &differences.rules),
    ];
    for (title, of) in [("Stricter with", &differences.stricter), ("Milder with", &differences.milder)] {
        tables.extend((!of.is_empty()).then(|| samples(title, of)));
    }
    tables
}

fn offenders_table(summary: &Summary) -> Table {
    let repeated = summary.offenders.repeated();
    let mut table = Table {
        columns: [
            ("user (keyed pseudonym)", Align::Left),
            ("violations", Align::Right),
            ("weight", Align::Right),
            ("categories", Align::Left),
            ("first", Align::Left),
            ("last", Align::Left),
        ]
        .map(|(name, align)| (name.to_owned(), align))
        .to_vec(),
        ..Table::texts("Users with more than one violation", &[])
    };
    table = table
        .note(format!(
            "{} users have violations, {} more than one{}",
            summary.offenders.len(),
            repeated.len(),
            match summary.offenders.forgotten {
                0 => String::new(),
                forgotten => format!("; {forgotten} with little weight are not counted any more"),
            }
        ))
        .note("A violation weighs 0.5 to 8 by severity, and half of it thirty days later. Evidence for a person, not a verdict.");
    for (user, offender, weight) in repeated.into_iter().take(USERS) {
        let categories: Vec<String> =
            offender.categories.iter().map(|(category, count)| format!("{category} {count}")).collect();
        let when =
            |moment: Option<super::time::Moment>| moment.map_or_else(String::new, |moment| written(moment.seconds()));
        table.lines.push(Line {
            cells: vec![
                user.to_owned(),
                offender.violations.to_string(),
                format!("{weight:.1}"),
                categories.join(", "),
                when(offender.first),
                when(offender.last),
            ],
            below: None,
        });
    }
    table
}

fn slowest_table(summary: &Summary) -> Table {
    let mut table = Table::numbers("Slowest rows", &["id", "ms"]);
    for (micros, id) in &summary.slowest {
        table.push([id.clone(), format!("{:.1}", *micros as f64 / 1000.0)]);
    }
    table
}

/// Rows over time as bars, blocked ones in front.
fn over_time(summary: &Summary) -> Result<String, Failure> {
    let (Some(first), Some(last)) = (summary.hours.keys().next(), summary.hours.keys().last()) else {
        return Ok(String::new());
    };
    let span = last - first;
    let step =
        [HOUR, DAY, 7 * DAY, 28 * DAY, 364 * DAY].into_iter().find(|step| span / step < MOST_BARS).unwrap_or(364 * DAY);
    let mut bars: BTreeMap<i64, Outcomes> = BTreeMap::new();
    for (hour, outcomes) in &summary.hours {
        let bar = bars.entry(hour.div_euclid(step) * step).or_default();
        bar.rows += outcomes.rows;
        bar.blocked += outcomes.blocked;
    }
    let most = bars.values().map(|bar| bar.rows).max().unwrap_or(1).max(1);
    let range = (first.div_euclid(step) * step)..(last.div_euclid(step) * step + step);
    // Labels at whole hours or days, as many as there is room for.
    let length = range.end - range.start;
    let every = [1, 3, 6, 12, 24, 48, 168, 336, 672, 2184, 8736].map(|hours| hours * HOUR);
    let every = every.into_iter().find(|every| length / every < MOST_TICKS).unwrap_or(length);
    let ticks: Vec<i64> = (range.start.div_euclid(every)..=range.end.div_euclid(every))
        .map(|tick| tick * every)
        .filter(|tick| range.contains(tick))
        .collect();
    let svg = drawn("rows over time", WIDE, |area| {
        let mut chart = ChartBuilder::on(&area)
            .caption("rows over time, blocked ones in red", ("sans-serif", 17))
            .margin(8)
            // Half of the last label.
            .margin_right(64)
            .x_label_area_size(32)
            .y_label_area_size(64)
            .build_cartesian_2d(range.clone().with_key_points(ticks.clone()), 0..most)?;
        chart
            .configure_mesh()
            .x_labels(ticks.len())
            .y_labels(5)
            .x_label_formatter(&|seconds| if every < DAY { written(*seconds) } else { day(*seconds) })
            .label_style(("sans-serif", 13))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (color, of) in
            [(ALLOWED, (|bar: &Outcomes| bar.rows) as fn(&Outcomes) -> u64), (BLOCKED, |bar| bar.blocked)]
        {
            let boxes =
                bars.iter().map(|(from, bar)| Rectangle::new([(*from, 0), (from + step, of(bar))], color.filled()));
            chart.draw_series(boxes)?;
        }
        Ok(())
    })?;
    Ok(format!("<h2>Over time</h2>\n<div class=\"charts\">{svg}</div>\n"))
}

/// How scores are spread, category by category; the height is logarithmic, since most prompts are harmless.
fn score_charts(summary: &Summary) -> Result<String, Failure> {
    if summary.scores.is_empty() {
        return Ok(String::new());
    }
    let mut out = String::from(
        "<h2>Scores</h2>\n<p>Rows by score; each line across is ten times the one below.</p>\n<div class=\"charts\">\n",
    );
    for (label, bins) in &summary.scores {
        let height = |count: u64| if count == 0 { 0.0 } else { 1.0 + (count as f64).log10() };
        let most = bins.iter().map(|count| height(*count)).fold(1.0, f64::max);
        let width = 1.0 / bins.len() as f64;
        out.push_str(&drawn(label, SMALL, |area| {
            let mut chart = ChartBuilder::on(&area)
                .caption(label, ("sans-serif", 15))
                .margin(6)
                .x_label_area_size(24)
                .y_label_area_size(48)
                .build_cartesian_2d(0.0..1.0, 0.0..most)?;
            chart
                .configure_mesh()
                .x_labels(5)
                .y_labels(5)
                .y_label_formatter(&|height| {
                    if *height < 1.0 { "0".to_owned() } else { format!("{:.0}", 10_f64.powf(height - 1.0)) }
                })
                .label_style(("sans-serif", 12))
                .light_line_style(TRANSPARENT)
                .draw()?;
            chart.draw_series(bins.iter().enumerate().map(|(bin, count)| {
                let from = bin as f64 * width;
                Rectangle::new([(from, 0.0), (from + width * 0.9, height(*count))], ALLOWED.filled())
            }))?;
            Ok(())
        })?);
        out.push('\n');
    }
    out.push_str("</div>\n");
    Ok(out)
}

type Drawing<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn drawn(
    name: &str,
    size: (u32, u32),
    draw: impl FnOnce(Drawing<'_>) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<String, Failure> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)
            .map_err(|error| Box::new(error) as Box<dyn std::error::Error>)
            .and_then(|()| draw(area))
            .map_err(|error| Failure::File(name.to_owned(), format!("cannot be drawn: {error}")))?;
    }
    Ok(svg)
}

/// The day of a time, UTC.
fn day(seconds: i64) -> String {
    written(seconds).split(' ').next().unwrap_or_default().to_owned()
}

/// A time for people, UTC.
fn written(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).map_or_else(String::new, |time| time.format("%Y-%m-%d %H:%M").to_string())
}

fn share(part: u64, of: u64) -> String {
    if of == 0 { String::new() } else { format!("{:.2} %", part as f64 * 100.0 / of as f64) }
}
