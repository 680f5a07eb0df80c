//! What the detectors find: [`Evidence`] that the policy weighs, and [`Mark`]s that rules combine.

use std::sync::Arc;

use crate::category::{Category, Severity};
use crate::prompt::{Field, Role, SegmentKind};
use crate::signs::Signs;
use crate::span::{NormSpan, Span};
use crate::text::Normalized;
use crate::words::Word;

/// The part of the pipeline that found something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Stage {
    /// A length or size limit of the policy.
    Limits,
    /// A term of a word list.
    Lexicon,
    /// A rule.
    Rules,
    /// The small model.
    Screen,
    /// The transformer.
    Main,
    /// The larger transformer behind it.
    Expert,
}

impl Stage {
    /// Whether it is a model.
    #[must_use]
    pub fn is_model(self) -> bool {
        match self {
            Self::Limits | Self::Lexicon | Self::Rules => false,
            Self::Screen | Self::Main | Self::Expert => true,
        }
    }

    /// The stable name used in output.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Limits => "limits",
            Self::Lexicon => "lexicon",
            Self::Rules => "rules",
            Self::Screen => "screen",
            Self::Main => "main",
            Self::Expert => "expert",
        }
    }
}

/// Evidence that counts only if a model agrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// The category whose score is asked for.
    pub category: Category,
    /// The least score, 0 to 1, at which the evidence counts.
    pub at_least: f32,
}

/// One finding in a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// What it is evidence of.
    pub category: Category,
    /// How bad it is if true.
    pub severity: Severity,
    /// Who found it.
    pub stage: Stage,
    /// Which term or rule: `gore-en:severed-head`, `election.vote-for.1`.
    pub rule: Arc<str>,
    /// The field `span` points into.
    pub field: Field,
    /// Where, as typed.
    pub span: Span,
    /// The views of the text it took to see it; empty for text as written.
    pub via: Vec<&'static str>,
    /// Present if the evidence counts only together with a score.
    pub condition: Option<Condition>,
}

/// The number of a word list in a [`Lexicon`](crate::lexicon::Lexicon).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(pub u16);

/// A word of a list was seen: no evidence by itself, but rules combine marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The list the word is on.
    pub list: ListId,
    /// The side of the prompt it stands on.
    pub role: Role,
    /// The field it was typed in.
    pub field: Field,
    /// Where in its folded text; comparable only between marks of one text.
    pub norm: NormSpan,
    /// Which of the texts it was seen in.
    pub text: usize,
    /// Whether it lies inside an exception: then it may silence a rule, but takes no part in one.
    pub excused: bool,
}

impl Mark {
    /// Where it was typed; `texts` are those of the reading. Nowhere if they are not.
    #[must_use]
    pub fn span(&self, texts: &[ViewedText<'_>]) -> Span {
        texts.get(self.text).map_or(Span::new(0, 0), |text| text.folded.typed_span(self.norm))
    }
}

/// Finds evidence in one reading of a prompt.
///
/// The lexicon and the rules are detectors; a caller may add one of one's own
/// ([`ModeratorBuilder::detector`](crate::ModeratorBuilder::detector)). Detectors run in order and see what the ones before
/// them found.
pub trait Detector: Send + Sync {
    /// Looks at every side of the reading in every view it opened, and adds what it finds to `out`.
    fn detect(&self, texts: &[ViewedText<'_>], out: &mut Findings);
}

/// One side of a reading in one view, as detectors see it.
#[derive(Clone, Copy, Debug)]
pub struct ViewedText<'a> {
    /// The field as typed, which spans point into.
    pub source: &'a str,
    /// Markup removed, disguises undone, otherwise as typed.
    pub typed: &'a Normalized,
    /// The same, folded.
    pub folded: &'a Normalized,
    /// The words of the folded text.
    pub words: &'a [Word],
    /// The disguises that were undone to see it, as reasons list them: none for the text as written.
    pub via: &'a [&'static str],
    /// What the text shows.
    pub signs: Signs,
    /// Prose, or the values of parameters and names, which hold numbers that are nobody's.
    pub kind: SegmentKind,
}

/// Everything the detectors found in one reading of a prompt.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Findings that the policy weighs.
    pub evidence: Vec<Evidence>,
    /// Words that rules combine.
    pub marks: Vec<Mark>,
}

impl Findings {
    /// Forgets everything, keeping the buffers.
    pub fn clear(&mut self) {
        self.evidence.clear();
        self.marks.clear();
    }
}
