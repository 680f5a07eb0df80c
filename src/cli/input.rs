//! Rows of input files: JSON objects or plain lines, one a line, each either a prompt or an error that says what is wrong.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::Failure;
use super::args::InputFormat;

/// Longest line that is read; a longer one becomes an error row.
const MAX_LINE_BYTES: usize = 16 << 20;

/// One row of an input file.
pub(super) struct Row {
    /// From the id field, else the line number.
    pub(super) id: String,
    /// The prompt, or `path:line: what was found, what was expected`.
    pub(super) content: Result<Content, String>,
}

pub(super) struct Content {
    pub(super) prompt: String,
    pub(super) negative: Option<String>,
}

/// A file or standard input, opened but not read.
pub(super) struct Source {
    pub(super) reader: Box<dyn BufRead + Send>,
    pub(super) place: String,
    /// Bytes of the file, if it is one.
    size: Option<u64>,
}

/// The lines of one input, read one after the other.
pub(super) struct Input {
    reader: Box<dyn BufRead + Send>,
    place: String,
    line: usize,
    format: Option<InputFormat>,
    size: Option<u64>,
}

/// The names of the JSON fields that matter.
#[derive(Clone, Copy)]
pub(super) struct FieldNames<'a> {
    pub(super) prompt: &'a str,
    pub(super) negative: Option<&'a str>,
    pub(super) id: Option<&'a str>,
}

/// A line as read, not yet parsed.
pub(super) struct Line {
    bytes: Vec<u8>,
    number: usize,
    format: InputFormat,
    too_long: bool,
}

impl Source {
    /// What `reader` gives, under a name.
    #[cfg(test)]
    pub(super) fn of(place: &str, reader: Box<dyn BufRead + Send>) -> Self {
        Self { reader, place: place.to_owned(), size: None }
    }

    /// Opens `path`, or standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let reader = Box::new(BufReader::with_capacity(1 << 18, io::stdin()));
            return Ok(Self { reader, place: "standard input".to_owned(), size: None });
        }
        let place = path.display().to_string();
        let fail = |what: String| Failure::File(place.clone(), what);
        let file =
            File::open(path).map_err(|error| fail(format!("cannot be read: {error}, expected a file of prompts")))?;
        let meta =
            file.metadata().map_err(|error| fail(format!("cannot be read: {error}, expected a file of prompts")))?;
        if meta.is_dir() {
            return Err(fail("is a folder, expected a file of prompts".to_owned()));
        }
        let reader = Box::new(BufReader::with_capacity(1 << 18, file));
        Ok(Self { reader, place, size: Some(meta.len()) })
    }
}

impl Input {
    /// Opens `path`, or standard input for `-`.
    pub(super) fn open(path: &Path, format: Option<InputFormat>) -> Result<Self, Failure> {
        Ok(Self::new(Source::open(path)?, format))
    }

    /// Reads `source` line by line.
    pub(super) fn new(source: Source, format: Option<InputFormat>) -> Self {
        let Source { reader, place, size } = source;
        Self { reader, place, line: 0, format, size }
    }

    /// Names the input in errors.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Bytes of the file, if it is one.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// The next line, `None` at the end. Bytes past the longest line allowed are skipped, not kept.
    pub(super) fn next_line(&mut self) -> Result<Option<Line>, Failure> {
        let fail = |error: io::Error, place: &str, line: usize| {
            Failure::File(format!("{place}:{line}"), format!("cannot be read: {error}"))
        };
        let mut bytes = Vec::new();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let (place, number) = (&self.place, self.line + 1);
        let read = self
            .reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut bytes)
            .map_err(|error| fail(error, place, number))?;
        if read == 0 {
            return Ok(None);
        }
        let ended = bytes.last() == Some(&b'\n');
        let too_long = !ended && bytes.len() > MAX_LINE_BYTES;
        if too_long {
            bytes.clear();
            self.reader.skip_until(b'\n').map_err(|error| fail(error, place, number))?;
        }
        for end in [b'\n', b'\r'] {
            if bytes.last() == Some(&end) {
                bytes.pop();
            }
        }
        if self.line == 0 && bytes.starts_with("\u{feff}".as_bytes()) {
            bytes.drain(..3);
        }
        self.line = number;
        // The first row with anything in it tells what the file holds.
        let guess = || match bytes.trim_ascii_start().first() {
            Some(b'{') => Some(InputFormat::Jsonl),
            Some(_) => Some(InputFormat::Lines),
            None => None,
        };
        self.format = self.format.or_else(guess);
        let format = self.format.unwrap_or(InputFormat::Lines);
        Ok(Some(Line { bytes, number, format, too_long }))
    }
}

