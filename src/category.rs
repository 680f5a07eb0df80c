//! The categories of the policy, in one table, and how bad a violation can be.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What kind of content a piece of evidence or a score speaks of.
///
/// ```
/// use promptgate::Category;
///
/// let category: Category = "private_info".parse()?;
/// assert_eq!(category, Category::PrivateInfo);
/// assert_eq!(category.id(), "private_info");
/// # Ok::<(), promptgate::UnknownCategory>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Category {
    /// Nudity, sexual acts, fetish, sexualised poses.
    Adult,
    /// Graphic injury, torture, self-harm, cruelty.
    Gore,
    /// Demeaning, dehumanising or threatening a person or group; extremist propaganda.
    Hate,
    /// Campaign material and anything else made to influence an election.
    Election,
    /// Documents, money, pages or news made to pass as real.
    Deception,
    /// Instructions, adverts, recruitment or glamour for crime.
    Illegal,
    /// A private person's data in the prompt.
    PrivateInfo,
    /// Any sexual context with a minor. No exception applies to it.
    Minors,
}

impl Category {
    /// Every category, in the order used in output.
    pub const ALL: [Self; 8] = [
        Self::Adult,
        Self::Gore,
        Self::Hate,
        Self::Election,
        Self::Deception,
        Self::Illegal,
        Self::PrivateInfo,
        Self::Minors,
    ];

    /// The categories that models score, in the order of [`Scores`](crate::Scores).
    pub const SCORED: [Self; 6] = [Self::Adult, Self::Gore, Self::Hate, Self::Election, Self::Deception, Self::Illegal];

    /// The stable name used in files and output.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Adult => "adult",
            Self::Gore => "gore",
            Self::Hate => "hate",
            Self::Election => "election",
            Self::Deception => "deception",
            Self::Illegal => "illegal",
            Self::PrivateInfo => "private_info",
            Self::Minors => "minors",
        }
    }

    /// The place of this category in [`Scores`](crate::Scores), or `None` if no model scores it.
    #[must_use]
    pub fn score_index(self) -> Option<usize> {
        Self::SCORED.iter().position(|&category| category == self)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Category {
    type Err = UnknownCategory;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|category| category.id() == id).ok_or(UnknownCategory)
    }
}

/// A name that is no category's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCategory;

impl fmt::Display for UnknownCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown category, expected one of ")?;
        for (index, category) in Category::ALL.iter().enumerate() {
            write!(f, "{}`{category}`", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownCategory {}

/// How bad a finding is if it is true. Not how likely: that is a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Suggestive or mild.
    Low,
    /// A clear violation.
    Medium,
    /// Explicit or targeted.
    High,
    /// `minors`, credible threats against a person, extremist propaganda. No exception applies.
    Critical,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The stable name used in files and output.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
