//! The policy: what the operator does about each category, and the pure function from evidence and scores to a decision.

pub mod lint;
mod read;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::category::{Category, Severity};
use crate::decision::{Classified, Decision, Reason, Scores, Verdict};
use crate::error::LoadError;
use crate::evidence::{Evidence, Stage};
use crate::prompt::{Field, Prompt};

/// What the user is told when a prompt could not be judged.
const UNCHECKED: &str = "This prompt could not be checked. Please shorten it or try again.";
const DEFAULT: &str = include_str!("default.toml");

/// Whether a decision names every reason or stops at the first stage that settles it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Explain {
    /// Later stages do not run once the verdict is settled.
    #[default]
    First,
    /// Every stage runs.
    All,
}

/// What the policy does about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Allow,
    Review,
    Block,
}

impl From<Action> for Verdict {
    fn from(action: Action) -> Self {
        match action {
            Action::Allow => Self::Allow,
            Action::Review => Self::Review,
            Action::Block => Self::Block,
        }
    }
}

/// What an operator decides about every category, read from TOML.
///
/// ```
/// use promptgate::Policy;
///
/// let policy = Policy::default_policy()?;
/// assert_eq!(policy.name(), "default");
/// let text = Policy::DEFAULT_TEXT.replace("name = \"default\"", "name = \"mine\"");
/// assert_eq!(Policy::parse("mine.toml", &text)?.name(), "mine");
/// # Ok::<(), promptgate::LoadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    file: PolicyFile,
    text: Arc<str>,
    place: Arc<str>,
    rows: Vec<(Category, Row)>,
}

#[derive(Clone, Debug)]
struct Row {
    rule: CategoryPolicy,
    clause: Arc<str>,
    user_message: Arc<str>,
}

/// A policy as written; `read.rs` reads it.
#[derive(Clone, Debug)]
struct PolicyFile {
    name: String,
    explain: Explain,
    limits: Limits,
    cascade: CascadePolicy,
    category: BTreeMap<Category, CategoryPolicy>,
    must_allow: Vec<ExampleRow>,
    must_block: Vec<ExampleRow>,
}

/// Bounds on the work for one prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most bytes of prompt and negative prompt together; a longer prompt is not read, and `on_error` decides.
    pub max_prompt_bytes: usize,
    /// Most readings that alternatives expand to before they are judged together.
    pub max_readings: usize,
    /// Most pieces of one prompt that the `main` model reads, the most suspicious first.
    pub max_main_pieces: usize,
    /// Most pieces of one prompt that the `expert` model reads, likewise.
    pub max_expert_pieces: usize,
    /// Most milliseconds to wait for a free model session.
    pub deadline_ms: u64,
}

/// Where each model but the last decides alone.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CascadePolicy {
    /// What `screen` leaves to `main`.
    pub screen: Bands,
    /// What `main` leaves to `expert`, where there is one.
    pub main: Bands,
}

/// Where a model decides alone.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bands {
    /// From this likelihood on that a text is in a language the model reads badly, the next model is asked, whatever the scores.
    pub foreign: Option<f32>,
    /// Below this in every category the prompt is harmless without asking the next model.
    pub low: BTreeMap<Category, f32>,
    /// At or above this in one category the prompt is a violation without asking the next model.
    pub high: BTreeMap<Category, f32>,
}

impl Bands {
    /// Whether what a model says leaves the question to the next one.
    #[must_use]
    pub fn uncertain(&self, said: &Classified) -> bool {
        self.foreign(said)
            || !self.violation(said)
                && said.scores.iter().any(|(category, score)| self.low.get(&category).is_none_or(|low| score >= *low))
    }

    /// Whether one score is so high that no other model is asked.
    #[must_use]
    pub fn violation(&self, said: &Classified) -> bool {
        !self.foreign(said)
            && said.scores.iter().any(|(category, score)| self.high.get(&category).is_some_and(|high| score >= *high))
    }

    fn foreign(&self, said: &Classified) -> bool {
        self.foreign.is_some_and(|foreign| said.foreign >= foreign)
    }
}

#[derive(Clone, Debug)]
struct CategoryPolicy {
    action: Action,
    /// The least severity of evidence that counts.
    severity: Severity,
    /// The least score that counts; none for categories without a score.
    threshold: Option<f32>,
    /// What to do when a stage that looks for this category fails.
    on_error: Action,
    clause: String,
    user_message: String,
}

/// An example as written, and the line it begins on.
#[derive(Clone, Debug)]
struct ExampleRow {
    prompt: String,
    negative: Option<String>,
    models: bool,
    line: usize,
}

/// A prompt whose verdict a policy promises.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    /// The prompt.
    pub prompt: Prompt<'a>,
    /// What it must get.
    pub verdict: Verdict,
    /// Whether it is checked only where models are loaded.
    pub models: bool,
    /// The line of the policy it begins on.
    pub line: usize,
}

impl Example<'_> {
    /// The key it stands under in the file.
    #[must_use]
    pub fn key(&self) -> &'static str {
        if self.verdict == Verdict::Block { "must_block" } else { "must_allow" }
    }
}

