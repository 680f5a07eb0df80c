//! Logs that the tests make up, from a seed, and all the ways to write them.

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::json;

/// Numbers that look random and are the same every time.
pub struct Random(pub u64);

impl Random {
    /// The next number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }

    pub fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

pub struct Row {
    pub id: u64,
    pub prompt: String,
    pub negative: Option<String>,
}

const WORDS: [&str; 24] = [
    "a",
    "lighthouse",
    "at",
    "dusk",
    "oil",
    "painting",
    "castle",
    "river",
    "knight",
    "murk",
    "toy",
    "fox",
    "forest",
    "neon",
    "rain",
    "bridge",
    "portrait",
    "soft",
    "light",
    "garden",
    "boat",
    "watercolour",
    "sea",
    "tower",
];
/// Words of the invented lists, which block.
const BLOCKED: [&str; 3] = ["zorbl", "quux3l", "vorpal snib"];

/// Rows of plain words, every fourth or so to be blocked.
pub fn rows(seed: u64, count: u64) -> Vec<Row> {
    let mut random = Random(seed);
    let row = |id| {
        let mut words: Vec<&str> = (0..4 + random.below(12)).map(|_| random.one_of(&WORDS)).collect();
        if random.below(4) == 0 {
            words.push(random.one_of(&BLOCKED));
        }
        let negative = (random.below(5) == 0).then(|| format!("blurry, {}", random.one_of(&BLOCKED)));
        Row { id, prompt: format!("{} {id}", words.join(" ")), negative }
    };
    (1..=count).map(row).collect()
}

/// Rows with everything that a format may stumble over.
pub fn awkward_rows() -> Vec<Row> {
    let prompts = [
        ("a lighthouse", None),
        ("a zorbl", None),
        ("a \"zorbl\", quoted, with commas", None),
        ("a lighthouse\nin two lines, no zorblike thing", Some("blurry")),
        ("carriage return\r\na zorbl", None),
        ("\ttabs\tin the\tprompt\t", Some("a zorbl, \"quoted\"\nnegative")),
        ("", None),
        ("  spaces around a quuxel  ", None),
        ("'single' `back` \\n no line end, \\\" \\u0041", None),
        ("ein Leuchtturm über dem Meer — 灯台 🗼", None),
        ("\u{feff}a mark inside, \u{202e}turned around\u{202c}", None),
        ("{\"prompt\": \"a zorbl\"}", None),
        ("# no comment; a=b", Some("zorbl")),
        ("\"", None),
        ("prompt,negative,id", None),
        ("null", None),
    ];
    let mut rows: Vec<Row> = Vec::new();
    for (prompt, negative) in prompts {
        rows.push(Row { id: rows.len() as u64 + 1, prompt: prompt.to_owned(), negative: negative.map(str::to_owned) });
    }
    rows.extend(self::rows(7, 60).into_iter().map(|row| Row { id: row.id + 100, ..row }));
    rows
}

pub fn jsonl(rows: &[Row]) -> Vec<u8> {
    let line = |row: &Row| match &row.negative {
        Some(negative) => json!({"id": row.id, "prompt": row.prompt, "negative": negative}).to_string(),
        None => json!({"id": row.id, "prompt": row.prompt}).to_string(),
    };
    rows.iter().map(line).fold(String::new(), |text, line| text + &line + "\n").into_bytes()
}

/// With the prompt inside of another object.
pub fn nested_jsonl(rows: &[Row]) -> Vec<u8> {
    let line =
        |row: &Row| json!({"meta": {"id": row.id}, "request": {"text": row.prompt, "not": row.negative}}).to_string();
    rows.iter().map(line).fold(String::new(), |text, line| text + &line + "\n").into_bytes()
}

/// CSV, or TSV, with every cell in quotes that needs them.
pub fn table(rows: &[Row], header: [&str; 3], delimiter: char, end: &str) -> Vec<u8> {
    let quoted = |cell: &str| {
        let plain = !cell.contains(['"', '\n', '\r', delimiter]);
        if plain { cell.to_owned() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
    };
    let mut text = header.join(&delimiter.to_string()) + end;
    for row in rows {
        let cells = [quoted(&row.prompt), row.id.to_string(), quoted(row.negative.as_deref().unwrap_or_default())];
        text = text + &cells.join(&delimiter.to_string()) + end;
    }
    text.into_bytes()
}

pub fn csv(rows: &[Row]) -> Vec<u8> {
    table(rows, ["prompt", "id", "negative"], ',', "\n")
}

/// Columns of a Parquet file: prompt, id and negative.
pub fn columns(rows: &[Row]) -> [ArrayRef; 3] {
    let prompts: StringArray = rows.iter().map(|row| Some(&row.prompt)).collect();
    let ids: Int64Array = rows.iter().map(|row| Some(i64::try_from(row.id).unwrap())).collect();
    let negatives: StringArray = rows.iter().map(|row| row.negative.as_ref()).collect();
    [Arc::new(prompts), Arc::new(ids), Arc::new(negatives)]
}

pub fn parquet(rows: &[Row]) -> Vec<u8> {
    let [prompts, ids, negatives] = columns(rows);
    parquet_of([("prompt", prompts), ("id", ids), ("negative", negatives)], 1 << 20)
}

pub fn nested_parquet(rows: &[Row]) -> Vec<u8> {
    let [prompts, ids, negatives] = columns(rows);
    let field = |name: &str, of: DataType| Arc::new(Field::new(name, of, true));
    let request =
        StructArray::from(vec![(field("not", DataType::Utf8), negatives), (field("text", DataType::Utf8), prompts)]);
    let meta = StructArray::from(vec![(field("id", DataType::Int64), ids)]);
    parquet_of([("meta", Arc::new(meta) as ArrayRef), ("request", Arc::new(request))], 1 << 20)
}

/// A Parquet file with these columns, and so many rows in a row group.
pub fn parquet_of<'a>(columns: impl IntoIterator<Item = (&'a str, ArrayRef)>, group: usize) -> Vec<u8> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)));
    let batch = batch.unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(group))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

pub fn unzstd(bytes: &[u8]) -> Vec<u8> {
    zstd::decode_all(bytes).unwrap()
}
