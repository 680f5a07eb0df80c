//! Reads a policy file to its end, whatever is wrong with it: a loader takes the first fault, a linter all of them.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{Action, Bands, CascadePolicy, CategoryPolicy, ExampleRow, Explain, Limits, PolicyFile};
use crate::category::{Category, Severity};
use crate::error::{LoadError, line_of};

/// A value and the line it stands on.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) line: usize,
}

/// A policy as far as it can be read: what is missing or at fault is `None`.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) name: Option<At<String>>,
    pub(super) explain: Option<At<Explain>>,
    pub(super) limits: DraftLimits,
    pub(super) screen: DraftBands,
    pub(super) main: DraftBands,
    pub(super) categories: BTreeMap<Category, DraftRow>,
    pub(super) must_allow: Vec<ExampleRow>,
    pub(super) must_block: Vec<ExampleRow>,
}

#[derive(Debug, Default)]
pub(super) struct DraftLimits {
    pub(super) max_prompt_bytes: Option<At<usize>>,
    pub(super) max_readings: Option<At<usize>>,
    pub(super) max_main_pieces: Option<At<usize>>,
    pub(super) max_expert_pieces: Option<At<usize>>,
    pub(super) deadline_ms: Option<At<u64>>,
}

#[derive(Debug, Default)]
pub(super) struct DraftBands {
    /// The line of the table.
    pub(super) line: Option<usize>,
    pub(super) foreign: Option<At<f32>>,
    pub(super) low: BTreeMap<Category, At<f32>>,
    pub(super) high: BTreeMap<Category, At<f32>>,
}

#[derive(Debug, Default)]
pub(super) struct DraftRow {
    pub(super) action: Option<At<Action>>,
    pub(super) severity: Option<At<Severity>>,
    pub(super) threshold: Option<At<f32>>,
    pub(super) on_error: Option<At<Action>>,
    pub(super) clause: Option<At<String>>,
    pub(super) user_message: Option<At<String>>,
}

impl Draft {
    /// The policy, if nothing is missing.
    pub(super) fn finish(self) -> Option<PolicyFile> {
        let limits = Limits {
            max_prompt_bytes: self.limits.max_prompt_bytes?.value,
            max_readings: self.limits.max_readings?.value,
            max_main_pieces: self.limits.max_main_pieces?.value,
            max_expert_pieces: self.limits.max_expert_pieces?.value,
            deadline_ms: self.limits.deadline_ms?.value,
        };
        let row = |(category, row): (Category, DraftRow)| {
            let row = CategoryPolicy {
                action: row.action?.value,
                severity: row.severity?.value,
                threshold: row.threshold.map(|threshold| threshold.value),
                on_error: row.on_error?.value,
                clause: row.clause?.value,
                user_message: row.user_message?.value,
            };
            Some((category, row))
        };
        Some(PolicyFile {
            name: self.name?.value,
            explain: self.explain.map(|explain| explain.value).unwrap_or_default(),
            limits,
            cascade: CascadePolicy { screen: self.screen.finish(), main: self.main.finish() },
            category: self.categories.into_iter().map(row).collect::<Option<_>>()?,
            must_allow: self.must_allow,
            must_block: self.must_block,
        })
    }
}

impl DraftBands {
    fn finish(self) -> Bands {
        let values = |band: BTreeMap<Category, At<f32>>| band.into_iter().map(|(key, at)| (key, at.value)).collect();
        Bands { foreign: self.foreign.map(|at| at.value), low: values(self.low), high: values(self.high) }
    }
}

