//! `promptgate policy diff`: what another policy would do to a log.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::args::Stages;
use super::scan::report::{self, About};
use super::scan::{CACHE, Differences, Judge, Judged, Log, Reading, Summary, Wishes};
use super::table::write_table;
use super::{Failure, print};

pub(super) const HELP: &str = "Every row is judged under both policies, with the same lists, rules and models. Counts are exact; samples show the shape of a
prompt and not its words, unless `--show-text` is given. `default` is the policy that is compiled in.
Exit status: 0 no row changes, 1 some do, 2 an error, even if the rest was read, 3 stopped before the end.

Examples:
  promptgate policy diff default stricter.toml logs/2026-11/
  promptgate --no-models policy diff old.toml new.toml log.jsonl.gz --prompt-field text --report diff/
  promptgate policy diff old.toml new.toml log.jsonl --json | jq .differences.rows";

#[derive(clap::Args)]
pub(super) struct Diff {
    /// The policy of now, or `default`
    old: PathBuf,
    /// The policy that may come
    new: PathBuf,
    #[command(flatten)]
    reading: Reading,
    /// Write a summary (summary.json) and a page to look at (report.html) to this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Replace a report that is there
    #[arg(long)]
    force: bool,
    /// Let samples quote prompts
    #[arg(long)]
    show_text: bool,
    /// Print one line of JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Found<'a> {
    schema: u32,
    old: &'a str,
    new: &'a str,
    /// Whether the log was read to its end.
    whole: bool,
    rows: u64,
    errors: u64,
    differences: &'a Differences,
}

pub(super) fn run(stages: &Stages, options: &Diff) -> Result<ExitCode, Failure> {
    let mut log = Log::open(&options.reading, options.report.as_slice())?;
    if let Some(folder) = &options.report {
        report::may_write(folder, options.force)?;
    }
    let old = stages.named(&options.old).moderator()?;
    let new = old.with_policy(stages.named(&options.new).policy()?)?;
    let wanted = options.reading.wanted(log.has_several());
    let wishes =
        Wishes { report: options.report.is_some(), show_text: options.show_text, cache: CACHE, ..Wishes::default() };
    let judge = Judge::new(wishes, &wanted, &old, Some(&new));
    let mut summary = Summary::default();
    let take = |judged: Judged| {
        summary.add(judged.summary);
        Ok(summary.totals)
    };
    let whole = log.pass(&wanted, |_, chunk| judge.judge(chunk), take)?;
    let inputs = log.places();
    let (_, seconds) = log.end(&summary.totals, whole);
    let models: Vec<String> = old.model_names().map(str::to_owned).collect();
    let about = About {
        title: "What another policy would change",
        policy: old.policy_name(),
        models: &models,
        shadow: Some(new.policy_name()),
        inputs: inputs.iter().map(String::as_str).collect(),
        shard: None,
        seconds,
    };
    if let Some(folder) = options.report.as_ref().filter(|_| whole) {
        report::write(folder, &about, &summary)?;
    }
    let differences = &summary.differences;
    if options.json {
        let (rows, errors) = (summary.totals.rows, summary.totals.errors);
        let found =
            Found { schema: 1, old: old.policy_name(), new: new.policy_name(), whole, rows, errors, differences };
        print(&(serde_json::to_string(&found).unwrap_or_default() + "\n"))?;
    } else {
        let mut text = format!("{} -> {}, {} rows\n", old.policy_name(), new.policy_name(), summary.totals.rows);
        if !whole {
            text.push_str("STOPPED BEFORE THE END: the rest of the log is not counted\n");
        }
        for table in report::differences(differences) {
            text.push('\n');
            write_table(&mut text, &table);
        }
        print(&text)?;
    }
    Ok(if whole { summary.totals.status(!differences.nothing_changes()) } else { super::scan::stopped() })
}
