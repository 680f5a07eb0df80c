//! The settings of a policy one by one, each with its line.

use serde::Serialize;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use crate::error::line_of;
use crate::policy::{Explain, Policy};

/// A setting in force.
#[derive(Debug, Serialize)]
pub(super) struct Setting {
    /// Its path in the file, `category.gore.threshold`.
    pub(super) key: String,
    pub(super) value: Value,
    /// The policy or the argument that says so; `None` for what holds where nothing is said.
    pub(super) place: Option<String>,
    /// The line of the policy.
    pub(super) line: Option<usize>,
    /// The line of the policy that an argument overrides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) overrides: Option<usize>,
}

/// The settings of `policy` in the order of its lines, examples aside; `explain` is an argument that overrides one.
pub(super) fn settings(policy: &Policy, explain: Option<Explain>) -> Vec<Setting> {
    let mut settings = Vec::new();
    if let Ok(document) = DeTable::parse(policy.text()) {
        collect(policy, "", document.get_ref(), &mut settings);
    }
    settings.sort_by_key(|setting| setting.line);
    let said = settings.iter().position(|setting| setting.key == "explain");
    let value = |explain| match explain {
        Explain::First => Value::from("first"),
        Explain::All => Value::from("all"),
    };
    match (said.and_then(|index| settings.get_mut(index)), explain) {
        (Some(said), Some(explain)) => {
            said.overrides = said.line.take();
            said.value = value(explain);
            said.place = Some("--explain".to_owned());
        }
        (Some(_), None) => {}
        (None, explain) => settings.push(Setting {
            key: "explain".to_owned(),
            value: value(explain.unwrap_or_default()),
            place: explain.map(|_| "--explain".to_owned()),
            line: None,
            overrides: None,
        }),
    }
    settings
}

fn collect(policy: &Policy, path: &str, table: &DeTable<'_>, settings: &mut Vec<Setting>) {
    for (key, value) in table {
        let line = line_of(policy.text(), key.span().start);
        let key = if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
        let value = match value.get_ref() {
            DeValue::Table(table) => {
                collect(policy, &key, table, settings);
                continue;
            }
            // Examples: prompts are not printed.
            DeValue::Array(_) => continue,
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.as_str().into(), Value::from),
            DeValue::Float(number) => {
                number.as_str().parse::<f64>().map_or_else(|_| number.as_str().into(), Value::from)
            }
            DeValue::Boolean(value) => Value::from(*value),
            DeValue::Datetime(day) => Value::from(day.to_string()),
        };
        settings.push(Setting {
            key,
            value,
            place: Some(policy.place().to_owned()),
            line: Some(line),
            overrides: None,
        });
    }
}
