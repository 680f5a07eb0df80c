//! Finds what is wrong or doubtful in a policy: everything a loader would refuse, not only the first thing, and settings that load
//! but do not do what an operator is likely to mean.

use std::collections::BTreeMap;

use super::read::{At, Draft, DraftBands, DraftRow, read};
use super::{Action, Bands};
use crate::category::{Category, Severity};
use crate::evidence::Stage;
pub use crate::finding::{Check, Finding, Level};

/// Least and most bytes of a prompt that a policy may admit without a word: users write a few hundred, and `screen` reads every piece
/// of a prompt, about five megabytes a second.
const PROMPT_BYTES: [usize; 2] = [1 << 10, 16 << 20];
/// Longest deadline without a word, in milliseconds.
const DEADLINE_MS: u64 = 60_000;

/// What a policy is held against: the lists, rules and models it will decide with, as far as there are any.
#[derive(Clone, Debug, Default)]
pub struct Surroundings<'a> {
    /// The highest severity of which lists and rules can give evidence
    /// ([`Inventory::severities`](crate::Inventory::severities)); nothing is said of categories that are missing.
    pub severities: BTreeMap<Category, Severity>,
    /// The models, the smallest first.
    pub models: Vec<Tuning<'a>>,
}

/// What a model came with ([`Manifest`](crate::classifier::Manifest)).
#[derive(Clone, Copy, Debug)]
pub struct Tuning<'a> {
    /// Its place in the cascade.
    pub stage: Stage,
    /// The thresholds chosen for the cascade that ends with it.
    pub thresholds: &'a BTreeMap<Category, f32>,
    /// Where it decides alone.
    pub band: Option<&'a Bands>,
}

/// Looks over the text of a policy; `place` names it. The findings come in the order of their lines, those of the file as a whole
/// last. Examples are not judged here, see [`Policy::broken_examples`](super::Policy::broken_examples).
///
/// ```
/// use promptgate::Policy;
/// use promptgate::policy::lint::{self, Surroundings};
///
/// let text = Policy::DEFAULT_TEXT.replacen("on_error = \"block\"", "on_error = \"allow\"", 1).replace("threshold = 0.65", "treshold = 0.65");
/// let found: Vec<String> =
///     lint::lint("mine.toml", &text, &Surroundings::default()).iter().map(ToString::to_string).collect();
/// assert_eq!(found, [
///     "mine.toml:56: warning: `on_error` of `adult` is `allow`: only the `on_error` of others stops what cannot be checked for it",
///     "mine.toml:60: category `gore`: no `threshold`, expected one for every category that models score",
///     "mine.toml:63: unknown field `treshold`, expected one of `action`, `severity`, `threshold`, `on_error`, `clause`, `user_message`",
/// ]);
/// ```
#[must_use]
pub fn lint(place: &str, text: &str, surroundings: &Surroundings<'_>) -> Vec<Finding> {
    let (draft, faults) = read(place, text);
    let mut report = Report { place, findings: faults.iter().map(Finding::from).collect() };
    report.limits(&draft);
    for (&category, row) in &draft.categories {
        report.row(category, row, &draft);
        report.severity(category, row, surroundings);
        report.threshold(category, row, &draft, surroundings);
    }
    for (stage, next, bands) in [(Stage::Screen, "main", &draft.screen), (Stage::Main, "expert", &draft.main)] {
        report.bands(stage, next, bands);
    }
    report.tuning(&draft, surroundings);
    // A text that is no TOML may hold examples that could not be read.
    if faults.is_empty() && draft.must_allow.is_empty() && draft.must_block.is_empty() {
        report.warn(
            None,
            Check::Incomplete,
            "no `must_allow` and no `must_block`, expected examples that prove the policy",
        );
    }
    sort(&mut report.findings);
    report.findings
}

/// Puts findings into the order of their lines, those of the file as a whole last.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| (finding.line.is_none(), finding.line));
}

struct Report<'a> {
    place: &'a str,
    findings: Vec<Finding>,
}

