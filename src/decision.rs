//! The answer: a [`Verdict`] with its reasons. The JSON form is public API.

use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::category::{Category, Severity};
use crate::evidence::Stage;
use crate::prompt::Field;
use crate::span::Span;

/// What to do with the prompt, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Generate the image.
    Allow,
    /// Let a person decide.
    Review,
    /// Refuse.
    Block,
}

impl Verdict {
    /// The stable name used in files and output.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Review => "review",
            Self::Block => "block",
        }
    }
}

/// How likely a model thinks each scored category, 0 to 1, in the order of [`Category::SCORED`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores(pub [f32; Category::SCORED.len()]);

impl Scores {
    /// The score of `category`, or `None` if no model scores it.
    #[must_use]
    pub fn of(&self, category: Category) -> Option<f32> {
        category.score_index().and_then(|index| self.0.get(index)).copied()
    }

    /// Category by category, the higher of two scores.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        let mut scores = self.0;
        for (score, other) in scores.iter_mut().zip(other.0) {
            *score = score.max(other);
        }
        Self(scores)
    }

    /// The categories with their scores.
    pub fn iter(&self) -> impl Iterator<Item = (Category, f32)> + '_ {
        Category::SCORED.into_iter().zip(self.0)
    }
}

/// What a classifier says about one text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classified {
    /// One score per category that models score, 0 to 1.
    pub scores: Scores,
    /// How likely the text is in a language that this model reads badly, 0 to 1: a policy may then leave it to a larger one,
    /// whatever the scores. 0 from models that do not say.
    pub foreign: f32,
}

impl Classified {
    /// Category by category the higher of two; a text is as foreign as its most foreign part.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { scores: self.scores.max(other.scores), foreign: self.foreign.max(other.foreign) }
    }
}

impl From<Scores> for Classified {
    fn from(scores: Scores) -> Self {
        Self { scores, foreign: 0.0 }
    }
}

/// Why the policy acted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// The category acted upon.
    pub category: Category,
    /// How bad the finding is if true; `None` where only a score speaks.
    pub severity: Option<Severity>,
    /// The part of the pipeline that found it.
    pub stage: Stage,
    /// Which term, rule or model.
    pub rule: Arc<str>,
    /// The field of `span`.
    pub field: Field,
    /// Where, in bytes of that field as typed; `None` if the reason is the prompt as a whole.
    pub span: Option<Span>,
    /// The views of the text it took to see it.
    pub via: Vec<&'static str>,
    /// The score that spoke, where one did.
    #[serde(serialize_with = "rounded")]
    pub score: Option<f32>,
    /// The threshold that score reached.
    #[serde(serialize_with = "rounded")]
    pub threshold: Option<f32>,
    /// The clause of the operator's rules.
    pub clause: Arc<str>,
}

/// The verdict on one prompt, with its reasons.
///
/// Equal prompts under equal policies give equal decisions, byte for byte in JSON, whatever the batch, order or number of
/// threads.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What to do.
    pub verdict: Verdict,
    /// What the models said; `None` where none ran.
    pub scores: Option<Scores>,
    /// Why, worst first; empty for an allowed prompt.
    pub reasons: Vec<Reason>,
    /// What to tell the user; `None` for an allowed prompt.
    pub user_message: Option<Arc<str>>,
    /// Name and content hash of the policy with its lists and rules.
    pub policy: Arc<str>,
    /// Name and content hash of the model that gave the scores.
    pub model: Option<Arc<str>>,
    /// What part of the pipeline could not do its work.
    pub degraded: Option<&'static str>,
}

impl Decision {
    /// Whether the prompt is refused.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.verdict == Verdict::Block
    }

    /// The categories of the reasons, in table order, each once.
    #[must_use]
    pub fn categories(&self) -> Vec<Category> {
        let named = |category: &Category| self.reasons.iter().any(|reason| reason.category == *category);
        Category::ALL.into_iter().filter(named).collect()
    }

    /// The decision as it is written out, with the id of its record.
    ///
    /// ```
    /// # use promptgate::{Moderator, Policy};
    /// let moderator = Moderator::builder(Policy::default_policy()?).without_models().build()?;
    /// let line = serde_json::to_string(&moderator.check("a lighthouse at dusk").record(Some("42")))?;
    /// assert!(line.starts_with(r#"{"schema":1,"id":"42","verdict":"allow","categories":[],"scores":{"adult":null"#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn record<'a>(&'a self, id: Option<&'a str>) -> Record<'a> {
        Record {
            schema: 1,
            id,
            verdict: self.verdict,
            categories: self.categories(),
            scores: ScoreMap(self.scores),
            reasons: &self.reasons,
            user_message: self.user_message.as_deref(),
            policy: &self.policy,
            model: self.model.as_deref(),
            degraded: self.degraded,
            prompt: None,
            timing_us: None,
        }
    }
}

/// A decision as written out: the fields of the JSON form, in their order.
#[derive(Clone, Debug, Serialize)]
pub struct Record<'a> {
    schema: u32,
    id: Option<&'a str>,
    verdict: Verdict,
    categories: Vec<Category>,
    scores: ScoreMap,
    reasons: &'a [Reason],
    user_message: Option<&'a str>,
    policy: &'a str,
    model: Option<&'a str>,
    degraded: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timing_us: Option<u64>,
}

impl<'a> Record<'a> {
    /// Adds the prompt, for output that is allowed to quote it.
    #[must_use]
    pub fn with_prompt(self, prompt: Option<&'a str>) -> Self {
        Self { prompt, ..self }
    }

    /// Adds the microseconds the decision took; such a record is no longer the same on every run.
    #[must_use]
    pub fn with_micros(self, timing_us: Option<u64>) -> Self {
        Self { timing_us, ..self }
    }
}

/// Scores as a map with every scored category in order, `null` where no model ran.
#[derive(Clone, Debug)]
struct ScoreMap(Option<Scores>);

impl Serialize for ScoreMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Category::SCORED.len()))?;
        for category in Category::SCORED {
            map.serialize_entry(category.id(), &self.0.and_then(|scores| scores.of(category)).map(round))?;
        }
        map.end()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, clippy::ref_option, reason = "the signature serde asks for")]
fn rounded<S: Serializer>(score: &Option<f32>, serializer: S) -> Result<S::Ok, S::Error> {
    score.map(round).serialize(serializer)
}

/// Four decimals: more would only show the noise of 8-bit weights.
fn round(score: f32) -> f64 {
    (f64::from(score) * 10_000.0).round() / 10_000.0
}
