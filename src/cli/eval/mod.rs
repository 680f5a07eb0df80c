//! `promptgate eval`: how well labelled prompts are judged.
//!
//! `rows` reads, `judge` asks the moderator, `evaluation` measures with [`crate::eval`], `compare` holds two systems against each
//! other; `tables` lays the report out for `terminal` and `page`, which draws the curves of `charts`.

mod aspect;
mod charts;
mod compare;
mod evaluation;
mod fields;
mod judge;
mod measure;
mod options;
mod page;
mod report;
mod rows;
mod tables;
mod terminal;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

pub(super) use options::{Eval, HELP};

use super::args::Stages;
use super::human::escaped;
use super::{Failure, tell};
use evaluation::Evaluation;
use judge::System;
use rows::Labelled;

/// Most errors that are printed; all are counted.
const ERRORS: usize = 20;

pub(super) fn run(stages: &Stages, options: &Eval) -> Result<ExitCode, Failure> {
    let page = options.html.as_deref().map(|path| page::Target::new(path, options)).transpose()?;
    let rows = Labelled::read(options)?;
    print_errors(&rows.errors);
    let errors = rows.errors.len();
    if rows.rows.is_empty() {
        return Err(Failure::File(
            "eval".to_owned(),
            "no rows that can be measured, expected labelled prompts".to_owned(),
        ));
    }
    let moderator = stages.moderator()?;
    let other = options.compares().then(|| {
        let (policy, lists, models) = (&options.against_policy, &options.against_wordlists, &options.against_models);
        stages.but(policy.as_ref(), lists.as_ref(), models.as_ref(), options.against_no_models).moderator()
    });
    let other = other.transpose()?;
    let workers = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads.unwrap_or(0))
        .build()
        .map_err(|error| Failure::File("threads".to_owned(), error.to_string()))?;
    let progress = progress(options, rows.rows.len() * if other.is_some() { 2 } else { 1 });
    let evaluation = workers.install(|| {
        let system = System::judge(&moderator, &rows.rows, &progress);
        let against = other.map(|other| System::judge(&other, &rows.rows, &progress));
        progress.set_message("measuring");
        Evaluation::new(options, rows, &system, against.as_ref())
    });
    progress.finish_and_clear();
    let report = &evaluation.report;
    let output = if options.json { json(report)? } else { terminal::text(report) };
    let printed = io::stdout().write_all(output.as_bytes());
    // The page is written even if nobody reads the table.
    if let Some(page) = page {
        page.write(&page::page(&evaluation)?)?;
    }
    printed.map_err(|error| Failure::on_output("standard output", &error))?;
    Ok(ExitCode::from(if errors > 0 { 2 } else { 0 }))
}

fn json(report: &report::Report) -> Result<String, Failure> {
    let line = serde_json::to_string(report).map_err(|error| Failure::File("output".to_owned(), error.to_string()))?;
    Ok(line + "\n")
}

fn print_errors(errors: &[String]) {
    for error in errors.iter().take(ERRORS) {
        tell(format_args!("promptgate: {}", escaped(error, usize::MAX)));
    }
    if errors.len() > ERRORS {
        tell(format_args!("promptgate: ... and {} more of {} errors", errors.len() - ERRORS, errors.len()));
    }
}

/// A bar on a terminal; nothing in pipes.
fn progress(options: &Eval, rows: usize) -> ProgressBar {
    if options.quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(rows as u64);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {per_sec} eta {eta} {msg}") {
        bar.set_style(style);
    }
    bar
}
