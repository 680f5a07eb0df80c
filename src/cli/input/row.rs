//! A row: the prompt with what belongs to it, out of whatever the file holds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::batches::{Item, Record};
use super::fields::{self, FieldPath};
use super::table::Cells;
use super::{Format, Header, Held, Numbered};

/// The fields that matter.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Wanted {
    pub(in crate::cli) prompt: FieldPath,
    pub(in crate::cli) negative: Option<FieldPath>,
    pub(in crate::cli) id: Option<FieldPath>,
    pub(in crate::cli) user: Option<FieldPath>,
    pub(in crate::cli) time: Option<FieldPath>,
    /// Fields that are copied to the output.
    pub(in crate::cli) keep: Vec<FieldPath>,
    /// Whether the id of a row without one tells its file too, since there are several.
    pub(in crate::cli) several: bool,
}

/// What a field is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Prompt,
    Negative,
    Id,
    User,
    Time,
    Keep,
}

impl Wanted {
    /// The prompt alone.
    pub(in crate::cli) fn prompt_only(field: &str) -> Self {
        Self {
            prompt: FieldPath::new(field),
            negative: None,
            id: None,
            user: None,
            time: None,
            keep: Vec::new(),
            several: false,
        }
    }

    fn roles(&self) -> impl Iterator<Item = (Role, &FieldPath)> {
        [
            Some((Role::Prompt, &self.prompt)),
            self.negative.as_ref().map(|path| (Role::Negative, path)),
            self.id.as_ref().map(|path| (Role::Id, path)),
            self.user.as_ref().map(|path| (Role::User, path)),
            self.time.as_ref().map(|path| (Role::Time, path)),
        ]
        .into_iter()
        .flatten()
        .chain(self.kept().map(|path| (Role::Keep, path)))
    }

    /// Fields that are copied to the output, each once: an object has no two fields of one name.
    pub(in crate::cli) fn kept(&self) -> impl Iterator<Item = &FieldPath> {
        let is_first =
            |(place, path): &(usize, &FieldPath)| !self.keep.iter().take(*place).any(|before| before == *path);
        self.keep.iter().enumerate().filter(is_first).map(|(_, path)| path)
    }

    /// The fields, but prompts, that somebody asked for by name and that are not among `fields`, as a [`Row`] counts them.
    pub(in crate::cli) fn missing(&self, fields: u64) -> impl Iterator<Item = &str> {
        let asked =
            self.roles().take(64).enumerate().filter(|(_, (role, _))| !matches!(role, Role::Prompt | Role::Negative));
        asked.filter(move |(place, _)| fields >> place & 1 == 0).map(|(_, (_, path))| path.name())
    }

    /// Every field, the prompt first.
    pub(in crate::cli) fn paths(&self) -> Vec<&FieldPath> {
        self.roles().map(|(_, path)| path).collect()
    }
}

/// Where a row stands: which input it is of, and how many records of that come before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::cli) struct Standing {
    pub(in crate::cli) input: u64,
    pub(in crate::cli) ordinal: u64,
}

/// One row of an input file.
pub(in crate::cli) struct Row {
    /// From the id field, else the number of the line or row.
    pub(in crate::cli) id: String,
    pub(in crate::cli) standing: Standing,
    /// Which of the wanted fields it has, a bit each, the first 64 of them.
    pub(in crate::cli) fields: u64,
    /// The prompt, or `path:line: what was found, what was expected`.
    pub(in crate::cli) content: Result<Content, String>,
}

/// What a row holds.
#[derive(Debug, Default, PartialEq)]
pub(in crate::cli) struct Content {
    pub(in crate::cli) prompt: String,
    pub(in crate::cli) negative: Option<String>,
    /// Who asked, as the file names them.
    pub(in crate::cli) user: Option<String>,
    /// When, as the file writes it.
    pub(in crate::cli) time: Option<Value>,
    /// The fields to copy, as JSON.
    pub(in crate::cli) kept: Vec<String>,
}

/// The value of a field, wherever it stands.
enum Found<'a> {
    Json(&'a RawValue),
    Cell(&'a [u8]),
    Item(Item<'a>),
}

impl Found<'_> {
    /// A string, `None` for null; the error says what is there instead.
    fn text(&self) -> Result<Option<String>, String> {
        match self {
            Self::Json(value) if value.get() == "null" => Ok(None),
            Self::Json(value) => fields::text(value).map(Some).map_err(str::to_owned),
            Self::Cell(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text.to_owned())),
                Err(error) => Err(format!("invalid UTF-8 at byte {}", error.valid_up_to())),
            },
            Self::Item(item) => item.text(),
        }
    }

    /// Any value. Numbers may lose digits.
    fn value(&self) -> Result<Value, String> {
        match self {
            Self::Json(value) => match fields::text(value) {
                Ok(text) => Ok(text.into()),
                Err(_) => serde_json::from_str(value.get()).map_err(|_| "a value that cannot be read".to_owned()),
            },
            Self::Cell(_) => Ok(self.text()?.into()),
            Self::Item(item) => item.value(),
        }
    }

    /// A string or number as a name, `None` for null and an empty cell. Of JSON it is what stands there: digits that are lost
    /// would make two names one.
    fn name(&self) -> Result<Option<String>, String> {
        match self {
            Self::Json(value) if value.get().starts_with('"') => self.text(),
            Self::Json(value) => Ok(Some(value.get()).filter(|name| *name != "null").map(str::to_owned)),
            Self::Cell([]) => Ok(None),
            Self::Cell(_) => self.text(),
            Self::Item(item) => Ok(match item.value()? {
                Value::Null => None,
                Value::String(name) => Some(name),
                other => Some(other.to_string()),
            }),
        }
    }
}

