//! Which of several shards a row is of: it follows from where the row stands, so that machines need not talk.

use serde::{Deserialize, Serialize};

/// One of several shards, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(in crate::cli) struct Shard {
    pub(super) index: u64,
    pub(super) count: u64,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected I/N, with I from 1 to N".to_owned();
        let (index, count) = text.split_once('/').ok_or_else(expected)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| expected());
        let (index, count) = (number(index)?, number(count)?);
        if (1..=count).contains(&index) { Ok(Self { index, count }) } else { Err(expected()) }
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl Shard {
    /// Whether a row is of this shard.
    pub(super) fn holds(self, place: &str, ordinal: u64) -> bool {
        index(self.count, place, ordinal) == self.index
    }
}

/// Which of `count` shards a row is of, by the hash of where it stands: the same on every machine, and evenly spread
/// whatever the order of the rows.
pub(super) fn index(count: u64, place: &str, ordinal: u64) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(place.as_bytes()).update(&[0]).update(&ordinal.to_le_bytes());
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    u64::from_le_bytes(first) % count + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_of_one_shard() {
        for count in [1, 2, 7] {
            let shards: Vec<Shard> = (1..=count).map(|index| format!("{index}/{count}").parse().unwrap()).collect();
            let mut sizes = vec![0; shards.len()];
            for record in 0..2000 {
                let of: Vec<usize> =
                    (0..shards.len()).filter(|&shard| shards[shard].holds("log.jsonl", record)).collect();
                assert_eq!(of.len(), 1);
                sizes[of[0]] += 1;
            }
            assert!(sizes.iter().all(|size| (size * shards.len()).abs_diff(2000) < 500), "{sizes:?}");
        }
        for wrong in ["0/2", "3/2", "1", "a/b", "1/0", "/", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
