//! The arguments, as clap reads them.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::Failure;
use super::eval::{self, Eval};
use super::input::FieldNames;
use crate::lexicon::Wordlist;
use crate::lexicon::lint::Date;
use crate::moderator::Moderator;
use crate::policy::{self, Policy};
use crate::prompt::Dialect;

const EXAMPLES: &str = "Examples:
  promptgate check 'a lighthouse at dusk --ar 3:2'
  promptgate scan prompts.jsonl --id-field id -o decisions.jsonl
  tail -n 1000 prompts.txt | promptgate scan --output-format table --show-text";

/// Decides allow or block for image-generation prompts, with reasons.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) stages: Stages,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What replaces or extends the parts that are compiled in.
#[derive(Clone, clap::Args)]
pub(super) struct Stages {
    /// Policy file instead of the default policy
    #[arg(long, global = true, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Folder of word lists and rules instead of the ones compiled in
    #[arg(long, global = true, value_name = "DIR")]
    wordlists: Option<PathBuf>,
    /// One more word list; may be repeated
    #[arg(long, global = true, value_name = "FILE")]
    wordlist: Vec<PathBuf>,
    /// Folder of models (`screen`, `main` and perhaps `expert`) instead of the shipped ones
    #[arg(long, global = true, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Decide by word lists and rules alone
    #[arg(long, global = true, conflicts_with = "models")]
    no_models: bool,
    /// Name the first reason of each category, or every one
    #[arg(long, global = true, value_name = "HOW")]
    explain: Option<ExplainArg>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ExplainArg {
    First,
    All,
}

impl Stages {
    /// The policy these arguments name.
    pub(super) fn policy(&self) -> Result<Policy, Failure> {
        Ok(match &self.policy {
            Some(path) => Policy::load(path)?,
            None => Policy::default_policy()?,
        })
    }

    /// The same but for what is given.
    pub(super) fn but(
        &self,
        policy: Option<&PathBuf>,
        wordlists: Option<&PathBuf>,
        models: Option<&PathBuf>,
        no_models: bool,
    ) -> Self {
        let mut other = self.clone();
        other.policy = policy.or(self.policy.as_ref()).cloned();
        other.wordlists = wordlists.or(self.wordlists.as_ref()).cloned();
        other.models = models.or(self.models.as_ref()).cloned();
        other.no_models = no_models || self.no_models && models.is_none();
        other
    }

    /// The folder and the files of word lists these arguments name.
    pub(super) fn lists(&self) -> impl Iterator<Item = &PathBuf> {
        self.wordlists.iter().chain(&self.wordlist)
    }

    /// Builds the moderator these arguments describe.
    pub(super) fn moderator(&self) -> Result<Moderator, Failure> {
        let policy = self.policy()?;
        let policy = match self.explain {
            Some(ExplainArg::First) => policy.with_explain(policy::Explain::First),
            Some(ExplainArg::All) => policy.with_explain(policy::Explain::All),
            None => policy,
        };
        let mut builder = Moderator::builder(policy);
        if let Some(folder) = &self.wordlists {
            builder = builder.wordlists_from(folder);
        }
        for path in &self.wordlist {
            let place = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::File(place.clone(), format!("cannot be read: {error}, expected a word list"))
            })?;
            builder = builder.wordlist(Wordlist::parse(&place, &text)?);
        }
        if let Some(folder) = &self.models {
            builder = builder.models_from(folder);
        }
        if self.no_models {
            builder = builder.without_models();
        }
        Ok(builder.build()?)
    }
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Decide about one prompt
    #[command(after_help = "Exit status: 0 allow, 1 review or block, 2 error.

Examples:
  promptgate check 'slices of blood orange'
  echo 'portrait of a knight' | promptgate check --negative 'nude, gore' --json")]
    Check(Check),
    /// Tell how the decision about one prompt comes about
    #[command(
        after_help = "Shows how the prompt was parsed (roles, weights, alternatives), the views in which disguises are undone and the
sign that opened each, every term found and the exception that excused it, rules that fired and rules that a word
silenced, the scores and the decision. Every stage runs, even where a check would stop. The output quotes the prompt.
Exit status: 0 allow, 1 review or block, 2 error.

Examples:
  promptgate explain 'wedding table with a naked cake --no nudity'
  echo '{oil, ink} painting of a kn1ght' | promptgate --no-models explain --dialect midjourney --json -"
    )]
    Explain(Explain),
    /// Decide about every prompt of files: JSONL, or one prompt a line
    #[command(
        after_help = "One decision per row, in input order. A row that cannot be read becomes a row with an `error`.
Exit status: 0 all allowed, 1 something blocked, 2 an error, even if the rest was scanned.

Examples:
  promptgate scan prompts.txt > decisions.jsonl
  promptgate scan log.jsonl --prompt-field text --id-field request_id -o decisions.jsonl"
    )]
    Scan(Scan),
    /// Measure how well labelled prompts are judged
    #[command(after_help = eval::HELP)]
    Eval(Eval),
    /// Look after word lists
    Wordlist {
        #[command(subcommand)]
        command: WordlistCommand,
    },
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

