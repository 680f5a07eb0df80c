//! What becomes of the rows of a chunk: a line each, and what the report counts.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use serde::Serialize;

use super::differences::differs;
use super::facts::Facts;
use super::offenders::Key;
use super::options::OutputFormat;
use super::shard::Shard;
use super::summary::Summary;
use super::time::Moment;
use crate::batch::MOST_TOGETHER;
use crate::cli::human;
use crate::cli::input::{Chunk, Content, Row, Wanted};
use crate::decision::Decision;
use crate::moderator::{Moderator, Scratch};
use crate::prompt::Prompt;

/// What is asked of a judge.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub(in crate::cli) struct Wishes {
    /// How decisions are written, if they are.
    pub(in crate::cli) format: Option<OutputFormat>,
    /// Whether prompts are quoted.
    pub(in crate::cli) show_text: bool,
    pub(in crate::cli) second_opinion: bool,
    /// Whether rows say how long they took.
    pub(in crate::cli) timing: bool,
    /// Whether everything is counted, or totals alone.
    pub(in crate::cli) report: bool,
    /// Decisions that are kept for prompts that come again.
    pub(in crate::cli) cache: usize,
    /// The rows that are judged, if not all.
    pub(in crate::cli) shard: Option<Shard>,
}

/// What decides about rows.
pub(in crate::cli) struct Judge<'a> {
    pub(in crate::cli) wishes: Wishes,
    pub(in crate::cli) wanted: &'a Wanted,
    pub(in crate::cli) moderator: &'a Moderator,
    /// Another policy's moderator, which decides without effect.
    pub(in crate::cli) shadow: Option<&'a Moderator>,
    /// What makes pseudonyms of users.
    key: Option<&'a Key>,
    decisions: Option<Cache<[u8; 32], Arc<Decision>>>,
    /// The wanted fields that some row has.
    fields: AtomicU64,
}

/// A decision about a row.
struct Decided {
    decision: Arc<Decision>,
    /// Whether it was made before about an equal prompt.
    cached: bool,
    /// How long it took, where that is asked for.
    took: Option<Duration>,
}

/// A judged chunk.
pub(in crate::cli) struct Judged {
    /// The lines of its rows.
    pub(super) lines: Vec<u8>,
    /// What is counted of it.
    pub(in crate::cli) summary: Summary,
    /// Hash of all that was read.
    pub(super) hash: blake3::Hash,
}

/// A row that could not be read.
#[derive(Serialize)]
struct ErrorRecord<'a> {
    schema: u32,
    id: &'a str,
    error: &'a str,
}

impl<'a> Judge<'a> {
    pub(in crate::cli) fn new(
        wishes: Wishes,
        wanted: &'a Wanted,
        moderator: &'a Moderator,
        shadow: Option<&'a Moderator>,
    ) -> Self {
        let decisions = (wishes.cache > 0).then(|| Cache::new(wishes.cache));
        Self { wishes, wanted, moderator, shadow, key: None, decisions, fields: AtomicU64::new(0) }
    }

    /// Counts users under the names that `key` gives them.
    pub(super) fn with_key(self, key: Option<&'a Key>) -> Self {
        Self { key, ..self }
    }

    /// Fields that somebody asked for and that no row has: a name that is misspelt, most likely.
    pub(in crate::cli) fn missing_fields(&self) -> impl Iterator<Item = &str> {
        self.wanted.missing(self.fields.load(Ordering::Relaxed))
    }

    /// Judges the rows of a chunk in their order.
    pub(in crate::cli) fn judge(&self, chunk: Chunk) -> Judged {
        let mut judged = Judged { lines: Vec::new(), summary: Summary::default(), hash: blake3::hash(&[]) };
        let mut scratch = Scratch::default();
        let mut hasher = blake3::Hasher::new();
        let place = Arc::clone(&chunk.place);
        let mut rows = Vec::with_capacity(MOST_TOGETHER);
        let mine = |row: &Row| self.wishes.shard.is_none_or(|shard| shard.holds(&place, row.standing.ordinal));
        let mut fields = 0;
        for row in chunk.rows(self.wanted) {
            hash_row(&mut hasher, &row);
            fields |= row.fields;
            rows.extend(Some(row).filter(mine));
            if rows.len() == MOST_TOGETHER {
                self.rows(&mut scratch, &rows, &mut judged);
                rows.clear();
            }
        }
        self.rows(&mut scratch, &rows, &mut judged);
        judged.hash = hasher.finalize();
        self.fields.fetch_or(fields, Ordering::Relaxed);
        judged
    }

