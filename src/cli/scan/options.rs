//! The arguments of `promptgate scan`, and those that it shares with other commands over logs.

use std::path::PathBuf;

use clap::ValueEnum;

use super::shard::Shard;
use crate::cli::Failure;
use crate::cli::input::{FieldPath, Format, Wanted};
use crate::policy::Explain;

pub(in crate::cli) const HELP: &str = "One decision per row, in input order. A row that cannot be read becomes a row with an `error`, is counted and makes the
exit status 2. Formats and compression (gzip, zstd) are told by content; a field name with dots leads into nested fields.
A file given by -o grows as FILE.part with FILE.journal beside it: after a crash, ctrl-C or a full disk, `--resume` goes on to the same
output, byte for byte.
Exit status: 0 all allowed, 1 something blocked, 2 an error, even if the rest was scanned, 3 stopped before the end.

Examples:
  promptgate scan prompts.txt > decisions.jsonl
  promptgate scan log.jsonl.gz --prompt-field request.text --id-field request_id -o decisions.jsonl
  promptgate scan 'logs/2026-*/' --keep channel,model -o decisions.parquet --report report/
  promptgate scan logs/ -o decisions.jsonl.zst --resume
  promptgate scan logs/ --report report/ --time-field created_at --user-field user.id --shadow stricter.toml > /dev/null
  promptgate scan logs/ --shard 3/16 -o part-3.jsonl && promptgate merge part-*.jsonl -o decisions.jsonl";

/// What is read of a log, and by how many.
#[derive(clap::Args)]
pub(in crate::cli) struct Reading {
    /// Files, folders or patterns of prompts; standard input if none or `-`
    #[arg(value_name = "FILE|DIR|PATTERN")]
    pub(super) inputs: Vec<String>,
    /// How rows are written, instead of what name and content say
    #[arg(long, value_name = "FORMAT")]
    pub(super) input_format: Option<Format>,
    /// Field of the prompt
    #[arg(long, value_name = "FIELD", default_value = "prompt")]
    prompt_field: String,
    /// Field of the negative prompt, where a row has one
    #[arg(long, value_name = "FIELD", default_value = "negative")]
    negative_field: String,
    /// Field of the row's id; the line number if absent, behind the name of the file where there are several
    #[arg(long, value_name = "FIELD")]
    id_field: Option<String>,
    /// Worker threads; one a core if absent
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
    /// No progress and no summary on standard error
    #[arg(short, long, conflicts_with = "json_progress")]
    pub(in crate::cli) quiet: bool,
    /// Progress as one line of JSON a second on standard error
    #[arg(long)]
    pub(super) json_progress: bool,
}

#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(in crate::cli) struct Scan {
    #[command(flatten)]
    pub(super) reading: Reading,
    /// Field that names the user, for the report's repeat offenders; neither output nor report holds it
    #[arg(long, value_name = "FIELD", requires = "report")]
    pub(super) user_field: Option<String>,
    /// Key that makes pseudonyms of users, made if it is not there; beside the report, as DIR.key, if absent
    #[arg(long, value_name = "FILE", requires = "user_field")]
    user_key: Option<PathBuf>,
    /// Field of the time (RFC 3339, or seconds or milliseconds since 1970), for the report
    #[arg(long, value_name = "FIELD", requires = "report")]
    time_field: Option<String>,
    /// Fields to copy to the output
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',')]
    keep: Vec<String>,
    /// Let the largest model read every prompt, however sure the smaller ones are
    #[arg(long)]
    pub(super) second_opinion: bool,
    /// Write here instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replace output and report if they are there, or an unfinished scan
    #[arg(long, conflicts_with = "resume")]
    pub(super) force: bool,
    /// Go on with a scan that was cut off
    #[arg(long, requires = "output")]
    pub(super) resume: bool,
    /// How decisions are written; by default what the name of the output says, else JSONL
    #[arg(long, value_name = "FORMAT")]
    output_format: Option<OutputFormat>,
    /// Write a summary (summary.json) and a page to look at (report.html) to this folder
    #[arg(long, value_name = "DIR")]
    pub(super) report: Option<PathBuf>,
    /// Let output and report quote prompts
    #[arg(long)]
    pub(super) show_text: bool,
    /// Add the microseconds each decision took
    #[arg(long)]
    pub(super) timing: bool,
    /// Another policy that decides about every row as well, without effect: output and report say where it differs
    #[arg(long, value_name = "POLICY")]
    pub(super) shadow: Option<PathBuf>,
    /// Decisions that are kept in memory for prompts that come again; 0 keeps none
    #[arg(long, value_name = "N", default_value_t = CACHE)]
    pub(super) cache: usize,
    /// Scan only the rows of one of N shards, which together hold every row once
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Shard>,
}

