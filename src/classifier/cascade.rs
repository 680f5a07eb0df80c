//! The cascade: the small model reads everything, each larger one what the one before it leaves open.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Classified, Classifier, Manifest};
use crate::decision::Scores;
use crate::error::ClassifyError;
use crate::evidence::Stage;
use crate::policy::{Bands, CascadePolicy, Limits};

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

    fn classify(&self, pieces: &[&str]) -> Result<Vec<Classified>, (Stage, ClassifyError)> {
        let classified = self.classifier.classify(pieces).map_err(|error| (self.stage, error))?;
        // A score that is no number is below every threshold: it must not pass for harmless.
        let sound =
            |one: &Classified| one.scores.0.iter().chain([&one.foreign]).all(|score| (0.0..=1.0).contains(score));
        if classified.len() != pieces.len() || !classified.iter().all(sound) {
            let what = format!("model `{}`: scores that are missing or not between 0 and 1", self.name);
            return Err((self.stage, ClassifyError::failed(what)));
        }
        Ok(classified)
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

    /// The names of the models, hashes included, the smallest first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rungs().map(|rung| &*rung.name)
    }

    /// What the models came with, the smallest first; nothing of those that have no manifest.
    pub fn manifests(&self) -> impl Iterator<Item = (Stage, &Manifest)> {
        self.rungs().filter_map(|rung| Some((rung.stage, rung.classifier.came_with()?)))
    }

    fn rungs(&self) -> impl Iterator<Item = &Rung> {
        [Some(&self.screen), Some(&self.main), self.expert.as_ref()].into_iter().flatten()
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
        self.score_batch([(texts, thorough)], bands, limits).pop().unwrap_or(Ok(None))
    }

    /// As [`score`](Self::score) for many prompts: each model reads all it is asked about before the next one begins, so that its
    /// weights stay in the caches. No prompt moves the scores of another, nor does it fail with another.
    pub fn score_batch<'a>(
        &'a self,
        prompts: impl IntoIterator<Item = (&'a [&'a str], bool)>,
        bands: &CascadePolicy,
        limits: Limits,
    ) -> Vec<Result<Option<Scored>, (Stage, ClassifyError)>> {
        let question = |(texts, thorough)| Question::new(&self.screen, texts, thorough);
        let mut questions: Vec<Question<'a>> = prompts.into_iter().map(question).collect();
        ask(&self.screen, &mut questions);
        let next = [
            Some((&self.main, &bands.screen, limits.max_main_pieces)),
            self.expert.as_ref().map(|expert| (expert, &bands.main, limits.max_expert_pieces)),
        ];
        for (model, band, most) in next.into_iter().flatten() {
            for question in &mut questions {
                question.narrow(band, most);
            }
            ask(model, &mut questions);
        }
        questions.into_iter().map(Question::answer).collect()
    }
}

/// Asks a model about the open pieces of all questions at once; of each by itself if that fails, so that none fails for another.
/// Where the model was busy they have all waited, and do not wait again one by one.
fn ask<'a>(model: &'a Rung, questions: &mut [Question<'a>]) {
    let pieces: Vec<&str> = questions.iter().flat_map(|question| question.asked.iter().copied()).collect();
    if pieces.is_empty() {
        return;
    }
    match model.classify(&pieces) {
        Ok(classified) => {
            let mut classified = classified.into_iter();
            for question in questions.iter_mut().filter(|question| !question.asked.is_empty()) {
                let own = classified.by_ref().take(question.asked.len()).collect();
                question.hear(model, Ok(own));
            }
        }
        Err((stage, error)) => {
            for question in questions.iter_mut().filter(|question| !question.asked.is_empty()) {
                let busy = error.is_deadline().then(|| Err((stage, ClassifyError::deadline())));
                question.hear(model, busy.unwrap_or_else(|| model.classify(&question.asked)));
            }
        }
    }
}

/// One prompt on its way through the models.
struct Question<'a> {
    /// No bands hold.
    thorough: bool,
    /// Pieces to ask the next model about.
    asked: Vec<&'a str>,
    /// What the last model said of the pieces it was asked about.
    heard: Vec<(Classified, &'a str)>,
    /// Scores of pieces that no further model reads.
    left: Vec<Scores>,
    highest: Option<Scores>,
    /// The last model that was asked.
    by: &'a Rung,
    failed: Option<(Stage, ClassifyError)>,
}

impl<'a> Question<'a> {
    fn new(first: &'a Rung, texts: &[&'a str], thorough: bool) -> Self {
        let mut asked: Vec<&str> = texts.iter().flat_map(|text| pieces(text)).collect();
        // Readings of one prompt share most of their pieces.
        let mut known = HashSet::new();
        asked.retain(|piece| known.insert(*piece));
        Self { thorough, asked, heard: Vec::new(), left: Vec::new(), highest: None, by: first, failed: None }
    }

    /// Takes what a model says about the pieces it was asked about.
    fn hear(&mut self, model: &'a Rung, said: Result<Vec<Classified>, (Stage, ClassifyError)>) {
        let asked = std::mem::take(&mut self.asked);
        match said {
            Ok(classified) => {
                self.heard = classified.into_iter().zip(asked).collect();
                let scores = self.heard.iter().map(|(classified, _)| classified.scores);
                self.highest = self.left.iter().copied().chain(scores).reduce(Scores::max);
                self.by = model;
            }
            Err(failed) => {
                self.heard.clear();
                self.failed = Some(failed);
            }
        }
    }

    /// Leaves to the next model what `band` leaves open, at most `most` pieces.
    fn narrow(&mut self, band: &Bands, most: usize) {
        let mut open = std::mem::take(&mut self.heard);
        if !self.thorough {
            if open.iter().any(|(classified, _)| band.violation(classified)) {
                return;
            }
            open.retain(|(classified, _)| band.uncertain(classified));
        }
        open.sort_by(|(one, _), (other, _)| suspicion(other).total_cmp(&suspicion(one)));
        self.left
            .extend(open.split_off(open.len().min(most.max(1))).into_iter().map(|(classified, _)| classified.scores));
        self.asked = open.into_iter().map(|(_, piece)| piece).collect();
    }

    fn answer(self) -> Result<Option<Scored>, (Stage, ClassifyError)> {
        match self.failed {
            Some(failed) => Err(failed),
            None => Ok(self.highest.map(|highest| self.by.says(highest))),
        }
    }
}

/// How much a piece deserves a larger model: its highest score, or that the model could not read it.
fn suspicion(classified: &Classified) -> f32 {
    classified.scores.0.into_iter().fold(classified.foreign, f32::max)
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