impl Line {
    /// How many bytes the line takes in its file.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() + 1
    }

    /// Its number, counted from 1.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// What it holds, or what is wrong with it.
    pub(super) fn into_bytes(self) -> Result<Vec<u8>, String> {
        if self.too_long { Err(too_long()) } else { Ok(self.bytes) }
    }

    /// Parses the line; `None` for a blank line between JSON rows, which is no row.
    pub(super) fn row(self, place: &str, names: FieldNames<'_>) -> Option<Row> {
        let mut id = self.number.to_string();
        let at = |what: &str| format!("{place}:{}: {what}", self.number);
        let content = if self.too_long {
            Err(at(&too_long()))
        } else if self.format == InputFormat::Lines {
            match String::from_utf8(self.bytes) {
                Ok(prompt) => Ok(Content { prompt, negative: None }),
                Err(error) => {
                    Err(at(&format!("invalid UTF-8 at byte {}, expected UTF-8 text", error.utf8_error().valid_up_to())))
                }
            }
        } else if self.bytes.trim_ascii().is_empty() {
            return None;
        } else {
            match object(&self.bytes, RowVisitor { names }) {
                Err(error) => {
                    let what = if error.is_data() { found(&error.to_string()) } else { "invalid JSON".to_owned() };
                    Err(at(&format!(
                        "{what} at column {}, expected an object with a string `{}`",
                        error.column(),
                        names.prompt
                    )))
                }
                Ok(fields) => {
                    id = fields.id.unwrap_or(id);
                    let content = |prompt| Content { prompt, negative: fields.negative };
                    fields
                        .prompt
                        .map(content)
                        .ok_or_else(|| at(&format!("no field `{}`, expected a string", names.prompt)))
                }
            }
        };
        Some(Row { id, content })
    }
}

fn too_long() -> String {
    format!("a line of more than {MAX_LINE_BYTES} bytes, expected less")
}

/// What serde found wrong, without the value it found, which may be text of a prompt.
pub(super) fn found(message: &str) -> String {
    let what = message.split(" at line ").next().unwrap_or_default();
    let what = what.split(", expected").next().unwrap_or_default();
    match what.strip_prefix("invalid type: ") {
        Some(kind) => format!("invalid type: {}", kind.split([' ', ',']).next().unwrap_or_default()),
        None => what.to_owned(),
    }
}

/// The fields of a JSON row that matter.
#[derive(Default)]
struct Fields {
    prompt: Option<String>,
    negative: Option<String>,
    id: Option<String>,
}

/// Reads the one JSON object of a line.
pub(super) fn object<'de, V: Visitor<'de>>(line: &'de [u8], visitor: V) -> serde_json::Result<V::Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let value = (&mut deserializer).deserialize_map(visitor)?;
    deserializer.end()?;
    Ok(value)
}

struct RowVisitor<'a> {
    names: FieldNames<'a>,
}

impl<'de> Visitor<'de> for RowVisitor<'_> {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key_seed(Text)? {
            let key = key.unwrap_or_default();
            if key == self.names.prompt {
                fields.prompt = map.next_value_seed(Text)?;
                if fields.prompt.is_none() {
                    return Err(A::Error::custom(format!("field `{key}` is null")));
                }
            } else if Some(key.as_str()) == self.names.negative {
                fields.negative = map.next_value_seed(Text)?;
            } else if Some(key.as_str()) == self.names.id {
                let id: serde_json::Value = map.next_value()?;
                fields.id = Some(id.as_str().map_or_else(|| id.to_string(), str::to_owned));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}

/// A JSON string, `None` for null. Escaped lone surrogates, which some writers produce, become U+FFFD: such a prompt
/// must be judged, not lost.
pub(super) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }
}
