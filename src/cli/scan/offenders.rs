//! Users who violate the policy again and again, by pseudonym: evidence for a person who decides, never a verdict.
//!
//! A pseudonym is a keyed hash of what the log calls the user. Who has the key file can find a user again; who has the
//! report alone cannot.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::sync_folder;
use super::time::Moment;
use crate::category::{Category, Severity};
use crate::cli::{Failure, tell};
use crate::decision::{Decision, Verdict};

/// Most users that are counted; beyond it those with the least weight are forgotten, and the report says how many.
const MOST: usize = 100_000;
/// Most users that a report names.
const SHOWN: usize = 10_000;
/// Days after which a violation weighs half.
const HALF_LIFE_DAYS: f64 = 30.0;
/// Bytes of a pseudonym: enough that two of a billion users seldom share one.
const PSEUDONYM_BYTES: usize = 12;
const SECONDS_A_DAY: f64 = 86_400.0;

/// Violations by category, in little room: there may be hundreds of thousands of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<Category, u32>", into = "BTreeMap<Category, u32>")]
pub(super) struct Counts([u32; Category::ALL.len()]);

impl Counts {
    fn of(categories: &[Category]) -> Self {
        Self(Category::ALL.map(|category| u32::from(categories.contains(&category))))
    }

    fn add(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(more);
        }
    }

    /// The categories that there are violations of.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Category, u32)> {
        Category::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

impl From<BTreeMap<Category, u32>> for Counts {
    fn from(counts: BTreeMap<Category, u32>) -> Self {
        Self(Category::ALL.map(|category| counts.get(&category).copied().unwrap_or(0)))
    }
}

impl From<Counts> for BTreeMap<Category, u32> {
    fn from(counts: Counts) -> Self {
        counts.iter().collect()
    }
}

/// Users with violations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Offenders {
    users: BTreeMap<String, Offender>,
    /// Users that were forgotten for want of room.
    pub(super) forgotten: u64,
}

/// What is counted of one user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Offender {
    pub(super) violations: u64,
    /// Violations by category.
    pub(super) categories: Counts,
    /// The sum of all violations, each weighed by severity and halved for every thirty days before `last`.
    pub(super) weight: f64,
    /// Times of the first and last violation.
    pub(super) first: Option<Moment>,
    pub(super) last: Option<Moment>,
}

impl Offender {
    /// What `weight` is at a later time.
    fn weight_at(&self, moment: Option<Moment>) -> f64 {
        match (self.last, moment) {
            (Some(last), Some(now)) => {
                let days = (now.seconds() - last.seconds()).max(0) as f64 / SECONDS_A_DAY;
                self.weight * 0.5_f64.powf(days / HALF_LIFE_DAYS)
            }
            _ => self.weight,
        }
    }

    fn add(&mut self, other: &Self) {
        let last = self.last.max(other.last);
        self.weight = self.weight_at(last) + other.weight_at(last);
        self.last = last;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.violations += other.violations;
        self.categories.add(&other.categories);
    }
}

impl Offenders {
    /// Counts a decision about a prompt of `user`, a pseudonym; allowed prompts count nothing.
    pub(super) fn count(&mut self, user: &str, decision: &Decision, moment: Option<Moment>) {
        if decision.verdict == Verdict::Allow {
            return;
        }
        let severity = decision.reasons.iter().filter_map(|reason| reason.severity).max();
        let weight = match severity {
            Some(Severity::Critical) => 8.0,
            Some(Severity::High) => 3.0,
            Some(Severity::Low) => 0.5,
            Some(Severity::Medium) | None => 1.0,
        };
        let categories = Counts::of(&decision.categories());
        let one = Offender { violations: 1, categories, weight, first: moment, last: moment };
        self.users.entry(user.to_owned()).or_default().add(&one);
    }

    /// Adds what another part of a scan counted.
    pub(super) fn add(&mut self, other: Self) {
        self.forgotten += other.forgotten;
        for (user, counted) in other.users {
            self.users.entry(user).or_default().add(&counted);
        }
        // Twice the room, so that forgetting is seldom.
        if self.users.len() > 2 * MOST {
            self.forgotten += self.keep_heaviest(MOST);
        }
    }

