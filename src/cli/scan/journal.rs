//! The journal beside an output: what was scanned how, and how far it is on the disk for certain.
//!
//! The first line says what is being scanned; every other line is a checkpoint, written only after the output up to it
//! has reached the disk. A scan that goes on cuts the output back to the last checkpoint that is whole.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::beside;
use super::summary::Summary;
use crate::cli::Failure;

/// What is scanned and how: whatever changes an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Format version of the journal.
    pub(super) journal: u32,
    /// The version of this program.
    pub(super) version: String,
    /// Name and hash of the policy with its lists and rules.
    pub(super) policy: String,
    /// Names and hashes of the models.
    pub(super) models: Vec<String>,
    /// The same of a policy that decides without effect.
    pub(super) shadow: Option<String>,
    /// The arguments that change what is written.
    pub(super) options: String,
    /// How decisions are written.
    pub(super) format: Option<String>,
    /// Tells the key that makes pseudonyms of users, without giving it away.
    pub(super) key: Option<String>,
    /// Which shard, if it is one of several.
    pub(super) shard: Option<String>,
    /// Inputs in their order.
    pub(super) inputs: Vec<Stamp>,
}

/// A file as it was when the scan began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) place: String,
    pub(super) bytes: Option<u64>,
    /// Nanoseconds since 1970.
    pub(super) modified: Option<u64>,
}

/// How far a scan is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// Chunks whose rows are written.
    pub(super) chunks: u64,
    /// Bytes of the output that hold them.
    pub(super) bytes: u64,
    /// Whether that is all: what is left is to give things their names.
    pub(super) whole: bool,
    pub(super) note: Note,
}

/// What a scan knows of the rows up to a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Hash of the rows read so far.
    pub(super) rows: String,
    /// What was counted since the checkpoint before.
    pub(super) summary: Summary,
}

/// The file, locked against a second scan.
pub(super) struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Where the journal of an output lies.
    pub(super) fn path_of(output: &Path) -> PathBuf {
        beside(output, ".journal")
    }

    /// Begins a journal, over an old one if there is one.
    pub(super) fn begin(output: &Path, plan: &Plan) -> Result<Self, Failure> {
        let mut journal = Self::open(output)?;
        let fail = journal.failing();
        journal.file.set_len(0).and_then(|()| journal.append(plan)).map_err(fail)?;
        Ok(journal)
    }

    /// Takes up the journal of a scan that was cut off, if what it scanned is `plan`; returns where it goes on, with all that
    /// was counted before. A scan that was cut off before it began is begun.
    pub(super) fn take_up(output: &Path, plan: &Plan) -> Result<(Self, Checkpoint), Failure> {
        let mut journal = Self::open(output)?;
        let fail = journal.failing();
        let broken =
            || Failure::File(journal.path.display().to_string(), "no journal of a scan, expected one".to_owned());
        let mut reader = BufReader::new(&journal.file);
        let Some(first) = whole_line(&mut reader).map_err(&fail)? else {
            drop(journal);
            return Ok((Self::begin(output, plan)?, Checkpoint::default()));
        };
        let begun: Plan = serde_json::from_str(&first).map_err(|_| broken())?;
        if let Some(change) = begun.change(plan) {
            let message = format!("{change}, expected what the scan began with; `--force` begins anew");
            return Err(Failure::File(journal.path.display().to_string(), message));
        }
        let mut end = first.len() as u64;
        let mut reached = Checkpoint::default();
        while let Some(line) = whole_line(&mut reader).map_err(&fail)? {
            let Ok(mut next) = serde_json::from_str::<Checkpoint>(&line) else {
                // What a crash left of the last line; were there more behind it, this would be no journal of ours.
                while let Some(line) = whole_line(&mut reader).map_err(&fail)? {
                    if serde_json::from_str::<Checkpoint>(&line).is_ok() {
                        return Err(broken());
                    }
                }
                break;
            };
            let mut summary = std::mem::take(&mut reached.note.summary);
            summary.add(std::mem::take(&mut next.note.summary));
            next.note.summary = summary;
            reached = next;
            end += line.len() as u64;
        }
        journal.file.set_len(end).map_err(&fail)?;
        journal.file.seek(SeekFrom::Start(end)).map_err(fail)?;
        Ok((journal, reached))
    }

    /// Notes how far the scan is. The output up to there must have reached the disk.
    pub(super) fn note(&mut self, checkpoint: &Checkpoint) -> Result<(), Failure> {
        self.append(checkpoint).map_err(|error| cut_off(&self.path, &error))
    }

    /// What is said of rows behind the last one.
    pub(super) fn too_much(&self) -> Failure {
        let message = "more input than was scanned before, expected the same; `--force` begins anew";
        Failure::File(self.path.display().to_string(), message.to_owned())
    }

    /// Removes the journal: the output is whole and has its name.
    pub(super) fn end(self) -> Result<(), Failure> {
        std::fs::remove_file(&self.path).map_err(self.failing())
    }

    fn open(output: &Path) -> Result<Self, Failure> {
        let path = Self::path_of(output);
        let place = path.display().to_string();
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| Failure::on_output(&place, &error))?;
        if file.try_lock().is_err() {
            return Err(Failure::File(place, "another scan writes this output, expected one at a time".to_owned()));
        }
        // A scan that ended in between took its journal along, and the name now leads elsewhere.
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let of = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
            let (ours, named) = (file.metadata().map(of).ok(), std::fs::metadata(&path).map(of).ok());
            if ours != named {
                return Err(Failure::File(place, "another scan just ended here, expected one at a time".to_owned()));
            }
        }
        Ok(Self { file, path })
    }

    fn append(&mut self, record: &impl Serialize) -> io::Result<()> {
        let line = serde_json::to_string(record)? + "\n";
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()
    }

    fn failing(&self) -> impl Fn(io::Error) -> Failure + use<> {
        let place = self.path.display().to_string();
        move |error| Failure::on_output(&place, &error)
    }
}