impl Report<'_> {
    fn warn(&mut self, line: Option<usize>, check: Check, message: impl Into<String>) {
        self.findings.push(Finding::warning(self.place, line, check, message.into()));
    }

    fn limits(&mut self, draft: &Draft) {
        let limits = &draft.limits;
        if let Some(At { value, line }) = limits.max_prompt_bytes {
            let [least, most] = PROMPT_BYTES;
            if value < least {
                let message =
                    format!("`max_prompt_bytes` is {value}: longer prompts are not read, expected {least} or more");
                self.warn(Some(line), Check::Limit, message);
            } else if value > most {
                let message =
                    format!("`max_prompt_bytes` is {value}: one prompt may take seconds, expected {most} or less");
                self.warn(Some(line), Check::Limit, message);
            }
        }
        for (key, limit) in [
            ("max_readings", limits.max_readings),
            ("max_main_pieces", limits.max_main_pieces),
            ("max_expert_pieces", limits.max_expert_pieces),
        ] {
            if let Some(limit) = limit.filter(|limit| limit.value == 0) {
                self.warn(Some(limit.line), Check::Limit, format!("`{key}` is 0, which counts as 1"));
            }
        }
        if let Some(At { value, line }) = limits.deadline_ms {
            if value == 0 {
                let message = "`deadline_ms` is 0: where all sessions of a model are busy, `on_error` decides at once";
                self.warn(Some(line), Check::Limit, message);
            } else if value > DEADLINE_MS {
                let message =
                    format!("`deadline_ms` is {value}: callers may wait so long, expected {DEADLINE_MS} or less");
                self.warn(Some(line), Check::Limit, message);
            }
        }
        let name = draft.name.as_ref().filter(|name| name.value.trim().is_empty());
        if let Some(name) = name {
            self.warn(
                Some(name.line),
                Check::Incomplete,
                "`name` is empty: decisions do not tell which policy made them",
            );
        }
    }

    /// What one row says by itself.
    fn row(&mut self, category: Category, row: &DraftRow, draft: &Draft) {
        if let Some(action) = row.action.filter(|action| action.value == Action::Allow && category != Category::Minors)
        {
            let message = format!("`action` of `{category}` is `allow`: nothing is done about it, whatever is found");
            self.warn(Some(action.line), Check::Lenient, message);
        }
        if let Some(on_error) = row.on_error.filter(|on_error| on_error.value == Action::Allow) {
            // Categories that are in doubt together: a failed model hides those it scores, a prompt that is too long all of them.
            let hidden = |other: Category| category.score_index().is_none() || other.score_index().is_some();
            let stops = |row: &DraftRow| row.on_error.is_some_and(|on_error| on_error.value != Action::Allow);
            let stopped = draft.categories.iter().any(|(other, row)| hidden(*other) && stops(row));
            let message = if stopped {
                "only the `on_error` of others stops what cannot be checked for it"
            } else {
                "what cannot be checked passes"
            };
            let message = format!("`on_error` of `{category}` is `allow`: {message}");
            self.warn(Some(on_error.line), Check::Lenient, message);
        }
        for (key, text, lacks) in [
            ("clause", &row.clause, "reasons do not tell what was violated"),
            ("user_message", &row.user_message, "users are not told why"),
        ] {
            if let Some(text) = text.as_ref().filter(|text| text.value.trim().is_empty()) {
                self.warn(Some(text.line), Check::Incomplete, format!("`{key}` of `{category}` is empty: {lacks}"));
            }
        }
    }

    fn severity(&mut self, category: Category, row: &DraftRow, surroundings: &Surroundings<'_>) {
        if let (Some(floor), Some(&highest)) = (row.severity, surroundings.severities.get(&category))
            && floor.value > highest
        {
            let message = format!(
                "`severity` of `{category}` is `{}`, but lists and rules give `{highest}` at most: none of them counts",
                floor.value
            );
            self.warn(Some(floor.line), Check::Unreachable, message);
        }
    }

    /// A threshold that the bands contradict.
    fn threshold(&mut self, category: Category, row: &DraftRow, draft: &Draft, surroundings: &Surroundings<'_>) {
        let Some(At { value: threshold, line }) = row.threshold else { return };
        let models = &surroundings.models;
        // The last model has no band.
        let main_is_last = !models.is_empty() && !models.iter().any(|model| model.stage == Stage::Expert);
        let mut warn = |side: &str, band: &str, limit: f32, effect: &str| {
            let message = format!("`threshold` of `{category}` is {threshold}, {side} `{band}` ({limit}): {effect}");
            self.warn(Some(line), Check::Unreachable, message);
        };
        let of = |band: &BTreeMap<Category, At<f32>>| band.get(&category).map(|limit| limit.value);
        if let Some(low) = of(&draft.screen.low).filter(|low| threshold < *low) {
            warn("below", "cascade.screen.low", low, "what `screen` scores between them passes");
        }
        if let Some(high) = of(&draft.screen.high).filter(|high| threshold > *high) {
            warn("above", "cascade.screen.high", high, "from there on `screen` acts alone");
        }
        if main_is_last {
            return;
        }
        if let Some(low) = of(&draft.main.low).filter(|low| threshold < *low) {
            warn(
                "below",
                "cascade.main.low",
                low,
                "what `main` scores between them is acted upon, `expert` is not asked",
            );
        }
        if let Some(high) = of(&draft.main.high).filter(|high| threshold > *high) {
            warn("above", "cascade.main.high", high, "what `main` scores between them passes, `expert` is not asked");
        }
    }

    fn bands(&mut self, stage: Stage, next: &str, bands: &DraftBands) {
        for (category, low) in &bands.low {
            if let Some(high) = bands.high.get(category).filter(|high| low.value > high.value) {
                let path = format!("cascade.{}", stage.id());
                let message = format!(
                    "`{path}.low` of `{category}` is {}, above `{path}.high` ({}): `{next}` is never asked about it",
                    low.value, high.value
                );
                self.warn(Some(low.line), Check::Unreachable, message);
            }
        }
    }

    /// Scores that are not the ones the models came with.
    fn tuning(&mut self, draft: &Draft, surroundings: &Surroundings<'_>) {
        if let Some(last) = surroundings.models.last() {
            let model = format!("model `{}`, the last one,", last.stage.id());
            for (category, row) in &draft.categories {
                let what = format!("`threshold` of `{category}`");
                self.compare(&model, &what, row.threshold, last.thresholds.get(category));
            }
        }
        for model in &surroundings.models {
            let bands = match model.stage {
                Stage::Screen => &draft.screen,
                Stage::Main => &draft.main,
                _ => continue,
            };
            let Some(band) = model.band else { continue };
            let (path, model) = (format!("cascade.{}", model.stage.id()), format!("model `{}`", model.stage.id()));
            for (name, given, own) in [("low", &bands.low, &band.low), ("high", &bands.high, &band.high)] {
                for (category, score) in given {
                    let what = format!("`{path}.{name}` of `{category}`");
                    self.compare(&model, &what, Some(*score), own.get(category));
                }
            }
            match (bands.foreign, band.foreign) {
                (None, Some(own)) if bands.line.is_some() => {
                    self.warn(bands.line, Check::Tuning, format!("no `{path}.foreign`, {model} came with {own}"));
                }
                (given, own) => self.compare(&model, &format!("`{path}.foreign`"), given, own.as_ref()),
            }
        }
    }

    fn compare(&mut self, model: &str, what: &str, given: Option<At<f32>>, own: Option<&f32>) {
        // Both are read from decimals of a few digits.
        if let (Some(given), Some(own)) = (given, own)
            && (given.value - own).abs() > f32::EPSILON
        {
            let message = format!("{what} is {}, {model} came with {own}", given.value);
            self.warn(Some(given.line), Check::Tuning, message);
        }
    }
}
