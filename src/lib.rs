//! promptgate decides, for every prompt sent to an image generator, allow or block, and says why.
//!
//! A prompt is parsed as the generator would read it ([`syntax`]), folded so that disguises fall away ([`normalize`]),
//! matched against word lists ([`lexicon`]) and [`rules`], and, where these leave it undecided, scored by two small
//! models ([`classifier`]). A [`Policy`] turns what was found into a [`Decision`]. [`Moderator`] does all of it:
//!
//! ```
//! use promptgate::{Moderator, Policy};
//!
//! let moderator = Moderator::builder(Policy::default_policy()?).without_models().build()?;
//! let decision = moderator.check("portrait, n4k3d --ar 2:3");
//! assert!(decision.is_blocked());
//! assert_eq!(decision.reasons[0].via, ["leet"]);
//! # Ok::<(), promptgate::LoadError>(())
//! ```
//!
//! With the models (feature `onnx`, on by default) `Moderator::new(policy)` needs the ONNX Runtime library, see README.

// The library neither prints nor panics; its tests may.
#![warn(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batch;
mod category;
pub mod classifier;
mod decision;
mod error;
pub mod eval;
mod evidence;
pub mod explain;
mod finding;
mod gate;
mod hash;
mod index;
mod inventory;
pub mod lexicon;
mod moderator;
pub mod normalize;
pub mod policy;
mod prompt;
pub mod rules;
mod signs;
mod span;
pub mod syntax;
pub mod text;
mod vocabulary;
mod words;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

pub use category::{Category, Severity, UnknownCategory};
pub use decision::{Decision, Reason, Record, Scores, Verdict};
pub use error::{ClassifyError, LoadError};
pub use evidence::{Condition, Detector, Evidence, Findings, ListId, Mark, Stage, ViewedText};
pub use inventory::{Inventory, InventoryList, InventoryRules, Origin};
pub use moderator::{Moderator, ModeratorBuilder, Scratch};
pub use policy::{Bands, CascadePolicy, Example, Explain, Limits, Outcome, Policy};
pub use prompt::{Dialect, Field, Prompt, Role, UnknownDialect};
pub use signs::Signs;
pub use span::{NormSpan, Span};
pub use words::{Word, WordHash};
