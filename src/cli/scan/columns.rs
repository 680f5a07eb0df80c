//! Decisions as a Parquet file with typed columns, made of the lines in which they were spooled.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float32Builder, Float64Builder, Int64Builder, ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::value::RawValue;

use super::journal::cut_off;
use crate::category::Category;
use crate::cli::Failure;

/// Rows that are made into columns at a time, and bytes of their lines.
const ROWS: usize = 8192;
const BYTES: usize = 8 << 20;
/// Bytes of a row group that are kept in memory until it is written.
const GROUP_BYTES: usize = 64 << 20;
/// From here on a float does not hold every integer.
const EXACT: u64 = 1 << 53;
/// Columns that hold text, in the order of the decision's fields.
const TEXTS: [&str; 7] = ["id", "verdict", "user_message", "policy", "model", "degraded", "error"];

/// Values as they stand in a line, by the names of their fields. They are not taken apart: what a list of numbers takes in
/// memory is many times its text, and what some reader might not take must not end the scan.
type Values<'a> = BTreeMap<String, &'a RawValue>;

/// What the values of a kept field are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    /// Integers that a float can hold as well.
    Int,
    /// Integers, some of which it cannot.
    Long,
    Float,
    /// Strings, or values that have no type in common, as JSON.
    Text,
}

impl Kind {
    /// The kind of a value, `None` for null.
    fn of(value: &RawValue) -> Option<Self> {
        let json = value.get();
        Some(match json.as_bytes().first() {
            Some(b'n') => return None,
            Some(b't' | b'f') => Self::Bool,
            Some(b'-' | b'0'..=b'9') => match json.parse::<i64>() {
                Ok(integer) if integer.unsigned_abs() <= EXACT => Self::Int,
                Ok(_) => Self::Long,
                Err(_) if json.contains(['.', 'e', 'E']) && float(json).is_some() => Self::Float,
                // Digit by digit.
                Err(_) => Self::Text,
            },
            _ => Self::Text,
        })
    }

    /// The kind that holds values of both.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Int, Self::Long) | (Self::Long, Self::Int) => Self::Long,
            (Self::Int, Self::Float) | (Self::Float, Self::Int) => Self::Float,
            _ => Self::Text,
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int | Self::Long => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Text => DataType::Utf8,
        }
    }

    fn column(self, values: &[Option<&RawValue>]) -> ArrayRef {
        let values = values.iter().map(|value| value.map(RawValue::get).filter(|json| *json != "null"));
        match self {
            Self::Bool => {
                let mut column = BooleanBuilder::new();
                values.for_each(|json| column.append_option(json.map(|json| json == "true")));
                Arc::new(column.finish())
            }
            Self::Int | Self::Long => {
                let mut column = Int64Builder::new();
                values.for_each(|json| column.append_option(json.and_then(|json| json.parse().ok())));
                Arc::new(column.finish())
            }
            Self::Float => {
                let mut column = Float64Builder::new();
                values.for_each(|json| column.append_option(json.and_then(float)));
                Arc::new(column.finish())
            }
            Self::Text => texts(values.map(|json| json.map(text))),
        }
    }
}

/// A number, if it is not beyond all floats.
fn float(json: &str) -> Option<f64> {
    json.parse().ok().filter(|float: &f64| float.is_finite())
}

/// A string, or whatever else stands there as JSON.
fn text(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
}

/// Fields of an object, none where there is no object.
fn fields_of(value: Option<&RawValue>) -> Values<'_> {
    value.and_then(|value| serde_json::from_str(value.get()).ok()).unwrap_or_default()
}

