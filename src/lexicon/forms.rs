//! The regular English endings of a term's last word.

/// `term` and its regular forms: plural, possessive, past and progressive.
///
/// Forms that are no words (`nudeing`) do no harm: nobody writes them.
pub(super) fn forms(term: &str) -> Vec<String> {
    let mut forms = vec![term.to_owned()];
    let mut chars = term.chars().rev();
    let (last, before, third) = (chars.next(), chars.next(), chars.next());
    let Some(last) = last.filter(char::is_ascii_lowercase) else { return forms };
    let mut add = |stem: &str, endings: &[&str]| forms.extend(endings.iter().map(|ending| format!("{stem}{ending}")));
    let stem = term.strip_suffix(last).unwrap_or(term);
    match last {
        's' | 'x' | 'z' => add(term, &["es", "'s", "ed", "ing"]),
        'h' if matches!(before, Some('s' | 'c')) => add(term, &["es", "'s", "ed", "ing"]),
        'e' => {
            add(term, &["s", "'s", "d"]);
            add(stem, &["ing"]);
        }
        'y' if before.is_some_and(|letter| !is_vowel(letter)) => {
            add(stem, &["ies", "ied"]);
            add(term, &["'s", "ing"]);
        }
        _ => add(term, &["s", "'s", "ed", "ing"]),
    }
    // stab, stabbed, stabbing: a consonant after a single vowel doubles.
    let doubling = !is_vowel(last)
        && !matches!(last, 'w' | 'x' | 'y')
        && before.is_some_and(is_vowel)
        && third.is_some_and(|letter| letter.is_ascii_lowercase() && !is_vowel(letter));
    if doubling {
        let stem = format!("{term}{last}");
        forms.extend(["ed", "ing"].map(|ending| format!("{stem}{ending}")));
    }
    forms
}

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u')
}

#[cfg(test)]
mod tests {
    use super::forms;

    #[test]
    fn regular_endings() {
        assert_eq!(forms("behead"), ["behead", "beheads", "behead's", "beheaded", "beheading"]);
        assert_eq!(forms("fake id"), ["fake id", "fake ids", "fake id's", "fake ided", "fake iding"]);
        assert_eq!(forms("mutilate"), ["mutilate", "mutilates", "mutilate's", "mutilated", "mutilating"]);
        assert_eq!(forms("autopsy"), ["autopsy", "autopsies", "autopsied", "autopsy's", "autopsying"]);
        assert_eq!(
            forms("corpse torch"),
            ["corpse torch", "corpse torches", "corpse torch's", "corpse torched", "corpse torching"]
        );
        assert!(forms("stab").contains(&"stabbing".to_owned()));
        assert_eq!(forms("18"), ["18"]);
    }
}
