//! Rows of Parquet files, some columns of them, none longer than may be kept in memory.

use std::fmt::Write as _;
use std::fs::File;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;
use serde_json::Value;

use super::fields::FieldPath;
use super::lines::{MAX_RECORD_BYTES, too_long};
use crate::cli::source::{ALWAYS, MOST_GROWTH};

/// Bytes that the rows which are decoded at a time should not take.
const TOGETHER: i64 = 32 << 20;
/// Least and most rows of these. Fewer cost time for each, and of more than the least somebody makes the longest that may be.
const ROWS: RangeInclusive<i64> = 8..=64;
/// Rows that are longer than this on average are decoded one by one: some of them may be much longer.
const LONG: i64 = 256 << 10;

/// Reads row after row.
pub(in crate::cli) struct Batches {
    reader: ParquetRecordBatchReader,
    paths: Vec<FieldPath>,
    /// Rows that are decoded, and the next of them.
    batch: Arc<Batch>,
    next: usize,
    /// Rows given so far, of how many.
    rows: u64,
    of: u64,
    /// Bytes of the file.
    size: u64,
    /// Whether the end has been reached, or what cannot be read.
    ended: bool,
}

/// Some rows of the columns that matter.
#[derive(Default)]
struct Batch {
    /// The columns in the order they were asked for, `None` for those the file does not have.
    columns: Vec<Option<Column>>,
    rows: usize,
}

/// A column, and the structs that it is nested in.
struct Column {
    values: ArrayRef,
    within: Vec<ArrayRef>,
}

/// One row.
pub(in crate::cli) struct Record {
    batch: Arc<Batch>,
    row: usize,
}

/// A value of a row.
pub(in crate::cli) struct Item<'a> {
    column: &'a Column,
    row: usize,
}

impl Batches {
    /// Reads the columns at `paths`, as far as the file has them. The error says what is wrong with the file.
    pub(in crate::cli) fn open(file: File, paths: &[&FieldPath]) -> Result<Self, String> {
        let size = file.metadata().map_or(0, |meta| meta.len());
        // What the writer noted about its own types (dictionaries, views) does not matter here.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(wrong)?;
        let schema = builder.parquet_schema();
        let wanted = (0..schema.num_columns()).filter(|&leaf| {
            let column = schema.column(leaf);
            let parts = column.path().parts();
            paths
                .iter()
                .any(|path| parts.starts_with(path.parts()) || parts.first().is_some_and(|one| one == path.name()))
        });
        let wanted: Vec<usize> = wanted.collect();
        let chunks =
            builder.metadata().row_groups().iter().flat_map(|group| wanted.iter().map(|&leaf| group.column(leaf)));
        for chunk in chunks {
            let (packed, unpacked) = (chunk.compressed_size(), chunk.uncompressed_size());
            if unpacked > ALWAYS.saturating_add(MOST_GROWTH.saturating_mul(packed)) {
                return Err(format!("a column that grows to more than {MOST_GROWTH} times its size, expected less"));
            }
        }
        let rows = rows_together(builder.metadata(), &wanted);
        let of = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let mask = ProjectionMask::leaves(schema, wanted);
        let reader = builder.with_projection(mask).with_batch_size(rows).build().map_err(wrong)?;
        let paths = paths.iter().map(|&path| path.clone()).collect();
        Ok(Self { reader, paths, batch: Arc::default(), next: 0, rows: 0, of, size, ended: false })
    }

    /// Rows given so far.
    pub(in crate::cli) fn rows(&self) -> u64 {
        self.rows
    }

    /// About how many bytes of the file were read: as large a part as of its rows.
    pub(in crate::cli) fn read(&self) -> u64 {
        u64::try_from(u128::from(self.size) * u128::from(self.rows) / u128::from(self.of.max(1))).unwrap_or(self.size)
    }

    /// The next row with its number, counted from 1; `None` behind the last one. The inner error says what is wrong with it.
    pub(in crate::cli) fn next_record(&mut self) -> Option<(u64, Result<Record, String>)> {
        while self.next == self.batch.rows {
            // What was decoded before goes before there is more.
            self.batch = Arc::default();
            let batch = if self.ended { None } else { self.reader.next() };
            self.next = 0;
            match batch? {
                Ok(batch) => {
                    let columns = self.paths.iter().map(|path| Column::of(&batch, path)).collect();
                    self.batch = Arc::new(Batch { columns, rows: batch.num_rows() });
                }
                Err(error) => {
                    self.ended = true;
                    return Some((self.rows + 1, Err(wrong(error))));
                }
            }
        }
        let record = Record { batch: Arc::clone(&self.batch), row: self.next };
        self.next += 1;
        self.rows += 1;
        let record = if record.bytes() > MAX_RECORD_BYTES { Err(too_long()) } else { Ok(record) };
        Some((self.rows, record))
    }
}

impl Record {
    /// The values in the order they were asked for, `None` where the file has no such column.
    pub(in crate::cli) fn items(&self) -> impl Iterator<Item = Option<Item<'_>>> {
        self.batch.columns.iter().map(|column| Some(Item { column: column.as_ref()?, row: self.row }))
    }

    /// The bytes of its strings, which are what may be long.
    pub(in crate::cli) fn bytes(&self) -> usize {
        self.items().flatten().filter_map(|item| Some(item.bytes()?.len())).sum()
    }
}

