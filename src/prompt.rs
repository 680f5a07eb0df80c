//! What a caller hands in: a prompt, perhaps a separate negative prompt, perhaps its dialect.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// The text field a span points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The prompt itself.
    Prompt,
    /// The separate negative prompt.
    Negative,
}

/// What a piece of a prompt does to the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Asked for.
    Positive,
    /// Asked to be kept out: `--no`, a negative weight, a negative prompt.
    Negative,
    /// Weighted to nothing; neither asked for nor kept out.
    Absent,
}

/// What a segment is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentKind {
    /// Words the generator reads as a description.
    Prose,
    /// A parameter value, an image URL, a network or wildcard name: not prose, but words smuggled in it still count.
    Value,
}

/// The markup language a prompt is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Dialect {
    /// No markup: every byte is text.
    Plain,
    /// Midjourney: `--no`, `--ar 3:2`, `a::2 b::-1`, `{a, b}`, image URLs.
    Midjourney,
    /// Stable Diffusion front ends (A1111, ComfyUI, InvokeAI, Forge): `(x:1.3)`, `[a|b]`, `<lora:x:1>`, `BREAK`.
    StableDiffusion,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Midjourney, Self::StableDiffusion];

    /// The name used on the command line and in output.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Midjourney => "midjourney",
            Self::StableDiffusion => "stable-diffusion",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|dialect| dialect.id() == name).ok_or(UnknownDialect)
    }
}

/// A dialect name that is none of [`Dialect::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownDialect;

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown dialect, expected one of `plain`, `midjourney`, `stable-diffusion`")
    }
}

impl std::error::Error for UnknownDialect {}

/// One request to an image generator.
///
/// A `&str` converts into a prompt without a negative part, its dialect detected.
///
/// ```
/// use promptgate::{Dialect, Prompt};
///
/// let plain = Prompt::from("a lighthouse at dusk");
/// let full = Prompt::new("(lighthouse:1.2), dusk")
///     .with_negative("blurry, people")
///     .with_dialect(Dialect::StableDiffusion);
/// assert_eq!(plain.negative, None);
/// assert_eq!(full.negative, Some("blurry, people"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prompt<'a> {
    /// The prompt as typed.
    pub text: &'a str,
    /// The separate negative prompt as typed, where the front end has one.
    pub negative: Option<&'a str>,
    /// The dialect of both fields; `None` means it is detected from the text.
    pub dialect: Option<Dialect>,
    /// Whether the largest model reads it, however sure the smaller ones are.
    pub thorough: bool,
}

impl<'a> Prompt<'a> {
    /// A prompt without a negative part, its dialect detected.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, negative: None, dialect: None, thorough: false }
    }

    /// Asks for a second opinion: the largest model reads the prompt, however sure the smaller ones are, at several times
    /// the cost. For appeals, audits and prompts that somebody reported.
    ///
    /// What lists and rules block stays blocked, and is not read by models at all.
    #[must_use]
    pub fn with_second_opinion(self) -> Self {
        Self { thorough: true, ..self }
    }

    /// Adds a separate negative prompt.
    #[must_use]
    pub fn with_negative(self, negative: &'a str) -> Self {
        Self { negative: Some(negative), ..self }
    }

    /// Fixes the dialect instead of detecting it.
    #[must_use]
    pub fn with_dialect(self, dialect: Dialect) -> Self {
        Self { dialect: Some(dialect), ..self }
    }
}

impl<'a> From<&'a str> for Prompt<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text)
    }
}

impl<'a> From<&'a String> for Prompt<'a> {
    fn from(text: &'a String) -> Self {
        Self::new(text)
    }
}