/// Reads the text of a policy. The faults come in the order of their lines, behind them what is missing: it often is what an unknown
/// key was meant to be.
pub(super) fn read(place: &str, text: &str) -> (Draft, Vec<LoadError>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut faults: Vec<LoadError> = errors.iter().map(|error| LoadError::toml(place, text, error)).collect();
    // One slip makes several errors on its line.
    faults.sort_by_key(LoadError::line);
    faults.dedup_by_key(|fault| fault.line());
    let broken = faults.iter().map(LoadError::line).collect();
    let mut reader = Reader { place, text, broken, faults, missing: Vec::new() };
    let draft = reader.draft(Table { entries: document.get_ref(), line: None });
    let Reader { mut faults, mut missing, .. } = reader;
    faults.sort_by_key(LoadError::line);
    missing.sort_by_key(|fault| (fault.line().is_none(), fault.line()));
    faults.append(&mut missing);
    (draft, faults)
}

/// A table, and the line that opens it; the file as a whole has none.
#[derive(Clone, Copy)]
struct Table<'t> {
    entries: &'t DeTable<'t>,
    line: Option<usize>,
}

struct Reader<'a> {
    place: &'a str,
    text: &'a str,
    /// The lines that are no TOML. What they seem to say is not what is wrong with them, and where there are any, a thing may be
    /// missing only because it cannot be read.
    broken: Vec<Option<usize>>,
    faults: Vec<LoadError>,
    missing: Vec<LoadError>,
}

