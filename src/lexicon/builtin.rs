//! The word lists and rules that are compiled in, and the same from a folder.

use std::path::{Path, PathBuf};

use super::Wordlist;
use crate::error::LoadError;

/// Word lists, and rule files as place and text.
type Sources = (Vec<Wordlist>, Vec<(String, String)>);

/// A file under `wordlists/`: its path there and its text.
macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/wordlists/", $path)))),*]
    };
}

/// Every word list and rule file, one line each; a test holds it against the folder.
const FILES: &[(&str, &str)] = files![
    "adult/adult-en.csv",
    "adult/allow-adult-en.csv",
    "adult/allow-clothing-en.csv",
    "adult/body-focus-en.csv",
    "adult/body-part-en.csv",
    "adult/clothing-en.csv",
    "adult/clothing-general-en.csv",
    "adult/laundry-en.csv",
    "adult/mood-en.csv",
    "adult/outfit-en.csv",
    "adult/person-en.csv",
    "adult/rules.toml",
    "adult/safe-negative-en.csv",
    "adult/sexual-context-en.csv",
    "adult/underwear-en.csv",
    "deception/allow-deception-en.csv",
    "deception/claim-person-en.csv",
    "deception/deception-en.csv",
    "deception/document-en.csv",
    "deception/harmless-prop-en.csv",
    "deception/insurance-ad-en.csv",
    "deception/issuer-en.csv",
    "deception/login-brand-en.csv",
    "deception/money-en.csv",
    "deception/money-print-en.csv",
    "deception/news-neutral-en.csv",
    "deception/news-outlet-en.csv",
    "deception/pass-as-real-en.csv",
    "deception/rules.toml",
    "deception/social-post-en.csv",
    "deception/watermark-keep-en.csv",
    "election/allow-election-en.csv",
    "election/campaign-en.csv",
    "election/campaign-material-en.csv",
    "election/campaign-print-en.csv",
    "election/campaign-print-name-en.csv",
    "election/campaign-sign-en.csv",
    "election/candidate-en.csv",
    "election/election-en.csv",
    "election/election-history-en.csv",
    "election/false-scene-en.csv",
    "election/for-office-en.csv",
    "election/not-a-campaign-en.csv",
    "election/office-holders-en.csv",
    "election/parties-en.csv",
    "election/rules.toml",
    "gore/allow-gore-en.csv",
    "gore/bloodshed-en.csv",
    "gore/gore-en.csv",
    "gore/gore-safe-en.csv",
    "gore/injury-en.csv",
    "gore/rules.toml",
    "gore/victim-en.csv",
    "hate/allow-hate-en.csv",
    "hate/anti-bullying-en.csv",
    "hate/anti-hate-en.csv",
    "hate/demean-en.csv",
    "hate/glorify-en.csv",
    "hate/group-en.csv",
    "hate/hate-en.csv",
    "hate/hate-symbol-en.csv",
    "hate/humiliate-en.csv",
    "hate/known-person-en.csv",
    "hate/nazi-foe-en.csv",
    "hate/play-en.csv",
    "hate/rules.toml",
    "illegal/allow-illegal-en.csv",
    "illegal/contraband-en.csv",
    "illegal/crime-safe-en.csv",
    "illegal/illegal-en.csv",
    "illegal/instruction-en.csv",
    "illegal/rules.toml",
    "illegal/trade-en.csv",
    "minors/aged-goods-en.csv",
    "minors/minor-age-en.csv",
    "minors/minor-age-loose-en.csv",
    "minors/minors-en.csv",
    "minors/not-a-child-en.csv",
    "minors/rules.toml",
    "minors/test-invented.csv",
    "private_info/business-line-en.csv",
    "private_info/plate-prop-en.csv",
    "private_info/private-person-en.csv",
    "private_info/public-address-en.csv",
    "private_info/rules.toml",
];

/// The lists and rules that are compiled in.
pub(crate) fn compiled_in() -> Result<Sources, LoadError> {
    collect(FILES.iter().map(|(path, text)| (format!("wordlists/{path}"), (*text).to_owned())))
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

fn collect(files: impl Iterator<Item = (String, String)>) -> Result<Sources, LoadError> {
    let (mut lists, mut rules) = (Vec::new(), Vec::new());
    for (place, text) in files {
        if Path::new(&place).extension().is_some_and(|kind| kind == "csv") {
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
    fn every_file_of_the_folder_is_compiled_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("wordlists");
        let (lists, rules) = load(&folder).unwrap();
        assert_eq!(FILES.len(), lists.len() + rules.len(), "`FILES` in {} misses a file of wordlists/", file!());
        assert!(FILES.is_sorted_by_key(|file| file.0));
    }
}
