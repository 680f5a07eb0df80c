//! What several test files need: the shipped lists and rules without models, and scripted models.
#![allow(dead_code, reason = "every test file uses its own part")]

use promptgate::classifier::{Cascade, Classified, Classifier};
use promptgate::{ClassifyError, Explain, Moderator, Policy, Scores};

/// A model that follows a script instead of weights.
pub struct Scripted<F>(pub &'static str, pub F);

impl<F: Fn(&str) -> Result<[f32; 6], ClassifyError> + Send + Sync> Classifier for Scripted<F> {
    fn name(&self) -> &str {
        self.0
    }

    fn classify(&self, batch: &[&str]) -> Result<Vec<Classified>, ClassifyError> {
        batch.iter().map(|text| (self.1)(text).map(|scores| Scores(scores).into())).collect()
    }
}

/// Both models of a cascade by script.
pub fn cascade(
    screen: impl Fn(&str) -> Result<[f32; 6], ClassifyError> + Send + Sync + 'static,
    main: impl Fn(&str) -> Result<[f32; 6], ClassifyError> + Send + Sync + 'static,
) -> Cascade {
    Cascade::new(scripted("screen@script", screen), scripted("main@script", main))
}

/// A model by script.
pub fn scripted(
    name: &'static str,
    script: impl Fn(&str) -> Result<[f32; 6], ClassifyError> + Send + Sync + 'static,
) -> Box<dyn Classifier> {
    Box::new(Scripted(name, script))
}

/// The shipped policy without its promises, which a scripted model need not keep.
pub fn policy() -> Policy {
    let text = Policy::DEFAULT_TEXT.split("# Promises").next().unwrap();
    Policy::parse("test policy", text).unwrap()
}

/// The shipped lists and rules, no models, every reason named.
pub fn rules_only() -> Moderator {
    Moderator::builder(policy().with_explain(Explain::All)).without_models().build().unwrap()
}
