//! The fields of a row that matter: where they stand in JSON, CSV and Parquet, and what they hold.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The name of a field; dots lead into nested ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct FieldPath {
    name: String,
    parts: Vec<String>,
}

impl FieldPath {
    /// A name as a user gives it. A field that is called so, dots included, goes before a nested one.
    pub(in crate::cli) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), parts: name.split('.').map(str::to_owned).collect() }
    }

    /// As a user gave it.
    pub(in crate::cli) fn name(&self) -> &str {
        &self.name
    }

    /// The names from the outermost field inwards.
    pub(in crate::cli) fn parts(&self) -> &[String] {
        &self.parts
    }
}

/// The raw values of some fields of the one JSON object in `json`, `None` where there is no such field. Of two fields
/// of one name the last one counts, as in most readers.
pub(super) fn find<'de>(json: &'de [u8], paths: &[&FieldPath]) -> serde_json::Result<Vec<Option<&'de RawValue>>> {
    object(json, Outer { paths })
}

/// Reads the one JSON object of a line.
pub(in crate::cli) fn object<'de, V: Visitor<'de>>(line: &'de [u8], visitor: V) -> serde_json::Result<V::Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let value = (&mut deserializer).deserialize_map(visitor)?;
    deserializer.end()?;
    Ok(value)
}

/// What serde found wrong, without the value it found, which may be text of a prompt.
pub(in crate::cli) fn found(message: &str) -> String {
    let what = message.split(" at line ").next().unwrap_or_default();
    let what = what.split(", expected").next().unwrap_or_default();
    match what.strip_prefix("invalid type: ") {
        Some(kind) => format!("invalid type: {}", kind.split([' ', ',']).next().unwrap_or_default()),
        None => what.to_owned(),
    }
}

struct Outer<'a> {
    paths: &'a [&'a FieldPath],
}

impl<'de> Visitor<'de> for Outer<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = vec![None; self.paths.len()];
        let mut exact = vec![false; self.paths.len()];
        while let Some(key) = map.next_key_seed(Text)? {
            let key = key.unwrap_or_default();
            let value: &RawValue = map.next_value()?;
            for ((path, found), exact) in self.paths.iter().zip(&mut found).zip(&mut exact) {
                if path.name == key {
                    (*found, *exact) = (Some(value), true);
                } else if let [first, inner @ ..] = path.parts.as_slice()
                    && !*exact
                    && !inner.is_empty()
                    && *first == key
                {
                    *found = inside(value, inner);
                }
            }
        }
        Ok(found)
    }
}

/// The value that a path leads to inside another one.
fn inside<'de>(value: &'de RawValue, parts: &[String]) -> Option<&'de RawValue> {
    let Some((first, inner)) = parts.split_first() else { return Some(value) };
    let path = FieldPath { name: first.clone(), parts: vec![first.clone()] };
    let found = find(value.get().as_bytes(), &[&path]).ok()?.pop()??;
    inside(found, inner)
}

/// A JSON string, `None` for null. Escaped lone surrogates, which some writers produce, become U+FFFD: such a prompt
/// must be judged, not lost.
pub(in crate::cli) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }

    fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Some(String::from_utf8_lossy(bytes)))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(String::from_utf8_lossy(bytes).into_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }
}

/// The string that a raw value is; the error says what it is instead.
pub(super) fn text(value: &RawValue) -> Result<String, &'static str> {
    let kind = kind(value);
    if kind != "a string" {
        return Err(kind);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(value.get().as_bytes());
    match Text.deserialize(&mut deserializer) {
        Ok(Some(text)) => Ok(text.into_owned()),
        _ => Err("a broken string"),
    }
}

/// A value as JSON that every reader takes: as it stands, unless it nests too deep or holds half a surrogate pair or a number
/// beyond all bounds. Such a string loses what is broken, all else becomes a string of what stands there.
pub(super) fn sound(value: &RawValue) -> String {
    if is_sound(value.get()) {
        return value.get().to_owned();
    }
    serde_json::Value::from(text(value).unwrap_or_else(|_| value.get().to_owned())).to_string()
}

/// Most lists and objects inside of each other. Readers differ; few take less than this.
const MOST_NESTED: u8 = 60;

fn is_sound(json: &str) -> bool {
    Sound { left: MOST_NESTED }.deserialize(&mut serde_json::Deserializer::from_str(json)).is_ok()
}

/// Reads any value for its errors alone. A `serde_json::Value` would take many times the memory of the text.
#[derive(Clone, Copy)]
struct Sound {
    /// Lists and objects that may still be opened.
    left: u8,
}

impl Sound {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        self.left.checked_sub(1).map(|left| Self { left }).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Sound {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        while list.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        while map.next_entry_seed(inner, inner)?.is_some() {}
        Ok(())
    }
}

/// What kind of value stands there, for errors: never the value, which may be text of a prompt.
fn kind(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(json: &str, name: &str) -> Option<String> {
        find(json.as_bytes(), &[&FieldPath::new(name)]).unwrap()[0].map(|value| value.get().to_owned())
    }

    #[test]
    fn paths_lead_into_objects() {
        let json = r#"{"a":{"b":{"c":1},"d":"x"},"e.f":2,"e":{"f":3},"g":null,"a.d":"flat"}"#;
        assert_eq!(get(json, "a.b.c").as_deref(), Some("1"));
        assert_eq!(get(json, "a.d").as_deref(), Some(r#""flat""#));
        assert_eq!(get(json, "e.f").as_deref(), Some("2"));
        assert_eq!(get(json, "g").as_deref(), Some("null"));
        assert_eq!((get(json, "a.x"), get(json, "g.x"), get(json, "x")), (None, None, None));
        assert_eq!(get(r#"{"a":1,"a":2}"#, "a").as_deref(), Some("2"));
    }

    #[test]
    fn values_are_sound_json() {
        let of = |json: &str| sound(serde_json::from_str::<&RawValue>(json).unwrap());
        for json in
            ["null", "true", "12345678901234567890123", "-1.50e3", r#""a\u00e4\n""#, r#"{"a": [1, {}], "b":""}"#]
        {
            assert_eq!(of(json), json);
        }
        assert_eq!(of(r#""a \ud83d""#), "\"a \u{fffd}\u{fffd}\u{fffd}\"");
        for json in [r#"["a \ud83d"]"#, r#"{"\udc00": 1}"#, "1e999", "[-1e999]"] {
            assert_eq!(serde_json::from_str::<String>(&of(json)).unwrap(), json);
        }
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(of(&nested(60)), nested(60));
        assert_eq!(of(&nested(61)), format!("\"{}\"", nested(61)));
        assert!(of(&nested(100_000)).starts_with('"'));
    }

    #[test]
    fn texts_survive_lone_surrogates() {
        let value = |json: &'static str| serde_json::from_str::<&RawValue>(json).unwrap();
        assert_eq!(text(value(r#""a \ud83d b""#)).unwrap(), "a \u{fffd}\u{fffd}\u{fffd} b");
        assert_eq!(text(value("12")), Err("a number"));
        assert_eq!(text(value("null")), Err("null"));
    }
}
