//! The arguments, as clap reads them.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::Failure;
use super::bench::{self, Bench};
use super::diff::{self, Diff};
use super::eval::{self, Eval};
use super::preview::{self, Preview};
use super::scan::merge::{self, Merge};
use super::scan::{self, Scan};
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
    /// The policy file these arguments name.
    pub(super) fn policy_file(&self) -> Option<&PathBuf> {
        self.policy.as_ref()
    }

    /// The policy these arguments name.
    pub(super) fn policy(&self) -> Result<Policy, Failure> {
        let policy = match &self.policy {
            Some(path) => Policy::load(path)?,
            None => Policy::default_policy()?,
        };
        Ok(match self.explain() {
            Some(explain) => policy.with_explain(explain),
            None => policy,
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

    /// The same under the policy in a file, or the one that is compiled in for `default`.
    pub(super) fn named(&self, policy: &Path) -> Self {
        let is_default = policy == Path::new("default") && !policy.exists();
        Self { policy: (!is_default).then(|| policy.to_owned()), ..self.clone() }
    }

    /// The folder and the files of word lists these arguments name.
    pub(super) fn lists(&self) -> impl Iterator<Item = &PathBuf> {
        self.wordlists.iter().chain(&self.wordlist)
    }

    /// The folder of models these arguments name.
    pub(super) fn models_folder(&self) -> Option<&PathBuf> {
        self.models.as_ref()
    }

    /// How much decisions explain, where these arguments say so.
    pub(super) fn explain(&self) -> Option<policy::Explain> {
        self.explain.map(|explain| match explain {
            ExplainArg::First => policy::Explain::First,
            ExplainArg::All => policy::Explain::All,
        })
    }

    /// Builds the moderator these arguments describe.
    pub(super) fn moderator(&self) -> Result<Moderator, Failure> {
        self.moderator_under(self.policy()?, None)
    }

    /// The same under another policy, and with one more list.
    pub(super) fn moderator_under(&self, policy: Policy, list: Option<Wordlist>) -> Result<Moderator, Failure> {
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
        if let Some(list) = list {
            builder = builder.wordlist(list);
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
    /// Decide about every prompt of files: JSONL, CSV, Parquet or one prompt a line, compressed or not
    #[command(after_help = scan::HELP)]
    Scan(Scan),
    /// Put the outputs of a scan's shards together
    #[command(after_help = merge::HELP)]
    Merge(Merge),
    /// Measure how fast prompts are decided about
    #[command(after_help = bench::HELP)]
    Bench(Bench),
    /// Measure how well labelled prompts are judged
    #[command(after_help = eval::HELP)]
    Eval(Eval),
    /// Look after word lists
    Wordlist {
        #[command(subcommand)]
        command: WordlistCommand,
    },
    /// Look after policies
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

impl Command {
    /// Whether it may run for hours.
    pub(super) fn reads_logs(&self) -> bool {
        match self {
            Self::Scan(_) | Self::Bench(_) => true,
            Self::Policy { command } => matches!(command, PolicyCommand::Diff(_)),
            Self::Wordlist { command } => matches!(command, WordlistCommand::Preview(_)),
            Self::Check(_) | Self::Explain(_) | Self::Merge(_) | Self::Eval(_) | Self::Completions { .. } => false,
        }
    }
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
    /// Tell what a new term or list would stop, before it is deployed
    #[command(after_help = preview::HELP)]
    Preview(Preview),
}

#[derive(Subcommand)]
pub(super) enum PolicyCommand {
    /// Report what is wrong or doubtful in policies
    #[command(
        after_help = "One line a finding, `path:line: message`, all of them and not only the first. Without files the policy of `--policy` is looked
over, or the default one; always with the lists, rules and models of the other options.

Errors: what a loader refuses, and every `must_allow` or `must_block` example that gets another verdict, named by its line.
Warnings: what lets violations pass (`action` or `on_error` that allows), what never counts (a `severity` that no list or
rule reaches, thresholds that the bands of the cascade contradict), scores other than those the models came with, empty
texts, limits out of reason, no examples at all.
Exit status: 0 no errors (warnings allowed), 1 errors in policies, 2 something could not be read.

Examples:
  promptgate policy lint
  promptgate policy lint mine.toml strict.toml --no-models
  promptgate --wordlist house.csv policy lint mine.toml --show-text --json"
    )]
    Lint(PolicyLint),
    /// Print the policy in force, with the lists, rules and models it decides with
    #[command(
        after_help = "Every setting with its value and where it comes from, then word lists, rules and models. The prompts of examples are not
printed. Examples are not judged: `promptgate policy lint` does that.

Examples:
  promptgate policy show
  promptgate --policy mine.toml --explain all policy show --json"
    )]
    Show(PolicyShow),
    /// Tell what another policy would do to a log
    #[command(after_help = diff::HELP)]
    Diff(Diff),
}

#[derive(clap::Args)]
pub(super) struct PolicyLint {
    /// Policy files
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Let the output quote examples whose verdict differs
    #[arg(long)]
    pub(super) show_text: bool,
    /// Print each finding as one line of JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(clap::Args)]
pub(super) struct PolicyShow {
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
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
