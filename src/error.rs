//! Errors: opaque, with the place first. They never carry text of a prompt or a term.

use std::error::Error;
use std::fmt;

type Cause = Box<dyn Error + Send + Sync>;

/// A policy, word list, rule or model could not be loaded.
///
/// Prints as `path:line: what was found, what was expected`.
#[derive(Debug)]
pub struct LoadError {
    place: String,
    line: Option<usize>,
    message: String,
    source: Option<Cause>,
}

impl LoadError {
    /// An error at `place`, a path or a name such as `default policy`.
    #[must_use]
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), line: None, message: message.into(), source: None }
    }

    /// Adds the line, counted from 1.
    #[must_use]
    pub fn at_line(self, line: usize) -> Self {
        Self { line: Some(line), ..self }
    }

    /// Adds the error underneath.
    #[must_use]
    pub fn caused_by(self, source: impl Into<Cause>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// The file or name the error is about.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The line in that file, counted from 1, where there is one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// What was found and what was expected, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Turns a TOML error into one that names its line and says in one line what is wrong.
    pub(crate) fn toml(place: &str, text: &str, error: &toml::de::Error) -> Self {
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let plain = Self::new(place, message);
        match error.span() {
            Some(span) => plain.at_line(line_of(text, span.start)),
            None => plain,
        }
    }
}

/// The line of byte `at` of `text`, counted from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.place)?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.message)
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// A model could not score a text.
#[derive(Debug)]
pub struct ClassifyError {
    kind: ClassifyErrorKind,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClassifyErrorKind {
    Deadline,
    Failed,
}

impl ClassifyError {
    /// No session came free before the deadline.
    #[must_use]
    pub fn deadline() -> Self {
        Self { kind: ClassifyErrorKind::Deadline, message: "no session came free before the deadline".to_owned() }
    }

    /// The model failed; `message` says how, without text of the prompt.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self { kind: ClassifyErrorKind::Failed, message: message.into() }
    }

    /// Whether the model was busy rather than broken.
    #[must_use]
    pub fn is_deadline(&self) -> bool {
        self.kind == ClassifyErrorKind::Deadline
    }
}

impl fmt::Display for ClassifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ClassifyError {}
