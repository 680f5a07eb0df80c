//! What a scan counts: totals always, the rest where a report is wanted. Summaries of chunks and of shards add up.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::differences::Differences;
use super::facts::Facts;
use super::languages::language;
use super::offenders::Offenders;
use crate::category::Category;
use crate::cli::input::Standing;
use crate::decision::{Decision, Verdict};
use crate::syntax;

/// Parts of a histogram of scores.
const SCORE_BINS: usize = 20;
/// Messages of error rows that a report quotes.
const ERRORS: usize = 50;
/// Slowest prompts that a report names.
const SLOWEST: usize = 20;

/// Everything that is counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::cli) struct Summary {
    pub(in crate::cli) totals: Totals,
    /// Rows by the category they were stopped for; a row may have several.
    pub(super) categories: BTreeMap<String, Outcomes>,
    /// Rows by term, rule or model that stopped them.
    pub(super) rules: BTreeMap<String, u64>,
    /// Rows by the stage that settled them.
    pub(super) stages: BTreeMap<String, u64>,
    /// Rows by dialect.
    pub(super) dialects: BTreeMap<String, Outcomes>,
    /// Rows by language, as far as it can be told.
    pub(super) languages: BTreeMap<String, Outcomes>,
    /// Rows by hour, as seconds since 1970 at its beginning.
    pub(super) hours: BTreeMap<i64, Outcomes>,
    /// Rows without a time that could be read, where one was asked for.
    pub(super) no_time: u64,
    /// Rows without a user, where one was asked for.
    pub(super) no_user: u64,
    /// How many rows had a score of each category in each twentieth from 0 to 1.
    pub(super) scores: BTreeMap<String, [u64; SCORE_BINS]>,
    /// What another policy would have decided otherwise.
    pub(in crate::cli) differences: Differences,
    /// What is wrong with the first rows that could not be read.
    pub(super) errors: Vec<Unread>,
    /// The rows that took longest: microseconds and id. Different on every run.
    pub(super) slowest: Vec<(u64, String)>,
    /// Users with violations, by pseudonym.
    pub(super) offenders: Offenders,
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Unread {
    #[serde(flatten)]
    standing: Standing,
    /// What is wrong with it.
    pub(super) error: String,
}

/// How many rows there were and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli) struct Totals {
    pub(in crate::cli) rows: u64,
    pub(super) allowed: u64,
    pub(super) review: u64,
    pub(super) blocked: u64,
    pub(in crate::cli) errors: u64,
    /// Rows that some stage could not judge.
    pub(super) degraded: u64,
    /// Rows whose decision was known from an equal prompt before.
    pub(super) cached: u64,
}

/// Rows of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcomes {
    pub(super) rows: u64,
    pub(super) review: u64,
    pub(super) blocked: u64,
}

impl Outcomes {
    fn count(&mut self, verdict: Verdict) {
        self.rows += 1;
        self.review += u64::from(verdict == Verdict::Review);
        self.blocked += u64::from(verdict == Verdict::Block);
    }

    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.review += other.review;
        self.blocked += other.blocked;
    }
}

impl Totals {
    /// Counts a judged row.
    pub(in crate::cli) fn count(&mut self, verdict: Verdict) {
        self.rows += 1;
        *match verdict {
            Verdict::Allow => &mut self.allowed,
            Verdict::Review => &mut self.review,
            Verdict::Block => &mut self.blocked,
        } += 1;
    }

    /// Counts a row that could not be read.
    pub(in crate::cli) fn count_error(&mut self) {
        self.rows += 1;
        self.errors += 1;
    }

    pub(in crate::cli) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.allowed += other.allowed;
        self.review += other.review;
        self.blocked += other.blocked;
        self.errors += other.errors;
        self.degraded += other.degraded;
        self.cached += other.cached;
    }

    /// 2 if there was an error, 1 if something `happened`, else 0.
    pub(in crate::cli) fn status(&self, happened: bool) -> ExitCode {
        if self.errors > 0 { ExitCode::from(2) } else { ExitCode::from(u8::from(happened)) }
    }

    /// Whether a row was stopped.
    pub(in crate::cli) fn stopped(&self) -> bool {
        self.review + self.blocked > 0
    }

    /// In one line.
    pub(super) fn in_words(&self) -> String {
        let Self { rows, allowed, review, blocked, errors, cached, .. } = self;
        let repeats = if *cached > 0 {
            format!(", {:.1} % repeats", *cached as f64 * 100.0 / *rows as f64)
        } else {
            String::new()
        };
        if allowed + review + blocked == 0 && rows > errors {
            return format!("{rows} rows, {errors} errors");
        }
        format!("{rows} rows: {allowed} allowed, {review} review, {blocked} blocked, {errors} errors{repeats}")
    }
}

