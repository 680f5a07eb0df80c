//! Labelled rows of JSONL and CSV files, each either a row or an error that says what is wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, Read};
use std::path::Path;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::aspect::Aspects;
use super::options::{Eval, Format};
use crate::category::{Category, UnknownCategory};
use crate::cli::Failure;
use crate::cli::args::InputFormat;
use crate::cli::input::{Input, Source, Text, found};

/// Slices if none are asked for.
const DEFAULT_SLICES: [&str; 3] = ["lang", "kind", "source"];
/// What says of a row that no telling word gives it away.
const HARD: &str = "hard";

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
    slices: Vec<Option<String>>,
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
        let sources = options.files.iter().map(|path| Source::open(path)).collect::<Result<Vec<_>, _>>()?;
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
        let place = source.place.clone();
        let fail = |error: std::io::Error| Failure::File(place.clone(), format!("cannot be read: {error}"));
        let stem = path.file_stem().filter(|_| path != Path::new("-"));
        let stem = stem.map_or_else(|| "standard input".to_owned(), |stem| stem.to_string_lossy().into_owned());
        let format = match format.or_else(|| by_extension(path)) {
            Some(format) => format,
            None => by_content(&mut source.reader).map_err(fail)?,
        };
        let before = self.rows.len() + self.errors.len();
        match format {
            Format::Jsonl => self.read_jsonl(source, names, &stem)?,
            Format::Csv => self.read_csv(source, names, &stem)?,
        }
        if self.rows.len() + self.errors.len() == before {
            self.errors.push(format!("{place}: no rows, expected labelled prompts"));
        }
        Ok(())
    }

    fn read_jsonl(&mut self, source: Source, names: &Names<'_>, stem: &str) -> Result<(), Failure> {
        let mut input = Input::new(source, Some(InputFormat::Jsonl));
        while let Some(line) = input.next_line()? {
            let number = line.number();
            let fields = match line.into_bytes() {
                Ok(bytes) if bytes.trim_ascii().is_empty() => continue,
                Ok(bytes) => json_fields(&bytes, names),
                Err(error) => Err(error),
            };
            self.add(fields, names, stem, input.place(), number);
        }
        Ok(())
    }

    fn read_csv(&mut self, mut source: Source, names: &Names<'_>, stem: &str) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        let place = source.place.clone();
        source
            .reader
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::File(place.clone(), format!("cannot be read: {error}")))?;
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        let fail = |error: csv::Error| Failure::File(place.clone(), format!("cannot be read: {error}"));
        let mut lines = Lines { bytes, at: 0, line: 1 };
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
        let header = reader.byte_headers().map_err(fail)?.clone();
        if let Some(name) = names.twice_in(&header) {
            let message = format!("column `{name}` is there twice, expected it once");
            return Err(Failure::File(format!("{place}:1"), message));
        }
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(fail)? {
            let line = lines.of(record.position().map_or(0, csv::Position::byte));
            let fields = csv_fields(&header, &record, names);
            self.add(fields, names, stem, &place, line);
        }
        Ok(())
    }

    fn add(&mut self, fields: Result<Fields, String>, names: &Names<'_>, stem: &str, place: &str, line: usize) {
        let place = format!("{place}:{line}");
        match fields.and_then(|fields| row(fields, names, stem, &place, line)) {
            Ok(row) => self.rows.push(row),
            Err(error) => self.errors.push(format!("{place}: {error}")),
        }
    }
}

/// Counts the lines of a CSV file up to its records. The reader's own count is where the record before ended, which is not where
/// a record begins behind blank lines or `\r\n`.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of the record that begins at byte `start` or behind the line ends there; records are asked for in their order.
    fn of(&mut self, start: u64) -> usize {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let ends = |bytes: &[u8]| bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let start = start + self.bytes.get(start..).map_or(0, ends);
        let passed = self.bytes.get(self.at..start).unwrap_or_default();
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count();
        self.at = start;
        self.line
    }
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
    let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(start);
    Ok(if start.trim_ascii_start().starts_with(b"{") { Format::Jsonl } else { Format::Csv })
}

