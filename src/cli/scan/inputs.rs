//! Which files a scan reads: files as named, folders with all that is in them, patterns.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use super::files::beside;
use super::journal::{Journal, Stamp};
use crate::cli::Failure;
use crate::cli::source::{cannot_read, is_stdin, place_of};

/// Inputs in the order they are read.
#[derive(Debug, Default, PartialEq)]
pub(in crate::cli) struct Inputs {
    found: Vec<Found>,
    /// Where they really lie: a file that is named twice, or linked to, is read once.
    taken: HashSet<PathBuf>,
    /// What this command writes itself: no input, unless somebody names it.
    own: Vec<PathBuf>,
}

/// A file, or what is wrong with a path that should lead to one: it becomes a row with an error.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) problem: Option<String>,
}

impl Inputs {
    /// Finds the files. Folders are read in the order of names, hidden files and unfinished outputs left out.
    ///
    /// # Errors
    ///
    /// A name that stands for nothing.
    pub(super) fn find(names: &[String], own: &[PathBuf]) -> Result<Self, Failure> {
        let own = own.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
        let mut inputs = Self { own, ..Self::default() };
        if names.is_empty() {
            inputs.add("-");
        }
        for name in names {
            let path = Path::new(name);
            let fail = |message: &str| Err(Failure::File(name.clone(), message.to_owned()));
            if is_stdin(path) || path.is_file() {
                inputs.add(path);
            } else if path.is_dir() {
                if !inputs.walk(path, |_| true, |_| true) {
                    return fail("a folder without files, expected some");
                }
            } else if path.exists() {
                // A pipe or a device: whatever it gives.
                inputs.add(path);
            } else if name.contains(['*', '?', '[', '{']) {
                if !inputs.matching(name)? {
                    return fail("no file has such a name, expected some");
                }
            } else {
                return fail("is not there, expected a file, a folder or a pattern");
            }
        }
        Ok(inputs)
    }

    fn add(&mut self, path: impl Into<PathBuf>) {
        let path = path.into();
        let real = if is_stdin(&path) { Err(()) } else { fs::canonicalize(&path).map_err(drop) };
        if self.taken.insert(real.unwrap_or_else(|()| path.clone())) {
            self.found.push(Found { path, problem: None });
        }
    }

    fn is_own(&self, path: &Path) -> bool {
        !self.own.is_empty()
            && fs::canonicalize(path).is_ok_and(|path| self.own.iter().any(|own| path.starts_with(own)))
    }

    /// In order.
    pub(super) fn found(&self) -> &[Found] {
        &self.found
    }

    /// What the files are like now, for a scan that goes on later.
    pub(super) fn stamps(&self) -> Vec<Stamp> {
        let stamp = |found: &Found| {
            let path = &found.path;
            let meta = path.metadata().ok().filter(std::fs::Metadata::is_file);
            let modified = meta.as_ref().and_then(|meta| meta.modified().ok());
            let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            Stamp {
                place: place_of(path),
                bytes: meta.map(|meta| meta.len()),
                modified: since.and_then(|since| u64::try_from(since.as_nanos()).ok()),
            }
        };
        self.found.iter().map(stamp).collect()
    }

    /// Adds what a pattern fits; says whether there is any.
    fn matching(&mut self, pattern: &str) -> Result<bool, Failure> {
        let compile = |pattern: &str| -> Result<GlobMatcher, globset::Error> {
            Ok(GlobBuilder::new(pattern).literal_separator(true).build()?.compile_matcher())
        };
        // `logs/*/` fits folders, which have no such end when they are walked.
        let trimmed = pattern.trim_end_matches('/');
        let glob = compile(trimmed).map_err(|error| Failure::File(pattern.to_owned(), error.to_string()))?;
        // What fits a part of the pattern may be a folder of what fits the whole. Half a `{a/b,c}` says nothing.
        let starts: Vec<Option<GlobMatcher>> =
            trimmed.match_indices('/').map(|(end, _)| compile(trimmed.get(..end)?).ok()).collect();
        // The part before the first sign of a pattern is a folder to begin in.
        let literal = trimmed.split(['*', '?', '[', '{']).next().unwrap_or_default();
        let folder = literal.rfind('/').map_or(".", |end| literal.get(..=end).unwrap_or("."));
        let as_named = |path: &Path| match folder {
            "." => path.strip_prefix(".").unwrap_or(path).to_owned(),
            _ => path.to_owned(),
        };
        Ok(self.walk(
            Path::new(folder),
            // A folder that fits gives all that is in it.
            |path| as_named(path).ancestors().any(|path| glob.is_match(path)),
            |path| starts.iter().any(|start| start.as_ref().is_none_or(|start| start.is_match(as_named(path)))),
        ))
    }

    /// Adds the files in a folder that are `wanted`, and what cannot be read where that is wanted or `leads` to what is; says
    /// whether there is any.
    fn walk(&mut self, folder: &Path, wanted: impl Fn(&Path) -> bool, leads: impl Fn(&Path) -> bool) -> bool {
        let hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
        let walk = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
        let mut any = false;
        for entry in walk.filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name())) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    if wanted(entry.path()) && !is_ours(entry.path()) && !self.is_own(entry.path()) {
                        any = true;
                        self.add(entry.into_path());
                    }
                }
                Ok(_) => {}
                // A loop of links, a folder that may not be read, a link to nothing.
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    if !wanted(&path) && !leads(&path) {
                        continue;
                    }
                    let what = match (error.loop_ancestor(), error.io_error()) {
                        (Some(_), _) => "a link that leads back to a folder above it, expected no loop".to_owned(),
                        (None, Some(error)) => cannot_read(error),
                        (None, None) => "cannot be read".to_owned(),
                    };
                    any = true;
                    self.found.push(Found { path, problem: Some(what) });
                }
            }
        }
        any
    }
}

/// Whether a file is what a scan leaves beside its output, and no log: names alone do not tell, since logs may be called so.
fn is_ours(path: &Path) -> bool {
    let bare = |ending: &str| {
        let name = path.to_str()?.strip_suffix(ending)?;
        Some(PathBuf::from(name))
    };
    let has_journal = |output: PathBuf| begins_as(&Journal::path_of(&output), b"{\"journal\":");
    // An output whose scan was cut off when it had its name.
    has_journal(path.to_owned())
        || bare(".table.part").is_some_and(has_journal)
        || bare(".part").is_some_and(has_journal)
        || bare(".journal").is_some_and(has_journal)
        || bare(".shard")
            .is_some_and(|output| output.exists() && begins_as(&beside(&output, ".shard"), b"{\"schema\":"))
}

/// Whether a file begins so, or has no byte yet: a scan was cut off just then.
fn begins_as(path: &Path, expected: &[u8]) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(expected.len() as u64).read_to_end(&mut start));
    read.is_ok() && (start.is_empty() || start == expected)
}
