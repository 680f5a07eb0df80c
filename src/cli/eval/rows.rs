//! Labelled rows of JSONL and CSV files, each either a row or an error that says what is wrong.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::aspect::Aspects;
use super::fields::{Fields, Names, csv_fields, json_fields, row};
use super::options::{Eval, Format};
use crate::cli::Failure;
use crate::cli::input::{Lines, MARK, Table};
use crate::cli::source::{Source, place_of};

/// One labelled prompt.
pub(super) struct Row {
    /// From the id field, else the line number.
    pub(super) id: String,
    /// `path:line`.
    pub(super) place: String,
    pub(super) prompt: String,
    pub(super) negative: Option<String>,
    /// What the prompt violates; with `any` if it violates anything.
    pub(super) labels: Aspects,
    /// The values of the fields of [`Labelled::slices`].
    pub(super) slices: Vec<Option<String>>,
}

/// Everything that was read.
#[derive(Default)]
pub(super) struct Labelled {
    pub(super) rows: Vec<Row>,
    /// What is wrong with the other ones: `path:line: what was found, what was expected`.
    pub(super) errors: Vec<String>,
    /// The fields that slice.
    pub(super) slices: Vec<String>,
}

impl Labelled {
    /// Reads all files.
    pub(super) fn read(options: &Eval) -> Result<Self, Failure> {
        let open = |path: &PathBuf| Source::open(path).map_err(|message| Failure::File(place_of(path), message));
        let sources = options.files.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let names = Names::new(options);
        let mut rows = Self::default();
        for (path, source) in options.files.iter().zip(sources) {
            rows.read_source(source, path, options.format, &names)?;
        }
        rows.slices = names.slices.iter().map(|&name| name.to_owned()).collect();
        if options.slice.is_empty() {
            rows.keep_default_slices();
        } else if let Some(name) = rows.empty_slice() {
            let message = "no row has such a field with a string or true/false, expected one that some rows have";
            return Err(Failure::File(format!("--slice {}", rows.slices.swap_remove(name)), message.to_owned()));
        }
        Ok(rows)
    }

    /// The rows of every value of the field numbered `slice`, the largest group first; rows without a value last.
    pub(super) fn groups(&self, slice: usize) -> Vec<(Option<&str>, Vec<usize>)> {
        let mut groups: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
        for (index, row) in self.rows.iter().enumerate() {
            groups.entry(row.slice(slice)).or_default().push(index);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(value, rows)| (value.is_none(), std::cmp::Reverse(rows.len())));
        groups
    }

    fn empty_slice(&self) -> Option<usize> {
        let empty = |slice: &usize| !self.rows.is_empty() && self.rows.iter().all(|row| row.slice(*slice).is_none());
        (0..self.slices.len()).find(empty)
    }

    /// Of the slices that nobody asked for, those which rows have; one file alone is no slice by source.
    fn keep_default_slices(&mut self) {
        while let Some(slice) = self.empty_slice() {
            self.drop_slice(slice);
        }
        if let Some(slice) = self.slices.iter().position(|name| name == "source")
            && self.groups(slice).len() < 2
        {
            self.drop_slice(slice);
        }
    }

    fn drop_slice(&mut self, slice: usize) {
        self.slices.remove(slice);
        self.rows.iter_mut().for_each(|row| drop(row.slices.remove(slice)));
    }

    fn read_source(
        &mut self,
        mut source: Source,
        path: &Path,
        format: Option<Format>,
        names: &Names<'_>,
    ) -> Result<(), Failure> {
        let place = place_of(path);
        let stem = path.file_stem().filter(|_| path != Path::new("-"));
        let stem = stem.map_or_else(|| "standard input".to_owned(), |stem| stem.to_string_lossy().into_owned());
        let format = match format.or_else(|| by_extension(path)) {
            Some(format) => format,
            None => by_content(&mut source.reader).map_err(|error| failed(&place, &error))?,
        };
        let before = self.rows.len() + self.errors.len();
        match format {
            Format::Jsonl => self.read_jsonl(source, names, &stem, &place)?,
            Format::Csv => self.read_csv(source, names, &stem, &place)?,
        }
        if self.rows.len() + self.errors.len() == before {
            self.errors.push(format!("{place}: no rows, expected labelled prompts"));
        }
        Ok(())
    }

    fn read_jsonl(&mut self, source: Source, names: &Names<'_>, stem: &str, place: &str) -> Result<(), Failure> {
        let mut lines = Lines::new(source.reader);
        while let Some(line) = lines.next_line().map_err(|error| failed(place, &error))? {
            let number = lines.line();
            let fields = match line {
                Ok(bytes) => {
                    let bytes = if number == 1 { bytes.strip_prefix(MARK).unwrap_or(&bytes) } else { &bytes };
                    if bytes.trim_ascii().is_empty() {
                        continue;
                    }
                    json_fields(bytes, names)
                }
                Err(error) => Err(error),
            };
            self.add(fields, names, stem, place, number);
        }
        Ok(())
    }

    fn read_csv(&mut self, source: Source, names: &Names<'_>, stem: &str, place: &str) -> Result<(), Failure> {
        let mut table = Table::new(source.reader, b',');
        let header = match table.next_record().map_err(|error| failed(place, &error))? {
            None => return Ok(()),
            Some((_, Ok(header))) => header,
            Some((line, Err(message))) => return Err(Failure::File(format!("{place}:{line}"), message)),
        };
        if let Some(name) = names.twice_in(&header) {
            let message = format!("column `{name}` is there twice, expected it once");
            return Err(Failure::File(format!("{place}:1"), message));
        }
        while let Some((line, record)) = table.next_record().map_err(|error| failed(place, &error))? {
            let fields = record.and_then(|record| csv_fields(&header, &record, names));
            self.add(fields, names, stem, place, line);
        }
        Ok(())
    }

    fn add(&mut self, fields: Result<Fields, String>, names: &Names<'_>, stem: &str, place: &str, line: u64) {
        let place = format!("{place}:{line}");
        match fields.and_then(|fields| row(fields, names, stem, &place, line)) {
            Ok(row) => self.rows.push(row),
            Err(error) => self.errors.push(format!("{place}: {error}")),
        }
    }
}

fn failed(place: &str, error: &std::io::Error) -> Failure {
    Failure::File(place.to_owned(), format!("cannot be read: {error}"))
}

impl Row {
    fn slice(&self, slice: usize) -> Option<&str> {
        self.slices.get(slice)?.as_deref()
    }
}

fn by_extension(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "jsonl" | "ndjson" | "json" => Some(Format::Jsonl),
        "csv" => Some(Format::Csv),
        _ => None,
    }
}

/// JSONL starts with an object; nothing else does.
fn by_content(reader: &mut dyn BufRead) -> std::io::Result<Format> {
    let start = reader.fill_buf()?;
    let start = start.strip_prefix(MARK).unwrap_or(start);
    Ok(if start.trim_ascii_start().starts_with(b"{") { Format::Jsonl } else { Format::Csv })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_follow_from_names_or_the_first_byte() {
        let by_name = |name: &str| by_extension(Path::new(name));
        assert!(by_name("a.jsonl") == Some(Format::Jsonl) && by_name("b.x/a.csv") == Some(Format::Csv));
        assert!(by_name("-").is_none() && by_name("a.txt").is_none());
        let by_text = |text: &str| by_content(&mut text.as_bytes()).unwrap();
        assert!(by_text("\u{feff} \n{\"prompt\"") == Format::Jsonl && by_text("prompt,labels") == Format::Csv);
        assert!(by_text("") == Format::Csv);
    }
}
