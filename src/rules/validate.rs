//! Checks that a pattern cannot make: check digits, number ranges, numbers that stand for nobody.

use serde::Deserialize;

/// A check on the text a pattern matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Validator {
    /// Payment card: 13 to 19 digits with a valid Luhn check digit (ISO/IEC 7812-1).
    Luhn,
    /// US social security number: no area 000, 666 or 9xx, no group 00, no serial 0000 (ssa.gov, since 2011).
    Ssn,
    /// Bank account: check digits by ISO 7064 mod 97-10 (ISO 13616).
    Iban,
    /// A telephone number somebody may own, in digits or in English words: not one set aside for fiction, not toll-free,
    /// no counting.
    Phone,
    /// An address of a person, as `a@b.c` or spelled (`a at b dot c`): not a role (`info@`), not a reserved domain
    /// (RFC 2606).
    Email,
    /// A number of a national register, by the check digits of whichever register has numbers of that shape.
    NationalId,
    /// A number that may be somebody's: six digits or more, not one digit over and over, no counting.
    Varied,
    /// Twelve words or more of the kind a wallet is restored from (BIP-39), none of them a function word.
    SeedPhrase,
}

impl Validator {
    pub(super) fn accepts(self, text: &str) -> bool {
        match self {
            Self::Luhn => luhn(text),
            Self::Ssn => ssn(text),
            Self::Iban => iban(text),
            Self::Phone => phone(text),
            Self::Email => email(text),
            Self::NationalId => national_id(text),
            Self::Varied => varied(text),
            Self::SeedPhrase => seed_phrase(text),
        }
    }
}

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|character| character.to_digit(10)).collect()
}

/// The sum of `digits` times `weights`.
fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// The value of `digits` modulo `by`.
fn remainder(digits: &[u32], by: u32) -> u32 {
    digits.iter().fold(0, |rest, digit| (rest * 10 + digit) % by)
}

fn luhn(text: &str) -> bool {
    let digits = digits(text);
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    // A row of one digit passes the sum and is nobody's card.
    let varied = digits.windows(2).any(|pair| pair.first() != pair.last());
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10) && varied
}

fn ssn(text: &str) -> bool {
    let digits = digits(text);
    let number =
        |from: usize, to: usize| digits.get(from..to).map(|part| part.iter().fold(0, |sum, digit| sum * 10 + digit));
    let (area, group, serial) = (number(0, 3), number(3, 5), number(5, 9));
    digits.len() == 9 && !matches!(area, Some(0 | 666 | 900..)) && group != Some(0) && serial != Some(0)
}

fn iban(text: &str) -> bool {
    let account: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
    if !(15..=34).contains(&account.len()) {
        return false;
    }
    let (head, body) = account.split_at(4);
    let mut rest = 0_u32;
    for character in body.iter().chain(head) {
        let Some(value) = character.to_ascii_lowercase().to_digit(36) else { return false };
        rest = (rest * if value > 9 { 100 } else { 10 } + value) % 97;
    }
    rest == 1
}

/// Parts of numbers that their regulators set aside for drama: Ofcom, ACMA, ARCEP, Bundesnetzagentur, each with the country
/// code and with the zero that replaces it.
const FICTIONAL: [&str; 22] = [
    "447700900",
    "07700900",
    "442079460",
    "02079460",
    "441632960",
    "01632960",
    "44113496",
    "0113496",
    "61491570",
    "0491570",
    "6125550",
    "025550",
    "61255501",
    "33199001",
    "0199001",
    "33639981",
    "0639981",
    "493023125",
    "03023125",
    "496990009",
    "06990009",
    "4917139200",
];

/// Beginnings of national numbers the called side pays for, or that only businesses have.
const BUSINESS: [&str; 10] = ["0800", "0808", "0300", "0330", "0345", "0843", "0844", "0845", "0870", "0900"];

/// Words which show that the number behind them is no telephone's.
const OTHER_NUMBERS: [&str; 9] = ["seed", "order n", "serial", "tracking", "isbn", "version", "hash", "invoice", "sku"];

