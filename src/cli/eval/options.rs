//! The arguments of `promptgate eval`.

use std::path::PathBuf;

use clap::ValueEnum;

pub(in crate::cli) const HELP: &str = "Rows hold a prompt, perhaps a negative prompt, and `labels`: the ids of the categories that the prompt violates, none for a
harmless one. JSONL has a list there, CSV ids with `;`, `|` or spaces between them.

A row counts as predicted for a category if the decision names it, and for `any` if the verdict is block or review. It is
ranked by the model's score for the category; by 1 where anything but a score (a list, a rule, a limit, a failed stage) made
the decision name it; by 0 where no model ran; for `any` by the highest. With `explain = \"first\"` models do not run where lists
and rules have settled the verdict: `--explain all` measures every stage on every row. Thresholds for a false-positive rate are
of these ranks; calibration is of the models' scores, over the rows where they ran.

Intervals are the middle 95 % of bootstrap resamples; the measures of score and calibration are those of
`promptgate::eval`. `-` stands for a number that is not defined, such as the recall of no positives. Reliability tables and
categories of slices are in `--json` and `--html`.
Exit status: 0 all rows measured, 2 an error, even if the other rows were measured.

Examples:
  promptgate eval labelled.jsonl
  promptgate eval a.jsonl b.csv --slice lang --target-fpr 0.001 --target-fpr 0.01 --html report.html
  promptgate eval labelled.jsonl --against-policy strict.toml --json";

#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(in crate::cli) struct Eval {
    /// Labelled files; standard input for `-`
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// How rows are written; by default what the name ends with, else JSONL if the first one starts with `{`
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<Format>,
    /// Field of the prompt; `prompt` or else `text` if absent
    #[arg(long, value_name = "FIELD")]
    pub(super) prompt_field: Option<String>,
    /// Field of the negative prompt, where a row has one
    #[arg(long, value_name = "FIELD", default_value = "negative")]
    pub(super) negative_field: String,
    /// Field of the labels
    #[arg(long, value_name = "FIELD", default_value = "labels")]
    pub(super) labels_field: String,
    /// Field of the row's id; the line number where a row has none
    #[arg(long, value_name = "FIELD", default_value = "id")]
    pub(super) id_field: String,
    /// Measure apart for every value of this field, a string or true/false; may be repeated. If absent `lang`, `kind` (else from
    /// `hard` and labels: plain, implicit, ordinary, lookalike) and `source` (else the file), where rows have them
    #[arg(long, value_name = "FIELD")]
    pub(super) slice: Vec<String>,
    /// Find the threshold that flags no more than this share of harmless rows; may be repeated
    #[arg(long, value_name = "RATE", default_value = "0.01", value_parser = rate)]
    pub(super) target_fpr: Vec<f64>,
    /// List so many false alarms and so many misses, the most confident first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(super) worst: usize,
    /// Let the output quote the prompts of these
    #[arg(long)]
    pub(super) show_text: bool,
    /// Bootstrap resamples behind every interval; 0 for none
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(super) resamples: usize,
    /// What the resamples start from
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    /// Compare with the same rows under this policy
    #[arg(long, value_name = "FILE")]
    pub(super) against_policy: Option<PathBuf>,
    /// Compare with the same rows under these word lists and rules
    #[arg(long, value_name = "DIR")]
    pub(super) against_wordlists: Option<PathBuf>,
    /// Compare with the same rows under these models
    #[arg(long, value_name = "DIR")]
    pub(super) against_models: Option<PathBuf>,
    /// Compare with the same rows by word lists and rules alone
    #[arg(long, conflicts_with = "against_models")]
    pub(super) against_no_models: bool,
    /// Print the report as one line of JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Also write the report, with curves, as a page that needs nothing else
    #[arg(long, value_name = "PAGE")]
    pub(super) html: Option<PathBuf>,
    /// Replace the page if it is there
    #[arg(long, requires = "html")]
    pub(super) force: bool,
    /// Worker threads; one a core if absent
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
    /// No progress on standard error
    #[arg(short, long)]
    pub(super) quiet: bool,
}

impl Eval {
    /// Whether a second system judges the rows as well.
    pub(super) fn compares(&self) -> bool {
        self.against_policy.is_some()
            || self.against_wordlists.is_some()
            || self.against_models.is_some()
            || self.against_no_models
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.0..=1.0).contains(&rate) => Ok(rate),
        _ => Err("expected a share of 0 to 1".to_owned()),
    }
}