/// Decisions that are kept unless somebody says otherwise.
pub(in crate::cli) const CACHE: usize = 20_000;

/// How decisions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OutputFormat {
    /// One JSON object a row
    Jsonl,
    /// The same, compressed by zstd
    JsonlZst,
    /// A Parquet file with typed columns
    Parquet,
    /// A table for people
    Table,
}

impl OutputFormat {
    /// What a name or a wish says.
    pub(super) fn of(wish: Option<Self>, path: Option<&std::path::Path>) -> Self {
        let by_name = || {
            let name = path?.file_name()?.to_str()?.to_ascii_lowercase();
            Some(match name.rsplit('.').next()? {
                "parquet" => Self::Parquet,
                "zst" | "zstd" => Self::JsonlZst,
                _ => return None,
            })
        };
        wish.or_else(by_name).unwrap_or(Self::Jsonl)
    }

    /// Whether rows lie in zstd frames while the scan goes on.
    pub(super) fn is_spooled_in_zstd(self) -> bool {
        matches!(self, Self::JsonlZst | Self::Parquet)
    }
}

impl Reading {
    /// The fields that every command over logs reads.
    pub(in crate::cli) fn wanted(&self, several: bool) -> Wanted {
        Wanted {
            prompt: FieldPath::new(&self.prompt_field),
            negative: Some(FieldPath::new(&self.negative_field)),
            id: self.id_field.as_deref().map(FieldPath::new),
            user: None,
            time: None,
            keep: Vec::new(),
            several,
        }
    }
}

impl Scan {
    /// The fields that matter.
    pub(super) fn wanted(&self, several: bool) -> Wanted {
        let path = |name: &Option<String>| name.as_deref().map(FieldPath::new);
        Wanted {
            user: path(&self.user_field),
            time: path(&self.time_field),
            keep: self.keep.iter().map(|name| FieldPath::new(name)).collect(),
            ..self.reading.wanted(several)
        }
    }

    /// Refuses what could not be made use of in the end.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let fail = |what: &str, message: &str| Err(Failure::File(what.to_owned(), message.to_owned()));
        if self.shard.is_none() {
            return Ok(());
        }
        if self.output.as_deref().is_none_or(|path| path == std::path::Path::new("-")) {
            return fail("--shard", "no output file, expected one (-o), which `merge` puts together with the others");
        }
        if !matches!(self.format(), OutputFormat::Jsonl | OutputFormat::JsonlZst) {
            return fail("--shard", "neither JSONL nor JSONL in zstd, expected that of shards; `merge` writes Parquet");
        }
        if self.user_key().is_some_and(|key| !key.exists()) {
            let message = "no key, expected one that all shards have (--user-key): 64 hexadecimal digits, mode 0600";
            return fail("--shard", message);
        }
        Ok(())
    }

    /// How decisions are written.
    pub(super) fn format(&self) -> OutputFormat {
        OutputFormat::of(self.output_format, self.output.as_deref())
    }

    /// The file of the key that makes pseudonyms, if users are named.
    pub(super) fn user_key(&self) -> Option<PathBuf> {
        self.user_field.as_ref()?;
        let beside_report = || {
            // Without a slash at the end, which would put the key into the folder that is shown to others.
            let report: PathBuf = self.report.as_deref()?.components().collect();
            Some(super::files::beside(&report, ".key"))
        };
        self.user_key.clone().or_else(beside_report)
    }

    /// What the scan writes beside its output; an output among the inputs is refused.
    pub(super) fn own(&self) -> Vec<PathBuf> {
        [self.report.clone(), self.user_key()].into_iter().flatten().collect()
    }

    /// The arguments that change what is written, for a scan that goes on, and that a plan does not hold by themselves.
    pub(super) fn signature(&self, explain: Option<Explain>) -> String {
        let Reading { input_format, prompt_field, negative_field, id_field, .. } = &self.reading;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let mut parts = vec![
            format!("prompt={prompt_field}"),
            format!("negative={negative_field}"),
            format!("id={}", text(id_field)),
        ];
        let mut add = |is_given: bool, part: String| parts.extend(is_given.then_some(part));
        add(input_format.is_some(), format!("input-format={input_format:?}"));
        add(explain.is_some(), format!("explain={explain:?}"));
        add(self.user_field.is_some(), format!("user={}", text(&self.user_field)));
        add(self.time_field.is_some(), format!("time={}", text(&self.time_field)));
        add(!self.keep.is_empty(), format!("keep={}", self.keep.join(",")));
        add(self.second_opinion, "second-opinion".to_owned());
        add(self.show_text, "show-text".to_owned());
        add(self.timing, "timing".to_owned());
        add(self.report.is_some(), "report".to_owned());
        parts.join(" ")
    }
}
