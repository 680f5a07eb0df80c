//! Folds text so that a term matches however it was written, keeping the map to the typed bytes.
//!
//! Every text has its plain view ([`fold_plain`]): lower case, no accents, one kind of space. Disguises (leet, spaced
//! letters, look-alike letters) are undone in views of their own, each opened only by evidence in the text ([`Signs`]):
//! squashing every text would flag a good share of harmless prompts.

mod dotted;
mod leet;
mod lookalike;
mod plain;
mod repeats;
mod spaced;

use crate::prompt::{Field, Role};
use crate::signs::Signs;
use crate::span::Span;
use crate::text::Normalized;

pub use plain::fold_plain;

/// One rewrite that undoes one family of disguise.
///
/// A fold reads the typed text and writes a copy in which every piece is traceable ([`Normalized::rewrite_into`]).
/// It need not fold case or accents: the plain fold runs after it.
pub trait Fold: Send + Sync {
    /// The name that reasons list in `via`.
    fn id(&self) -> &'static str;

    /// Whether the text shows the evidence this fold asks for.
    fn opens(&self, signs: Signs) -> bool;

    /// Writes the rewritten `text` to `out`. Cost is linear in the text.
    fn fold(&self, text: &Normalized, out: &mut Normalized);
}

/// The plain fold and the views, in the order they are tried.
pub struct Normalizer {
    views: Vec<Box<dyn Fold>>,
}

impl Normalizer {
    /// The views this version knows.
    ///
    /// The order is that of `via` when two views show the same word: the ones that change least come first.
    #[must_use]
    pub fn new() -> Self {
        Self {
            views: vec![
                Box::new(lookalike::Lookalike),
                Box::new(repeats::Repeats { keep: 1 }),
                Box::new(repeats::Repeats { keep: 2 }),
                Box::new(dotted::Dotted),
                Box::new(spaced::Spaced { article: false }),
                Box::new(spaced::Spaced { article: true }),
                Box::new(leet::Leet { one: b'i' }),
                Box::new(leet::Leet { one: b'l' }),
            ],
        }
    }

    /// Adds a view after the ones there are.
    pub fn push(&mut self, fold: Box<dyn Fold>) {
        self.views.push(fold);
    }

    /// The views that the evidence in a text opens.
    pub fn opened(&self, signs: Signs) -> impl Iterator<Item = &dyn Fold> {
        self.views.iter().map(AsRef::as_ref).filter(move |fold| fold.opens(signs))
    }
}

impl Default for Normalizer {
    fn default() -> Self {
        Self::new()
    }
}

/// Folds a term of a word list exactly as the plain view folds prompts, so that the two cannot drift.
///
/// ```
/// assert_eq!(promptgate::normalize::fold_term("Café-au-Lait"), "cafe au lait");
/// ```
#[must_use]
pub fn fold_term(term: &str) -> String {
    let mut typed = Normalized::new(Field::Prompt, Role::Positive);
    typed.push_copied(term, Span::new(0, term.len()));
    let mut folded = Normalized::new(Field::Prompt, Role::Positive);
    fold_plain(&typed, &mut folded);
    folded.as_str().trim().to_owned()
}

/// `text` through `fold` and the plain fold: what the unit tests of the folds look at.
#[cfg(test)]
fn folded_by(fold: &dyn Fold, text: &str) -> String {
    let mut typed = Normalized::new(Field::Prompt, Role::Positive);
    typed.push_copied(text, Span::new(0, text.len()));
    let (mut out, mut plain) = (typed.clone(), typed.clone());
    fold.fold(&typed, &mut out);
    fold_plain(&out, &mut plain);
    plain.as_str().to_owned()
}