fn phone(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut digits = digits(text);
    if digits.is_empty() {
        digits = spoken_digits(&lower);
    }
    // Read out or glued, counting down is counting; India writes its sample number in fives.
    if counting(&digits) && !text.contains("98765 43210") || OTHER_NUMBERS.iter().any(|word| lower.contains(word)) {
        return false;
    }
    let number: String = digits.iter().filter_map(|&digit| char::from_digit(digit, 10)).collect();
    if FICTIONAL.iter().any(|reserved| number.starts_with(reserved)) {
        return false;
    }
    let international =
        text.trim_start_matches(|character: char| !character.is_ascii_digit() && character != '+').starts_with('+');
    // A one by itself in front is North America's; glued to other digits it may be China's or an area's of Brazil.
    let runs = text.split(|character: char| !character.is_ascii_digit());
    let glued = runs.map(str::len).find(|&length| length > 0).unwrap_or_default();
    let north_american = international || glued == 1 || glued == 11 && !chinese_mobile(&digits);
    if digits.len() == 11 && digits.first() == Some(&1) && north_american {
        digits.remove(0);
    } else if international {
        return (8..=15).contains(&digits.len());
    }
    match digits[..] {
        [0, second, ..] => {
            (9..=15).contains(&digits.len())
                && (second != 0 || digits.len() > 11)
                && !BUSINESS.iter().any(|prefix| number.starts_with(prefix))
        }
        _ if digits.len() == 11 => chinese_mobile(&digits) || glued == 2 || digits.first() >= Some(&2),
        // Nine digits: most of Europe.
        [first, ..] if digits.len() == 9 => first >= 4,
        [ref area @ .., e0, e1, e2, s0, s1, _, _] => {
            let toll_free = matches!(area, [8, 0 | 3..=8, second] if *second == 0 || area.get(1) == Some(second));
            // Without an area code, all of 555 and one song are nobody's.
            let fictional = [e0, e1, e2] == [5, 5, 5] && ([s0, s1] == [0, 1] || area.is_empty()) || number == "8675309";
            // Outside North America the fourth digit of ten may be any.
            let dialable = matches!(area, [] if e0 >= 2) || matches!(area, [2..=9, _, _]);
            dialable && !toll_free && !fictional
        }
        _ => false,
    }
}

fn chinese_mobile(digits: &[u32]) -> bool {
    matches!(digits, [1, 3..=9, ..])
}

/// The digits of a number read out in English: `four one five`, `oh`, `double two`.
fn spoken_digits(text: &str) -> Vec<u32> {
    const WORDS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let mut spoken = Vec::new();
    let mut times = 1;
    for word in text.split(|character: char| !character.is_ascii_alphabetic()).filter(|word| !word.is_empty()) {
        let value = if matches!(word, "oh" | "o") { Some(0) } else { WORDS.iter().position(|digit| *digit == word) };
        match (word, value.and_then(|value| u32::try_from(value).ok())) {
            ("double", _) => times = 2,
            ("triple", _) => times = 3,
            (_, Some(value)) => {
                spoken.extend(std::iter::repeat_n(value, times));
                times = 1;
            }
            _ => times = 1,
        }
    }
    spoken
}

/// Whether the digits are a row of one digit, or count up or down all the way (`1234567890`).
fn counting(digits: &[u32]) -> bool {
    let steps = |step: u32| digits.windows(2).all(|pair| matches!(pair, [one, next] if (one + step) % 10 == *next));
    // `01 02 03 04 05` counts by twos.
    let (pairs, rest) = digits.as_chunks::<2>();
    let numbers: Vec<u32> = pairs.iter().map(|[tens, ones]| tens * 10 + ones).collect();
    let by_pairs = rest.is_empty() && numbers.windows(2).all(|pair| matches!(pair, [one, next] if one + 1 == *next));
    steps(0) || steps(1) || steps(9) || by_pairs
}

fn varied(text: &str) -> bool {
    let digits = digits(text);
    // Two values are the zeros and ones of a sample.
    let mut values = digits.clone();
    values.sort_unstable();
    values.dedup();
    digits.len() >= 6 && values.len() > 2 && !counting(&digits)
}

fn national_id(text: &str) -> bool {
    let id: Vec<char> =
        text.chars().filter(char::is_ascii_alphanumeric).map(|each| each.to_ascii_uppercase()).collect();
    let shape: String = id.iter().map(|each| if each.is_ascii_digit() { '9' } else { 'A' }).collect();
    let digits = digits(text);
    if counting(&digits) {
        return false;
    }
    match shape.as_str() {
        "99999999A" => dni(&digits, 0, id.last()) || rut(&digits, id.last()),
        "A9999999A" => match id.first() {
            Some('X') => dni(&digits, 0, id.last()),
            Some('Y') => dni(&digits, 10_000_000, id.last()),
            Some('Z') => dni(&digits, 20_000_000, id.last()),
            _ => nric(&id, &digits),
        },
        "9999999A" | "99999999" | "999999999" => rut(&digits, id.last()),
        "99999999999" => cpf(&digits) || pesel(&digits),
        "999999999999" => verhoeff(&digits),
        "9999999999999" => resident_kr(&digits),
        "999999999999999" => insee(&digits),
        "999999999999999999" | "99999999999999999A" => resident_cn(&digits, id.last()),
        "AAAAAA99A99A999A" => codice_fiscale(&id),
        _ => false,
    }
}

