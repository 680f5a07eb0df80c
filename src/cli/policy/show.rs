//! `promptgate policy show`: the policy in force, and what it decides with.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::settings::{Setting, settings};
use crate::cli::Failure;
use crate::cli::args::{PolicyShow, Stages};
use crate::cli::human::escaped;
use crate::decision::Verdict;
use crate::evidence::Stage;
use crate::inventory::{InventoryList, InventoryRules, Origin};
use crate::moderator::Moderator;
use crate::policy::Example;

/// Longest value of a setting on the terminal; JSON has all of it.
const WIDTH: usize = 60;

/// Everything that decides. The JSON form is public API.
#[derive(Serialize)]
struct Shown<'a> {
    schema: u32,
    /// Name and hash of the policy with its lists and rules.
    policy: &'a str,
    place: &'a str,
    settings: Vec<Setting>,
    examples: Vec<ShownExample>,
    lists: &'a [InventoryList],
    rules: &'a [InventoryRules],
    /// The smallest first.
    models: Vec<ShownModel<'a>>,
}

/// A model.
#[derive(Serialize)]
struct ShownModel<'a> {
    stage: Stage,
    /// Name and hash.
    name: &'a str,
    /// Its folder.
    place: String,
    origin: Origin,
}

/// An example of the policy without its prompt.
#[derive(Serialize)]
struct ShownExample {
    verdict: Verdict,
    models: bool,
    line: usize,
}

pub(in crate::cli) fn run(stages: &Stages, command: &PolicyShow) -> Result<ExitCode, Failure> {
    let policy = stages.policy()?;
    // What a policy promises is no part of what it decides: a broken promise is a matter of `policy lint`.
    let moderator = stages.moderator_under(policy.clone().without_examples(), None)?;
    let inventory = moderator.inventory();
    let example =
        |example: Example<'_>| ShownExample { verdict: example.verdict, models: example.models, line: example.line };
    let shown = Shown {
        schema: 1,
        policy: moderator.policy_name(),
        place: policy.place(),
        settings: settings(&policy, stages.explain()),
        examples: policy.examples().map(example).collect(),
        lists: &inventory.lists,
        rules: &inventory.rules,
        models: models(stages, &moderator),
    };
    let output = if command.json {
        let object =
            serde_json::to_string(&shown).map_err(|error| Failure::File("output".to_owned(), error.to_string()))?;
        object + "\n"
    } else {
        shown.page()
    };
    io::stdout().write_all(output.as_bytes()).map_err(|error| Failure::on_output("standard output", &error))?;
    Ok(ExitCode::SUCCESS)
}

fn models<'a>(stages: &Stages, moderator: &'a Moderator) -> Vec<ShownModel<'a>> {
    let model = |(name, (stage, _)): (&'a str, (Stage, _))| {
        let (place, origin) = match (stages.models_folder(), stage) {
            (Some(folder), _) => (folder.join(stage.id()).display().to_string(), Origin::Folder),
            (None, Stage::Expert) => ("models/expert".to_owned(), Origin::Folder),
            (None, _) => (format!("models/{}", stage.id()), Origin::CompiledIn),
        };
        ShownModel { stage, name, place, origin }
    };
    moderator.model_names().zip(moderator.manifests()).map(model).collect()
}

impl Shown<'_> {
    fn page(&self) -> String {
        let mut page = format!("{} from {}\n", escaped(self.policy, WIDTH), escaped(self.place, usize::MAX));
        let settings = self.settings.iter().map(|setting| {
            let value = escaped(&setting.value.to_string(), WIDTH);
            [setting.key.clone(), value, source(setting, self.place)]
        });
        section(&mut page, "settings", settings);
        for verdict in [Verdict::Allow, Verdict::Block] {
            let of_verdict = || self.examples.iter().filter(|example| example.verdict == verdict);
            let models = of_verdict().filter(|example| example.models).count();
            let models = if models > 0 { format!(", {models} of them with models") } else { String::new() };
            let _ = writeln!(page, "examples to {}: {}{models}", verdict.id(), of_verdict().count());
        }
        let terms: usize = self.lists.iter().map(|list| list.terms).sum();
        let lists = self.lists.iter().map(|list| {
            let category = list.category.map_or("any", |category| category.id());
            [
                list.id.clone(),
                list.kind.id().to_owned(),
                category.to_owned(),
                list.terms.to_string(),
                file(&list.place, list.origin),
            ]
        });
        section(&mut page, &format!("word lists: {}, {terms} terms", self.lists.len()), lists);
        let rules: usize = self.rules.iter().map(|file| file.rules).sum();
        let files = self.rules.iter().map(|rules| {
            let categories: Vec<&str> = rules.severities.keys().map(|category| category.id()).collect();
            [categories.join(", "), rules.rules.to_string(), file(&rules.place, rules.origin)]
        });
        section(&mut page, &format!("rules: {rules}"), files);
        if self.models.is_empty() {
            page.push_str("no models\n");
        } else {
            let models = self.models.iter();
            section(
                &mut page,
                "models",
                models.map(|model| [escaped(model.name, usize::MAX), file(&model.place, model.origin)]),
            );
        }
        page
    }
}

/// Where a setting comes from.
fn source(setting: &Setting, policy: &str) -> String {
    let policy = escaped(policy, usize::MAX);
    match (&setting.place, setting.line, setting.overrides) {
        (Some(_), Some(line), _) => format!("{policy}:{line}"),
        (Some(argument), None, Some(line)) => format!("{argument}, instead of {policy}:{line}"),
        (Some(argument), None, None) => argument.clone(),
        (None, _, _) => "not set".to_owned(),
    }
}

fn file(place: &str, origin: Origin) -> String {
    let place = escaped(place, usize::MAX);
    match origin {
        Origin::CompiledIn => format!("{place}, compiled in"),
        Origin::Folder | Origin::Added => place,
    }
}

/// A title and rows under it, cells aligned.
fn section<const N: usize>(page: &mut String, title: &str, rows: impl Iterator<Item = [String; N]>) {
    let rows: Vec<[String; N]> = rows.collect();
    let _ = writeln!(page, "{title}");
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in &rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let _ = write!(line, "  {cell:<width$}");
        }
        let _ = writeln!(page, "{}", line.trim_end());
    }
}
