//! `promptgate wordlist preview`: what a new term or list would stop in a log, and what the models say of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::args::Stages;
use super::input::{Chunk, Row, Wanted};
use super::scan::{Log, Reading, SAMPLES, Totals, sample_text, stopped};
use super::table::{Line, Table, write_table};
use super::{Failure, print};
use crate::category::{Category, Severity};
use crate::decision::{Decision, Verdict};
use crate::evidence::Stage;
use crate::lexicon::{ListKind, Wordlist};
use crate::moderator::{Moderator, Scratch};
use crate::normalize::fold_term;
use crate::policy::Explain;
use crate::prompt::Prompt;

pub(super) const HELP: &str = "Tells for each term how many rows it hits, how many of them are stopped today (by lists and rules, or by models), how many
would be stopped newly, and how many the models call harmless. Exceptions that are deployed count. A term that models call
harmless most of the time wants an exception, a longer phrase or another severity.
Samples of what would be stopped newly show the shape of a prompt and not its words, unless `--show-text` is given.
Exit status: 0 nothing would be stopped newly, 1 something would, 2 an error, even if the rest was read, 3 stopped before the end.

Examples:
  promptgate wordlist preview 'see-through' --category adult logs/2026-11/
  promptgate wordlist preview house.csv log.jsonl --prompt-field text --json";

/// The id of a list that holds a term given by itself.
const ID: &str = "preview";

#[derive(clap::Args)]
pub(super) struct Preview {
    /// A term, or the file of a word list
    #[arg(value_name = "TERM|FILE")]
    new: String,
    #[command(flatten)]
    reading: Reading,
    /// Category of a term
    #[arg(long, value_parser = category)]
    category: Option<Category>,
    /// Severity of a term
    #[arg(long, default_value = "high", value_parser = severity)]
    severity: Severity,
    /// How a term is matched: word, forms or exact
    #[arg(long = "match", value_name = "HOW", default_value = "forms")]
    matching: String,
    /// Let samples quote prompts
    #[arg(long)]
    show_text: bool,
    /// Print one line of JSON instead of tables
    #[arg(long)]
    json: bool,
}

fn category(text: &str) -> Result<Category, String> {
    let expected = || Category::ALL.iter().map(|category| category.id()).collect::<Vec<_>>().join(", ");
    Category::ALL
        .into_iter()
        .find(|category| category.id() == text)
        .ok_or_else(|| format!("expected one of {}", expected()))
}

fn severity(text: &str) -> Result<Severity, String> {
    let all = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    all.into_iter()
        .find(|severity| severity.to_string() == text)
        .ok_or_else(|| "expected low, medium, high or critical".to_owned())
}

/// What a term does to a log.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Effect {
    /// Rows in which it is found, exceptions considered.
    rows: u64,
    /// Those that lists and rules stop today.
    stopped_by_lists: u64,
    /// Those that models alone stop today.
    stopped_by_models: u64,
    /// Those that nothing stops today, and that would be stopped.
    newly_stopped: u64,
    /// Those of which the models say that they are harmless.
    models_call_harmless: u64,
    /// Those that the models read.
    models_read: u64,
}

/// A row that would be stopped newly.
#[derive(Debug, Serialize)]
struct Sample {
    id: String,
    terms: Vec<String>,
    text: String,
}

/// What the new terms do to a log.
#[derive(Debug, Default, Serialize)]
struct Effects {
    #[serde(skip)]
    totals: Totals,
    all: Effect,
    terms: BTreeMap<String, Effect>,
    samples: Vec<Sample>,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Found<'a> {
    schema: u32,
    policy: &'a str,
    list: &'a str,
    /// Whether the log was read to its end.
    whole: bool,
    rows: u64,
    errors: u64,
    #[serde(flatten)]
    effects: &'a Effects,
}

impl Effect {
    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.stopped_by_lists += other.stopped_by_lists;
        self.stopped_by_models += other.stopped_by_models;
        self.newly_stopped += other.newly_stopped;
        self.models_call_harmless += other.models_call_harmless;
        self.models_read += other.models_read;
    }
}

