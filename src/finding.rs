//! What linters report: a place, and what was found there.

use std::fmt;

use serde::Serialize;

use crate::error::LoadError;

/// Whether a finding must be mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something to look at.
    Warning,
    /// The file does not load, or should not.
    Error,
}

/// What was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Check {
    /// A file that a loader refuses.
    Format,
    /// A term that stands for the same as another one of the list.
    Duplicate,
    /// A blocking term that another one of its category already catches.
    Shadowed,
    /// A list whose `# expires:` date has passed or is near.
    Expired,
    /// A term with a star that hits words of a dictionary.
    Dictionary,
    /// A term that flags harmless prompts.
    Benign,
    /// An example of a policy whose verdict is another one.
    Promise,
    /// A setting that lets violations pass.
    Lenient,
    /// A setting that never counts, or that another one contradicts.
    Unreachable,
    /// A score that is not the one a model came with.
    Tuning,
    /// Something that is empty or missing, though the file loads.
    Incomplete,
    /// A limit that no prompt or caller can live with.
    Limit,
}

/// Something found in a word list or a policy. Prints as `path:line: what was found, what was expected`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file.
    pub path: String,
    /// The line, counted from 1; `None` for the file as a whole.
    pub line: Option<usize>,
    /// Whether it must be mended.
    pub level: Level,
    /// What was looked for.
    pub check: Check,
    /// What was found and what was expected.
    pub message: String,
}

impl Finding {
    /// Something to look at.
    #[must_use]
    pub fn warning(path: &str, line: Option<usize>, check: Check, message: String) -> Self {
        Self { path: path.to_owned(), line, level: Level::Warning, check, message }
    }

    /// Something to mend.
    #[must_use]
    pub fn error(path: &str, line: Option<usize>, check: Check, message: String) -> Self {
        Self { level: Level::Error, ..Self::warning(path, line, check, message) }
    }
}

impl From<&LoadError> for Finding {
    fn from(error: &LoadError) -> Self {
        Self::error(error.place(), error.line(), Check::Format, error.message().to_owned())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path)?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        let level = if self.level == Level::Warning { "warning: " } else { "" };
        write!(f, " {level}{}", self.message)
    }
}
