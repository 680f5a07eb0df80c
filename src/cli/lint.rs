//! `promptgate wordlist lint`: what is wrong, doubtful or due in word lists.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use super::args::{Lint, Stages};
use super::human::escaped;
use super::input::{Input, Wanted};
use super::{Failure, tell};
use crate::evidence::Stage;
use crate::lexicon::lint::{self, Check, Date, Finding, Level, Options, Report};
use crate::moderator::Moderator;
use crate::normalize::fold_term;
use crate::policy;
use crate::prompt::Prompt;

/// Seconds of a day.
const DAY: u64 = 86_400;
/// Most prompts that a finding quotes, and most characters of each.
const QUOTED: usize = 3;
const WIDTH: usize = 100;

pub(super) fn run(stages: &Stages, command: &Lint) -> Result<ExitCode, Failure> {
    let named: Vec<&PathBuf> =
        if command.paths.is_empty() { stages.lists().collect() } else { command.paths.iter().collect() };
    let files = if named.is_empty() { lint::compiled_in() } else { read_all(&named)? };
    let mut words = lint::common_words();
    if let Some(path) = &command.dictionary {
        words.extend(read(path, "one word a line")?.lines().map(fold_term).filter(|word| !word.is_empty()));
        words.sort_unstable();
        words.dedup();
    }
    let dictionary: Vec<&str> = words.iter().map(String::as_str).collect();
    let today = command.today.unwrap_or_else(today);
    let mut report = lint::lint(&files, &Options { today, dictionary: &dictionary });
    if let Some(path) = &command.benign {
        let flagged = flagged(stages, command, path, &report)?;
        report.findings.extend(flagged);
    }
    let output: String = report.findings.iter().map(|finding| line(finding, command.json)).collect();
    io::stdout().write_all(output.as_bytes()).map_err(|error| Failure::on_output("standard output", &error))?;
    let errors = report.findings.iter().filter(|finding| finding.level == Level::Error).count();
    let terms: usize = report.lists.iter().map(|list| list.terms.len()).sum();
    tell(format_args!(
        "{} lists, {terms} terms: {errors} errors, {} warnings",
        files.len(),
        report.findings.len() - errors
    ));
    Ok(ExitCode::from(u8::from(errors > 0)))
}

/// A finding as it is printed.
pub(super) fn line(finding: &Finding, json: bool) -> String {
    if json {
        // Findings hold strings and numbers: nothing that JSON cannot say.
        serde_json::to_string(finding).unwrap_or_default() + "\n"
    } else {
        escaped(&finding.to_string(), usize::MAX) + "\n"
    }
}

fn today() -> Date {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Date::from_days(i64::try_from(seconds / DAY).unwrap_or(0))
}

/// The text of a file.
pub(super) fn read(path: &Path, expected: &str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        Failure::File(path.display().to_string(), format!("cannot be read: {error}, expected {expected}"))
    })
}

/// The lists at `paths`, those of a folder in order, as path and text.
fn read_all(paths: &[&PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        if path.is_dir() {
            lists_below(path, &mut files)?;
        } else {
            files.push((*path).clone());
        }
        if files.len() == before {
            return Err(Failure::File(path.display().to_string(), "no `*.csv`, expected word lists".to_owned()));
        }
    }
    let mut seen = HashSet::new();
    files.retain(|file| seen.insert(file.clone()));
    files.iter().map(|file| Ok((file.display().to_string(), read(file, "a word list")?))).collect()
}

fn lists_below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let fail = |error: io::Error| {
        let place = folder.display().to_string();
        Failure::File(place, format!("cannot be read: {error}, expected a folder of word lists"))
    };
    let entries = fs::read_dir(folder).map_err(fail)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            lists_below(&entry, files)?;
        } else if entry.extension().is_some_and(|kind| kind == "csv") {
            files.push(entry);
        }
    }
    Ok(())
}

/// What flagged harmless prompts: how many, and a few of them.
#[derive(Default)]
struct Flagged {
    count: usize,
    last: Option<usize>,
    prompts: Vec<String>,
}

impl Flagged {
    /// Counts prompt `number`, once.
    fn add(&mut self, number: usize, prompt: &str) {
        if self.last.replace(number) != Some(number) {
            self.count += 1;
            if self.prompts.len() < QUOTED {
                self.prompts.push(prompt.to_owned());
            }
        }
    }
}

/// Judges harmless prompts by the lists alone and reports which lists and terms the policy acts upon, worst first.
fn flagged(stages: &Stages, command: &Lint, path: &Path, report: &Report) -> Result<Vec<Finding>, Failure> {
    let policy = stages.policy()?.without_examples().with_explain(policy::Explain::All);
    let mut builder = Moderator::builder(policy).without_builtin_lists().without_models();
    let mut places: HashMap<String, (&str, usize)> = HashMap::new();
    for list in &report.lists {
        for term in &list.terms {
            places.insert(format!("{}:{}", list.id, term.written().replace(' ', "-")), (&list.place, term.line));
        }
        builder = builder.wordlist(list.clone());
    }
    let moderator = builder.build()?;
    let mut by_list: HashMap<&str, Flagged> = HashMap::new();
    let mut by_row: HashMap<(&str, usize), Flagged> = HashMap::new();
    let mut total = 0;
    let wanted = Wanted::prompt_only(&command.prompt_field);
    let mut input = Input::open(path, None, &wanted);
    while let Some(chunk) = input.next_chunk() {
        // A row that cannot be read is an error: a share of part of a corpus is none.
        let prompts = chunk.rows(&wanted).map(|row| Ok(row.content.map_err(Failure::Row)?.prompt));
        let mut prompts = prompts.collect::<Result<Vec<String>, Failure>>()?;
        prompts.retain(|prompt| !prompt.trim().is_empty());
        let asked: Vec<Prompt<'_>> = prompts.iter().map(Prompt::from).collect();
        for (number, (prompt, decision)) in prompts.iter().zip(moderator.check_batch(&asked)).enumerate() {
            for reason in decision.reasons.iter().filter(|reason| reason.stage == Stage::Lexicon) {
                if let Some(&(place, line)) = places.get(reason.rule.as_ref()) {
                    by_list.entry(place).or_default().add(total + number, prompt);
                    by_row.entry((place, line)).or_default().add(total + number, prompt);
                }
            }
        }
        total += prompts.len();
    }
    let say = |what: &str, flagged: &Flagged| {
        let share = 100.0 * flagged.count as f64 / total as f64;
        let mut message = format!("{what} flags {} of {total} harmless prompts ({share:.2}%)", flagged.count);
        if command.show_text {
            let quoted: Vec<String> =
                flagged.prompts.iter().map(|prompt| format!("`{}`", escaped(prompt, WIDTH))).collect();
            message.push_str(": ");
            message.push_str(&quoted.join(", "));
        }
        message
    };
    let mut lists: Vec<_> = by_list.iter().collect();
    lists.sort_by_key(|(place, flagged)| (std::cmp::Reverse(flagged.count), **place));
    let mut rows: Vec<_> = by_row.iter().collect();
    rows.sort_by_key(|(place, flagged)| (std::cmp::Reverse(flagged.count), **place));
    let of_lists =
        lists.into_iter().map(|(place, flagged)| Finding::warning(place, None, Check::Benign, say("list", flagged)));
    let of_rows = rows
        .into_iter()
        .take(command.worst)
        .map(|((place, line), flagged)| Finding::warning(place, Some(*line), Check::Benign, say("term", flagged)));
    Ok(of_lists.chain(of_rows).collect())
}