/// The names of the fields that matter.
struct Names<'a> {
    /// The first one that a row has counts.
    prompt: Vec<&'a str>,
    negative: &'a str,
    labels: &'a str,
    id: &'a str,
    slices: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn new(options: &'a Eval) -> Self {
        let mut slices: Vec<&str> = options.slice.iter().map(String::as_str).collect();
        if slices.is_empty() {
            slices.extend(DEFAULT_SLICES);
        }
        Self {
            prompt: options.prompt_field.as_deref().map_or_else(|| vec!["prompt", "text"], |name| vec![name]),
            negative: &options.negative_field,
            labels: &options.labels_field,
            id: &options.id_field,
            slices,
        }
    }

    fn is_text(&self, name: &str) -> bool {
        self.prompt.contains(&name) || name == self.negative
    }

    fn matters(&self, name: &str) -> bool {
        [self.labels, self.id, HARD].contains(&name) || self.slices.contains(&name)
    }

    /// A name that matters and that a header has twice: which one counts is anybody's guess.
    fn twice_in<'b>(&self, header: &'b csv::ByteRecord) -> Option<&'b str> {
        let names: Vec<&str> = header.iter().filter_map(|name| std::str::from_utf8(name).ok()).collect();
        let count = |name: &str| names.iter().filter(|known| **known == name).count();
        names.iter().copied().find(|name| (self.is_text(name) || self.matters(name)) && count(name) > 1)
    }

    fn quoted_prompt(&self) -> String {
        self.prompt.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
    }
}

/// The fields of a row that matter.
#[derive(Default)]
struct Fields {
    /// Prompts and negative prompts, in which JSON may hold lone surrogates.
    texts: BTreeMap<String, String>,
    others: BTreeMap<String, Value>,
}

fn csv_fields(header: &csv::ByteRecord, record: &csv::ByteRecord, names: &Names<'_>) -> Result<Fields, String> {
    if record.len() != header.len() {
        return Err(format!("{} fields, expected {} as in the header", record.len(), header.len()));
    }
    let mut fields = Fields::default();
    for (column, (name, value)) in header.iter().zip(record).enumerate() {
        let Ok(name) = std::str::from_utf8(name) else { continue };
        if !names.is_text(name) && !names.matters(name) {
            continue;
        }
        let value = std::str::from_utf8(value)
            .map_err(|error| {
                let at = error.valid_up_to();
                format!("invalid UTF-8 at byte {at} of field {}, expected UTF-8 text", column + 1)
            })?
            .to_owned();
        if names.is_text(name) {
            fields.texts.insert(name.to_owned(), value);
        } else {
            fields.others.insert(name.to_owned(), Value::String(value));
        }
    }
    // An empty cell is no negative prompt.
    fields.texts.retain(|name, text| name != names.negative || !text.is_empty());
    Ok(fields)
}

fn json_fields(line: &[u8], names: &Names<'_>) -> Result<Fields, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let fields = (&mut deserializer).deserialize_map(FieldsVisitor(names));
    fields.and_then(|fields| deserializer.end().map(|()| fields)).map_err(|error| {
        let what = if error.is_data() { found(&error.to_string()) } else { "invalid JSON".to_owned() };
        let (column, prompt) = (error.column(), names.quoted_prompt());
        format!("{what} at column {column}, expected an object with a string {prompt} and a list `{}`", names.labels)
    })
}

struct FieldsVisitor<'a>(&'a Names<'a>);

