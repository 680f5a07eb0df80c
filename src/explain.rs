//! How a decision came about: what [`Moderator::explain`](crate::Moderator::explain) returns.
//!
//! An [`Explanation`] is gathered by watching the stages at work; nothing here judges. Its JSON form is public API. It quotes
//! the prompt: it is meant for the person who typed it, not for logs.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::category::{Category, Severity};
use crate::decision::{Decision, Verdict};
use crate::evidence::{Evidence, Findings, Stage, ViewedText};
use crate::lexicon::{Lexicon, ListKind};
use crate::moderator::{JOINED, Observer, PARTED, Pass, within_one};
use crate::normalize::Normalizer;
use crate::policy::{Outcome, Policy};
use crate::prompt::{Dialect, Field, Prompt, Role, SegmentKind};
use crate::rules::RuleSet;
use crate::signs::Signs;
use crate::span::Span;
use crate::syntax::{Diagnostic, Node, ParsedPrompt};

/// Everything the stages found out about one prompt.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// Version of the JSON form.
    pub schema: u32,
    /// The prompt as it was read.
    pub prompt: ExplainedField,
    /// The separate negative prompt as it was read, where there is one.
    pub negative: Option<ExplainedField>,
    /// The prompts that the text stands for.
    pub readings: ExplainedReadings,
    /// The texts that lists and rules looked at, each once, in the order made.
    pub views: Vec<ExplainedView>,
    /// The terms found in them, each once a place.
    pub hits: Vec<ExplainedHit>,
    /// The rules that fired.
    pub rules: Vec<ExplainedRule>,
    /// The rules that would have fired, had a word not silenced them.
    pub silenced: Vec<SilencedRule>,
    /// The texts that the models read; none if there are no models.
    pub model_texts: Vec<String>,
    /// Whether lists and rules alone settle the verdict, so that a check asks no model.
    pub settled: bool,
    /// The decision.
    #[serde(serialize_with = "record")]
    pub decision: Decision,
}

fn record<S: Serializer>(decision: &Decision, serializer: S) -> Result<S::Ok, S::Error> {
    decision.record(None).serialize(serializer)
}

/// A field of the prompt and its parse tree.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct ExplainedField {
    /// The field as typed.
    pub text: String,
    /// The dialect it was read as; `None` for a prompt too long to be read.
    pub dialect: Option<Dialect>,
    /// Another dialect that it shows signs of, so that it was read as that one too.
    pub rival: Option<Dialect>,
    /// The parse tree, in the order typed.
    pub nodes: Vec<ExplainedNode>,
    /// What looked like markup and was not.
    pub diagnostics: Vec<Diagnostic>,
}

/// A node of the parse tree.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ExplainedNode {
    /// A piece of text.
    Segment {
        /// Where, as typed.
        span: Span,
        /// The piece.
        text: String,
        /// What it does to the image.
        role: Role,
        /// Attention weight, unitless, 1.0 neutral.
        weight: f32,
        /// Prose or value.
        kind: SegmentKind,
    },
    /// Alternatives of which the generator takes one.
    Choice(Vec<Vec<ExplainedNode>>),
}

/// How many prompts the text stands for.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct ExplainedReadings {
    /// How many were read.
    pub count: usize,
    /// Whether there are more, of which the last reading holds the words.
    pub capped: bool,
    /// Whether some alternatives meet in one picture, so that all of them are also judged together.
    pub together: bool,
}

/// One side of a reading in one view: a text that lists and rules looked at.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ExplainedView {
    /// The field it comes from.
    pub field: Field,
    /// The side.
    pub role: Role,
    /// Prose or value.
    pub kind: SegmentKind,
    /// The disguises undone in it, in order: none for the text as written.
    pub via: Vec<&'static str>,
    /// Why each of them was looked for: the names of [`Signs`], or `markup` (pieces that only markup parts), `name` (a value of
    /// several words), `unknown-word` (one in no list and no dictionary), `earlier-view` (a sign that showed once another
    /// disguise was undone).
    pub opened_by: Vec<Vec<&'static str>>,
    /// Whether it holds pieces of several readings, torn from their context, to find what goes through markup.
    pub crossing: bool,
    /// The text, folded.
    pub text: String,
}

/// What a term that was found is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HitKind {
    /// Evidence by itself.
    Block,
    /// An exception, or a phrase of which a shorter term is only a part.
    Allow,
    /// A word that rules combine.
    Context,
    /// A word that wakes the pattern of a rule.
    Trigger,
}