/// What the stages found out about one prompt.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Evidence of lists and rules.
    pub evidence: Vec<Evidence>,
    /// What the models said.
    pub scores: Option<Scores>,
    /// The stage and the name of the model that said it.
    pub model: Option<(Stage, Arc<str>)>,
    /// A stage that could not do its work, and how that is called in output.
    pub failed: Option<(Stage, &'static str)>,
}

impl Policy {
    /// The text of the default policy, to start one's own from.
    pub const DEFAULT_TEXT: &'static str = DEFAULT;

    /// The policy that is compiled in.
    ///
    /// # Errors
    ///
    /// None that a released build can meet; the tests load it.
    pub fn default_policy() -> Result<Self, LoadError> {
        Self::parse("default policy", DEFAULT)
    }

    /// Reads a policy file.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or what [`parse`](Self::parse) says.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| LoadError::new(&place, format!("cannot be read: {error}, expected a policy file")))?;
        Self::parse(&place, &text)
    }

    /// Parses the text of a policy; `place` names it in errors.
    ///
    /// # Errors
    ///
    /// The first thing wrong ([`lint`](crate::policy::lint::lint) finds all of them): unknown keys or categories, a category without a
    /// row, a threshold outside 0 to 1, or one on a category that no model scores.
    pub fn parse(place: &str, text: &str) -> Result<Self, LoadError> {
        let (draft, faults) = read::read(place, text);
        if let Some(first) = faults.into_iter().next() {
            return Err(first);
        }
        let file =
            draft.finish().ok_or_else(|| LoadError::new(place, "something is missing, expected a whole policy"))?;
        let row = |(category, rule): (&Category, &CategoryPolicy)| {
            let (clause, user_message) = (rule.clause.as_str().into(), rule.user_message.as_str().into());
            (*category, Row { rule: rule.clone(), clause, user_message })
        };
        let rows = file.category.iter().map(row).collect();
        Ok(Self { file, text: text.into(), place: place.into(), rows })
    }

    /// The name in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// The text it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it was read from.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// How much a decision explains.
    #[must_use]
    pub fn explain(&self) -> Explain {
        self.file.explain
    }

    /// Sets how much a decision explains.
    #[must_use]
    pub fn with_explain(mut self, explain: Explain) -> Self {
        self.file.explain = explain;
        self
    }

    /// Takes the examples out, for lists that need not keep what the file promises.
    #[must_use]
    pub fn without_examples(mut self) -> Self {
        self.file.must_allow.clear();
        self.file.must_block.clear();
        self
    }

    /// Bounds on the work for one prompt.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.file.limits
    }

    /// Where the smaller models decide alone.
    #[must_use]
    pub fn cascade(&self) -> &CascadePolicy {
        &self.file.cascade
    }

    /// The examples inside the file.
    pub fn examples(&self) -> impl Iterator<Item = Example<'_>> {
        let allow = self.file.must_allow.iter().map(|example| (example, Verdict::Allow));
        let block = self.file.must_block.iter().map(|example| (example, Verdict::Block));
        allow.chain(block).map(|(example, verdict)| {
            let prompt = Prompt { negative: example.negative.as_deref(), ..Prompt::new(&example.prompt) };
            Example { prompt, verdict, models: example.models, line: example.line }
        })
    }

    /// The examples that do not get what they must, as errors that name their line and quote nothing; those that take models are
    /// passed over where there are none.
    ///
    /// ```
    /// use promptgate::{Moderator, Policy};
    ///
    /// let text = Policy::DEFAULT_TEXT.to_owned() + "\n[[must_allow]]\nprompt = \"a nude statue\"\n";
    /// let policy = Policy::parse("mine.toml", &text)?;
    /// let moderator = Moderator::builder(policy.clone().without_examples()).without_models().build()?;
    /// let broken: Vec<_> = policy.broken_examples(false, |prompt| moderator.check(prompt)).collect();
    /// assert_eq!(broken.len(), 1);
    /// assert!(broken[0].1.to_string().ends_with("example of `must_allow` got `block` (adult-en:nude), expected `allow`"));
    /// # Ok::<(), promptgate::LoadError>(())
    /// ```
    pub fn broken_examples<'a>(
        &'a self,
        models: bool,
        mut check: impl FnMut(Prompt<'a>) -> Decision,
    ) -> impl Iterator<Item = (Example<'a>, LoadError)> {
        self.examples().filter(move |example| models || !example.models).filter_map(move |example| {
            let decision = check(example.prompt);
            let cause = decision.reasons.first().map_or("no reason", |reason| reason.rule.as_ref());
            let message = format!(
                "example of `{}` got `{}` ({cause}), expected `{}`",
                example.key(),
                decision.verdict.id(),
                example.verdict.id()
            );
            let error = LoadError::new(self.place(), message).at_line(example.line);
            (decision.verdict != example.verdict).then_some((example, error))
        })
    }

    fn row(&self, category: Category) -> Option<&Row> {
        self.rows.iter().find(|(known, _)| *known == category).map(|(_, row)| row)
    }

    /// The verdict that one piece of evidence asks for, conditions apart.
    pub(crate) fn verdict_on(&self, evidence: &Evidence) -> Verdict {
        match self.row(evidence.category) {
            Some(row) if evidence.severity >= row.rule.severity => row.rule.action.into(),
            _ => Verdict::Allow,
        }
    }

    /// Whether the evidence alone settles the verdict, so that no model need run.
    #[must_use]
    pub fn settles(&self, evidence: &[Evidence]) -> bool {
        self.file.explain == Explain::First
            && evidence.iter().any(|one| one.condition.is_none() && self.verdict_on(one) == Verdict::Block)
    }

    /// Turns what the stages found out into a decision. Pure: it sees evidence and scores, never text.
    ///
    /// More evidence never softens the verdict.
    #[must_use]
    pub fn decide(&self, outcome: Outcome, policy: &Arc<str>) -> Decision {
        let mut reasons: Vec<(Verdict, Reason)> = Vec::new();
        for evidence in &outcome.evidence {
            let holds = |condition: crate::evidence::Condition| {
                outcome
                    .scores
                    .and_then(|scores| scores.of(condition.category))
                    .is_some_and(|score| score >= condition.at_least)
            };
            if evidence.condition.is_none_or(holds) {
                reasons.push((self.verdict_on(evidence), self.reason_of_evidence(evidence, outcome.scores)));
            }
        }
        if let (Some(scores), Some((stage, model))) = (outcome.scores, &outcome.model) {
            for (category, score) in scores.iter() {
                let Some(row) = self.row(category) else { continue };
                // What `screen` says alone counts only where it is sure; the thresholds are for what the larger ones say.
                let threshold = match stage {
                    Stage::Screen => self.file.cascade.screen.high.get(&category).copied(),
                    _ => row.rule.threshold,
                };
                if let Some(threshold) = threshold.filter(|threshold| score >= *threshold) {
                    reasons.push((
                        row.rule.action.into(),
                        Reason {
                            category,
                            severity: None,
                            stage: *stage,
                            rule: Arc::clone(model),
                            field: Field::Prompt,
                            span: None,
                            via: Vec::new(),
                            score: Some(score),
                            threshold: Some(threshold),
                            clause: Arc::clone(&row.clause),
                        },
                    ));
                }
            }
        }
        if let Some((stage, what)) = outcome.failed {
            // A failed model could have found any scored category, a limit hides every category.
            let hidden =
                Category::ALL.into_iter().filter(|category| stage == Stage::Limits || category.score_index().is_some());
            for (category, row) in hidden.filter_map(|category| Some((category, self.row(category)?))) {
                reasons.push((
                    row.rule.on_error.into(),
                    Reason {
                        category,
                        severity: None,
                        stage,
                        rule: what.into(),
                        field: Field::Prompt,
                        span: None,
                        via: Vec::new(),
                        score: None,
                        threshold: None,
                        clause: Arc::clone(&row.clause),
                    },
                ));
            }
        }
        reasons.retain(|(verdict, _)| *verdict > Verdict::Allow);
        // Stable: what was found first stays first among equals.
        reasons.sort_by_key(|(verdict, reason)| (std::cmp::Reverse(*verdict), std::cmp::Reverse(reason.severity)));
        let verdict = reasons.first().map_or(Verdict::Allow, |(verdict, _)| *verdict);
        if self.file.explain == Explain::First {
            // One reason a category is enough to act on.
            let mut seen = Vec::new();
            reasons.retain(|(_, reason)| {
                !seen.contains(&reason.category) && {
                    seen.push(reason.category);
                    true
                }
            });
        }
        let reasons: Vec<Reason> = reasons.into_iter().map(|(_, reason)| reason).collect();
        let user_message = reasons.first().map(|reason| match self.row(reason.category) {
            // Where a failure is all there is, the user is not told of a violation.
            Some(row) if reason.severity.is_some() || reason.score.is_some() => Arc::clone(&row.user_message),
            _ => UNCHECKED.into(),
        });
        Decision {
            verdict,
            scores: outcome.scores,
            reasons,
            user_message,
            policy: Arc::clone(policy),
            model: outcome.model.map(|(_, name)| name),
            degraded: outcome.failed.map(|(_, what)| what),
        }
    }

    fn reason_of_evidence(&self, evidence: &Evidence, scores: Option<Scores>) -> Reason {
        Reason {
            category: evidence.category,
            severity: Some(evidence.severity),
            stage: evidence.stage,
            rule: Arc::clone(&evidence.rule),
            field: evidence.field,
            span: Some(evidence.span),
            via: evidence.via.clone(),
            score: evidence.condition.and_then(|condition| scores?.of(condition.category)),
            threshold: evidence.condition.map(|condition| condition.at_least),
            clause: self.row(evidence.category).map_or_else(|| "".into(), |row| Arc::clone(&row.clause)),
        }
    }
}