/// The rows of records; what comes before them in their input is not known here.
pub(super) fn rows(held: Held, place: Arc<str>, wanted: &Wanted) -> Box<dyn Iterator<Item = Row> + '_> {
    match held {
        Held::Lines(records, format) => {
            Box::new(records.into_iter().map(move |record| line(record, format, &place, wanted)))
        }
        Held::Cells(records, header) => {
            Box::new(records.into_iter().map(move |record| cells(record, &header, &place, wanted)))
        }
        Held::Records(records) => Box::new(records.into_iter().map(move |record| parquet_row(&record, &place, wanted))),
        Held::Broken(number, message) => {
            Box::new(std::iter::once(Row::broken(&At { place: &place, number, wanted }, &message)))
        }
    }
}

/// Where a record stands.
struct At<'a> {
    place: &'a str,
    number: u64,
    wanted: &'a Wanted,
}

impl At<'_> {
    fn error(&self, what: &str) -> String {
        if self.number == 0 {
            format!("{}: {what}", self.place)
        } else {
            format!("{}:{}: {what}", self.place, self.number)
        }
    }

    fn id(&self) -> String {
        if self.wanted.several { format!("{}:{}", self.place, self.number) } else { self.number.to_string() }
    }
}

fn line(record: Numbered<Vec<u8>>, format: Format, place: &str, wanted: &Wanted) -> Row {
    let (number, bytes) = record;
    let at = At { place, number, wanted };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(message) => return Row::broken(&at, &message),
    };
    if format == Format::Lines {
        let prompt = String::from_utf8(bytes).map_err(|error| {
            at.error(&format!("invalid UTF-8 at byte {}, expected UTF-8 text", error.utf8_error().valid_up_to()))
        });
        return Row::new(at.id(), prompt.map(|prompt| Content { prompt, ..Content::default() }));
    }
    match fields::find(&bytes, &wanted.paths()) {
        Ok(found) => Row::of(&at, found.into_iter().map(|value| value.map(Found::Json))),
        Err(error) => {
            let what = if error.is_data() { fields::found(&error.to_string()) } else { "invalid JSON".to_owned() };
            let message = format!(
                "{what} at column {}, expected an object with a string `{}`",
                error.column(),
                wanted.prompt.name()
            );
            Row::broken(&at, &message)
        }
    }
}

fn cells(record: Numbered<Cells>, header: &Header, place: &str, wanted: &Wanted) -> Row {
    let (number, cells) = record;
    let at = At { place, number, wanted };
    match cells {
        Err(message) => Row::broken(&at, &message),
        Ok(cells) if cells.len() != header.columns => {
            Row::broken(&at, &format!("{} fields, expected {} as in the header", cells.len(), header.columns))
        }
        Ok(cells) => Row::of(&at, header.wanted.iter().map(|place| cells.get((*place)?).map(Found::Cell))),
    }
}

fn parquet_row(record: &Numbered<Record>, place: &str, wanted: &Wanted) -> Row {
    let (number, record) = record;
    let at = At { place, number: *number, wanted };
    match record {
        Err(message) => Row::broken(&at, message),
        Ok(record) => Row::of(&at, record.items().map(|item| item.map(Found::Item))),
    }
}

impl Row {
    fn new(id: String, content: Result<Content, String>) -> Self {
        Self { id, standing: Standing::default(), fields: 0, content }
    }

    fn broken(at: &At<'_>, message: &str) -> Self {
        Self::new(at.id(), Err(at.error(message)))
    }

    /// Makes a row of the values of the wanted fields, in their order.
    fn of<'a>(at: &At<'_>, values: impl Iterator<Item = Option<Found<'a>>>) -> Self {
        let (mut id, mut content) = (None, Content::default());
        let mut prompt = Err(format!("no field `{}`, expected a string", at.wanted.prompt.name()));
        let mut fields = 0;
        for (place, ((role, path), found)) in at.wanted.roles().zip(values).enumerate() {
            let expected = if matches!(role, Role::Id | Role::User) { "a string or number" } else { "a string" };
            let in_field = |what: String| format!("{what} in `{}`, expected {expected}", path.name());
            let Some(found) = found else {
                if role == Role::Keep {
                    content.kept.push("null".to_owned());
                }
                continue;
            };
            fields |= 1_u64.checked_shl(u32::try_from(place).unwrap_or(u32::MAX)).unwrap_or(0);
            match role {
                Role::Prompt => {
                    prompt = match found.text() {
                        Ok(Some(text)) => Ok(text),
                        Ok(None) => Err(in_field("null".to_owned())),
                        Err(what) => Err(in_field(what)),
                    };
                }
                Role::Negative => match found.text() {
                    // An empty cell is no negative prompt.
                    Ok(text) => content.negative = text.filter(|text| !text.is_empty()),
                    Err(what) => prompt = prompt.and(Err(in_field(what))),
                },
                Role::Id => match found.name() {
                    Ok(name) => id = name,
                    Err(what) => prompt = prompt.and(Err(in_field(what))),
                },
                Role::User => match found.name() {
                    Ok(user) => content.user = user.filter(|user| !user.is_empty()),
                    Err(what) => prompt = prompt.and(Err(in_field(what))),
                },
                Role::Time => content.time = found.value().ok(),
                Role::Keep => content.kept.push(match found {
                    Found::Json(value) => fields::sound(value),
                    other => other.value().unwrap_or_else(|what| json!({ "error": what })).to_string(),
                }),
            }
        }
        let content = match prompt {
            Ok(prompt) => Ok(Content { prompt, ..content }),
            Err(what) => Err(at.error(&what)),
        };
        Self { fields, ..Self::new(id.unwrap_or_else(|| at.id()), content) }
    }
}