/// A term of a list that was found.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ExplainedHit {
    /// List and term: `gore-en:severed-head`.
    pub term: String,
    /// What the term is for.
    pub kind: HitKind,
    /// What it is evidence of, or what it excuses.
    pub category: Option<Category>,
    /// How bad it is if true; `None` if the term does not block.
    pub severity: Option<Severity>,
    /// The side of the prompt it stands on: on the negative side it is no evidence.
    pub role: Role,
    /// The field of `span`.
    pub field: Field,
    /// Where, as typed.
    pub span: Span,
    /// What was typed there.
    pub text: String,
    /// The disguises undone to see it.
    pub via: Vec<&'static str>,
    /// The exception that holds it, so that it is no evidence and takes part in no rule.
    pub excused_by: Option<String>,
}

impl ExplainedHit {
    /// Whether it is evidence: a blocking term on the positive side that no exception excuses.
    #[must_use]
    pub fn is_evidence(&self) -> bool {
        self.kind == HitKind::Block && self.role == Role::Positive && self.excused_by.is_none()
    }
}

/// A rule that fired.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ExplainedRule {
    /// Its id.
    pub rule: Arc<str>,
    /// What it is evidence of.
    pub category: Category,
    /// How bad it is if true.
    pub severity: Severity,
    /// The field of `span`.
    pub field: Field,
    /// Where, as typed.
    pub span: Span,
    /// What was typed there.
    pub text: String,
    /// The disguises undone to see it.
    pub via: Vec<&'static str>,
    /// The score a model must give for it to count, where it asks for one.
    pub condition: Option<ExplainedCondition>,
    /// The verdict the policy asks for on this evidence; `allow` if it is too mild, or if its condition does not hold.
    pub verdict: Verdict,
}

/// A score that evidence asks for.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct ExplainedCondition {
    /// The category.
    pub category: Category,
    /// The least score, 0 to 1.
    pub at_least: f32,
    /// Whether a model gave it.
    pub holds: bool,
}

/// A rule that a word silenced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SilencedRule {
    /// Its id.
    pub rule: Arc<str>,
    /// List and term of the word: `art-history-en:museum`.
    pub by: String,
    /// The field of `span`.
    pub field: Field,
    /// Where that word is, as typed.
    pub span: Span,
}

/// Writes down what it sees of a judgement.
pub(crate) struct Trace<'a> {
    lexicon: &'a Lexicon,
    rules: &'a RuleSet,
    normalizer: &'a Normalizer,
    fields: Vec<ExplainedField>,
    readings: ExplainedReadings,
    views: Vec<ExplainedView>,
    seen_views: HashSet<(Field, Role, SegmentKind, String)>,
    hits: Vec<ExplainedHit>,
    seen_hits: HashSet<(String, Field, Role, Span, Option<String>)>,
    silenced: Vec<SilencedRule>,
}

impl<'a> Trace<'a> {
    pub(crate) fn new(lexicon: &'a Lexicon, rules: &'a RuleSet, normalizer: &'a Normalizer) -> Self {
        Self {
            lexicon,
            rules,
            normalizer,
            fields: Vec::new(),
            readings: ExplainedReadings::default(),
            views: Vec::new(),
            seen_views: HashSet::new(),
            hits: Vec::new(),
            seen_hits: HashSet::new(),
            silenced: Vec::new(),
        }
    }

    /// The explanation, once the stages have come to their `outcome`.
    pub(crate) fn finish(
        self,
        prompt: &Prompt<'_>,
        outcome: Outcome,
        model_texts: Vec<String>,
        policy: &Policy,
        policy_name: &Arc<str>,
    ) -> Explanation {
        let unread = |text: &str| ExplainedField { text: text.to_owned(), ..ExplainedField::default() };
        let mut fields = self.fields.into_iter();
        let settled = policy.settles(&outcome.evidence);
        let of_rules = outcome.evidence.iter().filter(|evidence| evidence.stage == Stage::Rules);
        let rules = of_rules.map(|evidence| explained_rule(prompt, evidence, &outcome, policy)).collect();
        Explanation {
            schema: 1,
            prompt: fields.next().unwrap_or_else(|| unread(prompt.text)),
            negative: prompt.negative.map(|text| fields.next().unwrap_or_else(|| unread(text))),
            readings: self.readings,
            views: self.views,
            hits: self.hits,
            rules,
            silenced: self.silenced,
            model_texts,
            settled,
            decision: policy.decide(outcome, policy_name),
        }
    }

