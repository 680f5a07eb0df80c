//! Texts of the shapes that break other filters, each of about the length asked for. Tests and benches share them.

/// A name, and what makes the text of so many bytes.
pub type Input = (&'static str, fn(usize) -> String);

pub const INPUTS: &[Input] = &[
    ("plain words", |len| repeat("quiet harbor at dawn, ", len)),
    ("one endless word", |len| repeat("a", len)),
    ("unknown words", |len| numbered(len, |number| format!("{} ", unknown(number)))),
    ("braces", |len| repeat("{", len)),
    ("closed braces", |len| nested("{", "}", len)),
    ("choices", |len| repeat("{a,b}", len)),
    ("brackets", |len| repeat("([", len)),
    ("closed parentheses", |len| nested("(", ")", len)),
    ("alternations", |len| repeat("[cat|dog]", len)),
    ("double colons", |len| repeat("::", len.min(20_000)) + &repeat("boat ", len.saturating_sub(20_000))),
    ("weights", |len| repeat("na::ked ", len)),
    ("commas", |len| repeat(",", len)),
    ("quotes", |len| repeat("\"", len)),
    ("tied strings", |len| repeat("\"na\"+\"ked\"+", len)),
    ("one letter, many marks", |len| "a".to_owned() + &repeat("\u{301}", len - 1)),
    ("marks on each letter", |len| repeat("n\u{301}\u{302}\u{303}a\u{327}\u{30a}\u{336}", len)),
    ("ideographs", |len| repeat("漢字写真女風景山水", len)),
    ("kana", |len| repeat("ヌードひらがなカタカナ", len)),
    ("hangul", |len| repeat("누드의여자", len)),
    ("alternating scripts", |len| repeat("aбcдαβ漢ب", len)),
    ("look-alikes", |len| repeat("nаkеd сat ", len)),
    ("turned text", |len| repeat("\u{202e}dekan\u{202c} ǝpnu ", len)),
    ("overrides without end", |len| repeat("\u{202e}dekan ", len)),
    ("emoji", |len| repeat("🍑🍆💦👩\u{200d}👩\u{200d}👧", len)),
    ("masks", |len| repeat("n*k*d ", len)),
    ("mask signs", |len| repeat("*", len)),
    ("blocked words", |len| repeat("naked cake ", len)),
    ("groups, then insults", |len| repeat("jews ", len / 2) + &repeat("rats ", len - len / 2)),
    ("ages, then context", |len| repeat("12 year old ", len / 2) + &repeat("bikini ", len - len / 2)),
    ("halves of phrases", |len| repeat("severed blood bath of ", len)),
    ("letters", |len| repeat("a b c d ", len)),
    ("punctuated letters", |len| repeat("a.b.c.d.", len)),
    ("leet", |len| repeat("4a1 n4k3d ", len)),
    ("drawn letters", |len| repeat("|\\|/\\", len)),
    ("repeats", |len| repeat("nuuuude ", len)),
    ("camel case", |len| repeat("NakedCake", len)),
    ("percent escapes", |len| repeat("%6e", len)),
    ("character references", |len| repeat("&#110;", len)),
    ("base64", |len| repeat("bnVkZSBjYWtl ", len)),
    ("base64 without spaces", |len| repeat("bnVkZSBjYWtl", len)),
    ("hexadecimal", |len| repeat("6e756465 ", len)),
    ("morse", |len| repeat("-. ..- -.. . / ", len)),
    ("dots and dashes", |len| repeat(".-", len)),
    ("digits", |len| repeat("4155550123 ", len)),
    ("digits without spaces", |len| repeat("4155550123", len)),
    ("addresses", |len| repeat("a@b.co ", len)),
    ("links", |len| repeat("https://x.y/z ", len)),
    ("parameters", |len| repeat("--ar 3:2 --no cat ", len)),
    ("turned words", |len| repeat("ekac dekan ", len)),
    ("words in halves", |len| repeat("na ked ", len)),
    ("words written together", |len| repeat("nakedwomanportrait ", len)),
    ("spaces", |len| repeat(" ", len)),
    ("lines", |len| repeat("a\n", len)),
];

/// `piece` as often as fits, the last time cut short at a character.
fn repeat(piece: &str, len: usize) -> String {
    let mut text = piece.repeat(len / piece.len());
    let rest = (0..=len - text.len()).rev().find(|&end| piece.is_char_boundary(end)).unwrap_or(0);
    text.push_str(&piece[..rest]);
    text
}

fn nested(open: &str, close: &str, len: usize) -> String {
    open.repeat(len / 2) + &close.repeat(len - len / 2)
}

fn numbered(len: usize, piece: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < len {
        text.push_str(&piece(number));
        number += 1;
    }
    text.truncate(len);
    text
}

/// A word of 24 letters that nobody knows, another one for each number.
fn unknown(number: usize) -> String {
    let mut bits = number as u64 + 1;
    let letter = |_| {
        bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        char::from(b'a' + u8::try_from((bits >> 40) % 26).unwrap_or(0))
    };
    (0..24).map(letter).collect()
}