impl Summary {
    /// Counts a row that could not be read.
    pub(super) fn count_error(&mut self, standing: Standing, error: &str) {
        self.totals.count_error();
        if self.errors.len() < ERRORS {
            self.errors.push(Unread { standing, error: error.to_owned() });
        }
    }

    /// Counts a row that was judged; all of it where there is to be a report.
    pub(super) fn count(&mut self, facts: &Facts<'_>, report: bool) {
        let decision = facts.decision;
        let verdict = decision.verdict;
        let totals = &mut self.totals;
        totals.count(verdict);
        totals.degraded += u64::from(decision.degraded.is_some());
        totals.cached += u64::from(facts.cached);
        if let Some(shadow) = facts.shadow {
            self.differences.count(facts, shadow);
        }
        if !report {
            return;
        }
        for category in decision.categories() {
            self.categories.entry(category.id().to_owned()).or_default().count(verdict);
        }
        for reason in &decision.reasons {
            *self.rules.entry(reason.rule.to_string()).or_default() += 1;
        }
        *self.stages.entry(settled_by(decision).to_owned()).or_default() += 1;
        let prompt = facts.content.prompt.as_str();
        self.dialects.entry(syntax::detect(prompt).id().to_owned()).or_default().count(verdict);
        self.languages.entry(language(prompt).to_owned()).or_default().count(verdict);
        for (category, score) in decision.scores.iter().flat_map(crate::decision::Scores::iter) {
            let bins = self.scores.entry(category.id().to_owned()).or_insert([0; SCORE_BINS]);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a score is 0 to 1")]
            let bin = ((score * SCORE_BINS as f32) as usize).min(SCORE_BINS - 1);
            if let Some(bin) = bins.get_mut(bin) {
                *bin += 1;
            }
        }
        match facts.moment {
            Some(moment) => self.hours.entry(moment.hour()).or_default().count(verdict),
            None => self.no_time += u64::from(facts.timed),
        }
        let Some(took) = facts.took else { return };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if self.slowest.len() < SLOWEST || self.slowest.last().is_some_and(|(least, _)| micros > *least) {
            self.slowest.push((micros, facts.id.to_owned()));
            self.sort_slowest();
        }
    }

    /// Counts a judged row of a user, who is named by a pseudonym, or of nobody.
    pub(super) fn count_user(&mut self, pseudonym: Option<&str>, facts: &Facts<'_>) {
        match pseudonym {
            Some(pseudonym) => self.offenders.count(pseudonym, facts.decision, facts.moment),
            None => self.no_user += 1,
        }
    }

    /// Adds what another part of the scan counted; parts are added in their order.
    pub(in crate::cli) fn add(&mut self, other: Self) {
        self.totals.add(other.totals);
        self.no_time += other.no_time;
        self.no_user += other.no_user;
        for (mine, theirs) in [
            (&mut self.categories, other.categories),
            (&mut self.dialects, other.dialects),
            (&mut self.languages, other.languages),
        ] {
            for (name, outcomes) in theirs {
                mine.entry(name).or_default().add(&outcomes);
            }
        }
        for (hour, outcomes) in other.hours {
            self.hours.entry(hour).or_default().add(&outcomes);
        }
        self.differences.add(other.differences);
        for (mine, theirs) in [(&mut self.rules, other.rules), (&mut self.stages, other.stages)] {
            for (name, count) in theirs {
                *mine.entry(name).or_default() += count;
            }
        }
        for (label, bins) in other.scores {
            let mine = self.scores.entry(label).or_insert([0; SCORE_BINS]);
            for (sum, more) in mine.iter_mut().zip(bins) {
                *sum += more;
            }
        }
        self.errors.extend(other.errors);
        self.errors.sort_by_key(|unread| unread.standing);
        self.errors.truncate(ERRORS);
        self.slowest.extend(other.slowest);
        self.sort_slowest();
        self.offenders.add(other.offenders);
    }

    fn sort_slowest(&mut self) {
        self.slowest.sort_by(|(one, id), (other, other_id)| other.cmp(one).then_with(|| id.cmp(other_id)));
        self.slowest.truncate(SLOWEST);
    }
}

/// The stage behind which nobody was asked any more.
fn settled_by(decision: &Decision) -> &str {
    match &decision.model {
        Some(model) => model.split('@').next().unwrap_or(model),
        None => decision.reasons.first().map_or("lists and rules", |reason| reason.stage.id()),
    }
}

/// All categories, for reports that show those without a row too.
pub(super) fn category_ids() -> impl Iterator<Item = &'static str> {
    Category::ALL.into_iter().map(Category::id)
}
