//! Times as logs write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Moment(i64);

/// A number beyond this counts milliseconds: as seconds it would lie in the year 5138.
const LATEST_SECONDS: i64 = 100_000_000_000;

impl Moment {
    /// Reads RFC 3339, a date with or without a time (UTC), or seconds or milliseconds since 1970, in digits or as a number.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Self::of_number(number.as_f64()?),
            Value::String(text) => {
                let text = text.trim();
                if let Ok(number) = text.parse::<f64>() {
                    return Self::of_number(number);
                }
                let utc = |time: NaiveDateTime| Self(time.and_utc().timestamp());
                DateTime::parse_from_rfc3339(text)
                    .map(|time| Self(time.timestamp()))
                    .or_else(|_| DateTime::parse_from_rfc2822(text).map(|time| Self(time.timestamp())))
                    .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").map(utc))
                    .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(utc))
                    .ok()
                    .or_else(|| Some(utc(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0)?)))
            }
            _ => None,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "what does not fit is no time")]
    fn of_number(number: f64) -> Option<Self> {
        if !number.is_finite() || !(0.0..1e14).contains(&number) {
            return None;
        }
        let number = number as i64;
        Some(Self(if number > LATEST_SECONDS { number / 1000 } else { number }))
    }

    /// Seconds since 1970.
    pub(super) fn seconds(self) -> i64 {
        self.0
    }

    /// The beginning of its hour.
    pub(super) fn hour(self) -> i64 {
        self.0.div_euclid(3600) * 3600
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_as_logs_write_them() {
        let noon = Some(Moment(1_767_268_800));
        for value in [
            json!("2026-01-01T12:00:00Z"),
            json!("2026-01-01T13:00:00+01:00"),
            json!("2026-01-01 12:00:00"),
            json!("2026-01-01T12:00:00.25"),
            json!(1_767_268_800),
            json!(1_767_268_800_000_u64),
            json!("1767268800"),
            json!(1_767_268_800.5),
            json!("Thu, 1 Jan 2026 12:00:00 +0000"),
        ] {
            assert_eq!(Moment::of(&value), noon, "{value}");
        }
        assert_eq!(Moment::of(&json!("2026-01-01")), Some(Moment(1_767_225_600)));
        for value in [json!("yesterday"), json!(null), json!(-5), json!(1e30), json!([1])] {
            assert_eq!(Moment::of(&value), None, "{value}");
        }
        assert_eq!(Moment(1_767_268_801).hour(), 1_767_268_800);
    }
}
