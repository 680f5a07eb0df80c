//! What folding makes of single characters: `folds.tsv`, which `scripts/generate-fold-table.py` writes, ready for look-up.

use std::sync::OnceLock;

/// Characters a leaf of the table holds.
const LEAF: usize = 128;
/// The number of leaves that would cover all of Unicode.
const LEAVES: usize = 0x11_0000 / LEAF;

/// What the plain fold makes of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    /// It stays.
    Same,
    /// It shows nothing, or it is an accent.
    Nothing,
    /// A space or a dash.
    Space,
    /// Other text.
    Text(&'static str),
}

#[derive(Clone, Copy)]
struct Entry {
    plain: Plain,
    twins: &'static str,
}

const SAME: Entry = Entry { plain: Plain::Same, twins: "" };

/// The table in two stages: which leaf a block of characters has (0 if nothing in it changes), and the leaves.
struct Table {
    leaf_of: Vec<u16>,
    leaves: Vec<[Entry; LEAF]>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table { leaf_of: vec![0; LEAVES], leaves: vec![[SAME; LEAF]] };
        for line in include_str!("folds.tsv").lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split('\t');
            let code = columns.next().and_then(|code| usize::from_str_radix(code, 16).ok());
            let plain = match columns.next() {
                Some("=") | None => Plain::Same,
                Some("-") => Plain::Nothing,
                Some("_") => Plain::Space,
                Some(text) => Plain::Text(text),
            };
            let Some(code) = code else { continue };
            let Some(leaf) = table.leaf_of.get_mut(code / LEAF) else { continue };
            if *leaf == 0 {
                *leaf = u16::try_from(table.leaves.len()).unwrap_or(0);
                table.leaves.push([SAME; LEAF]);
            }
            let entry = table.leaves.get_mut(usize::from(*leaf)).and_then(|leaf| leaf.get_mut(code % LEAF));
            if let Some(entry) = entry {
                *entry = Entry { plain, twins: columns.next().unwrap_or_default() };
            }
        }
        table
    })
}

fn entry(character: char) -> Entry {
    let (table, code) = (table(), character as usize);
    let leaf = table.leaf_of.get(code / LEAF).and_then(|&leaf| table.leaves.get(usize::from(leaf)));
    leaf.and_then(|leaf| leaf.get(code % LEAF)).copied().unwrap_or(SAME)
}

/// What the plain fold makes of a character outside ASCII.
pub(super) fn plain(character: char) -> Plain {
    entry(character).plain
}

/// The Latin letters that a character outside ASCII may be read as, the likelier reading first; `None` if it looks like none.
pub(super) fn latin_twins(character: char) -> Option<(&'static str, Option<&'static str>)> {
    let twins = entry(character).twins;
    (!twins.is_empty()).then(|| match twins.split_once(' ') {
        Some((first, second)) => (first, Some(second)),
        None => (twins, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_its_file_says() {
        assert_eq!(plain('é'), Plain::Text("e"));
        assert_eq!(plain('\u{200b}'), Plain::Nothing);
        assert_eq!(plain('\u{3000}'), Plain::Space);
        assert_eq!(plain('漢'), Plain::Same);
        assert_eq!(plain('\u{ff10}'), Plain::Text("0"));
        assert_eq!(latin_twins('е'), Some(("e", None)));
        assert_eq!(latin_twins('η'), Some(("n", Some("h"))));
        assert_eq!(latin_twins('漢'), None);
    }
}
