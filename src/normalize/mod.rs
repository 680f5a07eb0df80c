//! Folds text so that a term matches however it was written, keeping the map to the typed bytes.
//!
//! Every text has its plain view ([`fold_plain`]): lower case, no accents, one kind of space. Disguises (leet, spaced
//! letters, look-alike letters) are undone in views of their own, each opened only by evidence in the text ([`Signs`], or a
//! word that nobody knows): squashing every text would flag a good share of harmless prompts.
//!
//! What opens each view is in the table of `ARCHITECTURE.md`, with what all of them cost in false positives.

mod camel;
mod codes;
mod direction;
mod dotted;
mod drawn;
mod escapes;
mod leet;
mod lookalike;
mod plain;
mod repair;
mod repeats;
mod spaced;
mod strings;
mod table;

use crate::prompt::{Field, Role};
use crate::signs::Signs;
use crate::span::Span;
use crate::text::Normalized;

pub use plain::{fold_exact, fold_plain};
pub(crate) use repair::Repairs;

/// One rewrite that undoes one family of disguise.
///
/// A fold reads the typed text and writes a copy in which every piece is traceable ([`Normalized::rewrite_into`]).
/// It need not fold case or accents: the plain fold runs after it.
pub trait Fold: Send + Sync {
    /// The name that reasons list in `via`.
    fn id(&self) -> &'static str;

    /// Whether the text shows the evidence this fold asks for.
    fn opens(&self, signs: Signs) -> bool;

    /// Whether it takes part where several disguises are undone one after the other. A fold that is but a second way to read
    /// a sign (`1` as l) does not.
    fn leads(&self) -> bool {
        true
    }

    /// Writes the rewritten `text` to `out`. Cost is linear in the text.
    fn fold(&self, text: &Normalized, out: &mut Normalized);
}

/// The folds behind the plain one.
pub struct Normalizer {
    folds: Vec<Box<dyn Fold>>,
}

impl Normalizer {
    /// The folds this version knows.
    ///
    /// The order is that of `via` when two views show the same word, and the order in which disguises of several kinds are
    /// undone: what hides characters first, then what stands between letters, then what stands for letters.
    #[must_use]
    pub fn new() -> Self {
        Self {
            folds: vec![
                Box::new(direction::Direction),
                Box::new(escapes::Escapes),
                Box::new(codes::Codes),
                Box::new(strings::Strings),
                Box::new(lookalike::Lookalike { second: false }),
                Box::new(lookalike::Lookalike { second: true }),
                Box::new(drawn::Drawn),
                Box::new(camel::Camel),
                Box::new(spaced::Spaced { article: false }),
                Box::new(spaced::Spaced { article: true }),
                Box::new(dotted::Dotted),
                Box::new(leet::Leet { one: b'i' }),
                Box::new(leet::Leet { one: b'l' }),
                Box::new(repeats::Repeats { keep: 1 }),
                Box::new(repeats::Repeats { keep: 2 }),
            ],
        }
    }

    /// Adds a fold after the ones there are.
    pub fn push(&mut self, fold: Box<dyn Fold>) {
        self.folds.push(fold);
    }

    /// The folds that the evidence in a text opens.
    pub fn opened(&self, signs: Signs) -> impl Iterator<Item = &dyn Fold> {
        self.folds.iter().map(AsRef::as_ref).filter(move |fold| fold.opens(signs))
    }

    /// The names of the signs that open the folds called `id`.
    pub(crate) fn why(&self, id: &str, signs: Signs) -> Vec<&'static str> {
        let mut names = Vec::new();
        for fold in self.folds.iter().filter(|fold| fold.id() == id) {
            for name in signs.why(|signs| fold.opens(signs)) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// Whether there is a fold called `id`.
    pub(crate) fn holds(&self, id: &str) -> bool {
        self.folds.iter().any(|fold| fold.id() == id)
    }

    /// Undoes disguises of all kinds one after the other: folds `text`, which shows `signs`, in place through every leading fold
    /// that opens on what the ones before have left. Returns which of them changed something.
    pub(crate) fn undo_all(
        &self,
        text: &mut Normalized,
        mut signs: Signs,
        spare: &mut Normalized,
    ) -> Vec<&'static str> {
        let mut via = Vec::new();
        for fold in self.folds.iter().filter(|fold| fold.leads()) {
            if fold.opens(signs) {
                fold.fold(text, spare);
                if spare.as_str() != text.as_str() {
                    std::mem::swap(text, spare);
                    signs = Signs::of(text.as_str());
                    via.push(fold.id());
                }
            }
        }
        via
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
