//! The word lists and rules that are compiled in, and the same from a folder.

use std::path::{Path, PathBuf};

use super::Wordlist;
use crate::error::LoadError;

/// Word lists, and rule files as place and text.
type Sources = (Vec<Wordlist>, Vec<(String, String)>);

/// Every word list and rule file under `wordlists/`, by path, with its text; `build.rs` writes the table.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/wordlists.rs"));

/// The lists and rules that are compiled in.
pub(crate) fn compiled_in() -> Result<Sources, LoadError> {
    let (mut lists, mut rules) = (Vec::new(), Vec::new());
    for (path, text) in FILES {
        let place = format!("wordlists/{path}");
        if is_list(&place) {
            lists.push(Wordlist::parse_checked(&place, text)?);
        } else {
            rules.push((place, (*text).to_owned()));
        }
    }
    Ok((lists, rules))
}

/// The lists that are compiled in, as place and text.
pub(super) fn lists() -> impl Iterator<Item = (String, &'static str)> {
    FILES.iter().map(|(path, text)| (format!("wordlists/{path}"), *text)).filter(|(place, _)| is_list(place))
}

/// The lists and rules of a folder laid out as `wordlists/`: `*.csv` and `rules.toml`, in it and one level below.
///
/// # Errors
///
/// A folder or file that cannot be read, a folder without lists, or a file that does not parse.
pub(crate) fn load(folder: &Path) -> Result<Sources, LoadError> {
    let entries = |folder: &Path| -> Result<Vec<PathBuf>, LoadError> {
        let fail = |error: std::io::Error| {
            LoadError::new(
                folder.display().to_string(),
                format!("cannot be read: {error}, expected a folder of word lists"),
            )
        };
        let found = std::fs::read_dir(folder).map_err(fail)?.map(|entry| entry.map(|entry| entry.path()));
        found.collect::<Result<Vec<_>, _>>().map_err(fail)
    };
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() { files.extend(entries(&path)?) } else { files.push(path) }
    }
    files.retain(|path| path.extension().is_some_and(|kind| kind == "csv") || path.ends_with("rules.toml"));
    // Folders come in no order; decisions must not depend on it.
    files.sort();
    if files.is_empty() {
        return Err(LoadError::new(
            folder.display().to_string(),
            "no `*.csv` and no `rules.toml`, expected word lists",
        ));
    }
    let read = |path: PathBuf| {
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| LoadError::new(&place, format!("cannot be read: {error}, expected UTF-8 text")))?;
        Ok((place, text))
    };
    collect(files.into_iter().map(read).collect::<Result<Vec<_>, LoadError>>()?.into_iter())
}

fn is_list(place: &str) -> bool {
    Path::new(place).extension().is_some_and(|kind| kind == "csv")
}

fn collect(files: impl Iterator<Item = (String, String)>) -> Result<Sources, LoadError> {
    let (mut lists, mut rules) = (Vec::new(), Vec::new());
    for (place, text) in files {
        if is_list(&place) {
            lists.push(Wordlist::parse(&place, &text)?);
        } else {
            rules.push((place, text));
        }
    }
    Ok((lists, rules))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_what_is_compiled_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("wordlists");
        let ((lists, rules), (built_in, built_in_rules)) = (load(&folder).unwrap(), compiled_in().unwrap());
        let ids = |lists: &[Wordlist]| lists.iter().map(|list| (list.id.clone(), list.terms.len())).collect::<Vec<_>>();
        assert_eq!(ids(&lists), ids(&built_in));
        assert_eq!(rules.len(), built_in_rules.len());
    }
}