impl Plan {
    /// What all shards of a scan have in common, on whatever machine: not when a file was copied there.
    pub(super) fn of_all_shards(&self) -> Self {
        let inputs = self.inputs.iter().map(|stamp| Stamp { modified: None, ..stamp.clone() }).collect();
        Self { shard: None, format: None, inputs, ..self.clone() }
    }

    /// What of a later plan differs from this one.
    pub(super) fn change(&self, later: &Self) -> Option<String> {
        let differs = |what: &str, began: &str, now: &str| Some(format!("the {what} changed from {began} to {now}"));
        if (self.journal, &self.version) != (later.journal, &later.version) {
            return differs("program", &self.version, &later.version);
        }
        if self.policy != later.policy {
            return differs("policy", &self.policy, &later.policy);
        }
        if self.models != later.models {
            let names = |plan: &Self| if plan.models.is_empty() { "none".to_owned() } else { plan.models.join(" ") };
            return differs("models", &names(self), &names(later));
        }
        if self.shadow != later.shadow {
            let name = |plan: &Self| plan.shadow.clone().unwrap_or_else(|| "none".to_owned());
            return differs("shadow policy", &name(self), &name(later));
        }
        if self.options != later.options {
            return differs("arguments", &self.options, &later.options);
        }
        for (what, began, now, absent) in [
            ("output format", &self.format, &later.format, "another"),
            ("key of user pseudonyms", &self.key, &later.key, "none"),
            ("shard", &self.shard, &later.shard, "all"),
        ] {
            if began != now {
                return differs(what, began.as_deref().unwrap_or(absent), now.as_deref().unwrap_or(absent));
            }
        }
        if self.inputs.len() != later.inputs.len() {
            return differs("number of inputs", &self.inputs.len().to_string(), &later.inputs.len().to_string());
        }
        let (began, now) = self.inputs.iter().zip(&later.inputs).find(|(began, now)| began != now)?;
        Some(if began.place == now.place {
            format!("the input {} changed", now.place)
        } else {
            format!("the inputs changed: {} was there, now it is {}", began.place, now.place)
        })
    }
}

/// A line that was cut off by a crash has no end, and is none.
fn whole_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    Ok(String::from_utf8(line).ok().filter(|line| line.ends_with('\n')))
}

/// What helps where a file cannot be written any further: what was written is as safe as after a crash.
pub(super) const GOES_ON: &str = "; the same command with `--resume` goes on";

/// What is said then.
pub(super) fn cut_off(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::File(path.display().to_string(), format!("cannot be written: {error}{GOES_ON}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_survives_its_line_whatever_was_counted() {
        let mut summary = Summary::default();
        let text = r#"{"rows":3,"allowed":1,"review":0,"blocked":2,"errors":0,"degraded":0,"cached":0}"#;
        summary.totals = serde_json::from_str(text).unwrap();
        summary.hours.insert(-3600, super::super::summary::Outcomes { rows: 3, review: 0, blocked: 2 });
        let note = Note { rows: "00".to_owned(), summary };
        let checkpoint = Checkpoint { chunks: 7, bytes: 1 << 60, whole: false, note };
        let line = serde_json::to_string(&checkpoint).unwrap();
        assert_eq!(serde_json::from_str::<Checkpoint>(&line).unwrap(), checkpoint);
    }
}