impl Column {
    /// The column that a path leads to.
    fn of(batch: &RecordBatch, path: &FieldPath) -> Option<Self> {
        if let Some(values) = batch.column_by_name(path.name()) {
            return Some(Self { values: Arc::clone(values), within: Vec::new() });
        }
        let (first, inner) = path.parts().split_first()?;
        let mut values = batch.column_by_name(first)?;
        let mut within = Vec::new();
        for part in inner {
            within.push(Arc::clone(values));
            values = values.as_struct_opt()?.column_by_name(part)?;
        }
        Some(Self { values: Arc::clone(values), within })
    }
}

/// How many rows to decode at a time. What a file says of its sizes does not tell how long a row is: a long text may stand in
/// it once for many rows. But none is longer than its column is.
fn rows_together(file: &ParquetMetaData, wanted: &[usize]) -> usize {
    let rows = file.row_groups().iter().map(|group| {
        let bytes: i64 = wanted.iter().map(|&leaf| group.column(leaf).uncompressed_size().max(0)).sum();
        if bytes / group.num_rows().max(1) > LONG {
            1
        } else {
            (TOGETHER / bytes.max(1)).clamp(*ROWS.start(), *ROWS.end())
        }
    });
    rows.min().and_then(|rows| usize::try_from(rows).ok()).unwrap_or(1)
}

fn wrong(error: impl std::fmt::Display) -> String {
    format!("cannot be read: {error}, expected a Parquet file")
}

impl Item<'_> {
    /// Where a struct is null, its fields are, whatever stands there.
    fn is_null(&self) -> bool {
        self.column.values.is_null(self.row) || self.column.within.iter().any(|outer| outer.is_null(self.row))
    }

    /// The bytes of a string; `None` if it is none.
    fn bytes(&self) -> Option<&[u8]> {
        let (values, row) = (&self.column.values, self.row);
        Some(match values.data_type() {
            DataType::Utf8 => values.as_string::<i32>().value(row).as_bytes(),
            DataType::LargeUtf8 => values.as_string::<i64>().value(row).as_bytes(),
            // A writer that did not say that its bytes are text.
            DataType::Binary => values.as_binary::<i32>().value(row),
            DataType::LargeBinary => values.as_binary::<i64>().value(row),
            _ => return None,
        })
    }

    /// A string, `None` for null; the error says what is there instead.
    pub(in crate::cli) fn text(&self) -> Result<Option<String>, String> {
        if self.is_null() {
            return Ok(None);
        }
        let bytes = self.bytes().ok_or_else(|| format!("a column of {}", self.column.values.data_type()))?;
        let text = std::str::from_utf8(bytes);
        text.map(|text| Some(text.to_owned())).map_err(|error| format!("invalid UTF-8 at byte {}", error.valid_up_to()))
    }

    /// Any value; the error says what is there instead of a single one.
    pub(in crate::cli) fn value(&self) -> Result<Value, String> {
        let (values, row) = (&self.column.values, self.row);
        macro_rules! number {
            ($kind:ty) => {
                Value::from(values.as_primitive::<$kind>().value(row))
            };
        }
        // Digit by digit.
        macro_rules! decimal {
            ($kind:ty) => {
                values.as_primitive::<$kind>().value_as_string(row).into()
            };
        }
        macro_rules! time {
            ($kind:ty) => {
                values
                    .as_primitive::<$kind>()
                    .value_as_datetime(row)
                    .map_or(Value::Null, |time| time.and_utc().to_rfc3339().into())
            };
        }
        if self.is_null() {
            return Ok(Value::Null);
        }
        Ok(match values.data_type() {
            DataType::Boolean => values.as_boolean().value(row).into(),
            DataType::Int8 => number!(Int8Type),
            DataType::Int16 => number!(Int16Type),
            DataType::Int32 => number!(Int32Type),
            DataType::Int64 => number!(Int64Type),
            DataType::UInt8 => number!(UInt8Type),
            DataType::UInt16 => number!(UInt16Type),
            DataType::UInt32 => number!(UInt32Type),
            DataType::UInt64 => number!(UInt64Type),
            DataType::Float32 => number!(Float32Type),
            DataType::Float64 => number!(Float64Type),
            DataType::Decimal128(..) => decimal!(Decimal128Type),
            DataType::Decimal256(..) => decimal!(Decimal256Type),
            DataType::FixedSizeBinary(16) => uuid(values.as_fixed_size_binary().value(row)).into(),
            DataType::Timestamp(TimeUnit::Second, _) => time!(TimestampSecondType),
            DataType::Timestamp(TimeUnit::Millisecond, _) => time!(TimestampMillisecondType),
            DataType::Timestamp(TimeUnit::Microsecond, _) => time!(TimestampMicrosecondType),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => time!(TimestampNanosecondType),
            DataType::Date32 => values
                .as_primitive::<Date32Type>()
                .value_as_date(row)
                .map_or(Value::Null, |date| date.to_string().into()),
            _ => self.text()?.into(),
        })
    }
}

/// A UUID as it is usually written; other ids of sixteen bytes are as well off with that.
fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        let dash = if matches!(place, 4 | 6 | 8 | 10) { "-" } else { "" };
        let _ = write!(text, "{dash}{byte:02x}");
    }
    text
}