impl Reader<'_> {
    fn draft(&mut self, root: Table<'_>) -> Draft {
        let schema: Option<At<u32>> = self.required(root, "schema");
        if let Some(other) = schema.filter(|schema| schema.value != 1) {
            // What else there is may be right in that version.
            self.fault(other.line, format!("schema {}, expected 1", other.value));
            return Draft::default();
        }
        self.keys(root, &["schema", "name", "explain", "limits", "cascade", "category", "must_allow", "must_block"]);
        let mut draft = Draft {
            name: self.required(root, "name"),
            explain: self.optional(root, "explain"),
            must_allow: self.examples(root, "must_allow"),
            must_block: self.examples(root, "must_block"),
            ..Draft::default()
        };
        if let Some(limits) = self.table(root, "limits") {
            draft.limits = self.limits(limits);
        }
        if let Some(cascade) = self.table(root, "cascade") {
            self.keys(cascade, &["screen", "main"]);
            for (name, bands) in [("screen", &mut draft.screen), ("main", &mut draft.main)] {
                if let Some(table) = self.table(cascade, name) {
                    *bands = self.bands(table, name);
                }
            }
        }
        if let Some(categories) = self.table(root, "category") {
            draft.categories = self.categories(categories);
        }
        draft
    }

    fn limits(&mut self, table: Table<'_>) -> DraftLimits {
        self.keys(table, &["max_prompt_bytes", "max_readings", "max_main_pieces", "max_expert_pieces", "deadline_ms"]);
        DraftLimits {
            max_prompt_bytes: self.required(table, "max_prompt_bytes"),
            max_readings: self.required(table, "max_readings"),
            max_main_pieces: self.required(table, "max_main_pieces"),
            max_expert_pieces: self.required(table, "max_expert_pieces"),
            deadline_ms: self.required(table, "deadline_ms"),
        }
    }

    fn bands(&mut self, table: Table<'_>, model: &str) -> DraftBands {
        self.keys(table, &["foreign", "low", "high"]);
        let band = |reader: &mut Self, name: &str| {
            reader
                .table(table, name)
                .map(|band| reader.band(band, &format!("cascade.{model}.{name}")))
                .unwrap_or_default()
        };
        let (low, high) = (band(self, "low"), band(self, "high"));
        let foreign = self.optional(table, "foreign");
        DraftBands { line: table.line, foreign: self.score(foreign, "`foreign`"), low, high }
    }

    /// The scores of a band, one for every category that models score.
    fn band(&mut self, table: Table<'_>, path: &str) -> BTreeMap<Category, At<f32>> {
        let mut band = BTreeMap::new();
        for (category, line, value) in self.by_category(table) {
            if category.score_index().is_none() {
                self.fault(line, format!("`{path}` of `{category}`, which no model scores, expected none"));
                continue;
            }
            let score = self.value(line, value);
            if let Some(score) = self.score(score, &format!("`{path}` of `{category}`")) {
                band.insert(category, score);
            }
        }
        for category in Category::SCORED.into_iter().filter(|category| !table.holds(category.id())) {
            self.missing(
                table.line,
                format!("no `{path}` of `{category}`, expected one for every category that models score"),
            );
        }
        band
    }

    fn categories(&mut self, table: Table<'_>) -> BTreeMap<Category, DraftRow> {
        let mut rows = BTreeMap::new();
        for (category, line, value) in self.by_category(table) {
            if let Some(entries) = self.as_table(line, value) {
                rows.insert(category, self.row(category, Table { entries, line: Some(line) }));
            }
        }
        for category in Category::ALL.into_iter().filter(|category| !table.holds(category.id())) {
            self.missing(None, format!("no `[category.{category}]`, expected one for every category"));
        }
        rows
    }

    fn row(&mut self, category: Category, table: Table<'_>) -> DraftRow {
        self.keys(table, &["action", "severity", "threshold", "on_error", "clause", "user_message"]);
        let action: Option<At<Action>> = self.required(table, "action");
        if let Some(other) = action.filter(|action| category == Category::Minors && action.value != Action::Block) {
            let message = "category `minors`: action is not `block`, expected `block`: no exception applies to it";
            self.fault(other.line, message);
        }
        let threshold: Option<At<f32>> = self.optional(table, "threshold");
        match (threshold, category.score_index()) {
            (Some(threshold), None) => {
                let message = format!("category `{category}`: `threshold`, though no model scores it, expected none");
                self.fault(threshold.line, message);
            }
            (None, Some(_)) if !table.holds("threshold") => self.missing(
                table.line,
                format!("category `{category}`: no `threshold`, expected one for every category that models score"),
            ),
            _ => {}
        }
        DraftRow {
            action,
            severity: self.required(table, "severity"),
            threshold: self.score(threshold, &format!("category `{category}`: threshold")),
            on_error: self.required(table, "on_error"),
            clause: self.required(table, "clause"),
            user_message: self.required(table, "user_message"),
        }
    }

    /// The examples under `key`. What stands in them is never quoted.
    fn examples(&mut self, root: Table<'_>, key: &str) -> Vec<ExampleRow> {
        let Some((line, value)) = self.entry(root, key) else { return Vec::new() };
        let Some(found) = value.get_ref().as_array() else {
            self.fault(line, format!("`{key}`: {}, expected `[[{key}]]`", value.get_ref().type_str()));
            return Vec::new();
        };
        let mut examples = Vec::new();
        for value in found {
            let line = line_of(self.text, value.span().start);
            if let Some(entries) = value.get_ref().as_table() {
                examples.extend(self.example(key, Table { entries, line: Some(line) }));
            } else {
                let found = value.get_ref().type_str();
                self.fault(line, format!("`{key}` holds {found}, expected `[[{key}]]`"));
            }
        }
        examples
    }

    fn example(&mut self, key: &str, table: Table<'_>) -> Option<ExampleRow> {
        self.keys(table, &["prompt", "negative", "models"]);
        if !table.holds("prompt") {
            self.missing(table.line, format!("no `prompt` in `{key}`, expected one"));
        }
        let text = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
        let truth = |value: &DeValue<'_>| value.as_bool();
        let prompt = self.unquoted(key, table, "prompt", "a string", text);
        let negative = self.unquoted(key, table, "negative", "a string", text);
        let models = self.unquoted(key, table, "models", "`true` or `false`", truth);
        Some(ExampleRow { prompt: prompt?, negative, models: models.unwrap_or(false), line: table.line? })
    }

    /// A field of an example. Other than [`optional`](Self::optional) this does not repeat what it finds.
    fn unquoted<T>(
        &mut self,
        key: &str,
        table: Table<'_>,
        field: &str,
        expected: &str,
        get: impl Fn(&DeValue<'_>) -> Option<T>,
    ) -> Option<T> {
        let (line, value) = self.entry(table, field)?;
        let found = get(value.get_ref());
        if found.is_none() {
            let message = format!("`{field}` of `{key}`: {}, expected {expected}", value.get_ref().type_str());
            self.fault(line, message);
        }
        found
    }

    /// The entries of a table whose keys are categories, in the order of the file.
    fn by_category<'t>(&mut self, table: Table<'t>) -> Vec<(Category, usize, &'t Spanned<DeValue<'t>>)> {
        let mut found = Vec::new();
        for (key, value) in table.entries {
            let line = line_of(self.text, key.span().start);
            if let Ok(category) = key.get_ref().parse::<Category>() {
                found.push((category, line, value));
            } else {
                let expected = Category::ALL.map(Category::id).join("`, `");
                self.fault(line, format!("unknown category `{}`, expected one of `{expected}`", key.get_ref()));
            }
        }
        found
    }

    /// Drops a score that is none.
    fn score(&mut self, score: Option<At<f32>>, what: &str) -> Option<At<f32>> {
        let score = score?;
        let sound = (0.0..=1.0).contains(&score.value);
        if !sound {
            self.fault(score.line, format!("{what} out of range, expected 0 to 1"));
        }
        sound.then_some(score)
    }

    /// Reports the keys of a table that nobody reads.
    fn keys(&mut self, table: Table<'_>, known: &[&str]) {
        for (key, _) in table.entries.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            let message = format!("unknown field `{}`, expected one of `{}`", key.get_ref(), known.join("`, `"));
            self.fault(line_of(self.text, key.span().start), message);
        }
    }

    fn entry<'t>(&self, table: Table<'t>, key: &str) -> Option<(usize, &'t Spanned<DeValue<'t>>)> {
        table.entries.get_key_value(key).map(|(key, value)| (line_of(self.text, key.span().start), value))
    }

    fn table<'t>(&mut self, parent: Table<'t>, key: &str) -> Option<Table<'t>> {
        let Some((line, value)) = self.entry(parent, key) else {
            self.missing(parent.line, format!("missing field `{key}`"));
            return None;
        };
        self.as_table(line, value).map(|entries| Table { entries, line: Some(line) })
    }

    fn as_table<'t>(&mut self, line: usize, value: &'t Spanned<DeValue<'t>>) -> Option<&'t DeTable<'t>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.fault(line, format!("{}, expected a table", value.get_ref().type_str()));
        }
        table
    }

    fn required<T: DeserializeOwned>(&mut self, table: Table<'_>, key: &str) -> Option<At<T>> {
        if !table.holds(key) {
            self.missing(table.line, format!("missing field `{key}`"));
        }
        self.optional(table, key)
    }

    fn optional<T: DeserializeOwned>(&mut self, table: Table<'_>, key: &str) -> Option<At<T>> {
        let (line, value) = self.entry(table, key)?;
        self.value(line, value)
    }

    fn value<T: DeserializeOwned>(&mut self, line: usize, value: &Spanned<DeValue<'_>>) -> Option<At<T>> {
        match T::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(value) => Some(At { value, line }),
            Err(error) => {
                self.fault(line, LoadError::toml(self.place, self.text, &error).message());
                None
            }
        }
    }

    fn fault(&mut self, line: usize, message: impl Into<String>) {
        if !self.broken.contains(&Some(line)) {
            self.faults.push(LoadError::new(self.place, message).at_line(line));
        }
    }

    fn missing(&mut self, line: Option<usize>, message: String) {
        if self.broken.is_empty() {
            let fault = LoadError::new(self.place, message);
            self.missing.push(match line {
                Some(line) => fault.at_line(line),
                None => fault,
            });
        }
    }
}

impl Table<'_> {
    fn holds(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }
}