/// Spain's DNI and NIE: the letter is number modulo 23 (interior.gob.es, "Cálculo del dígito de control del NIF-NIE").
fn dni(digits: &[u32], offset: u32, letter: Option<&char>) -> bool {
    const LETTERS: [char; 23] = [
        'T', 'R', 'W', 'A', 'G', 'M', 'Y', 'F', 'P', 'D', 'X', 'B', 'N', 'J', 'Z', 'S', 'Q', 'V', 'H', 'L', 'C', 'K',
        'E',
    ];
    let rest = (remainder(digits, 23) + offset) % 23;
    usize::try_from(rest).ok().and_then(|rest| LETTERS.get(rest)) == letter
}

/// Chile's RUT: modulo 11, weights 2 to 7 from the right (registrocivil.cl).
fn rut(digits: &[u32], check: Option<&char>) -> bool {
    let body = match check {
        Some('K') => digits,
        _ => digits.split_last().map_or(digits, |(_, body)| body),
    };
    let sum: u32 = body.iter().rev().zip([2, 3, 4, 5, 6, 7].iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    let expected = match 11 - sum % 11 {
        11 => Some('0'),
        10 => Some('K'),
        digit => char::from_digit(digit, 10),
    };
    expected.as_ref() == check
}

/// Brazil's CPF: two check digits modulo 11 (Receita Federal).
fn cpf(digits: &[u32]) -> bool {
    let check = |length: usize| {
        let body = digits.get(..length)?;
        let weights: Vec<u32> = (2..).take(length).collect();
        let sum: u32 = body.iter().rev().zip(&weights).map(|(digit, weight)| digit * weight).sum();
        Some(sum * 10 % 11 % 10)
    };
    digits.len() == 11 && check(9) == digits.get(9).copied() && check(10) == digits.get(10).copied()
}

/// Poland's PESEL: weights 1 3 7 9, and months coded with the century (gov.pl, "Czym jest numer PESEL").
fn pesel(digits: &[u32]) -> bool {
    let sum = weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    let month = digits.get(2..4).map(|month| remainder(month, 20));
    let day = digits.get(4..6).map(|day| remainder(day, 100));
    digits.len() == 11 && sum.is_multiple_of(10) && matches!(month, Some(1..=12)) && matches!(day, Some(1..=31))
}

/// India's Aadhaar: Verhoeff's check digit over the dihedral group of order ten, first digit 2 to 9 (uidai.gov.in).
fn verhoeff(digits: &[u32]) -> bool {
    const PERMUTED: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let multiply = |one: u32, other: u32| match (one < 5, other < 5) {
        (true, true) => (one + other) % 5,
        (true, false) => 5 + (one + other - 5) % 5,
        (false, true) => 5 + (one + 5 - other) % 5,
        (false, false) => (one + 5 - other) % 5,
    };
    let permute = |digit: u32, times: usize| {
        (0..times).fold(digit, |digit, _| {
            usize::try_from(digit).ok().and_then(|at| PERMUTED.get(at)).copied().unwrap_or_default()
        })
    };
    let check =
        digits.iter().rev().enumerate().fold(0, |sum, (place, &digit)| multiply(sum, permute(digit, place % 8)));
    digits.len() == 12 && digits.first() >= Some(&2) && check == 0
}

/// South Korea's resident number: a birth date, and before 2020 a check digit modulo 11 (the date alone decides here).
fn resident_kr(digits: &[u32]) -> bool {
    let part = |from: usize| digits.get(from..from + 2).map(|part| remainder(part, 100));
    matches!(part(2), Some(1..=12)) && matches!(part(4), Some(1..=31)) && matches!(digits.get(6), Some(1..=8))
}

/// France's NIR: the last two digits are 97 minus the rest modulo 97 (insee.fr).
fn insee(digits: &[u32]) -> bool {
    let Some((body, check)) = digits.split_at_checked(13) else { return false };
    let month = body.get(3..5).map(|month| remainder(month, 100));
    matches!(body.first(), Some(1 | 2))
        && matches!(month, Some(1..=12 | 20..=42))
        && remainder(check, 100) == 97 - remainder(body, 97)
}

/// China's resident identity number: ISO 7064 mod 11-2 with a birth date (GB 11643-1999).
fn resident_cn(digits: &[u32], check: Option<&char>) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];
    let rest = weighted(digits, &WEIGHTS) % 11;
    let month = digits.get(10..12).map(|month| remainder(month, 100));
    usize::try_from(rest).ok().and_then(|rest| CHECKS.get(rest)) == check && matches!(month, Some(1..=12))
}