/// Writes the rows of `spool`, lines of JSON in zstd frames, as a Parquet file to `path`: one pass to see which columns there
/// are, one to fill them.
pub(super) fn write(spool: &Path, path: &Path) -> Result<(), Failure> {
    let mut kept: BTreeMap<String, Option<Kind>> = BTreeMap::new();
    let (mut prompts, mut timing, mut shadow) = (false, false, false);
    for line in lines(spool)? {
        let line = line?;
        let row = values(spool, &line)?;
        prompts |= row.contains_key("prompt");
        timing |= row.contains_key("timing_us");
        shadow |= row.contains_key("shadow");
        for (name, value) in fields_of(row.get("kept").copied()) {
            let kind = kept.entry(name).or_default();
            *kind = match (*kind, Kind::of(value)) {
                (Some(kind), Some(other)) => Some(kind.with(other)),
                (kind, other) => kind.or(other),
            };
        }
    }
    let kept: Vec<(String, Kind)> = kept.into_iter().map(|(name, kind)| (name, kind.unwrap_or(Kind::Text))).collect();
    let mut fields: Vec<Field> = TEXTS.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    let labels = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    fields.push(Field::new("categories", labels, true));
    fields.extend(
        Category::SCORED.iter().map(|category| Field::new(format!("score_{category}"), DataType::Float32, true)),
    );
    fields.push(Field::new("reasons", DataType::Utf8, true));
    for (name, there) in [("prompt", prompts), ("shadow", shadow)] {
        fields.extend(there.then(|| Field::new(name, DataType::Utf8, true)));
    }
    fields.extend(timing.then(|| Field::new("timing_us", DataType::Int64, true)));
    fields.extend(kept.iter().map(|(name, kind)| Field::new(format!("kept_{name}"), kind.data_type(), true)));
    let schema = Arc::new(Schema::new(fields));

    let fail = |error: &dyn std::fmt::Display| cut_off(path, error);
    let file = File::create(path).map_err(|error| fail(&error))?;
    let level = ZstdLevel::try_new(3).map_err(|error| fail(&error))?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(|error| fail(&error))?;
    let mut rest = lines(spool)?;
    loop {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < ROWS
            && bytes < BYTES
            && let Some(line) = rest.next()
        {
            let line = line?;
            bytes += line.len();
            batch.push(line);
        }
        if batch.is_empty() {
            break;
        }
        let batch = batch.iter().map(|line| values(spool, line)).collect::<Result<Vec<_>, Failure>>()?;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        let field = |name: &str| batch.iter().map(|row| row.get(name).copied()).collect::<Vec<_>>();
        columns.extend(TEXTS.iter().map(|name| Kind::Text.column(&field(name))));
        columns.push(categories(&field("categories")));
        let scores: Vec<Values<'_>> = field("scores").into_iter().map(fields_of).collect();
        for category in Category::SCORED {
            let mut column = Float32Builder::new();
            for scores in &scores {
                column.append_option(scores.get(category.id()).and_then(|score| score.get().parse().ok()));
            }
            columns.push(Arc::new(column.finish()));
        }
        columns
            .push(texts(field("reasons").into_iter().map(|reasons| reasons.map(|reasons| reasons.get().to_owned()))));
        for (name, there) in [("prompt", prompts), ("shadow", shadow)] {
            columns.extend(there.then(|| Kind::Text.column(&field(name))));
        }
        columns.extend(timing.then(|| Kind::Int.column(&field("timing_us"))));
        let values: Vec<Values<'_>> = field("kept").into_iter().map(fields_of).collect();
        for (name, kind) in &kept {
            columns.push(kind.column(&values.iter().map(|row| row.get(name).copied()).collect::<Vec<_>>()));
        }
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|error| fail(&error))?;
        writer.write(&batch).map_err(|error| fail(&error))?;
        if writer.memory_size().max(writer.in_progress_size()) >= GROUP_BYTES {
            writer.flush().map_err(|error| fail(&error))?;
        }
    }
    let file = writer.into_inner().map_err(|error| fail(&error))?;
    file.sync_all().map_err(|error| fail(&error))
}

/// The lines of the spool.
fn lines(spool: &Path) -> Result<impl Iterator<Item = Result<String, Failure>>, Failure> {
    let place = spool.to_owned();
    let file = File::open(spool).map_err(|error| unreadable(spool, &error))?;
    let decoder = zstd::Decoder::new(file).map_err(|error| unreadable(spool, &error))?;
    Ok(BufReader::new(decoder).lines().map(move |line| line.map_err(|error| unreadable(&place, &error))))
}

/// The values of a row.
fn values<'a>(spool: &Path, line: &'a str) -> Result<Values<'a>, Failure> {
    serde_json::from_str(line).map_err(|error| unreadable(spool, &error))
}

fn unreadable(spool: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::File(spool.display().to_string(), format!("cannot be read: {error}"))
}

fn texts(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    let mut column = StringBuilder::new();
    for value in values {
        column.append_option(value);
    }
    Arc::new(column.finish())
}

fn categories(values: &[Option<&RawValue>]) -> ArrayRef {
    let mut column = ListBuilder::new(StringBuilder::new());
    for value in values {
        let ids: Option<Vec<String>> = value.and_then(|value| serde_json::from_str(value.get()).ok());
        let is_there = ids.is_some();
        for id in ids.into_iter().flatten() {
            column.values().append_value(id);
        }
        column.append(is_there);
    }
    Arc::new(column.finish())
}