impl<'de> Visitor<'de> for FieldsVisitor<'_> {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key_seed(Text)? {
            let key = key.unwrap_or_default();
            if self.0.is_text(&key) {
                if let Some(text) = map.next_value_seed(Text)? {
                    fields.texts.insert(key, text);
                }
            } else if self.0.matters(&key) {
                fields.others.insert(key, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}

fn row(mut fields: Fields, names: &Names<'_>, stem: &str, place: &str, line: usize) -> Result<Row, String> {
    let labels = labels(fields.others.get(names.labels), names.labels)?;
    let prompt = names.prompt.iter().find_map(|name| fields.texts.remove(*name));
    let prompt = prompt.ok_or_else(|| format!("no text in {}, expected a prompt", names.quoted_prompt()))?;
    let id = match fields.others.get(names.id) {
        None | Some(Value::Null) => line.to_string(),
        Some(Value::String(id)) => id.clone(),
        Some(id) => id.to_string(),
    };
    let slice = |name: &&str| {
        word(fields.others.get(*name)).or_else(|| match *name {
            "kind" => kind(word(fields.others.get(HARD)).as_deref(), labels.is_empty()).map(str::to_owned),
            "source" => Some(stem.to_owned()),
            _ => None,
        })
    };
    let slices = names.slices.iter().map(slice).collect();
    let negative = fields.texts.remove(names.negative);
    Ok(Row { id, place: place.to_owned(), prompt, negative, labels, slices })
}

/// A string or true/false as a slice calls it.
fn word(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

fn kind(hard: Option<&str>, harmless: bool) -> Option<&'static str> {
    let hard = hard?;
    Some(match (hard.eq_ignore_ascii_case("true") || hard == "1", harmless) {
        (false, false) => "plain",
        (true, false) => "implicit",
        (false, true) => "ordinary",
        (true, true) => "lookalike",
    })
}

fn labels(value: Option<&Value>, name: &str) -> Result<Aspects, String> {
    let mut labels = Aspects::default();
    match value {
        None => return Err(format!("no field `{name}`, expected the ids of categories")),
        Some(Value::String(text)) => {
            for id in text.split([';', '|', ' ', '\t', '\n']).filter(|id| !id.is_empty()) {
                labels.insert_label(category(id)?);
            }
        }
        Some(Value::Array(ids)) => {
            for id in ids {
                let id =
                    id.as_str().ok_or_else(|| format!("{} in `{name}`, expected ids of categories", type_of(id)))?;
                labels.insert_label(category(id)?);
            }
        }
        Some(other) => return Err(format!("{} in `{name}`, expected a list of ids of categories", type_of(other))),
    }
    Ok(labels)
}

/// What looks like an id is quoted in errors; what does not may be a prompt in the wrong field.
fn category(id: &str) -> Result<Category, String> {
    id.parse().map_err(|UnknownCategory| {
        let is_id = id.len() <= 40 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        let ids = Category::ALL.map(|category| format!("`{category}`")).join(", ");
        let label = if is_id { format!("unknown label `{id}`") } else { "a label that is no id".to_owned() };
        format!("{label}, expected one of {ids}")
    })
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(labels: Result<Aspects, String>) -> Result<Vec<&'static str>, String> {
        labels.map(|labels| labels.categories().map(Category::id).collect())
    }

    #[test]
    fn labels_are_lists_or_separated_ids() {
        let of = |value: Value| ids(labels(Some(&value), "labels"));
        for text in ["adult;gore", "gore|adult", " adult  gore", "adult; gore|", "gore;adult;gore"] {
            assert_eq!(of(text.into()), Ok(vec!["adult", "gore"]), "{text}");
        }
        assert_eq!(of(vec!["minors"].into()), Ok(vec!["minors"]));
        assert_eq!(of("".into()), Ok(vec![]));
        assert_eq!(of(Value::Array(Vec::new())), Ok(vec![]));
        assert!(of("adult,gore".into()).is_err_and(|error| error.starts_with("a label that is no id")));
        assert!(
            of("Adult".into()).is_err_and(|error| error.starts_with("unknown label `Adult`, expected one of `adult`"))
        );
        assert!(labels(None, "is").is_err_and(|error| error.starts_with("no field `is`")));
    }

    #[test]
    fn csv_rows_know_their_line() {
        let text = "\n\nprompt,labels\r\n\r\n\"two\nlines\",gore\r\na boat,\n\n\n\"\n\",\nlast,";
        for bom in ["", "\u{feff}"] {
            let reader = Box::new(std::io::Cursor::new(format!("{bom}{text}")));
            let source = Source::of("labelled.csv", reader);
            let names = Names { prompt: vec!["prompt"], negative: "", labels: "labels", id: "id", slices: Vec::new() };
            let mut read = Labelled::default();
            read.read_csv(source, &names, "labelled").unwrap();
            let ids: Vec<&str> = read.rows.iter().map(|row| row.id.as_str()).collect();
            assert_eq!((ids, read.errors), (vec!["5", "7", "10", "12"], Vec::new()));
        }
    }

    #[test]
    fn kinds_follow_from_labels_and_hardness() {
        let kinds =
            [("true", false), ("false", false), ("1", true), ("", true)].map(|(hard, none)| kind(Some(hard), none));
        assert_eq!(kinds, [Some("implicit"), Some("plain"), Some("lookalike"), Some("ordinary")]);
        assert_eq!(kind(None, true), None);
    }

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