    /// Keeps the heaviest users; returns how many go.
    fn keep_heaviest(&mut self, most: usize) -> u64 {
        let now = self.users.values().filter_map(|user| user.last).max();
        let mut ranked: Vec<(String, Offender)> = std::mem::take(&mut self.users).into_iter().collect();
        ranked.sort_by(|(name, one), (other_name, other)| {
            other.weight_at(now).total_cmp(&one.weight_at(now)).then_with(|| name.cmp(other_name))
        });
        let gone = ranked.len().saturating_sub(most) as u64;
        ranked.truncate(most);
        self.users = ranked.into_iter().collect();
        gone
    }

    /// What a report holds: the heaviest users, weights to three decimals, since sums of the same parts in another order differ
    /// in the last ones.
    pub(super) fn shown(&self) -> Self {
        let mut shown = self.clone();
        shown.forgotten += shown.keep_heaviest(SHOWN);
        for user in shown.users.values_mut() {
            user.weight = (user.weight * 1000.0).round() / 1000.0;
        }
        shown
    }

    /// The users with more than one violation, the heaviest at the time of the last violation of all first.
    pub(super) fn repeated(&self) -> Vec<(&str, &Offender, f64)> {
        let now = self.users.values().filter_map(|user| user.last).max();
        let mut users: Vec<(&str, &Offender, f64)> = self
            .users
            .iter()
            .filter(|(_, user)| user.violations > 1)
            .map(|(name, user)| (name.as_str(), user, user.weight_at(now)))
            .collect();
        users.sort_by(|(name, _, one), (other_name, _, other)| other.total_cmp(one).then_with(|| name.cmp(other_name)));
        users
    }

    /// How many users have a violation.
    pub(super) fn len(&self) -> usize {
        self.users.len()
    }
}

/// The key that makes pseudonyms.
pub(super) struct Key([u8; blake3::KEY_LEN]);

impl Key {
    /// Reads the key file, or makes it, for its owner's eyes only, if it is not there.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let place = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => {
                #[cfg(unix)]
                if fs::metadata(path).is_ok_and(|meta| std::os::unix::fs::MetadataExt::mode(&meta) & 0o077 != 0) {
                    let message = "others can read the key, expected mode 0600; who has it can find users again";
                    return Err(Failure::File(place, message.to_owned()));
                }
                let hash = blake3::Hash::from_hex(text.trim()).map_err(|_| {
                    Failure::File(
                        place,
                        "no key, expected 64 hexadecimal digits; another key makes other pseudonyms".to_owned(),
                    )
                })?;
                Ok(Self(*hash.as_bytes()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut key = [0; blake3::KEY_LEN];
                if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    fs::create_dir_all(folder).map_err(|error| Failure::on_output(&place, &error))?;
                }
                getrandom::fill(&mut key)
                    .map_err(|error| Failure::File(place.clone(), format!("no random key: {error}")))?;
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let mut file = options.open(path).map_err(|error| Failure::on_output(&place, &error))?;
                writeln!(file, "{}", blake3::Hash::from_bytes(key).to_hex())
                    .and_then(|()| file.sync_all())
                    .and_then(|()| sync_folder(path))
                    .map_err(|error| Failure::on_output(&place, &error))?;
                tell(format_args!(
                    "promptgate: made {place}, the key of user pseudonyms; the same key gives the same pseudonyms"
                ));
                Ok(Self(key))
            }
            Err(error) => Err(Failure::File(place, format!("cannot be read: {error}, expected a key file"))),
        }
    }

    /// Tells keys apart, without giving this one away.
    pub(super) fn fingerprint(&self) -> String {
        self.pseudonym("")
    }

    /// What a user is called in a report.
    pub(super) fn pseudonym(&self, user: &str) -> String {
        let hash = blake3::keyed_hash(&self.0, user.as_bytes());
        hash.to_hex().get(..2 * PSEUDONYM_BYTES).unwrap_or_default().to_owned()
    }
}