    /// Reads the rows of a chunk without judging them: they are written already.
    pub(super) fn skip(&self, chunk: Chunk) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        for row in chunk.rows(self.wanted) {
            hash_row(&mut hasher, &row);
            self.fields.fetch_or(row.fields, Ordering::Relaxed);
        }
        hasher.finalize()
    }

    fn rows(&self, scratch: &mut Scratch, rows: &[Row], judged: &mut Judged) {
        let contents: Vec<&Content> = rows.iter().filter_map(|row| row.content.as_ref().ok()).collect();
        let mut decided = self.decide(scratch, self.moderator, &contents).into_iter();
        let shadows = self.shadow.map(|shadow| self.decide(scratch, shadow, &contents));
        let mut shadows = shadows.into_iter().flatten();
        for row in rows {
            // There is one decision for each content; were there none, the row must not pass for no row.
            let judged_row = row
                .content
                .as_ref()
                .map_err(String::as_str)
                .and_then(|content| decided.next().map(|decided| (content, decided)).ok_or("no decision"));
            match judged_row {
                Err(error) => {
                    self.write_error(&row.id, error, &mut judged.lines);
                    judged.summary.count_error(row.standing, error);
                }
                Ok((content, Decided { decision, cached, took })) => {
                    let shadow = shadows.next().map(|shadow| shadow.decision);
                    let shadow = shadow.as_deref();
                    self.write(row, content, &decision, shadow, took, &mut judged.lines);
                    let shown = self.wishes.show_text;
                    let facts = Facts {
                        id: &row.id,
                        standing: row.standing,
                        content,
                        decision: &decision,
                        shadow,
                        took,
                        cached,
                        shown,
                        timed: self.wanted.time.is_some(),
                        moment: content.time.as_ref().and_then(Moment::of),
                    };
                    judged.summary.count(&facts, self.wishes.report);
                    if let Some(key) = self.key.filter(|_| self.wishes.report) {
                        let user = content.user.as_deref().map(|user| key.pseudonym(user));
                        judged.summary.count_user(user.as_deref(), &facts);
                    }
                }
            }
        }
    }

    fn write_error(&self, id: &str, error: &str, lines: &mut Vec<u8>) {
        match self.wishes.format {
            None => {}
            Some(OutputFormat::Table) => {
                let line = format!("{:<10} ERROR  {}\n", human::escaped(id, 24), human::escaped(error, usize::MAX));
                lines.extend(line.bytes());
            }
            Some(_) => json_line(&ErrorRecord { schema: 1, id, error }, lines),
        }
    }

    /// The decisions about some rows, those among them that were made before about the same prompt under the same policy.
    fn decide(&self, scratch: &mut Scratch, moderator: &Moderator, contents: &[&Content]) -> Vec<Decided> {
        let keys: Vec<[u8; 32]> = match &self.decisions {
            Some(_) => contents.iter().map(|content| key(moderator, content)).collect(),
            None => Vec::new(),
        };
        let known = |index: usize| self.decisions.as_ref()?.get(keys.get(index)?);
        let mut decided: Vec<Option<Decided>> = (0..contents.len())
            .map(|index| known(index).map(|decision| Decided { decision, cached: true, took: None }))
            .collect();
        let open: Vec<usize> =
            decided.iter().enumerate().filter(|(_, one)| one.is_none()).map(|(index, _)| index).collect();
        let prompts: Vec<Prompt<'_>> =
            open.iter().filter_map(|index| contents.get(*index)).map(|content| self.prompt(content)).collect();
        // Where each is timed, each is decided by itself: together there is no time of one.
        let fresh: Vec<(Decision, Option<Duration>)> = if self.wishes.timing || self.wishes.report {
            let timed = |prompt: &Prompt<'_>| {
                let began = Instant::now();
                let decision = moderator.check_with(scratch, *prompt);
                (decision, Some(began.elapsed()))
            };
            prompts.iter().map(timed).collect()
        } else {
            moderator.check_batch_with(scratch, &prompts).into_iter().map(|decision| (decision, None)).collect()
        };
        for (index, (decision, took)) in open.into_iter().zip(fresh) {
            let decision = Arc::new(decision);
            // What could not be judged for want of time may be judged the next time.
            if let (Some(decisions), Some(key), None) = (&self.decisions, keys.get(index), decision.degraded) {
                decisions.insert(*key, Arc::clone(&decision));
            }
            if let Some(one) = decided.get_mut(index) {
                *one = Some(Decided { decision, cached: false, took });
            }
        }
        decided.into_iter().flatten().collect()
    }

    fn prompt<'c>(&self, content: &'c Content) -> Prompt<'c> {
        Prompt {
            negative: content.negative.as_deref(),
            thorough: self.wishes.second_opinion,
            ..Prompt::new(&content.prompt)
        }
    }

    fn write(
        &self,
        row: &Row,
        content: &Content,
        decision: &Decision,
        shadow: Option<&Decision>,
        took: Option<Duration>,
        lines: &mut Vec<u8>,
    ) {
        let shown = self.wishes.show_text.then_some(content.prompt.as_str());
        let Some(format) = self.wishes.format else { return };
        if format == OutputFormat::Table {
            lines.extend(human::row(&row.id, decision, shown).bytes());
            return;
        }
        let micros =
            self.wishes.timing.then(|| took.map_or(0, |took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)));
        json_line(&decision.record(Some(&row.id)).with_prompt(shown).with_micros(micros), lines);
        if content.kept.is_empty() && shadow.is_none() {
            return;
        }
        // Further fields come last: the closing brace and the line end go, and come back.
        lines.truncate(lines.len() - 2);
        let mut more = String::new();
        if let Some(shadow) = shadow {
            let categories: Vec<&str> = shadow.categories().iter().map(|category| category.id()).collect();
            let fields = serde_json::json!({
                "verdict": shadow.verdict, "categories": categories, "policy": &*shadow.policy, "differs": differs(decision, shadow),
            });
            let _ = write!(more, ",\"shadow\":{fields}");
        }
        if !content.kept.is_empty() {
            more.push_str(",\"kept\":{");
            for (place, (path, value)) in self.wanted.kept().zip(&content.kept).enumerate() {
                let comma = if place == 0 { "" } else { "," };
                let name = serde_json::Value::from(path.name());
                let _ = write!(more, "{comma}{name}:{value}");
            }
            more.push('}');
        }
        more.push_str("}\n");
        lines.extend(more.bytes());
    }
}

fn json_line(record: &impl Serialize, lines: &mut Vec<u8>) {
    // Records hold strings and numbers: nothing that JSON cannot say.
    let _ = serde_json::to_writer(&mut *lines, record);
    lines.push(b'\n');
}

/// What decisions are kept under.
fn key(moderator: &Moderator, content: &Content) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in [moderator.policy_name(), &content.prompt, content.negative.as_deref().unwrap_or_default()] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.update(&[u8::from(content.negative.is_some())]);
    *hasher.finalize().as_bytes()
}

fn hash_row(hasher: &mut blake3::Hasher, row: &Row) {
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    };
    part(&row.id);
    match &row.content {
        Err(error) => part(error),
        Ok(Content { prompt, negative, user, time, kept }) => {
            part(prompt);
            part(negative.as_deref().unwrap_or("\0"));
            part(user.as_deref().unwrap_or("\0"));
            part(&time.as_ref().map_or(Cow::Borrowed("\0"), |time| time.to_string().into()));
            for value in kept {
                part(value);
            }
        }
    }
}