/// Singapore's NRIC: weights 2 7 6 5 4 3 2, letters by series (ica.gov.sg names the series, the letters are common knowledge).
fn nric(id: &[char], digits: &[u32]) -> bool {
    let (series, offset) = match id.first() {
        Some('S') => ("JZIHGFEDCBA", 0),
        Some('T') => ("JZIHGFEDCBA", 4),
        Some('F') => ("XWUTRQPNMLK", 0),
        Some('G') => ("XWUTRQPNMLK", 4),
        _ => return false,
    };
    let rest = (weighted(digits, &[2, 7, 6, 5, 4, 3, 2]) + offset) % 11;
    usize::try_from(rest).ok().and_then(|rest| series.chars().nth(rest)).as_ref() == id.last()
}

/// Italy's codice fiscale: odd places by a table, modulo 26 (D.M. 23 December 1976).
fn codice_fiscale(id: &[char]) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let Some((check, body)) = id.split_last() else { return false };
    let value = |character: char| character.to_digit(36).map(|value| if value > 9 { value - 10 } else { value });
    let mut sum = 0;
    for (place, &character) in body.iter().enumerate() {
        let Some(value) = value(character) else { return false };
        let odd = usize::try_from(value).ok().and_then(|value| ODD.get(value)).copied().unwrap_or_default();
        sum += if place % 2 == 0 { odd } else { value };
    }
    value(*check) == Some(sum % 26) && check.is_ascii_alphabetic()
}

fn seed_phrase(text: &str) -> bool {
    const FUNCTION_WORDS: [&str; 16] = [
        "and", "are", "beside", "by", "for", "from", "has", "her", "his", "into", "its", "our", "the", "their", "was",
        "with",
    ];
    let words: Vec<&str> =
        text.split(|character: char| !character.is_ascii_alphabetic()).filter(|word| !word.is_empty()).collect();
    words.len() >= 12 && !words.iter().any(|word| FUNCTION_WORDS.contains(word))
}

/// Words of a mailbox that show it is a business's.
const ROLES: [&str; 64] = [
    "admin",
    "agency",
    "bakery",
    "billing",
    "booking",
    "boutique",
    "cafe",
    "careers",
    "catering",
    "clinic",
    "company",
    "contact",
    "customerservice",
    "dental",
    "design",
    "enquiries",
    "events",
    "feedback",
    "florist",
    "flowers",
    "foundation",
    "gallery",
    "garage",
    "hello",
    "help",
    "hotel",
    "info",
    "inquiries",
    "invoice",
    "jobs",
    "kitchen",
    "kontakt",
    "law",
    "mail",
    "marketing",
    "media",
    "museum",
    "music",
    "news",
    "newsletter",
    "noreply",
    "office",
    "official",
    "orders",
    "photography",
    "pizza",
    "press",
    "productions",
    "realty",
    "records",
    "reservations",
    "restaurant",
    "sales",
    "salon",
    "school",
    "service",
    "shop",
    "store",
    "studio",
    "support",
    "tattoo",
    "team",
    "travel",
    "welcome",
];

