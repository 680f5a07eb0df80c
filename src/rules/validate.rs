//! Checks that a pattern cannot make: check digits, number ranges, numbers that stand for nobody.

use serde::Deserialize;

/// A check on the text a pattern matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Validator {
    /// Payment card: 13 to 19 digits with a valid Luhn check digit (ISO/IEC 7812-1).
    Luhn,
    /// US social security number: no area 000, 666 or 9xx, no group 00, no serial 0000 (ssa.gov, since 2011).
    Ssn,
    /// Bank account: check digits by ISO 7064 mod 97-10 (ISO 13616).
    Iban,
    /// A telephone number somebody may own: not the 555-01xx of fiction, not toll-free.
    Phone,
    /// An address of a person: not a role (`info@`), not a reserved domain (RFC 2606).
    Email,
}

impl Validator {
    pub(super) fn accepts(self, text: &str) -> bool {
        match self {
            Self::Luhn => luhn(text),
            Self::Ssn => ssn(text),
            Self::Iban => iban(text),
            Self::Phone => phone(text),
            Self::Email => email(text),
        }
    }
}

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|character| character.to_digit(10)).collect()
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

fn phone(text: &str) -> bool {
    let mut digits = digits(text);
    let international = text.trim_start().starts_with('+');
    if digits.len() == 11 && digits.first() == Some(&1) {
        digits.remove(0);
    } else if international {
        return (8..=15).contains(&digits.len());
    }
    let [area @ .., e0, e1, e2, s0, s1, _, _] = &digits[..] else { return false };
    let toll_free = matches!(area, [8, 0 | 3..=8, second] if *second == 0 || area.get(1) == Some(second));
    let fictional = [*e0, *e1, *e2] == [5, 5, 5] && [*s0, *s1] == [0, 1];
    let dialable = *e0 >= 2 && matches!(area, [] | [2..=9, _, _]);
    dialable && !toll_free && !fictional
}

fn email(text: &str) -> bool {
    const ROLES: [&str; 34] = [
        "admin",
        "billing",
        "booking",
        "bookings",
        "careers",
        "contact",
        "customerservice",
        "enquiries",
        "events",
        "feedback",
        "hello",
        "help",
        "helpdesk",
        "hi",
        "hr",
        "info",
        "inquiries",
        "jobs",
        "mail",
        "marketing",
        "media",
        "news",
        "newsletter",
        "noreply",
        "office",
        "orders",
        "press",
        "reservations",
        "sales",
        "service",
        "shop",
        "store",
        "support",
        "team",
    ];
    const RESERVED: [&str; 8] =
        ["example.com", "example.org", "example.net", ".example", ".test", ".invalid", ".localhost", "domain.com"];
    let text = text.trim().to_ascii_lowercase();
    let Some((name, domain)) = text.rsplit_once('@') else { return false };
    let role = name.replace(['-', '.', '_'], "");
    !ROLES.contains(&role.as_str()) && !RESERVED.iter().any(|reserved| domain.ends_with(reserved))
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

    #[test]
    fn numbers_and_addresses_of_nobody() {
        assert!(phone("(212) 867-4410") && phone("+44 20 7946 8312"));
        assert!(!phone("212-555-0143") && !phone("1-800-867-4410") && !phone("888-867-4410") && !phone("112-867-4410"));
        assert!(email("jane.roe@mailbox.org") && !email("info@bakery.com") && !email("jane@example.com"));
    }
}