    /// Why a view was opened, for each disguise in it.
    fn opened_by(&self, via: &[&'static str], signs: Signs) -> Vec<Vec<&'static str>> {
        let mut reasons = Vec::with_capacity(via.len());
        for (index, &id) in via.iter().enumerate() {
            let why = self.normalizer.why(id, signs);
            reasons.push(if id == JOINED {
                vec!["markup"]
            } else if id == PARTED {
                vec!["name"]
            } else if !why.is_empty() {
                why
            } else if self.normalizer.holds(id) && index > 0 {
                vec!["earlier-view"]
            } else if id == "masked" {
                vec!["masked"]
            } else {
                vec!["unknown-word"]
            });
        }
        reasons
    }

    fn add_view(&mut self, pass: Pass<'_>, text: &ViewedText<'_>) {
        let (field, role, folded) = (text.folded.field(), text.folded.role(), text.folded.as_str());
        if self.seen_views.insert((field, role, text.kind, folded.to_owned())) {
            self.views.push(ExplainedView {
                field,
                role,
                kind: text.kind,
                via: text.via.to_vec(),
                opened_by: self.opened_by(text.via, text.signs),
                crossing: matches!(pass, Pass::Crossing(_)),
                text: folded.to_owned(),
            });
        }
    }
}

impl Observer for Trace<'_> {
    const EVERY_STAGE: bool = true;

    fn parsed(&mut self, text: &str, parsed: &ParsedPrompt, diagnostics: &[Diagnostic]) {
        self.fields.push(ExplainedField {
            text: text.to_owned(),
            dialect: Some(parsed.dialect),
            rival: parsed.rival,
            nodes: explained_nodes(text, &parsed.nodes),
            diagnostics: diagnostics.to_vec(),
        });
    }

    fn spelled(&mut self, readings: usize, capped: bool, together: bool) {
        self.readings = ExplainedReadings { count: readings, capped, together };
    }

    fn inspected(&mut self, pass: Pass<'_>, texts: &[ViewedText<'_>], findings: &Findings) {
        let terms: Vec<_> = texts.iter().map(|text| self.lexicon.explain(text)).collect();
        for (text, terms) in texts.iter().zip(&terms) {
            self.add_view(pass, text);
            for hit in terms {
                let (field, role, span) = (text.folded.field(), text.folded.role(), text.folded.typed_span(hit.norm));
                if matches!(pass, Pass::Crossing(segments) if within_one(segments, span)) {
                    continue;
                }
                if !self.seen_hits.insert((hit.term.clone(), field, role, span, hit.excused_by.clone())) {
                    continue;
                }
                self.hits.push(ExplainedHit {
                    kind: match hit.kind {
                        ListKind::Block => HitKind::Block,
                        ListKind::Allow | ListKind::Whole => HitKind::Allow,
                        ListKind::Context if hit.term.starts_with("trigger:") => HitKind::Trigger,
                        ListKind::Context => HitKind::Context,
                    },
                    term: hit.term.clone(),
                    category: hit.category,
                    severity: (hit.kind == ListKind::Block).then_some(hit.severity),
                    role,
                    field,
                    span,
                    text: span.slice(text.source).unwrap_or_default().to_owned(),
                    via: text.via.to_vec(),
                    excused_by: hit.excused_by.clone(),
                });
            }
        }
        for (rule, mark) in self.rules.silenced(texts, &findings.marks) {
            let same = |hit: &&crate::lexicon::TermHit| hit.list == mark.list && hit.norm == mark.norm;
            let by = terms.get(mark.text).and_then(|terms| terms.iter().find(same)).map(|hit| hit.term.clone());
            let one = SilencedRule { rule, by: by.unwrap_or_default(), field: mark.field, span: mark.span(texts) };
            if !self.silenced.contains(&one) {
                self.silenced.push(one);
            }
        }
    }
}

fn explained_nodes(text: &str, nodes: &[Node]) -> Vec<ExplainedNode> {
    let explained = |node: &Node| match node {
        Node::Segment(segment) => ExplainedNode::Segment {
            span: segment.span,
            text: segment.span.slice(text).unwrap_or_default().to_owned(),
            role: segment.role,
            weight: segment.weight,
            kind: segment.kind,
        },
        Node::Choice(alternatives) => {
            ExplainedNode::Choice(alternatives.iter().map(|alternative| explained_nodes(text, alternative)).collect())
        }
    };
    nodes.iter().map(explained).collect()
}

fn explained_rule(prompt: &Prompt<'_>, evidence: &Evidence, outcome: &Outcome, policy: &Policy) -> ExplainedRule {
    let source = match evidence.field {
        Field::Prompt => prompt.text,
        Field::Negative => prompt.negative.unwrap_or_default(),
    };
    let condition = evidence.condition.map(|condition| {
        let score = outcome.scores.and_then(|scores| scores.of(condition.category));
        let holds = score.is_some_and(|score| score >= condition.at_least);
        ExplainedCondition { category: condition.category, at_least: condition.at_least, holds }
    });
    let counts = condition.is_none_or(|condition| condition.holds);
    ExplainedRule {
        rule: Arc::clone(&evidence.rule),
        category: evidence.category,
        severity: evidence.severity,
        field: evidence.field,
        span: evidence.span,
        text: evidence.span.slice(source).unwrap_or_default().to_owned(),
        via: evidence.via.clone(),
        condition,
        verdict: if counts { policy.verdict_on(evidence) } else { Verdict::Allow },
    }
}