impl Effects {
    fn add(&mut self, other: Self) {
        self.totals.add(other.totals);
        self.all.add(other.all);
        for (term, effect) in other.terms {
            self.terms.entry(term).or_default().add(effect);
        }
        self.samples.extend(other.samples);
        self.samples.truncate(SAMPLES);
    }
}

/// The moderators before and after.
struct Judge<'a> {
    /// What is deployed, models included; all stages run.
    now: Moderator,
    /// Lists and rules with the new list; all stages run.
    with_list: Moderator,
    /// What rules of the new list begin with.
    prefix: String,
    wanted: &'a Wanted,
    show_text: bool,
}

pub(super) fn run(stages: &Stages, options: &Preview) -> Result<ExitCode, Failure> {
    let mut log = Log::open(&options.reading, &[])?;
    let list = list(options)?;
    let id = list.id.clone();
    // A new version of a list that is deployed stands beside the old one.
    let list = Wordlist { id: ID.to_owned(), ..list };
    let policy = stages.policy()?.with_explain(Explain::All);
    let (now, with_list) = std::thread::scope(|scope| {
        let without_promises = policy.clone().without_examples();
        let with_list =
            scope.spawn(|| stages.but(None, None, None, true).moderator_under(without_promises, Some(list)));
        (stages.moderator_under(policy, None), with_list.join())
    });
    let died = |_| Failure::File("wordlist preview".to_owned(), "loading the lists panicked".to_owned());
    let wanted = options.reading.wanted(log.has_several());
    let (now, with_list) = (now?, with_list.map_err(died)??);
    let judge = Judge { now, with_list, prefix: format!("{ID}:"), wanted: &wanted, show_text: options.show_text };
    let mut effects = Effects::default();
    let take = |more| {
        effects.add(more);
        Ok(effects.totals)
    };
    let whole = log.pass(&wanted, |_, chunk| judge.judge(chunk), take)?;
    log.end(&effects.totals, whole);
    let (rows, errors) = (effects.totals.rows, effects.totals.errors);
    if options.json {
        let policy = judge.now.policy_name();
        let found = Found { schema: 1, policy, list: &id, whole, rows, errors, effects: &effects };
        print(&(serde_json::to_string(&found).unwrap_or_default() + "\n"))?;
    } else {
        print(&text(&effects, whole))?;
    }
    Ok(if whole { effects.totals.status(effects.all.newly_stopped > 0) } else { stopped() })
}

/// The list in the file, or one that holds the term.
fn list(options: &Preview) -> Result<Wordlist, Failure> {
    let path = Path::new(&options.new);
    if path.is_file() {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::File(options.new.clone(), format!("cannot be read: {error}, expected a word list"))
        })?;
        let list = Wordlist::parse(&options.new, &text)?;
        let fail = |message: &str| Err(Failure::File(options.new.clone(), message.to_owned()));
        if list.kind != ListKind::Block {
            return fail("a list that does not block, expected one of `# kind: block`");
        }
        if options.category.is_some() {
            return fail("a list with a category of its own, expected no `--category`");
        }
        return Ok(list);
    }
    let Some(category) = options.category else {
        let message = "no file of this name, expected a word list, or a term with its `--category`".to_owned();
        return Err(Failure::File(options.new.clone(), message));
    };
    let Preview { severity, matching, .. } = options;
    let term = if matching == "exact" { options.new.clone() } else { fold_term(&options.new) };
    let term = format!("\"{}\"", term.replace('"', "\"\""));
    let text = format!(
        "# id: {ID}\n# kind: block\n# category: {category}\n# source: command line\n# licence: CC0-1.0\n# reviewed: 1970-01-01\n\
         term,severity,match,note\n{term},{severity},{matching},\n"
    );
    Ok(Wordlist::parse("the new term", &text)?)
}

