//! Models that score text: the seam, and the two models of the cascade behind it.

mod cascade;
mod manifest;
#[cfg(feature = "onnx")]
mod onnx;

use crate::decision::Scores;
use crate::error::ClassifyError;

pub use cascade::{Cascade, Scored};
pub use manifest::Manifest;
#[cfg(feature = "onnx")]
pub use onnx::OnnxClassifier;

#[cfg(feature = "onnx")]
static SCREEN_TOKENIZER: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/screen/tokenizer.json"));

/// The tokenizer of `main`, whose vocabulary lists common words.
#[cfg(feature = "onnx")]
pub(crate) static MAIN_TOKENIZER: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/main/tokenizer.json"));

/// The models of `models/` that are compiled in: `screen` and `main`.
#[cfg(feature = "onnx")]
pub(crate) fn compiled_in(
    deadline: std::time::Duration,
) -> Result<(OnnxClassifier, OnnxClassifier), crate::error::LoadError> {
    macro_rules! model {
        ($name:literal, $tokenizer:expr) => {
            OnnxClassifier::from_files(
                &onnx::ModelFiles {
                    place: concat!("models/", $name).to_owned(),
                    manifest: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/", $name, "/model.toml")),
                    tokenizer: $tokenizer,
                    graph: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/", $name, "/model.onnx")),
                },
                deadline,
            )
        };
    }
    Ok((model!("screen", SCREEN_TOKENIZER)?, model!("main", MAIN_TOKENIZER)?))
}

/// Scores texts. One prompt's scores must not depend on its batch-mates.
pub trait Classifier: Send + Sync {
    /// Name and content hash, `main@9b1c5e7f0a2d`.
    fn name(&self) -> &str;

    /// Scores each text, in order. Long texts are read in overlapping windows and take the maximum over them.
    ///
    /// # Errors
    ///
    /// [`ClassifyError`] if the model fails, gives something that is no score, or no session comes free in time.
    fn classify(&self, batch: &[&str]) -> Result<Vec<Scores>, ClassifyError>;
}
