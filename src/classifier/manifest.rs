//! `model.toml`: what a model folder says about itself.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::category::Category;
use crate::error::LoadError;
use crate::policy::Bands;

/// The part of `models/<name>/model.toml` that running the model needs; the rest documents its training.
#[derive(Clone, Debug, Deserialize)]
pub struct Manifest {
    /// Format version, 1.
    pub schema: u32,
    /// The model's name.
    pub name: String,
    /// What its outputs score, in order.
    pub labels: Vec<Category>,
    /// The tokens that frame every window.
    pub frame: [String; 2],
    /// The longest window, the two framing tokens included.
    pub max_tokens: usize,
    /// Tokens that two windows of a long text share.
    pub overlap_tokens: usize,
    /// Hex SHA-256 of every file of the folder that is loaded.
    pub sha256: BTreeMap<String, String>,
    /// The thresholds chosen on its scores, for the cascade that ends with it; none where it is never the last.
    #[serde(default)]
    pub thresholds: BTreeMap<Category, f32>,
    /// Where it decides alone; none where it is always the last.
    pub band: Option<Bands>,
    /// Texts with the scores the model gave when it was exported.
    #[serde(default)]
    pub golden: Vec<Golden>,
}

/// A text and its scores.
#[derive(Clone, Debug, Deserialize)]
pub struct Golden {
    /// The text.
    pub text: String,
    /// Its scores in label order.
    pub scores: Vec<f32>,
}

impl Manifest {
    /// Parses and checks the text of a `model.toml`; `place` names it in errors.
    ///
    /// # Errors
    ///
    /// Another schema, labels other than the scored categories in order, or windows that do not advance.
    pub fn parse(place: &str, text: &str) -> Result<Self, LoadError> {
        let manifest: Self = toml::from_str(text).map_err(|error| LoadError::toml(place, text, &error))?;
        let fail = |message: String| Err(LoadError::new(place, message));
        if manifest.schema != 1 {
            return fail(format!("schema {}, expected 1", manifest.schema));
        }
        if manifest.labels != Category::SCORED {
            let expected: Vec<_> = Category::SCORED.iter().map(|category| category.id()).collect();
            return fail(format!("`labels` differ, expected `{}`", expected.join("`, `")));
        }
        // A window holds its frame and at least one token that its neighbour does not.
        if manifest.max_tokens > 512 || manifest.max_tokens < manifest.overlap_tokens + 3 {
            return fail("`max_tokens` out of range, expected `overlap_tokens` + 3 to 512".to_owned());
        }
        Ok(manifest)
    }
}
