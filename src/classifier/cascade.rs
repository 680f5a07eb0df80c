//! The cascade: the small model reads everything, the transformer what the small one leaves open.

use std::sync::Arc;

use super::Classifier;
use crate::decision::Scores;
use crate::error::ClassifyError;
use crate::evidence::Stage;
use crate::policy::{Bands, Limits};

/// Longest piece of text, in bytes, that is judged as one; longer prompts are cut into pieces of this size, so that
/// the transformer need only read the suspicious ones.
const PIECE_BYTES: usize = 600;
/// Bytes that two neighbouring pieces share, so that a phrase on the edge is whole in one of them.
const SHARED_BYTES: usize = 150;

/// Two models behind each other.
pub struct Cascade {
    screen: Box<dyn Classifier>,
    main: Box<dyn Classifier>,
    screen_name: Arc<str>,
    main_name: Arc<str>,
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
        let (screen_name, main_name) = (screen.name().into(), main.name().into());
        Self { screen, main, screen_name, main_name }
    }

    /// Scores the texts that one prompt stands for and takes the maximum.
    ///
    /// `main` is asked about the pieces that `bands` leave open, the most suspicious first and at most
    /// `limits.max_main_pieces` of them: what is left then counts with the score of `screen`, never as harmless.
    ///
    /// # Errors
    ///
    /// The stage that failed and how.
    pub fn score(
        &self,
        texts: &[&str],
        bands: &Bands,
        limits: Limits,
    ) -> Result<Option<Scored>, (Stage, ClassifyError)> {
        let pieces: Vec<&str> = texts.iter().flat_map(|text| pieces(text)).collect();
        let screened = self.screen.classify(&pieces).map_err(|error| (Stage::Screen, error))?;
        let Some(screen) = screened.iter().copied().reduce(Scores::max) else { return Ok(None) };
        let by_screen = Scored { scores: screen, stage: Stage::Screen, model: Arc::clone(&self.screen_name) };
        if bands.violation(&screen) {
            return Ok(Some(by_screen));
        }
        let mut open: Vec<(Scores, &str)> =
            screened.iter().copied().zip(pieces).filter(|(scores, _)| bands.uncertain(scores)).collect();
        if open.is_empty() {
            return Ok(Some(by_screen));
        }
        let highest = |scores: &Scores| scores.0.into_iter().fold(0.0, f32::max);
        open.sort_by(|one, other| highest(&other.0).total_cmp(&highest(&one.0)));
        let rest = open.split_off(open.len().min(limits.max_main_pieces.max(1)));
        let asked: Vec<&str> = open.into_iter().map(|(_, piece)| piece).collect();
        let scores = self.main.classify(&asked).map_err(|error| (Stage::Main, error))?;
        let scores = scores.into_iter().chain(rest.into_iter().map(|(scores, _)| scores));
        Ok(scores.reduce(Scores::max).map(|scores| Scored {
            scores,
            stage: Stage::Main,
            model: Arc::clone(&self.main_name),
        }))
    }
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
