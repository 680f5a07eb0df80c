//! Where another policy would have decided otherwise: counts by verdict, category and rule, and samples without their words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::cli::input::Standing;
use crate::decision::{Decision, Reason};
use crate::prompt::Field;
use crate::span::Span;

/// Most samples of a kind.
pub(in crate::cli) const SAMPLES: usize = 25;
/// Characters of a sample.
const SAMPLE_CHARS: usize = 160;

/// What two policies say of the same rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::cli) struct Differences {
    /// Rows by both verdicts, `allow -> block`.
    pub(super) verdicts: BTreeMap<String, u64>,
    /// Rows that the other policy is stricter with, milder with, or stops for other categories.
    pub(super) rows: Changes,
    /// The same by category: one that is new counts for stricter, one that is gone for milder.
    pub(super) categories: BTreeMap<String, Changes>,
    /// The same by term, rule or model: what the stricter verdict rests on, or what the milder one no longer does.
    pub(super) rules: BTreeMap<String, Changes>,
    pub(super) stricter: Vec<Sample>,
    pub(super) milder: Vec<Sample>,
}

/// Rows that change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli) struct Changes {
    pub(super) stricter: u64,
    pub(super) milder: u64,
    pub(super) other_categories: u64,
}

/// A row that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::cli) struct Sample {
    #[serde(flatten)]
    standing: Standing,
    pub(super) id: String,
    pub(super) rules: Vec<String>,
    /// The prompt as it is, if it may be quoted, else its shape.
    pub(super) text: String,
}

/// Whether two decisions have another effect, or the same for other categories.
pub(super) fn differs(one: &Decision, other: &Decision) -> bool {
    one.verdict != other.verdict || one.categories() != other.categories()
}

impl Changes {
    fn add(&mut self, other: Self) {
        self.stricter += other.stricter;
        self.milder += other.milder;
        self.other_categories += other.other_categories;
    }
}

impl Differences {
    pub(super) fn count(&mut self, facts: &Facts<'_>, shadow: &Decision) {
        let decision = facts.decision;
        *self.verdicts.entry(format!("{} -> {}", decision.verdict.id(), shadow.verdict.id())).or_default() += 1;
        if !differs(decision, shadow) {
            return;
        }
        let (before, after) = (decision.categories(), shadow.categories());
        let one = |stricter, milder| Changes {
            stricter: u64::from(stricter),
            milder: u64::from(milder),
            other_categories: 0,
        };
        for category in after.iter().filter(|category| !before.contains(category)) {
            self.categories.entry(category.id().to_owned()).or_default().add(one(true, false));
        }
        for category in before.iter().filter(|category| !after.contains(category)) {
            self.categories.entry(category.id().to_owned()).or_default().add(one(false, true));
        }
        let (stricter, milder) = (shadow.verdict > decision.verdict, shadow.verdict < decision.verdict);
        self.rows.add(if stricter || milder {
            one(stricter, milder)
        } else {
            Changes { other_categories: 1, ..Changes::default() }
        });
        if !stricter && !milder {
            return;
        }
        let acting = if stricter { shadow } else { decision };
        let mut rules: Vec<String> = acting.reasons.iter().map(|reason| reason.rule.to_string()).collect();
        rules.sort_unstable();
        rules.dedup();
        for rule in &rules {
            self.rules.entry(rule.clone()).or_default().add(one(stricter, milder));
        }
        let samples = if stricter { &mut self.stricter } else { &mut self.milder };
        if samples.len() < SAMPLES {
            let text = sample_text(&facts.content.prompt, facts.shown, acting.reasons.iter());
            samples.push(Sample { standing: facts.standing, id: facts.id.to_owned(), rules, text });
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        for (verdicts, rows) in other.verdicts {
            *self.verdicts.entry(verdicts).or_default() += rows;
        }
        self.rows.add(other.rows);
        for (mine, theirs) in [(&mut self.categories, other.categories), (&mut self.rules, other.rules)] {
            for (name, changes) in theirs {
                mine.entry(name).or_default().add(changes);
            }
        }
        for (mine, theirs) in [(&mut self.stricter, other.stricter), (&mut self.milder, other.milder)] {
            mine.extend(theirs);
            mine.sort_by_key(|sample| sample.standing);
            mine.truncate(SAMPLES);
        }
    }

    /// Whether every row has the same effect under both policies.
    pub(in crate::cli) fn nothing_changes(&self) -> bool {
        self.rows == Changes::default()
    }

    /// Whether there was a second policy.
    pub(super) fn is_empty(&self) -> bool {
        self.verdicts.is_empty()
    }
}

/// The beginning of a prompt as it is, if it may be `shown`, else of its shape, with what `reasons` point at in brackets.
pub(in crate::cli) fn sample_text<'a>(prompt: &str, shown: bool, reasons: impl Iterator<Item = &'a Reason>) -> String {
    let spans = reasons.filter(|reason| reason.field == Field::Prompt).filter_map(|reason| reason.span);
    let text = if shown { prompt.to_owned() } else { shape(prompt, spans) };
    text.chars().take(SAMPLE_CHARS).collect()
}

/// What a prompt looks like without its words: letters become `x`, digits `0`, what a reason points at stands in brackets.
fn shape(text: &str, spans: impl Iterator<Item = Span>) -> String {
    let spans: Vec<Span> = spans.collect();
    let mut shape = String::with_capacity(text.len());
    for (place, character) in text.char_indices() {
        shape.extend(spans.iter().filter(|span| span.start == place).map(|_| '['));
        shape.push(match character {
            character if character.is_numeric() => '0',
            character if character.is_alphabetic() => 'x',
            character if character.is_ascii() => character,
            _ => 'x',
        });
        let end = place + character.len_utf8();
        shape.extend(spans.iter().filter(|span| span.end == end).map(|_| ']'));
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_holds_no_word() {
        let spans = [Span { start: 2, end: 7 }];
        assert_eq!(
            shape("a zorbl, 42 años :: --ar 3:2 \u{1f600}", spans.into_iter()),
            "x [xxxxx], 00 xxxx :: --xx 0:0 x"
        );
    }
}
