//! `promptgate policy lint`: what is wrong or doubtful in policies.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::args::{PolicyLint, Stages};
use crate::cli::human::escaped;
use crate::cli::lint::{line, read};
use crate::cli::{Failure, tell};
use crate::moderator::Moderator;
use crate::policy::lint::{self, Check, Finding, Level, Surroundings, Tuning};
use crate::policy::{Example, Policy};

/// Most characters of an example that a finding quotes.
const WIDTH: usize = 100;

pub(in crate::cli) fn run(stages: &Stages, command: &PolicyLint) -> Result<ExitCode, Failure> {
    let named: Vec<&PathBuf> = if command.files.is_empty() {
        stages.policy_file().into_iter().collect()
    } else {
        command.files.iter().collect()
    };
    let mut linter = Linter { show_text: command.show_text, ..Linter::new(stages) };
    let mut files = Vec::new();
    for path in &named {
        match read(path, "a policy file") {
            Ok(text) => files.push((path.display().to_string(), text)),
            Err(failure) => linter.failures.push(failure),
        }
    }
    if named.is_empty() {
        files.push((Policy::default_policy()?.place().to_owned(), Policy::DEFAULT_TEXT.to_owned()));
    }
    for (place, text) in &files {
        let findings = linter.look_over(place, text);
        let output: String = findings.iter().map(|finding| line(finding, command.json)).collect();
        io::stdout().write_all(output.as_bytes()).map_err(|error| Failure::on_output("standard output", &error))?;
    }
    for failure in &linter.failures {
        tell(format_args!("promptgate: {failure}"));
    }
    tell(linter.summary(files.len()));
    Ok(ExitCode::from(if linter.failures.is_empty() { u8::from(linter.errors > 0) } else { 2 }))
}

/// Looks over one policy after the other and counts.
struct Linter<'a> {
    stages: &'a Stages,
    show_text: bool,
    /// What could not be read.
    failures: Vec<Failure>,
    /// The lists, rules and models, once they are read.
    judge: Option<Moderator>,
    /// Whether they cannot be read: then policies are looked over by themselves.
    alone: bool,
    examples: usize,
    /// Examples that were not judged.
    passed_over: usize,
    errors: usize,
    warnings: usize,
}

impl<'a> Linter<'a> {
    fn new(stages: &'a Stages) -> Self {
        Self {
            stages,
            show_text: false,
            failures: Vec::new(),
            judge: None,
            alone: false,
            examples: 0,
            passed_over: 0,
            errors: 0,
            warnings: 0,
        }
    }

    fn look_over(&mut self, place: &str, text: &str) -> Vec<Finding> {
        let policy = Policy::parse(place, text).ok();
        let moderator = self.moderator(policy.as_ref());
        let surroundings = moderator.as_ref().map(surroundings).unwrap_or_default();
        let mut findings = lint::lint(place, text, &surroundings);
        if let Some(policy) = &policy {
            let models = moderator.as_ref().is_some_and(|moderator| moderator.model_names().next().is_some());
            let judged = |example: &Example<'_>| moderator.is_some() && (models || !example.models);
            self.examples += policy.examples().count();
            self.passed_over += policy.examples().filter(|example| !judged(example)).count();
            if let Some(moderator) = &moderator {
                let broken = policy.broken_examples(models, |prompt| moderator.check(prompt));
                findings.extend(broken.map(|(example, error)| {
                    let quoted = if self.show_text { quoted(&example) } else { String::new() };
                    let message = format!("{}{quoted}", error.message());
                    Finding::error(place, error.line(), Check::Promise, message)
                }));
            }
        }
        lint::sort(&mut findings);
        let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
        self.errors += errors;
        self.warnings += findings.len() - errors;
        findings
    }

    /// What judges by this policy, its examples aside; one that does not load tells by the default policy what lists there are.
    fn moderator(&mut self, policy: Option<&Policy>) -> Option<Moderator> {
        if self.judge.is_none() && !self.alone {
            let default = Policy::default_policy().map_err(Failure::from);
            let built = default.and_then(|default| self.stages.moderator_under(default.without_examples(), None));
            self.judge = built.map_err(|failure| self.failures.push(failure)).ok();
            self.alone = self.judge.is_none();
        }
        let judge = self.judge.as_ref()?;
        policy.map_or_else(|| Some(judge.clone()), |policy| judge.with_policy(policy.clone().without_examples()).ok())
    }

    fn summary(&self, policies: usize) -> String {
        let policies = if policies == 1 { "1 policy".to_owned() } else { format!("{policies} policies") };
        let passed_over = match (self.passed_over, self.alone) {
            (0, _) => String::new(),
            (count, true) => format!(" ({count} not judged)"),
            (count, false) => format!(" ({count} not judged without models)"),
        };
        let Self { examples, errors, warnings, .. } = self;
        format!("{policies}, {examples} examples{passed_over}: {errors} errors, {warnings} warnings")
    }
}

fn surroundings(moderator: &Moderator) -> Surroundings<'_> {
    let models = moderator.manifests().map(|(stage, manifest)| Tuning {
        stage,
        thresholds: &manifest.thresholds,
        band: manifest.band.as_ref(),
    });
    Surroundings { severities: moderator.inventory().severities(), models: models.collect() }
}

fn quoted(example: &Example<'_>) -> String {
    let quote = |text: &str| format!("`{}`", escaped(text, WIDTH));
    let negative = example.prompt.negative.map_or(String::new(), |negative| format!(" without {}", quote(negative)));
    format!(": {}{negative}", quote(example.prompt.text))
}
