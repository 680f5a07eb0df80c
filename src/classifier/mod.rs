//! Models that score text: the seam, and the models of the cascade behind it.

mod cascade;
mod manifest;
#[cfg(feature = "onnx")]
mod onnx;

#[cfg(feature = "onnx")]
use std::path::Path;
#[cfg(feature = "onnx")]
use std::time::Duration;

use crate::error::ClassifyError;
#[cfg(feature = "onnx")]
use crate::error::LoadError;

pub use crate::decision::Classified;
pub use cascade::{Cascade, Scored};
pub use manifest::Manifest;
#[cfg(feature = "onnx")]
pub use onnx::OnnxClassifier;

/// The tokenizer that the models compiled in share. Its vocabulary lists common words.
#[cfg(feature = "onnx")]
pub(crate) static TOKENIZER: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/main/tokenizer.json"));

/// The models of `models/`: `screen` and `main`, which are compiled in, and `expert` if its folder lies above the
/// executable.
#[cfg(feature = "onnx")]
pub(crate) fn shipped(deadline: Duration) -> Result<Cascade, LoadError> {
    let mut tokenizers = onnx::Tokenizers::default();
    macro_rules! model {
        ($name:literal) => {
            OnnxClassifier::from_files(
                &onnx::ModelFiles {
                    place: concat!("models/", $name).to_owned(),
                    manifest: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/", $name, "/model.toml"))
                        .into(),
                    tokenizer: TOKENIZER.into(),
                    graph: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/", $name, "/model.onnx"))[..]
                        .into(),
                },
                deadline,
                &mut tokenizers,
            )?
        };
    }
    let cascade = Cascade::new(Box::new(model!("screen")), Box::new(model!("main")));
    with_expert(cascade, onnx::above_executable("models/expert").as_deref(), deadline, &mut tokenizers)
}

/// The models of a folder: `screen`, `main`, and `expert` if there is one.
#[cfg(feature = "onnx")]
pub(crate) fn load(folder: &Path, deadline: Duration) -> Result<Cascade, LoadError> {
    let mut tokenizers = onnx::Tokenizers::default();
    let mut load = |name: &str| OnnxClassifier::load_sharing(&folder.join(name), deadline, &mut tokenizers);
    let cascade = Cascade::new(Box::new(load("screen")?), Box::new(load("main")?));
    let expert = Some(folder.join("expert")).filter(|folder| folder.exists());
    with_expert(cascade, expert.as_deref(), deadline, &mut tokenizers)
}

#[cfg(feature = "onnx")]
fn with_expert(
    cascade: Cascade,
    folder: Option<&Path>,
    deadline: Duration,
    tokenizers: &mut onnx::Tokenizers,
) -> Result<Cascade, LoadError> {
    let Some(folder) = folder else { return Ok(cascade) };
    Ok(cascade.with_expert(Box::new(OnnxClassifier::load_sharing(folder, deadline, tokenizers)?)))
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
    fn classify(&self, batch: &[&str]) -> Result<Vec<Classified>, ClassifyError>;

    /// What it came with, if that was a model folder: thresholds and bands that fit its scores.
    fn came_with(&self) -> Option<&Manifest> {
        None
    }
}
