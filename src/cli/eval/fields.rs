//! The fields of a labelled row, read out of JSON or CSV and made into a row.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::aspect::Aspects;
use super::options::Eval;
use super::rows::Row;
use crate::category::{Category, UnknownCategory};
use crate::cli::input::{Cells, Text, found, object};

/// Slices if none are asked for.
const DEFAULT_SLICES: [&str; 3] = ["lang", "kind", "source"];
/// What says of a row that no telling word gives it away.
const HARD: &str = "hard";
/// The names of the fields that matter.
pub(super) struct Names<'a> {
    /// The first one that a row has counts.
    pub(super) prompt: Vec<&'a str>,
    pub(super) negative: &'a str,
    pub(super) labels: &'a str,
    pub(super) id: &'a str,
    pub(super) slices: Vec<&'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn new(options: &'a Eval) -> Self {
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
    pub(super) fn twice_in<'b>(&self, header: &'b Cells) -> Option<&'b str> {
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
pub(super) struct Fields {
    /// Prompts and negative prompts, in which JSON may hold lone surrogates.
    texts: BTreeMap<String, String>,
    others: BTreeMap<String, Value>,
}

pub(super) fn csv_fields(header: &Cells, record: &Cells, names: &Names<'_>) -> Result<Fields, String> {
    if record.len() != header.len() {
        return Err(format!("{} fields, expected {} as in the header", record.len(), header.len()));
    }
    let mut fields = Fields::default();
    for (column, (name, value)) in header.iter().zip(record.iter()).enumerate() {
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

pub(super) fn json_fields(line: &[u8], names: &Names<'_>) -> Result<Fields, String> {
    object(line, FieldsVisitor(names)).map_err(|error| {
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
                    fields.texts.insert(key.into_owned(), text.into_owned());
                }
            } else if self.0.matters(&key) {
                fields.others.insert(key.into_owned(), map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}

/// Makes a row of what was read, or says what is missing.
pub(super) fn row(mut fields: Fields, names: &Names<'_>, stem: &str, place: &str, line: u64) -> Result<Row, String> {
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
    fn kinds_follow_from_labels_and_hardness() {
        let kinds =
            [("true", false), ("false", false), ("1", true), ("", true)].map(|(hard, none)| kind(Some(hard), none));
        assert_eq!(kinds, [Some("implicit"), Some("plain"), Some("lookalike"), Some("ordinary")]);
        assert_eq!(kind(None, true), None);
    }
}