#[derive(Subcommand)]
pub(super) enum WordlistCommand {
    /// Report what is wrong, doubtful or due in word lists
    #[command(
        after_help = "One line a finding, `path:line: message`, all of them and not only the first; the lists are held against each other
as well. Without paths the lists compiled in are looked over, or those of `--wordlists` and `--wordlist`.

Errors: what a loader refuses (columns, values, terms unsorted, there twice or not folded), terms that stand for the same,
an `# expires:` date that has passed. Warnings: a blocking term that another one of its category already catches, an
`# expires:` date within 60 days, a star that hits words of the dictionary, terms that flag harmless prompts.
Exit status: 0 no errors (warnings allowed), 1 errors in lists, 2 something could not be read.

Examples:
  promptgate wordlist lint
  promptgate wordlist lint house.csv wordlists/gore --dictionary /usr/share/dict/words
  promptgate wordlist lint house.csv --benign harmless.jsonl --prompt-field text --json"
    )]
    Lint(Lint),
}

#[derive(clap::Args)]
pub(super) struct Lint {
    /// Word lists, or folders of them
    #[arg(value_name = "FILE|DIR")]
    pub(super) paths: Vec<PathBuf>,
    /// The day that `# expires:` dates are compared with, instead of the clock's (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(super) today: Option<Date>,
    /// Words that a star should not hit, one a line, besides the common ones of the built-in vocabulary
    #[arg(long, value_name = "FILE")]
    pub(super) dictionary: Option<PathBuf>,
    /// Harmless prompts, JSONL or one a line: report which lists and terms flag them, worst first
    #[arg(long, value_name = "FILE")]
    pub(super) benign: Option<PathBuf>,
    /// JSON field of the prompt in `--benign`
    #[arg(long, value_name = "FIELD", default_value = "prompt")]
    pub(super) prompt_field: String,
    /// Most terms that `--benign` reports
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) worst: usize,
    /// Let the output quote harmless prompts that are flagged
    #[arg(long, requires = "benign")]
    pub(super) show_text: bool,
    /// Print each finding as one line of JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Scan {
    /// The JSON fields that matter.
    pub(super) fn field_names(&self) -> FieldNames<'_> {
        FieldNames { prompt: &self.prompt_field, negative: Some(&self.negative_field), id: self.id_field.as_deref() }
    }
}

#[derive(clap::Args)]
pub(super) struct Check {
    /// The prompt; standard input if absent or `-`
    pub(super) prompt: Option<String>,
    /// The separate negative prompt
    #[arg(long)]
    pub(super) negative: Option<String>,
    /// plain, midjourney or stable-diffusion; detected if absent
    #[arg(long)]
    pub(super) dialect: Option<Dialect>,
    /// Let the largest model read the prompt, however sure the smaller ones are
    #[arg(long)]
    pub(super) second_opinion: bool,
    /// Print the decision as one line of JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Let the output quote the prompt
    #[arg(long)]
    pub(super) show_text: bool,
}

#[derive(clap::Args)]
pub(super) struct Explain {
    /// The prompt, which the output quotes; standard input if absent or `-`
    pub(super) prompt: Option<String>,
    /// The separate negative prompt
    #[arg(long)]
    pub(super) negative: Option<String>,
    /// plain, midjourney or stable-diffusion; detected if absent
    #[arg(long)]
    pub(super) dialect: Option<Dialect>,
    /// Print the explanation as one line of JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Scan {
    /// Files to scan; standard input if none or `-`
    pub(super) files: Vec<PathBuf>,
    /// How rows are written; by default JSONL if the first one starts with `{`
    #[arg(long, value_name = "FORMAT")]
    pub(super) input_format: Option<InputFormat>,
    /// JSON field of the prompt
    #[arg(long, value_name = "FIELD", default_value = "prompt")]
    pub(super) prompt_field: String,
    /// JSON field of the negative prompt, where a row has one
    #[arg(long, value_name = "FIELD", default_value = "negative")]
    pub(super) negative_field: String,
    /// JSON field of the row's id; the line number if absent
    #[arg(long, value_name = "FIELD")]
    pub(super) id_field: Option<String>,
    /// Let the largest model read every prompt, however sure the smaller ones are
    #[arg(long)]
    pub(super) second_opinion: bool,
    /// Write here instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replace the output file if it is there
    #[arg(long, requires = "output")]
    pub(super) force: bool,
    /// One JSON object a row, or a table for people
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    pub(super) output_format: OutputFormat,
    /// Let the output quote the prompts
    #[arg(long)]
    pub(super) show_text: bool,
    /// Add the microseconds each decision took
    #[arg(long)]
    pub(super) timing: bool,
    /// Worker threads; one a core if absent
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
    /// No progress and no summary on standard error
    #[arg(short, long)]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum InputFormat {
    /// One JSON object a line
    Jsonl,
    /// One prompt a line
    Lines,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// One JSON object a row
    Jsonl,
    /// A table for people
    Table,
}
