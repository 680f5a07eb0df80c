//! The cascade: the small model reads everything, each larger one what the one before it leaves open.

use std::collections::HashSet;
use std::sync::Arc;

use super::Classifier;
use crate::decision::Scores;
use crate::error::ClassifyError;
use crate::evidence::Stage;
use crate::policy::{CascadePolicy, Limits};

/// Longest piece of text, in bytes, that is judged as one; longer prompts are cut into pieces of this size, about one
/// window of a model, so that the larger models need only read the suspicious ones.
const PIECE_BYTES: usize = 280;
/// Bytes that two neighbouring pieces share, so that a phrase on the edge is whole in one of them.
const SHARED_BYTES: usize = 80;

/// Two or three models behind each other.
pub struct Cascade {
    screen: Rung,
    main: Rung,
    expert: Option<Rung>,
}

/// One model with what decisions say of it.
struct Rung {
    classifier: Box<dyn Classifier>,
    stage: Stage,
    name: Arc<str>,
}

impl Rung {
    fn new(classifier: Box<dyn Classifier>, stage: Stage) -> Self {
        let name = classifier.name().into();
        Self { classifier, stage, name }
    }

    fn classify(&self, pieces: &[&str]) -> Result<Vec<Scores>, (Stage, ClassifyError)> {
        let scores = self.classifier.classify(pieces).map_err(|error| (self.stage, error))?;
        // A score that is no number is below every threshold: it must not pass for harmless.
        let sound = |scores: &Scores| scores.0.iter().all(|score| (0.0..=1.0).contains(score));
        if scores.len() != pieces.len() || !scores.iter().all(sound) {
            let what = format!("model `{}`: scores that are missing or not between 0 and 1", self.name);
            return Err((self.stage, ClassifyError::failed(what)));
        }
        Ok(scores)
    }

    fn says(&self, scores: Scores) -> Scored {
        Scored { scores, stage: self.stage, model: Arc::clone(&self.name) }
    }
}

/// What the cascade says about one prompt.
#[derive(Clone, Debug)]
pub struct Scored {
    /// Scores of the model that decided, the maximum over all pieces and texts.
    pub scores: Scores,
    /// The stage that decided.
    pub stage: Stage,
    /// The name of its model.
    pub model: Arc<str>,
}

impl Cascade {
    /// Puts `main` behind `screen`.
    #[must_use]
    pub fn new(screen: Box<dyn Classifier>, main: Box<dyn Classifier>) -> Self {
        Self { screen: Rung::new(screen, Stage::Screen), main: Rung::new(main, Stage::Main), expert: None }
    }

    /// Puts `expert` behind `main`.
    #[must_use]
    pub fn with_expert(mut self, expert: Box<dyn Classifier>) -> Self {
        self.expert = Some(Rung::new(expert, Stage::Expert));
        self
    }

    /// Scores the texts that one prompt stands for and takes the maximum; `None` if there is nothing to read.
    ///
    /// A model is asked about the pieces that the bands of the one before it leave open, the most suspicious first and as
    /// many as `limits` admit: what is left then counts with the score it has, never as harmless. Where `thorough`, no
    /// bands hold: the last model reads as many pieces as it may, whatever the smaller ones say.
    ///
    /// # Errors
    ///
    /// The stage that failed and how.
    pub fn score(
        &self,
        texts: &[&str],
        bands: &CascadePolicy,
        limits: Limits,
        thorough: bool,
    ) -> Result<Option<Scored>, (Stage, ClassifyError)> {
        let mut pieces: Vec<&str> = texts.iter().flat_map(|text| pieces(text)).collect();
        // Readings of one prompt share most of their pieces.
        let mut known = HashSet::new();
        pieces.retain(|piece| known.insert(*piece));
        let mut asked = &self.screen;
        let mut open = scored(asked.classify(&pieces)?, pieces);
        let Some(mut highest) = maximum(&open) else { return Ok(None) };
        let mut left: Vec<Scores> = Vec::new();
        let next = [
            Some((&self.main, &bands.screen, limits.max_main_pieces)),
            self.expert.as_ref().map(|expert| (expert, &bands.main, limits.max_expert_pieces)),
        ];
        for (model, band, most) in next.into_iter().flatten() {
            if !thorough {
                if band.violation(&highest) {
                    break;
                }
                open.retain(|(scores, _)| band.uncertain(scores));
            }
            if open.is_empty() {
                break;
            }
            open.sort_by(|one, other| peak(&other.0).total_cmp(&peak(&one.0)));
            left.extend(open.split_off(open.len().min(most.max(1))).into_iter().map(|(scores, _)| scores));
            let pieces: Vec<&str> = open.into_iter().map(|(_, piece)| piece).collect();
            open = scored(model.classify(&pieces)?, pieces);
            highest = left.iter().copied().chain(maximum(&open)).reduce(Scores::max).unwrap_or(highest);
            asked = model;
        }
        Ok(Some(asked.says(highest)))
    }
}

/// Pieces with their scores.
fn scored(scores: Vec<Scores>, pieces: Vec<&str>) -> Vec<(Scores, &str)> {
    scores.into_iter().zip(pieces).collect()
}

/// Category by category the highest score of all pieces.
fn maximum(pieces: &[(Scores, &str)]) -> Option<Scores> {
    pieces.iter().map(|(scores, _)| *scores).reduce(Scores::max)
}

/// The highest score of a piece.
fn peak(scores: &Scores) -> f32 {
    scores.0.into_iter().fold(0.0, f32::max)
}

/// Cuts a long text at white space into overlapping pieces; a text without white space is cut between characters.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    loop {
        let rest = text.get(start..).unwrap_or_default();
        if rest.len() <= PIECE_BYTES {
            if !rest.trim().is_empty() {
                pieces.push(rest);
            }
            return pieces;
        }
        let end = cut(rest, PIECE_BYTES);
        pieces.extend(rest.get(..end));
        start += cut(rest, end - SHARED_BYTES.min(end / 2));
    }
}

/// The last place at or before `at` where `text` may be cut: after white space if there is some in the second half.
fn cut(text: &str, at: usize) -> usize {
    let at = (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0).max(1);
    let head = text.get(..at).unwrap_or(text);
    let floor = at / 2;
    head.rfind(char::is_whitespace)
        .map(|space| space + 1)
        .filter(|&space| space > floor && text.is_char_boundary(space))
        .unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_text_and_overlap() {
        let text = "harbor boats ".repeat(2000);
        for text in [text.as_str(), &"漢".repeat(3000), "short", ""] {
            let pieces = pieces(text);
            let mut end = 0;
            for piece in &pieces {
                let start = piece.as_ptr() as usize - text.as_ptr() as usize;
                assert!(start <= end, "a gap before byte {start}");
                assert!(piece.len() <= PIECE_BYTES);
                end = start + piece.len();
            }
            assert!(end == text.len());
        }
    }
}