fn email(text: &str) -> bool {
    const RESERVED: [&str; 10] = [
        "example.com",
        "example.org",
        "example.net",
        ".example",
        ".test",
        ".invalid",
        ".localhost",
        "domain.com",
        "email.com",
        "yourcompany.com",
    ];
    /// Words before a `dot` that name no mailbox's domain: `at the dot`.
    const NO_DOMAINS: [&str; 7] = ["the", "a", "an", "this", "that", "one", "each"];
    const SPELLED: [(&str, &str); 21] = [
        ("(at)", "@"),
        ("[at]", "@"),
        ("{at}", "@"),
        ("<at>", "@"),
        (" at ", "@"),
        (" arroba ", "@"),
        ("(dot)", "."),
        ("[dot]", "."),
        ("{dot}", "."),
        ("<dot>", "."),
        (" dot ", "."),
        (" punto ", "."),
        (" punkt ", "."),
        (" underscore ", "_"),
        (" dash ", "-"),
        (" hyphen ", "-"),
        (" minus ", "-"),
        (" @", "@"),
        ("@ ", "@"),
        (" .", "."),
        (". ", "."),
    ];
    let mut text = text.trim().to_ascii_lowercase();
    for (spelled, sign) in SPELLED {
        text = text.replace(spelled, sign);
    }
    let Some(address) = text.split_whitespace().rfind(|part| part.contains('@')) else { return false };
    let Some((name, domain)) = address.rsplit_once('@') else { return false };
    let role = name.replace(['-', '.', '_'], "");
    let business = ROLES.iter().any(|word| role == *word || word.len() > 3 && role.contains(word))
        || matches!(role.as_str(), "hi" | "hr");
    let host = domain.split('.').next().unwrap_or_default();
    let placeholder = ["youremail", "yourname", "name", "email", "user", "username", "test"].contains(&role.as_str());
    !business
        && !placeholder
        && !NO_DOMAINS.contains(&host)
        && !RESERVED.iter().any(|reserved| domain.ends_with(reserved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits() {
        assert!(luhn("4111 1111 1111 1111") && !luhn("4111 1111 1111 1112") && !luhn("0000 0000 0000 0000"));
        assert!(iban("GB82 WEST 1234 5698 7654 32") && !iban("GB82 WEST 1234 5698 7654 33"));
        assert!(ssn("123-45-6789") && !ssn("666-45-6789") && !ssn("123-00-6789") && !ssn("912-45-6789"));
    }

    /// Numbers which the registers, or texts about them, print as samples; each with one character changed.
    #[test]
    fn numbers_of_registers() {
        for (good, bad) in [
            ("45678912S", "45678912A"),
            ("X4827193E", "X4827193F"),
            ("529.982.247-25", "529.982.247-26"),
            ("44051401359", "44051401358"),
            ("2341 2341 2346", "2341 2341 2347"),
            ("850101-1234567", "851301-1234567"),
            ("1 84 05 78 006 048 79", "1 84 05 78 006 048 78"),
            ("11010519491231002X", "110105194912310021"),
            ("S8271936I", "S8271936J"),
            ("30.686.957-4", "30.686.957-5"),
            ("RSSMRA85T10A562S", "RSSMRA85T10A562T"),
        ] {
            assert!(national_id(good) && !national_id(bad), "{good}");
        }
        assert!(!national_id("111.111.111-11") && !national_id("1234567890123"));
        assert!(
            varied("C01X00T478")
                && !varied("000000000")
                && !varied("12345678")
                && !varied("1234 5678 9012 3456")
                && !varied("1010-1010")
        );
    }

    #[test]
    fn numbers_and_addresses_of_nobody() {
        assert!(phone("(212) 867-4410") && phone("+44 20 7946 8312"));
        assert!(!phone("212-555-0143") && !phone("1-800-867-4410") && !phone("888-867-4410") && !phone("112-867-4410"));
        assert!(!phone("07700 900346") && !phone("+61 491 570 156") && !phone("0800 123 4567") && !phone("1234567890"));
        assert!(!phone("1-800-482-7135") && !phone("555-2368"));
        assert!(!phone("seed 4158672290") && !phone("20261124"));
        assert!(email("jane.roe@mailbox.org") && !email("info@bakery.com") && !email("jane@example.com"));
        assert!(!email("rosebakery@gmail.com") && !email("your.name@gmail.com"));
    }

    #[test]
    fn numbers_of_many_countries() {
        for number in [
            "06 12 34 57 78",
            "0171 2345678",
            "090-1234-5678",
            "138 0013 8000",
            "8 (912) 345-67-89",
            "0532 123 45 67",
            "98765 43210",
            "612 845 973",
            "(11) 98765-4321",
            "0412 345 678",
        ] {
            assert!(phone(number), "{number}");
        }
    }

    #[test]
    fn read_out() {
        assert!(
            phone("four one five, eight six seven, two two nine oh")
                && phone("five five five eight six seven five three oh nine")
        );
        assert!(!phone("one two three four five six seven") && !phone("five five five oh one four two"));
        assert!(
            email("jane dot roe at gmail dot com") && email("john (at) mail (dot) com") && email("john[at]mail.com")
        );
        assert!(!email("info at bakery dot com") && !email("meet at the dot com"));
    }

    #[test]
    fn wallets() {
        assert!(seed_phrase("seed phrase: anchor brisk cactus dune ember fossil grape harbor ivory jungle kiwi lemon"));
        assert!(!seed_phrase("seed phrase written under the tree beside a river for birds and bees to find later"));
    }
}