impl Judge<'_> {
    fn judge(&self, chunk: Chunk) -> Effects {
        let (mut effects, mut scratch) = (Effects::default(), Scratch::default());
        for row in chunk.rows(self.wanted) {
            self.count(&row, &mut scratch, &mut effects);
        }
        effects
    }

    fn count(&self, row: &Row, scratch: &mut Scratch, effects: &mut Effects) {
        let Ok(content) = &row.content else {
            effects.totals.count_error();
            return;
        };
        effects.totals.rows += 1;
        let prompt = Prompt { negative: content.negative.as_deref(), ..Prompt::new(&content.prompt) };
        let with_list = self.with_list.check_with(scratch, prompt);
        let mut terms: Vec<String> = with_list
            .reasons
            .iter()
            .filter_map(|reason| reason.rule.strip_prefix(&self.prefix))
            .map(str::to_owned)
            .collect();
        if terms.is_empty() {
            return;
        }
        terms.sort_unstable();
        terms.dedup();
        let now = self.now.check_with(scratch, prompt);
        let effect = effect(&now, &with_list);
        effects.all.add(effect);
        for term in &terms {
            effects.terms.entry(term.clone()).or_default().add(effect);
        }
        if effect.newly_stopped > 0 && effects.samples.len() < SAMPLES {
            let of_list = with_list.reasons.iter().filter(|reason| reason.rule.starts_with(&self.prefix));
            let text = sample_text(&content.prompt, self.show_text, of_list);
            effects.samples.push(Sample { id: row.id.clone(), terms, text });
        }
    }
}

/// What the new list does to a row that it hits.
fn effect(now: &Decision, with_list: &Decision) -> Effect {
    let by_model = |stage: Stage| matches!(stage, Stage::Screen | Stage::Main | Stage::Expert);
    let stopped = now.verdict > Verdict::Allow;
    let by_lists = now.reasons.iter().any(|reason| !by_model(reason.stage));
    let harmless = !now.reasons.iter().any(|reason| by_model(reason.stage));
    Effect {
        rows: 1,
        stopped_by_lists: u64::from(stopped && by_lists),
        stopped_by_models: u64::from(stopped && !by_lists),
        newly_stopped: u64::from(!stopped && with_list.verdict > Verdict::Allow),
        models_call_harmless: u64::from(now.scores.is_some() && harmless),
        models_read: u64::from(now.scores.is_some()),
    }
}

fn text(effects: &Effects, whole: bool) -> String {
    let columns = ["term", "rows", "stopped by lists", "by models", "newly stopped", "models: harmless"];
    let mut table = Table::numbers("What the new terms do", &columns).note(format!(
        "{} rows were read; every other column counts some of the rows that a term hits.",
        effects.totals.rows
    ));
    let mut ranked: Vec<(&str, Effect)> = effects.terms.iter().map(|(term, effect)| (term.as_str(), *effect)).collect();
    ranked.sort_by_key(|(_, effect)| std::cmp::Reverse((effect.newly_stopped, effect.rows)));
    for (term, effect) in ranked.into_iter().chain([("all", effects.all)]) {
        let harmless = match effect.models_read {
            0 => "-".to_owned(),
            read => format!(
                "{} ({:.0} %)",
                effect.models_call_harmless,
                effect.models_call_harmless as f64 * 100.0 / read as f64
            ),
        };
        table.push([
            term.to_owned(),
            effect.rows.to_string(),
            effect.stopped_by_lists.to_string(),
            effect.stopped_by_models.to_string(),
            effect.newly_stopped.to_string(),
            harmless,
        ]);
    }
    let mut text = String::new();
    if !whole {
        text.push_str("STOPPED BEFORE THE END: the rest of the log is not counted\n");
    }
    write_table(&mut text, &table);
    if !effects.samples.is_empty() {
        let mut samples = Table::texts("Newly stopped, the first ones", &["row", "term"]);
        for sample in &effects.samples {
            let cells = vec![sample.id.clone(), sample.terms.join(", ")];
            samples.lines.push(Line { cells, below: Some(sample.text.clone()) });
        }
        text.push('\n');
        write_table(&mut text, &samples);
    }
    text
}
